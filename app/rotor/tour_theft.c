// SPDX-License-Identifier: Apache-2.0
// What a thief can do with a copy of the device, and what he cannot.
//
// The theft is real: the tour runs as the user of rotord, copies the whole
// state folder (the known limit of one user for all) and starts it elsewhere.
// So the copy holds the current root and, for the fork, the rotation key too.
#include "app/rotor/tour.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "chain/sign.h"
#include "crypto/suite.h"
#include "wire/cbor.h"

// ---- evidence under a stolen old key ---------------------------------------

static bool expect_refused(struct tour *tour, const struct tour_output *output,
                           const char *cause, const char *words)
{
    char message[256];
    bool is_refused = tour_was_refused(output, cause, words, message);
    tour_text(tour, "code", cause);
    tour_text(tour, "reason", message);
    if (!is_refused) {
        return tour_fail(tour, "expected %s (%s), got exit code %d: %s", cause,
                         words, output->code, message);
    }
    tour_say(tour, "%s: %s", cause, message);
    return true;
}

static bool steal(struct tour *tour)
{
    char from[TOUR_PATH_MAX];
    char to[TOUR_PATH_MAX];
    tour_path(tour, from, "party");
    tour_path(tour, to, "early");
    // A second party that does not hear of what comes now.
    return tour_device_copy(tour, &tour->plain, &tour->thief, "thief") &&
           (tour_copy_folder(from, to) ||
            tour_fail(tour, "%s: %s", to, strerror(errno)));
}

static bool distrust(struct tour *tour, uint64_t epoch)
{
    static struct tour_output output;
    char since[24];
    (void)snprintf(since, sizeof since, "%" PRIu64, epoch);
    const char *const arguments[] = {
        "event", "key-compromise", "--distrust-from",
        since,   "--state",        tour->plain.state,
        NULL};
    tour_run(tour, arguments, &output);
    tour->rotations += output.code == EXIT_ACCEPTED ? 1 : 0;
    return output.code == EXIT_ACCEPTED ||
           tour_fail(tour, "rotor event: exit code %d", output.code);
}

static bool verify_good(struct tour *tour, const char *trust, uint64_t *epoch)
{
    static struct tour_output output;
    tour_verify(tour, &tour->plain, trust, &output);
    return (output.code == EXIT_ACCEPTED &&
            tour_find_number(output.text, "epoch", epoch)) ||
           tour_fail(tour, "rotor verify of the real device: exit code %d",
                     output.code);
}

bool tour_stolen_key(struct tour *tour)
{
    static struct tour_output output;
    uint64_t stolen = 0;
    uint64_t newer = 0;
    if (!verify_good(tour, "party", &stolen) || !steal(tour) ||
        !distrust(tour, stolen) || !verify_good(tour, "party", &newer) ||
        !tour_device_start(tour, &tour->thief, NULL)) {
        return false;
    }
    tour_number(tour, "stolen_epoch", stolen);
    tour_number(tour, "epoch", newer);
    tour_say(tour,
             "a copy of the device at epoch %" PRIu64
             " answers with its genuine keys; meanwhile",
             stolen);
    tour_say(tour,
             "rotor event key-compromise --distrust-from %" PRIu64
             " made epoch %" PRIu64,
             stolen, newer);
    tour_verify(tour, &tour->thief, "party", &output);
    return expect_refused(tour, &output, "EVIDENCE_REFUSED", "declared void");
}

// ---- an entry without the rotation key -------------------------------------

enum half { HALF_BOTH, HALF_OTS, HALF_SECOND, HALVES };

// In front of the copy: passes everything on, but signs the newest entry anew
// with rotation keys of its own, as somebody must who has only the root.
struct forger {
    struct relying_device device;
    uint64_t epoch;
    enum half half;
    struct chain_ots ots;
    struct crypto_key second;
    unsigned forged;
    uint8_t reply[WIRE_CLIENT_MAX];
    uint8_t entries[WIRE_CLIENT_MAX];
    uint8_t entry[WIRE_ENTRY_MAX];
};

static enum rotor_status forge(struct forger *forger, struct chain_entry *entry,
                               struct rotor_room *forged)
{
    uint8_t memory[2][WIRE_SIGN1_MAX];
    struct rotor_room first = ROOM_OF(memory[0]);
    struct rotor_room second = ROOM_OF(memory[1]);
    struct rotor_bytes body = entry->body.bytes;
    TRY(chain_sign_auth_ots(&forger->ots, body, &first));
    TRY(chain_sign_auth(&forger->second, body, &second));
    if (forger->half != HALF_SECOND) {
        entry->sig_auth[0] = bytes_in(&first);
    }
    if (forger->half != HALF_OTS) {
        entry->sig_auth[1] = bytes_in(&second);
    }
    forger->forged++;
    return chain_entry_encode(entry, forged);
}

static enum rotor_status copy_entry(struct forger *forger,
                                    struct rotor_bytes item,
                                    struct cbor_writer *out)
{
    struct chain_entry entry;
    struct rotor_room forged = ROOM_OF(forger->entry);
    TRY(chain_entry_decode(item, &entry));
    if (entry.body.epoch == forger->epoch) {
        TRY(forge(forger, &entry, &forged));
        item = bytes_in(&forged);
    }
    cbor_write_raw(out, item);
    return ROTOR_OK;
}

