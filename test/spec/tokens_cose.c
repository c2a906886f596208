// SPDX-License-Identifier: Apache-2.0
// Foreign COSE: headers and keys that are not as they should be.
#include "verify/cose_foreign.h"

#include <string.h>

#include "test/spec.h"
#include "test/spec/diag.h"
#include "test/spec/hex.h"
#include "test/spec/token_maker.h"
#include "verify/eat.h"

static struct token_maker m;
static struct verify_verdict verdict;

static const char *outcome(void)
{
    struct verify_token_question question = token_maker_question(&m);
    assert_ok(verify_eat(&question, VERIFY_LEVEL_PROCESS, &verdict));
    return verify_verdict_is_accepted(&verdict) ? NULL : verdict.reason;
}

#define CLAIMS LABEL("\xa1\x01\x61\x78") // {1: "x"}

static const char *why_header(const char *protected_header,
                              const char *unprotected_header)
{
    uint8_t first[256];
    uint8_t second[256];
    struct token_form form = {.is_tagged = true};
    form.protected_header = from_hex(protected_header, first);
    form.unprotected_header = from_hex(unprotected_header, second);
    token_maker_sign_as(&m, &form, CLAIMS);
    return outcome();
}

SPEC("headers that say two things, or nothing that is known, are refused")
{
    static const struct {
        const char *protected_header;
        const char *unprotected_header;
        const char *why; // NULL: accepted
    } cases[] = {
        {"a10126",         "a0",             NULL                                            },
        {"bf0126ff",       "a0",             NULL                                            }, // without a length
        {"a1013806",       "a0",             NULL                                            }, // -7, longer than needed
        {"a10126",         "a1044131",       NULL                                            }, // a kid
        {"a20126044131",   "a0",             NULL                                            },
        {"a10126",         "a104613f",       NULL                                            }, // a kid that is text
        {"a10126",         "a10407",         "kid is not a string"                           },
        {"a10126",         "a10126",         "a label stands in both headers"                },
        {"a10126",         "a1180126",       "a label stands in both headers"                },
        {"a20126180126",   "a0",
         "protected header is not a map in a byte string"                                    },
        {"a10126",         "a2182000182000", "not CBOR"                                      },
        {"a0",             "a10126",         "algorithm is not in the protected header"      },
        {"",               "a10126",         "algorithm is not in the protected header"      },
        {"a0",             "a0",             "names no algorithm"                            },
        {"80",             "a10126",         "protected header is not a map in a byte string"},
        {"a1013903e6",     "a0",             "not supported: the algorithm"                  },
        {"a1016161",       "a0",             "not supported: an algorithm with a name"       },
        {"a10105",         "a0",             "algorithm of another kind of message"          },
        {"a10126",         "a1028101",       "not supported: a critical header"              },
        {"a20126028101",   "a0",             NULL                                            },
        {"a2012602811821", "a0",             "not supported: a critical header"              },
        {"a2012602816178", "a0",             "not supported: a critical header"              },
        {"a201260280",     "a0",             "not supported: a critical header"              },
        {"a201260201",     "a0",             "not supported: a critical header"              },
        {"a1013822",       "a0",             "signature does not verify under the key"       },
        {"a10127",         "a0",             "signature does not verify under the key"       },
        {"a1013824",       "a0",             "signature does not verify under the key"       },
    };
    token_maker_open(&m, CRYPTO_P256, 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *why =
            why_header(cases[i].protected_header, cases[i].unprotected_header);
        bool is_same =
            why == cases[i].why || (why != NULL && cases[i].why != NULL &&
                                    strcmp(why, cases[i].why) == 0);
        if (!is_same) {
            fail_msg("%s %s: %s", cases[i].protected_header,
                     cases[i].unprotected_header, why == NULL ? "taken" : why);
        }
    }
    token_maker_close(&m);
}

