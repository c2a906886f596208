#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The crash table on the real processes: the enclave, then the RTP, is killed
# at its first, second, third... durable step of a rotation, until a rotation
# passes without a kill.  strace injects the SIGKILL into the release build:
# nothing in it knows of this test.  After each: the same log, one body for
# each epoch, the epochs agree, attestation goes on.
load device

setup_file() { make_images; }
setup() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root to attach to the enclave'
    make_device && start_device
}
teardown() { stop_device; }

# Kills the process at its k-th call of one kind from now on.  strace counts
# each kind of call for itself.
# Only the thread that writes is traced: the last one.  (A traced leader that
# waits for a killed thread can keep strace waiting for ever.)
arm() { # pid call k
    local thread
    thread=$(writer_of "$1")
    strace -qq -o "$FOLDER/trace" -e trace="$2" -e inject="$2":signal=SIGKILL:when="$3" -p "$thread" 3>&- &
    STRACE=$!
    await 'strace attached' traced "$thread"
}
writer_of() { ls "/proc/$1/task" | sort -n | tail -1; }
traced() { [ "$(awk '/^TracerPid:/ { print $2 }' "/proc/$1/status")" -ne 0 ]; }
disarm() {
    kill "$STRACE" 2>/dev/null && wait "$STRACE" || true
}
settled() { attested && [ "$(status state 2>/dev/null)" = current ] && [ "$(status phase 2>/dev/null)" = current ]; }

kill_at_each() { # component call at-least
    local log epoch k=0 rounds=0 pid was_killed=true answered
    log=$(status log_id)
    epoch=$(status epoch)
    while $was_killed; do
        k=$((k + 1)) answered=true
        pid=$(pid_of "$1")
        arm "$pid" "$2" $k
        rotor rotate --state "$STATE" >/dev/null 2>&1 || answered=false
        disarm
        # Neither killed nor answered: a busy machine ran out of time.
        grep -q 'killed by SIGKILL' "$FOLDER/trace" || { $answered && was_killed=false || k=$((k - 1)); }
        await 'settled after the kill' settled
        # Lost before R0: nobody holds an intent, the operator asks again.
        at_epoch "$epoch" && rotor rotate --state "$STATE" >/dev/null
        epoch=$((epoch + 1))
        await "epoch $epoch" at_epoch $epoch
        [ "$(status log_id)" = "$log" ]
        chain_is_good
        rounds=$((rounds + 1))
        [ $rounds -lt 60 ]
    done
    echo "$1: killed at each of $((k - 1)) calls of $2"
    [ $k -gt "$3" ]
}

@test "the enclave is killed at every durable step of a rotation" {
    kill_at_each enclave fsync 10
    kill_at_each enclave renameat 4
}

@test "the RTP is killed at every durable step of a rotation" {
    kill_at_each rtp fsync 6
    kill_at_each rtp renameat 3
}

@test "first boot is cut at every durable step of the enclave and of the RTP" {
    for component in enclave rtp; do
        for k in 1 2 3 4 5 6; do
            pause_device
            rm -rf "$STATE/enclave" "$STATE/rtp"
            rotord --config "$CONF" --state "$STATE" >>"$LOG" 2>&1 3>&- &
            ROTORD=$!
            # The image starts some 30 ms after its stage 0: attach in between.
            await "$component runs" pid_of $component >/dev/null
            pid=$(pid_of $component)
            # The enclave's first log is written by its first thread.
            writer=$pid
            [ $component = enclave ] || writer=$(writer_of "$pid")
            timeout 2 strace -qq -o "$FOLDER/trace" -e trace=fsync \
                -e inject=fsync:signal=SIGKILL:when=$k -p "$writer" 3>&- || true
            await 'generated' settled
            at_epoch 0
            chain_is_good
        done
    done
}
