// SPDX-License-Identifier: Apache-2.0
// `rotor image`, the device's half: inspect, install, activate, revert, list.
#include "app/rotor/image.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "boot/dice.h"
#include "port/linux/folder.h"
#include "port/linux/slots.h"

enum boot_component image_component(const char *name)
{
    for (int i = BOOT_RTP; i <= BOOT_ENCLAVE; i++) {
        enum boot_component component = (enum boot_component)i;
        if (strcmp(name, linux_component_name(component)) == 0) {
            return component;
        }
    }
    return BOOT_COMPONENT_NONE;
}

void image_version_text(uint32_t version, char text[IMAGE_VERSION_SIZE])
{
    (void)snprintf(text, IMAGE_VERSION_SIZE, "%u.%u.%u", version >> 24,
                   version >> 16 & 0xffu, version & 0xffffu);
}

int image_say(const struct run *run, const char *what, const char *path)
{
    if (run->is_json) {
        struct json out;
        begin_json(&out, "image", true);
        json_text(&out, "done", what);
        json_text(&out, "file", path);
        json_end(&out);
    } else {
        printf("%s: %s\n", what, path);
    }
    return EXIT_ACCEPTED;
}

// ---- the boot folder -------------------------------------------------------

// Only who installs makes the folder of a new device; for everybody else a
// folder that is not there is a slip of the pen.
static bool open_boot(const struct run *run, bool makes, int *folder, int *lock,
                      int *code)
{
    char path[512];
    state_path(run, "", path);
    int state = -1;
    bool is_there = makes || access(path, F_OK) == 0;
    if (!is_there || linux_folder_open(path, &state) != ROTOR_OK) {
        *code =
            fail(run, CAUSE_UNREADABLE, "give the state folder: --state DIR",
                 "%s: %s", path, strerror(errno));
        return false;
    }
    close(state);
    state_path(run, "boot", path);
    if (linux_folder_open(path, folder) != ROTOR_OK ||
        linux_slots_lock(*folder, lock) != ROTOR_OK) {
        *code =
            fail(run, CAUSE_UNREADABLE, NULL, "%s: %s", path, strerror(errno));
        return false;
    }
    return true;
}

static bool read_slots(const struct run *run, int folder,
                       enum boot_component component, struct boot_slots *slots,
                       int *code)
{
    if (linux_slots_read(folder, component, slots) == ROTOR_OK) {
        return true;
    }
    *code = fail(run, CAUSE_UNPARSABLE,
                 "the rollback floor is lost: restore STATE/boot from a backup",
                 "both slot records of %s are damaged",
                 linux_component_name(component));
    return false;
}

static bool store_slots(const struct run *run, int folder,
                        struct boot_slots *slots, int *code)
{
    if (linux_slots_write(folder, slots) == ROTOR_OK) {
        return true;
    }
    *code = fail(run, CAUSE_UNREADABLE, "nothing was changed: free some space",
                 "slot record: %s", strerror(errno));
    return false;
}

// ---- inspect ---------------------------------------------------------------

struct inspection {
    struct boot_parts parts;
    enum boot_reason reason;
    bool was_verified; // against a keyring
};

static int print_inspection(const struct run *run, const char *path,
                            const struct inspection *seen)
{
    const struct boot_header *header = &seen->parts.header;
    char version[IMAGE_VERSION_SIZE];
    char signer[FINGERPRINT_SIZE];
    struct wire_digest id = {.alg = CRYPTO_SHA256};
    memcpy(id.bytes, header->signer_id, sizeof header->signer_id);
    fingerprint(&id, signer);
    image_version_text(header->version, version);
    if (run->is_json) {
        struct json out;
        begin_json(&out, "image", true);
        json_text(&out, "file", path);
        json_text(&out, "component", linux_component_name(header->component));
        json_text(&out, "version", version);
        json_number(&out, "security_version", header->security_version);
        json_number(&out, "size", header->image_size);
        json_hex(&out, "sha512", BYTES_OF(header->digest));
        json_text(&out, "signer", signer);
        json_bool(&out, "lms", header->lms_size != 0);
        json_text(&out, "verdict",
                  seen->was_verified ? "genuine"
                                     : "form is right, not verified");
        json_end(&out);
        return EXIT_ACCEPTED;
    }
    printf("component         %s\n", linux_component_name(header->component));
    printf("version           %s\n", version);
    printf("security version  %u\n", header->security_version);
    printf("size              %zu bytes\n", header->image_size);
    printf("signer            %s (%s%s)\n", signer,
           header->scheme == CRYPTO_P384 ? "P-384" : "P-256",
           header->lms_size != 0 ? " and LMS" : "");
    printf("verdict           %s\n", seen->was_verified
                                         ? "genuine"
                                         : "form is right; --keyring verifies");
    return EXIT_ACCEPTED;
}

