// SPDX-License-Identifier: Apache-2.0
// The anchor of the enclave's store in a TPM 2.0: one NV index of type extend,
// v = SHA-256(v || d), that nobody but this enclave can write or read.
// doc/PROTOCOL.rot, anchor; kind 1.
//
// The enclave is one static file behind its wall: tpm2-tss, which loads
// libraries, has no place there.  Four commands are spoken here, over a
// descriptor that was opened outside, with plain reads and writes.  Kernel, bus
// and whoever stands between may delay or break the talk, and are found out if
// they change it: every command and every answer carries an HMAC under a key
// that only TPM and enclave know.  That key crosses the bus once, when the
// index is made.
#ifndef ROTOR_PORT_LINUX_ANCHOR_TPM_H
#define ROTOR_PORT_LINUX_ANCHOR_TPM_H

#include <stdbool.h>
#include <stdint.h>

#include "port/linux/tpm_session.h"

#define ANCHOR_TPM_INDEX 0x01807274u // of the range for owners; "rt"

struct anchor_tpm {
    struct tpm_talk talk; // talk.fault: why the last call failed
    uint32_t index;       // of NV
    uint8_t auth[32];     // SECRET, from hw_secret
    bool is_written;      // the index has been extended; part of its name
};

// Derives the key of the index and makes the index if there is none.  `fd` is
// /dev/tpmrm0, or what answers like it.
//
// ROTOR_FORBIDDEN    the index is another enclave's, or other than it should
// be. ROTOR_PORT_FAILED  no answer, or one that is none.
ROTOR_CALL anchor_tpm_open(struct anchor_tpm *anchor, int fd, uint32_t index,
                           const uint8_t hw_secret[32]);

// Wipes; the descriptor stays open.
void anchor_tpm_close(struct anchor_tpm *anchor);

// v, 32 zero bytes before the first advance.  Status as above.
ROTOR_CALL anchor_tpm_read(struct anchor_tpm *anchor, uint8_t v[32]);

// v = SHA-256(v || d), durable when it returns.
ROTOR_CALL anchor_tpm_advance(struct anchor_tpm *anchor, const uint8_t d[32]);

#endif
