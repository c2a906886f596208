// SPDX-License-Identifier: Apache-2.0
// Orders of the recovery authority, brought by an operator: RECOVER makes the
// AP propose a body, RECOVER_SIGNED gives it the signatures of k of n.
//
// Nothing here decides.  Who signs judges body and Evidence first; the entry
// is accepted like any other that we missed, by the rules of PROTOCOL.chain 5.
// Both orders go out where no program is served: without a usable state of the
// AP, while it waits for signatures, in quarantine.
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "chain/hash.h"
#include "crypto/suite.h"
#include "rtp/machine.h"

#define SEED_SIZE 32u // bytes

bool rtp_is_recovery(uint64_t op)
{
    return op == WIRE_OP_RECOVER || op == WIRE_OP_RECOVERED;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

// ---- what is superseded ----------------------------------------------------

// The first entry of our log at `from` or behind it; views scratch.
static bool entry_from(struct rtp *rtp, const struct wire_order *from,
                       struct chain_entry *entry)
{
    struct rotor_room room = ROOM_OF(rtp->scratch);
    struct rtp_log_entry record;
    uint64_t offset = 0;
    return rtp_log_find(&rtp->log, &rtp->ops, &room, from, &offset) ==
               ROTOR_OK &&
           offset < rtp->log.size &&
           rtp_log_read(&rtp->ops, offset, &room, &record) == ROTOR_OK &&
           chain_entry_decode(record.bytes, entry) == ROTOR_OK;
}

static bool is_at(const struct chain_body *body, uint32_t incarnation,
                  const struct wire_head *head)
{
    struct wire_digest hash;
    return body->incarnation == incarnation && body->epoch == head->epoch &&
           body->suite_is_known && chain_body_hash(body, &hash) == ROTOR_OK &&
           wire_digest_equal(&hash, &head->body_hash);
}

// Is it in our live chain?  Each incarnation begins with a recovery, which made
// void what lies behind the entry that it superseded.
static bool is_live(struct rtp *rtp, const struct wire_head *head)
{
    uint32_t incarnation = rtp->state.trust.order.incarnation;
    for (;; incarnation--) {
        const struct wire_order place = {incarnation, head->epoch};
        const struct wire_order first = {incarnation, 0};
        struct chain_entry entry;
        if (entry_from(rtp, &place, &entry) &&
            is_at(&entry.body, incarnation, head)) {
            return true;
        }
        if (incarnation == 0 || !entry_from(rtp, &first, &entry)) {
            return false;
        }
        bool is_recovery = chain_kind_is_recovery(entry.body.kind);
        if (!is_recovery || entry.body.supersedes.epoch < head->epoch) {
            return false;
        }
    }
}

// An entry that supersedes what we cannot find is one that we never accept: the
// AP would be lost to us.
bool rtp_recover_is_possible(struct rtp *rtp, const struct rtp_slot *slot)
{
    struct wire_client_recover order;
    bool names_one = slot->op == WIRE_OP_RECOVER &&
                     wire_message_decode(&WIRE_LAYOUT_CLIENT_RECOVER,
                                         bytes_of(slot->payload, slot->size),
                                         &order) == ROTOR_OK &&
                     order.has_supersedes;
    return !names_one || is_live(rtp, &order.supersedes);
}

// ---- orders ----------------------------------------------------------------

// Beyond everything that either side ever saw: epochs are never used twice.
static uint64_t next_epoch(const struct rtp *rtp)
{
    const struct wire_status *ap = &rtp->ap;
    uint64_t most =
        higher(rtp->state.trust.order.epoch, rtp->state.pend.order.epoch);
    most = higher(most, rtp->state.floor.epoch);
    most = higher(most, ap->has_cur ? ap->cur.epoch : 0);
    most = higher(most, ap->has_prepared ? ap->prepared.epoch : 0);
    return most + 1u;
}

// The policy as it is, under the authority and the C from then on.
static enum rotor_status make_policy(const struct rtp *rtp, uint64_t suite,
                                     struct rotor_bytes ra_set,
                                     struct rotor_room *policy)
{
    const struct crypto_suite *of = crypto_suite_of(suite);
    if (of == NULL) {
        return ROTOR_INVALID;
    }
    struct chain_policy next = rtp->state.trust.policy;
    next.control = rtp->control_kid;
    TRY(chain_hash_ra_set(of->hash, ra_set, &next.ra));
    return chain_policy_encode(&next, policy);
}

struct recover_secrets {
    uint8_t seed[SEED_SIZE];
};

static enum rotor_status encode_with(struct recover_secrets *s, struct rtp *rtp,
                                     const struct rtp_slot *slot,
                                     struct rotor_room *payload)
{
    const struct chain_trust *trust = &rtp->state.trust;
    struct wire_client_recover order;
    uint8_t policy_bytes[CHAIN_POLICY_MAX];
    struct rotor_room policy = ROOM_OF(policy_bytes);
    TRY(wire_message_decode(&WIRE_LAYOUT_CLIENT_RECOVER,
                            bytes_of(slot->payload, slot->size), &order));
    bool is_lost = rtp->channel.action == RTP_ACTION_RECOVER;
    struct wire_recover message = {
        .log_id = rtp->channel.log_id,
        .kind = is_lost ? CHAIN_REINCEPT : CHAIN_RECOVER,
        .incarnation = trust->order.incarnation + 1u,
        .epoch = next_epoch(rtp),
        .supersedes =
            order.has_supersedes ? order.supersedes : chain_trust_head(trust),
        .suite = order.has_suite ? order.suite : trust->suite,
        .seed_src = rtp->config.seed_src,
        .ra_set = order.ra_set,
        .control_kid = rtp->control_kid,
        .with_old = is_lost ? 0 : order.with_old,
        .order_log_id = trust->log_id,
    };
    TRY(make_policy(rtp, message.suite, order.ra_set, &policy));
    message.policy = bytes_in(&policy);
    if (message.seed_src != 0) {
        TRY(rtp->ops.random(rtp->ops.context, s->seed, sizeof s->seed));
        message.seed = BYTES_OF(s->seed);
    }
    return wire_message_encode(&WIRE_LAYOUT_RECOVER, &message, payload);
}

static enum rotor_status encode_order(struct rtp *rtp,
                                      const struct rtp_slot *slot,
                                      struct rotor_room *payload)
{
    struct recover_secrets secrets;
    enum rotor_status status = encode_with(&secrets, rtp, slot, payload);
    secret_wipe(&secrets, sizeof secrets);
    return status;
}

// As it came, but for the log_id: that is the channel's, empty where the AP
// lost its own.
static enum rotor_status encode_signed(const struct rtp *rtp,
                                       const struct rtp_slot *slot,
                                       struct rotor_room *payload)
{
    struct wire_recover_signed message;
    TRY(wire_message_decode(&WIRE_LAYOUT_RECOVER_SIGNED,
                            bytes_of(slot->payload, slot->size), &message));
    message.log_id = rtp->channel.log_id;
    return wire_message_encode(&WIRE_LAYOUT_RECOVER_SIGNED, &message, payload);
}

enum rotor_status rtp_recover_encode(struct rtp *rtp,
                                     const struct rtp_slot *slot,
                                     struct rotor_room *payload)
{
    return slot->op == WIRE_OP_RECOVER ? encode_order(rtp, slot, payload)
                                       : encode_signed(rtp, slot, payload);
}

bool rtp_recover_is_proposal(struct rotor_bytes payload)
{
    struct wire_recover_body reply;
    return wire_message_decode(&WIRE_LAYOUT_RECOVER_BODY, payload, &reply) ==
           ROTOR_OK;
}

static bool is_current(const struct rtp *rtp, const struct rtp_slot *slot)
{
    struct wire_recover_signed message;
    return wire_message_decode(&WIRE_LAYOUT_RECOVER_SIGNED,
                               bytes_of(slot->payload, slot->size),
                               &message) == ROTOR_OK &&
           wire_digest_equal(&message.body_hash, &rtp->state.trust.body_hash);
}

// DONE is a hint: it is signed under a key that we do not hold yet.  The
// entry is read from the AP's log and judged.
void rtp_recover_done(struct rtp *rtp, uint64_t now_ms, struct rtp_slot *slot)
{
    if (is_current(rtp, slot)) {
        rtp_slot_finish(slot, WIRE_CLIENT_OK, "");
        return;
    }
    slot->state = RTP_SLOT_WAITING;
    slot->round = UINT64_MAX; // for no rotation
    rtp_reset(rtp, now_ms, false);
}

static bool awaits_entry(const struct rtp_slot *slot)
{
    return slot->state == RTP_SLOT_WAITING && slot->op == WIRE_OP_RECOVERED;
}

bool rtp_recover_is_awaited(const struct rtp *rtp)
{
    bool is_awaited = false;
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        is_awaited = is_awaited || awaits_entry(&rtp->slots.slot[i]);
    }
    return is_awaited;
}

void rtp_recover_settle(struct rtp *rtp)
{
    for (size_t i = 0; i < RTP_SLOTS; i++) {
        struct rtp_slot *slot = &rtp->slots.slot[i];
        if (awaits_entry(slot) && is_current(rtp, slot)) {
            rtp_slot_finish(slot, WIRE_CLIENT_OK, "");
        }
    }
}
