// SPDX-License-Identifier: Apache-2.0
#include "verify/dcap_collateral.h"

#include <string.h>

#include "base/bytes.h"

#define HARDENING     VERIFY_DCAP_TCB_HARDENING
#define CONFIGURATION VERIFY_DCAP_TCB_CONFIGURATION
#define OUT_OF_DATE   VERIFY_DCAP_TCB_OUT_OF_DATE
#define REVOKED       VERIFY_DCAP_TCB_REVOKED

// FLAGS that Intel's enclaves have, and DEBUG that they have not; XFRM is not
// looked at.
#define QE_ATTRIBUTES                                                          \
    {                                                                          \
        0x11                                                                   \
    }
#define QE_ATTRIBUTES_MASK                                                     \
    {                                                                          \
        0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff                         \
    }
#define QE_MISCSELECT_MASK                                                     \
    {                                                                          \
        0xff, 0xff, 0xff, 0xff                                                 \
    }

const struct verify_dcap_qe_identity verify_dcap_intel_qe = {
    .enclave = VERIFY_DCAP_QE,
    .miscselect_mask = QE_MISCSELECT_MASK,
    .attributes = QE_ATTRIBUTES,
    .attributes_mask = QE_ATTRIBUTES_MASK,
    .mrsigner = {0x8c, 0x4f, 0x57, 0x75, 0xd7, 0x96, 0x50, 0x3e,
                 0x96, 0x13, 0x7f, 0x77, 0xc6, 0x8a, 0x82, 0x9a,
                 0x00, 0x56, 0xac, 0x8d, 0xed, 0x70, 0x14, 0x0b,
                 0x08, 0x1b, 0x09, 0x44, 0x90, 0xc5, 0x7b, 0xff},
    .isvprodid = 1,
};

const struct verify_dcap_qe_identity verify_dcap_intel_td_qe = {
    .enclave = VERIFY_DCAP_TD_QE,
    .miscselect_mask = QE_MISCSELECT_MASK,
    .attributes = QE_ATTRIBUTES,
    .attributes_mask = QE_ATTRIBUTES_MASK,
    .mrsigner = {0xdc, 0x9e, 0x2a, 0x7c, 0x6f, 0x94, 0x8f, 0x17,
                 0x47, 0x4e, 0x34, 0xa7, 0xfc, 0x43, 0xed, 0x03,
                 0x0f, 0x7c, 0x15, 0x63, 0xf1, 0xba, 0xbd, 0xdf,
                 0x63, 0x40, 0xc8, 0x2e, 0x0e, 0x54, 0xa8, 0xc5},
    .isvprodid = 2,
};

// A word and its bits; the first that fits what a union left over is its word.
static const struct {
    const char *word;
    uint32_t bits;
} WORDS[] = {
    {"Revoked",                           REVOKED                    },
    {"OutOfDateConfigurationNeeded",      OUT_OF_DATE | CONFIGURATION},
    {"OutOfDate",                         OUT_OF_DATE                },
    {"ConfigurationAndSWHardeningNeeded", CONFIGURATION | HARDENING  },
    {"ConfigurationNeeded",               CONFIGURATION              },
    {"SWHardeningNeeded",                 HARDENING                  },
    {"UpToDate",                          0                          },
};

const char *verify_dcap_tcb_word(uint32_t status)
{
    if ((status & VERIFY_DCAP_TCB_JUDGED) == 0) {
        return "unknown";
    }
    size_t i = 0;
    while ((status & WORDS[i].bits) != WORDS[i].bits) {
        i++; // ends at 0, which every status has
    }
    return WORDS[i].word;
}

static bool words_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

uint32_t verify_dcap_tcb_of_word(const char *word)
{
    for (size_t i = 0; i < COUNT_OF(WORDS); i++) {
        if (words_equal(WORDS[i].word, word)) {
            return VERIFY_DCAP_TCB_JUDGED | WORDS[i].bits;
        }
    }
    return 0;
}

