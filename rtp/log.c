// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/bytes.h"
#include "rtp/store.h"

enum rotor_status rtp_log_read(const struct rtp_ops *ops, uint64_t offset,
                               struct rotor_room *room,
                               struct rtp_log_entry *entry)
{
    room->used = 0;
    uint8_t head[RTP_LOG_HEAD];
    struct rotor_room head_room = ROOM_OF(head);
    TRY(ops->log_read(ops->context, offset, &head_room));
    if (head_room.used == 0) {
        return ROTOR_AGAIN;
    }
    uint32_t size = head_room.used == sizeof head ? bytes_be32(head) : 0;
    if (size == 0 || size > WIRE_ENTRY_MAX) {
        return ROTOR_MALFORMED;
    }
    struct rotor_room body = {room->data, size, 0};
    if (room->capacity < size) {
        return ROTOR_TOO_SMALL;
    }
    TRY(ops->log_read(ops->context, offset + RTP_LOG_HEAD, &body));
    if (body.used != size) {
        return ROTOR_MALFORMED;
    }
    room->used = size;
    entry->offset = offset;
    entry->next = offset + RTP_LOG_HEAD + size;
    entry->bytes = bytes_in(room);
    return ROTOR_OK;
}

static void mark(struct rtp_log *log, uint64_t offset,
                 const struct wire_order *order)
{
    if (log->number % log->stride != 0) {
        return;
    }
    if (log->marked == RTP_LOG_MARKS) {
        for (size_t i = 0; i < RTP_LOG_MARKS / 2u; i++) {
            log->marks[i] = log->marks[2u * i];
        }
        log->marked = RTP_LOG_MARKS / 2u;
        log->stride *= 2u;
    }
    log->marks[log->marked++] =
        (struct rtp_log_mark){offset, log->number, *order};
}

void rtp_log_note(struct rtp_log *log, const struct chain_trust *entry,
                  size_t entry_size)
{
    mark(log, log->size, &entry->order);
    log->size += RTP_LOG_HEAD + entry_size;
    log->count++;
    log->number++;
    log->last = entry->order;
    log->last_hash = entry->body_hash;
}

// What an entry of our own log says; it was verified when it was appended.
static enum rotor_status read_trust(struct rotor_bytes bytes,
                                    struct chain_entry *entry,
                                    struct chain_trust *trust)
{
    TRY(chain_entry_decode(bytes, entry));
    return chain_trust_of(&entry->body, trust);
}

enum rotor_status rtp_log_open(struct rtp_log *log, const struct rtp_ops *ops,
                               struct rotor_room *scratch, uint64_t end)
{
    memset(log, 0, sizeof *log);
    log->stride = 1;
    TRY(ops->log_open(ops->context, &log->start));
    log->size = log->start;
    while (log->size < end) {
        struct rtp_log_entry at;
        struct chain_entry entry;
        struct chain_trust trust;
        enum rotor_status status = rtp_log_read(ops, log->size, scratch, &at);
        if (status == ROTOR_PORT_FAILED) {
            return status;
        }
        if (status != ROTOR_OK ||
            read_trust(at.bytes, &entry, &trust) != ROTOR_OK) {
            return ROTOR_OK; // the end, or a torn tail
        }
        rtp_log_note(log, &trust, at.bytes.size);
    }
    return ROTOR_OK;
}

// The mark that a search for `order` starts from: the last one not behind it.
static struct rtp_log_mark mark_before(const struct rtp_log *log,
                                       const struct wire_order *order)
{
    struct rtp_log_mark best = {.offset = log->start};
    for (size_t i = 0; i < log->marked; i++) {
        if (chain_order_compare(&log->marks[i].order, order) <= 0) {
            best = log->marks[i];
        }
    }
    return best;
}

enum rotor_status rtp_log_find(const struct rtp_log *log,
                               const struct rtp_ops *ops,
                               struct rotor_room *scratch,
                               const struct wire_order *order, uint64_t *offset)
{
    uint64_t at = mark_before(log, order).offset;
    while (at < log->size) {
        struct rtp_log_entry record;
        struct chain_entry entry;
        struct chain_trust trust;
        TRY(rtp_log_read(ops, at, scratch, &record));
        TRY(read_trust(record.bytes, &entry, &trust));
        if (chain_order_compare(&trust.order, order) >= 0) {
            break;
        }
        at = record.next;
    }
    *offset = at < log->size ? at : log->size;
    return ROTOR_OK;
}

enum rotor_status rtp_log_fill(const struct rtp_log *log,
                               const struct rtp_ops *ops,
                               struct rotor_room *scratch,
                               const struct wire_order *last,
                               struct chain_seen *seen)
{
    uint64_t skipped =
        log->count > RTP_LOG_SEEN ? log->count - RTP_LOG_SEEN : 0;
    uint64_t at = log->start;
    for (uint64_t i = 0; i < log->count; i++) {
        struct rtp_log_entry record;
        struct chain_entry entry;
        TRY(rtp_log_read(ops, at, scratch, &record));
        at = record.next;
        if (i < skipped) {
            continue;
        }
        TRY(chain_entry_decode(record.bytes, &entry));
        const struct wire_order order = {entry.body.incarnation,
                                         entry.body.epoch};
        if (chain_order_compare(&order, last) > 0) {
            break;
        }
        TRY(chain_seen_add_body(seen, &entry.body));
    }
    return ROTOR_OK;
}

const struct rtp_log_mark *rtp_log_mark_keeping(const struct rtp_log *log,
                                                uint64_t keep)
{
    const struct rtp_log_mark *best = NULL;
    for (size_t i = 0; i < log->marked; i++) {
        const struct rtp_log_mark *mark = &log->marks[i];
        if (mark->offset > log->start && log->number - mark->number >= keep) {
            best = mark;
        }
    }
    return best;
}

void rtp_log_note_drop(struct rtp_log *log, const struct rtp_log_mark *mark)
{
    size_t first = (size_t)(mark - log->marks);
    log->start = mark->offset;
    log->count = log->number - mark->number;
    log->marked -= first;
    memmove(log->marks, log->marks + first, log->marked * sizeof *log->marks);
}
