// SPDX-License-Identifier: Apache-2.0
// The attester against a TPM in software, and the verifier against both.
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/bytes.h"
#include "endorse/tpm_credential.h"
#include "port/linux/tpm.h"
#include "test/spec.h"
#include "test/spec/eventlog_maker.h"
#include "test/spec/software_tpm.h"
#include "test/spec/tpm_maker.h"
#include "verify/tpm.h"

#define FIRMWARE 0xffu // registers 0 to 7

static const uint8_t REPORT_DATA[64] = {0x17, 2, 3};

static struct software_tpm software;
static struct linux_tpm tpm;
static struct linux_tpm_quote quote;
static struct linux_tpm_part ak;
static struct verify_pcrs pcrs;
static struct verify_tpm_work work;
static struct verify_verdict verdict;

static void open_tpm(void)
{
    enum rotor_status status = linux_tpm_open(&tpm, software.tcti);
    if (status != ROTOR_OK) {
        print_message("%s\n", tpm.fault);
    }
    assert_ok(status);
}

static struct rotor_bytes part(const struct linux_tpm_part *p)
{
    return bytes_of(p->bytes, p->size);
}

static void take_values(void)
{
    memset(&pcrs, 0, sizeof pcrs);
    pcrs.bank_count = 1;
    pcrs.banks[0].algorithm = VERIFY_TPM_SHA256;
    pcrs.banks[0].size = LINUX_TPM_VALUE;
    pcrs.banks[0].known = quote.registers;
    for (unsigned pcr = 0; pcr < LINUX_TPM_REGISTERS; pcr++) {
        memcpy(pcrs.banks[0].values[pcr], quote.values[pcr], LINUX_TPM_VALUE);
    }
}

static void attest(uint32_t registers)
{
    assert_ok(linux_tpm_ak(&tpm, &ak));
    assert_ok(linux_tpm_quote(&tpm, registers, REPORT_DATA, &quote));
    take_values();
}

// Judged as `name` vouches; without a name the key itself is pinned.
static bool is_accepted(struct rotor_bytes name, struct rotor_bytes log)
{
    struct verify_tpm_public key;
    uint8_t memory[VERIFY_TPM_SPKI_MAX];
    struct rotor_room spki = ROOM_OF(memory);
    const struct verify_tpm_evidence evidence = {
        .quote = part(&quote.attest),
        .signature = part(&quote.signature),
        .ak_public = part(&ak),
        .pcrs = log.size != 0 ? NULL : &pcrs,
        .event_log = log,
    };
    const struct verify_pcr_selection selection = {
        .count = 1, .banks[0] = {VERIFY_TPM_SHA256, quote.registers}
    };
    struct verify_tpm_trust trust = {.selection = &selection, .ak_name = name};
    const struct verify_asked asked = {.report_data = BYTES_OF(REPORT_DATA)};
    if (name.size == 0) {
        assert_ok(verify_tpm_public_decode(part(&ak), &key));
        assert_ok(verify_tpm_spki(&key, &spki));
        trust.ak_spki = bytes_in(&spki);
    }
    assert_ok(verify_tpm(&evidence, &trust, &asked, &work, &verdict));
    return verify_verdict_is_accepted(&verdict);
}

static const struct rotor_bytes nothing;

SPEC("a quote of the device is accepted under its key")
{
    SOFTWARE_TPM_OR_SKIP(&software);
    open_tpm();
    attest(FIRMWARE | 1u << 10 | 1u << 23);
    assert_true(is_accepted(nothing, nothing));
    assert_int_equal(verdict.bound, VERIFY_YES);
    assert_int_equal(
        verify_row_named(&verdict, "attestation key attributes")->finding,
        VERIFY_PASSED);
    linux_tpm_close(&tpm);
    software_tpm_stop(&software);
}

