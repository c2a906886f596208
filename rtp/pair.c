// SPDX-License-Identifier: Apache-2.0
// Pairing: HELLO, reading the AP's log where it is ahead, HELLO_FIN, STATUS,
// then the crash table.  doc/PROTOCOL.rot, sections 5.2 and 7.4.
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/suite.h"
#include "rtp/machine.h"

// The AP's own hints about when to come back are believed up to here.
#define HINT_MAX_MS 60000u

static void sound(struct rtp *rtp, enum rtp_alarm_kind kind, const char *text)
{
    const struct rtp_alarm alarm = {.kind = kind, .text = text};
    rtp_sound(rtp, &alarm);
}

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
    crypto_key_close(&channel->ephemeral);
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

// Where our knowledge ends; for judging: where the AP's own entries begin.
static struct wire_order first_missing(const struct rtp *rtp)
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
                                     .from = first_missing(rtp),
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
    if (rtp->channel.is_asked || rtp->state.phase == RTP_QUAR) {
        return ROTOR_AGAIN;
    }
    enum rotor_status status = send_of_link(rtp, now_ms, room);
    if (status == ROTOR_OK || status == ROTOR_AGAIN) {
        return status;
    }
    room->used = 0;
    sound(rtp, RTP_ALARM_STORE, "no random bytes or no key for HELLO");
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

