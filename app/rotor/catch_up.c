// SPDX-License-Identifier: Apache-2.0
// doc/PROTOCOL.rot 6.3 and 6.4, as a remote party does them.
#include "app/rotor/catch_up.h"

#include <errno.h>
#include <string.h>

#include "app/rotor/fetch.h"
#include "base/bytes.h"
#include "chain/recovery.h"

#define ENTRIES_A_REPLY 1024u

bool relying_unreadable(const struct relying *party,
                        struct relying_outcome *outcome)
{
    if (party->store.is_damaged) {
        return relying_damaged(party, &party->log_id, outcome);
    }
    return relying_end(outcome, CAUSE_UNREADABLE, NULL, "trust store %s: %s",
                       party->options.folder, strerror(errno));
}

// ---- one entry -------------------------------------------------------------

static bool refuse_entry(const struct chain_verdict *verdict, uint64_t epoch,
                         struct relying_outcome *outcome)
{
    unsigned long long at = epoch;
    switch (verdict->outcome) {
    case CHAIN_UNSUPPORTED:
        return relying_end(outcome, CAUSE_NOT_SUPPORTED,
                           "a newer rotor may know its suite",
                           "entry of epoch %llu: %s", at, verdict->reason);
    case CHAIN_HELD:
        return relying_end(outcome, CAUSE_UNAVAILABLE,
                           "the log was recovered: ask its operator, then "
                           "repeat this when the time is over",
                           "recovery entry of epoch %llu: %s", at,
                           verdict->reason);
    default:
        return relying_end(outcome, CAUSE_CHAIN_BROKEN,
                           verdict->rule == 11
                               ? "give the measurement of every image that "
                                 "ever ran there, or --any-measurement"
                               : NULL,
                           "entry of epoch %llu: rule %u: %s", at,
                           verdict->rule, verdict->reason);
    }
}

static bool stage(struct relying *party, struct rotor_bytes entry,
                  const struct chain_trust *next,
                  struct relying_outcome *outcome)
{
    enum rotor_status status = store_stage(&party->store, entry, next);
    if (status == ROTOR_TOO_SMALL) { // the cycle is full
        status = store_commit(&party->store, relying_now_s());
        if (status == ROTOR_OK) {
            status = store_stage(&party->store, entry, next);
        }
    }
    return status == ROTOR_OK || relying_unreadable(party, outcome);
}

// A hold-down that begins must be remembered.
static bool hold(struct relying *party, const struct chain_verdict *verdict,
                 uint64_t epoch, struct relying_outcome *outcome)
{
    if (store_commit(&party->store, relying_now_s()) != ROTOR_OK) {
        return relying_unreadable(party, outcome);
    }
    return refuse_entry(verdict, epoch, outcome);
}

// `before` is the policy of the head that the party had.
static void note_recovery(struct relying_report *report,
                          const struct chain_body *body,
                          const struct chain_policy *before)
{
    if (report->recoveries < RELYING_RECOVERIES_MAX) {
        report->recovery[report->recoveries] = (struct relying_recovery){
            .epoch = body->epoch,
            .incarnation = body->incarnation,
            .superseded = body->supersedes.epoch,
            .has_new_authority =
                !wire_digest_equal(&body->policy.ra, &before->ra),
            .has_new_control =
                !wire_digest_equal(&body->policy.control, &before->control),
        };
    }
    report->recoveries++;
}

static void show(const struct relying *party, struct relying_report *report)
{
    report->progress.epoch = party->store.trust.order.epoch;
    report->progress.steps = report->steps;
    if (party->options.progress != NULL) {
        party->options.progress(&report->progress);
    }
}

