// SPDX-License-Identifier: Apache-2.0
#include "endorse/opened.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "endorse/intel_json.h"

static size_t count_of(const struct endorse_set *set, enum endorse_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++) {
        count += set->items[i].kind == kind ? 1 : 0;
    }
    return count;
}

static enum rotor_status make_room(const struct endorse_set *set,
                                   struct endorse_opened *opened)
{
    size_t certificates = count_of(set, ENDORSE_CERTIFICATE) + 1;
    size_t crls = count_of(set, ENDORSE_CRL) + 1;
    size_t infos = count_of(set, ENDORSE_TCB_INFO) + 1;
    size_t identities = count_of(set, ENDORSE_QE_IDENTITY) + 1;
    opened->certificates = calloc(certificates, sizeof *opened->certificates);
    opened->facts = calloc(certificates, sizeof *opened->facts);
    opened->keys = calloc(certificates, sizeof *opened->keys);
    opened->crls = calloc(crls, sizeof *opened->crls);
    opened->crl_facts = calloc(crls, sizeof *opened->crl_facts);
    opened->tcb_infos = calloc(infos, sizeof *opened->tcb_infos);
    opened->qe_identities = calloc(identities, sizeof *opened->qe_identities);
    bool has_room = opened->certificates != NULL && opened->facts != NULL &&
                    opened->keys != NULL && opened->crls != NULL &&
                    opened->crl_facts != NULL && opened->tcb_infos != NULL &&
                    opened->qe_identities != NULL;
    return has_room ? ROTOR_OK : ROTOR_PORT_FAILED;
}

// ---- kinds -----------------------------------------------------------------

static enum rotor_status open_certificate(struct rotor_bytes der,
                                          struct endorse_opened *opened)
{
    size_t at = opened->certificate_count;
    struct crypto_certificate_facts *facts = &opened->facts[at];
    TRY(crypto_certificate_open(&opened->certificates[at], der));
    opened->certificate_count++; // from here on it is closed with the others
    TRY(crypto_certificate_facts(&opened->certificates[at], facts));
    return crypto_hash(CRYPTO_SHA256, &facts->spki, 1, opened->keys[at]);
}

static enum rotor_status open_crl(struct rotor_bytes der,
                                  struct endorse_opened *opened)
{
    size_t at = opened->crl_count;
    TRY(crypto_crl_open(&opened->crls[at], der));
    opened->crl_count++;
    return crypto_crl_facts(&opened->crls[at], &opened->crl_facts[at]);
}

static bool is_current(const struct verify_dcap_statement *said, int64_t now_s)
{
    return said->issued_s <= now_s && now_s <= said->next_s;
}

static bool is_better(const struct verify_dcap_statement *a,
                      const struct verify_dcap_statement *b, int64_t now_s)
{
    bool a_is_current = is_current(a, now_s);
    bool b_is_current = is_current(b, now_s);
    return a_is_current != b_is_current ? a_is_current
                                        : a->issued_s > b->issued_s;
}

static enum rotor_status open_tcb_info(struct rotor_bytes text, int64_t now_s,
                                       struct endorse_opened *opened)
{
    struct endorse_intel_envelope envelope;
    struct verify_dcap_tcb_info *fresh =
        &opened->tcb_infos[opened->tcb_info_count];
    TRY(endorse_intel_read(text, &envelope));
    TRY(endorse_intel_tcb_info(&envelope, fresh));
    for (size_t i = 0; i < opened->tcb_info_count; i++) {
        struct verify_dcap_tcb_info *other = &opened->tcb_infos[i];
        bool is_same =
            other->tee == fresh->tee &&
            memcmp(other->fmspc, fresh->fmspc, sizeof other->fmspc) == 0 &&
            memcmp(other->pceid, fresh->pceid, sizeof other->pceid) == 0;
        if (is_same) {
            if (is_better(&fresh->statement, &other->statement, now_s)) {
                *other = *fresh;
            }
            return ROTOR_OK;
        }
    }
    opened->tcb_info_count++;
    return ROTOR_OK;
}

static enum rotor_status open_qe_identity(struct rotor_bytes text,
                                          int64_t now_s,
                                          struct endorse_opened *opened)
{
    struct endorse_intel_envelope envelope;
    struct verify_dcap_qe_identity *fresh =
        &opened->qe_identities[opened->qe_identity_count];
    TRY(endorse_intel_read(text, &envelope));
    TRY(endorse_intel_qe_identity(&envelope, fresh));
    for (size_t i = 0; i < opened->qe_identity_count; i++) {
        struct verify_dcap_qe_identity *other = &opened->qe_identities[i];
        if (other->enclave == fresh->enclave) {
            if (is_better(&fresh->statement, &other->statement, now_s)) {
                *other = *fresh;
            }
            return ROTOR_OK;
        }
    }
    opened->qe_identity_count++;
    return ROTOR_OK;
}

static enum rotor_status open_item(const struct endorse_item *item,
                                   int64_t now_s, struct endorse_opened *opened)
{
    switch (item->kind) {
    case ENDORSE_CERTIFICATE:
        return open_certificate(item->bytes, opened);
    case ENDORSE_CRL:
        return open_crl(item->bytes, opened);
    case ENDORSE_TCB_INFO:
        return open_tcb_info(item->bytes, now_s, opened);
    case ENDORSE_QE_IDENTITY:
        return open_qe_identity(item->bytes, now_s, opened);
    case ENDORSE_KEY:
    case ENDORSE_NONE:
    case ENDORSE_KIND_COUNT:
        break;
    }
    return ROTOR_OK;
}