static bool keep_entries(struct rtp *rtp, struct rotor_bytes payload)
{
    struct wire_log_entries reply;
    if (wire_message_decode(&WIRE_LAYOUT_LOG_ENTRIES, payload, &reply) !=
            ROTOR_OK ||
        reply.entries.size > sizeof rtp->entries) {
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

// ---- jobs ------------------------------------------------------------------

static void start_hello_job(struct rtp *rtp)
{
    struct rtp_job *job = rtp_job_start(rtp, RTP_JOB_HELLO);
    struct rtp_hello_work *work = &job->hello;
    memcpy(job->input, rtp->hello_ap, rtp->hello_ap_size);
    job->input_size = rtp->hello_ap_size;
    memcpy(work->hello_rtp, rtp->hello_rtp, rtp->hello_rtp_size);
    work->hello_rtp_size = rtp->hello_rtp_size;
    work->ephemeral = rtp->channel.ephemeral;
    work->control = rtp->control;
    work->control_key = rtp->control_key;
}

// The item behind those that were looked at; false: there is none.
static bool next_entry(struct rtp *rtp, struct rotor_bytes *bytes)
{
    struct cbor_reader in;
    cbor_reader_init(&in, bytes_of(rtp->entries, rtp->entries_size));
    size_t count = cbor_read_array(&in);
    if (rtp->channel.entries_read >= count) {
        return false;
    }
    for (size_t i = 0; i <= rtp->channel.entries_read; i++) {
        *bytes = cbor_read_item(&in);
    }
    rtp->channel.entries_read++;
    return !cbor_has_failed(&in);
}

static bool start_judging(struct rtp *rtp, struct rotor_bytes bytes)
{
    struct rtp_job *job = rtp_job_start(rtp, RTP_JOB_JUDGE);
    memcpy(job->input, bytes.data, bytes.size);
    job->input_size = bytes.size;
    return true;
}

// What lies at or below our cur needs no look; what is our pending entry was
// accepted at R1.
static bool start_reading(struct rtp *rtp, struct rotor_bytes bytes,
                          bool is_logged)
{
    const struct rtp_state *state = &rtp->state;
    struct chain_entry entry;
    struct chain_trust trust;
    if (chain_entry_decode(bytes, &entry) != ROTOR_OK ||
        chain_trust_of(&entry.body, &trust) != ROTOR_OK) {
        return false;
    }
    if (!chain_trust_is_empty(&state->trust) &&
        chain_order_compare(&trust.order, &state->trust.order) <= 0) {
        return false;
    }
    bool is_pend = !chain_trust_is_empty(&state->pend) &&
                   wire_digest_equal(&trust.body_hash, &state->pend.body_hash);
    struct rtp_job *job =
        rtp_job_start(rtp, is_pend ? RTP_JOB_ADVANCE : RTP_JOB_CATCH_UP);
    memcpy(job->input, bytes.data, bytes.size);
    job->input_size = bytes.size;
    job->is_logged = job->is_logged || is_logged;
    return true;
}

// Our own log first: it may know more than the state that was rolled back.
static bool start_from_own_log(struct rtp *rtp)
{
    const struct wire_order from = first_missing(rtp);
    struct rotor_room room = ROOM_OF(rtp->scratch);
    uint64_t offset;
    struct rtp_log_entry record;
    return rtp_log_find(&rtp->log, &rtp->ops, &room, &from, &offset) ==
               ROTOR_OK &&
           offset < rtp->log.size &&
           rtp_log_read(&rtp->ops, offset, &room, &record) == ROTOR_OK &&
           start_reading(rtp, record.bytes, true);
}

static bool start_from_answer(struct rtp *rtp)
{
    struct rotor_bytes bytes;
    bool is_judged = rtp->channel.action == RTP_ACTION_JUDGE;
    while (next_entry(rtp, &bytes)) {
        bool has_begun = is_judged ? start_judging(rtp, bytes)
                                   : start_reading(rtp, bytes, false);
        if (has_begun) {
            return true;
        }
    }
    return false;
}

void rtp_pair_pursue(struct rtp *rtp, uint64_t now_ms)
{
    struct rtp_channel *channel = &rtp->channel;
    if (channel->link != RTP_LINK_JUDGING || !rtp_job_is_free(rtp)) {
        return;
    }
    if (rtp->entries_size == 0) {
        start_hello_job(rtp);
        return;
    }
    if (start_from_answer(rtp)) {
        return;
    }
    rtp->entries_size = 0;
    if (channel->action == RTP_ACTION_JUDGE || !channel->has_progressed) {
        sound(rtp, RTP_ALARM_FORK,
              "the enclave's own entries do not explain its head");
        rtp_reset(rtp, now_ms, true);
        return;
    }
    channel->has_progressed = false;
    start_hello_job(rtp);
}

// ---- the judgement ---------------------------------------------------------

void rtp_keep_status(struct rtp *rtp, const struct wire_status *status)
{
    rtp->ap = *status;
    memcpy(rtp->ap_boot, status->boot_id.data, sizeof rtp->ap_boot);
    rtp->ap.boot_id = BYTES_OF(rtp->ap_boot);
    size_t size = status->has_report ? status->report.size : 0;
    size = size < sizeof rtp->ap_report ? size : sizeof rtp->ap_report;
    if (size != 0) {
        memcpy(rtp->ap_report, status->report.data, size);
    }
    rtp->ap.report = bytes_of(rtp->ap_report, size);
}

static void refused(struct rtp *rtp, uint64_t now_ms,
                    const struct rtp_hello_work *work)
{
    enum rtp_alarm_kind kind = work->is_evidence  ? RTP_ALARM_EVIDENCE
                               : work->is_foreign ? RTP_ALARM_FOREIGN_AP
                                                  : RTP_ALARM_PEER;
    sound(rtp, kind, work->reason);
    rtp_reset(rtp, now_ms, true);
}

static void read_its_log(struct rtp *rtp, uint64_t now_ms)
{
    if (rtp->channel.action == RTP_ACTION_CATCH_UP) {
        if (!rtp->channel.has_progressed) {
            sound(rtp, RTP_ALARM_RTP_BEHIND,
                  "the enclave's epoch is beyond our trust store");
        }
        if (start_from_own_log(rtp)) {
            return;
        }
    }
    if (rtp->channel.has_read_log) {
        sound(rtp, RTP_ALARM_LOG,
              "entries are missing between our log and the enclave's");
        rtp_reset(rtp, now_ms, true);
        return;
    }
    rtp->channel.has_read_log = true;
    rtp->channel.link = RTP_LINK_LOG;
}

static void take_keys(struct rtp *rtp, uint64_t now_ms,
                      const struct rtp_hello_work *work)
{
    struct rtp_channel *channel = &rtp->channel;
    crypto_key_close(&channel->ephemeral);
    bool ok = crypto_aead_open(&channel->seal, work->aead,
                               work->keys.r2a.key) == ROTOR_OK &&
              crypto_aead_open(&channel->unseal, work->aead,
                               work->keys.a2r.key) == ROTOR_OK;
    if (!ok) {
        sound(rtp, RTP_ALARM_STORE, "the crypto back end refused a key");
        rtp_reset(rtp, now_ms, true);
        return;
    }
    memcpy(channel->seal_iv, work->keys.r2a.iv, sizeof channel->seal_iv);
    memcpy(channel->unseal_iv, work->keys.a2r.iv, sizeof channel->unseal_iv);
    memcpy(rtp->fin, work->fin, work->fin_size);
    rtp->fin_size = work->fin_size;
    channel->link = RTP_LINK_FIN;
}

static void hello_done(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job)
{
    struct rtp_hello_work *work = &job->hello;
    if (job->status != ROTOR_OK) {
        sound(rtp, RTP_ALARM_PEER, rotor_status_name(job->status));
        rtp_reset(rtp, now_ms, true);
        return;
    }
    if (work->outcome == RTP_HELLO_REFUSED) {
        refused(rtp, now_ms, work);
        return;
    }
    rtp_keep_status(rtp, &work->ap);
    rtp->claims = work->record.claims;
    rtp->claims.service_kids = (struct rotor_bytes){0};
    rtp->claims.level = work->record.level;
    rtp->instance = work->record.instance;
    rtp->channel.action = work->action;
    rtp->channel.log_id = work->log_id_of_ap;
    if (work->outcome == RTP_HELLO_BEHIND) {
        read_its_log(rtp, now_ms);
        return;
    }
    take_keys(rtp, now_ms, work);
}

static void entry_done(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job)
{
    if (job->status != ROTOR_OK) {
        sound(rtp, RTP_ALARM_STORE, rotor_status_name(job->status));
        rtp_reset(rtp, now_ms, true);
        return;
    }
    if (!job->is_accepted) {
        const struct rtp_alarm alarm = {.kind = RTP_ALARM_ENTRY,
                                        .text = job->verdict.reason,
                                        .a = job->verdict.rule};
        rtp_sound(rtp, &alarm);
        rtp_reset(rtp, now_ms, true);
        return;
    }
    rtp_adopt(rtp, now_ms, job);
    rtp->channel.has_progressed = true;
}

static void judge_done(struct rtp *rtp, struct rtp_job *job)
{
    if (job->status != ROTOR_OK) {
        sound(rtp, RTP_ALARM_STORE, rotor_status_name(job->status));
        return;
    }
    if (job->is_accepted) {
        rtp->state = job->next;
        rtp->unavailable = "quarantine: two bodies for one place in the log";
        sound(rtp, RTP_ALARM_DUPLICITY, rtp->unavailable);
        return;
    }
    bool is_fork =
        job->fork == CHAIN_FORK_NOISE || job->fork == CHAIN_FORK_A_MISUSE;
    if (is_fork) {
        const struct rtp_alarm alarm = {.kind = RTP_ALARM_FORK,
                                        .text = chain_fork_name(job->fork),
                                        .a = job->fork};
        rtp_sound(rtp, &alarm);
    }
}

void rtp_pair_done(struct rtp *rtp, uint64_t now_ms, struct rtp_job *job)
{
    bool is_current =
        job->kind == RTP_JOB_JUDGE || rtp->channel.link == RTP_LINK_JUDGING;
    if (job->kind == RTP_JOB_HELLO && is_current) {
        hello_done(rtp, now_ms, job);
    } else if (job->kind == RTP_JOB_JUDGE) {
        judge_done(rtp, job);
        if (rtp->state.phase == RTP_QUAR) {
            rtp_reset(rtp, now_ms, true);
        }
    } else {
        entry_done(rtp, now_ms, job);
    }
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
    [RTP_ACTION_WAIT] = {
        .unavailable = "a recovery waits for the recovery authority",
        .alarm = RTP_ALARM_AP_LOST},
};
// clang-format on

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
        sound(rtp, opening->alarm, opening->unavailable);
    }
}

void rtp_pair_take_status(struct rtp *rtp, uint64_t now_ms,
                          const struct wire_header *header,
                          struct rotor_bytes payload)
{
    struct rtp_channel *channel = &rtp->channel;
    struct wire_status_reply reply;
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
        sound(rtp, RTP_ALARM_AP_BEHIND, rtp->unavailable);
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
        wire_message_decode(&WIRE_LAYOUT_STATUS_REPLY, payload, &reply) !=
            ROTOR_OK ||
        wire_message_decode(&WIRE_LAYOUT_STATUS_MAP, reply.status, &status) !=
            ROTOR_OK) {
        rtp_condemn(rtp, now_ms, "not an answer to HELLO_FIN");
        return;
    }
    open_channel(rtp, now_ms, &status);
}
