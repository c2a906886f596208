// SPDX-License-Identifier: Apache-2.0
// rotor chain: the log of roots, each step verified.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/rotor/chain.h"
#include "app/rotor/held_log.h"
#include "app/rotor/walk.h"
#include "base/bytes.h"

struct listing {
    struct run *run;
    struct json out;
    bool shows_one; // only the entries of `epoch`, in full
    uint64_t epoch;
    size_t shown;
    bool has_any; // entry
    bool is_begun;
    bool is_broken;
    uint64_t broken_epoch;
    uint32_t broken_rule;
    const char *broken_reason;
};

static const char *kind_name(enum chain_kind kind)
{
    switch (kind) {
    case CHAIN_GENESIS:
        return "genesis";
    case CHAIN_ROTATE:
        return "rotate";
    case CHAIN_RECOVER:
        return "recover";
    case CHAIN_REINCEPT:
        return "re-incept";
    case CHAIN_CLOSE:
        return "close";
    case CHAIN_KIND_NONE:
        break;
    }
    return "unknown";
}

static void root_of(const struct chain_body *body, char text[FINGERPRINT_SIZE])
{
    struct wire_digest kid = {0};
    if (!body->suite_is_known || wire_key_id(&body->sign, &kid) != ROTOR_OK) {
        kid = (struct wire_digest){0};
    }
    fingerprint(&kid, text);
}

static void when(const struct chain_body *body, char text[TIME_SIZE])
{
    if (body->has_time) {
        time_text(body->time_s, text);
    } else {
        (void)snprintf(text, TIME_SIZE, "-");
    }
}

static void add_json(struct json *out, const struct walk_step *step)
{
    const struct chain_body *body = &step->entry.body;
    char root[FINGERPRINT_SIZE];
    char time[TIME_SIZE];
    root_of(body, root);
    when(body, time);
    json_open_object(out, NULL);
    json_number(out, "epoch", body->epoch);
    json_number(out, "incarnation", body->incarnation);
    json_text(out, "kind", kind_name(body->kind));
    json_text(out, "reason", wire_reason_name(body->reason));
    json_number(out, "suite", body->suite);
    json_text(out, "fingerprint", root);
    json_digest(out, "body_hash", &step->trust.body_hash);
    json_digest(out, "previous", &body->prev);
    json_digest(out, "measurement", &body->measurement);
    json_number(out, "anchor_n", body->n);
    if (body->has_time) {
        json_text(out, "time", time);
    } else {
        json_null(out, "time");
    }
    if (body->has_distrust_from) {
        json_number(out, "distrust_from", body->distrust_from);
    }
    json_number(out, "size", step->size);
    if (step->is_start) {
        json_null(out, "is_valid");
    } else {
        json_bool(out, "is_valid", chain_verdict_is_accepted(&step->verdict));
    }
    json_close(out);
}

static const char *step_name(const struct walk_step *step)
{
    if (!chain_verdict_is_accepted(&step->verdict)) {
        return "BROKEN";
    }
    return step->is_start ? "start" : "ok";
}

static void print_line(const struct walk_step *step)
{
    const struct chain_body *body = &step->entry.body;
    char root[FINGERPRINT_SIZE];
    char time[TIME_SIZE];
    root_of(body, root);
    when(body, time);
    printf("%-6" PRIu64 " %-16s %-8s %-52s %-21s %s\n", body->epoch,
           wire_reason_name(body->reason), suite_name(body->suite), root, time,
           step_name(step));
}

static void print_digest(const char *name, const struct wire_digest *digest)
{
    char text[FINGERPRINT_SIZE];
    fingerprint(digest, text);
    printf("%-14s %s\n", name, text);
}

