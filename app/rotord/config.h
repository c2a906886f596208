// SPDX-License-Identifier: Apache-2.0
// rotord.conf: what the operator decides.  Every key has a default; an unknown
// one is an error with its line, since a mistyped security setting must not
// be passed over in silence.
#ifndef ROTOR_APP_ROTORD_CONFIG_H
#define ROTOR_APP_ROTORD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_TEXT_MAX 256u

struct config {
    char state[CONFIG_TEXT_MAX];  // folder
    char socket[CONFIG_TEXT_MAX]; // of clients; empty: STATE/control.sock
    char listen[CONFIG_TEXT_MAX]; // HOST:PORT of relying parties; empty: none
    char enclave_user[64];        // only when started as root
    char rtp_user[64];
    uint64_t suite;
    uint64_t period_s;
    uint64_t jitter_percent;
    uint64_t usage_limit; // attestations
    uint64_t min_interval_s;
    uint64_t max_per_day;
    uint64_t grace_s;
    char entropy_name[32]; // of a plugged source; empty: none
    char entropy_path[CONFIG_TEXT_MAX];
    bool entropy_is_required;
    char authority[CONFIG_TEXT_MAX];  // set of the recovery authority
    char anchor_tpm[CONFIG_TEXT_MAX]; // device or socket; empty: a file
    bool anchor_seals;                // the store's key to that TPM
    char anchor_pcrs[64];             // as registers_parse has it; or empty
};

void config_init(struct config *config);

enum config_verdict {
    CONFIG_UNREADABLE = 0,
    CONFIG_WRONG,
    CONFIG_GOOD,
};

// Reads `path` over what `config` holds.  Unless it is good: said on stderr
// what is wrong, with file, line and the next step.
enum config_verdict config_read(struct config *config, const char *path);

// Every key with its value and its meaning, in the form of the file.
void config_print(const struct config *config);

#endif
