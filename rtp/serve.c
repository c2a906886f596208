// SPDX-License-Identifier: Apache-2.0
// Requests of programs: passed on, answered from here, or waiting for a
// rotation.
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/suite.h"
#include "rtp/machine.h"

// ---- submit ----------------------------------------------------------------

// Only what parses goes to the enclave.
static bool is_well_formed(const struct rtp_request *request)
{
    union {
        struct wire_attest_req attest;
        struct wire_session_fin fin;
        struct wire_session_key key;
        struct wire_log_get log;
        struct wire_head_proof head;
        struct wire_client_rotate rotate;
        struct wire_client_event event;
        struct wire_client_report report;
        struct wire_sign sign;
        struct wire_client_recover recover;
        struct wire_recover_signed recovered;
        struct wire_client_prune prune;
    } message;
    const struct wire_layout *layout = NULL;
    switch (request->op) {
    case WIRE_OP_STATUS:
    case WIRE_OP_RETEST:
        return true;
    case WIRE_OP_ATTEST:
        layout = &WIRE_LAYOUT_ATTEST_REQ;
        break;
    case WIRE_OP_SESSION_FIN:
        layout = &WIRE_LAYOUT_SESSION_FIN;
        break;
    case WIRE_OP_SESSION_KEY:
        layout = &WIRE_LAYOUT_SESSION_KEY;
        break;
    case WIRE_OP_LOG_GET:
        layout = &WIRE_LAYOUT_LOG_GET;
        break;
    case WIRE_OP_HEAD_PROOF:
        layout = &WIRE_LAYOUT_HEAD_PROOF;
        break;
    case WIRE_OP_ROTATE:
        layout = &WIRE_LAYOUT_CLIENT_ROTATE;
        break;
    case WIRE_OP_EVENT:
        layout = &WIRE_LAYOUT_CLIENT_EVENT;
        break;
    case WIRE_OP_REPORT:
        layout = &WIRE_LAYOUT_CLIENT_REPORT;
        break;
    case WIRE_OP_SIGN:
        layout = &WIRE_LAYOUT_SIGN;
        break;
    case WIRE_OP_PRUNE:
        layout = &WIRE_LAYOUT_CLIENT_PRUNE;
        break;
    case WIRE_OP_RECOVER:
        layout = &WIRE_LAYOUT_CLIENT_RECOVER;
        break;
    case WIRE_OP_RECOVERED:
        layout = &WIRE_LAYOUT_RECOVER_SIGNED;
        break;
    default:
        return false;
    }
    return wire_message_decode(layout, request->payload, &message) == ROTOR_OK;
}

// Seconds that the AP said to wait, rounded up; 0: it did not.
static uint64_t rate_left_s(const struct rtp *rtp, uint64_t now_ms)
{
    bool is_waiting = rtp->state.phase == RTP_INTENT && rtp->is_rate_limited &&
                      now_ms < rtp->order_at_ms;
    return is_waiting ? (rtp->order_at_ms - now_ms + 999u) / 1000u : 0;
}

void rtp_slot_refuse(struct rtp *rtp, struct rtp_slot *slot, uint64_t error,
                     uint64_t detail)
{
    rtp_slot_finish(slot, WIRE_CLIENT_REFUSED, wire_error_name(error));
    slot->error = error;
    slot->detail = detail;
    rtp->counts.refused++;
}

static void wait_for_rotation(struct rtp *rtp, uint64_t now_ms,
                              struct rtp_slot *slot)
{
    uint64_t left_s = rate_left_s(rtp, now_ms);
    if (left_s != 0) {
        rtp_slot_refuse(rtp, slot, WIRE_E_RATE, left_s);
        return;
    }
    slot->state = RTP_SLOT_WAITING;
    slot->round = rtp->slots.round + 1u;
}

static bool is_wish(const struct wire_client_rotate *rotate)
{
    bool has_known_suite =
        !rotate->has_suite || crypto_suite_of(rotate->suite) != NULL;
    bool has_known_kind = !rotate->has_kind || rotate->kind == CHAIN_ROTATE ||
                          rotate->kind == CHAIN_CLOSE;
    bool voids_with_cause = !rotate->has_distrust_from ||
                            rotate->reason == WIRE_REASON_KEY_COMPROMISE;
    return rotate->reason >= WIRE_REASON_SCHEDULED && has_known_suite &&
           has_known_kind && voids_with_cause;
}

