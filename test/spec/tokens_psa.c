// SPDX-License-Identifier: Apache-2.0
// PSA tokens: every claim, every byte.
#include "verify/psa.h"

#include "test/spec/diag.h"
#include "test/spec/hex.h"
#include "test/spec/token_claims.h"
#include "test/spec/token_maker.h"

static struct token_maker m;
static struct verify_verdict verdict;

#define HASH       "h'" BYTES_32 "'"
#define INSTANCE   "h'01" BYTES_32 "'"
#define COMPONENTS "[{1: \"BL\", 2: " HASH ", 4: \"1\", 5: " HASH "}]"
#define BAD_BYTES  "\"text\"", "1", "[h'00']", "h''"

#define BAD_COMPONENTS                                                         \
    "[]", "{}", HASH, "[" HASH "]", "[{2: " HASH "}]", "[{5: " HASH "}]",      \
        "[{2: h'00', 5: " HASH "}]", "[{2: " HASH ", 5: h'00'}]",              \
        "[{1: 7, 2: " HASH ", 5: " HASH "}]",                                  \
        "[{2: " HASH ", 5: " HASH "}, {2: " HASH "}]"

static const struct claim_case RFC9783[] = {
    {"265",
     "profile",                        "\"tag:psacertified.org,2023:psa#tfm\"",
     false,                                                                            {"\"tag:psacertified.org,2023:psa#tfn\"", "\"\"", "7",
      "\"PSA_IOT_PROFILE_1\""}                                                                                                           },
    {"10",
     "nonce",                          HASH,
     false,                                                                            {BAD_BYTES, "h'" BYTES_8 "'", "[" HASH ", " HASH "]"}        },
    {"256",
     "instance-id",                    INSTANCE,
     false,                                                                            {BAD_BYTES, HASH, "h'02" BYTES_32 "'", "h'0101" BYTES_32 "'"}},
    {"2396",
     "implementation-id",              HASH,
     false,                                                                            {BAD_BYTES, "h'00" BYTES_32 "'", "h'" BYTES_8 "'"}           },
    {"2394",
     "client-id",                      "2147483647",
     false,                                                                            {"2147483648", "-2147483649", "\"1\"", HASH}                 },
    {"2395",
     "security-lifecycle",             "12288",
     false,                                                                            {"65535", "256", "12544", "28672", "-1", HASH, "12288.0"}    },
    {"268",  "boot-seed",              HASH,                                    true,  {BAD_BYTES, "h'00'", "h'00" BYTES_32 "'"}                    },
    {"2398",
     "certification-reference",        "\"0123456789012-12345\"",
     true,                                                                             {"\"0123456789012-1234\"", "\"012345678901212345\"",
      "\"0123456789012+12345\"", "\"a123456789012-12345\"", "7"}                                                                          },
    {"2399", "software-components",    COMPONENTS,                              false, {BAD_COMPONENTS}                                             },
    {"2400",
     "verification-service-indicator", "\"x\"",
     true,                                                                             {"\"\"", "7", HASH}                                          },
};

static const struct claim_case OLD[] = {
    {"-75000",
     "profile",                                  "\"PSA_IOT_PROFILE_1\"",
     true,                                                                       {"\"PSA_IOT_PROFILE_2\"", "7"}                    },
    {"-75008", "nonce",                          HASH,                    false, {BAD_BYTES, "h'" BYTES_8 "'"}                     },
    {"-75009", "instance-id",                    INSTANCE,                false, {BAD_BYTES, HASH}                                 },
    {"-75003",
     "implementation-id",                        HASH,
     false,                                                                      {BAD_BYTES, "h'00" BYTES_32 "'"}                  },
    {"-75001", "client-id",                      "-1",                    false, {"2147483648", "\"1\""}                           },
    {"-75002", "security-lifecycle",             "12288",                 false, {"65535", "\"1\""}                                },
    {"-75004",
     "boot-seed",                                HASH,
     false,                                                                      {BAD_BYTES, "h'" BYTES_8 "'", "h'00" BYTES_32 "'"}},
    {"-75005",
     "hardware-version",                         "\"0123456789012\"",
     true,                                                                       {"\"012345678901\"", "\"a123456789012\"", "7"}    },
    {"-75006", "software-components",            COMPONENTS,              false, {BAD_COMPONENTS}                                  },
    {"-75010", "verification-service-indicator", "\"x\"",                 true,  {"\"\"", "7"}                                     },
};

static const struct claim_cases RFC9783_CASES = {RFC9783, COUNT_OF(RFC9783), 0};
static const struct claim_cases OLD_CASES = {OLD, COUNT_OF(OLD), 0};

