// SPDX-License-Identifier: Apache-2.0
// The channel as a stream of numbered frames.  doc/PROTOCOL.rot, section 4.
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "rtp/machine.h"

void rtp_reset(struct rtp *rtp, uint64_t now_ms, bool waits)
{
    struct rtp_channel *channel = &rtp->channel;
    bool is_up = channel->link != RTP_LINK_DOWN;
    crypto_aead_close(&channel->seal);
    crypto_aead_close(&channel->unseal);
    // A job that is out still holds the ephemeral: it closes it.
    if (!rtp->job_is_out || rtp->job.kind != RTP_JOB_HELLO) {
        crypto_key_close(&channel->ephemeral);
    }
    secret_wipe(channel, sizeof *channel);
    channel->link = is_up ? RTP_LINK_IDLE : RTP_LINK_DOWN;
    rtp->hello_at_ms =
        waits ? rtp_backoff_next(&rtp->backoff, now_ms, rtp_random(rtp))
              : now_ms;
    if (rtp->job_is_wanted && rtp->job.kind == RTP_JOB_HELLO) {
        rtp->job_is_wanted = false;
    }
    rtp->order = (struct rtp_order){0};
    rtp->is_attested = false;
    rtp->counts.resets++;
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        struct rtp_slot *slot = &rtp->slots.slot[i];
        if (slot->state == RTP_SLOT_SENT) {
            slot->state = RTP_SLOT_QUEUED;
            rtp->counts.reissued++;
        }
        rtp_slot_settle(slot);
    }
}

void rtp_condemn(struct rtp *rtp, uint64_t now_ms, const char *text)
{
    const struct rtp_alarm alarm = {.kind = RTP_ALARM_PEER, .text = text};
    rtp_sound(rtp, &alarm);
    rtp_reset(rtp, now_ms, true);
}

// ---- out -------------------------------------------------------------------

static struct wire_header header_of(const struct rtp *rtp,
                                    const struct rtp_frame *frame)
{
    const struct rtp_channel *channel = &rtp->channel;
    struct wire_header header = {
        .type = frame->type,
        .channel_id = channel->id,
        .sequence = channel->sent,
        .epoch = rtp->state.trust.order.epoch,
        .ack = channel->received == 0 ? 0 : channel->received - 1u,
    };
    memcpy(header.request_id, frame->id, sizeof header.request_id);
    return header;
}

enum rotor_status rtp_send_plain(struct rtp *rtp, const struct rtp_frame *frame,
                                 struct rotor_room *room)
{
    const struct wire_header header = header_of(rtp, frame);
    TRY(wire_frame_encode(&header, frame->payload, room));
    rtp->channel.sent++;
    return ROTOR_OK;
}

enum rotor_status rtp_send_sealed(struct rtp *rtp,
                                  const struct rtp_frame *frame,
                                  struct rotor_room *room)
{
    struct rtp_channel *channel = &rtp->channel;
    const struct wire_header header = header_of(rtp, frame);
    struct wire_sealer sealer = {.aead = &channel->seal};
    memcpy(sealer.iv, channel->seal_iv, sizeof sealer.iv);
    TRY(wire_frame_seal(&sealer, &header, frame->payload, room));
    channel->sent++;
    return ROTOR_OK;
}

// A channel near its last frame sends no more; when nothing is owed, a new
// one is made.
static bool is_spent(const struct rtp *rtp)
{
    uint64_t most = rtp->config.frames_per_channel;
    return rtp->channel.sent + RTP_SLOTS + 2u >= most ||
           rtp->channel.received + RTP_SLOTS + 2u >= most;
}

enum rotor_status rtp_next(struct rtp *rtp, uint64_t now_ms,
                           struct rotor_room *room)
{
    room->used = 0;
    if (room->capacity < WIRE_FRAME_MAX) {
        return ROTOR_TOO_SMALL;
    }
    rtp_pursue(rtp, now_ms);
    if (rtp->channel.link != RTP_LINK_OPEN) {
        return rtp_pair_next(rtp, now_ms, room);
    }
    if (is_spent(rtp)) {
        if (rtp_slots_owed(&rtp->slots) == 0 && !rtp->order.is_sent) {
            rtp_reset(rtp, now_ms, false);
            return rtp_pair_next(rtp, now_ms, room);
        }
        return ROTOR_AGAIN;
    }
    enum rotor_status status = rtp_order_next(rtp, now_ms, room);
    return status == ROTOR_AGAIN ? rtp_serve_next(rtp, now_ms, room) : status;
}

