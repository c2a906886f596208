// SPDX-License-Identifier: Apache-2.0
// One judgement of a quote under way; for verify/sgx.c and verify/tdx.c.
#ifndef ROTOR_VERIFY_DCAP_CHECK_H
#define ROTOR_VERIFY_DCAP_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/status.h>

#include "verify/dcap.h"

// Certificates that may sign statements; further ones are not tried.
#define VERIFY_DCAP_SIGNERS_MAX 8u

struct verify_dcap_signer {
    const struct crypto_certificate *certificate;
    struct crypto_verifier key; // open if the chain is good
    enum crypto_chain_fault fault;
};

struct verify_dcap_check {
    struct verify_verdict *verdict;
    const struct verify_dcap_endorsements *endorsements;
    struct verify_dcap_work *work; // NULL for a statement by itself
    int64_t now_s;
    const struct verify_asked *asked; // NULL for a statement by itself

    // Certificates out of the quote.  One that the caller gave as well is the
    // caller's handle; the others are ours to close.
    struct crypto_certificate carried[VERIFY_DCAP_CHAIN_LENGTH];
    bool is_ours[VERIFY_DCAP_CHAIN_LENGTH];
    size_t carried_count;
    const struct crypto_certificate *pck;
    struct crypto_verifier pck_key;
    struct verify_dcap_signer signers[VERIFY_DCAP_SIGNERS_MAX];
    size_t signer_count;

    // Handles that someone else closes.
    struct crypto_certificate
        pool[VERIFY_DCAP_CHAIN_LENGTH + VERIFY_DCAP_GIVEN_MAX];
    size_t pool_count;
    struct crypto_certificate root;
    struct crypto_chain chain;
    bool is_under_intel; // the PCK leads to the key of Intel's root
};

// A step adds its rows and says whether to go on.
typedef enum rotor_status verify_dcap_step(struct verify_dcap_check *check,
                                           bool *passed);

// Everything up to "quote signature": dcap_chain.c, dcap_signatures.c.
verify_dcap_step verify_dcap_collect;   // certificates, anchors
verify_dcap_step verify_dcap_check_pck; // chain, platform
verify_dcap_step verify_dcap_check_signatures;
// dcap_statement.c: what Intel says of enclave and platform.
verify_dcap_step verify_dcap_find_signers;
verify_dcap_step verify_dcap_check_qe;
verify_dcap_step verify_dcap_check_tcb;

void verify_dcap_close(struct verify_dcap_check *check);

// What is special about one kind of evidence.
struct verify_dcap_kind {
    enum verify_backend backend;
    verify_dcap_step *report; // what the signed body says
    verify_dcap_step *module; // what is below it, held against the TCB info
    size_t below_size;        // SVNs at the start of the body
};

// Reads the quote, runs the steps, sets level and TCB, concludes.
ROTOR_CALL verify_dcap_judge(struct verify_dcap_check *check,
                             struct rotor_bytes evidence,
                             const struct verify_dcap_kind *kind);

// What the TCB is: the word, and the SVNs that `below` adds to the platform's
// own.
void verify_dcap_report_tcb(struct verify_dcap_check *check,
                            struct rotor_bytes below);

// (bytes & mask) as it is compared, kept in work->masked[place].
struct rotor_bytes verify_dcap_masked(struct verify_dcap_check *check,
                                      unsigned place, struct rotor_bytes bytes,
                                      const uint8_t *mask);

#endif
