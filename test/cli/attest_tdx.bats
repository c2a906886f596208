#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rotor attest --evidence tdx: quotes of a simulated guest on a simulated
# platform under a root of its own.  Hardware was never near it.

load common

setup_file() {
    export STATE=$BATS_FILE_TMPDIR/device SIM=$BATS_FILE_TMPDIR/platform
    export FAKE=$BATS_FILE_TMPDIR/fake_tsm.so TDX=$BATS_TEST_DIRNAME/sim_tdx.py SNP=$BATS_TEST_DIRNAME/sim_snp.py
    cc -shared -fPIC -O1 -w -D_GNU_SOURCE -o "$FAKE" "$BATS_TEST_DIRNAME/fake_tsm.c" -ldl
    python3 "$TDX" make "$SIM"
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
    GIVEN="--root $SIM/root.pem --endorsements $SIM/endorsements"
}

# attest [CHANGE]: as a guest of that platform, CHANGE being signed with it.
attest() {
    run --separate-stderr env LD_PRELOAD="$FAKE" FAKE_TSM="$TSM" FAKE_TSM_DOES=tdx \
        FAKE_TSM_REPORT="$SIM/quote" FAKE_TSM_SIGN="python3 '$TDX' sign '$SIM' $*" \
        "$ROTOR" attest --state "$STATE" --nonce "$ANY_NONCE" --evidence tdx --tsm "$TSM" --out "$OUT"
    exits 0
}

# refused_by CHECK ARGUMENTS...: exit 1, and that row is the one that failed.
refused_by() {
    local check=$1
    shift
    rotor verify "$@" --json
    exits 1
    failed=$(printf '%s' "$output" | python3 -c 'import json,sys
print(*[r["check"] for r in json.load(sys.stdin)["checks"] if r["finding"] == "failed"], sep=", ")')
    [ "$failed" = "$check" ] || { echo "failed: $failed, wanted: $check"; return 1; }
}

@test "a quote over log, epoch, nonce and channel is accepted, bound, under the root that the party names" {
    attest
    rotor verify "$OUT" $JUDGE $GIVEN
    exits 0
    prints "accepted: tdx, level hardware"
    prints "bound            yes"
    prints "tcb status       UpToDate"
    prints "over             epoch 0, log SHA256:"
    printf '[accept]\nbackend = tdx\nlevel = hardware\nbinding = required\ndebug = off\ntcb-status = UpToDate\nmax-age = 2d\n' \
        >"$BATS_TEST_TMPDIR/policy"
    rotor verify "$OUT" $JUDGE $GIVEN --policy "$BATS_TEST_TMPDIR/policy" --json
    exits 0
    [ "$(member record.bound)" = yes ]
    [ "$(member record.fresh)" = yes ]
    [ "$(member record.backend)" = tdx ]
    # It is no root of Intel's, and nobody else's.
    refused_by root "$OUT" $JUDGE --endorsements "$SIM/endorsements"
    refused_by "PCK chain" "$OUT" $JUDGE --endorsements "$SIM/endorsements" --root "$SIM/signer.pem"
}

@test "one bit of each part of the quote, and it is refused by the check of that part" {
    attest
    while read -r part check; do
        python3 "$TDX" flip "$SIM" "$OUT" "$part" "$BATS_TEST_TMPDIR/changed"
        refused_by "$check" "$BATS_TEST_TMPDIR/changed" $JUDGE $GIVEN
    done <<'PARTS'
vendor quote signature
mrseam quote signature
mrtd quote signature
rtmr quote signature
report-data quote signature
signature quote signature
key attestation key
qe-report QE report signature
qe-signature QE report signature
qe-data attestation key
PARTS
    python3 "$TDX" flip "$SIM" "$OUT" pck "$BATS_TEST_TMPDIR/changed"
    rotor verify "$BATS_TEST_TMPDIR/changed" $JUDGE $GIVEN
    exits 1
    python3 "$TDX" flip "$SIM" "$OUT" version "$BATS_TEST_TMPDIR/changed"
    rotor verify "$BATS_TEST_TMPDIR/changed" $JUDGE $GIVEN
    exits 3
}

@test "what is wrong and signed all the same is refused by the check of its name" {
    while read -r change check; do
        attest "$change"
        refused_by "$check" "$OUT" $JUDGE $GIVEN
    done <<'CHANGES'
vendor QE vendor
debug policy debug
svn TCB level
module TDX module level
qe QE MRSIGNER
qe-debug QE ATTRIBUTES
CHANGES
}

@test "a quote over another answer is refused though both verify" {
    attest
    cp "$OUT" "$BATS_TEST_TMPDIR/first"
    attest
    python3 "$SNP" mix "$BATS_TEST_TMPDIR/first" "$OUT" "$BATS_TEST_TMPDIR/mixed"
    refused_by "report data" "$BATS_TEST_TMPDIR/mixed" $JUDGE $GIVEN
}

@test "a revoked PCK, a TCB info that is over and one by somebody else are refused by name" {
    attest
    mkdir "$BATS_TEST_TMPDIR/given"
    given="--root $SIM/root.pem --endorsements $BATS_TEST_TMPDIR/given"
    cp "$SIM/endorsements"/* "$BATS_TEST_TMPDIR/given"
    rotor verify "$OUT" $JUDGE $given
    exits 0
    cp "$SIM/revoked.pem" "$BATS_TEST_TMPDIR/given/lists.pem"
    refused_by "PCK chain" "$OUT" $JUDGE $given
    [ "$(member reason)" = "revoked" ]
    cp "$SIM/endorsements/lists.pem" "$BATS_TEST_TMPDIR/given"
    cp "$SIM/old.json" "$BATS_TEST_TMPDIR/given/tcb.json"
    refused_by "TCB info dates" "$OUT" $JUDGE $given
    cp "$SIM/false.json" "$BATS_TEST_TMPDIR/given/tcb.json"
    refused_by "TCB info signature" "$OUT" $JUDGE $given
}
