#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rotor attest --evidence: reports of a simulated guest, through a folder that
# obeys the ABI of configfs-tsm.  Hardware was never near it.

load common

setup_file() {
    export STATE=$BATS_FILE_TMPDIR/device CHIP=$BATS_FILE_TMPDIR/chip
    export FAKE=$BATS_FILE_TMPDIR/fake_tsm.so SIM=$BATS_TEST_DIRNAME/sim_snp.py
    cc -shared -fPIC -O1 -w -D_GNU_SOURCE -o "$FAKE" "$BATS_TEST_DIRNAME/fake_tsm.c" -ldl
    python3 "$SIM" make "$CHIP"
    make_device "$STATE"
    start_device "$STATE" "$(free_port)"
}

teardown_file() {
    stop_device "$STATE"
}

setup() {
    export HOME=$BATS_TEST_TMPDIR
    TSM=$BATS_TEST_TMPDIR/report
    mkdir "$TSM"
    OUT=$BATS_TEST_TMPDIR/evidence
    JUDGE="--nonce $ANY_NONCE --any-measurement --trust-on-first-use --trust $BATS_TEST_TMPDIR/trust"
}

# attest EVIDENCE DOES ARGUMENTS...: as a guest of that chip.
attest() {
    local evidence=$1 does=$2
    shift 2
    run --separate-stderr env LD_PRELOAD="$FAKE" FAKE_TSM="$TSM" FAKE_TSM_DOES="$does" \
        FAKE_TSM_REPORT="$CHIP/report" FAKE_TSM_TABLE="$CHIP/table" \
        FAKE_TSM_SIGN="python3 '$SIM' sign '$CHIP'" \
        "$ROTOR" attest --state "$STATE" --nonce "$ANY_NONCE" --evidence "$evidence" \
        --tsm "$TSM" --certificates "$BATS_TEST_TMPDIR/table" --out "$OUT" "$@"
}

@test "a report over log, epoch, nonce and channel comes with the bundle, and both are judged" {
    attest snp ""
    exits 0
    given="--root $CHIP/ARK.pem --endorsements $BATS_TEST_TMPDIR/table"
    rotor verify "$OUT" $JUDGE $given
    exits 0
    prints "accepted: snp, level hardware"
    prints "bound            yes"
    prints "over             epoch 0, log SHA256:"
    rotor verify "$OUT" $JUDGE $given --json
    exits 0
    [ "$(member record.bound)" = yes ]
    [ "$(member epoch)" = 0 ]
    # What the host handed out is trusted no further than a root.
    rotor verify "$OUT" $JUDGE --endorsements "$BATS_TEST_TMPDIR/table"
    exits 3
    says "no root of AMD"
    printf '[accept]\nlevel = hardware\nbinding = required\n' >"$BATS_TEST_TMPDIR/policy"
    rotor verify "$OUT" $JUDGE $given --policy "$BATS_TEST_TMPDIR/policy"
    exits 0
    # Without these flags the enclave's word is judged, and that is said.
    rotor verify "$OUT" $JUDGE
    exits 0
    says "its platform was not judged"
    rotor verify "$OUT" $JUDGE --policy "$BATS_TEST_TMPDIR/policy"
    exits 1
    [ -z "$(ls "$TSM")" ] # its entry is gone
}

@test "who names what vouches for a platform gets no answer without one" {
    rotor attest --state "$STATE" --nonce "$ANY_NONCE" --out "$OUT"
    exits 0
    rotor verify "$OUT" $JUDGE --root "$CHIP/ARK.pem"
    exits 1
    says "no evidence of its platform"
    rotor verify "$OUT" $JUDGE
    exits 0
    rotor verify "$OUT" --any-measurement --report-data "$ANY_NONCE"
    exits 2
}

@test "the report data is what PROTOCOL.chain 8 says, worked out by another program" {
    attest tsm "" --json
    exits 0
    said=$(member report_data)
    [ "$said" = "$(python3 "$SIM" data "$OUT")" ]
    xxd -p "$OUT" | tr -d '\n' | grep -q "$said"
}

@test "a report over another answer is refused though both verify" {
    attest snp ""
    exits 0
    cp "$OUT" "$BATS_TEST_TMPDIR/first"
    attest snp ""
    exits 0
    given="--root $CHIP/ARK.pem --endorsements $BATS_TEST_TMPDIR/table"
    python3 "$SIM" mix "$BATS_TEST_TMPDIR/first" "$OUT" "$BATS_TEST_TMPDIR/mixed"
    rotor verify "$BATS_TEST_TMPDIR/mixed" $JUDGE $given --explain
    exits 1
    prints "report signature                 passed"
    says "made for another key, challenge or channel"
    rotor verify "$BATS_TEST_TMPDIR/first" --any-measurement --trust "$BATS_TEST_TMPDIR/trust" --trust-on-first-use \
        --nonce "${ANY_NONCE//a/c}" $given
    exits 1
    says "another nonce"
}

