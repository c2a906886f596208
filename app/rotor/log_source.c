// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/log_source.h"

#include <errno.h>
#include <string.h>

#include "app/rotor/catch_up.h"
#include "app/rotor/log_stream.h"
#include "base/bytes.h"

struct source {
    struct log_stream file;
    const char *path;
    struct relying *party;
    struct relying_report *report;
    struct chain_trust head;  // what is held when it begins; or empty
    bool is_beyond;           // everything that comes is new
    bool is_other;            // it has another entry in the place of our head
    struct rotor_bytes first; // was read to learn whose log it is
};

static bool unreadable(struct relying_outcome *outcome, const char *path,
                       enum rotor_status status)
{
    if (status == ROTOR_PORT_FAILED) {
        return relying_end(outcome, CAUSE_UNREADABLE, NULL, "%s: %s", path,
                           strerror(errno));
    }
    return relying_end(outcome, CAUSE_UNPARSABLE,
                       "rotor chain export writes such files",
                       "%s: not a log of rotor, or cut off", path);
}

// ---- where what is new begins ----------------------------------------------

static bool say_gap(struct source *source, const struct chain_body *body)
{
    static const char HINT[] = "an older export of this log comes first";
    struct relying_outcome *outcome = &source->report->outcome;
    unsigned long long from = body->epoch;
    unsigned long long own = source->head.order.epoch;
    if (chain_trust_is_empty(&source->head)) {
        return relying_end(outcome, CAUSE_UNAVAILABLE, HINT,
                           "%s begins at epoch %llu: the entries before are "
                           "missing",
                           source->path, from);
    }
    return relying_end(outcome, CAUSE_UNAVAILABLE, HINT,
                       "%s begins at epoch %llu, and this party is at epoch "
                       "%llu: the entries between are missing",
                       source->path, from, own);
}

// Could this entry be the one behind our head?
static bool is_next(const struct source *source, const struct chain_body *body)
{
    const struct chain_trust *head = &source->head;
    bool is_recovery = chain_kind_is_recovery(body->kind);
    return chain_trust_is_empty(head)
               ? body->kind == CHAIN_GENESIS
               : is_recovery || body->epoch == head->order.epoch + 1;
}

// Is this the entry that we hold as head?
static bool is_head(const struct source *source, const struct chain_body *body)
{
    struct wire_digest hash;
    return body->suite_is_known && chain_body_hash(body, &hash) == ROTOR_OK &&
           wire_digest_equal(&hash, &source->head.body_hash);
}

// An entry that is not judged yet: ours, beyond ours, or of another log.
static enum rotor_status place(struct source *source, struct rotor_bytes bytes)
{
    struct chain_entry entry;
    if (chain_entry_decode(bytes, &entry) != ROTOR_OK) {
        source->is_beyond = true; // rule 1 says so
        return ROTOR_OK;
    }
    const struct wire_order order = {entry.body.incarnation, entry.body.epoch};
    int compared = chain_trust_is_empty(&source->head)
                       ? 1
                       : chain_order_compare(&order, &source->head.order);
    source->is_other =
        source->is_other || (compared == 0 && !is_head(source, &entry.body));
    // Of another branch only what the recovery authority put above ours counts.
    source->is_beyond =
        compared > 0 && (!source->is_other ||
                         order.incarnation > source->head.order.incarnation);
    if (source->is_beyond && !is_next(source, &entry.body)) {
        (void)say_gap(source, &entry.body);
        return ROTOR_FORBIDDEN;
    }
    return ROTOR_OK;
}

static enum rotor_status read_entry(struct source *source,
                                    struct rotor_bytes *bytes)
{
    if (!bytes_are_empty(source->first)) {
        *bytes = source->first;
        source->first = (struct rotor_bytes){0};
        return ROTOR_OK;
    }
    enum rotor_status status = log_stream_next(&source->file, bytes);
    if (status != ROTOR_OK && status != ROTOR_AGAIN) {
        (void)unreadable(&source->report->outcome, source->path, status);
    }
    return status;
}

static bool say_other(const struct source *source)
{
    return relying_end(&source->report->outcome, CAUSE_CHAIN_BROKEN,
                       "rotor verify HOST:PORT judges who forked",
                       "%s has another entry for epoch %llu", source->path,
                       (unsigned long long)source->head.order.epoch);
}

static enum rotor_status next(void *context, struct rotor_bytes *bytes)
{
    struct source *source = context;
    do {
        enum rotor_status status = read_entry(source, bytes);
        bool is_end = status == ROTOR_AGAIN;
        if (is_end && source->is_other && !source->is_beyond) {
            (void)say_other(source);
            return ROTOR_FORBIDDEN;
        }
        TRY(status);
        if (!source->is_beyond) {
            TRY(place(source, *bytes));
        }
    } while (!source->is_beyond);
    source->report->progress.done = source->file.passed;
    return ROTOR_OK;
}

// ---- whose log it is -------------------------------------------------------

// By its first entry: that is no proof, but what is selected proves itself.
static bool select_log(struct source *source, struct rotor_bytes bytes)
{
    struct relying *party = source->party;
    struct relying_outcome *outcome = &source->report->outcome;
    struct chain_entry entry;
    bool is_entry = chain_entry_decode(bytes, &entry) == ROTOR_OK &&
                    entry.body.suite_is_known;
    struct wire_digest log_id = {0};
    if (is_entry && entry.body.kind != CHAIN_GENESIS) {
        log_id = entry.body.log_id;
    } else if (!is_entry || chain_body_hash(&entry.body, &log_id) != ROTOR_OK) {
        return unreadable(outcome, source->path, ROTOR_MALFORMED);
    }
    if (!relying_select(party, &log_id, outcome)) {
        return false;
    }
    bool is_known = store_has_log(&party->store) && party->store.is_established;
    if (is_known || party->options.trusts_first_use) {
        return true;
    }
    char name[FINGERPRINT_SIZE];
    fingerprint(&log_id, name);
    return relying_end(outcome, CAUSE_USAGE,
                       "pin it with --log-id, which its operator reads in "
                       "rotor status; or --trust-on-first-use",
                       "log %s is not known here", name);
}

static bool begin(struct source *source)
{
    struct relying *party = source->party;
    enum rotor_status status = log_stream_next(&source->file, &source->first);
    if (status != ROTOR_OK) {
        return unreadable(&source->report->outcome, source->path,
                          status == ROTOR_AGAIN ? ROTOR_MALFORMED : status);
    }
    bool is_pinned = !wire_digest_is_empty(&party->options.log_id);
    if (!is_pinned && !select_log(source, source->first)) {
        return false;
    }
    source->head = party->store.trust;
    source->report->progress.all = source->file.size;
    return true;
}

bool relying_take_file(struct relying *party, const char *path,
                       struct relying_report *report)
{
    struct source source = {.path = path, .party = party, .report = report};
    const struct ahead_source entries = {&source, next};
    enum rotor_status status = log_stream_open(&source.file, path);
    if (status != ROTOR_OK) {
        return unreadable(&report->outcome, path, status);
    }
    bool is_done = begin(&source) && catch_up_with(party, &entries, report);
    log_stream_close(&source.file);
    return is_done;
}
