// SPDX-License-Identifier: Apache-2.0
// The X.509 port: certificates, revocation lists, and public keys in the forms
// that other people's evidence comes in.
//
// A part of the crypto port that only hosts have: a back end with a heap
// (crypto/openssl).  No call reaches a network or a clock: time is given, and
// what is trusted is given.  rotor's own chain needs none of this.
//
// Every function may return ROTOR_PORT_FAILED: the library refused.
#ifndef ROTOR_CRYPTO_X509_H
#define ROTOR_CRYPTO_X509_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "crypto/crypto.h"

// ---- public keys -----------------------------------------------------------

// A key that verifies, held by the back end: RSA from 2048 bits on, EC on
// P-256, P-384 and P-521, Ed25519.  All zero is none; close is then a no-op.
struct crypto_verifier {
    void *impl;
};

enum crypto_signature_form {
    CRYPTO_SIGNATURE_NONE = 0,
    CRYPTO_SIGNATURE_ECDSA_RAW, // r || s, big-endian, each of the curve's size
    CRYPTO_SIGNATURE_ECDSA_DER,
    CRYPTO_SIGNATURE_RSA_PKCS1,
    CRYPTO_SIGNATURE_RSA_PSS,          // MGF1 and salt of the hash's size
    CRYPTO_SIGNATURE_RSA_PSS_ANY_SALT, // some TPMs take the longest there is
    CRYPTO_SIGNATURE_ED25519,          // hash is not looked at
};

enum crypto_curve {
    CRYPTO_CURVE_NONE = 0,
    CRYPTO_CURVE_P256,
    CRYPTO_CURVE_P384,
    CRYPTO_CURVE_P521,
};

// Takes a DER SubjectPublicKeyInfo; nothing may follow it.
//
// ROTOR_MALFORMED  not one, a key of another kind, or not a point.
ROTOR_CALL crypto_verifier_open(struct crypto_verifier *verifier,
                                struct rotor_bytes spki);

// The same from coordinates, each at most of the curve's size, and from an RSA
// modulus and exponent; all big-endian.
ROTOR_CALL crypto_verifier_open_ec(struct crypto_verifier *verifier,
                                   enum crypto_curve curve,
                                   struct rotor_bytes x, struct rotor_bytes y);
ROTOR_CALL crypto_verifier_open_rsa(struct crypto_verifier *verifier,
                                    struct rotor_bytes modulus,
                                    struct rotor_bytes exponent);

void crypto_verifier_close(struct crypto_verifier *verifier);

// *valid is false unless the signature verifies; a signature of a form or size
// that does not fit the key is not valid, and that is no error.
ROTOR_CALL crypto_verifier_check(const struct crypto_verifier *verifier,
                                 enum crypto_signature_form form,
                                 enum crypto_hash hash,
                                 struct rotor_bytes message,
                                 struct rotor_bytes signature, bool *valid);

// ---- certificates ----------------------------------------------------------

// Held by the back end.  Views below live as long as it is open.
struct crypto_certificate {
    void *impl;
};

// Takes one DER certificate; nothing may follow it.
//
// ROTOR_MALFORMED  not one, or one that the back end does not read.
ROTOR_CALL crypto_certificate_open(struct crypto_certificate *certificate,
                                   struct rotor_bytes der);
void crypto_certificate_close(struct crypto_certificate *certificate);

struct crypto_certificate_facts {
    struct rotor_bytes der;     // the whole of it
    struct rotor_bytes subject; // DER Name
    struct rotor_bytes issuer;  // DER Name
    struct rotor_bytes serial;  // content bytes of the INTEGER
    struct rotor_bytes spki;    // DER SubjectPublicKeyInfo
    int64_t not_before_s;       // since 1970
    int64_t not_after_s;
    bool is_ca;
    bool is_self_issued; // subject is issuer
};
ROTOR_CALL
crypto_certificate_facts(const struct crypto_certificate *certificate,
                         struct crypto_certificate_facts *facts);

