// SPDX-License-Identifier: Apache-2.0
#include "port/linux/tpm.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "base/bytes.h"
#include "base/secret.h"

#define EK_CERTIFICATE 0x01c00002u // of the RSA 2048 template
#define NV_CHUNK       512u        // bytes; every TPM reads that many at once
#define ATTEMPTS       4u

static enum rotor_status fault(struct linux_tpm *tpm, const char *what,
                               TSS2_RC rc)
{
    snprintf(tpm->fault, sizeof tpm->fault, "%s: %s", what, Tss2_RC_Decode(rc));
    return ROTOR_PORT_FAILED;
}

// ---- open and close --------------------------------------------------------

enum rotor_status linux_tpm_open(struct linux_tpm *tpm, const char *tcti)
{
    TSS2_TCTI_CONTEXT *link = NULL;
    ESYS_CONTEXT *esys = NULL;
    *tpm = (struct linux_tpm){.ak = ESYS_TR_NONE, .ek = ESYS_TR_NONE};
    TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti, &link);
    if (rc != TSS2_RC_SUCCESS) {
        return fault(tpm, "no TPM", rc);
    }
    rc = Esys_Initialize(&esys, link, NULL);
    if (rc != TSS2_RC_SUCCESS) {
        Tss2_TctiLdr_Finalize(&link);
        return fault(tpm, "no TPM 2.0", rc);
    }
    tpm->tcti = link;
    tpm->esys = esys;
    return ROTOR_OK;
}

static void flush(struct linux_tpm *tpm, uint32_t *handle)
{
    if (*handle != ESYS_TR_NONE) {
        (void)Esys_FlushContext(tpm->esys, *handle);
        *handle = ESYS_TR_NONE;
    }
}

void linux_tpm_close(struct linux_tpm *tpm)
{
    if (tpm->esys == NULL) {
        return;
    }
    ESYS_CONTEXT *esys = tpm->esys;
    TSS2_TCTI_CONTEXT *link = tpm->tcti;
    flush(tpm, &tpm->ak);
    flush(tpm, &tpm->ek);
    Esys_Finalize(&esys);
    Tss2_TctiLdr_Finalize(&link);
    tpm->esys = NULL;
    tpm->tcti = NULL;
}

// ---- keys ------------------------------------------------------------------

static const TPM2B_PUBLIC ak_template = {
    .publicArea =
        {
                     .type = TPM2_ALG_ECC,
                     .nameAlg = TPM2_ALG_SHA256,
                     .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA |
                                TPMA_OBJECT_RESTRICTED |
                                TPMA_OBJECT_SIGN_ENCRYPT, .parameters.eccDetail =
                {
                    .symmetric.algorithm = TPM2_ALG_NULL,
                    .scheme = {.scheme = TPM2_ALG_ECDSA,
                               .details.ecdsa.hashAlg = TPM2_ALG_SHA256},
                    .curveID = TPM2_ECC_NIST_P256,
                    .kdf.scheme = TPM2_ALG_NULL,
                }, // Apart from the keys of others who use the same template.
            .unique.ecc.x = {.size = 9, .buffer = "rotor1 ak"},
                     },
};

// TCG EK Credential Profile, template L-1.  The policy is PolicySecret of the
// endorsement hierarchy.
static const TPM2B_PUBLIC ek_template = {
    .publicArea =
        {
                     .type = TPM2_ALG_RSA,
                     .nameAlg = TPM2_ALG_SHA256,
                     .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                TPMA_OBJECT_ADMINWITHPOLICY |
                                TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
                     .authPolicy = {.size = 32,
                           .buffer = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3,
                                      0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5,
                                      0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06,
                                      0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b,
                                      0x33, 0x14, 0x69, 0xaa}},
                     .parameters.rsaDetail =
                {
                    .symmetric = {.algorithm = TPM2_ALG_AES,
                                  .keyBits.aes = 128,
                                  .mode.aes = TPM2_ALG_CFB},
                    .scheme.scheme = TPM2_ALG_NULL,
                    .keyBits = 2048,
                }, .unique.rsa.size = 256,
                     },
};

