// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <linux/magic.h>

#include "app/rotor/doctor.h"
#include "base/bytes.h"
#include "port/linux/folder.h"
#include "port/linux/slots.h"

// ---- the folder ------------------------------------------------------------

bool doctor_look_at_folder(struct doctor *doctor)
{
    char path[512];
    struct stat state;
    state_path(doctor_run(doctor), "", path);
    if (stat(path, &state) != 0) {
        bool is_missing = errno == ENOENT;
        doctor_say(doctor, HEALTH_FAIL, "state folder",
                   is_missing ? "--state DIR names another; rotord makes it on "
                                "its first start"
                              : "run it as root or as the user of rotord",
                   "%s: %s", path, strerror(errno));
        return false;
    }
    if (!S_ISDIR(state.st_mode)) {
        doctor_say(doctor, HEALTH_FAIL, "state folder", "--state DIR",
                   "%s is not a folder", path);
        return false;
    }
    if ((state.st_mode & 0022) != 0) {
        doctor_say(doctor, HEALTH_FAIL, "state folder", "chmod go-w on it",
                   "%s: others may write there", path);
    } else {
        doctor_say(doctor, HEALTH_OK, "state folder", NULL, "%s", path);
    }
    if (access(path, R_OK | X_OK) != 0) {
        doctor_say(doctor, HEALTH_FAIL, "state folder",
                   "run it as root or as the user of rotord",
                   "%s: not readable for this user", path);
        return false;
    }
    return true;
}

void doctor_look_at_secrets(struct doctor *doctor)
{
    static const char *const secrets[] = {"uds", "enclave", "rtp"};
    unsigned good = 0;
    for (size_t i = 0; i < COUNT_OF(secrets); i++) {
        char path[512];
        struct stat state;
        state_path(doctor_run(doctor), secrets[i], path);
        if (stat(path, &state) != 0) {
            doctor_say(doctor, errno == ENOENT ? HEALTH_WARN : HEALTH_FAIL,
                       "secrets", "rotord makes it on its first start",
                       "%s: %s", path, strerror(errno));
        } else if ((state.st_mode & 0077) != 0) {
            doctor_say(doctor, HEALTH_FAIL, "secrets",
                       "chmod go= on it; who read it has the keys: rotor event "
                       "key-compromise",
                       "%s: others may read it", path);
        } else {
            good++;
        }
    }
    if (good == COUNT_OF(secrets)) {
        doctor_say(doctor, HEALTH_OK, "secrets", NULL,
                   "device secret, enclave and rtp stores are private");
    }
}

// ---- storage ---------------------------------------------------------------

static void look_at_space(struct doctor *doctor, const char *path)
{
    struct statvfs space;
    if (statvfs(path, &space) != 0) {
        doctor_say(doctor, HEALTH_FAIL, "free space", NULL, "%s: %s", path,
                   strerror(errno));
        return;
    }
    uint64_t free_mib =
        (uint64_t)space.f_bavail * (uint64_t)space.f_frsize >> 20;
    enum health health = free_mib < 16    ? HEALTH_FAIL
                         : free_mib < 256 ? HEALTH_WARN
                                          : HEALTH_OK;
    doctor_say(doctor, health, "free space",
               health == HEALTH_OK ? NULL
                                   : "make room: a full disk stops "
                                     "rotation, not attestation",
               "%" PRIu64 " MiB", free_mib);
}

static void look_at_kind(struct doctor *doctor, const char *path)
{
    struct statfs kind;
    if (statfs(path, &kind) != 0) {
        return;
    }
    const unsigned long magic = (unsigned long)kind.f_type;
    if (magic == TMPFS_MAGIC || magic == RAMFS_MAGIC) {
        doctor_say(doctor, HEALTH_WARN, "file system",
                   "put the state on a disk, but for tests",
                   "memory only: a reboot loses the root of trust");
    } else if (magic == NFS_SUPER_MAGIC || magic == SMB_SUPER_MAGIC) {
        doctor_say(doctor, HEALTH_WARN, "file system",
                   "put the state on a disk of this machine",
                   "on the network: fsync may not mean what it says");
    } else {
        doctor_say(doctor, HEALTH_OK, "file system", NULL,
                   "of this machine (type %lx)", magic);
    }
}

static double now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

// The very calls that rotation makes: write, fsync, rename, fsync the folder.
static void look_at_durability(struct doctor *doctor, const char *path)
{
    static const char name[] = "doctor.probe";
    int folder = -1;
    double begin = now_ms();
    enum rotor_status status = linux_folder_open(path, &folder);
    if (status == ROTOR_OK) {
        status = linux_folder_replace(folder, name, LABEL("probe"));
    }
    int cause = errno;
    double took = now_ms() - begin;
    if (folder >= 0) {
        if (linux_folder_remove(folder, name) != ROTOR_OK) {
            status = ROTOR_PORT_FAILED;
        }
        (void)close(folder);
    }
    if (status != ROTOR_OK) {
        doctor_say(doctor, HEALTH_FAIL, "durable writes",
                   "rotord cannot rotate while this fails", "%s: %s", path,
                   strerror(cause));
        return;
    }
    doctor_say(doctor, took > 500 ? HEALTH_WARN : HEALTH_OK, "durable writes",
               took > 500 ? "a slow disk makes rotation slow, nothing else"
                          : NULL,
               "write, fsync, rename, fsync of the folder: %.1f ms", took);
}

