// SPDX-License-Identifier: Apache-2.0
// X.509 certificates of the Open Profile for DICE, as DER.  The profile's own
// extension is critical, which X.509 libraries refuse as unknown: the path is
// judged in verify/dice.c, by the profile's rules.
// doc/PROTOCOL.tokens 7.
#include "base/bytes.h"
#include "verify/der.h"
#include "verify/dice_link.h"
#include "wire/cbor_text.h"

enum {
    DER_BOOLEAN = 0x01,
    DER_BITS = 0x03,
    DER_UTF8 = 0x0c,
    DER_PRINTABLE = 0x13,
    DER_UTC_TIME = 0x17,
    DER_TIME = 0x18,
    DER_SET = 0x31,
    DER_EXPLICIT = 0xa0, // [0] and up
};

#define VERSION_3 2u

// Object identifiers, their content bytes.
static const uint8_t OID_ED25519[] = {0x2b, 0x65, 0x70};
static const uint8_t OID_ECDSA_SHA256[] = {0x2a, 0x86, 0x48, 0xce,
                                           0x3d, 0x04, 0x03, 0x02};
static const uint8_t OID_ECDSA_SHA384[] = {0x2a, 0x86, 0x48, 0xce,
                                           0x3d, 0x04, 0x03, 0x03};
static const uint8_t OID_ECDSA_SHA512[] = {0x2a, 0x86, 0x48, 0xce,
                                           0x3d, 0x04, 0x03, 0x04};
static const uint8_t OID_ML_DSA[] = {0x60, 0x86, 0x48, 0x01,
                                     0x65, 0x03, 0x04, 0x03};
static const uint8_t OID_SERIAL_NUMBER[] = {0x55, 0x04, 0x05};
static const uint8_t OID_KEY_USAGE[] = {0x55, 0x1d, 0x0f};
static const uint8_t OID_BASIC_CONSTRAINTS[] = {0x55, 0x1d, 0x13};
static const uint8_t OID_DICE[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
                                   0xd6, 0x79, 0x02, 0x01, 0x18};

#define IS_OID(oid, name) bytes_equal((oid), BYTES_OF(name))

// Takes the next element if its tag is `tag`.
static bool take(struct rotor_bytes *rest, uint8_t tag,
                 struct rotor_bytes *content)
{
    struct rotor_bytes behind = *rest;
    struct verify_der_element element;
    if (verify_der_next(&behind, &element) != ROTOR_OK || element.tag != tag) {
        return false;
    }
    *rest = behind;
    *content = element.content;
    return true;
}

// The same, with tag and length.
static bool take_whole(struct rotor_bytes *rest, uint8_t tag,
                       struct rotor_bytes *whole)
{
    struct verify_der_element element;
    struct rotor_bytes behind = *rest;
    if (verify_der_next(&behind, &element) != ROTOR_OK || element.tag != tag) {
        return false;
    }
    *rest = behind;
    *whole = element.whole;
    return true;
}

// ---- algorithm and signature -----------------------------------------------

static const char *take_algorithm(struct rotor_bytes identifier,
                                  struct verify_dice_link *link)
{
    struct rotor_bytes content;
    struct rotor_bytes oid;
    if (!take(&identifier, VERIFY_DER_SEQUENCE, &content) ||
        !take(&content, VERIFY_DER_OID, &oid) || content.size != 0) {
        return "certificate has no signature algorithm";
    }
    if (oid.size == sizeof OID_ML_DSA + 1 &&
        bytes_equal(bytes_of(oid.data, sizeof OID_ML_DSA),
                    BYTES_OF(OID_ML_DSA))) {
        return "not supported: ML-DSA";
    }
    link->form = IS_OID(oid, OID_ED25519) ? CRYPTO_SIGNATURE_ED25519
                                          : CRYPTO_SIGNATURE_ECDSA_DER;
    link->hash = IS_OID(oid, OID_ECDSA_SHA256)   ? CRYPTO_SHA256
                 : IS_OID(oid, OID_ECDSA_SHA384) ? CRYPTO_SHA384
                 : IS_OID(oid, OID_ECDSA_SHA512) ? CRYPTO_SHA512
                                                 : CRYPTO_HASH_NONE;
    bool is_known = link->form == CRYPTO_SIGNATURE_ED25519 ||
                    link->hash != CRYPTO_HASH_NONE;
    return is_known ? NULL : "not supported: the signature algorithm";
}

