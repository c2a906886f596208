// SPDX-License-Identifier: Apache-2.0
// doc/PROTOCOL.rot 6.3 and 6.4, as a remote party does them.
#include "app/rotor/catch_up.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "chain/recovery.h"

#define ENTRIES_A_REPLY 1024u

// The entries of one LOG_ENTRIES, one after the other.
struct batch {
    struct cbor_reader in;
    size_t left;
};

bool relying_unreadable(const struct relying *party,
                        struct relying_outcome *outcome)
{
    return relying_end(outcome, CAUSE_UNREADABLE, NULL, "trust store %s: %s",
                       party->options.folder, strerror(errno));
}

static bool open_batch(const struct wire_log_entries *reply,
                       struct batch *batch)
{
    cbor_reader_init(&batch->in, reply->entries);
    batch->left = cbor_read_array(&batch->in);
    return !cbor_has_failed(&batch->in);
}

static bool next_entry(struct batch *batch, struct rotor_bytes *entry)
{
    if (batch->left == 0) {
        return false;
    }
    batch->left--;
    *entry = cbor_read_item(&batch->in);
    return !cbor_has_failed(&batch->in);
}

// A device says whose log it has.  That is no proof, but a clear no.
static bool is_of_log(const struct relying *party,
                      const struct wire_digest *log_id,
                      struct relying_outcome *outcome)
{
    char theirs[FINGERPRINT_SIZE];
    char ours[FINGERPRINT_SIZE];
    bool is_ours = wire_digest_is_empty(&party->log_id) ||
                   wire_digest_is_empty(log_id) ||
                   wire_digest_equal(log_id, &party->log_id);
    if (is_ours) {
        return true;
    }
    fingerprint(log_id, theirs);
    fingerprint(&party->log_id, ours);
    return relying_end(outcome, CAUSE_EVIDENCE_REFUSED, NULL,
                       "the device has log %s, and %s is expected", theirs,
                       ours);
}

// Asks for entries from `from` on; `batch` views party->reply.
static bool fetch(struct relying *party, const struct relying_device *device,
                  const struct wire_order *from, uint64_t max,
                  struct batch *batch, struct relying_outcome *outcome)
{
    uint8_t memory[128];
    struct rotor_room payload = ROOM_OF(memory);
    struct rotor_room reply = ROOM_OF(party->reply);
    struct relying_refusal refusal = {0};
    struct wire_log_entries content;
    const struct wire_log_get request = {party->log_id, *from, max};
    enum rotor_status status =
        wire_message_encode(&WIRE_LAYOUT_LOG_GET, &request, &payload);
    if (status == ROTOR_OK) {
        status = device->ask(device->context, WIRE_OP_LOG_GET,
                             bytes_in(&payload), &reply, &refusal);
    }
    if (status != ROTOR_OK) {
        return relying_no_answer(status, &refusal, outcome);
    }
    bool is_readable =
        wire_message_decode(&WIRE_LAYOUT_LOG_ENTRIES, bytes_in(&reply),
                            &content) == ROTOR_OK &&
        open_batch(&content, batch);
    if (!is_readable) {
        return relying_no_answer(ROTOR_MALFORMED, &refusal, outcome);
    }
    return is_of_log(party, &content.log_id, outcome);
}

