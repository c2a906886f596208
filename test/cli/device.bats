#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A real device: what its operator and those who rely on it see.

load common

setup_file() {
    export DEVICE=$BATS_FILE_TMPDIR/device
    PORT=$(free_port)
    export PORT
    make_device "$DEVICE" || return 1
    start_device "$DEVICE" "$PORT" || return 1
}

teardown_file() {
    stop_device "$DEVICE"
}

setup() {
    TRUST=$BATS_TEST_TMPDIR/trust
    ON="--state $DEVICE"
    HOST=127.0.0.1:$PORT
    FIRST="--trust $TRUST --trust-on-first-use --any-measurement"
    KNOWN="--trust $TRUST --any-measurement"
}

nonce() {
    head -c 32 /dev/urandom | od -An -vtx1 | tr -d ' \n'
}

of_status() {
    rotor status $ON --json
    member "$1"
}

@test "status names log, epoch, root, walls, entropy, limits" {
    rotor status $ON
    exits 0
    [ -z "$stderr" ]
    prints "log          SHA256:"
    prints "root         SHA256:"
    prints "suite        2 (P-256)"
    prints "anchor       file: detect only"
    prints "seccomp"
    prints "getrandom"
    prints "limits       none: test limits"
    rotor status $ON --json
    exits 0
    [ "$(member schema)" = rotor/status/1 ]
    [ "$(member ok)" = true ]
    [ "$(member limits.are_test_limits)" = true ]
    [ "$(member refused)" = 0 ]
}

@test "no line of output is a bare hex code" {
    for command in status chain "chain show 0" doctor; do
        rotor $command $ON
        exits 0
        ! printf '%s\n' "$output" | grep -E '(^|[^0-9A-Za-z+/])[0-9a-f]{32,}' ||
            return 1
    done
}

@test "rotate prints the new epoch and the new root" {
    before=$(of_status epoch)
    root=$(of_status fingerprint)
    rotor rotate $ON --dry-run
    exits 0
    prints "nothing was asked"
    [ "$(of_status epoch)" = "$before" ]
    rotor rotate $ON
    exits 0
    prints "rotated: epoch $((before + 1)), root SHA256:"
    rotor rotate $ON --json
    exits 0
    [ "$(member epoch)" = $((before + 2)) ]
    [ "$(member reason)" = operator ]
    [ "$(member fingerprint)" != "$root" ]
}

@test "a rotation can change the suite, and back" {
    rotor rotate $ON --suite 3 --json
    exits 0
    [ "$(member suite)" = 3 ]
    [ "$(member reason)" = algorithm-change ]
    rotor verify "$HOST" $FIRST
    exits 0
    rotor rotate $ON --suite 1
    exits 0
    rotor verify "$HOST" $KNOWN
    exits 0
    rotor rotate $ON --suite 2
    exits 0
    rotor verify "$HOST" $KNOWN --json
    exits 0
    [ "$(member suite)" = 2 ]
}

@test "an event rotates under its own reason" {
    rotor event security-event --text "case opened" $ON --json
    exits 0
    [ "$(member schema)" = rotor/event/1 ]
    [ "$(member reason)" = security-event ]
    epoch=$(member epoch)
    rotor chain show "$epoch" $ON
    exits 0
    prints "security-event"
}

@test "chain lists every root and verifies every step" {
    rotor chain $ON
    exits 0
    prints "initial"
    prints "ok"
    rotor chain list $ON --json
    exits 0
    [ "$(member schema)" = rotor/chain/1 ]
    [ "$(member entries.0.kind)" = genesis ]
    [ "$(member entries.0.is_valid)" = true ]
    rotor chain show 0 $ON
    exits 0
    prints "kind           genesis"
    rotor chain show 99999 $ON
    exits 2
}

@test "an exported log verifies elsewhere; a changed one does not" {
    log=$BATS_TEST_TMPDIR/log
    rotor rotate $ON
    rotor chain export "$log" $ON
    exits 0
    rotor chain --file "$log"
    exits 0
    prints "initial"
    size=$(stat -c %s "$log")
    for at in 40 $((size / 3)) $((size / 2)) $((size - 40)); do
        cp "$log" "$log.bad"
        printf "\\x$(printf %02x $((0x$(od -An -tx1 -j "$at" -N1 "$log" |
            tr -d ' ') ^ 4)))" |
            dd of="$log.bad" bs=1 seek="$at" conv=notrunc status=none
        rotor chain --file "$log.bad"
        [ "$status" -eq 1 ] || [ "$status" -eq 3 ]
    done
    head -c $((size - 1)) "$log" >"$log.short"
    rotor chain --file "$log.short"
    exits 3
    pinned="--any-measurement --log-id $(of_status log_id) --trust $BATS_TEST_TMPDIR/chain"
    rotor verify --chain "$log.short" $pinned --json
    exits 3
    fails_in_json UNPARSABLE
    rotor verify --chain "$log" $pinned --json
    exits 0
    fits log-verified
    [ "$(member entries_verified)" = 1 ] # the others were whole in the short one
    rotor verify --chain "$log" $pinned
    exits 0
    prints "nothing says that it ends there"
}

