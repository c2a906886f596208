// SPDX-License-Identifier: Apache-2.0
// A relying party and devices that forget, hide, fork and repeat themselves.
#include "app/rotor/relying.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/rotor/catch_up.h"
#include "base/bytes.h"
#include "chain/schedule.h"
#include "crypto/suite.h"
#include "test/spec.h"
#include "test/spec/chain_maker.h"
#include "test/spec/verify_maker.h"

// words.c needs what only the program has.
const struct command COMMANDS[] = {
    {NULL, NULL, NULL, NULL, NULL}
};
const size_t COMMAND_COUNT = 0;

#define ENTRIES_MAX 520u

// A device: a log, keys of its head, Evidence; a test makes it lie.
struct peer {
    struct maker_log log;
    struct device device;
    struct rotor_bytes entries[ENTRIES_MAX]; // on the heap, in order
    struct wire_order orders[ENTRIES_MAX];
    size_t count;
    struct rotor_bytes real[2];   // while a fork is shown
    size_t dropped;               // entries that it does not hold any more
    size_t shown;                 // entries that LOG_GET hands out
    struct wire_mark mark;        // of the next answer
    const struct chain_trust *at; // answers under this head
    const struct crypto_key *signer;
    unsigned asked_attest;
    unsigned asked_log;
    bool is_mute;
    bool answers_again; // repeats its last answer
    bool without_evidence;
    uint8_t last[WIRE_CLIENT_MAX];
    size_t last_size;
};

static struct peer p;
static struct relying party;
static struct relying_report report;
static struct relying_options options;
static struct verify_reference reference;
static char folder[] = "/tmp/rotor-relying-XXXXXX";
static const uint8_t BOOT[WIRE_ID_SIZE] = {3, 4};
static const uint8_t NONCE_A[WIRE_NONCE_SIZE] = {7, 8};

// ---- the device ------------------------------------------------------------

static void keep(struct rotor_bytes entry, const struct wire_order *order)
{
    uint8_t *copy = malloc(entry.size);
    assert_non_null(copy);
    memcpy(copy, entry.data, entry.size);
    assert_true(p.count < ENTRIES_MAX);
    p.entries[p.count] = bytes_of(copy, entry.size);
    p.orders[p.count++] = *order;
    p.shown = p.count;
}

static void keep_head(void)
{
    keep(maker_bytes(&p.log.entry), &p.log.trust.order);
}

static void rotate(unsigned number)
{
    // Only the party under test keeps all names.
    assert_ok(chain_seen_init(&p.log.party.seen, p.log.party.slots,
                              COUNT_OF(p.log.party.slots)));
    maker_log_rotate(&p.log, 2, number);
    keep_head();
}

static enum rotor_status serve_log(struct rotor_bytes payload,
                                   struct rotor_room *reply)
{
    static uint8_t memory[WIRE_CLIENT_MAX];
    struct rotor_room array = {memory, 14000, 0};
    struct wire_log_get get;
    size_t first = p.dropped;
    size_t count = 0;
    size_t size = 0;
    assert_ok(wire_message_decode(&WIRE_LAYOUT_LOG_GET, payload, &get));
    while (first < p.shown &&
           chain_order_compare(&p.orders[first], &get.from) < 0) {
        first++;
    }
    while (first + count < p.shown && count < get.max &&
           size + p.entries[first + count].size < 13000) {
        size += p.entries[first + count++].size;
    }
    struct cbor_writer out;
    cbor_writer_init(&out, &array);
    cbor_write_array(&out, count);
    for (size_t i = 0; i < count; i++) {
        cbor_write_raw(&out, p.entries[first + i]);
    }
    assert_ok(cbor_writer_finish(&out));
    const struct wire_log_entries entries = {
        .log_id = p.log.trust.log_id,
        .entries = bytes_in(&array),
    };
    p.asked_log++;
    return wire_message_encode(&WIRE_LAYOUT_LOG_ENTRIES, &entries, reply);
}

static void make_evidence(const struct wire_attest_req *asked,
                          const struct chain_trust *at,
                          const struct wire_digest *th1,
                          struct rotor_room *evidence)
{
    uint8_t ud[CHAIN_UD_SIZE];
    const struct chain_report bound = {
        .purpose = (enum wire_purpose)asked->purpose,
        .log_id = at->log_id,
        .head = chain_trust_head(at),
        .nonce = asked->nonce,
        .bind = wire_digest_bytes(th1),
    };
    assert_ok(chain_ud(&bound, ud));
    device_attest(&p.device, ud, evidence);
}

