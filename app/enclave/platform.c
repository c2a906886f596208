// SPDX-License-Identifier: Apache-2.0
#include "app/enclave/platform.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/secret.h"

static volatile sig_atomic_t retest_wanted;

static void want_retest(int number)
{
    (void)number;
    retest_wanted = 1;
}

// ---- ops -------------------------------------------------------------------

static enum rotor_status draw(void *context, uint8_t *out, size_t size)
{
    struct platform *platform = context;
    return entropy_draw(&platform->front, out, size);
}

static enum rotor_status draw_passing(void *context, uint8_t *out, size_t size)
{
    struct platform *platform = context;
    return entropy_draw_for(&platform->front, ENTROPY_FOR_PASSING, out, size);
}

static uint64_t now_ms(void *context)
{
    (void)context;
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static enum rotor_status attest(void *context, const uint8_t ud[64],
                                struct rotor_bytes claims,
                                struct rotor_room *evidence)
{
    const struct platform *platform = context;
    const struct chain_attester attester = {
        &platform->attest_key, platform->uds_key, platform->certificate};
    return chain_attest(&attester, ud, claims, evidence);
}

struct enclave_ops platform_ops(struct platform *platform)
{
    struct enclave_ops ops = {
        .context = platform,
        .entropy = draw,
        .entropy_passing = draw_passing,
        .now_ms = now_ms,
        .evidence = attest,
    };
    platform_store_ops(platform, &ops);
    return ops;
}

// ---- entropy ---------------------------------------------------------------

static const char *stage_word(const struct entropy_report *source)
{
    switch (source->stage) {
    case ENTROPY_HEALTHY:
        return "healthy";
    case ENTROPY_TESTING:
        return "testing";
    case ENTROPY_OUT:
        break;
    }
    if (source->fault == ENTROPY_ABSENT) {
        return "absent";
    }
    return source->was_used ? "failed" : "failed its first test";
}

// "store: sealed to the TPM\ngetrandom: healthy\nrdseed: failed (stuck)\n"
static void write_report(const struct platform *platform,
                         char report[PLATFORM_REPORT_MAX])
{
    struct entropy_report source;
    const char *first = platform->is_sealed ? "store: sealed to the TPM\n" : "";
    size_t used = strlen(first);
    memcpy(report, first, used + 1);
    for (size_t i = 0; entropy_report(&platform->front, i, &source); i++) {
        bool is_failed =
            source.stage == ENTROPY_OUT && source.fault != ENTROPY_ABSENT;
        int size = snprintf(report + used, PLATFORM_REPORT_MAX - used,
                            "%s: %s%s%s%s\n", source.name, stage_word(&source),
                            is_failed ? " (" : "",
                            is_failed ? entropy_fault_name(source.fault) : "",
                            is_failed ? ")" : "");
        if (size < 0 || (size_t)size >= PLATFORM_REPORT_MAX - used) {
            report[used] = '\0';
            return;
        }
        used += (size_t)size;
    }
}

bool platform_is_testing(const struct platform *platform)
{
    return entropy_is_testing(&platform->front);
}

#define STEP_EVERY_MS 10u // a slow source is asked this often

void platform_step(struct platform *platform, struct enclave *enclave)
{
    char report[PLATFORM_REPORT_MAX];
    uint64_t now = now_ms(NULL);
    if (retest_wanted != 0) {
        retest_wanted = 0;
        entropy_retest(&platform->front);
    } else if (platform_is_testing(platform) &&
               now - platform->stepped_ms >= STEP_EVERY_MS) {
        platform->stepped_ms = now;
        entropy_step(&platform->front);
    }
    write_report(platform, report);
    if (strcmp(report, platform->report) != 0) {
        memcpy(platform->report, report, sizeof report);
        enclave_report(enclave, bytes_of(platform->report, strlen(report)));
    }
}

static enum rotor_status open_entropy(struct platform *platform,
                                      const struct launch_settings *settings)
{
    bool is_plugged = fcntl(LAUNCH_FD_PLUGGED, F_GETFD) >= 0;
    memcpy(platform->plugged_name, settings->plugged_entropy.data,
           settings->plugged_entropy.size);
    bool has_hwrng = fcntl(LAUNCH_FD_HWRNG, F_GETFD) >= 0;
    const struct linux_entropy_options options = {
        .hwrng_fd = has_hwrng ? LAUNCH_FD_HWRNG : 0,
        .plugged_name = is_plugged ? platform->plugged_name : NULL,
        .plugged_fd = LAUNCH_FD_PLUGGED,
        .plugged_is_required = settings->plugged_is_required == 1,
    };
    TRY(linux_entropy_open(&platform->sources, &options));
    TRY(entropy_init(&platform->front, platform->sources.sources,
                     platform->sources.count));
    entropy_start(&platform->front);
    return ROTOR_OK;
}

// ---- open ------------------------------------------------------------------

// hw_secret = Expand(CDI_seal, "rotor1 hw_secret", 32): doc/PROTOCOL.boot 4.
static enum rotor_status derive_hw_secret(struct rotor_bytes cdi_seal,
                                          uint8_t hw_secret[32])
{
    struct rotor_room okm = {hw_secret, 32, 0};
    return crypto_expand(CRYPTO_SHA256, cdi_seal.data,
                         LABEL("rotor1 hw_secret"), &okm);
}

enum rotor_status platform_open(struct platform *platform,
                                const struct launch_birth *birth,
                                struct enclave_identity *identity)
{
    struct launch_settings settings;
    TRY(wire_message_decode(&LAUNCH_LAYOUT_SETTINGS, birth->settings,
                            &settings));
    TRY(open_entropy(platform, &settings));
    TRY(boot_dice_key(birth->cdi_attest.data, CRYPTO_P256,
                      &platform->attest_key));
    TRY(derive_hw_secret(birth->cdi_seal, identity->hw_secret));
    TRY(platform_open_store(platform, &settings, identity));
    TRY(platform_seal(platform, &settings, identity));
    platform->uds_key = birth->uds_key;
    platform->certificate = birth->certificate;
    identity->measurement = birth->measurement;
    write_report(platform, platform->report);
    identity->report = bytes_of(platform->report, strlen(platform->report));
    const struct sigaction action = {.sa_handler = want_retest};
    return sigaction(SIGUSR1, &action, NULL) == 0 ? ROTOR_OK
                                                  : ROTOR_PORT_FAILED;
}

void platform_close(struct platform *platform)
{
    crypto_key_close(&platform->attest_key);
    linux_entropy_close(&platform->sources);
    secret_wipe(platform, sizeof *platform);
}
