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

party() { rotor verify "$1" --trust "$FOLDER/$2" --log-id "$(status log_id)" --any-measurement "${@:3}"; }
recovered() { # JSON on standard input: each use, epoch:superseded:new authority
    python3 -c '
import json, sys
value = json.load(sys.stdin)
uses = value["recovered"]
assert value["recoveries"] == len(uses)
print(*["%d:%d:%d" % (u["epoch"], u["superseded_epoch"], u["new_authority"]) for u in uses])'
}

@test "begun anew the anchor counts from one: who saw a higher number goes along" {
    for _ in 1 2 3; do rotor rotate --state "$STATE"; done
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    pause_device
    start_device --listen "127.0.0.1:$port"
    party "127.0.0.1:$port" trust
    kill -9 "$(pid_of enclave)"
    rm -rf "$STATE"/enclave/*
    await 'the enclave is empty' grep -q 'enclave state lost' "$LOG"
    request "$FOLDER/request"
    sign "$FOLDER/ra/key-1.pem" "$FOLDER/request" "$FOLDER/1.sig"
    run sign "$FOLDER/ra/key-2.pem" "$FOLDER/request" "$FOLDER/2.sig"
    # Who signs reads what the RTP wrote.
    [[ $output == *'policy '*'86400 s period'* && $output == *'control '* ]]
    apply "$FOLDER/request" "$FOLDER/1.sig" "$FOLDER/2.sig"
    run party "127.0.0.1:$port" trust
    echo "$output"
    [ "$status" -eq 0 ]
    party "127.0.0.1:$port" trust
}

@test "every use of the authority shows at every relying party: live, from a file, in JSON, refused or not" {
    local port
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    pause_device
    start_device --listen "127.0.0.1:$port"
    party "127.0.0.1:$port" before
    rotor rotate --state "$STATE"
    rotor authority init --keys 1 --threshold 1 --out "$FOLDER/new" >/dev/null
    request "$FOLDER/request"
    sign "$FOLDER/ra/key-1.pem" "$FOLDER/request" "$FOLDER/1.sig"
    sign "$FOLDER/ra/key-2.pem" "$FOLDER/request" "$FOLDER/2.sig"
    apply "$FOLDER/request" "$FOLDER/1.sig" "$FOLDER/2.sig"
    request "$FOLDER/request" "$FOLDER/new/set"
    for key in ra/key-1 ra/key-2 new/key-1; do
        sign "$FOLDER/$key.pem" "$FOLDER/request" "$FOLDER/${key//\//-}.sig"
    done
    apply --authority "$FOLDER/new/set" "$FOLDER/request" "$FOLDER"/{ra-key-1,ra-key-2,new-key-1}.sig
    cp -a "$FOLDER/before" "$FOLDER/refused"
    cp -a "$FOLDER/before" "$FOLDER/json"
    # Live, by a party that knew the log before.
    run party "127.0.0.1:$port" before
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'epoch 2 was made by the recovery authority, in place of what followed epoch 1: ask why'* ]]
    [[ $output == *'epoch 3 was made by the recovery authority, in place of what followed epoch 2, with a new authority'* ]]
    # And it stays visible.
    run party "127.0.0.1:$port" before
    [ "$status" -eq 0 ]
    [[ $output == *'recovered'*'2 times by its authority'* && $output != *'was made by the recovery'* ]]
    [ "$(party "127.0.0.1:$port" json --json | recovered)" = '2:1:0 3:2:1' ]
    # From a file, by somebody who is new.
    attests
    run party "$FOLDER/evidence" file --nonce "$(printf '%064d' 7)" --json
    [ "$(echo "$output" | recovered)" = '2:1:0 3:2:1' ]
    # Where the answer is refused.
    printf '[accept]\nlevel = hardware\n' >"$FOLDER/policy"
    run party "127.0.0.1:$port" refused --policy "$FOLDER/policy" --json
    [ "$status" -eq 1 ]
    [ "$(echo "$output" | recovered)" = '2:1:0 3:2:1' ]
    # In the log itself.
    [ "$(rotor chain list --state "$STATE" --json | python3 -c '
import json, sys
print(*[e["epoch"] for e in json.load(sys.stdin)["entries"] if e["kind"] == "recover"])')" = '2 3' ]
}

@test "the old root does not sign: the authority alone begins the next" {
    rotor recover request --state "$STATE" --authority "$FOLDER/ra/set" --without-old --out "$FOLDER/request"
    sign "$FOLDER/ra/key-1.pem" "$FOLDER/request" "$FOLDER/1.sig"
    sign "$FOLDER/ra/key-2.pem" "$FOLDER/request" "$FOLDER/2.sig"
    apply "$FOLDER/request" "$FOLDER/1.sig" "$FOLDER/2.sig"
    at_epoch 1
    chain_is_good
    attests
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

entry() { # epoch: its hash, of what the device holds
    rotor chain show "$1" --state "$STATE" --json |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["entries"][0]["body_hash"])'
}

@test "what the device dropped cannot be superseded: said before anything is signed; its oldest entry can" {
    local third oldest
    for _ in $(seq 45); do rotor rotate --state "$STATE" >/dev/null; done
    third=$(entry 3)
    request_at() { rotor recover request --state "$STATE" --authority "$FOLDER/ra/set" --out "$FOLDER/$3" --epoch "$1" --body-hash "$2"; }
    request_at 3 "$third" early
    for key in 1 2; do sign "$FOLDER/ra/key-$key.pem" "$FOLDER/early" "$FOLDER/early.$key"; done
    rotor chain prune --keep 32 --state "$STATE"
    oldest=$(rotor chain list --state "$STATE" --json | sed 's/.*"entries":\[{"epoch":\([0-9]*\).*/\1/')
    [ "$oldest" -gt 3 ]
    run request_at 3 "$third" late
    [ "$status" -eq 3 ]
    [[ $output == *"no entry of epoch 3 with that hash: its log begins at epoch $oldest"* && $output == *'hint:'*'rotor chain'* ]]
    run request_at "$oldest" "$third" late
    [ "$status" -eq 3 ]
    [ ! -e "$FOLDER/late" ]
    # Requested before, pruned since.
    run apply "$FOLDER/early" "$FOLDER/early.1" "$FOLDER/early.2"
    [ "$status" -eq 3 ]
    [[ $output == *'its log begins at epoch'* ]]
    [ "$(status incarnation)" = 0 ]
    rotor rotate --state "$STATE"
    request_at "$oldest" "$(entry "$oldest")" good
    for key in 1 2; do sign "$FOLDER/ra/key-$key.pem" "$FOLDER/good" "$FOLDER/good.$key"; done
    apply "$FOLDER/good" "$FOLDER/good.1" "$FOLDER/good.2"
    [ "$(status incarnation)" = 1 ]
    rotor rotate --state "$STATE"
    chain_is_good
}
