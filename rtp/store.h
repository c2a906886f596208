// SPDX-License-Identifier: Apache-2.0
// The trust store: one state file that is replaced as a whole, and a log of
// every accepted entry that grows at its end and drops its beginning.
//
//     state    dCBOR map || SHA-256 of it
//     log      records: be32 size || entry; a torn tail is cut off, and one
//              that parses with a hole in it is found by what R1 kept, or by
//              the rules when it is read
//     dropped  checkpoint of what the log dropped at its beginning
//
// The state decides.  The log is what others are served from, what rule 9 is
// filled from, and the second witness against a state that was rolled back.
#ifndef ROTOR_RTP_STORE_H
#define ROTOR_RTP_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/trust.h"
#include "rtp/ops.h"
#include "rtp/resume.h"
#include "wire/message.h"

// What R0 keeps: enough to ask again and to know our own request.
struct rtp_intent {
    uint8_t id[WIRE_ID_SIZE]; // request id of GENERATE or ROTATE
    uint64_t from_epoch;
    uint32_t suite;
    uint32_t seed_src;
    uint32_t reason; // enum wire_reason
    uint32_t kind;   // enum chain_kind
    uint64_t distrust_from;
    uint8_t policy[CHAIN_POLICY_MAX]; // genesis only
    size_t policy_size;
};

struct rtp_state {
    enum rtp_phase phase;
    struct chain_trust trust; // cur; empty before R2 of entry 0
    struct chain_trust pend;  // ACC0, PEND, PENDX
    bool has_intent;
    struct rtp_intent intent;
    struct wire_order floor; // highest that ever was current
    uint64_t log_size;       // bytes of the log when this was written
    uint64_t since_wall_s;   // of R2; informative
    uint64_t rotations;      // since genesis
    size_t entry_size;
    uint8_t entry[WIRE_ENTRY_MAX]; // of pend
};

#define RTP_STATE_MAX (WIRE_ENTRY_MAX + 4096u) // bytes, encoded

// ROTOR_TOO_SMALL  no room.
ROTOR_CALL rtp_state_encode(const struct rtp_state *state,
                            struct rotor_room *bytes);
// ROTOR_CORRUPT  damaged, or not a state; `state` is NEW.
ROTOR_CALL rtp_state_decode(struct rotor_bytes bytes, struct rtp_state *state);

struct rtp_standing rtp_state_standing(const struct rtp_state *state);

// ---- log -------------------------------------------------------------------

#define RTP_LOG_MARKS   512u
#define RTP_LOG_ENTRIES 1024u // most entries of one reply

// Where every so-manieth entry lies; the stride doubles when marks run out.
struct rtp_log_mark {
    uint64_t offset;
    uint64_t number; // of the entry, counted since the log was opened
    struct wire_order order;
};

struct rtp_log {
    uint64_t start;  // offset of the first entry that is held
    uint64_t size;   // offset behind the last one
    uint64_t count;  // entries that are held
    uint64_t number; // of the next entry, counted since the log was opened
    uint64_t stride;
    size_t marked;
    struct rtp_log_mark marks[RTP_LOG_MARKS];
    struct wire_order last; // order and hash of the last entry
    struct wire_digest last_hash;
};

// One entry of the log, or of a reply.
struct rtp_log_entry {
    uint64_t offset; // of its record
    uint64_t next;   // of the record behind it
    struct rotor_bytes bytes;
};

// Reads the record at `offset` into `room` (WIRE_ENTRY_MAX).
//
// ROTOR_AGAIN      the log ends there.
// ROTOR_MALFORMED  torn or damaged.
ROTOR_CALL rtp_log_read(const struct rtp_ops *ops, uint64_t offset,
                        struct rotor_room *room, struct rtp_log_entry *entry);

// Where a log of any size ends.
#define RTP_LOG_WHOLE UINT64_MAX

// Reads all that is held once, up to `end`: marks, size, last entry.  What lies
// behind is overwritten by the next append.  `scratch` has room for an entry.
ROTOR_CALL rtp_log_open(struct rtp_log *log, const struct rtp_ops *ops,
                        struct rotor_room *scratch, uint64_t end);

// Notes an entry that was appended at log->size.
void rtp_log_note(struct rtp_log *log, const struct chain_trust *entry,
                  size_t entry_size);

// The last mark that leaves `keep` entries or more behind it; NULL: there is
// nothing to drop.
const struct rtp_log_mark *rtp_log_mark_keeping(const struct rtp_log *log,
                                                uint64_t keep);

// Notes that what lies before `mark`, one of the log's own, is not held.
void rtp_log_note_drop(struct rtp_log *log, const struct rtp_log_mark *mark);

// Entries that the log holds: so many at least, and a quarter more at most.
#define RTP_LOG_KEEP     16384u
#define RTP_LOG_KEEP_MIN 32u

// The bound of rule 9 here: keys of so many epochs back are known at least.
#define RTP_LOG_SEEN 1024u

// Adds the keys of the last RTP_LOG_SEEN entries, up to the one at `last`.
ROTOR_CALL rtp_log_fill(const struct rtp_log *log, const struct rtp_ops *ops,
                        struct rotor_room *scratch,
                        const struct wire_order *last, struct chain_seen *seen);

// The offset of the first entry that is not before `order`; log->size: none.
ROTOR_CALL rtp_log_find(const struct rtp_log *log, const struct rtp_ops *ops,
                        struct rotor_room *scratch,
                        const struct wire_order *order, uint64_t *offset);

// Bytes of the record of an entry.
#define RTP_LOG_HEAD 4u

#endif
