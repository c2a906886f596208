// SPDX-License-Identifier: Apache-2.0
// SGX and TDX: a quote of a real processor with its PCK chain, two revocation
// lists, TCB info and QE identity.  The reference takes five keys in once and
// checks ten signatures: root, CA, PCK, TCB signing, two lists, report of the
// quoting enclave, quote, TCB info, QE identity.
#include "bench/verify.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/bytes.h"
#include "bench/tally.h"
#include "endorse/intel_json.h"
#include "verify/der.h"
#include "verify/pem.h"
#include "verify/sgx.h"
#include "verify/tdx.h"

#define FOLDER "sgx-tdx/phala-dcap-qvl/"

// A signature that is checked, and the key that it is checked with.
struct check {
    size_t key;
    enum crypto_signature_form form;
    struct rotor_bytes message;
    struct rotor_bytes signature;
};

enum { ROOT, CA, PCK, TCB, SPKI_COUNT };
#define CHECKS 9u // and the quote, by a key in another form

struct rig {
    struct rotor_bytes quote;
    json_t *collection;
    struct crypto_certificate certificates[8]; // CA, root, TCB signing, root ..
    size_t certificate_count;
    struct crypto_certificate pck;
    struct crypto_crl crls[2];
    uint8_t bytes[2][8192]; // of the lists
    struct verify_dcap_tcb_info info;
    struct verify_dcap_qe_identity identity;
    struct verify_dcap_endorsements given;
    struct verify_asked asked;
    struct rotor_bytes keys[SPKI_COUNT];
    struct check checks[CHECKS];
};

static struct rig rig;
static struct verify_verdict verdict;
static struct verify_dcap_work work;
static uint8_t der[16384];

// ---- what is measured on ---------------------------------------------------

static struct rotor_bytes text_of(const char *key)
{
    const char *text = json_string_value(json_object_get(rig.collection, key));
    tally_expect(text != NULL, "the collection lacks a text");
    return bytes_of(text, strlen(text));
}

static void add_chain(const char *key)
{
    struct rotor_bytes text = text_of(key);
    struct rotor_room room = ROOM_OF(der);
    struct rotor_bytes one;
    while (verify_pem_next(&text, LABEL("CERTIFICATE"), &room, &one) ==
           ROTOR_OK) {
        tally_expect(
            crypto_certificate_open(&rig.certificates[rig.certificate_count++],
                                    one) == ROTOR_OK,
            "a certificate does not parse");
    }
}

static struct rotor_bytes unhex(const char *key, uint8_t *out)
{
    struct rotor_bytes text = text_of(key);
    for (size_t i = 0; i < text.size / 2; i++) {
        unsigned byte = 0;
        tally_expect(sscanf((const char *)text.data + 2 * i, "%2x", &byte) == 1,
                     "not hexadecimal");
        out[i] = (uint8_t)byte;
    }
    return bytes_of(out, text.size / 2);
}

static struct endorse_intel_envelope envelope_of(enum endorse_intel_kind kind,
                                                 const char *body,
                                                 const char *signature)
{
    struct endorse_intel_envelope envelope = {.kind = kind,
                                              .body = text_of(body)};
    (void)unhex(signature, envelope.signature);
    return envelope;
}

static void load_statements(void)
{
    struct endorse_intel_envelope info =
        envelope_of(ENDORSE_INTEL_TCB_INFO, "tcb_info", "tcb_info_signature");
    struct endorse_intel_envelope identity = envelope_of(
        ENDORSE_INTEL_QE_IDENTITY, "qe_identity", "qe_identity_signature");
    tally_expect(endorse_intel_tcb_info(&info, &rig.info) == ROTOR_OK &&
                     endorse_intel_qe_identity(&identity, &rig.identity) ==
                         ROTOR_OK,
                 "a statement does not parse");
    int64_t a = rig.info.statement.issued_s;
    int64_t b = rig.identity.statement.issued_s;
    rig.asked.now_s = (a > b ? a : b) + 1;
}

static bool load(const char *quote, const char *collection)
{
    rig = (struct rig){.quote = verify_file(quote)};
    struct rotor_bytes text = verify_file(collection);
    if (rig.quote.size == 0 || text.size == 0) {
        return false;
    }
    rig.collection = json_loadb((const char *)text.data, text.size,
                                JSON_REJECT_DUPLICATES, NULL);
    add_chain("pck_crl_issuer_chain");
    add_chain("tcb_info_issuer_chain");
    tally_expect(
        crypto_crl_open(&rig.crls[0], unhex("root_ca_crl", rig.bytes[0])) ==
                ROTOR_OK &&
            crypto_crl_open(&rig.crls[1], unhex("pck_crl", rig.bytes[1])) ==
                ROTOR_OK,
        "a revocation list does not parse");
    load_statements();
    rig.given = (struct verify_dcap_endorsements){
        .certificates = rig.certificates,
        .certificate_count = rig.certificate_count,
        .crls = rig.crls,
        .crl_count = 2,
        .tcb_infos = &rig.info,
        .tcb_info_count = 1,
        .qe_identities = &rig.identity,
        .qe_identity_count = 1,
    };
    return true;
}

static void unload(void)
{
    for (size_t i = 0; i < rig.certificate_count; i++) {
        crypto_certificate_close(&rig.certificates[i]);
    }
    crypto_certificate_close(&rig.pck);
    crypto_crl_close(&rig.crls[0]);
    crypto_crl_close(&rig.crls[1]);
    json_decref(rig.collection);
}

// ---- ours ------------------------------------------------------------------

