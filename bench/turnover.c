// SPDX-License-Identifier: Apache-2.0
#include "bench/turnover.h"

#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "bench/tally.h"
#include "port/linux/folder.h"

// Bytes, as a rotation of suite 2 has them.
#define BODY        800u
#define CORE        2300u // state of the enclave with a prepared entry
#define CORE_AFTER  1400u
#define ATTACHED    5200u
#define ENTRY       4900u
#define RTP_STATE   500u
#define RTP_PENDING 5600u // with the pending entry in it
#define EAT         420u
#define STATEMENT   150u

static const uint8_t OTS_ID[CRYPTO_LMOTS_ID] = {1};
static const uint8_t OTS_SEED[CRYPTO_LMOTS_SEED] = {2};

static void must(enum rotor_status status)
{
    tally_expect(status == ROTOR_OK, "a call of the reference failed");
}

static struct rotor_bytes some(const struct turnover *t, size_t size)
{
    return bytes_of(t->buffer, size);
}

// ---- crypto ----------------------------------------------------------------

static void derive(struct crypto_key *key, uint8_t fill)
{
    uint8_t seed[CRYPTO_SEED_MAX];
    memset(seed, fill, sizeof seed);
    must(crypto_key_derive(key, CRYPTO_P256, seed));
}

static void hash(const struct turnover *t, size_t size)
{
    uint8_t digest[CRYPTO_HASH_MAX];
    struct rotor_bytes bytes = some(t, size);
    must(crypto_hash(CRYPTO_SHA256, &bytes, 1, digest));
}

static void sign(const struct crypto_key *key, struct rotor_bytes message)
{
    uint8_t bytes[CRYPTO_SIGNATURE_MAX];
    struct rotor_room signature = ROOM_OF(bytes);
    must(crypto_sign(key, message, &signature));
}

// Takes the public key, then verifies: what a party does that gets both.
static void verify(const struct turnover *t)
{
    struct crypto_key key = {0};
    bool valid = false;
    must(crypto_key_import_public(&key, CRYPTO_P256, bytes_of(t->point, 64)));
    must(crypto_verify(&key, bytes_of(t->body, BODY),
                       bytes_of(t->signature, 64), &valid));
    crypto_key_close(&key);
    tally_expect(valid, "a signature of the reference");
}

static void expand(const struct turnover *t, size_t size)
{
    uint8_t out[64];
    struct rotor_room okm = {out, size, 0};
    must(crypto_expand(CRYPTO_SHA256, t->buffer, some(t, 24), &okm));
}

static void extract(const struct turnover *t)
{
    uint8_t prk[32];
    must(crypto_extract(CRYPTO_SHA256, some(t, 32), some(t, 180), prk));
}

static void seal(struct turnover *t, size_t size)
{
    uint8_t salt[32];
    uint8_t nonce[CRYPTO_AEAD_NONCE] = {0};
    struct crypto_aead aead = {0};
    struct rotor_bytes plain = some(t, size);
    must(crypto_hmac(CRYPTO_SHA256, some(t, 32), &plain, 1, salt));
    expand(t, 32);
    must(crypto_aead_open(&aead, CRYPTO_AES256_GCM, salt));
    must(crypto_seal(&aead, nonce, BYTES_OF(salt), plain, t->buffer));
    crypto_aead_close(&aead);
}

static void pass(struct turnover *t, size_t size)
{
    uint8_t nonce[CRYPTO_AEAD_NONCE] = {0};
    struct rotor_bytes aad = bytes_of(t->body, 64);
    must(crypto_seal(&t->frames, nonce, aad, some(t, size), t->buffer));
    must(crypto_unseal(&t->frames, nonce, aad, some(t, size + CRYPTO_AEAD_TAG),
                       t->buffer));
}

// ---- files -----------------------------------------------------------------

static void advance_anchor(const struct turnover *t)
{
    hash(t, CORE);
    hash(t, 64);
    must(linux_folder_replace(t->enclave, "anchor", some(t, 40)));
}

static void write_anchored(struct turnover *t, size_t size)
{
    uint8_t back[40];
    struct rotor_room room = ROOM_OF(back);
    bool found = false;
    seal(t, size);
    must(linux_folder_write(t->enclave, "state.next", some(t, size + 56)));
    advance_anchor(t);
    must(linux_folder_read(t->enclave, "anchor", &room, &found));
    must(linux_folder_rename(t->enclave, "state.next", "state"));
}

static void append_log(struct turnover *t)
{
    int fd = openat(t->rtp, "log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    tally_expect(fd >= 0 &&
                     pwrite(fd, t->buffer, ENTRY, (off_t)t->log_size) ==
                         (ssize_t)ENTRY &&
                     fsync(fd) == 0 && close(fd) == 0,
                 "log");
    t->log_size += ENTRY;
}

// ---- parts -----------------------------------------------------------------

static void run_intent(struct turnover *t)
{
    must(linux_folder_replace(t->rtp, "state", some(t, RTP_STATE)));
}

