// SPDX-License-Identifier: Apache-2.0
// `rotor tour`: the real programs at work in a fresh state folder, step by
// step, each judged; and what its steps share.
//
//     tour            supervisor: owns the folder, outlives everything below
//      `- steps       runs the list; whatever it starts dies with it
//          |- rotord  ... RTP, enclave
//          `- rotor   verify, session, image, ...
//
// Whoever started it, nothing here runs as root.
#ifndef ROTOR_APP_ROTOR_TOUR_H
#define ROTOR_APP_ROTOR_TOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/rotor/command.h"
#include "app/rotor/relying.h"

#define TOUR_PATH_MAX  192u
#define TOUR_FACTS_MAX 32u
#define TOUR_LINES_MAX 24u
#define TOUR_LINE_MAX  160u

// A rotord of the tour and its state folder.
struct tour_device {
    char name[24];
    char state[TOUR_PATH_MAX];
    char config[TOUR_PATH_MAX];
    char log[TOUR_PATH_MAX]; // what rotord says
    char address[32];        // where relying parties find it
    pid_t rotord;            // 0: not running
};

enum tour_fact_kind {
    TOUR_NUMBER,
    TOUR_REAL,
    TOUR_TEXT,
    TOUR_FLAG,
    TOUR_WORDS
};

struct tour_fact {
    enum tour_fact_kind kind;
    char key[40];
    uint64_t number;
    double real;
    char text[512];
};

struct tour {
    struct run *run;
    char folder[TOUR_PATH_MAX];

    // Of the step under way.
    struct tour_fact facts[TOUR_FACTS_MAX];
    size_t fact_count;
    char lines[TOUR_LINES_MAX][TOUR_LINE_MAX];
    size_t line_count;
    char why[512];

    struct tour_device strict; // default policy
    struct tour_device plain;  // no limits: serves most of the tour
    struct tour_device thief;  // a copy of it

    // What an operator would read in `rotor status` and tell others.
    char log_id[FINGERPRINT_SIZE];
    char measurement[FINGERPRINT_SIZE];
    char instance[FINGERPRINT_SIZE];

    uint64_t rotations;
    uint64_t requests; // attestations asked for under load
    uint64_t refused;  // of these
};

// ---- saying, tour_say.c ----------------------------------------------------

// Facts become members of the step's JSON object.
void tour_number(struct tour *tour, const char *key, uint64_t value);
void tour_real(struct tour *tour, const char *key, double value);
void tour_flag(struct tour *tour, const char *key, bool value);
void tour_text(struct tour *tour, const char *key, const char *value);
void tour_words(struct tour *tour, const char *key, const char *words); // list

