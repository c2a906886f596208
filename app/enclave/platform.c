// SPDX-License-Identifier: Apache-2.0
#include "app/enclave/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/enclave/beside.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "port/linux/folder.h"

#define RESET_MARK "reset"

static const char *const FILES[ENCLAVE_FILES] = {
    [ENCLAVE_STATE] = "state",
    [ENCLAVE_STATE_NEXT] = "state.next",
    [ENCLAVE_ATTACH] = "attach",
    [ENCLAVE_RECOVER] = "recover",
};

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

static enum rotor_status store_read(void *context, enum enclave_file file,
                                    struct rotor_room *content)
{
    (void)context;
    bool found = false;
    return linux_folder_read(LAUNCH_FD_STORE, FILES[file], content, &found);
}

// Why the store failed, for the operator; errno is its cause.
static enum rotor_status said(enum rotor_status status, const char *file)
{
    if (status == ROTOR_PORT_FAILED) {
        fprintf(stderr, "enclave: warning: STATE/enclave/%s: %s\n", file,
                strerror(errno));
    }
    return status;
}

static enum rotor_status store_write(void *context, enum enclave_file file,
                                     struct rotor_bytes content)
{
    (void)context;
    return said(linux_folder_write(LAUNCH_FD_STORE, FILES[file], content),
                FILES[file]);
}

static enum rotor_status store_rename(void *context, enum enclave_file from,
                                      enum enclave_file to)
{
    struct platform *platform = context;
    enum rotor_status status =
        said(linux_folder_rename(LAUNCH_FD_STORE, FILES[from], FILES[to]),
             FILES[to]);
    if (status == ROTOR_OK && platform->was_reset) {
        // There is a state again: a later loss of it is a loss.
        platform->was_reset = false;
        return said(linux_folder_remove(LAUNCH_FD_STORE, RESET_MARK),
                    RESET_MARK);
    }
    return status;
}

static enum rotor_status store_remove(void *context, enum enclave_file file)
{
    (void)context;
    return said(linux_folder_remove(LAUNCH_FD_STORE, FILES[file]), FILES[file]);
}

// A file that anyone who can write the store can roll back too: detect only.
static enum rotor_status anchor_read(void *context, uint64_t *n, uint8_t v[32])
{
    (void)context;
    uint8_t memory[PLATFORM_ANCHOR];
    struct rotor_room room = ROOM_OF(memory);
    bool found = false;
    TRY(linux_folder_read(LAUNCH_FD_STORE, "anchor", &room, &found));
    if (found && room.used != PLATFORM_ANCHOR) {
        return ROTOR_PORT_FAILED;
    }
    if (!found) {
        memset(memory, 0, sizeof memory);
    }
    *n = bytes_be64(memory);
    memcpy(v, memory + 8, 32);
    return ROTOR_OK;
}

// The anchor's file behind one more advance.
static enum rotor_status next_anchor(const uint8_t d[32],
                                     uint8_t memory[PLATFORM_ANCHOR])
{
    uint8_t v[32];
    uint64_t n = 0;
    TRY(anchor_read(NULL, &n, v));
    const struct rotor_bytes parts[] = {BYTES_OF(v), bytes_of(d, 32)};
    bytes_put_be64(memory, n + 1);
    return crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), memory + 8);
}

static enum rotor_status replace_anchor(const uint8_t memory[PLATFORM_ANCHOR])
{
    return said(linux_folder_replace(LAUNCH_FD_STORE, "anchor",
                                     bytes_of(memory, PLATFORM_ANCHOR)),
                "anchor");
}

static enum rotor_status anchor_advance(void *context, const uint8_t d[32])
{
    (void)context;
    uint8_t memory[PLATFORM_ANCHOR];
    TRY(next_anchor(d, memory));
    return replace_anchor(memory);
}

// ---- an anchor that a copy of the disk does not bring back -----------------

static enum rotor_status of_tpm(const struct platform *platform,
                                enum rotor_status status)
{
    if (status != ROTOR_OK) {
        fprintf(stderr, "enclave: error: anchor: %s\n", platform->anchor.fault);
        return ROTOR_PORT_FAILED;
    }
    return ROTOR_OK;
}