static enum rotor_status serve_attest(struct rotor_bytes payload,
                                      struct rotor_room *reply)
{
    const struct chain_trust *at = p.at != NULL ? p.at : &p.log.trust;
    uint8_t core_bytes[1024];
    uint8_t claims_bytes[512];
    uint8_t evidence_bytes[WIRE_EVIDENCE_MAX];
    uint8_t sig_bytes[256];
    struct rotor_room core = ROOM_OF(core_bytes);
    struct rotor_room claims = ROOM_OF(claims_bytes);
    struct rotor_room evidence = ROOM_OF(evidence_bytes);
    struct rotor_room sig = ROOM_OF(sig_bytes);
    struct wire_attest_req asked;
    struct wire_digest th1;
    struct wire_digest th1e;
    p.asked_attest++;
    if (p.answers_again) {
        return bytes_copy(reply, bytes_of(p.last, p.last_size));
    }
    assert_ok(wire_message_decode(&WIRE_LAYOUT_ATTEST_REQ, payload, &asked));
    device_claims(&p.device, &claims);
    p.mark.signatures++;
    const struct wire_attest_core said = {
        .sid = asked.sid,
        .log_id = at->log_id,
        .epoch = at->order.epoch,
        .body_hash = at->body_hash,
        .suite = at->suite,
        .nonce = BYTES_OF(NONCE_A),
        .claims = bytes_in(&claims),
        .mark = p.mark,
    };
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_CORE, &said, &core));
    assert_ok(chain_session_th1(CRYPTO_SHA256, payload, bytes_in(&core), &th1));
    if (!p.without_evidence) {
        make_evidence(&asked, at, &th1, &evidence);
    }
    assert_ok(chain_session_th1e(&th1, bytes_in(&evidence), &th1e));
    const struct wire_statement statement = {LABEL(WIRE_CONTEXT_ATTEST),
                                             wire_digest_bytes(&th1e)};
    assert_ok(wire_cose_sign(p.signer != NULL ? p.signer : &p.log.head.sign.key,
                             &statement, &sig));
    const struct wire_attest_rsp response = {
        .log_id = asked.log_id,
        .core = bytes_in(&core),
        .evidence = bytes_in(&evidence),
        .sig_s = bytes_in(&sig),
    };
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_RSP, &response, reply));
    memcpy(p.last, reply->data, reply->used);
    p.last_size = reply->used;
    return ROTOR_OK;
}

static enum rotor_status ask(void *context, uint64_t op,
                             struct rotor_bytes payload,
                             struct rotor_room *reply,
                             struct relying_refusal *refusal)
{
    (void)context;
    if (p.is_mute) {
        refusal->code = WIRE_CLIENT_UNAVAILABLE;
        return ROTOR_FORBIDDEN;
    }
    return op == WIRE_OP_LOG_GET ? serve_log(payload, reply)
                                 : serve_attest(payload, reply);
}

// ---- the party -------------------------------------------------------------

static void begin(void)
{
    memset(&p, 0, sizeof p);
    maker_log_open(&p.log, 2);
    keep_head();
    device_open(&p.device, &GENUINE);
    p.mark = (struct wire_mark){1000, BYTES_OF(BOOT), 0};
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    reference = (struct verify_reference){.any_measurement = true};
    options = (struct relying_options){
        .folder = folder,
        .log_id = p.log.trust.log_id,
        .reference = &reference,
        .evidence_is_optional = true,
    };
}