static bool take(struct relying *party, struct rotor_bytes bytes,
                 struct relying_report *report)
{
    struct relying_outcome *outcome = &report->outcome;
    struct chain_entry entry;
    struct chain_verdict verdict;
    struct chain_trust next;
    if (chain_entry_decode(bytes, &entry) != ROTOR_OK) {
        return relying_end(outcome, CAUSE_CHAIN_BROKEN, NULL,
                           "entry after epoch %llu: rule 1: does not parse",
                           (unsigned long long)party->store.trust.order.epoch);
    }
    bool is_recovery = chain_kind_is_recovery(entry.body.kind);
    if (party->store.is_quarantined && !is_recovery) {
        return relying_end(outcome, CAUSE_DUPLICITY,
                           "only an entry of the recovery authority ends this",
                           "two bodies were proven for one epoch of this log");
    }
    enum rotor_status status = chain_accept(&party->store.trust, bytes,
                                            &party->ports, &verdict, &next);
    if (party->store.is_damaged) {
        return relying_unreadable(party, outcome);
    }
    if (status != ROTOR_OK) {
        return relying_end(outcome, CAUSE_PLATFORM, NULL,
                           "the crypto library refused: %s",
                           rotor_status_name(status));
    }
    if (verdict.outcome == CHAIN_HELD) {
        return hold(party, &verdict, entry.body.epoch, outcome);
    }
    if (!chain_verdict_is_accepted(&verdict)) {
        bool is_taken = refuse_entry(&verdict, entry.body.epoch, outcome);
        if (verdict.outcome == CHAIN_REJECTED) {
            relying_note_stray(party, bytes, report);
        }
        return is_taken;
    }
    const struct chain_policy before = party->store.trust.policy;
    if (!stage(party, bytes, &next, outcome)) {
        return false;
    }
    party->store.is_quarantined = party->store.is_quarantined && !is_recovery;
    report->steps++;
    if (is_recovery) {
        // What a thief's answers said of its anchor and its signatures is over.
        party->store.mark = (struct store_mark){0};
        note_recovery(report, &entry.body, &before);
    }
    show(party, report);
    return true;
}

static bool take_genesis(struct relying *party, struct rotor_bytes bytes,
                         struct relying_report *report)
{
    struct relying_outcome *outcome = &report->outcome;
    const struct chain_expected expected = {.log_id = party->options.log_id};
    struct chain_verdict verdict;
    struct chain_trust first;
    enum rotor_status status =
        chain_accept_genesis(&expected, bytes, &party->ports, &verdict, &first);
    if (status != ROTOR_OK) {
        return relying_end(outcome, CAUSE_PLATFORM, NULL,
                           "the crypto library refused: %s",
                           rotor_status_name(status));
    }
    if (!chain_verdict_is_accepted(&verdict)) {
        return refuse_entry(&verdict, 0, outcome);
    }
    report->steps++;
    party->store.is_established = !wire_digest_is_empty(&party->options.log_id);
    return stage(party, bytes, &first, outcome);
}

// ---- the walk --------------------------------------------------------------

static bool is_at(const struct relying *party, const struct wire_head *target)
{
    return wire_digest_equal(&party->store.trust.body_hash, &target->body_hash);
}

// How the device's log stands to our head.
enum shared {
    OTHER_LOG = 0, // it has another entry there, or none
    SHARED,
    DROPPED, // it begins later
};

// The first answer begins at our own head, so that another log is noticed.
static enum shared skip_own_head(struct fetch_batch *batch,
                                 const struct chain_trust *head,
                                 struct wire_order *start)
{
    struct rotor_bytes bytes;
    struct chain_entry entry;
    struct wire_digest hash;
    if (!fetch_next(batch, &bytes) ||
        chain_entry_decode(bytes, &entry) != ROTOR_OK) {
        return OTHER_LOG;
    }
    *start = (struct wire_order){entry.body.incarnation, entry.body.epoch};
    if (chain_order_compare(start, &head->order) > 0) {
        return DROPPED;
    }
    bool is_shared = entry.body.suite_is_known &&
                     chain_body_hash(&entry.body, &hash) == ROTOR_OK &&
                     wire_digest_equal(&hash, &head->body_hash);
    return is_shared ? SHARED : OTHER_LOG;
}

