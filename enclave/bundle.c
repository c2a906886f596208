// SPDX-License-Identifier: Apache-2.0
// Generation of the bundle {S, K, D, T} of epoch e and of A_{e+1}.
#include "enclave/bundle.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "chain/hash.h"
#include "crypto/suite.h"
#include "enclave/body.h"
#include "enclave/seal.h"
#include "enclave/serve.h"

#define DRAW_SIZE 48u // bytes of E_ap and of E2_ap
#define SEED_MAX  64u // bytes
#define OTS_SIZE  (CRYPTO_LMOTS_ID + CRYPTO_LMOTS_SEED)
#define IKM_MAX   (4u * 2u + DRAW_SIZE + SEED_MAX + 2u * 32u)

// Everything secret that a generation touches, in one place, wiped once.
struct bundle_secrets {
    uint8_t e_ap[DRAW_SIZE];
    uint8_t e2_ap[DRAW_SIZE];
    uint8_t ikm[IKM_MAX];
    uint8_t prk[CRYPTO_HASH_MAX];
    uint8_t r[CRYPTO_HASH_MAX];
    uint8_t seed_a[CRYPTO_HASH_MAX];
    uint8_t key_seed[CRYPTO_SEED_MAX];
    uint8_t auth[ENCLAVE_AUTH_SIZE];
    struct crypto_key sign;
    struct crypto_key agree;
    struct crypto_key service;
    struct crypto_key auth_sign;
    struct crypto_key probe;
    uint8_t shared[2][CRYPTO_SHARED_MAX];
    struct enclave_auth revealed;
};

// ---- derivation ------------------------------------------------------------

static enum rotor_status append_lp(struct rotor_room *room,
                                   struct rotor_bytes bytes)
{
    uint8_t size[2];
    bytes_put_be16(size, (uint16_t)bytes.size);
    TRY(bytes_append(room, BYTES_OF(size)));
    return bytes_append(room, bytes);
}

// Extract(salt, lp(draw) || lp(seed) || lp(chain) || lp(hw_secret)) to `prk`.
static enum rotor_status extract(struct bundle_secrets *s,
                                 const struct enclave *enclave,
                                 const struct enclave_order *order,
                                 const struct wire_digest *salt, uint8_t *prk)
{
    bool is_root = prk == s->prk;
    struct rotor_bytes chain = {0};
    if (order->parent != NULL) {
        chain = BYTES_OF(order->parent->chain);
    }
    struct rotor_room ikm = ROOM_OF(s->ikm);
    TRY(append_lp(&ikm, is_root ? BYTES_OF(s->e_ap) : BYTES_OF(s->e2_ap)));
    TRY(append_lp(&ikm, order->seed));
    TRY(append_lp(&ikm, chain));
    TRY(append_lp(&ikm, BYTES_OF(enclave->identity.hw_secret)));
    return crypto_extract(salt->alg, wire_digest_bytes(salt), bytes_in(&ikm),
                          prk);
}

struct expansion {
    enum crypto_hash hash;
    const uint8_t *prk;
    struct rotor_bytes label;
    struct rotor_bytes tail; // behind the label
};

static enum rotor_status expand(const struct expansion *from, uint8_t *out,
                                size_t size)
{
    uint8_t info_bytes[64];
    struct rotor_room info = ROOM_OF(info_bytes);
    struct rotor_room okm = {out, size, 0};
    TRY(bytes_append(&info, from->label));
    TRY(bytes_append(&info, from->tail));
    return crypto_expand(from->hash, from->prk, bytes_in(&info), &okm);
}

static enum rotor_status keep_private(const struct crypto_key *key,
                                      struct enclave_secret *secret)
{
    struct rotor_room room = ROOM_OF(secret->bytes);
    TRY(crypto_key_private(key, &room));
    secret->size = room.used;
    return ROTOR_OK;
}

// One of S, K, T: Expand(R_e, label || be16(suite) || component, len).
static enum rotor_status derive_key(struct bundle_secrets *s,
                                    const struct crypto_suite *suite,
                                    struct rotor_bytes label,
                                    struct crypto_key *key,
                                    struct enclave_secret *secret)
{
    bool agrees = key == &s->agree;
    enum crypto_scheme scheme = agrees ? suite->agree : suite->sign;
    uint8_t tail[3] = {0, 0, 0}; // component 0
    bytes_put_be16(tail, suite->id);
    struct expansion from = {suite->hash, s->r, label, BYTES_OF(tail)};
    TRY(expand(&from, s->key_seed, crypto_sizes(scheme).seed));
    TRY(crypto_key_derive(key, scheme, s->key_seed));
    return keep_private(key, secret);
}

