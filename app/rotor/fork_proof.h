// SPDX-License-Identifier: Apache-2.0
// What a second body for a place of a log proves, as a file that anyone can
// judge who knows the log's name: doc/PROTOCOL.client 5.
//
//     dCBOR ["rotor fork/1", [* entry], bstr accepted, bstr other]
//
// The entries lead from the first one to the place in question.  A proof is as
// hostile as a network.
#ifndef ROTOR_APP_ROTOR_FORK_PROOF_H
#define ROTOR_APP_ROTOR_FORK_PROOF_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "app/rotor/bundle.h"
#include "chain/forks.h"

// Views into the file.
struct fork_proof {
    struct bundle log;           // from the first entry on
    struct rotor_bytes accepted; // empty: nothing was accepted there
    struct rotor_bytes other;
};

// ROTOR_MALFORMED    not such a file.
// ROTOR_PORT_FAILED  no memory.
ROTOR_CALL fork_proof_decode(struct fork_proof *proof, struct rotor_bytes file);
void fork_proof_close(struct fork_proof *proof);

// The same from a log and two bodies: its entries behind the place are left
// out.
//
// ROTOR_MALFORMED  the log does not lead to that place.
// ROTOR_TOO_SMALL  no room.
ROTOR_CALL fork_proof_encode(const struct bundle *log,
                             struct rotor_bytes accepted,
                             struct rotor_bytes other, struct rotor_room *file);

struct fork_finding {
    enum chain_fork fork;
    struct wire_digest log_id;
    struct wire_order place;
    const char *reason; // NULL, or why the log itself does not hold
};

// Verifies every entry, then judges the two.  Measurements are not judged:
// what counts here is who signed.
//
// ROTOR_PORT_FAILED  no memory, or the crypto library.
ROTOR_CALL fork_proof_judge(const struct fork_proof *proof,
                            struct fork_finding *finding);

#endif