static enum rotor_status alter(struct forger *forger, struct rotor_bytes given,
                               struct rotor_room *reply)
{
    struct wire_log_entries content;
    struct rotor_room entries = ROOM_OF(forger->entries);
    struct cbor_reader in;
    struct cbor_writer out;
    TRY(wire_message_decode(&WIRE_LAYOUT_LOG_ENTRIES, given, &content));
    cbor_reader_init(&in, content.entries);
    size_t count = cbor_read_array(&in);
    cbor_writer_init(&out, &entries);
    cbor_write_array(&out, count);
    for (size_t i = 0; i < count; i++) {
        TRY(copy_entry(forger, cbor_read_item(&in), &out));
    }
    TRY(cbor_writer_finish(&out));
    content.entries = bytes_in(&entries);
    return wire_message_encode(&WIRE_LAYOUT_LOG_ENTRIES, &content, reply);
}

static enum rotor_status ask_forger(void *context, uint64_t op,
                                    struct rotor_bytes payload,
                                    struct rotor_room *reply,
                                    struct relying_refusal *refusal)
{
    struct forger *forger = context;
    struct rotor_room given = ROOM_OF(forger->reply);
    bool is_log = op == WIRE_OP_LOG_GET;
    TRY(forger->device.ask(forger->device.context, op, payload,
                           is_log ? &given : reply, refusal));
    return is_log ? alter(forger, bytes_in(&given), reply) : ROTOR_OK;
}

static enum rotor_status open_forger(struct forger *forger, uint32_t suite)
{
    uint8_t seed[CRYPTO_SEED_MAX];
    if (getrandom(&forger->ots, sizeof forger->ots, 0) !=
            (ssize_t)sizeof forger->ots ||
        getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        return ROTOR_PORT_FAILED;
    }
    return crypto_key_derive(&forger->second, crypto_suite_of(suite)->sign,
                             seed);
}

static bool judge_forgery(struct tour *tour, struct forger *forger)
{
    static const char *const names[HALVES] = {
        [HALF_BOTH] = "both halves of the rotation signature forged",
        [HALF_OTS] = "its LM-OTS half alone forged",
        [HALF_SECOND] = "its second half alone forged",
    };
    static struct tour_party party;
    const struct relying_device device = {forger, ask_forger};
    const struct relying_wish wish = {0};
    if (!tour_party_open(tour, &party, "early")) {
        return false;
    }
    uint64_t before = party.party.store.trust.order.epoch;
    forger->epoch = before + 1;
    forger->forged = 0;
    bool is_accepted =
        relying_attest(&party.party, &device, &wish, &party.report);
    const struct relying_outcome *outcome = &party.report.outcome;
    uint64_t after = party.party.store.trust.order.epoch;
    relying_close(&party.party);
    bool is_right = !is_accepted && forger->forged != 0 && before == after &&
                    outcome->cause == CAUSE_CHAIN_BROKEN &&
                    strstr(outcome->reason, "sig_auth") != NULL;
    if (!is_right) {
        return tour_fail(tour, "%s: %s", names[forger->half],
                         is_accepted ? "accepted" : outcome->reason);
    }
    if (forger->half == HALF_BOTH) {
        tour_text(tour, "code", cause_name(outcome->cause));
        tour_text(tour, "reason", outcome->reason);
    }
    tour_say(tour, "%s: %s", names[forger->half], outcome->reason);
    return true;
}

static bool forge_each(struct tour *tour, struct forger *forger)
{
    for (int half = HALF_BOTH; half < HALVES; half++) {
        forger->half = (enum half)half;
        if (!judge_forgery(tour, forger)) {
            return false;
        }
    }
    return true;
}

bool tour_forged_entry(struct tour *tour)
{
    static struct forger forger;
    struct rotor_client *local = NULL;
    struct rotor_client *remote = NULL;
    struct wire_head head;
    uint64_t counted = tour->rotations;
    if (tour->thief.rotord == 0) {
        return tour_fail(tour, "no copy of the device runs");
    }
    // The copy's enclave makes the entry and signs it with the stolen root.
    if (!tour_device_connect(tour, &tour->thief, &local)) {
        return false;
    }
    bool is_made = tour_rotate(tour, local, &head);
    tour->rotations = counted; // of the device, not of the thief
    rotor_client_close(local);
    if (!is_made ||
        rotor_client_connect(&remote, tour->thief.address) != ROTOR_OK) {
        return is_made ? tour_fail(tour, "%s", strerror(errno)) : false;
    }
    tour_say(tour,
             "epoch %" PRIu64 " by the stolen root, for a party that "
             "has not heard of the theft",
             head.epoch);
    forger.device = relying_device_of(remote);
    bool is_good = open_forger(&forger, 2) == ROTOR_OK
                       ? forge_each(tour, &forger)
                       : tour_fail(tour, "no keys to forge with");
    crypto_key_close(&forger.second);
    secret_wipe(&forger.ots, sizeof forger.ots);
    rotor_client_close(remote);
    return is_good;
}

// ---- the whole copy --------------------------------------------------------

bool tour_duplicity(struct tour *tour)
{
    static struct tour_output output;
    if (tour->thief.rotord == 0) {
        return tour_fail(tour, "no copy of the device runs");
    }
    // Its entry as it is: signed by the stolen root and the stolen rotation
    // key.  Whoever has seen the real one can prove the theft.
    tour_verify(tour, &tour->thief, "party", &output);
    tour_device_stop(&tour->thief);
    tour_say(tour, "a copy of the whole store can sign anything; two entries "
                   "for one epoch prove it");
    return expect_refused(tour, &output, "DUPLICITY", "two bodies");
}
