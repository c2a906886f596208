// SPDX-License-Identifier: Apache-2.0
// The reference of an attestation: the calls to the crypto port that section
// 8.1 asks of RTP and AP, one after the other in this process, on contexts
// that are used again, with nothing around them: no queue, no encoding, no
// state, no source of entropy but one getrandom.
//
//     attest  request sealed and unsealed, nonce and ephemeral, TH1, UD,
//             Evidence signed and checked, TH1E, sig_S signed and checked,
//             two agreements, TH2, the keys, both MACs, response sealed and
//             unsealed
//     fin     SESSION_FIN and its STATUS sealed and unsealed
//
// What the requester computes is in neither: nobody measures it.
#ifndef ROTOR_BENCH_CALLS_H
#define ROTOR_BENCH_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"

// Bytes of what is hashed, signed or sealed, as a real exchange has them.
struct calls_sizes {
    size_t request;
    size_t response;
    size_t core;
    size_t evidence;
    size_t fin;
    size_t status;
};

struct calls {
    struct calls_sizes sizes;
    struct crypto_key sign;   // S
    struct crypto_key agree;  // K
    struct crypto_key attest; // of CDI_attest
    struct crypto_aead frames;
    uint8_t point[CRYPTO_PUBLIC_MAX]; // e_r
    uint8_t buffer[17000];
    uint64_t sequence;
};

void calls_open(struct calls *calls, const struct calls_sizes *sizes);
void calls_attest(struct calls *calls);
void calls_fin(struct calls *calls);
void calls_close(struct calls *calls);

#endif
