#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Evidence of others through rotor verify: what it is, its content says; what
# cannot be decided is not refused.

load common

setup() {
    export HOME=$BATS_TEST_TMPDIR # no store of this machine's
    V=${ROTOR_VECTORS:-$BATS_TEST_DIRNAME/../../../shared/vectors}
    P=$V/sgx-tdx/phala-dcap-qvl
    T=$V/sgx-tdx/trustee
}

need_vectors() {
    [ -d "$V/sgx-tdx" ] || skip "no vectors: $V"
}

@test "a quote under Intel's root, as bytes, as hex, under any name, from a pipe" {
    need_vectors
    rotor verify "$P/tdx_quote"
    exits 0
    prints "accepted: tdx, level hardware"
    prints "  measurement      91eb2b44d141d4ec"
    prints "  bound            not checked"
    says "may be a replay"
    cp "$P/tdx_quote" "$BATS_TEST_TMPDIR/snp-report.hex"
    rotor verify "$BATS_TEST_TMPDIR/snp-report.hex"
    exits 0
    { printf '0x'; xxd -p "$P/tdx_quote"; } >"$BATS_TEST_TMPDIR/text"
    rotor verify "$BATS_TEST_TMPDIR/text"
    exits 0
    xxd -p -u "$P/sgx_quote" >"$BATS_TEST_TMPDIR/text"
    rotor verify "$BATS_TEST_TMPDIR/text"
    exits 0
    prints "accepted: sgx, level hardware"
    run --separate-stderr bash -c "cat '$P/sgx_quote' | '$ROTOR' verify -"
    exits 0
}

@test "Base64, PEM, a kernel's head and a host's table are taken off what they are around" {
    need_vectors
    { base64 -w 64 "$P/tdx_quote"; echo; } >"$BATS_TEST_TMPDIR/text"
    rotor verify "$BATS_TEST_TMPDIR/text"
    exits 0
    prints "accepted: tdx, level hardware"
    echo "=AAA" >>"$BATS_TEST_TMPDIR/text"
    rotor verify "$BATS_TEST_TMPDIR/text"
    exits 3
    python3 - "$V/snp/trustee" "$BATS_TEST_TMPDIR" <<'END'
import struct, sys
report, leaf, of_another = (open(sys.argv[1] + name, "rb").read() for name in
                            ("/test-report.bin", "/test-vcek.der", "/test-vcek-invalid-new.der"))
table = lambda der: b"c" * 16 + struct.pack("<II", 48, len(der)) + bytes(24) + der
head = struct.pack("<II24x", 0, len(report))
for name, content in (("response", (head + report).ljust(4000, b"\0")), ("table", report + table(leaf)),
                      ("both", head + report + table(leaf)), ("other", report + table(of_another)),
                      ("torn", report + table(leaf)[:-1]), ("more", report + b"more"),
                      ("head", struct.pack("<II24x", 1, len(report)) + report),
                      ("reserved", struct.pack("<II23xB", 0, len(report), 1) + report)):
    open(f"{sys.argv[2]}/{name}", "wb").write(content)
END
    for file in table both; do
        rotor verify "$BATS_TEST_TMPDIR/$file" --endorsements "$V/snp/amd-roots"
        exits 0
        prints "accepted: snp, level hardware"
    done
    rotor verify "$BATS_TEST_TMPDIR/response" --endorsements "$V/snp/amd-roots" --endorsements "$V/snp/trustee/test-vcek.der"
    exits 0
    rotor verify "$BATS_TEST_TMPDIR/other" --endorsements "$V/snp/amd-roots"
    exits 1
    rotor verify "$BATS_TEST_TMPDIR/response" --endorsements "$V/snp/amd-roots"
    exits 3
    for file in torn more head reserved; do
        rotor verify "$BATS_TEST_TMPDIR/$file" --endorsements "$V/snp/amd-roots" --endorsements "$V/snp/trustee/test-vcek.der"
        exits 3
    done
}

