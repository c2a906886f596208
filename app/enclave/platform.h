// SPDX-License-Identifier: Apache-2.0
// What the process level gives the enclave: entropy, a store folder, an anchor
// in a file (detect only) or in a TPM, the clock, an attester that signs with
// CDI_attest.
#ifndef ROTOR_APP_ENCLAVE_PLATFORM_H
#define ROTOR_APP_ENCLAVE_PLATFORM_H

#include "chain/eat.h"
#include "enclave/enclave.h"
#include "entropy/entropy.h"
#include "launch/birth.h"
#include "port/linux/anchor_tpm.h"
#include "port/linux/entropy.h"

#define PLATFORM_REPORT_MAX 512u
#define PLATFORM_ANCHOR     40u // bytes: be64 n, v

struct platform_durable {
    struct enclave_durable what;
    bool is_done; // by the serving thread, with this result
    enum rotor_status result;
    uint8_t anchor[PLATFORM_ANCHOR]; // ADVANCE: the file as it will be
};

// Not movable: the ops point into it.
struct platform {
    struct linux_entropy sources;
    struct entropy_front front;
    char plugged_name[33];
    struct crypto_key attest_key; // of CDI_attest
    struct rotor_bytes uds_key;   // views into the birth envelope
    struct rotor_bytes certificate;
    char report[PLATFORM_REPORT_MAX];
    uint64_t stepped_ms;
    bool was_reset;                  // the mark of a factory reset is there
    struct platform_durable durable; // what the second thread works at
    bool has_tpm;
    bool is_sealed;           // the store's key, to that TPM
    struct anchor_tpm anchor; // SECRET
    uint64_t anchor_in_doubt; // n of a file that may not last; 0: none is
    bool names_in_doubt;      // a name of the store may not last
};

// Before the last wall: opens what serving needs.  Fills `identity` but for
// its walls.  `birth` must outlive the platform.
ROTOR_CALL platform_open(struct platform *platform,
                         const struct launch_birth *birth,
                         struct enclave_identity *identity);
void platform_close(struct platform *platform);

struct enclave_ops platform_ops(struct platform *platform);

// platform_store.c: the part that lasts, for the two above.  open_store needs
// identity->hw_secret and fills anchor_kind and was_reset.
ROTOR_CALL platform_open_store(struct platform *platform,
                               const struct launch_settings *settings,
                               struct enclave_identity *identity);
// Makes the files last that a start sees, before anything is done by them.
ROTOR_CALL platform_settle_store(struct platform *platform);
void platform_store_ops(const struct platform *platform,
                        struct enclave_ops *ops);

// platform_seal.c: with [anchor] seal, hw_secret becomes one that this TPM is
// needed for.  Behind open_store, whose anchor needs the one of before.
ROTOR_CALL platform_seal(struct platform *platform,
                         const struct launch_settings *settings,
                         struct enclave_identity *identity);

// Between two frames: moves entropy tests on, renews the report for people,
// re-tests every source after SIGUSR1.
void platform_step(struct platform *platform, struct enclave *enclave);
bool platform_is_testing(const struct platform *platform);

#endif