// An order that was refused waits for its next try.  Who asks by hand for any
// rotation gets that try now, and what comes of it as the answer.
static bool joins_retry(struct rtp *rtp, uint64_t now_ms, struct rtp_slot *slot,
                        const struct wire_client_rotate *rotate)
{
    bool is_waiting = rtp->state.phase == RTP_INTENT && !rtp->is_rate_limited &&
                      now_ms < rtp->order_at_ms;
    bool is_any = rotate->reason == WIRE_REASON_OPERATOR &&
                  !rotate->has_suite && rotate->kind != CHAIN_CLOSE;
    if (!is_waiting || !is_any) {
        return false;
    }
    slot->state = RTP_SLOT_WAITING;
    slot->round = rtp->slots.round;
    rtp->order_at_ms = now_ms;
    return true;
}

static void submit_rotate(struct rtp *rtp, uint64_t now_ms,
                          struct rtp_slot *slot)
{
    struct wire_client_rotate rotate;
    if (wire_message_decode(&WIRE_LAYOUT_CLIENT_ROTATE,
                            bytes_of(slot->payload, slot->size),
                            &rotate) != ROTOR_OK ||
        !is_wish(&rotate)) {
        rtp_slot_finish(slot, WIRE_CLIENT_MALFORMED,
                        "not a reason, suite or kind of a rotation");
        return;
    }
    if (joins_retry(rtp, now_ms, slot, &rotate)) {
        return;
    }
    bool is_by_hand = rotate.reason == WIRE_REASON_OPERATOR ||
                      rotate.reason == WIRE_REASON_ALGORITHM;
    wait_for_rotation(rtp, now_ms, slot);
    if (slot->state != RTP_SLOT_WAITING && is_by_hand) {
        return; // refused, and so not wanted later either
    }
    const struct rtp_wish wish = {
        .reason = (uint32_t)rotate.reason,
        .suite = rotate.has_suite ? (uint32_t)rotate.suite : 0,
        .kind = rotate.has_kind ? (uint32_t)rotate.kind : CHAIN_ROTATE,
        .distrust_from = rotate.has_distrust_from
                             ? rotate.distrust_from
                             : rtp->state.trust.order.epoch,
    };
    rtp_wish_for(rtp, &wish);
}

static void submit_event(struct rtp *rtp, uint64_t now_ms,
                         struct rtp_slot *slot)
{
    struct wire_client_event event;
    char text[257];
    if (wire_message_decode(&WIRE_LAYOUT_CLIENT_EVENT,
                            bytes_of(slot->payload, slot->size),
                            &event) != ROTOR_OK) {
        return;
    }
    memcpy(text, event.text.data, event.text.size);
    text[event.text.size] = 0;
    // Before the event: its rotation may begin at once, and is the one awaited.
    wait_for_rotation(rtp, now_ms, slot);
    if (rtp_event(rtp, now_ms, (uint32_t)event.reason, text) != ROTOR_OK) {
        rtp_slot_finish(slot, WIRE_CLIENT_MALFORMED,
                        "not a reason of a security event");
    }
}

// Recovery is for when nothing else works, but it needs a log to go on from.
static void submit_recovery(struct rtp *rtp, struct rtp_slot *slot)
{
    if (chain_trust_is_empty(&rtp->state.trust) ||
        rtp_make_id(rtp, slot->id) != ROTOR_OK) {
        rtp_slot_finish(slot, WIRE_CLIENT_UNAVAILABLE,
                        "there is no log to recover");
        return;
    }
    if (!rtp_recover_is_possible(rtp, slot)) {
        rtp_slot_finish(slot, WIRE_CLIENT_UNAVAILABLE,
                        "what is to be superseded is not in the log that is "
                        "held, or void");
        return;
    }
    slot->state = RTP_SLOT_QUEUED;
}

