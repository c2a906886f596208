// SPDX-License-Identifier: Apache-2.0
// What Intel says of platforms and quoting enclaves: TCB info and QE identity,
// read out of JSON elsewhere (endorse/intel_json.h).  Nothing here is believed
// before the signature over the exact bytes was verified.
#ifndef ROTOR_VERIFY_DCAP_COLLATERAL_H
#define ROTOR_VERIFY_DCAP_COLLATERAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>

#include "verify/dcap_platform.h"

#define VERIFY_DCAP_LEVELS_MAX     64u
#define VERIFY_DCAP_ISV_LEVELS_MAX 32u
#define VERIFY_DCAP_MODULES_MAX    16u
#define VERIFY_DCAP_ADVISORIES_MAX 1024u // bytes of text

// What is to be said of a TCB.  Two judgements together are their union; zero
// is no judgement.
enum {
    VERIFY_DCAP_TCB_JUDGED = 0x01,
    VERIFY_DCAP_TCB_HARDENING = 0x02,     // software must be hardened
    VERIFY_DCAP_TCB_CONFIGURATION = 0x04, // the platform must be configured
    VERIFY_DCAP_TCB_OUT_OF_DATE = 0x08,
    VERIFY_DCAP_TCB_REVOKED = 0x10,
};

// Intel's word, e.g. "SWHardeningNeeded"; "unknown" if nothing was judged.
const char *verify_dcap_tcb_word(uint32_t status);

// The bits of one of Intel's words; 0: no such word.
uint32_t verify_dcap_tcb_of_word(const char *word);

// Two judgements as one; 0 if one of them is none.
uint32_t verify_dcap_tcb_together(uint32_t a, uint32_t b);

// A signed JSON object.  `body` are the exact bytes that were signed.
struct verify_dcap_statement {
    struct rotor_bytes body;
    uint8_t signature[64]; // r || s, ECDSA on P-256 with SHA-256
    int64_t issued_s;      // since 1970
    int64_t next_s;        // when the next one is due
    uint32_t evaluation;   // tcbEvaluationDataNumber
};

struct verify_dcap_isv_level {
    uint16_t isvsvn;
    uint32_t status; // VERIFY_DCAP_TCB bits
};

struct verify_dcap_isv_levels {
    size_t count;
    struct verify_dcap_isv_level levels[VERIFY_DCAP_ISV_LEVELS_MAX];
};

enum verify_dcap_tee {
    VERIFY_DCAP_TEE_NONE = 0,
    VERIFY_DCAP_TEE_SGX,
    VERIFY_DCAP_TEE_TDX,
};

// The module that runs TDs.
struct verify_dcap_module {
    uint8_t version; // of "TDX_<version>"; 0 in tdxModule
    uint8_t mrsigner[48];
    uint8_t attributes[8];
    uint8_t attributes_mask[8];
    struct verify_dcap_isv_levels levels;
};

struct verify_dcap_tcb_level {
    uint8_t sgx[VERIFY_DCAP_COMPONENTS];
    uint8_t tdx[VERIFY_DCAP_COMPONENTS];
    uint16_t pcesvn;
    uint32_t status; // VERIFY_DCAP_TCB bits
    char advisories[VERIFY_DCAP_ADVISORIES_MAX];
};

struct verify_dcap_tcb_info {
    struct verify_dcap_statement statement;
    uint32_t version; // 2 or 3
    enum verify_dcap_tee tee;
    uint8_t fmspc[VERIFY_DCAP_FMSPC_SIZE];
    uint8_t pceid[VERIFY_DCAP_PCEID_SIZE];
    struct verify_dcap_module module; // TDX
    size_t module_count;              // tdxModuleIdentities
    struct verify_dcap_module modules[VERIFY_DCAP_MODULES_MAX];
    size_t level_count; // best first
    struct verify_dcap_tcb_level levels[VERIFY_DCAP_LEVELS_MAX];
};

enum verify_dcap_enclave {
    VERIFY_DCAP_ENCLAVE_NONE = 0,
    VERIFY_DCAP_QE,    // quotes SGX enclaves
    VERIFY_DCAP_TD_QE, // quotes TDs
    VERIFY_DCAP_QVE,   // verifies quotes; quotes none
};

struct verify_dcap_qe_identity {
    struct verify_dcap_statement statement;
    enum verify_dcap_enclave enclave;
    uint8_t miscselect[4]; // bytes as in a report
    uint8_t miscselect_mask[4];
    uint8_t attributes[16];
    uint8_t attributes_mask[16];
    uint8_t mrsigner[32];
    uint16_t isvprodid;
    struct verify_dcap_isv_levels levels; // none: ISVSVN is not judged
};

// Intel's quoting enclaves as constants, for who has no collateral.
extern const struct verify_dcap_qe_identity verify_dcap_intel_qe;
extern const struct verify_dcap_qe_identity verify_dcap_intel_td_qe;

// The one for this platform and kind with the highest evaluation number, or
// NULL.
const struct verify_dcap_tcb_info *
verify_dcap_tcb_info_for(const struct verify_dcap_tcb_info *infos, size_t count,
                         enum verify_dcap_tee tee,
                         const struct verify_dcap_platform *platform);
const struct verify_dcap_qe_identity *
verify_dcap_qe_identity_for(const struct verify_dcap_qe_identity *identities,
                            size_t count, enum verify_dcap_enclave enclave);

// The first level that the platform reaches, or NULL.  `tee_tcb_svn`: of a TD,
// NULL for SGX.
const struct verify_dcap_tcb_level *
verify_dcap_level_for(const struct verify_dcap_tcb_info *info,
                      const struct verify_dcap_platform *platform,
                      const uint8_t *tee_tcb_svn);

// The first level that `isvsvn` reaches, or NULL.
const struct verify_dcap_isv_level *
verify_dcap_isv_level_for(const struct verify_dcap_isv_levels *levels,
                          uint16_t isvsvn);

// Is the version of the module judged by an identity of its own?  Since
// version 1 it is, where Intel says anything of versions at all.
bool verify_dcap_has_module_version(const struct verify_dcap_tcb_info *info,
                                    const uint8_t *tee_tcb_svn);

// The module that a TD of this TEE_TCB_SVN runs under, or NULL.
const struct verify_dcap_module *
verify_dcap_module_for(const struct verify_dcap_tcb_info *info,
                       const uint8_t *tee_tcb_svn);

#endif