@test "certificates of DICE in PEM are the chain that they are in DER" {
    need_vectors
    python3 - "$BATS_TEST_DIRNAME/../evidence" >"$BATS_TEST_TMPDIR/root.pem" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
import open_dice
sys.stdout.write(open_dice.public_pem(bytes(32), "P256").decode())
END
    printf '[accept]\ndebug = any\n' >"$BATS_TEST_TMPDIR/policy"
    openssl x509 -inform DER -in "$V/dice/open-dice/kExpectedX509P256Cert_ZeroInput.der" -out "$BATS_TEST_TMPDIR/chain.pem"
    given="--root $BATS_TEST_TMPDIR/root.pem --policy $BATS_TEST_TMPDIR/policy"
    rotor verify "$BATS_TEST_TMPDIR/chain.pem" $given
    exits 0
    prints "accepted: dice, level trustzone"
    prints "debug            yes"
    cat "$BATS_TEST_TMPDIR/chain.pem" "$BATS_TEST_TMPDIR/chain.pem" >"$BATS_TEST_TMPDIR/twice.pem"
    rotor verify "$BATS_TEST_TMPDIR/twice.pem" $given
    exits 1
    rotor verify "$BATS_TEST_TMPDIR/chain.pem" --root "$BATS_TEST_TMPDIR/root.pem"
    exits 1
    says "mode is not normal"
}

@test "evidence that is known and not judged here is refused by its name: exit 3" {
    printf 'eyJhbGciOiJFUzI1NiJ9.eyJub25jZSI6ImFiIn0.AAAA' >"$BATS_TEST_TMPDIR/jwt"
    python3 - "$BATS_TEST_TMPDIR" <<'END'
import base64, sys
bytes_of = lambda b: (bytes([0x58, len(b)]) if len(b) > 23 else bytes([0x40 | len(b)])) + b
claims = b"\xa1\x69module_id\x66i-1234"
nitro = b"\x84" + bytes_of(b"\xa1\x01\x38\x22") + b"\xa0" + bytes_of(claims) + bytes_of(bytes(96))
for name, content in (("uccs", b"\xd9\x02\x59\xa1\x0a\x48nonce123"), ("nitro", nitro), ("nitro64", base64.encodebytes(nitro)),
                      ("tdreport", b"\x81" + bytes(1023)), ("hcl", b"HCLA" + bytes(2596))):
    open(f"{sys.argv[1]}/{name}", "wb").write(content)
END
    while read -r file name; do
        rotor verify "$BATS_TEST_TMPDIR/$file" --json
        exits 3
        fails_in_json NOT_SUPPORTED
        case "$(member error.message)" in *"not supported: $name"*) ;; *) return 1 ;; esac
    done <<'NAMES'
jwt a JSON Web Token
uccs claims without a signature
nitro a document of an AWS Nitro enclave
nitro64 a document of an AWS Nitro enclave
tdreport a TDREPORT
hcl a report of Azure's paravisor
NAMES
}

@test "quotes of forms to come are not supported, and not refused" {
    need_vectors
    python3 - "$P/tdx_quote" "$BATS_TEST_TMPDIR" <<'END'
import struct, sys
quote = open(sys.argv[1], "rb").read()
extended = b"\5" + quote[1:48] + struct.pack("<HI", 4, 885) + bytes(885) + quote[632:]
for name, content in (("p384", quote[:2] + b"\3" + quote[3:]), ("extended", extended)):
    open(f"{sys.argv[2]}/{name}", "wb").write(content)
END
    for file in p384 extended; do
        rotor verify "$BATS_TEST_TMPDIR/$file" --json
        exits 3
        fails_in_json NOT_SUPPORTED
    done
}

