#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Disks that are full, read-only or broken.  A rotation that cannot be made
# durable does not happen and says why; attestation goes on under the current
# root; when the disk is back the same log goes on.
#
# Full and read-only disks are real ones: a tmpfs of some 100 KiB.  Errors of
# single calls come from a test build of port/linux (meson -Dfaults=true),
# ROTOR_FAULTS is its folder of programs.
load device

setup_file() { make_images; }
setup() { HOLDER=; }
teardown() {
    stop_device
    [ -z "$HOLDER" ] || kill "$HOLDER"
}

NONCE=$(printf 'ab%.0s' {1..32})
says() { grep -q -e "$1" "$LOG"; }
gone() { ! kill -0 "$1" 2>/dev/null; }
attests() { rotor attest --state "$STATE" --nonce "$NONCE" --out "$FOLDER/evidence" >/dev/null; }
settled() { attested && [ "$(status state 2>/dev/null)" = current ] && [ "$(status phase 2>/dev/null)" = current ]; }

# What every disk comes back to: the same log, whole, and it rotates.
goes_on() { # log epoch-or-later
    await 'settled' settled
    [ "$(status log_id)" = "$1" ]
    local epoch
    epoch=$(status epoch)
    [ "$epoch" -ge "$2" ] && [ "$epoch" -le $(($2 + 1)) ]
    rotor rotate --state "$STATE" >/dev/null
    at_epoch $((epoch + 1))
    attests
}

# ---- disks of its own ----------------------------------------------------------

# STATE/enclave and STATE/rtp on small disks, in a mount namespace of their
# own: they end with the process that holds it.
make_device_on_disks() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root to mount a small disk'
    make_device
    unshare --mount --propagation private sleep 600 3>&- &
    HOLDER=$!
    STATE=/proc/$HOLDER/root$STATE
    await 'a mount namespace' has_namespace
    for folder in enclave rtp; do
        mkdir -p -m 0700 "$STATE/$folder"
        within mount -t tmpfs -o size=256k,mode=0700 none "$FOLDER/state/$folder" || skip 'no disk may be mounted here'
    done
}
has_namespace() { [ "$(readlink "/proc/$HOLDER/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]; }
within() { nsenter --mount --target "$HOLDER" "$@"; }

fill() { ! dd if=/dev/zero of="$STATE/$1/filler" bs=4096 2>/dev/null; }
empty() { rm "$STATE/$1/filler"; }
lock_disk() { within mount -o remount,ro "$FOLDER/state/$1"; }
open_disk() { within mount -o remount,rw "$FOLDER/state/$1"; }

refuses_to_rotate() { # component cause
    run rotor rotate --state "$STATE" --json
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output == *'"ok":false'* && $output == *"$3"* ]]
    says "$1: warning: STATE/$1/.*: $2"
}

@test "a full disk under the RTP, under the enclave: no rotation, attestation goes on, the cause is named; emptied, the same log goes on" {
    make_device_on_disks
    start_device
    log=$(status log_id)
    for component in rtp enclave; do
        epoch=$(status epoch)
        fill $component
        refuses_to_rotate $component 'No space left on device'
        refuses_to_rotate $component 'No space left on device'
        attests
        at_epoch "$epoch"
        [ "$(status alarm)" != None ]
        empty $component
        goes_on "$log" "$epoch"
    done
    chain_is_good
}

@test "a read-only disk under the RTP, under the enclave: the same" {
    make_device_on_disks
    start_device
    log=$(status log_id)
    for component in rtp enclave; do
        epoch=$(status epoch)
        lock_disk $component
        refuses_to_rotate $component 'Read-only file system'
        attests
        at_epoch "$epoch"
        open_disk $component
        goes_on "$log" "$epoch"
    done
    chain_is_good
}

@test "RTP and enclave end while their disks take no write: they are back and attest" {
    make_device_on_disks
    start_device
    log=$(status log_id)
    for trouble in fill lock_disk; do
        epoch=$(status epoch)
        $trouble enclave && $trouble rtp
        for component in enclave rtp; do
            pid=$(pid_of $component)
            kill -9 "$pid"
            await "$component ended" gone "$pid"
            await 'attested again' attested
            attests
        done
        at_epoch "$epoch"
        if [ $trouble = fill ]; then empty enclave && empty rtp; else open_disk enclave && open_disk rtp; fi
        goes_on "$log" "$epoch"
    done
    chain_is_good
}

@test "a read-only boot folder: what was confirmed starts, a new image cannot be installed and says why" {
    make_device_on_disks
    start_device
    log=$(status log_id)
    pause_device
    within mount --bind "$FOLDER/state/boot" "$FOLDER/state/boot"
    within mount -o remount,bind,ro "$FOLDER/state/boot"
    start_device
    attests
    rotor rotate --state "$STATE"
    make_image enclave 2 "$FOLDER/new.img"
    run rotor image install --state "$STATE" "$FOLDER/new.img" --json
    echo "$output"
    [ "$status" -eq 3 ]
    [[ $output == *"Read-only file system"* ]]
    rotor image list --state "$STATE"
    pause_device
    within umount "$FOLDER/state/boot"
    start_device
    goes_on "$log" 1
}

