// SPDX-License-Identifier: Apache-2.0
// What stands behind a key: one small record that a policy acts on, and every
// check that led to it, by name.
//
// A verifier of one kind of evidence (verify/snp.h, verify/tdx.h, ...) begins
// a verdict, adds a row for each check in the order in which it makes them,
// and concludes.  Zeroed memory is no verdict; a verdict without rows, or with
// a row that failed, is a rejection.  doc/PROTOCOL.evidence 1.
#ifndef ROTOR_VERIFY_VERDICT_H
#define ROTOR_VERIFY_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/verdict.h"

// Numbers of doc/PROTOCOL.chain 8.
enum verify_backend {
    VERIFY_BACKEND_NONE = 0,
    VERIFY_BACKEND_PROCESS = 1,
    VERIFY_BACKEND_KVM = 2,
    VERIFY_BACKEND_DICE = 3, // firmware
    VERIFY_BACKEND_SNP = 4,
    VERIFY_BACKEND_SGX = 5,
    VERIFY_BACKEND_TDX = 6,
    VERIFY_BACKEND_TPM = 7,
    VERIFY_BACKEND_NITRO = 8,
    VERIFY_BACKEND_PSA = 9,
    VERIFY_BACKEND_CCA = 10,
    VERIFY_BACKEND_EAT = 11, // of no profile known here
    VERIFY_BACKEND_COUNT,
};

// Level: what the root that verified can answer for.
enum verify_level {
    VERIFY_LEVEL_PROCESS = 0,   // the host kernel is trusted
    VERIFY_LEVEL_KVM = 1,       // the host is trusted
    VERIFY_LEVEL_TRUSTZONE = 2, // firmware: all of the normal world is not
    VERIFY_LEVEL_HARDWARE = 3,  // a CPU's own key
    VERIFY_LEVEL_NONE = 255,    // nothing verified yet
};

enum verify_finding {
    VERIFY_NOT_REACHED = 0,
    VERIFY_PASSED,
    VERIFY_FAILED,
    VERIFY_NOT_ASKED, // the policy does not want to know
};

enum verify_ternary {
    VERIFY_NOT_CHECKED = 0,
    VERIFY_NO,
    VERIFY_YES,
};

// A value that is kept: a measurement, an instance, a signer.
#define VERIFY_VALUE_MAX 64u
struct verify_value {
    size_t size; // bytes; 0: the evidence has none
    uint8_t bytes[VERIFY_VALUE_MAX];
};

// What a check wanted, or saw, for people.  Views and texts outlive the
// verdict: they point into the evidence, the endorsements or the program.
enum verify_shown_kind {
    VERIFY_SHOWN_NOTHING = 0,
    VERIFY_SHOWN_BYTES,
    VERIFY_SHOWN_NUMBER,
    VERIFY_SHOWN_TIME, // seconds since 1970
    VERIFY_SHOWN_TEXT,
};

struct verify_shown {
    enum verify_shown_kind kind;
    struct rotor_bytes bytes;
    uint64_t number;
    const char *text;
};

struct verify_row {
    const char *check; // its name, e.g. "report signature"; part of the schema
    enum verify_finding finding;
    struct verify_shown expected;
    struct verify_shown seen;
    const char *why; // a sentence, if it failed
};

// More than any verifier adds; a row beyond them makes the verdict a rejection.
#define VERIFY_ROWS_MAX 112u

struct verify_verdict {
    uint32_t outcome;   // CHAIN_ACCEPTED or CHAIN_REJECTED
    const char *reason; // why of the first row that failed; never NULL

    enum verify_backend backend;
    enum verify_level level;         // by the root that verified
    struct verify_value instance;    // which machine
    struct verify_value measurement; // what runs there
    struct verify_value signer;      // who vouches for what runs there
    uint64_t security_version;       // of what runs there; 0 if there is none
    enum verify_ternary debug;       // VERIFY_YES: the owner can look inside
    struct verify_value tcb;         // versions of what is below, as reported
    const char *tcb_status;          // a word, e.g. "UpToDate"; never NULL
    enum verify_ternary fresh;       // the nonce is the one asked for
    enum verify_ternary bound;       // the report data is the expected one

    size_t row_count;
    struct verify_row rows[VERIFY_ROWS_MAX];
};

// What every verifier is told besides evidence and endorsements.
struct verify_asked {
    // 64 bytes of doc/PROTOCOL.chain 8, or what else the challenger chose;
    // empty: `bound` and `fresh` stay not checked (foreign evidence).
    struct rotor_bytes report_data;
    int64_t now_s; // the party's clock, seconds since 1970
};

// Begins: rejected, no rows, level none.
void verify_begin(struct verify_verdict *verdict, enum verify_backend backend);

// Adds a row: PASSED or FAILED as `passed` says, with what was expected and
// seen.  Returns `passed`, so that a verifier may stop:
//
//     if (!verify_check(v, passed, &(struct verify_row){...})) return;
bool verify_check(struct verify_verdict *verdict, bool passed,
                  const struct verify_row *row);

// Adds a row of a check that nobody asked for; `seen` is shown all the same.
void verify_skip(struct verify_verdict *verdict, const struct verify_row *row);

// Ends: accepted if there are rows and none failed.  Rows that the policy adds
// afterwards (verify/policy.h) count too: conclude is then called again.
void verify_conclude(struct verify_verdict *verdict);

// Reads the outcome twice and compares it in two forms.
bool verify_verdict_is_accepted(const struct verify_verdict *verdict);

// Row of that name, or NULL.
const struct verify_row *verify_row_named(const struct verify_verdict *verdict,
                                          const char *check);

// Takes up to VERIFY_VALUE_MAX bytes; longer values are cut to nothing.
void verify_value_set(struct verify_value *value, struct rotor_bytes bytes);

// Checks the report data against `asked` and sets `bound` and `fresh`.  Where
// the evidence carries fewer bytes (TPM: 32), `reported` is compared with the
// first ones.  Constant time.
bool verify_check_report_data(struct verify_verdict *verdict,
                              const struct verify_asked *asked,
                              struct rotor_bytes reported);

static inline struct verify_shown verify_bytes(struct rotor_bytes bytes)
{
    return (struct verify_shown){.kind = VERIFY_SHOWN_BYTES, .bytes = bytes};
}

static inline struct verify_shown verify_number(uint64_t number)
{
    return (struct verify_shown){.kind = VERIFY_SHOWN_NUMBER, .number = number};
}

static inline struct verify_shown verify_text(const char *text)
{
    return (struct verify_shown){.kind = VERIFY_SHOWN_TEXT, .text = text};
}

static inline struct verify_shown verify_time(int64_t seconds)
{
    return (struct verify_shown){.kind = VERIFY_SHOWN_TIME,
                                 .number = (uint64_t)seconds};
}

// Words of reports, e.g. "snp", "passed", "yes"; never NULL.
const char *verify_backend_name(enum verify_backend backend);
const char *verify_level_name(enum verify_level level);
const char *verify_finding_name(enum verify_finding finding);
const char *verify_ternary_name(enum verify_ternary value);

#endif
