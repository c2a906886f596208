// SPDX-License-Identifier: Apache-2.0
// A log wherever it is held, entry by entry: in an exported file, by the
// device, by a relying party.  And what to say when it cannot be read on.
#ifndef ROTOR_APP_ROTOR_HELD_LOG_H
#define ROTOR_APP_ROTOR_HELD_LOG_H

#include "app/rotor/ahead.h"
#include "app/rotor/bundle.h"
#include "app/rotor/command.h"
#include "app/rotor/log_stream.h"
#include "app/rotor/reliance.h"

enum held_by {
    HELD_BY_FILE,
    HELD_BY_DEVICE,
    HELD_BY_PARTY,
};

// Not movable once it is open.
struct held_log {
    struct ahead_source entries; // each parses
    enum held_by by;
    const char *path;              // of the file, or of the trust store
    enum rotor_status status;      // of the file or the store
    struct log_stream file;        // FILE
    struct rotor_client *client;   // DEVICE
    struct relying_device device;  // DEVICE
    struct entry_reader reader;    // DEVICE
    struct store store;            // PARTY: what it holds of --log-id
    uint64_t next;                 // PARTY
    uint8_t entry[WIRE_ENTRY_MAX]; // PARTY
};

// Each: false: said why, *code is the exit code; nothing is open.
bool held_log_open_file(struct held_log *log, const struct run *run,
                        const char *path, int *code);
bool held_log_open_device(struct held_log *log, const struct run *run,
                          int *code);
// Of the party that `reliance` names with log_id.
bool held_log_open_party(struct held_log *log, const struct run *run,
                         struct reliance *reliance, int *code);
void held_log_close(struct held_log *log);

// Why its entries ended early.
struct held_fault {
    enum cause cause;
    const char *hint; // NULL: none
    char message[600];
};

// False: they did not.
bool held_log_fault(const struct held_log *log, struct held_fault *fault);

#endif
