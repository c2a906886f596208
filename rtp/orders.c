// SPDX-License-Identifier: Apache-2.0
// Generate and rotate.  The durable phase says which order is next; a retry
// comes from there and nowhere else.  doc/PROTOCOL.rot, section 7.3.
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "rtp/machine.h"

#define SEED_SIZE       32u                      // bytes
#define RATE_WAIT_MAX_S (7ull * 24u * 60u * 60u) // a hint above is cut

// ---- wishes ----------------------------------------------------------------

// How much a reason matters where two wishes become one.
static unsigned urgency_of(uint32_t reason)
{
    static const uint8_t URGENCY[] = {
        [WIRE_REASON_SCHEDULED] = 1,      [WIRE_REASON_USAGE] = 2,
        [WIRE_REASON_OPERATOR] = 3,       [WIRE_REASON_ALGORITHM] = 4,
        [WIRE_REASON_FIRMWARE] = 5,       [WIRE_REASON_SECURITY_EVENT] = 6,
        [WIRE_REASON_KEY_COMPROMISE] = 7,
    };
    return reason < COUNT_OF(URGENCY) ? URGENCY[reason] : 0;
}

void rtp_wish_for(struct rtp *rtp, const struct rtp_wish *wish)
{
    struct rtp_wish *old = &rtp->wish;
    if (!old->is_wanted) {
        *old = *wish;
        old->is_wanted = true;
        return;
    }
    if (urgency_of(wish->reason) > urgency_of(old->reason)) {
        old->reason = wish->reason;
        old->distrust_from = wish->distrust_from;
    }
    old->suite = wish->suite != 0 ? wish->suite : old->suite;
    old->kind = wish->kind == CHAIN_CLOSE ? CHAIN_CLOSE : old->kind;
}

// ---- R0 --------------------------------------------------------------------

static void begin_generate(struct rtp *rtp)
{
    struct rtp_job *job = rtp_job_start(rtp, RTP_JOB_WRITE);
    struct rtp_intent *intent = &job->next.intent;
    struct chain_policy policy = rtp->config.policy;
    struct rotor_room room = ROOM_OF(intent->policy);
    *intent = (struct rtp_intent){.suite = rtp->config.suite,
                                  .seed_src = rtp->config.seed_src,
                                  .reason = WIRE_REASON_INITIAL,
                                  .kind = CHAIN_GENESIS};
    policy.control = rtp->control_kid;
    if (chain_policy_encode(&policy, &room) != ROTOR_OK ||
        rtp_make_id(rtp, intent->id) != ROTOR_OK) {
        rtp->job_is_wanted = false;
        rtp->unavailable = "the policy of the configuration is not usable";
        return;
    }
    intent->policy_size = room.used;
    job->next.has_intent = true;
    job->next.phase = RTP_INTENT0;
}

static bool can_rotate(const struct rtp *rtp)
{
    return rtp->channel.action != RTP_ACTION_ATTEST &&
           !wire_digest_is_empty(&rtp->state.trust.next_commit);
}

// R0 of ROTATE: for a wish, or because the AP stands prepared.
static void begin_rotation(struct rtp *rtp)
{
    if (!can_rotate(rtp)) {
        rtp->wish.is_wanted = false;
        rtp->slots.round++;
        rtp_serve_refused(rtp, WIRE_E_STATE, rtp->ap.state);
        return;
    }
    const struct chain_trust *trust = &rtp->state.trust;
    struct rtp_wish wish = rtp->wish;
    if (!wish.is_wanted) {
        wish = (struct rtp_wish){.reason = WIRE_REASON_SCHEDULED,
                                 .kind = CHAIN_ROTATE};
    }
    struct rtp_job *job = rtp_job_start(rtp, RTP_JOB_WRITE);
    job->next.intent = (struct rtp_intent){
        .from_epoch = trust->order.epoch,
        .suite = wish.suite == 0 ? trust->suite : wish.suite,
        .seed_src = rtp->config.seed_src,
        .reason = wish.reason,
        .kind = wish.kind,
        .distrust_from = wish.distrust_from,
    };
    if (rtp_make_id(rtp, job->next.intent.id) != ROTOR_OK) {
        rtp->job_is_wanted = false;
        return;
    }
    job->next.has_intent = true;
    job->next.phase = RTP_INTENT;
    rtp->wish.is_wanted = false;
    rtp->slots.round++;
}

// Nothing left the AP: the intent may go as it came.
static void withdraw(struct rtp *rtp)
{
    struct rtp_job *job = rtp_job_start(rtp, RTP_JOB_WRITE);
    job->next.has_intent = false;
    job->next.phase = RTP_CUR;
}

