// SPDX-License-Identifier: Apache-2.0
// rotor attest --evidence tpm: a quote of this machine's TPM.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/rotor/platform.h"
#include "app/rotord/registers.h"
#include "base/bytes.h"
#include "port/linux/tpm.h"
#include "verify/eventlog.h"
#include "verify/tpm_report.h"

#define FIRMWARE 0xffu // registers 0 to 7

// What the report's views point into.
struct gathered {
    struct linux_tpm_part ak;
    struct linux_tpm_part ek;
    struct linux_tpm_quote quote;
    uint8_t certificate[LINUX_TPM_CERTIFICATE_MAX];
    struct rotor_room ek_certificate;
    struct rotor_bytes event_log; // on the heap
};

static struct rotor_bytes part(const struct linux_tpm_part *p)
{
    return bytes_of(p->bytes, p->size);
}

static enum rotor_status ask_tpm(struct linux_tpm *tpm, uint32_t registers,
                                 const uint8_t ud[CHAIN_UD_SIZE],
                                 struct gathered *g)
{
    g->ek_certificate = ROOM_OF(g->certificate);
    TRY(linux_tpm_ek_certificate(tpm, &g->ek_certificate));
    if (g->ek_certificate.used != 0) { // without one nobody asks for the key
        TRY(linux_tpm_ek(tpm, &g->ek));
    }
    TRY(linux_tpm_ak(tpm, &g->ak));
    return linux_tpm_quote(tpm, registers, ud, &g->quote);
}

static bool gather(const struct run *run, const struct platform_flags *flags,
                   const uint8_t ud[CHAIN_UD_SIZE], struct gathered *g,
                   int *code)
{
    struct linux_tpm tpm;
    uint32_t registers = FIRMWARE;
    if (flags->registers != NULL) {
        (void)registers_parse(flags->registers, &registers);
    }
    // The library would print each index that is not there.
    (void)setenv("TSS2_LOG", "all+NONE", 0);
    enum rotor_status status = linux_tpm_open(&tpm, flags->tcti);
    if (status == ROTOR_OK) {
        status = ask_tpm(&tpm, registers, ud, g);
        linux_tpm_close(&tpm);
    }
    if (status == ROTOR_OK) {
        return true;
    }
    *code = fail(run, status == ROTOR_AGAIN ? CAUSE_BUSY : CAUSE_PLATFORM,
                 "its user must be able to open /dev/tpmrm0; or --tcti", "%s",
                 status == ROTOR_AGAIN
                     ? "the TPM's registers were extended all the while"
                     : tpm.fault);
    return false;
}

// A machine without a log has none; a log that is named must be there.
static bool read_log(const struct run *run, const struct platform_flags *flags,
                     struct gathered *g, int *code)
{
    const char *path = flags->event_log;
    if (path == NULL) {
        path = LINUX_TPM_EVENT_LOG;
        if (access(path, F_OK) != 0) {
            return true;
        }
    }
    return read_file(run, path, VERIFY_EVENTLOG_MAX, &g->event_log, code);
}

static void set_values(const struct linux_tpm_quote *quote,
                       struct verify_pcrs *pcrs)
{
    pcrs->bank_count = 1;
    pcrs->banks[0].algorithm = VERIFY_TPM_SHA256;
    pcrs->banks[0].size = LINUX_TPM_VALUE;
    pcrs->banks[0].known = quote->registers;
    for (unsigned pcr = 0; pcr < LINUX_TPM_REGISTERS; pcr++) {
        memcpy(pcrs->banks[0].values[pcr], quote->values[pcr], LINUX_TPM_VALUE);
    }
}

static bool write_report(const struct run *run, const struct gathered *g,
                         struct rotor_room *bytes, int *code)
{
    static struct verify_tpm_report report;
    size_t capacity = g->event_log.size + (1u << 16);
    report = (struct verify_tpm_report){
        .quote = part(&g->quote.attest),
        .signature = part(&g->quote.signature),
        .ak_public = part(&g->ak),
        .event_log = g->event_log,
        .ek_public = part(&g->ek),
        .ek_certificate = bytes_in(&g->ek_certificate),
    };
    set_values(&g->quote, &report.pcrs);
    *bytes = (struct rotor_room){malloc(capacity), capacity, 0};
    if (bytes->data != NULL &&
        verify_tpm_report_encode(&report, bytes) == ROTOR_OK) {
        return true;
    }
    *code = fail(run, CAUSE_PLATFORM, NULL, "out of memory");
    return false;
}

bool platform_attest_tpm(const struct run *run,
                         const struct platform_flags *flags,
                         const uint8_t ud[CHAIN_UD_SIZE],
                         struct rotor_room *report, int *code)
{
    static struct gathered g;
    bool is_made = gather(run, flags, ud, &g, code) &&
                   read_log(run, flags, &g, code) &&
                   write_report(run, &g, report, code);
    free((void *)(uintptr_t)g.event_log.data);
    g.event_log = bytes_of(NULL, 0);
    return is_made;
}