static enum rotor_status keep_area(struct linux_tpm *tpm,
                                   const TPM2B_PUBLIC *made,
                                   struct linux_tpm_part *area)
{
    size_t size = 0;
    TSS2_RC rc = Tss2_MU_TPMT_PUBLIC_Marshal(&made->publicArea, area->bytes,
                                             sizeof area->bytes, &size);
    area->size = rc == TSS2_RC_SUCCESS ? size : 0;
    return rc == TSS2_RC_SUCCESS ? ROTOR_OK : fault(tpm, "public area", rc);
}

static enum rotor_status make_primary(struct linux_tpm *tpm,
                                      const TPM2B_PUBLIC *template,
                                      uint32_t *handle,
                                      struct linux_tpm_part *area)
{
    static const TPM2B_SENSITIVE_CREATE no_password;
    static const TPM2B_DATA nothing;
    static const TPML_PCR_SELECTION no_registers;
    TPM2B_PUBLIC *made = NULL;
    flush(tpm, handle);
    TSS2_RC rc = Esys_CreatePrimary(
        tpm->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
        ESYS_TR_NONE, &no_password, template, &nothing, &no_registers, handle,
        &made, NULL, NULL, NULL);
    if (rc != TSS2_RC_SUCCESS) {
        *handle = ESYS_TR_NONE;
        return fault(tpm, "primary key", rc);
    }
    enum rotor_status status = keep_area(tpm, made, area);
    Esys_Free(made);
    return status;
}

enum rotor_status linux_tpm_ak(struct linux_tpm *tpm,
                               struct linux_tpm_part *area)
{
    return make_primary(tpm, &ak_template, &tpm->ak, area);
}

enum rotor_status linux_tpm_ek(struct linux_tpm *tpm,
                               struct linux_tpm_part *area)
{
    return make_primary(tpm, &ek_template, &tpm->ek, area);
}

static enum rotor_status need(struct linux_tpm *tpm,
                              const TPM2B_PUBLIC *template, uint32_t *handle)
{
    struct linux_tpm_part area;
    if (*handle != ESYS_TR_NONE) {
        return ROTOR_OK;
    }
    return make_primary(tpm, template, handle, &area);
}

// ---- the certificate of the EK ---------------------------------------------

static enum rotor_status has_index(struct linux_tpm *tpm, bool *found)
{
    TPMI_YES_NO more = 0;
    TPMS_CAPABILITY_DATA *data = NULL;
    TSS2_RC rc =
        Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                           TPM2_CAP_HANDLES, EK_CERTIFICATE, 1, &more, &data);
    *found = false;
    if (rc != TSS2_RC_SUCCESS) {
        return fault(tpm, "NV indices", rc);
    }
    *found = data->data.handles.count == 1 &&
             data->data.handles.handle[0] == EK_CERTIFICATE;
    Esys_Free(data);
    return ROTOR_OK;
}

struct nv {
    ESYS_TR index;
    ESYS_TR authority; // whose password reads it
    size_t size;       // bytes
};

static TSS2_RC open_index(struct linux_tpm *tpm, struct nv *nv)
{
    TPM2B_NV_PUBLIC *facts = NULL;
    TSS2_RC rc = Esys_TR_FromTPMPublic(tpm->esys, EK_CERTIFICATE, ESYS_TR_NONE,
                                       ESYS_TR_NONE, ESYS_TR_NONE, &nv->index);
    if (rc != TSS2_RC_SUCCESS) {
        return rc;
    }
    rc = Esys_NV_ReadPublic(tpm->esys, nv->index, ESYS_TR_NONE, ESYS_TR_NONE,
                            ESYS_TR_NONE, &facts, NULL);
    if (rc != TSS2_RC_SUCCESS) {
        return rc;
    }
    bool is_owners = (facts->nvPublic.attributes & TPMA_NV_OWNERREAD) != 0;
    nv->authority = is_owners ? ESYS_TR_RH_OWNER : nv->index;
    nv->size = facts->nvPublic.dataSize;
    Esys_Free(facts);
    return rc;
}