SPEC("with its tag, without, and in a CWT tag a token is the same")
{
    static const char *const tags[] = {"", "d2", "d83dd2"};
    uint8_t memory[TOKEN_MAX];
    uint8_t tag[8];
    token_maker_open(&m, CRYPTO_P256, 1);
    struct token_form form = {.protected_header = LABEL("\xa1\x01\x26"),
                              .unprotected_header = LABEL("\xa0")};
    token_maker_sign_as(&m, &form, CLAIMS);
    struct rotor_room bare = ROOM_OF(memory);
    assert_ok(bytes_copy(&bare, bytes_in(&m.token)));
    for (size_t i = 0; i < COUNT_OF(tags); i++) {
        assert_ok(bytes_copy(&m.token, from_hex(tags[i], tag)));
        assert_ok(bytes_append(&m.token, bytes_in(&bare)));
        assert_null(outcome());
    }
    static const char *const wrong[] = {"d1", "d83d", "d8623d",     "d862",
                                        "c1", "d2d2", "d83dd83dd2", "d0"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_ok(bytes_copy(&m.token, from_hex(wrong[i], tag)));
        assert_ok(bytes_append(&m.token, bytes_in(&bare)));
        assert_non_null(outcome());
    }
    token_maker_close(&m);
}

SPEC("a MAC without its tag is known by its algorithm")
{
    token_maker_open(&m, CRYPTO_P256, 1);
    token_maker_mac(&m, LABEL("secret"), CLAIMS);
    assert_null(outcome());
    memmove(m.token.data, m.token.data + 1, --m.token.used);
    assert_null(outcome());
    m.verifier.secret = LABEL("secreu");
    assert_non_null(outcome());
    m.verifier.secret = bytes_of(NULL, 0);
    assert_non_null(outcome());
    token_maker_close(&m);
}

SPEC("a MAC that was made without a key is none")
{
    token_maker_open(&m, CRYPTO_P256, 1);
    token_maker_mac(&m, bytes_of(NULL, 0), CLAIMS);
    assert_string_equal(outcome(), "signature does not verify under the key");
    token_maker_close(&m);
}

SPEC("a signed token with one more item is another message")
{
    token_maker_open(&m, CRYPTO_P256, 1);
    token_maker_sign(&m, CLAIMS);
    assert_null(outcome());
    m.token.data[1] = 0x85;
    assert_ok(bytes_append(&m.token, LABEL("\x81\x41")));
    assert_ok(bytes_append(&m.token, LABEL("\x00")));
    assert_string_equal(outcome(), "not a COSE message");
    token_maker_close(&m);
}

// 97([{1: 5}, {}, payload, mac, [recipient]]) under "secret".
static bool verifies_for(const char *recipient)
{
    static const uint8_t header[] = {0xa1, 0x01, 0x05};
    uint8_t memory[512];
    uint8_t mac[32];
    char text[512];
    struct rotor_room room = ROOM_OF(memory);
    struct verify_cose cose;
    struct verify_cose_key key = {.secret = LABEL("secret")};
    struct verify_cose_input input = {.scratch = &m.scratch};
    bool valid = true;
    // ["MAC", header, h'', payload]
    assert_true(diag_encode("[\"MAC\", h'a10105', h'', h'a1016178']", &room));
    struct rotor_bytes message = bytes_in(&room);
    assert_ok(crypto_hmac(CRYPTO_SHA256, key.secret, &message, 1, mac));
    size_t used = (size_t)snprintf(text, sizeof text,
                                   "97([h'a10105', {}, h'a1016178', h'");
    for (size_t i = 0; i < sizeof mac; i++) {
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%02x", mac[i]);
    }
    snprintf(text + used, sizeof text - used, "', [%s]])", recipient);
    assert_true(diag_encode(text, &room));
    assert_null(verify_cose_open(bytes_in(&room), &cose));
    assert_true(bytes_equal(cose.protected_header, BYTES_OF(header)));
    assert_ok(verify_cose_check(&cose, &key, &input, &valid));
    return valid;
}

