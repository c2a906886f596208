// SPDX-License-Identifier: Apache-2.0
// Order and names of the checks: doc/PROTOCOL.evidence 2.3.
#include "verify/snp.h"

#include <string.h>

#include "base/bytes.h"
#include "verify/snp_internal.h"

#define ENDORSEMENTS_MAX 60u

// ---- the certificate -------------------------------------------------------

static bool is_chip(const struct verify_snp_leaf *leaf,
                    struct rotor_bytes chip_id)
{
    size_t size = leaf->chip_id.size;
    return size > 0 && memcmp(leaf->chip_id.data, chip_id.data, size) == 0 &&
           verify_snp_is_all(bytes_of(chip_id.data + size, chip_id.size - size),
                             0);
}

// How well a certificate fits: the kind of key, then the chip, then the TCB.
static unsigned fit(const struct verify_snp_report *report,
                    const struct verify_snp_leaf *leaf)
{
    unsigned points = 1;
    points += (uint32_t)leaf->key == report->signing_key ? 4 : 0;
    points += is_chip(leaf, report->chip_id) ? 2 : 0;
    points +=
        memcmp(leaf->tcb, report->reported_tcb.data, VERIFY_SNP_TCB_SIZE) == 0;
    return points;
}

static enum rotor_status choose_leaf(struct verify_snp_judging *judging)
{
    const struct verify_snp_endorsements *e = judging->endorsements;
    unsigned best = 0;
    for (size_t i = 0; i < e->certificate_count; i++) {
        struct verify_snp_leaf leaf;
        TRY(verify_snp_read_leaf(&e->certificates[i], &leaf));
        unsigned points = fit(&judging->report, &leaf);
        if (leaf.key != VERIFY_SNP_NO_KEY && points > best) {
            best = points;
            judging->certificate = &e->certificates[i];
            judging->leaf = leaf;
        }
    }
    return ROTOR_OK;
}

static const char *key_name(uint32_t key)
{
    if (key == VERIFY_SNP_VCEK) {
        return "VCEK";
    }
    if (key == VERIFY_SNP_VLEK) {
        return "VLEK";
    }
    return key == VERIFY_SNP_NO_KEY ? "none" : "unknown";
}

static bool check_key(struct verify_snp_judging *judging)
{
    struct verify_verdict *v = judging->verdict;
    bool is_signed = judging->report.signing_key <= VERIFY_SNP_VLEK;
    bool has_leaf = judging->certificate != NULL;
    const char *wanted = key_name(judging->report.signing_key);
    if (!verify_check(v, is_signed,
                      &(struct verify_row){
                          .check = "signing key",
                          .expected = verify_text("VCEK or VLEK"),
                          .seen = verify_text(wanted),
                          .why = "the report names no key that signs",
                      }) ||
        !verify_check(v, has_leaf,
                      &(struct verify_row){
                          .check = "certificate",
                          .expected = verify_text(wanted),
                          .seen = verify_text(has_leaf ? wanted : "none"),
                          .why = "no certificate of the key that signed",
                      })) {
        return false;
    }
    return verify_check(
        v, (uint32_t)judging->leaf.key == judging->report.signing_key,
        &(struct verify_row){
            .check = "kind of key",
            .expected = verify_text(wanted),
            .seen = verify_text(key_name(judging->leaf.key)),
            .why = "the certificate is of another kind of key",
        });
}

// ---- the chain -------------------------------------------------------------

// The caller's anchors, then those that are AMD's own roots.
struct anchors {
    struct crypto_certificate certificates[ENDORSEMENTS_MAX];
    enum verify_snp_product products[ENDORSEMENTS_MAX];
    size_t count;
};

static void add_anchor(struct anchors *anchors,
                       const struct crypto_certificate *certificate,
                       enum verify_snp_product product)
{
    anchors->certificates[anchors->count] = *certificate;
    anchors->products[anchors->count++] = product;
}