// All that the source has, or until `target` is the head.
static bool take_all(struct relying *party, const struct ahead_source *source,
                     const struct wire_head *target,
                     struct relying_report *report)
{
    struct rotor_bytes bytes;
    enum rotor_status status =
        ahead_open(&party->ahead, source, &party->store.trust.sign,
                   &party->entry_context, party->options.threads);
    if (status != ROTOR_OK) {
        return relying_end(&report->outcome, CAUSE_PLATFORM, NULL,
                           "out of memory");
    }
    bool is_good = true;
    while (is_good && (target == NULL || !is_at(party, target)) &&
           (status = ahead_next(party->ahead, &bytes)) == ROTOR_OK) {
        is_good = store_has_log(&party->store)
                      ? take(party, bytes, report)
                      : take_genesis(party, bytes, report);
    }
    ahead_close(party->ahead);
    party->ahead = NULL;
    return is_good && (status == ROTOR_OK || status == ROTOR_AGAIN);
}

// Steps before a refused one stand: a cut costs one cycle.
static bool settle(struct relying *party, bool is_done,
                   struct relying_report *report)
{
    bool is_new = party->store.count != party->store.committed;
    if (is_new && store_commit(&party->store, relying_now_s()) != ROTOR_OK) {
        store_revert(&party->store);
        return relying_unreadable(party, &report->outcome);
    }
    return is_done;
}

bool catch_up_with(struct relying *party, const struct ahead_source *source,
                   struct relying_report *report)
{
    return settle(party, take_all(party, source, NULL, report), report);
}

// ---- from a device ---------------------------------------------------------

// Entries behind our head, reply by reply.
struct walking {
    struct relying *party;
    const struct relying_device *device;
    struct relying_report *report;
    struct fetch_batch batch;
    struct wire_order last; // that was handed on
    uint64_t from;          // epoch of our head when it began
    bool is_over;
};

// Orders rise, or it would never end.  What does not parse is for rule 1.
static void note_order(struct walking *walking, struct rotor_bytes bytes)
{
    struct chain_entry entry;
    if (chain_entry_decode(bytes, &entry) != ROTOR_OK) {
        walking->is_over = true;
        return;
    }
    const struct wire_order order = {entry.body.incarnation, entry.body.epoch};
    walking->is_over = chain_order_compare(&order, &walking->last) <= 0;
    walking->last = order;
    walking->report->progress.done =
        order.epoch > walking->from ? order.epoch - walking->from : 0;
}

static enum rotor_status next_of_device(void *context,
                                        struct rotor_bytes *bytes)
{
    struct walking *walking = context;
    struct fetch_batch *batch = &walking->batch;
    if (walking->is_over) {
        return ROTOR_AGAIN;
    }
    if (batch->left == 0) {
        struct wire_order from = walking->last;
        from.epoch++;
        if (!fetch_batch(walking->party, walking->device, &from,
                         ENTRIES_A_REPLY, batch, &walking->report->outcome)) {
            return ROTOR_FORBIDDEN;
        }
    }
    if (!fetch_next(batch, bytes)) {
        return ROTOR_AGAIN;
    }
    note_order(walking, *bytes);
    return ROTOR_OK;
}

// The recovery authority's next entry supersedes one of ours: whoever followed
// a thief comes back by it.  The batch then begins with it.  *found is false as
// well where it would be refused: then the entries before tell more.
static bool find_recovery(struct walking *walking, bool *found)
{
    struct relying *party = walking->party;
    const struct wire_order after = {party->store.trust.order.incarnation + 1u,
                                     0};
    struct rotor_bytes bytes;
    struct chain_entry entry;
    struct chain_verdict verdict;
    struct chain_trust next;
    *found = false;
    if (!fetch_batch(party, walking->device, &after, ENTRIES_A_REPLY,
                     &walking->batch, &walking->report->outcome)) {
        return false;
    }
    struct fetch_batch ahead = walking->batch;
    *found =
        fetch_next(&ahead, &bytes) &&
        chain_entry_decode(bytes, &entry) == ROTOR_OK &&
        chain_kind_is_recovery(entry.body.kind) &&
        chain_accept(&party->store.trust, bytes, &party->ports, &verdict,
                     &next) == ROTOR_OK &&
        (chain_verdict_is_accepted(&verdict) || verdict.outcome == CHAIN_HELD);
    return true;
}

