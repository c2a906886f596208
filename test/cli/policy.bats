#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Policies: what is misspelt is an error with its line, and what a device shows
# is what the build says of its images.

load common

setup_file() {
    export STATE=$BATS_FILE_TMPDIR/device
    make_device "$STATE"
    PORT=$(free_port)
    export PORT
    start_device "$STATE" "$PORT"
}

teardown_file() {
    stop_device "$STATE"
}

setup() {
    POLICY=$BATS_TEST_TMPDIR/fleet.policy
}

check() { # text of the policy
    printf '%b' "$1" >"$POLICY"
    rotor policy check "$POLICY"
}

GOOD='; what we take
[accept]
backend = snp tdx, process
level = process
debug = off
binding = required
tcb-status = UpToDate SWHardeningNeeded
security-version = 3
max-age = 30d
[tcb-floor]
snp = 0300000000000873
[measurement]
value = SHA256:mgSVQSsoYYnbzKBJP3I4rR1WJufDSNUb4bd6jbRclx4
value = 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
[signer]
value = 00112233445566778899aabbccddeeff
[instance]
value = 00112233445566778899aabbccddeeff
'

@test "a policy with every key is good, and show prints it so that it reads the same" {
    check "$GOOD"
    exits 0
    prints "good: 2 measurements, 1 signers, 1 instances"
    [ -z "$stderr" ]
    rotor policy show "$POLICY"
    exits 0
    shown=$output
    printf '%s\n' "$shown" >"$POLICY"
    rotor policy show "$POLICY"
    exits 0
    [ "$output" = "$shown" ]
    rotor policy show "$POLICY" --json
    exits 0
    [ "$(member schema)" = rotor/policy/1 ]
    [ "$(member backends)" = '["process", "snp", "tdx"]' ]
    [ "$(member binding_required)" = true ]
    [ "$(member max_age_s)" = 2592000 ]
    [ "$(member tcb_floors.snp)" = 0300000000000873 ]
    [ "$(member measurements.0)" = 9a0495412b286189dbcca0493f7238ad1d5626e7c348d51be1b77a8db45c971e ]
}

@test "what is misspelt is an error with its line: exit 2" {
    while IFS='|' read -r line says text; do
        check "$text"
        exits 2
        says "fleet.policy: line $line: "
        says "$says"
        [ -z "$output" ]
    done <<'TABLE'
2|unknown key levle|[accept]\nlevle = kvm\n
1|unknown section [acept]|[acept]\n
3|unknown section [measurements]|[accept]\ndebug = off\n[measurements]\n
1|unknown key level in section []|level = kvm\n
2|expected name = value|[accept]\nlevel\n
2|no kind of evidence|[accept]\nbackend = snp,tdz\n
2|expected one word|[accept]\nbackend = \n
2|expected one word|[accept]\ntcb-status =\n
2|no status of a TCB|[accept]\ntcb-status = uptodate\n
2|expected process, kvm|[accept]\nlevel = high\n
2|expected off or any|[accept]\ndebug = no\n
2|expected required or optional|[accept]\nbinding = yes\n
2|from 1 on|[accept]\nsecurity-version = 0\n
2|from 1 on|[accept]\nsecurity-version = 1x\n
2|from 1 on|[accept]\nsecurity-version = -1\n
2|a duration|[accept]\nmax-age = 30\n
2|a duration|[accept]\nmax-age = 0d\n
2|a duration|[accept]\nmax-age = 30days\n
2|expected SHA256|[measurement]\nvalue = SHA256:short\n
2|expected SHA256|[measurement]\nvalue = 0011\n
2|expected SHA256|[measurement]\nvalue =\n
2|expected SHA256|[signer]\nvalue = 00112233445566778899aabbccddeefg\n
2|one byte each|[tcb-floor]\nsnp = 3\n
2|unknown key tpm|[tcb-floor]\ntpm = 03\n
3|level stands twice|[accept]\nlevel = kvm\nlevel = process\n
2|the line begins with a blank|[accept]\n level = kvm\n
2|expected the name of a file|[include]\nfile =\n
TABLE
    check "[accept]\nlevel = kv\0m\n"
    exits 2
    check "[accept]\n; $(printf 'x%.0s' {1..300})\n"
    exits 2
    says "line 2: the line is too long"
    rotor policy check "$POLICY" --json
    exits 2
    fails_in_json USAGE
    [ "$(member schema)" = rotor/policy/1 ]
}

@test "an included file brings values and nothing else" {
    mkdir "$BATS_TEST_TMPDIR/parts"
    printf '[measurement]\nvalue = 00112233445566778899aabbccddeeff\n' >"$BATS_TEST_TMPDIR/parts/a.ini"
    printf '[signer]\nvalue = 00112233445566778899aabbccddeef0\n' >"$BATS_TEST_TMPDIR/parts/b.ini"
    check "[include]\nfile = parts/a.ini\nfile = $BATS_TEST_TMPDIR/parts/b.ini\n"
    exits 0
    prints "good: 1 measurements, 1 signers"
    for key in "[accept]\ndebug = any" "[include]\nfile = b.ini" "[tcb-floor]\nsnp = 00"; do
        printf "; one\n$key\n" >"$BATS_TEST_TMPDIR/parts/a.ini"
        check "[include]\nfile = parts/a.ini\n"
        exits 2
        says "a.ini: line 3: "
        says "only"
    done
    for content in '' '[measurement]' '; value = 00112233445566778899aabbccddeeff'; do
        printf '%s\n' "$content" >"$BATS_TEST_TMPDIR/parts/a.ini"
        check "[include]\nfile = parts/a.ini\n"
        exits 2
        says "a.ini: no value in it"
    done
    check "[include]\nfile = parts/none.ini\n"
    exits 3
    says "parts/none.ini: No such file"
}