// A broken K would be found out only when a peer cannot follow: agree once
// with a key that everyone knows, both ways.
static enum rotor_status probe_agree(struct bundle_secrets *s)
{
    memset(s->key_seed, 0x52, sizeof s->key_seed);
    TRY(crypto_key_derive(&s->probe, s->agree.scheme, s->key_seed));
    uint8_t ours_bytes[CRYPTO_PUBLIC_MAX];
    uint8_t probe_bytes[CRYPTO_PUBLIC_MAX];
    struct rotor_room ours = ROOM_OF(ours_bytes);
    struct rotor_room probe = ROOM_OF(probe_bytes);
    TRY(crypto_key_public(&s->agree, &ours));
    TRY(crypto_key_public(&s->probe, &probe));
    TRY(crypto_agree(&s->agree, bytes_in(&probe), s->shared[0]));
    TRY(crypto_agree(&s->probe, bytes_in(&ours), s->shared[1]));
    size_t size = crypto_sizes(s->agree.scheme).shared;
    return secret_equal(s->shared[0], s->shared[1], size) ? ROTOR_OK
                                                          : ROTOR_PORT_FAILED;
}

static enum rotor_status derive_root(struct bundle_secrets *s,
                                     const struct enclave *enclave,
                                     const struct enclave_order *order,
                                     const struct crypto_suite *suite,
                                     struct enclave_slot *slot)
{
    uint8_t epoch[8];
    bytes_put_be64(epoch, order->place.epoch);
    struct rotor_bytes parts[] = {wire_digest_bytes(&order->log_id),
                                  BYTES_OF(epoch)};
    struct wire_digest salt;
    TRY(wire_digest_make(&salt, suite->hash, LABEL("rotor1 rot-root"), parts,
                         COUNT_OF(parts)));
    TRY(extract(s, enclave, order, &salt, s->prk));
    struct expansion from = {suite->hash, s->prk, LABEL("rotor1 R"),
                             BYTES_OF(epoch)};
    TRY(expand(&from, s->r, crypto_hash_size(suite->hash)));
    from.label = LABEL("rotor1 chain");
    TRY(expand(&from, slot->chain, sizeof slot->chain));
    TRY(derive_key(s, suite, LABEL("rotor1 S"), &s->sign, &slot->sign));
    TRY(derive_key(s, suite, LABEL("rotor1 K"), &s->agree, &slot->agree));
    TRY(derive_key(s, suite, LABEL("rotor1 T"), &s->service, &slot->service));
    struct expansion d = {
        suite->hash, s->r, LABEL("rotor1 D"), {NULL, 0}
    };
    TRY(expand(&d, slot->data, sizeof slot->data));
    return probe_agree(s);
}

// ---- the rotation key ------------------------------------------------------

static enum rotor_status seal_auth(const struct enclave *enclave,
                                   uint32_t suite, struct rotor_bytes auth,
                                   struct enclave_sealed_auth *sealed)
{
    struct enclave_seal seal = {ENCLAVE_SEAL_AUTH, suite, enclave->seal_mac,
                                enclave->seal_enc};
    struct rotor_room room = ROOM_OF(sealed->bytes);
    TRY(enclave_seal(&seal, auth, &room));
    sealed->size = room.used;
    return ROTOR_OK;
}

// A_{e+1} and the commitment to it; close commits to nothing.
static enum rotor_status derive_auth(struct bundle_secrets *s,
                                     const struct enclave *enclave,
                                     const struct enclave_order *order,
                                     const struct crypto_suite *suite,
                                     struct enclave_made *made)
{
    uint8_t epoch[8];
    bytes_put_be64(epoch, order->place.epoch);
    struct rotor_bytes parts[] = {BYTES_OF(epoch)};
    struct wire_digest salt;
    TRY(wire_digest_make(&salt, suite->hash, LABEL("rotor1 auth-root"), parts,
                         COUNT_OF(parts)));
    TRY(extract(s, enclave, order, &salt, s->seed_a));
    struct expansion from = {
        suite->hash, s->seed_a, LABEL("rotor1 A id"), {NULL, 0}
    };
    uint8_t *id = s->auth;
    uint8_t *seed = s->auth + CRYPTO_LMOTS_ID;
    uint8_t *sign = s->auth + OTS_SIZE;
    size_t sign_size = crypto_sizes(suite->sign).seed;
    TRY(expand(&from, id, CRYPTO_LMOTS_ID));
    from.label = LABEL("rotor1 A ots");
    TRY(expand(&from, seed, CRYPTO_LMOTS_SEED));
    from.label = LABEL("rotor1 A sig");
    TRY(expand(&from, sign, sign_size));

    TRY(wire_key_of_lmots(id, seed, &made->next_auth.ots));
    TRY(crypto_key_derive(&s->auth_sign, suite->sign, sign));
    TRY(wire_key_of(&s->auth_sign, &made->next_auth.sign));
    TRY(chain_hash_auth(suite->hash, &made->next_auth, &made->next_commit));
    return seal_auth(enclave, suite->id,
                     bytes_of(s->auth, OTS_SIZE + sign_size),
                     &made->slot->next_auth);
}

