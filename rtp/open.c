// SPDX-License-Identifier: Apache-2.0
// From files to a machine that knows where it stands.
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/suite.h"
#include "rtp/machine.h"

// Entries that the set of rule 9 has room for, a pending one left out.
#define SEEN_ENTRIES (CHAIN_SEEN_DEFAULT / 4u * 3u / CHAIN_SEEN_PER_ENTRY - 2u)

void rtp_config_init(struct rtp_config *config)
{
    memset(config, 0, sizeof *config);
    chain_policy_init(&config->policy);
    config->suite = CRYPTO_SUITE_DEFAULT;
    config->seed_src = 1;
    config->jitter_percent = 10;
    config->usage_limit = 1u << 20;
    config->retry_first_ms = 2000;
    config->retry_last_ms = 60000;
    config->hello_ms = 5000;
    config->silence_ms = 10000;
    config->rotation_ms = 10000;
    config->request_ms = 10000;
    config->frames_per_channel = 1u << 24;
}

static enum rotor_status read_state(struct rtp *rtp)
{
    struct rotor_room file = ROOM_OF(rtp->job.file);
    TRY(rtp->ops.store_read(rtp->ops.context, RTP_FILE_STATE, &file));
    if (file.used == 0) {
        return ROTOR_OK;
    }
    return rtp_state_decode(bytes_in(&file), &rtp->state);
}

// C as a file: scheme, then the private key.
struct control_secrets {
    uint8_t seed[CRYPTO_SEED_MAX];
    uint8_t file[1 + CRYPTO_PRIVATE_MAX];
};

static enum rotor_status make_control(struct rtp *rtp,
                                      struct control_secrets *s)
{
    enum crypto_scheme scheme = crypto_suite_of(rtp->config.suite)->sign;
    TRY(rtp->ops.random(rtp->ops.context, s->seed, sizeof s->seed));
    TRY(crypto_key_derive(&rtp->control, scheme, s->seed));
    struct rotor_room private_key = {s->file + 1, sizeof s->file - 1, 0};
    s->file[0] = (uint8_t)scheme;
    TRY(crypto_key_private(&rtp->control, &private_key));
    return rtp->ops.store_write(rtp->ops.context, RTP_FILE_CONTROL,
                                bytes_of(s->file, 1u + private_key.used));
}

static enum rotor_status read_control(struct rtp *rtp,
                                      struct control_secrets *s)
{
    struct rotor_room file = ROOM_OF(s->file);
    TRY(rtp->ops.store_read(rtp->ops.context, RTP_FILE_CONTROL, &file));
    if (file.used == 0 && rtp->state.phase != RTP_NEW) {
        return ROTOR_CORRUPT; // the AP knows us by a C that is gone
    }
    if (file.used == 0) {
        return make_control(rtp, s);
    }
    if (s->file[0] == CRYPTO_SCHEME_NONE || s->file[0] > CRYPTO_P384) {
        return ROTOR_CORRUPT;
    }
    struct rotor_bytes private_key = {s->file + 1, file.used - 1u};
    enum rotor_status status = crypto_key_import(
        &rtp->control, (enum crypto_scheme)s->file[0], private_key);
    return status == ROTOR_PORT_FAILED || status == ROTOR_OK ? status
                                                             : ROTOR_CORRUPT;
}

static enum rotor_status open_control(struct rtp *rtp)
{
    struct control_secrets secrets;
    enum rotor_status status = read_control(rtp, &secrets);
    secret_wipe(&secrets, sizeof secrets);
    if (status == ROTOR_OK) {
        status = wire_key_of(&rtp->control, &rtp->control_key);
    }
    if (status == ROTOR_OK) {
        status = wire_key_id(&rtp->control_key, &rtp->control_kid);
    }
    bool is_pinned = !chain_trust_is_empty(&rtp->state.trust);
    if (status == ROTOR_OK && is_pinned &&
        !wire_digest_equal(&rtp->control_kid,
                           &rtp->state.trust.policy.control)) {
        status = ROTOR_CORRUPT;
    }
    return status;
}

static enum rotor_status note_pend(struct rtp *rtp)
{
    struct chain_entry entry;
    if (rtp->state.entry_size == 0) {
        return ROTOR_OK;
    }
    TRY(chain_entry_decode(bytes_of(rtp->state.entry, rtp->state.entry_size),
                           &entry));
    return chain_seen_add_body(&rtp->seen, &entry.body);
}

// What the log dropped, as far as the bound of rule 9 reaches beyond it.
static enum rotor_status fill_dropped(struct rtp *rtp)
{
    struct rtp_dropped dropped;
    enum rotor_status status =
        rtp_dropped_read(&dropped, &rtp->ops, rtp->job.dropped_file);
    bool is_missing = status == ROTOR_CORRUPT ||
                      (status == ROTOR_OK && dropped.covers < rtp->log.start);
    if (is_missing) {
        rtp_raise(rtp, RTP_ALARM_LOG,
                  "the checkpoint of what the log dropped is damaged");
        status = ROTOR_OK;
    }
    rtp->prune.keep = dropped.keep;
    uint64_t held =
        rtp->log.count < RTP_LOG_SEEN ? rtp->log.count : RTP_LOG_SEEN;
    // Cut before the log was: some are in both.
    bool overlaps = dropped.covers > rtp->log.start;
    uint64_t wanted = (overlaps ? SEEN_ENTRIES : RTP_LOG_SEEN) - held;
    return status == ROTOR_OK ? rtp_dropped_fill(&dropped, wanted, &rtp->seen)
                              : status;
}

