// SPDX-License-Identifier: Apache-2.0
// The endorsement key: what a credential is made for.  PROTOCOL.evidence,
// TPM.4.
#include "verify/tpm.h"

#include "base/bytes.h"

static void add_ek_attributes(const struct verify_tpm_public *area,
                              struct verify_verdict *verdict)
{
    const uint32_t wanted = VERIFY_TPM_FIXED_TPM | VERIFY_TPM_FIXED_PARENT |
                            VERIFY_TPM_DATA_ORIGIN | VERIFY_TPM_RESTRICTED |
                            VERIFY_TPM_DECRYPT;
    (void)verify_check(
        verdict, (area->attributes & (wanted | VERIFY_TPM_SIGN)) == wanted,
        &(struct verify_row){
            .check = "endorsement key attributes",
            .expected = verify_text("fixedTPM fixedParent sensitiveDataOrigin "
                                    "restricted decrypt"),
            .seen = verify_number(area->attributes),
            .why = "a key that could be used outside its TPM"});
}

enum rotor_status verify_tpm_endorsement(const struct verify_tpm_ek *ek,
                                         const struct crypto_chain *chain,
                                         struct verify_tpm_work *work,
                                         struct verify_verdict *verdict)
{
    struct verify_tpm_public area;
    struct crypto_certificate_facts certified;
    struct crypto_chain_verdict path;
    struct rotor_room spki = ROOM_OF(work->spki);
    bool is_area =
        verify_tpm_public_decode(ek->public_area, &area) == ROTOR_OK &&
        verify_tpm_spki(&area, &spki) == ROTOR_OK;
    if (!verify_check(verdict, is_area,
                      &(struct verify_row){
                          .check = "endorsement key format",
                          .expected = verify_text("TPMT_PUBLIC"),
                          .seen = verify_bytes(ek->public_area),
                          .why = "the public area is malformed, or of an "
                                 "unknown kind"})) {
        return ROTOR_OK;
    }
    add_ek_attributes(&area, verdict);
    TRY(crypto_certificate_facts(ek->certificate, &certified));
    TRY(crypto_chain_verify(ek->certificate, chain, &path));
    bool is_same = bytes_equal(bytes_in(&spki), certified.spki);
    bool is_good = is_same && path.fault == CRYPTO_CHAIN_GOOD;
    (void)verify_check(
        verdict, is_good,
        &(struct verify_row){.check = "endorsement key",
                             .expected = verify_bytes(certified.spki),
                             .seen = verify_bytes(bytes_in(&spki)),
                             .why = is_same
                                        ? crypto_chain_fault_text(path.fault)
                                        : "the certificate names another key"});
    return ROTOR_OK;
}
