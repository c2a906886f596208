// SPDX-License-Identifier: Apache-2.0
// A long log and a relying party that has to read it.
//
//     verify  entries a second: rotor verify --chain as a program would call
//             it, files and fsyncs included, beside the bare signature checks
//             of the same entries, both on all processors
//     memory  peak of the process that verifies the other file, rule 9 over all
//             of its entries included
//
//     bench-chain SHORT LONG FOLDER [ROUNDS]        logs of make-log
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/rotor/log_source.h"
#include "app/rotor/log_stream.h"
#include "base/bytes.h"
#include "bench/tally.h"

// words.c needs what only the program has.
const struct command COMMANDS[] = {
    {NULL, NULL, NULL, NULL, NULL}
};
const size_t COMMAND_COUNT = 0;

#define SHORT_MAX   10000u // entries
#define THREADS_MAX 64

static const char REFERENCE[] =
    "the signatures of the same entries, on all processors";

// ---- ours ------------------------------------------------------------------

static struct relying party;

static uint64_t take(const char *log, const char *folder, bool is_shown)
{
    static const struct verify_reference ANY = {.any_measurement = true};
    static struct relying_report report;
    const struct relying_options options = {.folder = folder,
                                            .trusts_first_use = true,
                                            .reference = &ANY,
                                            .evidence_is_optional = true};
    memset(&report, 0, sizeof report);
    uint64_t start = tally_now_ns();
    bool is_taken = relying_open(&party, &options, &report.outcome) &&
                    relying_take_file(&party, log, &report);
    relying_close(&party);
    tally_expect(is_taken, report.outcome.reason);
    if (is_shown) {
        double spent_s = (double)(tally_now_ns() - start) / 1e9;
        fprintf(stderr, "chain/memory: %llu entries, %.0f a second\n",
                (unsigned long long)report.steps,
                (double)report.steps / spent_s);
    }
    return report.steps;
}

static void remove_folder(const char *folder)
{
    pid_t child = fork();
    if (child == 0) {
        execlp("rm", "rm", "-rf", folder, (char *)NULL);
        _exit(127);
    }
    (void)waitpid(child, NULL, 0);
}

// ---- theirs ----------------------------------------------------------------

static struct {
    size_t count;
    struct rotor_bytes bytes[SHORT_MAX];
    struct chain_entry entries[SHORT_MAX];
    _Atomic size_t next;
    _Atomic size_t bad;
} bare;

static void read_short(const char *path)
{
    struct log_stream file;
    struct rotor_bytes bytes;
    tally_expect(log_stream_open(&file, path) == ROTOR_OK, path);
    while (bare.count < SHORT_MAX &&
           log_stream_next(&file, &bytes) == ROTOR_OK) {
        uint8_t *copy = malloc(bytes.size);
        tally_expect(copy != NULL, "memory");
        memcpy(copy, bytes.data, bytes.size);
        bare.bytes[bare.count] = bytes_of(copy, bytes.size);
        tally_expect(chain_entry_decode(bare.bytes[bare.count],
                                        &bare.entries[bare.count]) == ROTOR_OK,
                     "an entry");
        bare.count++;
    }
    log_stream_close(&file);
}

static void check(const struct chain_entry *entry, const struct wire_key *key,
                  struct rotor_bytes context, struct rotor_bytes sign1)
{
    const struct chain_signature_question question = {key, context,
                                                      entry->body.bytes, sign1};
    bool valid = false;
    if (chain_signature_check(&question, &valid) != ROTOR_OK || !valid) {
        atomic_fetch_add(&bare.bad, 1);
    }
}

static void *check_all(void *context)
{
    size_t i;
    (void)context;
    while ((i = atomic_fetch_add(&bare.next, 1)) < bare.count) {
        const struct chain_entry *entry = &bare.entries[i];
        const struct chain_body *body = &entry->body;
        check(entry, &body->sign, LABEL(WIRE_CONTEXT_ENTRY_POP),
              entry->sig_pop);
        if (i == 0) {
            continue;
        }
        check(entry, &bare.entries[i - 1].body.sign,
              LABEL(WIRE_CONTEXT_ENTRY_OLD), entry->sig_old);
        check(entry, &body->auth.ots, LABEL(WIRE_CONTEXT_ENTRY_AUTH),
              entry->sig_auth[0]);
        check(entry, &body->auth.sign, LABEL(WIRE_CONTEXT_ENTRY_AUTH),
              entry->sig_auth[1]);
    }
    return NULL;
}

static void run_bare(void)
{
    pthread_t threads[THREADS_MAX];
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    count = count > THREADS_MAX ? THREADS_MAX : count;
    bare.next = 0;
    for (long i = 0; i < count; i++) {
        tally_expect(pthread_create(&threads[i], NULL, check_all, NULL) == 0,
                     "a thread");
    }
    for (long i = 0; i < count; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    tally_expect(bare.bad == 0, "every signature is good");
}

// ---- the cases -------------------------------------------------------------

static double rate(uint64_t entries, uint64_t start_ns)
{
    return (double)entries / ((double)(tally_now_ns() - start_ns) / 1e9);
}

static void measure_verify(const char *log, const char *folder, int rounds)
{
    static struct tally verify = {.bench = "chain",
                                  .name = "verify",
                                  .unit = "entries/s",
                                  .reference = REFERENCE,
                                  .kind = TALLY_RATIO_AT_LEAST,
                                  .goal = 0.8};
    read_short(log);
    for (int round = -1; round < rounds; round++) {
        uint64_t start = tally_now_ns();
        run_bare();
        double theirs = rate(bare.count, start);
        start = tally_now_ns();
        uint64_t steps = take(log, folder, false);
        double ours = rate(steps, start);
        tally_expect(steps == bare.count, "all entries were taken");
        remove_folder(folder);
        if (round >= 0) { // one to get warm
            tally_add(&verify, ours, theirs);
        }
    }
    tally_print(&verify);
}

// A process of its own: its peak is that of nothing else.
static void measure_memory(const char *log, const char *folder)
{
    static struct tally memory = {.bench = "chain",
                                  .name = "memory",
                                  .unit = "MiB",
                                  .kind = TALLY_VALUE_AT_MOST,
                                  .goal = 96};
    struct rusage used;
    int status = 0;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        (void)take(log, folder, true);
        _exit(0);
    }
    tally_expect(wait4(child, &status, 0, &used) == child && status == 0,
                 "the log verifies");
    remove_folder(folder);
    tally_add(&memory, (double)used.ru_maxrss / 1024, 0);
    tally_print(&memory);
}

int main(int count, char **words)
{
    char folder[256];
    tally_expect(count > 3, "bench-chain SHORT LONG FOLDER [ROUNDS]");
    (void)snprintf(folder, sizeof folder, "%s/trust", words[3]);
    measure_memory(words[2], folder);
    measure_verify(words[1], folder, count > 4 ? atoi(words[4]) : TALLY_ROUNDS);
    return 0;
}
