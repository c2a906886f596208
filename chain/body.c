// SPDX-License-Identifier: Apache-2.0
// Body of an entry: the keys of doc/PROTOCOL.chain 1.1 in their order.
#include <string.h>

#include "base/bytes.h"
#include "chain/entry.h"
#include "chain/hash.h"
#include "crypto/suite.h"
#include "wire/cbor.h"

// What each kind must have; what is false it must not have.
struct shape {
    bool log_id;
    bool prev;
    bool auth; // keys 9 and 11
    bool next_commit;
    bool supersedes;
    uint32_t reason_min;
    uint32_t reason_max;
};

static const struct shape SHAPES[] = {
    [CHAIN_GENESIS] = {.next_commit = true,
                       .reason_min = WIRE_REASON_INITIAL,
                       .reason_max = WIRE_REASON_INITIAL  },
    [CHAIN_ROTATE] = { .log_id = true,
                       .prev = true,
                       .auth = true,
                       .next_commit = true,
                       .reason_min = WIRE_REASON_SCHEDULED,
                       .reason_max = WIRE_REASON_OPERATOR},
    [CHAIN_RECOVER] = {    .log_id = true,
                       .prev = true,
                       .next_commit = true,
                       .supersedes = true,
                       .reason_min = WIRE_REASON_RECOVERY,
                       .reason_max = WIRE_REASON_RECOVERY},
    [CHAIN_REINCEPT] = {    .log_id = true,
                       .prev = true,
                       .next_commit = true,
                       .supersedes = true,
                       .reason_min = WIRE_REASON_RECOVERY,
                       .reason_max = WIRE_REASON_RECOVERY},
    [CHAIN_CLOSE] = {                    .log_id = true,
                       .prev = true,
                       .auth = true,
                       .reason_min = WIRE_REASON_SCHEDULED,
                       .reason_max = WIRE_REASON_OPERATOR},
};

static bool key_is_of_suites(const struct wire_key *key)
{
    return key->type != WIRE_KEY_NONE && key->type != WIRE_KEY_LMOTS;
}

static bool body_has_shape(const struct chain_body *body)
{
    const struct shape *shape = &SHAPES[body->kind];
    bool has_auth = body->auth.ots.type == WIRE_KEY_LMOTS &&
                    key_is_of_suites(&body->auth.sign);
    bool has_no_auth = body->auth.ots.type == WIRE_KEY_NONE &&
                       body->auth.sign.type == WIRE_KEY_NONE;
    bool keys_fit =
        wire_digest_is_empty(&body->log_id) != shape->log_id &&
        wire_digest_is_empty(&body->prev) != shape->prev &&
        (shape->auth ? has_auth : has_no_auth) &&
        wire_digest_is_empty(&body->old_kid) != shape->auth &&
        wire_digest_is_empty(&body->next_commit) != shape->next_commit &&
        wire_digest_is_empty(&body->supersedes.body_hash) != shape->supersedes;
    bool reason_fits =
        shape->reason_min <= body->reason && body->reason <= shape->reason_max;
    bool is_first = body->epoch == 0;
    bool starts_epochs = body->kind == CHAIN_GENESIS;
    bool starts_at_all = !starts_epochs || body->incarnation == 0;
    bool distrust_fits = !body->has_distrust_from ||
                         (body->reason == WIRE_REASON_KEY_COMPROMISE &&
                          body->distrust_from <= body->epoch);
    return keys_fit && reason_fits && is_first == starts_epochs &&
           starts_at_all && distrust_fits;
}

// ---- decode ----------------------------------------------------------------

static void read_identity(struct cbor_reader *in, struct chain_body *body)
{
    cbor_read_key(in, 0);
    if (cbor_read_uint(in) != CHAIN_VERSION) {
        cbor_refuse(in);
    }
    cbor_read_key(in, 1);
    wire_read_mdigest(in, &body->log_id);
    cbor_read_key(in, 2);
    body->kind = (enum chain_kind)cbor_read_uint_max(in, CHAIN_CLOSE);
    cbor_read_key(in, 3);
    body->epoch = cbor_read_uint(in);
    cbor_read_key(in, 4);
    body->incarnation = (uint32_t)cbor_read_uint_max(in, UINT32_MAX);
    cbor_read_key(in, 5);
    wire_read_mdigest(in, &body->prev);
    cbor_read_key(in, 6);
    body->suite = (uint32_t)cbor_read_uint_max(in, UINT16_MAX);
    body->suite_is_known = crypto_suite_of(body->suite) != NULL;
}

