// SPDX-License-Identifier: Apache-2.0
// The store's key, sealed to a TPM.  doc/PROTOCOL.rot, 7.2.
//
// All of it is done before the last wall, once for a start: the TPM is not
// asked again.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/enclave/platform.h"
#include "base/bytes.h"
#include "base/secret.h"
#include "port/linux/folder.h"
#include "port/linux/seal_tpm.h"

#define SEALED "sealed"

static enum rotor_status refuse(const char *what, const char *hint)
{
    fprintf(stderr, "enclave: error: seal: %s\nenclave: hint: %s\n", what,
            hint);
    return ROTOR_PORT_FAILED;
}

static bool exists(const char *name)
{
    return faccessat(LAUNCH_FD_STORE, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
           errno != ENOENT;
}

// What was written under a key: to give it another one now would lose it.
static bool has_content(void)
{
    static const char *const files[] = {"state", "state.next", "attach",
                                        "recover"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        if (exists(files[i])) {
            return true;
        }
    }
    return false;
}

static enum rotor_status refuse_seal(const struct seal_tpm *seal)
{
    return refuse(
        seal->fault,
        "bring back the TPM, the registers or the image that it was sealed "
        "with; if they are gone for good, so is the store: without "
        "STATE/enclave/* rotor recover goes on with the log, or rotord "
        "--factory-reset begins another");
}

// The blob is durable before the first key is made from its secret.
static enum rotor_status make(struct seal_tpm *seal,
                              uint8_t secret[SEAL_TPM_SECRET])
{
    uint8_t memory[SEAL_TPM_BLOB_MAX];
    struct rotor_room blob = ROOM_OF(memory);
    if (has_content()) {
        return refuse("there is a store, and no STATE/enclave/" SEALED
                      " that its key would be in",
                      "bring that file back; if the store was never sealed: "
                      "seal = no, it is chosen before the first start");
    }
    if (seal_tpm_make(seal, secret, &blob) != ROTOR_OK) {
        return refuse(seal->fault, "see that [anchor] tpm is a TPM 2.0 that "
                                   "answers and whose owner has no password");
    }
    if (linux_folder_replace(LAUNCH_FD_STORE, SEALED, bytes_in(&blob)) !=
        ROTOR_OK) {
        return refuse(strerror(errno), "STATE/enclave must be writable");
    }
    return ROTOR_OK;
}

static enum rotor_status obtain(struct seal_tpm *seal,
                                uint8_t secret[SEAL_TPM_SECRET])
{
    uint8_t memory[SEAL_TPM_BLOB_MAX];
    struct rotor_room blob = ROOM_OF(memory);
    bool found = false;
    enum rotor_status status =
        linux_folder_read(LAUNCH_FD_STORE, SEALED, &blob, &found);
    if (status == ROTOR_TOO_SMALL) {
        blob.used = 0; // damaged, as an empty one is
    } else if (status != ROTOR_OK) {
        return refuse(strerror(errno), "STATE/enclave/" SEALED
                                       " must be readable for the enclave");
    }
    if (!found && status == ROTOR_OK) {
        return make(seal, secret);
    }
    return seal_tpm_open(seal, bytes_in(&blob), secret) == ROTOR_OK
               ? ROTOR_OK
               : refuse_seal(seal);
}

struct mixing {
    uint8_t secret[SEAL_TPM_SECRET];
    uint8_t ikm[2 * (2 + 32)];
    uint8_t prk[32];
};

// hw_secret = HKDF(lp(hw_secret) || lp(secret), "rotor1 hw_secret tpm", 32)
static enum rotor_status mix(struct mixing *m, uint8_t hw_secret[32])
{
    struct rotor_room okm = {hw_secret, 32, 0};
    bytes_put_be16(m->ikm, 32);
    memcpy(m->ikm + 2, hw_secret, 32);
    bytes_put_be16(m->ikm + 34, 32);
    memcpy(m->ikm + 36, m->secret, 32);
    TRY(crypto_extract(CRYPTO_SHA256, (struct rotor_bytes){NULL, 0},
                       BYTES_OF(m->ikm), m->prk));
    return crypto_expand(CRYPTO_SHA256, m->prk, LABEL("rotor1 hw_secret tpm"),
                         &okm);
}

enum rotor_status platform_seal(struct platform *platform,
                                const struct launch_settings *settings,
                                struct enclave_identity *identity)
{
    if (settings->is_sealed == 0) {
        return !exists(SEALED)
                   ? ROTOR_OK
                   : refuse("the store is sealed to a TPM, and the "
                            "configuration does not say so",
                            "[anchor] seal = yes, with the tpm and the pcrs "
                            "of before");
    }
    if (!platform->has_tpm) {
        return refuse("no TPM", "[anchor] tpm names it");
    }
    struct seal_tpm seal = {LAUNCH_FD_ANCHOR, identity->hw_secret,
                            (uint32_t)settings->seal_registers, ""};
    struct mixing m = {0};
    enum rotor_status status = obtain(&seal, m.secret);
    if (status == ROTOR_OK) {
        status = mix(&m, identity->hw_secret);
    }
    secret_wipe(&m, sizeof m);
    platform->is_sealed = status == ROTOR_OK;
    return status;
}
