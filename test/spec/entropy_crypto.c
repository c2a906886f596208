// SPDX-License-Identifier: Apache-2.0
// The front over a crypto back end that refuses at a call of our choice.
#include "test/spec.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "test/spec/entropy_fake.h"

static unsigned calls_left; // until the refusal; 0: none is planned

static bool refuses(void)
{
    return calls_left > 0 && --calls_left == 0;
}

static size_t join(uint8_t joined[4096], const struct rotor_bytes *parts,
                   size_t count)
{
    struct rotor_room room = {joined, 4096, 0};
    for (size_t i = 0; i < count; i++) {
        assert_ok(bytes_append(&room, parts[i]));
    }
    return room.used;
}

enum rotor_status crypto_hash(enum crypto_hash hash,
                              const struct rotor_bytes *parts, size_t count,
                              uint8_t *digest)
{
    assert_int_equal(hash, CRYPTO_SHA256);
    uint8_t joined[4096];
    size_t size = join(joined, parts, count);
    if (refuses()) {
        return ROTOR_PORT_FAILED;
    }
    assert_int_equal(EVP_Digest(joined, size, digest, NULL, EVP_sha256(), NULL),
                     1);
    return ROTOR_OK;
}

enum rotor_status crypto_hmac(enum crypto_hash hash, struct rotor_bytes key,
                              const struct rotor_bytes *parts, size_t count,
                              uint8_t *mac)
{
    uint8_t joined[4096];
    size_t size = join(joined, parts, count);
    if (refuses()) {
        return ROTOR_PORT_FAILED;
    }
    const EVP_MD *md = hash == CRYPTO_SHA256 ? EVP_sha256() : EVP_sha384();
    assert_non_null(HMAC(md, key.data, (int)key.size, joined, size, mac, NULL));
    return ROTOR_OK;
}

SPEC("whichever call the crypto back end refuses, nothing leaves the front")
{
    struct fake a = {.seed = 1};
    struct entropy_source source = fake_source(&a, "one");
    struct entropy_front front;
    assert_ok(entropy_init(&front, &source, 1));
    entropy_start(&front);
    uint8_t out[64];
    assert_ok(entropy_draw(&front, out, sizeof out));
    struct entropy_drbg before = front.drbg;
    uint8_t untouched[64];
    memcpy(untouched, out, sizeof out);
    // Call 1 is the block's digest, 2 the HMAC, the rest is the DRBG's.
    unsigned refused = 0;
    for (unsigned call = 2;; call++) {
        calls_left = call;
        enum rotor_status status = entropy_draw(&front, out, sizeof out);
        if (status == ROTOR_OK) {
            break;
        }
        refused++;
        assert_int_equal(status, ROTOR_PORT_FAILED);
        assert_int_equal(entropy_last_refusal(&front), ENTROPY_BACK_END);
        assert_memory_equal(out, untouched, sizeof out);
        assert_memory_equal(&front.drbg, &before, sizeof before);
    }
    // reseed 4, generate 2, update 2, and the HMAC over the sources
    assert_int_equal(refused, 9);
    calls_left = 0;
}

SPEC("a source that cannot be tested is not used, and says so")
{
    struct fake a = {.seed = 1};
    struct entropy_source source = fake_source(&a, "one");
    struct entropy_front front;
    assert_ok(entropy_init(&front, &source, 1));
    calls_left = 3;
    entropy_start(&front);
    struct entropy_report report;
    assert_true(entropy_report(&front, 0, &report));
    assert_int_equal(report.stage, ENTROPY_OUT);
    assert_int_equal(report.fault, ENTROPY_UNTESTED);
    entropy_retest(&front);
    assert_true(entropy_report(&front, 0, &report));
    assert_int_equal(report.stage, ENTROPY_HEALTHY);
}

SPEC("a DRBG whose back end refuses gives no byte of what it made")
{
    uint8_t seed[32] = {1};
    struct entropy_drbg drbg;
    static const struct rotor_bytes nothing;
    assert_ok(entropy_drbg_init(&drbg, BYTES_OF(seed), nothing, nothing));
    struct entropy_drbg before = drbg;
    uint8_t bytes[64];
    static const uint8_t zeros[64];
    for (unsigned call = 1; call <= 4; call++) {
        struct rotor_room out = ROOM_OF(bytes);
        calls_left = call;
        assert_int_equal(entropy_drbg_generate(&drbg, nothing, &out),
                         ROTOR_PORT_FAILED);
        assert_int_equal(out.used, 0);
        assert_memory_equal(bytes, zeros, sizeof zeros);
        assert_memory_equal(&drbg, &before, sizeof before);
    }
    calls_left = 0;
}
