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

# Every system call that makes something durable or takes it away.
STEPS=fsync,fdatasync,renameat,renameat2,unlinkat,ftruncate

# Kills the process at its k-th durable step from now on.
arm() { # pid k
    strace -f -qq -o "$FOLDER/trace" -e trace=$STEPS -e inject=$STEPS:signal=SIGKILL:when="$2" -p "$1" 3>&- &
    STRACE=$!
    await 'strace attached' traced "$1"
}
traced() { [ "$(awk '/^TracerPid:/ { print $2 }' "/proc/$1/status")" -ne 0 ]; }
disarm() { kill "$STRACE" 2>/dev/null && wait "$STRACE" || true; }
gone() { ! kill -0 "$1" 2>/dev/null; }
settled() { attested && [ "$(status state 2>/dev/null)" = current ] && [ "$(status phase 2>/dev/null)" = current ]; }

kill_at_each_step() { # component
    local log epoch=0 k=0 pid was_killed=true
    log=$(status log_id)
    while $was_killed; do
        k=$((k + 1))
        pid=$(pid_of "$1")
        arm "$pid" $k
        rotor rotate --state "$STATE" >/dev/null 2>&1 || true
        if kill -0 "$pid" 2>/dev/null; then was_killed=false; fi
        disarm
        await 'settled after the kill' settled
        # Lost before R0: nobody holds an intent, the operator asks again.
        at_epoch $epoch && rotor rotate --state "$STATE" >/dev/null
        epoch=$((epoch + 1))
        echo "$1 step $k: $(tail -1 "$FOLDER/trace" | cut -c1-60)"
        await "epoch $epoch" at_epoch $epoch
        [ "$(status log_id)" = "$log" ]
        chain_is_good
        [ "$(rotor chain list --state "$STATE" --json | grep -o '"epoch":' | wc -l)" -ge $((epoch + 1)) ]
        [ $k -lt 60 ]
    done
    echo "$((k - 1)) durable steps"
    [ $k -gt 8 ]
}

@test "the enclave is killed at every durable step of a rotation" {
    kill_at_each_step enclave
}

@test "the RTP is killed at every durable step of a rotation" {
    kill_at_each_step rtp
}

@test "first boot is cut at every durable step of the enclave and of the RTP" {
    for component in enclave rtp; do
        for k in 1 2 3 4 5 6 7 8 9 10; do
            pause_device
            rm -rf "$STATE/enclave" "$STATE/rtp"
            rotord --config "$CONF" --state "$STATE" >>"$LOG" 2>&1 3>&- &
            ROTORD=$!
            # The image starts some 30 ms after its stage 0: attach in between.
            await "$component runs" pid_of $component >/dev/null
            pid=$(pid_of $component)
            timeout 5 strace -f -qq -o "$FOLDER/trace" -e trace=$STEPS \
                -e inject=$STEPS:signal=SIGKILL:when=$k -p "$pid" 3>&- || true
            await 'generated' settled
            at_epoch 0
            chain_is_good
        done
    done
}