// ---- in --------------------------------------------------------------------

static void take_plain(struct rtp *rtp, uint64_t now_ms,
                       struct rotor_bytes frame)
{
    struct rtp_channel *channel = &rtp->channel;
    struct wire_header header;
    struct rotor_bytes payload;
    bool is_expected =
        wire_frame_decode(frame, &header, &payload) == ROTOR_OK &&
        (channel->link == RTP_LINK_HELLO || channel->link == RTP_LINK_LOG ||
         channel->link == RTP_LINK_FIN) &&
        channel->is_asked && header.sequence == channel->received &&
        memcmp(header.request_id, channel->asked_id, WIRE_ID_SIZE) == 0;
    if (!is_expected) {
        rtp->counts.dropped++;
        return;
    }
    channel->received++;
    channel->is_asked = false;
    rtp_pair_take(rtp, now_ms, &header, payload, frame);
}

// True: `payload` is authentic and the next in order.
static bool open_frame(struct rtp *rtp, uint64_t now_ms,
                       struct rotor_bytes frame, struct wire_header *header)
{
    struct rtp_channel *channel = &rtp->channel;
    struct wire_sealer sealer = {.aead = &channel->unseal};
    memcpy(sealer.iv, channel->unseal_iv, sizeof sealer.iv);
    struct rotor_room payload = ROOM_OF(rtp->inbox);
    bool has_keys =
        channel->link == RTP_LINK_FIN || channel->link == RTP_LINK_OPEN;
    if (!has_keys ||
        wire_frame_unseal(&sealer, frame, header, &payload) != ROTOR_OK) {
        rtp->counts.dropped++;
        return false;
    }
    rtp->inbox_size = payload.used;
    if (header->sequence != channel->received) {
        rtp_condemn(rtp, now_ms, "a frame is missing or came twice");
        return false;
    }
    channel->received++;
    return true;
}

static bool is_epoch_of_ours(const struct rtp *rtp, uint64_t epoch)
{
    const struct rtp_state *state = &rtp->state;
    bool has_cur = !chain_trust_is_empty(&state->trust);
    bool has_pend = !chain_trust_is_empty(&state->pend);
    return (has_cur && epoch == state->trust.order.epoch) ||
           (has_pend && epoch == state->pend.order.epoch) ||
           (!has_cur && epoch == 0);
}

static void take_sealed(struct rtp *rtp, uint64_t now_ms,
                        struct rotor_bytes frame)
{
    struct wire_header header;
    if (!open_frame(rtp, now_ms, frame, &header)) {
        return;
    }
    struct rotor_bytes payload = {rtp->inbox, rtp->inbox_size};
    if (rtp->channel.link == RTP_LINK_FIN) {
        rtp_pair_take_status(rtp, now_ms, &header, payload);
        return;
    }
    struct rtp_slot *slot = rtp_slots_of_frame(&rtp->slots, header.request_id);
    bool is_recovered = slot != NULL && slot->op == WIRE_OP_RECOVERED;
    if (rtp->channel.scope == RTP_SCOPE_FULL && !is_recovered &&
        !is_epoch_of_ours(rtp, header.epoch)) {
        rtp_condemn(rtp, now_ms, "the enclave is at an epoch that is not ours");
        return;
    }
    if (rtp->order.is_sent &&
        memcmp(header.request_id, rtp->order.id, WIRE_ID_SIZE) == 0) {
        rtp_order_take(rtp, now_ms, &header, payload);
        return;
    }
    if (slot == NULL) {
        rtp_condemn(rtp, now_ms, "an answer to nothing that was asked");
        return;
    }
    rtp_serve_take(rtp, now_ms, slot, &header, payload);
}

enum rotor_status rtp_take(struct rtp *rtp, uint64_t now_ms,
                           struct rotor_bytes frame)
{
    if (rtp->inbox_is_full) {
        return ROTOR_AGAIN;
    }
    struct wire_header header;
    if (wire_header_decode(&header, frame) != ROTOR_OK ||
        rtp->channel.link == RTP_LINK_DOWN ||
        header.channel_id != rtp->channel.id) {
        rtp->counts.dropped++;
        return ROTOR_OK;
    }
    if (wire_header_is_plaintext(&header)) {
        take_plain(rtp, now_ms, frame);
    } else {
        take_sealed(rtp, now_ms, frame);
    }
    rtp_pursue(rtp, now_ms);
    return ROTOR_OK;
}
