// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/held_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

// ---- what went wrong -------------------------------------------------------

static bool fault_of_file(const struct held_log *log, struct held_fault *fault)
{
    bool is_port = log->status == ROTOR_PORT_FAILED;
    if (log->status == ROTOR_OK || log->status == ROTOR_AGAIN) {
        return false;
    }
    fault->cause = is_port ? CAUSE_UNREADABLE : CAUSE_UNPARSABLE;
    fault->hint = is_port ? NULL : "rotor chain export writes such files";
    (void)snprintf(fault->message, sizeof fault->message, "%s: %s", log->path,
                   is_port ? strerror(errno)
                           : "not a log of rotor, or cut off");
    return true;
}

static bool fault_of_device(const struct held_log *log,
                            struct held_fault *fault)
{
    const struct entry_reader *reader = &log->reader;
    if (reader->failed == ROTOR_OK) {
        return false;
    }
    bool has_text = reader->refusal.text[0] != '\0';
    fault->cause =
        reader->failed == ROTOR_AGAIN ? CAUSE_TIMEOUT : CAUSE_UNAVAILABLE;
    fault->hint = "see: rotor doctor";
    (void)snprintf(fault->message, sizeof fault->message, "rotord: %s",
                   has_text ? reader->refusal.text
                            : rotor_status_name(reader->failed));
    return true;
}

static bool fault_of_party(const struct held_log *log, struct held_fault *fault)
{
    bool is_damaged = log->status == ROTOR_CORRUPT;
    bool is_theirs = log->status == ROTOR_FORBIDDEN;
    if (log->status == ROTOR_OK) {
        return false;
    }
    fault->cause = is_damaged ? CAUSE_UNPARSABLE : CAUSE_UNREADABLE;
    fault->hint = is_damaged ? "restore it from a backup, or move it away "
                               "and pin the log anew"
                             : "see --trust";
    (void)snprintf(fault->message, sizeof fault->message, "trust store %s: %s",
                   log->path,
                   is_damaged  ? "the files of this log are damaged"
                   : is_theirs ? "another user may write it"
                               : strerror(errno));
    return true;
}

bool held_log_fault(const struct held_log *log, struct held_fault *fault)
{
    switch (log->by) {
    case HELD_BY_FILE:
        return fault_of_file(log, fault);
    case HELD_BY_DEVICE:
        return fault_of_device(log, fault);
    case HELD_BY_PARTY:
        return fault_of_party(log, fault);
    }
    return false;
}

static bool or_say(struct held_log *log, const struct run *run, int *code)
{
    struct held_fault fault;
    if (!held_log_fault(log, &fault)) {
        return true;
    }
    *code = fail(run, fault.cause, fault.hint, "%s", fault.message);
    held_log_close(log);
    return false;
}

// ---- a file ----------------------------------------------------------------

static enum rotor_status next_of_file(void *context, struct rotor_bytes *bytes)
{
    struct held_log *log = context;
    struct chain_entry entry;
    log->status = log_stream_next(&log->file, bytes);
    if (log->status == ROTOR_OK) {
        log->status = chain_entry_decode(*bytes, &entry);
    }
    return log->status;
}

static void begin(struct held_log *log, enum held_by by,
                  enum rotor_status (*next)(void *context,
                                            struct rotor_bytes *entry))
{
    memset(log, 0, sizeof *log);
    log->entries = (struct ahead_source){log, next};
    log->by = by;
    log->file.fd = -1;
    log->store.folder = -1;
    log->store.lock = -1;
}

bool held_log_open_file(struct held_log *log, const struct run *run,
                        const char *path, int *code)
{
    begin(log, HELD_BY_FILE, next_of_file);
    log->path = path;
    log->status = log_stream_open(&log->file, path);
    return or_say(log, run, code);
}

// ---- the device ------------------------------------------------------------

static enum rotor_status next_of_device(void *context,
                                        struct rotor_bytes *bytes)
{
    struct held_log *log = context;
    return entry_reader_next(&log->reader, bytes);
}

bool held_log_open_device(struct held_log *log, const struct run *run,
                          int *code)
{
    begin(log, HELD_BY_DEVICE, next_of_device);
    if (!daemon_open(run, &log->client, code)) {
        return false;
    }
    log->device = relying_device_of(log->client);
    log->reader.device = &log->device;
    return true;
}

// ---- a relying party -------------------------------------------------------

// All of it is read and its sum checked first.
static enum rotor_status next_of_party(void *context, struct rotor_bytes *bytes)
{
    struct held_log *log = context;
    struct rotor_room room = ROOM_OF(log->entry);
    if (log->next == log->store.count) {
        return ROTOR_AGAIN;
    }
    log->status = store_entry(&log->store, log->next++, &room);
    *bytes = bytes_in(&room);
    return log->status;
}

bool held_log_open_party(struct held_log *log, const struct run *run,
                         struct reliance *reliance, int *code)
{
    struct wire_digest log_id;
    begin(log, HELD_BY_PARTY, next_of_party);
    if (!parse_digest(reliance->log_id, &log_id)) {
        *code = fail(run, CAUSE_USAGE, NULL, "--log-id %s: not a fingerprint",
                     reliance->log_id);
        return false;
    }
    if (!reliance_choose_folder(run, reliance, code)) {
        return false;
    }
    log->path = reliance->folder;
    log->status = store_open(&log->store, reliance->folder);
    if (log->status == ROTOR_OK) {
        log->status = store_select(&log->store, &log_id);
    }
    return or_say(log, run, code);
}

void held_log_close(struct held_log *log)
{
    int cause = errno;
    if (log->by == HELD_BY_FILE) {
        log_stream_close(&log->file);
    } else if (log->by == HELD_BY_DEVICE) {
        rotor_client_close(log->client);
    } else {
        store_close(&log->store);
    }
    errno = cause;
}
