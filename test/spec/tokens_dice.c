// SPDX-License-Identifier: Apache-2.0
// DICE chains in CBOR: of the Open Profile and of Android.
#include "verify/dice.h"

#include "test/spec/diag.h"
#include "test/spec/token_claims.h"
#include "test/spec/token_maker.h"

#define BYTES_OF_64 "h'" BYTES_64 "'"
#define DEPTH       3u // certificates

static struct token_maker keys[DEPTH + 1]; // the root's first
static struct verify_verdict verdict;
static struct verify_public leaf;
static struct verify_dice_question question;
static uint8_t chain_memory[TOKEN_MAX];
static struct rotor_room chain;

// What a test may put in place of one claim of one certificate.
struct change {
    unsigned certificate;
    const char *label;
    const char *value; // NULL: left out
};

static const struct change NO_CHANGE = {DEPTH, "", NULL};

static void write_hex(char *text, size_t capacity, struct rotor_bytes bytes)
{
    size_t used = (size_t)snprintf(text, capacity, "h'");
    for (size_t i = 0; i < bytes.size; i++) {
        used += (size_t)snprintf(text + used, capacity - used, "%02x",
                                 bytes.data[i]);
    }
    snprintf(text + used, capacity - used, "'");
}

static void write_name(char *text, const struct verify_public *key)
{
    uint8_t id[BOOT_DICE_ID_SIZE];
    assert_ok(boot_dice_id(bytes_of(key->bytes, key->size), id));
    snprintf(text, 64, "\"%.*s\"", (int)sizeof id, (const char *)id);
}

static void write_key(char *text, size_t capacity,
                      const struct verify_public *key)
{
    char x[256];
    char y[256];
    if (key->kind == VERIFY_PUBLIC_ED25519) {
        write_hex(x, sizeof x, bytes_of(key->bytes, key->size));
        snprintf(text, capacity, "{1: 1, 3: -8, 4: [2], -1: 6, -2: %s}", x);
        return;
    }
    size_t size = key->size / 2;
    bool is_p256 = key->kind == VERIFY_PUBLIC_P256;
    write_hex(x, sizeof x, bytes_of(key->bytes, size));
    write_hex(y, sizeof y, bytes_of(key->bytes + size, size));
    snprintf(text, capacity, "{1: 2, 3: %d, 4: [2], -1: %d, -2: %s, -3: %s}",
             is_p256 ? -7 : -35, is_p256 ? 1 : 2, x, y);
}

static const char CODE_HASH[] = "-4670545";
static const char CONFIGURATION_HASH[] = "-4670547";
static const char CONFIGURATION[] = "-4670548";
static const char AUTHORITY_HASH[] = "-4670549";
static const char MODE[] = "-4670551";
static const char KEY[] = "-4670552";
static const char USAGE[] = "-4670553";
static const char PROFILE[] = "-4670554";

static void certify(unsigned i, const struct change *change)
{
    static char text[8192];
    static char key[1024];
    static char wrapped[1100];
    char issuer[64];
    char subject[64];
    write_name(issuer, &keys[i].public_key);
    write_name(subject, &keys[i + 1].public_key);
    write_key(key, sizeof key, &keys[i + 1].public_key);
    snprintf(wrapped, sizeof wrapped, "<< %s >>", key);
    struct claim_case claims[] = {
        {.label = "1",            .good = issuer     },
        {.label = "2",            .good = subject    },
        {.label = CODE_HASH,      .good = BYTES_OF_64},
        {.label = CONFIGURATION,  .good = BYTES_OF_64},
        {.label = AUTHORITY_HASH, .good = BYTES_OF_64},
        {.label = MODE,           .good = "h'01'"    },
        {.label = KEY,            .good = wrapped    },
        {.label = USAGE,          .good = "h'20'"    },
        {.label = "9",            .good = NULL       }, // room for one more
    };
    const struct claim_cases cases = {claims, COUNT_OF(claims), 0};
    size_t index = COUNT_OF(claims) - 1;
    const char *value = NULL;
    if (change->certificate == i) {
        for (size_t j = 0; j < COUNT_OF(claims); j++) {
            index = strcmp(claims[j].label, change->label) == 0 ? j : index;
        }
        claims[COUNT_OF(claims) - 1].label = change->label;
        value = change->value;
    }
    claims_write(&cases, index, value, text, sizeof text);
    struct token_form form = {.unprotected_header = LABEL("\xa0")};
    form.protected_header = keys[i].key.scheme == CRYPTO_ED25519
                                ? LABEL("\xa1\x01\x27")
                                : LABEL("\xa1\x01\x26");
    uint8_t memory[4096];
    struct rotor_room payload = ROOM_OF(memory);
    assert_true(diag_encode(text, &payload));
    token_maker_sign_as(&keys[i], &form, bytes_in(&payload));
}

