// SPDX-License-Identifier: Apache-2.0
#include "verify/cca.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "verify/claims.h"
#include "verify/psa.h"

enum {
    TAG_COLLECTION = 399,
    TAG_WRAPPER = 907,

    MEMBER_PLATFORM = 44234,
    MEMBER_REALM = 44241,

    CHALLENGE = 10,
    INSTANCE = 256,
    PROFILE = 265,

    PLATFORM_CLIENT = 2394,
    PLATFORM_LIFECYCLE = 2395,
    PLATFORM_IMPLEMENTATION = 2396,
    PLATFORM_COMPONENTS = 2399,
    PLATFORM_SERVICE = 2400,
    PLATFORM_CONFIGURATION = 2401,
    PLATFORM_HASH = 2402,
    PLATFORM_MANUFACTURING = 2403,

    REALM_PERSONALIZATION = 44235,
    REALM_HASH = 44236,
    REALM_KEY = 44237,
    REALM_INITIAL = 44238,
    REALM_EXTENSIBLE = 44239,
    REALM_KEY_HASH = 44240,
    REALM_ENCRYPTION = 44243,

    COMPONENT_TYPE = 1,
    COMPONENT_VALUE = 2,
    COMPONENT_VERSION = 4,
    COMPONENT_SIGNER = 5,
    COMPONENT_HASH = 6,
    COMPONENT_LIVE = 7,
};

#define EXTENSIBLE_COUNT 4u
#define COMPONENTS_MAX   64u
#define RAW_KEY_SIZE     97u // bytes, 4 || x || y on P-384
#define RAW_KEY_FIRST    0x04

// ---- claims ----------------------------------------------------------------

static bool is_component(const struct cbor_foreign *value)
{
    static const struct verify_claim parts[] = {
        VERIFY_CLAIM(COMPONENT_VALUE, "value", VERIFY_ANY, VERIFY_MANDATORY, 0,
                     0, verify_claim_is_hash),
        VERIFY_CLAIM(COMPONENT_SIGNER, "signer", VERIFY_ANY, VERIFY_MANDATORY,
                     0, 0, verify_claim_is_hash),
        VERIFY_CLAIM(COMPONENT_TYPE, "type", VERIFY_TEXT, VERIFY_OPTIONAL, 0,
                     VERIFY_ANY_SIZE, NULL),
        VERIFY_CLAIM(COMPONENT_VERSION, "version", VERIFY_TEXT, VERIFY_OPTIONAL,
                     0, VERIFY_ANY_SIZE, NULL),
        VERIFY_CLAIM(COMPONENT_HASH, "hash-algo-id", VERIFY_TEXT,
                     VERIFY_OPTIONAL, 0, VERIFY_ANY_SIZE, NULL),
        VERIFY_CLAIM(COMPONENT_LIVE, "live-activation", VERIFY_BOOL,
                     VERIFY_OPTIONAL, 0, 0, NULL),
    };
    return verify_claims_hold(value, parts, COUNT_OF(parts));
}

static bool are_components(const struct cbor_foreign *value)
{
    return verify_claim_is_array_of(value, is_component) &&
           cbor_foreign_count(value) <= COMPONENTS_MAX;
}

static bool is_instance(const struct cbor_foreign *value)
{
    struct rotor_bytes bytes;
    return cbor_foreign_bytes(value, &bytes) && bytes.data[0] == 0x01;
}

static enum crypto_hash hash_named(struct rotor_bytes name)
{
    return bytes_equal(name, LABEL("sha-256"))   ? CRYPTO_SHA256
           : bytes_equal(name, LABEL("sha-384")) ? CRYPTO_SHA384
           : bytes_equal(name, LABEL("sha-512")) ? CRYPTO_SHA512
                                                 : CRYPTO_HASH_NONE;
}

static bool is_hash_name(const struct cbor_foreign *value)
{
    struct rotor_bytes name;
    return cbor_foreign_text(value, &name) &&
           hash_named(name) != CRYPTO_HASH_NONE;
}

static bool are_extensible(const struct cbor_foreign *value)
{
    return verify_claim_is_array_of(value, verify_claim_is_hash) &&
           cbor_foreign_count(value) == EXTENSIBLE_COUNT;
}

static bool is_encryption(const struct cbor_foreign *value)
{
    struct rotor_bytes name;
    return cbor_foreign_text(value, &name) &&
           (bytes_equal(name, LABEL("private")) ||
            bytes_equal(name, LABEL("shared")));
}

