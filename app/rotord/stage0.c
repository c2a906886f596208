// SPDX-License-Identifier: Apache-2.0
#include "app/rotord/stage0.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/rotord/choose.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "port/linux/folder.h"
#include "port/linux/slots.h"
#include "wire/walls.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10u
#endif

// Everything secret that stage 0 touches, in one place, wiped once.
struct stage0_secrets {
    uint8_t uds[BOOT_UDS_SIZE];
    struct boot_cdis device; // the UDS as CDIs
    struct boot_cdis cdis;   // of the program
    uint8_t birth[LAUNCH_BIRTH_MAX];
};

// The program that was chosen, public.
struct program {
    struct chosen_image image;
    int memfd;
};

static enum rotor_status complain(const struct stage0_plan *plan,
                                  const char *what, const char *hint)
{
    fprintf(stderr, "rotord: error: %s: %s\n",
            linux_component_name(plan->component), what);
    if (hint != NULL) {
        fprintf(stderr, "rotord: hint: %s\n", hint);
    }
    return ROTOR_FORBIDDEN;
}

// ---- the UDS ---------------------------------------------------------------

enum rotor_status stage0_provision(int state_folder)
{
    if (faccessat(state_folder, "uds", F_OK, 0) == 0) {
        return linux_folder_settle(state_folder);
    }
    uint8_t uds[BOOT_UDS_SIZE];
    bool done =
        getrandom(uds, sizeof uds, 0) == (ssize_t)sizeof uds &&
        linux_folder_replace(state_folder, "uds", BYTES_OF(uds)) == ROTOR_OK;
    secret_wipe(uds, sizeof uds);
    return done ? ROTOR_OK : ROTOR_PORT_FAILED;
}

static enum rotor_status read_uds(const struct stage0_plan *plan,
                                  uint8_t uds[BOOT_UDS_SIZE])
{
    struct rotor_room room = {uds, BOOT_UDS_SIZE, 0};
    bool found = false;
    struct stat state;
    bool is_ours =
        fstatat(plan->state_folder, "uds", &state, AT_SYMLINK_NOFOLLOW) != 0 ||
        (state.st_uid == geteuid() && (state.st_mode & 0077) == 0);
    if (!is_ours) {
        return complain(plan, "the UDS file may be known to others",
                        "STATE/uds must belong to the user of rotord, mode "
                        "0600; a secret that leaked needs a new device");
    }
    enum rotor_status status =
        linux_folder_read(plan->state_folder, "uds", &room, &found);
    if (status != ROTOR_OK || room.used != BOOT_UDS_SIZE) {
        return complain(plan, "the UDS file is missing or damaged",
                        "restore STATE/uds from a backup; without it the root "
                        "of trust cannot be unsealed");
    }
    return ROTOR_OK;
}

// ---- the image -------------------------------------------------------------

static enum rotor_status open_image(const struct stage0_plan *plan,
                                    struct chosen_image *chosen)
{
    int lock = -1;
    if (linux_slots_share(plan->boot_folder, &lock) != ROTOR_OK) {
        return complain(plan, strerror(errno), NULL);
    }
    enum rotor_status status =
        choose_image(plan->boot_folder, plan->component, chosen);
    close(lock);
    if (status == ROTOR_INVALID) {
        return complain(plan, "no keyring of image signers in STATE/boot",
                        "rotor image install --keyring FILE pins one");
    }
    if (status == ROTOR_CORRUPT) {
        return complain(plan, "both slot records are damaged",
                        "the rollback floor is lost: restore STATE/boot");
    }
    if (status == ROTOR_FORBIDDEN) {
        return complain(plan, "no image that may run",
                        "rotor image install --state DIR FILE, then rotor "
                        "image activate; rotor image inspect shows what is "
                        "there");
    }
    return status;
}

static bool write_all(int fd, struct rotor_bytes bytes)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t put = write(fd, bytes.data + done, bytes.size - done);
        if (put <= 0) {
            return false;
        }
        done += (size_t)put;
    }
    return true;
}

// The bytes that run are compared, behind the seal, with those that verified.
static bool memfd_holds(int memfd, struct rotor_bytes image)
{
    void *sealed = mmap(NULL, image.size, PROT_READ, MAP_SHARED, memfd, 0);
    if (sealed == MAP_FAILED) {
        return false;
    }
    bool same = memcmp(sealed, image.data, image.size) == 0;
    (void)munmap(sealed, image.size);
    return same;
}

