// SPDX-License-Identifier: Apache-2.0
#include "bench/calls.h"

#include <string.h>
#include <sys/random.h>

#include "base/bytes.h"
#include "bench/tally.h"

#define HEADER     64u  // bytes of a frame's header: the AAD
#define UD_INPUT   220u // bytes of dCBOR[purpose, .., bind]
#define EAT_SIGNED 420u // bytes of the Sig_structure around UD and claims
#define STATEMENT  80u  // the same around TH1E
#define CONTEXT    330u // bytes of ctx
#define INFO       48u  // label and hash

static void must(enum rotor_status status)
{
    tally_expect(status == ROTOR_OK, "a crypto call failed");
}

static void open_key(struct crypto_key *key, uint8_t fill)
{
    uint8_t seed[CRYPTO_SEED_MAX];
    memset(seed, fill, sizeof seed);
    must(crypto_key_derive(key, CRYPTO_P256, seed));
}

void calls_open(struct calls *calls, const struct calls_sizes *sizes)
{
    struct crypto_key peer = {0};
    struct rotor_room point = ROOM_OF(calls->point);
    memset(calls->buffer, 0x5a, sizeof calls->buffer);
    calls->sizes = *sizes;
    calls->sequence = 0;
    open_key(&calls->sign, 1);
    open_key(&calls->agree, 2);
    open_key(&calls->attest, 3);
    open_key(&peer, 4);
    must(crypto_key_public(&peer, &point));
    must(crypto_aead_open(&calls->frames, CRYPTO_AES256_GCM, calls->buffer));
    crypto_key_close(&peer);
}

void calls_close(struct calls *calls)
{
    crypto_key_close(&calls->sign);
    crypto_key_close(&calls->agree);
    crypto_key_close(&calls->attest);
    crypto_aead_close(&calls->frames);
}

static struct rotor_bytes some(const struct calls *calls, size_t size)
{
    return bytes_of(calls->buffer, size);
}

// One frame from one side to the other.
static void pass(struct calls *calls, size_t size)
{
    uint8_t nonce[CRYPTO_AEAD_NONCE] = {0};
    uint8_t *text = calls->buffer + HEADER;
    struct rotor_bytes aad = some(calls, HEADER);
    bytes_put_be64(nonce + 4, calls->sequence++);
    must(crypto_seal(&calls->frames, nonce, aad, bytes_of(text, size), text));
    must(crypto_unseal(&calls->frames, nonce, aad,
                       bytes_of(text, size + CRYPTO_AEAD_TAG), text));
}

static void hash(const struct calls *calls, enum crypto_hash alg, size_t size)
{
    uint8_t digest[CRYPTO_HASH_MAX];
    struct rotor_bytes bytes = some(calls, size);
    must(crypto_hash(alg, &bytes, 1, digest));
}

static void mac(const struct calls *calls, const uint8_t key[32])
{
    uint8_t out[32];
    struct rotor_bytes message = some(calls, 32);
    must(crypto_hmac(CRYPTO_SHA256, bytes_of(key, 32), &message, 1, out));
}

static void sign(const struct calls *calls, const struct crypto_key *key,
                 size_t size)
{
    uint8_t bytes[CRYPTO_SIGNATURE_MAX];
    struct rotor_room signature = ROOM_OF(bytes);
    must(crypto_sign(key, some(calls, size), &signature));
}

static void expand(const struct calls *calls, const uint8_t prk[32],
                   uint8_t *out, size_t size)
{
    struct rotor_room okm = {out, size, 0};
    must(crypto_expand(CRYPTO_SHA256, prk, some(calls, INFO), &okm));
}

// N_a and e_a.
static void make_ephemeral(const struct calls *calls, struct crypto_key *key)
{
    uint8_t drawn[64];
    uint8_t seed[CRYPTO_SEED_MAX];
    tally_expect(getrandom(drawn, sizeof drawn, 0) == (ssize_t)sizeof drawn,
                 "getrandom");
    expand(calls, drawn + 32, seed, crypto_sizes(CRYPTO_P256).seed);
    must(crypto_key_derive(key, CRYPTO_P256, seed));
}

// ck0 to ck3, then seven keys.
static void schedule(const struct calls *calls, const uint8_t ee[32],
                     const uint8_t es[32])
{
    static const uint8_t sizes[] = {32, 12, 32, 12, 32, 32, 32};
    static const uint8_t zeros[32];
    uint8_t ck[32];
    uint8_t salt[32];
    uint8_t out[32];
    hash(calls, CRYPTO_SHA256, CONTEXT);
    hash(calls, CRYPTO_SHA256, 50);
    must(crypto_extract(CRYPTO_SHA256, some(calls, 32), bytes_of(ee, 32), ck));
    expand(calls, ck, salt, sizeof salt);
    must(crypto_extract(CRYPTO_SHA256, BYTES_OF(salt), bytes_of(es, 32), ck));
    expand(calls, ck, salt, sizeof salt);
    must(crypto_extract(CRYPTO_SHA256, BYTES_OF(salt), BYTES_OF(zeros), ck));
    for (size_t i = 0; i < sizeof sizes; i++) {
        expand(calls, ck, out, sizes[i]);
    }
    mac(calls, out); // mac_a
    hash(calls, CRYPTO_SHA256, 64);
    mac(calls, out); // mac_r
}

void calls_attest(struct calls *calls)
{
    const struct calls_sizes *sizes = &calls->sizes;
    struct crypto_key ephemeral = {0};
    uint8_t ee[CRYPTO_SHARED_MAX];
    uint8_t es[CRYPTO_SHARED_MAX];
    struct rotor_bytes point = bytes_of(calls->point, 64);
    pass(calls, sizes->request);
    make_ephemeral(calls, &ephemeral);
    hash(calls, CRYPTO_SHA256, sizes->request + sizes->core); // TH1
    hash(calls, CRYPTO_SHA512, UD_INPUT);
    sign(calls, &calls->attest, EAT_SIGNED);
    hash(calls, CRYPTO_SHA256, 32 + sizes->evidence); // TH1E
    sign(calls, &calls->sign, STATEMENT);
    must(crypto_agree(&ephemeral, point, ee));
    must(crypto_agree(&calls->agree, point, es));
    hash(calls, CRYPTO_SHA256, 32 + sizes->evidence + STATEMENT); // TH2
    schedule(calls, ee, es);
    crypto_key_close(&ephemeral);
    pass(calls, sizes->response);
}

void calls_fin(struct calls *calls)
{
    pass(calls, calls->sizes.fin);
    pass(calls, calls->sizes.status);
}
