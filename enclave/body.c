// SPDX-License-Identifier: Apache-2.0
#include "enclave/body.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "chain/hash.h"
#include "crypto/suite.h"
#include "enclave/serve.h"

static enum rotor_status request_hash(const struct enclave_order *order,
                                      struct wire_digest *digest)
{
    struct chain_request request = {
        .from_epoch = order->from_epoch,
        .suite = order->suite,
        .seed_src = order->seed_src,
        .reason = order->reason,
        .distrust_from = order->has_distrust_from ? order->distrust_from : 0,
    };
    memcpy(request.id, order->request_id, sizeof request.id);
    return chain_hash_request(&request, digest);
}

enum rotor_status enclave_body_make(const struct enclave *enclave,
                                    const struct enclave_order *order,
                                    const struct enclave_made *made)
{
    struct chain_body body = {
        .log_id = order->log_id,
        .kind = order->kind,
        .epoch = order->place.epoch,
        .incarnation = order->place.incarnation,
        .prev = order->prev,
        .suite = order->suite,
        .sign = made->sign,
        .agree = made->agree,
        .auth = made->auth,
        .next_commit = made->next_commit,
        .reason = order->reason,
        .n = order->n,
        .tick_s = enclave_uptime_s(enclave),
        .measurement = enclave->identity.measurement,
        .seed_src = order->seed_src,
        .policy_bytes = order->policy,
        .has_distrust_from = order->has_distrust_from,
        .distrust_from = order->distrust_from,
        .supersedes = order->supersedes,
    };
    memcpy(body.boot_id, enclave->boot_id, sizeof body.boot_id);
    if (order->kind == CHAIN_ROTATE || order->kind == CHAIN_CLOSE) {
        body.old_kid = enclave->keys.sign_kid;
    }
    TRY(request_hash(order, &body.request_hash));
    struct enclave_slot *slot = made->slot;
    struct rotor_room room = ROOM_OF(slot->body);
    TRY(chain_body_encode(&body, &room));
    slot->body_size = room.used;
    slot->is_used = true;
    return enclave_slot_settle(slot);
}

enum rotor_status enclave_slot_settle(struct enclave_slot *slot)
{
    struct chain_body body;
    TRY(chain_body_decode(bytes_of(slot->body, slot->body_size), &body));
    struct enclave_facts facts = {
        .kind = body.kind,
        .order = {body.incarnation, body.epoch},
        .suite = body.suite,
        .reason = body.reason,
        .log_id = body.log_id,
        .supersedes = body.supersedes,
    };
    TRY(chain_body_hash(&body, &facts.body_hash));
    slot->facts = facts;
    return ROTOR_OK;
}

// ---- keys out of a slot ----------------------------------------------------

enum rotor_status enclave_secret_open(const struct enclave_secret *secret,
                                      enum crypto_scheme scheme,
                                      struct crypto_key *key)
{
    return crypto_key_import(key, scheme,
                             bytes_of(secret->bytes, secret->size));
}

static enum rotor_status kid_of(const struct crypto_key *key,
                                struct wire_digest *kid)
{
    struct wire_key public_key;
    TRY(wire_key_of(key, &public_key));
    return wire_key_id(&public_key, kid);
}

enum rotor_status enclave_keys_name(const struct enclave_slot *slot,
                                    struct enclave_keys *keys)
{
    keys->body_hash = slot->facts.body_hash;
    TRY(kid_of(&keys->sign, &keys->sign_kid));
    return kid_of(&keys->service, &keys->service_kid);
}

static enum rotor_status open_all(const struct enclave_slot *slot,
                                  struct enclave_keys *keys)
{
    const struct crypto_suite *suite = crypto_suite_of(slot->facts.suite);
    if (suite == NULL) {
        return ROTOR_CORRUPT;
    }
    TRY(enclave_secret_open(&slot->sign, suite->sign, &keys->sign));
    TRY(enclave_secret_open(&slot->agree, suite->agree, &keys->agree));
    TRY(enclave_secret_open(&slot->service, suite->sign, &keys->service));
    return enclave_keys_name(slot, keys);
}

void enclave_keys_close(struct enclave_keys *keys)
{
    crypto_key_close(&keys->sign);
    crypto_key_close(&keys->agree);
    crypto_key_close(&keys->service);
    secret_wipe(keys, sizeof *keys);
}

enum rotor_status enclave_keys_open(const struct enclave_slot *slot,
                                    struct enclave_keys *keys)
{
    enum rotor_status status = open_all(slot, keys);
    if (status != ROTOR_OK) {
        enclave_keys_close(keys);
    }
    return status;
}

bool enclave_keys_are_of(const struct enclave_keys *keys,
                         const struct enclave_slot *slot)
{
    return !wire_digest_is_empty(&keys->body_hash) &&
           wire_digest_equal(&keys->body_hash, &slot->facts.body_hash);
}

enum rotor_status enclave_keys_take(struct enclave *enclave,
                                    const struct enclave_slot *slot,
                                    struct enclave_keys *keys)
{
    if (!enclave_keys_are_of(&enclave->made, slot)) {
        return enclave_keys_open(slot, keys);
    }
    *keys = enclave->made;
    enclave->made = (struct enclave_keys){0};
    return ROTOR_OK;
}
