// SPDX-License-Identifier: Apache-2.0
// SEV-SNP: a report under VCEK, ASK and ARK; three keys, three signatures.
#include "bench/verify.h"

#include <string.h>

#include "base/bytes.h"
#include "bench/tally.h"
#include "verify/pem.h"
#include "verify/snp.h"

#define NOW  1753747200 // July 2025: the certificates are valid
#define HALF 48u

static struct rotor_bytes report;
static struct crypto_certificate pool[3]; // VCEK, ASK, ARK
static uint8_t signature[2 * HALF];
static struct verify_bare bares[3];

static void open_pool(struct rotor_bytes leaf, struct rotor_bytes text)
{
    static uint8_t memory[16384];
    struct rotor_room der = ROOM_OF(memory);
    bool ok = crypto_certificate_open(&pool[0], leaf) == ROTOR_OK;
    for (size_t i = 1; i < COUNT_OF(pool); i++) {
        struct rotor_bytes one;
        ok = ok &&
             verify_pem_next(&text, LABEL("CERTIFICATE"), &der, &one) ==
                 ROTOR_OK &&
             crypto_certificate_open(&pool[i], one) == ROTOR_OK;
    }
    tally_expect(ok, "the chain of SEV-SNP is not what it was");
}

static void open_bares(void)
{
    struct crypto_certificate_facts facts;
    const uint8_t *amd = report.data + VERIFY_SNP_SIGNED_SIZE;
    for (size_t i = 0; i < HALF; i++) {
        signature[i] = amd[HALF - 1 - i];
        signature[HALF + i] = amd[72 + HALF - 1 - i];
    }
    tally_expect(crypto_certificate_facts(&pool[0], &facts) == ROTOR_OK,
                 "no VCEK");
    bares[0] = (struct verify_bare){
        .spki = facts.spki,
        .form = CRYPTO_SIGNATURE_ECDSA_RAW,
        .hash = CRYPTO_SHA384,
        .message = bytes_of(report.data, VERIFY_SNP_SIGNED_SIZE),
        .signature = BYTES_OF(signature),
    };
    bares[1] = verify_bare_of(&pool[0], &pool[1], CRYPTO_SIGNATURE_RSA_PSS,
                              CRYPTO_SHA384);
    bares[2] = verify_bare_of(&pool[1], &pool[2], CRYPTO_SIGNATURE_RSA_PSS,
                              CRYPTO_SHA384);
}

static const char *open_case(void)
{
    report = verify_file("snp/go-sev-guest/milan_report_v2.bin");
    struct rotor_bytes leaf = verify_file("snp/go-sev-guest/vcek_milan.der");
    struct rotor_bytes chain = verify_file("snp/amd-roots/ask_ark_milan.pem");
    if (report.size != VERIFY_SNP_REPORT_SIZE || bytes_are_empty(leaf) ||
        bytes_are_empty(chain)) {
        return "no published report: set ROTOR_VECTORS";
    }
    open_pool(leaf, chain);
    open_bares();
    return NULL;
}

static void ours(void)
{
    static struct verify_verdict verdict;
    const struct verify_snp_endorsements endorsements = {
        .certificates = pool, .certificate_count = COUNT_OF(pool)};
    const struct verify_asked asked = {.now_s = NOW};
    tally_expect(verify_snp(report, &endorsements, &asked, &verdict) ==
                         ROTOR_OK &&
                     verify_verdict_is_accepted(&verdict),
                 "the report of SEV-SNP is refused");
}

static void bare(void)
{
    for (size_t i = 0; i < COUNT_OF(bares); i++) {
        verify_bare_check(&bares[i]);
    }
}

static void close_case(void)
{
    for (size_t i = 0; i < COUNT_OF(pool); i++) {
        crypto_certificate_close(&pool[i]);
    }
}

const struct verify_case verify_case_snp = {"snp", open_case, ours, bare,
                                            close_case};