void rtp_read_log_again(struct rtp *rtp, uint64_t end)
{
    struct rotor_room room = ROOM_OF(rtp->scratch);
    if (rtp_log_open(&rtp->reread, &rtp->ops, &room, end) == ROTOR_OK) {
        rtp->log = rtp->reread;
    } else {
        rtp_raise(rtp, RTP_ALARM_LOG, "the log could not be read again");
    }
}

enum rotor_status rtp_fill_seen(struct rtp *rtp)
{
    struct rotor_room room = ROOM_OF(rtp->scratch);
    TRY(chain_seen_init(&rtp->seen, rtp->seen_slots,
                        COUNT_OF(rtp->seen_slots)));
    TRY(fill_dropped(rtp));
    if (!chain_trust_is_empty(&rtp->state.trust)) {
        TRY(rtp_log_fill(&rtp->log, &rtp->ops, &room, &rtp->state.trust.order,
                         &rtp->seen));
    }
    return note_pend(rtp);
}

// The log may know more than the state: R2 in two writes, or a state that was
// rolled back.  It never knows less.
static void compare_log(struct rtp *rtp)
{
    struct rtp_state *state = &rtp->state;
    const struct rtp_log *log = &rtp->log;
    bool is_short = !chain_trust_is_empty(&state->trust) &&
                    (log->count == 0 ||
                     chain_order_compare(&log->last, &state->trust.order) < 0);
    if (is_short) {
        const struct rtp_alarm alarm = {
            .kind = RTP_ALARM_LOG,
            .text = "the log ends before the trust store does"};
        rtp_sound(rtp, &alarm);
    }
    if (log->count != 0 && chain_order_compare(&log->last, &state->floor) > 0) {
        state->floor = log->last;
    }
}

// R2 appends what R1 accepted.  Power may leave that record with a hole in it
// that still parses: it counts only if it is what the state holds.
static enum rotor_status check_tail(struct rtp *rtp)
{
    const struct rtp_state *state = &rtp->state;
    struct rotor_room room = ROOM_OF(rtp->scratch);
    struct rtp_log_entry record;
    if (state->entry_size == 0 || rtp->log.size <= state->log_size) {
        return ROTOR_OK;
    }
    enum rotor_status status =
        rtp_log_read(&rtp->ops, state->log_size, &room, &record);
    bool is_whole =
        status == ROTOR_OK &&
        bytes_equal(record.bytes, bytes_of(state->entry, state->entry_size));
    return is_whole
               ? ROTOR_OK
               : rtp_log_open(&rtp->log, &rtp->ops, &room, state->log_size);
}

static enum rotor_status open_store(struct rtp *rtp)
{
    struct rotor_room room = ROOM_OF(rtp->scratch);
    TRY(read_state(rtp));
    TRY(rtp_log_open(&rtp->log, &rtp->ops, &room, RTP_LOG_WHOLE));
    TRY(check_tail(rtp));
    TRY(open_control(rtp));
    compare_log(rtp);
    return rtp_fill_seen(rtp);
}

// How long the current epoch lasted before this start: the wall clock's word,
// believed only where it makes the rotation come sooner.
static uint64_t passed_ms(const struct rtp *rtp)
{
    uint64_t since_s = rtp->state.since_wall_s;
    uint64_t wall_s =
        rtp->ops.wall_s == NULL ? 0 : rtp->ops.wall_s(rtp->ops.context);
    bool is_known = since_s != 0 && wall_s > since_s;
    uint64_t most_s = rtp->state.trust.policy.cryptoperiod_s;
    uint64_t passed_s = is_known ? wall_s - since_s : 0;
    return (passed_s < most_s ? passed_s : most_s) * 1000u;
}

static bool is_usable(const struct rtp_config *config)
{
    return config->reference != NULL &&
           crypto_suite_of(config->suite) != NULL && config->seed_src <= 3 &&
           config->jitter_percent <= 100 && config->usage_limit != 0 &&
           config->retry_first_ms != 0 &&
           config->retry_last_ms >= config->retry_first_ms &&
           config->hello_ms != 0 && config->silence_ms != 0 &&
           config->request_ms != 0 &&
           config->frames_per_channel > 4u * RTP_SLOTS;
}

enum rotor_status rtp_open(struct rtp *rtp, const struct rtp_ops *ops,
                           const struct rtp_config *config, uint64_t now_ms)
{
    memset(rtp, 0, sizeof *rtp);
    if (!is_usable(config)) {
        return ROTOR_INVALID;
    }
    rtp->ops = *ops;
    rtp->config = *config;
    rtp->rotation_since_ms = RTP_NEVER;
    rtp->schedule.due_ms = RTP_NEVER;
    rtp->schedule.overdue_ms = RTP_NEVER;
    rtp_backoff_init(&rtp->backoff, config->retry_first_ms,
                     config->retry_last_ms);
    rtp_backoff_init(&rtp->order_backoff, config->retry_first_ms,
                     config->retry_last_ms);
    enum rotor_status status = open_store(rtp);
    if (status != ROTOR_OK) {
        rtp_wipe(rtp);
        return status;
    }
    if (rtp->state.phase == RTP_QUAR) {
        rtp->unavailable = "quarantine: two bodies for one place in the log";
    }
    if (!chain_trust_is_empty(&rtp->state.trust)) {
        rtp_start_epoch(rtp, now_ms, passed_ms(rtp));
    }
    return ROTOR_OK;
}