static const struct verify_claim PLATFORM_RULES[] = {
    VERIFY_CLAIM(CHALLENGE, "platform challenge", VERIFY_BYTES,
                 VERIFY_MANDATORY, 0, 64, verify_claim_is_hash),
    VERIFY_CLAIM(INSTANCE, "platform instance-id", VERIFY_BYTES,
                 VERIFY_MANDATORY, 33, 33, is_instance),
    VERIFY_CLAIM(PLATFORM_IMPLEMENTATION, "platform implementation-id",
                 VERIFY_BYTES, VERIFY_MANDATORY, 32, 32, NULL),
    VERIFY_CLAIM(PLATFORM_CONFIGURATION, "platform config", VERIFY_BYTES,
                 VERIFY_MANDATORY, 0, VERIFY_ANY_SIZE, NULL),
    VERIFY_CLAIM(PLATFORM_LIFECYCLE, "platform lifecycle", VERIFY_INTEGER,
                 VERIFY_MANDATORY, 0, 0x60ff, verify_psa_is_lifecycle),
    VERIFY_CLAIM(PLATFORM_COMPONENTS, "platform software-components",
                 VERIFY_ANY, VERIFY_MANDATORY, 0, 0, are_components),
    VERIFY_CLAIM(PLATFORM_HASH, "platform hash-algo-id", VERIFY_TEXT,
                 VERIFY_MANDATORY, 1, VERIFY_ANY_SIZE, NULL),
    VERIFY_CLAIM(PLATFORM_SERVICE, "platform verification-service", VERIFY_TEXT,
                 VERIFY_OPTIONAL, 0, VERIFY_ANY_SIZE, NULL),
    VERIFY_CLAIM(PLATFORM_MANUFACTURING, "platform manufacturing-config",
                 VERIFY_BYTES, VERIFY_OPTIONAL, 0, VERIFY_ANY_SIZE, NULL),
};

// The second version says who asked: the realm management, 1.
static const struct verify_claim PLATFORM_CLIENT_RULES[] = {
    VERIFY_CLAIM(PLATFORM_CLIENT, "platform client-id", VERIFY_INTEGER,
                 VERIFY_MANDATORY, 1, 1, NULL),
};

static const struct verify_claim REALM_RULES[] = {
    VERIFY_CLAIM(CHALLENGE, "realm challenge", VERIFY_BYTES, VERIFY_MANDATORY,
                 64, 64, NULL),
    VERIFY_CLAIM(REALM_PERSONALIZATION, "realm personalization-value",
                 VERIFY_BYTES, VERIFY_MANDATORY, 64, 64, NULL),
    VERIFY_CLAIM(REALM_INITIAL, "realm initial-measurement", VERIFY_BYTES,
                 VERIFY_MANDATORY, 0, 64, verify_claim_is_hash),
    VERIFY_CLAIM(REALM_EXTENSIBLE, "realm extensible-measurements", VERIFY_ANY,
                 VERIFY_MANDATORY, 0, 0, are_extensible),
    VERIFY_CLAIM(REALM_HASH, "realm hash-algo-id", VERIFY_TEXT,
                 VERIFY_MANDATORY, 1, VERIFY_ANY_SIZE, NULL),
    VERIFY_CLAIM(REALM_KEY, "realm public-key", VERIFY_BYTES, VERIFY_MANDATORY,
                 1, 1024, NULL),
    VERIFY_CLAIM(REALM_KEY_HASH, "realm public-key-hash-algo-id", VERIFY_TEXT,
                 VERIFY_MANDATORY, 0, VERIFY_ANY_SIZE, is_hash_name),
    VERIFY_CLAIM(REALM_ENCRYPTION, "realm memory-encryption", VERIFY_TEXT,
                 VERIFY_OPTIONAL, 0, VERIFY_ANY_SIZE, is_encryption),
};

#define PLATFORM_OLD    "http://arm.com/CCA-SSD/1.0.0"
#define PLATFORM_FIRST  "tag:arm.com,2023:cca_platform#1.0.0"
#define PLATFORM_SECOND "tag:arm.com,2024:cca_platform#2.0.0"
#define REALM_FIRST     "tag:arm.com,2023:realm#1.0.0"
#define REALM_SECOND    "tag:arm.com,2024:realm#2.0.0"

bool verify_cca_platform_claims(struct verify_verdict *verdict,
                                const struct cbor_foreign *claims)
{
    struct rotor_bytes profile = verify_claim_text(claims, PROFILE);
    bool is_second = bytes_equal(profile, LABEL(PLATFORM_SECOND));
    bool is_known = is_second || bytes_equal(profile, LABEL(PLATFORM_FIRST)) ||
                    bytes_equal(profile, LABEL(PLATFORM_OLD));
    struct cbor_foreign ignored;
    bool is_named = cbor_foreign_find(claims, PROFILE, &ignored);
    return verify_check(
               verdict, is_known,
               &(struct verify_row){
                   .check = "claim platform profile",
                   .seen = verify_bytes(profile),
                   .why = is_named ? "claim platform profile is not supported"
                                   : "claim platform profile is missing"}) &&
           verify_claims_check(verdict, claims, PLATFORM_RULES,
                               COUNT_OF(PLATFORM_RULES)) &&
           (!is_second ||
            verify_claims_check(verdict, claims, PLATFORM_CLIENT_RULES, 1));
}

