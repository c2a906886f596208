#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A source of entropy of the operator's own fails on a real device, in each way
# that sources fail: it is named, no key is made where it is required, what was
# there before goes on being served, and it is back after a test that it passes.
load device

setup_file() { make_images; }
setup() { make_device; }
teardown() { end_source && stop_device; }
end_source() { [ -z "${NOISE:-}" ] || kill "$NOISE" 2>/dev/null || true; }

NONCE=$(printf 'ab%.0s' {1..32})
says() { grep -q -e "$1" "$LOG"; }
attests() { rotor attest --state "$STATE" --nonce "$NONCE" --out "$FOLDER/evidence"; }
report_says() { status report 2>/dev/null | grep -q -e "$1"; }
has_reason() { rotor chain list --state "$STATE" --json | grep -q "\"reason\":\"$1\""; }
gone() { ! kill -0 "$1" 2>/dev/null; }

# The device has a source `board`, as good as the last order.
with_source() { # order required
    mkfifo "$FOLDER/noise"
    order "$1"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/noise.py" "$FOLDER/noise" "$FOLDER/order" 3>&- &
    NOISE=$!
    printf '[entropy]\nname = board\npath = %s\nrequired = %s\n' "$FOLDER/noise" "$2" >>"$CONF"
}
order() { echo "$1" >"$FOLDER/order.new" && mv "$FOLDER/order.new" "$FOLDER/order"; }
retest() { rotor doctor --retest --state "$STATE" >/dev/null || true; }

refuses_to_rotate() {
    run rotor rotate --state "$STATE" --json
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output == *'"ok":false'* && $output == *entropy* ]]
}

@test "a source that is not required fails: it is named, the root rotates for that reason, everything goes on" {
    for harm in zeros ones stuck repeat; do
        with_source good no
        start_device
        await 'the source is in use' report_says 'board: healthy'
        epoch=$(status epoch)
        order $harm
        for _ in 1 2; do rotor rotate --state "$STATE" >/dev/null; done
        await 'it is named' report_says 'board: failed'
        status report
        await 'the rotation for it' at_epoch $((epoch + 3))
        has_reason security-event
        attests
        chain_is_good
        end_source && stop_device
        make_device
    done
}

@test "a required source is broken at first boot: no key, no root, and it says so; mended and tested, there is one" {
    for harm in zeros silent; do
        with_source $harm yes
        rotord --config "$CONF" --state "$STATE" >>"$LOG" 2>&1 3>&- &
        ROTORD=$!
        await 'the refusal' says 'entropy'
        run rotor attest --state "$STATE" --nonce "$NONCE" --out "$FOLDER/none" --json
        echo "$output"
        [ "$status" -ne 0 ]
        [ ! -e "$FOLDER/none" ] && [ ! -e "$STATE/enclave/state" ]
        [ "$(status log_id)" = None ]
        run rotor offload sign --count 1 --state "$STATE"
        [ "$status" -eq 3 ] && [ "$(status queue_pairs.left)" = 8 ]
        [ $harm = silent ] || report_says 'board: failed'
        order good
        mended() { retest; attested; }
        await 'a root' mended
        report_says 'board: healthy'
        attests
        rotor rotate --state "$STATE"
        chain_is_good
        end_source && stop_device
        make_device
    done
}

@test "a required source fails later: rotation is refused and says why, attestation goes on, also over a restart of the enclave" {
    with_source good yes
    start_device
    rotor rotate --state "$STATE"
    order stuck
    refuses_to_rotate
    refuses_to_rotate
    report_says 'board: failed'
    attests
    at_epoch 1
    pid=$(pid_of enclave)
    kill -9 "$pid"
    await 'the enclave ended' gone "$pid"
    await 'attested again' attested
    attests
    refuses_to_rotate
    order good
    mended() { retest; report_says 'board: healthy'; }
    await 'it is back' mended
    await 'a rotation' rotor rotate --state "$STATE"
    attests
    chain_is_good
}

@test "a required source falls silent: the refusal comes, nobody waits for it for ever" {
    with_source good yes
    start_device
    order silent
    run timeout 30 rotor rotate --state "$STATE" --json
    echo "$output"
    [ "$status" -ne 0 ] && [ "$status" -ne 124 ]
    attests
    at_epoch 0
    order good
    mended() { retest; rotor rotate --state "$STATE"; }
    await 'it rotates again' mended
    chain_is_good
}

@test "a source that is not there, that is a folder, that may not be read: said at start" {
    mkdir "$FOLDER/folder"
    for path in "$FOLDER/none" "$FOLDER/folder"; do
        printf '[entropy]\nname = board\npath = %s\n' "$path" >"$CONF"
        run timeout 10 rotord --config "$CONF" --state "$STATE"
        echo "$output"
        [ "$status" -eq 3 ]
        [[ $output == *"$path"* && $output == *hint:* ]]
    done
}