// ---- what is next ----------------------------------------------------------

static void want(struct rtp *rtp, uint8_t type)
{
    rtp->order = (struct rtp_order){.type = type};
}

static void want_of_phase(struct rtp *rtp)
{
    switch (rtp->state.phase) {
    case RTP_NEW:
        begin_generate(rtp);
        break;
    case RTP_INTENT0:
        want(rtp, WIRE_GENERATE);
        break;
    case RTP_ACC0:
        want(rtp, WIRE_ROT_ACCEPT0);
        break;
    case RTP_CUR:
        if (rtp->wish.is_wanted || rtp->ap.has_prepared) {
            begin_rotation(rtp);
        }
        break;
    case RTP_INTENT:
        want(rtp, WIRE_ROTATE);
        break;
    case RTP_PEND:
    case RTP_PENDX:
        want(rtp, WIRE_ROT_COMMIT);
        break;
    case RTP_QUAR:
        break;
    }
}

void rtp_order_pursue(struct rtp *rtp, uint64_t now_ms)
{
    struct rtp_channel *channel = &rtp->channel;
    // A scope of NONE goes with words why nothing is available.
    if (channel->link != RTP_LINK_OPEN || !rtp_job_is_free(rtp) ||
        rtp->order.type != WIRE_NONE || rtp->unavailable != NULL) {
        return;
    }
    if (channel->action == RTP_ACTION_ADVANCE && now_ms < rtp->order_at_ms) {
        return; // R2 failed a moment ago
    }
    if (channel->action == RTP_ACTION_ADVANCE) {
        channel->action = RTP_ACTION_STEADY;
        rtp_job_start(rtp, RTP_JOB_ADVANCE);
        return;
    }
    if (channel->action == RTP_ACTION_WITHDRAW) {
        channel->action = RTP_ACTION_ATTEST;
        withdraw(rtp);
        return;
    }
    if (rtp->status_goes_first) {
        rtp->status_goes_first = false;
        want(rtp, WIRE_STATUS);
        return;
    }
    if (rtp->pairs_told != rtp->pairs_over) {
        want(rtp, WIRE_PAIRS_OVER);
        return;
    }
    if (now_ms >= rtp->order_at_ms) {
        want_of_phase(rtp);
    }
    if (rtp->status_is_wanted && rtp->order.type == WIRE_NONE &&
        rtp_job_is_free(rtp)) {
        rtp->status_is_wanted = false;
        want(rtp, WIRE_STATUS);
    }
}

// ---- out -------------------------------------------------------------------

static enum rotor_status draw_seed(struct rtp *rtp, uint8_t seed[SEED_SIZE],
                                   struct rotor_bytes *bytes)
{
    *bytes = (struct rotor_bytes){0};
    if (rtp->state.intent.seed_src == 0) {
        return ROTOR_OK;
    }
    TRY(rtp->ops.random(rtp->ops.context, seed, SEED_SIZE));
    *bytes = bytes_of(seed, SEED_SIZE);
    return ROTOR_OK;
}

static enum rotor_status encode_generate(struct rtp *rtp, uint8_t *seed,
                                         struct rotor_room *payload)
{
    const struct rtp_intent *intent = &rtp->state.intent;
    struct wire_generate generate = {
        .log_id = rtp->channel.log_id,
        .seed_src = intent->seed_src,
        .suite = intent->suite,
        .control_kid = rtp->control_kid,
        .policy = bytes_of(intent->policy, intent->policy_size),
    };
    TRY(draw_seed(rtp, seed, &generate.seed));
    return wire_message_encode(&WIRE_LAYOUT_GENERATE, &generate, payload);
}

static enum rotor_status encode_rotate(struct rtp *rtp, uint8_t *seed,
                                       struct rotor_room *payload)
{
    const struct rtp_intent *intent = &rtp->state.intent;
    struct wire_rotate rotate = {
        .log_id = rtp->channel.log_id,
        .from_epoch = intent->from_epoch,
        .seed_src = intent->seed_src,
        .reason = intent->reason,
        .has_suite = intent->suite != rtp->state.trust.suite,
        .suite = intent->suite,
        .has_distrust_from = intent->reason == WIRE_REASON_KEY_COMPROMISE,
        .distrust_from = intent->distrust_from,
        .has_kind = intent->kind != CHAIN_ROTATE,
        .kind = intent->kind,
    };
    TRY(draw_seed(rtp, seed, &rotate.seed));
    return wire_message_encode(&WIRE_LAYOUT_ROTATE, &rotate, payload);
}