void endorse_opened_close(struct endorse_opened *opened)
{
    for (size_t i = 0; i < opened->certificate_count; i++) {
        crypto_certificate_close(&opened->certificates[i]);
    }
    for (size_t i = 0; i < opened->crl_count; i++) {
        crypto_crl_close(&opened->crls[i]);
    }
    free(opened->certificates);
    free(opened->facts);
    free(opened->keys);
    free(opened->crls);
    free(opened->crl_facts);
    free(opened->tcb_infos);
    free(opened->qe_identities);
    *opened = (struct endorse_opened){0};
}

enum rotor_status endorse_open(const struct endorse_set *set, int64_t now_s,
                               struct endorse_opened *opened)
{
    *opened = (struct endorse_opened){.now_s = now_s};
    enum rotor_status status = make_room(set, opened);
    for (size_t i = 0; status == ROTOR_OK && i < set->count; i++) {
        status = open_item(&set->items[i], now_s, opened);
    }
    if (status != ROTOR_OK) {
        endorse_opened_close(opened);
    }
    return status;
}

// ---- families --------------------------------------------------------------

static bool is_listed(const struct endorse_lineage *lineage,
                      const uint8_t key[32])
{
    for (size_t i = 0; i < lineage->key_count; i++) {
        if (memcmp(lineage->keys[i], key, 32) == 0) {
            return true;
        }
    }
    return false;
}

static bool names_issuer(const struct endorse_lineage *lineage,
                         struct rotor_bytes issuer)
{
    return lineage->issuer != NULL && issuer.size != 0 &&
           memmem(issuer.data, issuer.size, lineage->issuer,
                  strlen(lineage->issuer)) != NULL;
}

// A member issued it, as far as names tell.
static bool is_child(const struct endorse_opened *opened, const bool *is_in,
                     struct rotor_bytes issuer)
{
    for (size_t i = 0; i < opened->certificate_count; i++) {
        if (is_in[i] && bytes_equal(opened->facts[i].subject, issuer)) {
            return true;
        }
    }
    return false;
}

static void mark_members(const struct endorse_opened *opened,
                         const struct endorse_lineage *lineage, bool *is_in)
{
    bool has_grown = true;
    while (has_grown) {
        has_grown = false;
        for (size_t i = 0; i < opened->certificate_count; i++) {
            struct rotor_bytes issuer = opened->facts[i].issuer;
            bool is_member = is_listed(lineage, opened->keys[i]) ||
                             names_issuer(lineage, issuer) ||
                             is_child(opened, is_in, issuer);
            if (is_member && !is_in[i]) {
                is_in[i] = true;
                has_grown = true;
            }
        }
    }
}

static void take_certificate(const struct endorse_opened *opened, size_t which,
                             const struct endorse_lineage *lineage,
                             struct endorse_family *family)
{
    const struct crypto_certificate *certificate = &opened->certificates[which];
    struct rotor_bytes value = {0};
    bool is_leaf = lineage->leaf_oid.size != 0 &&
                   crypto_certificate_extension(certificate, lineage->leaf_oid,
                                                &value) == ROTOR_OK &&
                   value.size != 0;
    if (is_leaf && family->leaf_count < ENDORSE_FAMILY_MAX) {
        family->leaves[family->leaf_count++] = *certificate;
    } else if (!is_leaf && family->certificate_count < ENDORSE_FAMILY_MAX) {
        family->certificates[family->certificate_count++] = *certificate;
    }
}

// Another list of the same issuer is current, or newer.
static bool is_outdone(const struct endorse_opened *opened, size_t which)
{
    const struct crypto_crl_facts *facts = &opened->crl_facts[which];
    for (size_t i = 0; i < opened->crl_count; i++) {
        const struct crypto_crl_facts *other = &opened->crl_facts[i];
        bool is_newer = i != which &&
                        bytes_equal(other->issuer, facts->issuer) &&
                        other->this_update_s <= opened->now_s &&
                        (other->this_update_s > facts->this_update_s ||
                         facts->this_update_s > opened->now_s);
        if (is_newer) {
            return true;
        }
    }
    return false;
}

static void take_crls(const struct endorse_opened *opened,
                      const struct endorse_lineage *lineage, const bool *is_in,
                      struct endorse_family *family)
{
    for (size_t i = 0; i < opened->crl_count; i++) {
        const struct crypto_crl_facts *facts = &opened->crl_facts[i];
        bool is_member = names_issuer(lineage, facts->issuer) ||
                         is_child(opened, is_in, facts->issuer);
        if (!is_member || is_outdone(opened, i) ||
            family->crl_count == ENDORSE_FAMILY_MAX) {
            continue;
        }
        family->crls[family->crl_count++] = opened->crls[i];
        if (family->oldest_s == 0 || facts->this_update_s < family->oldest_s) {
            family->oldest_s = facts->this_update_s;
        }
    }
}

void endorse_family_of(const struct endorse_opened *opened,
                       const struct endorse_lineage *lineage,
                       struct endorse_family *family)
{
    *family = (struct endorse_family){0};
    bool *is_in = calloc(opened->certificate_count + 1, sizeof *is_in);
    if (is_in == NULL) {
        return; // nothing is picked, so nothing leads to a root
    }
    mark_members(opened, lineage, is_in);
    for (size_t i = 0; i < opened->certificate_count; i++) {
        if (is_in[i]) {
            take_certificate(opened, i, lineage, family);
        }
    }
    take_crls(opened, lineage, is_in, family);
    free(is_in);
}
