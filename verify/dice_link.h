// SPDX-License-Identifier: Apache-2.0
// One certificate of a DICE chain, whatever it is written in: shared by the
// parts of verify/dice.h.
#ifndef ROTOR_VERIFY_DICE_LINK_H
#define ROTOR_VERIFY_DICE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>

#include "crypto/x509.h"
#include "verify/cose_foreign.h"
#include "verify/public.h"

// Bits of KeyUsage as the Open Profile numbers them in CBOR.
#define VERIFY_DICE_CERT_SIGN 0x20u

// Views are into the certificate.
struct verify_dice_link {
    // Names as they stand there: DER Name or text, compared as bytes.
    struct rotor_bytes issuer;
    struct rotor_bytes subject;
    // What the Open Profile has as names: 40 hexadecimal digits, or empty.
    struct rotor_bytes issuer_id;
    struct rotor_bytes subject_id;

    // Inputs of the stage; a certificate of a UDS key has none of them.
    struct rotor_bytes code_hash;
    bool has_configuration_hash;
    struct rotor_bytes configuration_hash;
    struct rotor_bytes configuration;
    struct rotor_bytes authority_hash;
    bool has_mode;
    uint64_t mode;
    struct rotor_bytes profile;

    struct verify_public key;
    uint32_t usage;
    uint32_t usage_reversed; // CBOR: the same with its bytes in other order
    bool may_issue;          // as far as basic constraints say
    bool has_validity;
    int64_t not_before_s;
    int64_t not_after_s;

    // How it is signed: COSE, or else DER.
    bool is_cose;
    struct verify_cose cose;
    struct rotor_bytes signed_bytes;
    struct rotor_bytes signature;
    enum crypto_signature_form form;
    enum crypto_hash hash;
};

// Take one certificate apart; nothing is authentic.  NULL, or why not: a
// sentence that begins with "not supported" if it may be a good one.
const char *verify_dice_read_cose(struct rotor_bytes certificate,
                                  struct verify_dice_link *link);
const char *verify_dice_read_x509(struct rotor_bytes certificate,
                                  struct verify_dice_link *link);

// Whether `text` is 40 lower-case hexadecimal digits.
bool verify_dice_is_id(struct rotor_bytes text);

#endif