static void begin(enum crypto_scheme scheme)
{
    for (unsigned i = 0; i <= DEPTH; i++) {
        token_maker_open(&keys[i], scheme, (uint8_t)(i + 1));
    }
    question = (struct verify_dice_question){
        .root = keys[0].public_key,
        .level = VERIFY_LEVEL_TRUSTZONE,
        .asked = {.now_s = 1700000000},
        .scratch = &keys[0].scratch,
    };
}

static void end(void)
{
    for (unsigned i = 0; i <= DEPTH; i++) {
        token_maker_close(&keys[i]);
    }
}

static const char *outcome(void)
{
    question.chain = bytes_in(&chain);
    assert_ok(verify_dice(&question, &verdict, &leaf));
    bool is_taken = verify_verdict_is_accepted(&verdict);
    assert_int_equal(leaf.kind != VERIFY_PUBLIC_NONE, is_taken);
    return is_taken ? NULL : verdict.reason;
}

// One certificate after the other.
static void make_sequence(const struct change *change)
{
    chain = ROOM_OF(chain_memory);
    for (unsigned i = 0; i < DEPTH; i++) {
        certify(i, change);
        assert_ok(bytes_append(&chain, bytes_in(&keys[i].token)));
    }
}

static const char *why_changed(unsigned certificate, const char *label,
                               const char *value)
{
    const struct change change = {certificate, label, value};
    make_sequence(&change);
    return outcome();
}

// [COSE_Key, certificates]
static void make_array(const struct change *change)
{
    char key[1024];
    uint8_t memory[1024];
    struct rotor_room room = ROOM_OF(memory);
    chain = ROOM_OF(chain_memory);
    write_key(key, sizeof key, &keys[0].public_key);
    assert_true(diag_encode(key, &room));
    assert_ok(bytes_append(&chain, LABEL("\x84")));
    assert_ok(bytes_append(&chain, bytes_in(&room)));
    for (unsigned i = 0; i < DEPTH; i++) {
        certify(i, change);
        assert_ok(bytes_append(&chain, bytes_in(&keys[i].token)));
    }
}

static const char *why_in_array(unsigned certificate, const char *label,
                                const char *value)
{
    const struct change change = {certificate, label, value};
    make_array(&change);
    return outcome();
}

SPEC("a chain of the Open Profile leads from the root key to the leaf's")
{
    static const enum crypto_scheme schemes[] = {CRYPTO_P256, CRYPTO_ED25519};
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        begin(schemes[i]);
        make_sequence(&NO_CHANGE);
        assert_null(outcome());
        assert_true(verify_public_equal(&leaf, &keys[DEPTH].public_key));
        assert_int_equal(verdict.backend, VERIFY_BACKEND_DICE);
        assert_int_equal(verdict.level, VERIFY_LEVEL_TRUSTZONE);
        assert_int_equal(verdict.debug, VERIFY_NO);
        assert_int_equal(verdict.bound, VERIFY_NOT_CHECKED);
        assert_int_equal(verdict.measurement.size, 64);
        assert_int_equal(verdict.signer.size, 64);
        assert_int_equal(verdict.instance.size, 32);
        end();
    }
}

struct refusal {
    const char *label;
    const char *value;
    const char *why;
};

