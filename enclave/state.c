// SPDX-License-Identifier: Apache-2.0
// The files of the AP as CBOR: core, attach, recover.
#include "enclave/state.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "enclave/bundle.h"
#include "enclave/store.h"
#include "wire/cbor.h"

#define VERSION 1u

// ---- short pieces ----------------------------------------------------------

static void write_view(struct cbor_writer *out, const uint8_t *data,
                       size_t size)
{
    cbor_write_bytes(out, bytes_of(data, size));
}

static void write_keyed(struct cbor_writer *out, uint64_t key,
                        const uint8_t *data, size_t size)
{
    cbor_write_uint(out, key);
    write_view(out, data, size);
}

// Reads a byte string into room that the struct has for it.
static size_t read_into(struct cbor_reader *in, uint8_t *data, size_t capacity)
{
    struct rotor_bytes bytes = cbor_read_bytes_sized(in, 0, capacity);
    if (bytes.size > 0) {
        memcpy(data, bytes.data, bytes.size);
    }
    return bytes.size;
}

static void read_secret(struct cbor_reader *in, int64_t key,
                        struct enclave_secret *secret)
{
    cbor_read_key(in, key);
    secret->size = read_into(in, secret->bytes, sizeof secret->bytes);
}

static void read_fixed(struct cbor_reader *in, int64_t key, uint8_t *data,
                       size_t size)
{
    cbor_read_key(in, key);
    cbor_read_bytes_into(in, data, size);
}

static uint32_t read_u32(struct cbor_reader *in)
{
    return (uint32_t)cbor_read_uint_max(in, UINT32_MAX);
}

// ---- slot ------------------------------------------------------------------

static void write_slot(struct cbor_writer *out, const struct enclave_slot *slot)
{
    const bool there[] = {slot->auth.size > 0, slot->next_auth.size > 0,
                          slot->sig_ra_size > 0, slot->ra_sets_size > 0,
                          slot->with_old};
    size_t optional = 0;
    for (size_t i = 0; i < COUNT_OF(there); i++) {
        optional += there[i] ? 1u : 0u;
    }
    cbor_write_map(out, 7 + optional);
    write_keyed(out, 0, slot->body, slot->body_size);
    write_keyed(out, 1, slot->sign.bytes, slot->sign.size);
    write_keyed(out, 2, slot->agree.bytes, slot->agree.size);
    write_keyed(out, 3, slot->chain, sizeof slot->chain);
    write_keyed(out, 4, slot->data, sizeof slot->data);
    if (slot->auth.size > 0) {
        write_keyed(out, 5, slot->auth.bytes, slot->auth.size);
    }
    if (slot->next_auth.size > 0) {
        write_keyed(out, 6, slot->next_auth.bytes, slot->next_auth.size);
    }
    write_keyed(out, 7, slot->request_id, sizeof slot->request_id);
    if (slot->sig_ra_size > 0) {
        write_keyed(out, 8, slot->sig_ra, slot->sig_ra_size);
    }
    if (slot->ra_sets_size > 0) {
        write_keyed(out, 9, slot->ra_sets, slot->ra_sets_size);
    }
    write_keyed(out, 10, slot->service.bytes, slot->service.size);
    if (slot->with_old) {
        cbor_write_uint(out, 11);
        cbor_write_uint(out, 1);
    }
}

static void read_slot(struct cbor_reader *in, struct enclave_slot *slot)
{
    (void)cbor_read_map(in);
    cbor_read_key(in, 0);
    slot->body_size = read_into(in, slot->body, sizeof slot->body);
    read_secret(in, 1, &slot->sign);
    read_secret(in, 2, &slot->agree);
    read_fixed(in, 3, slot->chain, sizeof slot->chain);
    read_fixed(in, 4, slot->data, sizeof slot->data);
    if (cbor_take_key(in, 5)) {
        slot->auth.size =
            read_into(in, slot->auth.bytes, sizeof slot->auth.bytes);
    }
    if (cbor_take_key(in, 6)) {
        slot->next_auth.size =
            read_into(in, slot->next_auth.bytes, sizeof slot->next_auth.bytes);
    }
    read_fixed(in, 7, slot->request_id, sizeof slot->request_id);
    if (cbor_take_key(in, 8)) {
        slot->sig_ra_size = read_into(in, slot->sig_ra, sizeof slot->sig_ra);
    }
    if (cbor_take_key(in, 9)) {
        slot->ra_sets_size = read_into(in, slot->ra_sets, sizeof slot->ra_sets);
    }
    read_secret(in, 10, &slot->service);
    if (cbor_take_key(in, 11)) {
        slot->with_old = cbor_read_uint_max(in, 1) == 1;
    }
    cbor_end_map(in);
    if (cbor_has_failed(in) || enclave_slot_settle(slot) != ROTOR_OK) {
        cbor_refuse(in);
    }
    slot->is_used = true;
}

