#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The recovery authority on real devices: keys and signatures offline, orders
# brought by the operator.
load device

setup_file() { make_images; }
setup() {
    make_device
    rotor authority init --keys 3 --threshold 2 --out "$FOLDER/ra" >/dev/null
    printf '[recovery]\nauthority = %s\n' "$FOLDER/ra/set" >>"$CONF"
    start_device
    MEASUREMENT=$(status measurement)
}
teardown() { stop_device; }

request() { rotor recover request --state "$STATE" --authority "${2:-$FOLDER/ra/set}" --out "$1"; }
sign() { # key request signature
    rotor authority sign --key "$1" --measurement "$MEASUREMENT" --out "$3" --yes "$2"
}
apply() { rotor recover apply --state "$STATE" --authority "$FOLDER/ra/set" "$@"; }
attests() { rotor attest --state "$STATE" --nonce "$(printf '%064d' 7)" --out "$FOLDER/evidence"; }

@test "two of three keys recover the log; one does not; the third epoch follows" {
    rotor rotate --state "$STATE"
    request "$FOLDER/request"
    sign "$FOLDER/ra/key-1.pem" "$FOLDER/request" "$FOLDER/1.sig"
    sign "$FOLDER/ra/key-3.pem" "$FOLDER/request" "$FOLDER/3.sig"
    run apply "$FOLDER/request" "$FOLDER/1.sig"
    [ "$status" -eq 1 ]
    run apply "$FOLDER/request" "$FOLDER/1.sig" "$FOLDER/1.sig"
    [ "$status" -eq 1 ]
    [ "$(status incarnation)" = 0 ]
    apply "$FOLDER/request" "$FOLDER/1.sig" "$FOLDER/3.sig"
    [ "$(status incarnation)" = 1 ] && at_epoch 2
    chain_is_good
    attests
    rotor rotate --state "$STATE"
    at_epoch 3
    chain_is_good
    ! grep -q 'alarm: peer' "$LOG"
}