static enum rotor_status tpm_read(void *context, uint64_t *n, uint8_t v[32])
{
    struct platform *platform = context;
    *n = ENCLAVE_N_UNKNOWN;
    return of_tpm(platform, anchor_tpm_read(&platform->anchor, v));
}

static enum rotor_status tpm_advance(void *context, const uint8_t d[32])
{
    struct platform *platform = context;
    return of_tpm(platform, anchor_tpm_advance(&platform->anchor, d));
}

static enum rotor_status open_anchor(struct platform *platform,
                                     const struct launch_settings *settings,
                                     struct enclave_identity *identity)
{
    platform->has_tpm = settings->anchor_kind == 1;
    identity->anchor_kind = settings->anchor_kind;
    if (!platform->has_tpm) {
        return ROTOR_OK;
    }
    return of_tpm(platform,
                  anchor_tpm_open(&platform->anchor, LAUNCH_FD_ANCHOR,
                                  ANCHOR_TPM_INDEX, identity->hw_secret));
}

// ---- beside the serving thread ---------------------------------------------

static enum rotor_status make_durable(void *input)
{
    struct platform *platform = input;
    const struct enclave_durable *what = &platform->durable.what;
    switch (what->kind) {
    case ENCLAVE_WRITE:
        return store_write(platform, what->file, what->content);
    case ENCLAVE_RENAME:
        return store_rename(platform, what->file, what->to);
    case ENCLAVE_ADVANCE:
        return replace_anchor(platform->durable.anchor);
    }
    return ROTOR_INVALID;
}

static enum rotor_status durable_begin(void *context,
                                       const struct enclave_durable *what)
{
    struct platform *platform = context;
    struct platform_durable *durable = &platform->durable;
    durable->what = *what;
    durable->is_done = what->kind == ENCLAVE_ADVANCE && platform->has_tpm;
    if (durable->is_done) {
        // A TPM is spoken to with libcrypto, which the other thread has not:
        // a step of its own.
        durable->result = tpm_advance(platform, what->d);
        return ROTOR_OK;
    }
    if (what->kind == ENCLAVE_ADVANCE) {
        TRY(next_anchor(what->d, durable->anchor)); // hashed here, as well
    }
    beside_begin(make_durable, platform);
    return ROTOR_OK;
}

static enum rotor_status durable_end(void *context)
{
    const struct platform *platform = context;
    return platform->durable.is_done ? platform->durable.result : beside_end();
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
    return (struct enclave_ops){
        .context = platform,
        .entropy = draw,
        .entropy_passing = draw_passing,
        .store_read = store_read,
        .store_write = store_write,
        .store_rename = store_rename,
        .store_remove = store_remove,
        .anchor_read = platform->has_tpm ? tpm_read : anchor_read,
        .anchor_advance = platform->has_tpm ? tpm_advance : anchor_advance,
        .now_ms = now_ms,
        .evidence = attest,
        .durable_begin = durable_begin,
        .durable_end = durable_end,
    };
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

// "getrandom: healthy\nrdseed: failed (stuck)\n"
static void write_report(const struct platform *platform,
                         char report[PLATFORM_REPORT_MAX])
{
    struct entropy_report source;
    size_t used = 0;
    report[0] = '\0';
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

// A reset by rotord leaves a mark; it counts until a state was written.
static enum rotor_status take_reset_mark(struct platform *platform)
{
    bool is_marked = faccessat(LAUNCH_FD_STORE, RESET_MARK, F_OK, 0) == 0;
    bool has_state =
        faccessat(LAUNCH_FD_STORE, FILES[ENCLAVE_STATE], F_OK, 0) == 0;
    platform->was_reset = is_marked && !has_state;
    return is_marked && has_state
               ? linux_folder_remove(LAUNCH_FD_STORE, RESET_MARK)
               : ROTOR_OK;
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
    TRY(open_anchor(platform, &settings, identity));
    platform->uds_key = birth->uds_key;
    platform->certificate = birth->certificate;
    identity->measurement = birth->measurement;
    TRY(take_reset_mark(platform));
    identity->was_reset = platform->was_reset;
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