static void end(void)
{
    char command[96];
    for (size_t i = 0; i < p.count; i++) {
        free((void *)(uintptr_t)p.entries[i].data);
    }
    free((void *)(uintptr_t)p.real[0].data);
    free((void *)(uintptr_t)p.real[1].data);
    device_close(&p.device);
    maker_log_close(&p.log);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

// A whole run of the program: open, ask, judge, close.
static bool verify(void)
{
    const struct relying_device device = {NULL, ask};
    const struct relying_wish wish = {0};
    memset(&report, 0, sizeof report);
    bool is_accepted = relying_open(&party, &options, &report.outcome) &&
                       relying_attest(&party, &device, &wish, &report);
    relying_close(&party);
    assert_true(is_accepted == report.outcome.is_accepted);
    return is_accepted;
}

static void assert_accepted(uint64_t steps)
{
    if (!verify()) {
        fail_msg("refused: %s", report.outcome.reason);
    }
    assert_int_equal(report.steps, steps);
}

static void assert_refused(enum cause cause, const char *words)
{
    if (verify()) {
        fail_msg("accepted, wanted: %s", words);
    }
    if (report.outcome.cause != cause ||
        strstr(report.outcome.reason, words) == NULL) {
        fail_msg("wanted %s: %s; got %s: %s", cause_name(cause), words,
                 cause_name(report.outcome.cause), report.outcome.reason);
    }
}

// ---- contact ---------------------------------------------------------------

SPEC("a pinned log is taken from its first entry to its head")
{
    begin();
    rotate(1);
    rotate(2);
    assert_accepted(3);
    assert_true(report.is_first_contact);
    assert_accepted(0);
    assert_false(report.is_first_contact);
    end();
}

SPEC("without a pin nothing is trusted, whatever was fetched")
{
    begin();
    options.log_id = (struct wire_digest){0};
    assert_refused(CAUSE_USAGE, "is not known here");
    assert_int_equal(p.asked_attest, 0);
    end();
}

SPEC("first use counts only once an answer was accepted")
{
    begin();
    rotate(1);
    options.log_id = (struct wire_digest){0};
    options.trusts_first_use = true;
    p.signer = &p.log.ra.keys[0].key; // not the root
    assert_refused(CAUSE_EVIDENCE_REFUSED, "signature of the RoT");
    options.trusts_first_use = false;
    assert_refused(CAUSE_USAGE, "is not known here");
    // Evidence in a file names its log itself.
    const struct relying_device device = {NULL, ask};
    assert_true(relying_open(&party, &options, &report.outcome));
    assert_true(relying_select(&party, &p.log.trust.log_id, &report.outcome));
    assert_true(store_has_log(&party.store)); // fetched, and no more
    assert_false(relying_meet(&party, &device, &report));
    relying_close(&party);
    options.trusts_first_use = true;
    p.signer = NULL;
    assert_accepted(0);
    options.trusts_first_use = false;
    assert_accepted(0);
    end();
}

SPEC("another log than the pinned one is refused")
{
    begin();
    options.log_id.bytes[0] ^= 1;
    assert_refused(CAUSE_EVIDENCE_REFUSED, "is expected");
    end();
}

SPEC("a device that does not answer is no verdict")
{
    begin();
    p.is_mute = true;
    assert_refused(CAUSE_UNAVAILABLE, "refused");
    assert_int_equal(cause_exit(report.outcome.cause), EXIT_UNABLE);
    end();
}

// ---- catching up -----------------------------------------------------------

SPEC("a party that slept takes every entry, one by one, over several cycles")
{
    begin();
    assert_accepted(1);
    unsigned count = 480; // more than one cycle of 1 MiB
    for (unsigned i = 1; i <= count; i++) {
        rotate(i);
    }
    assert_accepted(count);
    assert_accepted(0);
    assert_true(report.trust.order.epoch == count);
    end();
}

SPEC("it stops at the head that was answered, though the log has more")
{
    begin();
    rotate(1);
    const struct chain_trust head = p.log.trust;
    struct maker_bundle own;
    struct maker_draft draft;
    // Published, and not yet switched to.
    maker_bundle_open(&own, 2, 2);
    maker_draft_next(&draft, &p.log.trust, &p.log.head, &own);
    maker_finish(&draft, &p.log.entry);
    const struct wire_order next = {0, 2};
    keep(maker_bytes(&p.log.entry), &next);
    assert_accepted(2);
    assert_true(wire_digest_equal(&report.trust.body_hash, &head.body_hash));
    maker_bundle_close(&own);
    end();
}

SPEC("what verified before a bad entry stands; the bad one does not")
{
    begin();
    rotate(1);
    rotate(2);
    uint8_t *bad = (uint8_t *)(uintptr_t)p.entries[2].data;
    bad[p.entries[2].size - 1] ^= 1; // in the last signature
    assert_refused(CAUSE_CHAIN_BROKEN, "entry of epoch 2: rule 8");
    assert_int_equal(report.steps, 2);
    bad[p.entries[2].size - 1] ^= 1;
    assert_accepted(1);
    end();
}

SPEC("newest entries that are withheld are noticed by the answer's head")
{
    begin();
    assert_accepted(1);
    rotate(1);
    rotate(2);
    p.shown = 2;
    assert_refused(CAUSE_CHAIN_BROKEN, "does not hand out the entries");
    end();
}

SPEC("an entry left out of the middle ends the walk there")
{
    begin();
    rotate(1);
    rotate(2);
    struct rotor_bytes missing = p.entries[1];
    p.entries[1] = p.entries[2];
    p.orders[1] = p.orders[2];
    p.entries[2] = missing;
    p.shown = 2;
    assert_refused(CAUSE_CHAIN_BROKEN, "entry of epoch 2: rule 2");
    end();
}

SPEC("a device that dropped what the party lacks says from where on it has its "
     "log, and proves nothing")
{
    begin();
    rotate(1);
    p.dropped = 1;
    assert_refused(CAUSE_UNAVAILABLE, "from epoch 1 on: the entries before");
    assert_int_equal(cause_exit(report.outcome.cause), EXIT_UNABLE);
    p.dropped = 0;
    assert_accepted(2);
    for (unsigned i = 2; i < 8; i++) {
        rotate(i);
    }
    p.dropped = 5;
    assert_refused(CAUSE_UNAVAILABLE, "from epoch 5 on, and this party is at "
                                      "epoch 1");
    p.dropped = 1; // from our own head on is enough
    assert_accepted(6);
    end();
}

SPEC("a key from an earlier entry is noticed also after a restart")
{
    begin();
    maker_log_rotate(&p.log, 2, 7);
    keep_head();
    assert_accepted(2);
    struct maker_bundle own;
    struct maker_draft draft;
    maker_bundle_open(&own, 2, 7); // the same again
    maker_draft_next(&draft, &p.log.trust, &p.log.head, &own);
    maker_finish(&draft, &p.log.entry);
    const struct wire_order next = {0, 2};
    keep(maker_bytes(&p.log.entry), &next);
    struct chain_trust twice = p.log.trust;
    twice.order.epoch = 2;
    twice.body_hash.bytes[0] ^= 1;
    p.at = &twice;
    assert_refused(CAUSE_CHAIN_BROKEN, "rule 9");
    maker_bundle_close(&own);
    end();
}

// ---- answers ---------------------------------------------------------------

SPEC("a device at an older head than the party has seen was rolled back")
{
    struct maker_bundle keys;
    begin();
    const struct chain_trust first = p.log.trust;
    maker_bundle_open(&keys, 2, 0); // those of genesis
    rotate(1);
    assert_accepted(2);
    p.at = &first;
    p.signer = &keys.sign.key;
    p.shown = 1;
    assert_refused(CAUSE_ROLLED_BACK, "is at epoch 0");
    p.shown = 2; // only its enclave was put back
    assert_refused(CAUSE_ROLLED_BACK, "is at epoch 0");
    // Not even signed by the old root: no proof of a rollback.
    p.signer = NULL;
    assert_refused(CAUSE_EVIDENCE_REFUSED, "signature of the RoT");
    maker_bundle_close(&keys);
    end();
}

SPEC("an answer that was given before is not given to this nonce")
{
    begin();
    assert_accepted(1);
    p.answers_again = true;
    assert_refused(CAUSE_EVIDENCE_REFUSED, "another request");
    end();
}

SPEC("an anchor that went back means a store that was put back")
{
    begin();
    p.mark.n = 0; // below that of the head itself
    assert_refused(CAUSE_ROLLED_BACK, "anchor");
    p.mark.n = 1000;
    assert_accepted(1);
    p.mark.n--;
    assert_refused(CAUSE_ROLLED_BACK, "anchor");
    p.mark.n++;
    assert_accepted(0);
    end();
}

SPEC("two signatures of one number in one boot mean a key in two hands")
{
    static const uint8_t next_boot[WIRE_ID_SIZE] = {9};
    begin();
    assert_accepted(1);
    p.mark.signatures--;
    assert_refused(CAUSE_EVIDENCE_REFUSED, "the same signature");
    p.mark.signatures = 0;
    p.mark.boot_id = BYTES_OF(next_boot);
    assert_accepted(0);
    end();
}

SPEC("a request that wants no Evidence is answered in vain")
{
    const struct relying_device device = {NULL, ask};
    struct wire_attest_req asked;
    begin();
    assert_accepted(1);
    struct rotor_room request = ROOM_OF(report.request);
    struct rotor_room response = ROOM_OF(report.response);
    assert_ok(wire_message_decode(&WIRE_LAYOUT_ATTEST_REQ,
                                  bytes_of(report.request, report.request_size),
                                  &asked));
    uint8_t memory[1024];
    struct rotor_room again = ROOM_OF(memory);
    asked.purpose = WIRE_PURPOSE_ATTEST;
    asked.want_evidence = 0;
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, &asked, &again));
    assert_ok(bytes_copy(&request, bytes_in(&again)));
    p.without_evidence = true;
    assert_ok(serve_attest(bytes_in(&request), &response));
    report.request_size = request.used;
    report.response_size = response.used;
    options.is_offline = true;
    assert_true(relying_open(&party, &options, &report.outcome));
    assert_false(relying_judge(&party, &device, &report));
    assert_true(verify_answer_is_accepted(&report.answer)); // and yet
    assert_non_null(strstr(report.outcome.reason, "Evidence is missing"));
    relying_close(&party);
    end();
}