static bool load_keyring(const struct run *run, const char *path,
                         struct boot_keyring *keyring, int *code)
{
    struct rotor_bytes content;
    if (!read_file(run, path, BOOT_KEYRING_MAX, &content, code)) {
        return false;
    }
    enum rotor_status status = boot_keyring_decode(content, keyring);
    free((void *)(uintptr_t)content.data);
    if (status != ROTOR_OK) {
        *code = fail(run, CAUSE_UNPARSABLE, "rotor image keyring makes one",
                     "%s: not a keyring", path);
    }
    return status == ROTOR_OK;
}

static int refused(const struct run *run, const char *path,
                   enum boot_reason reason)
{
    return fail(run, CAUSE_IMAGE_REFUSED, NULL, "%s: %s", path,
                boot_reason_text(reason));
}

static int inspect_with(const struct run *run, const char *path,
                        const char *keyring_path, struct rotor_bytes file)
{
    struct inspection seen = {.reason = BOOT_UNDECIDED};
    struct boot_keyring keyring;
    uint32_t verdict = BOOT_REJECTED;
    int code = 0;
    boot_image_decode(file, &seen.parts, &seen.reason);
    if (seen.reason != BOOT_GENUINE) {
        return fail(run, CAUSE_UNPARSABLE, "rotor image sign makes images",
                    "%s: not an image: %s", path,
                    boot_reason_text(seen.reason));
    }
    if (keyring_path == NULL) {
        return print_inspection(run, path, &seen);
    }
    if (!load_keyring(run, keyring_path, &keyring, &code)) {
        return code;
    }
    const struct boot_image_check check = {file, &keyring,
                                           seen.parts.header.component, 0};
    if (boot_image_verify(&check, &verdict, &seen.reason, &seen.parts) !=
            ROTOR_OK ||
        !boot_verdict_is_accepted(&verdict)) {
        return refused(run, path, seen.reason);
    }
    seen.was_verified = true;
    return print_inspection(run, path, &seen);
}

static int image_inspect(struct run *run, int count, char **arguments)
{
    const char *keyring = NULL;
    int code = 0;
    struct rotor_bytes file;
    const struct flag flags[] = {
        {"--keyring", "FILE", FLAG_TEXT, &keyring, "verify against these keys"},
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count != 1) {
        return fail(run, CAUSE_USAGE, "rotor image inspect FILE",
                    "expected one image file");
    }
    if (!read_file(run, arguments[0], IMAGE_FILE_MAX, &file, &code)) {
        return code;
    }
    code = inspect_with(run, arguments[0], keyring, file);
    free((void *)(uintptr_t)file.data);
    return code;
}

// ---- install ---------------------------------------------------------------

struct install {
    const char *path;
    const char *keyring;
    bool activates;
    uint64_t tries;
    int folder;
    struct rotor_bytes file;
};

// The first install pins the keyring; later ones may not change it.
static bool settle_keyring(const struct run *run, const struct install *install,
                           struct boot_keyring *keyring, int *code)
{
    if (linux_keyring_read(install->folder, keyring) != ROTOR_OK) {
        *code = fail(run, CAUSE_UNPARSABLE, "restore STATE/boot/keyring",
                     "the pinned keyring is damaged");
        return false;
    }
    if (keyring->count != 0 && install->keyring == NULL) {
        return true;
    }
    if (keyring->count != 0) {
        struct boot_keyring offered;
        if (!load_keyring(run, install->keyring, &offered, code)) {
            return false;
        }
        bool same = memcmp(&offered, keyring, sizeof offered) == 0;
        if (!same) {
            *code = fail(run, CAUSE_IMAGE_REFUSED,
                         "other signers cannot open what the enclave sealed: "
                         "rotord(8), CHANGING THE SIGNERS; then rotord "
                         "--factory-reset",
                         "another keyring is pinned already");
        }
        return same;
    }
    if (install->keyring == NULL) {
        *code = fail(run, CAUSE_USAGE,
                     "the first install names who may sign: --keyring FILE",
                     "no keyring is pinned yet");
        return false;
    }
    if (!load_keyring(run, install->keyring, keyring, code)) {
        return false;
    }
    if (linux_keyring_write(install->folder, keyring) != ROTOR_OK) {
        *code =
            fail(run, CAUSE_UNREADABLE, NULL, "keyring: %s", strerror(errno));
        return false;
    }
    return true;
}

