// SPDX-License-Identifier: Apache-2.0
// Claims-sets in diagnostic notation and in JSON, signed by a test key.
#include <stdlib.h>
#include <string.h>

#include "test/spec.h"
#include "test/spec/diag.h"
#include "test/spec/token_maker.h"
#include "test/spec/tokens_judge.h"
#include "test/spec/tokens_text.h"
#include "verify/eat.h"
#include "verify/psa.h"

#define DRAFT_PSA "cose-eat/draft-psa-token/"
#define VERAISON  "cose-eat/veraison-psatoken/"
#define EAT       "cose-eat/ietf-eat/"

static bool begins(const char *path, const char *with)
{
    return strncmp(path, with, strlen(with)) == 0;
}

static bool ends(const char *path, const char *with)
{
    size_t size = strlen(path);
    return size >= strlen(with) &&
           strcmp(path + size - strlen(with), with) == 0;
}

typedef enum rotor_status (*token_verifier)(
    const struct verify_token_question *question,
    struct verify_verdict *verdict);

static enum rotor_status eat(const struct verify_token_question *question,
                             struct verify_verdict *verdict)
{
    return verify_eat(question, VERIFY_LEVEL_PROCESS, verdict);
}

// NULL if the claims, signed by a test key, are accepted.
static const char *verify_signed(struct rotor_bytes claims,
                                 token_verifier verifier)
{
    static struct token_maker m;
    static struct verify_verdict verdict;
    token_maker_open(&m, CRYPTO_P256, 0x51);
    token_maker_sign(&m, claims);
    struct verify_token_question question = token_maker_question(&m);
    // The examples' own time: their tokens have expired since.
    question.asked.now_s = 1634317080;
    assert_ok(verifier(&question, &verdict));
    token_maker_close(&m);
    return verify_verdict_is_accepted(&verdict) ? NULL : verdict.reason;
}

static void encode_file(const char *path, struct rotor_room *cbor)
{
    struct vectors v;
    struct rotor_bytes text;
    assert_true(vectors_open_bytes(&v, path, &text));
    assert_true(diag_encode((const char *)text.data, cbor));
    vectors_close(&v);
}

// ---- diagnostic notation ---------------------------------------------------

static void judge_psa_diag(const char *path, struct judged *judged)
{
    uint8_t memory[TOKEN_MAX];
    struct rotor_room cbor = ROOM_OF(memory);
    bool is_bad = strstr(path, "FAIL_") != NULL ||
                  strstr(path, "Invalid") != NULL ||
                  strstr(path, "Missing") != NULL;
    encode_file(path, &cbor);
    if (ends(path, "psa-sign1.diag") || ends(path, "psa-mac0.diag")) {
        // The token itself: byte for byte the binary one.
        char other[256];
        struct vectors v;
        struct rotor_bytes binary;
        snprintf(other, sizeof other, "%.*s.cbor", (int)strlen(path) - 5, path);
        assert_true(vectors_open_bytes(&v, other, &binary));
        judge(judged, true,
              bytes_equal(binary, bytes_in(&cbor)) ? NULL : "other bytes");
        vectors_close(&v);
        return;
    }
    const char *why = verify_signed(bytes_in(&cbor), verify_psa);
    judge(judged, !is_bad, why);
    if (is_bad && why != NULL && strstr(why, "claim") == NULL) {
        judged->finding = JUDGED_WRONG; // refused, but for something else
    }
}

static void judge_eat_diag(const char *path, struct judged *judged)
{
    uint8_t memory[TOKEN_MAX];
    struct rotor_room cbor = ROOM_OF(memory);
    struct cbor_foreign item;
    encode_file(path, &cbor);
    bool is_open = cbor_foreign_open(bytes_in(&cbor), &item);
    if (!is_open) {
        judge(judged, true, "not CBOR");
    } else if (strstr(path, "/coswid/") != NULL) {
        judged->reason = "CoSWID, software names and not evidence";
    } else if (ends(path, "submods.diag") &&
               !ends(path, "valid_submods.diag")) {
        // 271 is swversion, an array; the file has a name there.
        const char *why = verify_signed(bytes_in(&cbor), eat);
        assert_non_null(why);
        judged->reason = "an older draft's label: refused, and its row "
                         "contradicts RFC 9711";
    } else if (cbor_foreign_kind(&item) == CBOR_FOREIGN_MAP) {
        judge(judged, true, verify_signed(bytes_in(&cbor), eat));
    }
}

