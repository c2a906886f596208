#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What rotor emits, in the hands of programs that know nothing of rotor.
load device

NONCE=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff

setup_file() {
    make_images
}

setup() {
    make_device
    start_device
    LOG_ID=$(status log_id)
}

teardown() {
    stop_device
}

verify() { # file nonce flags...
    local file=$1 nonce=$2
    shift 2
    rotor verify "$file" --nonce "$nonce" --trust "$FOLDER/trust" --log-id "$LOG_ID" --any-measurement "$@"
}

# A package of the npm registry, by name, with its ordinary client.
npm_package() { # name
    command -v node >/dev/null && command -v npm >/dev/null || skip 'node and npm are not installed'
    MODULES=$FOLDER/npm
    mkdir -p "$MODULES"
    (cd "$MODULES" && echo '{"private":true}' >package.json &&
        npm install --silent --no-audit --no-fund --ignore-scripts "$1" >"$FOLDER/npm.log" 2>&1) ||
        skip "npm cannot fetch $1"
}

@test "an X.509 leaf parses and verifies with openssl, and names the log" {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$FOLDER/leaf.key"
    rotor attest --state "$STATE" --nonce $NONCE --leaf "$FOLDER/leaf.key" --out "$FOLDER/leaf.pem"
    openssl verify -check_ss_sig -x509_strict -CAfile "$FOLDER/leaf.pem" "$FOLDER/leaf.pem"
    openssl x509 -in "$FOLDER/leaf.pem" -noout -text >"$FOLDER/text"
    grep -q 'URI:ni:///sha-256;' "$FOLDER/text"
    grep -q '2.25.286794558252753056219971000905177214134' "$FOLDER/text"
    grep -q 'CA:FALSE' "$FOLDER/text"
    [ "$(openssl x509 -in "$FOLDER/leaf.pem" -noout -pubkey)" = "$(openssl pkey -in "$FOLDER/leaf.key" -pubout)" ]
    # The name of the log is that of status, in another alphabet.
    uri=$(sed -n 's/.*URI:ni:\/\/\/sha-256;//p' "$FOLDER/text" | tr -- '-_' '+/')
    [ "SHA256:$uri" = "$LOG_ID" ]
}

