// SPDX-License-Identifier: Apache-2.0
// EAT of any profile: claims, times, submodules, bundles.
#include "verify/eat.h"

#include "test/spec/diag.h"
#include "test/spec/hex.h"
#include "test/spec/token_claims.h"
#include "test/spec/token_maker.h"

static struct token_maker m;
static struct verify_verdict verdict;

#define BYTES_BAD "\"text\"", "1", "h''"
#define NONCE     "h'" BYTES_8 "'"

static const struct claim_case CLAIMS[] = {
    {"1",   "iss",          "\"joe\"",                                                     true, {"7", NONCE}                                                             },
    {"2",   "sub",          "\"x\"",                                                       true, {"7"}                                                                    },
    {"3",   "aud",          "[\"a\", \"b\"]",                                              true, {"7", "[]", "[7]"}                                                       },
    {"4",   "exp",          "1800000000.5",                                                true, {"\"x\"", NONCE, "true"}                                                 },
    {"5",   "nbf",          "1600000000",                                                  true, {"\"x\"", NONCE}                                                         },
    {"6",   "iat",          "1600000000",                                                  true, {"\"x\"", NONCE}                                                         },
    {"7",   "cti",          NONCE,                                                         true, {"7", "\"x\""}                                                           },
    {"10",
     "eat_nonce",           NONCE,
     true,                                                                                       {BYTES_BAD, "h'00'", "[" NONCE "]", "[" NONCE ", h'00']",
      "h'" BYTES_64 "00'"}                                                                                                                                      },
    {"256",
     "ueid",                "h'01" BYTES_32 "'",
     true,                                                                                       {BYTES_BAD, "h'000000000000'", "h'0101" BYTES_32 "'"}                    },
    {"257",
     "sueids",              "{\"a\": h'01" BYTES_8 "'}",
     true,                                                                                       {"{}", "{7: h'01" BYTES_8 "'}", "{\"a\": h'00'}", "[]", NONCE}           },
    {"258", "oemid",        "64242",                                                       true, {"\"x\"", "h'0000'", "h'" BYTES_32 "'"}                                  },
    {"259", "hwmodel",      NONCE,                                                         true, {BYTES_BAD, "h'00" BYTES_32 "'"}                                         },
    {"260",
     "hwversion",           "[\"3.1\", 1]",
     true,                                                                                       {"\"3.1\"", "[]", "[1]", "[\"1\", h'']", "[\"1\", 1, 1]"}                },
    {"261", "uptime",       "7",                                                           true, {"-1", "\"x\"", "7.0"}                                                   },
    {"262", "oemboot",      "true",                                                        true, {"1", "null", "\"true\""}                                                },
    {"263", "dbgstat",      "3",                                                           true, {"5", "-1", "\"x\"", "true"}                                             },
    {"264",
     "location",            "{1: 48.1, 2: 11, 8: 7}",
     true,                                                                                       {"{}", "{1: 48}", "{1: 48, 2: \"x\"}", "{1: 48, 2: 11, 9: 0.5}", "7"}    },
    {"265", "eat_profile",  "\"tag:example,2026:x\"",                                      true, {"7", "h''"}                                                             },
    {"267", "bootcount",    "7",                                                           true, {"-1", "\"x\""}                                                          },
    {"268", "bootseed",     NONCE,                                                         true, {"7", "\"x\""}                                                           },
    {"269",
     "dloas",               "[[\"r\", \"p\", \"a\"]]",
     true,                                                                                       {"[]", "[[\"r\"]]", "[[\"r\", 7]]", "[\"r\"]"}                           },
    {"270", "swname",       "\"OS\"",                                                      true, {"7", NONCE}                                                             },
    {"271", "swversion",    "[\"1\"]",                                                     true, {"\"1\"", "[]"}                                                          },
    {"272",
     "manifests",           "[[258, h'00']]",
     true,                                                                                       {"[]", "[[258]]", "[[65536, h'00']]", "[[258, \"x\"]]"}                  },
    {"273", "measurements", "[[258, h'00']]",                                              true, {"[]", "[258]", "7"}                                                     },
    {"274",
     "measres",             "[[\"s\", [[\"r\", 1]]]]",
     true,                                                                                       {"[]", "[[\"s\", []]]", "[[\"s\", [[\"r\", 5]]]]", "[[7, [[\"r\", 1]]]]"}},
    {"275", "intuse",       "1",                                                           true, {"\"x\"", NONCE}                                                         },
    {"266",
     "submods",             "{\"a\": {270: \"b\", 266: {\"c\": [-16, h'" BYTES_32 "']}}}",
     true,                                                                                       {"{}", "[]", "{7: {}}", "{\"a\": {270: 7}}", "{\"a\": {266: {}}}",
      "{\"a\": [1]}", "{\"a\": h'00'}", "{\"a\": 7}", "{\"a\": {null: 1}}",
      "{\"a\":{266:{\"a\":{266:{\"a\":{266:{\"a\":{266:{\"a\":{1:\"x\"}}}}}}}}}"
      "}"}                                                                                                                                                      },
};

