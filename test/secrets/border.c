// SPDX-License-Identifier: Apache-2.0
// Stands between rotor and its crypto port: the linker turns each call of
// crypto_X into __wrap_crypto_X, and __real_crypto_X is the port's own.
#include "test/secrets/border.h"

#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/crypto.h"
#include "crypto/lmots.h"
#include "crypto/scalar.h"

// --- What the world sees ----------------------------------------------------

// Bytes that are looked for in one piece: no nonce, key or digest is shorter,
// and chance does not repeat them.
#define CHUNK       16u
#define CHUNKS_MAX  262144u
#define WORLD_BYTES (64u << 20)

static struct {
    enum border_life life;
    size_t drawn; // chunks so far in this life
    unsigned long hidden;
    uint8_t chunks[CHUNKS_MAX][CHUNK];
    bool is_shown[CHUNKS_MAX];
    uint8_t world[WORLD_BYTES];
    size_t world_size;
} border;

static int compare_chunks(const void *a, const void *b)
{
    return memcmp(a, b, CHUNK);
}

// Which of the chunks lie anywhere in what was shown.
static void find_shown(void)
{
    size_t count = border.drawn;
    uint8_t(*sorted)[CHUNK] = malloc(count * CHUNK + 1);
    bool *is_seen = calloc(count + 1, 1);
    if (sorted == NULL || is_seen == NULL) {
        abort();
    }
    memcpy(sorted, border.chunks, count * CHUNK);
    qsort(sorted, count, CHUNK, compare_chunks);
    for (size_t i = 0; i + CHUNK <= border.world_size; i++) {
        uint8_t(*hit)[CHUNK] =
            bsearch(border.world + i, sorted, count, CHUNK, compare_chunks);
        if (hit != NULL) {
            is_seen[hit - sorted] = true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t(*hit)[CHUNK] =
            bsearch(border.chunks[i], sorted, count, CHUNK, compare_chunks);
        border.is_shown[i] = is_seen[hit - sorted];
    }
    free(sorted);
    free(is_seen);
}

void border_begin(enum border_life life)
{
    if (life == BORDER_HIDDEN) {
        find_shown();
    } else {
        border.world_size = 0;
    }
    border.life = life;
    border.drawn = 0;
    border.hidden = 0;
}

void border_show(const uint8_t *bytes, size_t size)
{
    if (border.life == BORDER_REHEARSAL) {
        if (size > WORLD_BYTES - border.world_size) {
            abort();
        }
        memcpy(border.world + border.world_size, bytes, size);
        border.world_size += size;
    }
}

void border_hide(void *secret, size_t size)
{
    if (border.life == BORDER_HIDDEN) {
        VALGRIND_MAKE_MEM_UNDEFINED(secret, size);
    }
}

void border_tell(void *bytes, size_t size)
{
    VALGRIND_MAKE_MEM_DEFINED(bytes, size);
}

// True: these bytes, the next that were made, become public in this life.
static bool becomes_public(const uint8_t *chunk)
{
    size_t i = border.drawn++;
    if (i >= CHUNKS_MAX) {
        abort();
    }
    if (border.life == BORDER_REHEARSAL) {
        memcpy(border.chunks[i], chunk, CHUNK);
        return true;
    }
    return border.is_shown[i];
}

void border_draw(uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + CHUNK <= size; at += CHUNK) {
        const uint8_t *before = border.chunks[border.drawn];
        if (border.life == BORDER_HIDDEN && memcmp(before, bytes + at, CHUNK)) {
            abort(); // another course than in the rehearsal
        }
        if (!becomes_public(bytes + at)) {
            border_hide(bytes + at, CHUNK);
            border.hidden++;
        }
    }
}

// As secret as what it was derived from, but for what will be shown.
static void derived(uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + CHUNK <= size; at += CHUNK) {
        if (becomes_public(bytes + at)) {
            border_tell(bytes + at, CHUNK);
        }
    }
}

unsigned long border_hidden(void)
{
    return border.hidden;
}

unsigned long border_reports(void)
{
    return VALGRIND_COUNT_ERRORS;
}

// --- Inside and outside the port --------------------------------------------

static unsigned depth;

static void enter(void)
{
    if (depth++ == 0) {
        VALGRIND_DISABLE_ERROR_REPORTING;
    }
}

static enum rotor_status leave(enum rotor_status status)
{
    if (--depth == 0) {
        VALGRIND_ENABLE_ERROR_REPORTING;
    }
    border_tell(&status, sizeof status);
    return status;
}

