// SPDX-License-Identifier: Apache-2.0
// open-dice's known answers: certificates, as chains of one under the issuer
// that the inputs give.
#include <string.h>

#include "base/bytes.h"
#include "boot/dice.h"
#include "test/spec.h"
#include "test/spec/tokens_judge.h"
#include "verify/dice.h"
#include "verify/public.h"

#define FOLDER "dice/open-dice/"

static void copy(struct vectors *v, const json_t *object, const char *name,
                 uint8_t *out, size_t size)
{
    struct rotor_bytes bytes = vectors_bytes(v, object, name);
    assert_int_equal(bytes.size, size);
    memcpy(out, bytes.data, size);
}

struct known {
    struct boot_cdis current;
    struct boot_inputs inputs;
};

static void read_known(const char *name, struct known *known)
{
    struct vectors v;
    assert_true(vectors_open(&v, FOLDER "inputs.json"));
    const json_t *object = json_object_get(v.root, name);
    memset(known, 0, sizeof *known);
    copy(&v, object, "cdi_attest", known->current.attest, 32);
    copy(&v, object, "cdi_seal", known->current.seal, 32);
    copy(&v, object, "code_hash", known->inputs.code_hash, 64);
    copy(&v, object, "authority_hash", known->inputs.authority_hash, 64);
    copy(&v, object, "hidden", known->inputs.hidden, 64);
    if (strcmp(vectors_text(object, "config_type"), "inline") == 0) {
        copy(&v, object, "config_value", known->inputs.configuration, 64);
    } else {
        struct rotor_bytes descriptor =
            vectors_bytes(&v, object, "config_descriptor");
        assert_ok(crypto_hash(CRYPTO_SHA512, &descriptor, 1,
                              known->inputs.configuration));
    }
    vectors_close(&v);
}

static void derive_root(const struct known *known, enum crypto_scheme scheme,
                        struct verify_public *root)
{
    struct crypto_key key;
    assert_ok(boot_dice_key(known->current.attest, scheme, &key));
    *root = (struct verify_public){
        .kind = scheme == CRYPTO_P256   ? VERIFY_PUBLIC_P256
                : scheme == CRYPTO_P384 ? VERIFY_PUBLIC_P384
                                        : VERIFY_PUBLIC_ED25519};
    struct rotor_room room = ROOM_OF(root->bytes);
    assert_ok(crypto_key_public(&key, &room));
    root->size = room.used;
    crypto_key_close(&key);
}

static const char *verify_certificate(const struct known *known,
                                      enum crypto_scheme scheme,
                                      struct rotor_bytes certificate)
{
    static struct verify_verdict verdict;
    uint8_t memory[16384];
    struct rotor_room scratch = ROOM_OF(memory);
    struct verify_public leaf;
    struct verify_dice_question question = {
        .chain = certificate,
        .modes_taken = 1u << BOOT_MODE_NOT_CONFIGURED,
        .leaf_usage = 0x20,
        .asked = {.now_s = 1700000000},
        .scratch = &scratch,
    };
    derive_root(known, scheme, &question.root);
    assert_ok(verify_dice(&question, &verdict, &leaf));
    if (!verify_verdict_is_accepted(&verdict)) {
        return verdict.reason;
    }
    bool is_its =
        verdict.measurement.size == 64 &&
        memcmp(verdict.measurement.bytes, known->inputs.code_hash, 64) == 0 &&
        memcmp(verdict.signer.bytes, known->inputs.authority_hash, 64) == 0;
    // Not configured is taken for the known answers alone.
    question.modes_taken = 0;
    assert_ok(verify_dice(&question, &verdict, &leaf));
    bool is_refused = !verify_verdict_is_accepted(&verdict) &&
                      strcmp(verdict.reason, "mode is not normal") == 0;
    return is_its && is_refused ? NULL : "other inputs than the known ones";
}

static void judge_cdi(const char *path, const struct known *known,
                      struct rotor_bytes content, struct judged *judged)
{
    struct boot_cdis next;
    assert_ok(boot_dice_derive(&known->current, &known->inputs, &next));
    bool is_seal = strstr(path, "CdiSeal") != NULL;
    judge(judged, true,
          bytes_equal(content,
                      is_seal ? BYTES_OF(next.seal) : BYTES_OF(next.attest))
              ? NULL
              : "another CDI");
}

void tokens_judge_dice(const char *path, const char *expected,
                       struct judged *judged)
{
    (void)expected; // exact bytes
    static const char *const cases[] = {"ZeroInput", "HashOnlyInput",
                                        "DescriptorInput"};
    struct vectors v;
    struct known known;
    struct rotor_bytes content;
    if (strncmp(path, FOLDER, strlen(FOLDER)) != 0) {
        return;
    }
    if (strstr(path, "inputs.json") != NULL) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            read_known(cases[i], &known);
        }
        judge(judged, true, NULL);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (strstr(path, cases[i]) != NULL) {
            read_known(cases[i], &known);
        }
    }
    assert_true(vectors_open_bytes(&v, path, &content));
    if (strstr(path, "Cdi") != NULL) {
        judge_cdi(path, &known, content, judged);
    } else {
        enum crypto_scheme scheme = strstr(path, "P256") != NULL ? CRYPTO_P256
                                    : strstr(path, "P384") != NULL
                                        ? CRYPTO_P384
                                        : CRYPTO_ED25519;
        const char *why = verify_certificate(&known, scheme, content);
        judge(judged, true, why);
        if (strstr(path, "Mldsa") != NULL && why != NULL &&
            strncmp(why, "not supported", 13) == 0) {
            judged->finding = JUDGED_NOT;
        }
    }
    vectors_close(&v);
}

void tokens_judge(const char *path, const char *expected, struct judged *judged)
{
    tokens_judge_claims(path, expected, judged);
    if (strcmp(judged->reason, "no judge") == 0) {
        tokens_judge_cose(path, expected, judged);
    }
    if (strcmp(judged->reason, "no judge") == 0) {
        tokens_judge_dice(path, expected, judged);
    }
}
