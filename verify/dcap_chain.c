// SPDX-License-Identifier: Apache-2.0
// From what a quote carries and the caller gives to a PCK that Intel issued.
#include <string.h>

#include "base/bytes.h"
#include "verify/dcap_check.h"
#include "verify/der.h"
#include "verify/pem.h"

static bool fail(struct verify_dcap_check *check, const char *name,
                 const char *why)
{
    return verify_check(check->verdict, false,
                        &(struct verify_row){.check = name, .why = why});
}

// Reading a certificate costs more than checking it: the CAs are the same in
// every quote.
static enum rotor_status
find_given(const struct verify_dcap_endorsements *given, struct rotor_bytes der,
           struct crypto_certificate *found)
{
    for (size_t i = 0; i < given->certificate_count; i++) {
        struct crypto_certificate_facts facts;
        TRY(crypto_certificate_facts(&given->certificates[i], &facts));
        if (bytes_equal(facts.der, der)) {
            *found = given->certificates[i];
            return ROTOR_OK;
        }
    }
    return ROTOR_OK;
}

static enum rotor_status open_carried(struct verify_dcap_check *check,
                                      struct rotor_bytes der)
{
    if (check->carried_count == COUNT_OF(check->carried)) {
        return ROTOR_MALFORMED;
    }
    struct crypto_certificate *place = &check->carried[check->carried_count];
    TRY(find_given(check->endorsements, der, place));
    check->is_ours[check->carried_count] = place->impl == NULL;
    if (place->impl == NULL) {
        TRY(crypto_certificate_open(place, der));
    }
    check->carried_count++;
    return ROTOR_OK;
}

static enum rotor_status carried_pem(struct verify_dcap_check *check,
                                     struct rotor_bytes text)
{
    struct rotor_room room = ROOM_OF(check->work->chain);
    for (;;) {
        struct rotor_bytes der;
        enum rotor_status status =
            verify_pem_next(&text, LABEL("CERTIFICATE"), &room, &der);
        if (status == ROTOR_AGAIN) {
            return ROTOR_OK;
        }
        TRY(status);
        TRY(open_carried(check, der));
    }
}

static enum rotor_status carried_der(struct verify_dcap_check *check,
                                     struct rotor_bytes rest)
{
    while (rest.size != 0) {
        struct verify_der_element element;
        TRY(verify_der_next(&rest, &element));
        TRY(open_carried(check, element.whole));
    }
    return ROTOR_OK;
}

static enum rotor_status open_chain(struct verify_dcap_check *check)
{
    const struct verify_dcap_quote *quote = &check->work->quote;
    if (quote->certification_type < VERIFY_DCAP_PCK_LEAF) {
        return ROTOR_OK; // names the platform; the caller has the PCK
    }
    struct rotor_bytes data = quote->certification;
    bool is_der = data.size != 0 && data.data[0] == VERIFY_DER_SEQUENCE;
    TRY(is_der ? carried_der(check, data) : carried_pem(check, data));
    bool is_leaf = quote->certification_type == VERIFY_DCAP_PCK_LEAF;
    return is_leaf && check->carried_count != 1 ? ROTOR_MALFORMED : ROTOR_OK;
}

static bool is_intel_root(const uint8_t hash[32])
{
    return memcmp(hash, verify_dcap_intel_root.key_sha256, 32) == 0;
}

static enum rotor_status judge_root(const struct crypto_certificate *candidate,
                                    bool *is_root)
{
    struct crypto_certificate_facts facts;
    uint8_t hash[32];
    TRY(crypto_certificate_facts(candidate, &facts));
    TRY(crypto_hash(CRYPTO_SHA256, &facts.spki, 1, hash));
    return is_intel_root(hash)
               ? crypto_certificate_signs_itself(candidate, is_root)
               : ROTOR_OK;
}

// The anchor by the key of Intel's root, wherever a certificate of it is.
static enum rotor_status find_root(struct verify_dcap_check *check)
{
    check->chain.anchors = &check->root;
    for (size_t i = 0; i < check->pool_count; i++) {
        bool is_root = false;
        TRY(judge_root(&check->pool[i], &is_root));
        if (is_root) {
            check->root = check->pool[i];
            check->chain.anchor_count = 1;
            return ROTOR_OK;
        }
    }
    return ROTOR_OK;
}

static enum rotor_status find_anchors(struct verify_dcap_check *check,
                                      bool *passed)
{
    const struct verify_dcap_endorsements *given = check->endorsements;
    if (given->anchor_count != 0) {
        check->chain.anchors = given->anchors;
        check->chain.anchor_count = given->anchor_count;
        return ROTOR_OK;
    }
    TRY(find_root(check));
    struct verify_row row = {
        .check = "root",
        .expected = verify_bytes(BYTES_OF(verify_dcap_intel_root.key_sha256)),
        .why = "no certificate of the Intel SGX Root CA",
    };
    *passed =
        verify_check(check->verdict, check->chain.anchor_count != 0, &row);
    return ROTOR_OK;
}

