// SPDX-License-Identifier: Apache-2.0
// Evidence of others: from a file to a verdict.
//
// What a file is, its content says.  A file that is no evidence, or for which
// an endorsement is missing, is not refused: it could not be decided.
#ifndef ROTOR_APP_ROTOR_FOREIGN_H
#define ROTOR_APP_ROTOR_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/rotor/command.h"
#include "app/rotor/foreign_detect.h"
#include "app/rotor/policy_file.h"
#include "app/rotor/relying.h"
#include "endorse/opened.h"
#include "endorse/set.h"
#include "verify/pcr.h"
#include "verify/verdict.h"

// What the user gives beside the file.
struct foreign_flags {
    const char *format;
    struct flag_list endorsements;
    struct flag_list roots;
    const char *policy;
    const char *report_data;
    const char *time;
    const char *mac_key;
    const char *signature;
    const char *pcrs;
    const char *pcr_selection;
    const char *event_log;
};

// clang-format off
#define FOREIGN_FLAGS(f) \
    {"--endorsements", "PATH", FLAG_LIST, &(f)->endorsements, \
     "what vendors say: files or folders; default: the store of rotor endorse"}, \
    {"--root", "FILE", FLAG_LIST, &(f)->roots, \
     "certificate or public key that is trusted beside the built-in roots"}, \
    {"--mac-key", "FILE", FLAG_TEXT, &(f)->mac_key, \
     "secret of a token that is not signed but authenticated"}, \
    {"--signature", "FILE", FLAG_TEXT, &(f)->signature, \
     "of a TPM's quote, as tpm2_quote writes it"}, \
    {"--pcrs", "FILE", FLAG_TEXT, &(f)->pcrs, \
     "register values, as tpm2_quote writes them"}, \
    {"--pcr-selection", "LIST", FLAG_TEXT, &(f)->pcr_selection, \
     "registers that a quote must be over, of the SHA-256 bank, e.g. 0-7,11"}, \
    {"--event-log", "FILE", FLAG_TEXT, &(f)->event_log, \
     "of the firmware, replayed to the registers"}, \
    {"--policy", "FILE", FLAG_TEXT, &(f)->policy, \
     "what is accepted: rotor-policy(5)"}, \
    {"--report-data", "HEX", FLAG_TEXT, &(f)->report_data, \
     "that the evidence must carry, 32 to 64 bytes"}, \
    {"--time", "RFC3339", FLAG_TEXT, &(f)->time, \
     "judge as of then; default: now"}, \
    {"--format", "NAME", FLAG_TEXT, &(f)->format, \
     "take the file for this kind of evidence: snp, tdx, psa, ..."}
// clang-format on

// One judgement: everything that the verdict's rows point into.
struct foreign {
    const struct run *run;
    const char *target;
    const struct foreign_flags *flags;
    enum foreign_format format;
    struct rotor_bytes evidence;
    struct rotor_bytes carried;       // certificates that came with it
    const struct relying_report *own; // rotor's answer that it is over
    struct rotor_bytes mac_key;       // SECRET; these four are on the heap
    struct rotor_bytes signature;     // of a quote
    struct rotor_bytes pcrs;
    struct rotor_bytes event_log;

    uint8_t report_data[VERIFY_VALUE_MAX];
    struct verify_asked asked;
    struct verify_pcr_selection selection; // that is wanted; empty: any
    struct endorse_set set;
    struct endorse_set root_set;
    struct endorse_opened opened; // set and roots
    struct endorse_opened roots;  // named by the user
    int64_t made_s; // of the oldest dated statement in use; 0: none
    struct policy_file policy;
    struct verify_verdict verdict;

    // Why nothing could be decided.
    enum cause cause;
    const char *hint; // NULL: none
    char why[256];
};

// Beside the flags: measurements and instances that are wanted.
struct foreign_wanted {
    const struct flag_list *measurements;
    const struct flag_list *instances;
    uint64_t security_version_min;
    const char *unmet; // flag of a demand that is not passed over; NULL: none
};

// Judges `content`, which it may rewrite, and says the verdict.  Returns the
// exit code.
int foreign_verify(struct foreign *f, struct rotor_room *content,
                   const struct foreign_wanted *wanted, bool explains);

// ---- verifiers, one for each format ----------------------------------------

// Fills f->verdict and concludes.  False: not decided, f->why says why.
bool foreign_judge_dcap(struct foreign *f);
bool foreign_judge_snp(struct foreign *f);
bool foreign_judge_tpm(struct foreign *f);
bool foreign_judge_token(struct foreign *f);
bool foreign_judge_dice(struct foreign *f);
bool foreign_judge_process(struct foreign *f);

// SubjectPublicKeyInfo of what the user named with --root.
size_t foreign_root_key_count(const struct foreign *f);
struct rotor_bytes foreign_root_key(const struct foreign *f, size_t which);

// Says why nothing can be decided; returns false.
bool foreign_undecided(struct foreign *f, enum cause cause, const char *hint,
                       const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// ---- the verdict in words --------------------------------------------------

int foreign_say(struct foreign *f, bool explains);

// Rows as a table on stdout, and as a list of that name.
void foreign_print_rows(const struct verify_verdict *verdict);
void foreign_json_rows(struct json *out, const char *key,
                       const struct verify_verdict *verdict);

#endif
