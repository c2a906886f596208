// SPDX-License-Identifier: Apache-2.0
// rotor fork: what a second body for a place of the log proves, for whoever
// has to believe it, and for the device whose keys signed it.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/rotor/fork_proof.h"
#include "app/rotor/held_log.h"
#include "app/rotor/walk.h"
#include "base/bytes.h"

#define PROOF_HINT "rotor fork export writes such files"

// ---- export ----------------------------------------------------------------

struct source {
    const char *path; // of an exported log; NULL: as it is held
    struct reliance reliance;
    struct held_log party;   // with --log-id
    struct held_log log;     // else, or with --file
    struct rotor_bytes file; // kept bodies of the device, on the heap
    uint8_t memory[STORE_FORK_MAX];
    struct store_fork kept;
};

static bool nothing_kept(const struct run *run, int *code)
{
    *code = fail(run, CAUSE_UNAVAILABLE, NULL,
                 "no second body was ever shown that proves anything");
    return false;
}

static bool read_party(const struct run *run, struct source *source, int *code)
{
    struct rotor_room room = ROOM_OF(source->memory);
    bool found = false;
    if (!held_log_open_party(&source->party, run, &source->reliance, code)) {
        return false;
    }
    enum rotor_status status =
        store_read_fork(&source->party.store, &room, &source->kept, &found);
    if (status != ROTOR_OK) {
        *code = fail(run, CAUSE_UNREADABLE, "see --trust", "trust store %s: %s",
                     source->reliance.folder,
                     status == ROTOR_CORRUPT ? "damaged" : strerror(errno));
        return false;
    }
    return found || nothing_kept(run, code);
}

// The RTP's own: its file, and the log that it serves.
static bool read_device(const struct run *run, struct source *source, int *code)
{
    char path[512];
    state_path(run, "rtp/fork", path);
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        return nothing_kept(run, code);
    }
    if (!read_file(run, path, STORE_FORK_MAX, &source->file, code)) {
        return false;
    }
    if (store_decode_fork(source->file, &source->kept) != ROTOR_OK) {
        *code = fail(run, CAUSE_UNPARSABLE, NULL, "%s: damaged", path);
        return false;
    }
    return true;
}

// NULL: said why.
static const struct held_log *open_log(const struct run *run,
                                       struct source *source, int *code)
{
    bool is_open = true;
    if (source->path == NULL && source->reliance.log_id != NULL) {
        return &source->party;
    }
    is_open = source->path != NULL
                  ? held_log_open_file(&source->log, run, source->path, code)
                  : held_log_open_device(&source->log, run, code);
    return is_open ? &source->log : NULL;
}

static bool write_proof(const struct run *run, struct source *source,
                        const char *path, int *code)
{
    const struct fork_bodies bodies = {source->kept.accepted,
                                       source->kept.other};
    const struct held_log *log = open_log(run, source, code);
    struct held_fault fault;
    if (log == NULL) {
        return false;
    }
    enum rotor_status status = fork_proof_write(path, &bodies, &log->entries);
    if (status == ROTOR_OK) {
        return true;
    }
    if (held_log_fault(log, &fault)) {
        *code = fail(run, fault.cause, fault.hint, "%s", fault.message);
    } else if (status == ROTOR_PORT_FAILED) {
        *code =
            fail(run, CAUSE_UNREADABLE, NULL, "%s: %s", path, strerror(errno));
    } else {
        *code = fail(run, CAUSE_UNREADABLE,
                     "--file names an exported log that begins at its first "
                     "entry",
                     "the log does not lead to what was kept: %s",
                     rotor_status_name(status));
    }
    return false;
}