// ---- names and times -------------------------------------------------------

// A Name that is one serialNumber; else no id.
static struct rotor_bytes id_of(struct rotor_bytes name)
{
    struct rotor_bytes nothing = {NULL, 0};
    struct rotor_bytes content;
    struct rotor_bytes set;
    struct rotor_bytes pair;
    struct rotor_bytes oid;
    struct rotor_bytes text = nothing;
    bool is_it =
        take(&name, VERIFY_DER_SEQUENCE, &content) &&
        take(&content, DER_SET, &set) && content.size == 0 &&
        take(&set, VERIFY_DER_SEQUENCE, &pair) && set.size == 0 &&
        take(&pair, VERIFY_DER_OID, &oid) && IS_OID(oid, OID_SERIAL_NUMBER) &&
        (take(&pair, DER_UTF8, &text) || take(&pair, DER_PRINTABLE, &text)) &&
        pair.size == 0 && verify_dice_is_id(text);
    return is_it ? text : nothing;
}

static bool digits_at(struct rotor_bytes text, size_t at, size_t count,
                      int64_t *number)
{
    *number = 0;
    for (size_t i = at; i < at + count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        *number = *number * 10 + (text.data[i] - '0');
    }
    return true;
}

// Days from 1970 to the first of a month, by the civil calendar.
static int64_t days_to(int64_t year, int64_t month)
{
    int64_t shifted = month <= 2 ? year - 1 : year; // a year begins in March
    int64_t from_march = (month + 9) % 12;
    int64_t days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400;
    return days + (153 * from_march + 2) / 5 - 719468;
}

// UTCTime YYMMDDHHMMSSZ or GeneralizedTime with four digits of a year.
static bool take_time(struct rotor_bytes *rest, int64_t *seconds)
{
    struct rotor_bytes text;
    int64_t year;
    int64_t part[5]; // month, day, hour, minute, second
    bool is_short = take(rest, DER_UTC_TIME, &text);
    if (!is_short && !take(rest, DER_TIME, &text)) {
        return false;
    }
    size_t year_size = is_short ? 2 : 4;
    if (text.size != year_size + 11 || text.data[text.size - 1] != 'Z' ||
        !digits_at(text, 0, year_size, &year)) {
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(part); i++) {
        if (!digits_at(text, year_size + 2 * i, 2, &part[i])) {
            return false;
        }
    }
    year += !is_short ? 0 : year < 50 ? 2000 : 1900;
    bool is_date = part[0] >= 1 && part[0] <= 12 && part[1] >= 1 &&
                   part[1] <= 31 && part[2] < 24 && part[3] < 60 &&
                   part[4] <= 60;
    int64_t days = days_to(year, part[0]) + part[1] - 1;
    *seconds = ((days * 24 + part[2]) * 60 + part[3]) * 60 + part[4];
    return is_date;
}

// ---- extensions ------------------------------------------------------------

static bool take_usage(struct rotor_bytes value, struct verify_dice_link *link)
{
    struct rotor_bytes bits;
    if (!take(&value, DER_BITS, &bits) || value.size != 0 || bits.size < 2 ||
        bits.size > 3 || bits.data[0] > 7) {
        return false;
    }
    // X.509 counts bits from the most significant one of the first byte on.
    for (uint32_t i = 0; i < 8 * (uint32_t)(bits.size - 1); i++) {
        uint32_t bit = (uint32_t)bits.data[1 + i / 8] >> (7 - i % 8) & 1u;
        link->usage |= bit << i;
    }
    return true;
}

