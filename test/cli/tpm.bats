#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A device that stands on a TPM.  The TPM is swtpm: it proves the code path
# only, and nothing about hardware.

load common

start_tpm() { # folder
    swtpm socket --tpm2 --tpmstate "dir=$1" --server "type=unixio,path=$1/s" \
        --ctrl "type=unixio,path=$1/s.ctrl" --flags not-need-init,startup-clear \
        2>/dev/null 3>&- &
    echo $! >"$1/pid"
    await [ -S "$1/s" ]
}

setup_file() {
    command -v swtpm >/dev/null || skip "swtpm is not installed"
    export DEVICE=$BATS_FILE_TMPDIR/device
    # A socket's path has at most 107 characters.
    TPM=$(mktemp -d /tmp/rotor-tpm-XXXXXX)
    export TPM
    PORT=$(free_port)
    make_device "$DEVICE" || return 1
    start_device "$DEVICE" "$PORT" || return 1
    start_tpm "$TPM"
    await quoted
}

quoted() {
    "$ROTOR" attest --state "$DEVICE" --nonce "$ANY_NONCE" --evidence tpm \
        --tcti "swtpm:path=$TPM/s" --out /dev/null 2>/dev/null
}

teardown_file() {
    [ -n "${TPM:-}" ] || return 0
    kill "$(cat "$TPM/pid")"
    rm -rf "$TPM"
    stop_device "$DEVICE"
}

setup() {
    ON="--state $DEVICE --tcti swtpm:path=$TPM/s --evidence tpm"
    FIRST="--trust $BATS_TEST_TMPDIR/trust --trust-on-first-use --any-measurement"
    FILE=$BATS_TEST_TMPDIR/evidence
}

# Part of the file's CBOR, by a second reader: the quote is in the report.
quote_of() { # file
    python3 - "$1" <<'END'
import sys

def item(b, i):
    kind, n = b[i] >> 5, b[i] & 31
    i += 1
    if n >= 24:
        size = 1 << (n - 24)
        n, i = int.from_bytes(b[i:i + size], "big"), i + size
    if kind in (2, 3):
        return b[i:i + n], i + n
    if kind == 4:
        out = []
        for _ in range(n):
            value, i = item(b, i)
            out.append(value)
        return out, i
    if kind == 5:
        for _ in range(2 * n):
            _, i = item(b, i)
        return {}, i
    return n, i

bundle, _ = item(open(sys.argv[1], "rb").read(), 0)
assert bundle[0] == b"rotor attest/2" and len(bundle) == 5
(backend, report), _ = item(bundle[4], 0)
assert backend == 7
parts, _ = item(report, 0)
quote = parts[0]
assert quote[:6] == b"\xffTCG\x80\x18"
at = 6 + 2 + int.from_bytes(quote[6:8], "big")
size = int.from_bytes(quote[at:at + 2], "big")
print(quote[at + 2:at + 2 + size].hex(), [bank[1] for bank in parts[3]], len(parts[4]))
END
}

@test "a quote stands beside the evidence, and the evidence still holds" {
    rotor attest $ON --nonce "$ANY_NONCE" --out "$FILE"
    exits 0
    rotor verify "$FILE" --nonce "$ANY_NONCE" $FIRST
    exits 0
    says "the evidence of its platform was not judged"
    run quote_of "$FILE"
    [ "$status" -eq 0 ]
    [[ "$output" =~ ^[0-9a-f]{64}\ \[255\]\ 0$ ]]
}

# The key of the report, as PEM: what a party pins.
key_of() { # file
    python3 - "$1" <<'END'
import base64, sys
b = open(sys.argv[1], "rb").read()
# TPMT_PUBLIC of an ECC key: ECDSA with SHA-256, P-256, no derivation, x, y.
at = b.index(bytes.fromhex("0018000b000300100020")) + 10
point = b[at:at + 32] + b[at + 34:at + 66]
der = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200" "04") + point
print("-----BEGIN PUBLIC KEY-----")
print(base64.encodebytes(der).decode(), end="")
print("-----END PUBLIC KEY-----")
END
}

@test "a quote is judged with its answer, under the key that is pinned" {
    rotor attest $ON --nonce "$ANY_NONCE" --out "$FILE"
    key_of "$FILE" >"$FILE.pem"
    rotor verify "$FILE" --nonce "$ANY_NONCE" $FIRST --root "$FILE.pem" --explain
    exits 0
    prints "quote signature"
    openssl ecparam -genkey -name prime256v1 -noout 2>/dev/null |
        openssl ec -pubout -out "$FILE.other.pem" 2>/dev/null
    rotor verify "$FILE" --nonce "$ANY_NONCE" $FIRST --root "$FILE.other.pem"
    exits 1
    says "nobody vouches for the attestation key"
}

