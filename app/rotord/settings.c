// SPDX-License-Identifier: Apache-2.0
#include "app/rotord/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/rotord/registers.h"
#include "base/bytes.h"
#include "chain/hash.h"
#include "chain/recovery.h"
#include "crypto/suite.h"
#include "launch/birth.h"

static bool complain(const char *what, const char *why, const char *hint)
{
    fprintf(stderr, "rotord: error: %s: %s\n", what, why);
    if (hint != NULL) {
        fprintf(stderr, "rotord: hint: %s\n", hint);
    }
    return false;
}

// The digest of the authority's set, in the hash of the first root's suite.
static bool find_authority(const struct config *config,
                           struct wire_digest *digest)
{
    static const char hint[] = "rotor authority init makes one";
    uint8_t bytes[4096];
    struct chain_ra_set set;
    *digest = (struct wire_digest){0};
    if (config->authority[0] == '\0') {
        return true;
    }
    int file = open(config->authority, O_RDONLY | O_CLOEXEC);
    ssize_t size = file >= 0 ? read(file, bytes, sizeof bytes) : -1;
    int cause = errno;
    if (file >= 0) {
        close(file);
    }
    if (size < 0) {
        return complain(config->authority, strerror(cause), hint);
    }
    struct rotor_bytes content = bytes_of(bytes, (size_t)size);
    const struct crypto_suite *suite = crypto_suite_of(config->suite);
    bool is_set = suite != NULL &&
                  chain_ra_set_decode(content, &set) == ROTOR_OK &&
                  chain_hash_ra_set(suite->hash, content, digest) == ROTOR_OK;
    return is_set || complain(config->authority,
                              "not the set of a recovery authority", hint);
}

bool settings_encode(const struct config *config, struct rotor_room *settings)
{
    struct wire_digest authority;
    uint32_t registers = 0;
    if (!find_authority(config, &authority)) {
        return false;
    }
    if (config->anchor_pcrs[0] != '\0' &&
        !registers_parse(config->anchor_pcrs, &registers)) {
        return complain("[anchor] pcrs", "no registers", NULL);
    }
    const struct launch_settings content = {
        .suite = config->suite,
        .cryptoperiod_s = config->period_s,
        .jitter_percent = config->jitter_percent,
        .usage_limit = config->usage_limit,
        .min_interval_s = config->min_interval_s,
        .max_per_day = config->max_per_day,
        .grace_s = config->grace_s,
        .plugged_entropy =
            bytes_of(config->entropy_name, strlen(config->entropy_name)),
        .plugged_is_required = config->entropy_is_required ? 1 : 0,
        .authority = authority,
        .anchor_kind = config->anchor_tpm[0] != '\0' ? 1 : 0,
        .is_sealed = config->anchor_seals ? 1 : 0,
        .seal_registers = registers,
    };
    enum rotor_status status =
        wire_message_encode(&LAUNCH_LAYOUT_SETTINGS, &content, settings);
    return status == ROTOR_OK ||
           complain("settings", rotor_status_name(status), NULL);
}
