// SPDX-License-Identifier: Apache-2.0
// LOG_GET, HEAD_PROOF, STATUS, SIGN: questions that change nothing.
#include <string.h>

#include "base/bytes.h"
#include "chain/hash.h"
#include "crypto/suite.h"
#include "enclave/bundle.h"
#include "enclave/entry.h"
#include "enclave/pair.h"
#include "enclave/serve.h"
#include "wire/cbor.h"

// What LOG_ENTRIES has beside its entries: type, log_id, head and heads of
// items.
#define LIST_MARGIN 192u // bytes

// ---- LOG_GET ---------------------------------------------------------------

// A prepared entry is shown to the RTP only: to others it is news before its
// time.
static bool is_shown(const struct enclave *enclave,
                     const struct enclave_request *request,
                     enum enclave_place place)
{
    const struct enclave_state *state = &enclave->state;
    const struct enclave_slot *slot =
        place == ENCLAVE_CUR ? &state->cur : &state->pending;
    bool is_public =
        place == ENCLAVE_CUR || (!state->pending_is_recovery &&
                                 request->route.way != ENCLAVE_WAY_PROGRAM);
    return enclave_has_log(enclave) && slot->is_used && is_public &&
           chain_order_compare(&slot->facts.order,
                               &request->message.log_get.from) >= 0;
}

struct listing {
    size_t count;
    size_t size;
    struct rotor_room entries[2];
};

static enum rotor_status collect(struct enclave *enclave,
                                 const struct enclave_request *request,
                                 struct listing *list)
{
    const enum enclave_place places[] = {ENCLAVE_CUR, ENCLAVE_PENDING};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        if (!is_shown(enclave, request, places[i])) {
            continue;
        }
        struct rotor_room entry = ROOM_OF(enclave->entries[list->count]);
        TRY(enclave_entry_emit(enclave, places[i], &entry));
        bool fits = list->size + entry.used + LIST_MARGIN <= WIRE_PAYLOAD_MAX;
        bool is_wanted = list->count < request->message.log_get.max;
        if (entry.used == 0 || !fits || !is_wanted) {
            break;
        }
        list->entries[list->count++] = entry;
        list->size += entry.used;
    }
    return ROTOR_OK;
}

enum rotor_status enclave_serve_log_get(struct enclave *enclave,
                                        struct enclave_request *request,
                                        struct enclave_answer *answer)
{
    if (request->message.log_get.max == 0) {
        return ROTOR_MALFORMED;
    }
    if (request->route.way == ENCLAVE_WAY_HALF && enclave_is_flooded(enclave)) {
        return enclave_refuse(enclave, WIRE_E_RATE, 1);
    }
    struct listing list = {0};
    TRY(collect(enclave, request, &list));
    struct rotor_room array = ROOM_OF(enclave->list);
    struct cbor_writer out;
    cbor_writer_init(&out, &array);
    cbor_write_array(&out, list.count);
    for (size_t i = 0; i < list.count; i++) {
        cbor_write_raw(&out, bytes_in(&list.entries[i]));
    }
    TRY(cbor_writer_finish(&out));
    struct wire_log_entries message = {
        .log_id = request->route.log_id,
        .entries = bytes_in(&array),
        .has_head = enclave_has_log(enclave),
        .head = enclave_head(enclave),
    };
    return enclave_answer_with(answer, WIRE_LOG_ENTRIES,
                               &WIRE_LAYOUT_LOG_ENTRIES, &message);
}

// ---- HEAD_PROOF and STATUS -------------------------------------------------

enum rotor_status enclave_serve_head_proof(struct enclave *enclave,
                                           struct enclave_request *request,
                                           struct enclave_answer *answer)
{
    uint8_t payload_bytes[CHAIN_STATEMENT_MAX];
    uint8_t sig_bytes[ENCLAVE_SIG_MAX];
    struct rotor_room payload = ROOM_OF(payload_bytes);
    struct rotor_room sig = ROOM_OF(sig_bytes);
    struct chain_head head = {
        .log_id = enclave_log_id(enclave),
        .head = enclave_head(enclave),
        .n = enclave->anchor_n,
        .nonce = request->message.head_proof.nonce,
    };
    TRY(chain_head_encode(&head, &payload));
    TRY(enclave_sign(enclave, LABEL(WIRE_CONTEXT_HEAD), bytes_in(&payload),
                     &sig));
    enclave_count_beside(enclave, request);
    struct wire_head_reply message = {
        .log_id = request->route.log_id,
        .nonce = head.nonce,
        .epoch = head.head.epoch,
        .body_hash = head.head.body_hash,
        .n = head.n,
        .sig = bytes_in(&sig),
    };
    return enclave_answer_with(answer, WIRE_HEAD_PROOF, &WIRE_LAYOUT_HEAD_REPLY,
                               &message);
}

