// SPDX-License-Identifier: Apache-2.0
// A long log is judged the same with threads and without, good or bad, and a
// run that is cut goes on where it was.
#include "app/rotor/ahead.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/rotor/catch_up.h"
#include "app/rotor/log_source.h"
#include "app/rotor/log_stream.h"
#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/chain_maker.h"
#include "test/spec/verify_maker.h"

// words.c needs what only the program has.
const struct command COMMANDS[] = {
    {NULL, NULL, NULL, NULL, NULL}
};
const size_t COMMAND_COUNT = 0;

#define LENGTH 120u
#define BAD_AT 77u // the first entry that is made wrong

static struct {
    struct maker_ra ra;
    struct device device;
    struct chain_trust trusts[LENGTH];
    struct rotor_bytes entries[LENGTH]; // on the heap
    struct maker_draft draft;
    struct maker_entry made;
} m;

static struct relying party;
static char folder[] = "/tmp/rotor-ahead-XXXXXX";
static char log_path[64];

// ---- a good log ------------------------------------------------------------

// Suites take turns: keys of all kinds are checked ahead.
static uint32_t suite_at(unsigned number)
{
    return number % 7 == 3 ? 1 : 2;
}

// Some entries have Evidence.
static void prove(void)
{
    static uint8_t memory[WIRE_EVIDENCE_MAX];
    struct rotor_room evidence = ROOM_OF(memory);
    struct chain_entry entry;
    struct chain_report report;
    uint8_t ud[CHAIN_UD_SIZE];
    assert_ok(chain_entry_decode(maker_bytes(&m.made), &entry));
    assert_ok(chain_report_of(&entry.body, &report));
    assert_ok(chain_ud(&report, ud));
    device_attest(&m.device, ud, &evidence);
    m.draft.evidence = bytes_in(&evidence);
    maker_finish(&m.draft, &m.made);
}

static void keep(unsigned number)
{
    struct chain_entry entry;
    maker_finish(&m.draft, &m.made);
    if (number % 5 == 0) {
        prove();
    }
    uint8_t *copy = malloc(m.made.size);
    assert_non_null(copy);
    memcpy(copy, m.made.bytes, m.made.size);
    m.entries[number] = bytes_of(copy, m.made.size);
    assert_ok(chain_entry_decode(m.entries[number], &entry));
    assert_ok(chain_trust_of(&entry.body, &m.trusts[number]));
}

static void draft_at(unsigned number, struct maker_bundle *before,
                     struct maker_bundle *own)
{
    maker_bundle_open(before, suite_at(number - 1), number - 1);
    maker_bundle_open(own, suite_at(number), number);
    maker_draft_next(&m.draft, &m.trusts[number - 1], before, own);
}

static void make_good_log(void)
{
    struct maker_bundle before;
    struct maker_bundle own;
    if (m.entries[0].size != 0) {
        return;
    }
    maker_ra_open(&m.ra, 2, 3, 1);
    device_open(&m.device, &GENUINE);
    const struct chain_policy policy = maker_policy(&m.ra);
    maker_bundle_open(&own, suite_at(0), 0);
    maker_draft_genesis(&m.draft, &own, &policy);
    keep(0);
    maker_bundle_close(&own);
    for (unsigned i = 1; i < LENGTH; i++) {
        draft_at(i, &before, &own);
        keep(i);
        maker_bundle_close(&before);
        maker_bundle_close(&own);
    }
}

// ---- runs ------------------------------------------------------------------

static void begin(void)
{
    make_good_log();
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    (void)snprintf(log_path, sizeof log_path, "%s/log", folder);
}

