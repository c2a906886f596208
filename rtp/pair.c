// SPDX-License-Identifier: Apache-2.0
// Pairing: HELLO, reading the AP's log where it is ahead, HELLO_FIN, STATUS,
// then the crash table.  doc/PROTOCOL.rot, sections 5.2 and 7.4.
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/suite.h"
#include "rtp/machine.h"
#include "wire/cbor_text.h"

// The AP's own hints about when to come back are believed up to here.
#define HINT_MAX_MS 60000u

// ---- HELLO_RTP -------------------------------------------------------------

static uint32_t hello_suite(const struct rtp *rtp)
{
    const struct rtp_state *state = &rtp->state;
    if (rtp->hello_suite != 0) {
        return rtp->hello_suite;
    }
    if (!chain_trust_is_empty(&state->trust)) {
        return state->trust.suite;
    }
    if (!chain_trust_is_empty(&state->pend)) {
        return state->pend.suite;
    }
    return state->has_intent ? state->intent.suite : rtp->config.suite;
}

// Ours first, then all others that we verify.
static struct wire_suites offer(uint32_t first)
{
    static const uint32_t ALL[] = {2, 1, 3};
    struct wire_suites suites = {.count = 1, .id = {first}};
    for (size_t i = 0; i < COUNT_OF(ALL); i++) {
        if (ALL[i] != first) {
            suites.id[suites.count++] = ALL[i];
        }
    }
    return suites;
}

struct ephemeral_seed { // SECRET
    uint8_t bytes[CRYPTO_SEED_MAX];
};

static enum rotor_status make_ephemeral(struct rtp *rtp, uint32_t suite_id)
{
    const struct crypto_suite *suite = crypto_suite_of(suite_id);
    if (suite == NULL) {
        return ROTOR_INVALID;
    }
    struct ephemeral_seed seed;
    enum rotor_status status =
        rtp->ops.random(rtp->ops.context, seed.bytes, sizeof seed.bytes);
    if (status == ROTOR_OK) {
        status = crypto_key_derive(&rtp->channel.ephemeral, suite->agree,
                                   seed.bytes);
    }
    secret_wipe(&seed, sizeof seed);
    return status;
}

static enum rotor_status encode_hello(struct rtp *rtp, uint32_t suite,
                                      struct rotor_room *payload)
{
    const struct rtp_standing standing = rtp_state_standing(&rtp->state);
    uint8_t nonce[WIRE_NONCE_SIZE];
    uint8_t point_bytes[CHAIN_POINT_MAX];
    struct rotor_room point = ROOM_OF(point_bytes);
    TRY(rtp->ops.random(rtp->ops.context, nonce, sizeof nonce));
    TRY(make_ephemeral(rtp, suite));
    TRY(chain_point_encode(&rtp->channel.ephemeral, &point));
    const struct wire_hello_rtp hello = {
        .log_id = rtp->state.trust.log_id,
        .nonce = BYTES_OF(nonce),
        .e_r = bytes_in(&point),
        .suites = offer(suite),
        .control_kid = rtp->control_kid,
        // In an emergency e is dropped: only what is pending is shown.
        .has_cur = standing.has_cur && standing.phase != RTP_PENDX,
        .cur = standing.cur,
        .has_pend = standing.has_pend,
        .pend = standing.pend,
        .floor = standing.floor,
    };
    return wire_message_encode(&WIRE_LAYOUT_HELLO_RTP, &hello, payload);
}

static void ask(struct rtp *rtp, uint64_t now_ms, enum rtp_link link)
{
    rtp->channel.link = link;
    rtp->channel.is_asked = true;
    rtp->channel.asked_ms = now_ms;
}

static enum rotor_status send_hello(struct rtp *rtp, uint64_t now_ms,
                                    struct rotor_room *room)
{
    struct rtp_channel *channel = &rtp->channel;
    uint8_t bytes[512];
    uint8_t id[4];
    struct rotor_room payload = ROOM_OF(bytes);
    TRY(rtp->ops.random(rtp->ops.context, id, sizeof id));
    TRY(rtp_make_id(rtp, channel->asked_id));
    TRY(encode_hello(rtp, hello_suite(rtp), &payload));
    channel->id = bytes_be32(id);
    channel->sent = 0;
    channel->received = 0;
    const struct rtp_frame frame = {WIRE_HELLO_RTP, channel->asked_id,
                                    bytes_in(&payload)};
    TRY(rtp_send_plain(rtp, &frame, room));
    if (room->used > sizeof rtp->hello_rtp) {
        return ROTOR_INVALID;
    }
    memcpy(rtp->hello_rtp, room->data, room->used);
    rtp->hello_rtp_size = room->used;
    ask(rtp, now_ms, RTP_LINK_HELLO);
    return ROTOR_OK;
}

