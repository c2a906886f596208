// SPDX-License-Identifier: Apache-2.0
// An exported log as a file, of any length: written and read entry by entry.
//
//     "rotor log/2" entry entry ...     a CBOR sequence (RFC 8742)
//     ["rotor log/1", [* entry]]        read only
//     ["rotor attest/1", ...]           read only: the log that is in evidence
//     ["rotor attest/2", ...]
//
// Every item is dCBOR.  doc/PROTOCOL.client 5.  As hostile as a network.
#ifndef ROTOR_APP_ROTOR_LOG_STREAM_H
#define ROTOR_APP_ROTOR_LOG_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "base/bytes.h"
#include "wire/cbor.h"

#define LOG_TITLE      LABEL("rotor log/2")
#define LOG_OLD_TITLE  LABEL("rotor log/1")
#define BUNDLE_TITLE   LABEL("rotor attest/1")
#define BUNDLE_TITLE_2 LABEL("rotor attest/2")

// ---- reading ---------------------------------------------------------------

struct log_stream {
    int fd;          // -1: closed
    uint64_t size;   // bytes; 0: not known
    uint64_t passed; // bytes that were read as items
    uint8_t *window; // what was read and is no item yet lies at [from, used)
    size_t from;
    size_t used;
    bool is_read;    // to the end
    bool is_counted; // `left` entries follow
    bool has_tail;   // and then what is no log: not looked at
    uint64_t left;
};

// "-" is stdin.
//
// ROTOR_MALFORMED    not a log of rotor.
// ROTOR_PORT_FAILED  errno says why.
ROTOR_CALL log_stream_open(struct log_stream *file, const char *path);
void log_stream_close(struct log_stream *file);

// Entries behind another head than a log's, which `head` reads: 16 *
// WIRE_ENTRY_MAX bytes of the file, if it has them, are there for that call.
//
// ROTOR_MALFORMED    `head` said false.
// ROTOR_PORT_FAILED  errno says why.
ROTOR_CALL log_stream_open_behind(struct log_stream *file, const char *path,
                                  bool (*head)(void *context,
                                               struct cbor_reader *in),
                                  void *context);

// The next entry: one item of at most WIRE_ENTRY_MAX bytes, not judged.  A
// view, good until the next call.
//
// ROTOR_AGAIN        the log ends here.
// ROTOR_MALFORMED    it ends in mid-entry, or what comes is none.
// ROTOR_PORT_FAILED  errno says why.
ROTOR_CALL log_stream_next(struct log_stream *file, struct rotor_bytes *entry);

// ---- writing ---------------------------------------------------------------

struct log_writer {
    void *stream; // FILE
    const char *path;
    char fresh[4096]; // what it is written to; empty: in place
    uint64_t count;   // entries
    uint64_t size;    // bytes
};

// "-" is stdout.  A file is replaced when it is whole, not before.
//
// ROTOR_PORT_FAILED  errno says why.
ROTOR_CALL log_writer_open(struct log_writer *writer, const char *path);
// The same with another head than a log's.
ROTOR_CALL log_writer_open_with(struct log_writer *writer, const char *path,
                                struct rotor_bytes head);
ROTOR_CALL log_writer_add(struct log_writer *writer, struct rotor_bytes entry);
// Makes it last; or takes it back.
ROTOR_CALL log_writer_close(struct log_writer *writer, bool is_whole);

#endif