@test "cut anywhere, evidence with a report is not decided" {
    attest snp ""
    size=$(stat -c %s "$OUT")
    for keep in 17 18 40 1000 $((size / 2)) $((size - 1)); do
        head -c "$keep" "$OUT" >"$BATS_TEST_TMPDIR/cut"
        rotor verify "$BATS_TEST_TMPDIR/cut" $JUDGE --root "$CHIP/ARK.pem"
        exits 3
    done
    { cat "$OUT"; printf x; } >"$BATS_TEST_TMPDIR/more"
    rotor verify "$BATS_TEST_TMPDIR/more" $JUDGE --root "$CHIP/ARK.pem"
    exits 3
}

@test "what the interface refuses, attest says: conflict, busy, denied, another provider, none" {
    attest tsm conflict
    exits 3
    says "another process wrote to the entry"
    attest tsm busy --json
    exits 3
    fails_in_json BUSY
    [ "$(member error.retryable)" = true ]
    attest tsm deny --json
    exits 3
    fails_in_json DENIED
    attest tsm arm --json
    exits 3
    fails_in_json NOT_SUPPORTED
    attest snp tdx
    exits 3
    says "tdx_guest is not snp"
    [ ! -e "$OUT" ]
    [ -z "$(ls "$TSM")" ]
    rotor attest --state "$STATE" --nonce "$ANY_NONCE" --evidence tsm --tsm "$BATS_TEST_TMPDIR/none" --out "$OUT"
    exits 3
    says "only a confidential guest has it"
    rotor attest --state "$STATE" --nonce "$ANY_NONCE" --evidence tsm --tsm "$TSM" --out "$OUT"
    exits 3 # a folder, but not the kernel's
    [ ! -e "$OUT" ]
}

@test "the enclave's Evidence alone, judged over its report data" {
    rotor attest --state "$STATE" --nonce "$ANY_NONCE" --evidence dice --out "$OUT" --json
    exits 0
    data=$(member report_data)
    python3 "$SIM" own "$OUT" "$BATS_TEST_TMPDIR/own"
    OUT=$BATS_TEST_TMPDIR/own
    rotor verify "$OUT" --report-data "$data"
    exits 0
    prints "accepted: process, level process"
    prints "bound            yes"
    rotor verify "$OUT" --report-data "$data" --min-security-version 1
    exits 0
    rotor verify "$OUT" --report-data "$data" --min-security-version 2
    exits 1
    rotor verify "$OUT" --report-data "${data//0/1}"
    exits 1
    rotor verify "$OUT"
    exits 2
    says "--report-data"
}

@test "usage of --evidence and --tsm" {
    rotor attest --state "$STATE" --nonce "$ANY_NONCE" --evidence magic --out "$OUT"
    exits 2
    rotor attest --state "$STATE" --nonce "$ANY_NONCE" --tsm "$TSM" --out "$OUT"
    exits 2
    rotor attest --state "$STATE" --nonce "$ANY_NONCE" --tsm "$TSM" --evidence dice --out "$OUT"
    exits 2
}

@test "what rotor verify --json prints is what doc/verify.cddl says" {
    attest snp ""
    given="--root $CHIP/ARK.pem --endorsements $BATS_TEST_TMPDIR/table"
    printf '[accept]\nlevel = hardware\n' >"$BATS_TEST_TMPDIR/policy"
    rotor verify "$OUT" $JUDGE $given --json
    fits foreign-accepted
    [ "$(member epoch)" = 0 ]
    for flags in "" "--explain"; do
        rotor verify "$OUT" $JUDGE $flags --json
        exits 0
        fits device-accepted
    done
    rotor verify "$OUT" $JUDGE --policy "$BATS_TEST_TMPDIR/policy" --json
    exits 1
    fits device-refused
    printf '[accept]\nbackend = sgx\n' >"$BATS_TEST_TMPDIR/policy"
    rotor verify "$OUT" $JUDGE $given --policy "$BATS_TEST_TMPDIR/policy" --json
    exits 1
    fits foreign-refused
    for wrong in "$BATS_TEST_TMPDIR/none" "$OUT --format letter" "$BATS_TEST_DIRNAME/common.bash --report-data $ANY_NONCE"; do
        rotor verify $wrong --json
        [ "$status" -gt 1 ]
        fits undecided
    done
    # The check can fail: another rule, a member less, a member more, another type.
    rotor verify "$OUT" $JUDGE $given --json
    run ! fits foreign-refused
    for change in '/"tcb_status"/d' 's/"signer" => hex/"signers" => hex/' 's/"security_version" => uint/"security_version" => tstr/' \
        's/"passed" \/ //'; do
        sed "$change" "${BATS_TEST_DIRNAME%/test/*}/doc/verify.cddl" >"$BATS_TEST_TMPDIR/other.cddl"
        rotor verify "$OUT" $JUDGE $given --json
        run ! fits foreign-accepted "$BATS_TEST_TMPDIR/other.cddl"
    done
}
