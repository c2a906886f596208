// SPDX-License-Identifier: Apache-2.0
// DICE certificates: CBOR web tokens in a COSE_Sign1, one for each stage.
//
// The form is that of the Open Profile for DICE, in deterministic CBOR; what
// rotor itself issues is narrower.  doc/PROTOCOL.boot 5.
#ifndef ROTOR_BOOT_CERTIFICATE_H
#define ROTOR_BOOT_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "boot/dice.h"
#include "boot/reason.h"
#include "boot/verdict.h"
#include "crypto/crypto.h"
#include "wire/cose.h"

#define BOOT_CLAIMS_MAX      1024u // bytes
#define BOOT_CERTIFICATE_MAX (BOOT_CLAIMS_MAX + 128u)
#define BOOT_PROFILE         "rotor.1"

// What the subject's key may sign; bits as the Open Profile numbers them.
enum boot_usage {
    BOOT_USAGE_NONE = 0,
    BOOT_USAGE_EVIDENCE = 0x01,     // digitalSignature
    BOOT_USAGE_CERTIFICATES = 0x20, // keyCertSign
};

// Views live as long as the bytes that they were decoded from.
struct boot_claims {
    uint8_t issuer[BOOT_DICE_ID_SIZE];
    uint8_t subject[BOOT_DICE_ID_SIZE];
    uint8_t code_hash[BOOT_INPUT_SIZE];
    bool has_configuration_hash; // false: `configuration` is inline
    uint8_t configuration_hash[BOOT_INPUT_SIZE];
    struct rotor_bytes configuration; // descriptor, or 64 bytes inline
    uint8_t authority_hash[BOOT_INPUT_SIZE];
    enum boot_mode mode;
    struct wire_key key; // P-256, P-384 or Ed25519
    enum boot_usage usage;
    struct rotor_bytes profile; // text; empty: no such claim
};

// The payload of a certificate.
//
// ROTOR_INVALID  decode would refuse it.
ROTOR_CALL boot_claims_encode(const struct boot_claims *claims,
                              struct rotor_room *encoded);

// False unless `payload` is one; `claims` is then unchanged.
bool boot_claims_decode(struct rotor_bytes payload, struct boot_claims *claims);

struct boot_certificate {
    enum crypto_scheme scheme; // that its header says it is signed with
    struct rotor_bytes payload;
    struct rotor_bytes signature;
    struct boot_claims claims;
};

// Form only; nothing is authentic.  Takes every certificate of the Open
// Profile without descriptors of code and authority.
//
// ROTOR_MALFORMED  anything else; `certificate` is unchanged.
ROTOR_CALL boot_certificate_decode(struct rotor_bytes encoded,
                                   struct boot_certificate *certificate);

// Puts a COSE_Sign1 together: for boot_certificate_sign and for tests.
ROTOR_CALL boot_certificate_encode(enum crypto_scheme scheme,
                                   struct rotor_bytes payload,
                                   struct rotor_bytes signature,
                                   struct rotor_room *encoded);

// dCBOR ["Signature1", protected, h'', payload]
ROTOR_CALL boot_certificate_signed_bytes(enum crypto_scheme scheme,
                                         struct rotor_bytes payload,
                                         struct rotor_room *bytes);

// What stage 0 knows of the stage whose key it vouches for.
struct boot_subject {
    const struct boot_inputs *inputs;
    struct rotor_bytes descriptor; // SHA-512 is inputs->configuration
    const struct crypto_key *key;
    enum boot_usage usage;
};

// Stage 0: a certificate in rotor's profile.
//
// ROTOR_INVALID  the descriptor is not that of the inputs, or no descriptor.
ROTOR_CALL boot_certificate_sign(const struct crypto_key *issuer,
                                 const struct boot_subject *subject,
                                 struct rotor_room *encoded);

struct boot_certificate_check {
    struct rotor_bytes encoded;
    struct wire_key issuer; // the trusted key, or the one vouched for before
    enum boot_usage usage;  // what the caller wants the subject's key for
};

// What an accepted certificate says.
struct boot_vouched {
    struct boot_claims claims;
    struct boot_descriptor descriptor;
};

// Decides whether `issuer` vouches for the subject in rotor's profile.  Which
// code, authority, mode and versions are good is the caller's policy.
//
// *verdict is BOOT_REJECTED and `vouched` unchanged unless everything holds,
// twice.  On any other status than ROTOR_OK the verdict is BOOT_REJECTED too.
//
// ROTOR_MALFORMED  not a certificate, or the issuer key is not a point.
ROTOR_CALL boot_certificate_verify(const struct boot_certificate_check *check,
                                   uint32_t *verdict,
                                   struct boot_vouched *vouched);

#endif
