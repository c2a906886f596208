#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A device, a thief with a copy of it, a relying party that meets both.
load device

setup_file() { make_images; }
setup() {
    make_device
    rotor authority init --keys 3 --threshold 2 --out "$FOLDER/ra" >/dev/null
    printf '[recovery]\nauthority = %s\n' "$FOLDER/ra/set" >>"$CONF"
    PORT=$(free_port) THIEF_PORT=$(free_port) FRONT_PORT=$(free_port)
    start_device --listen "127.0.0.1:$PORT"
    rotor rotate --state "$STATE"
    LOG_ID=$(status log_id)
    party "$PORT" --log-id "$LOG_ID"
}
teardown() {
    end_thief
    stop_device
}

free_port() {
    python3 -c '
import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

party() { # port flags...
    rotor verify "127.0.0.1:$1" --trust "$FOLDER/trust" --any-measurement "${@:2}"
}
fork() { rotor fork "$@"; }
export_proof() { fork export --log-id "$LOG_ID" --trust "$FOLDER/trust" "$FOLDER/proof"; }

# The copy, at its own address, makes the next epoch by itself.
rob() {
    pause_device
    cp -a "$STATE" "$FOLDER/copy"
    start_device --listen "127.0.0.1:$PORT"
    rotord --config "$CONF" --state "$FOLDER/copy" --listen "127.0.0.1:$THIEF_PORT" >>"$LOG" 2>&1 3>&- &
    THIEF=$!
    await 'the copy serves' rotor rotate --state "$FOLDER/copy"
}

# In front of the copy: the rotation key was not among what he took.
forge() { # epoch
    python3 "$BATS_TEST_DIRNAME/thief.py" "$FRONT_PORT" "$THIEF_PORT" "$1" >"$FOLDER/front" 2>>"$LOG" 3>&- &
    FRONT=$!
    await 'the thief listens' grep -q ready "$FOLDER/front"
}

end_thief() {
    for process in ${FRONT:-} ${THIEF:-}; do
        kill "$process" && wait "$process" || true
    done 2>/dev/null
    FRONT='' THIEF=''
}

pairs_out() { [ "$(status queue_pairs.out)" = "$1" ]; }
shows() { # file; the finding of fork check
    fork check "$1" --log-id "$LOG_ID" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["shows"])'
}

@test "S misuse: the party that sees it exports it, the device rotates and voids what S signed" {
    rob
    forge 2
    run party "$FRONT_PORT" --log-id "$LOG_ID"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *sig_auth* && $output == *'rotor fork report'* ]]
    export_proof
    [ "$(shows "$FOLDER/proof")" = 'S misuse' ]
    run fork report "$FOLDER/proof" --state "$STATE"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'S misuse: epoch 2'* && $output == *'being replaced'* ]]
    await 'the root is replaced' at_epoch 2
    rotor chain show 2 --state "$STATE" >"$FOLDER/entry"
    cat "$FOLDER/entry"
    grep -q '^reason *key-compromise' "$FOLDER/entry"
    grep -q '^void *what was signed from epoch 1 on' "$FOLDER/entry"
    grep -q 'alarm: security event: S misuse' "$LOG"
    # What the thief signed under the stolen root is void for who was there.
    party "$PORT"
    run party "$FRONT_PORT" --log-id "$LOG_ID"
    [ "$status" -eq 1 ]
    # The same again: that S is gone, there is nothing more to do.
    run fork report "$FOLDER/proof" --state "$STATE"
    [ "$status" -eq 0 ]
    [[ $output != *'being replaced'* ]]
    party "$PORT"
    at_epoch 2
}

