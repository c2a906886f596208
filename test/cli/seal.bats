#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A store whose key is sealed to a TPM.  The TPM is swtpm: it proves the code
# path only, and nothing about hardware.

load common

start_tpm() { # folder
    mkdir -p "$1"
    swtpm socket --tpm2 --tpmstate "dir=$1" --server "type=unixio,path=$1/s" \
        --ctrl "type=unixio,path=$1/s.ctrl" --flags not-need-init,startup-clear \
        2>/dev/null 3>&- &
    echo $! >"$1/pid"
    await test -S "$1/s"
}

stop_tpm() { # folder
    local pid
    pid=$(cat "$1/pid" 2>/dev/null) || return 0
    rm -f "$1/pid"
    kill "$pid" 2>/dev/null || true
    await is_gone "$pid"
    rm -f "$1/s" "$1/s.ctrl"
}

setup() {
    command -v swtpm >/dev/null || skip "swtpm is not installed"
    DEVICE=$BATS_TEST_TMPDIR/device
    # A socket's path has at most 107 characters.
    TPM=$(mktemp -d /tmp/rotor-seal-XXXXXX)
    PORT=$(free_port)
    HOST=127.0.0.1:$PORT
    FIRST="--trust $BATS_TEST_TMPDIR/trust --trust-on-first-use --any-measurement"
    KNOWN="--trust $BATS_TEST_TMPDIR/trust --any-measurement"
    make_device "$DEVICE"
    start_tpm "$TPM/one"
    anchor "$TPM/one" "seal = yes"
}

teardown() {
    [ -n "${TPM:-}" ] || return 0
    stop_device "$DEVICE"
    stop_tpm "$TPM/one"
    stop_tpm "$TPM/two"
    rm -rf "$TPM"
}

anchor() { # folder of the TPM, further line...
    printf '[anchor]\ntpm = %s/s\n' "$1" >"$DEVICE.more"
    shift
    printf '%s\n' "$@" >>"$DEVICE.more"
}

# The RTP answers before its enclave is up.
start() {
    start_device "$DEVICE" "$PORT" && await status_says "$DEVICE" '"enclave_is_up":true'
}

# The enclave does not start, says why, and leaves its store as it is.
refuses() { # sentence
    local before
    before=$(cd "$DEVICE/enclave" && sha256sum -- *)
    : >"$DEVICE.err"
    printf '[rotation]\nmin-interval = 0\nmax-per-day = 0\n' | cat - "$DEVICE.more" >"$DEVICE.conf"
    "$ROTOR_BIN/rotord" --state "$DEVICE" --listen "$HOST" \
        --config "$DEVICE.conf" >"$DEVICE.out" 2>"$DEVICE.err" 3>&- &
    echo $! >"$DEVICE.pid"
    await grep -qF "$1" "$DEVICE.err" || { cat "$DEVICE.err" && return 1; }
    rotor status --state "$DEVICE" --json
    stop_device "$DEVICE"
    cat "$DEVICE.err"
    grep -qF "$1" "$DEVICE.err"
    grep -q 'hint: ' "$DEVICE.err"
    [[ "$output" != *'"enclave_is_up":true'* ]]
    [ "$(cd "$DEVICE/enclave" && sha256sum -- *)" = "$before" ]
}

# The log of before goes on, one rotation further.
goes_on() {
    start
    rotor rotate --state "$DEVICE"
    exits 0
    rotor verify "$HOST" $KNOWN
    exits 0
    stop_device "$DEVICE"
}

begin() {
    start
    rotor verify "$HOST" $FIRST
    exits 0
    stop_device "$DEVICE"
}

@test "a sealed store goes on over rotations and restarts, and status and doctor say that it is sealed" {
    begin
    [ -s "$DEVICE/enclave/sealed" ]
    goes_on
    start
    rotor status --state "$DEVICE"
    exits 0
    prints "sealed to the TPM"
    rotor doctor --state "$DEVICE"
    prints "sealed to the TPM"
    stop_device "$DEVICE"
    stop_tpm "$TPM/one"
    start_tpm "$TPM/one"
    goes_on
}

@test "with another TPM the store stays shut, with its own it goes on" {
    begin
    start_tpm "$TPM/two"
    anchor "$TPM/two" "seal = yes"
    refuses "another TPM sealed the store"
    anchor "$TPM/one" "seal = yes"
    goes_on
}

@test "without its TPM the store stays shut, and with it it goes on" {
    begin
    stop_tpm "$TPM/one"
    refuses "the enclave does not start without it"
    start_tpm "$TPM/one"
    goes_on
}

@test "a blob that is gone or damaged is said, and brought back it serves" {
    begin
    mv "$DEVICE/enclave/sealed" "$DEVICE.sealed"
    refuses "no STATE/enclave/sealed"
    head -c 100 "$DEVICE.sealed" >"$DEVICE/enclave/sealed"
    refuses "STATE/enclave/sealed is damaged"
    : >"$DEVICE/enclave/sealed"
    refuses "STATE/enclave/sealed is damaged"
    head -c 2000 /dev/zero >"$DEVICE/enclave/sealed"
    refuses "STATE/enclave/sealed is damaged"
    cp "$DEVICE.sealed" "$DEVICE/enclave/sealed"
    goes_on
}