static TSS2_RC read_index(struct linux_tpm *tpm, const struct nv *nv,
                          struct rotor_room *content)
{
    while (content->used < nv->size) {
        TPM2B_MAX_NV_BUFFER *chunk = NULL;
        size_t left = nv->size - content->used;
        TSS2_RC rc = Esys_NV_Read(tpm->esys, nv->authority, nv->index,
                                  ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                  (uint16_t)(left < NV_CHUNK ? left : NV_CHUNK),
                                  (uint16_t)content->used, &chunk);
        if (rc != TSS2_RC_SUCCESS) {
            return rc;
        }
        bool fits = chunk->size != 0 &&
                    bytes_append(content, bytes_of(chunk->buffer,
                                                   chunk->size)) == ROTOR_OK;
        Esys_Free(chunk);
        if (!fits) {
            return TSS2_BASE_RC_BAD_SIZE;
        }
    }
    return TSS2_RC_SUCCESS;
}

// An index may be longer than what is in it: DER says its own length.
static void cut_to_der(struct rotor_room *certificate)
{
    const uint8_t *at = certificate->data;
    bool is_long = certificate->used > 4 && at[0] == 0x30 && at[1] == 0x82;
    size_t size = is_long ? 4u + bytes_be16(at + 2) : certificate->used;
    certificate->used = size <= certificate->used ? size : certificate->used;
}

enum rotor_status linux_tpm_ek_certificate(struct linux_tpm *tpm,
                                           struct rotor_room *certificate)
{
    struct nv nv = {.index = ESYS_TR_NONE};
    bool found = false;
    certificate->used = 0;
    TRY(has_index(tpm, &found));
    if (!found) {
        return ROTOR_OK;
    }
    TSS2_RC rc = open_index(tpm, &nv);
    if (rc == TSS2_RC_SUCCESS) {
        rc = read_index(tpm, &nv, certificate);
    }
    if (nv.index != ESYS_TR_NONE) {
        (void)Esys_TR_Close(tpm->esys, &nv.index);
    }
    if (rc != TSS2_RC_SUCCESS) {
        certificate->used = 0;
        return fault(tpm, "EK certificate", rc);
    }
    cut_to_der(certificate);
    return ROTOR_OK;
}

// ---- quotes ----------------------------------------------------------------

static TPML_PCR_SELECTION selection_of(uint32_t registers)
{
    return (TPML_PCR_SELECTION){
        .count = 1,
        .pcrSelections[0] = {.hash = TPM2_ALG_SHA256,
                             .sizeofSelect = 3,
                             .pcrSelect = {(uint8_t)registers,
                                           (uint8_t)(registers >> 8),
                                           (uint8_t)(registers >> 16)}}
    };
}

static uint32_t registers_of(const TPML_PCR_SELECTION *selection)
{
    const TPMS_PCR_SELECTION *one = &selection->pcrSelections[0];
    if (selection->count != 1 || one->hash != TPM2_ALG_SHA256) {
        return 0;
    }
    uint32_t registers = 0;
    for (unsigned i = 0; i < 3 && i < one->sizeofSelect; i++) {
        registers |= (uint32_t)one->pcrSelect[i] << 8 * i;
    }
    return registers;
}

// Stores what came; returns which registers that were.
static uint32_t take_values(uint32_t registers, const TPML_DIGEST *values,
                            struct linux_tpm_quote *quote)
{
    uint32_t taken = 0;
    uint32_t at = 0;
    for (unsigned pcr = 0; pcr < LINUX_TPM_REGISTERS; pcr++) {
        bool is_meant = (registers >> pcr & 1u) != 0 && at < values->count;
        if (is_meant && values->digests[at].size == LINUX_TPM_VALUE) {
            memcpy(quote->values[pcr], values->digests[at].buffer,
                   LINUX_TPM_VALUE);
            taken |= 1u << pcr;
        }
        at += is_meant ? 1 : 0;
    }
    return taken;
}