@test "a store that is gone: nothing is attested until the authority begins anew, under the same log" {
    local log
    log=$(status log_id)
    kill -9 "$(pid_of enclave)"
    rm -rf "$STATE"/enclave/*
    await 'the enclave is empty' grep -q 'enclave state lost' "$LOG"
    run attests
    [ "$status" -eq 3 ]
    run rotor offload sign --count 1 --state "$STATE"
    [ "$status" -eq 3 ]
    [ "$(status queue_pairs.left)" = 8 ]
    request "$FOLDER/request"
    sign "$FOLDER/ra/key-1.pem" "$FOLDER/request" "$FOLDER/1.sig"
    sign "$FOLDER/ra/key-2.pem" "$FOLDER/request" "$FOLDER/2.sig"
    apply "$FOLDER/request" "$FOLDER/1.sig" "$FOLDER/2.sig"
    rotor offload sign --count 1 --state "$STATE"
    [ "$(status log_id)" = "$log" ]
    attests
    chain_is_good
}

@test "the authority itself is replaced by the old and the new one together" {
    rotor authority init --keys 1 --threshold 1 --out "$FOLDER/new" >/dev/null
    request "$FOLDER/request" "$FOLDER/new/set"
    sign "$FOLDER/ra/key-1.pem" "$FOLDER/request" "$FOLDER/1.sig"
    sign "$FOLDER/ra/key-2.pem" "$FOLDER/request" "$FOLDER/2.sig"
    sign "$FOLDER/new/key-1.pem" "$FOLDER/request" "$FOLDER/n.sig"
    run apply "$FOLDER/request" "$FOLDER/1.sig" "$FOLDER/2.sig"
    [ "$status" -eq 1 ]
    run apply --authority "$FOLDER/new/set" "$FOLDER/request" "$FOLDER/1.sig" "$FOLDER/n.sig"
    [ "$status" -eq 1 ]
    apply --authority "$FOLDER/new/set" "$FOLDER/request" "$FOLDER/1.sig" "$FOLDER/2.sig" "$FOLDER/n.sig"
    [ "$(status incarnation)" = 1 ]
    # From now on only the new one counts.
    request "$FOLDER/second" "$FOLDER/new/set"
    sign "$FOLDER/ra/key-1.pem" "$FOLDER/second" "$FOLDER/1.sig"
    sign "$FOLDER/ra/key-2.pem" "$FOLDER/second" "$FOLDER/2.sig"
    run apply "$FOLDER/second" "$FOLDER/1.sig" "$FOLDER/2.sig"
    [ "$status" -eq 1 ]
    sign "$FOLDER/new/key-1.pem" "$FOLDER/second" "$FOLDER/n.sig"
    rotor recover apply --state "$STATE" --authority "$FOLDER/new/set" "$FOLDER/second" "$FOLDER/n.sig"
    [ "$(status incarnation)" = 2 ]
    chain_is_good
}

@test "an authority signs for images that it knows, and only what it was shown" {
    request "$FOLDER/request"
    run rotor authority sign --key "$FOLDER/ra/key-1.pem" --out "$FOLDER/1.sig" --yes "$FOLDER/request" \
        --measurement "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    [ "$status" -eq 1 ]
    run rotor authority sign --key "$FOLDER/ra/key-1.pem" --out "$FOLDER/1.sig" --measurement "$MEASUREMENT" "$FOLDER/request"
    [ "$status" -eq 2 ]
    [[ $output == *"$(status log_id)"* ]]
    [ ! -e "$FOLDER/1.sig" ]
    # A body that was changed on its way carries no evidence.
    python3 - "$FOLDER/request" <<'EOF'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[200] ^= 1
open(sys.argv[1] + ".bad", "wb").write(data)
EOF
    run rotor authority sign --key "$FOLDER/ra/key-1.pem" --out "$FOLDER/1.sig" --any-measurement --yes "$FOLDER/request.bad"
    [ "$status" -eq 1 ] || [ "$status" -eq 3 ]
    [ ! -e "$FOLDER/1.sig" ]
}

@test "files that are none: exit 3 and a sentence; a set that cannot be: exit 2" {
    run rotor authority show "$CONF"
    [ "$status" -eq 3 ]
    run rotor authority sign --key "$FOLDER/ra/key-1.pem" --out "$FOLDER/x" --any-measurement --yes "$CONF"
    [ "$status" -eq 3 ]
    run rotor authority init --keys 2 --threshold 3 --out "$FOLDER/none"
    [ "$status" -eq 2 ]
    [ ! -e "$FOLDER/none" ]
    run rotor authority set --threshold 2 --out "$FOLDER/twice" "$FOLDER/ra/key-1.pem" "$FOLDER/ra/key-1.pem"
    [ "$status" -eq 2 ]
    run rotor recover apply --state "$STATE" --authority "$CONF" "$CONF" "$CONF" --json
    [ "$status" -eq 3 ]
    [[ $output == *'"ok":false'* ]]
    pause_device
    printf '[recovery]\nauthority = %s\n' "$CONF" >>"$CONF"
    run rotord --config "$CONF" --state "$STATE"
    [ "$status" -ne 0 ]
    [[ $output == *'not the set of a recovery authority'* ]]
}

@test "a log without an authority says so when a recovery is asked for" {
    pause_device
    rm -rf "$STATE"/enclave "$STATE"/rtp
    grep -v authority "$CONF" | grep -v recovery >"$CONF.new"
    mv "$CONF.new" "$CONF"
    start_device
    MEASUREMENT=$(status measurement) # settings are measured
    request "$FOLDER/request"
    sign "$FOLDER/ra/key-1.pem" "$FOLDER/request" "$FOLDER/1.sig"
    sign "$FOLDER/ra/key-2.pem" "$FOLDER/request" "$FOLDER/2.sig"
    run apply "$FOLDER/request" "$FOLDER/1.sig" "$FOLDER/2.sig"
    [ "$status" -eq 1 ]
    at_epoch 0
}
