// SPDX-License-Identifier: Apache-2.0
// cose-wg/Examples, and binary tokens under published keys.
#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/tokens_judge.h"
#include "test/spec/tokens_text.h"
#include "verify/cose_foreign.h"
#include "verify/psa.h"

#define EXAMPLES "cose-eat/cose-wg-Examples/"
#define DRAFT    "cose-eat/draft-psa-token/example/"
#define VERAISON "cose-eat/veraison-psatoken/tf-m/"
#define MAX      65536u

static uint8_t scratch_memory[MAX];

void judge(struct judged *judged, bool is_valid, const char *why)
{
    bool is_right = (why == NULL) == is_valid;
    judged->finding = is_right ? JUDGED_RIGHT : JUDGED_WRONG;
    judged->reason = why == NULL ? "accepted" : why;
}

// NULL if the message verifies under the key, else why not.
static const char *verify_one(const struct verify_cose *cose,
                              const struct verify_public *public_key,
                              struct rotor_bytes aad)
{
    struct rotor_room scratch = ROOM_OF(scratch_memory);
    struct verify_cose_key key;
    struct verify_cose_input input = {.external_aad = aad, .scratch = &scratch};
    bool valid = false;
    const char *why = verify_cose_algorithm_fault(cose);
    if (why != NULL) {
        return why;
    }
    if (verify_cose_key_open(&key, public_key) != ROTOR_OK) {
        return "key does not open";
    }
    assert_ok(verify_cose_check(cose, &key, &input, &valid));
    verify_cose_key_close(&key);
    return valid ? NULL : "signature does not verify";
}

struct example {
    struct vectors v;
    const json_t *input; // sign0, mac0, sign or mac
    const char *kind;
    struct rotor_bytes message;
};

static struct rotor_bytes aad_of(struct example *e, const json_t *object)
{
    return json_object_get(object, "external") == NULL
               ? bytes_of(NULL, 0)
               : vectors_bytes(&e->v, object, "external");
}

