#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Endorsements: kept by their hash, never trusted for being kept.

load common

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -sha384 -days 3650 \
        -subj "/O=Test/CN=Test Root" -keyout root.key -out root.pem 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=Test Leaf" \
        -keyout leaf.key -out leaf.csr 2>/dev/null
    openssl x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -days 5 \
        -out leaf.pem 2>/dev/null
    openssl pkey -in leaf.key -pubout -out key.pem
    : >index
    printf '[ca]\ndefault_ca = a\n[a]\ndatabase = index\ndefault_md = sha384\ndefault_crl_days = 30\n' >ca.conf
    openssl ca -config ca.conf -gencrl -keyfile root.key -cert root.pem -out list.pem 2>/dev/null
    openssl crl -in list.pem -outform DER -out list.der
    openssl x509 -in leaf.pem -outform DER -out leaf.der
    cat root.pem leaf.pem list.pem >bundle.pem
    printf '{"tcbInfo":{"id":"TDX","issueDate":"2020-01-01T00:00:00Z","nextUpdate":"2020-01-31T00:00:00Z","fmspc":"00806f050000"},"signature":"00"}' \
        >tcb.json
}

setup() {
    FILES=$BATS_FILE_TMPDIR
    STORE=$BATS_TEST_TMPDIR/deep/store
    export HOME=$BATS_TEST_TMPDIR
}

endorse() {
    rotor endorse "$@" --endorsements "$STORE"
}

@test "a bundle, DER and JSON become one file a statement, named by its hash" {
    endorse import "$FILES/bundle.pem" "$FILES/leaf.der" "$FILES/list.der" "$FILES/tcb.json"
    exits 0
    prints "imported: 4 new, 0 known"
    says "1 roots that are not built in"
    [ "$(ls "$STORE" | wc -l)" -eq 4 ]
    for file in "$STORE"/*; do
        [ "$(sha256sum <"$file" | cut -d' ' -f1)" = "$(basename "$file")" ]
    done
    [ "$(stat -c %a "$STORE")" = 700 ]
    endorse import "$FILES/bundle.pem" --json
    exits 0
    [ "$(member imported)" = 0 ]
    [ "$(member known)" = 3 ]
}

@test "list shows what each is and how long it is good" {
    endorse list
    exits 0
    prints "none in"
    endorse import "$FILES/bundle.pem" "$FILES/tcb.json"
    endorse list
    exits 0
    prints "Test Root, a root that is not built in"
    prints "Test Leaf, by Test Root"
    [ "$(grep -c '^certificate  *ends soon ' <<<"$output")" -eq 1 ]
    [ "$(grep -c '^revocation list  *good ' <<<"$output")" -eq 1 ]
    [ "$(grep -c '^TCB info  *ended  *2020-01-31' <<<"$output")" -eq 1 ]
    endorse list --json
    exits 0
    [ "$(member schema)" = rotor/endorse/1 ]
    [ "$(member endorsements.3.state)" = ended ]
}

@test "doctor names what ends and how to mend it" {
    rotor doctor --state "$BATS_TEST_TMPDIR/none" --endorsements "$STORE"
    prints "skip  endorsements"
    endorse import "$FILES/bundle.pem"
    rotor doctor --state "$BATS_TEST_TMPDIR/none" --endorsements "$STORE"
    prints "warn  endorsements    certificate, Test Leaf, by Test Root: ends soon"
    prints "rotor endorse import"
    prints "ok    endorsements    2 are good"
    endorse import "$FILES/tcb.json"
    rotor doctor --state "$BATS_TEST_TMPDIR/none" --endorsements "$STORE"
    prints "FAIL  endorsements    TCB info, TDX 00806f050000: ended 2020-01-31"
    endorse prune
    exits 0
    prints "removed: 1 "
    rotor doctor --state "$BATS_TEST_TMPDIR/none" --endorsements "$STORE"
    ! grep -q 'FAIL  endorsements' <<<"$output"
}

@test "prune keeps a list that is good, also beside a newer one that nobody has verified" {
    cd "$BATS_TEST_TMPDIR"
    : >index
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -sha384 -days 3650 \
        -subj "/O=Test/CN=Test Root" -keyout thief.key -out thief.pem 2>/dev/null
    sed 's/= 30/= 300/' "$FILES/ca.conf" >ca.conf
    openssl ca -config ca.conf -gencrl -keyfile thief.key -cert thief.pem -out false.pem 2>/dev/null
    endorse import "$FILES/bundle.pem" false.pem
    endorse list
    [ "$(grep -c '^revocation list  *replaced ' <<<"$output")" -eq 1 ]
    endorse prune
    exits 0
    prints "removed: 0 "
    endorse list
    [ "$(grep -c '^revocation list ' <<<"$output")" -eq 2 ]
}

@test "a file of the store that is not what its name says is passed over, and doctor fails" {
    endorse import "$FILES/bundle.pem"
    for file in "$STORE"/*; do
        cp "$FILES/tcb.json" "$file"
        break
    done
    endorse list
    exits 0
    says "1 damaged files"
    rotor doctor --state "$BATS_TEST_TMPDIR/none" --endorsements "$STORE"
    prints "FAIL  endorsements    1 damaged files"
    # Importing mends it.
    endorse import "$FILES/bundle.pem"
    endorse list
    exits 0
    [ -z "$stderr" ]
}

@test "what is no endorsement is not kept: exit 3, and nothing is written" {
    head -c 200 "$FILES/leaf.pem" >"$BATS_TEST_TMPDIR/cut.pem"
    { cat "$FILES/leaf.pem"; head -c 200 "$FILES/root.pem"; } >"$BATS_TEST_TMPDIR/half.pem"
    head -c 100 "$FILES/leaf.der" >"$BATS_TEST_TMPDIR/cut.der"
    { cat "$FILES/leaf.der"; echo x; } >"$BATS_TEST_TMPDIR/more.der"
    echo '{"tcbInfo":3}' >"$BATS_TEST_TMPDIR/other.json"
    echo '{"a":1' >"$BATS_TEST_TMPDIR/cut.json"
    : >"$BATS_TEST_TMPDIR/empty"
    for file in cut.pem half.pem cut.der more.der other.json cut.json empty; do
        endorse import "$BATS_TEST_TMPDIR/$file"
        exits 3
        says "$file: not certificates"
    done
    endorse import "$FILES/leaf.key"
    exits 3
    endorse import "$FILES/bundle.pem" "$BATS_TEST_TMPDIR/cut.der"
    exits 3
    endorse import /dev/zero
    exits 3
    endorse import "$BATS_TEST_TMPDIR/none"
    exits 3
    [ ! -e "$STORE" ]
}

@test "a public key by itself is a root, and roots are not imported" {
    endorse import "$FILES/key.pem"
    exits 2
    says "rotor verify --root"
    [ ! -e "$STORE" ]
}

@test "usage, and a store that cannot be written" {
    rotor endorse
    exits 2
    rotor endorse import
    exits 2
    rotor endorse list now
    exits 2
    touch "$BATS_TEST_TMPDIR/file"
    rotor endorse import "$FILES/leaf.pem" --endorsements "$BATS_TEST_TMPDIR/file"
    exits 3
    rotor endorse import "$FILES/leaf.pem" --endorsements "$BATS_TEST_TMPDIR/file" --json
    exits 3
    fails_in_json UNREADABLE
}