// Rotor's own code, called from within the port: looked at all the same.
static void step_out(void)
{
    if (depth != 0) {
        VALGRIND_ENABLE_ERROR_REPORTING;
    }
}

static void step_in(void)
{
    if (depth != 0) {
        VALGRIND_DISABLE_ERROR_REPORTING;
    }
}

// A function of the port: `public` says what of its results is no secret.
#define PORT(name, parameters, arguments, public)                              \
    enum rotor_status __real_##name parameters;                                \
    enum rotor_status __wrap_##name parameters;                                \
    enum rotor_status __wrap_##name parameters                                 \
    {                                                                          \
        enter();                                                               \
        enum rotor_status status = leave(__real_##name arguments);             \
        public;                                                                \
        return status;                                                         \
    }

static void tell_room(struct rotor_room *room)
{
    border_tell(&room->used, sizeof room->used);
    border_tell(room->data, room->used);
}

// --- Keys -------------------------------------------------------------------

PORT(crypto_key_derive,
     (struct crypto_key * key, enum crypto_scheme scheme, const uint8_t *seed),
     (key, scheme, seed), border_tell(key, sizeof *key))

PORT(crypto_key_import,
     (struct crypto_key * key, enum crypto_scheme scheme,
      struct rotor_bytes private_key),
     (key, scheme, private_key), border_tell(key, sizeof *key))

PORT(crypto_key_public,
     (const struct crypto_key *key, struct rotor_room *public_key),
     (key, public_key), tell_room(public_key))

PORT(crypto_key_private,
     (const struct crypto_key *key, struct rotor_room *private_key),
     (key, private_key),
     (border_tell(&private_key->used, sizeof private_key->used),
      border_hide(private_key->data, private_key->used)))

PORT(crypto_sign,
     (const struct crypto_key *key, struct rotor_bytes message,
      struct rotor_room *signature),
     (key, message, signature), tell_room(signature))

PORT(crypto_sign_digest,
     (const struct crypto_key *key, struct rotor_bytes digest,
      struct rotor_room *signature),
     (key, digest, signature), tell_room(signature))

PORT(crypto_verify,
     (const struct crypto_key *key, struct rotor_bytes message,
      struct rotor_bytes signature, bool *valid),
     (key, message, signature, valid), border_tell(valid, sizeof *valid))

PORT(crypto_verify_digest,
     (const struct crypto_key *key, struct rotor_bytes digest,
      struct rotor_bytes signature, bool *valid),
     (key, digest, signature, valid), border_tell(valid, sizeof *valid))

PORT(crypto_agree,
     (const struct crypto_key *key, struct rotor_bytes peer_public,
      uint8_t *shared),
     (key, peer_public, shared),
     border_hide(shared, crypto_sizes(key->scheme).shared))

// --- Derivation: as secret as what goes in ----------------------------------

PORT(crypto_extract,
     (enum crypto_hash hash, struct rotor_bytes salt, struct rotor_bytes ikm,
      uint8_t *prk),
     (hash, salt, ikm, prk), derived(prk, crypto_hash_size(hash)))

PORT(crypto_expand,
     (enum crypto_hash hash, const uint8_t *prk, struct rotor_bytes info,
      struct rotor_room *okm),
     (hash, prk, info, okm),
     (border_tell(&okm->used, sizeof okm->used), derived(okm->data, okm->used)))

PORT(crypto_hmac,
     (enum crypto_hash hash, struct rotor_bytes key,
      const struct rotor_bytes *parts, size_t count, uint8_t *mac),
     (hash, key, parts, count, mac), derived(mac, crypto_hash_size(hash)))

// LM-OTS publishes two of its hashes: what the signature encodes, and the end
// of all chains, which is the key.  RFC 8554 section 4: D_MESG, D_PBLC.
static void tell_published(enum crypto_hash hash, struct rotor_bytes head,
                           uint8_t *digest)
{
    bool is_head = head.size == 22 && head.data[20] == head.data[21];
    if (is_head && (head.data[20] == 0x80 || head.data[20] == 0x81)) {
        border_tell(digest, crypto_hash_size(hash));
    }
}

PORT(crypto_hash,
     (enum crypto_hash hash, const struct rotor_bytes *parts, size_t count,
      uint8_t *digest),
     (hash, parts, count, digest),
     (derived(digest, crypto_hash_size(hash)),
      tell_published(hash, parts[0], digest)))

// --- Sealing: what comes out of a box is as secret as it went in ------------

#define BOXES 8192u

static struct box {
    uint8_t tag[CRYPTO_AEAD_TAG];
    size_t size;
    uint8_t *secrecy; // one bit of each bit that went in
} boxes[BOXES];
static size_t boxes_sealed;

static void note_box(struct rotor_bytes plaintext, const uint8_t *sealed)
{
    struct box *box = &boxes[boxes_sealed++ % BOXES];
    free(box->secrecy);
    memcpy(box->tag, sealed + plaintext.size, sizeof box->tag);
    box->size = plaintext.size;
    box->secrecy = malloc(plaintext.size + 1);
    if (box->secrecy == NULL) {
        abort();
    }
    VALGRIND_GET_VBITS(plaintext.data, box->secrecy, plaintext.size);
}

// A plaintext of nobody we saw is public: a box from outside.
static void restore_secrecy(struct rotor_bytes sealed, uint8_t *plaintext)
{
    size_t size = sealed.size - CRYPTO_AEAD_TAG;
    border_tell(plaintext, size);
    for (size_t i = 0; i < BOXES; i++) {
        if (boxes[i].secrecy != NULL && boxes[i].size == size &&
            memcmp(boxes[i].tag, sealed.data + size, CRYPTO_AEAD_TAG) == 0) {
            VALGRIND_SET_VBITS(plaintext, boxes[i].secrecy, size);
        }
    }
}

PORT(crypto_aead_open,
     (struct crypto_aead * aead, enum crypto_aead_algorithm algorithm,
      const uint8_t key[CRYPTO_AEAD_KEY]),
     (aead, algorithm, key), border_tell(aead, sizeof *aead))

PORT(crypto_seal,
     (const struct crypto_aead *aead, const uint8_t nonce[CRYPTO_AEAD_NONCE],
      struct rotor_bytes aad, struct rotor_bytes plaintext, uint8_t *sealed),
     (aead, nonce, aad, plaintext, sealed),
     (border_tell(sealed, plaintext.size + CRYPTO_AEAD_TAG),
      note_box(plaintext, sealed)))

PORT(crypto_unseal,
     (const struct crypto_aead *aead, const uint8_t nonce[CRYPTO_AEAD_NONCE],
      struct rotor_bytes aad, struct rotor_bytes sealed, uint8_t *plaintext),
     (aead, nonce, aad, sealed, plaintext), restore_secrecy(sealed, plaintext))

// --- Ours, and looked at: only the verdict is public ------------------------

bool __real_secret_equal(const void *a, const void *b, size_t size);
bool __wrap_secret_equal(const void *a, const void *b, size_t size);
bool __wrap_secret_equal(const void *a, const void *b, size_t size)
{
    step_out();
    bool is_equal = __real_secret_equal(a, b, size);
    step_in();
    border_tell(&is_equal, sizeof is_equal);
    return is_equal;
}

bool __real_crypto_scalar_is_valid(enum crypto_scheme scheme,
                                   const uint8_t *scalar);
bool __wrap_crypto_scalar_is_valid(enum crypto_scheme scheme,
                                   const uint8_t *scalar);
bool __wrap_crypto_scalar_is_valid(enum crypto_scheme scheme,
                                   const uint8_t *scalar)
{
    step_out();
    bool is_valid = __real_crypto_scalar_is_valid(scheme, scalar);
    step_in();
    border_tell(&is_valid, sizeof is_valid);
    return is_valid;
}

enum rotor_status __real_crypto_lmots_sign(const uint8_t *id,
                                           const uint8_t *seed,
                                           struct rotor_bytes message,
                                           uint8_t *signature);
enum rotor_status __wrap_crypto_lmots_sign(const uint8_t *id,
                                           const uint8_t *seed,
                                           struct rotor_bytes message,
                                           uint8_t *signature);
enum rotor_status __wrap_crypto_lmots_sign(const uint8_t *id,
                                           const uint8_t *seed,
                                           struct rotor_bytes message,
                                           uint8_t *signature)
{
    enum rotor_status status =
        __real_crypto_lmots_sign(id, seed, message, signature);
    border_tell(signature, CRYPTO_LMOTS_SIGNATURE);
    return status;
}

enum rotor_status __real_crypto_scalar_reduce(enum crypto_scheme scheme,
                                              const uint8_t *seed,
                                              uint8_t *scalar);
enum rotor_status __wrap_crypto_scalar_reduce(enum crypto_scheme scheme,
                                              const uint8_t *seed,
                                              uint8_t *scalar);
enum rotor_status __wrap_crypto_scalar_reduce(enum crypto_scheme scheme,
                                              const uint8_t *seed,
                                              uint8_t *scalar)
{
    step_out();
    enum rotor_status status =
        __real_crypto_scalar_reduce(scheme, seed, scalar);
    step_in();
    return status;
}