static void submit_slot(struct rtp *rtp, uint64_t now_ms, struct rtp_slot *slot)
{
    if (rtp_is_recovery(slot->op)) {
        submit_recovery(rtp, slot);
        return;
    }
    bool is_local = slot->op == WIRE_OP_STATUS || slot->op == WIRE_OP_LOG_GET;
    if (is_local) {
        slot->state = RTP_SLOT_LOCAL;
        return;
    }
    if (slot->op == WIRE_OP_PRUNE) {
        rtp_prune_submit(rtp, now_ms, slot);
        return;
    }
    if (rtp->unavailable != NULL) {
        rtp_slot_finish(slot, WIRE_CLIENT_UNAVAILABLE, rtp->unavailable);
        rtp->counts.refused++;
        return;
    }
    bool is_too_old = rtp->is_overdue && rtp->config.stops_when_overdue &&
                      slot->op == WIRE_OP_ATTEST;
    if (is_too_old) {
        rtp_slot_finish(slot, WIRE_CLIENT_UNAVAILABLE,
                        "the rotation is overdue and the policy stops here");
        rtp->counts.refused++;
        return;
    }
    if (slot->op == WIRE_OP_ROTATE) {
        submit_rotate(rtp, now_ms, slot);
    } else if (slot->op == WIRE_OP_EVENT) {
        submit_event(rtp, now_ms, slot);
    } else if (slot->op == WIRE_OP_REPORT) {
        slot->state = RTP_SLOT_REPORTED;
    } else {
        slot->state = RTP_SLOT_QUEUED;
    }
}

enum rotor_status rtp_submit(struct rtp *rtp, uint64_t now_ms,
                             const struct rtp_request *request)
{
    if (request->payload.size > RTP_REQUEST_MAX || !is_well_formed(request)) {
        return ROTOR_INVALID;
    }
    struct rtp_slot *slot = rtp_slots_take(&rtp->slots);
    if (slot == NULL) {
        return ROTOR_AGAIN;
    }
    uint64_t wait_ms = request->deadline_ms;
    if (wait_ms == 0 || wait_ms > rtp->config.request_ms) {
        wait_ms = rtp->config.request_ms;
    }
    slot->op = request->op;
    slot->tag = request->tag;
    slot->deadline_ms = now_ms + wait_ms;
    slot->size = request->payload.size;
    if (slot->size != 0) {
        memcpy(slot->payload, request->payload.data, slot->size);
    }
    submit_slot(rtp, now_ms, slot);
    rtp_pursue(rtp, now_ms);
    return ROTOR_OK;
}

enum rotor_status rtp_cancel(struct rtp *rtp, uint64_t tag)
{
    struct rtp_slot *slot = rtp_slots_of_tag(&rtp->slots, tag);
    if (slot == NULL) {
        return ROTOR_INVALID;
    }
    rtp_slot_finish(slot, WIRE_CLIENT_CANCELLED, "cancelled");
    return ROTOR_OK;
}

void rtp_forget(struct rtp *rtp, uint64_t tag)
{
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        struct rtp_slot *slot = &rtp->slots.slot[i];
        bool is_in_use =
            slot->state != RTP_SLOT_FREE && slot->state != RTP_SLOT_LATE;
        if (!is_in_use || slot->tag != tag) {
            continue;
        }
        if (slot->state == RTP_SLOT_DONE && slot->has_payload) {
            rtp->inbox_is_full = false;
        }
        rtp_slot_release(slot);
    }
}

// ---- to the enclave --------------------------------------------------------

// The oldest request that may go out on a channel of this scope.
static struct rtp_slot *next_to_send(struct rtp *rtp)
{
    if (rtp_slots_owed(&rtp->slots) >= RTP_SENT_MAX) {
        return NULL;
    }
    if (rtp->channel.scope == RTP_SCOPE_FULL) {
        return rtp_slots_oldest(&rtp->slots, RTP_SLOT_QUEUED);
    }
    enum rtp_action action = rtp->channel.action;
    bool awaits_authority = action == RTP_ACTION_RECOVER ||
                            action == RTP_ACTION_WAIT ||
                            action == RTP_ACTION_APPEAL;
    for (size_t i = 0; awaits_authority && i < RTP_SLOTS; i++) {
        struct rtp_slot *slot = &rtp->slots.slot[i];
        if (slot->state == RTP_SLOT_QUEUED && rtp_is_recovery(slot->op)) {
            return slot;
        }
    }
    return NULL;
}