static void print_full(const struct walk_step *step)
{
    const struct chain_body *body = &step->entry.body;
    char root[FINGERPRINT_SIZE];
    char time[TIME_SIZE];
    root_of(body, root);
    when(body, time);
    printf("%-14s %" PRIu64 "\n", "epoch", body->epoch);
    printf("%-14s %" PRIu32 "\n", "incarnation", body->incarnation);
    printf("%-14s %s\n", "kind", kind_name(body->kind));
    printf("%-14s %s\n", "reason", wire_reason_name(body->reason));
    printf("%-14s %" PRIu32 " (%s)\n", "suite", body->suite,
           suite_name(body->suite));
    printf("%-14s %s\n", "root", root);
    print_digest("body", &step->trust.body_hash);
    print_digest("previous", &body->prev);
    print_digest("next key", &body->next_commit);
    print_digest("measurement", &body->measurement);
    printf("%-14s %" PRIu64 "\n", "anchor", body->n);
    printf("%-14s %s\n", "time", time);
    printf("%-14s %" PRIu32 " s period, %" PRIu32 " s between, %" PRIu32
           " a day, suite %" PRIu32 " or higher\n",
           "policy", body->policy.cryptoperiod_s, body->policy.min_interval_s,
           body->policy.max_per_day, body->policy.suite_floor);
    if (body->has_distrust_from) {
        printf("%-14s what was signed from epoch %" PRIu64 " on\n", "void",
               body->distrust_from);
    }
    printf("%-14s %zu bytes\n", "entry", step->size);
    printf("%-14s %s\n", "step", step->verdict.reason);
}

static void begin_listing(struct listing *listing)
{
    listing->is_begun = true;
    if (listing->run->is_json) {
        json_open(&listing->out, stdout);
        json_text(&listing->out, "schema", "rotor/chain/1");
        json_open_list(&listing->out, "entries");
    } else if (!listing->shows_one) {
        printf("%-6s %-16s %-8s %-52s %-21s %s\n", "EPOCH", "REASON", "SUITE",
               "ROOT", "TIME", "STEP");
    }
}

static void take_step(void *context, const struct walk_step *step)
{
    struct listing *listing = context;
    listing->has_any = true;
    bool is_wanted =
        !listing->shows_one || step->entry.body.epoch == listing->epoch;
    if (!chain_verdict_is_accepted(&step->verdict)) {
        listing->is_broken = true;
        listing->broken_epoch = step->entry.body.epoch;
        listing->broken_rule = step->verdict.rule;
        listing->broken_reason = step->verdict.reason;
    }
    if (!is_wanted) {
        return;
    }
    if (!listing->is_begun) {
        begin_listing(listing);
    }
    listing->shown++;
    if (listing->run->is_json) {
        add_json(&listing->out, step);
    } else if (listing->shows_one) {
        print_full(step);
    } else {
        print_line(step);
    }
}

// ---- the result ------------------------------------------------------------

// The listing ends here, whole or not; what was shown was shown.
static int end_with(struct listing *listing, enum cause cause, const char *hint,
                    const char *message)
{
    struct run *run = listing->run;
    if (!run->is_json || !listing->is_begun) {
        return fail(run, cause, hint, "%s", message);
    }
    json_close(&listing->out);
    json_bool(&listing->out, "ok", false);
    json_open_object(&listing->out, "error");
    json_error(&listing->out, run, cause, hint, message);
    json_end(&listing->out);
    return (int)cause_exit(cause);
}

static int end_broken(struct listing *listing)
{
    char message[200];
    unsigned long long epoch = listing->broken_epoch;
    (void)snprintf(message, sizeof message,
                   "entry of epoch %llu: rule %" PRIu32 ": %s", epoch,
                   listing->broken_rule, listing->broken_reason);
    if (!listing->is_begun) {
        begin_listing(listing);
    }
    listing->run->has_epoch = listing->run->is_json;
    listing->run->epoch = listing->broken_epoch;
    return end_with(listing, CAUSE_CHAIN_BROKEN, NULL, message);
}

static int end_whole(struct listing *listing)
{
    struct run *run = listing->run;
    if (!listing->has_any) {
        return fail(run, CAUSE_UNAVAILABLE, NULL, "there is no log yet");
    }
    if (listing->shown == 0) {
        return fail(run, CAUSE_USAGE, "rotor chain lists them",
                    "no entry has epoch %" PRIu64, listing->epoch);
    }
    if (run->is_json) {
        json_close(&listing->out);
        json_bool(&listing->out, "ok", true);
        json_end(&listing->out);
    }
    return EXIT_ACCEPTED;
}