SPEC("a stolen root without the device's own key proves nothing")
{
    begin();
    assert_accepted(1);
    struct device_traits other = GENUINE;
    const struct wire_digest pinned = p.device.instance;
    reference.instances = &pinned;
    reference.instance_count = 1;
    device_close(&p.device);
    other.uds_byte = 77;
    device_open(&p.device, &other);
    assert_refused(CAUSE_EVIDENCE_REFUSED, "not the pinned device");
    end();
}

// ---- forks -----------------------------------------------------------------

// What is wrong with the second body's signatures.
enum fault { FAULT_NONE, FAULT_NO_AUTH, FAULT_NO_OLD, FAULT_NEITHER };

// The party has seen 0, 1, 2; the device now shows 0 and another 1.
static void fork_at_one(enum fault fault, struct chain_trust *shown)
{
    static struct maker_entry second;
    struct maker_bundle own;
    struct maker_draft draft;
    struct chain_entry entry;
    begin();
    maker_bundle_open(&own, 2, 50);
    maker_draft_next(&draft, &p.log.trust, &p.log.head, &own);
    if (fault == FAULT_NO_AUTH || fault == FAULT_NEITHER) {
        draft.auth_ots = &own.ots;
        draft.auth_sign = &own.auth_sign.key;
    }
    if (fault == FAULT_NO_OLD || fault == FAULT_NEITHER) {
        draft.old = &own.sign.key;
    }
    maker_finish(&draft, &second);
    maker_bundle_close(&own);
    rotate(1);
    rotate(2);
    assert_accepted(3);
    assert_ok(chain_entry_decode(maker_bytes(&second), &entry));
    assert_ok(chain_trust_of(&entry.body, shown));
    shown->log_id = p.log.trust.log_id;
    p.real[0] = p.entries[1];
    p.real[1] = p.entries[2];
    p.count = 1;
    const struct wire_order order = {0, 1};
    keep(maker_bytes(&second), &order);
    p.at = shown;
}