// A TPM gives eight values at a time.  *counter is that of the first reading.
static enum rotor_status read_values(struct linux_tpm *tpm, uint32_t registers,
                                     struct linux_tpm_quote *quote,
                                     uint32_t *counter)
{
    for (bool is_first = true; registers != 0; is_first = false) {
        TPML_PCR_SELECTION wanted = selection_of(registers);
        TPML_PCR_SELECTION *given = NULL;
        TPML_DIGEST *values = NULL;
        uint32_t now = 0;
        TSS2_RC rc =
            Esys_PCR_Read(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                          &wanted, &now, &given, &values);
        if (rc != TSS2_RC_SUCCESS) {
            return fault(tpm, "registers", rc);
        }
        uint32_t taken = take_values(registers_of(given), values, quote);
        Esys_Free(given);
        Esys_Free(values);
        if ((taken & registers) == 0) {
            return fault(tpm, "the TPM keeps no SHA-256 registers",
                         TSS2_RC_SUCCESS);
        }
        registers &= ~taken;
        *counter = is_first ? now : *counter;
        if (now != *counter) {
            return ROTOR_AGAIN;
        }
    }
    return ROTOR_OK;
}

static enum rotor_status keep_quote(struct linux_tpm *tpm,
                                    const TPM2B_ATTEST *attest,
                                    const TPMT_SIGNATURE *signature,
                                    struct linux_tpm_quote *quote)
{
    size_t size = 0;
    TSS2_RC rc =
        Tss2_MU_TPMT_SIGNATURE_Marshal(signature, quote->signature.bytes,
                                       sizeof quote->signature.bytes, &size);
    if (rc != TSS2_RC_SUCCESS || attest->size > sizeof quote->attest.bytes) {
        return fault(tpm, "quote", rc);
    }
    quote->signature.size = size;
    memcpy(quote->attest.bytes, attest->attestationData, attest->size);
    quote->attest.size = attest->size;
    return ROTOR_OK;
}

static enum rotor_status
sign_quote(struct linux_tpm *tpm, uint32_t registers,
           const uint8_t qualifying[LINUX_TPM_QUALIFYING],
           struct linux_tpm_quote *quote)
{
    static const TPMT_SIG_SCHEME of_the_key = {.scheme = TPM2_ALG_NULL};
    TPML_PCR_SELECTION selection = selection_of(registers);
    TPM2B_DATA data = {.size = LINUX_TPM_QUALIFYING};
    TPM2B_ATTEST *attest = NULL;
    TPMT_SIGNATURE *signature = NULL;
    memcpy(data.buffer, qualifying, LINUX_TPM_QUALIFYING);
    TSS2_RC rc = Esys_Quote(tpm->esys, tpm->ak, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                            ESYS_TR_NONE, &data, &of_the_key, &selection,
                            &attest, &signature);
    if (rc != TSS2_RC_SUCCESS) {
        return fault(tpm, "quote", rc);
    }
    enum rotor_status status = keep_quote(tpm, attest, signature, quote);
    Esys_Free(attest);
    Esys_Free(signature);
    return status;
}

// The values are of the quote if nothing was extended from the first reading
// to one after it.
static enum rotor_status
try_quote(struct linux_tpm *tpm, uint32_t registers,
          const uint8_t qualifying[LINUX_TPM_QUALIFYING],
          struct linux_tpm_quote *quote)
{
    struct linux_tpm_quote again;
    uint32_t before = 0;
    uint32_t after = 0;
    TRY(read_values(tpm, registers, quote, &before));
    TRY(sign_quote(tpm, registers, qualifying, quote));
    TRY(read_values(tpm, registers & -registers, &again, &after));
    quote->registers = registers;
    return before == after ? ROTOR_OK : ROTOR_AGAIN;
}

