// SPDX-License-Identifier: Apache-2.0
// The checkpoint of what the log dropped: how much it is to hold, and rule 9 of
// the entries that are gone.
//
//     be32 keep || be64 covers || be32 count || groups || SHA-256
//
// One group of five fingerprints for each of the last RTP_LOG_SEEN entries that
// were dropped, the oldest first; zeros where there is none.  The file has one
// size, from the first drop to the last.  It is written before the log is cut:
// what lies before `covers` is in here, whether the cut took place or not.
#ifndef ROTOR_RTP_DROPPED_H
#define ROTOR_RTP_DROPPED_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "chain/trust.h"
#include "rtp/store.h"

#define RTP_DROPPED_GROUP (CHAIN_SEEN_PER_ENTRY * CHAIN_FINGERPRINT_SIZE)
#define RTP_DROPPED_HEAD  16u
#define RTP_DROPPED_SIZE                                                       \
    (RTP_DROPPED_HEAD + RTP_LOG_SEEN * RTP_DROPPED_GROUP + 32u) // bytes

struct rtp_dropped {
    uint32_t keep;   // entries that the log holds at least
    uint64_t covers; // offset in the log
    uint32_t count;  // groups
    uint8_t *file;   // RTP_DROPPED_SIZE bytes, the caller's
};

// Nothing was dropped yet: `keep` is the default.
void rtp_dropped_init(struct rtp_dropped *dropped,
                      uint8_t file[RTP_DROPPED_SIZE]);

// No file is as if nothing was dropped.
//
// ROTOR_CORRUPT  damaged; as if nothing was dropped.
ROTOR_CALL rtp_dropped_read(struct rtp_dropped *dropped,
                            const struct rtp_ops *ops,
                            uint8_t file[RTP_DROPPED_SIZE]);

// Makes room for `count` more groups, at most RTP_LOG_SEEN; the oldest go.
void rtp_dropped_make_room(struct rtp_dropped *dropped, uint32_t count);
void rtp_dropped_add(struct rtp_dropped *dropped,
                     const struct chain_fingerprints *all);

// Adds the newest `count` groups to a set.
ROTOR_CALL rtp_dropped_fill(const struct rtp_dropped *dropped, uint64_t count,
                            struct chain_seen *seen);

ROTOR_CALL rtp_dropped_write(struct rtp_dropped *dropped,
                             const struct rtp_ops *ops);

#endif