SPEC("the attestation key is the same after a restart, and of another TPM "
     "another")
{
    struct linux_tpm_part first;
    SOFTWARE_TPM_OR_SKIP(&software);
    open_tpm();
    assert_ok(linux_tpm_ak(&tpm, &first));
    linux_tpm_close(&tpm);
    software_tpm_restart(&software);
    open_tpm();
    assert_ok(linux_tpm_ak(&tpm, &ak));
    assert_true(bytes_equal(part(&first), part(&ak)));
    linux_tpm_close(&tpm);
    software_tpm_stop(&software);
    SOFTWARE_TPM_OR_SKIP(&software);
    open_tpm();
    assert_ok(linux_tpm_ak(&tpm, &ak));
    assert_false(bytes_equal(part(&first), part(&ak)));
    linux_tpm_close(&tpm);
    software_tpm_stop(&software);
}

SPEC("a register that was extended since makes the old values refused")
{
    static struct verify_pcrs before;
    SOFTWARE_TPM_OR_SKIP(&software);
    open_tpm();
    attest(FIRMWARE);
    before = pcrs;
    linux_tpm_close(&tpm);
    software_tpm_run(&software, "tpm2_pcrextend 4:sha256=%064d", 7);
    open_tpm();
    attest(FIRMWARE);
    assert_true(is_accepted(nothing, nothing));
    pcrs = before;
    assert_false(is_accepted(nothing, nothing));
    assert_string_equal(verdict.reason, "the quote is of other values");
    linux_tpm_close(&tpm);
    software_tpm_stop(&software);
}

SPEC("the log of what the TPM was told leads to its quote, one event less does "
     "not")
{
    static const struct made_bank bank = {VERIFY_TPM_SHA256, 32};
    struct made_log log = {.size = 0};
    SOFTWARE_TPM_OR_SKIP(&software);
    add_spec_id(&log, &bank, 1, bytes_of("", 0));
    for (uint8_t pcr = 0; pcr < 8; pcr++) {
        char digest[65];
        memset(digest, '1' + pcr, 64);
        digest[64] = '\0';
        software_tpm_run(&software, "tpm2_pcrextend %u:sha256=%s", pcr, digest);
        add_event(&log, (const uint32_t[2]){pcr, 1}, &bank, 1,
                  (uint8_t)(0x11 * (1 + pcr)));
    }
    open_tpm();
    attest(FIRMWARE | 1u << 17);
    assert_true(is_accepted(nothing, made(&log)));
    log.size -= 50;
    assert_false(is_accepted(nothing, made(&log)));
    linux_tpm_close(&tpm);
    software_tpm_stop(&software);
}

static void name_of(const struct linux_tpm_part *area, struct rotor_room *name)
{
    struct verify_tpm_public key;
    assert_ok(verify_tpm_public_decode(part(area), &key));
    assert_ok(verify_tpm_name(&key, name));
}

static enum rotor_status activate(const struct endorse_tpm_credential *made_for,
                                  struct rotor_room *opened)
{
    return linux_tpm_activate(
        &tpm, bytes_of(made_for->blob, made_for->blob_size),
        bytes_of(made_for->secret, made_for->secret_size), opened);
}

SPEC("a credential opens where its EK and its AK are, and then vouches for the "
     "AK")
{
    static const uint8_t challenge[32] = {9, 8, 7};
    struct endorse_tpm_credential credential;
    struct linux_tpm_part ek;
    uint8_t memory[VERIFY_TPM_NAME_MAX];
    uint8_t secret[64];
    struct rotor_room name = ROOM_OF(memory);
    struct rotor_room opened = ROOM_OF(secret);
    SOFTWARE_TPM_OR_SKIP(&software);
    open_tpm();
    attest(FIRMWARE);
    assert_ok(linux_tpm_ek(&tpm, &ek));
    name_of(&ak, &name);
    assert_ok(endorse_tpm_credential_make(part(&ek), bytes_in(&name), challenge,
                                          &credential));
    assert_ok(activate(&credential, &opened));
    assert_true(bytes_equal(bytes_in(&opened), BYTES_OF(challenge)));
    assert_true(is_accepted(bytes_in(&name), nothing));

    // One bit anywhere, and it does not open.
    for (size_t i = 2; i < credential.blob_size; i += 9) {
        credential.blob[i] ^= 1;
        assert_int_not_equal(activate(&credential, &opened), ROTOR_OK);
        assert_int_equal(opened.used, 0);
        credential.blob[i] ^= 1;
    }
    assert_ok(activate(&credential, &opened));

    // For another key of the same TPM.
    memory[33] ^= 1;
    assert_ok(endorse_tpm_credential_make(part(&ek), bytes_in(&name), challenge,
                                          &credential));
    assert_int_equal(activate(&credential, &opened), ROTOR_FORBIDDEN);
    linux_tpm_close(&tpm);
    software_tpm_stop(&software);
}