static void end(void)
{
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

// The good log with one entry in another's place; `bad` empty: as it is.
static void write_log(unsigned at, struct rotor_bytes bad)
{
    struct log_writer writer;
    assert_ok(log_writer_open(&writer, log_path));
    for (unsigned i = 0; i < LENGTH; i++) {
        bool is_bad = i == at && bad.size != 0;
        assert_ok(log_writer_add(&writer, is_bad ? bad : m.entries[i]));
    }
    assert_ok(log_writer_close(&writer, true));
}

static uint64_t deadly_step;

static void die(const struct relying_progress *progress)
{
    if (progress->steps == deadly_step) {
        (void)kill(getpid(), SIGKILL);
    }
}

struct outcome {
    bool is_good;
    uint64_t steps;
    enum cause cause;
    char reason[400];
    uint64_t epoch;
    uint64_t count;
};

static struct outcome judge(unsigned threads, const struct wire_digest *log_id)
{
    static const struct verify_reference ANY = {.any_measurement = true};
    static struct relying_report report;
    char trust[96];
    (void)snprintf(trust, sizeof trust, "%s/trust-%u", folder, threads);
    const struct relying_options options = {.folder = trust,
                                            .log_id = *log_id,
                                            .reference = &ANY,
                                            .evidence_is_optional = true,
                                            .progress = die,
                                            .threads = threads};
    memset(&report, 0, sizeof report);
    assert_true(relying_open(&party, &options, &report.outcome));
    struct outcome run = {.is_good =
                              relying_take_file(&party, log_path, &report)};
    run.steps = report.steps;
    run.cause = run.is_good ? CAUSE_COUNT : report.outcome.cause;
    (void)snprintf(run.reason, sizeof run.reason, "%s",
                   run.is_good ? "" : report.outcome.reason);
    run.epoch = party.store.trust.order.epoch;
    run.count = party.store.count;
    relying_close(&party);
    return run;
}

static void forget(void)
{
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf %s/trust-*", folder);
    assert_int_equal(system(command), 0);
}

// By one thread and by several: the same entry, the same rule, the same head.
static struct outcome judge_all(void)
{
    static const unsigned THREADS[] = {2, 3, 8};
    struct outcome one = judge(1, &m.trusts[0].log_id);
    for (size_t i = 0; i < COUNT_OF(THREADS); i++) {
        struct outcome other = judge(THREADS[i], &m.trusts[0].log_id);
        assert_int_equal(other.is_good, one.is_good);
        assert_int_equal(other.steps, one.steps);
        assert_int_equal(other.cause, one.cause);
        assert_string_equal(other.reason, one.reason);
        assert_int_equal(other.epoch, one.epoch);
        assert_int_equal(other.count, one.count);
    }
    forget();
    return one;
}

SPEC("a good log is taken to its end, by one thread and by several")
{
    begin();
    write_log(0, bytes_of(NULL, 0));
    struct outcome run = judge_all();
    assert_true(run.is_good);
    assert_int_equal(run.steps, LENGTH);
    assert_int_equal(run.epoch, LENGTH - 1);
    end();
}

// ---- one bad entry ---------------------------------------------------------

static void refused_by(unsigned rule)
{
    char wanted[64];
    write_log(BAD_AT, maker_bytes(&m.made));
    struct outcome run = judge_all();
    (void)snprintf(wanted, sizeof wanted, "entry of epoch %u: rule %u: ",
                   rule == 2 ? BAD_AT + 1 : BAD_AT, rule);
    if (strncmp(run.reason, wanted, strlen(wanted)) != 0) {
        fail_msg("wanted %s, got %s", wanted, run.reason);
    }
    assert_int_equal(run.steps, BAD_AT);
    assert_int_equal(run.count, BAD_AT);
}

// Makes the draft of BAD_AT wrong and signs it.
static void spoil(void (*change)(const struct maker_bundle *foreign))
{
    struct maker_bundle before;
    struct maker_bundle own;
    struct maker_bundle foreign;
    begin();
    draft_at(BAD_AT, &before, &own);
    maker_bundle_open(&foreign, 2, 9000);
    change(&foreign);
    maker_finish(&m.draft, &m.made);
    maker_bundle_close(&foreign);
    maker_bundle_close(&before);
    maker_bundle_close(&own);
}

static void of_another_log(const struct maker_bundle *foreign)
{
    (void)foreign;
    m.draft.body.log_id.bytes[0] ^= 1;
}

SPEC("rule 1: an entry of another log, the same entry and rule with threads")
{
    spoil(of_another_log);
    refused_by(1);
    end();
}

static void skips(const struct maker_bundle *foreign)
{
    (void)foreign;
    m.draft.body.epoch++;
}

SPEC("rule 2: an epoch that is left out, the same with threads")
{
    spoil(skips);
    refused_by(2);
    end();
}

static void stands_still(const struct maker_bundle *foreign)
{
    (void)foreign;
    m.draft.body.n = m.trusts[BAD_AT - 1].n;
}

SPEC("rule 3: an anchor that does not rise, the same with threads")
{
    spoil(stands_still);
    refused_by(3);
    end();
}

static void mixes_suites(const struct maker_bundle *foreign)
{
    struct maker_key other;
    (void)foreign;
    maker_key_open(&other, CRYPTO_X25519, 5);
    m.draft.body.agree = other.public_key;
    crypto_key_close(&other.key);
}

SPEC("rule 4: a key of another suite, the same with threads")
{
    spoil(mixes_suites);
    refused_by(4);
    end();
}

static void reveals_another(const struct maker_bundle *foreign)
{
    m.draft.body.auth = foreign->auth;
    m.draft.auth_ots = &foreign->ots;
    m.draft.auth_sign = &foreign->auth_sign.key;
}

SPEC("rule 5: an A that was not committed to, the same with threads")
{
    spoil(reveals_another);
    refused_by(5);
    end();
}

static void is_authorised_by_another(const struct maker_bundle *foreign)
{
    m.draft.auth_sign = &foreign->auth_sign.key;
}

SPEC("rule 6: half of sig_auth by another key, the same with threads")
{
    spoil(is_authorised_by_another);
    refused_by(6);
    end();
}

static void is_signed_by_another(const struct maker_bundle *foreign)
{
    m.draft.old = &foreign->sign.key;
}

SPEC("rule 7: a sig_old of another key, the same with threads")
{
    spoil(is_signed_by_another);
    refused_by(7);
    end();
}

static void does_not_possess(const struct maker_bundle *foreign)
{
    m.draft.pop = &foreign->sign.key;
}

SPEC("rule 8: a sig_pop of another key, the same with threads")
{
    spoil(does_not_possess);
    refused_by(8);
    end();
}

static void comes_again(const struct maker_bundle *foreign)
{
    (void)foreign;
    m.draft.body.agree = m.trusts[5].agree;
}

SPEC("rule 9: a key of an entry long before, the same with threads")
{
    spoil(comes_again);
    refused_by(9);
    end();
}

static void changes_policy(const struct maker_bundle *foreign)
{
    (void)foreign;
    m.draft.policy.grace_s++;
}

SPEC("rule 10: a policy that changed, the same with threads")
{
    spoil(changes_policy);
    refused_by(10);
    end();
}

static void proves_another(const struct maker_bundle *foreign)
{
    struct chain_entry entry;
    (void)foreign;
    assert_ok(chain_entry_decode(m.entries[5], &entry));
    m.draft.evidence = entry.evidence;
}

SPEC("rule 11: Evidence of another entry, the same with threads")
{
    spoil(proves_another);
    refused_by(11);
    end();
}

SPEC("rule 12: a log that is not the pinned one is refused at its first entry, "
     "the same with threads")
{
    begin();
    write_log(0, bytes_of(NULL, 0));
    struct wire_digest other = m.trusts[0].log_id;
    other.bytes[0] ^= 1;
    struct outcome one = judge(1, &other);
    struct outcome many = judge(4, &other);
    assert_string_equal(one.reason, many.reason);
    assert_non_null(strstr(one.reason, "entry of epoch 0: rule 12"));
    assert_int_equal(one.count, 0);
    end();
}

SPEC("a log with a changed byte anywhere is judged the same with threads")
{
    static uint8_t bytes[WIRE_ENTRY_MAX];
    unsigned refusals = 0;
    begin();
    for (unsigned i = 0; i < 60; i++) {
        unsigned at = (i * 29) % LENGTH;
        struct rotor_bytes good = m.entries[at];
        memcpy(bytes, good.data, good.size);
        bytes[(i * 7919u) % good.size] ^= (uint8_t)(1u << (i % 8));
        write_log(at, bytes_of(bytes, good.size));
        refusals += judge_all().is_good ? 0 : 1;
    }
    assert_in_range(refusals, 50, 60);
    end();
}

// ---- answers ----------------------------------------------------------------

static enum rotor_status hand_out(void *context, struct rotor_bytes *entry)
{
    unsigned *at = context;
    if (*at == LENGTH) {
        return ROTOR_AGAIN;
    }
    *entry = m.entries[(*at)++];
    return ROTOR_OK;
}

SPEC(
    "an answer that was made ahead is given for its own key, context and bytes "
    "only")
{
    static const struct verify_reference ANY = {.any_measurement = true};
    const struct verify_entry_context evidence = {.reference = &ANY};
    unsigned at = 0;
    const struct ahead_source source = {&at, hand_out};
    const struct wire_key none = {0};
    struct ahead *ahead = NULL;
    struct rotor_bytes bytes = {NULL, 0};
    struct chain_entry entry;
    struct chain_entry copied;
    bool valid = false;
    begin();
    assert_ok(ahead_open(&ahead, &source, &none, &evidence, 4));
    for (unsigned i = 0; i <= 41; i++) {
        assert_ok(ahead_next(ahead, &bytes));
    }
    assert_ok(chain_entry_decode(bytes, &entry));
    const struct chain_signature_question good = {
        &m.trusts[40].sign, LABEL(WIRE_CONTEXT_ENTRY_OLD), entry.body.bytes,
        entry.sig_old};
    assert_ok(ahead_check_signature(ahead, &good, &valid));
    assert_true(valid);
    struct chain_signature_question other = good;
    other.key = &m.trusts[39].sign;
    assert_ok(ahead_check_signature(ahead, &other, &valid));
    assert_false(valid);
    other = good;
    other.context = LABEL(WIRE_CONTEXT_ENTRY_POP);
    assert_ok(ahead_check_signature(ahead, &other, &valid));
    assert_false(valid);
    other = good;
    assert_ok(chain_entry_decode(m.entries[42], &copied));
    other.body = copied.body.bytes;
    assert_ok(ahead_check_signature(ahead, &other, &valid));
    assert_false(valid);
    ahead_close(ahead);
    end();
}

// ---- a cut -----------------------------------------------------------------

SPEC("a run that was cut goes on behind its last cycle, not from the start")
{
    begin();
    spoil(is_signed_by_another);
    write_log(BAD_AT, maker_bytes(&m.made));
    assert_int_equal(judge(4, &m.trusts[0].log_id).steps, BAD_AT);
    write_log(0, bytes_of(NULL, 0));
    struct outcome rest = judge(4, &m.trusts[0].log_id);
    assert_true(rest.is_good);
    assert_int_equal(rest.steps, LENGTH - BAD_AT);
    assert_int_equal(judge(4, &m.trusts[0].log_id).steps, 0);
    end();
}

// More than one cycle, of entries that nothing else has.
static void write_long_log(unsigned length)
{
    struct log_writer writer;
    struct maker_bundle before;
    struct maker_bundle own;
    struct chain_trust trust = m.trusts[LENGTH - 1];
    assert_ok(log_writer_open(&writer, log_path));
    for (unsigned i = 0; i < LENGTH; i++) {
        assert_ok(log_writer_add(&writer, m.entries[i]));
    }
    maker_bundle_open(&before, suite_at(LENGTH - 1), LENGTH - 1);
    for (unsigned i = LENGTH; i < length; i++) {
        struct chain_entry entry;
        maker_bundle_open(&own, suite_at(i), i);
        maker_draft_next(&m.draft, &trust, &before, &own);
        maker_finish(&m.draft, &m.made);
        assert_ok(chain_entry_decode(maker_bytes(&m.made), &entry));
        assert_ok(chain_trust_of(&entry.body, &trust));
        assert_ok(log_writer_add(&writer, maker_bytes(&m.made)));
        maker_bundle_close(&before);
        before = own;
    }
    maker_bundle_close(&before);
    assert_ok(log_writer_close(&writer, true));
}

static void judge_and_die(uint64_t step)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        deadly_step = step;
        (void)judge(3, &m.trusts[0].log_id);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

SPEC("a run that was killed goes on from its last cycle, not from the start")
{
    begin();
    write_long_log(STORE_CYCLE_ENTRIES + 300);
    judge_and_die(500);
    judge_and_die(STORE_CYCLE_ENTRIES + 200);
    judge_and_die(100); // of the second cycle
    struct outcome rest = judge(3, &m.trusts[0].log_id);
    assert_true(rest.is_good);
    assert_int_equal(rest.steps, 300);
    assert_int_equal(rest.count, STORE_CYCLE_ENTRIES + 300);
    end();
}

SPEC("a log that begins behind the party's head, or behind genesis, is no "
     "verdict, and says what is missing")
{
    struct log_writer writer;
    begin();
    assert_ok(log_writer_open(&writer, log_path));
    for (unsigned i = 40; i < LENGTH; i++) {
        assert_ok(log_writer_add(&writer, m.entries[i]));
    }
    assert_ok(log_writer_close(&writer, true));
    struct outcome run = judge(4, &m.trusts[0].log_id);
    assert_non_null(strstr(run.reason, "begins at epoch 40: the entries "
                                       "before are missing"));
    assert_int_equal(cause_exit(run.cause), EXIT_UNABLE);
    end();
}

SPEC("a log that was cut in mid-entry is taken up to there, and said to be cut")
{
    begin();
    write_log(0, bytes_of(NULL, 0));
    assert_int_equal(truncate(log_path, 200000), 0);
    struct outcome run = judge(4, &m.trusts[0].log_id);
    assert_int_equal(run.cause, CAUSE_UNPARSABLE);
    assert_true(run.count > 30 && run.count < LENGTH);
    assert_int_equal(run.steps, run.count);
    end();
}
