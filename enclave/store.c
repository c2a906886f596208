// SPDX-License-Identifier: Apache-2.0
#include "enclave/store.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/suite.h"
#include "enclave/bundle.h"
#include "enclave/seal.h"
#include "enclave/serve.h"

#define ANCHOR_COUNTER 3u // anchor kind: a cell that holds a number only

bool enclave_anchor_counts(const struct enclave *enclave)
{
    return enclave->identity.anchor_kind == ANCHOR_COUNTER;
}

// ---- sealed files ----------------------------------------------------------

uint32_t enclave_store_suite(const struct enclave_state *state)
{
    if (state->pending.is_used) {
        return state->pending.facts.suite;
    }
    return state->cur.is_used ? state->cur.facts.suite : CRYPTO_SUITE_DEFAULT;
}

struct rotor_room enclave_store_plain(struct enclave *enclave)
{
    return (struct rotor_room){enclave->file + ENCLAVE_SEAL_HEAD,
                               sizeof enclave->file - ENCLAVE_SEAL_SIZE, 0};
}

enum rotor_status enclave_store_seal(struct enclave *enclave,
                                     enum enclave_seal_kind kind,
                                     uint32_t suite,
                                     const struct rotor_room *plain,
                                     struct rotor_bytes *file)
{
    struct enclave_seal seal = {kind, suite, enclave->seal_mac,
                                enclave->seal_enc};
    struct rotor_room room = ROOM_OF(enclave->file);
    TRY(enclave_seal(&seal, bytes_in(plain), &room));
    *file = bytes_in(&room);
    return ROTOR_OK;
}

// Reads and unseals; plain->used is 0 when there is no such file, or when it
// is none of ours: torn, or of another AP.  *exists tells them apart.
static enum rotor_status read_file(struct enclave *enclave,
                                   enum enclave_file file,
                                   enum enclave_seal_kind kind,
                                   struct rotor_room *plain, bool *exists)
{
    *exists = false;
    struct rotor_room room = ROOM_OF(enclave->file);
    *plain = enclave_store_plain(enclave);
    enum rotor_status status =
        enclave->ops.store_read(enclave->ops.context, file, &room);
    if (status == ROTOR_TOO_SMALL) {
        *exists = true;
        return ROTOR_OK;
    }
    TRY(status);
    if (room.used == 0) {
        return ROTOR_OK;
    }
    *exists = true;
    struct enclave_seal seal = {kind, 0, enclave->seal_mac, enclave->seal_enc};
    status = enclave_unseal(&seal, bytes_in(&room), plain);
    return status == ROTOR_PORT_FAILED ? status : ROTOR_OK;
}

// ---- the anchor ------------------------------------------------------------

enum rotor_status enclave_anchor_follow(const uint8_t v[32],
                                        struct rotor_bytes core, uint8_t d[32],
                                        uint8_t next[32])
{
    TRY(crypto_hash(CRYPTO_SHA256, &core, 1, d));
    struct rotor_bytes parts[] = {bytes_of(v, 32), bytes_of(d, 32)};
    return crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), next);
}

static enum rotor_status read_anchor(struct enclave *enclave, uint64_t *n,
                                     uint8_t v[32])
{
    return enclave->ops.anchor_read(enclave->ops.context, n, v);
}

// Does the anchor name this core?
static enum rotor_status is_named(const struct enclave *enclave,
                                  const struct enclave_state *state,
                                  struct rotor_bytes core, bool *named)
{
    uint8_t d[32];
    uint8_t v[32];
    *named = false;
    TRY(enclave_anchor_follow(state->v, core, d, v));
    bool right_n =
        enclave->anchor_n == ENCLAVE_N_UNKNOWN || enclave->anchor_n == state->n;
    bool right_v = enclave_anchor_counts(enclave) ||
                   memcmp(v, enclave->anchor_v, sizeof v) == 0;
    *named = right_n && right_v;
    return ROTOR_OK;
}

// ---- load ------------------------------------------------------------------

static enum rotor_status load_state(struct enclave *enclave,
                                    enum enclave_file file, bool *named,
                                    bool *exists)
{
    struct rotor_room core;
    *named = false;
    TRY(read_file(enclave, file, ENCLAVE_SEAL_CORE, &core, exists));
    if (core.used == 0 ||
        enclave_state_decode(bytes_in(&core), &enclave->next) != ROTOR_OK) {
        return ROTOR_OK;
    }
    return is_named(enclave, &enclave->next, bytes_in(&core), named);
}

// Finds the one file that the anchor names, under either name.
static enum rotor_status find_state(struct enclave *enclave, bool *found,
                                    bool *exists)
{
    bool has_next = false;
    TRY(load_state(enclave, ENCLAVE_STATE_NEXT, found, &has_next));
    if (*found) {
        return enclave->ops.store_rename(enclave->ops.context,
                                         ENCLAVE_STATE_NEXT, ENCLAVE_STATE);
    }
    TRY(load_state(enclave, ENCLAVE_STATE, found, exists));
    // Nothing was emitted from it.  Where neither is named the anchor may be
    // the wrong one, and this the one good file.
    return has_next && *found ? enclave->ops.store_remove(enclave->ops.context,
                                                          ENCLAVE_STATE_NEXT)
                              : ROTOR_OK;
}

