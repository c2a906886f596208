// SPDX-License-Identifier: Apache-2.0
// What every command of `rotor` shares: flags, exit codes, errors in both
// forms.  The contract with scripts stands in doc/rotor.1.
#ifndef ROTOR_APP_ROTOR_COMMAND_H
#define ROTOR_APP_ROTOR_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/client.h>

#include "app/rotor/json.h"
#include "wire/client.h"
#include "wire/cose.h"

enum exit_code {
    EXIT_ACCEPTED = 0, // done, nothing to do, or accepted
    EXIT_REFUSED = 1,  // decided, and the answer is no
    EXIT_USAGE = 2,    // flag, argument or config key
    EXIT_UNABLE = 3,   // could not decide or do it
};

// Why a command did not do what it was asked: `code` of JSON errors, closed.
enum cause {
    CAUSE_USAGE,            // 2
    CAUSE_UNREADABLE,       // 3: a file cannot be read or written
    CAUSE_UNPARSABLE,       // 3: input is not what it should be
    CAUSE_DAEMON_DOWN,      // 3: rotord does not answer
    CAUSE_TIMEOUT,          // 3
    CAUSE_BUSY,             // 3
    CAUSE_UNAVAILABLE,      // 3: no root yet, or the enclave is down
    CAUSE_DENIED,           // 3: this user may not
    CAUSE_PLATFORM,         // 3
    CAUSE_NOT_SUPPORTED,    // 3
    CAUSE_NO_ENDORSEMENT,   // 3: a vendor's word on that chip is missing
    CAUSE_RATE_LIMIT,       // 1
    CAUSE_ENCLAVE_REFUSED,  // 1
    CAUSE_EVIDENCE_REFUSED, // 1
    CAUSE_CHAIN_BROKEN,     // 1
    CAUSE_ROLLED_BACK,      // 1
    CAUSE_DUPLICITY,        // 1: two bodies for one epoch
    CAUSE_IMAGE_REFUSED,    // 1
    CAUSE_SESSION_BROKEN,   // 1
    CAUSE_CHECK_FAILED,     // 1: doctor, tour
    CAUSE_COUNT,
};
const char *cause_name(enum cause cause); // e.g. "RATE_LIMIT"
enum exit_code cause_exit(enum cause cause);
bool cause_is_retryable(enum cause cause);

// Set by flags that every command takes.
struct run {
    const char *command; // its name
    const char *state;   // --state; NULL: /var/lib/rotor
    const char *socket;  // --socket; NULL: STATE/control.sock
    bool is_json;        // --json
    bool is_colour;      // stdout is a terminal, NO_COLOR is not set

    // What an error object adds where it is known.
    const char *device; // fingerprint of the log
    bool has_epoch;
    uint64_t epoch;
    uint64_t retry_s; // 0: not known
};

enum flag_kind { FLAG_SWITCH, FLAG_TEXT, FLAG_NUMBER, FLAG_LIST };

// Values of a flag that may come several times.
#define FLAG_LIST_MAX 32u
struct flag_list {
    size_t count;
    const char *values[FLAG_LIST_MAX];
};

struct flag {
    const char *name;  // "--nonce"
    const char *value; // "HEX", or NULL
    enum flag_kind kind;
    void *target; // bool, const char *, uint64_t, struct flag_list
    const char *help;
};

struct command {
    const char *name;
    const char *summary; // one line of `rotor --help`
    const char *usage;   // arguments, e.g. "[FILE]"
    const char *example;
    int (*main)(struct run *run, int count, char **arguments);
};
extern const struct command COMMANDS[];
extern const size_t COMMAND_COUNT;

// Takes flags (its own and those of `run`) out of `arguments`; what is left,
// *count arguments, stays in order.  False: *code is the exit code.
bool flags_parse(struct run *run, const struct flag *flags, size_t flag_count,
                 int *count, char **arguments, int *code);

// What stands behind a command that has several.
struct verb {
    const char *name;
    int (*main)(struct run *run, int count, char **arguments);
};

