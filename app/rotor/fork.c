// SPDX-License-Identifier: Apache-2.0
// rotor fork: what a second body for a place of the log proves, for whoever
// has to believe it, and for the device whose keys signed it.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/rotor/fork_proof.h"
#include "app/rotor/log_file.h"
#include "app/rotor/reliance.h"
#include "base/bytes.h"

#define PROOF_HINT "rotor fork export writes such files"

// ---- export ----------------------------------------------------------------

struct source {
    const char *path; // of an exported log; NULL: as it is held
    struct reliance reliance;
    struct store store;
    struct rotor_bytes log;  // a file, on the heap
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
    struct wire_digest log_id;
    bool found = false;
    if (!parse_digest(source->reliance.log_id, &log_id)) {
        *code = fail(run, CAUSE_USAGE, NULL, "--log-id %s: not a fingerprint",
                     source->reliance.log_id);
        return false;
    }
    if (!reliance_choose_folder(run, &source->reliance, code)) {
        return false;
    }
    enum rotor_status status =
        store_open(&source->store, source->reliance.folder);
    if (status == ROTOR_OK) {
        status = store_select(&source->store, &log_id);
    }
    if (status == ROTOR_OK) {
        status = store_read_fork(&source->store, &room, &source->kept, &found);
    }
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

static bool read_log(const struct run *run, struct source *source, int *code)
{
    size_t count;
    if (source->path != NULL) {
        return read_file(run, source->path, BUNDLE_MAX, &source->log, code);
    }
    return source->reliance.log_id != NULL
               ? log_file_of_store(run, &source->store, &source->log, code)
               : log_file_of_daemon(run, &source->log, &count, code);
}

static bool write_proof(const struct run *run, const struct source *source,
                        const char *path, int *code)
{
    struct bundle log = {0};
    size_t capacity = source->log.size + STORE_FORK_MAX + 64;
    struct rotor_room room = {malloc(capacity), capacity, 0};
    enum rotor_status status = room.data == NULL
                                   ? ROTOR_PORT_FAILED
                                   : bundle_decode_log(&log, source->log);
    if (status == ROTOR_OK) {
        status = fork_proof_encode(&log, source->kept.accepted,
                                   source->kept.other, &room);
    }
    bool is_done = status == ROTOR_OK &&
                   write_file(run, path, bytes_in(&room), false, code);
    if (status != ROTOR_OK) {
        *code = fail(run, CAUSE_UNREADABLE,
                     "--file names an exported log that begins at its first "
                     "entry",
                     "the log does not lead to what was kept: %s",
                     rotor_status_name(status));
    }
    bundle_close(&log);
    free(room.data);
    return is_done;
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
    source.store.folder = -1;
    source.store.lock = -1;
    bool is_party = source.reliance.log_id != NULL;
    bool is_read = is_party ? read_party(run, &source, &code)
                            : read_device(run, &source, &code);
    bool is_done = is_read && read_log(run, &source, &code) &&
                   write_proof(run, &source, arguments[0], &code);
    store_close(&source.store);
    free((void *)(uintptr_t)source.log.data);
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

static bool judge_file(const struct run *run, const char *path,
                       const char *log_id, struct fork_proof *proof,
                       struct fork_finding *finding, struct rotor_bytes *file,
                       int *code)
{
    struct wire_digest expected = {0};
    if (log_id != NULL && !parse_digest(log_id, &expected)) {
        *code = fail(run, CAUSE_USAGE, NULL, "--log-id %s: not a fingerprint",
                     log_id);
        return false;
    }
    if (!read_file(run, path, BUNDLE_MAX, file, code)) {
        return false;
    }
    enum rotor_status status = fork_proof_decode(proof, *file);
    if (status == ROTOR_OK) {
        status = fork_proof_judge(proof, finding);
    }
    if (status != ROTOR_OK) {
        *code = status == ROTOR_MALFORMED
                    ? fail(run, CAUSE_UNPARSABLE, PROOF_HINT,
                           "%s: not a proof of a fork", path)
                    : fail(run, CAUSE_PLATFORM, NULL, "%s: %s", path,
                           rotor_status_name(status));
        return false;
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
    struct fork_proof proof = {0};
    struct fork_finding finding;
    struct rotor_bytes file = {NULL, 0};
    int code = EXIT_ACCEPTED;
    if (judge_file(run, path, log_id, &proof, &finding, &file, &code)) {
        if (is_proof(finding.fork)) {
            say(run, finding.fork, &finding, NULL);
        } else {
            code = fail(run, CAUSE_EVIDENCE_REFUSED, NULL, "%s: %s", path,
                        meaning_of(finding.fork));
        }
    }
    fork_proof_close(&proof);
    free((void *)(uintptr_t)file.data);
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
    struct fork_proof proof = {0};
    struct fork_finding finding;
    struct rotor_bytes file = {NULL, 0};
    struct rotor_client *client = NULL;
    int code = EXIT_ACCEPTED;
    if (judge_file(run, path, NULL, &proof, &finding, &file, &code)) {
        if (encode_report(proof.other, &payload) != ROTOR_OK) {
            code = fail(run, CAUSE_UNPARSABLE, PROOF_HINT,
                        "%s: its second body is none", path);
        } else if (daemon_open(run, &client, &code)) {
            code = ask_device(run, client, bytes_in(&payload), &finding);
            rotor_client_close(client);
        }
    }
    fork_proof_close(&proof);
    free((void *)(uintptr_t)file.data);
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
