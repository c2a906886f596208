// SPDX-License-Identifier: Apache-2.0
// Quotes of Intel SGX and TDX, with what a party has of Intel's statements.
#include <stdlib.h>
#include <string.h>

#include "app/rotor/foreign.h"
#include "base/bytes.h"
#include "verify/sgx.h"
#include "verify/tdx.h"

static struct verify_dcap_work work; // the verdict points into it

struct attempt {
    struct endorse_family family;
    struct verify_dcap_endorsements given;
};

static enum rotor_status judge_with(struct foreign *f,
                                    const struct attempt *attempt)
{
    return f->format == FOREIGN_SGX
               ? verify_sgx(&f->verdict, f->evidence, &attempt->given,
                            &f->asked, &work)
               : verify_tdx(&f->verdict, f->evidence, &attempt->given,
                            &f->asked, &work);
}

// A quote that names its platform only needs one of the PCKs that are there.
static enum rotor_status judge_leaves(struct foreign *f,
                                      struct attempt *attempt)
{
    enum rotor_status status = ROTOR_OK;
    size_t tried = 0;
    do {
        bool has_leaf = tried < attempt->family.leaf_count;
        attempt->given.pck = has_leaf ? &attempt->family.leaves[tried] : NULL;
        status = judge_with(f, attempt);
        tried++;
    } while (status == ROTOR_OK && tried < attempt->family.leaf_count &&
             !verify_verdict_is_accepted(&f->verdict));
    return status;
}

static void gather(const struct foreign *f, struct attempt *attempt)
{
    uint8_t keys[ENDORSE_FAMILY_MAX][32];
    size_t count = 0;
    for (size_t i = 0; i < f->roots.certificate_count; i++) {
        if (count < ENDORSE_FAMILY_MAX) {
            struct rotor_room room = ROOM_OF(keys[count]);
            count += bytes_copy(&room, BYTES_OF(f->roots.keys[i])) == ROTOR_OK;
        }
    }
    const struct endorse_lineage lineage = {
        .keys = (const uint8_t(*)[32])keys,
        .key_count = count,
        .issuer = "Intel SGX",
        .leaf_oid = verify_dcap_platform_oid,
    };
    endorse_family_of(&f->opened, &lineage, &attempt->family);
    size_t given = attempt->family.certificate_count;
    attempt->given = (struct verify_dcap_endorsements){
        .certificates = attempt->family.certificates,
        .certificate_count =
            given < VERIFY_DCAP_GIVEN_MAX ? given : VERIFY_DCAP_GIVEN_MAX,
        .crls = attempt->family.crls,
        .crl_count = attempt->family.crl_count,
        .tcb_infos = f->opened.tcb_infos,
        .tcb_info_count = f->opened.tcb_info_count,
        .qe_identities = f->opened.qe_identities,
        .qe_identity_count = f->opened.qe_identity_count,
    };
}

static void note_age(struct foreign *f, const struct attempt *attempt)
{
    int64_t made_s = attempt->family.oldest_s;
    const struct verify_dcap_qe_identity *identity =
        verify_dcap_qe_identity_for(
            f->opened.qe_identities, f->opened.qe_identity_count,
            f->format == FOREIGN_SGX ? VERIFY_DCAP_QE : VERIFY_DCAP_TD_QE);
    const struct verify_dcap_statement *said[] = {
        work.tcb_info != NULL ? &work.tcb_info->statement : NULL,
        identity != NULL ? &identity->statement : NULL,
    };
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        bool is_older =
            said[i] != NULL && (made_s == 0 || said[i]->issued_s < made_s);
        made_s = is_older ? said[i]->issued_s : made_s;
    }
    f->made_s = made_s;
}

static enum rotor_status judge_both(struct foreign *f, struct attempt *attempt)
{
    gather(f, attempt);
    enum rotor_status status = judge_leaves(f, attempt);
    bool has_more = f->roots.certificate_count != 0 &&
                    !verify_verdict_is_accepted(&f->verdict);
    if (status != ROTOR_OK || !has_more) {
        return status;
    }
    // Not under Intel's root: under those that the user named.
    attempt->given.anchors = f->roots.certificates;
    attempt->given.anchor_count = f->roots.certificate_count;
    return judge_leaves(f, attempt);
}

bool foreign_judge_dcap(struct foreign *f)
{
    struct attempt *attempt = calloc(1, sizeof *attempt);
    if (attempt == NULL) {
        return foreign_undecided(f, CAUSE_PLATFORM, NULL, "out of memory");
    }
    enum rotor_status status = judge_both(f, attempt);
    note_age(f, attempt);
    bool has_leaves = attempt->family.leaf_count != 0;
    free(attempt);
    // The quote names its platform only: that is no reason to refuse it.
    bool is_bare = work.quote.certification_type < VERIFY_DCAP_PCK_LEAF;
    if (status == ROTOR_OK && is_bare && !has_leaves) {
        return foreign_undecided(f, CAUSE_NO_ENDORSEMENT,
                                 "rotor endorse import PCK.pem",
                                 "%s: the quote carries no PCK certificate, "
                                 "and none was given",
                                 f->target);
    }
    if (status == ROTOR_MALFORMED) {
        bool is_known = strstr(f->verdict.reason, "not supported") != NULL;
        return foreign_undecided(
            f, is_known ? CAUSE_NOT_SUPPORTED : CAUSE_UNPARSABLE, NULL,
            "%s: %s", f->target, f->verdict.reason);
    }
    return status == ROTOR_OK ||
           foreign_undecided(f, CAUSE_PLATFORM, NULL,
                             "%s: could not be judged: %s", f->target,
                             rotor_status_name(status));
}