static enum rotor_status seal_image(const struct stage0_plan *plan,
                                    struct program *program)
{
    const char *name = linux_component_name(plan->component);
    int memfd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (memfd < 0) { // kernels before 6.3 do not know MFD_EXEC
        memfd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    }
    bool sealed =
        memfd >= 0 && write_all(memfd, program->image.parts.image) &&
        // To be executed, not read: such a program is out of reach for ptrace
        // from its first instruction, before it says so itself.
        fchmod(memfd, 0111) == 0 &&
        fcntl(memfd, F_ADD_SEALS,
              F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0 &&
        memfd_holds(memfd, program->image.parts.image);
    program->memfd = memfd;
    return sealed ? ROTOR_OK : complain(plan, strerror(errno), NULL);
}

// ---- DICE ------------------------------------------------------------------

static enum rotor_status describe(const struct stage0_plan *plan,
                                  const struct program *program,
                                  struct boot_inputs *inputs,
                                  struct rotor_room *descriptor)
{
    const struct boot_header *header = &program->image.parts.header;
    struct boot_descriptor content = {
        .component = plan->component,
        .version = header->version,
        .security_version = header->security_version,
    };
    TRY(crypto_hash(CRYPTO_SHA512, &plan->settings, 1, content.configuration));
    TRY(boot_descriptor_encode(&content, descriptor));
    const struct rotor_bytes encoded = bytes_in(descriptor);
    *inputs = (struct boot_inputs){.mode = BOOT_MODE_NORMAL};
    memcpy(inputs->code_hash, header->digest, sizeof inputs->code_hash);
    TRY(crypto_hash(CRYPTO_SHA512, &encoded, 1, inputs->configuration));
    return boot_keyring_hash(&program->image.keyring, plan->component,
                             inputs->authority_hash);
}

static enum rotor_status public_key_of(const struct crypto_key *key,
                                       struct rotor_room *cose_key)
{
    struct wire_key public_key;
    TRY(wire_key_of(key, &public_key));
    return wire_key_encode(&public_key, cose_key);
}

struct issue {
    const struct boot_inputs *inputs;
    struct rotor_bytes descriptor;
    struct rotor_room *certificate;
    struct rotor_room *uds_key;
};

static enum rotor_status issue_with(const struct stage0_secrets *secrets,
                                    const struct issue *issue,
                                    struct crypto_key *uds_key,
                                    struct crypto_key *key)
{
    TRY(boot_dice_key(secrets->device.attest, CRYPTO_P256, uds_key));
    TRY(boot_dice_key(secrets->cdis.attest, CRYPTO_P256, key));
    const struct boot_subject subject = {issue->inputs, issue->descriptor, key,
                                         BOOT_USAGE_EVIDENCE};
    TRY(boot_certificate_sign(uds_key, &subject, issue->certificate));
    return public_key_of(uds_key, issue->uds_key);
}

static enum rotor_status issue_certificate(const struct stage0_secrets *secrets,
                                           const struct issue *issue)
{
    struct crypto_key uds_key = {0};
    struct crypto_key key = {0};
    enum rotor_status status = issue_with(secrets, issue, &uds_key, &key);
    crypto_key_close(&uds_key);
    crypto_key_close(&key);
    return status;
}

// Derives what the program is born with and writes it to a memfd.
static enum rotor_status conceive(const struct stage0_plan *plan,
                                  const struct program *program,
                                  struct stage0_secrets *secrets,
                                  struct stage0_report *report, int *envelope)
{
    uint8_t descriptor_memory[BOOT_DESCRIPTOR_MAX];
    uint8_t certificate_memory[BOOT_CERTIFICATE_MAX];
    uint8_t key_memory[WIRE_KEY_ENCODED_MAX];
    struct rotor_room descriptor = ROOM_OF(descriptor_memory);
    struct rotor_room certificate = ROOM_OF(certificate_memory);
    struct rotor_room uds_key = ROOM_OF(key_memory);
    struct boot_inputs inputs;
    const struct boot_header *header = &program->image.parts.header;

