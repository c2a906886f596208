// SPDX-License-Identifier: Apache-2.0
// Claims and submodules of RFC 9711.  doc/PROTOCOL.tokens 6.
#include "verify/eat_claims.h"

#include "base/bytes.h"
#include "verify/claims.h"
#include "verify/cose_foreign.h"
#include "verify/eat.h"

#define DEPTH_MAX      4u // submodules inside submodules
#define SUBMODULES_MAX 64u
#define NONCE_MIN      8
#define NONCE_MAX      64

// ---- parts of claims -------------------------------------------------------

static bool is_text(const struct cbor_foreign *value)
{
    return cbor_foreign_kind(value) == CBOR_FOREIGN_TEXT;
}

static bool is_integer(const struct cbor_foreign *value)
{
    int64_t ignored;
    return cbor_foreign_int(value, &ignored);
}

static bool is_bytes_of(const struct cbor_foreign *value, size_t least,
                        size_t most)
{
    struct rotor_bytes bytes;
    return cbor_foreign_bytes(value, &bytes) && bytes.size >= least &&
           bytes.size <= most;
}

static bool is_one_nonce(const struct cbor_foreign *value)
{
    return is_bytes_of(value, NONCE_MIN, NONCE_MAX);
}

// One, or two and more.
static bool is_nonce(const struct cbor_foreign *value)
{
    return is_one_nonce(value) ||
           (verify_claim_is_array_of(value, is_one_nonce) &&
            cbor_foreign_count(value) >= 2);
}

static bool is_ueid(const struct cbor_foreign *value)
{
    return is_bytes_of(value, 7, 33);
}

static bool are_sueids(const struct cbor_foreign *value)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign key;
    struct cbor_foreign each;
    if (cbor_foreign_kind(value) != CBOR_FOREIGN_MAP ||
        cbor_foreign_count(value) == 0) {
        return false;
    }
    cbor_foreign_walk(value, &walk);
    while (cbor_foreign_next(&walk, &key)) {
        if (!cbor_foreign_next(&walk, &each) || !is_text(&key) ||
            !is_ueid(&each)) {
            return false;
        }
    }
    return true;
}

// A private enterprise number, an IEEE identifier, or random.
static bool is_oemid(const struct cbor_foreign *value)
{
    return is_integer(value) || is_bytes_of(value, 3, 3) ||
           is_bytes_of(value, 16, 16);
}

// [version, ? scheme]
static bool is_version(const struct cbor_foreign *value)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign version;
    struct cbor_foreign scheme;
    size_t count = cbor_foreign_count(value);
    if (cbor_foreign_kind(value) != CBOR_FOREIGN_ARRAY || count < 1 ||
        count > 2) {
        return false;
    }
    cbor_foreign_walk(value, &walk);
    return cbor_foreign_next(&walk, &version) && is_text(&version) &&
           (!cbor_foreign_next(&walk, &scheme) || is_integer(&scheme) ||
            is_text(&scheme));
}

static bool is_number(const struct cbor_foreign *value)
{
    return is_integer(value) || cbor_foreign_kind(value) == CBOR_FOREIGN_FLOAT;
}

// Latitude and longitude and up to seven more numbers.
static bool is_location(const struct cbor_foreign *value)
{
    struct cbor_foreign part;
    for (int64_t key = 1; key <= 9; key++) {
        bool is_there = cbor_foreign_find(value, key, &part);
        bool is_good = key >= 8 ? is_integer(&part) : is_number(&part);
        if (is_there ? !is_good : key <= 2) {
            return false;
        }
    }
    return true;
}

// A URI or an object identifier.
static bool is_profile(const struct cbor_foreign *value)
{
    return is_text(value) || is_bytes_of(value, 1, SIZE_MAX);
}

// [registrar, platform, ? application]
static bool is_dloa(const struct cbor_foreign *value)
{
    size_t count = cbor_foreign_count(value);
    return verify_claim_is_array_of(value, is_text) && count >= 2 && count <= 3;
}