static const struct claim_cases CASES = {CLAIMS, COUNT_OF(CLAIMS), 0};

static const char *outcome(void)
{
    struct verify_token_question question = token_maker_question(&m);
    assert_ok(verify_eat(&question, VERIFY_LEVEL_KVM, &verdict));
    return verify_verdict_is_accepted(&verdict) ? NULL : verdict.reason;
}

static const char *why_signed(const char *claims)
{
    token_maker_sign_diag(&m, claims);
    return outcome();
}

SPEC("each claim of RFC 9711 that is spoilt and signed anew is refused by its "
     "name")
{
    token_maker_open(&m, CRYPTO_ED25519, 1);
    claims_try_all(&CASES, why_signed);
    token_maker_close(&m);
}

SPEC("claims that nobody registered are taken, labels of other kinds are not")
{
    token_maker_open(&m, CRYPTO_P256, 1);
    assert_null(why_signed("{10: " NONCE ", -80000: [1.5, null], \"x\": {}}"));
    assert_null(why_signed("{10: [" NONCE ", " NONCE "]}"));
    assert_non_null(why_signed("{10: " NONCE ", h'00': 1}"));
    assert_non_null(why_signed("{}"));
    assert_string_equal(why_signed("[10]"),
                        "what is signed is not a map of claims");
    assert_string_equal(why_signed("{10: " NONCE ", 10: " NONCE "}"),
                        "what is signed is not a map of claims");
    token_maker_close(&m);
}

SPEC("a token that has expired, or is not valid yet, is refused")
{
    token_maker_open(&m, CRYPTO_P256, 1);
    assert_string_equal(why_signed("{4: 1700000000}"), "claim exp is past");
    assert_null(why_signed("{4: 1700000001}"));
    assert_string_equal(why_signed("{4: 1699999999.5}"), "claim exp is past");
    assert_string_equal(why_signed("{5: 1700000001}"), "claim nbf is to come");
    assert_null(why_signed("{5: 1700000000}"));
    token_maker_close(&m);
}

SPEC("a verdict on an EAT has the caller's level and what the claims say")
{
    static char text[8192];
    uint8_t nonce[8];
    token_maker_open(&m, CRYPTO_P384, 1);
    claims_write(&CASES, SIZE_MAX, NULL, text, sizeof text);
    assert_null(why_signed(text));
    assert_int_equal(verdict.backend, VERIFY_BACKEND_EAT);
    assert_int_equal(verdict.level, VERIFY_LEVEL_KVM);
    assert_int_equal(verdict.debug, VERIFY_NO);
    assert_int_equal(verdict.instance.size, 33);
    assert_int_equal(verdict.measurement.size, 32);
    assert_int_equal(verdict.bound, VERIFY_NOT_CHECKED);
    // Eight bytes bind nothing.
    struct verify_token_question question = token_maker_question(&m);
    question.asked.report_data = from_hex(BYTES_8, nonce);
    assert_ok(verify_eat(&question, VERIFY_LEVEL_KVM, &verdict));
    assert_false(verify_verdict_is_accepted(&verdict));
    assert_null(why_signed("{263: 0}"));
    assert_int_equal(verdict.debug, VERIFY_YES);
    assert_null(why_signed("{1: \"x\"}"));
    assert_int_equal(verdict.debug, VERIFY_NOT_CHECKED);
    token_maker_close(&m);
}