// ---- LOG_GET and HELLO_FIN -------------------------------------------------

struct wire_order rtp_first_missing(const struct rtp *rtp)
{
    const struct chain_trust *trust = &rtp->state.trust;
    if (rtp->channel.action == RTP_ACTION_JUDGE) {
        return (struct wire_order){(uint32_t)rtp->ap.incarnation,
                                   rtp->ap.cur.epoch};
    }
    if (chain_trust_is_empty(trust)) {
        return (struct wire_order){0, 0};
    }
    return (struct wire_order){trust->order.incarnation,
                               trust->order.epoch + 1u};
}

static enum rotor_status send_log_get(struct rtp *rtp, uint64_t now_ms,
                                      struct rotor_room *room)
{
    uint8_t bytes[128];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_log_get get = {.log_id = rtp->channel.log_id,
                                     .from = rtp_first_missing(rtp),
                                     .max = RTP_LOG_ENTRIES};
    TRY(wire_message_encode(&WIRE_LAYOUT_LOG_GET, &get, &payload));
    TRY(rtp_make_id(rtp, rtp->channel.asked_id));
    const struct rtp_frame frame = {WIRE_LOG_GET, rtp->channel.asked_id,
                                    bytes_in(&payload)};
    TRY(rtp_send_plain(rtp, &frame, room));
    ask(rtp, now_ms, RTP_LINK_LOG);
    return ROTOR_OK;
}

static enum rotor_status send_fin(struct rtp *rtp, uint64_t now_ms,
                                  struct rotor_room *room)
{
    TRY(rtp_make_id(rtp, rtp->channel.asked_id));
    const struct rtp_frame frame = {WIRE_HELLO_FIN, rtp->channel.asked_id,
                                    bytes_of(rtp->fin, rtp->fin_size)};
    TRY(rtp_send_plain(rtp, &frame, room));
    ask(rtp, now_ms, RTP_LINK_FIN);
    return ROTOR_OK;
}

static enum rotor_status send_of_link(struct rtp *rtp, uint64_t now_ms,
                                      struct rotor_room *room)
{
    switch (rtp->channel.link) {
    case RTP_LINK_IDLE:
        return now_ms < rtp->hello_at_ms ? ROTOR_AGAIN
                                         : send_hello(rtp, now_ms, room);
    case RTP_LINK_LOG:
        return send_log_get(rtp, now_ms, room);
    case RTP_LINK_FIN:
        return send_fin(rtp, now_ms, room);
    case RTP_LINK_DOWN:
    case RTP_LINK_HELLO:
    case RTP_LINK_JUDGING:
    case RTP_LINK_OPEN:
        break;
    }
    return ROTOR_AGAIN;
}

enum rotor_status rtp_pair_next(struct rtp *rtp, uint64_t now_ms,
                                struct rotor_room *room)
{
    if (rtp->channel.is_asked) {
        return ROTOR_AGAIN;
    }
    enum rotor_status status = send_of_link(rtp, now_ms, room);
    if (status == ROTOR_OK || status == ROTOR_AGAIN) {
        return status;
    }
    room->used = 0;
    rtp_raise(rtp, RTP_ALARM_STORE, "no random bytes or no key for HELLO");
    rtp_reset(rtp, now_ms, true);
    return ROTOR_AGAIN;
}

// ---- plaintext answers -----------------------------------------------------

// Unauthenticated: a hint about when and how to come back, no more.
static void take_hint(struct rtp *rtp, uint64_t now_ms,
                      struct rotor_bytes payload)
{
    struct wire_error_reply error;
    if (wire_message_decode(&WIRE_LAYOUT_ERROR, payload, &error) != ROTOR_OK) {
        rtp_reset(rtp, now_ms, true);
        return;
    }
    const struct rtp_alarm alarm = {.kind = RTP_ALARM_REFUSED,
                                    .text = wire_error_name(error.code),
                                    .a = error.code,
                                    .b = error.detail};
    bool is_new_suite = error.code == WIRE_E_SUITE && rtp->hello_suite == 0 &&
                        crypto_suite_of(error.detail) != NULL;
    if (is_new_suite) {
        rtp->hello_suite = (uint32_t)error.detail;
        rtp_reset(rtp, now_ms, false);
        return;
    }
    rtp->hello_suite = 0;
    rtp_sound(rtp, &alarm);
    rtp_reset(rtp, now_ms, true);
    if (error.code == WIRE_E_RATE && error.detail < HINT_MAX_MS / 1000u) {
        uint64_t at_ms = now_ms + error.detail * 1000u;
        rtp->hello_at_ms = at_ms > rtp->hello_at_ms ? at_ms : rtp->hello_at_ms;
    }
}

