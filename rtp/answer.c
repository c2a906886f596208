// SPDX-License-Identifier: Apache-2.0
// Answers of the enclave to programs: passed on, asked for again, or the end
// of the channel.
#include "base/bytes.h"
#include "rtp/machine.h"

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
    return rtp_read_status(rtp, payload) == ROTOR_OK ? ACCEPTED : UNKNOWN;
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
    case WIRE_OP_RECOVER:
        return rtp_recover_is_proposal(payload) ? ACCEPTED : UNKNOWN;
    case WIRE_OP_RECOVERED:
        return ACCEPTED; // judged when the entry is read
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
    }
}

// Under a key that was just dropped: asked again behind COMMIT.  Keys of a
// session that ended are not worth asking for.
static void ask_again(struct rtp *rtp, struct rtp_slot *slot)
{
    if (slot->op == WIRE_OP_SESSION_KEY) {
        rtp_slot_refuse(rtp, slot, WIRE_E_EPOCH, rtp->state.pend.order.epoch);
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
    bool is_signed =
        header->type == WIRE_ATTEST_RSP || header->type == WIRE_HEAD_PROOF;
    struct wire_error_reply error;
    rtp->schedule.answers += is_signed ? 1u : 0; // S was used, wanted or not
    rtp_slot_settle(slot);
    if (!is_awaited) {
        return; // late: its program has an answer
    }
    if (header->type == WIRE_ERROR &&
        wire_message_decode(&WIRE_LAYOUT_ERROR, payload, &error) == ROTOR_OK) {
        rtp_slot_refuse(rtp, slot, error.code, error.detail);
        return;
    }
    enum standing standing = UNKNOWN;
    if (header->type == rtp_route_of(slot->op).reply) {
        standing = look_at(rtp, slot, payload);
    }
    if (standing == ACCEPTED && slot->op == WIRE_OP_RECOVERED) {
        rtp_recover_done(rtp, now_ms, slot);
    } else if (standing == ACCEPTED) {
        pass_on(rtp, slot, payload);
    } else if (standing == DROPPED) {
        ask_again(rtp, slot);
    } else {
        rtp_condemn(rtp, now_ms, "not an answer to the request");
    }
}