@test "a quote over other registers than are wanted is refused, whatever they hold" {
    rotor attest $ON --pcrs 16,23 --nonce "$ANY_NONCE" --out "$FILE"
    key_of "$FILE" >"$FILE.pem"
    rotor verify "$FILE" --nonce "$ANY_NONCE" $FIRST --root "$FILE.pem" --pcr-selection 16,23
    exits 0
    rotor verify "$FILE" --nonce "$ANY_NONCE" $FIRST --root "$FILE.pem" --pcr-selection 4,7
    exits 1
    rotor verify "$FILE" --nonce "$ANY_NONCE" $FIRST --root "$FILE.pem" --pcr-selection 4,24
    exits 2
    says "registers from 0 to 23"
}

@test "a quote that is of another answer is refused" {
    rotor attest $ON --nonce "$ANY_NONCE" --out "$FILE"
    rotor attest $ON --nonce "$ANY_NONCE" --out "$FILE.other"
    key_of "$FILE" >"$FILE.pem"
    # The platform's part of the one behind the rest of the other.
    python3 - "$FILE" "$FILE.other" <<'END'
import sys
a, b = (open(name, "rb").read() for name in sys.argv[1:])
at = [x.index(b"\x82\x07\x59") - 3 for x in (a, b)]
assert a[at[0]] == b[at[1]] == 0x59
open(sys.argv[1] + ".moved", "wb").write(a[:at[0]] + b[at[1]:])
END
    rotor verify "$FILE.moved" --nonce "$ANY_NONCE" $FIRST --root "$FILE.pem"
    exits 1
    says "made for another key, challenge or channel"
}

@test "every answer has its own qualifying data, and registers are the ones asked for" {
    rotor attest $ON --nonce "$ANY_NONCE" --pcrs 0-2,7 --out "$FILE"
    exits 0
    one=$(quote_of "$FILE")
    rotor attest $ON --nonce "$ANY_NONCE" --pcrs 0-2,7 --out "$FILE"
    exits 0
    two=$(quote_of "$FILE")
    [ "${one%% *}" != "${two%% *}" ]
    [ "${one#* }" = "[135] 0" ]
}

@test "a log that is named goes along; one that is not there is an error" {
    printf 'a log, as it stands' >"$BATS_TEST_TMPDIR/log"
    rotor attest $ON --nonce "$ANY_NONCE" --event-log "$BATS_TEST_TMPDIR/log" --out "$FILE"
    exits 0
    [[ "$(quote_of "$FILE")" == *" 19" ]]
    rotor attest $ON --nonce "$ANY_NONCE" --event-log "$BATS_TEST_TMPDIR/none" --out "$FILE"
    exits 3
}

@test "no TPM, another kind and flags without a TPM are refused with a sentence" {
    rotor attest --state "$DEVICE" --nonce "$ANY_NONCE" --evidence tpm \
        --tcti "swtpm:path=$TPM/none" --out "$FILE"
    exits 3
    says "no TPM"
    [ ! -e "$FILE" ]
    rotor attest --state "$DEVICE" --nonce "$ANY_NONCE" --evidence nitro --out "$FILE"
    exits 2
    says "not supported"
    rotor attest --state "$DEVICE" --nonce "$ANY_NONCE" --pcrs 0 --out "$FILE"
    exits 2
    for list in 24 7-0 1, "" 0x1 1-; do
        rotor attest $ON --nonce "$ANY_NONCE" --pcrs "$list" --out "$FILE"
        exits 2
    done
    rotor attest --state "$DEVICE" --nonce "$ANY_NONCE" --evidence dice --out "$FILE"
    exits 0
    head -c 16 "$FILE" | grep -q 'rotor attest/1'
}

# ---- whose key it is -------------------------------------------------------

# A maker of TPMs: $1.pem vouches for the endorsement key of the TPM in $2, whose
# certificate lies in NV afterwards.
make_certificate() { # maker, folder of the TPM
    local tools="env TPM2TOOLS_TCTI=swtpm:path=$2/s"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Maker" \
        -keyout "$1.key" -out "$1.pem" 2>/dev/null
    $tools tpm2_createek -c "$1.ctx" -G rsa -u "$1.ek.pem" -f pem
    openssl req -new -key "$1.key" -subj "/CN=Endorsement" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -force_pubkey "$1.ek.pem" -CA "$1.pem" -CAkey "$1.key" -CAcreateserial \
        -days 3650 -outform DER -out "$1.ek.der" 2>/dev/null
    $tools tpm2_nvdefine 0x01c00002 -C o -s "$(stat -c %s "$1.ek.der")" -a 'ownerread|ownerwrite|authread' >/dev/null
    $tools tpm2_nvwrite 0x01c00002 -C o -i "$1.ek.der"
}