@test "a sealed store is not opened without the setting, nor without the blob as well" {
    begin
    anchor "$TPM/one"
    refuses "the configuration does not say so"
    mv "$DEVICE/enclave/sealed" "$DEVICE.sealed"
    refuses_to_sign
    mv "$DEVICE.sealed" "$DEVICE/enclave/sealed"
    anchor "$TPM/one" "seal = yes"
    goes_on
}

# Nothing is missing but the TPM's part of the key: a state that does not open.
refuses_to_sign() {
    start || true
    rotor attest --state "$DEVICE" --nonce "$ANY_NONCE" --out "$BATS_TEST_TMPDIR/none"
    stop_device "$DEVICE"
    [ "$status" -ne 0 ]
    [ ! -e "$BATS_TEST_TMPDIR/none" ]
}

@test "a store that was not sealed is not sealed later, and goes on as it was" {
    anchor "$TPM/one"
    begin
    [ ! -e "$DEVICE/enclave/sealed" ]
    start
    rotor status --state "$DEVICE"
    [[ "$output" != *"sealed to"* ]]
    stop_device "$DEVICE"
    anchor "$TPM/one" "seal = yes"
    refuses "no STATE/enclave/sealed"
    anchor "$TPM/one"
    goes_on
}

@test "registers that changed keep the store shut until they are as they were" {
    command -v tpm2_pcrextend >/dev/null || skip "tpm2-tools are not installed"
    export TPM2TOOLS_TCTI=swtpm:path=$TPM/one/s
    anchor "$TPM/one" "seal = yes" "pcrs = 0-2,23"
    begin
    goes_on
    tpm2_pcrextend "23:sha256=$(printf '1%.0s' {1..64})"
    refuses "the registers of [anchor] pcrs"
    tpm2_pcrreset 23
    goes_on
    anchor "$TPM/one" "seal = yes" "pcrs = 0-1,23"
    refuses "the registers of [anchor] pcrs"
    anchor "$TPM/one" "seal = yes"
    refuses "the registers of [anchor] pcrs"
}

install() { # keys, key, version
    "$ROTOR" image sign --key "$1/$2.pem" --component enclave --version "$3" \
        --security-version 1 --out "$1/next.img" "$ROTOR_BIN/rotor-enclave" &&
        "$ROTOR" image install --state "$DEVICE" --keyring "$1/dev.keyring" --activate "$1/next.img"
}

@test "an update of the enclave's image keeps access to the sealed store" {
    begin
    install "$DEVICE.keys" dev 0.1.1
    start
    rotor status --state "$DEVICE"
    exits 0
    prints "sealed to the TPM"
    stop_device "$DEVICE"
    goes_on
}

@test "a factory reset takes the sealed blob along: the next one is of the new TPM" {
    begin
    cp "$DEVICE/enclave/sealed" "$DEVICE.sealed"
    start_tpm "$TPM/two"
    anchor "$TPM/two" "seal = yes"
    "$ROTOR_BIN/rotord" --state "$DEVICE" --factory-reset --yes
    [ ! -e "$DEVICE/enclave/sealed" ]
    begin_anew
    ! cmp "$DEVICE/enclave/sealed" "$DEVICE.sealed"
}

begin_anew() {
    FIRST="--trust $BATS_TEST_TMPDIR/trust.new --trust-on-first-use --any-measurement"
    begin
}

@test "with its TPM gone for good the recovery authority goes on with the log, sealed to the next TPM" {
    local ra=$DEVICE.ra measurement
    "$ROTOR" authority init --keys 1 --threshold 1 --out "$ra"
    anchor "$TPM/one" "seal = yes" "[recovery]" "authority = $ra/set"
    begin
    start_tpm "$TPM/two"
    anchor "$TPM/two" "seal = yes" "[recovery]" "authority = $ra/set"
    refuses "another TPM sealed the store"
    rm -rf "$DEVICE/enclave"/*
    start
    rotor status --state "$DEVICE" --json
    measurement=$(member measurement)
    "$ROTOR" recover request --state "$DEVICE" --authority "$ra/set" --out "$ra/request"
    "$ROTOR" authority sign --key "$ra/key-1.pem" --measurement "$measurement" --out "$ra/1.sig" --yes "$ra/request"
    "$ROTOR" recover apply --state "$DEVICE" --authority "$ra/set" "$ra/request" "$ra/1.sig"
    stop_device "$DEVICE"
    goes_on
}

@test "a seal without a TPM, and registers that are none, are refused in the configuration" {
    for lines in 'seal = yes' 'pcrs = 0' 'tpm = /dev/null\npcrs = 0' \
        'tpm = /dev/null\nseal = yes\npcrs = 24' 'tpm = /dev/null\nseal = maybe'; do
        printf "[anchor]\n$lines\n" >"$DEVICE.wrong"
        run --separate-stderr timeout 10 "$ROTOR_BIN/rotord" --state "$DEVICE" --config "$DEVICE.wrong"
        [ "$status" -eq 2 ]
        [[ "$stderr" == *"rotord: error: "* ]]
    done
}
