// SPDX-License-Identifier: Apache-2.0
#include "endorse/roots.h"

#include <string.h>

#include "endorse/facts.h"
#include "verify/dcap.h"
#include "verify/snp.h"

static bool is_amd(const struct endorse_item *item)
{
    struct crypto_certificate certificate = {0};
    enum verify_snp_product product = VERIFY_SNP_NO_PRODUCT;
    bool is_root =
        crypto_certificate_open(&certificate, item->bytes) == ROTOR_OK &&
        verify_snp_is_root(&certificate, &product) == ROTOR_OK &&
        product != VERIFY_SNP_NO_PRODUCT;
    crypto_certificate_close(&certificate);
    return is_root;
}

bool endorse_is_known_root(const struct endorse_item *item)
{
    struct endorse_facts facts;
    if (item->kind != ENDORSE_CERTIFICATE ||
        endorse_facts_read(item, &facts) != ROTOR_OK) {
        return false;
    }
    return memcmp(facts.key, verify_dcap_intel_root.key_sha256, 32) == 0 ||
           is_amd(item);
}
