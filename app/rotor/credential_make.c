// SPDX-License-Identifier: Apache-2.0
// A credential for the TPM of some evidence, made without that TPM.
#include "app/rotor/credential.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "app/rotor/bundle.h"
#include "app/rotor/endorsing.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "chain/eat.h"
#include "endorse/opened.h"
#include "verify/tpm.h"
#include "verify/tpm_report.h"

struct making {
    const struct run *run;
    const char *target;
    struct flag_list root_paths;
    struct flag_list endorsement_paths;
    const char *out;
    const char *secret_out;

    struct rotor_bytes content; // on the heap
    struct verify_tpm_report report;
    struct endorse_set root_set;
    struct endorse_set set;
    struct endorse_opened roots;
    struct endorse_opened opened;
    struct crypto_certificate ek;
    struct verify_tpm_work work;
    struct verify_verdict verdict;
    uint8_t name[VERIFY_TPM_NAME_MAX];
    uint8_t spki[VERIFY_TPM_SPKI_MAX];
    struct rotor_room ak_name;
    struct rotor_room ak_spki;
};

// ---- what is there ---------------------------------------------------------

// Rotor's answer with the platform's evidence beside it.
static bool find_report(struct making *m)
{
    struct bundle bundle;
    struct chain_evidence evidence;
    if (bundle_decode(&bundle, m->content) != ROTOR_OK) {
        return false;
    }
    bool is_found =
        chain_evidence_decode(bundle.platform, &evidence) == ROTOR_OK &&
        evidence.backend == VERIFY_BACKEND_TPM &&
        verify_tpm_report_decode(evidence.report, &m->report) == ROTOR_OK;
    bundle_close(&bundle); // views stay: they are into the content
    return is_found;
}

static bool read_evidence(struct making *m, int *code)
{
    if (!read_file(m->run, m->target, BUNDLE_MAX, &m->content, code)) {
        return false;
    }
    if (!find_report(m)) {
        *code =
            fail(m->run, CAUSE_UNPARSABLE, "rotor attest --evidence tpm",
                 "%s: no evidence of rotor with a TPM's beside it", m->target);
        return false;
    }
    if (m->report.ek_public.size == 0 ||
        crypto_certificate_open(&m->ek, m->report.ek_certificate) != ROTOR_OK) {
        *code = fail(m->run, CAUSE_NO_ENDORSEMENT, NULL,
                     "%s: this TPM has no certificate of its maker", m->target);
        return false;
    }
    return true;
}

static bool load(struct making *m, int *code)
{
    for (size_t i = 0; i < m->root_paths.count; i++) {
        if (!endorsing_load(m->run, m->root_paths.values[i], &m->root_set,
                            code)) {
            return false;
        }
    }
    for (size_t i = 0; i < m->endorsement_paths.count; i++) {
        if (!endorsing_load(m->run, m->endorsement_paths.values[i], &m->set,
                            code)) {
            return false;
        }
    }
    int64_t now_s = (int64_t)time(NULL);
    if (endorse_open(&m->root_set, now_s, &m->roots) == ROTOR_OK &&
        endorse_open(&m->set, now_s, &m->opened) == ROTOR_OK) {
        return true;
    }
    *code =
        fail(m->run, CAUSE_UNPARSABLE, NULL, "the endorsements cannot be read");
    return false;
}

// ---- judging ---------------------------------------------------------------

static enum rotor_status judge_endorsement(struct making *m)
{
    const struct crypto_chain chain = {
        .anchors = m->roots.certificates,
        .anchor_count = m->roots.certificate_count,
        .intermediates = m->opened.certificates,
        .intermediate_count = m->opened.certificate_count,
        .crls = m->opened.crls,
        .crl_count = m->opened.crl_count,
        .now_s = m->roots.now_s,
    };
    const struct verify_tpm_ek ek = {m->report.ek_public, &m->ek};
    verify_begin(&m->verdict, VERIFY_BACKEND_TPM);
    TRY(verify_tpm_endorsement(&ek, &chain, &m->work, &m->verdict));
    verify_conclude(&m->verdict);
    return ROTOR_OK;
}

// As if the credential had been opened: whatever else is wrong with the quote
// or its key is wrong now.
static enum rotor_status judge_quote(struct making *m)
{
    const struct verify_tpm_report *report = &m->report;
    const struct verify_tpm_evidence evidence = {
        .quote = report->quote,
        .signature = report->signature,
        .ak_public = report->ak_public,
        .pcrs = report->pcrs.bank_count != 0 ? &report->pcrs : NULL,
        .event_log = report->event_log,
    };
    struct verify_tpm_public area;
    TRY(verify_tpm_public_decode(report->ak_public, &area));
    TRY(verify_tpm_name(&area, &m->ak_name));
    TRY(verify_tpm_spki(&area, &m->ak_spki));
    const struct verify_tpm_trust trust = {.ak_name = bytes_in(&m->ak_name)};
    const struct verify_asked asked = {.now_s = m->roots.now_s};
    return verify_tpm(&evidence, &trust, &asked, &m->work, &m->verdict);
}