@test "a credential proves that the attestation key is in a TPM that its maker vouches for" {
    command -v tpm2_createek >/dev/null || skip "tpm2-tools are not installed"
    M=$BATS_TEST_TMPDIR/maker
    rotor attest $ON --nonce "$ANY_NONCE" --out "$FILE"
    rotor credential make "$FILE" --root "$DEVICE.keys/dev.pem" --out "$FILE.c" --secret "$FILE.s"
    exits 3
    says "no certificate of its maker"
    make_certificate "$M" "$TPM"
    rotor attest $ON --nonce "$ANY_NONCE" --out "$FILE"
    exits 0
    rotor credential make "$FILE" --root "$M.pem" --out "$FILE.c" --secret "$FILE.s"
    exits 0
    [ "$(stat -c %a "$FILE.s")" = 600 ]
    rotor credential open "$FILE.c" --tcti "swtpm:path=$TPM/s" --out "$FILE.a"
    exits 0
    rotor credential check "$FILE.a" --secret "$FILE.s" --out "$FILE.ak.pem"
    exits 0
    rotor verify "$FILE" --nonce "$ANY_NONCE" $FIRST --root "$FILE.ak.pem" --explain
    exits 0
    prints "accepted: tpm"
    root=${BATS_TEST_DIRNAME%/test/*}
    for pair in credential:c credential-secret:s credential-answer:a; do
        python3 "$root/test/interop/cddl.py" "$root/doc/rotor.cddl" "${pair%:*}" "$FILE.${pair#*:}"
    done
    cmp "$FILE.ak.pem" <(key_of "$FILE" | openssl pkey -pubin)

    # Another maker, a bit of the credential, another answer, files in the way.
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj "/CN=Maker" \
        -keyout "$M.other.key" -out "$M.other.pem" 2>/dev/null
    rotor credential make "$FILE" --root "$M.other.pem" --out "$FILE.c2" --secret "$FILE.s2" --json
    exits 1
    fails_in_json EVIDENCE_REFUSED
    [ ! -e "$FILE.s2" ]
    [ ! -e "$FILE.c2" ]
    python3 - "$FILE.c" "$FILE.c2" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[60] ^= 1
open(sys.argv[2], "wb").write(data)
END
    rotor credential open "$FILE.c2" --tcti "swtpm:path=$TPM/s" --out "$FILE.a2"
    exits 1
    says "made for another TPM or another key"
    rotor credential make "$FILE" --root "$M.pem" --out "$FILE.c" --secret "$FILE.s"
    exits 3 # the secret of the first one is not written over
    rotor credential make "$FILE" --root "$M.pem" --out "$FILE.c3" --secret "$FILE.s3"
    exits 0
    rotor credential check "$FILE.a" --secret "$FILE.s3" --out "$FILE.none.pem"
    exits 1
    says "no proof"
    [ ! -e "$FILE.none.pem" ]
    for wrong in "open $FILE --out $FILE.x" "check $FILE.c --secret $FILE.s --out $FILE.x" \
        "check $FILE.a --secret $FILE.a --out $FILE.x" "make $FILE.c --root $M.pem --out $FILE.x --secret $FILE.y"; do
        rotor credential $wrong
        exits 3
        [ ! -e "$FILE.x" ]
    done
    for wrong in "" make "open $FILE.c" "check $FILE.a" "make $FILE --root $M.pem --out $FILE.x" other; do
        rotor credential $wrong
        exits 2
    done
}

@test "a credential does not open in another TPM" {
    command -v tpm2_createek >/dev/null || skip "tpm2-tools are not installed"
    M=$BATS_TEST_TMPDIR/maker
    OTHER=$(mktemp -d /tmp/rotor-tpm-XXXXXX)
    start_tpm "$OTHER"
    make_certificate "$M" "$OTHER"
    rotor attest --state "$DEVICE" --tcti "swtpm:path=$OTHER/s" --evidence tpm --nonce "$ANY_NONCE" --out "$FILE"
    exits 0
    rotor credential make "$FILE" --root "$M.pem" --out "$FILE.c" --secret "$FILE.s"
    exits 0
    rotor credential open "$FILE.c" --tcti "swtpm:path=$TPM/s" --out "$FILE.a"
    kill "$(cat "$OTHER/pid")"
    rm -rf "$OTHER"
    exits 1
    [ ! -e "$FILE.a" ]
}

# ---- the anchor ------------------------------------------------------------

# A device of its own on a TPM of its own: $OWN, $CELL.
begin_anchored() {
    OWN=$BATS_TEST_TMPDIR/anchored
    CELL=$(mktemp -d /tmp/rotor-tpm-XXXXXX)
    start_tpm "$CELL"
    printf '[anchor]\ntpm = %s/s\n' "$CELL" >"$OWN.more"
    make_device "$OWN"
    start_device "$OWN" "$(free_port)"
}

own_attests() {
    "$ROTOR" attest --state "$OWN" --nonce "$ANY_NONCE" --out "$FILE" 2>/dev/null
}

end_anchored() {
    stop_device "$OWN"
    kill "$(cat "$CELL/pid")"
    rm -rf "$CELL"
}

is_in() { # state
    rotor status --state "$OWN" --json
    [ "$(member state 2>/dev/null)" = "$1" ]
}

# Starts it in the background and waits for the enclave's state.
comes_up_as() { # state
    "$ROTOR_BIN/rotord" --state "$OWN" --config "$OWN.conf" >"$OWN.out" 2>"$OWN.err" 3>&- &
    echo $! >"$OWN.pid"
    await is_in "$1" || { echo "$output" && cat "$OWN.err" && return 1; }
}

@test "with its anchor in a TPM a store that was put back is refused, RTP and all" {
    begin_anchored
    rotor status --state "$OWN" --json
    [ "$(member anchor_name)" = TPM ]
    stop_device "$OWN"
    cp -a "$OWN" "$OWN.old"
    start_device "$OWN" "$(free_port)"
    rotor rotate --state "$OWN"
    exits 0
    stop_device "$OWN"
    mv "$OWN" "$OWN.new"
    cp -a "$OWN.old" "$OWN"
    comes_up_as halted
    stop_device "$OWN"
    rm -rf "$OWN"
    mv "$OWN.new" "$OWN"
    comes_up_as current
    end_anchored
}

@test "a device that was copied to a machine with another TPM is refused" {
    begin_anchored
    stop_device "$OWN"
    OTHER=$(mktemp -d /tmp/rotor-tpm-XXXXXX)
    start_tpm "$OTHER"
    sed -i "s|^tpm = .*|tpm = $OTHER/s|" "$OWN.conf"
    comes_up_as halted
    end_anchored
    kill "$(cat "$OTHER/pid")"
    rm -rf "$OTHER"
}

@test "an enclave whose TPM is gone does not start with a file instead" {
    begin_anchored
    stop_device "$OWN"
    sed -i "s|^tpm = .*|tpm = $CELL/none|" "$OWN.conf"
    "$ROTOR_BIN/rotord" --state "$OWN" --config "$OWN.conf" 2>"$OWN.err" 3>&- &
    echo $! >"$OWN.pid"
    await grep -q "$CELL/none" "$OWN.err"
    # What is wrong, and what to do.
    grep -q "\[anchor\] tpm $CELL/none: No such file or directory: the enclave does not start without it" "$OWN.err"
    grep -q "hint: bring that TPM back, it is asked again" "$OWN.err"
    rotor attest --state "$OWN" --nonce "$ANY_NONCE" --out "$FILE"
    exits 3
    # It is asked again.
    ln -s "$CELL/s" "$CELL/none"
    await own_attests
    end_anchored
}

@test "a TPM whose index somebody made anew is refused, with what to do" {
    begin_anchored
    stop_device "$OWN"
    TPM2TOOLS_TCTI=swtpm:path=$CELL/s tpm2_nvundefine 0x01807274 -C o
    TPM2TOOLS_TCTI=swtpm:path=$CELL/s tpm2_nvdefine 0x01807274 -C o -g sha256 -s 32 -p other \
        -a 'authread|authwrite|no_da|nt=extend' >/dev/null
    "$ROTOR_BIN/rotord" --state "$OWN" --config "$OWN.conf" 2>"$OWN.err" 3>&- &
    echo $! >"$OWN.pid"
    await grep -q "hint: this TPM does not know this store" "$OWN.err"
    cat "$OWN.err"
    grep -q "error: anchor: the NV index is another enclave's, or was made anew" "$OWN.err"
    grep -q "hint: this TPM does not know this store: bring back the one that does" "$OWN.err"
    rotor attest --state "$OWN" --nonce "$ANY_NONCE" --out "$FILE"
    exits 3
    end_anchored
}