@test "first boot on a full disk makes no root and says why; emptied, it makes one" {
    make_device_on_disks
    for component in rtp enclave; do
        within umount "$FOLDER/state/$component" && within mount -t tmpfs -o size=64k,mode=0700 none "$FOLDER/state/$component"
    done
    fill enclave
    rotord --config "$CONF" --state "$STATE" >>"$LOG" 2>&1 3>&- &
    ROTORD=$!
    await 'the cause' says 'STATE/enclave/.*: No space left on device'
    run rotor attest --state "$STATE" --nonce "$NONCE" --out "$FOLDER/evidence" --json
    echo "$output"
    [ "$status" -eq 3 ]
    [[ $output == *'"code":"NO_ROOT"'* || $output == *'"ok":false'* ]]
    [ ! -e "$FOLDER/evidence" ]
    empty enclave
    await 'generated' settled
    goes_on "$(status log_id)" 0
}

@test "an event that comes while the disk is full rotates when it is not" {
    make_device_on_disks
    start_device
    fill rtp
    kill -USR1 "$ROTORD"
    await 'the cause' says 'STATE/rtp/.*: No space left on device'
    attests
    at_epoch 0
    empty rtp
    await 'epoch 1' at_epoch 1
    chain_is_good
}

# ---- single calls --------------------------------------------------------------

# The same device, of the test build.
with_faults() {
    [ -n "${ROTOR_FAULTS:-}" ] || skip 'ROTOR_FAULTS names no test build'
    PATH=$ROTOR_FAULTS:$PATH
    [ -d "$BATS_FILE_TMPDIR/faulty/images" ] || BATS_FILE_TMPDIR=$BATS_FILE_TMPDIR/faulty make_images
    IMAGES=$BATS_FILE_TMPDIR/faulty/images
    make_device
}
order() { # component order
    echo "$2" >"$STATE/$1/.order" && chmod 644 "$STATE/$1/.order" && mv "$STATE/$1/.order" "$STATE/$1/faults"
}
has_failed() { [ "$(grep -c 'fails by order' "$LOG")" -gt "$1" ]; }
failures() { grep -c 'fails by order' "$LOG" || true; }

# The 1st, 2nd, 3rd... such call of a rotation fails, until one passes whole.
fail_each() { # component call kind at-least
    local n=0 before log
    log=$(status log_id)
    while :; do
        n=$((n + 1))
        before=$(failures)
        epoch=$(status epoch)
        order "$1" "$2 $n $3"
        rotor rotate --state "$STATE" >/dev/null 2>&1 && was_done=true || was_done=false
        rm -f "$STATE/$1/faults"
        [ "$(failures)" -gt "$before" ] || break
        # What was refused did not happen, or rolled forward.  Nothing else.
        await 'settled' settled
        [ $was_done = false ] || [ "$(status epoch)" -eq $((epoch + 1)) ]
        attests
        goes_on "$log" "$epoch"
        [ $n -lt 60 ]
    done
    chain_is_good
    echo "$1: $((n - 1)) calls of $2 failed with $3"
    [ $n -gt "$4" ]
}

@test "each durable call of the enclave in a rotation fails once: nothing is lost" {
    with_faults
    start_device
    fail_each enclave sync EIO 10
    fail_each enclave rename EIO 3
    fail_each enclave open ENOSPC 4
    fail_each enclave write ENOSPC 4
}

@test "each durable call of the RTP in a rotation fails once: nothing is lost" {
    with_faults
    start_device
    fail_each rtp sync EIO 6
    fail_each rtp rename EIO 2
    fail_each rtp open EIO 3
    fail_each rtp write ENOSPC 3
    fail_each rtp truncate EIO 0
}

comes_to_run() { [ "$(cat "/proc/$1/comm")" = "$2" ]; }
is_told_to_end() { # pid; gone, or SIGTERM is pending: nobody takes it there
    local pending
    pending=$(awk '/^ShdPnd/ { print $2 }' "/proc/$1/status" 2>/dev/null)
    [ -z "$pending" ] || [ $((0x$pending >> 14 & 1)) -eq 1 ]
}

@test "what the RTP is writing when the device is stopped is written whole, and goes on" {
    with_faults
    start_device
    # Opening it waits for the job's first call to the disk, which then waits.
    mkfifo -m 644 "$STATE/rtp/faults"
    timeout 20 tail -f /dev/null >"$STATE/rtp/faults" 3>&- &
    holder=$!
    rotor rotate --state "$STATE" >/dev/null 2>&1 3>&- &
    await 'R0' comes_to_run $holder timeout
    rm "$STATE/rtp/faults"
    rtp=$(pid_of rtp)
    kill "$ROTORD"
    await 'the end' is_told_to_end "$rtp"
    kill $holder
    wait "$ROTORD" || true
    start_device
    await 'epoch 1' at_epoch 1
    chain_is_good
}

@test "writes that are cut short are finished: every rotation is done" {
    with_faults
    start_device
    for component in enclave rtp; do
        before=$(failures)
        order $component 'write 1+ short'
        for _ in 1 2 3; do rotor rotate --state "$STATE" >/dev/null; done
        rm "$STATE/$component/faults"
        has_failed "$before"
    done
    at_epoch 6
    chain_is_good
}

@test "a disk that goes on failing: attestation under the current root, rotation once it is mended" {
    with_faults
    start_device
    log=$(status log_id)
    for component in enclave rtp; do
        for call in sync rename write open; do
            epoch=$(status epoch)
            order $component "$call 1+ EIO"
            run rotor rotate --state "$STATE"
            echo "$output"
            [ "$status" -ne 0 ]
            attests
            at_epoch "$epoch"
            rm "$STATE/$component/faults"
            goes_on "$log" "$epoch"
        done
    done
    chain_is_good
}