@test "a fork of who holds both keys: a third party sees the proof, the device stops" {
    rob
    rotor rotate --state "$STATE"
    party "$PORT"
    run party "$THIEF_PORT" --log-id "$LOG_ID"
    [ "$status" -eq 1 ]
    [[ $output == *'two bodies for epoch 2'* ]]
    export_proof
    # Somebody who never spoke to either.
    [ "$(shows "$FOLDER/proof")" = duplicity ]
    root=$BATS_TEST_DIRNAME/../..
    python3 "$root/test/interop/cddl.py" "$root/doc/rotor.cddl" fork "$FOLDER/proof" --sequence
    run fork check "$FOLDER/proof" --log-id "SHA256:$(printf 'A%.0s' {1..43})"
    [ "$status" -eq 1 ]
    rotor offload sign --count 10000000 --state "$STATE" >"$FOLDER/busy" 2>&1 3>&- &
    busy=$!
    await 'a program has a pair' pairs_out 1
    fork report "$FOLDER/proof" --state "$STATE"
    await 'quarantine' grep -q 'alarm: duplicity' "$LOG"
    run rotor rotate --state "$STATE"
    [ "$status" -eq 3 ]
    [[ $output == *quarantine* ]]
    # The program's own way to the enclave has ended, too.
    code=0
    wait "$busy" || code=$?
    [ "$code" -eq 3 ]
    run rotor offload sign --count 1 --state "$STATE"
    [ "$status" -eq 3 ]
    [[ $output == *'no program is served'* ]]
    [ "$(status queue_pairs.out)" = 0 ]
    # The device keeps its proof too.
    fork export --state "$STATE" "$FOLDER/own-proof"
    [ "$(shows "$FOLDER/own-proof")" = duplicity ]
    rotor chain export --state "$STATE" "$FOLDER/log.cbor"
    fork export --state "$STATE" --file "$FOLDER/log.cbor" "$FOLDER/same-proof"
    cmp "$FOLDER/own-proof" "$FOLDER/same-proof"
}

# Two of three let the log go on from its last good entry.
recover_from() { # epoch body-hash
    rotor recover request --state "$STATE" --authority "$FOLDER/ra/set" --epoch "$1" --body-hash "$2" --without-old \
        --out "$FOLDER/request"
    for key in 1 2; do
        rotor authority sign --key "$FOLDER/ra/key-$key.pem" --any-measurement --out "$FOLDER/$key.sig" --yes "$FOLDER/request"
    done
    rotor recover apply --state "$STATE" --authority "$FOLDER/ra/set" "$FOLDER/request" "$FOLDER/1.sig" "$FOLDER/2.sig"
}

@test "S and A stolen, the log forked: the authority goes on from the last good entry, the thief's copy is out for good" {
    rob
    rotor rotate --state "$STATE"
    party "$PORT"
    good=$(rotor chain show 1 --state "$STATE" | sed -n 's/^body *//p')
    run party "$THIEF_PORT" --log-id "$LOG_ID"
    [ "$status" -eq 1 ]
    export_proof
    fork report "$FOLDER/proof" --state "$STATE"
    await 'quarantine' grep -q 'alarm: duplicity' "$LOG"
    recover_from 1 "$good"
    [ "$(status incarnation)" = 1 ] && at_epoch 3
    rotor rotate --state "$STATE"
    # Who saw the fork, and who did not: both follow, both are told.
    run party "$PORT"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'in place of what followed epoch 1'* ]]
    run rotor verify "127.0.0.1:$PORT" --trust "$FOLDER/new" --log-id "$LOG_ID" --any-measurement
    [ "$status" -eq 0 ]
    [[ $output == *'in place of what followed epoch 1'* ]]
    # The thief, and his proof, change nothing any more.
    run party "$THIEF_PORT" --log-id "$LOG_ID"
    [ "$status" -eq 1 ]
    [[ $output == *'the recovery authority has ended'* ]]
    party "$PORT"
    run fork report "$FOLDER/proof" --state "$STATE"
    [ "$status" -eq 0 ]
    [[ $output == *'nothing is proven'* ]]
    rotor rotate --state "$STATE"
    at_epoch 5
}