// What the enclave is told: mostly what the program said.
static enum rotor_status make_frame(struct rtp *rtp, struct rtp_slot *slot,
                                    struct rotor_room *made,
                                    struct rotor_bytes *payload)
{
    if (rtp_is_recovery(slot->op)) {
        TRY(rtp_recover_encode(rtp, slot, made));
        *payload = bytes_in(made);
        return ROTOR_OK; // under the id that it has had since it came
    }
    *payload = bytes_of(slot->payload, slot->size);
    if (slot->op == WIRE_OP_RETEST) {
        const struct wire_status_request request = {rtp->channel.log_id};
        TRY(wire_message_encode(&WIRE_LAYOUT_STATUS, &request, made));
        *payload = bytes_in(made);
    }
    return rtp_make_id(rtp, slot->id);
}

static enum rotor_status send_slot(struct rtp *rtp, struct rtp_slot *slot,
                                   struct rotor_room *made,
                                   struct rotor_room *room)
{
    struct rotor_bytes payload;
    TRY(make_frame(rtp, slot, made, &payload));
    const struct rtp_frame frame = {rtp_route_of(slot->op).request, slot->id,
                                    payload};
    return rtp_send_sealed(rtp, &frame, room);
}

enum rotor_status rtp_serve_next(struct rtp *rtp, uint64_t now_ms,
                                 struct rotor_room *room)
{
    struct rtp_slot *slot = next_to_send(rtp);
    if (slot == NULL) {
        return ROTOR_AGAIN;
    }
    struct rotor_room made = ROOM_OF(rtp->scratch);
    enum rotor_status status = send_slot(rtp, slot, &made, room);
    secret_wipe(rtp->scratch, made.used); // a seed among others
    bool is_none = status == ROTOR_INVALID || status == ROTOR_MALFORMED;
    if (is_none && rtp_is_recovery(slot->op)) {
        rtp_slot_finish(slot, WIRE_CLIENT_MALFORMED,
                        "not an order of a recovery authority");
        return ROTOR_AGAIN;
    }
    if (status != ROTOR_OK) {
        return status;
    }
    slot->state = RTP_SLOT_SENT;
    slot->is_owed = true;
    slot->sent_ms = now_ms;
    return ROTOR_OK;
}

// ---- rotations -------------------------------------------------------------

static struct rtp_slot *waiter(struct rtp *rtp, size_t i)
{
    struct rtp_slot *slot = &rtp->slots.slot[i];
    bool is_due =
        slot->state == RTP_SLOT_WAITING && slot->round <= rtp->slots.round;
    return is_due ? slot : NULL;
}

void rtp_serve_rotated(struct rtp *rtp)
{
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        struct rtp_slot *slot = waiter(rtp, i);
        if (slot != NULL) {
            rtp_slot_finish(slot, WIRE_CLIENT_OK, "");
        }
    }
}

void rtp_serve_refused(struct rtp *rtp, uint64_t error, uint64_t detail)
{
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        struct rtp_slot *slot = waiter(rtp, i);
        if (slot != NULL) {
            rtp_slot_refuse(rtp, slot, error, detail);
        }
    }
}

void rtp_serve_failed(struct rtp *rtp, const char *text)
{
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        struct rtp_slot *slot = waiter(rtp, i);
        if (slot != NULL) {
            rtp_slot_finish(slot, WIRE_CLIENT_FAILED, text);
        }
    }
}

void rtp_serve_postpone(struct rtp *rtp)
{
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        struct rtp_slot *slot = waiter(rtp, i);
        if (slot != NULL) {
            slot->round = rtp->slots.round + 1u;
        }
    }
}

// ---- time ------------------------------------------------------------------

static const char *why_late(const struct rtp *rtp)
{
    if (rtp->channel.link == RTP_LINK_DOWN) {
        return "the enclave is down";
    }
    return rtp->channel.link == RTP_LINK_OPEN
               ? "the enclave did not answer in time"
               : "the enclave was not paired in time";
}

void rtp_serve_tick(struct rtp *rtp, uint64_t now_ms)
{
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        struct rtp_slot *slot = &rtp->slots.slot[i];
        if (rtp_slot_has_deadline(slot) && now_ms >= slot->deadline_ms) {
            rtp_slot_finish(slot, WIRE_CLIENT_TIMEOUT, why_late(rtp));
        } else if (slot->state == RTP_SLOT_QUEUED && rtp->unavailable != NULL &&
                   !rtp_is_recovery(slot->op)) {
            rtp_slot_finish(slot, WIRE_CLIENT_UNAVAILABLE, rtp->unavailable);
            rtp->counts.refused++;
        }
    }
}