static int install_verified(const struct run *run,
                            const struct install *install,
                            const struct boot_header *header)
{
    struct boot_slots slots;
    int code = 0;
    if (!read_slots(run, install->folder, header->component, &slots, &code)) {
        return code;
    }
    enum rotor_status status =
        linux_image_install(install->folder, &slots, header, install->file,
                            install->activates ? (uint8_t)install->tries : 0);
    if (status == ROTOR_FORBIDDEN) {
        return fail(run, CAUSE_ROLLED_BACK, NULL,
                    "%s: below the rollback floor %u", install->path,
                    slots.floor);
    }
    if (status != ROTOR_OK) {
        return fail(run, CAUSE_UNREADABLE, "the running image is untouched",
                    "%s: not installed: %s", install->path, strerror(errno));
    }
    return image_say(run,
                     install->activates ? "installed, runs next" : "installed",
                     install->path);
}

static int install_file(const struct run *run, const struct install *install)
{
    struct boot_keyring keyring;
    struct boot_parts parts;
    struct boot_slots slots;
    enum boot_reason reason = BOOT_UNDECIDED;
    uint32_t verdict = BOOT_REJECTED;
    int code = 0;
    boot_image_decode(install->file, &parts, &reason);
    if (reason != BOOT_GENUINE) {
        return fail(run, CAUSE_UNPARSABLE, "rotor image sign makes images",
                    "%s: not an image: %s", install->path,
                    boot_reason_text(reason));
    }
    if (!settle_keyring(run, install, &keyring, &code) ||
        !read_slots(run, install->folder, parts.header.component, &slots,
                    &code)) {
        return code;
    }
    const struct boot_image_check check = {install->file, &keyring,
                                           parts.header.component, slots.floor};
    if (boot_image_verify(&check, &verdict, &reason, &parts) != ROTOR_OK ||
        !boot_verdict_is_accepted(&verdict)) {
        if (reason == BOOT_BELOW_FLOOR) {
            return fail(run, CAUSE_ROLLED_BACK,
                        "a device never goes below what it confirmed",
                        "%s: security version %u is below the floor %u",
                        install->path, parts.header.security_version,
                        slots.floor);
        }
        return refused(run, install->path, reason);
    }
    return install_verified(run, install, &parts.header);
}

static int image_install(struct run *run, int count, char **arguments)
{
    struct install install = {.tries = 3, .folder = -1};
    int lock = -1;
    int code = 0;
    const struct flag flags[] = {
        {"--keyring",  "FILE", FLAG_TEXT,   &install.keyring,
         "who may sign; pinned by the first install"},
        {"--activate", NULL,   FLAG_SWITCH, &install.activates,
         "run it at the next start"                 },
        {"--tries",    "N",    FLAG_NUMBER, &install.tries,
         "starts before it is given up, 1..15"      },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count != 1 || install.tries < 1 || install.tries > BOOT_TRIES_MAX) {
        return fail(run, CAUSE_USAGE,
                    "rotor image install --state DIR [--keyring FILE] FILE",
                    "expected one image file, and 1 to 15 tries");
    }
    install.path = arguments[0];
    if (!read_file(run, install.path, IMAGE_FILE_MAX, &install.file, &code)) {
        return code;
    }
    if (open_boot(run, true, &install.folder, &lock, &code)) {
        code = install_file(run, &install);
        close(lock);
        close(install.folder);
    }
    free((void *)(uintptr_t)install.file.data);
    return code;
}

// ---- activate, revert, list ------------------------------------------------

