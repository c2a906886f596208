// SPDX-License-Identifier: Apache-2.0
// CCA tokens: platform, realm and what binds them.
#include "verify/cca.h"

#include "test/spec/diag.h"
#include "test/spec/hex.h"
#include "test/spec/token_claims.h"
#include "test/spec/token_maker.h"

#define HASH       "h'" BYTES_32 "'"
#define LONG       "h'" BYTES_64 "'"
#define INSTANCE   "h'01" BYTES_32 "'"
#define COMPONENTS "[{1: \"RMM\", 2: " HASH ", 5: " HASH ", 6: \"sha-256\"}]"
#define BAD_BYTES  "\"text\"", "1", "[h'00']", "h''"

static struct token_maker platform;
static struct token_maker realm;
static struct verify_verdict verdict;
static char realm_key[512]; // claim 44237 in diagnostic notation
static char binding[256];   // claim 10 of the platform

static const struct claim_case PLATFORM[] = {
    {"265",
     "platform profile",                      "\"tag:arm.com,2023:cca_platform#1.0.0\"",
     false,                                                                                     {"\"tag:arm.com,2023:realm#1.0.0\"", "7"}},
    {"10",   "platform challenge",            binding,                                   false, {BAD_BYTES, "h'00'"}                     },
    {"256",
     "platform instance-id",                  INSTANCE,
     false,                                                                                     {BAD_BYTES, HASH, "h'02" BYTES_32 "'"}   },
    {"2396",
     "platform implementation-id",            HASH,
     false,                                                                                     {BAD_BYTES, "h'00" BYTES_32 "'"}         },
    {"2401", "platform config",               "h'010203'",                               false, {"7", "\"x\""}                           },
    {"2395",
     "platform lifecycle",                    "12291",
     false,                                                                                     {"256", "-1", HASH, "65535"}             },
    {"2399",
     "platform software-components",          COMPONENTS,
     false,                                                                                     {"[]", HASH, "[{2: " HASH "}]", "[{5: " HASH "}]",
      "[{2: h'00', 5: " HASH "}]", "[{1: 7, 2: " HASH ", 5: " HASH "}]"}                                                      },
    {"2402", "platform hash-algo-id",         "\"sha-256\"",                             false, {"\"\"", "7"}                            },
    {"2400", "platform verification-service", "\"x\"",                                   true,  {"7"}                                    },
    {"2403", "platform manufacturing-config", "h'00'",                                   true,  {"7"}                                    },
};

static const struct claim_case REALM[] = {
    {"265",
     "realm profile",                        "\"tag:arm.com,2023:realm#1.0.0\"",
     false,                                                                                     {"\"tag:arm.com,2023:cca_platform#1.0.0\""}},
    {"10",    "realm challenge",             LONG,                                       false, {BAD_BYTES, HASH}                          },
    {"44235", "realm personalization-value", LONG,                                       false, {BAD_BYTES, HASH}                          },
    {"44238", "realm initial-measurement",   HASH,                                       false, {BAD_BYTES, "h'00'"}                       },
    {"44239",
     "realm extensible-measurements",        "[" HASH ", " HASH ", " HASH ", " HASH "]",
     false,                                                                                     {"[]", "[" HASH ", " HASH ", " HASH "]",
      "[" HASH ", " HASH ", " HASH ", " HASH ", " HASH "]",
      "[" HASH ", " HASH ", " HASH ", h'00']", HASH}                                                                            },
    {"44236", "realm hash-algo-id",          "\"sha-256\"",                              false, {"\"\"", "7"}                              },
    {"44237", "realm public-key",            realm_key,                                  false, {BAD_BYTES, "h'a0'"}                       },
    {"44240",
     "realm public-key-hash-algo-id",        "\"sha-256\"",
     false,                                                                                     {"\"sha-1\"", "\"\"", "7"}                 },
    {"44243",
     "realm memory-encryption",              "\"private\"",
     true,                                                                                      {"\"public\"", "7"}                        },
};

static const struct claim_cases PLATFORM_CASES = {PLATFORM, COUNT_OF(PLATFORM),
                                                  0};
static const struct claim_cases REALM_CASES = {REALM, COUNT_OF(REALM), 1};

