// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/foreign.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/rotor/endorsing.h"
#include "app/rotord/registers.h"
#include "base/bytes.h"
#include "base/secret.h"

#define BESIDE_MAX (4u * 1024u * 1024u) // bytes of a file beside evidence

bool foreign_undecided(struct foreign *f, enum cause cause, const char *hint,
                       const char *format, ...)
{
    va_list values;
    va_start(values, format);
    (void)vsnprintf(f->why, sizeof f->why, format, values);
    va_end(values);
    f->cause = cause;
    f->hint = hint;
    return false;
}

// ---- what the user gives ---------------------------------------------------

static bool take_time(struct foreign *f, int *code)
{
    f->asked.now_s = (int64_t)time(NULL);
    if (f->flags->time == NULL) {
        return true;
    }
    if (endorse_time_read(f->flags->time, &f->asked.now_s) != ROTOR_OK) {
        *code = fail(f->run, CAUSE_USAGE, "--time 2026-01-31T12:00:00Z",
                     "--time %s: not a time", f->flags->time);
        return false;
    }
    return true;
}

static bool take_report_data(struct foreign *f, int *code)
{
    struct rotor_room room = ROOM_OF(f->report_data);
    if (f->flags->report_data == NULL) {
        return true;
    }
    if (!parse_hex(f->flags->report_data, &room) || room.used < 32) {
        *code = fail(f->run, CAUSE_USAGE, NULL,
                     "--report-data: expected 64 to 128 hex digits");
        return false;
    }
    f->asked.report_data = bytes_in(&room);
    return true;
}

static bool take_format(struct foreign *f, int *code)
{
    const char *name = f->flags->format;
    if (name == NULL) {
        f->format = foreign_detect(f->evidence);
        return true;
    }
    if (!foreign_format_named(name, &f->format)) {
        *code = fail(f->run, CAUSE_USAGE,
                     "rotor, process, snp, oak, sgx, tdx, tpm, psa, cca, "
                     "eat or dice",
                     "--format %s: unknown", name);
        return false;
    }
    return true;
}

static bool take_selection(struct foreign *f, int *code)
{
    const char *text = f->flags->pcr_selection;
    if (text == NULL) {
        return true;
    }
    f->selection.count = 1;
    f->selection.banks[0].algorithm = VERIFY_TPM_SHA256;
    bool is_list = registers_parse(text, &f->selection.banks[0].registers);
    if (!is_list || f->format != FOREIGN_TPM) {
        *code = fail(f->run, CAUSE_USAGE, NULL,
                     is_list ? "--pcr-selection %s: %s is no quote of a TPM"
                             : "--pcr-selection %s: expected registers from 0 "
                               "to 23",
                     text, f->target);
        return false;
    }
    return true;
}

static bool add_wanted(struct foreign *f, struct policy_list *list,
                       const struct flag_list *flags, const char *flag,
                       int *code)
{
    for (size_t i = 0; i < flags->count; i++) {
        struct verify_value value;
        bool is_good = policy_value_parse(flags->values[i], &value);
        if (!is_good || list->count == POLICY_LIST_MAX) {
            *code = fail(f->run, CAUSE_USAGE, NULL,
                         is_good ? "%s %s: one too many"
                                 : "%s %s: not a fingerprint",
                         flag, flags->values[i]);
            return false;
        }
        list->values[list->count++] = value;
    }
    return true;
}

static bool take_policy(struct foreign *f, const struct foreign_wanted *wanted,
                        int *code)
{
    struct verify_policy *policy = &f->policy.policy;
    if (f->flags->policy != NULL &&
        !policy_file_read(f->run, &f->policy, f->flags->policy, code)) {
        return false;
    }
    if (!add_wanted(f, &f->policy.measurements, wanted->measurements,
                    "--measurement", code) ||
        !add_wanted(f, &f->policy.instances, wanted->instances, "--instance",
                    code)) {
        return false;
    }
    if (wanted->security_version_min > policy->security_version_min) {
        policy->security_version_min = wanted->security_version_min;
    }
    policy_file_settle(&f->policy);
    return true;
}

// What a host put beside a report; trusted no further than a root.
static void take_carried(struct foreign *f)
{
    if (f->format == FOREIGN_SNP &&
        foreign_snp_parts(f->evidence, &f->evidence, &f->carried) &&
        f->carried.size != 0) {
        // What is no certificate in it vouches for nothing; a list of revoked
        // ones, of whomever the host likes, would take the place of a true one.
        (void)!endorse_set_read(&f->set, f->carried);
        endorse_set_keep(&f->set, ENDORSE_CERTIFICATE);
    }
}

// Where the user names none, the store of rotor endorse, if there is one.
static bool load_endorsements(struct foreign *f, int *code)
{
    take_carried(f);
    const struct flag_list *paths = &f->flags->endorsements;
    char folder[ENDORSING_PATH_SIZE];
    for (size_t i = 0; i < paths->count; i++) {
        if (!endorsing_load(f->run, paths->values[i], &f->set, code)) {
            return false;
        }
    }
    bool has_store = paths->count == 0 && endorsing_find(NULL, folder) &&
                     access(folder, F_OK) == 0;
    return !has_store || endorsing_load(f->run, folder, &f->set, code);
}