SPEC("a COSE_Mac is checked if its key is that of all recipients")
{
    token_maker_open(&m, CRYPTO_P256, 1);
    assert_true(verifies_for("[h'', {1: -6}, h'']"));
    assert_true(verifies_for("[h'', {1: -6}, h''], [h'', {1: -6}, h'']"));
    assert_false(verifies_for("[h'', {1: -3}, h'']"));
    assert_false(verifies_for("[h'', {}, h'']"));
    assert_false(verifies_for("[h'', {1: -6}, h''], [h'', {1: -3}, h'']"));
    assert_false(verifies_for("7"));
    token_maker_close(&m);
}

SPEC("a signing key does not check MACs, and a MAC key no signatures")
{
    token_maker_open(&m, CRYPTO_P256, 1);
    struct verify_cose_key signing = m.verifier;
    m.verifier = (struct verify_cose_key){0};
    token_maker_mac(&m, LABEL("secret"), CLAIMS);
    struct verify_cose_key secret = m.verifier;
    m.verifier = signing;
    assert_non_null(outcome());
    token_maker_sign(&m, CLAIMS);
    assert_null(outcome());
    m.verifier = secret;
    assert_non_null(outcome());
    m.verifier = signing;
    token_maker_close(&m);
}

SPEC("other messages, payloads elsewhere and strings in pieces are refused")
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"d28443a10126a0f64101",                 "not supported: a token without its payload"},
        {"d8628440a041a0818343a10126a04101",
         "not supported: a token that is not COSE_Sign1 or COSE_Mac0"                        },
        {"d08340a041a0",                         "not supported: an encrypted message"       },
        {"d8608440a041a0818340a041a0",           "not supported: an encrypted message"       },
        {"d28443a10126a05f41a14161ff4101",       "not CBOR"                                  },
        {"d28343a10126a041a0",                   "not a COSE message"                        },
        {"d28543a10126a041a0410100",             "not a COSE message"                        },
        {"d2a10126",                             "not a COSE message"                        },
        {"d28443a10126a0014101",                 "payload is not a byte string of one piece" },
        {"d28443a10126a041a001",                 "signature is not a byte string"            },
        {"d284a10126a041a04101",
         "protected header is not a map in a byte string"                                    },
        {"d28443a101268041a04101",               "unprotected header is not a map"           },
        {"d28443a10104a041a0480000000000000000",
         "algorithm of another kind of message"                                              },
        {"d18443a10104a041a0480000000000000000", "MAC of fewer than 32 bytes"                },
        {"",                                     "not CBOR"                                  },
    };
    token_maker_open(&m, CRYPTO_P256, 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        m.token.used = from_hex(cases[i].text, m.token.data).size;
        const char *why = outcome();
        if (why == NULL || strcmp(why, cases[i].why) != 0) {
            fail_msg("%s: %s", cases[i].text, why == NULL ? "taken" : why);
        }
    }
    token_maker_close(&m);
}

static const char *why_key(const char *text, struct verify_public *key)
{
    static uint8_t memory[1024];
    struct rotor_room room = ROOM_OF(memory);
    struct cbor_foreign item;
    assert_true(diag_encode(text, &room));
    assert_true(cbor_foreign_open(bytes_in(&room), &item));
    return verify_public_decode(&item, key);
}

#define X "h'1122'"