@test "rotor verify takes evidence from its certificate, and only from its own" {
    for kind in 'EC -pkeyopt ec_paramgen_curve:P-384' ED25519 'RSA -pkeyopt rsa_keygen_bits:2048'; do
        # shellcheck disable=SC2086 # words are wanted
        openssl genpkey -algorithm $kind -out "$FOLDER/leaf.key" 2>/dev/null
        rotor attest --state "$STATE" --nonce $NONCE --leaf "$FOLDER/leaf.key" --out "$FOLDER/leaf.pem"
        openssl verify -check_ss_sig -CAfile "$FOLDER/leaf.pem" "$FOLDER/leaf.pem"
        verify "$FOLDER/leaf.pem" $NONCE
    done
    run verify "$FOLDER/leaf.pem" "${NONCE//0/1}"
    [ "$status" -eq 1 ]

    # Another key around the same evidence.
    openssl x509 -in "$FOLDER/leaf.pem" -outform DER -out "$FOLDER/leaf.der"
    python3 - "$FOLDER" <<'PY'
import subprocess, sys
folder = sys.argv[1]
der = open(folder + "/leaf.der", "rb").read()
text = subprocess.run(["openssl", "asn1parse", "-inform", "DER", "-in", folder + "/leaf.der"],
                      capture_output=True, text=True, check=True).stdout.splitlines()
line = next(i for i, l in enumerate(text) if "2.25.286794558252753056219971000905177214134" in l)
octets = text[line + 1]
at = int(octets.split(":")[0])
head = int(octets.split("hl=")[1].split()[0])
size = int(octets.split(" l=")[1].split()[0])
uri = next(l.split("URI:")[1] for l in subprocess.run(
    ["openssl", "x509", "-in", folder + "/leaf.pem", "-noout", "-text"],
    capture_output=True, text=True, check=True).stdout.splitlines() if "URI:" in l)
open(folder + "/stolen.cnf", "w").write(f"""[req]
distinguished_name = dn
x509_extensions = x
prompt = no
[dn]
CN = rotor leaf
[x]
subjectAltName = URI:{uri}
2.25.286794558252753056219971000905177214134 = DER:{der[at + head:at + head + size].hex()}
""")
PY
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$FOLDER/thief.key" \
        -config "$FOLDER/stolen.cnf" -days 1 -out "$FOLDER/stolen.pem" 2>/dev/null
    run verify "$FOLDER/stolen.pem" $NONCE
    [ "$status" -eq 1 ]
    [[ $output == *'bound to another key'* ]]

    # A bit of the certificate; two certificates; a key where one should be.
    for byte in 300 900; do
        python3 -c "
import base64, sys
lines = open('$FOLDER/leaf.pem').read().split('\n')
der = bytearray(base64.b64decode(''.join(lines[1:-2])))
der[$byte] ^= 1
print('-----BEGIN CERTIFICATE-----')
print(base64.encodebytes(bytes(der)).decode().strip())
print('-----END CERTIFICATE-----')" >"$FOLDER/flipped.pem"
        run verify "$FOLDER/flipped.pem" $NONCE
        [ "$status" -eq 3 ]
    done
    cat "$FOLDER/leaf.pem" "$FOLDER/leaf.pem" >"$FOLDER/two.pem"
    run verify "$FOLDER/two.pem" $NONCE
    [ "$status" -eq 3 ]
    run rotor attest --state "$STATE" --nonce $NONCE --leaf "$FOLDER/leaf.pem" --out "$FOLDER/none"
    [ "$status" -eq 3 ]
    [ ! -e "$FOLDER/none" ]
}

@test "an independent COSE implementation accepts certificate and EAT, and refuses both changed" {
    rotor attest --state "$STATE" --nonce $NONCE --out "$FOLDER/evidence"
    npm_package cose-kit
    node test/interop/eat.mjs "$MODULES" "$FOLDER/evidence"
}

fits() { python3 test/interop/cddl.py "${3:-doc/rotor.cddl}" "$1" "$2" "${@:4}"; }
is_log() { fits log "$1" doc/rotor.cddl --sequence; }

@test "what a device hands out is what doc/rotor.cddl says, from genesis through rotations" {
    for flags in '' --head; do
        # shellcheck disable=SC2086 # a word or none
        rotor attest --state "$STATE" --nonce $NONCE --out "$FOLDER/evidence" $flags
        fits bundle "$FOLDER/evidence"
    done
    rotor rotate --state "$STATE"
    rotor rotate --state "$STATE" --reason operator
    rotor attest --state "$STATE" --nonce $NONCE --out "$FOLDER/evidence"
    fits bundle "$FOLDER/evidence"
    rotor chain export "$FOLDER/log.cbor" --state "$STATE"
    is_log "$FOLDER/log.cbor"

    # The check can fail: another rule, a byte more, a rule that asks for more.
    run is_log "$FOLDER/evidence"
    [ "$status" -eq 1 ]
    { cat "$FOLDER/evidence" && printf '\0'; } >"$FOLDER/longer"
    run fits bundle "$FOLDER/longer"
    [ "$status" -eq 1 ]
    for change in 's/265 => "tag/265 => "tog/' 's/-70006 => digest/-70006 => uint/' 's/-4670551 => bstr .size 1/-4670551 => bstr .size 2/' \
        's/  7 => public-key,/  7 => one-time-key,/' 's/  18 => policy,/  23 => policy,/'; do
        sed "$change" doc/rotor.cddl >"$FOLDER/other.cddl"
        ! cmp -s doc/rotor.cddl "$FOLDER/other.cddl"
        run fits bundle "$FOLDER/evidence" "$FOLDER/other.cddl"
        [ "$status" -eq 1 ]
    done
}