static const char *verify_signers(struct example *e,
                                  const struct verify_cose *cose)
{
    const json_t *each;
    size_t i;
    json_array_foreach(json_object_get(e->input, "signers"), i, each)
    {
        struct verify_cose signer;
        struct verify_public key;
        const char *why =
            text_json_key(&e->v, json_object_get(each, "key"), &key);
        if (why == NULL && !verify_cose_signer(cose, i, &signer)) {
            why = "not a signer";
        }
        why = why != NULL ? why : verify_one(&signer, &key, aad_of(e, each));
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}

static bool recipients_are_direct(const struct example *e)
{
    const json_t *each;
    size_t i;
    json_array_foreach(json_object_get(e->input, "recipients"), i, each)
    {
        const json_t *header = json_object_get(each, "unprotected");
        if (strcmp(vectors_text(header, "alg"), "direct") != 0) {
            return false;
        }
    }
    return true;
}

static const char *verify_example(struct example *e)
{
    struct verify_cose cose;
    struct verify_public key;
    const char *why = verify_cose_open(e->message, &cose);
    if (why != NULL) {
        return why;
    }
    if (strcmp(e->kind, "sign") == 0) {
        return verify_signers(e, &cose);
    }
    bool is_mac = strncmp(e->kind, "mac", 3) == 0;
    if (is_mac && !recipients_are_direct(e)) {
        return "not supported: a MAC key that is not direct";
    }
    const json_t *holder =
        is_mac ? json_array_get(json_object_get(e->input, "recipients"), 0)
               : e->input;
    why = text_json_key(&e->v, json_object_get(holder, "key"), &key);
    return why != NULL ? why : verify_one(&cose, &key, aad_of(e, e->input));
}

// An example that verifies does so for its own payload and no other.
static const char *change_payload(struct example *e)
{
    struct verify_cose cose;
    assert_null(verify_cose_open(e->message, &cose));
    for (size_t i = 0; i < cose.payload.size; i++) {
        uint8_t *at = (uint8_t *)(uintptr_t)(cose.payload.data + i);
        *at ^= (uint8_t)(1u << i % 8);
        bool is_taken = verify_example(e) == NULL;
        *at ^= (uint8_t)(1u << i % 8);
        if (is_taken) {
            return "verifies with a bit of its payload flipped";
        }
    }
    return NULL;
}

static void judge_example(const char *path, struct judged *judged)
{
    static const char *const kinds[] = {"sign0", "mac0",      "sign",
                                        "mac",   "encrypted", "enveloped"};
    struct example e = {0};
    assert_true(vectors_open(&e.v, path));
    const json_t *input = json_object_get(e.v.root, "input");
    for (size_t i = 0; i < COUNT_OF(kinds) && e.input == NULL; i++) {
        e.kind = kinds[i];
        e.input = json_object_get(input, e.kind);
    }
    assert_non_null(e.input);
    e.message =
        vectors_bytes(&e.v, json_object_get(e.v.root, "output"), "cbor");
    bool fails = json_is_true(json_object_get(e.v.root, "fail"));
    const char *why = verify_example(&e);
    if (why == NULL) {
        why = change_payload(&e);
    }
    judge(judged, !fails, why);
    // What is not supported is never a pass, and no verdict on a good one.
    if (!fails && why != NULL && strncmp(why, "not supported", 13) == 0) {
        judged->finding = JUDGED_NOT;
    }
    vectors_close(&e.v);
}

// ---- PSA tokens under published keys ---------------------------------------

static const char *verify_psa_token(struct rotor_bytes token,
                                    const struct verify_public *public_key)
{
    static struct verify_verdict verdict;
    struct rotor_room scratch = ROOM_OF(scratch_memory);
    struct verify_cose_key key;
    assert_ok(verify_cose_key_open(&key, public_key));
    struct verify_token_question question = {
        .token = token, .key = &key, .scratch = &scratch};
    assert_ok(verify_psa(&question, &verdict));
    verify_cose_key_close(&key);
    return verify_verdict_is_accepted(&verdict) ? NULL : verdict.reason;
}

static bool ends_with(const char *path, const char *end)
{
    size_t size = strlen(path);
    return size >= strlen(end) && strcmp(path + size - strlen(end), end) == 0;
}

static void judge_token(const char *path, struct judged *judged)
{
    struct vectors v;
    struct vectors secret = {0};
    struct rotor_bytes token;
    struct verify_public key = {.kind = VERIFY_PUBLIC_SECRET};
    bool is_mac = strstr(path, "mac0") != NULL;
    bool is_draft = strncmp(path, DRAFT, strlen(DRAFT)) == 0;
    assert_true(vectors_open_bytes(&v, path, &token));
    if (ends_with(path, ".hex")) {
        token = vectors_hex(&v, (const char *)token.data);
    }
    if (is_mac) {
        assert_true(
            vectors_open_bytes(&secret, DRAFT "tfm-hs-iak.bin", &key.secret));
    } else {
        assert_true(text_pem_key(is_draft ? DRAFT "tfm-es-iak.pub.pem"
                                          : VERAISON "public.pem",
                                 &key));
    }
    const char *why = verify_psa_token(token, &key);
    judge(judged, true, why);
    if (is_mac && !is_draft) {
        // Under another key it is refused; its own is not published here.
        assert_string_equal(why, "signature does not verify under the key");
        judged->finding = JUDGED_NOT;
        judged->reason = "its MAC key is not published with it";
    }
    vectors_close(&v);
    vectors_close(&secret);
}

static void judge_key(const char *path, struct judged *judged)
{
    struct verify_public key;
    assert_true(text_pem_key(path, &key));
    struct verify_cose_key opened = {0};
    enum rotor_status status = verify_cose_key_open(&opened, &key);
    judge(judged, true, status == ROTOR_OK ? NULL : "key does not open");
    verify_cose_key_close(&opened);
}

// The secret of the .json is the one of the .bin.
static void judge_secret(struct judged *judged)
{
    struct vectors bin;
    struct vectors json;
    struct rotor_bytes expected;
    struct rotor_bytes text;
    uint8_t memory[80];
    struct rotor_room secret = ROOM_OF(memory);
    assert_true(vectors_open_bytes(&bin, DRAFT "tfm-hs-iak.bin", &expected));
    assert_true(vectors_open_bytes(&json, DRAFT "tfm-hs-iak.json", &text));
    const char *from = strstr((const char *)text.data, "\"k\": \"");
    assert_non_null(from);
    size_t size = strcspn(from + 6, "\"");
    text_base64(from + 6, size, &secret);
    judge(judged, true,
          bytes_equal(bytes_in(&secret), expected) ? NULL : "another secret");
    vectors_close(&bin);
    vectors_close(&json);
}

void tokens_judge_cose(const char *path, const char *expected,
                       struct judged *judged)
{
    (void)expected; // the files' own "fail" says it
    bool is_token = ends_with(path, ".cbor") || ends_with(path, ".hex") ||
                    strncmp(path, VERAISON "psa-", strlen(VERAISON) + 4) == 0;
    bool is_secret = strstr(path, "tfm-hs-iak") != NULL;
    if (strncmp(path, EXAMPLES, strlen(EXAMPLES)) == 0) {
        judge_example(path, judged);
    } else if (ends_with(path, ".pem")) {
        judge_key(path, judged);
    } else if (is_secret) {
        judge_secret(judged);
    } else if (is_token && strncmp(path, "cose-eat/", 9) == 0 &&
               !ends_with(path, ".diag")) {
        judge_token(path, judged);
    }
}