// Lines are for people.
void tour_say(struct tour *tour, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Why the step did not hold.  Always false, for `return`.
bool tour_fail(struct tour *tour, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct tour_step {
    const char *name;  // in JSON
    const char *title; // for people
    bool (*run)(struct tour *tour);
    bool is_vital; // without it the rest cannot be shown
};
void tour_announce(const struct tour *tour, size_t number,
                   const struct tour_step *step);
void tour_conclude(const struct tour *tour, const struct tour_step *step,
                   bool ok, uint64_t took_ms);

uint64_t tour_now_ms(void);

// ---- programs, tour_child.c ------------------------------------------------

struct tour_command {
    const char *program;          // name below FOLDER/bin
    const char *const *arguments; // without the program; ends with NULL
    int in, out, err;             // -1: /dev/null; err: FOLDER/tour.log
    const char *notify;           // NOTIFY_SOCKET, or NULL
};

// A child that gets SIGTERM when the tour dies.  -1: errno says why.
pid_t tour_spawn(const struct tour *tour, const struct tour_command *command);

// A fork that dies with the tour.  0 in the child.
pid_t tour_fork(void);

// The exit code, 128 + signal, or -1: it did not end in time, and was killed.
int tour_wait(pid_t pid, unsigned patience_ms);

struct tour_output {
    int code;
    char text[65536]; // stdout
};

// Runs `rotor` with `arguments` and --json.
void tour_run(const struct tour *tour, const char *const *arguments,
              struct tour_output *output);

// Did it end with `code` and the error `cause`, whose message holds `words`?
// The message is in `message` either way.
bool tour_was_refused(const struct tour_output *output, const char *cause,
                      const char *words, char message[256]);

// First member of that name in a line of our own programs.
bool tour_find_text(const char *json, const char *key, char *text, size_t size);
bool tour_find_number(const char *json, const char *key, uint64_t *number);

// A child of `parent` whose command line begins with `name`; 0: none.
pid_t tour_child_of(pid_t parent, const char *name);

// ---- files, tour_files.c ---------------------------------------------------

void tour_path(const struct tour *tour, char path[TOUR_PATH_MAX],
               const char *format, ...) __attribute__((format(printf, 3, 4)));
bool tour_write(const char *path, const char *text);
bool tour_copy_file(const char *from, const char *to, mode_t mode);
// Sockets and lock files are left out.
bool tour_copy_folder(const char *from, const char *to);
bool tour_remove(const char *path);
bool tour_file_has(const char *path, const char *text);
// The line of a file that holds `text`, without its end.
bool tour_line_with(const char *path, const char *text, char *line,
                    size_t size);

// ---- devices, tour_device.c ------------------------------------------------

// An address of this machine that is free; `port` 0: any.
bool tour_find_port(uint16_t port, char address[32]);

// Names a device; it gets a free port.  `policy`: lines of its config file.
bool tour_device_init(struct tour *tour, struct tour_device *device,
                      const char *name, const char *policy);

// A second device of the same state, as a thief would have it.
bool tour_device_copy(struct tour *tour, const struct tour_device *from,
                      struct tour_device *copy, const char *name);

// Starts rotord and waits until it is ready; or, when `words` is not NULL,
// until its log holds them.
bool tour_device_start(struct tour *tour, struct tour_device *device,
                       const char *words);
void tour_device_stop(struct tour_device *device);

// A status whose views stay good.
struct tour_status {
    struct wire_client_status is;
    uint8_t memory[WIRE_CLIENT_MAX];
};
bool tour_device_status(struct tour *tour, const struct tour_device *device,
                        struct tour_status *status);
bool tour_device_connect(struct tour *tour, const struct tour_device *device,
                         struct rotor_client **client);

// One rotation of reason `operator` over `client`.
bool tour_rotate(struct tour *tour, struct rotor_client *client,
                 struct wire_head *head);

// `rotor verify` as a relying party with its own trust store FOLDER/TRUST.
void tour_verify(const struct tour *tour, const struct tour_device *device,
                 const char *trust, struct tour_output *output);

// Arguments of that party, in process: pins what tour_verify pins.
struct tour_party {
    char folder[TOUR_PATH_MAX];
    struct wire_digest measurement;
    struct wire_digest instance;
    struct verify_reference reference;
    struct relying_options options;
    struct relying party;
    struct relying_report report;
};
bool tour_party_open(struct tour *tour, struct tour_party *party,
                     const char *trust);

// ---- the steps -------------------------------------------------------------

bool tour_images(struct tour *tour);
bool tour_walls(struct tour *tour);
bool tour_root(struct tour *tour);
bool tour_memory(struct tour *tour);
bool tour_rate_limit(struct tour *tour);
bool tour_no_limits(struct tour *tour);
bool tour_attest(struct tour *tour);
bool tour_session(struct tour *tour);
bool tour_rotations(struct tour *tour);
bool tour_catch_up(struct tour *tour);
bool tour_stolen_key(struct tour *tour);
bool tour_forged_entry(struct tour *tour);
bool tour_duplicity(struct tour *tour);
bool tour_replay(struct tour *tour);
bool tour_flipped_bit(struct tour *tour);
bool tour_older_image(struct tour *tour);
bool tour_rolled_back(struct tour *tour);
bool tour_killed(struct tour *tour);

// ---- the frame -------------------------------------------------------------

// Finds rotor, rotord and the programs of the images, in this order: in
// `folder` (may be NULL), beside this one, or where they are installed.
bool tour_find_programs(const struct tour *tour, const char *folder,
                        char programs[4][TOUR_PATH_MAX]);

// Runs `steps` in a child as an unprivileged user, in a folder of its own,
// and leaves nothing behind: tour_supervise.c.
int tour_supervise(struct run *run, const char *programs,
                   int (*steps)(struct tour *tour));

// rotor tour --up: tour_up.c.  Returns only when it cannot.
int tour_up(struct run *run, const char *programs);

#endif
