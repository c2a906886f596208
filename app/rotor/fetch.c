// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/fetch.h"

#include "app/rotor/catch_up.h"
#include "base/bytes.h"
#include "chain/trust.h"

static bool open_batch(const struct wire_log_entries *reply,
                       struct fetch_batch *batch)
{
    cbor_reader_init(&batch->in, reply->entries);
    batch->left = cbor_read_array(&batch->in);
    return !cbor_has_failed(&batch->in);
}

bool fetch_next(struct fetch_batch *batch, struct rotor_bytes *entry)
{
    if (batch->left == 0) {
        return false;
    }
    batch->left--;
    *entry = cbor_read_item(&batch->in);
    return !cbor_has_failed(&batch->in);
}

// A device says whose log it has.  That is no proof, but a clear no.
static bool is_of_log(const struct relying *party,
                      const struct wire_digest *log_id,
                      struct relying_outcome *outcome)
{
    char theirs[FINGERPRINT_SIZE];
    char ours[FINGERPRINT_SIZE];
    bool is_ours = wire_digest_is_empty(&party->log_id) ||
                   wire_digest_is_empty(log_id) ||
                   wire_digest_equal(log_id, &party->log_id);
    if (is_ours) {
        return true;
    }
    fingerprint(log_id, theirs);
    fingerprint(&party->log_id, ours);
    return relying_end(outcome, CAUSE_EVIDENCE_REFUSED, NULL,
                       "the device has log %s, and %s is expected", theirs,
                       ours);
}

bool fetch_batch(struct relying *party, const struct relying_device *device,
                 const struct wire_order *from, uint64_t max,
                 struct fetch_batch *batch, struct relying_outcome *outcome)
{
    uint8_t memory[128];
    struct rotor_room payload = ROOM_OF(memory);
    struct rotor_room reply = ROOM_OF(party->reply);
    struct relying_refusal refusal = {0};
    struct wire_log_entries content;
    const struct wire_log_get request = {party->log_id, *from, max};
    enum rotor_status status =
        wire_message_encode(&WIRE_LAYOUT_LOG_GET, &request, &payload);
    if (status == ROTOR_OK) {
        status = device->ask(device->context, WIRE_OP_LOG_GET,
                             bytes_in(&payload), &reply, &refusal);
    }
    if (status != ROTOR_OK) {
        return relying_no_answer(status, &refusal, outcome);
    }
    bool is_readable =
        wire_message_decode(&WIRE_LAYOUT_LOG_ENTRIES, bytes_in(&reply),
                            &content) == ROTOR_OK &&
        open_batch(&content, batch);
    if (!is_readable) {
        return relying_no_answer(ROTOR_MALFORMED, &refusal, outcome);
    }
    return is_of_log(party, &content.log_id, outcome);
}

bool relying_fetch_one(struct relying *party,
                       const struct relying_device *device,
                       const struct wire_order *order, struct rotor_room *entry,
                       struct wire_digest *hash,
                       struct relying_outcome *outcome)
{
    struct fetch_batch batch;
    struct rotor_bytes bytes;
    struct chain_entry decoded;
    entry->used = 0;
    *hash = (struct wire_digest){0};
    if (!fetch_batch(party, device, order, 1, &batch, outcome)) {
        return false;
    }
    bool is_there = fetch_next(&batch, &bytes) &&
                    chain_entry_decode(bytes, &decoded) == ROTOR_OK &&
                    decoded.body.epoch == order->epoch &&
                    decoded.body.incarnation == order->incarnation &&
                    decoded.body.suite_is_known &&
                    chain_body_hash(&decoded.body, hash) == ROTOR_OK &&
                    bytes_copy(entry, bytes) == ROTOR_OK;
    if (!is_there) {
        *hash = (struct wire_digest){0};
        entry->used = 0;
    }
    return true;
}

bool fetch_start(struct relying *party, const struct relying_device *device,
                 struct wire_order *start, bool *found,
                 struct relying_outcome *outcome)
{
    const struct wire_order zero = {0, 0};
    struct fetch_batch batch;
    struct rotor_bytes bytes;
    struct chain_entry entry;
    *found = false;
    if (!fetch_batch(party, device, &zero, 1, &batch, outcome)) {
        return false;
    }
    *found = fetch_next(&batch, &bytes) &&
             chain_entry_decode(bytes, &entry) == ROTOR_OK;
    if (*found) {
        *start = (struct wire_order){entry.body.incarnation, entry.body.epoch};
    }
    return true;
}

bool fetch_say_dropped(const struct relying *party,
                       const struct wire_order *start,
                       struct relying_outcome *outcome)
{
    static const char HINT[] =
        "ask its operator for an exported log, then: rotor verify --chain FILE";
    unsigned long long from = start->epoch;
    unsigned long long own = party->store.trust.order.epoch;
    if (!store_has_log(&party->store)) {
        return relying_end(outcome, CAUSE_UNAVAILABLE, HINT,
                           "the device holds its log from epoch %llu on: the "
                           "entries before are missing",
                           from);
    }
    return relying_end(outcome, CAUSE_UNAVAILABLE, HINT,
                       "the device holds its log from epoch %llu on, and this "
                       "party is at epoch %llu: the entries between are "
                       "missing",
                       from, own);
}
