// SPDX-License-Identifier: Apache-2.0
// CBOR certificates of the Open Profile for DICE and of Android's.
// doc/PROTOCOL.tokens 7.
#include "base/bytes.h"
#include "verify/claims.h"
#include "verify/dice_link.h"

enum {
    ISSUER = 1,
    SUBJECT = 2,
    EXPIRATION = 4,
    NOT_BEFORE = 5,
    CODE_HASH = -4670545,
    CODE_DESCRIPTOR = -4670546,
    CONFIGURATION_HASH = -4670547,
    CONFIGURATION = -4670548,
    AUTHORITY_HASH = -4670549,
    AUTHORITY_DESCRIPTOR = -4670550,
    MODE = -4670551,
    KEY = -4670552,
    USAGE = -4670553,
    PROFILE = -4670554,
};

#define NAME_MAX 1024

static const struct verify_claim RULES[] = {
    VERIFY_CLAIM(ISSUER, "iss", VERIFY_TEXT, VERIFY_MANDATORY, 1, NAME_MAX,
                 NULL),
    VERIFY_CLAIM(SUBJECT, "sub", VERIFY_TEXT, VERIFY_MANDATORY, 1, NAME_MAX,
                 NULL),
    VERIFY_CLAIM(KEY, "subjectPublicKey", VERIFY_BYTES, VERIFY_MANDATORY, 1,
                 VERIFY_ANY_SIZE, NULL),
    VERIFY_CLAIM(USAGE, "keyUsage", VERIFY_BYTES, VERIFY_MANDATORY, 1, 4, NULL),
    VERIFY_CLAIM(CODE_HASH, "codeHash", VERIFY_BYTES, VERIFY_OPTIONAL, 0, 64,
                 NULL),
    VERIFY_CLAIM(CODE_DESCRIPTOR, "codeDescriptor", VERIFY_BYTES,
                 VERIFY_OPTIONAL, 0, VERIFY_ANY_SIZE, NULL),
    VERIFY_CLAIM(CONFIGURATION_HASH, "configurationHash", VERIFY_BYTES,
                 VERIFY_OPTIONAL, 0, 64, NULL),
    VERIFY_CLAIM(CONFIGURATION, "configurationDescriptor", VERIFY_BYTES,
                 VERIFY_OPTIONAL, 0, VERIFY_ANY_SIZE, NULL),
    VERIFY_CLAIM(AUTHORITY_HASH, "authorityHash", VERIFY_BYTES, VERIFY_OPTIONAL,
                 0, 64, NULL),
    VERIFY_CLAIM(AUTHORITY_DESCRIPTOR, "authorityDescriptor", VERIFY_BYTES,
                 VERIFY_OPTIONAL, 0, VERIFY_ANY_SIZE, NULL),
    VERIFY_CLAIM(PROFILE, "profileName", VERIFY_TEXT, VERIFY_OPTIONAL, 0,
                 NAME_MAX, NULL),
};

// One byte; Android 14 may write an integer.
static const char *take_mode(const struct cbor_foreign *claims,
                             struct verify_dice_link *link)
{
    struct cbor_foreign value;
    struct rotor_bytes bytes;
    if (!cbor_foreign_find(claims, MODE, &value)) {
        return NULL;
    }
    link->has_mode = true;
    if (cbor_foreign_uint(&value, &link->mode)) {
        return NULL;
    }
    if (!cbor_foreign_bytes(&value, &bytes) || bytes.size != 1) {
        return "claim mode is not one byte";
    }
    link->mode = bytes.data[0];
    return NULL;
}

// Little-endian bits; Android 14 has had them big-endian too.
static void take_usage(struct rotor_bytes bytes, struct verify_dice_link *link)
{
    for (size_t i = 0; i < bytes.size; i++) {
        link->usage |= (uint32_t)bytes.data[i] << 8 * i;
        link->usage_reversed = link->usage_reversed << 8 | bytes.data[i];
    }
}

static const char *take_times(const struct cbor_foreign *claims,
                              struct verify_dice_link *link)
{
    struct cbor_foreign value;
    link->not_after_s = INT64_MAX;
    link->has_validity = true;
    if (cbor_foreign_find(claims, NOT_BEFORE, &value) &&
        !cbor_foreign_seconds(&value, &link->not_before_s)) {
        return "claim nbf is not a time";
    }
    if (cbor_foreign_find(claims, EXPIRATION, &value) &&
        !cbor_foreign_seconds(&value, &link->not_after_s)) {
        return "claim exp is not a time";
    }
    return NULL;
}

static const char *take_claims(const struct cbor_foreign *claims,
                               struct verify_dice_link *link)
{
    struct cbor_foreign value;
    const char *why = verify_claims_fault(claims, RULES, COUNT_OF(RULES));
    why = why != NULL ? why : take_mode(claims, link);
    why = why != NULL ? why : take_times(claims, link);
    if (why != NULL) {
        return why;
    }
    link->issuer = verify_claim_text(claims, ISSUER);
    link->subject = verify_claim_text(claims, SUBJECT);
    link->code_hash = verify_claim_bytes(claims, CODE_HASH);
    link->has_configuration_hash =
        cbor_foreign_find(claims, CONFIGURATION_HASH, &value);
    link->configuration_hash = verify_claim_bytes(claims, CONFIGURATION_HASH);
    link->configuration = verify_claim_bytes(claims, CONFIGURATION);
    link->authority_hash = verify_claim_bytes(claims, AUTHORITY_HASH);
    link->profile = verify_claim_text(claims, PROFILE);
    take_usage(verify_claim_bytes(claims, USAGE), link);
    if (!cbor_foreign_open(verify_claim_bytes(claims, KEY), &value)) {
        return "claim subjectPublicKey is not a COSE_Key";
    }
    return verify_public_decode(&value, &link->key);
}

const char *verify_dice_read_cose(struct rotor_bytes certificate,
                                  struct verify_dice_link *link)
{
    struct cbor_foreign claims;
    *link = (struct verify_dice_link){.is_cose = true, .may_issue = true};
    const char *why = verify_cose_open(certificate, &link->cose);
    if (why != NULL) {
        return why;
    }
    if (link->cose.kind != VERIFY_COSE_SIGN1 || link->cose.is_tagged ||
        link->cose.is_detached) {
        return "certificate is not an untagged COSE_Sign1";
    }
    why = verify_cose_algorithm_fault(&link->cose);
    if (why != NULL || !link->cose.algorithm_is_protected) {
        return why != NULL ? why : "algorithm is not in the protected header";
    }
    if (!cbor_foreign_open(link->cose.payload, &claims) ||
        cbor_foreign_kind(&claims) != CBOR_FOREIGN_MAP) {
        return "certificate has no map of claims";
    }
    why = take_claims(&claims, link);
    if (why == NULL && link->key.size == 0) {
        return "not supported: a certificate for another kind of key";
    }
    link->issuer_id =
        verify_dice_is_id(link->issuer) ? link->issuer : bytes_of(NULL, 0);
    link->subject_id =
        verify_dice_is_id(link->subject) ? link->subject : bytes_of(NULL, 0);
    return why;
}