static void make_root(struct turnover *t, struct crypto_key keys[3])
{
    uint8_t shared[CRYPTO_SHARED_MAX];
    hash(t, 60);
    extract(t);
    for (unsigned i = 0; i < 6; i++) { // R, chain, S, K, T, D
        expand(t, i == 2 ? 40 : 32);
    }
    for (uint8_t i = 0; i < 3; i++) {
        derive(&keys[i], (uint8_t)(10 + i));
    }
    // K agrees with a known key, both ways.
    must(crypto_agree(&keys[1], bytes_of(t->point, 64), shared));
    must(crypto_agree(&t->sign, bytes_of(t->point, 64), shared));
}

// A of e+2, and its commitment.
static void make_auth(struct turnover *t)
{
    struct crypto_key key = {0};
    hash(t, 30);
    extract(t);
    expand(t, 16);
    expand(t, 32);
    expand(t, 40);
    must(crypto_lmots_public(OTS_ID, OTS_SEED, t->ots_public));
    derive(&key, 20);
    hash(t, 160);
    seal(t, 88);
    crypto_key_close(&key);
}

static void sign_entry(struct turnover *t, const struct crypto_key *next)
{
    struct crypto_key auth = {0};
    struct rotor_bytes body = bytes_of(t->body, BODY);
    derive(&auth, 21); // sealed as a seed
    sign(&t->sign, body);
    must(crypto_lmots_sign(OTS_ID, OTS_SEED, body, t->ots_signature));
    sign(&auth, body);
    sign(next, body);
    crypto_key_close(&auth);
}

static void run_prepare(struct turnover *t)
{
    struct crypto_key keys[3] = {{0}, {0}, {0}};
    uint8_t drawn[96];
    pass(t, 200);
    tally_expect(getrandom(drawn, sizeof drawn, 0) == (ssize_t)sizeof drawn,
                 "getrandom");
    make_root(t, keys);
    make_auth(t);
    hash(t, BODY);
    write_anchored(t, CORE); // P1
    sign_entry(t, &keys[0]);
    seal(t, ATTACHED); // P2
    must(linux_folder_write(t->enclave, "attach", some(t, ATTACHED + 56)));
    hash(t, 200); // UD
    sign(&t->attest, bytes_of(t->body, EAT));
    pass(t, ENTRY);
    for (unsigned i = 0; i < COUNT_OF(keys); i++) {
        crypto_key_close(&keys[i]);
    }
}

static void run_accept(struct turnover *t)
{
    bool valid = false;
    hash(t, BODY);
    hash(t, 160);                      // rule 5
    for (unsigned i = 0; i < 5; i++) { // rule 9
        hash(t, 80);
    }
    must(crypto_lmots_verify(t->ots_public, bytes_of(t->body, BODY),
                             BYTES_OF(t->ots_signature), &valid));
    tally_expect(valid, "LM-OTS of the reference");
    for (unsigned i = 0; i < 5; i++) { // auth, old, pop, certificate, EAT
        verify(t);
    }
    must(linux_folder_replace(t->rtp, "state", some(t, RTP_PENDING)));
}

static void run_commit(struct turnover *t)
{
    pass(t, 100);
    seal(t, 32);                   // the data key
    write_anchored(t, CORE_AFTER); // P3
    sign(&t->sign, bytes_of(t->body, STATEMENT));
    pass(t, 200);
}

static void run_finish(struct turnover *t)
{
    verify(t);
    append_log(t);
    must(linux_folder_replace(t->rtp, "state", some(t, RTP_STATE)));
}

void turnover_run(struct turnover *turnover, uint64_t spent_ns[TURNOVER_PARTS])
{
    static void (*const parts[TURNOVER_PARTS])(struct turnover *) = {
        [TURNOVER_INTENT] = run_intent, [TURNOVER_PREPARE] = run_prepare,
        [TURNOVER_ACCEPT] = run_accept, [TURNOVER_COMMIT] = run_commit,
        [TURNOVER_FINISH] = run_finish,
    };
    for (size_t i = 0; i < TURNOVER_PARTS; i++) {
        uint64_t start = tally_now_ns();
        parts[i](turnover);
        spent_ns[i] = tally_now_ns() - start;
    }
}

// ---- open ------------------------------------------------------------------

static int open_below(int folder, const char *name)
{
    (void)mkdirat(folder, name, 0700);
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tally_expect(fd >= 0, name);
    return fd;
}

void turnover_open(struct turnover *turnover, const char *state)
{
    struct rotor_room point = ROOM_OF(turnover->point);
    struct rotor_room signature = ROOM_OF(turnover->signature);
    int folder = -1;
    memset(turnover, 0, sizeof *turnover);
    must(linux_folder_open(state, &folder));
    turnover->enclave = open_below(folder, "enclave");
    turnover->rtp = open_below(folder, "rtp");
    (void)close(folder);
    derive(&turnover->sign, 1);
    derive(&turnover->attest, 3);
    must(crypto_key_public(&turnover->sign, &point));
    must(crypto_aead_open(&turnover->frames, CRYPTO_AES256_GCM,
                          turnover->buffer));
    must(crypto_sign(&turnover->sign, bytes_of(turnover->body, BODY),
                     &signature));
    must(linux_folder_replace(turnover->enclave, "anchor", some(turnover, 40)));
}

void turnover_close(struct turnover *turnover)
{
    crypto_key_close(&turnover->sign);
    crypto_key_close(&turnover->attest);
    crypto_aead_close(&turnover->frames);
    (void)close(turnover->enclave);
    (void)close(turnover->rtp);
}
