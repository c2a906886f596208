// SPDX-License-Identifier: Apache-2.0
// The enclave's folder: its files, its anchor, and what is made durable beside
// the serving thread.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/enclave/beside.h"
#include "app/enclave/platform.h"
#include "base/bytes.h"
#include "port/linux/folder.h"

#define RESET_MARK "reset"

static const char *const FILES[ENCLAVE_FILES] = {
    [ENCLAVE_STATE] = "state",
    [ENCLAVE_STATE_NEXT] = "state.next",
    [ENCLAVE_ATTACH] = "attach",
    [ENCLAVE_RECOVER] = "recover",
};

// ---- files -----------------------------------------------------------------

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

static enum rotor_status settle_names(struct platform *platform)
{
    enum rotor_status status = said(linux_folder_settle(LAUNCH_FD_STORE), "");
    platform->names_in_doubt = status != ROTOR_OK;
    return status;
}

enum rotor_status platform_settle_store(struct platform *platform)
{
    for (size_t i = 0; i < COUNT_OF(FILES); i++) {
        TRY(said(linux_folder_settle_file(LAUNCH_FD_STORE, FILES[i]),
                 FILES[i]));
    }
    return settle_names(platform);
}

// A rename that did not come to its end may be lost as long as the folder is
// not synced; a file that is made under its old name would take the last name
// of what was renamed.
static enum rotor_status store_write(void *context, enum enclave_file file,
                                     struct rotor_bytes content)
{
    struct platform *platform = context;
    if (platform->names_in_doubt) {
        TRY(settle_names(platform));
    }
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
    platform->names_in_doubt = status != ROTOR_OK;
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
    struct platform *platform = context;
    enum rotor_status status =
        said(linux_folder_remove(LAUNCH_FD_STORE, FILES[file]), FILES[file]);
    platform->names_in_doubt = platform->names_in_doubt || status != ROTOR_OK;
    return status;
}

// ---- anchor ----------------------------------------------------------------

static enum rotor_status replace_anchor(struct platform *platform,
                                        const uint8_t memory[PLATFORM_ANCHOR])
{
    enum rotor_status status =
        said(linux_folder_replace(LAUNCH_FD_STORE, "anchor",
                                  bytes_of(memory, PLATFORM_ANCHOR)),
             "anchor");
    platform->anchor_in_doubt = status == ROTOR_OK ? 0 : bytes_be64(memory);
    return status;
}

// A file that anyone who can write the store can roll back too: detect only.
// What a failed write left there may be gone after the next power cut, and what
// is said here must not: it is written once more.
static enum rotor_status anchor_read(void *context, uint64_t *n, uint8_t v[32])
{
    struct platform *platform = context;
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
    bool is_in_doubt = *n != 0 && *n == platform->anchor_in_doubt;
    return is_in_doubt ? replace_anchor(platform, memory) : ROTOR_OK;
}

// The anchor's file behind one more advance.
static enum rotor_status next_anchor(struct platform *platform,
                                     const uint8_t d[32],
                                     uint8_t memory[PLATFORM_ANCHOR])
{
    uint8_t v[32];
    uint64_t n = 0;
    TRY(anchor_read(platform, &n, v));
    const struct rotor_bytes parts[] = {BYTES_OF(v), bytes_of(d, 32)};
    bytes_put_be64(memory, n + 1);
    return crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), memory + 8);
}

static enum rotor_status anchor_advance(void *context, const uint8_t d[32])
{
    uint8_t memory[PLATFORM_ANCHOR];
    TRY(next_anchor(context, d, memory));
    return replace_anchor(context, memory);
}

// ---- an anchor that a copy of the disk does not bring back -----------------

static enum rotor_status of_tpm(const struct platform *platform,
                                enum rotor_status status)
{
    if (status != ROTOR_OK) {
        fprintf(stderr,
                "enclave: error: anchor: %s\n"
                "enclave: hint: %s\n",
                platform->anchor.talk.fault,
                status == ROTOR_FORBIDDEN
                    ? "this TPM does not know this store: bring back the one "
                      "that does; if there is none, rotor recover or rotord "
                      "--factory-reset"
                    : "see that [anchor] tpm is a TPM 2.0 that answers");
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
    case ENCLAVE_REMOVE:
        return store_remove(platform, what->file);
    case ENCLAVE_ADVANCE:
        return replace_anchor(platform, platform->durable.anchor);
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
        TRY(next_anchor(platform, what->d,
                        durable->anchor)); // hashed here, as well
    }
    beside_begin(make_durable, platform);
    return ROTOR_OK;
}

static enum rotor_status durable_end(void *context)
{
    const struct platform *platform = context;
    return platform->durable.is_done ? platform->durable.result : beside_end();
}

void platform_store_ops(const struct platform *platform,
                        struct enclave_ops *ops)
{
    ops->store_read = store_read;
    ops->store_write = store_write;
    ops->store_rename = store_rename;
    ops->store_remove = store_remove;
    ops->anchor_read = platform->has_tpm ? tpm_read : anchor_read;
    ops->anchor_advance = platform->has_tpm ? tpm_advance : anchor_advance;
    ops->durable_begin = durable_begin;
    ops->durable_end = durable_end;
}

// ---- open ------------------------------------------------------------------

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

enum rotor_status platform_open_store(struct platform *platform,
                                      const struct launch_settings *settings,
                                      struct enclave_identity *identity)
{
    TRY(open_anchor(platform, settings, identity));
    TRY(platform_settle_store(platform));
    TRY(take_reset_mark(platform));
    identity->was_reset = platform->was_reset;
    return ROTOR_OK;
}
