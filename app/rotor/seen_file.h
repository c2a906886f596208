// SPDX-License-Identifier: Apache-2.0
// Rule 9 for a log of any length: every key and commitment of the committed
// entries, as a set on disk.  Memory does not grow with it.
//
//     head, 4,096 bytes   "ROTS" || be32 3 || be64 slots || be64 used ||
//                         be64 entries || log sum || be64 most ||
//                         be64 log size || SHA-256
//     slots, 32 bytes     fingerprints by open addressing, from the slot that
//                         their first bits name; zeros: free
//
// `entries` of the log are in for sure, those up to `most` may be: of a run
// that was cut.  Who opens adds what is missing.  A log that has fewer than
// `most` was put back: the file starts over.  It is made from the log and may
// be removed.
#ifndef ROTOR_APP_ROTOR_SEEN_FILE_H
#define ROTOR_APP_ROTOR_SEEN_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/trust.h"

#define SEEN_FILE_SUM 32u // bytes

// A place in the log.
struct seen_mark {
    uint64_t entries;
    uint64_t log_size;          // bytes up to there
    uint8_t sum[SEEN_FILE_SUM]; // of the log up to there
};

struct seen_file {
    int folder;
    const char *name; // the caller's; NULL: a file without one
    int fd;           // -1: closed
    uint64_t slots;   // a power of two
    uint64_t used;
    struct seen_mark mark; // that the head counts
    uint64_t most;         // entries that may be in
};

// Opens or makes the file; what is damaged is made anew, empty.  Without a name
// it is empty, and gone when it is closed.
//
// ROTOR_PORT_FAILED  errno says why; also of all below.
ROTOR_CALL seen_file_open(struct seen_file *file, int folder, const char *name);
void seen_file_close(struct seen_file *file);

// Forgets everything: the log is another one.
ROTOR_CALL seen_file_clear(struct seen_file *file);

ROTOR_CALL seen_file_has(const struct seen_file *file,
                         const struct chain_fingerprint *fingerprint,
                         bool *has);

// Says first how many entries of the log may be in from now on.
ROTOR_CALL seen_file_expect(struct seen_file *file, uint64_t most);

// Zeros are passed over; adding what is there is OK.  Many at once cost little
// more than few.
ROTOR_CALL seen_file_add(struct seen_file *file,
                         const struct chain_fingerprint *all, size_t count);

// Makes what was added last, and counts it: all of the log up to `mark`.
ROTOR_CALL seen_file_sync(struct seen_file *file, const struct seen_mark *mark);

#endif