enum rotor_status enclave_auth_open(const struct enclave *enclave,
                                    const struct enclave_sealed_auth *sealed,
                                    struct enclave_auth *auth)
{
    uint8_t bytes[ENCLAVE_AUTH_SIZE]; // SECRET
    struct rotor_room room = ROOM_OF(bytes);
    struct enclave_seal seal = {ENCLAVE_SEAL_AUTH, 0, enclave->seal_mac,
                                enclave->seal_enc};
    enum rotor_status status =
        enclave_unseal(&seal, bytes_of(sealed->bytes, sealed->size), &room);
    const struct crypto_suite *suite = crypto_suite_of(seal.suite);
    bool fits = status == ROTOR_OK && suite != NULL &&
                room.used == OTS_SIZE + crypto_sizes(suite->sign).seed;
    if (fits) {
        auth->suite = seal.suite;
        memcpy(auth->ots.id, bytes, CRYPTO_LMOTS_ID);
        memcpy(auth->ots.seed, bytes + CRYPTO_LMOTS_ID, CRYPTO_LMOTS_SEED);
        status = crypto_key_derive(&auth->sign, suite->sign, bytes + OTS_SIZE);
    } else {
        status = ROTOR_CORRUPT;
    }
    secret_wipe(bytes, sizeof bytes);
    return status;
}

void enclave_auth_close(struct enclave_auth *auth)
{
    crypto_key_close(&auth->sign);
    secret_wipe(auth, sizeof *auth);
}

enum rotor_status enclave_auth_public(const struct enclave_auth *auth,
                                      struct chain_auth *public_pair)
{
    TRY(chain_ots_public(&auth->ots, &public_pair->ots));
    return wire_key_of(&auth->sign, &public_pair->sign);
}

// ---- the whole -------------------------------------------------------------

static bool reveals_auth(const struct enclave_order *order)
{
    return order->kind == CHAIN_ROTATE || order->kind == CHAIN_CLOSE;
}

static enum rotor_status reveal_auth(struct bundle_secrets *s,
                                     const struct enclave *enclave,
                                     const struct enclave_order *order,
                                     struct enclave_made *made)
{
    if (!reveals_auth(order)) {
        return ROTOR_OK;
    }
    // The parent of a rotation is the current entry: its keys are open.
    const struct enclave_sealed_auth *sealed = &order->parent->next_auth;
    made->slot->auth = *sealed;
    if (enclave->keys.has_next_auth) {
        made->auth = enclave->keys.next_auth;
        return ROTOR_OK;
    }
    TRY(enclave_auth_open(enclave, sealed, &s->revealed));
    return enclave_auth_public(&s->revealed, &made->auth);
}

// They stay open: the entry's own proof and its epoch are signed with them.
static enum rotor_status keep_keys(struct bundle_secrets *s,
                                   const struct enclave_made *made,
                                   struct enclave_keys *keys)
{
    keys->sign = s->sign;
    keys->agree = s->agree;
    keys->service = s->service;
    s->sign = (struct crypto_key){0};
    s->agree = (struct crypto_key){0};
    s->service = (struct crypto_key){0};
    keys->has_next_auth = !wire_digest_is_empty(&made->next_commit);
    keys->next_auth = made->next_auth;
    return enclave_keys_name(made->slot, keys);
}

static enum rotor_status make_with(struct bundle_secrets *s,
                                   struct enclave *enclave,
                                   const struct enclave_order *order,
                                   struct enclave_slot *slot)
{
    const struct crypto_suite *suite = crypto_suite_of(order->suite);
    if (suite == NULL || order->seed.size > SEED_MAX) {
        return ROTOR_INVALID;
    }
    struct enclave_made made = {0};
    made.slot = slot;
    memcpy(slot->request_id, order->request_id, sizeof slot->request_id);
    TRY(enclave_draw(enclave, s->e_ap, sizeof s->e_ap));
    TRY(enclave_draw(enclave, s->e2_ap, sizeof s->e2_ap));
    TRY(derive_root(s, enclave, order, suite, slot));
    if (order->kind != CHAIN_CLOSE) {
        TRY(derive_auth(s, enclave, order, suite, &made));
    }
    TRY(reveal_auth(s, enclave, order, &made));
    TRY(wire_key_of(&s->sign, &made.sign));
    TRY(wire_key_of(&s->agree, &made.agree));
    TRY(enclave_body_make(enclave, order, &made));
    return keep_keys(s, &made, &enclave->made);
}

enum rotor_status enclave_bundle_make(struct enclave *enclave,
                                      const struct enclave_order *order,
                                      struct enclave_slot *slot)
{
    struct bundle_secrets secrets = {0};
    secret_wipe(slot, sizeof *slot);
    enclave_keys_close(&enclave->made);
    enum rotor_status status = make_with(&secrets, enclave, order, slot);
    crypto_key_close(&secrets.sign);
    crypto_key_close(&secrets.agree);
    crypto_key_close(&secrets.service);
    crypto_key_close(&secrets.auth_sign);
    crypto_key_close(&secrets.probe);
    enclave_auth_close(&secrets.revealed);
    secret_wipe(&secrets, sizeof secrets);
    if (status != ROTOR_OK) {
        enclave_keys_close(&enclave->made);
        secret_wipe(slot, sizeof *slot);
    }
    return status;
}
