// SPDX-License-Identifier: Apache-2.0
#include "rtp/slots.h"

#include <string.h>

#include "base/bytes.h"

struct rtp_slot *rtp_slots_take(struct rtp_slots *slots)
{
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        struct rtp_slot *slot = &slots->slot[i];
        if (slot->state == RTP_SLOT_FREE) {
            size_t head = offsetof(struct rtp_slot, payload);
            memset(slot, 0, head);
            slot->ticket = slots->tickets++;
            slot->text = "";
            return slot;
        }
    }
    return NULL;
}

struct rtp_slot *rtp_slots_oldest(struct rtp_slots *slots,
                                  enum rtp_slot_state state)
{
    struct rtp_slot *oldest = NULL;
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        struct rtp_slot *slot = &slots->slot[i];
        if (slot->state == state &&
            (oldest == NULL || slot->ticket < oldest->ticket)) {
            oldest = slot;
        }
    }
    return oldest;
}

struct rtp_slot *rtp_slots_of_frame(struct rtp_slots *slots,
                                    const uint8_t id[WIRE_ID_SIZE])
{
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        struct rtp_slot *slot = &slots->slot[i];
        if (slot->is_owed && memcmp(slot->id, id, WIRE_ID_SIZE) == 0) {
            return slot;
        }
    }
    return NULL;
}

bool rtp_slot_has_deadline(const struct rtp_slot *slot)
{
    return slot->state == RTP_SLOT_QUEUED || slot->state == RTP_SLOT_SENT ||
           slot->state == RTP_SLOT_WAITING || slot->state == RTP_SLOT_REPORTED;
}

static bool awaits_answer(const struct rtp_slot *slot)
{
    return rtp_slot_has_deadline(slot) || slot->state == RTP_SLOT_LOCAL;
}

struct rtp_slot *rtp_slots_of_tag(struct rtp_slots *slots, uint64_t tag)
{
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        struct rtp_slot *slot = &slots->slot[i];
        if (awaits_answer(slot) && slot->tag == tag) {
            return slot;
        }
    }
    return NULL;
}

void rtp_slot_finish(struct rtp_slot *slot, enum wire_client_code code,
                     const char *text)
{
    slot->state = RTP_SLOT_DONE;
    slot->code = code;
    slot->text = text;
    slot->has_payload = false;
}

void rtp_slot_release(struct rtp_slot *slot)
{
    slot->state = slot->is_owed ? RTP_SLOT_LATE : RTP_SLOT_FREE;
}

void rtp_slot_settle(struct rtp_slot *slot)
{
    slot->is_owed = false;
    if (slot->state == RTP_SLOT_LATE) {
        slot->state = RTP_SLOT_FREE;
    }
}

size_t rtp_slots_in_flight(const struct rtp_slots *slots)
{
    size_t count = 0;
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        count += awaits_answer(&slots->slot[i]) ? 1u : 0;
    }
    return count;
}

size_t rtp_slots_owed(const struct rtp_slots *slots)
{
    size_t count = 0;
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        count += slots->slot[i].is_owed ? 1u : 0;
    }
    return count;
}

uint64_t rtp_slots_awaited(const struct rtp_slots *slots)
{
    const struct rtp_slot *oldest = NULL;
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        const struct rtp_slot *slot = &slots->slot[i];
        if (slot->is_owed &&
            (oldest == NULL || slot->ticket < oldest->ticket)) {
            oldest = slot;
        }
    }
    return oldest == NULL ? 0 : oldest->op;
}

static const struct rtp_route ROUTES[] = {
    [WIRE_OP_ATTEST] = {WIRE_ATTEST_REQ,     WIRE_ATTEST_RSP   },
    [WIRE_OP_SESSION_FIN] = {WIRE_SESSION_FIN,    WIRE_STATUS       },
    [WIRE_OP_SESSION_KEY] = {WIRE_SESSION_KEY,    WIRE_SESSION_KEYED},
    [WIRE_OP_HEAD_PROOF] = {WIRE_HEAD_PROOF,     WIRE_HEAD_PROOF   },
    [WIRE_OP_RETEST] = {WIRE_STATUS,         WIRE_STATUS       },
    [WIRE_OP_SIGN] = {WIRE_SIGN,           WIRE_SIGNED       },
    [WIRE_OP_RECOVER] = {WIRE_RECOVER,        WIRE_RECOVER_BODY },
    [WIRE_OP_RECOVERED] = {WIRE_RECOVER_SIGNED, WIRE_ROT_DONE     },
};

struct rtp_route rtp_route_of(uint64_t op)
{
    if (op >= COUNT_OF(ROUTES)) {
        return (struct rtp_route){WIRE_NONE, WIRE_NONE};
    }
    return ROUTES[op];
}