bool relying_fetch_one(struct relying *party,
                       const struct relying_device *device,
                       const struct wire_order *order, struct rotor_room *entry,
                       struct wire_digest *hash,
                       struct relying_outcome *outcome)
{
    struct batch batch;
    struct rotor_bytes bytes;
    struct chain_entry decoded;
    entry->used = 0;
    *hash = (struct wire_digest){0};
    if (!fetch(party, device, order, 1, &batch, outcome)) {
        return false;
    }
    bool is_there = next_entry(&batch, &bytes) &&
                    chain_entry_decode(bytes, &decoded) == ROTOR_OK &&
                    decoded.body.epoch == order->epoch &&
                    decoded.body.incarnation == order->incarnation &&
                    decoded.body.suite_is_known &&
                    chain_body_hash(&decoded.body, hash) == ROTOR_OK &&
                    bytes_copy(entry, bytes) == ROTOR_OK;
    if (!is_there) {
        *hash = (struct wire_digest){0};
        entry->used = 0;
    }
    return true;
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
    bool is_recovery =
        entry.body.kind == CHAIN_RECOVER || entry.body.kind == CHAIN_REINCEPT;
    if (party->store.is_quarantined && !is_recovery) {
        return relying_end(outcome, CAUSE_DUPLICITY,
                           "only an entry of the recovery authority ends this",
                           "two bodies were proven for one epoch of this log");
    }
    enum rotor_status status = chain_accept(&party->store.trust, bytes,
                                            &party->ports, &verdict, &next);
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
        note_recovery(report, &entry.body, &before);
    }
    if (party->options.progress != NULL) {
        party->options.progress(next.order.epoch, report->steps);
    }
    return true;
}

// ---- the walk --------------------------------------------------------------

static bool is_at(const struct relying *party, const struct wire_head *target)
{
    return wire_digest_equal(&party->store.trust.body_hash, &target->body_hash);
}

// The first answer begins at our own head, so that another log is noticed.
static void skip_own_head(struct batch *batch, const struct wire_digest *head,
                          bool *is_shared)
{
    struct rotor_bytes bytes;
    struct chain_entry entry;
    struct wire_digest hash;
    *is_shared = next_entry(batch, &bytes) &&
                 chain_entry_decode(bytes, &entry) == ROTOR_OK &&
                 entry.body.suite_is_known &&
                 chain_body_hash(&entry.body, &hash) == ROTOR_OK &&
                 wire_digest_equal(&hash, head);
}

static bool take_batch(struct relying *party, struct batch *batch,
                       const struct wire_head *target,
                       struct relying_report *report)
{
    struct rotor_bytes bytes;
    while (!is_at(party, target) && next_entry(batch, &bytes)) {
        if (!take(party, bytes, report)) {
            return false;
        }
    }
    return true;
}

static bool walk(struct relying *party, const struct relying_device *device,
                 const struct wire_head *target, struct relying_report *report)
{
    struct relying_outcome *outcome = &report->outcome;
    struct wire_order from = party->store.trust.order;
    struct batch batch;
    bool is_shared = false;
    if (!fetch(party, device, &from, ENTRIES_A_REPLY, &batch, outcome)) {
        return false;
    }
    skip_own_head(&batch, &party->store.trust.body_hash, &is_shared);
    if (!is_shared) {
        return relying_judge_fork(party, device, report);
    }
    for (;;) {
        uint64_t before = report->steps;
        if (!take_batch(party, &batch, target, report)) {
            return false;
        }
        bool was_last = report->steps == before && before != 0;
        if (is_at(party, target) || was_last) {
            return true;
        }
        from = party->store.trust.order;
        from.epoch++;
        if (!fetch(party, device, &from, ENTRIES_A_REPLY, &batch, outcome)) {
            return false;
        }
        if (batch.left == 0) {
            return true;
        }
    }
}

bool catch_up(struct relying *party, const struct relying_device *device,
              const struct wire_head *target, struct relying_report *report)
{
    bool is_done = walk(party, device, target, report);
    // Steps before a refused one stand: a cut costs one step.
    bool is_new = party->store.count != party->store.committed;
    if (is_new && store_commit(&party->store, relying_now_s()) != ROTOR_OK) {
        store_revert(&party->store);
        return relying_unreadable(party, &report->outcome);
    }
    return is_done;
}

// ---- first contact ---------------------------------------------------------

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

// The enclave refused our log_id.  Whose log is it then?
bool relying_is_other_log(struct relying *party,
                          const struct relying_device *device,
                          struct relying_outcome *outcome)
{
    const struct wire_order zero = {0, 0};
    struct relying_outcome told = {.cause = CAUSE_COUNT};
    struct batch batch;
    if (fetch(party, device, &zero, 1, &batch, &told) ||
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
    return entry->used != 0 || relying_end(outcome, CAUSE_UNAVAILABLE, NULL,
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
