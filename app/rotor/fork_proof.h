// SPDX-License-Identifier: Apache-2.0
// What a second body for a place of a log proves, as a file that anyone can
// judge who knows the log's name: doc/PROTOCOL.client 5.
//
//     "rotor fork/2" accepted bstr, other bstr, entry entry ...
//
// A CBOR sequence (RFC 8742).  The entries lead from the first one to the place
// in question, of any number: they are written and judged one after the other.
// A proof is as hostile as a network.
#ifndef ROTOR_APP_ROTOR_FORK_PROOF_H
#define ROTOR_APP_ROTOR_FORK_PROOF_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "app/rotor/ahead.h"
#include "app/rotor/log_stream.h"
#include "chain/forks.h"
#include "wire/message.h"

struct fork_bodies {
    struct rotor_bytes accepted; // empty: nothing was accepted there
    struct rotor_bytes other;
};

// ---- writing ---------------------------------------------------------------

// From a log and two bodies: what the log has at the place and behind it is
// left out.
//
// ROTOR_MALFORMED    the log does not lead to that place from its first entry.
// ROTOR_PORT_FAILED  errno says why.
// others             what `log` said.
ROTOR_CALL fork_proof_write(const char *path, const struct fork_bodies *bodies,
                            const struct ahead_source *log);

// ---- judging ---------------------------------------------------------------

// Not movable once it is open.
struct fork_proof {
    struct log_stream log; // from the first entry on
    struct fork_bodies bodies;
    uint8_t accepted[WIRE_ENTRY_MAX];
    uint8_t other[WIRE_ENTRY_MAX];
};

// "-" is stdin.
//
// ROTOR_MALFORMED    not such a file.
// ROTOR_PORT_FAILED  errno says why.
ROTOR_CALL fork_proof_open(struct fork_proof *proof, const char *path);
void fork_proof_close(struct fork_proof *proof);

struct fork_finding {
    enum chain_fork fork;
    struct wire_digest log_id;
    struct wire_order place;
    const char *reason; // NULL, or why the log itself does not hold
};

// Reads on: verifies every entry up to the first that is refused, then judges
// the two.  Once.  Measurements are not judged: what counts here is who signed.
//
// ROTOR_MALFORMED    no entry, or one that is cut off.
// ROTOR_PORT_FAILED  the file, no memory or room for a file
//                    (app/rotor/scratch.h), or the crypto library.
ROTOR_CALL fork_proof_judge(struct fork_proof *proof,
                            struct fork_finding *finding);

#endif