static bool walk(struct relying *party, const struct relying_device *device,
                 const struct wire_head *target, struct relying_report *report)
{
    struct relying_outcome *outcome = &report->outcome;
    const struct wire_order own = party->store.trust.order;
    struct walking walking = {.party = party,
                              .device = device,
                              .report = report,
                              .last = own,
                              .from = own.epoch};
    const struct ahead_source source = {&walking, next_of_device};
    struct wire_order start;
    if (!fetch_batch(party, device, &walking.last, ENTRIES_A_REPLY,
                     &walking.batch, outcome)) {
        return false;
    }
    enum shared shared =
        skip_own_head(&walking.batch, &party->store.trust, &start);
    bool is_recovered = false;
    if (shared != SHARED && !find_recovery(&walking, &is_recovered)) {
        return false;
    }
    if (shared == DROPPED && !is_recovered) {
        return fetch_say_dropped(party, &start, outcome);
    }
    if (shared == OTHER_LOG && !is_recovered) {
        return relying_judge_fork(party, device, report);
    }
    report->progress.all =
        target->epoch > own.epoch ? target->epoch - own.epoch : 0;
    return take_all(party, &source, target, report);
}

bool catch_up(struct relying *party, const struct relying_device *device,
              const struct wire_head *target, struct relying_report *report)
{
    return settle(party, walk(party, device, target, report), report);
}

// ---- first contact ---------------------------------------------------------

// The enclave refused our log_id.  Whose log is it then?
bool relying_is_other_log(struct relying *party,
                          const struct relying_device *device,
                          struct relying_outcome *outcome)
{
    const struct wire_order zero = {0, 0};
    struct relying_outcome told = {.cause = CAUSE_COUNT};
    struct fetch_batch batch;
    if (fetch_batch(party, device, &zero, 1, &batch, &told) ||
        told.cause != CAUSE_EVIDENCE_REFUSED) {
        return false;
    }
    *outcome = told;
    return true;
}

static bool genesis_of(struct relying *party,
                       const struct relying_device *device,
                       struct rotor_room *entry, struct wire_digest *log_id,
                       struct relying_outcome *outcome)
{
    const struct wire_order zero = {0, 0};
    if (!relying_fetch_one(party, device, &zero, entry, log_id, outcome)) {
        return false;
    }
    if (entry->used != 0) {
        return true;
    }
    struct wire_order start;
    bool has_log = false;
    if (!fetch_start(party, device, &start, &has_log, outcome)) {
        return false;
    }
    return has_log ? fetch_say_dropped(party, &start, outcome)
                   : relying_end(outcome, CAUSE_UNAVAILABLE, NULL,
                                 "the device has no log yet");
}

bool relying_meet(struct relying *party, const struct relying_device *device,
                  struct relying_report *report)
{
    struct relying_outcome *outcome = &report->outcome;
    struct rotor_room entry = ROOM_OF(party->other);
    struct wire_digest log_id;
    *outcome = (struct relying_outcome){.cause = CAUSE_PLATFORM};
    bool is_pinned = !wire_digest_is_empty(&party->options.log_id);
    if (store_has_log(&party->store) &&
        (is_pinned || party->store.is_established)) {
        return true;
    }
    if (!genesis_of(party, device, &entry, &log_id, outcome)) {
        return false;
    }
    if (!is_pinned && !relying_select(party, &log_id, outcome)) {
        return false;
    }
    if (store_has_log(&party->store) && party->store.is_established) {
        return true;
    }
    if (!is_pinned && !party->options.trusts_first_use) {
        char name[FINGERPRINT_SIZE];
        fingerprint(&log_id, name);
        return relying_end(outcome, CAUSE_USAGE,
                           "pin it with --log-id, which its operator reads in "
                           "rotor status; or --trust-on-first-use",
                           "log %s is not known here", name);
    }
    report->is_first_contact = true;
    return store_has_log(&party->store) ||
           take_genesis(party, bytes_in(&entry), report);
}
