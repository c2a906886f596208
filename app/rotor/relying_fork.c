// SPDX-License-Identifier: Apache-2.0
// doc/PROTOCOL.rot 6.4, as a remote party does it: a device that shows another
// body for a place of the log.
#include <errno.h>

#include "app/rotor/catch_up.h"
#include "app/rotor/fetch.h"
#include "base/bytes.h"

#define REPORT_HINT                                                            \
    "rotor fork export writes what it shows; rotor fork report on the real "   \
    "device"

static enum rotor_status own_entry(struct relying *party, uint64_t number,
                                   struct rotor_room *room,
                                   struct chain_trust *trust)
{
    struct chain_entry entry;
    TRY(store_entry(&party->store, number, room));
    TRY(chain_entry_decode(bytes_in(room), &entry));
    return chain_trust_of(&entry.body, trust);
}

// The number of our first entry that the device may have too: what lies before
// the start of its log it has dropped.
static bool find_start(struct relying *party,
                       const struct relying_device *device, uint64_t *number,
                       struct relying_outcome *outcome)
{
    struct wire_order start = {0, 0};
    bool has_log = false;
    if (!fetch_start(party, device, &start, &has_log, outcome)) {
        return false;
    }
    uint64_t low = 0;
    uint64_t high = party->store.count - 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct rotor_room own = ROOM_OF(party->entry);
        struct chain_trust trust;
        if (own_entry(party, middle, &own, &trust) != ROTOR_OK) {
            return relying_unreadable(party, outcome);
        }
        if (chain_order_compare(&trust.order, &start) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *number = low;
    return true;
}

// Bodies are chained: two logs are equal up to one number and differ from
// there on.
static bool find_first_other(struct relying *party,
                             const struct relying_device *device,
                             uint64_t *number, struct relying_outcome *outcome)
{
    uint64_t low = 0;
    if (!find_start(party, device, &low, outcome)) {
        return false;
    }
    uint64_t high = party->store.count - 1; // is known to differ
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct rotor_room own = ROOM_OF(party->entry);
        struct rotor_room theirs = ROOM_OF(party->other);
        struct chain_trust trust;
        struct wire_digest hash;
        if (own_entry(party, middle, &own, &trust) != ROTOR_OK) {
            return relying_unreadable(party, outcome);
        }
        if (!relying_fetch_one(party, device, &trust.order, &theirs, &hash,
                               outcome)) {
            return false;
        }
        if (wire_digest_equal(&hash, &trust.body_hash)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *number = low;
    return true;
}

static bool say_fork(struct relying *party, uint64_t epoch,
                     struct relying_report *report)
{
    unsigned long long at = epoch;
    struct relying_outcome *outcome = &report->outcome;
    if (report->fork == CHAIN_FORK_A_MISUSE) {
        return relying_end(outcome, CAUSE_CHAIN_BROKEN, REPORT_HINT,
                           "a second body for epoch %llu, signed by its "
                           "rotation key alone: that key has leaked",
                           at);
    }
    if (report->fork == CHAIN_FORK_NOISE) {
        return relying_end(outcome, CAUSE_CHAIN_BROKEN, REPORT_HINT,
                           "a second body for epoch %llu, signed by the root "
                           "and not by its rotation key: the root was stolen "
                           "or misused",
                           at);
    }
    if (report->fork != CHAIN_FORK_DUPLICITY) {
        return relying_end(outcome, CAUSE_CHAIN_BROKEN, NULL,
                           "the device shows another entry for epoch %llu, "
                           "and nothing proves it",
                           at);
    }
    party->store.is_quarantined = true;
    if (store_commit(&party->store, relying_now_s()) != ROTOR_OK) {
        return relying_unreadable(party, outcome);
    }
    return relying_end(outcome, CAUSE_DUPLICITY,
                       "both are kept, rotor fork export writes the proof; "
                       "only an entry of the recovery authority ends this",
                       "two bodies for epoch %llu, both signed by root and "
                       "rotation key: the log is forked",
                       at);
}

static bool keep(struct relying *party, struct rotor_bytes accepted,
                 struct rotor_bytes other, const struct relying_report *report)
{
    bool is_finding = report->fork == CHAIN_FORK_DUPLICITY ||
                      report->fork == CHAIN_FORK_NOISE ||
                      report->fork == CHAIN_FORK_A_MISUSE;
    return !is_finding || store_keep_fork(&party->store, report->fork, accepted,
                                          other) == ROTOR_OK;
}

// `other` stands in party->other, for the place of our entry of that number.
static bool judge_at(struct relying *party, uint64_t number,
                     struct rotor_bytes other, struct relying_report *report)
{
    struct relying_outcome *outcome = &report->outcome;
    struct rotor_room own = ROOM_OF(party->entry);
    struct chain_trust parent;
    struct chain_trust trust;
    if (own_entry(party, number - 1, &own, &parent) != ROTOR_OK ||
        own_entry(party, number, &own, &trust) != ROTOR_OK) {
        return relying_unreadable(party, outcome);
    }
    if (trust.order.incarnation < party->store.trust.order.incarnation) {
        // Whoever stole its keys is not to close the log that was recovered.
        return relying_end(outcome, CAUSE_CHAIN_BROKEN, NULL,
                           "the device shows another entry for epoch %llu, in "
                           "a part of the log that the recovery authority has "
                           "ended",
                           (unsigned long long)trust.order.epoch);
    }
    report->fork = CHAIN_FORK_UNJUDGED;
    if (chain_judge_fork(&parent, bytes_in(&own), other, &report->fork) ==
        ROTOR_PORT_FAILED) {
        return relying_end(outcome, CAUSE_PLATFORM, NULL,
                           "the crypto library refused");
    }
    // What was found counts, whether or not there was room for its proof.
    bool is_kept = keep(party, bytes_in(&own), other, report);
    int cause = errno;
    bool is_accepted = say_fork(party, trust.order.epoch, report);
    if (!is_kept) {
        errno = cause;
        return relying_unreadable(party, outcome);
    }
    return is_accepted;
}

bool relying_judge_fork(struct relying *party,
                        const struct relying_device *device,
                        struct relying_report *report)
{
    struct relying_outcome *outcome = &report->outcome;
    struct rotor_room own = ROOM_OF(party->entry);
    struct rotor_room theirs = ROOM_OF(party->other);
    struct chain_trust trust;
    struct wire_digest hash;
    uint64_t number = 0;
    if (!find_first_other(party, device, &number, outcome)) {
        return false;
    }
    if (own_entry(party, number, &own, &trust) != ROTOR_OK) {
        return relying_unreadable(party, outcome);
    }
    if (!relying_fetch_one(party, device, &trust.order, &theirs, &hash,
                           outcome)) {
        return false;
    }
    if (theirs.used == 0) {
        return true; // its log ends there: no fork, see the caller
    }
    if (number == 0) {
        return relying_end(outcome, CAUSE_CHAIN_BROKEN, NULL,
                           "the device shows the log of another device");
    }
    return judge_at(party, number, bytes_in(&theirs), report);
}

void relying_note_stray(struct relying *party, struct rotor_bytes entry,
                        struct relying_report *report)
{
    report->fork = CHAIN_FORK_UNJUDGED;
    bool is_judged = chain_judge_stray(&party->store.trust, entry,
                                       &report->fork) != ROTOR_PORT_FAILED;
    bool is_misuse =
        report->fork == CHAIN_FORK_NOISE || report->fork == CHAIN_FORK_A_MISUSE;
    if (!is_judged) {
        (void)relying_end(&report->outcome, CAUSE_PLATFORM, NULL,
                          "the crypto library refused");
    } else if (!keep(party, (struct rotor_bytes){0}, entry, report)) {
        (void)relying_unreadable(party, &report->outcome);
    } else if (is_misuse) {
        report->outcome.hint = REPORT_HINT;
    }
}