static const struct refusal REFUSALS[] = {
    {"1",                NULL,                                           "claim iss is missing"                          },
    {"1",                "7",                                            "claim iss is of another type"                  },
    {"1",                "\"x\"",                                        "certificate names another issuer"              },
    {"2",                NULL,                                           "claim sub is missing"                          },
    {"2",                "\"x\"",                                        "subject's name is not that of its key"         },
    {"2",                "\"00112233445566778899aabbccddeeff00112233\"",
     "subject's name is not that of its key"                                                                             },
    {CODE_HASH,          NULL,                                           "claim codeHash is missing or of another length"},
    {CODE_HASH,          "h'" BYTES_32 "'",
     "claim codeHash is missing or of another length"                                                                    },
    {CODE_HASH,          "\"x\"",                                        "claim codeHash is of another type"             },
    {AUTHORITY_HASH,     NULL,
     "claim authorityHash is missing or of another length"                                                               },
    {AUTHORITY_HASH,     "h'00'",
     "claim authorityHash is missing or of another length"                                                               },
    {CONFIGURATION,      NULL,
     "configuration is missing or not the one of its hash"                                                               },
    {CONFIGURATION,      "h'00'",
     "configuration is missing or not the one of its hash"                                                               },
    {CONFIGURATION_HASH, BYTES_OF_64,
     "configuration is missing or not the one of its hash"                                                               },
    {MODE,               NULL,                                           "claim mode is missing or none"                 },
    {MODE,               "h'00'",                                        "mode is not normal"                            },
    {MODE,               "h'02'",                                        "mode is not normal"                            },
    {MODE,               "h'03'",                                        "mode is not normal"                            },
    {MODE,               "h'04'",                                        "claim mode is missing or none"                 },
    {MODE,               "h'0001'",                                      "claim mode is not one byte"                    },
    {MODE,               "\"x\"",                                        "claim mode is not one byte"                    },
    {KEY,                NULL,                                           "claim subjectPublicKey is missing"             },
    {KEY,                "h'00'",                                        "not a COSE_Key"                                },
    {KEY,                "<< {1: 7, 3: -49} >>",                         "not supported: a key of another type"          },
    {KEY,                "<< {1: 4, -1: h'00'} >>",
     "not supported: a certificate for another kind of key"                                                              },
    {USAGE,              NULL,                                           "claim keyUsage is missing"                     },
    {USAGE,              "h'00'",                                        "key is not certified for this use"             },
    {USAGE,              "h''",                                          "claim keyUsage has another length or value"    },
    {"4",                "1699999999",                                   "certificate has expired"                       },
    {"5",                "1700000001",                                   "certificate is not yet valid"                  },
    {"4",                "\"x\"",                                        "claim exp is not a time"                       },
    {PROFILE,            "7",                                            "claim profileName is of another type"          },
};

SPEC("what is wrong in any certificate of a chain is refused by its name")
{
    begin(CRYPTO_P256);
    for (size_t i = 0; i < COUNT_OF(REFUSALS); i++) {
        for (unsigned at = 0; at < DEPTH; at++) {
            const char *why =
                why_changed(at, REFUSALS[i].label, REFUSALS[i].value);
            if (why == NULL || strcmp(why, REFUSALS[i].why) != 0) {
                fail_msg("certificate %u, %s %s: %s", at, REFUSALS[i].label,
                         REFUSALS[i].value == NULL ? "missing"
                                                   : REFUSALS[i].value,
                         why == NULL ? "accepted" : why);
            }
        }
    }
    end();
}

SPEC(
    "a key that may not certify certifies nothing; a leaf may do what is asked")
{
    begin(CRYPTO_P256);
    assert_non_null(why_changed(0, USAGE, "h'01'"));
    assert_non_null(why_changed(1, USAGE, "h'01'"));
    assert_null(why_changed(2, USAGE, "h'01'"));
    question.leaf_usage = 0x01;
    assert_null(why_changed(2, USAGE, "h'01'"));
    assert_null(why_changed(2, USAGE, "h'0180'"));
    assert_non_null(why_changed(2, USAGE, "h'20'"));
    question.leaf_usage = 0;
    assert_non_null(why_changed(1, USAGE, "h'00000020'"));
    assert_null(why_changed(1, USAGE, "h'20000000'"));
    end();
}

SPEC("a chain binds nothing: who asked for report data is refused")
{
    static const uint8_t nonce[32] = {7};
    begin(CRYPTO_P256);
    question.asked.report_data = BYTES_OF(nonce);
    make_sequence(&NO_CHANGE);
    assert_non_null(outcome());
    assert_int_equal(verdict.bound, VERIFY_NO);
    end();
}

SPEC("a mode is taken if it is asked for, and debugging is told all the same")
{
    begin(CRYPTO_P256);
    question.modes_taken = 1u << BOOT_MODE_DEBUG;
    assert_null(why_changed(1, MODE, "h'02'"));
    assert_int_equal(verdict.debug, VERIFY_YES);
    assert_non_null(why_changed(1, MODE, "h'03'"));
    assert_null(why_changed(1, MODE, "h'01'"));
    assert_int_equal(verdict.debug, VERIFY_NO);
    question.modes_taken = 1u << BOOT_MODE_NOT_CONFIGURED;
    assert_null(why_changed(1, MODE, "h'00'"));
    assert_int_equal(verdict.debug, VERIFY_YES);
    assert_non_null(why_changed(1, MODE, "h'02'"));
    end();
}

