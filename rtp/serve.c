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
        struct wire_sign sign;
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
    case WIRE_OP_SIGN:
        layout = &WIRE_LAYOUT_SIGN;
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

static void refuse(struct rtp *rtp, struct rtp_slot *slot, uint64_t error,
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
        refuse(rtp, slot, WIRE_E_RATE, left_s);
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

static void submit_slot(struct rtp *rtp, uint64_t now_ms, struct rtp_slot *slot)
{
    bool is_local = slot->op == WIRE_OP_STATUS || slot->op == WIRE_OP_LOG_GET;
    if (is_local) {
        slot->state = RTP_SLOT_LOCAL;
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

enum rotor_status rtp_serve_next(struct rtp *rtp, uint64_t now_ms,
                                 struct rotor_room *room)
{
    if (rtp->channel.scope != RTP_SCOPE_FULL) {
        return ROTOR_AGAIN;
    }
    struct rtp_slot *slot = rtp_slots_oldest(&rtp->slots, RTP_SLOT_QUEUED);
    if (slot == NULL) {
        return ROTOR_AGAIN;
    }
    uint8_t bytes[64];
    struct rotor_room status = ROOM_OF(bytes);
    struct rotor_bytes payload = {slot->payload, slot->size};
    if (slot->op == WIRE_OP_RETEST) {
        const struct wire_status_request request = {rtp->channel.log_id};
        TRY(wire_message_encode(&WIRE_LAYOUT_STATUS, &request, &status));
        payload = bytes_in(&status);
    }
    TRY(rtp_make_id(rtp, slot->id));
    const struct rtp_frame frame = {rtp_route_of(slot->op).request, slot->id,
                                    payload};
    TRY(rtp_send_sealed(rtp, &frame, room));
    slot->state = RTP_SLOT_SENT;
    slot->is_owed = true;
    slot->sent_ms = now_ms;
    return ROTOR_OK;
}

// ---- answers of the enclave ------------------------------------------------

enum standing {
    UNKNOWN = 0, // of no epoch that we hold
    ACCEPTED,
    DROPPED, // under e after R1 of an emergency
};

static enum standing standing_of(const struct rtp *rtp, uint64_t epoch,
                                 const struct wire_digest *body_hash)
{
    const struct rtp_state *state = &rtp->state;
    if (!chain_trust_is_empty(&state->pend) &&
        epoch == state->pend.order.epoch &&
        wire_digest_equal(body_hash, &state->pend.body_hash)) {
        return ACCEPTED;
    }
    bool is_cur = !chain_trust_is_empty(&state->trust) &&
                  epoch == state->trust.order.epoch &&
                  wire_digest_equal(body_hash, &state->trust.body_hash);
    if (!is_cur) {
        return UNKNOWN;
    }
    return state->phase == RTP_PENDX ? DROPPED : ACCEPTED;
}

static enum standing look_at_attest(const struct rtp *rtp,
                                    const struct rtp_slot *slot,
                                    struct rotor_bytes payload)
{
    struct wire_attest_req request;
    struct wire_attest_rsp reply;
    struct wire_attest_core core;
    bool fits = wire_message_decode(&WIRE_LAYOUT_ATTEST_REQ,
                                    bytes_of(slot->payload, slot->size),
                                    &request) == ROTOR_OK &&
                wire_message_decode(&WIRE_LAYOUT_ATTEST_RSP, payload, &reply) ==
                    ROTOR_OK &&
                wire_message_decode(&WIRE_LAYOUT_ATTEST_CORE, reply.core,
                                    &core) == ROTOR_OK &&
                bytes_equal(core.sid, request.sid) &&
                wire_digest_equal(&core.log_id, &rtp->state.trust.log_id);
    return fits ? standing_of(rtp, core.epoch, &core.body_hash) : UNKNOWN;
}

static enum standing look_at_head(const struct rtp *rtp,
                                  struct rotor_bytes payload)
{
    struct wire_head_reply reply;
    if (wire_message_decode(&WIRE_LAYOUT_HEAD_REPLY, payload, &reply) !=
        ROTOR_OK) {
        return UNKNOWN;
    }
    return standing_of(rtp, reply.epoch, &reply.body_hash);
}

// From R1 of an emergency on no session of an older epoch is alive.
static enum standing look_at_keys(const struct rtp *rtp,
                                  const struct rtp_slot *slot,
                                  struct rotor_bytes payload)
{
    struct wire_session_key request;
    struct wire_session_keyed keyed;
    if (wire_message_decode(&WIRE_LAYOUT_SESSION_KEY,
                            bytes_of(slot->payload, slot->size),
                            &request) != ROTOR_OK ||
        wire_message_decode(&WIRE_LAYOUT_SESSION_KEYED, payload, &keyed) !=
            ROTOR_OK ||
        !bytes_equal(request.sid, keyed.sid)) {
        return UNKNOWN;
    }
    const struct rtp_state *state = &rtp->state;
    const struct chain_trust *newest =
        state->phase == RTP_PENDX ? &state->pend : &state->trust;
    bool ends_sessions = newest->reason == WIRE_REASON_SECURITY_EVENT ||
                         newest->reason == WIRE_REASON_KEY_COMPROMISE;
    bool is_ended = ends_sessions && keyed.epoch < newest->order.epoch;
    return is_ended ? DROPPED : ACCEPTED;
}

static enum standing look_at_status(struct rtp *rtp, struct rotor_bytes payload)
{
    struct wire_status_reply reply;
    struct wire_status status;
    if (wire_message_decode(&WIRE_LAYOUT_STATUS_REPLY, payload, &reply) !=
            ROTOR_OK ||
        wire_message_decode(&WIRE_LAYOUT_STATUS_MAP, reply.status, &status) !=
            ROTOR_OK) {
        return UNKNOWN;
    }
    rtp_keep_status(rtp, &status);
    return ACCEPTED;
}

static enum standing look_at_signed(struct rotor_bytes payload)
{
    struct wire_signed reply;
    return wire_message_decode(&WIRE_LAYOUT_SIGNED, payload, &reply) == ROTOR_OK
               ? ACCEPTED
               : UNKNOWN;
}

static enum standing look_at(struct rtp *rtp, const struct rtp_slot *slot,
                             struct rotor_bytes payload)
{
    switch (slot->op) {
    case WIRE_OP_ATTEST:
        return look_at_attest(rtp, slot, payload);
    case WIRE_OP_HEAD_PROOF:
        return look_at_head(rtp, payload);
    case WIRE_OP_SESSION_KEY:
        return look_at_keys(rtp, slot, payload);
    case WIRE_OP_SESSION_FIN:
    case WIRE_OP_RETEST:
        return look_at_status(rtp, payload);
    case WIRE_OP_SIGN:
        return look_at_signed(payload);
    default:
        return UNKNOWN;
    }
}

static void pass_on(struct rtp *rtp, struct rtp_slot *slot,
                    struct rotor_bytes payload)
{
    bool has_payload =
        slot->op != WIRE_OP_SESSION_FIN && slot->op != WIRE_OP_RETEST;
    rtp_slot_finish(slot, WIRE_CLIENT_OK, "");
    slot->has_payload = has_payload;
    slot->answer = has_payload ? payload : (struct rotor_bytes){0};
    rtp->inbox_is_full = has_payload;
    if (slot->op == WIRE_OP_ATTEST) {
        rtp->counts.attestations++;
        rtp->schedule.answers++;
    }
}

// Under a key that was just dropped: asked again behind COMMIT.  Keys of a
// session that ended are not worth asking for.
static void ask_again(struct rtp *rtp, struct rtp_slot *slot)
{
    if (slot->op == WIRE_OP_SESSION_KEY) {
        refuse(rtp, slot, WIRE_E_EPOCH, rtp->state.pend.order.epoch);
        return;
    }
    slot->state = RTP_SLOT_QUEUED;
    rtp->counts.reissued++;
}

void rtp_serve_take(struct rtp *rtp, uint64_t now_ms, struct rtp_slot *slot,
                    const struct wire_header *header,
                    struct rotor_bytes payload)
{
    bool is_awaited = slot->state == RTP_SLOT_SENT;
    struct wire_error_reply error;
    rtp_slot_settle(slot);
    if (!is_awaited) {
        return; // late: its program has an answer
    }
    if (header->type == WIRE_ERROR &&
        wire_message_decode(&WIRE_LAYOUT_ERROR, payload, &error) == ROTOR_OK) {
        refuse(rtp, slot, error.code, error.detail);
        return;
    }
    enum standing standing = UNKNOWN;
    if (header->type == rtp_route_of(slot->op).reply) {
        standing = look_at(rtp, slot, payload);
    }
    if (standing == ACCEPTED) {
        pass_on(rtp, slot, payload);
    } else if (standing == DROPPED) {
        ask_again(rtp, slot);
    } else {
        rtp_condemn(rtp, now_ms, "not an answer to the request");
    }
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
            refuse(rtp, slot, error, detail);
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
        bool waits = slot->state == RTP_SLOT_QUEUED ||
                     slot->state == RTP_SLOT_SENT ||
                     slot->state == RTP_SLOT_WAITING;
        if (waits && now_ms >= slot->deadline_ms) {
            rtp_slot_finish(slot, WIRE_CLIENT_TIMEOUT, why_late(rtp));
        } else if (slot->state == RTP_SLOT_QUEUED && rtp->unavailable != NULL) {
            rtp_slot_finish(slot, WIRE_CLIENT_UNAVAILABLE, rtp->unavailable);
            rtp->counts.refused++;
        }
    }
}

// ---- answers from here -----------------------------------------------------

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
    } else if (slot->op == WIRE_OP_ROTATE || slot->op == WIRE_OP_EVENT) {
        status = serve_head(rtp, &reply);
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