@test "a policy that is missing, a folder, endless, too large, a pipe without a writer" {
    rotor policy check "$BATS_TEST_TMPDIR/none"
    exits 3
    rotor policy check "$BATS_TEST_TMPDIR"
    exits 3
    says "is a folder"
    rotor policy check /dev/zero
    exits 3
    mkfifo "$BATS_TEST_TMPDIR/pipe"
    rotor policy show "$BATS_TEST_TMPDIR/pipe"
    exits 3
    says "nothing comes from there"
    rotor policy check
    exits 2
    rotor policy check a b
    exits 2
    rotor policy judge "$POLICY"
    exits 2
}

@test "check warns of what a policy lets through" {
    check ""
    exits 0
    says "any program may run there"
    says "a process that says so"
    says "replay"
    check "[accept]\ndebug = any\n"
    exits 0
    says "debugging is allowed"
}

@test "reference values of the images are what the device shows" {
    keys=$STATE.keys
    rotor image reference --keyring "$keys/dev.keyring" --config "$STATE.conf" \
        --out "$BATS_TEST_TMPDIR/reference.ini" "$keys/enclave.img"
    exits 0
    rotor status --state "$STATE" --json
    exits 0
    shown=$(member measurement)
    grep -qxF "value = $shown" "$BATS_TEST_TMPDIR/reference.ini"
    # Another configuration is another measurement.
    rotor image reference --keyring "$keys/dev.keyring" "$keys/enclave.img"
    exits 0
    prints "[signer]"
    ! printf '%s' "$output" | grep -qF "$shown"
}

@test "images that the keyring does not know make no reference values" {
    keys=$STATE.keys
    rotor image keygen --out "$BATS_TEST_TMPDIR/other.pem"
    rotor image keyring --out "$BATS_TEST_TMPDIR/other.keyring" "$BATS_TEST_TMPDIR/other.pem"
    rotor image reference --keyring "$BATS_TEST_TMPDIR/other.keyring" "$keys/enclave.img"
    exits 1
    rotor image reference --keyring "$keys/dev.keyring" "$ROTOR_BIN/rotor-enclave"
    exits 3
    rotor image reference "$keys/enclave.img"
    exits 2
    printf '[rotation]\nperiodd = 3\n' >"$BATS_TEST_TMPDIR/bad.conf"
    rotor image reference --keyring "$keys/dev.keyring" --config "$BATS_TEST_TMPDIR/bad.conf" "$keys/enclave.img"
    exits 2
}

@test "a policy judges rotor's own evidence too, over TCP and from a file" {
    keys=$STATE.keys
    rotor status --state "$STATE" --json
    log=$(member log_id)
    measurement=$(member measurement)
    judge="127.0.0.1:$PORT --log-id $log --trust $BATS_TEST_TMPDIR/trust --policy $POLICY"
    rotor image reference --keyring "$keys/dev.keyring" --config "$STATE.conf" \
        --out "$BATS_TEST_TMPDIR/reference.ini" "$keys/enclave.img"
    printf '[accept]\nbackend = process\ndebug = off\nbinding = required\nsecurity-version = 1\n[include]\nfile = reference.ini\n' >"$POLICY"
    rotor verify $judge --explain
    exits 0
    prints "policy measurement               passed"
    prints "policy signer                    passed"
    prints "policy binding                   passed"
    while IFS='|' read -r says text; do
        printf '[measurement]\nvalue = %s\n%b' "$measurement" "$text" >"$POLICY"
        rotor verify $judge
        exits 1
        says "$says"
        [ -z "$output" ]
    done <<'TABLE'
weaker than the policy asks|[accept]\nlevel = kvm\n
does not take this kind|[accept]\nbackend = snp tdx\n
older than the policy's floor|[accept]\nsecurity-version = 2\n
nobody of the policy vouches|[signer]\nvalue = 00112233445566778899aabbccddeeff\n
another machine|[instance]\nvalue = 00112233445566778899aabbccddeeff\n
too old, or has no date|[accept]\nmax-age = 1d\n
TABLE
    printf '[measurement]\nvalue = %s\n' "$ANY_NONCE" >"$POLICY"
    rotor verify $judge --json
    exits 1
    fails_in_json EVIDENCE_REFUSED
    printf '[accept]\nlevel = kvm\n' >"$POLICY"
    rotor verify $judge
    exits 2
    says "no measurement"
    rotor verify $judge --any-measurement --json
    exits 1
    fails_in_json EVIDENCE_REFUSED
    [ "$(member policy_checks.2.check)" = "policy level" ]
    rotor attest --state "$STATE" --nonce "$ANY_NONCE" --out "$BATS_TEST_TMPDIR/bundle"
    exits 0
    rotor verify "$BATS_TEST_TMPDIR/bundle" --nonce "$ANY_NONCE" --any-measurement \
        --trust "$BATS_TEST_TMPDIR/trust" --policy "$POLICY"
    exits 1
    printf '[accept]\nlevel = process\n' >"$POLICY"
    rotor verify "$BATS_TEST_TMPDIR/bundle" --nonce "$ANY_NONCE" --any-measurement \
        --trust "$BATS_TEST_TMPDIR/trust" --policy "$POLICY"
    exits 0
}

@test "flags for evidence of others are refused for a device" {
    for flag in "--endorsements ." "--root x" "--report-data $ANY_NONCE" "--time 2026-01-01T00:00:00Z" "--format snp"; do
        rotor verify "127.0.0.1:$PORT" $flag --any-measurement
        exits 2
        says "belong to a file"
    done
}