@test "evidence over a nonce is accepted once the log is pinned" {
    n=$(nonce)
    rotor attest $ON --nonce "$n" --out "$BATS_TEST_TMPDIR/evidence"
    exits 0
    [ -z "$output" ]
    rotor verify "$BATS_TEST_TMPDIR/evidence" --nonce "$n" $KNOWN
    exits 2
    says "is not known here"
    rotor verify "$BATS_TEST_TMPDIR/evidence" --nonce "$n" $KNOWN \
        --log-id "$(of_status log_id)"
    exits 0
    prints "accepted: epoch"
    rotor verify "$BATS_TEST_TMPDIR/evidence" --nonce "$n" $KNOWN --json
    exits 0
    [ "$(member schema)" = rotor/verify/1 ]
    [ "$(member verdict)" = accepted ]
    [ "$(member proves_head)" = false ]
}

@test "evidence goes through a pipe, and into a JSON object" {
    n=$(nonce)
    run --separate-stderr bash -c "'$ROTOR' attest $ON --nonce $n |
        '$ROTOR' verify - --nonce $n $FIRST"
    exits 0
    rotor attest $ON --nonce "$n" --json
    exits 0
    member bundle_base64 | base64 -d >"$BATS_TEST_TMPDIR/evidence"
    rotor verify "$BATS_TEST_TMPDIR/evidence" --nonce "$n" $KNOWN
    exits 0
}

@test "evidence for another nonce is refused" {
    rotor attest $ON --nonce "$(nonce)" --out "$BATS_TEST_TMPDIR/evidence"
    rotor verify "$BATS_TEST_TMPDIR/evidence" --nonce "$(nonce)" $FIRST
    exits 1
    says "another nonce"
    rotor verify "$BATS_TEST_TMPDIR/evidence" --nonce "$(nonce)" $FIRST --json
    exits 1
    fails_in_json EVIDENCE_REFUSED
    [ "$(member verdict)" = refused ]
}

@test "truncated evidence is never a verdict" {
    n=$(nonce)
    file=$BATS_TEST_TMPDIR/evidence
    rotor attest $ON --nonce "$n" --out "$file"
    size=$(stat -c %s "$file")
    for part in 1 10 16 17 100 1000 $((size / 2)) $((size - 1)); do
        head -c "$part" "$file" >"$file.short"
        rotor verify "$file.short" --nonce "$n" $FIRST
        exits 3
    done
    (cat "$file" && echo) >"$file.long"
    rotor verify "$file.long" --nonce "$n" $FIRST
    exits 3
}

@test "no changed byte of evidence is accepted" {
    n=$(nonce)
    file=$BATS_TEST_TMPDIR/evidence
    rotor attest $ON --nonce "$n" --out "$file"
    python3 - "$file" <<'PYTHON'
import random, sys
data = open(sys.argv[1], "rb").read()
random.seed(7)
for i in range(60):
    at = random.randrange(len(data))
    bad = bytearray(data)
    bad[at] ^= 1 << random.randrange(8)
    open(f"{sys.argv[1]}.{i}", "wb").write(bad)
import random, sys
data = open(sys.argv[1], "rb").read()
random.seed(7)
for i in range(60):
    at = random.randrange(len(data))
    bad = bytearray(data)
    bad[at] ^= 1 << random.randrange(8)
    open(f"{sys.argv[1]}.{i}", "wb").write(bad)
PYTHON
    log=$(of_status log_id)
    for i in $(seq 0 59); do
        run "$ROTOR" verify "$file.$i" --nonce "$n" --any-measurement \
            --trust "$TRUST.$i" --log-id "$log"
        [ "$status" -eq 1 ] || [ "$status" -eq 3 ] || {
            echo "copy $i: exit $status"
            return 1
        }
    done
}

@test "a relying party over TCP: first use, then known, then asleep for long" {
    rotor verify "$HOST" $FIRST
    exits 0
    prints "accepted: epoch"
    says "first use"
    rotor verify "$HOST" $KNOWN --json
    exits 0
    [ "$(member first_contact)" = false ]
    [ "$(member entries_verified)" = 0 ]
    [ "$(member proves_head)" = true ]
    for _ in 1 2 3 4 5 6 7 8; do
        rotor rotate $ON
        exits 0
    done
    rotor verify "$HOST" $KNOWN --progress --json
    exits 0
    [ "$(member entries_verified)" = 8 ]
    says "entries verified"
}

@test "the pinned log and the pinned device are what counts" {
    rotor verify "$HOST" $KNOWN --log-id "$(of_status log_id)" \
        --instance "$(of_status instance)"
    exits 0
    rotor verify "$HOST" --trust "$TRUST.2" --any-measurement \
        --log-id SHA256:mgSVQSsoYYnbzKBJP3I4rR1WJufDSNUb4bd6jbRclx4 --json
    exits 1
    fails_in_json EVIDENCE_REFUSED
    rotor verify "$HOST" $KNOWN --explain \
        --instance SHA256:mgSVQSsoYYnbzKBJP3I4rR1WJufDSNUb4bd6jbRclx4
    exits 1
    says "not the pinned device"
    printf '%s' "$output" | grep -Eq '^instance +failed'
}