static enum rotor_status gather_anchors(const struct verify_snp_endorsements *e,
                                        struct anchors *anchors)
{
    enum verify_snp_product product;
    anchors->count = 0;
    for (size_t i = 0; i < e->anchor_count; i++) {
        TRY(verify_snp_product_of_issuer(&e->anchors[i], &product));
        add_anchor(anchors, &e->anchors[i], product);
    }
    for (size_t i = 0; i < e->certificate_count; i++) {
        TRY(verify_snp_is_root(&e->certificates[i], &product));
        if (product != VERIFY_SNP_NO_PRODUCT &&
            anchors->count < ENDORSEMENTS_MAX) {
            add_anchor(anchors, &e->certificates[i], product);
        }
    }
    return ROTOR_OK;
}

static enum rotor_status check_chain(struct verify_snp_judging *judging)
{
    const struct verify_snp_endorsements *e = judging->endorsements;
    struct anchors anchors;
    TRY(gather_anchors(e, &anchors));
    const struct crypto_chain chain = {
        .anchors = anchors.certificates,
        .anchor_count = anchors.count,
        .intermediates = e->certificates,
        .intermediate_count = e->certificate_count,
        .crls = e->crls,
        .crl_count = e->crl_count,
        .now_s = judging->now_s,
    };
    struct crypto_chain_verdict found;
    TRY(crypto_chain_verify(judging->certificate, &chain, &found));
    const char *fault = crypto_chain_fault_text(found.fault);
    bool is_good = found.fault == CRYPTO_CHAIN_GOOD;
    if (is_good) {
        judging->root = anchors.products[found.anchor];
    }
    verify_check(judging->verdict, is_good,
                 &(struct verify_row){
                     .check = "certificate chain",
                     .expected = verify_text("good"),
                     .seen = verify_text(fault),
                     .why = fault,
                 });
    return ROTOR_OK;
}

static void check_leaf(struct verify_snp_judging *judging)
{
    struct verify_verdict *v = judging->verdict;
    const struct verify_snp_leaf *leaf = &judging->leaf;
    verify_check(
        v, leaf->is_whole,
        &(struct verify_row){
            .check = "certificate extensions",
            .expected = verify_text("complete"),
            .seen = verify_text(leaf->is_whole ? "complete" : "incomplete"),
            .why = "extensions of the certificate are missing, "
                   "doubled or malformed",
        });
    bool is_product = leaf->product != VERIFY_SNP_NO_PRODUCT &&
                      leaf->product == judging->root;
    verify_check(
        v, is_product,
        &(struct verify_row){
            .check = "product",
            .expected = verify_text(verify_snp_product_name(judging->root)),
            .seen = verify_text(verify_snp_product_name(leaf->product)),
            .why = "the certificate is of another product than its "
                   "root",
        });
}

// ---- report against certificate --------------------------------------------

static void check_cpu(struct verify_snp_judging *judging)
{
    const struct verify_snp_report *r = &judging->report;
    enum verify_snp_product product =
        verify_snp_product_of_cpu(r->cpu_family, r->cpu_model);
    struct verify_row row = {
        .check = "cpu",
        .expected = verify_text(verify_snp_product_name(judging->leaf.product)),
        .seen = verify_text(verify_snp_product_name(product)),
        .why = "family and model of the report are of another product",
    };
    if (r->version < 3) {
        row.seen = verify_text("not in this version");
        verify_skip(judging->verdict, &row);
        return;
    }
    verify_check(judging->verdict, product == judging->leaf.product, &row);
}

// A host may mask the chip in the report; the VCEK that signed it names the
// chip all the same.
static void check_chip(struct verify_snp_judging *judging)
{
    const struct verify_snp_report *r = &judging->report;
    struct verify_row row = {
        .check = "chip id",
        .expected = verify_bytes(judging->leaf.chip_id),
        .seen = verify_bytes(r->chip_id),
        .why = "the report is of another chip than the certificate",
    };
    if (verify_snp_is_all(r->chip_id, 0) ||
        judging->leaf.key == VERIFY_SNP_VLEK) {
        verify_skip(judging->verdict, &row);
        return;
    }
    verify_check(judging->verdict, is_chip(&judging->leaf, r->chip_id), &row);
}