// A token whose key is not published: its claims are judged.
static const char *claims_of_token(struct rotor_bytes token,
                                   const struct cbor_foreign *detached)
{
    static struct verify_verdict verdict;
    struct verify_cose cose;
    struct cbor_foreign claims;
    bool is_good = true;
    const char *why = verify_cose_open(token, &cose);
    verify_begin(&verdict, VERIFY_BACKEND_EAT);
    if (why == NULL && verify_token_claims(&verdict, cose.payload, &claims) &&
        verify_eat_claims(&verdict, &claims) && detached != NULL) {
        assert_ok(verify_eat_detached(&verdict, &claims, detached, &is_good));
    }
    verify_conclude(&verdict);
    return why != NULL                            ? why
           : verify_verdict_is_accepted(&verdict) ? NULL
                                                  : verdict.reason;
}

static void judge_eat_token(const char *path, struct judged *judged)
{
    uint8_t memory[TOKEN_MAX];
    struct rotor_room cbor = ROOM_OF(memory);
    struct verify_eat_bundle bundle;
    encode_file(path, &cbor);
    const char *why = verify_eat_unbundle(bytes_in(&cbor), &bundle);
    bool is_bundle = bundle.detached.bytes.size != 0;
    if (why == NULL) {
        why =
            claims_of_token(bundle.token, is_bundle ? &bundle.detached : NULL);
    }
    judge(judged, true, why); // the form: no key is published for these
}

// ---- JSON to CBOR ----------------------------------------------------------

enum form { FORM_ANY, FORM_BYTES };

struct name {
    const char *json;
    int64_t old; // label of the old PSA profile, or of EAT
    int64_t draft;
    enum form form;
};

static const struct name PSA_NAMES[] = {
    {"psa-profile",                        -75000, 0,    FORM_ANY  },
    {"eat-profile",                        0,      265,  FORM_ANY  },
    {"psa-client-id",                      -75001, 2394, FORM_ANY  },
    {"psa-security-lifecycle",             -75002, 2395, FORM_ANY  },
    {"psa-implementation-id",              -75003, 2396, FORM_BYTES},
    {"psa-boot-seed",                      -75004, 2397, FORM_BYTES},
    {"psa-hwver",                          -75005, 0,    FORM_ANY  },
    {"psa-certification-reference",        0,      2398, FORM_ANY  },
    {"psa-software-components",            -75006, 2399, FORM_ANY  },
    {"psa-no-software-measurements",       -75007, 0,    FORM_ANY  },
    {"psa-nonce",                          -75008, 10,   FORM_BYTES},
    {"psa-instance-id",                    -75009, 256,  FORM_BYTES},
    {"psa-verification-service-indicator", -75010, 2400, FORM_ANY  },
    {"measurement-type",                   1,      1,    FORM_ANY  },
    {"measurement-value",                  2,      2,    FORM_BYTES},
    {"version",                            4,      4,    FORM_ANY  },
    {"signer-id",                          5,      5,    FORM_BYTES},
    {"measurement-desc",                   6,      6,    FORM_ANY  },
};

