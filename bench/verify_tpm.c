// SPDX-License-Identifier: Apache-2.0
// A TPM quote under its key: one signature, the values of its registers.
#include "bench/verify.h"

#include "base/bytes.h"
#include "bench/tally.h"
#include "verify/pem.h"
#include "verify/tpm.h"
#include "verify/tpm_forms.h"

#define SIGNATURE_HEAD 6u // scheme, hash, size

static struct rotor_bytes quote;
static struct rotor_bytes signature;
static struct rotor_bytes area;
static struct verify_pcrs pcrs;
static uint8_t key[VERIFY_TPM_SPKI_MAX];
static struct rotor_room spki;
static struct verify_bare reference;

static const char *open_case(void)
{
    struct rotor_bytes one;
    quote = verify_file("tpm/keylime-files/quote.out");
    signature = verify_file("tpm/keylime-files/quotesig.out");
    area = verify_file("tpm/keylime-files/ak.pub");
    struct rotor_bytes values = verify_file("tpm/keylime-files/quotepcr.out");
    struct rotor_bytes pem = verify_file("tpm/keylime-files/akpub.pem");
    if (bytes_are_empty(quote) || signature.size <= SIGNATURE_HEAD) {
        return "no published quote: set ROTOR_VECTORS";
    }
    spki = ROOM_OF(key);
    tally_expect(verify_pem_next(&pem, LABEL("PUBLIC KEY"), &spki, &one) ==
                         ROTOR_OK &&
                     verify_tpm2_pcrs_decode(values, &pcrs) == ROTOR_OK,
                 "the quote of a TPM is not what it was");
    reference = (struct verify_bare){
        .spki = bytes_in(&spki),
        .form = CRYPTO_SIGNATURE_RSA_PKCS1,
        .hash = CRYPTO_SHA256,
        .message = quote,
        .signature = bytes_of(signature.data + SIGNATURE_HEAD,
                              signature.size - SIGNATURE_HEAD),
    };
    return NULL;
}

static void ours(void)
{
    static struct verify_tpm_work work;
    static struct verify_verdict verdict;
    const struct verify_tpm_evidence evidence = {.quote = quote,
                                                 .signature = signature,
                                                 .ak_public = area,
                                                 .pcrs = &pcrs};
    const struct verify_tpm_trust trust = {.ak_spki = bytes_in(&spki)};
    const struct verify_asked asked = {.now_s = 0};
    tally_expect(verify_tpm(&evidence, &trust, &asked, &work, &verdict) ==
                         ROTOR_OK &&
                     verify_verdict_is_accepted(&verdict),
                 "the quote of a TPM is refused");
}

static void bare(void)
{
    verify_bare_check(&reference);
}

static void close_case(void)
{
}

const struct verify_case verify_case_tpm = {"tpm", open_case, ours, bare,
                                            close_case};