static void check_tcb(struct verify_snp_judging *judging)
{
    const struct verify_snp_part *parts =
        verify_snp_parts(judging->leaf.product);
    for (size_t i = 0; i < VERIFY_SNP_TCB_SIZE; i++) {
        uint8_t expected = judging->leaf.tcb[parts[i].at];
        uint8_t seen = judging->report.reported_tcb.data[parts[i].at];
        verify_check(judging->verdict, expected == seen,
                     &(struct verify_row){
                         .check = parts[i].check,
                         .expected = verify_number(expected),
                         .seen = verify_number(seen),
                         .why = "the report is of another TCB than the "
                                "certificate",
                     });
    }
}

// ---- the signature ---------------------------------------------------------

static enum rotor_status is_signed(const struct verify_snp_judging *judging,
                                   bool *valid)
{
    uint8_t raw[2 * VERIFY_SNP_HALF];
    struct crypto_verifier verifier = {0};
    *valid = false;
    if (!verify_snp_turn(judging->report.signature.data, raw)) {
        return ROTOR_OK;
    }
    enum rotor_status status =
        crypto_certificate_verifier(judging->certificate, &verifier);
    if (status == ROTOR_OK) {
        status = crypto_verifier_check(
            &verifier, CRYPTO_SIGNATURE_ECDSA_RAW, CRYPTO_SHA384,
            judging->report.signed_part, BYTES_OF(raw), valid);
    }
    crypto_verifier_close(&verifier);
    return status == ROTOR_MALFORMED ? ROTOR_OK : status;
}

static enum rotor_status check_signature(struct verify_snp_judging *judging)
{
    bool valid = false;
    TRY(is_signed(judging, &valid));
    verify_check(judging->verdict, valid,
                 &(struct verify_row){
                     .check = "report signature",
                     .expected = verify_text("by the certificate's key"),
                     .seen = verify_text(valid ? "by the certificate's key"
                                               : "by no such key"),
                     .why = "not signed by the key of the certificate",
                 });
    return ROTOR_OK;
}

// ---- what is found ---------------------------------------------------------

static void show(struct verify_verdict *v, const char *check,
                 struct verify_shown seen)
{
    verify_skip(v, &(struct verify_row){.check = check, .seen = seen});
}

static void show_rest(struct verify_snp_judging *judging)
{
    struct verify_verdict *v = judging->verdict;
    const struct verify_snp_report *r = &judging->report;
    bool has_agent = !verify_snp_is_all(r->migration_report_id, 0xff) &&
                     !verify_snp_is_all(r->migration_report_id, 0);
    show(v, "debug", verify_number((r->policy & VERIFY_SNP_POLICY_DEBUG) != 0));
    show(v, "migration allowed",
         verify_number((r->policy & VERIFY_SNP_POLICY_MIGRATE) != 0));
    show(v, "migration agent", verify_number(has_agent));
    show(v, "smt allowed",
         verify_number((r->policy & VERIFY_SNP_POLICY_SMT) != 0));
    show(v, "vmpl", verify_number(r->vmpl));
    show(v, "guest svn", verify_number(r->guest_svn));
    show(v, "platform", verify_number(r->platform));
    show(v, "host data", verify_bytes(r->host_data));
    show(v, "id key", verify_bytes(r->id_key_digest));
    show(v, "launch tcb", verify_bytes(r->launch_tcb));
    show(v, "mitigations", verify_number(r->current_mitigations));
}

// "Lowered": the host lets the key be of an older TCB than is committed.
// "Provisional": what runs can still be put back.
static const char *tcb_status(const struct verify_snp_report *r)
{
    if (!bytes_equal(r->committed_tcb, r->current_tcb)) {
        return "Provisional";
    }
    return bytes_equal(r->reported_tcb, r->committed_tcb) ? "Current"
                                                          : "Lowered";
}