// The real device again.
static void show_real(void)
{
    free((void *)(uintptr_t)p.entries[1].data);
    for (size_t i = 0; i < 2; i++) {
        p.entries[1 + i] = p.real[i];
        p.orders[1 + i] = (struct wire_order){0, 1 + i};
        p.real[i] = bytes_of(NULL, 0);
    }
    p.count = 3;
    p.shown = 3;
    p.at = NULL;
}

static void recover(void)
{
    static struct maker_entry made;
    struct maker_bundle own;
    struct maker_draft draft;
    maker_bundle_open(&own, 2, 60);
    maker_draft_recovery(&draft, &p.log.trust, &p.log.before, &own, &p.log.ra);
    maker_finish(&draft, &made);
    maker_bundle_close(&own);
    maker_bundle_open(&own, 2, 60);
    p.log.party.held = &p.log.before;
    p.log.party.held_count = 1;
    maker_log_take(&p.log, &draft, &own);
}

// What the party kept of second bodies.
static bool has_kept(const char *suffix)
{
    char command[96];
    (void)snprintf(command, sizeof command, "test -s %s/*%s", folder, suffix);
    return system(command) == 0;
}

SPEC("two bodies signed by root and rotation key: duplicity, kept for good")
{
    struct chain_trust shown;
    char command[96];
    fork_at_one(FAULT_NONE, &shown);
    // Its log ends below our head, but the party looks where it parts.
    assert_refused(CAUSE_DUPLICITY, "two bodies for epoch 1");
    assert_int_equal(report.fork, CHAIN_FORK_DUPLICITY);
    (void)snprintf(command, sizeof command, "test -s %s/*.fork", folder);
    assert_int_equal(system(command), 0);
    show_real();
    assert_refused(CAUSE_DUPLICITY, "two bodies");
    rotate(3);
    assert_refused(CAUSE_DUPLICITY, "two bodies");
    assert_int_equal(report.steps, 0);
    p.count--;
    free((void *)(uintptr_t)p.entries[p.count].data);
    p.log.trust = p.log.before;
    recover();
    keep_head();
    assert_accepted(1);
    assert_accepted(0);
    end();
}

