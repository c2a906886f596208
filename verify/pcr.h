// SPDX-License-Identifier: Apache-2.0
// Platform configuration registers: which, and what they hold.
#ifndef ROTOR_VERIFY_PCR_H
#define ROTOR_VERIFY_PCR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"

// TPM_ALG_ID of the hashes that are known here.
#define VERIFY_TPM_SHA1   0x0004u
#define VERIFY_TPM_SHA256 0x000bu
#define VERIFY_TPM_SHA384 0x000cu
#define VERIFY_TPM_SHA512 0x000du

// CRYPTO_HASH_NONE: not known here (SM3, SHA-3).
enum crypto_hash verify_hash_of_tpm(uint16_t algorithm);

#define VERIFY_PCR_COUNT 24u
#define VERIFY_PCR_MAX   64u // bytes of one value
#define VERIFY_BANKS_MAX 8u

// All zero is empty.
struct verify_pcr_bank {
    uint16_t algorithm; // TPM_ALG_ID
    size_t size;        // bytes of a value
    uint32_t known;     // bit i: values[i] is one
    uint8_t values[VERIFY_PCR_COUNT][VERIFY_PCR_MAX];
};

struct verify_pcrs {
    size_t bank_count;
    struct verify_pcr_bank banks[VERIFY_BANKS_MAX];
};

// NULL: there is none.
const struct verify_pcr_bank *verify_pcr_bank_of(const struct verify_pcrs *pcrs,
                                                 uint16_t algorithm);

// Which registers, bank by bank, in the order in which they are hashed.
struct verify_pcr_selection {
    size_t count;
    struct {
        uint16_t algorithm;
        uint32_t registers; // bit i: PCR i
    } banks[VERIFY_BANKS_MAX];
};

// Same registers of the same banks, in whichever order; a bank without
// registers is as none.
bool verify_pcr_selection_equal(const struct verify_pcr_selection *a,
                                const struct verify_pcr_selection *b);

#endif