SPEC("an EAT with a bit flipped in any byte is refused")
{
    token_maker_open(&m, CRYPTO_P256, 1);
    assert_null(why_signed("{10: " NONCE ", 256: h'01" BYTES_32 "'}"));
    for (size_t i = 0; i < m.token.used; i++) {
        uint8_t bit = (uint8_t)(1u << i % 8);
        m.token.data[i] ^= bit;
        if (outcome() == NULL) {
            fail_msg("byte %zu", i);
        }
        m.token.data[i] ^= bit;
    }
    token_maker_close(&m);
}

// 602([token, {"TEE": claims}])
static void bundle(const char *claims)
{
    static char text[4 * TOKEN_MAX];
    size_t used = (size_t)snprintf(text, sizeof text, "602([h'");
    for (size_t i = 0; i < m.token.used; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%02x",
                                 m.token.data[i]);
    }
    snprintf(text + used, sizeof text - used, "', {\"TEE\": %s}])", claims);
    assert_true(diag_encode(text, &m.token));
}

static void sign_with_digest(const char *claims)
{
    char text[512];
    uint8_t memory[256];
    uint8_t digest[32];
    struct rotor_room bytes = ROOM_OF(memory);
    assert_true(diag_encode(claims, &bytes));
    struct rotor_bytes view = bytes_in(&bytes);
    assert_ok(crypto_hash(CRYPTO_SHA256, &view, 1, digest));
    size_t used = (size_t)snprintf(text, sizeof text,
                                   "{10: " NONCE ", 266: {\"TEE\": [-16, h'");
    for (size_t i = 0; i < sizeof digest; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%02x",
                                 digest[i]);
    }
    snprintf(text + used, sizeof text - used, "']}}");
    token_maker_sign_diag(&m, text);
}

SPEC("a detached claims-set is the one that the token has the digest of")
{
    token_maker_open(&m, CRYPTO_P256, 1);
    sign_with_digest("{270: \"TEE\"}");
    bundle("<< {270: \"TEE\"} >>");
    assert_null(outcome());
    assert_non_null(verify_row_named(&verdict, "detached claims"));
    static const char *const wrong[] = {
        "<< {270: \"TEF\"} >>", "<< [270] >>", "h''", "{270: \"TEE\"}",
        "<< {270: \"TEE\"} >>, \"other\": << {270: \"TEE\"} >>"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        sign_with_digest("{270: \"TEE\"}");
        bundle(wrong[i]);
        assert_string_equal(
            outcome(), "a detached claims-set is not the one of its digest");
    }
    // The digest is right and the claims-set is none.
    sign_with_digest("{270: 7}");
    bundle("<< {270: 7} >>");
    assert_non_null(outcome());
    token_maker_close(&m);
}

SPEC("bundles that are none, and JSON tokens in them, are refused as such")
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"602([\"ey\", {\"a\": h'00'}])",
         "not supported: a bundle around a JSON token"                             },
        {"602([h'00'])",                  "not a bundle of a token and claims-sets"},
        {"602([h'00', {}])",              "not a bundle of a token and claims-sets"},
        {"602([7, {\"a\": h'00'}])",      "not a bundle of a token and claims-sets"},
        {"602({1: 2})",                   "not a bundle of a token and claims-sets"},
    };
    token_maker_open(&m, CRYPTO_P256, 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_true(diag_encode(cases[i].text, &m.token));
        assert_string_equal(outcome(), cases[i].why);
    }
    token_maker_close(&m);
}

SPEC("tokens nested in a token are read as such, and not judged")
{
    token_maker_open(&m, CRYPTO_P256, 1);
    assert_null(why_signed("{266: {\"a\": h'd83dd28443a10126a041a04101'}}"));
    assert_null(why_signed("{266: {\"a\": \"[\\\"JWT\\\", \\\"ey\\\"]\"}}"));
    assert_non_null(why_signed("{266: {\"a\": h'8443a10126a041a04101'}}"));
    token_maker_close(&m);
}
