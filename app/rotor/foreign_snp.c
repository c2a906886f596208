// SPDX-License-Identifier: Apache-2.0
// Reports of AMD SEV-SNP, alone or under layers of Project Oak, with what a
// party has of AMD's certificates.
#include <stdlib.h>
#include <string.h>

#include "app/rotor/foreign.h"
#include "base/bytes.h"
#include "verify/oak.h"
#include "verify/snp.h"

// 1.3.6.1.4.1.3704.1.2, the product: every VCEK and VLEK has it.  Then
// 1.3.6.1.4.1.3704.1.4, the chip: a VCEK has it.
static const uint8_t PRODUCT[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
                                  0x9c, 0x78, 0x01, 0x02};
static const uint8_t CHIP[] = {0x2b, 0x06, 0x01, 0x04, 0x01,
                               0x9c, 0x78, 0x01, 0x04};

#define LEAVES_MAX  30u // half of what a verifier takes
#define ISSUERS_MAX 30u

struct attempt {
    struct endorse_family family;
    struct crypto_certificate certificates[ISSUERS_MAX + LEAVES_MAX];
    size_t count;
    bool has_leaf;
    bool has_root;
};

static void add(struct attempt *attempt,
                const struct crypto_certificate *certificate)
{
    if (attempt->count < COUNT_OF(attempt->certificates)) {
        attempt->certificates[attempt->count++] = *certificate;
    }
}

static bool is_of_chip(const struct crypto_certificate *leaf,
                       struct rotor_bytes chip)
{
    struct rotor_bytes value = {0};
    return crypto_certificate_extension(leaf, BYTES_OF(CHIP), &value) ==
               ROTOR_OK &&
           value.size >= chip.size && chip.size != 0 &&
           memcmp(value.data + value.size - chip.size, chip.data, chip.size) ==
               0;
}

// Those of this chip first: a store may have one for each machine of a fleet.
static void add_leaves(struct attempt *attempt, struct rotor_bytes report)
{
    struct verify_snp_report read;
    struct rotor_bytes chip = {0};
    if (verify_snp_read(report, &read) == ROTOR_OK) {
        chip = read.chip_id;
    }
    for (int of_chip = 1; of_chip >= 0; of_chip--) {
        for (size_t i = 0; i < attempt->family.leaf_count; i++) {
            const struct crypto_certificate *leaf = &attempt->family.leaves[i];
            if (is_of_chip(leaf, chip) == (of_chip == 1)) {
                add(attempt, leaf);
                attempt->has_leaf = true;
            }
        }
    }
}

static void gather(const struct foreign *f, struct rotor_bytes report,
                   struct attempt *attempt)
{
    const struct endorse_lineage lineage = {
        .keys = (const uint8_t(*)[32])f->roots.keys,
        .key_count = f->roots.certificate_count,
        .issuer = "Advanced Micro Devices",
        .leaf_oid = BYTES_OF(PRODUCT),
    };
    endorse_family_of(&f->opened, &lineage, &attempt->family);
    for (size_t i = 0; i < attempt->family.certificate_count; i++) {
        const struct crypto_certificate *issuer =
            &attempt->family.certificates[i];
        enum verify_snp_product product = VERIFY_SNP_NO_PRODUCT;
        bool is_root = verify_snp_is_root(issuer, &product) == ROTOR_OK &&
                       product != VERIFY_SNP_NO_PRODUCT;
        attempt->has_root = attempt->has_root || is_root;
        if (attempt->count < ISSUERS_MAX) {
            add(attempt, issuer);
        }
    }
    add_leaves(attempt, report);
}

static bool has_enough(struct foreign *f, const struct attempt *attempt)
{
    if (!attempt->has_leaf) {
        return foreign_undecided(
            f, CAUSE_NO_ENDORSEMENT,
            "rotor endorse import VCEK.der, from AMD's service or the host",
            "%s: no certificate of the chip (VCEK) or cloud (VLEK)", f->target);
    }
    if (!attempt->has_root && f->roots.certificate_count == 0) {
        return foreign_undecided(
            f, CAUSE_NO_ENDORSEMENT,
            "rotor endorse import the chain of its product: ASK and ARK",
            "%s: no root of AMD among the endorsements", f->target);
    }
    return true;
}

static enum rotor_status judge_with(struct foreign *f,
                                    const struct attempt *attempt)
{
    const struct verify_snp_endorsements given = {
        .certificates = attempt->certificates,
        .certificate_count = attempt->count,
        .anchors = f->roots.certificates,
        .anchor_count = f->roots.certificate_count,
        .crls = attempt->family.crls,
        .crl_count = attempt->family.crl_count,
    };
    f->made_s = attempt->family.oldest_s;
    return f->format == FOREIGN_OAK
               ? verify_oak(f->evidence, &given, &f->asked, &f->verdict)
               : verify_snp(f->evidence, &given, &f->asked, &f->verdict);
}

static bool judge(struct foreign *f, struct rotor_bytes report,
                  struct attempt *attempt)
{
    gather(f, report, attempt);
    if (!has_enough(f, attempt)) {
        return false;
    }
    enum rotor_status status = judge_with(f, attempt);
    if (status == ROTOR_MALFORMED) {
        return foreign_undecided(f, CAUSE_UNPARSABLE, NULL,
                                 "%s: not a report of SEV-SNP", f->target);
    }
    return status == ROTOR_OK ||
           foreign_undecided(f, CAUSE_PLATFORM, NULL,
                             "%s: could not be judged: %s", f->target,
                             rotor_status_name(status));
}

bool foreign_judge_snp(struct foreign *f)
{
    struct verify_oak_evidence oak;
    struct rotor_bytes report = f->evidence;
    if (f->format == FOREIGN_OAK) {
        if (verify_oak_read(f->evidence, &oak) != ROTOR_OK) {
            return foreign_undecided(f, CAUSE_UNPARSABLE, NULL,
                                     "%s: not evidence of Project Oak",
                                     f->target);
        }
        report = oak.report;
    }
    struct verify_snp_report read;
    if (verify_snp_read(report, &read) != ROTOR_OK) {
        return foreign_undecided(f, CAUSE_UNPARSABLE, NULL,
                                 "%s: not a report of SEV-SNP, version 2 to 5",
                                 f->target);
    }
    struct attempt *attempt = calloc(1, sizeof *attempt);
    if (attempt == NULL) {
        return foreign_undecided(f, CAUSE_PLATFORM, NULL, "out of memory");
    }
    bool is_judged = judge(f, report, attempt);
    free(attempt);
    return is_judged;
}