SPEC("a credential for another TPM does not open")
{
    static const uint8_t challenge[32] = {9, 8, 7};
    struct endorse_tpm_credential credential;
    struct linux_tpm_part ek;
    uint8_t memory[VERIFY_TPM_NAME_MAX];
    uint8_t secret[64];
    struct rotor_room name = ROOM_OF(memory);
    struct rotor_room opened = ROOM_OF(secret);
    SOFTWARE_TPM_OR_SKIP(&software);
    open_tpm();
    assert_ok(linux_tpm_ek(&tpm, &ek));
    linux_tpm_close(&tpm);
    software_tpm_stop(&software);
    SOFTWARE_TPM_OR_SKIP(&software);
    open_tpm();
    assert_ok(linux_tpm_ak(&tpm, &ak));
    name_of(&ak, &name);
    assert_ok(endorse_tpm_credential_make(part(&ek), bytes_in(&name), challenge,
                                          &credential));
    assert_int_equal(activate(&credential, &opened), ROTOR_FORBIDDEN);
    linux_tpm_close(&tpm);
    software_tpm_stop(&software);
}

SPEC("what no key can be made for gets no credential")
{
    static const uint8_t challenge[32] = {1};
    static const uint8_t name[34] = {0, 0x0b};
    struct endorse_tpm_credential credential;
    struct made_bytes area;
    EVP_PKEY *ec = made_ec("P-256");
    const struct made_area storage = {MADE_EK_ATTRIBUTES, VERIFY_TPM_NULL, 0};
    const struct made_area signing = {MADE_AK_ATTRIBUTES, VERIFY_TPM_NULL, 0};
    made_public(ec, &storage, &area);
    assert_int_equal(endorse_tpm_credential_make(made_view(&area),
                                                 BYTES_OF(name), challenge,
                                                 &credential),
                     ROTOR_MALFORMED);
    made_public(made_rsa(), &signing, &area); // without a cipher
    assert_int_equal(endorse_tpm_credential_make(made_view(&area),
                                                 BYTES_OF(name), challenge,
                                                 &credential),
                     ROTOR_MALFORMED);
    made_public(made_rsa(), &storage, &area);
    assert_int_equal(endorse_tpm_credential_make(made_view(&area),
                                                 bytes_of(name, 33), challenge,
                                                 &credential),
                     ROTOR_MALFORMED);
    assert_ok(endorse_tpm_credential_make(made_view(&area), BYTES_OF(name),
                                          challenge, &credential));
    EVP_PKEY_free(ec);
}

// ---- the certificate of the EK ---------------------------------------------

static EVP_PKEY *key_of(const struct linux_tpm_part *area)
{
    struct verify_tpm_public key;
    uint8_t memory[VERIFY_TPM_SPKI_MAX];
    struct rotor_room spki = ROOM_OF(memory);
    assert_ok(verify_tpm_public_decode(part(area), &key));
    assert_ok(verify_tpm_spki(&key, &spki));
    const uint8_t *at = spki.data;
    EVP_PKEY *made = d2i_PUBKEY(NULL, &at, (long)spki.used);
    assert_non_null(made);
    return made;
}