// A rotord that runs starts the new image at once.
static bool poke_daemon(const struct run *run)
{
    char path[512];
    char text[24] = {0};
    state_path(run, "lock", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    long pid = got > 0 ? strtol(text, NULL, 10) : 0;
    return pid > 1 && kill((pid_t)pid, SIGHUP) == 0;
}

static int change_slot(struct run *run, int count, char **arguments,
                       bool is_revert)
{
    uint64_t tries = 3;
    bool now = false;
    int folder = -1;
    int lock = -1;
    int code = 0;
    struct boot_slots slots;
    const struct flag flags[] = {
        {"--tries", "N",  FLAG_NUMBER, &tries, "starts before it is given up"},
        {"--now",   NULL, FLAG_SWITCH, &now,   "tell the running rotord"     },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    enum boot_component component =
        count == 1 ? image_component(arguments[0]) : BOOT_COMPONENT_NONE;
    if (component == BOOT_COMPONENT_NONE || tries < 1 ||
        tries > BOOT_TRIES_MAX) {
        return fail(run, CAUSE_USAGE, "rotor image activate enclave",
                    "expected rtp or enclave, and 1 to 15 tries");
    }
    if (!open_boot(run, false, &folder, &lock, &code)) {
        return code;
    }
    if (read_slots(run, folder, component, &slots, &code)) {
        enum rotor_status status =
            is_revert ? boot_slots_revert(&slots, BOOT_BY_OPERATOR)
                      : boot_slots_activate(&slots, (uint8_t)tries);
        if (status != ROTOR_OK) {
            code =
                fail(run, CAUSE_IMAGE_REFUSED,
                     "rotor image list shows the slots", "%s: %s", arguments[0],
                     is_revert ? "no trial to end"
                               : "no installed image that may run");
        } else if (store_slots(run, folder, &slots, &code)) {
            code = image_say(run, is_revert ? "trial ended" : "runs next",
                             arguments[0]);
        }
    }
    close(lock);
    close(folder);
    if (code == EXIT_ACCEPTED && now && !poke_daemon(run)) {
        fprintf(stderr, "rotor: warning: no rotord to tell on this folder\n");
    }
    return code;
}

static int image_activate(struct run *run, int count, char **arguments)
{
    return change_slot(run, count, arguments, false);
}

static int image_revert(struct run *run, int count, char **arguments)
{
    return change_slot(run, count, arguments, true);
}

static const char *slot_word(enum boot_slot_state state)
{
    static const char *const words[] = {"empty", "ready", "trial", "confirmed",
                                        "failed"};
    return (size_t)state < COUNT_OF(words) ? words[state] : "unknown";
}

static void list_component(const struct run *run, struct json *out,
                           const struct boot_slots *slots)
{
    const char *name = linux_component_name(slots->component);
    if (run->is_json) {
        json_open_object(out, name);
        json_number(out, "floor", slots->floor);
        json_text(out, "last_failure", boot_reason_text(slots->last_failure));
        json_open_list(out, "slots");
    } else {
        printf("%s: rollback floor %u\n", name, slots->floor);
    }
    for (uint8_t i = 0; i < BOOT_SLOT_COUNT; i++) {
        const struct boot_slot *slot = &slots->slot[i];
        char version[IMAGE_VERSION_SIZE];
        char letter[2] = {i == 0 ? 'a' : 'b', '\0'};
        image_version_text(slot->version, version);
        if (run->is_json) {
            json_open_object(out, NULL);
            json_text(out, "slot", letter);
            json_text(out, "state", slot_word(slot->state));
            json_bool(out, "active", slots->active == i);
            json_text(out, "version", version);
            json_number(out, "security_version", slot->security_version);
            json_number(out, "tries_left", slot->tries_left);
            json_close(out);
        } else {
            printf("  %s  %-10s %s, security version %u%s\n", letter,
                   slot_word(slot->state), version, slot->security_version,
                   slots->active == i ? ", active" : "");
        }
    }
    if (run->is_json) {
        json_close(out);
        json_close(out);
    } else if (slots->last_failure != BOOT_UNDECIDED) {
        printf("  last failure: %s\n", boot_reason_text(slots->last_failure));
    }
}

static int image_list(struct run *run, int count, char **arguments)
{
    int folder = -1;
    int lock = -1;
    int code = 0;
    struct boot_slots slots[2];
    struct json out;
    if (!flags_parse(run, NULL, 0, &count, arguments, &code) ||
        !open_boot(run, false, &folder, &lock, &code)) {
        return code;
    }
    bool is_read = read_slots(run, folder, BOOT_RTP, &slots[0], &code) &&
                   read_slots(run, folder, BOOT_ENCLAVE, &slots[1], &code);
    close(lock);
    close(folder);
    if (!is_read) {
        return code;
    }
    if (run->is_json) {
        begin_json(&out, "image", true);
    }
    list_component(run, &out, &slots[0]);
    list_component(run, &out, &slots[1]);
    if (run->is_json) {
        json_end(&out);
    }
    return EXIT_ACCEPTED;
}

// ---- dispatch --------------------------------------------------------------

int main_image(struct run *run, int count, char **arguments)
{
    static const struct verb verbs[] = {
        {"keygen",     image_keygen    },
        {"lms-keygen", image_lms_keygen},
        {"keyring",    image_keyring   },
        {"sign",       image_sign      },
        {"inspect",    image_inspect   },
        {"install",    image_install   },
        {"activate",   image_activate  },
        {"revert",     image_revert    },
        {"list",       image_list      },
        {"reference",  image_reference },
    };
    return run_verb(run, verbs, COUNT_OF(verbs), count, arguments);
}