// A key of the entry's own suite; one of a later suite has another form.
static void read_suite_key(struct cbor_reader *in, struct chain_body *body,
                           struct wire_key *key)
{
    if (!body->suite_is_known) {
        (void)cbor_read_item(in);
        return;
    }
    wire_read_key(in, key);
    if (!key_is_of_suites(key)) {
        cbor_refuse(in);
    }
}

static void read_keys(struct cbor_reader *in, struct chain_body *body)
{
    cbor_read_key(in, 7);
    read_suite_key(in, body, &body->sign);
    cbor_read_key(in, 8);
    read_suite_key(in, body, &body->agree);
    if (cbor_take_key(in, 9)) { // of the predecessor's suite
        cbor_read_array_of(in, 2);
        wire_read_key(in, &body->auth.ots);
        wire_read_key(in, &body->auth.sign);
    }
    cbor_read_key(in, 10);
    wire_read_mdigest(in, &body->next_commit);
    if (cbor_take_key(in, 11)) {
        wire_read_digest(in, &body->old_kid);
    }
}

static void read_circumstances(struct cbor_reader *in, struct chain_body *body)
{
    cbor_read_key(in, 12);
    body->reason = (uint32_t)cbor_read_uint_max(in, WIRE_REASON_RECOVERY);
    cbor_read_key(in, 13);
    body->n = cbor_read_uint(in);
    cbor_read_key(in, 14);
    cbor_read_array_of(in, 2);
    body->tick_s = cbor_read_uint(in);
    cbor_read_bytes_into(in, body->boot_id, sizeof body->boot_id);
    if (cbor_take_key(in, 15)) {
        body->has_time = true;
        cbor_read_array_of(in, 2);
        body->time_s = cbor_read_uint(in);
        body->time_source = (uint32_t)cbor_read_uint_max(in, 3);
        if (body->time_source == 0) {
            cbor_refuse(in);
        }
    }
    cbor_read_key(in, 16);
    wire_read_digest(in, &body->measurement);
    cbor_read_key(in, 17);
    cbor_read_array_of(in, 2);
    body->seed_src = (uint32_t)cbor_read_uint_max(in, 3);
    wire_read_digest(in, &body->request_hash);
}

static void read_authority(struct cbor_reader *in, struct chain_body *body)
{
    cbor_read_key(in, 18);
    body->policy_bytes = cbor_read_item(in);
    if (cbor_take_key(in, 19)) {
        body->has_distrust_from = true;
        body->distrust_from = cbor_read_uint(in);
    }
    struct wire_digest reserved; // keys 20 and 21: not written, not judged
    if (cbor_take_key(in, 20)) {
        wire_read_digest(in, &reserved);
    }
    if (cbor_take_key(in, 21)) {
        wire_read_digest(in, &reserved);
    }
    if (cbor_take_key(in, 22)) {
        cbor_read_array_of(in, 2);
        body->supersedes.epoch = cbor_read_uint(in);
        wire_read_digest(in, &body->supersedes.body_hash);
    }
}

static bool body_decodes(struct rotor_bytes bytes, struct chain_body *body)
{
    struct cbor_reader in;
    cbor_reader_init(&in, bytes);
    cbor_read_map(&in);
    read_identity(&in, body);
    read_keys(&in, body);
    read_circumstances(&in, body);
    read_authority(&in, body);
    cbor_end_map_ignoring(&in);
    return bytes.size <= CHAIN_BODY_MAX && cbor_finished(&in) &&
           chain_policy_decode(body->policy_bytes, &body->policy) == ROTOR_OK &&
           body_has_shape(body);
}

enum rotor_status chain_body_decode(struct rotor_bytes bytes,
                                    struct chain_body *body)
{
    memset(body, 0, sizeof *body);
    if (!body_decodes(bytes, body)) {
        memset(body, 0, sizeof *body);
        body->kind = CHAIN_KIND_NONE;
        return ROTOR_MALFORMED;
    }
    body->bytes = bytes;
    return ROTOR_OK;
}

// ---- encode ----------------------------------------------------------------