enum rotor_status enclave_serve_status(struct enclave *enclave,
                                       struct enclave_request *request,
                                       struct enclave_answer *answer)
{
    uint8_t map_bytes[1024];
    struct rotor_room map = ROOM_OF(map_bytes);
    TRY(enclave_status_encode(enclave, true, &map));
    struct wire_status_reply message = {request->route.log_id, bytes_in(&map)};
    return enclave_answer_with(answer, WIRE_STATUS, &WIRE_LAYOUT_STATUS_REPLY,
                               &message);
}

enum rotor_status enclave_serve_pairs_over(struct enclave *enclave,
                                           struct enclave_request *request,
                                           struct enclave_answer *answer)
{
    enclave->pairs_over |= request->message.pairs_over.set;
    return enclave_serve_status(enclave, request, answer);
}

// ---- SIGN ------------------------------------------------------------------

// Suite 1 signs the message itself, 2 and 3 a digest that the caller made.
static enum rotor_status sign_input(const struct crypto_key *key,
                                    struct rotor_bytes input,
                                    struct rotor_room *signature)
{
    if (bytes_are_empty(input)) {
        return ROTOR_OK;
    }
    if (key->scheme == CRYPTO_ED25519) {
        return crypto_sign(key, input, signature);
    }
    size_t digest = crypto_hash_size(crypto_hash_of_scheme(key->scheme));
    return input.size == digest ? crypto_sign_digest(key, input, signature)
                                : ROTOR_MALFORMED;
}

static enum rotor_status sign_with(const struct crypto_key *key,
                                   const struct enclave_request *request,
                                   struct enclave_answer *answer)
{
    uint8_t key_bytes[WIRE_KEY_ENCODED_MAX];
    uint8_t signature_bytes[CRYPTO_SIGNATURE_MAX];
    struct rotor_room encoded = ROOM_OF(key_bytes);
    struct rotor_room signature = ROOM_OF(signature_bytes);
    struct wire_key public_key;
    TRY(sign_input(key, request->message.sign.input, &signature));
    TRY(wire_key_of(key, &public_key));
    TRY(wire_key_encode(&public_key, &encoded));
    struct wire_signed message = {
        .log_id = request->route.log_id,
        .service_key = bytes_in(&encoded),
        .signature = bytes_in(&signature),
    };
    return enclave_answer_with(answer, WIRE_SIGNED, &WIRE_LAYOUT_SIGNED,
                               &message);
}

static enum rotor_status sign_with_old(const struct enclave *enclave,
                                       const struct enclave_request *request,
                                       struct enclave_answer *answer)
{
    const struct enclave_service *service = &enclave->state.old_service;
    const struct crypto_suite *suite = crypto_suite_of(service->suite);
    struct crypto_key key = {0};
    enum rotor_status status =
        suite == NULL ? ROTOR_CORRUPT
                      : enclave_secret_open(&service->key, suite->sign, &key);
    if (status == ROTOR_OK) {
        status = sign_with(&key, request, answer);
    }
    crypto_key_close(&key);
    return status;
}

enum rotor_status enclave_serve_sign(struct enclave *enclave,
                                     struct enclave_request *request,
                                     struct enclave_answer *answer)
{
    const struct wire_digest *kid = &request->message.sign.service_kid;
    const struct enclave_service *old = &enclave->state.old_service;
    bool is_current = wire_digest_is_empty(kid) ||
                      wire_digest_equal(kid, &enclave->keys.service_kid);
    bool is_old = old->is_live && enclave_running_s(enclave) < old->end_s &&
                  wire_digest_equal(kid, &enclave->old_service_kid);
    if (is_current) {
        return sign_with(&enclave->keys.service, request, answer);
    }
    if (is_old) {
        return sign_with_old(enclave, request, answer);
    }
    return enclave_refuse(enclave, WIRE_E_NOT_FOUND, 0);
}