@test "the measurement is judged: flag, file, none of them" {
    wanted=$(of_status measurement)
    other=SHA256:mgSVQSsoYYnbzKBJP3I4rR1WJufDSNUb4bd6jbRclx4
    rotor verify "$HOST" --trust "$TRUST" --trust-on-first-use \
        --measurement "$other"
    exits 1
    says "measurement"
    rotor verify "$HOST" --trust "$TRUST" --trust-on-first-use \
        --measurement "$other" --measurement "$wanted" --json
    exits 0
    [ "$(member measurement_is_judged)" = true ]
    printf '# images\n%s\n  measurement: %s\n' "$other" "$wanted" \
        >"$BATS_TEST_TMPDIR/reference"
    rotor verify "$HOST" --trust "$TRUST" \
        --reference "$BATS_TEST_TMPDIR/reference"
    exits 0
    echo "signer: $wanted" >"$BATS_TEST_TMPDIR/reference"
    rotor verify "$HOST" --trust "$TRUST" \
        --reference "$BATS_TEST_TMPDIR/reference"
    exits 3
    rotor verify "$HOST" $KNOWN --min-security-version 9 --explain
    exits 1
    printf '%s' "$output" | grep -Eq '^security-version +failed'
}

@test "--explain names what was expected and what was seen" {
    rotor verify "$HOST" $FIRST --explain
    exits 0
    prints "CHECK"
    prints "not-asked"
    printf '%s' "$output" | grep -Eq '^root-signature +passed'
    printf '%s' "$output" | grep -Eq '^binding +passed'
    rotor verify "$HOST" $KNOWN --json
    [ "$(member checks.0.finding)" = passed ]
}

@test "evidence made just before a rotation counts within its grace" {
    n=$(nonce)
    rotor attest $ON --nonce "$n" --out "$BATS_TEST_TMPDIR/evidence"
    rotor rotate $ON
    rotor verify "$HOST" $FIRST
    exits 0
    rotor verify "$BATS_TEST_TMPDIR/evidence" --nonce "$n" $KNOWN
    exits 0
    says "within its grace"
}

@test "evidence of a compromised root does not" {
    n=$(nonce)
    rotor attest $ON --nonce "$n" --out "$BATS_TEST_TMPDIR/evidence"
    rotor event key-compromise --distrust-from 0 $ON
    exits 0
    rotor verify "$HOST" $FIRST
    exits 0
    rotor verify "$BATS_TEST_TMPDIR/evidence" --nonce "$n" $KNOWN --json
    exits 1
    fails_in_json EVIDENCE_REFUSED
    case "$(member error.message)" in
    *void*) ;;
    *) return 1 ;;
    esac
}

@test "a bundle may leave out what the verifier knows" {
    rotor verify "$HOST" $FIRST
    epoch=$(of_status epoch)
    rotor rotate $ON
    n=$(nonce)
    rotor attest $ON --nonce "$n" --head --since "$epoch" \
        --out "$BATS_TEST_TMPDIR/evidence"
    exits 0
    rotor verify "$BATS_TEST_TMPDIR/evidence" --nonce "$n" $KNOWN --json
    exits 0
    [ "$(member entries_verified)" = 1 ]
    [ "$(member proves_head)" = true ]
    rotor verify "$BATS_TEST_TMPDIR/evidence" --nonce "$n" --any-measurement \
        --trust "$TRUST.new" --trust-on-first-use
    [ "$status" -ne 0 ]
}

@test "a damaged trust store is not used" {
    rotor verify "$HOST" $FIRST
    file=$(ls "$TRUST"/*.trust)
    printf 'X' | dd of="$file" bs=1 seek=30 conv=notrunc status=none
    rotor verify "$HOST" $KNOWN --json
    exits 3
    fails_in_json UNPARSABLE
    rm -rf "$BATS_TEST_TMPDIR/trust"
    rotor verify "$HOST" $FIRST
    exits 0
    : >"$(ls "$TRUST"/*.log)"
    rotor verify "$HOST" $KNOWN
    exits 3
    says "damaged"
}

@test "what a cut write left behind the log is no harm" {
    rotor verify "$HOST" $FIRST
    head -c 777 /dev/urandom >>"$(ls "$TRUST"/*.log)"
    rotor rotate $ON
    rotor verify "$HOST" $KNOWN
    exits 0
    rotor rotate $ON
    rotor verify "$HOST" $KNOWN
    exits 0
}

@test "doctor finds a whole device" {
    rotor doctor $ON
    exits 0
    prints "every step verifies"
    rotor doctor $ON --json
    exits 0
    [ "$(member ok)" = true ]
    rotor doctor $ON --retest
    exits 0
    prints "entropy test"
}

@test "garbage on the TCP port does not stop the device" {
    for size in 1 4 100 20000; do
        head -c $size /dev/urandom | timeout 2 bash -c \
            "cat >/dev/tcp/127.0.0.1/$PORT" 2>/dev/null || true
    done
    rotor verify "$HOST" $FIRST
    exits 0
}