// As a vendor would: into NV, in an index that is longer than the certificate.
static void leave_certificate(const struct made_bytes *der)
{
    char path[100];
    snprintf(path, sizeof path, "%s/certificate", software.folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(der->bytes, 1, der->size, file), der->size);
    fclose(file);
    software_tpm_run(&software,
                     "tpm2_nvdefine 0x01c00002 -C o -s %zu -a "
                     "'ownerread|ownerwrite|authread' && tpm2_nvwrite "
                     "0x01c00002 -C o -i %s",
                     der->size + 100, path);
}

SPEC("the EK's certificate is read from NV and is judged with its key")
{
    struct linux_tpm_part ek;
    struct made_bytes root_der;
    struct made_bytes der;
    struct crypto_certificate root = {0};
    struct crypto_certificate leaf = {0};
    uint8_t memory[LINUX_TPM_CERTIFICATE_MAX];
    struct rotor_room read = ROOM_OF(memory);
    EVP_PKEY *root_key = made_ec("P-256");
    SOFTWARE_TPM_OR_SKIP(&software);
    open_tpm();
    assert_ok(linux_tpm_ek_certificate(&tpm, &read));
    assert_int_equal(read.used, 0);
    assert_ok(linux_tpm_ek(&tpm, &ek));
    linux_tpm_close(&tpm);
    EVP_PKEY *ek_key = key_of(&ek);
    made_certificate(root_key, root_key,
                     &(struct made_names){"vendor", "vendor", NULL, true},
                     &root_der);
    made_certificate(
        ek_key, root_key,
        &(struct made_names){"ek", "vendor", "2.23.133.8.1", false}, &der);
    leave_certificate(&der);
    open_tpm();
    assert_ok(linux_tpm_ek_certificate(&tpm, &read));
    assert_true(bytes_equal(bytes_in(&read), made_view(&der)));
    assert_ok(crypto_certificate_open(&root, made_view(&root_der)));
    assert_ok(crypto_certificate_open(&leaf, bytes_in(&read)));
    const struct crypto_chain chain = {
        .anchors = &root, .anchor_count = 1, .now_s = 1800000000};
    const struct verify_tpm_ek both = {part(&ek), &leaf};
    verify_begin(&verdict, VERIFY_BACKEND_TPM);
    assert_ok(verify_tpm_endorsement(&both, &chain, &work, &verdict));
    verify_conclude(&verdict);
    assert_true(verify_verdict_is_accepted(&verdict));
    crypto_certificate_close(&root);
    crypto_certificate_close(&leaf);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(ek_key);
    linux_tpm_close(&tpm);
    software_tpm_stop(&software);
}

// ---- what is not there -----------------------------------------------------

SPEC("no TPM is a fault with a reason; registers that no TPM has are a mistake")
{
    setenv("TSS2_LOG", "all+NONE", 1);
    assert_int_equal(linux_tpm_open(&tpm, "device:/dev/null/none"),
                     ROTOR_PORT_FAILED);
    assert_true(strncmp(tpm.fault, "no TPM", 6) == 0);
    linux_tpm_close(&tpm);
    assert_int_equal(linux_tpm_quote(&tpm, 0, REPORT_DATA, &quote),
                     ROTOR_INVALID);
    assert_int_equal(linux_tpm_quote(&tpm, 1u << 24, REPORT_DATA, &quote),
                     ROTOR_INVALID);
}

SPEC("a TPM that ends in mid-talk is a fault, not a hang")
{
    SOFTWARE_TPM_OR_SKIP(&software);
    open_tpm();
    assert_ok(linux_tpm_ak(&tpm, &ak));
    software_tpm_stop(&software);
    assert_int_equal(linux_tpm_quote(&tpm, FIRMWARE, REPORT_DATA, &quote),
                     ROTOR_PORT_FAILED);
    linux_tpm_close(&tpm);
}
