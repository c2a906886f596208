// SPDX-License-Identifier: Apache-2.0
// The reference of a rotation: the keys, signatures and checks that section 7
// asks of RTP and AP, and the writes, fsyncs, renames and anchor advances, on
// a folder of the same file system, one after the other in this process.
//
//     intent   R0
//     prepare  keys of e+1, A of e+2, P1, four signatures, P2, Evidence
//     accept   rule of one step, R1
//     commit   P3, signature of ROT_DONE
//     finish   its check, the log, R2
#ifndef ROTOR_BENCH_TURNOVER_H
#define ROTOR_BENCH_TURNOVER_H

#include <stdint.h>

#include "crypto/crypto.h"
#include "crypto/lmots.h"

enum turnover_part {
    TURNOVER_INTENT,
    TURNOVER_PREPARE,
    TURNOVER_ACCEPT,
    TURNOVER_COMMIT,
    TURNOVER_FINISH,
    TURNOVER_PARTS,
};

struct turnover {
    int enclave; // folders
    int rtp;
    uint64_t log_size;
    struct crypto_key sign;   // S_e
    struct crypto_key attest; // of CDI_attest
    struct crypto_aead frames;
    uint8_t point[CRYPTO_PUBLIC_MAX];
    uint8_t ots_public[CRYPTO_LMOTS_PUBLIC];
    uint8_t ots_signature[CRYPTO_LMOTS_SIGNATURE];
    uint8_t signature[CRYPTO_SIGNATURE_MAX]; // of S over `body`
    uint8_t body[2048];
    uint8_t buffer[20000];
};

// Makes the folders STATE/enclave and STATE/rtp.
void turnover_open(struct turnover *turnover, const char *state);

// One rotation; the time of each part, ns.
void turnover_run(struct turnover *turnover, uint64_t spent_ns[TURNOVER_PARTS]);

void turnover_close(struct turnover *turnover);

#endif