SPEC("a fork behind the start of a device's log is found and judged as any")
{
    struct chain_trust shown;
    fork_at_one(FAULT_NONE, &shown);
    p.dropped = 1;
    assert_refused(CAUSE_DUPLICITY, "two bodies for epoch 1");
    end();
}

SPEC("a second body under the rotation key alone says that this key leaked")
{
    struct chain_trust shown;
    fork_at_one(FAULT_NO_OLD, &shown);
    assert_refused(CAUSE_CHAIN_BROKEN, "rotation key alone");
    end();
}

SPEC("a second body under the root alone says so, and closes nothing")
{
    struct chain_trust shown;
    fork_at_one(FAULT_NO_AUTH, &shown);
    assert_refused(CAUSE_CHAIN_BROKEN, "not by its rotation key");
    assert_true(has_kept(".misuse"));
    show_real();
    assert_accepted(0);
    end();
}

SPEC("an unknown successor under the root alone is kept as misuse, and closes "
     "nothing")
{
    static struct maker_entry second;
    struct maker_bundle own;
    struct maker_draft draft;
    struct chain_entry entry;
    struct chain_trust shown;
    const struct wire_order order = {0, 1};
    begin();
    assert_accepted(1);
    maker_bundle_open(&own, 2, 50);
    maker_draft_next(&draft, &p.log.trust, &p.log.head, &own);
    draft.auth_sign = &own.auth_sign.key;
    maker_finish(&draft, &second);
    maker_bundle_close(&own);
    assert_ok(chain_entry_decode(maker_bytes(&second), &entry));
    assert_ok(chain_trust_of(&entry.body, &shown));
    keep(maker_bytes(&second), &order);
    p.at = &shown;
    assert_refused(CAUSE_CHAIN_BROKEN, "rule 6");
    assert_int_equal(report.fork, CHAIN_FORK_NOISE);
    assert_true(has_kept(".misuse"));
    assert_false(has_kept(".fork"));
    p.count--;
    free((void *)(uintptr_t)p.entries[p.count].data);
    p.at = NULL;
    rotate(1);
    assert_accepted(1);
    end();
}

SPEC("a fork that the authority ended does not close the log again")
{
    struct chain_trust shown;
    fork_at_one(FAULT_NONE, &shown);
    assert_refused(CAUSE_DUPLICITY, "two bodies for epoch 1");
    struct rotor_bytes stolen = p.entries[1];
    static uint8_t copy[2 * WIRE_ENTRY_MAX];
    memcpy(copy, stolen.data, stolen.size);
    stolen.data = copy;
    show_real();
    recover();
    keep_head();
    assert_accepted(1);
    // The thief again, with what he always had.
    struct rotor_bytes real[] = {p.entries[1], p.entries[2], p.entries[3]};
    p.entries[1] = stolen;
    p.shown = 2;
    p.at = &shown;
    assert_refused(CAUSE_CHAIN_BROKEN, "the recovery authority has ended");
    memcpy(&p.entries[1], real, sizeof real);
    p.shown = p.count;
    p.at = NULL;
    assert_accepted(0);
    end();
}

SPEC("a second body that nobody signed proves nothing")
{
    struct chain_trust shown;
    fork_at_one(FAULT_NEITHER, &shown);
    assert_refused(CAUSE_CHAIN_BROKEN, "nothing proves it");
    assert_false(has_kept(".misuse"));
    show_real();
    assert_accepted(0);
    end();
}

// ---- the trust store -------------------------------------------------------

static void spoil(const char *command)
{
    char line[200];
    (void)snprintf(line, sizeof line, "cd %s && %s", folder, command);
    assert_int_equal(system(line), 0);
}