SPEC("a descriptor that is hashed is the one of its hash")
{
    uint8_t digest[64];
    char text[300];
    char hash[200];
    struct rotor_bytes descriptor = LABEL("a descriptor");
    begin(CRYPTO_P256);
    assert_ok(crypto_hash(CRYPTO_SHA512, &descriptor, 1, digest));
    write_hex(hash, sizeof hash, BYTES_OF(digest));
    snprintf(text, sizeof text, "h'612064657363726970746f72', %s: %s",
             CONFIGURATION_HASH, hash);
    assert_null(why_changed(1, CONFIGURATION, text));
    snprintf(text, sizeof text, "h'612064657363726970746f73', %s: %s",
             CONFIGURATION_HASH, hash);
    assert_string_equal(why_changed(1, CONFIGURATION, text),
                        "configuration is missing or not the one of its hash");
    end();
}

SPEC("another order, a certificate left out or twice, and another root are "
     "refused")
{
    static const struct {
        unsigned order[4];
        unsigned count;
    } cases[] = {
        {{1, 0, 2},    3},
        {{0, 2, 1},    3},
        {{2, 1, 0},    3},
        {{0, 2},       2},
        {{1, 2},       2},
        {{0, 0, 1, 2}, 4},
        {{0, 1, 1, 2}, 4},
    };
    begin(CRYPTO_P256);
    for (unsigned i = 0; i < DEPTH; i++) {
        certify(i, &NO_CHANGE);
    }
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        chain = ROOM_OF(chain_memory);
        for (unsigned j = 0; j < cases[i].count; j++) {
            assert_ok(
                bytes_append(&chain, bytes_in(&keys[cases[i].order[j]].token)));
        }
        assert_string_equal(outcome(),
                            "certificate is not signed by its issuer");
    }
    make_sequence(&NO_CHANGE);
    question.root = keys[1].public_key;
    assert_string_equal(outcome(), "certificate is not signed by its issuer");
    chain.used = 0;
    assert_string_equal(outcome(), "chain is empty");
    end();
}

SPEC("a chain that is longer than is taken is refused before it is read")
{
    begin(CRYPTO_P256);
    certify(0, &NO_CHANGE);
    chain = ROOM_OF(chain_memory);
    for (unsigned i = 0; i <= VERIFY_DICE_CHAIN_MAX; i++) {
        assert_ok(bytes_append(&chain, bytes_in(&keys[0].token)));
    }
    assert_string_equal(outcome(), "chain is longer than is taken");
    assert_int_equal(verdict.row_count, 1);
    end();
}

SPEC("a maker's root has a name of its own, and vouches for a UDS key without "
     "inputs")
{
    static char text[2048];
    char key[1024];
    char subject[64];
    begin(CRYPTO_P256);
    assert_non_null(why_changed(0, "1", "\"A maker\""));
    question.root_is_authority = true;
    assert_null(why_changed(0, "1", "\"A maker\""));
    assert_non_null(why_changed(1, "1", "\"A maker\""));

    write_name(subject, &keys[1].public_key);
    write_key(key, sizeof key, &keys[1].public_key);
    snprintf(text, sizeof text,
             "{1: \"A maker\", 2: %s, %s: << %s >>, %s: h'20'}", subject, KEY,
             key, USAGE);
    uint8_t memory[2048];
    struct rotor_room payload = ROOM_OF(memory);
    struct token_form form = {.protected_header = LABEL("\xa1\x01\x26"),
                              .unprotected_header = LABEL("\xa0")};
    assert_true(diag_encode(text, &payload));
    token_maker_sign_as(&keys[0], &form, bytes_in(&payload));
    chain = ROOM_OF(chain_memory);
    assert_ok(bytes_append(&chain, bytes_in(&keys[0].token)));
    assert_string_equal(outcome(), "claim mode is missing or none");
    certify(1, &NO_CHANGE);
    assert_ok(bytes_append(&chain, bytes_in(&keys[1].token)));
    assert_null(outcome());
    question.root_is_authority = false;
    assert_non_null(outcome());
    end();
}

