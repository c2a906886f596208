// SPDX-License-Identifier: Apache-2.0
// A relying party's own memory of a log: its entries, its head, and what it
// saw at which time.  One folder, for each log three files:
//
//     HEX.log    entries as they were accepted, each behind a be32 size
//     HEX.trust  the head: how much of HEX.log counts, and a SHA-256 over it
//     HEX.seen   all their keys, for rule 9; made from HEX.log
//
// HEX is the beginning of the log_id; the whole of it stands in HEX.trust.
//
// Entries are staged in memory and become trusted by store_commit alone, at
// most one cycle at a time (doc/PROTOCOL.rot 6.3): write, fsync, rename, fsync
// of the folder, then use.
#ifndef ROTOR_APP_ROTOR_STORE_H
#define ROTOR_APP_ROTOR_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "app/rotor/seen_file.h"
#include "chain/forks.h"
#include "chain/trust.h"

#define STORE_CYCLE_ENTRIES 1024u
#define STORE_CYCLE_SIZE    (4u * 1024u * 1024u) // bytes

// What the last live answer said of the place and the time of the AP.
struct store_mark {
    uint64_t n;
    uint8_t boot[WIRE_ID_SIZE];
    uint64_t signatures; // 0: there was no answer yet
};

struct store {
    int folder; // -1: closed
    int lock;   // -1: no log selected
    char name[40];

    struct chain_trust trust; // head, staged entries included
    uint64_t count;           // entries, staged ones included
    uint64_t committed;       // entries
    uint64_t log_size;        // bytes that are committed
    uint8_t log_sum[32];      // of all entries, staged ones included
    uint8_t committed_sum[32];
    bool is_damaged;     // HEX.log is not what the head says
    uint64_t learned_s;  // wall clock when the head was committed
    bool is_established; // pinned, or accepted once
    bool is_quarantined; // duplicity was proven
    struct store_mark mark;
    struct wire_digest held; // body of a recovery entry that waits
    uint64_t held_since_s;

    uint64_t *offsets; // of committed entries, from store_index_all
    size_t offset_room;
    uint64_t indexed; // how many of them; 0: nobody asked yet
    uint32_t cycle;   // entries in one write: STORE_CYCLE_ENTRIES at most
    uint8_t *staged;
    size_t staged_size;
    uint32_t staged_at[STORE_CYCLE_ENTRIES]; // where in `staged`
    struct chain_seen seen;                  // rule 9: of what is staged
    struct chain_fingerprint *slots;
    struct seen_file seen_file; // of what is committed
    char seen_name[56];
};

// Opens the folder, makes it (and those above it) when it is missing.
//
// ROTOR_FORBIDDEN    another user may write it.
// ROTOR_PORT_FAILED  errno says why.
ROTOR_CALL store_open(struct store *store, const char *folder);
void store_close(struct store *store);

// Lets others have the log that was selected.
void store_leave(struct store *store);

// Locks and loads what is held of a log; nothing held is no error.  Of HEX.log
// only what lies behind the mark of HEX.seen is read: the sum over all of it
// goes on from there.  What lies before is checked when it is first asked for.
//
// ROTOR_CORRUPT      the files do not fit each other: not used.
// ROTOR_PORT_FAILED  errno says why.
ROTOR_CALL store_select(struct store *store, const struct wire_digest *log_id);

bool store_has_log(const struct store *store);

// Adds an accepted entry and makes `next` the head.
//
// ROTOR_TOO_SMALL  the cycle is full: commit first.
ROTOR_CALL store_stage(struct store *store, struct rotor_bytes entry,
                       const struct chain_trust *next);

// Makes everything durable: entries, head, marks.
ROTOR_CALL store_commit(struct store *store, uint64_t now_s);

// Forgets what is staged.
void store_revert(struct store *store);

// Rule 9: was it in any entry of this log, staged ones included?
ROTOR_CALL store_has_seen(const struct store *store,
                          const struct chain_fingerprint *fingerprint,
                          bool *seen);

// The entry of that number, 0 is genesis.  Replaces what `room` holds.  The
// first question reads all of HEX.log and checks the sum over it.
//
// ROTOR_CORRUPT  it is not what the head says; is_damaged is set.
ROTOR_CALL store_entry(struct store *store, uint64_t number,
                       struct rotor_room *room);

// Port `find` of chain_ports and its like: the live chain, void entries left
// out.  context is a struct store.
ROTOR_CALL store_find(void *context, const struct wire_head *head,
                      struct chain_trust *at, bool *found);

// Keeps a second body of one place, in a file for each finding: duplicity in
// HEX.fork, misuse of S or A in HEX.misuse.  `accepted` is empty when nothing
// was accepted there.
ROTOR_CALL store_keep_fork(struct store *store, enum chain_fork fork,
                           struct rotor_bytes accepted,
                           struct rotor_bytes other);

// Reads what was kept back, duplicity before misuse; views into `room`, which
// has STORE_FORK_MAX bytes.
//
// ROTOR_CORRUPT  the file is damaged.
struct store_fork {
    struct rotor_bytes accepted;
    struct rotor_bytes other;
};
#define STORE_FORK_MAX (2u * WIRE_ENTRY_MAX + 16u)
ROTOR_CALL store_read_fork(const struct store *store, struct rotor_room *room,
                           struct store_fork *kept, bool *found);
// The same form elsewhere: the RTP's own file.
ROTOR_CALL store_decode_fork(struct rotor_bytes file, struct store_fork *kept);

// ---- which log belongs to an address ---------------------------------------

// log_id is empty when the address is not known.
ROTOR_CALL store_host_read(const struct store *store, const char *address,
                           struct wire_digest *log_id);
// As store_host_write, but never in place of another log.
//
// ROTOR_FORBIDDEN  another log is expected there by now.
ROTOR_CALL store_host_pin(const struct store *store, const char *address,
                          const struct wire_digest *log_id);
ROTOR_CALL store_host_write(const struct store *store, const char *address,
                            const struct wire_digest *log_id);

#endif