uint32_t verify_dcap_tcb_together(uint32_t a, uint32_t b)
{
    return (a & b & VERIFY_DCAP_TCB_JUDGED) == 0 ? 0 : a | b;
}

static bool is_newer(const struct verify_dcap_statement *a,
                     const struct verify_dcap_statement *b)
{
    return a->evaluation != b->evaluation ? a->evaluation > b->evaluation
                                          : a->issued_s > b->issued_s;
}

static bool is_for(const struct verify_dcap_tcb_info *info,
                   enum verify_dcap_tee tee,
                   const struct verify_dcap_platform *platform)
{
    return info->tee == tee &&
           bytes_equal(BYTES_OF(info->fmspc), BYTES_OF(platform->fmspc)) &&
           bytes_equal(BYTES_OF(info->pceid), BYTES_OF(platform->pceid));
}

const struct verify_dcap_tcb_info *
verify_dcap_tcb_info_for(const struct verify_dcap_tcb_info *infos, size_t count,
                         enum verify_dcap_tee tee,
                         const struct verify_dcap_platform *platform)
{
    const struct verify_dcap_tcb_info *found = NULL;
    for (size_t i = 0; i < count; i++) {
        bool is_better =
            is_for(&infos[i], tee, platform) &&
            (found == NULL || is_newer(&infos[i].statement, &found->statement));
        found = is_better ? &infos[i] : found;
    }
    return found;
}

const struct verify_dcap_qe_identity *
verify_dcap_qe_identity_for(const struct verify_dcap_qe_identity *identities,
                            size_t count, enum verify_dcap_enclave enclave)
{
    const struct verify_dcap_qe_identity *found = NULL;
    for (size_t i = 0; i < count; i++) {
        bool is_better = identities[i].enclave == enclave &&
                         (found == NULL || is_newer(&identities[i].statement,
                                                    &found->statement));
        found = is_better ? &identities[i] : found;
    }
    return found;
}

static bool is_reached(const uint8_t *have, const uint8_t *need, size_t from)
{
    for (size_t i = from; i < VERIFY_DCAP_COMPONENTS; i++) {
        if (have[i] < need[i]) {
            return false;
        }
    }
    return true;
}

bool verify_dcap_has_module_version(const struct verify_dcap_tcb_info *info,
                                    const uint8_t *tee_tcb_svn)
{
    return tee_tcb_svn[1] != 0 && info->module_count != 0;
}

const struct verify_dcap_tcb_level *
verify_dcap_level_for(const struct verify_dcap_tcb_info *info,
                      const struct verify_dcap_platform *platform,
                      const uint8_t *tee_tcb_svn)
{
    // The first two are then the module's, judged by its own identity.
    size_t from =
        tee_tcb_svn != NULL && verify_dcap_has_module_version(info, tee_tcb_svn)
            ? 2
            : 0;
    for (size_t i = 0; i < info->level_count; i++) {
        const struct verify_dcap_tcb_level *level = &info->levels[i];
        if (is_reached(platform->components, level->sgx, 0) &&
            platform->pcesvn >= level->pcesvn &&
            (tee_tcb_svn == NULL ||
             is_reached(tee_tcb_svn, level->tdx, from))) {
            return level;
        }
    }
    return NULL;
}

const struct verify_dcap_isv_level *
verify_dcap_isv_level_for(const struct verify_dcap_isv_levels *levels,
                          uint16_t isvsvn)
{
    for (size_t i = 0; i < levels->count; i++) {
        if (isvsvn >= levels->levels[i].isvsvn) {
            return &levels->levels[i];
        }
    }
    return NULL;
}

const struct verify_dcap_module *
verify_dcap_module_for(const struct verify_dcap_tcb_info *info,
                       const uint8_t *tee_tcb_svn)
{
    if (!verify_dcap_has_module_version(info, tee_tcb_svn)) {
        return &info->module;
    }
    for (size_t i = 0; i < info->module_count; i++) {
        if (info->modules[i].version == tee_tcb_svn[1]) {
            return &info->modules[i];
        }
    }
    return NULL;
}