static void flip_every_byte(void)
{
    assert_null(outcome());
    for (size_t i = 0; i < chain.used; i++) {
        uint8_t bit = (uint8_t)(1u << i % 8);
        chain.data[i] ^= bit;
        if (outcome() == NULL) {
            fail_msg("byte %zu of %zu", i, chain.used);
        }
        chain.data[i] ^= bit;
    }
}

SPEC("a chain with a bit flipped in any byte is refused")
{
    begin(CRYPTO_P256);
    make_sequence(&NO_CHANGE);
    flip_every_byte();
    end();
}

SPEC("a certificate has no tag, and its algorithm is protected")
{
    static const struct {
        const char *protected_header;
        const char *unprotected_header;
        bool is_tagged;
        const char *why;
    } cases[] = {
        {"\xa1\x01\x26", "\xa0",         true,
         "certificate is not an untagged COSE_Sign1"                                      },
        {"",             "\xa1\x01\x26", false, "algorithm is not in the protected header"},
        {"\xa1\x01\x26", "\xa0",         false, NULL                                      },
    };
    begin(CRYPTO_P256);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t memory[4096];
        struct verify_cose cose;
        struct rotor_room payload = ROOM_OF(memory);
        certify(0, &NO_CHANGE);
        assert_null(verify_cose_open(bytes_in(&keys[0].token), &cose));
        assert_ok(bytes_copy(&payload, cose.payload));
        const struct token_form form = {
            .is_tagged = cases[i].is_tagged,
            .protected_header = bytes_of(cases[i].protected_header,
                                         strlen(cases[i].protected_header)),
            .unprotected_header = bytes_of(cases[i].unprotected_header,
                                           strlen(cases[i].unprotected_header)),
        };
        token_maker_sign_as(&keys[0], &form, bytes_in(&payload));
        chain = ROOM_OF(chain_memory);
        assert_ok(bytes_append(&chain, bytes_in(&keys[0].token)));
        const char *why = outcome();
        assert_int_equal(why == NULL, cases[i].why == NULL);
        if (why != NULL) {
            assert_string_equal(why, cases[i].why);
        }
    }
    end();
}

SPEC("an array that begins with the root's key follows Android's profile")
{
    begin(CRYPTO_ED25519);
    make_array(&NO_CHANGE);
    assert_null(outcome());
    assert_null(why_in_array(1, MODE, "1"));
    assert_null(why_in_array(1, CODE_HASH, "h'" BYTES_32 "'"));
    assert_null(why_in_array(1, CONFIGURATION, "h'a0'"));
    assert_null(why_in_array(2, "2", "\"any name\""));
    assert_non_null(why_in_array(1, CODE_HASH, "h'00'"));
    assert_non_null(why_in_array(1, CONFIGURATION, NULL));
    assert_non_null(why_in_array(1, MODE, "2"));
    assert_non_null(why_in_array(1, "1", "\"another\""));
    // Key usage in either order of bytes, which the Open Profile has not.
    assert_null(why_in_array(1, USAGE, "h'00000020'"));
    assert_null(why_in_array(1, USAGE, "h'20000000'"));
    assert_non_null(why_in_array(1, USAGE, "h'00000001'"));
    assert_non_null(why_in_array(1, USAGE, "h'0000000020'"));
    assert_null(why_in_array(2, CONFIGURATION, "<< {-70005: 42} >>"));
    assert_int_equal(verdict.security_version, 42);
    question.root = keys[1].public_key;
    make_array(&NO_CHANGE);
    assert_string_equal(outcome(),
                        "chain begins with another key than the root's");
    end();
}

SPEC("the versions of Android's profile do not go down a chain")
{
    begin(CRYPTO_ED25519);
    assert_null(why_in_array(0, PROFILE, "\"android.15\""));
    assert_null(why_in_array(2, PROFILE, "\"android.16\""));
    const struct change older = {2, PROFILE, "\"android.14\""};
    const struct change newer = {0, PROFILE, "\"android.16\""};
    make_array(&older);
    struct rotor_bytes last = bytes_in(&keys[2].token);
    uint8_t memory[4096];
    struct rotor_room kept = ROOM_OF(memory);
    assert_ok(bytes_copy(&kept, last));
    make_array(&newer);
    chain.used -= keys[2].token.used;
    assert_ok(bytes_append(&chain, bytes_in(&kept)));
    assert_string_equal(outcome(), "profile is older than that of the issuer");
    end();
}