static const struct name EAT_NAMES[] = {
    {"eat_nonce", 10,  10,  FORM_BYTES},
    {"ueid",      256, 256, FORM_BYTES},
    {"oemid",     258, 258, FORM_BYTES},
    {"hwmodel",   259, 259, FORM_BYTES},
    {"hwversion", 260, 260, FORM_ANY  },
    {"oemboot",   262, 262, FORM_ANY  },
    {"dbgstat",   263, 263, FORM_ANY  },
    {"iat",       6,   6,   FORM_ANY  },
    {"submods",   266, 266, FORM_ANY  },
    {"swname",    270, 270, FORM_ANY  },
    {"swversion", 271, 271, FORM_ANY  },
    {"measres",   274, 274, FORM_ANY  },
};

struct names {
    const struct name *list;
    size_t count;
    bool is_draft;
};

static void put_json(const struct names *names, const json_t *value,
                     enum form form, struct rotor_room *out);

static void put_diag(struct rotor_room *out, const char *text)
{
    uint8_t memory[4096];
    struct rotor_room item = ROOM_OF(memory);
    assert_true(diag_encode(text, &item));
    assert_ok(bytes_append(out, bytes_in(&item)));
}

static void put_size(struct rotor_room *out, uint8_t major, size_t size)
{
    uint8_t head[3] = {(uint8_t)(major << 5 | 25), (uint8_t)(size >> 8),
                       (uint8_t)size};
    assert_ok(bytes_append(out, BYTES_OF(head)));
}

static void put_string(const char *text, enum form form, struct rotor_room *out)
{
    static const struct {
        const char *word;
        const char *number;
    } words[] = {
        {"disabled-permanently", "3"},
        {"disabled-since-boot",  "2"},
        {"success",              "1"},
    };
    uint8_t memory[4096];
    struct rotor_room bytes = ROOM_OF(memory);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(text, words[i].word) == 0) {
            put_diag(out, words[i].number);
            return;
        }
    }
    if (form == FORM_BYTES) {
        text_base64(text, strlen(text), &bytes);
    } else {
        assert_ok(bytes_append(&bytes, bytes_of(text, strlen(text))));
    }
    put_size(out, form == FORM_BYTES ? 2 : 3, bytes.used);
    assert_ok(bytes_append(out, bytes_in(&bytes)));
}

// The label of a name; 0: this profile has none, the member is left out.
static int64_t label_of(const struct names *names, const char *json,
                        enum form *form)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(json, names->list[i].json) == 0) {
            *form = names->list[i].form;
            return names->is_draft ? names->list[i].draft : names->list[i].old;
        }
    }
    *form = FORM_ANY;
    return INT64_MIN; // a name of the file's own, as in submodules
}

static void put_object(const struct names *names, const json_t *object,
                       struct rotor_room *out)
{
    uint8_t *memory = malloc(TOKEN_MAX);
    struct rotor_room content = {memory, TOKEN_MAX, 0};
    const char *key;
    json_t *value;
    size_t count = 0;
    char text[32];
    assert_non_null(memory);
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        enum form form;
        int64_t label = label_of(names, key, &form);
        if (label == 0) {
            continue;
        }
        if (label == INT64_MIN) {
            put_string(key, FORM_ANY, &content);
        } else {
            snprintf(text, sizeof text, "%lld", (long long)label);
            put_diag(&content, text);
        }
        put_json(names, value, form, &content);
        count++;
    }
    put_size(out, 5, count);
    assert_ok(bytes_append(out, bytes_in(&content)));
    free(memory);
}

static void put_json(const struct names *names, const json_t *value,
                     enum form form, struct rotor_room *out)
{
    const json_t *each;
    size_t i;
    char text[32];
    if (json_is_object(value)) {
        put_object(names, value, out);
    } else if (json_is_array(value)) {
        put_size(out, 4, json_array_size(value));
        json_array_foreach(value, i, each)
        {
            put_json(names, each, form, out);
        }
    } else if (json_is_string(value)) {
        put_string(json_string_value(value), form, out);
    } else if (json_is_integer(value)) {
        snprintf(text, sizeof text, "%lld",
                 (long long)json_integer_value(value));
        put_diag(out, text);
    } else {
        put_diag(out, json_is_true(value) ? "true" : "false");
    }
}