static int main_export(struct run *run, int count, char **arguments)
{
    static struct source source;
    int code = EXIT_ACCEPTED;
    const struct flag flags[] = {
        {"--log-id", "FINGERPRINT", FLAG_TEXT, &source.reliance.log_id,
         "what a relying party kept of this log; without: the device's own"},
        {"--trust",  "DIR",         FLAG_TEXT, &source.reliance.trust,
         "the party's trust store"                                         },
        {"--file",   "LOG",         FLAG_TEXT, &source.path,
         "an exported log, where the first entries were dropped"           },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count != 1) {
        return fail(run, CAUSE_USAGE, NULL, "fork export takes one FILE");
    }
    bool is_party = source.reliance.log_id != NULL;
    bool is_read = is_party ? read_party(run, &source, &code)
                            : read_device(run, &source, &code);
    bool is_done = is_read && write_proof(run, &source, arguments[0], &code);
    held_log_close(&source.party);
    held_log_close(&source.log);
    free((void *)(uintptr_t)source.file.data);
    if (is_done && run->is_json && strcmp(arguments[0], "-") != 0) {
        struct json out;
        begin_json(&out, "fork", true);
        json_text(&out, "file", arguments[0]);
        json_end(&out);
    }
    return code;
}

// ---- what it says ----------------------------------------------------------

static const char *meaning_of(enum chain_fork fork)
{
    switch (fork) {
    case CHAIN_FORK_DUPLICITY:
        return "two bodies, each signed by root and rotation key: the log is "
               "forked";
    case CHAIN_FORK_NOISE:
        return "a body signed by the root and not by the rotation key: the "
               "root was stolen or misused";
    case CHAIN_FORK_A_MISUSE:
        return "a body signed by the rotation key and not by the root: that "
               "key has leaked";
    case CHAIN_FORK_SUCCESSOR:
        return "a body signed by root and rotation key, which this log does "
               "not have";
    case CHAIN_FORK_SAME:
        return "the body that the log has";
    case CHAIN_FORK_NONE:
    case CHAIN_FORK_UNJUDGED:
        break;
    }
    return "nothing is proven";
}

static bool is_proof(enum chain_fork fork)
{
    return fork == CHAIN_FORK_DUPLICITY || fork == CHAIN_FORK_NOISE ||
           fork == CHAIN_FORK_A_MISUSE;
}

static void say(const struct run *run, enum chain_fork fork,
                const struct fork_finding *finding, const bool *rotates)
{
    char log[FINGERPRINT_SIZE];
    struct json out;
    fingerprint(&finding->log_id, log);
    if (run->is_json) {
        begin_json(&out, "fork", true);
        json_text(&out, "shows", chain_fork_name(fork));
        json_digest(&out, "log_id", &finding->log_id);
        json_number(&out, "epoch", finding->place.epoch);
        if (rotates != NULL) {
            json_bool(&out, "rotates", *rotates);
        }
        json_end(&out);
        return;
    }
    printf("%s: epoch %" PRIu64 ", log %s: %s\n", chain_fork_name(fork),
           finding->place.epoch, log, meaning_of(fork));
    if (rotates != NULL && *rotates) {
        printf("the root is being replaced, and what it signed is void\n");
    }
}

// ---- check and report ------------------------------------------------------

static bool not_judged(const struct run *run, const char *path,
                       enum rotor_status status, int *code)
{
    *code = status == ROTOR_MALFORMED
                ? fail(run, CAUSE_UNPARSABLE, PROOF_HINT,
                       "%s: not a proof of a fork, or cut off", path)
                : fail(run, CAUSE_PLATFORM, WALK_NEEDS_ROOM, "%s: %s", path,
                       strerror(errno));
    return false;
}

static bool open_proof(const struct run *run, const char *path,
                       struct fork_proof *proof, int *code)
{
    enum rotor_status status = fork_proof_open(proof, path);
    if (status == ROTOR_PORT_FAILED) {
        *code =
            fail(run, CAUSE_UNREADABLE, NULL, "%s: %s", path, strerror(errno));
        return false;
    }
    return status == ROTOR_OK || not_judged(run, path, status, code);
}

static bool judge_file(const struct run *run, const char *path,
                       const char *log_id, struct fork_proof *proof,
                       struct fork_finding *finding, int *code)
{
    struct wire_digest expected = {0};
    if (log_id != NULL && !parse_digest(log_id, &expected)) {
        *code = fail(run, CAUSE_USAGE, NULL, "--log-id %s: not a fingerprint",
                     log_id);
        return false;
    }
    if (!open_proof(run, path, proof, code)) {
        return false;
    }
    enum rotor_status status = fork_proof_judge(proof, finding);
    fork_proof_close(proof);
    if (status != ROTOR_OK) {
        return not_judged(run, path, status, code);
    }
    bool is_other =
        log_id != NULL && !wire_digest_equal(&expected, &finding->log_id);
    if (finding->reason != NULL || is_other) {
        *code = fail(run, CAUSE_CHAIN_BROKEN, NULL, "%s: %s", path,
                     is_other ? "of another log" : finding->reason);
        return false;
    }
    return true;
}