// The file is older than P3: what it has as pending is cur by now.  Whether a
// signature belongs and verifies is asked before its first use.
static void arrange_signatures(struct enclave *enclave)
{
    struct enclave_signatures *all = enclave->signatures;
    const struct wire_digest *cur = &enclave->state.cur.facts.body_hash;
    if (enclave->state.cur.is_used &&
        wire_digest_equal(&all[1].body_hash, cur)) {
        all[0] = all[1];
        memset(&all[1], 0, sizeof all[1]);
    }
}

static enum rotor_status load_signatures(struct enclave *enclave)
{
    struct rotor_room plain;
    bool exists = false;
    TRY(read_file(enclave, ENCLAVE_ATTACH, ENCLAVE_SEAL_ATTACH, &plain,
                  &exists));
    if (enclave_signatures_decode(bytes_in(&plain), enclave->signatures) ==
        ROTOR_OK) {
        arrange_signatures(enclave);
    }
    return ROTOR_OK;
}

static enum rotor_status load_candidate(struct enclave *enclave)
{
    struct rotor_room plain;
    bool exists = false;
    TRY(read_file(enclave, ENCLAVE_RECOVER, ENCLAVE_SEAL_RECOVER, &plain,
                  &exists));
    enclave->has_candidate_file = exists;
    enum rotor_status status =
        enclave_slot_decode(bytes_in(&plain), &enclave->candidate);
    return status == ROTOR_PORT_FAILED ? status : ROTOR_OK;
}

static bool is_fresh(const struct enclave *enclave)
{
    static const uint8_t zeros[32] = {0};
    bool is_first = enclave_anchor_counts(enclave)
                        ? enclave->anchor_n == 0
                        : memcmp(enclave->anchor_v, zeros, 32) == 0;
    return is_first || enclave->identity.was_reset;
}

static enum rotor_status load_with(struct enclave *enclave)
{
    TRY(read_anchor(enclave, &enclave->anchor_n, enclave->anchor_v));
    bool found = false;
    bool exists = false;
    TRY(find_state(enclave, &found, &exists));
    if (found) {
        enclave->state = enclave->next;
        enclave->anchor_n = enclave->state.n;
        if (enclave->state.cur.is_used) {
            TRY(enclave_keys_open(&enclave->state.cur, &enclave->keys));
        }
        TRY(load_signatures(enclave));
    } else if (exists || !is_fresh(enclave)) {
        enclave->fault = ENCLAVE_ROLLED_BACK;
    }
    if (enclave->anchor_n == ENCLAVE_N_UNKNOWN) {
        enclave->anchor_n = 0;
    }
    TRY(load_candidate(enclave));
    return enclave_store_settle(enclave);
}

enum rotor_status enclave_store_load(struct enclave *enclave)
{
    enum rotor_status status = load_with(enclave);
    secret_wipe(&enclave->next, sizeof enclave->next);
    secret_wipe(enclave->file, sizeof enclave->file);
    return status;
}

static enum rotor_status settle_service(struct enclave *enclave,
                                        struct crypto_key *key)
{
    const struct enclave_service *service = &enclave->state.old_service;
    const struct crypto_suite *suite = crypto_suite_of(service->suite);
    struct wire_key public_key;
    if (!service->is_live || suite == NULL) {
        enclave->old_service_kid = (struct wire_digest){0};
        return ROTOR_OK;
    }
    TRY(enclave_secret_open(&service->key, suite->sign, key));
    TRY(wire_key_of(key, &public_key));
    return wire_key_id(&public_key, &enclave->old_service_kid);
}

static enum rotor_status settle_policy(struct enclave *enclave)
{
    const struct enclave_state *state = &enclave->state;
    struct chain_policy policy = {0};
    if (state->policy_size > 0) {
        TRY(chain_policy_decode(bytes_of(state->policy, state->policy_size),
                                &policy));
    }
    enclave->policy = policy;
    return ROTOR_OK;
}

enum rotor_status enclave_store_settle(struct enclave *enclave)
{
    struct crypto_key key = {0};
    enum rotor_status status = settle_service(enclave, &key);
    crypto_key_close(&key);
    return status == ROTOR_OK ? settle_policy(enclave) : status;
}

// ---- data key --------------------------------------------------------------

enum rotor_status enclave_data_key_seal(const struct enclave *enclave,
                                        const uint8_t key[ENCLAVE_SECRET],
                                        const struct enclave_slot *slot,
                                        struct enclave_state *state)
{
    struct enclave_seal seal = {ENCLAVE_SEAL_DATA_KEY, slot->facts.suite,
                                enclave->seal_mac, slot->data};
    struct rotor_room room = ROOM_OF(state->data_key);
    TRY(enclave_seal(&seal, bytes_of(key, ENCLAVE_SECRET), &room));
    state->data_key_size = room.used;
    return ROTOR_OK;
}

enum rotor_status enclave_data_key_unseal(const struct enclave *enclave,
                                          const struct enclave_slot *slot,
                                          const struct enclave_state *state,
                                          uint8_t key[ENCLAVE_SECRET])
{
    struct enclave_seal seal = {ENCLAVE_SEAL_DATA_KEY, 0, enclave->seal_mac,
                                slot->data};
    struct rotor_room room = {key, ENCLAVE_SECRET, 0};
    return enclave_unseal(
        &seal, bytes_of(state->data_key, state->data_key_size), &room);
}