static bool judge(struct making *m, int *code)
{
    enum rotor_status (*const judges[])(struct making *) = {judge_endorsement,
                                                            judge_quote};
    for (size_t i = 0; i < COUNT_OF(judges); i++) {
        enum rotor_status status = judges[i](m);
        if (status != ROTOR_OK) {
            *code = fail(m->run,
                         status == ROTOR_MALFORMED ? CAUSE_UNPARSABLE
                                                   : CAUSE_PLATFORM,
                         NULL, "%s: could not be judged: %s", m->target,
                         rotor_status_name(status));
            return false;
        }
        if (!verify_verdict_is_accepted(&m->verdict)) {
            *code = fail(m->run, CAUSE_EVIDENCE_REFUSED, NULL, "%s",
                         m->verdict.reason);
            return false;
        }
    }
    return true;
}

// ---- sealing ---------------------------------------------------------------

// The challenge, alone and in the file that keeps it.
struct secrets {
    uint8_t challenge[ENDORSE_CREDENTIAL_SECRET];
    uint8_t file[CREDENTIAL_FILE_MAX];
};

static bool seal_with(struct making *m, struct secrets *s, int *code)
{
    static struct endorse_tpm_credential credential;
    uint8_t memory[CREDENTIAL_FILE_MAX];
    struct rotor_room sealed = ROOM_OF(memory);
    struct rotor_room kept = ROOM_OF(s->file);
    const struct credential_kept keeping = {BYTES_OF(s->challenge),
                                            bytes_in(&m->ak_spki)};
    if (getrandom(s->challenge, sizeof s->challenge, 0) !=
            (ssize_t)sizeof s->challenge ||
        endorse_tpm_credential_make(m->report.ek_public, bytes_in(&m->ak_name),
                                    s->challenge, &credential) != ROTOR_OK) {
        *code = fail(m->run, CAUSE_NOT_SUPPORTED, NULL,
                     "%s: no credential can be made for this endorsement key",
                     m->target);
        return false;
    }
    const struct credential_sealed sealing = {
        bytes_of(credential.blob, credential.blob_size),
        bytes_of(credential.secret, credential.secret_size)};
    if (credential_encode_sealed(&sealing, &sealed) != ROTOR_OK ||
        credential_encode_kept(&keeping, &kept) != ROTOR_OK) {
        *code = fail(m->run, CAUSE_PLATFORM, NULL, "out of memory");
        return false;
    }
    return write_file(m->run, m->secret_out, bytes_in(&kept), true, code) &&
           write_file(m->run, m->out, bytes_in(&sealed), false, code);
}

static bool seal(struct making *m, int *code)
{
    struct secrets secrets;
    bool is_sealed = seal_with(m, &secrets, code);
    secret_wipe(&secrets, sizeof secrets);
    return is_sealed;
}

// ---- the verb --------------------------------------------------------------

static int make(struct making *m)
{
    int code = EXIT_UNABLE;
    m->ak_name = ROOM_OF(m->name);
    m->ak_spki = ROOM_OF(m->spki);
    if (!read_evidence(m, &code) || !load(m, &code) || !judge(m, &code) ||
        !seal(m, &code)) {
        return code;
    }
    if (m->run->is_json) {
        struct json out;
        begin_json(&out, "credential", true);
        json_text(&out, "credential", m->out);
        json_end(&out);
    } else if (strcmp(m->out, "-") != 0) {
        printf("made: %s, for the TPM of %s alone\n", m->out, m->target);
    }
    return EXIT_ACCEPTED;
}

int credential_make(struct run *run, int count, char **arguments)
{
    static struct making m;
    int code = EXIT_ACCEPTED;
    const struct flag flags[] = {
        {"--root",         "FILE", FLAG_LIST, &m.root_paths,
         "of the TPM's maker, to which its certificate leads"                                       },
        {"--endorsements", "PATH", FLAG_LIST, &m.endorsement_paths,
         "certificates in between, and revocation lists"                                            },
        {"--out",          "FILE", FLAG_TEXT, &m.out,               "the credential, for the device"},
        {"--secret",       "FILE", FLAG_TEXT, &m.secret_out,
         "a new file: what must come back"                                                          },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count != 1 || m.root_paths.count == 0 || m.out == NULL ||
        m.secret_out == NULL) {
        return fail(run, CAUSE_USAGE,
                    "rotor credential make EVIDENCE --root MAKER.pem --out "
                    "FILE --secret FILE",
                    "expected one file of evidence, --root, --out and "
                    "--secret");
    }
    m.run = run;
    m.target = arguments[0];
    code = make(&m);
    crypto_certificate_close(&m.ek);
    endorse_opened_close(&m.roots);
    endorse_opened_close(&m.opened);
    endorse_set_close(&m.root_set);
    endorse_set_close(&m.set);
    free((void *)(uintptr_t)m.content.data);
    return code;
}