static const char *outcome(void)
{
    struct verify_token_question question = token_maker_question(&m);
    assert_ok(verify_psa(&question, &verdict));
    return verify_verdict_is_accepted(&verdict) ? NULL : verdict.reason;
}

static const char *why_signed(const char *claims)
{
    token_maker_sign_diag(&m, claims);
    return outcome();
}

static void sign_good(const struct claim_cases *cases)
{
    static char text[8192];
    claims_write(cases, SIZE_MAX, NULL, text, sizeof text);
    token_maker_sign_diag(&m, text);
}

SPEC("each claim of RFC 9783, missing or spoilt and signed anew, is refused "
     "by its name")
{
    token_maker_open(&m, CRYPTO_P256, 1);
    claims_try_all(&RFC9783_CASES, why_signed);
    token_maker_close(&m);
}

SPEC("each claim of the old profile, missing or spoilt and signed anew, is "
     "refused by its name")
{
    token_maker_open(&m, CRYPTO_P256, 1);
    claims_try_all(&OLD_CASES, why_signed);
    token_maker_close(&m);
}

SPEC("the old profile has components or says that there are none, not both")
{
    static char text[8192];
    struct claim_case cases[COUNT_OF(OLD)];
    struct claim_cases list = {cases, COUNT_OF(cases), 0};
    size_t components = 8;
    memcpy(cases, OLD, sizeof cases);
    assert_string_equal(cases[components].name, "software-components");
    token_maker_open(&m, CRYPTO_P256, 1);
    cases[components].label = "-75007";
    claims_write(&list, components, "1", text, sizeof text);
    assert_null(why_signed(text));
    assert_int_equal(verdict.measurement.size, 0);
    claims_write(&list, components, "2", text, sizeof text);
    assert_non_null(strstr(why_signed(text), "no-software-measurements"));
    claims_write(&list, components, "1, -75006: " COMPONENTS, text,
                 sizeof text);
    assert_string_equal(why_signed(text),
                        "claim software-components and its denial");
    token_maker_close(&m);
}

SPEC("a verdict on a PSA token says which device, what runs and who signed it")
{
    static const uint8_t instance[] = {0x01, 0x00, 0x11, 0x22};
    uint8_t digest[32];
    uint8_t hash_bytes[32];
    token_maker_open(&m, CRYPTO_P256, 1);
    sign_good(&RFC9783_CASES);
    assert_null(outcome());
    assert_int_equal(verdict.backend, VERIFY_BACKEND_PSA);
    assert_int_equal(verdict.level, VERIFY_LEVEL_TRUSTZONE);
    assert_int_equal(verdict.debug, VERIFY_NO);
    assert_int_equal(verdict.bound, VERIFY_NOT_CHECKED);
    assert_int_equal(verdict.fresh, VERIFY_NOT_CHECKED);
    assert_string_equal(verdict.tcb_status, "secured");
    assert_int_equal(verdict.instance.size, 33);
    assert_memory_equal(verdict.instance.bytes, instance, sizeof instance);
    assert_int_equal(verdict.tcb.size, 32);
    struct rotor_bytes hash = from_hex(BYTES_32, hash_bytes);
    assert_ok(crypto_hash(CRYPTO_SHA256, &hash, 1, digest));
    assert_int_equal(verdict.measurement.size, 32);
    assert_memory_equal(verdict.measurement.bytes, digest, 32);
    assert_memory_equal(verdict.signer.bytes, digest, 32);
    token_maker_close(&m);
}

SPEC("in a state of life in which nothing is kept a PSA token is refused, and "
     "debugging is told")
{
    static const struct {
        const char *value;
        const char *name;
        bool is_taken;
        enum verify_ternary debug;
    } states[] = {
        {"0",     "unknown",               false, VERIFY_NO },
        {"4351",  "assembly and test",     false, VERIFY_NO },
        {"8192",  "provisioning",          false, VERIFY_NO },
        {"12543", "secured",               true,  VERIFY_NO },
        {"16384", "non-PSA-RoT debug",     true,  VERIFY_YES},
        {"20480", "recoverable RoT debug", false, VERIFY_YES},
        {"24576", "decommissioned",        false, VERIFY_YES},
    };
    static char text[8192];
    token_maker_open(&m, CRYPTO_P256, 1);
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        claims_write(&RFC9783_CASES, 5, states[i].value, text, sizeof text);
        const char *why = why_signed(text);
        assert_int_equal(why == NULL, states[i].is_taken);
        assert_int_equal(verdict.debug, states[i].debug);
        assert_string_equal(verdict.tcb_status, states[i].name);
        struct verify_token_question question = token_maker_question(&m);
        question.any_lifecycle = true;
        assert_ok(verify_psa(&question, &verdict));
        assert_true(verify_verdict_is_accepted(&verdict));
    }
    token_maker_close(&m);
}