static void fill(struct verify_snp_judging *judging)
{
    struct verify_verdict *v = judging->verdict;
    const struct verify_snp_report *r = &judging->report;
    struct rotor_bytes chip = judging->leaf.chip_id;
    if (bytes_are_empty(chip) && !verify_snp_is_all(r->chip_id, 0)) {
        chip = r->chip_id;
    }
    verify_value_set(&v->instance, chip);
    verify_value_set(&v->measurement, r->measurement);
    verify_value_set(&v->tcb, r->reported_tcb);
    if (r->has_author_key) {
        verify_value_set(&v->signer, r->author_key_digest);
    } else if (!verify_snp_is_all(r->id_key_digest, 0)) {
        verify_value_set(&v->signer, r->id_key_digest);
    }
    v->security_version = r->guest_svn;
    v->debug =
        (r->policy & VERIFY_SNP_POLICY_DEBUG) != 0 ? VERIFY_YES : VERIFY_NO;
    v->tcb_status = tcb_status(r);
}

// ---- the whole -------------------------------------------------------------

static bool are_too_many(const struct verify_snp_endorsements *e)
{
    return e->certificate_count > ENDORSEMENTS_MAX ||
           e->anchor_count > ENDORSEMENTS_MAX ||
           e->crl_count > ENDORSEMENTS_MAX;
}

static enum rotor_status judge(struct verify_snp_judging *judging,
                               const struct verify_asked *asked)
{
    TRY(choose_leaf(judging));
    if (!check_key(judging)) {
        return ROTOR_OK;
    }
    TRY(check_chain(judging));
    check_leaf(judging);
    check_cpu(judging);
    check_chip(judging);
    check_tcb(judging);
    TRY(check_signature(judging));
    verify_check_report_data(judging->verdict, asked,
                             judging->report.report_data);
    show_rest(judging);
    fill(judging);
    return ROTOR_OK;
}

static void conclude(struct verify_verdict *verdict)
{
    verify_conclude(verdict);
    if (verify_verdict_is_accepted(verdict)) {
        verdict->level = VERIFY_LEVEL_HARDWARE;
    }
}

enum rotor_status verify_snp(struct rotor_bytes report,
                             const struct verify_snp_endorsements *endorsements,
                             const struct verify_asked *asked,
                             struct verify_verdict *verdict)
{
    verify_begin(verdict, VERIFY_BACKEND_SNP);
    if (are_too_many(endorsements)) {
        return ROTOR_INVALID;
    }
    struct verify_snp_judging judging = {
        .endorsements = endorsements,
        .now_s = asked->now_s,
        .verdict = verdict,
    };
    if (verify_snp_check_form(&judging, report)) {
        TRY(judge(&judging, asked));
    }
    conclude(verdict);
    return ROTOR_OK;
}

enum rotor_status
verify_snp_certificate(const struct crypto_certificate *certificate,
                       const struct verify_snp_endorsements *endorsements,
                       int64_t now_s, struct verify_verdict *verdict)
{
    verify_begin(verdict, VERIFY_BACKEND_SNP);
    if (are_too_many(endorsements)) {
        return ROTOR_INVALID;
    }
    struct verify_snp_judging judging = {
        .endorsements = endorsements,
        .now_s = now_s,
        .certificate = certificate,
        .verdict = verdict,
    };
    TRY(verify_snp_read_leaf(certificate, &judging.leaf));
    verify_check(verdict, judging.leaf.key != VERIFY_SNP_NO_KEY,
                 &(struct verify_row){
                     .check = "kind of key",
                     .expected = verify_text("VCEK or VLEK"),
                     .seen = verify_text(key_name(judging.leaf.key)),
                     .why = "not the certificate of a key that signs reports",
                 });
    TRY(check_chain(&judging));
    check_leaf(&judging);
    verify_value_set(&verdict->instance, judging.leaf.chip_id);
    verify_value_set(&verdict->tcb, BYTES_OF(judging.leaf.tcb));
    conclude(verdict);
    return ROTOR_OK;
}
