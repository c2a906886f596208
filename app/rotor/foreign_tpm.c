// SPDX-License-Identifier: Apache-2.0
// Quotes of a TPM 2.0: as rotor writes them, as keylime's agent does, and as
// the single files that tpm2_quote writes.
#include <stdlib.h>
#include <string.h>

#include "app/rotor/foreign.h"
#include "base/bytes.h"
#include "verify/tpm.h"
#include "verify/tpm_forms.h"
#include "verify/tpm_report.h"

// Everything that the verdict points into, until the program ends.
static struct {
    struct verify_tpm_work work;
    struct verify_tpm_report report;
    struct crypto_certificate ak;
    struct rotor_room keylime; // on the heap
} tpm;

static bool malformed(struct foreign *f, const char *what)
{
    return foreign_undecided(f, CAUSE_UNPARSABLE, NULL, "%s: %s", f->target,
                             what);
}

// ---- forms -----------------------------------------------------------------

static bool take_pcrs(struct foreign *f, struct rotor_bytes bytes)
{
    if (bytes.size == 0) {
        return true;
    }
    return verify_tpm2_pcrs_decode(bytes, &tpm.report.pcrs) == ROTOR_OK ||
           malformed(f, "the register values are not as tpm2_quote writes "
                        "them");
}

static bool read_single(struct foreign *f)
{
    if (f->signature.size == 0) {
        return foreign_undecided(
            f, CAUSE_NO_ENDORSEMENT,
            "--signature FILE, and --pcrs FILE as tpm2_quote writes them",
            "%s: a quote without its signature", f->target);
    }
    tpm.report.quote = f->evidence;
    tpm.report.signature = f->signature;
    tpm.report.event_log = f->event_log;
    return take_pcrs(f, f->pcrs);
}

static bool read_keylime(struct foreign *f)
{
    struct verify_keylime_quote parts;
    size_t room = f->evidence.size + 64;
    tpm.keylime = (struct rotor_room){malloc(room), room, 0};
    if (tpm.keylime.data == NULL) {
        return foreign_undecided(f, CAUSE_PLATFORM, NULL, "out of memory");
    }
    if (verify_keylime_decode(f->evidence, &tpm.keylime, &parts) != ROTOR_OK) {
        return malformed(f, "not a quote as keylime's agent writes it");
    }
    tpm.report.quote = parts.quote;
    tpm.report.signature = parts.signature;
    tpm.report.event_log = f->event_log;
    return take_pcrs(f, parts.pcrs);
}

static bool read_parts(struct foreign *f)
{
    uint8_t first = f->evidence.size != 0 ? f->evidence.data[0] : 0;
    if (first == 0x88) { // CBOR, an array of 8
        return verify_tpm_report_decode(f->evidence, &tpm.report) == ROTOR_OK ||
               malformed(f, "not a report of a TPM");
    }
    return first == 'r' ? read_keylime(f) : read_single(f);
}

// ---- judging ---------------------------------------------------------------

static enum rotor_status judge_with(struct foreign *f, struct rotor_bytes key)
{
    const struct crypto_chain chain = {
        .anchors = f->roots.certificates,
        .anchor_count = f->roots.certificate_count,
        .intermediates = f->opened.certificates,
        .intermediate_count = f->opened.certificate_count,
        .crls = f->opened.crls,
        .crl_count = f->opened.crl_count,
        .now_s = f->asked.now_s,
    };
    const struct verify_tpm_report *report = &tpm.report;
    bool has_no_key =
        report->ak_public.size == 0 && report->ak_certificate.size == 0;
    const struct verify_tpm_evidence evidence = {
        .quote = report->quote,
        .signature = report->signature,
        .ak_public = report->ak_public,
        .ak_spki = has_no_key ? key : (struct rotor_bytes){0},
        .ak_certificate = tpm.ak.impl != NULL ? &tpm.ak : NULL,
        .pcrs = report->pcrs.bank_count != 0 ? &report->pcrs : NULL,
        .event_log = report->event_log,
    };
    const struct verify_tpm_trust trust = {
        .ak_spki = key,
        .chain = chain.anchor_count != 0 ? &chain : NULL,
        .selection = f->selection.count != 0 ? &f->selection : NULL,
    };
    return verify_tpm(&evidence, &trust, &f->asked, &tpm.work, &f->verdict);
}

// A key that the user pinned, else his certificates.
static enum rotor_status judge_all(struct foreign *f)
{
    enum rotor_status status = ROTOR_OK;
    for (size_t i = 0; i < foreign_root_key_count(f); i++) {
        status = judge_with(f, foreign_root_key(f, i));
        if (status != ROTOR_OK || verify_verdict_is_accepted(&f->verdict)) {
            return status;
        }
    }
    return tpm.ak.impl != NULL ? judge_with(f, (struct rotor_bytes){0})
                               : status;
}

static bool has_form(const struct verify_verdict *verdict)
{
    static const char *const forms[] = {"quote format", "signature format",
                                        "attestation key format"};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        const struct verify_row *row = verify_row_named(verdict, forms[i]);
        if (row != NULL && row->finding == VERIFY_FAILED) {
            return false;
        }
    }
    return true;
}

bool foreign_judge_tpm(struct foreign *f)
{
    if (!read_parts(f)) {
        return false;
    }
    if (foreign_root_key_count(f) == 0) {
        return foreign_undecided(
            f, CAUSE_NO_ENDORSEMENT,
            "--root FILE: the attestation key, or the root of its certificate",
            "%s: nobody vouches for the key of this TPM", f->target);
    }
    if (tpm.report.ak_certificate.size != 0 &&
        crypto_certificate_open(&tpm.ak, tpm.report.ak_certificate) !=
            ROTOR_OK) {
        return malformed(f, "the certificate of its key does not parse");
    }
    enum rotor_status status = judge_all(f);
    crypto_certificate_close(&tpm.ak);
    if (status != ROTOR_OK) {
        return foreign_undecided(f, CAUSE_PLATFORM, NULL,
                                 "%s: could not be judged: %s", f->target,
                                 rotor_status_name(status));
    }
    if (strstr(f->verdict.reason, "not supported") != NULL) {
        return foreign_undecided(f, CAUSE_NOT_SUPPORTED, NULL, "%s: %s",
                                 f->target, f->verdict.reason);
    }
    return has_form(&f->verdict) || malformed(f, f->verdict.reason);
}
