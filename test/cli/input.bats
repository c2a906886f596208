#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Files that are not what they should be: exit 3, never 0 or 1.

load common

setup() {
    TRUST=$BATS_TEST_TMPDIR/trust
    JUDGE="--nonce $ANY_NONCE --any-measurement --trust $TRUST"
}

@test "no nonce: a usage error with the way out" {
    rotor verify evidence.cbor --any-measurement
    exits 2
    says "rotor: error: no nonce: cannot tell whether the evidence is fresh"
    says "rotor: hint: pass the nonce that you gave to \`rotor attest\`"
}

@test "a nonce that is none" {
    for nonce in "" xyz 00 "${ANY_NONCE}00" "${ANY_NONCE:1}"; do
        rotor verify evidence.cbor --nonce "$nonce" --any-measurement
        exits 2
        rotor attest --nonce "$nonce" --state "$BATS_TEST_TMPDIR"
        exits 2
    done
    rotor attest --state "$BATS_TEST_TMPDIR"
    exits 2
    says "no nonce"
}

@test "no measurement: a usage error with the way out" {
    rotor verify 127.0.0.1:1 --trust "$TRUST"
    exits 2
    says "--any-measurement"
    rotor verify 127.0.0.1:1 --any-measurement --measurement "$ANY_NONCE"
    exits 2
}

@test "fingerprints that are none" {
    for flag in --log-id --measurement --instance; do
        for text in SHA256:short SHA512:x "" zz \
            SHA256:mgSVQSsoYYnbzKBJP3I4rR1WJufDSNUb4bd6jbRclx4x; do
            rotor verify 127.0.0.1:1 $flag "$text" --any-measurement
            exits 2
            says "not a fingerprint"
        done
    done
}

@test "an address that was never seen needs a pin" {
    rotor verify 127.0.0.1:1 --any-measurement --trust "$TRUST"
    exits 2
    says "--log-id"
    says "--trust-on-first-use"
    rotor verify 127.0.0.1:1 --any-measurement --trust "$TRUST" --json
    exits 2
    fails_in_json USAGE
}

@test "a device that is not there" {
    rotor verify 127.0.0.1:1 --any-measurement --trust "$TRUST" \
        --trust-on-first-use
    exits 3
    says "Connection refused"
    rotor verify 127.0.0.1:1 --any-measurement --trust "$TRUST" \
        --trust-on-first-use --json
    exits 3
    fails_in_json DAEMON_DOWN
    [ "$(member verdict)" = undecided ]
}

@test "a trust store that cannot be made" {
    touch "$TRUST"
    rotor verify 127.0.0.1:1 --any-measurement --trust "$TRUST" \
        --trust-on-first-use
    exits 3
    says "trust store"
}

@test "a file that is missing, a folder, empty, endless, too large" {
    rotor verify "$BATS_TEST_TMPDIR/none" $JUDGE
    exits 3
    says "No such file"
    rotor verify "$BATS_TEST_TMPDIR" $JUDGE
    exits 3
    says "is a folder"
    : >"$BATS_TEST_TMPDIR/empty"
    rotor verify "$BATS_TEST_TMPDIR/empty" $JUDGE
    exits 3
    says "not evidence of rotor"
    rotor verify /dev/zero $JUDGE
    exits 3
    says "larger than"
    truncate -s 1G "$BATS_TEST_TMPDIR/large"
    rotor verify "$BATS_TEST_TMPDIR/large" $JUDGE
    exits 3
    says "larger than"
    rotor verify "$BATS_TEST_TMPDIR/large" $JUDGE --json
    exits 3
    fails_in_json UNREADABLE
}

@test "a file that may not be read" {
    [ "$(id -u)" -ne 0 ] || skip "root reads everything"
    : >"$BATS_TEST_TMPDIR/secret"
    chmod 0 "$BATS_TEST_TMPDIR/secret"
    rotor verify "$BATS_TEST_TMPDIR/secret" $JUDGE
    exits 3
    says "Permission denied"
}