static bool are_dloas(const struct cbor_foreign *value)
{
    return verify_claim_is_array_of(value, is_dloa);
}

// [content format, bytes]
static bool is_typed(const struct cbor_foreign *value)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign part;
    uint64_t format = 0;
    cbor_foreign_walk(value, &walk);
    return cbor_foreign_kind(value) == CBOR_FOREIGN_ARRAY &&
           cbor_foreign_count(value) == 2 && cbor_foreign_next(&walk, &part) &&
           cbor_foreign_uint(&part, &format) && format <= UINT16_MAX &&
           cbor_foreign_next(&walk, &part) && is_bytes_of(&part, 0, SIZE_MAX);
}

static bool are_typed(const struct cbor_foreign *value)
{
    return verify_claim_is_array_of(value, is_typed);
}

// [id, 1 success, 2 fail, 3 not run, 4 absent]
static bool is_result(const struct cbor_foreign *value)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign part;
    uint64_t result = 0;
    cbor_foreign_walk(value, &walk);
    return cbor_foreign_kind(value) == CBOR_FOREIGN_ARRAY &&
           cbor_foreign_count(value) == 2 && cbor_foreign_next(&walk, &part) &&
           (is_text(&part) || is_bytes_of(&part, 0, SIZE_MAX)) &&
           cbor_foreign_next(&walk, &part) &&
           cbor_foreign_uint(&part, &result) && result >= 1 && result <= 4;
}

// [system, [+ result]]
static bool is_result_group(const struct cbor_foreign *value)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign part;
    cbor_foreign_walk(value, &walk);
    return cbor_foreign_kind(value) == CBOR_FOREIGN_ARRAY &&
           cbor_foreign_count(value) == 2 && cbor_foreign_next(&walk, &part) &&
           is_text(&part) && cbor_foreign_next(&walk, &part) &&
           verify_claim_is_array_of(&part, is_result);
}

static bool are_results(const struct cbor_foreign *value)
{
    return verify_claim_is_array_of(value, is_result_group);
}

static bool is_time(const struct cbor_foreign *value)
{
    int64_t ignored;
    return cbor_foreign_seconds(value, &ignored);
}

static bool is_audience(const struct cbor_foreign *value)
{
    return is_text(value) || verify_claim_is_array_of(value, is_text);
}

static bool is_uint(const struct cbor_foreign *value)
{
    return cbor_foreign_kind(value) == CBOR_FOREIGN_UINT;
}

// ---- claims ----------------------------------------------------------------