@test "a changed quote is refused: exit 1, with the check that failed" {
    need_vectors
    cp "$P/tdx_quote" "$BATS_TEST_TMPDIR/quote"
    printf '\377' | dd of="$BATS_TEST_TMPDIR/quote" bs=1 seek=300 conv=notrunc status=none
    rotor verify "$BATS_TEST_TMPDIR/quote" --explain
    exits 1
    prints "quote signature                  failed"
    rotor verify "$BATS_TEST_TMPDIR/quote" --json
    exits 1
    fails_in_json EVIDENCE_REFUSED
    [ "$(member verdict)" = refused ]
    [ "$(member reason)" = "$(member error.message)" ]
}

@test "report data must be the one that was asked for, all of it" {
    need_vectors
    rotor verify "$T/tdx_quote_5.dat" --json
    exits 0
    [ "$(member record.bound)" = "not checked" ]
    data=$(python3 -c 'import sys; q=open(sys.argv[1],"rb").read(); o=48+6+520; print(q[o:o+64].hex())' "$T/tdx_quote_5.dat")
    rotor verify "$T/tdx_quote_5.dat" --report-data "$data"
    exits 0
    prints "bound            yes"
    rotor verify "$T/tdx_quote_5.dat" --nonce "$data"
    exits 0
    last=${data: -1}
    [ "$last" = 0 ] && other=1 || other=0
    rotor verify "$T/tdx_quote_5.dat" --report-data "${data%?}$other"
    exits 1
    says "made for another key, challenge or channel"
    rotor verify "$T/tdx_quote_5.dat" --report-data "$ANY_NONCE"
    exits 1
    for wrong in "" 00 xx "${data}00" "${data:0:62}"; do
        rotor verify "$T/tdx_quote_5.dat" --report-data "$wrong"
        exits 2
    done
    rotor verify "$T/tdx_quote_5.dat" --report-data "$data" --nonce "$data"
    exits 2
}

@test "a policy judges what verified, each demand a row" {
    need_vectors
    printf '[accept]\nbackend = sgx\n' >"$BATS_TEST_TMPDIR/policy"
    rotor verify "$P/tdx_quote" --policy "$BATS_TEST_TMPDIR/policy" --json
    exits 1
    [ "$(member reason)" = "the policy does not take this kind of evidence" ]
    printf '[accept]\nbackend = sgx tdx\nlevel = hardware\ndebug = off\n[measurement]\nvalue = %s\n' \
        91eb2b44d141d4ece09f0c75c2c53d247a3c68edd7fafe8a3520c942a604a407de03ae6dc5f87f27428b2538873118b7 \
        >"$BATS_TEST_TMPDIR/policy"
    rotor verify "$P/tdx_quote" --policy "$BATS_TEST_TMPDIR/policy" --explain
    exits 0
    prints "policy measurement               passed"
    rotor verify "$P/sgx_quote" --policy "$BATS_TEST_TMPDIR/policy"
    exits 1
    says "another program runs there"
    rotor verify "$P/sgx_quote" --measurement "$ANY_NONCE"
    exits 1
    rotor verify "$P/sgx_quote" --instance "$ANY_NONCE"
    exits 1
    rotor verify "$P/sgx_quote" --min-security-version 60000
    exits 1
    printf '[accept]\nbinding = required\n' >"$BATS_TEST_TMPDIR/policy"
    rotor verify "$P/tdx_quote" --policy "$BATS_TEST_TMPDIR/policy"
    exits 1
    printf '[accept]\nbackends = tdx\n' >"$BATS_TEST_TMPDIR/policy"
    rotor verify "$P/tdx_quote" --policy "$BATS_TEST_TMPDIR/policy"
    exits 2
    rotor verify "$P/tdx_quote" --policy "$BATS_TEST_TMPDIR/none"
    exits 3
}

@test "an owner who can look inside is refused without a policy too" {
    need_vectors
    for quote in occlum_quote.dat tdx_quote_4.dat; do
        rotor verify "$T/$quote"
        exits 1
        says "its owner can look inside"
        printf '[accept]\ndebug = any\n' >"$BATS_TEST_TMPDIR/policy"
        rotor verify "$T/$quote" --policy "$BATS_TEST_TMPDIR/policy"
        exits 0
    done
}