// For each item all before it are passed over: no more than we asked for.
static bool are_few(struct rotor_bytes entries)
{
    struct cbor_reader in;
    cbor_reader_init(&in, entries);
    return cbor_read_array(&in) <= RTP_LOG_ENTRIES;
}

static bool keep_entries(struct rtp *rtp, struct rotor_bytes payload)
{
    struct wire_log_entries reply;
    if (wire_message_decode(&WIRE_LAYOUT_LOG_ENTRIES, payload, &reply) !=
            ROTOR_OK ||
        reply.entries.size > sizeof rtp->entries || !are_few(reply.entries)) {
        return false;
    }
    memcpy(rtp->entries, reply.entries.data, reply.entries.size);
    rtp->entries_size = reply.entries.size;
    rtp->channel.entries_read = 0;
    return true;
}

void rtp_pair_take(struct rtp *rtp, uint64_t now_ms,
                   const struct wire_header *header, struct rotor_bytes payload,
                   struct rotor_bytes frame)
{
    struct rtp_channel *channel = &rtp->channel;
    if (header->type == WIRE_HELLO_AP && channel->link == RTP_LINK_HELLO) {
        memcpy(rtp->hello_ap, frame.data, frame.size);
        rtp->hello_ap_size = frame.size;
        rtp->entries_size = 0;
        channel->link = RTP_LINK_JUDGING;
        return;
    }
    if (header->type == WIRE_LOG_ENTRIES && channel->link == RTP_LINK_LOG &&
        keep_entries(rtp, payload)) {
        channel->link = RTP_LINK_JUDGING;
        return;
    }
    if (header->type == WIRE_ERROR) {
        take_hint(rtp, now_ms, payload);
        return;
    }
    rtp_condemn(rtp, now_ms, "not an answer to HELLO");
}

// ---- STATUS: the channel is open -------------------------------------------

// What an action makes of a fresh channel.
struct opening {
    enum rtp_scope scope;
    const char *unavailable; // NULL: programs are served, now or soon
    enum rtp_alarm_kind alarm;
};
// clang-format off
static const struct opening OPENINGS[] = {
    [RTP_ACTION_STEADY] = {.scope = RTP_SCOPE_FULL},
    [RTP_ACTION_ROTATE] = {.scope = RTP_SCOPE_FULL},
    [RTP_ACTION_COMMIT] = {.scope = RTP_SCOPE_FULL},
    [RTP_ACTION_WITHDRAW] = {.scope = RTP_SCOPE_FULL},
    [RTP_ACTION_ATTEST] = {.scope = RTP_SCOPE_FULL},
    // To be followed by a pairing under the new epoch.
    [RTP_ACTION_GENERATE] = {.scope = RTP_SCOPE_ORDERS},
    [RTP_ACTION_ACCEPT0] = {.scope = RTP_SCOPE_ORDERS},
    [RTP_ACTION_EMERGENCY] = {.scope = RTP_SCOPE_ORDERS},
    [RTP_ACTION_ADVANCE] = {.scope = RTP_SCOPE_ORDERS},
    // Only an operator helps.
    [RTP_ACTION_RESET] = {
        .unavailable = "the enclave holds a root of trust that we did not ask "
                       "for: reset it",
        .alarm = RTP_ALARM_FOREIGN_AP},
    [RTP_ACTION_RECOVER] = {
        .unavailable = "the enclave lost its state: the recovery authority is "
                       "needed",
        .alarm = RTP_ALARM_AP_LOST},
    [RTP_ACTION_APPEAL] = {
        .unavailable = "quarantine: two bodies for one place in the log"},
    [RTP_ACTION_WAIT] = {
        .unavailable = "a recovery waits for the recovery authority",
        .alarm = RTP_ALARM_AP_LOST},
};
// clang-format on

// Attestations that did not pass through us count as well.
static void count_beside(struct rtp *rtp, const struct wire_status *status)
{
    struct rtp_schedule *schedule = &rtp->schedule;
    bool is_new_boot =
        memcmp(rtp->ap_boot, status->boot_id.data, sizeof rtp->ap_boot) != 0;
    if (is_new_boot) { // which counts from 0
        schedule->answers += schedule->beside;
        schedule->beside = 0;
    }
    if (status->has_beside) {
        schedule->beside = status->beside;
    }
}