static const char *verify_json(const char *path, const struct names *names,
                               token_verifier verifier)
{
    uint8_t memory[TOKEN_MAX];
    struct rotor_room cbor = ROOM_OF(memory);
    struct vectors v;
    assert_true(vectors_open(&v, path));
    put_json(names, v.root, FORM_ANY, &cbor);
    vectors_close(&v);
    return verify_signed(bytes_in(&cbor), verifier);
}

// The files are claims of both profiles at once, as JSON has their names.  A
// bad one is bad in each profile that has the claim it is named after, and a
// good one is good in the profile it names.
static void judge_psa_json(const char *path, struct judged *judged)
{
    const char *name = strrchr(path, '/') + 1;
    struct names names = {PSA_NAMES, COUNT_OF(PSA_NAMES), false};
    const char *old = verify_json(path, &names, verify_psa);
    names.is_draft = true;
    const char *draft = verify_json(path, &names, verify_psa);
    bool is_bad =
        strstr(name, "invalid") != NULL || strstr(name, "missing") != NULL;
    if (strcmp(name, "test-profile-valid-missing.json") == 0 ||
        strstr(name, "minimalist-no-sw") != NULL ||
        strstr(name, "minimalist-p1") != NULL) {
        judge(judged, true, old);
    } else if (strstr(name, "minimalist-p2") != NULL) {
        judge(judged, true, draft);
    } else if (strstr(name, "boot-seed-invalid-missing") != NULL ||
               strstr(name, "and-no-sw-measurements") != NULL) {
        judge(judged, false, old); // optional, or unknown, in the other one
    } else if (strstr(name, "profile-invalid") != NULL) {
        judge(judged, false, draft); // the old one may go without
    } else if (strcmp(name, "test-sw-components-empty.json") == 0) {
        judge(judged, false, old != NULL ? old : draft); // [ + component ]
    } else if (is_bad) {
        judge(judged, false, old == NULL || draft == NULL ? NULL : old);
    } else {
        judge(judged, true, old != NULL ? old : draft);
    }
}

static void judge_eat_json(const char *path, struct judged *judged)
{
    struct names names = {EAT_NAMES, COUNT_OF(EAT_NAMES), false};
    bool is_nested =
        strstr(path, "main_token") != NULL || strstr(path, "submods") != NULL;
    if (is_nested) {
        judged->reason = "not supported: tokens or digests nested in JSON";
    } else if (ends(path, "/simple.json")) {
        // swversion is an array in RFC 9711; the file has a text.
        assert_non_null(verify_json(path, &names, eat));
        judged->reason = "an older draft's form: refused, and its row "
                         "contradicts RFC 9711";
    } else {
        judge(judged, true, verify_json(path, &names, eat));
    }
}

void tokens_judge_claims(const char *path, const char *expected,
                         struct judged *judged)
{
    (void)expected; // the files' names say it
    bool is_psa = begins(path, DRAFT_PSA) || begins(path, VERAISON);
    if (ends(path, ".cddl")) {
        judged->reason = "a grammar, not evidence";
    } else if (ends(path, "Makefile") || ends(path, ".gitignore")) {
        judged->reason = "a tool's file, not evidence";
    } else if (ends(path, ".yaml")) {
        judged->reason = "YAML that a tool makes the example from";
    } else if (ends(path, ".json_f") ||
               strstr(path, "Example-Tokens/deb.json")) {
        judged->reason = "not supported: a JSON token (JWT)";
    } else if (is_psa && ends(path, ".diag")) {
        judge_psa_diag(path, judged);
    } else if (begins(path, VERAISON "json/")) {
        judge_psa_json(path, judged);
    } else if (begins(path, EAT "Example-Tokens/")) {
        judge_eat_token(path, judged);
    } else if (begins(path, EAT) && ends(path, ".diag")) {
        judge_eat_diag(path, judged);
    } else if (begins(path, EAT) && ends(path, ".json")) {
        judge_eat_json(path, judged);
    }
}
