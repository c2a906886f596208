// SPDX-License-Identifier: Apache-2.0
// Public keys of foreign evidence: COSE_Key (RFC 9052 7) and DER
// SubjectPublicKeyInfo as one small struct.  doc/PROTOCOL.tokens 2.
#ifndef ROTOR_VERIFY_PUBLIC_H
#define ROTOR_VERIFY_PUBLIC_H

#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "crypto/x509.h"
#include "wire/cbor_foreign.h"

enum verify_public_kind {
    VERIFY_PUBLIC_NONE = 0,
    VERIFY_PUBLIC_P256,
    VERIFY_PUBLIC_P384,
    VERIFY_PUBLIC_P521,
    VERIFY_PUBLIC_ED25519,
    VERIFY_PUBLIC_RSA,
    VERIFY_PUBLIC_HSS,    // LMS in its hierarchy (RFC 8778)
    VERIFY_PUBLIC_SECRET, // a MAC key: not public, in COSE_Key all the same
};

#define VERIFY_PUBLIC_MAX 132u // bytes, x || y of P-521

struct verify_public {
    enum verify_public_kind kind;
    int64_t algorithm; // that the key is for, of COSE; 0: it does not say

    // x || y, or 32 bytes, or be32(levels) || LMS key; zeros behind `size`.
    uint8_t bytes[VERIFY_PUBLIC_MAX];
    size_t size;

    // Views: of RSA, big-endian, and of a MAC key, SECRET.
    struct rotor_bytes modulus;
    struct rotor_bytes exponent;
    struct rotor_bytes secret;
};

// The size of one coordinate of an elliptic curve; 0 for every other kind.
size_t verify_public_coordinate(enum verify_public_kind kind);

// Takes a COSE_Key.  NULL, or why not: a sentence that begins with "not
// supported" if the key may be a good one; `key` is then of no kind.
const char *verify_public_decode(const struct cbor_foreign *cose_key,
                                 struct verify_public *key);

// The same for SubjectPublicKeyInfo: P-256, P-384 and P-521 with both
// coordinates, and Ed25519.
const char *verify_public_decode_spki(struct rotor_bytes spki,
                                      struct verify_public *key);

// Opens the key in the back end; the caller closes it.
//
// ROTOR_INVALID    a MAC key, an HSS key, or none.
// ROTOR_MALFORMED  not a point on the curve, or not an RSA key.
ROTOR_CALL verify_public_open(const struct verify_public *key,
                              struct crypto_verifier *verifier);

// Kind and bytes; RSA and MAC keys equal nothing.
bool verify_public_equal(const struct verify_public *a,
                         const struct verify_public *b);

#endif