static bool take_constraints(struct rotor_bytes value,
                             struct verify_dice_link *link)
{
    struct rotor_bytes content;
    struct rotor_bytes flag;
    if (!take(&value, VERIFY_DER_SEQUENCE, &content) || value.size != 0) {
        return false;
    }
    if (take(&content, DER_BOOLEAN, &flag)) {
        link->may_issue = flag.size == 1 && flag.data[0] == 0xff;
    }
    return true;
}

// [number] EXPLICIT OCTET STRING OPTIONAL
static bool take_octets(struct rotor_bytes *rest, unsigned number,
                        struct rotor_bytes *octets)
{
    struct rotor_bytes field;
    if (!take(rest, (uint8_t)(DER_EXPLICIT + number), &field)) {
        *octets = bytes_of(NULL, 0);
        return true;
    }
    return take(&field, VERIFY_DER_OCTETS, octets) && field.size == 0;
}

// [6] EXPLICIT INTEGER or, as the reference implementation has it, ENUMERATED.
static bool take_mode(struct rotor_bytes *rest, struct verify_dice_link *link)
{
    struct rotor_bytes field;
    struct rotor_bytes mode;
    if (!take(rest, DER_EXPLICIT + 6, &field)) {
        return true;
    }
    bool is_mode = (take(&field, VERIFY_DER_ENUMERATED, &mode) ||
                    take(&field, VERIFY_DER_INTEGER, &mode)) &&
                   field.size == 0 && mode.size == 1 && mode.data[0] < 0x80;
    link->has_mode = is_mode;
    link->mode = is_mode ? mode.data[0] : 0;
    return is_mode;
}

static bool take_profile(struct rotor_bytes *rest,
                         struct verify_dice_link *link)
{
    struct rotor_bytes field;
    if (!take(rest, DER_EXPLICIT + 7, &field)) {
        return true;
    }
    return take(&field, DER_UTF8, &link->profile) && field.size == 0 &&
           cbor_text_is_utf8(link->profile);
}

// OpenDiceInput
static bool take_inputs(struct rotor_bytes value, struct verify_dice_link *link)
{
    struct rotor_bytes content;
    struct rotor_bytes descriptor;
    bool is_read = take(&value, VERIFY_DER_SEQUENCE, &content) &&
                   value.size == 0 &&
                   take_octets(&content, 0, &link->code_hash) &&
                   take_octets(&content, 1, &descriptor) &&
                   take_octets(&content, 2, &link->configuration_hash) &&
                   take_octets(&content, 3, &link->configuration) &&
                   take_octets(&content, 4, &link->authority_hash) &&
                   take_octets(&content, 5, &descriptor) &&
                   take_mode(&content, link) && take_profile(&content, link);
    link->has_configuration_hash = link->configuration_hash.data != NULL;
    return is_read && content.size == 0;
}

struct extensions {
    unsigned usage_count;
    unsigned constraints_count;
    unsigned inputs_count;
};

static const char *take_extension(struct rotor_bytes extension,
                                  struct extensions *seen,
                                  struct verify_dice_link *link)
{
    struct rotor_bytes oid;
    struct rotor_bytes flag = {NULL, 0};
    struct rotor_bytes value;
    if (!take(&extension, VERIFY_DER_OID, &oid)) {
        return "certificate has an extension without a name";
    }
    bool is_critical = take(&extension, DER_BOOLEAN, &flag);
    if (!take(&extension, VERIFY_DER_OCTETS, &value) || extension.size != 0) {
        return "certificate has an extension without a value";
    }
    if (IS_OID(oid, OID_KEY_USAGE)) {
        bool is_good = take_usage(value, link) && seen->usage_count++ == 0;
        return is_good ? NULL : "key usage is not one";
    }
    if (IS_OID(oid, OID_BASIC_CONSTRAINTS)) {
        bool is_good =
            take_constraints(value, link) && seen->constraints_count++ == 0;
        return is_good ? NULL : "basic constraints are none";
    }
    if (IS_OID(oid, OID_DICE)) {
        bool is_good = take_inputs(value, link) && seen->inputs_count++ == 0;
        return is_good ? NULL : "DICE extension is not one";
    }
    return is_critical ? "not supported: a critical extension" : NULL;
}

