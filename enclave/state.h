// SPDX-License-Identifier: Apache-2.0
// What the AP keeps: the state file as a struct, doc/PROTOCOL.rot 7.
//
// All of it is SECRET memory: private keys stand beside public bytes.  Every
// struct here is movable: no pointers but into the caller's own memory.
#ifndef ROTOR_ENCLAVE_STATE_H
#define ROTOR_ENCLAVE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/entry.h"
#include "chain/policy.h"
#include "crypto/crypto.h"
#include "wire/cose.h"
#include "wire/message.h"

#define ENCLAVE_BODY_MAX    1536u  // bytes of a body that the AP makes
#define ENCLAVE_SIG_MAX     128u   // bytes, COSE_Sign1 of an S scheme
#define ENCLAVE_SIG_RA_MAX  6144u  // bytes, 32 signatures of P-384
#define ENCLAVE_RA_SETS_MAX 4096u  // bytes, two sets of 16 keys
#define ENCLAVE_FILE_MAX    32768u // bytes, the largest file
#define ENCLAVE_SEAL_SIZE   56u    // bytes that a seal adds: ad, salt, tag
#define ENCLAVE_AUTH_SIZE   104u   // bytes: I, SEED, seed of the second half
#define ENCLAVE_SECRET      32u    // bytes: chain, D, data key

// A short byte string in room of its own; SECRET unless said otherwise.
struct enclave_secret {
    size_t size;
    uint8_t bytes[CRYPTO_PRIVATE_MAX];
};

// A rotation key under its own seal; size 0: there is none.
struct enclave_sealed_auth {
    size_t size;
    uint8_t bytes[ENCLAVE_AUTH_SIZE + ENCLAVE_SEAL_SIZE];
};

// What a slot's body says, read once.
struct enclave_facts {
    enum chain_kind kind;
    struct wire_order order;
    uint32_t suite;
    uint32_t reason;
    struct wire_digest log_id; // h'' in genesis
    struct wire_digest body_hash;
    struct wire_head supersedes; // kind 2 and 3
};

// One entry with the keys that it made.
struct enclave_slot {
    bool is_used;
    struct enclave_facts facts;
    size_t body_size;
    uint8_t body[ENCLAVE_BODY_MAX];
    struct enclave_secret sign;           // S_e
    struct enclave_secret agree;          // K_e
    struct enclave_secret service;        // T_e
    uint8_t chain[ENCLAVE_SECRET];        // chain_e
    uint8_t data[ENCLAVE_SECRET];         // D_e
    struct enclave_sealed_auth auth;      // A_e: prepared only, until P3
    struct enclave_sealed_auth next_auth; // A_{e+1}
    uint8_t request_id[WIRE_ID_SIZE];
    bool with_old;      // a recovery that S of the superseded entry signs too
    size_t sig_ra_size; // kind 2 and 3, exact bytes
    uint8_t sig_ra[ENCLAVE_SIG_RA_MAX];
    size_t ra_sets_size;
    uint8_t ra_sets[ENCLAVE_RA_SETS_MAX];
};

// Limits that survive restarts.  Seconds are of AP running time.
struct enclave_tokens {
    uint32_t left;
    bool has_emergency; // the token of reason 4
    uint64_t running_s; // when this was written
    uint64_t refill_s;  // from when the next token counts
    uint64_t emergency_s;
};

// A service key behind the current one, within its grace.
struct enclave_service {
    bool is_live;
    uint32_t suite;
    struct enclave_secret key; // T
    uint64_t end_s;            // AP running time
};

// The core.
struct enclave_state {
    uint64_t n;    // of the anchor that names this state
    uint8_t v[32]; // that it follows
    struct wire_digest log_id;
    uint32_t incarnation;
    struct enclave_slot cur;
    struct enclave_slot pending; // prepared, or approved by RA
    bool pending_is_recovery;
    size_t data_key_size; // wrapped under D
    uint8_t data_key[ENCLAVE_SECRET + ENCLAVE_SEAL_SIZE];
    size_t policy_size;
    uint8_t policy[CHAIN_POLICY_MAX];
    struct wire_digest control_kid; // the pin of C
    struct enclave_tokens tokens;
    struct enclave_service old_service;
    uint8_t generate_id[WIRE_ID_SIZE]; // request id of GENERATE
    bool is_burnt;                     // A is burnt
};

// Signatures of one entry: the file `attach`.  Public.
struct enclave_signatures {
    struct wire_digest body_hash; // empty: none
    bool is_checked;              // under the keys of the core, in this boot
    size_t old_size;
    uint8_t old[ENCLAVE_SIG_MAX];
    size_t auth_size[2]; // LM-OTS, S scheme
    uint8_t auth_ots[WIRE_SIGN1_MAX];
    uint8_t auth_sign[ENCLAVE_SIG_MAX];
    size_t pop_size;
    uint8_t pop[ENCLAVE_SIG_MAX];
};

#endif