@test "who followed the thief comes back by the recovery: live, from a file, and whatever the thief's anchor was at" {
    good=$(rotor chain show 1 --state "$STATE" | sed -n 's/^body *//p')
    rob
    for _ in 1 2 3; do rotor rotate --state "$FOLDER/copy"; done
    party "$THIEF_PORT" --log-id "$LOG_ID"
    cp -a "$FOLDER/trust" "$FOLDER/second"
    end_thief
    rotor rotate --state "$STATE"
    cp -a "$FOLDER/trust" "$FOLDER/third"
    cp -a "$FOLDER/trust" "$FOLDER/fourth"
    run party "$PORT"
    [ "$status" -eq 1 ]
    [[ $output == *'two bodies for epoch 2'* ]]
    recover_from 1 "$good"
    run party "$PORT"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'in place of what followed epoch 1'* ]]
    party "$PORT"
    run rotor verify "127.0.0.1:$PORT" --trust "$FOLDER/second" --log-id "$LOG_ID" --any-measurement
    echo "$output"
    [ "$status" -eq 0 ]
    rotor chain export "$FOLDER/log" --state "$STATE"
    run rotor verify --chain "$FOLDER/log" --trust "$FOLDER/third" --log-id "$LOG_ID" --any-measurement
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'in place of what followed epoch 1'* ]]
    rotor verify "127.0.0.1:$PORT" --trust "$FOLDER/third" --log-id "$LOG_ID" --any-measurement
    # Who waits before it takes a recovery waits, and is not told of a fork.
    held=(rotor verify "127.0.0.1:$PORT" --trust "$FOLDER/fourth" --log-id "$LOG_ID" --any-measurement --hold-down)
    run "${held[@]}" 3600
    echo "$output"
    [ "$status" -eq 3 ]
    [[ $output == *hold-down* && $output != *'two bodies'* ]]
    "${held[@]}" 0
}

@test "a file of another branch without a recovery is refused, and a fork counts without room for its proof" {
    rob
    rotor rotate --state "$STATE"
    rotor rotate --state "$STATE"
    party "$PORT"
    rotor chain export "$FOLDER/log" --state "$FOLDER/copy"
    run rotor verify --chain "$FOLDER/log" --trust "$FOLDER/trust" --log-id "$LOG_ID" --any-measurement
    echo "$output"
    [ "$status" -eq 0 ] # it ends before: nothing new, nothing wrong
    for _ in 1 2; do rotor rotate --state "$FOLDER/copy"; done
    rotor chain export "$FOLDER/log-2" --state "$FOLDER/copy"
    run rotor verify --chain "$FOLDER/log-2" --trust "$FOLDER/trust" --log-id "$LOG_ID" --any-measurement
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *'has another entry for epoch 3'* ]]
    # Blocks of 1 KiB: the head of the trust store fits, the two entries do not.
    run bash -c "trap '' XFSZ; ulimit -f 4; rotor verify 127.0.0.1:$THIEF_PORT --trust $FOLDER/trust --log-id $LOG_ID --any-measurement"
    echo "$output"
    [ "$status" -eq 3 ]
    [[ $output == *'File too large'* ]]
    run party "$PORT"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *'two bodies were proven'* ]]
}

@test "noise is no denial of service: what nobody signed is not kept and changes nothing" {
    run export_proof
    [ "$status" -eq 3 ]
    rotor chain export --state "$STATE" "$FOLDER/log.cbor"
    PYTHONPATH=$BATS_TEST_DIRNAME python3 - "$FOLDER" <<'EOF'
import os, sys
from client import decode, decode_at, encode
folder = sys.argv[1]
log = open(folder + "/log.cbor", "rb").read()
entries, at = [], 0
while at < len(log):
    item, at = decode_at(log, at)
    entries.append(item)
entries.pop(0)  # the title
body, attachments = entries.pop()
content = decode(body)
content[12] = 2  # another reason: another body, under signatures of the first
other = encode([encode(content), attachments])
accepted = encode([body, attachments])
items = ["rotor fork/2", accepted, other] + entries
open(folder + "/noise", "wb").write(b"".join(map(encode, items)))
open(folder + "/junk", "wb").write(os.urandom(3000))
EOF
    run fork check "$FOLDER/noise" --log-id "$LOG_ID"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *'nothing is proven'* ]]
    run fork check "$FOLDER/junk"
    [ "$status" -eq 3 ]
    for _ in {1..20}; do
        run fork report "$FOLDER/noise" --state "$STATE"
        [ "$status" -eq 0 ]
        [[ $output == *'nothing is proven'* ]]
    done
    at_epoch 1
    ! grep -qE 'alarm: (fork|duplicity)' "$LOG"
    party "$PORT"
}
