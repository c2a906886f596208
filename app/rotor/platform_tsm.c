// SPDX-License-Identifier: Apache-2.0
// Evidence of a confidential guest: SEV-SNP and TDX through configfs-tsm.
#include <stdlib.h>
#include <string.h>

#include "app/rotor/attest_tsm.h"
#include "app/rotor/platform.h"
#include "base/bytes.h"

static bool say(const struct run *run, enum rotor_status status,
                const struct tsm_report *report, int *code)
{
    if (status == ROTOR_AGAIN) {
        *code = fail(run, CAUSE_BUSY, NULL, "configfs-tsm: %s", report->why);
    } else if (status == ROTOR_FORBIDDEN) {
        *code = fail(run, CAUSE_DENIED, "run it as root", "configfs-tsm: %s",
                     report->why);
    } else {
        *code = fail(run, CAUSE_PLATFORM,
                     "only a confidential guest has it: modprobe sev-guest or "
                     "tdx-guest; mount -t configfs none /sys/kernel/config",
                     "configfs-tsm: %s", report->why);
    }
    return false;
}

static bool is_wanted(const struct run *run, const struct platform_flags *flags,
                      const struct tsm_report *report, int *code)
{
    bool is_snp = strcmp(report->provider, "sev_guest") == 0;
    bool is_tdx = strcmp(report->provider, "tdx_guest") == 0;
    bool is_any = strcmp(flags->kind, "tsm") == 0;
    bool is_it = (is_snp && (is_any || strcmp(flags->kind, "snp") == 0)) ||
                 (is_tdx && (is_any || strcmp(flags->kind, "tdx") == 0));
    if (!is_it) {
        *code = fail(run, CAUSE_NOT_SUPPORTED, NULL,
                     "configfs-tsm: provider %.32s is not %s", report->provider,
                     is_any ? "supported" : flags->kind);
    }
    return is_it;
}

bool platform_attest_tsm(const struct run *run,
                         const struct platform_flags *flags,
                         const uint8_t ud[CHAIN_UD_SIZE],
                         struct rotor_room *report, int *code)
{
    static struct tsm_report taken;
    const char *folder = flags->tsm != NULL ? flags->tsm : TSM_FOLDER;
    enum rotor_status status = tsm_take(folder, ud, &taken);
    if (status != ROTOR_OK) {
        return say(run, status, &taken, code);
    }
    struct rotor_bytes table =
        bytes_of(taken.certificates, taken.certificates_size);
    if (!is_wanted(run, flags, &taken, code) ||
        (flags->certificates != NULL &&
         !write_file(run, flags->certificates, table, false, code))) {
        return false;
    }
    *report = (struct rotor_room){malloc(TSM_REPORT_MAX), TSM_REPORT_MAX, 0};
    if (report->data != NULL &&
        bytes_copy(report, bytes_of(taken.report, taken.report_size)) ==
            ROTOR_OK) {
        return true;
    }
    *code = fail(run, CAUSE_PLATFORM, NULL, "out of memory");
    return false;
}