// Runs the verb that the first argument names.
int run_verb(struct run *run, const struct verb *verbs, size_t verb_count,
             int count, char **arguments);

// Ends a command that failed: a JSON object on stdout or lines on stderr.
// `hint` may be NULL.
int fail(const struct run *run, enum cause cause, const char *hint,
         const char *format, ...) __attribute__((format(printf, 4, 5)));

// Prints the members of an error object; the caller opens and closes it.
void json_error(struct json *out, const struct run *run, enum cause cause,
                const char *hint, const char *message);

// Begins a JSON object with schema "rotor/NAME/1" and ok.
void begin_json(struct json *out, const char *name, bool ok);

// ---- the daemon ------------------------------------------------------------

// STATE/FILE; `path` has 512 bytes.
void state_path(const struct run *run, const char *file, char path[512]);

// Connects to the daemon.  False: said why, *code is the exit code.
bool daemon_open(const struct run *run, struct rotor_client **client,
                 int *code);

// One request, one answer.  False: said why.  Views as rotor_client_wait's.
bool daemon_ask(struct run *run, struct rotor_client *client,
                const struct rotor_request *request,
                struct rotor_completion *answer, int *code);

// Explains an answer that is not OK, with fail().
int explain(struct run *run, const struct rotor_completion *answer);

// The status of the daemon; its views are good until the next request.
bool daemon_status(struct run *run, struct rotor_client *client,
                   struct wire_client_status *status, int *code);

// ---- words -----------------------------------------------------------------

#define FINGERPRINT_SIZE 72u
// "SHA256:" and base64 without padding, "SHA384:…", or "none".
void fingerprint(const struct wire_digest *digest, char text[FINGERPRINT_SIZE]);

// Reads a fingerprint or hex of 32 or 48 bytes back.  False: it is neither.
bool parse_digest(const char *text, struct wire_digest *digest);

// Text of a peer as one line for a terminal: no control characters.
void clean_text(struct rotor_bytes text, char *line, size_t size);

// "5h12m", "40s"; for people.
#define DURATION_SIZE 32u
void duration_text(uint64_t seconds, char text[DURATION_SIZE]);

// RFC 3339, UTC.
#define TIME_SIZE 32u
void time_text(uint64_t seconds, char text[TIME_SIZE]);

// "P-256" and the like; "unknown".
const char *suite_name(uint64_t suite);
const char *level_name(uint64_t level);
const char *anchor_name(uint64_t kind);

// The number of a reason's name.  False: there is none.
bool parse_reason(const char *name, uint64_t *reason);

// The fingerprint as a JSON member, null for the empty digest.
void json_digest(struct json *out, const char *key,
                 const struct wire_digest *digest);

// Hex to bytes; false unless all of it is hex and fits.
bool parse_hex(const char *text, struct rotor_room *bytes);

// Reads a whole file, "-" is stdin.  False: said why.  The caller frees.
bool read_file(const struct run *run, const char *path, size_t max,
               struct rotor_bytes *content, int *code);
// Writes a new file or replaces it, mode 0600 for secrets; "-" is stdout.
bool write_file(const struct run *run, const char *path,
                struct rotor_bytes content, bool is_secret, int *code);

int main_status(struct run *run, int count, char **arguments);
int main_rotate(struct run *run, int count, char **arguments);
int main_attest(struct run *run, int count, char **arguments);
int main_verify(struct run *run, int count, char **arguments);
int main_chain(struct run *run, int count, char **arguments);
int main_fork(struct run *run, int count, char **arguments);
int main_session(struct run *run, int count, char **arguments);
int main_offload(struct run *run, int count, char **arguments);
int main_event(struct run *run, int count, char **arguments);
int main_image(struct run *run, int count, char **arguments);
int main_authority(struct run *run, int count, char **arguments);
int main_recover(struct run *run, int count, char **arguments);
int main_endorse(struct run *run, int count, char **arguments);
int main_credential(struct run *run, int count, char **arguments);
int main_policy(struct run *run, int count, char **arguments);
int main_tour(struct run *run, int count, char **arguments);
int main_doctor(struct run *run, int count, char **arguments);

#endif