SPEC("the nonce is the challenge that was asked for, or the token is refused")
{
    uint8_t nonce[64] = {0};
    token_maker_open(&m, CRYPTO_P256, 1);
    sign_good(&RFC9783_CASES);
    struct verify_token_question question = token_maker_question(&m);
    question.asked.report_data = from_hex(BYTES_32, nonce);
    assert_ok(verify_psa(&question, &verdict));
    assert_true(verify_verdict_is_accepted(&verdict));
    assert_int_equal(verdict.bound, VERIFY_YES);
    assert_int_equal(verdict.fresh, VERIFY_YES);
    for (size_t i = 0; i < 32; i++) {
        nonce[i] ^= 1;
        assert_ok(verify_psa(&question, &verdict));
        assert_false(verify_verdict_is_accepted(&verdict));
        assert_int_equal(verdict.bound, VERIFY_NO);
        nonce[i] ^= 1;
    }
    token_maker_close(&m);
}

// One bit in every byte of the token; each bit of the byte in its turn.
static void flip_every_byte(void)
{
    for (size_t i = 0; i < m.token.used; i++) {
        uint8_t bit = (uint8_t)(1u << i % 8);
        m.token.data[i] ^= bit;
        if (outcome() == NULL) {
            fail_msg("byte %zu of %zu", i, m.token.used);
        }
        m.token.data[i] ^= bit;
    }
    assert_null(outcome());
}

SPEC("a PSA token with a bit flipped in any byte is refused, signed or MACed")
{
    static const enum crypto_scheme schemes[] = {CRYPTO_P256, CRYPTO_P384,
                                                 CRYPTO_ED25519};
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        token_maker_open(&m, schemes[i], 1);
        sign_good(&RFC9783_CASES);
        flip_every_byte();
        token_maker_close(&m);
    }
    static char text[8192];
    uint8_t memory[2048];
    struct rotor_room payload = ROOM_OF(memory);
    token_maker_open(&m, CRYPTO_P256, 1);
    claims_write(&OLD_CASES, SIZE_MAX, NULL, text, sizeof text);
    assert_true(diag_encode(text, &payload));
    token_maker_mac(&m, LABEL("a key of thirty-two bytes, shared"),
                    bytes_in(&payload));
    flip_every_byte();
    token_maker_close(&m);
}

SPEC("cut anywhere, or with a byte behind it, a token is refused")
{
    token_maker_open(&m, CRYPTO_P256, 1);
    sign_good(&RFC9783_CASES);
    size_t whole = m.token.used;
    for (m.token.used = 0; m.token.used < whole; m.token.used++) {
        assert_non_null(outcome());
    }
    m.token.used = whole;
    assert_ok(bytes_append(&m.token, LABEL("\0")));
    assert_string_equal(outcome(), "not CBOR");
    token_maker_close(&m);
}

SPEC("no key, another key and a key for another algorithm verify nothing")
{
    struct token_maker other;
    struct verify_cose_key none = {0};
    token_maker_open(&m, CRYPTO_P256, 1);
    token_maker_open(&other, CRYPTO_P256, 2);
    sign_good(&RFC9783_CASES);
    struct verify_token_question question = token_maker_question(&m);
    question.key = &other.verifier;
    assert_ok(verify_psa(&question, &verdict));
    assert_string_equal(verdict.reason,
                        "signature does not verify under the key");
    question.key = &none;
    assert_ok(verify_psa(&question, &verdict));
    assert_false(verify_verdict_is_accepted(&verdict));
    m.verifier.algorithm = -35;
    assert_non_null(outcome());
    m.verifier.algorithm = -7;
    assert_null(outcome());
    token_maker_close(&m);
    token_maker_close(&other);
}

SPEC("a scratch room that is too small is said so and accepts nothing")
{
    token_maker_open(&m, CRYPTO_P256, 1);
    sign_good(&RFC9783_CASES);
    struct verify_token_question question = token_maker_question(&m);
    m.scratch.capacity = 64;
    assert_int_equal(verify_psa(&question, &verdict), ROTOR_TOO_SMALL);
    assert_false(verify_verdict_is_accepted(&verdict));
    token_maker_close(&m);
}