static void verify(void)
{
    bool is_tdx = verify_dcap_backend(rig.quote) == VERIFY_BACKEND_TDX;
    enum rotor_status status = (is_tdx ? verify_tdx : verify_sgx)(
        &verdict, rig.quote, &rig.given, &rig.asked, &work);
    tally_expect(status == ROTOR_OK && verify_verdict_is_accepted(&verdict),
                 verdict.reason);
}

// ---- the reference ---------------------------------------------------------

// Certificates and lists alike: SEQUENCE of what is signed, algorithm, bits.
static struct check signature_in(struct rotor_bytes whole, size_t key)
{
    struct rotor_bytes rest;
    struct rotor_bytes bits = {0};
    struct verify_der_element signed_part = {0};
    struct verify_der_element algorithm;
    tally_expect(
        verify_der_take(&whole, VERIFY_DER_SEQUENCE, &rest) == ROTOR_OK &&
            verify_der_next(&rest, &signed_part) == ROTOR_OK &&
            verify_der_next(&rest, &algorithm) == ROTOR_OK &&
            verify_der_take(&rest, VERIFY_DER_BITS, &bits) == ROTOR_OK &&
            bits.size > 1,
        "a certificate does not come apart");
    return (struct check){
        .key = key,
        .form = CRYPTO_SIGNATURE_ECDSA_DER,
        .message = signed_part.whole,
        .signature = bytes_of(bits.data + 1, bits.size - 1),
    };
}

static struct check raw(struct rotor_bytes message,
                        struct rotor_bytes signature, size_t key)
{
    return (struct check){key, CRYPTO_SIGNATURE_ECDSA_RAW, message, signature};
}

static struct crypto_certificate_facts
facts_of(const struct crypto_certificate *certificate)
{
    struct crypto_certificate_facts facts = {0};
    tally_expect(crypto_certificate_facts(certificate, &facts) == ROTOR_OK,
                 "a certificate has no facts");
    return facts;
}

static struct rotor_bytes crl_der(size_t index)
{
    struct crypto_crl_facts facts = {0};
    tally_expect(crypto_crl_facts(&rig.crls[index], &facts) == ROTOR_OK,
                 "a list has no facts");
    return facts.der;
}

static void lay_out_reference(void)
{
    struct rotor_bytes text = work.quote.certification;
    struct rotor_room room = ROOM_OF(der);
    struct rotor_bytes leaf = {0};
    tally_expect(verify_pem_next(&text, LABEL("CERTIFICATE"), &room, &leaf) ==
                         ROTOR_OK &&
                     crypto_certificate_open(&rig.pck, leaf) == ROTOR_OK,
                 "the PCK does not parse");
    struct crypto_certificate_facts ca = facts_of(&rig.certificates[0]);
    struct crypto_certificate_facts root = facts_of(&rig.certificates[1]);
    struct crypto_certificate_facts tcb = facts_of(&rig.certificates[2]);
    struct crypto_certificate_facts pck = facts_of(&rig.pck);
    rig.keys[ROOT] = root.spki;
    rig.keys[CA] = ca.spki;
    rig.keys[PCK] = pck.spki;
    rig.keys[TCB] = tcb.spki;
    const struct check checks[CHECKS] = {
        signature_in(root.der, ROOT),
        signature_in(ca.der, ROOT),
        signature_in(pck.der, CA),
        signature_in(tcb.der, ROOT),
        signature_in(crl_der(0), ROOT),
        signature_in(crl_der(1), CA),
        raw(work.quote.qe_report, work.quote.qe_signature, PCK),
        raw(rig.info.statement.body, BYTES_OF(rig.info.statement.signature),
            TCB),
        raw(rig.identity.statement.body,
            BYTES_OF(rig.identity.statement.signature), TCB),
    };
    memcpy(rig.checks, checks, sizeof checks);
}

static bool quote_is_signed(void)
{
    struct crypto_key key = {0};
    bool is_valid = false;
    bool ok = crypto_key_import_public(&key, CRYPTO_P256, work.quote.key) ==
                  ROTOR_OK &&
              crypto_verify(&key, work.quote.signed_part, work.quote.signature,
                            &is_valid) == ROTOR_OK;
    crypto_key_close(&key);
    return ok && is_valid;
}

static void check_signatures(void)
{
    struct crypto_verifier keys[SPKI_COUNT] = {{0}};
    bool all = quote_is_signed();
    for (size_t i = 0; i < SPKI_COUNT; i++) {
        all &= crypto_verifier_open(&keys[i], rig.keys[i]) == ROTOR_OK;
    }
    for (size_t i = 0; i < CHECKS; i++) {
        const struct check *check = &rig.checks[i];
        bool is_valid = false;
        all &= crypto_verifier_check(&keys[check->key], check->form,
                                     CRYPTO_SHA256, check->message,
                                     check->signature, &is_valid) == ROTOR_OK &&
               is_valid;
    }
    for (size_t i = 0; i < SPKI_COUNT; i++) {
        crypto_verifier_close(&keys[i]);
    }
    tally_expect(all, "a signature of the reference does not verify");
}

// ---- the cases -------------------------------------------------------------

static const char *open_rig(const char *quote, const char *collection)
{
    if (!load(quote, collection)) {
        return "no vectors";
    }
    verify();
    lay_out_reference();
    return NULL;
}

static const char *open_sgx(void)
{
    return open_rig(FOLDER "sgx_quote", FOLDER "sgx_quote_collateral.json");
}

static const char *open_tdx(void)
{
    return open_rig(FOLDER "tdx_quote", FOLDER "tdx_quote_collateral.json");
}

const struct verify_case verify_case_sgx = {"sgx", open_sgx, verify,
                                            check_signatures, unload};
const struct verify_case verify_case_tdx = {"tdx", open_tdx, verify,
                                            check_signatures, unload};