static bool load_roots(struct foreign *f, int *code)
{
    const struct flag_list *paths = &f->flags->roots;
    for (size_t i = 0; i < paths->count; i++) {
        // Twice: as what is trusted, and among what chains are built of.
        if (!endorsing_load(f->run, paths->values[i], &f->root_set, code) ||
            !endorsing_load(f->run, paths->values[i], &f->set, code)) {
            return false;
        }
    }
    return true;
}

static bool open_endorsements(struct foreign *f, int *code)
{
    int64_t now_s = f->asked.now_s;
    enum rotor_status status = endorse_open(&f->set, now_s, &f->opened);
    if (status == ROTOR_OK) {
        status = endorse_open(&f->root_set, now_s, &f->roots);
    }
    if (status == ROTOR_OK) {
        return true;
    }
    *code = fail(
        f->run, status == ROTOR_MALFORMED ? CAUSE_UNPARSABLE : CAUSE_PLATFORM,
        NULL, "the endorsements cannot be read: %s", rotor_status_name(status));
    return false;
}

static bool take_files(struct foreign *f, int *code)
{
    const struct foreign_flags *flags = f->flags;
    const struct {
        const char *path;
        struct rotor_bytes *content;
    } files[] = {
        {flags->mac_key,   &f->mac_key  },
        {flags->signature, &f->signature},
        {flags->pcrs,      &f->pcrs     },
        {flags->event_log, &f->event_log},
    };
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        if (files[i].path != NULL &&
            !read_file(f->run, files[i].path, BESIDE_MAX, files[i].content,
                       code)) {
            return false;
        }
    }
    return true;
}

static void free_files(struct foreign *f)
{
    struct rotor_bytes *files[] = {&f->mac_key, &f->signature, &f->pcrs,
                                   &f->event_log};
    secret_wipe((void *)(uintptr_t)f->mac_key.data, f->mac_key.size);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        free((void *)(uintptr_t)files[i]->data);
        *files[i] = (struct rotor_bytes){0};
    }
}

// What is of no known kind is said to be that.
static bool meets_demands(const struct foreign *f,
                          const struct foreign_wanted *wanted, int *code)
{
    if (wanted->unmet == NULL || f->format == FOREIGN_UNKNOWN) {
        return true;
    }
    *code = fail(f->run, CAUSE_USAGE,
                 "--measurement DIGEST, or --policy FILE with [measurement]",
                 "%s is for rotor's own evidence, and %s is of another kind",
                 wanted->unmet, f->target);
    return false;
}

static bool prepare(struct foreign *f, const struct foreign_wanted *wanted,
                    int *code)
{
    return take_time(f, code) && take_report_data(f, code) &&
           take_format(f, code) && meets_demands(f, wanted, code) &&
           take_selection(f, code) && take_policy(f, wanted, code) &&
           take_files(f, code) && load_endorsements(f, code) &&
           load_roots(f, code) && open_endorsements(f, code);
}

// ---- judging ---------------------------------------------------------------

static bool judge(struct foreign *f)
{
    bool (*const verifiers[FOREIGN_FORMAT_COUNT])(struct foreign *) = {
        [FOREIGN_SNP] = foreign_judge_snp,
        [FOREIGN_OAK] = foreign_judge_snp,
        [FOREIGN_SGX] = foreign_judge_dcap,
        [FOREIGN_TDX] = foreign_judge_dcap,
        [FOREIGN_TPM] = foreign_judge_tpm,
        [FOREIGN_PSA] = foreign_judge_token,
        [FOREIGN_CCA] = foreign_judge_token,
        [FOREIGN_EAT] = foreign_judge_token,
        [FOREIGN_DICE] = foreign_judge_dice,
        [FOREIGN_PROCESS] = foreign_judge_process,
    };
    // A document of Nitro is a token by its form.
    bool is_open = f->format == FOREIGN_UNKNOWN || f->format == FOREIGN_EAT;
    const char *known = is_open ? foreign_unsupported(f->evidence) : NULL;
    if (known != NULL) {
        return foreign_undecided(f, CAUSE_NOT_SUPPORTED, NULL,
                                 "%s: not supported: %s", f->target, known);
    }
    if (f->format == FOREIGN_UNKNOWN) {
        return foreign_undecided(
            f, CAUSE_UNPARSABLE,
            "rotor attest writes evidence; --format takes a file for one kind",
            "%s: not evidence of rotor, nor of a kind that is known here",
            f->target);
    }
    bool (*verifier)(struct foreign *) = verifiers[f->format];
    if (verifier == NULL) {
        return foreign_undecided(f, CAUSE_NOT_SUPPORTED, NULL,
                                 "%s: %s evidence is not supported", f->target,
                                 foreign_format_name(f->format));
    }
    return verifier(f);
}

static int judge_and_say(struct foreign *f, bool explains)
{
    if (!judge(f)) {
        return fail(f->run, f->cause, f->hint, "%s", f->why);
    }
    const struct verify_policy_times times = {f->asked.now_s, f->made_s};
    verify_policy_judge(&f->policy.policy, &times, &f->verdict);
    return foreign_say(f, explains);
}

int foreign_verify(struct foreign *f, struct rotor_room *content,
                   const struct foreign_wanted *wanted, bool explains)
{
    int code = EXIT_UNABLE;
    foreign_untext(content);
    f->evidence = bytes_in(content);
    if (prepare(f, wanted, &code)) {
        code = judge_and_say(f, explains);
    }
    free_files(f);
    endorse_opened_close(&f->roots);
    endorse_opened_close(&f->opened);
    endorse_set_close(&f->root_set);
    endorse_set_close(&f->set);
    return code;
}