enum rotor_status enclave_slot_encode(const struct enclave_slot *slot,
                                      struct rotor_room *bytes)
{
    struct cbor_writer out;
    cbor_writer_init(&out, bytes);
    write_slot(&out, slot);
    return cbor_writer_finish(&out);
}

enum rotor_status enclave_slot_decode(struct rotor_bytes bytes,
                                      struct enclave_slot *slot)
{
    struct cbor_reader in;
    secret_wipe(slot, sizeof *slot);
    cbor_reader_init(&in, bytes);
    read_slot(&in, slot);
    if (!cbor_finished(&in)) {
        secret_wipe(slot, sizeof *slot);
        return ROTOR_MALFORMED;
    }
    return ROTOR_OK;
}

// ---- core ------------------------------------------------------------------

static void write_limits(struct cbor_writer *out,
                         const struct enclave_state *state)
{
    const struct enclave_tokens *tokens = &state->tokens;
    cbor_write_uint(out, 11);
    cbor_write_array(out, 5);
    cbor_write_uint(out, tokens->left);
    cbor_write_uint(out, tokens->has_emergency ? 1 : 0);
    cbor_write_uint(out, tokens->running_s);
    cbor_write_uint(out, tokens->refill_s);
    cbor_write_uint(out, tokens->emergency_s);

    const struct enclave_service *service = &state->old_service;
    cbor_write_uint(out, 12);
    cbor_write_array(out, service->is_live ? 1 : 0);
    if (service->is_live) {
        cbor_write_array(out, 3);
        cbor_write_uint(out, service->suite);
        write_view(out, service->key.bytes, service->key.size);
        cbor_write_uint(out, service->end_s);
    }
}

static void write_slots(struct cbor_writer *out,
                        const struct enclave_state *state)
{
    if (state->cur.is_used) {
        cbor_write_uint(out, 5);
        write_slot(out, &state->cur);
    }
    if (state->pending.is_used) {
        cbor_write_uint(out, state->pending_is_recovery ? 7 : 6);
        write_slot(out, &state->pending);
    }
}

enum rotor_status enclave_state_encode(const struct enclave_state *state,
                                       struct rotor_room *core)
{
    struct cbor_writer out;
    cbor_writer_init(&out, core);
    cbor_write_map(&out, 12 + (state->cur.is_used ? 1u : 0u) +
                             (state->pending.is_used ? 1u : 0u));
    cbor_write_uint(&out, 0);
    cbor_write_uint(&out, VERSION);
    cbor_write_uint(&out, 1);
    cbor_write_uint(&out, state->n);
    write_keyed(&out, 2, state->v, sizeof state->v);
    cbor_write_uint(&out, 3);
    wire_write_digest(&out, &state->log_id);
    cbor_write_uint(&out, 4);
    cbor_write_uint(&out, state->incarnation);
    write_slots(&out, state);
    write_keyed(&out, 8, state->data_key, state->data_key_size);
    write_keyed(&out, 9, state->policy, state->policy_size);
    cbor_write_uint(&out, 10);
    wire_write_digest(&out, &state->control_kid);
    write_limits(&out, state);
    write_keyed(&out, 13, state->generate_id, sizeof state->generate_id);
    cbor_write_uint(&out, 14);
    cbor_write_uint(&out, state->is_burnt ? 1 : 0);
    return cbor_writer_finish(&out);
}

static void read_limits(struct cbor_reader *in, struct enclave_state *state)
{
    struct enclave_tokens *tokens = &state->tokens;
    cbor_read_key(in, 11);
    cbor_read_array_of(in, 5);
    tokens->left = read_u32(in);
    tokens->has_emergency = cbor_read_uint_max(in, 1) == 1;
    tokens->running_s = cbor_read_uint(in);
    tokens->refill_s = cbor_read_uint(in);
    tokens->emergency_s = cbor_read_uint(in);

    struct enclave_service *service = &state->old_service;
    cbor_read_key(in, 12);
    size_t count = cbor_read_array(in);
    if (count > 1) {
        cbor_refuse(in);
    }
    if (count == 1) {
        cbor_read_array_of(in, 3);
        service->suite = read_u32(in);
        service->key.size =
            read_into(in, service->key.bytes, sizeof service->key.bytes);
        service->end_s = cbor_read_uint(in);
        service->is_live = true;
    }
}

