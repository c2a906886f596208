#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes certificates and revocation lists with the openssl program, for
# test/spec/x509.c: x509_chains.sh FOLDER
#
# All are valid for years from now on; the sentences move the clock instead.
set -eu
cd "$1"
unset OPENSSL_CONF

cat >cnf <<'END'
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[mid]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
authorityKeyIdentifier = none
[bare]
# What AMD's leaves have: extensions of the vendor and nothing else.
1.3.6.1.4.1.3704.1.2 = ASN1:IA5STRING:Milan
subjectKeyIdentifier = none
authorityKeyIdentifier = none
[path0]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
[noca]
basicConstraints = critical,CA:FALSE
[nosign]
basicConstraints = critical,CA:TRUE
keyUsage = critical,digitalSignature
[nobasic]
keyUsage = critical,keyCertSign,cRLSign
[critical]
1.2.3.4.5 = critical,DER:0500
[policy]
policyConstraints = critical,requireExplicitPolicy:0
[twice]
1.2.3.4.5 = DER:0500
1.2.3.4.6 = DER:0501
[constrained]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
nameConstraints = critical,permitted;dirName:wanted
[wanted]
CN = nobody
[reasons]
issuingDistributionPoint = critical,@compromise
[compromise]
onlysomereasons = keyCompromise
[ca]
default_ca = db
[db]
database = db.txt
crlnumber = crlnumber
default_md = sha256
END

ec() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:"${2:-P-256}" -out "$1.key" 2>/dev/null; }
rsa() { openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:"$2" -out "$1.key" 2>/dev/null; }
der() { openssl x509 -in "$1.pem" -outform DER -out "$1.der"; }

# A certificate that signs itself.
own() { # name common-name extensions [options]
    name=$1 cn=$2 extensions=$3 && shift 3
    openssl req -config cnf -x509 -new -key "$name.key" -subj "/CN=$cn" -extensions "$extensions" \
        -days 3650 -out "$name.pem" "$@"
    der "$name"
}

# A certificate by another one.
by() { # issuer name subject extensions [options]
    issuer=$1 name=$2 subject=$3 extensions=$4 && shift 4
    openssl req -config cnf -new -key "${KEY:-$name}.key" -subj "$subject" -out "$name.csr"
    openssl x509 -req -in "$name.csr" -CA "$issuer.pem" -CAkey "${CAKEY:-$issuer}.key" -extfile cnf \
        -extensions "$extensions" -set_serial "0x${SERIAL:-1}" -days "${DAYS:-1000}" -out "$name.pem" "$@" 2>/dev/null
    der "$name"
}

# A list by `issuer` that revokes what is named.
list() { # name issuer days [certificate...]
    name=$1 issuer=$2 days=$3 && shift 3
    : >db.txt
    echo 01 >crlnumber
    for revoked; do
        openssl ca -config cnf -cert "$issuer.pem" -keyfile "$issuer.key" -revoke "$revoked.pem" 2>/dev/null
    done
    openssl ca -config cnf -cert "$issuer.pem" -keyfile "${CAKEY:-$issuer}.key" -gencrl -crldays "$days" \
        ${MD:+-md $MD} ${EXTENSIONS:+-crlexts $EXTENSIONS} -out "$name.crl.pem" 2>/dev/null
    openssl crl -in "$name.crl.pem" -outform DER -out "$name.crl"
}

for key in root mid leaf other stranger; do ec $key; done
own root Root root
by root mid /CN=Mid mid
SERIAL=80ff by mid leaf /CN=Leaf bare
SERIAL=5 DAYS=10 KEY=leaf by mid brief /CN=Brief bare

# The same names, other keys.
KEY=other own other Root root
own stranger Stranger root
KEY=stranger by stranger twin /CN=Mid mid
KEY=leaf CAKEY=stranger by twin forged /CN=Leaf bare

# Issuers that may not.
for kind in noca nosign nobasic path0 constrained; do
    KEY=mid by root $kind /CN=Mid $kind
done
KEY=other CAKEY=mid by path0 below /CN=Below mid
KEY=leaf CAKEY=other by below deep /CN=Deep bare
for at in 1 2 3 4 5 6 7; do
    below=$((at - 1))
    [ "$below" -gt 0 ] || below=mid
    KEY=mid CAKEY=mid by $below $at /CN=Step$at mid
done
KEY=leaf CAKEY=mid by 5 step8 /CN=Step bare
KEY=leaf CAKEY=mid by 6 step9 /CN=Step bare

# Leaves with something wrong.
KEY=leaf by mid critical /CN=Leaf critical
KEY=leaf by mid policy /CN=Leaf policy
KEY=leaf by mid twice /CN=Leaf twice
KEY=leaf by mid sha1 /CN=Leaf bare -sha1
KEY=leaf by mid names /CN=One/CN=Two bare
KEY=leaf by mid nameless /O=None bare
rsa small 1024
by mid small /CN=Small bare
rsa exact 2048
by mid exact /CN=Exact bare
ec narrow P-224
by mid narrow /CN=Narrow bare
openssl genpkey -algorithm ED25519 -out ed.key
by mid ed /CN=Ed bare

# As AMD signs: RSA-PSS with SHA-384, here over a root of 3072 bits.
rsa ark 3072
pss='-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48'
# shellcheck disable=SC2086 # words are wanted
own ark Ark root $pss
# shellcheck disable=SC2086
KEY=leaf by ark vcek /CN=Vcek bare $pss
KEY=leaf by ark md5 /CN=Leaf bare -md5
rsa weakroot 1024
own weakroot Weak root
KEY=leaf by weakroot underweak /CN=Leaf bare

# Lists.
list root root 3000
list mid mid 3000
list mid-leaf mid 3000 leaf
list root-mid root 3000 mid
list mid-brief mid 20
CAKEY=stranger list mid-foreign twin 3000
CAKEY=stranger EXTENSIONS=reasons list mid-reasons twin 3000
MD=sha1 list mid-sha1 mid 3000
list stranger stranger 3000

for key in leaf exact ed; do openssl pkey -in $key.key -pubout -outform DER -out $key.spki; done
openssl pkey -in small.key -pubout -outform DER -out small.spki
openssl pkey -in narrow.key -pubout -outform DER -out narrow.spki
openssl ec -in leaf.key -pubout -param_enc explicit -outform DER -out explicit.spki 2>/dev/null
ec wide P-521
openssl pkey -in wide.key -pubout -outform DER -out wide.spki

# Signatures over one message.
printf 'one message' >message
openssl dgst -sha256 -sign leaf.key -out leaf.sig message
openssl dgst -sha512 -sign wide.key -out wide.sig message
openssl dgst -sha256 -sign exact.key -out exact.sig message
openssl dgst -sha384 -sign exact.key -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48 -out exact.pss message
openssl dgst -sha384 -sign exact.key -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20 -out exact.salt message
openssl pkeyutl -sign -rawin -inkey ed.key -in message -out ed.sig