static int check_one(struct run *run, const char *path, const char *log_id)
{
    static struct fork_proof proof;
    struct fork_finding finding;
    int code = EXIT_ACCEPTED;
    if (judge_file(run, path, log_id, &proof, &finding, &code)) {
        if (is_proof(finding.fork)) {
            say(run, finding.fork, &finding, NULL);
        } else {
            code = fail(run, CAUSE_EVIDENCE_REFUSED, NULL, "%s: %s", path,
                        meaning_of(finding.fork));
        }
    }
    return code;
}

static int main_check(struct run *run, int count, char **arguments)
{
    const char *log_id = NULL;
    int code = EXIT_ACCEPTED;
    const struct flag flags[] = {
        {"--log-id", "FINGERPRINT", FLAG_TEXT, &log_id,
         "the log that is expected"},
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    return count == 1
               ? check_one(run, arguments[0], log_id)
               : fail(run, CAUSE_USAGE, NULL, "fork check takes one FILE");
}

// Its Evidence proves nothing here, and is most of it.
static enum rotor_status encode_report(struct rotor_bytes other,
                                       struct rotor_room *payload)
{
    static uint8_t memory[WIRE_ENTRY_MAX];
    struct rotor_room room = ROOM_OF(memory);
    struct chain_entry entry;
    TRY(chain_entry_decode(other, &entry));
    entry.evidence = (struct rotor_bytes){0};
    TRY(chain_entry_encode(&entry, &room));
    const struct wire_client_report report = {bytes_in(&room)};
    return wire_message_encode(&WIRE_LAYOUT_CLIENT_REPORT, &report, payload);
}

static int ask_device(struct run *run, struct rotor_client *client,
                      struct rotor_bytes payload,
                      const struct fork_finding *place)
{
    struct rotor_completion answer;
    struct wire_client_finding finding;
    const struct rotor_request request = {.op = WIRE_OP_REPORT,
                                          .payload = payload};
    int code = EXIT_ACCEPTED;
    if (!daemon_ask(run, client, &request, &answer, &code)) {
        return code;
    }
    if (wire_message_decode(&WIRE_LAYOUT_CLIENT_FINDING, answer.payload,
                            &finding) != ROTOR_OK) {
        return fail(run, CAUSE_NOT_SUPPORTED,
                    "rotor and rotord must be of one version",
                    "rotord speaks another version of the protocol");
    }
    bool rotates = finding.rotates != 0;
    say(run, (enum chain_fork)finding.fork, place, &rotates);
    return EXIT_ACCEPTED;
}

static int report_one(struct run *run, const char *path)
{
    static uint8_t memory[WIRE_CLIENT_MAX];
    struct rotor_room payload = ROOM_OF(memory);
    static struct fork_proof proof;
    struct fork_finding finding;
    struct rotor_client *client = NULL;
    int code = EXIT_ACCEPTED;
    if (judge_file(run, path, NULL, &proof, &finding, &code)) {
        if (encode_report(proof.bodies.other, &payload) != ROTOR_OK) {
            code = fail(run, CAUSE_UNPARSABLE, PROOF_HINT,
                        "%s: its second body is none", path);
        } else if (daemon_open(run, &client, &code)) {
            code = ask_device(run, client, bytes_in(&payload), &finding);
            rotor_client_close(client);
        }
    }
    return code;
}

static int main_report(struct run *run, int count, char **arguments)
{
    int code = EXIT_ACCEPTED;
    if (!flags_parse(run, NULL, 0, &count, arguments, &code)) {
        return code;
    }
    return count == 1
               ? report_one(run, arguments[0])
               : fail(run, CAUSE_USAGE, NULL, "fork report takes one FILE");
}

int main_fork(struct run *run, int count, char **arguments)
{
    static const struct verb verbs[] = {
        {"export", main_export},
        {"check",  main_check },
        {"report", main_report},
    };
    return run_verb(run, verbs, COUNT_OF(verbs), count, arguments);
}
