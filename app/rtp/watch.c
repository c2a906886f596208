// SPDX-License-Identifier: Apache-2.0
#include "app/rtp/watch.h"

#include <stdio.h>
#include <string.h>

#include "app/rtp/starter.h"
#include "base/bytes.h"

#define LOOK_EVERY_MS   1000u
#define REPORT_EVERY_MS 10000u

void watch_init(struct watch *watch, struct rtp *rtp,
                const struct wire_digest *running)
{
    *watch = (struct watch){.rtp = rtp, .running = running};
}

void watch_new_enclave(struct watch *watch)
{
    watch->is_compared = false;
    watch->asked_renewal = false;
    watch->refusal = NULL;
}

void watch_refuse(struct watch *watch, const char *why)
{
    watch->refusal = why;
}

static void raise_event(struct watch *watch, uint64_t now_ms, uint32_t reason,
                        const char *text)
{
    if (rtp_event(watch->rtp, now_ms, reason, text) != ROTOR_OK) {
        fputs("rtp: warning: the event was not taken\n", stderr);
    }
}

// ---- progress --------------------------------------------------------------

// Another image, or other settings, made the current entry than run now.
static void compare_measurement(struct watch *watch, uint64_t now_ms)
{
    const struct wire_digest *entry = &watch->rtp->state.trust.measurement;
    if (watch->is_compared || wire_digest_is_empty(entry)) {
        return;
    }
    watch->is_compared = true;
    if (!wire_digest_equal(entry, watch->running)) {
        raise_event(watch, now_ms, WIRE_REASON_FIRMWARE,
                    "the enclave's image or configuration changed");
    }
}

static void tell_progress(struct watch *watch, uint64_t now_ms)
{
    const struct rtp *rtp = watch->rtp;
    if (!rtp_is_attested(rtp)) {
        watch->told_attested = false;
        return;
    }
    if (!watch->told_attested) {
        watch->told_attested = starter_tell(LAUNCH_ATTESTED, "");
    }
    compare_measurement(watch, now_ms);
    uint64_t epoch = rtp->state.trust.order.epoch;
    if (!watch->has_told || epoch != watch->told_epoch) {
        char line[64];
        (void)snprintf(line, sizeof line, "epoch %llu, enclave attested",
                       (unsigned long long)epoch);
        watch->has_told = starter_tell(LAUNCH_STATUS, line);
        watch->told_epoch = epoch;
    }
}

// Who is served nothing over the socket goes on over no pair either: they end
// with their enclave.
static void take_pairs_back(struct watch *watch, const struct pairs *pairs)
{
    bool is_due = watch->rtp->unavailable != NULL && !watch->asked_renewal &&
                  pairs_count(pairs, PAIR_FREE) < LAUNCH_PAIRS;
    if (is_due) {
        watch->asked_renewal = starter_tell(
            LAUNCH_RENEW, "programs have queue pairs, and none is served");
    }
}

// ---- entropy ---------------------------------------------------------------

static bool has_line(const char *text, const char *start)
{
    size_t size = strlen(start);
    while (*text != '\0' && strncmp(text, start, size) != 0) {
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return *text != '\0';
}

// One that never passed its first test is in other words, and no root hangs on
// it.
bool watch_has_new_failure(const char *report, const char *known)
{
    static const char failed[] = ": failed (";
    char source[64];
    for (const char *at = report; *at != '\0';) {
        size_t size = strcspn(at, "\n");
        (void)snprintf(source, sizeof source, "%.*s", (int)size, at);
        char *fault = strstr(source, failed);
        if (fault != NULL) {
            fault[sizeof failed - 1] = '\0';
            if (!has_line(known, source)) {
                return true;
            }
        }
        at += size + (at[size] == '\n');
    }
    return false;
}

// Sources are tested whenever they are used; we hear of it when we ask: often
// while one is in its test or has failed.
static void ask_for_report(struct watch *watch, uint64_t now_ms)
{
    bool is_eventful = strstr(watch->report, ": healthy") == NULL ||
                       strstr(watch->report, ": testing") != NULL ||
                       strstr(watch->report, ": failed") != NULL;
    if (is_eventful || now_ms - watch->asked_ms > REPORT_EVERY_MS) {
        watch->asked_ms = now_ms;
        rtp_look(watch->rtp);
    }
}

// An entropy source that fails is a security event, once.
static void look_at_entropy(struct watch *watch, uint64_t now_ms)
{
    char report[sizeof watch->report];
    struct wire_client_status status = {0};
    rtp_describe(watch->rtp, now_ms, &status);
    size_t size = status.report.size < sizeof report - 1 ? status.report.size
                                                         : sizeof report - 1;
    if (size == 0) {
        return;
    }
    memcpy(report, status.report.data, size);
    report[size] = '\0';
    // What an enclave had found before we came is no news.
    bool is_worse = watch->report[0] != '\0' &&
                    watch_has_new_failure(report, watch->report);
    if (is_worse) {
        raise_event(watch, now_ms, WIRE_REASON_SECURITY_EVENT,
                    "an entropy source failed");
    }
    memcpy(watch->report, report, size + 1);
}

void watch_turn(struct watch *watch, const struct pairs *pairs, uint64_t now_ms)
{
    if (watch->refusal != NULL &&
        starter_tell(LAUNCH_REFUSED, watch->refusal)) {
        watch->refusal = NULL;
    }
    if (pairs != NULL) {
        take_pairs_back(watch, pairs);
    }
    tell_progress(watch, now_ms);
    if (now_ms - watch->looked_ms > LOOK_EVERY_MS) {
        watch->looked_ms = now_ms;
        look_at_entropy(watch, now_ms);
        ask_for_report(watch, now_ms);
    }
}