@test "Intel's word on the TCB counts as of its dates, and a policy names the words it takes" {
    need_vectors
    words="--endorsements $P/sgx_quote_collateral.json"
    then="--time 2025-06-25T00:00:00Z"
    rotor verify "$P/sgx_quote" $words $then --json
    exits 0
    [ "$(member record.tcb_status)" = ConfigurationAndSWHardeningNeeded ]
    printf '[accept]\ntcb-status = UpToDate\n' >"$BATS_TEST_TMPDIR/policy"
    rotor verify "$P/sgx_quote" $words $then --policy "$BATS_TEST_TMPDIR/policy"
    exits 1
    rotor verify "$P/tdx_quote" --endorsements "$P/tdx_quote_collateral.json" $then \
        --policy "$BATS_TEST_TMPDIR/policy"
    exits 0
    rotor verify "$P/sgx_quote" $words --time 2025-09-01T00:00:00Z
    exits 1
    rotor verify "$P/tdx_quote_outdated" --endorsements "$P/tdx_quote_outdated_collateral.json" \
        --time 2026-03-01T00:00:00Z --json
    exits 1
    [ "$(member record.tcb_status)" = OutOfDate ]
    # The same from the store.
    rotor endorse import "$P/sgx_quote_collateral.json" --endorsements "$BATS_TEST_TMPDIR/store"
    exits 0
    rotor verify "$P/sgx_quote" --endorsements "$BATS_TEST_TMPDIR/store" $then --json
    exits 0
    [ "$(member record.tcb_status)" = ConfigurationAndSWHardeningNeeded ]
}

@test "max-age counts from the oldest statement in use" {
    need_vectors
    words="--endorsements $P/sgx_quote_collateral.json --policy $BATS_TEST_TMPDIR/policy"
    printf '[accept]\nmax-age = 365d\n' >"$BATS_TEST_TMPDIR/policy"
    rotor verify "$P/sgx_quote" $words --time 2025-06-25T00:00:00Z
    exits 0
    printf '[accept]\nmax-age = 1d\n' >"$BATS_TEST_TMPDIR/policy"
    rotor verify "$P/sgx_quote" $words --time 2025-06-25T00:00:00Z
    exits 1
    says "too old"
    # Nothing with a date has no age.
    rotor verify "$P/sgx_quote" --policy "$BATS_TEST_TMPDIR/policy"
    exits 1
    says "too old, or has no date"
}

@test "a root of somebody else counts when it is named, not when it is imported" {
    need_vectors
    Q=$V/sgx-tdx/intel-qvl
    for file in "$Q"/pck*.pem "$Q"/trustedRootCaCert.pem; do
        rotor endorse import "$file" --endorsements "$BATS_TEST_TMPDIR/store"
        exits 0
    done
    rotor verify "$Q/quote.dat" --endorsements "$BATS_TEST_TMPDIR/store" --time 2020-01-01T00:00:00Z
    exits 1
    rotor verify "$Q/quote.dat" --endorsements "$BATS_TEST_TMPDIR/store" --time 2020-01-01T00:00:00Z \
        --root "$Q/trustedRootCaCert.pem" --explain
    exits 0
    # No certificate at all: not decided.
    rotor verify "$Q/quote.dat"
    exits 3
    rotor verify "$Q/quote.dat" --json
    exits 3
    fails_in_json NO_ENDORSEMENT
}