// The contents of the extension `oid` (content bytes of the OBJECT IDENTIFIER):
// what stands inside its OCTET STRING.  Empty data and ROTOR_OK if there is
// none; ROTOR_MALFORMED if there are two.
ROTOR_CALL
crypto_certificate_extension(const struct crypto_certificate *certificate,
                             struct rotor_bytes oid, struct rotor_bytes *value);

// The common name of the subject as UTF-8; empty if there is none or two.
ROTOR_CALL
crypto_certificate_common_name(const struct crypto_certificate *certificate,
                               struct rotor_room *name);

// Is it issued by itself, and does its own key verify it?  A root that is known
// by its key alone must be asked: others can write name and dates around a key.
ROTOR_CALL
crypto_certificate_signs_itself(const struct crypto_certificate *certificate,
                                bool *signs_itself);

// The key of a certificate, for signatures that are no certificates.
ROTOR_CALL
crypto_certificate_verifier(const struct crypto_certificate *certificate,
                            struct crypto_verifier *verifier);

// ---- revocation lists ------------------------------------------------------

struct crypto_crl {
    void *impl;
};

ROTOR_CALL crypto_crl_open(struct crypto_crl *crl, struct rotor_bytes der);
void crypto_crl_close(struct crypto_crl *crl);

struct crypto_crl_facts {
    struct rotor_bytes der;
    struct rotor_bytes issuer; // DER Name
    int64_t this_update_s;
    int64_t next_update_s; // INT64_MAX if it names none
};
ROTOR_CALL crypto_crl_facts(const struct crypto_crl *crl,
                            struct crypto_crl_facts *facts);

// ---- chains ----------------------------------------------------------------

// What a chain is built of, at most 64 of each.  Anchors are trusted because
// the caller says so; nothing else is.  An anchor need not be self-signed.
struct crypto_chain {
    const struct crypto_certificate *anchors;
    size_t anchor_count;
    const struct crypto_certificate *intermediates;
    size_t intermediate_count;
    const struct crypto_crl *crls;
    size_t crl_count;
    // Lists that are there are always judged: a revoked certificate, an expired
    // list or one that its issuer did not sign is a fault.  If needed, every
    // issuer in the chain, the anchor included, must have one.
    bool needs_crls;
    int64_t now_s; // validity is judged at this time
};

enum crypto_chain_fault {
    CRYPTO_CHAIN_UNKNOWN = 0, // not verified: zero is no success
    CRYPTO_CHAIN_GOOD = 0x3a96c35,
    CRYPTO_CHAIN_NO_ISSUER = 1, // leads to no anchor
    CRYPTO_CHAIN_SIGNATURE,
    CRYPTO_CHAIN_NOT_YET_VALID,
    CRYPTO_CHAIN_EXPIRED,
    CRYPTO_CHAIN_NOT_A_CA, // an issuer that may not issue
    CRYPTO_CHAIN_TOO_LONG, // for an issuer's path length, or for us
    CRYPTO_CHAIN_REVOKED,
    CRYPTO_CHAIN_CRL_MISSING,
    CRYPTO_CHAIN_CRL_EXPIRED,
    CRYPTO_CHAIN_CRL_SIGNATURE,
    CRYPTO_CHAIN_EXTENSION, // a critical one that is not understood
    CRYPTO_CHAIN_WEAK,      // MD5, SHA-1, short keys
    CRYPTO_CHAIN_OTHER,
};

#define CRYPTO_CHAIN_DEPTH_MAX 8u // certificates from leaf to anchor

struct crypto_chain_verdict {
    enum crypto_chain_fault fault;
    size_t depth;  // at which certificate; 0 is the leaf
    size_t anchor; // index of the anchor that it leads to, if GOOD
};

// Builds a path from `leaf` to an anchor and judges it (RFC 5280 6.1).  A leaf
// that is an anchor itself is good as it stands, within its validity.
ROTOR_CALL crypto_chain_verify(const struct crypto_certificate *leaf,
                               const struct crypto_chain *chain,
                               struct crypto_chain_verdict *verdict);

// A clause for people, e.g. "expired"; never NULL.
const char *crypto_chain_fault_text(enum crypto_chain_fault fault);

#endif