@test "noise is not evidence" {
    for size in 1 2 100 5000 100000; do
        head -c $size /dev/urandom >"$BATS_TEST_TMPDIR/noise"
        rotor verify "$BATS_TEST_TMPDIR/noise" $JUDGE
        exits 3
        rotor verify "$BATS_TEST_TMPDIR/noise" $JUDGE --json
        exits 3
        fails_in_json UNPARSABLE
        rotor chain --file "$BATS_TEST_TMPDIR/noise"
        exits 3
    done
}

@test "a state folder that is not there is said so, and not made; only installing makes one" {
    for command in 'image list' 'image activate rtp' 'image revert rtp'; do
        rotor $command --state "$BATS_TEST_TMPDIR/none" --json
        exits 3
        fails_in_json UNREADABLE
        [ ! -e "$BATS_TEST_TMPDIR/none" ]
    done
}

@test "standard input is a file too" {
    run --separate-stderr bash -c "head -c 99 /dev/urandom | '$ROTOR' verify - $JUDGE"
    exits 3
    says "not evidence of rotor"
    run --separate-stderr bash -c "'$ROTOR' chain --file - </dev/null"
    exits 3
}

@test "CBOR that is something else, or promises more than there is" {
    # ["rotor attest/1", h'', h'', []]; then one with 2^40 entries
    printf '\x84\x6erotor attest/1\x40\x40\x80' >"$BATS_TEST_TMPDIR/a"
    printf '\x84\x6erotor attest/1\x41\x00\x41\x00\x9b\x00\x00\x01\x00\x00\x00\x00\x00' \
        >"$BATS_TEST_TMPDIR/b"
    printf '\x82\x6brotor log/1\x9b\x00\x00\x01\x00\x00\x00\x00\x00' \
        >"$BATS_TEST_TMPDIR/c"
    for file in a b c; do
        rotor verify "$BATS_TEST_TMPDIR/$file" $JUDGE
        exits 3
        rotor chain --file "$BATS_TEST_TMPDIR/$file"
        exits 3
    done
}

@test "an empty log is no log" {
    printf '\x82\x6brotor log/1\x80' >"$BATS_TEST_TMPDIR/log"
    rotor chain --file "$BATS_TEST_TMPDIR/log"
    exits 3
    says "no log yet"
}

@test "a reference file without a measurement, or that is missing" {
    echo hello >"$BATS_TEST_TMPDIR/reference"
    rotor verify 127.0.0.1:1 --reference "$BATS_TEST_TMPDIR/reference"
    exits 3
    says "no measurement in it"
    rotor verify 127.0.0.1:1 --reference "$BATS_TEST_TMPDIR/none"
    exits 3
    rotor verify 127.0.0.1:1 --reference /dev/zero
    exits 3
}

@test "what is demanded of rotor's own evidence is not passed over where the file is another's" {
    echo token >"$BATS_TEST_TMPDIR/token"
    for demand in "--reference $BATS_TEST_TMPDIR/none" "--chain $BATS_TEST_TMPDIR/none" "--log-id SHA256:$(printf 'A%.0s' {1..43})"; do
        # shellcheck disable=SC2086
        rotor verify "$BATS_TEST_TMPDIR/token" --format psa $demand
        exits 2
        says "${demand%% *} is for rotor's own evidence"
    done
}

@test "a port that speaks something else" {
    port=$(free_port)
    python3 -c "
import socket, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', $port)); s.listen(4)
open('$BATS_TEST_TMPDIR/ready', 'w').close()
for i in range(2):
    c, _ = s.accept()
    c.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n' * 3 if i == 0 else b'\0\0\0\1\xff')
    time.sleep(0.3); c.close()
" 3>&- &
    await test -e "$BATS_TEST_TMPDIR/ready"
    for _ in 1 2; do
        rotor verify "127.0.0.1:$port" --trust-on-first-use --any-measurement \
            --trust "$TRUST"
        exits 3
        says "does not speak this protocol"
    done
    wait
}