static void read_slots(struct cbor_reader *in, struct enclave_state *state)
{
    if (cbor_take_key(in, 5)) {
        read_slot(in, &state->cur);
    }
    if (cbor_take_key(in, 6)) {
        read_slot(in, &state->pending);
    } else if (cbor_take_key(in, 7)) {
        read_slot(in, &state->pending);
        state->pending_is_recovery = true;
    }
}

static void read_core(struct cbor_reader *in, struct enclave_state *state)
{
    (void)cbor_read_map(in);
    cbor_read_key(in, 0);
    if (cbor_read_uint(in) != VERSION) {
        cbor_refuse(in);
    }
    cbor_read_key(in, 1);
    state->n = cbor_read_uint(in);
    read_fixed(in, 2, state->v, sizeof state->v);
    cbor_read_key(in, 3);
    wire_read_mdigest(in, &state->log_id);
    cbor_read_key(in, 4);
    state->incarnation = read_u32(in);
    read_slots(in, state);
    cbor_read_key(in, 8);
    state->data_key_size =
        read_into(in, state->data_key, sizeof state->data_key);
    cbor_read_key(in, 9);
    state->policy_size = read_into(in, state->policy, sizeof state->policy);
    cbor_read_key(in, 10);
    wire_read_mdigest(in, &state->control_kid);
    read_limits(in, state);
    read_fixed(in, 13, state->generate_id, sizeof state->generate_id);
    cbor_read_key(in, 14);
    state->is_burnt = cbor_read_uint_max(in, 1) == 1;
    cbor_end_map(in);
}

enum rotor_status enclave_state_decode(struct rotor_bytes core,
                                       struct enclave_state *state)
{
    struct cbor_reader in;
    secret_wipe(state, sizeof *state);
    cbor_reader_init(&in, core);
    read_core(&in, state);
    if (!cbor_finished(&in)) {
        secret_wipe(state, sizeof *state);
        return ROTOR_MALFORMED;
    }
    return ROTOR_OK;
}

// ---- attach ----------------------------------------------------------------

static void write_signatures(struct cbor_writer *out,
                             const struct enclave_signatures *of)
{
    cbor_write_array(out, 5);
    wire_write_digest(out, &of->body_hash);
    write_view(out, of->old, of->old_size);
    write_view(out, of->auth_ots, of->auth_size[0]);
    write_view(out, of->auth_sign, of->auth_size[1]);
    write_view(out, of->pop, of->pop_size);
}

enum rotor_status
enclave_signatures_encode(const struct enclave_signatures *all,
                          struct rotor_room *bytes)
{
    struct cbor_writer out;
    cbor_writer_init(&out, bytes);
    cbor_write_array(&out, ENCLAVE_SIGNATURES_COUNT);
    for (size_t i = 0; i < ENCLAVE_SIGNATURES_COUNT; i++) {
        write_signatures(&out, &all[i]);
    }
    return cbor_writer_finish(&out);
}

static void read_signatures(struct cbor_reader *in,
                            struct enclave_signatures *of)
{
    cbor_read_array_of(in, 5);
    wire_read_mdigest(in, &of->body_hash);
    of->old_size = read_into(in, of->old, sizeof of->old);
    of->auth_size[0] = read_into(in, of->auth_ots, sizeof of->auth_ots);
    of->auth_size[1] = read_into(in, of->auth_sign, sizeof of->auth_sign);
    of->pop_size = read_into(in, of->pop, sizeof of->pop);
}

enum rotor_status enclave_signatures_decode(struct rotor_bytes bytes,
                                            struct enclave_signatures *all)
{
    struct cbor_reader in;
    memset(all, 0, ENCLAVE_SIGNATURES_COUNT * sizeof *all);
    cbor_reader_init(&in, bytes);
    cbor_read_array_of(&in, ENCLAVE_SIGNATURES_COUNT);
    for (size_t i = 0; i < ENCLAVE_SIGNATURES_COUNT; i++) {
        read_signatures(&in, &all[i]);
    }
    if (!cbor_finished(&in)) {
        memset(all, 0, ENCLAVE_SIGNATURES_COUNT * sizeof *all);
        return ROTOR_MALFORMED;
    }
    return ROTOR_OK;
}