static void write_hex(char *text, size_t capacity, struct rotor_bytes bytes)
{
    size_t used = (size_t)snprintf(text, capacity, "h'");
    for (size_t i = 0; i < bytes.size; i++) {
        used += (size_t)snprintf(text + used, capacity - used, "%02x",
                                 bytes.data[i]);
    }
    snprintf(text + used, capacity - used, "'");
}

// The claims that name the realm's key: as COSE_Key, or a bare point.
static void name_key(bool is_bare)
{
    uint8_t memory[256];
    uint8_t digest[32];
    struct rotor_room bytes = ROOM_OF(memory);
    if (is_bare) {
        assert_ok(bytes_append(&bytes, LABEL("\x04")));
        assert_ok(bytes_append(&bytes, bytes_of(realm.public_key.bytes, 96)));
    } else {
        char x[128];
        char y[128];
        char text[512];
        write_hex(x, sizeof x, bytes_of(realm.public_key.bytes, 48));
        write_hex(y, sizeof y, bytes_of(realm.public_key.bytes + 48, 48));
        snprintf(text, sizeof text, "{1: 2, -1: 2, -2: %s, -3: %s}", x, y);
        assert_true(diag_encode(text, &bytes));
    }
    struct rotor_bytes view = bytes_in(&bytes);
    assert_ok(crypto_hash(CRYPTO_SHA256, &view, 1, digest));
    write_hex(realm_key, sizeof realm_key, view);
    write_hex(binding, sizeof binding, BYTES_OF(digest));
}

static void begin(void)
{
    token_maker_open(&platform, CRYPTO_P384, 1);
    token_maker_open(&realm, CRYPTO_P384, 2);
    name_key(false);
}

static void end(void)
{
    token_maker_close(&platform);
    token_maker_close(&realm);
}

static void sign_platform(const char *claims)
{
    static char text[8192];
    claims_write(&PLATFORM_CASES, SIZE_MAX, NULL, text, sizeof text);
    token_maker_sign_diag(&platform, claims != NULL ? claims : text);
}

static void sign_realm(const char *claims)
{
    static char text[8192];
    claims_write(&REALM_CASES, SIZE_MAX, NULL, text, sizeof text);
    token_maker_sign_diag(&realm, claims != NULL ? claims : text);
}

static uint8_t collection_memory[TOKEN_MAX];
static struct rotor_room collection;

// 399({44234: platform, 44241: realm}), or 907 with content formats.
static void collect(unsigned tag)
{
    static char text[4 * TOKEN_MAX];
    static char first[TOKEN_MAX];
    static char second[TOKEN_MAX];
    const char *before = tag == 907 ? "[263, " : "";
    const char *behind = tag == 907 ? "]" : "";
    write_hex(first, sizeof first, bytes_in(&platform.token));
    write_hex(second, sizeof second, bytes_in(&realm.token));
    snprintf(text, sizeof text, "%u({44234: %s%s%s, 44241: %s%s%s})", tag,
             before, first, behind, before, second, behind);
    collection = ROOM_OF(collection_memory);
    assert_true(diag_encode(text, &collection));
}

static const char *outcome(void)
{
    struct verify_token_question question = token_maker_question(&platform);
    question.token = bytes_in(&collection);
    assert_ok(verify_cca(&question, &verdict));
    return verify_verdict_is_accepted(&verdict) ? NULL : verdict.reason;
}

static const char *why_platform(const char *claims)
{
    sign_platform(claims);
    sign_realm(NULL);
    collect(399);
    return outcome();
}

static const char *why_realm(const char *claims)
{
    sign_platform(NULL);
    sign_realm(claims);
    collect(399);
    return outcome();
}

SPEC("each claim of a platform token, missing or spoilt and signed anew, is "
     "refused by its name")
{
    begin();
    claims_try_all(&PLATFORM_CASES, why_platform);
    end();
}

SPEC("each claim of a realm token, missing or spoilt and signed anew, is "
     "refused by its name")
{
    static char text[8192];
    begin();
    claims_try_all(&REALM_CASES, why_realm);
    claims_write(&REALM_CASES, 0, REALM[0].bad[0], text, sizeof text);
    assert_string_equal(why_realm(text),
                        "claim realm profile is not supported");
    // Without a profile the key would have to be a bare point.
    claims_write(&REALM_CASES, 0, NULL, text, sizeof text);
    assert_string_equal(why_realm(text), "claim realm public-key is missing");
    end();
}