    TRY(read_uds(plan, secrets->uds));
    boot_dice_init(&secrets->device, secrets->uds);
    TRY(describe(plan, program, &inputs, &descriptor));
    TRY(boot_dice_derive(&secrets->device, &inputs, &secrets->cdis));
    const struct issue issue = {&inputs, bytes_in(&descriptor), &certificate,
                                &uds_key};
    TRY(issue_certificate(secrets, &issue));
    struct launch_birth birth = {
        .component = plan->component,
        .cdi_attest = BYTES_OF(secrets->cdis.attest),
        .cdi_seal = BYTES_OF(secrets->cdis.seal),
        .certificate = bytes_in(&certificate),
        .uds_key = bytes_in(&uds_key),
        .version = header->version,
        .security_version = header->security_version,
        .queue_seed = plan->queue_seed,
        .walls = plan->walls,
        .settings = plan->settings,
    };
    TRY(boot_measure(CRYPTO_SHA256, inputs.code_hash, bytes_in(&descriptor),
                     &birth.measurement));
    struct rotor_room encoded = ROOM_OF(secrets->birth);
    TRY(wire_message_encode(&LAUNCH_LAYOUT_BIRTH, &birth, &encoded));
    *envelope = memfd_create("birth", MFD_CLOEXEC);
    if (*envelope < 0 || !write_all(*envelope, bytes_in(&encoded))) {
        return complain(plan, strerror(errno), NULL);
    }
    *report = (struct stage0_report){
        program->image.slot, header->security_version, header->version,
        birth.measurement, program->image.is_trial};
    return ROTOR_OK;
}

// ---- the step over ---------------------------------------------------------

// Moves every descriptor out of the way, then to its fixed number.
static bool place_descriptors(const struct stage0_plan *plan, int envelope)
{
    int moved[LAUNCH_FD_END];
    for (int i = LAUNCH_FD_BIRTH; i < LAUNCH_FD_END; i++) {
        int fd = i == LAUNCH_FD_BIRTH ? envelope : plan->fds[i];
        moved[i] = fd < 0 ? -1 : fcntl(fd, F_DUPFD, LAUNCH_FD_END + 20);
        if (fd >= 0 && moved[i] < 0) {
            return false;
        }
    }
    for (int i = LAUNCH_FD_BIRTH; i < LAUNCH_FD_END; i++) {
        (void)close(i);
        if (moved[i] >= 0 && dup2(moved[i], i) != i) {
            return false;
        }
    }
    return close_range(LAUNCH_FD_END, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
}

static bool drop_user(const struct stage0_plan *plan)
{
    if (geteuid() != 0 || plan->uid == 0) {
        return true;
    }
    return setgroups(0, NULL) == 0 &&
           setresgid(plan->gid, plan->gid, plan->gid) == 0 &&
           setresuid(plan->uid, plan->uid, plan->uid) == 0;
}

static enum rotor_status step_over(const struct stage0_plan *plan,
                                   const struct program *program, int envelope,
                                   const struct stage0_report *report)
{
    static char name[] = "rotor-enclave";
    static char rtp_name[] = "rotor-rtp";
    char *arguments[] = {plan->component == BOOT_RTP ? rtp_name : name, NULL};
    char *environment[] = {NULL};
    const struct rlimit none = {0, 0};
    // Above every number that place_descriptors fills.
    int memfd = fcntl(program->memfd, F_DUPFD_CLOEXEC, 4 * LAUNCH_FD_END + 40);
    int report_fd =
        fcntl(plan->report, F_DUPFD_CLOEXEC, 4 * LAUNCH_FD_END + 40);
    if (memfd < 0 || report_fd < 0 || !place_descriptors(plan, envelope)) {
        return complain(plan, strerror(errno), NULL);
    }
    (void)setrlimit(RLIMIT_CORE, &none);
    if (!drop_user(plan) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return complain(plan, strerror(errno), NULL);
    }
    if (write(report_fd, report, sizeof *report) != (ssize_t)sizeof *report) {
        return complain(plan, strerror(errno), NULL);
    }
    (void)fexecve(memfd, arguments, environment);
    return complain(plan, strerror(errno),
                    "the image is genuine but this kernel cannot execute it");
}

void stage0_become(const struct stage0_plan *plan)
{
    struct stage0_secrets secrets;
    struct stage0_report report;
    struct program program = {.memfd = -1};
    int envelope = -1;
    enum rotor_status status = open_image(plan, &program.image);
    if (status == ROTOR_OK) {
        status = seal_image(plan, &program);
    }
    if (status == ROTOR_OK) {
        status = conceive(plan, &program, &secrets, &report, &envelope);
    }
    secret_wipe(&secrets, sizeof secrets);
    if (status == ROTOR_OK) {
        status = step_over(plan, &program, envelope, &report);
    }
    if (status != ROTOR_FORBIDDEN) {
        (void)complain(plan, rotor_status_name(status), NULL);
    }
    _exit(STAGE0_FAILED);
}