// Without a profile the realm's key is a bare point.
static bool has_bare_key(const struct cbor_foreign *claims)
{
    struct cbor_foreign ignored;
    return !cbor_foreign_find(claims, PROFILE, &ignored);
}

static bool decode_realm_key(const struct cbor_foreign *claims,
                             struct verify_public *key)
{
    struct rotor_bytes bytes = verify_claim_bytes(claims, REALM_KEY);
    struct cbor_foreign cose_key;
    *key = (struct verify_public){0};
    if (!has_bare_key(claims)) {
        return cbor_foreign_open(bytes, &cose_key) &&
               verify_public_decode(&cose_key, key) == NULL && key->size != 0;
    }
    if (bytes.size != RAW_KEY_SIZE || bytes.data[0] != RAW_KEY_FIRST) {
        return false;
    }
    key->kind = VERIFY_PUBLIC_P384;
    key->size = RAW_KEY_SIZE - 1;
    memcpy(key->bytes, bytes.data + 1, key->size);
    return true;
}

bool verify_cca_realm_claims(struct verify_verdict *verdict,
                             const struct cbor_foreign *claims)
{
    struct rotor_bytes profile = verify_claim_text(claims, PROFILE);
    struct verify_public key;
    bool is_known = has_bare_key(claims) ||
                    bytes_equal(profile, LABEL(REALM_FIRST)) ||
                    bytes_equal(profile, LABEL(REALM_SECOND));
    return verify_check(verdict, is_known,
                        &(struct verify_row){
                            .check = "claim realm profile",
                            .seen = verify_bytes(profile),
                            .why = "claim realm profile is not supported"}) &&
           verify_claims_check(verdict, claims, REALM_RULES,
                               COUNT_OF(REALM_RULES)) &&
           verify_check(verdict, decode_realm_key(claims, &key),
                        &(struct verify_row){
                            .check = "realm key",
                            .why = "claim realm public-key is not a key"});
}

// ---- collection ------------------------------------------------------------

// A token as a byte string, or inside [content format, byte string].
static bool take_token(const struct cbor_foreign *map, int64_t member,
                       struct rotor_bytes *token)
{
    struct cbor_foreign value;
    struct cbor_foreign_walk walk;
    uint64_t format = 0;
    if (!cbor_foreign_find(map, member, &value)) {
        return false;
    }
    if (cbor_foreign_kind(&value) != CBOR_FOREIGN_ARRAY) {
        return cbor_foreign_bytes(&value, token);
    }
    cbor_foreign_walk(&value, &walk);
    struct cbor_foreign part;
    return cbor_foreign_count(&value) == 2 && cbor_foreign_next(&walk, &part) &&
           cbor_foreign_uint(&part, &format) &&
           cbor_foreign_next(&walk, &part) && cbor_foreign_bytes(&part, token);
}

static bool open_collection(struct rotor_bytes bytes, struct cbor_foreign *map)
{
    struct cbor_foreign item;
    uint64_t tag = 0;
    return cbor_foreign_open(bytes, &item) &&
           cbor_foreign_tag(&item, &tag, map) &&
           (tag == TAG_COLLECTION || tag == TAG_WRAPPER) &&
           cbor_foreign_kind(map) == CBOR_FOREIGN_MAP;
}

bool verify_cca_is_collection(struct rotor_bytes bytes)
{
    struct cbor_foreign map;
    return open_collection(bytes, &map);
}

struct collection {
    struct rotor_bytes platform;
    struct rotor_bytes realm;
};

static bool take_collection(struct rotor_bytes bytes,
                            struct collection *collection)
{
    struct cbor_foreign map;
    return open_collection(bytes, &map) &&
           take_token(&map, MEMBER_PLATFORM, &collection->platform) &&
           take_token(&map, MEMBER_REALM, &collection->realm);
}

// ---- token -----------------------------------------------------------------