SPEC("the older realm token has a bare point and no profile")
{
    static char text[8192];
    begin();
    name_key(true);
    claims_write(&REALM_CASES, 0, NULL, text, sizeof text);
    assert_null(why_realm(text));
    claims_write(&REALM_CASES, SIZE_MAX, NULL, text, sizeof text);
    assert_non_null(why_realm(text));
    end();
}

SPEC("both collections are taken, others are not")
{
    static char text[TOKEN_MAX];
    begin();
    sign_platform(NULL);
    sign_realm(NULL);
    collect(399);
    assert_null(outcome());
    assert_true(verify_cca_is_collection(bytes_in(&collection)));
    collect(907);
    assert_null(outcome());
    collect(398);
    assert_string_equal(outcome(),
                        "not a collection of platform and realm token");
    assert_false(verify_cca_is_collection(bytes_in(&collection)));
    static const char *const bad[] = {
        "399({44234: h'00'})",
        "399({44241: h'00'})",
        "399([h'00', h'00'])",
        "399({44234: [263], 44241: h'00'})",
        "{44234: h'00', 44241: h'00'}",
        "399({44234: [\"x\", h'00'], 44241: h'00'})"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        snprintf(text, sizeof text, "%s", bad[i]);
        assert_true(diag_encode(text, &collection));
        assert_string_equal(outcome(),
                            "not a collection of platform and realm token");
    }
    end();
}

SPEC("a verdict on a CCA token says which platform and which realm")
{
    uint8_t hash[32];
    uint8_t expected[64];
    begin();
    assert_null(why_platform(NULL));
    assert_int_equal(verdict.level, VERIFY_LEVEL_HARDWARE);
    assert_int_equal(verdict.backend, VERIFY_BACKEND_CCA);
    assert_int_equal(verdict.debug, VERIFY_NO);
    assert_int_equal(verdict.bound, VERIFY_NOT_CHECKED);
    assert_int_equal(verdict.instance.size, 33);
    assert_true(bytes_equal(
        from_hex(BYTES_32, hash),
        bytes_of(verdict.measurement.bytes, verdict.measurement.size)));
    struct verify_token_question question = token_maker_question(&platform);
    question.token = bytes_in(&collection);
    question.asked.report_data = from_hex(BYTES_64, expected);
    assert_ok(verify_cca(&question, &verdict));
    assert_true(verify_verdict_is_accepted(&verdict));
    assert_int_equal(verdict.bound, VERIFY_YES);
    expected[63] ^= 1;
    assert_ok(verify_cca(&question, &verdict));
    assert_false(verify_verdict_is_accepted(&verdict));
    assert_int_equal(verdict.bound, VERIFY_NO);
    end();
}

SPEC("a realm that the platform does not vouch for is refused")
{
    struct token_maker other;
    begin();
    // Both tokens verify by themselves; the key is that of another realm.
    sign_platform(NULL);
    token_maker_open(&other, CRYPTO_P384, 3);
    struct token_maker saved = realm;
    realm = other;
    realm.token.data = realm.token_memory;
    char bound[sizeof binding];
    memcpy(bound, binding, sizeof bound);
    name_key(false);
    sign_realm(NULL);
    collect(399);
    assert_string_equal(
        outcome(), "platform challenge is not the hash of the realm's key");
    realm = saved;
    realm.token.data = realm.token_memory;
    // The realm's token is signed by another key than it names.
    memcpy(binding, bound, sizeof binding);
    name_key(false);
    sign_platform(NULL);
    realm.key = other.key;
    sign_realm(NULL);
    realm.key = saved.key;
    collect(399);
    assert_string_equal(outcome(), "signature does not verify under the key");
    token_maker_close(&other);
    end();
}

SPEC("a CCA token with a bit flipped in any byte is refused")
{
    begin();
    assert_null(why_platform(NULL));
    for (size_t i = 0; i < collection.used; i++) {
        uint8_t bit = (uint8_t)(1u << i % 8);
        collection.data[i] ^= bit;
        if (outcome() == NULL) {
            fail_msg("byte %zu of %zu", i, collection.used);
        }
        collection.data[i] ^= bit;
    }
    assert_null(outcome());
    end();
}