// Changes one bit of the file that ends in `suffix`; false behind its end.
static bool flip(const char *suffix, long at)
{
    DIR *list = opendir(folder);
    struct dirent *entry = NULL;
    bool is_done = false;
    assert_non_null(list);
    while ((entry = readdir(list)) != NULL) {
        char path[300];
        if (strstr(entry->d_name, suffix) == NULL) {
            continue;
        }
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "r+");
        assert_non_null(file);
        assert_ok(fseek(file, at, SEEK_SET));
        int byte = fgetc(file);
        if (byte != EOF) {
            assert_ok(fseek(file, at, SEEK_SET));
            is_done = fputc(byte ^ 4, file) != EOF;
        }
        assert_ok(fclose(file));
    }
    assert_ok(closedir(list));
    return is_done;
}

SPEC("a trust store with a changed byte, an old or a foreign file is not used")
{
    begin();
    assert_accepted(1);
    spoil("for f in *.trust; do cp $f old; done; for f in *.log; do cp $f "
          "kept; done");
    rotate(1);
    assert_accepted(1);
    spoil("for f in *.trust; do cp $f new; done");
    // One bit of the head, anywhere.
    for (long at = 0; flip(".trust", at); at += 7) {
        assert_refused(CAUSE_UNPARSABLE, "damaged");
        assert_true(flip(".trust", at));
    }
    assert_accepted(0);
    spoil("for f in *.trust; do cp $f new; done");
    // An older log under a newer head.
    spoil("for f in *.trust; do cp new $f; done; for f in *.log; do cp kept "
          "$f; done");
    assert_refused(CAUSE_UNPARSABLE, "damaged");
    end();
}

SPEC("a log with a changed byte anywhere is not used")
{
    begin();
    rotate(1);
    assert_accepted(2);
    // In the first entry, which nothing is judged by any more.
    spoil("for f in *.log; do s=$(stat -c %s $f); printf X | dd of=$f bs=1 "
          "seek=$((s - 3500)) conv=notrunc status=none; done");
    assert_refused(CAUSE_UNPARSABLE, "damaged");
    end();
}

SPEC("entries that were written and never became the head are forgotten")
{
    begin();
    assert_accepted(1);
    spoil("for f in *.trust; do cp $f old; done");
    rotate(1);
    assert_accepted(1);
    // The power went between the log and the head.
    spoil("for f in *.trust; do cp old $f; done");
    assert_accepted(1);
    rotate(2);
    assert_accepted(1);
    assert_accepted(0);
    end();
}

// ---- recovery --------------------------------------------------------------

SPEC("an entry of the recovery authority is taken, and counted as one")
{
    begin();
    rotate(1);
    rotate(2);
    assert_accepted(3);
    recover();
    keep_head();
    assert_accepted(1);
    assert_int_equal(report.recoveries, 1);
    assert_int_equal(report.recovery[0].epoch, report.trust.order.epoch);
    assert_int_equal(report.recovery[0].incarnation, 1);
    assert_int_equal(report.recovery[0].superseded, 1);
    assert_false(report.recovery[0].has_new_authority);
    assert_false(report.recovery[0].has_new_control);
    assert_int_equal(report.trust.order.incarnation, 1);
    assert_accepted(0);
    end();
}

SPEC("a party that holds down waits, across restarts, and then believes")
{
    begin();
    rotate(1);
    rotate(2);
    assert_accepted(3);
    recover();
    keep_head();
    options.hold_down_s = 3600;
    assert_refused(CAUSE_UNAVAILABLE, "recovery entry of epoch 3");
    assert_refused(CAUSE_UNAVAILABLE, "recovery entry of epoch 3");
    sleep(2);
    options.hold_down_s = 1; // the wait began at the first sight
    assert_accepted(1);
    end();
}

SPEC("RFC 5011 addpend_early: before the hold-down the pending root proves "
     "nothing, and the old one goes on")
{
    struct maker_bundle old;
    begin();
    rotate(1);
    rotate(2);
    assert_accepted(3);
    const struct chain_trust head = p.log.trust;
    maker_bundle_open(&old, 2, 2); // what signs under it
    recover();
    keep_head();
    options.hold_down_s = 3600;
    assert_refused(CAUSE_UNAVAILABLE, "recovery entry of epoch 3");
    p.at = &head;
    p.signer = &old.sign.key;
    assert_accepted(0);
    assert_true(wire_digest_equal(&report.trust.body_hash, &head.body_hash));
    maker_bundle_close(&old);
    end();
}
