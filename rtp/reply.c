// SPDX-License-Identifier: Apache-2.0
// Answers that the RTP makes itself, and the way out for all of them.
#include <string.h>

#include "base/bytes.h"
#include "rtp/machine.h"

// Entries are written behind room for the head of their array.
#define ARRAY_HEAD 3u
// What fits into a payload beside its own keys.
#define ENTRIES_MAX (WIRE_PAYLOAD_MAX - 192u)

struct listing {
    struct rtp *rtp;
    uint64_t max;
    size_t used; // bytes
    uint64_t count;
};

static bool list_entry(struct listing *list, struct rotor_bytes entry)
{
    bool fits =
        list->count < list->max && list->used + entry.size <= ENTRIES_MAX;
    if (fits) {
        memcpy(list->rtp->entries_out + ARRAY_HEAD + list->used, entry.data,
               entry.size);
        list->used += entry.size;
        list->count++;
    }
    return fits;
}

static enum rotor_status list_log(struct listing *list,
                                  const struct wire_order *from)
{
    struct rtp *rtp = list->rtp;
    struct rotor_room room = ROOM_OF(rtp->scratch);
    uint64_t at;
    TRY(rtp_log_find(&rtp->log, &rtp->ops, &room, from, &at));
    while (at < rtp->log.size) {
        struct rtp_log_entry record;
        TRY(rtp_log_read(&rtp->ops, at, &room, &record));
        if (!list_entry(list, record.bytes)) {
            return ROTOR_OK;
        }
        at = record.next;
    }
    const struct rtp_state *state = &rtp->state;
    bool is_logged =
        wire_digest_equal(&rtp->log.last_hash, &state->pend.body_hash);
    bool has_pend = state->entry_size != 0 && !is_logged &&
                    chain_order_compare(&state->pend.order, from) >= 0;
    if (has_pend) {
        (void)list_entry(list, bytes_of(state->entry, state->entry_size));
    }
    return ROTOR_OK;
}

// The array's head right in front of its items.
static enum rotor_status close_list(struct listing *list,
                                    struct rotor_bytes *array)
{
    uint8_t head_bytes[ARRAY_HEAD];
    struct rotor_room head = ROOM_OF(head_bytes);
    struct cbor_writer out;
    cbor_writer_init(&out, &head);
    cbor_write_array(&out, list->count);
    TRY(cbor_writer_finish(&out));
    uint8_t *start = list->rtp->entries_out + ARRAY_HEAD - head.used;
    memcpy(start, head_bytes, head.used);
    *array = bytes_of(start, head.used + list->used);
    return ROTOR_OK;
}

static enum rotor_status serve_log(struct rtp *rtp, const struct rtp_slot *slot,
                                   struct rotor_room *reply)
{
    struct wire_log_get get;
    TRY(wire_message_decode(&WIRE_LAYOUT_LOG_GET,
                            bytes_of(slot->payload, slot->size), &get));
    struct listing list = {.rtp = rtp, .max = get.max};
    const struct wire_digest *ours = &rtp->state.trust.log_id;
    bool is_ours = wire_digest_is_empty(&get.log_id) ||
                   wire_digest_equal(&get.log_id, ours);
    if (is_ours) {
        TRY(list_log(&list, &get.from));
    }
    struct wire_log_entries entries = {
        .log_id = *ours,
        .has_head = !wire_digest_is_empty(ours),
        .head = chain_trust_head(&rtp->state.trust),
    };
    TRY(close_list(&list, &entries.entries));
    return wire_message_encode(&WIRE_LAYOUT_LOG_ENTRIES, &entries, reply);
}

static enum rotor_status serve_head(const struct rtp *rtp,
                                    struct rotor_room *reply)
{
    const struct wire_head head = chain_trust_head(&rtp->state.trust);
    return wire_message_encode(&WIRE_LAYOUT_CLIENT_HEAD, &head, reply);
}

static enum rotor_status serve_status(const struct rtp *rtp, uint64_t now_ms,
                                      struct rotor_room *reply)
{
    struct wire_client_status status = rtp->config.status;
    rtp_describe(rtp, now_ms, &status);
    return wire_message_encode(&WIRE_LAYOUT_CLIENT_STATUS, &status, reply);
}

// Payloads that we make: when they are asked for, into the one room for them.
static void make_payload(struct rtp *rtp, uint64_t now_ms,
                         const struct rtp_slot *slot,
                         struct rtp_completion *completion)
{
    struct rotor_room reply = ROOM_OF(rtp->reply);
    enum rotor_status status = ROTOR_OK;
    if (slot->op == WIRE_OP_LOG_GET) {
        status = serve_log(rtp, slot, &reply);
    } else if (slot->op == WIRE_OP_STATUS) {
        status = serve_status(rtp, now_ms, &reply);
    } else if (slot->op == WIRE_OP_ROTATE || slot->op == WIRE_OP_EVENT ||
               slot->op == WIRE_OP_RECOVERED) {
        status = serve_head(rtp, &reply);
    } else if (slot->op == WIRE_OP_REPORT) {
        status = wire_message_encode(&WIRE_LAYOUT_CLIENT_FINDING,
                                     &slot->finding, &reply);
    }
    if (status != ROTOR_OK) {
        completion->code = WIRE_CLIENT_FAILED;
        completion->text = rotor_status_name(status);
        return;
    }
    completion->payload = bytes_in(&reply);
}

static struct rtp_slot *oldest_answer(struct rtp *rtp)
{
    struct rtp_slot *done = rtp_slots_oldest(&rtp->slots, RTP_SLOT_DONE);
    struct rtp_slot *local = rtp_slots_oldest(&rtp->slots, RTP_SLOT_LOCAL);
    if (done == NULL || local == NULL) {
        return done == NULL ? local : done;
    }
    return done->ticket < local->ticket ? done : local;
}

enum rotor_status rtp_complete(struct rtp *rtp, uint64_t now_ms,
                               struct rtp_completion *completion)
{
    struct rtp_slot *slot = oldest_answer(rtp);
    if (slot == NULL) {
        return ROTOR_AGAIN;
    }
    *completion = (struct rtp_completion){
        .op = slot->op,
        .tag = slot->tag,
        .code = slot->state == RTP_SLOT_LOCAL ? WIRE_CLIENT_OK : slot->code,
        .text = slot->state == RTP_SLOT_LOCAL ? "" : slot->text,
        .error = slot->error,
        .detail = slot->detail,
    };
    if (slot->has_payload) {
        completion->payload = slot->answer;
        rtp->inbox_is_full = false;
    } else if (completion->code == WIRE_CLIENT_OK) {
        make_payload(rtp, now_ms, slot, completion);
    }
    rtp_slot_release(slot);
    return ROTOR_OK;
}
