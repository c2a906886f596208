#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The factory reset: the only way to a new log on a device that has one.  It is
# meant, it is whole after any cut, it throws nothing away that others need to
# understand the past, and what comes after it is a device like any other.
load device

setup_file() { make_images; }
setup() { make_device; }
teardown() { stop_device; }

NONCE=$(printf 'ab%.0s' {1..32})
says() { grep -q -e "$1" "$LOG"; }
reset() { run timeout 10 rotord --config "$CONF" --state "$STATE" --factory-reset "$@"; echo "$output"; }
attests() { rotor attest --state "$STATE" --nonce "$NONCE" --out "$FOLDER/evidence"; }
enclave_state_is() { [ "$(status state 2>/dev/null)" = "$1" ]; }
start_unready() { rotord --config "$CONF" --state "$STATE" >>"$LOG" 2>&1 3>&- & ROTORD=$!; }

@test "without --yes, without a device, or while rotord runs: refused, nothing changes" {
    start_device
    log=$(status log_id)
    reset
    [ "$status" -eq 2 ]
    [[ $output == *"for good"* && $output == *hint:* ]]
    reset --yes
    [ "$status" -eq 3 ]
    [[ $output == *"another rotord runs"* ]]
    attests
    pause_device
    run rotord --state "$FOLDER/none" --factory-reset --yes
    [ "$status" -eq 3 ]
    [ ! -e "$FOLDER/none" ]
    start_device
    [ "$(status log_id)" = "$log" ]
}

@test "a new log begins where the anchor stands; the old one is kept aside; who pinned it refuses the new one" {
    start_device
    rotor rotate --state "$STATE"
    log=$(status log_id) n=$(status anchor_n) instance=$(status instance)
    rotor attest --state "$STATE" --nonce "$NONCE" --out "$FOLDER/evidence"
    measurement=$(status measurement)
    rotor verify "$FOLDER/evidence" --nonce "$NONCE" --log-id "$log" --measurement "$measurement" --trust "$FOLDER/trust"
    pause_device
    reset --yes
    [ "$status" -eq 0 ]
    [[ $output == *rtp.old.1* && $output == *"pin it"* ]]
    [ -f "$STATE/rtp.old.1/log" ] && [ ! -e "$STATE/rtp" ] && [ ! -e "$STATE/reset" ]
    start_device
    [ "$(status log_id)" != "$log" ]
    at_epoch 0
    [ "$(status anchor_n)" -gt "$n" ]
    [ "$(status instance)" = "$instance" ]
    attests
    rotor rotate --state "$STATE"
    chain_is_good
    run rotor verify "$FOLDER/evidence" --nonce "$NONCE" --log-id "$log" --measurement "$measurement" --trust "$FOLDER/trust" --json
    echo "$output"
    [ "$status" -eq 1 ]
    rotor verify "$FOLDER/evidence" --nonce "$NONCE" --log-id "$(status log_id)" --measurement "$measurement" --trust "$FOLDER/trust2"
}

@test "a lost, a torn and a foreign store of the enclave: it signs nothing; a reset brings it back each time" {
    local count=0
    for harm in 'rm -f state' 'truncate -s 100 state' 'cp ../boot/keyring state' 'truncate -s 7 anchor'; do
        start_device
        log=$(status log_id)
        pause_device
        (cd "$STATE/enclave" && $harm)
        start_unready
        run rotor attest --state "$STATE" --nonce "$NONCE" --out "$FOLDER/none"
        [ "$status" -ne 0 ]
        [ ! -e "$FOLDER/none" ]
        pause_device
        reset --yes
        [ "$status" -eq 0 ]
        count=$((count + 1))
        [ -d "$STATE/rtp.old.$count" ]
        start_device
        [ "$(status log_id)" != "$log" ]
        attests
        rotor rotate --state "$STATE"
        chain_is_good
        pause_device
    done
}

@test "the mark of a reset is spent with the first state: a store that is lost later is lost" {
    start_device
    pause_device
    reset --yes
    [ -e "$STATE/enclave/reset" ]
    start_device
    [ ! -e "$STATE/enclave/reset" ]
    log=$(status log_id)
    pause_device
    rm "$STATE/enclave/state"
    start_unready
    run rotor attest --state "$STATE" --nonce "$NONCE" --out "$FOLDER/none"
    [ "$status" -ne 0 ]
    enclave_state_is halted || [ "$(status log_id)" = "$log" ]
    [ ! -e "$STATE/enclave/state" ]
}

@test "a mark that somebody leaves beside a state changes nothing and is removed" {
    start_device
    log=$(status log_id)
    pause_device
    touch "$STATE/enclave/reset"
    start_device
    [ "$(status log_id)" = "$log" ]
    [ ! -e "$STATE/enclave/reset" ]
}

@test "cut at each of its durable steps: the next start finishes it" {
    local k=0 was_killed=true
    while $was_killed; do
        k=$((k + 1))
        start_device
        log=$(status log_id)
        pause_device
        strace -qq -o "$FOLDER/trace" -e trace=fsync -e inject=fsync:signal=SIGKILL:when=$k \
            rotord --config "$CONF" --state "$STATE" --factory-reset --yes || true
        grep -q 'killed by SIGKILL' "$FOLDER/trace" || was_killed=false
        was_ordered=false
        [ ! -e "$STATE/reset" ] && [ $k -eq 1 ] || was_ordered=true
        start_device
        if $was_ordered; then [ "$(status log_id)" != "$log" ]; else [ "$(status log_id)" = "$log" ]; fi
        at_epoch 0
        [ ! -e "$STATE/reset" ] && [ ! -e "$STATE/enclave/reset" ]
        attests
        chain_is_good
        pause_device
        [ $k -lt 30 ]
    done
    echo "cut at $((k - 1)) steps"
    [ $k -gt 6 ]
}

@test "other signers: what the enclave sealed stays shut, and says so; a reset begins under the new signers" {
    start_device
    log=$(status log_id)
    pause_device
    mkdir "$FOLDER/other"
    rotor image keygen --out "$FOLDER/other/key.pem"
    rotor image keyring --out "$FOLDER/other/ring" "$FOLDER/other/key.pem"
    run rotor image install --state "$STATE" --keyring "$FOLDER/other/ring" "$IMAGES/rtp.img"
    [ "$status" -eq 1 ]
    [[ $output == *"factory-reset"* ]]
    # By hand, as the manual says.
    rm "$STATE/boot/keyring"
    for component in rtp enclave; do
        rotor image sign --key "$FOLDER/other/key.pem" --component $component --version 1.0.2 --security-version 1 \
            --out "$FOLDER/other/$component.img" "$IMAGES/$component.elf"
        rotor image install --state "$STATE" --keyring "$FOLDER/other/ring" --activate "$FOLDER/other/$component.img"
    done
    start_unready
    run rotor attest --state "$STATE" --nonce "$NONCE" --out "$FOLDER/none" --json
    echo "$output"
    [ "$status" -ne 0 ]
    [ ! -e "$FOLDER/none" ]
    pause_device
    reset --yes
    [ "$status" -eq 0 ]
    start_device
    [ "$(status log_id)" != "$log" ]
    attests
    chain_is_good
}