void doctor_look_at_storage(struct doctor *doctor)
{
    char path[512];
    state_path(doctor_run(doctor), "", path);
    look_at_space(doctor, path);
    look_at_kind(doctor, path);
    look_at_durability(doctor, path);
}

// ---- images ----------------------------------------------------------------

static void look_at_slot(struct doctor *doctor, int folder,
                         const struct boot_slots *slots,
                         const struct boot_keyring *keyring)
{
    const char *name = linux_component_name(slots->component);
    uint32_t verdict = BOOT_REJECTED;
    enum boot_reason reason = BOOT_GENUINE;
    struct boot_parts parts;
    struct rotor_bytes file;
    if (linux_image_open(folder, slots->component, slots->active, &file) !=
        ROTOR_OK) {
        doctor_say(doctor, HEALTH_FAIL, "images",
                   "rotor image install puts it back",
                   "%s: the image of its active slot cannot be read", name);
        return;
    }
    const struct boot_image_check check = {file, keyring, slots->component,
                                           slots->floor};
    enum rotor_status status =
        boot_image_verify(&check, &verdict, &reason, &parts);
    bool is_good = status == ROTOR_OK && boot_verdict_is_accepted(&verdict) &&
                   boot_slot_holds(slots, slots->active, &parts.header);
    if (is_good) {
        doctor_say(doctor, HEALTH_OK, "images", NULL,
                   "%s: slot %c verifies, security version %" PRIu32
                   ", floor %" PRIu32,
                   name, 'a' + slots->active, parts.header.security_version,
                   slots->floor);
    } else {
        doctor_say(doctor, HEALTH_FAIL, "images",
                   "rotor image install a signed image", "%s: slot %c: %s",
                   name, 'a' + slots->active,
                   reason != BOOT_GENUINE ? boot_reason_text(reason)
                                          : "not the image that was installed");
    }
    linux_image_close(&file);
}

static void look_at_component(struct doctor *doctor, int folder,
                              enum boot_component component,
                              const struct boot_keyring *keyring)
{
    struct boot_slots slots;
    const char *name = linux_component_name(component);
    enum rotor_status status = linux_slots_read(folder, component, &slots);
    if (status == ROTOR_CORRUPT) {
        doctor_say(doctor, HEALTH_FAIL, "images",
                   "both copies of the slot record are damaged: the rollback "
                   "floor is lost; install the images anew",
                   "%s: slot record torn", name);
        return;
    }
    if (status != ROTOR_OK) {
        doctor_say(doctor, HEALTH_FAIL, "images", NULL, "%s: %s", name,
                   strerror(errno));
        return;
    }
    for (unsigned i = 0; i < BOOT_SLOT_COUNT; i++) {
        if (slots.slot[i].state == BOOT_SLOT_TRIAL) {
            doctor_say(doctor, HEALTH_WARN, "images",
                       "it is confirmed by its first attestation",
                       "%s: slot %c is on trial, %u tries left", name, 'a' + i,
                       slots.slot[i].tries_left);
        } else if (slots.slot[i].state == BOOT_SLOT_FAILED) {
            doctor_say(doctor, HEALTH_WARN, "images",
                       "rotor image inspect the file; install a better one",
                       "%s: slot %c failed: %s", name, 'a' + i,
                       boot_reason_text(slots.last_failure));
        }
    }
    if (slots.active == BOOT_SLOT_NONE) {
        doctor_say(doctor, HEALTH_WARN, "images",
                   "rotor image install, then rotor image activate",
                   "%s: no confirmed slot", name);
        return;
    }
    look_at_slot(doctor, folder, &slots, keyring);
}

void doctor_look_at_images(struct doctor *doctor)
{
    char path[512];
    struct boot_keyring keyring;
    state_path(doctor_run(doctor), "boot", path);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        doctor_say(doctor, HEALTH_FAIL, "images",
                   "rotor image install puts the first images there", "%s: %s",
                   path, strerror(errno));
        return;
    }
    enum rotor_status status = linux_keyring_read(folder, &keyring);
    if (status != ROTOR_OK || keyring.count == 0) {
        doctor_say(doctor, HEALTH_FAIL, "keyring",
                   "the first rotor image install pins it with --keyring",
                   status == ROTOR_OK ? "no keyring is pinned"
                                      : "the keyring cannot be read");
    } else {
        doctor_say(doctor, HEALTH_OK, "keyring", NULL, "%zu signer%s",
                   keyring.count, keyring.count == 1 ? "" : "s");
        look_at_component(doctor, folder, BOOT_RTP, &keyring);
        look_at_component(doctor, folder, BOOT_ENCLAVE, &keyring);
    }
    (void)close(folder);
}

// ---- the clock -------------------------------------------------------------

// Order and freshness never hang on it; the times in the log do.
void doctor_look_at_clock(struct doctor *doctor)
{
    char text[TIME_SIZE];
    time_t now = time(NULL);
    bool is_sane = now > 1704067200; // 2024: before rotor was written
    time_text((uint64_t)now, text);
    doctor_say(doctor, is_sane ? HEALTH_OK : HEALTH_WARN, "clock",
               is_sane ? NULL
                       : "set it, or start a time service; only the times in "
                         "the log hang on it",
               "%s", text);
}