static enum rotor_status encode_order(struct rtp *rtp, uint8_t *seed,
                                      struct rotor_room *payload)
{
    const struct chain_trust *pend = &rtp->state.pend;
    const struct wire_digest log_id = rtp->channel.log_id;
    switch (rtp->order.type) {
    case WIRE_GENERATE:
        return encode_generate(rtp, seed, payload);
    case WIRE_ROTATE:
        return encode_rotate(rtp, seed, payload);
    case WIRE_ROT_ACCEPT0: {
        const struct wire_accept0 accept = {log_id, pend->body_hash};
        return wire_message_encode(&WIRE_LAYOUT_ROT_ACCEPT0, &accept, payload);
    }
    case WIRE_ROT_COMMIT: {
        const struct wire_commit commit = {log_id, pend->order.epoch,
                                           pend->body_hash};
        return wire_message_encode(&WIRE_LAYOUT_ROT_COMMIT, &commit, payload);
    }
    case WIRE_PAIRS_OVER: {
        const struct wire_pairs_over over = {log_id, rtp->pairs_over};
        rtp->order.pairs_over = over.set;
        return wire_message_encode(&WIRE_LAYOUT_PAIRS_OVER, &over, payload);
    }
    default: {
        const struct wire_status_request status = {log_id};
        return wire_message_encode(&WIRE_LAYOUT_STATUS, &status, payload);
    }
    }
}

struct order_secrets {
    uint8_t seed[SEED_SIZE];
    uint8_t payload[1024];
};

static enum rotor_status send_order(struct rtp *rtp, struct order_secrets *s,
                                    struct rotor_room *room)
{
    bool is_of_intent =
        rtp->order.type == WIRE_GENERATE || rtp->order.type == WIRE_ROTATE;
    struct rotor_room payload = ROOM_OF(s->payload);
    if (is_of_intent) {
        memcpy(rtp->order.id, rtp->state.intent.id, sizeof rtp->order.id);
    } else {
        TRY(rtp_make_id(rtp, rtp->order.id));
    }
    TRY(encode_order(rtp, s->seed, &payload));
    const struct rtp_frame frame = {rtp->order.type, rtp->order.id,
                                    bytes_in(&payload)};
    return rtp_send_sealed(rtp, &frame, room);
}

enum rotor_status rtp_order_next(struct rtp *rtp, uint64_t now_ms,
                                 struct rotor_room *room)
{
    if (rtp->order.type == WIRE_NONE || rtp->order.is_sent) {
        return ROTOR_AGAIN;
    }
    struct order_secrets secrets;
    enum rotor_status status = send_order(rtp, &secrets, room);
    secret_wipe(&secrets, sizeof secrets);
    if (status != ROTOR_OK) {
        room->used = 0;
        rtp_raise(rtp, RTP_ALARM_STORE, "an order could not be made");
        rtp_reset(rtp, now_ms, true);
        return ROTOR_AGAIN;
    }
    rtp->order.is_sent = true;
    rtp->order.sent_ms = now_ms;
    return ROTOR_OK;
}

// ---- answers ---------------------------------------------------------------

static void start_accept(struct rtp *rtp, uint64_t now_ms,
                         const struct wire_layout *layout,
                         struct rotor_bytes payload)
{
    struct wire_entry reply;
    if (wire_message_decode(layout, payload, &reply) != ROTOR_OK ||
        reply.entry.size > WIRE_ENTRY_MAX || !rtp_job_is_free(rtp)) {
        rtp_condemn(rtp, now_ms, "not an entry");
        return;
    }
    struct rtp_job *job = rtp_job_start(rtp, RTP_JOB_ACCEPT);
    memcpy(job->input, reply.entry.data, reply.entry.size);
    job->input_size = reply.entry.size;
    job->ap_was_prepared = rtp->ap.has_prepared;
}

static void start_advance(struct rtp *rtp, const struct rtp_order *order,
                          struct rotor_bytes payload)
{
    struct rtp_job *job = rtp_job_start(rtp, RTP_JOB_ADVANCE);
    memcpy(job->input, payload.data, payload.size);
    job->input_size = payload.size;
    job->has_done = true;
    memcpy(job->done_id, order->id, sizeof job->done_id);
    job->channel_id = rtp->channel.id;
}

static void take_status(struct rtp *rtp, uint64_t now_ms,
                        struct rotor_bytes payload)
{
    if (rtp_read_status(rtp, payload) != ROTOR_OK) {
        rtp_condemn(rtp, now_ms, "not a status");
    }
}