static const char *take_extensions(struct rotor_bytes *rest,
                                   struct verify_dice_link *link)
{
    struct rotor_bytes wrapped;
    struct rotor_bytes list;
    struct rotor_bytes extension;
    struct extensions seen = {0};
    if (!take(rest, DER_EXPLICIT + 3, &wrapped) ||
        !take(&wrapped, VERIFY_DER_SEQUENCE, &list) || wrapped.size != 0) {
        return "certificate has no extensions";
    }
    while (list.size != 0) {
        if (!take(&list, VERIFY_DER_SEQUENCE, &extension)) {
            return "certificate has an extension that is not one";
        }
        const char *why = take_extension(extension, &seen, link);
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}

// ---- certificate -----------------------------------------------------------

static bool take_version(struct rotor_bytes *rest)
{
    struct rotor_bytes wrapped;
    struct rotor_bytes version;
    return take(rest, DER_EXPLICIT, &wrapped) &&
           take(&wrapped, VERIFY_DER_INTEGER, &version) && wrapped.size == 0 &&
           version.size == 1 && version.data[0] == VERSION_3;
}

static bool take_validity(struct rotor_bytes *rest,
                          struct verify_dice_link *link)
{
    struct rotor_bytes validity;
    link->has_validity = true;
    return take(rest, VERIFY_DER_SEQUENCE, &validity) &&
           take_time(&validity, &link->not_before_s) &&
           take_time(&validity, &link->not_after_s) && validity.size == 0;
}

// TBSCertificate; `algorithm` is the one that stands outside.
static const char *take_body(struct rotor_bytes body,
                             struct rotor_bytes algorithm,
                             struct verify_dice_link *link)
{
    struct rotor_bytes serial;
    struct rotor_bytes inner;
    struct rotor_bytes spki = {NULL, 0};
    bool is_read = take_version(&body) &&
                   take(&body, VERIFY_DER_INTEGER, &serial) &&
                   take_whole(&body, VERIFY_DER_SEQUENCE, &inner) &&
                   bytes_equal(inner, algorithm) &&
                   take_whole(&body, VERIFY_DER_SEQUENCE, &link->issuer) &&
                   take_validity(&body, link) &&
                   take_whole(&body, VERIFY_DER_SEQUENCE, &link->subject) &&
                   take_whole(&body, VERIFY_DER_SEQUENCE, &spki);
    if (!is_read) {
        return "not an X.509 certificate of version 3";
    }
    link->issuer_id = id_of(link->issuer);
    link->subject_id = id_of(link->subject);
    const char *why = verify_public_decode_spki(spki, &link->key);
    why = why != NULL ? why : take_extensions(&body, link);
    if (why == NULL && body.size != 0) {
        why = "certificate goes on behind its extensions";
    }
    return why;
}

const char *verify_dice_read_x509(struct rotor_bytes certificate,
                                  struct verify_dice_link *link)
{
    struct rotor_bytes content;
    struct rotor_bytes algorithm;
    struct rotor_bytes bits;
    *link = (struct verify_dice_link){0};
    if (!take(&certificate, VERIFY_DER_SEQUENCE, &content) ||
        certificate.size != 0) {
        return "not a certificate";
    }
    if (!take_whole(&content, VERIFY_DER_SEQUENCE, &link->signed_bytes) ||
        !take_whole(&content, VERIFY_DER_SEQUENCE, &algorithm) ||
        !take(&content, DER_BITS, &bits) || content.size != 0 ||
        bits.size == 0 || bits.data[0] != 0) {
        return "not a certificate";
    }
    link->signature = bytes_of(bits.data + 1, bits.size - 1);
    const char *why = take_algorithm(algorithm, link);
    if (why != NULL) {
        return why;
    }
    struct rotor_bytes whole = link->signed_bytes;
    struct rotor_bytes body;
    return take(&whole, VERIFY_DER_SEQUENCE, &body)
               ? take_body(body, algorithm, link)
               : "not a certificate";
}
