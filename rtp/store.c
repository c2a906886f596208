// SPDX-License-Identifier: Apache-2.0
#include "rtp/store.h"

#include <string.h>

#include "base/bytes.h"
#include "wire/cbor.h"

#define STATE_VERSION 1u
#define CHECK_SIZE    32u // bytes, SHA-256 behind the map

// ---- state file ------------------------------------------------------------

static void write_intent(struct cbor_writer *out,
                         const struct rtp_intent *intent)
{
    cbor_write_array(out, 8);
    cbor_write_bytes(out, BYTES_OF(intent->id));
    cbor_write_uint(out, intent->from_epoch);
    cbor_write_uint(out, intent->suite);
    cbor_write_uint(out, intent->seed_src);
    cbor_write_uint(out, intent->reason);
    cbor_write_uint(out, intent->kind);
    cbor_write_uint(out, intent->distrust_from);
    cbor_write_bytes(out, bytes_of(intent->policy, intent->policy_size));
}

static void read_intent(struct cbor_reader *in, struct rtp_intent *intent)
{
    cbor_read_array_of(in, 8);
    cbor_read_bytes_into(in, intent->id, sizeof intent->id);
    intent->from_epoch = cbor_read_uint(in);
    intent->suite = (uint32_t)cbor_read_uint_max(in, UINT32_MAX);
    intent->seed_src = (uint32_t)cbor_read_uint_max(in, 3);
    intent->reason = (uint32_t)cbor_read_uint_max(in, WIRE_REASON_OPERATOR);
    intent->kind = (uint32_t)cbor_read_uint_max(in, CHAIN_CLOSE);
    intent->distrust_from = cbor_read_uint(in);
    struct rotor_bytes policy = cbor_read_bytes_sized(in, 0, CHAIN_POLICY_MAX);
    if (policy.size != 0) {
        memcpy(intent->policy, policy.data, policy.size);
    }
    intent->policy_size = policy.size;
}

// An empty trust is an empty byte string.
static enum rotor_status write_trust(struct cbor_writer *out,
                                     const struct chain_trust *trust)
{
    uint8_t bytes[CHAIN_TRUST_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    if (!chain_trust_is_empty(trust)) {
        TRY(chain_trust_encode(trust, &room));
    }
    cbor_write_bytes(out, bytes_in(&room));
    return ROTOR_OK;
}

static void read_trust(struct cbor_reader *in, struct chain_trust *trust)
{
    struct rotor_bytes bytes = cbor_read_bytes_sized(in, 0, CHAIN_TRUST_MAX);
    if (bytes.size != 0 && chain_trust_decode(bytes, trust) != ROTOR_OK) {
        cbor_refuse(in);
    }
}

enum rotor_status rtp_state_encode(const struct rtp_state *state,
                                   struct rotor_room *bytes)
{
    bytes->used = 0;
    struct cbor_writer out;
    cbor_writer_init(&out, bytes);
    cbor_write_array(&out, 11);
    cbor_write_uint(&out, STATE_VERSION);
    cbor_write_uint(&out, state->phase);
    TRY(write_trust(&out, &state->trust));
    TRY(write_trust(&out, &state->pend));
    cbor_write_bytes(&out, bytes_of(state->entry, state->entry_size));
    cbor_write_uint(&out, state->has_intent ? 1 : 0);
    write_intent(&out, &state->intent);
    cbor_write_array(&out, 2);
    cbor_write_uint(&out, state->floor.incarnation);
    cbor_write_uint(&out, state->floor.epoch);
    cbor_write_uint(&out, state->log_size);
    cbor_write_uint(&out, state->since_wall_s);
    cbor_write_uint(&out, state->rotations);
    TRY(cbor_writer_finish(&out));
    uint8_t check[CHECK_SIZE];
    struct rotor_bytes part = bytes_in(bytes);
    TRY(crypto_hash(CRYPTO_SHA256, &part, 1, check));
    return bytes_append(bytes, BYTES_OF(check));
}

// Which parts each phase has: zeroed memory is NEW.
static bool is_whole(const struct rtp_state *state)
{
    bool has_trust = !chain_trust_is_empty(&state->trust);
    bool has_pend = !chain_trust_is_empty(&state->pend);
    if ((state->entry_size != 0) != has_pend) {
        return false;
    }
    switch (state->phase) {
    case RTP_NEW:
        return !has_trust && !has_pend && !state->has_intent;
    case RTP_INTENT0:
        return !has_trust && !has_pend && state->has_intent;
    case RTP_ACC0:
        return !has_trust && has_pend;
    case RTP_CUR:
        return has_trust && !has_pend && !state->has_intent;
    case RTP_INTENT:
        return has_trust && !has_pend && state->has_intent;
    case RTP_PEND:
    case RTP_PENDX:
        return has_trust && has_pend;
    case RTP_QUAR:
        return true;
    }
    return false;
}

static bool read_state(struct rotor_bytes bytes, struct rtp_state *state)
{
    struct cbor_reader in;
    cbor_reader_init(&in, bytes);
    cbor_read_array_of(&in, 11);
    if (cbor_read_uint(&in) != STATE_VERSION) {
        return false;
    }
    state->phase = (enum rtp_phase)cbor_read_uint_max(&in, RTP_QUAR);
    read_trust(&in, &state->trust);
    read_trust(&in, &state->pend);
    struct rotor_bytes entry = cbor_read_bytes_sized(&in, 0, WIRE_ENTRY_MAX);
    if (entry.size != 0) {
        memcpy(state->entry, entry.data, entry.size);
    }
    state->entry_size = entry.size;
    state->has_intent = cbor_read_uint_max(&in, 1) == 1;
    read_intent(&in, &state->intent);
    cbor_read_array_of(&in, 2);
    state->floor.incarnation = (uint32_t)cbor_read_uint_max(&in, UINT32_MAX);
    state->floor.epoch = cbor_read_uint(&in);
    state->log_size = cbor_read_uint(&in);
    state->since_wall_s = cbor_read_uint(&in);
    state->rotations = cbor_read_uint(&in);
    return cbor_finished(&in) && is_whole(state);
}

enum rotor_status rtp_state_decode(struct rotor_bytes bytes,
                                   struct rtp_state *state)
{
    memset(state, 0, sizeof *state);
    if (bytes.size < CHECK_SIZE) {
        return ROTOR_CORRUPT;
    }
    struct rotor_bytes map = {bytes.data, bytes.size - CHECK_SIZE};
    uint8_t check[CHECK_SIZE];
    TRY(crypto_hash(CRYPTO_SHA256, &map, 1, check));
    bool is_sound = memcmp(check, bytes.data + map.size, CHECK_SIZE) == 0;
    if (!is_sound || !read_state(map, state)) {
        memset(state, 0, sizeof *state);
        return ROTOR_CORRUPT;
    }
    return ROTOR_OK;
}

struct rtp_standing rtp_state_standing(const struct rtp_state *state)
{
    struct rtp_standing standing = {
        .phase = state->phase,
        .has_cur = !chain_trust_is_empty(&state->trust),
        .has_pend = !chain_trust_is_empty(&state->pend),
        .floor = state->floor,
    };
    if (standing.has_cur) {
        standing.cur = chain_trust_head(&state->trust);
        standing.incarnation = state->trust.order.incarnation;
    }
    if (standing.has_pend) {
        standing.pend = chain_trust_head(&state->pend);
        standing.incarnation = state->pend.order.incarnation;
    }
    return standing;
}