static const struct verify_claim RULES[] = {
    VERIFY_CLAIM(VERIFY_EAT_ISSUER, "iss", VERIFY_TEXT, VERIFY_OPTIONAL, 0,
                 VERIFY_ANY_SIZE, NULL),
    VERIFY_CLAIM(VERIFY_EAT_SUBJECT, "sub", VERIFY_TEXT, VERIFY_OPTIONAL, 0,
                 VERIFY_ANY_SIZE, NULL),
    VERIFY_CLAIM(VERIFY_EAT_AUDIENCE, "aud", VERIFY_ANY, VERIFY_OPTIONAL, 0, 0,
                 is_audience),
    VERIFY_CLAIM(VERIFY_EAT_EXPIRATION, "exp", VERIFY_ANY, VERIFY_OPTIONAL, 0,
                 0, is_time),
    VERIFY_CLAIM(VERIFY_EAT_NOT_BEFORE, "nbf", VERIFY_ANY, VERIFY_OPTIONAL, 0,
                 0, is_time),
    VERIFY_CLAIM(VERIFY_EAT_ISSUED_AT, "iat", VERIFY_ANY, VERIFY_OPTIONAL, 0, 0,
                 is_time),
    VERIFY_CLAIM(VERIFY_EAT_CWT_ID, "cti", VERIFY_BYTES, VERIFY_OPTIONAL, 0,
                 VERIFY_ANY_SIZE, NULL),
    VERIFY_CLAIM(VERIFY_EAT_NONCE, "eat_nonce", VERIFY_ANY, VERIFY_OPTIONAL, 0,
                 0, is_nonce),
    VERIFY_CLAIM(VERIFY_EAT_UEID, "ueid", VERIFY_BYTES, VERIFY_OPTIONAL, 7, 33,
                 NULL),
    VERIFY_CLAIM(VERIFY_EAT_SUEIDS, "sueids", VERIFY_ANY, VERIFY_OPTIONAL, 0, 0,
                 are_sueids),
    VERIFY_CLAIM(VERIFY_EAT_OEMID, "oemid", VERIFY_ANY, VERIFY_OPTIONAL, 0, 0,
                 is_oemid),
    VERIFY_CLAIM(VERIFY_EAT_HARDWARE_MODEL, "hwmodel", VERIFY_BYTES,
                 VERIFY_OPTIONAL, 1, 32, NULL),
    VERIFY_CLAIM(VERIFY_EAT_HARDWARE_VERSION, "hwversion", VERIFY_ANY,
                 VERIFY_OPTIONAL, 0, 0, is_version),
    VERIFY_CLAIM(VERIFY_EAT_UPTIME, "uptime", VERIFY_ANY, VERIFY_OPTIONAL, 0, 0,
                 is_uint),
    VERIFY_CLAIM(VERIFY_EAT_OEM_BOOT, "oemboot", VERIFY_BOOL, VERIFY_OPTIONAL,
                 0, 0, NULL),
    VERIFY_CLAIM(VERIFY_EAT_DEBUG_STATUS, "dbgstat", VERIFY_INTEGER,
                 VERIFY_OPTIONAL, 0, 4, NULL),
    VERIFY_CLAIM(VERIFY_EAT_LOCATION, "location", VERIFY_ANY, VERIFY_OPTIONAL,
                 0, 0, is_location),
    VERIFY_CLAIM(VERIFY_EAT_PROFILE, "eat_profile", VERIFY_ANY, VERIFY_OPTIONAL,
                 0, 0, is_profile),
    VERIFY_CLAIM(VERIFY_EAT_BOOT_COUNT, "bootcount", VERIFY_ANY,
                 VERIFY_OPTIONAL, 0, 0, is_uint),
    VERIFY_CLAIM(VERIFY_EAT_BOOT_SEED, "bootseed", VERIFY_BYTES,
                 VERIFY_OPTIONAL, 0, VERIFY_ANY_SIZE, NULL),
    VERIFY_CLAIM(VERIFY_EAT_DLOAS, "dloas", VERIFY_ANY, VERIFY_OPTIONAL, 0, 0,
                 are_dloas),
    VERIFY_CLAIM(VERIFY_EAT_SOFTWARE_NAME, "swname", VERIFY_TEXT,
                 VERIFY_OPTIONAL, 0, VERIFY_ANY_SIZE, NULL),
    VERIFY_CLAIM(VERIFY_EAT_SOFTWARE_VERSION, "swversion", VERIFY_ANY,
                 VERIFY_OPTIONAL, 0, 0, is_version),
    VERIFY_CLAIM(VERIFY_EAT_MANIFESTS, "manifests", VERIFY_ANY, VERIFY_OPTIONAL,
                 0, 0, are_typed),
    VERIFY_CLAIM(VERIFY_EAT_MEASUREMENTS, "measurements", VERIFY_ANY,
                 VERIFY_OPTIONAL, 0, 0, are_typed),
    VERIFY_CLAIM(VERIFY_EAT_MEASUREMENT_RESULTS, "measres", VERIFY_ANY,
                 VERIFY_OPTIONAL, 0, 0, are_results),
    VERIFY_CLAIM(VERIFY_EAT_INTENDED_USE, "intuse", VERIFY_ANY, VERIFY_OPTIONAL,
                 0, 0, is_integer),
};