static enum rotor_status fill_pool(struct verify_dcap_check *check)
{
    const struct verify_dcap_endorsements *given = check->endorsements;
    for (size_t i = 0; i < check->carried_count; i++) {
        check->pool[check->pool_count++] = check->carried[i];
    }
    for (size_t i = 0; i < given->certificate_count; i++) {
        check->pool[check->pool_count++] = given->certificates[i];
    }
    check->chain = (struct crypto_chain){
        .intermediates = check->pool,
        .intermediate_count = check->pool_count,
        .crls = given->crls,
        .crl_count = given->crl_count,
        .needs_crls = given->crl_count != 0,
        .now_s = check->now_s,
    };
    return ROTOR_OK;
}

enum rotor_status verify_dcap_collect(struct verify_dcap_check *check,
                                      bool *passed)
{
    if (check->endorsements->certificate_count > VERIFY_DCAP_GIVEN_MAX) {
        return ROTOR_INVALID;
    }
    if (check->work != NULL) {
        enum rotor_status status = open_chain(check);
        if (status == ROTOR_MALFORMED || status == ROTOR_TOO_SMALL) {
            *passed = fail(check, "certification data",
                           "the certificates do not parse");
            return ROTOR_OK;
        }
        TRY(status);
    }
    TRY(fill_pool(check));
    return find_anchors(check, passed);
}

static enum rotor_status read_platform(struct verify_dcap_check *check,
                                       bool *passed)
{
    struct verify_dcap_platform *platform = &check->work->platform;
    struct crypto_certificate_facts facts;
    struct rotor_bytes extension;
    TRY(crypto_certificate_facts(check->pck, &facts));
    enum rotor_status status = crypto_certificate_extension(
        check->pck, verify_dcap_platform_oid, &extension);
    if (status == ROTOR_OK) {
        status = verify_dcap_platform_read(extension, platform);
    }
    if (status == ROTOR_PORT_FAILED) {
        return status;
    }
    bool is_pck = status == ROTOR_OK && !facts.is_ca;
    struct verify_row row = {
        .check = "PCK certificate",
        .seen = verify_bytes(BYTES_OF(platform->fmspc)),
        .why = "not one that Intel issues for a platform",
    };
    *passed = verify_check(check->verdict, is_pck, &row);
    return ROTOR_OK;
}

static enum rotor_status note_root(struct verify_dcap_check *check,
                                   size_t anchor)
{
    uint8_t *hash = check->work->root_key_sha256;
    struct crypto_certificate_facts facts;
    TRY(crypto_certificate_facts(&check->chain.anchors[anchor], &facts));
    TRY(crypto_hash(CRYPTO_SHA256, &facts.spki, 1, hash));
    check->is_under_intel = is_intel_root(hash);
    verify_skip(check->verdict,
                &(struct verify_row){.check = "root key",
                                     .seen = verify_bytes(BYTES_OF(
                                         check->work->root_key_sha256))});
    return ROTOR_OK;
}

static enum rotor_status check_chain(struct verify_dcap_check *check,
                                     bool *passed)
{
    struct crypto_chain_verdict verdict = {0};
    TRY(crypto_chain_verify(check->pck, &check->chain, &verdict));
    struct verify_row row = {
        .check = "PCK chain",
        .seen = verify_text(crypto_chain_fault_text(verdict.fault)),
        .why = crypto_chain_fault_text(verdict.fault),
    };
    *passed =
        verify_check(check->verdict, verdict.fault == CRYPTO_CHAIN_GOOD, &row);
    if (check->endorsements->crl_count == 0) {
        verify_skip(check->verdict,
                    &(struct verify_row){
                        .check = "revocation",
                        .seen = verify_text("no revocation lists given")});
    }
    return *passed ? note_root(check, verdict.anchor) : ROTOR_OK;
}

// The one that is no CA: chains come leaf first, and also root first.
static enum rotor_status find_pck(struct verify_dcap_check *check)
{
    check->pck = check->carried_count != 0 ? NULL : check->endorsements->pck;
    for (size_t i = 0; i < check->carried_count && check->pck == NULL; i++) {
        struct crypto_certificate_facts facts;
        TRY(crypto_certificate_facts(&check->carried[i], &facts));
        check->pck = facts.is_ca ? NULL : &check->carried[i];
    }
    return ROTOR_OK;
}

enum rotor_status verify_dcap_check_pck(struct verify_dcap_check *check,
                                        bool *passed)
{
    TRY(find_pck(check));
    if (check->pck == NULL) {
        *passed = fail(check, "PCK certificate",
                       "the quote carries none, and none was given");
        return ROTOR_OK;
    }
    TRY(read_platform(check, passed));
    return *passed ? check_chain(check, passed) : ROTOR_OK;
}

void verify_dcap_close(struct verify_dcap_check *check)
{
    for (size_t i = 0; i < check->signer_count; i++) {
        crypto_verifier_close(&check->signers[i].key);
    }
    crypto_verifier_close(&check->pck_key);
    for (size_t i = 0; i < check->carried_count; i++) {
        if (check->is_ours[i]) {
            crypto_certificate_close(&check->carried[i]);
        }
    }
}
