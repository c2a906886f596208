// SPDX-License-Identifier: Apache-2.0
// The TCG PC client event log, and what the registers of a TPM hold that was
// told of all its events.  doc/PROTOCOL.evidence, TPM.
//
// Two formats: SHA-1 from the first event to the last, or crypto-agile, whose
// first event (in SHA-1 format, "Spec ID Event03") lists the hashes that the
// others carry.  A log is a claim: it is worth what a quote says of the
// registers that it replays to.
#ifndef ROTOR_VERIFY_EVENTLOG_H
#define ROTOR_VERIFY_EVENTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "verify/cursor.h"
#include "verify/pcr.h"

#define VERIFY_EVENTLOG_MAX (4u << 20) // bytes; real ones have tens of KiB

#define VERIFY_EVENT_NO_ACTION 3u // is never told to the TPM

// Views of the log.
struct verify_event {
    uint32_t pcr;
    uint32_t type;
    size_t digest_count;
    struct {
        uint16_t algorithm;
        struct rotor_bytes bytes;
    } digests[VERIFY_BANKS_MAX];
    struct rotor_bytes data;
};

// Reads a log event by event.  Fields are for callers to read.
struct verify_eventlog_reader {
    struct verify_cursor in;
    bool is_crypto_agile;
    size_t algorithm_count; // of the log; SHA-1 alone in that format
    struct {
        uint16_t algorithm;
        uint16_t size; // bytes
    } algorithms[VERIFY_BANKS_MAX];
    struct rotor_bytes vendor_info; // of the first event
    const char *fault;              // a sentence, NULL while all is well
};

// A log without events is none.
//
// ROTOR_MALFORMED  reader->fault says why.
ROTOR_CALL verify_eventlog_open(struct verify_eventlog_reader *reader,
                                struct rotor_bytes log);

// False at the end, or at a fault: then reader->fault is set.  The first event
// of a crypto-agile log is read by verify_eventlog_open.
bool verify_eventlog_next(struct verify_eventlog_reader *reader,
                          struct verify_event *event);

struct verify_eventlog {
    const char *fault; // why the log is malformed; NULL: it is not
    bool is_crypto_agile;
    uint8_t startup_locality; // what PCR 0 began with; 0 if nothing is said
    size_t event_count;       // the first event of a crypto-agile log is one
    size_t unlike_count;      // events of other data than their digest is of
    size_t first_unlike;      // number of the first of them, from 0
    struct rotor_bytes vendor_info;

    // `known`: registers that some event extended, none in a bank of an unknown
    // hash.  The others hold what they hold after a reset.
    struct verify_pcrs pcrs;
    // Bit i of bank b: an event of PCR i has no digest of this bank, so that
    // its value is not known.
    uint32_t gaps[VERIFY_BANKS_MAX];
};

// Replays all banks.  Work and memory are linear in the size of the log.
//
// ROTOR_MALFORMED    replayed->fault says why; the rest is not to be believed.
// ROTOR_PORT_FAILED  the library refused.
ROTOR_CALL verify_eventlog_replay(struct rotor_bytes log,
                                  struct verify_eventlog *replayed);

#endif