static size_t count_keys(const struct chain_body *body)
{
    size_t always = 16;
    size_t auth = body->auth.ots.type == WIRE_KEY_NONE ? 0 : 1;
    size_t old_kid = wire_digest_is_empty(&body->old_kid) ? 0 : 1;
    size_t supersedes =
        wire_digest_is_empty(&body->supersedes.body_hash) ? 0 : 1;
    size_t time = body->has_time ? 1 : 0;
    size_t distrust = body->has_distrust_from ? 1 : 0;
    return always + auth + old_kid + supersedes + time + distrust;
}

static void write_identity(struct cbor_writer *out,
                           const struct chain_body *body)
{
    cbor_write_uint(out, 0);
    cbor_write_uint(out, CHAIN_VERSION);
    cbor_write_uint(out, 1);
    wire_write_digest(out, &body->log_id);
    cbor_write_uint(out, 2);
    cbor_write_int(out, body->kind);
    cbor_write_uint(out, 3);
    cbor_write_uint(out, body->epoch);
    cbor_write_uint(out, 4);
    cbor_write_uint(out, body->incarnation);
    cbor_write_uint(out, 5);
    wire_write_digest(out, &body->prev);
    cbor_write_uint(out, 6);
    cbor_write_uint(out, body->suite);
}

static void write_keys(struct cbor_writer *out, const struct chain_body *body)
{
    cbor_write_uint(out, 7);
    wire_write_key(out, &body->sign);
    cbor_write_uint(out, 8);
    wire_write_key(out, &body->agree);
    if (body->auth.ots.type != WIRE_KEY_NONE) {
        cbor_write_uint(out, 9);
        cbor_write_array(out, 2);
        wire_write_key(out, &body->auth.ots);
        wire_write_key(out, &body->auth.sign);
    }
    cbor_write_uint(out, 10);
    wire_write_digest(out, &body->next_commit);
    if (!wire_digest_is_empty(&body->old_kid)) {
        cbor_write_uint(out, 11);
        wire_write_digest(out, &body->old_kid);
    }
}

static void write_circumstances(struct cbor_writer *out,
                                const struct chain_body *body)
{
    cbor_write_uint(out, 12);
    cbor_write_uint(out, body->reason);
    cbor_write_uint(out, 13);
    cbor_write_uint(out, body->n);
    cbor_write_uint(out, 14);
    cbor_write_array(out, 2);
    cbor_write_uint(out, body->tick_s);
    cbor_write_bytes(out, BYTES_OF(body->boot_id));
    if (body->has_time) {
        cbor_write_uint(out, 15);
        cbor_write_array(out, 2);
        cbor_write_uint(out, body->time_s);
        cbor_write_uint(out, body->time_source);
    }
    cbor_write_uint(out, 16);
    wire_write_digest(out, &body->measurement);
    cbor_write_uint(out, 17);
    cbor_write_array(out, 2);
    cbor_write_uint(out, body->seed_src);
    wire_write_digest(out, &body->request_hash);
}

static void write_authority(struct cbor_writer *out,
                            const struct chain_body *body)
{
    cbor_write_uint(out, 18);
    cbor_write_raw(out, body->policy_bytes);
    if (body->has_distrust_from) {
        cbor_write_uint(out, 19);
        cbor_write_uint(out, body->distrust_from);
    }
    if (!wire_digest_is_empty(&body->supersedes.body_hash)) {
        cbor_write_uint(out, 22);
        cbor_write_array(out, 2);
        cbor_write_uint(out, body->supersedes.epoch);
        wire_write_digest(out, &body->supersedes.body_hash);
    }
}

enum rotor_status chain_body_encode(const struct chain_body *body,
                                    struct rotor_room *bytes)
{
    struct cbor_writer out;
    cbor_writer_init(&out, bytes);
    cbor_write_map(&out, count_keys(body));
    write_identity(&out, body);
    write_keys(&out, body);
    write_circumstances(&out, body);
    write_authority(&out, body);
    TRY(cbor_writer_finish(&out));
    struct chain_body again;
    if (chain_body_decode(bytes_in(bytes), &again) != ROTOR_OK ||
        !again.suite_is_known) {
        bytes->used = 0;
        return ROTOR_INVALID;
    }
    return ROTOR_OK;
}

enum rotor_status chain_body_hash(const struct chain_body *body,
                                  struct wire_digest *body_hash)
{
    const struct crypto_suite *suite = crypto_suite_of(body->suite);
    if (suite == NULL) {
        return ROTOR_INVALID;
    }
    return chain_hash_body(suite->hash, body->bytes, body_hash);
}