@test "JSON has the record and every row that --explain prints" {
    need_vectors
    rotor verify "$P/tdx_quote" --json
    exits 0
    [ "$(member schema)" = rotor/verify/1 ]
    [ "$(member verdict)" = accepted ]
    [ "$(member format)" = tdx ]
    [ "$(member record.backend)" = tdx ]
    [ "$(member record.debug)" = no ]
    rows=$(printf '%s' "$output" | python3 -c 'import json,sys
for row in json.load(sys.stdin)["checks"]: print(row["check"], row["finding"])')
    rotor verify "$P/tdx_quote" --explain
    while read -r row; do
        finding=${row##* }
        grep -qE "^${row% *} +$finding" <<<"$output" || { echo "not explained: $row"; return 1; }
    done <<<"$rows"
}

@test "wrong input: cut off, another format, empty, 1 GiB, a folder, a pipe without a writer" {
    printf 'Dear verifier\n' >"$BATS_TEST_TMPDIR/letter"
    printf '\x03\x00\x02\x00\x00\x00\x00\x00' >"$BATS_TEST_TMPDIR/head"
    : >"$BATS_TEST_TMPDIR/empty"
    truncate -s 1G "$BATS_TEST_TMPDIR/large"
    mkdir "$BATS_TEST_TMPDIR/folder"
    mkfifo "$BATS_TEST_TMPDIR/fifo"
    for file in letter head empty large folder fifo none; do
        rotor verify "$BATS_TEST_TMPDIR/$file" --report-data "$ANY_NONCE"
        exits 3
        says "$file"
        [ -z "$output" ]
    done
    for file in /dev/zero /dev/null "$BATS_TEST_DIRNAME/common.bash" "$ROTOR"; do
        rotor verify "$file" --report-data "$ANY_NONCE"
        exits 3
    done
    rotor verify "$BATS_TEST_TMPDIR/letter" --json --report-data "$ANY_NONCE"
    exits 3
    fails_in_json UNPARSABLE
    for format in rotor snp sgx tdx tpm psa cca eat dice; do
        rotor verify "$BATS_TEST_TMPDIR/letter" --format $format --nonce "$ANY_NONCE" \
            --any-measurement --trust "$BATS_TEST_TMPDIR/trust"
        exits 3
    done
    rotor verify "$BATS_TEST_TMPDIR/letter" --format letter
    exits 2
}

@test "every cut of a quote: exit 3, never 0 or 1" {
    need_vectors
    size=$(stat -c %s "$T/tdx_quote_5.dat")
    for keep in 1 4 8 47 48 49 100 631 632 700 1000 1200 2000 4000 $((size / 2)); do
        head -c "$keep" "$T/tdx_quote_5.dat" >"$BATS_TEST_TMPDIR/cut"
        rotor verify "$BATS_TEST_TMPDIR/cut"
        exits 3
    done
}

@test "endorsements and roots that cannot be read, and a time that is none" {
    echo x >"$BATS_TEST_TMPDIR/evidence"
    for flag in --endorsements --root; do
        rotor verify "$BATS_TEST_TMPDIR/evidence" $flag "$BATS_TEST_TMPDIR/none"
        exits 3
        rotor verify "$BATS_TEST_TMPDIR/evidence" $flag "$BATS_TEST_TMPDIR/evidence"
        exits 3
        says "not certificates"
    done
    for time in now 2026-01-31 2026-02-30T00:00:00Z 2026-01-31T12:00:00 2026-01-31T25:00:00Z; do
        rotor verify "$BATS_TEST_TMPDIR/evidence" --time "$time"
        exits 2
        says "not a time"
    done
}

@test "every published file: evidence by its row, everything else not decided" {
    need_vectors
    ROTOR_VECTORS=$V run "$BATS_TEST_DIRNAME/../evidence/table"
    exits 0
    [ "$(grep -c ' right, ' <<<"$output")" -eq 5 ]
}

@test "a list that revokes a TPM's key counts, like any that is given" {
    python3 "$BATS_TEST_DIRNAME/sim_tpm.py" "$BATS_TEST_TMPDIR/sim"
    cd "$BATS_TEST_TMPDIR/sim"
    export HOME=$BATS_TEST_TMPDIR
    for list in root list; do
        rotor verify report --root root.pem --endorsements "$list.pem"
        exits 0
    done
    rotor verify report --root root.pem --endorsements revoked.pem
    exits 1
    says "revoked"
}