// Keys of a claims-set are integers and text.
static bool are_labels(const struct cbor_foreign *claims)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign key;
    struct cbor_foreign value;
    cbor_foreign_walk(claims, &walk);
    while (cbor_foreign_next(&walk, &key)) {
        enum cbor_foreign_kind kind = cbor_foreign_kind(&key);
        if (kind != CBOR_FOREIGN_UINT && kind != CBOR_FOREIGN_NEGATIVE &&
            kind != CBOR_FOREIGN_TEXT) {
            return false;
        }
        (void)cbor_foreign_next(&walk, &value);
    }
    return true;
}

// ---- submodules ------------------------------------------------------------

// [hash algorithm, digest]
bool verify_eat_is_digest(const struct cbor_foreign *value)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign part;
    cbor_foreign_walk(value, &walk);
    return cbor_foreign_kind(value) == CBOR_FOREIGN_ARRAY &&
           cbor_foreign_count(value) == 2 && cbor_foreign_next(&walk, &part) &&
           (is_text(&part) || is_integer(&part)) &&
           cbor_foreign_next(&walk, &part) && is_bytes_of(&part, 1, SIZE_MAX);
}

// A tagged token: in a CWT tag, or another bundle.
static bool is_nested(const struct cbor_foreign *value)
{
    struct rotor_bytes bytes;
    struct cbor_foreign item;
    struct cbor_foreign content;
    struct verify_cose cose;
    uint64_t tag = 0;
    if (!cbor_foreign_bytes(value, &bytes) ||
        !cbor_foreign_open(bytes, &item) ||
        !cbor_foreign_tag(&item, &tag, &content)) {
        return false;
    }
    return tag == VERIFY_EAT_TAG_BUNDLE ||
           verify_cose_open(bytes, &cose) == NULL;
}

static bool are_submodules(const struct cbor_foreign *value, unsigned depth);

bool verify_eat_is_submodule(const struct cbor_foreign *value, unsigned depth)
{
    struct cbor_foreign inner;
    enum cbor_foreign_kind kind = cbor_foreign_kind(value);
    if (kind == CBOR_FOREIGN_MAP) {
        return are_labels(value) &&
               verify_claims_hold(value, RULES, COUNT_OF(RULES)) &&
               (!cbor_foreign_find(value, VERIFY_EAT_SUBMODULES, &inner) ||
                are_submodules(&inner, depth + 1));
    }
    if (kind == CBOR_FOREIGN_BYTES) {
        return is_nested(value);
    }
    // A JSON token is not looked into.
    return is_text(value) || verify_eat_is_digest(value);
}

static bool are_submodules(const struct cbor_foreign *value, unsigned depth)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign key;
    struct cbor_foreign each;
    size_t count = cbor_foreign_count(value);
    if (cbor_foreign_kind(value) != CBOR_FOREIGN_MAP || count == 0 ||
        count > SUBMODULES_MAX || depth == DEPTH_MAX) {
        return false;
    }
    cbor_foreign_walk(value, &walk);
    while (cbor_foreign_next(&walk, &key)) {
        if (!cbor_foreign_next(&walk, &each) || !is_text(&key) ||
            !verify_eat_is_submodule(&each, depth)) {
            return false;
        }
    }
    return true;
}

bool verify_eat_claims(struct verify_verdict *verdict,
                       const struct cbor_foreign *claims)
{
    struct cbor_foreign submodules;
    if (!verify_check(
            verdict, are_labels(claims) && cbor_foreign_count(claims) != 0,
            &(struct verify_row){.check = "claim labels",
                                 .why = "a claim is not labelled by an "
                                        "integer or text"}) ||
        !verify_claims_check(verdict, claims, RULES, COUNT_OF(RULES))) {
        return false;
    }
    if (!cbor_foreign_find(claims, VERIFY_EAT_SUBMODULES, &submodules)) {
        return true;
    }
    return verify_check(
        verdict, are_submodules(&submodules, 0),
        &(struct verify_row){
            .check = "claim submods",
            .why = "claim submods has a submodule that is not one"});
}