enum rotor_status linux_tpm_quote(struct linux_tpm *tpm, uint32_t registers,
                                  const uint8_t qualifying[32],
                                  struct linux_tpm_quote *quote)
{
    if (registers == 0 || registers >> LINUX_TPM_REGISTERS != 0) {
        return ROTOR_INVALID;
    }
    memset(quote, 0, sizeof *quote);
    TRY(need(tpm, &ak_template, &tpm->ak));
    enum rotor_status status = ROTOR_AGAIN;
    for (unsigned i = 0; i < ATTEMPTS && status == ROTOR_AGAIN; i++) {
        status = try_quote(tpm, registers, qualifying, quote);
    }
    return status;
}

// ---- credentials -----------------------------------------------------------

// A session that satisfies the policy of the EK.
static TSS2_RC open_session(struct linux_tpm *tpm, ESYS_TR *session)
{
    static const TPMT_SYM_DEF no_cipher = {.algorithm = TPM2_ALG_NULL};
    TSS2_RC rc = Esys_StartAuthSession(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE,
                                       ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                       NULL, TPM2_SE_POLICY, &no_cipher,
                                       TPM2_ALG_SHA256, session);
    if (rc != TSS2_RC_SUCCESS) {
        *session = ESYS_TR_NONE;
        return rc;
    }
    // It stays until it is flushed, whether or not it was used.
    rc = Esys_TRSess_SetAttributes(tpm->esys, *session,
                                   TPMA_SESSION_CONTINUESESSION,
                                   TPMA_SESSION_CONTINUESESSION);
    if (rc != TSS2_RC_SUCCESS) {
        return rc;
    }
    return Esys_PolicySecret(tpm->esys, ESYS_TR_RH_ENDORSEMENT, *session,
                             ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, NULL,
                             NULL, NULL, 0, NULL, NULL);
}

struct activation {
    TPM2B_ID_OBJECT blob;
    TPM2B_ENCRYPTED_SECRET secret;
};

static bool read_activation(struct activation *a, struct rotor_bytes blob,
                            struct rotor_bytes secret)
{
    size_t at = 0;
    size_t behind = 0;
    return Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(blob.data, blob.size, &at,
                                             &a->blob) == TSS2_RC_SUCCESS &&
           at == blob.size &&
           Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(secret.data, secret.size,
                                                    &behind, &a->secret) ==
               TSS2_RC_SUCCESS &&
           behind == secret.size;
}

static enum rotor_status activate_with(struct linux_tpm *tpm, ESYS_TR session,
                                       const struct activation *a,
                                       struct rotor_room *credential)
{
    TPM2B_DIGEST *opened = NULL;
    TSS2_RC rc = Esys_ActivateCredential(
        tpm->esys, tpm->ak, tpm->ek, ESYS_TR_PASSWORD, session, ESYS_TR_NONE,
        &a->blob, &a->secret, &opened);
    if (rc != TSS2_RC_SUCCESS) {
        (void)fault(tpm, "credential", rc);
        return ROTOR_FORBIDDEN;
    }
    enum rotor_status status =
        bytes_copy(credential, bytes_of(opened->buffer, opened->size));
    secret_wipe(opened, sizeof *opened);
    Esys_Free(opened);
    return status;
}

enum rotor_status linux_tpm_activate(struct linux_tpm *tpm,
                                     struct rotor_bytes blob,
                                     struct rotor_bytes secret,
                                     struct rotor_room *credential)
{
    struct activation a; // ciphertexts, not wiped
    ESYS_TR session = ESYS_TR_NONE;
    credential->used = 0;
    if (!read_activation(&a, blob, secret)) {
        return ROTOR_INVALID;
    }
    enum rotor_status status = need(tpm, &ak_template, &tpm->ak);
    if (status == ROTOR_OK) {
        status = need(tpm, &ek_template, &tpm->ek);
    }
    if (status != ROTOR_OK) {
        return status;
    }
    TSS2_RC rc = open_session(tpm, &session);
    status = rc == TSS2_RC_SUCCESS ? activate_with(tpm, session, &a, credential)
                                   : fault(tpm, "session", rc);
    flush(tpm, &session);
    return status;
}
