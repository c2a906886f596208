// SPDX-License-Identifier: Apache-2.0
// What stage 0 leaves to the program that it becomes: an envelope on an
// inherited descriptor, read once and overwritten.
//
// Fixed descriptors, so that a program needs no arguments and no environment:
// an attacker who starts it himself has nothing to hand it.
#ifndef ROTOR_LAUNCH_BIRTH_H
#define ROTOR_LAUNCH_BIRTH_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "boot/certificate.h"
#include "boot/dice.h"
#include "wire/cose.h"
#include "wire/message.h"

enum launch_fd {
    LAUNCH_FD_BIRTH = 3,   // this envelope
    LAUNCH_FD_QUEUE = 4,   // enclave: memfd of the queue between RTP and AP
    LAUNCH_FD_STORE = 5,   // folder that belongs to the program
    LAUNCH_FD_BELL = 6,    // enclave: a pipe's end that wakes the RTP's loop
    LAUNCH_FD_PLUGGED = 7, // enclave: entropy of the operator's own, if any
    LAUNCH_FD_STARTER = 7, // RTP: socket to rotord
    LAUNCH_FD_HWRNG = 8,   // enclave: /dev/hwrng, if any
    LAUNCH_FD_CLIENTS = 8, // RTP: listening Unix socket
    LAUNCH_FD_REMOTE = 9,  // RTP: listening TCP socket, if any
    LAUNCH_FD_ANCHOR = 9,  // enclave: TPM, if the anchor is there
    LAUNCH_FD_PAIRS = 10,  // enclave: memfds of the queue pairs of programs
    LAUNCH_FD_PAIR_BELLS = 18, // enclave: a pipe each that wakes its program
    LAUNCH_FD_END = 26,        // everything from here on is closed
};

// Queue pairs of programs for one start of an enclave.  Its wall lets it map
// nothing later, so they are made before; each is handed out once.
#define LAUNCH_PAIRS      8u
#define LAUNCH_PAIR_SLOTS 512u

_Static_assert(LAUNCH_FD_PAIRS + LAUNCH_PAIRS == LAUNCH_FD_PAIR_BELLS &&
                   LAUNCH_FD_PAIR_BELLS + LAUNCH_PAIRS == LAUNCH_FD_END,
               "a descriptor for each");

// What both ends of pair `i` go by.  The seed is no secret; it differs from
// pair to pair and from start to start.
static inline uint32_t launch_pair_seed(uint32_t queue_seed, uint32_t i)
{
    return queue_seed + (i + 1) * 0x9e3779b9u;
}
static inline uint32_t launch_pair_channel(uint32_t i)
{
    return i + 1;
}

// What the operator configured, as far as RTP or enclave act on it.
struct launch_settings {
    uint64_t suite;
    uint64_t cryptoperiod_s;
    uint64_t jitter_percent;
    uint64_t usage_limit; // attestations
    uint64_t min_interval_s;
    uint64_t max_per_day;
    uint64_t grace_s;
    struct rotor_bytes plugged_entropy; // name of that source; empty: none
    uint64_t plugged_is_required;       // 0 or 1
    struct wire_digest authority;       // of recovery; empty: none
    uint64_t anchor_kind;               // 0 a file, 1 a TPM
    uint64_t is_sealed;                 // 0 or 1: the store's key, to that TPM
    uint64_t seal_registers;            // bit i: PCR i
};

struct launch_birth {
    uint64_t component;            // enum boot_component
    struct rotor_bytes cdi_attest; // SECRET
    struct rotor_bytes cdi_seal;   // SECRET
    struct rotor_bytes certificate;
    struct rotor_bytes uds_key; // COSE_Key, public
    struct wire_digest measurement;
    uint64_t version;
    uint64_t security_version;
    uint64_t queue_seed; // enclave: of struct rotor_ipq_plan
    uint64_t walls;      // enclave: that the launcher put up, enum wire_wall
    struct rotor_bytes settings; // launch_settings, exact bytes
};

#define LAUNCH_BIRTH_MAX 4096u // bytes

extern const struct wire_layout LAUNCH_LAYOUT_BIRTH;
extern const struct wire_layout LAUNCH_LAYOUT_SETTINGS;

// ---- between rotord and the RTP, on LAUNCH_FD_STARTER ----------------------

enum launch_notice {
    LAUNCH_ENCLAVE_UP = 1,   // to the RTP: with LAUNCH_UP_FDS descriptors
    LAUNCH_ENCLAVE_DOWN = 2, // to the RTP
    LAUNCH_ATTESTED = 3,     // to rotord: confirm the images that run
    LAUNCH_REFUSED = 4,      // to rotord: the enclave's evidence is not good
    LAUNCH_EVENT = 5,        // to the RTP: a security event; reason in `value`
    LAUNCH_STATUS = 6,       // to rotord: a line for the service manager
    LAUNCH_RETEST = 7,       // to rotord: the enclave re-tests its entropy
    LAUNCH_RENEW = 8,        // to rotord: another enclave, none of whose pairs
                             // anybody has
};

// One SEQPACKET record.  Both ends run code that stage 0 measured; a record of
// another size or notice is dropped all the same.
struct launch_record {
    uint32_t notice;
    uint32_t value; // EVENT: enum wire_reason; else which enclave: queue seed
    char text[120]; // for people; ends with a zero
    struct wire_digest reference; // ENCLAVE_UP: measurement to expect
    uint32_t security_version;    // ENCLAVE_UP
};

// Behind ENCLAVE_UP: queue, bell, queues of the pairs, bells of the pairs.
#define LAUNCH_UP_FDS (2u + 2u * LAUNCH_PAIRS)

// The queue between RTP and AP, agreed at build time but for its seed.
#define LAUNCH_QUEUE_SLOTS 1024u

#endif
