// SPDX-License-Identifier: Apache-2.0
#include "test/spec.h"

#include <string.h>

#include "base/bytes.h"
#include "entropy/drbg.h"
#include "test/spec/vectors.h"

static const struct rotor_bytes nothing;

// One step of a vector: a reseed, or a generate whose own entropy input, when
// there is one, asks for prediction resistance (SP 800-90A 9.3.1).
static void run_step(struct vectors *v, const json_t *step,
                     struct entropy_drbg *drbg, struct rotor_room *out)
{
    struct rotor_bytes entropy = vectors_bytes(v, step, "entropyInput");
    struct rotor_bytes additional = vectors_bytes(v, step, "additionalInput");
    bool is_reseed = strcmp(vectors_text(step, "intendedUse"), "reSeed") == 0;
    if (is_reseed || entropy.size > 0) {
        assert_ok(entropy_drbg_reseed(drbg, entropy, additional));
        additional = nothing;
    }
    if (!is_reseed) {
        assert_ok(entropy_drbg_generate(drbg, additional, out));
    }
}

static void run_vector(struct vectors *v, const json_t *test)
{
    uint8_t bytes[1024];
    struct rotor_bytes expected = vectors_bytes(v, test, "returnedBits");
    assert_in_range(expected.size, 1, sizeof bytes);
    struct rotor_room out = {bytes, expected.size, 0};
    struct entropy_drbg drbg;
    assert_ok(entropy_drbg_init(&drbg, vectors_bytes(v, test, "entropyInput"),
                                vectors_bytes(v, test, "nonce"),
                                vectors_bytes(v, test, "persoString")));
    json_t *step;
    size_t i;
    json_array_foreach(json_object_get(test, "otherInput"), i, step)
    {
        run_step(v, step, &drbg, &out);
    }
    assert_true(bytes_equal(bytes_in(&out), expected));
    entropy_drbg_wipe(&drbg);
}

SPEC("every ACVP vector of HMAC_DRBG with SHA-256 comes out")
{
    struct vectors v;
    if (!vectors_open(&v,
                      "crypto/acvp/hmacDRBG-1.0.internalProjection.json.gz")) {
        SKIP("no vectors");
    }
    unsigned vector_count = 0;
    json_t *group;
    json_t *test;
    size_t i;
    size_t j;
    json_array_foreach(json_object_get(v.root, "testGroups"), i, group)
    {
        if (strcmp(vectors_text(group, "mode"), "SHA2-256") != 0) {
            continue;
        }
        json_array_foreach(json_object_get(group, "tests"), j, test)
        {
            run_vector(&v, test);
            vector_count++;
        }
    }
    vectors_close(&v);
    assert_int_equal(vector_count, 30);
}

static void start(struct entropy_drbg *drbg, uint8_t first)
{
    uint8_t entropy[32] = {first};
    assert_ok(entropy_drbg_init(drbg, BYTES_OF(entropy), nothing, nothing));
}

SPEC("a DRBG that was never instantiated gives nothing and takes no reseed")
{
    struct entropy_drbg drbg = {.reseed_count = 0};
    uint8_t bytes[32] = {0};
    struct rotor_room out = ROOM_OF(bytes);
    out.used = 7;
    assert_int_equal(entropy_drbg_generate(&drbg, nothing, &out),
                     ROTOR_FORBIDDEN);
    assert_int_equal(out.used, 0);
    assert_int_equal(entropy_drbg_reseed(&drbg, BYTES_OF(bytes), nothing),
                     ROTOR_FORBIDDEN);
}

SPEC("less entropy input than the security strength is refused")
{
    uint8_t entropy[32] = {1};
    struct entropy_drbg drbg = {.reseed_count = 0};
    assert_int_equal(entropy_drbg_init(&drbg, bytes_of(entropy, 31),
                                       BYTES_OF(entropy), nothing),
                     ROTOR_INVALID);
    assert_int_equal(drbg.reseed_count, 0);
    start(&drbg, 1);
    struct entropy_drbg before = drbg;
    assert_int_equal(entropy_drbg_reseed(&drbg, bytes_of(entropy, 31), nothing),
                     ROTOR_INVALID);
    assert_memory_equal(&drbg, &before, sizeof drbg);
}

SPEC("a request over 65536 bytes is refused")
{
    static uint8_t bytes[65537];
    struct entropy_drbg drbg;
    start(&drbg, 1);
    struct rotor_room out = {bytes, 65537, 0};
    assert_int_equal(entropy_drbg_generate(&drbg, nothing, &out),
                     ROTOR_INVALID);
    out.capacity = 65536;
    assert_ok(entropy_drbg_generate(&drbg, nothing, &out));
    assert_int_equal(out.used, 65536);
}

SPEC("after 2^48 requests a DRBG wants a reseed")
{
    uint8_t bytes[32];
    struct rotor_room out = ROOM_OF(bytes);
    struct entropy_drbg drbg;
    start(&drbg, 1);
    drbg.reseed_count = (uint64_t)1 << 48;
    assert_ok(entropy_drbg_generate(&drbg, nothing, &out));
    assert_int_equal(entropy_drbg_generate(&drbg, nothing, &out),
                     ROTOR_FORBIDDEN);
    assert_ok(entropy_drbg_reseed(&drbg, BYTES_OF(bytes), nothing));
    assert_ok(entropy_drbg_generate(&drbg, nothing, &out));
}

SPEC("a state that leaks does not tell what came before it")
{
    uint8_t first[32];
    uint8_t second[32];
    struct rotor_room out = ROOM_OF(first);
    struct entropy_drbg drbg;
    start(&drbg, 1);
    struct entropy_drbg before = drbg;
    assert_ok(entropy_drbg_generate(&drbg, nothing, &out));
    assert_memory_not_equal(drbg.key, before.key, sizeof drbg.key);
    assert_memory_not_equal(drbg.value, first, sizeof drbg.value);
    out = ROOM_OF(second);
    assert_ok(entropy_drbg_generate(&drbg, nothing, &out));
    assert_memory_not_equal(first, second, sizeof first);
}
