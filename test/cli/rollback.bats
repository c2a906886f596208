#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Devices that are put back, copied or limited; each has its own folder.

load common

setup() {
    DEVICE=$BATS_TEST_TMPDIR/device
    PORT=$(free_port)
    HOST=127.0.0.1:$PORT
    TRUST=$BATS_TEST_TMPDIR/trust
    FIRST="--trust $TRUST --trust-on-first-use --any-measurement"
    KNOWN="--trust $TRUST --any-measurement"
    make_device "$DEVICE"
}

teardown() {
    stop_device "$DEVICE"
}

# Another folder takes the device's place.
put_in_place() {
    rm -rf "$BATS_TEST_TMPDIR/device"
    cp -a "$1" "$BATS_TEST_TMPDIR/device"
}

@test "the default limits refuse a second rotation, and say for how long" {
    start_device "$DEVICE" "$PORT" limits
    rotor rotate --state "$DEVICE"
    rotor rotate --state "$DEVICE"
    exits 1
    says "rate limit: retry in "
    rotor rotate --state "$DEVICE" --json
    exits 1
    fails_in_json RATE_LIMIT
    [ "$(member error.retryable)" = true ]
    [ "$(member error.retry_s)" -gt 0 ]
}

@test "a device whose state was put back is refused as rolled back" {
    start_device "$DEVICE" "$PORT"
    rotor rotate --state "$DEVICE"
    exits 0
    stop_device "$DEVICE"
    cp -a "$DEVICE" "$DEVICE.old"
    start_device "$DEVICE" "$PORT"
    rotor rotate --state "$DEVICE"
    exits 0
    rotor verify "$HOST" $FIRST
    exits 0
    stop_device "$DEVICE"
    put_in_place "$DEVICE.old"
    start_device "$DEVICE" "$PORT"
    rotor verify "$HOST" $KNOWN
    exits 1
    says "the device is at epoch 1, and this party has seen epoch 2"
    rotor verify "$HOST" $KNOWN --json
    exits 1
    fails_in_json ROLLED_BACK
}

@test "a copy that rotates on its own is duplicity, for good" {
    start_device "$DEVICE" "$PORT"
    rotor verify "$HOST" $FIRST
    exits 0
    stop_device "$DEVICE"
    cp -a "$DEVICE" "$DEVICE.copy"
    start_device "$DEVICE" "$PORT"
    rotor rotate --state "$DEVICE"
    rotor rotate --state "$DEVICE"
    rotor verify "$HOST" $KNOWN
    exits 0
    stop_device "$DEVICE"
    cp -a "$DEVICE" "$DEVICE.real"
    put_in_place "$DEVICE.copy"
    start_device "$DEVICE" "$PORT"
    for _ in 1 2 3; do
        rotor rotate --state "$DEVICE"
        exits 0
    done
    rotor verify "$HOST" $KNOWN
    exits 1
    says "two bodies for epoch 1"
    rotor verify "$HOST" $KNOWN --json
    exits 1
    fails_in_json DUPLICITY
    [ -s "$(ls "$TRUST"/*.fork)" ]
    stop_device "$DEVICE"
    put_in_place "$DEVICE.real"
    start_device "$DEVICE" "$PORT"
    rotor verify "$HOST" $KNOWN --json
    exits 1
    fails_in_json DUPLICITY
}

@test "another device at the same address is another log" {
    start_device "$DEVICE" "$PORT"
    rotor verify "$HOST" $FIRST
    exits 0
    stop_device "$DEVICE"
    mv "$DEVICE" "$DEVICE.first"
    rm -rf "$DEVICE.keys"
    make_device "$DEVICE"
    start_device "$DEVICE" "$PORT"
    rotor verify "$HOST" $FIRST
    exits 1
    says "is expected"
}
