// SPDX-License-Identifier: Apache-2.0
#include "app/rotord/reset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "port/linux/folder.h"

#define ORDER       "reset"
#define ANCHOR_SIZE 40 // bytes: app/enclave/platform.c
#define ASIDE_MAX   10000u

static bool exists(int folder, const char *name)
{
    return faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

// The order's content: the first name that is free.
static bool choose_aside(int state_folder, char aside[RESET_NAME_SIZE])
{
    for (unsigned n = 1; n < ASIDE_MAX; n++) {
        (void)snprintf(aside, RESET_NAME_SIZE, "rtp.old.%u", n);
        if (!exists(state_folder, aside)) {
            return true;
        }
    }
    errno = EEXIST;
    return false;
}

// An anchor that was cut short names nothing that could be followed.
static bool drop_torn_anchor(int store)
{
    struct stat state;
    if (fstatat(store, "anchor", &state, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT;
    }
    bool is_whole = S_ISREG(state.st_mode) && state.st_size == ANCHOR_SIZE;
    if (!is_whole) {
        fputs("rotord: warning: the anchor was damaged: it starts anew\n",
              stderr);
    }
    return is_whole || linux_folder_remove(store, "anchor") == ROTOR_OK;
}

static bool empty_store(int store)
{
    static const char *const files[] = {"recover", "attach", "state.next",
                                        "state", "sealed"};
    bool is_done = linux_folder_write(store, "reset", LABEL("")) == ROTOR_OK &&
                   drop_torn_anchor(store);
    for (size_t i = 0; is_done && i < COUNT_OF(files); i++) {
        is_done = linux_folder_remove(store, files[i]) == ROTOR_OK;
    }
    return is_done;
}

static bool empty_enclave(int state_folder)
{
    if (mkdirat(state_folder, "enclave", 0700) != 0 && errno != EEXIST) {
        return false;
    }
    int store = openat(state_folder, "enclave",
                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (store < 0) {
        return false;
    }
    bool is_done = empty_store(store);
    int cause = errno;
    (void)close(store);
    errno = cause;
    return is_done;
}

// Every step may have been done already.
static bool carry_out(int state_folder, const char *aside)
{
    bool is_aside = exists(state_folder, aside) ||
                    !exists(state_folder, "rtp") ||
                    linux_folder_rename(state_folder, "rtp", aside) == ROTOR_OK;
    return is_aside && empty_enclave(state_folder) &&
           linux_folder_remove(state_folder, ORDER) == ROTOR_OK;
}

static bool read_order(int state_folder, char aside[RESET_NAME_SIZE],
                       bool *is_ordered)
{
    uint8_t memory[RESET_NAME_SIZE - 1];
    struct rotor_room room = ROOM_OF(memory);
    enum rotor_status status =
        linux_folder_read(state_folder, ORDER, &room, is_ordered);
    memset(aside, 0, RESET_NAME_SIZE);
    memcpy(aside, memory, room.used);
    bool is_name = strncmp(aside, "rtp.old.", 8) == 0 && !strchr(aside, '/');
    if (status == ROTOR_TOO_SMALL || (*is_ordered && !is_name)) {
        errno = EINVAL;
        return false;
    }
    return status == ROTOR_OK;
}

bool reset_device(int state_folder, char aside[RESET_NAME_SIZE])
{
    bool is_ordered = false;
    if (!read_order(state_folder, aside, &is_ordered)) {
        return false;
    }
    if (!is_ordered) {
        if (!choose_aside(state_folder, aside)) {
            return false;
        }
        struct rotor_bytes order = {(const uint8_t *)aside, strlen(aside)};
        if (linux_folder_replace(state_folder, ORDER, order) != ROTOR_OK) {
            return false;
        }
    }
    return carry_out(state_folder, aside);
}

bool reset_resume(int state_folder)
{
    char aside[RESET_NAME_SIZE];
    bool is_ordered = false;
    if (!read_order(state_folder, aside, &is_ordered)) {
        return false;
    }
    if (!is_ordered) {
        return true;
    }
    fputs("rotord: warning: a factory reset was cut: it is finished now\n",
          stderr);
    // The order itself may be of a program that ended before its sync.
    return linux_folder_settle(state_folder) == ROTOR_OK &&
           carry_out(state_folder, aside);
}
