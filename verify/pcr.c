// SPDX-License-Identifier: Apache-2.0
#include "verify/pcr.h"

#include "base/bytes.h"

enum crypto_hash verify_hash_of_tpm(uint16_t algorithm)
{
    switch (algorithm) {
    case VERIFY_TPM_SHA1:
        return CRYPTO_SHA1;
    case VERIFY_TPM_SHA256:
        return CRYPTO_SHA256;
    case VERIFY_TPM_SHA384:
        return CRYPTO_SHA384;
    case VERIFY_TPM_SHA512:
        return CRYPTO_SHA512;
    default:
        return CRYPTO_HASH_NONE;
    }
}

const struct verify_pcr_bank *verify_pcr_bank_of(const struct verify_pcrs *pcrs,
                                                 uint16_t algorithm)
{
    for (size_t i = 0; i < pcrs->bank_count; i++) {
        if (pcrs->banks[i].algorithm == algorithm) {
            return &pcrs->banks[i];
        }
    }
    return NULL;
}

static uint32_t registers_of(const struct verify_pcr_selection *selection,
                             uint16_t algorithm)
{
    uint32_t registers = 0;
    for (size_t i = 0; i < selection->count; i++) {
        if (selection->banks[i].algorithm == algorithm) {
            registers |= selection->banks[i].registers;
        }
    }
    return registers;
}

static bool has_all_of(const struct verify_pcr_selection *a,
                       const struct verify_pcr_selection *b)
{
    bool has_all = true;
    for (size_t i = 0; i < b->count; i++) {
        uint16_t algorithm = b->banks[i].algorithm;
        has_all =
            has_all && registers_of(a, algorithm) == registers_of(b, algorithm);
    }
    return has_all;
}

bool verify_pcr_selection_equal(const struct verify_pcr_selection *a,
                                const struct verify_pcr_selection *b)
{
    return has_all_of(a, b) && has_all_of(b, a);
}