void rtp_keep_status(struct rtp *rtp, const struct wire_status *status)
{
    count_beside(rtp, status);
    rtp->ap = *status;
    memcpy(rtp->ap_boot, status->boot_id.data, sizeof rtp->ap_boot);
    rtp->ap.boot_id = BYTES_OF(rtp->ap_boot);
    // Text for our own STATUS, which nobody could read with anything else in
    // it.
    size_t size = status->has_report ? cbor_text_whole(status->report) : 0;
    size = size < sizeof rtp->ap_report ? size : sizeof rtp->ap_report;
    if (size != 0) {
        memcpy(rtp->ap_report, status->report.data, size);
    }
    rtp->ap.report = bytes_of(rtp->ap_report, size);
}

// `status` points into `payload`.
static enum rotor_status decode_status(struct rotor_bytes payload,
                                       struct wire_status *status)
{
    struct wire_status_reply reply;
    TRY(wire_message_decode(&WIRE_LAYOUT_STATUS_REPLY, payload, &reply));
    return wire_message_decode(&WIRE_LAYOUT_STATUS_MAP, reply.status, status);
}

enum rotor_status rtp_read_status(struct rtp *rtp, struct rotor_bytes payload)
{
    struct wire_status status;
    TRY(decode_status(payload, &status));
    rtp_keep_status(rtp, &status);
    return ROTOR_OK;
}

static void open_channel(struct rtp *rtp, uint64_t now_ms,
                         const struct wire_status *status)
{
    const struct rtp_standing standing = rtp_state_standing(&rtp->state);
    enum rtp_action before = rtp->channel.action;
    enum rtp_action action = rtp_resume(&standing, status);
    if (before == RTP_ACTION_RECOVER) {
        action = before;
    }
    bool is_known = (size_t)action < COUNT_OF(OPENINGS) &&
                    (OPENINGS[action].scope != RTP_SCOPE_NONE ||
                     OPENINGS[action].unavailable != NULL);
    if (!is_known || action != before) {
        rtp_condemn(rtp, now_ms, "STATUS contradicts HELLO_AP");
        return;
    }
    const struct opening *opening = &OPENINGS[action];
    rtp_keep_status(rtp, status);
    rtp->channel.link = RTP_LINK_OPEN;
    rtp->channel.scope = opening->scope;
    rtp->unavailable = opening->unavailable;
    rtp->hello_suite = 0;
    rtp_backoff_init(&rtp->backoff, rtp->config.retry_first_ms,
                     rtp->config.retry_last_ms);
    rtp->is_attested = opening->scope == RTP_SCOPE_FULL;
    if (opening->alarm != RTP_ALARM_NONE) {
        rtp_raise(rtp, opening->alarm, opening->unavailable);
    }
}

void rtp_pair_take_status(struct rtp *rtp, uint64_t now_ms,
                          const struct wire_header *header,
                          struct rotor_bytes payload)
{
    struct rtp_channel *channel = &rtp->channel;
    struct wire_status status;
    struct wire_error_reply error;
    bool is_asked =
        channel->is_asked &&
        memcmp(header->request_id, channel->asked_id, WIRE_ID_SIZE) == 0;
    channel->is_asked = false;
    if (!is_asked) {
        rtp_condemn(rtp, now_ms, "an answer to nothing that was asked");
        return;
    }
    if (channel->action == RTP_ACTION_AP_BEHIND) {
        rtp->unavailable = "the enclave's store was rolled back";
        rtp_raise(rtp, RTP_ALARM_AP_BEHIND, rtp->unavailable);
        rtp_reset(rtp, now_ms, true);
        return;
    }
    if (header->type == WIRE_ERROR &&
        wire_message_decode(&WIRE_LAYOUT_ERROR, payload, &error) == ROTOR_OK) {
        const struct rtp_alarm alarm = {.kind = RTP_ALARM_REFUSED,
                                        .text = wire_error_name(error.code),
                                        .a = error.code,
                                        .b = error.detail};
        rtp_sound(rtp, &alarm);
        rtp_reset(rtp, now_ms, true);
        return;
    }
    if (header->type != WIRE_STATUS ||
        decode_status(payload, &status) != ROTOR_OK) {
        rtp_condemn(rtp, now_ms, "not an answer to HELLO_FIN");
        return;
    }
    open_channel(rtp, now_ms, &status);
}