// What an ERROR to an order means for its retry.
enum consequence {
    RETRY = 0, // from the durable state, after a wait that doubles
    WITHDRAW,  // the order was wrong: forget it
    PAIR,      // both see the state differently: HELLO tells
};

static enum consequence consequence_of(uint64_t code)
{
    switch (code) {
    case WIRE_E_MALFORMED:
    case WIRE_E_TYPE:
    case WIRE_E_SUITE:
    case WIRE_E_POLICY:
        return WITHDRAW;
    case WIRE_E_RATE:
    case WIRE_E_ENTROPY:
    case WIRE_E_STORE:
        return RETRY;
    default:
        return PAIR;
    }
}

static void retry_later(struct rtp *rtp, uint64_t now_ms)
{
    rtp->order_at_ms =
        rtp_backoff_next(&rtp->order_backoff, now_ms, rtp_random(rtp));
    rtp->is_rate_limited = false;
}

// Whoever asked by hand was told no; a rotation that comes later by surprise
// is not what they asked for.
static bool is_by_hand(uint32_t reason)
{
    return reason == WIRE_REASON_OPERATOR || reason == WIRE_REASON_ALGORITHM;
}

static void order_refused(struct rtp *rtp, uint64_t now_ms, uint8_t type,
                          const struct wire_error_reply *error)
{
    if (error->code == WIRE_E_BUSY) {
        // It works at an order of ours from before a reset: nothing is refused.
        retry_later(rtp, now_ms);
        return;
    }
    const struct rtp_alarm alarm = {.kind = error->code == WIRE_E_ROLLED_BACK
                                                ? RTP_ALARM_AP_BEHIND
                                                : RTP_ALARM_REFUSED,
                                    .text = wire_error_name(error->code),
                                    .a = error->code,
                                    .b = error->detail};
    rtp_sound(rtp, &alarm);
    if (type == WIRE_PAIRS_OVER) {
        return; // an AP of before: nobody waits for that
    }
    rtp_serve_refused(rtp, error->code, error->detail);
    enum consequence next = consequence_of(error->code);
    bool is_rotate = type == WIRE_ROTATE && rtp->state.phase == RTP_INTENT;
    if (is_rotate && next != PAIR &&
        (next == WITHDRAW || is_by_hand(rtp->state.intent.reason))) {
        rtp->rotation_since_ms = RTP_NEVER;
        rtp->status_goes_first = true; // it may stand prepared at P1 by now
        withdraw(rtp);
        return;
    }
    if (next == PAIR) {
        rtp_reset(rtp, now_ms, true);
        return;
    }
    retry_later(rtp, now_ms);
    rtp->is_rate_limited = error->code == WIRE_E_RATE;
    if (rtp->is_rate_limited) {
        uint64_t wait_s =
            error->detail < RATE_WAIT_MAX_S ? error->detail : RATE_WAIT_MAX_S;
        rtp->order_at_ms = now_ms + wait_s * 1000u;
    }
}

void rtp_order_take(struct rtp *rtp, uint64_t now_ms,
                    const struct wire_header *header,
                    struct rotor_bytes payload)
{
    const struct rtp_order order = rtp->order;
    struct wire_error_reply error;
    rtp->order = (struct rtp_order){0};
    rtp->pairs_told |= order.pairs_over; // a refusal is not asked for again
    bool awaits_done =
        order.type == WIRE_ROT_ACCEPT0 || order.type == WIRE_ROT_COMMIT;
    bool awaits_status =
        order.type == WIRE_STATUS || order.type == WIRE_PAIRS_OVER;
    if (header->type == WIRE_ERROR &&
        wire_message_decode(&WIRE_LAYOUT_ERROR, payload, &error) == ROTOR_OK) {
        order_refused(rtp, now_ms, order.type, &error);
    } else if (order.type == WIRE_GENERATE &&
               header->type == WIRE_ROT_AVAILABLE) {
        start_accept(rtp, now_ms, &WIRE_LAYOUT_ROT_AVAILABLE, payload);
    } else if (order.type == WIRE_ROTATE && header->type == WIRE_ROT_PREPARED) {
        start_accept(rtp, now_ms, &WIRE_LAYOUT_ROT_PREPARED, payload);
    } else if (awaits_done && header->type == WIRE_ROT_DONE) {
        start_advance(rtp, &order, payload);
    } else if (order.type == WIRE_ROTATE && header->type == WIRE_ROT_DONE) {
        rtp_reset(rtp, now_ms, true); // it is ahead: HELLO and its log tell
    } else if (awaits_status && header->type == WIRE_STATUS) {
        take_status(rtp, now_ms, payload);
    } else {
        rtp_condemn(rtp, now_ms, "not an answer to the order");
    }
}