static int end_unread(struct listing *listing, const struct held_log *log,
                      int cause)
{
    struct held_fault fault;
    return held_log_fault(log, &fault)
               ? end_with(listing, fault.cause, fault.hint, fault.message)
               : end_with(listing, CAUSE_PLATFORM, WALK_NEEDS_ROOM,
                          strerror(cause));
}

static int list_log(struct listing *listing, const struct held_log *log)
{
    const struct walk_taker taker = {listing, take_step};
    bool is_whole = false;
    enum rotor_status status = walk_held(&log->entries, &taker, &is_whole);
    if (listing->is_broken) {
        return end_broken(listing);
    }
    return status == ROTOR_OK ? end_whole(listing)
                              : end_unread(listing, log, errno);
}

// ---- the command -----------------------------------------------------------

struct wanted {
    const char *path;
    struct reliance reliance;
};

static bool open_wanted(struct held_log *log, const struct run *run,
                        struct wanted *wanted, int *code)
{
    bool is_party = wanted->reliance.log_id != NULL;
    if (is_party && wanted->path != NULL) {
        *code = fail(run, CAUSE_USAGE, NULL,
                     "--file and --log-id exclude each other");
        return false;
    }
    if (is_party) {
        return held_log_open_party(log, run, &wanted->reliance, code);
    }
    return wanted->path != NULL
               ? held_log_open_file(log, run, wanted->path, code)
               : held_log_open_device(log, run, code);
}

static int list(struct listing *listing, struct wanted *wanted)
{
    static struct held_log log;
    int code = EXIT_ACCEPTED;
    if (!open_wanted(&log, listing->run, wanted, &code)) {
        return code;
    }
    code = list_log(listing, &log);
    held_log_close(&log);
    return code;
}

static bool take_epoch(const struct run *run, const char *text, uint64_t *epoch,
                       int *code)
{
    char *end = NULL;
    errno = 0;
    *epoch = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0) {
        *code = fail(run, CAUSE_USAGE, NULL, "%s: expected an epoch", text);
        return false;
    }
    return true;
}

int main_chain(struct run *run, int count, char **arguments)
{
    struct listing listing = {.run = run};
    struct wanted wanted = {.path = NULL};
    uint64_t keep = 0;
    int code = EXIT_ACCEPTED;
    const struct flag flags[] = {
        {"--file",   "FILE",        FLAG_TEXT,   &wanted.path,
         "an exported log or evidence instead of rotord's"},
        {"--log-id", "FINGERPRINT", FLAG_TEXT,   &wanted.reliance.log_id,
         "what a relying party keeps of this log"         },
        {"--trust",  "DIR",         FLAG_TEXT,   &wanted.reliance.trust,
         "the party's trust store"                        },
        {"--keep",   "N",           FLAG_NUMBER, &keep,
         "prune: entries that the device holds"           },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    const char *verb = count == 0 ? "list" : arguments[0];
    if (strcmp(verb, "list") == 0 && count <= 1) {
        return list(&listing, &wanted);
    }
    if (strcmp(verb, "show") == 0 && count == 2) {
        listing.shows_one = true;
        return take_epoch(run, arguments[1], &listing.epoch, &code)
                   ? list(&listing, &wanted)
                   : code;
    }
    bool is_here = wanted.path == NULL && wanted.reliance.log_id == NULL;
    if (strcmp(verb, "export") == 0 && count == 2 && is_here) {
        return chain_export(run, arguments[1]);
    }
    if (strcmp(verb, "prune") == 0 && count == 1 && is_here) {
        return chain_prune(run, keep);
    }
    return fail(run, CAUSE_USAGE,
                "list, show EPOCH, export FILE, or prune --keep N",
                "chain does not know what to do with %s", verb);
}
