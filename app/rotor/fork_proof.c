// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/fork_proof.h"

#include <errno.h>

#include "app/rotor/walk.h"
#include "base/bytes.h"
#include "wire/cbor.h"

#define TITLE    LABEL("rotor fork/2")
#define HEAD_MAX (2u * WIRE_ENTRY_MAX + 64u) // bytes

// ---- writing ---------------------------------------------------------------

static enum rotor_status encode_head(const struct fork_bodies *bodies,
                                     struct rotor_room *head)
{
    struct cbor_writer out;
    cbor_writer_init(&out, head);
    cbor_write_text(&out, TITLE);
    cbor_write_bytes(&out, bodies->accepted);
    cbor_write_bytes(&out, bodies->other);
    return cbor_writer_finish(&out);
}

static enum rotor_status place_of(struct rotor_bytes bytes,
                                  struct wire_order *place)
{
    struct chain_entry entry;
    TRY(chain_entry_decode(bytes, &entry));
    *place = (struct wire_order){entry.body.incarnation, entry.body.epoch};
    return ROTOR_OK;
}

// The entries before `place`; the last of them is the one below it.
static enum rotor_status write_log(struct log_writer *writer,
                                   const struct wire_order *place,
                                   const struct ahead_source *log)
{
    struct rotor_bytes bytes;
    struct wire_order at = {0, 0};
    uint64_t next = 0; // epoch
    enum rotor_status status;
    while ((status = log->next(log->context, &bytes)) == ROTOR_OK) {
        TRY(place_of(bytes, &at));
        if (chain_order_compare(&at, place) >= 0) {
            break;
        }
        if (writer->count == 0 && at.epoch != 0) {
            return ROTOR_MALFORMED;
        }
        TRY(log_writer_add(writer, bytes));
        next = at.epoch + 1;
    }
    if (status != ROTOR_OK && status != ROTOR_AGAIN) {
        return status;
    }
    bool leads_there = writer->count != 0 && next == place->epoch;
    return leads_there ? ROTOR_OK : ROTOR_MALFORMED;
}

enum rotor_status fork_proof_write(const char *path,
                                   const struct fork_bodies *bodies,
                                   const struct ahead_source *log)
{
    static uint8_t memory[HEAD_MAX];
    struct rotor_room head = ROOM_OF(memory);
    struct log_writer writer;
    struct wire_order place;
    TRY(place_of(bodies->other, &place));
    TRY(encode_head(bodies, &head));
    enum rotor_status status =
        log_writer_open_with(&writer, path, bytes_in(&head));
    if (status == ROTOR_OK) {
        status = write_log(&writer, &place, log);
    }
    int cause = errno;
    enum rotor_status closed = log_writer_close(&writer, status == ROTOR_OK);
    if (status != ROTOR_OK) {
        errno = cause;
    }
    return status != ROTOR_OK ? status : closed;
}

// ---- the file --------------------------------------------------------------

static bool copy_into(uint8_t memory[WIRE_ENTRY_MAX], struct rotor_bytes from,
                      struct rotor_bytes *copy)
{
    struct rotor_room room = {memory, WIRE_ENTRY_MAX, 0};
    enum rotor_status status = bytes_copy(&room, from);
    *copy = bytes_in(&room);
    return status == ROTOR_OK;
}

static bool read_head(void *context, struct cbor_reader *in)
{
    struct fork_proof *proof = context;
    bool is_proof = bytes_equal(cbor_read_text(in), TITLE);
    struct rotor_bytes accepted = cbor_read_bytes_sized(in, 0, WIRE_ENTRY_MAX);
    struct rotor_bytes other = cbor_read_bytes_sized(in, 1, WIRE_ENTRY_MAX);
    return is_proof && !cbor_has_failed(in) &&
           copy_into(proof->accepted, accepted, &proof->bodies.accepted) &&
           copy_into(proof->other, other, &proof->bodies.other);
}

enum rotor_status fork_proof_open(struct fork_proof *proof, const char *path)
{
    return log_stream_open_behind(&proof->log, path, read_head, proof);
}

void fork_proof_close(struct fork_proof *proof)
{
    log_stream_close(&proof->log);
}

// ---- the judgement ---------------------------------------------------------

struct lead {
    struct chain_trust first;
    struct chain_trust last;
    const char *reason;
};

static void take_step(void *context, const struct walk_step *step)
{
    struct lead *lead = context;
    if (!chain_verdict_is_accepted(&step->verdict)) {
        lead->reason = step->verdict.reason;
        return;
    }
    lead->last = step->trust;
    if (chain_trust_is_empty(&lead->first)) {
        lead->first = step->trust;
    }
}

static enum rotor_status next_entry(void *context, struct rotor_bytes *entry)
{
    return log_stream_next(context, entry);
}

static enum rotor_status judge(const struct fork_bodies *bodies,
                               const struct chain_trust *parent,
                               struct fork_finding *finding)
{
    enum rotor_status status = place_of(bodies->other, &finding->place);
    if (status == ROTOR_OK) {
        status = bytes_are_empty(bodies->accepted)
                     ? chain_judge_stray(parent, bodies->other, &finding->fork)
                     : chain_judge_fork(parent, bodies->accepted, bodies->other,
                                        &finding->fork);
    }
    // What is no entry, or does not follow, proves nothing.
    if (status != ROTOR_OK && status != ROTOR_PORT_FAILED) {
        finding->fork = CHAIN_FORK_NONE;
        status = ROTOR_OK;
    }
    return status;
}

enum rotor_status fork_proof_judge(struct fork_proof *proof,
                                   struct fork_finding *finding)
{
    struct lead lead = {0};
    const struct ahead_source source = {&proof->log, next_entry};
    const struct walk_taker taker = {&lead, take_step};
    bool is_whole = false;
    *finding = (struct fork_finding){.fork = CHAIN_FORK_UNJUDGED};
    TRY(walk_stream(&source, &taker, &is_whole));
    finding->log_id = lead.first.log_id;
    if (!is_whole) {
        finding->reason = lead.reason != NULL ? lead.reason : "not whole";
        return ROTOR_OK;
    }
    return chain_trust_is_empty(&lead.first)
               ? ROTOR_MALFORMED
               : judge(&proof->bodies, &lead.last, finding);
}