// The platform vouches for the realm's key by its hash.
static enum rotor_status check_binding(const struct cbor_foreign *platform,
                                       const struct cbor_foreign *realm,
                                       struct verify_verdict *verdict,
                                       bool *is_bound)
{
    uint8_t digest[CRYPTO_HASH_MAX];
    struct rotor_bytes challenge = verify_claim_bytes(platform, CHALLENGE);
    struct rotor_bytes key = verify_claim_bytes(realm, REALM_KEY);
    enum crypto_hash hash =
        hash_named(verify_claim_text(realm, REALM_KEY_HASH));
    TRY(crypto_hash(hash, &key, 1, digest));
    *is_bound = challenge.size == crypto_hash_size(hash) &&
                secret_equal(challenge.data, digest, challenge.size);
    (void)verify_check(
        verdict, *is_bound,
        &(struct verify_row){
            .check = "realm key is the platform's",
            .seen = verify_bytes(challenge),
            .why = "platform challenge is not the hash of the realm's key"});
    return ROTOR_OK;
}

// The realm's token verifies under the key that stands in it.
static enum rotor_status open_realm(const struct verify_token_question *whole,
                                    struct rotor_bytes token,
                                    struct verify_verdict *verdict,
                                    struct cbor_foreign *claims, bool *is_good)
{
    struct verify_cose cose;
    struct verify_public public_key;
    struct verify_cose_key key = {0};
    struct verify_token_question question = *whole;
    bool has_key = verify_cose_open(token, &cose) == NULL &&
                   cbor_foreign_open(cose.payload, claims) &&
                   decode_realm_key(claims, &public_key);
    *is_good = false;
    enum rotor_status status =
        has_key ? verify_cose_key_open(&key, &public_key) : ROTOR_MALFORMED;
    bool is_key = status == ROTOR_OK;
    (void)verify_check(
        verdict, is_key,
        &(struct verify_row){.check = "realm key is there",
                             .why = "claim realm public-key is missing"});
    if (is_key) {
        question.token = token;
        question.key = &key;
        status = verify_token_open(&question, verdict, claims, is_good);
    }
    verify_cose_key_close(&key);
    return status == ROTOR_MALFORMED ? ROTOR_OK : status;
}

struct cca {
    struct cbor_foreign platform;
    struct cbor_foreign realm;
};

static enum rotor_status
judge_both(const struct verify_token_question *question,
           const struct collection *collection, struct verify_verdict *verdict,
           struct cca *cca, bool *is_good)
{
    struct verify_token_question platform = *question;
    platform.token = collection->platform;
    TRY(verify_token_open(&platform, verdict, &cca->platform, is_good));
    if (!*is_good || !verify_cca_platform_claims(verdict, &cca->platform)) {
        *is_good = false;
        return ROTOR_OK;
    }
    TRY(open_realm(question, collection->realm, verdict, &cca->realm, is_good));
    if (!*is_good || !verify_cca_realm_claims(verdict, &cca->realm)) {
        *is_good = false;
        return ROTOR_OK;
    }
    return check_binding(&cca->platform, &cca->realm, verdict, is_good);
}

static enum rotor_status describe(const struct cca *cca,
                                  struct verify_verdict *verdict)
{
    struct cbor_foreign components;
    verdict->level = VERIFY_LEVEL_HARDWARE;
    verify_value_set(&verdict->instance,
                     verify_claim_bytes(&cca->platform, INSTANCE));
    verify_value_set(&verdict->measurement,
                     verify_claim_bytes(&cca->realm, REALM_INITIAL));
    (void)cbor_foreign_find(&cca->platform, PLATFORM_COMPONENTS, &components);
    TRY(verify_psa_digest(&components, COMPONENT_VALUE, &verdict->tcb));
    return verify_psa_digest(&components, COMPONENT_SIGNER, &verdict->signer);
}

static enum rotor_status judge(const struct verify_token_question *question,
                               struct verify_verdict *verdict)
{
    struct collection collection = {0};
    struct cca cca = {0};
    bool is_good = false;
    if (!verify_check(
            verdict, take_collection(question->token, &collection),
            &(struct verify_row){
                .check = "collection",
                .why = "not a collection of platform and realm token"})) {
        return ROTOR_OK;
    }
    TRY(judge_both(question, &collection, verdict, &cca, &is_good));
    if (!is_good) {
        return ROTOR_OK;
    }
    TRY(describe(&cca, verdict));
    int64_t lifecycle = verify_claim_integer(&cca.platform, PLATFORM_LIFECYCLE);
    if (verify_psa_check_lifecycle(verdict, lifecycle,
                                   question->any_lifecycle)) {
        (void)verify_check_report_data(
            verdict, &question->asked,
            verify_claim_bytes(&cca.realm, CHALLENGE));
    }
    return ROTOR_OK;
}

enum rotor_status verify_cca(const struct verify_token_question *question,
                             struct verify_verdict *verdict)
{
    verify_begin(verdict, VERIFY_BACKEND_CCA);
    TRY(judge(question, verdict));
    verify_conclude(verdict);
    return ROTOR_OK;
}