// ---- jobs ------------------------------------------------------------------

static void write_done(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job)
{
    bool has_begun =
        rtp->state.phase == RTP_CUR && job->next.phase == RTP_INTENT;
    rtp->state = job->next;
    if (has_begun) {
        rtp->rotation_since_ms = now_ms;
        rtp->rotation_is_late = false;
    }
}

static void wish_again(struct rtp *rtp, const struct rtp_intent *intent)
{
    const struct rtp_wish wish = {.reason = intent->reason,
                                  .suite = intent->suite,
                                  .kind = intent->kind,
                                  .distrust_from = intent->distrust_from};
    rtp_wish_for(rtp, &wish);
}

static void accept_done(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job)
{
    if (!job->is_accepted) {
        const struct rtp_alarm alarm = {.kind = RTP_ALARM_ENTRY,
                                        .text = job->verdict.reason,
                                        .a = job->verdict.rule};
        rtp_sound(rtp, &alarm);
        rtp_serve_failed(rtp, "the new entry was refused");
        retry_later(rtp, now_ms);
        return;
    }
    rtp_adopt(rtp, now_ms, job);
    const struct rtp_intent *intent = &rtp->state.intent;
    bool is_other = rtp->state.has_intent && !job->is_our_request;
    if (is_other && intent->reason != WIRE_REASON_SCHEDULED) {
        wish_again(rtp, intent);
        rtp_serve_postpone(rtp);
    }
}

static void advance_done(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job)
{
    if (!job->is_accepted) {
        rtp_condemn(rtp, now_ms, job->verdict.reason);
        return;
    }
    bool is_closed_channel = rtp->channel.link == RTP_LINK_OPEN &&
                             rtp->channel.scope == RTP_SCOPE_ORDERS;
    // The channel of DONE is gone; a HELLO since then showed what was before
    // R2, and in an emergency makes a channel for COMMIT alone.
    bool is_outdated = rtp->job_pairing != rtp->counts.resets &&
                       rtp->channel.link != RTP_LINK_DOWN &&
                       rtp->channel.link != RTP_LINK_IDLE;
    rtp_adopt(rtp, now_ms, job);
    rtp->rotation_since_ms = RTP_NEVER;
    rtp_backoff_init(&rtp->order_backoff, rtp->config.retry_first_ms,
                     rtp->config.retry_last_ms);
    rtp_serve_rotated(rtp);
    if (is_closed_channel || is_outdated) {
        rtp_reset(rtp, now_ms, false); // pair again under the new epoch
        return;
    }
    if (rtp->channel.link == RTP_LINK_OPEN) {
        rtp->ap.has_prepared = false;
        rtp->ap.cur = chain_trust_head(&rtp->state.trust);
        rtp->channel.action = RTP_ACTION_STEADY;
        rtp->is_attested = true;
        rtp->status_is_wanted = true;
    }
}

static void job_failed(struct rtp *rtp, uint64_t now_ms,
                       const struct rtp_job *job)
{
    static const char text[] = "the trust store could not be written";
    rtp_raise(rtp, RTP_ALARM_STORE,
              job->status == ROTOR_PORT_FAILED
                  ? text
                  : rotor_status_name(job->status));
    rtp_serve_failed(rtp, text);
    retry_later(rtp, now_ms);
    // Without ROT_DONE this channel is good for R2 alone: it is still owed.
    bool is_owed = job->kind == RTP_JOB_ADVANCE && !job->has_done &&
                   rtp->channel.link == RTP_LINK_OPEN;
    if (is_owed) {
        rtp->channel.action = RTP_ACTION_ADVANCE;
    }
    bool was_beginning = job->kind == RTP_JOB_WRITE &&
                         rtp->state.phase == RTP_CUR &&
                         job->next.phase == RTP_INTENT;
    // An event is not forgotten because the disk refused R0.
    if (was_beginning && !is_by_hand(job->next.intent.reason)) {
        wish_again(rtp, &job->next.intent);
    }
}

void rtp_order_done(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job)
{
    if (job->status != ROTOR_OK) {
        job_failed(rtp, now_ms, job);
        return;
    }
    if (job->kind == RTP_JOB_WRITE) {
        write_done(rtp, now_ms, job);
    } else if (job->kind == RTP_JOB_ACCEPT) {
        accept_done(rtp, now_ms, job);
    } else {
        advance_done(rtp, now_ms, job);
    }
}