SPEC("keys are taken as COSE_Key writes them, and others refused")
{
    static const struct {
        const char *text;
        enum verify_public_kind kind; // NONE: refused
    } cases[] = {
        {"{1: 2, -1: 1, -2: " X ", -3: " X "}",                        VERIFY_PUBLIC_P256   },
        {"{-3: " X ", -2: " X ", -1: 2, 1: 2}",                        VERIFY_PUBLIC_P384   },
        {"{1: 2, -1: 3, -2: " X ", -3: " X ", 4: [2], 3: -36}",
         VERIFY_PUBLIC_P521                                                                 },
        {"{1: 2, -1: 1, -2: " X ", -3: " X ", 4: 2}",                  VERIFY_PUBLIC_P256   },
        {"{1: 2, -1: 1, -2: " X ", -3: " X ", 4: [1]}",                VERIFY_PUBLIC_NONE   },
        {"{1: 2, -1: 1, -2: " X ", -3: " X ", 4: []}",                 VERIFY_PUBLIC_NONE   },
        {"{1: 2, -1: 1, -2: " X ", -3: true}",                         VERIFY_PUBLIC_NONE   },
        {"{1: 2, -1: 1, -2: " X "}",                                   VERIFY_PUBLIC_NONE   },
        {"{1: 2, -1: 4, -2: " X ", -3: " X "}",                        VERIFY_PUBLIC_NONE   },
        {"{1: 2, -1: 1, -2: h'', -3: " X "}",                          VERIFY_PUBLIC_NONE   },
        {"{1: 2, -1: 1, -2: << {1: h'00112233445566778899aabbccddeeff"
         "00112233445566778899aabbccddeeff'} >>, -3: " X "}",
         VERIFY_PUBLIC_NONE                                                                 },
        {"{1: 1, -1: 6, -2: h'00112233445566778899aabbccddeeff"
         "00112233445566778899aabbccddeeff'}",                VERIFY_PUBLIC_ED25519},
        {"{1: 1, -1: 6, -2: " X "}",                                   VERIFY_PUBLIC_NONE   },
        {"{1: 1, -1: 7, -2: " X "}",                                   VERIFY_PUBLIC_NONE   },
        {"{1: 3, -1: " X ", -2: h'010001'}",                           VERIFY_PUBLIC_RSA    },
        {"{1: 3, -1: " X "}",                                          VERIFY_PUBLIC_NONE   },
        {"{1: 4, -1: " X "}",                                          VERIFY_PUBLIC_SECRET },
        {"{1: 4, -1: h''}",                                            VERIFY_PUBLIC_NONE   },
        {"{1: 5, -1: " X "}",                                          VERIFY_PUBLIC_HSS    },
        {"{1: 5, -1: h''}",                                            VERIFY_PUBLIC_NONE   },
        {"{1: 7, -1: " X "}",                                          VERIFY_PUBLIC_NONE   },
        {"{-1: 1}",                                                    VERIFY_PUBLIC_NONE   },
        {"{1: \"EC2\"}",                                               VERIFY_PUBLIC_NONE   },
        {"[1]",                                                        VERIFY_PUBLIC_NONE   },
        {"{1: 2, 3: \"ES256\", -1: 1, -2: " X ", -3: " X "}",
         VERIFY_PUBLIC_NONE                                                                 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct verify_public key;
        const char *why = why_key(cases[i].text, &key);
        if (key.kind != cases[i].kind ||
            (why == NULL) != (key.kind != VERIFY_PUBLIC_NONE)) {
            fail_msg("%s: %s", cases[i].text, why == NULL ? "taken" : why);
        }
    }
    struct verify_public key;
    assert_string_equal(why_key("{1: 2, -1: 1, -2: " X ", -3: false}", &key),
                        "not supported: a compressed point");
    assert_null(why_key("{1: 2, -1: 1, -2: " X ", -3: h'33'}", &key));
    assert_int_equal(key.size, 64);
    assert_int_equal(key.bytes[30], 0x11);
    assert_int_equal(key.bytes[31], 0x22);
    assert_int_equal(key.bytes[62], 0);
    assert_int_equal(key.bytes[63], 0x33);
}

SPEC("a point that is not on its curve opens as no key")
{
    struct verify_public key;
    struct verify_cose_key opened = {0};
    assert_null(why_key("{1: 2, -1: 1, -2: " X ", -3: " X "}", &key));
    assert_int_equal(verify_cose_key_open(&opened, &key), ROTOR_MALFORMED);
    verify_cose_key_close(&opened);
    key = (struct verify_public){0};
    assert_int_equal(verify_cose_key_open(&opened, &key), ROTOR_INVALID);
}
