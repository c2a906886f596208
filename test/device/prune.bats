#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A device that holds its newest entries only, and parties that were away.
load device

setup_file() { make_images; }
setup() { make_device; }
teardown() { stop_device; }

NONCE=$(printf 'ab%.0s' {1..32})
rotates() { # times
    for _ in $(seq "$1"); do rotor rotate --state "$STATE" >/dev/null; done
}
first() { rotor chain list --state "$STATE" --json | sed 's/.*"entries":\[{"epoch":\([0-9]*\).*/\1/'; }

@test "a log is exported and pruned; the same log goes on, and so does a party that was away" {
    start_device --listen 127.0.0.1:7391
    log=$(status log_id)
    rely() { rotor verify 127.0.0.1:7391 --trust "$FOLDER/trust" --log-id "$log" --any-measurement "$@"; }
    rotates 3
    rely
    rotates 40
    rotor chain export "$FOLDER/log" --state "$STATE"
    rotor chain prune --keep 32 --state "$STATE"
    [ "$(first)" = 12 ]
    [ "$(rotor chain prune --keep 40 --state "$STATE" --json | grep -o '"first_epoch":12')" ]
    before=$(stat -c %s "$STATE/rtp/log")
    rotates 60
    [ "$(first)" -ge 50 ]
    [ "$(stat -c %s "$STATE/rtp/log")" -le $((before * 50 / 32)) ]

    # 3 is below what the device holds: said so, and nothing is decided.
    run rely
    [ "$status" -eq 3 ]
    [[ $output == *'this party is at epoch 3'* && $output == *'rotor verify --chain'* ]]
    run rotor verify 127.0.0.1:7391 --trust "$FOLDER/new" --log-id "$log" --any-measurement
    [ "$status" -eq 3 ]
    [[ $output == *'the entries before are missing'* ]]
    run rotor chain prune --keep 31 --state "$STATE"
    [ "$status" -eq 2 ]
}

@test "killed in mid-prune, again and again: nothing is lost that is to be held" {
    start_device
    log=$(status log_id)
    rotates 50
    for keep in 48 44 40 36 32; do
        rotor chain prune --keep $keep --state "$STATE" >/dev/null 2>&1 &
        pruning=$!
        kill -9 "$(pid_of rtp)"
        wait $pruning || true
        await 'attested again' attested
        [ "$(status log_id)" = "$log" ]
        rotor rotate --state "$STATE" >/dev/null
        held=$(rotor chain list --state "$STATE" --json | grep -o '"epoch"' | wc -l)
        [ "$held" -ge $keep ]
        chain_is_good
    done
    [ ! -e "$STATE/rtp/log.new" ]
}

@test "an exported log brings a party to a pruned device, also one that never saw it" {
    start_device --listen 127.0.0.1:7392
    log=$(status log_id)
    rely() { rotor verify "$@" --log-id "$log" --any-measurement; }
    rotates 2
    rely 127.0.0.1:7392 --trust "$FOLDER/old"
    rotates 45
    rotor chain export "$FOLDER/log" --state "$STATE"
    rotor chain prune --keep 32 --state "$STATE"
    rotates 2
    for trust in old new; do
        run rely 127.0.0.1:7392 --trust "$FOLDER/$trust"
        [ "$status" -eq 3 ]
        rely 127.0.0.1:7392 --trust "$FOLDER/$trust" --chain "$FOLDER/log"
        rely 127.0.0.1:7392 --trust "$FOLDER/$trust"
    done
    # The file alone says nothing of the head; with evidence, both count.
    rely --chain "$FOLDER/log" --trust "$FOLDER/alone" | grep 'up to epoch 47'
    rotor attest --state "$STATE" --nonce $NONCE --out "$FOLDER/evidence" --since 40
    rely "$FOLDER/evidence" --nonce $NONCE --trust "$FOLDER/third" --chain "$FOLDER/log" | grep 'accepted: epoch 49'
}
