// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "app/rotor/log_stream.h"
#include "base/bytes.h"

// Smallest entry there can be: keeps a hostile count from taking memory.
#define ENTRY_MIN 64u // bytes

// Largest LOG_ENTRIES payload without its entries.
#define REPLY_HEAD 256u // bytes

static bool take_entry(struct bundle *bundle, struct rotor_bytes bytes)
{
    struct chain_entry entry;
    if (chain_entry_decode(bytes, &entry) != ROTOR_OK) {
        return false;
    }
    bundle->entries[bundle->count++] = (struct bundle_entry){
        bytes, {entry.body.incarnation, entry.body.epoch}
    };
    return true;
}

static bool take_entries(struct cbor_reader *in, struct bundle *bundle,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rotor_bytes bytes = cbor_read_item(in);
        if (cbor_has_failed(in) || !take_entry(bundle, bytes)) {
            return false;
        }
    }
    return true;
}

static enum rotor_status read_entries(struct bundle *bundle,
                                      struct cbor_reader *in, size_t size)
{
    size_t count = cbor_read_array(in);
    if (count > size / ENTRY_MIN) {
        return ROTOR_MALFORMED;
    }
    bundle->entries = calloc(count + 1, sizeof *bundle->entries);
    if (bundle->entries == NULL) {
        return ROTOR_PORT_FAILED;
    }
    if (!take_entries(in, bundle, count)) {
        bundle_close(bundle);
        return ROTOR_MALFORMED;
    }
    return ROTOR_OK;
}

static enum rotor_status finish(struct bundle *bundle,
                                const struct cbor_reader *in,
                                enum rotor_status status)
{
    if (status == ROTOR_OK && !cbor_finished(in)) {
        status = ROTOR_MALFORMED;
    }
    if (status != ROTOR_OK) {
        bundle_close(bundle);
    }
    return status;
}

enum rotor_status bundle_decode(struct bundle *bundle, struct rotor_bytes bytes)
{
    struct cbor_reader in;
    *bundle = (struct bundle){0};
    cbor_reader_init(&in, bytes);
    size_t parts = cbor_read_array(&in);
    struct rotor_bytes title = cbor_read_text(&in);
    bool has_platform = parts == 5 && bytes_equal(title, BUNDLE_TITLE_2);
    bool is_plain = parts == 4 && bytes_equal(title, BUNDLE_TITLE);
    if (!has_platform && !is_plain) {
        return ROTOR_MALFORMED;
    }
    bundle->request = cbor_read_bytes_sized(&in, 1, 1024);
    bundle->response = cbor_read_bytes_sized(&in, 1, WIRE_CLIENT_MAX);
    enum rotor_status status = read_entries(bundle, &in, bytes.size);
    if (has_platform && status == ROTOR_OK) {
        bundle->platform = cbor_read_bytes_sized(&in, 1, BUNDLE_MAX);
    }
    return finish(bundle, &in, status);
}

void bundle_close(struct bundle *bundle)
{
    free(bundle->entries);
    bundle->entries = NULL;
    bundle->count = 0;
}

static void write_entries(struct cbor_writer *out, struct rotor_bytes entries,
                          size_t count)
{
    cbor_write_array(out, count);
    cbor_write_raw(out, entries);
}

enum rotor_status bundle_encode(const struct bundle_content *content,
                                struct rotor_room *bytes)
{
    struct cbor_writer out;
    bool has_platform = content->platform.size != 0;
    cbor_writer_init(&out, bytes);
    cbor_write_array(&out, has_platform ? 5 : 4);
    cbor_write_text(&out, has_platform ? BUNDLE_TITLE_2 : BUNDLE_TITLE);
    cbor_write_bytes(&out, content->request);
    cbor_write_bytes(&out, content->response);
    write_entries(&out, content->entries, content->count);
    if (has_platform) {
        cbor_write_bytes(&out, content->platform);
    }
    return cbor_writer_finish(&out);
}

// ---- a device of paper -----------------------------------------------------

// Those from `get->from` on that fit one reply.
static enum rotor_status list(const struct bundle *bundle,
                              const struct wire_log_get *get,
                              struct rotor_room *array)
{
    size_t first = 0;
    while (first < bundle->count &&
           chain_order_compare(&bundle->entries[first].order, &get->from) < 0) {
        first++;
    }
    size_t count = 0;
    size_t size = 0;
    while (first + count < bundle->count && count < get->max &&
           size + bundle->entries[first + count].bytes.size + REPLY_HEAD <=
               array->capacity) {
        size += bundle->entries[first + count].bytes.size;
        count++;
    }
    struct cbor_writer out;
    cbor_writer_init(&out, array);
    cbor_write_array(&out, count);
    for (size_t i = 0; i < count; i++) {
        cbor_write_raw(&out, bundle->entries[first + i].bytes);
    }
    return cbor_writer_finish(&out);
}

static enum rotor_status ask_bundle(void *context, uint64_t op,
                                    struct rotor_bytes payload,
                                    struct rotor_room *reply,
                                    struct relying_refusal *refusal)
{
    uint8_t memory[WIRE_CLIENT_MAX];
    struct rotor_room array = {memory, sizeof memory - REPLY_HEAD, 0};
    struct wire_log_get get;
    if (op != WIRE_OP_LOG_GET) {
        refusal->code = WIRE_CLIENT_UNSUPPORTED;
        return ROTOR_FORBIDDEN;
    }
    TRY(wire_message_decode(&WIRE_LAYOUT_LOG_GET, payload, &get));
    TRY(list(context, &get, &array));
    const struct wire_log_entries entries = {.log_id = get.log_id,
                                             .entries = bytes_in(&array)};
    return wire_message_encode(&WIRE_LAYOUT_LOG_ENTRIES, &entries, reply);
}

struct relying_device bundle_device(struct bundle *bundle)
{
    return (struct relying_device){bundle, ask_bundle};
}

// ---- fetching --------------------------------------------------------------

void entry_list_close(struct entry_list *list)
{
    free(list->memory);
    *list = (struct entry_list){0};
}

enum rotor_status entry_list_append(struct entry_list *list,
                                    struct rotor_bytes entry)
{
    if (list->size + entry.size > BUNDLE_MAX - WIRE_ENTRY_MAX * 2) {
        return ROTOR_TOO_SMALL;
    }
    if (list->size + entry.size > list->room) {
        size_t room = 2 * list->room + 65536;
        uint8_t *grown = realloc(list->memory, room);
        if (grown == NULL) {
            return ROTOR_PORT_FAILED;
        }
        list->memory = grown;
        list->room = room;
    }
    memcpy(list->memory + list->size, entry.data, entry.size);
    list->size += entry.size;
    list->count++;
    return ROTOR_OK;
}

static enum rotor_status append(void *context, struct rotor_bytes entry)
{
    return entry_list_append(context, entry);
}

static enum rotor_status fetch_batch(struct entry_reader *reader)
{
    uint8_t memory[128];
    struct rotor_room request = ROOM_OF(memory);
    struct rotor_room reply = ROOM_OF(reader->reply);
    const struct wire_log_get get = {.from = reader->from, .max = 1024};
    struct wire_log_entries content;
    TRY(wire_message_encode(&WIRE_LAYOUT_LOG_GET, &get, &request));
    TRY(reader->device->ask(reader->device->context, WIRE_OP_LOG_GET,
                            bytes_in(&request), &reply, &reader->refusal));
    TRY(wire_message_decode(&WIRE_LAYOUT_LOG_ENTRIES, bytes_in(&reply),
                            &content));
    cbor_reader_init(&reader->in, content.entries);
    reader->left = cbor_read_array(&reader->in);
    reader->is_over = reader->left == 0;
    return ROTOR_OK;
}

// Orders rise, or it would never end.
static enum rotor_status take_order(struct entry_reader *reader,
                                    struct rotor_bytes bytes)
{
    struct chain_entry entry;
    TRY(chain_entry_decode(bytes, &entry));
    const struct wire_order order = {entry.body.incarnation, entry.body.epoch};
    if (chain_order_compare(&order, &reader->from) < 0) {
        return ROTOR_MALFORMED;
    }
    reader->from = order;
    reader->from.epoch++;
    return ROTOR_OK;
}

enum rotor_status entry_reader_next(void *context, struct rotor_bytes *entry)
{
    struct entry_reader *reader = context;
    bool is_empty = reader->left == 0 && !reader->is_over;
    if (reader->failed == ROTOR_OK && is_empty) {
        reader->failed = fetch_batch(reader);
    }
    if (reader->failed == ROTOR_OK && reader->is_over) {
        return ROTOR_AGAIN;
    }
    if (reader->failed == ROTOR_OK) {
        reader->left--;
        *entry = cbor_read_item(&reader->in);
        reader->failed = take_order(reader, *entry);
    }
    // AGAIN is what a device says that is slow, and no end.
    return reader->failed == ROTOR_AGAIN ? ROTOR_PORT_FAILED : reader->failed;
}

static bool is_last(struct rotor_bytes bytes, const struct wire_digest *last)
{
    struct chain_entry entry;
    struct wire_digest hash;
    return last != NULL && chain_entry_decode(bytes, &entry) == ROTOR_OK &&
           entry.body.suite_is_known &&
           chain_body_hash(&entry.body, &hash) == ROTOR_OK &&
           wire_digest_equal(&hash, last);
}

static enum rotor_status fetch_all(struct entry_reader *reader,
                                   const struct entry_sink *sink)
{
    struct rotor_bytes bytes;
    bool is_over = false;
    while (!is_over && entry_reader_next(reader, &bytes) == ROTOR_OK) {
        TRY(sink->take(sink->context, bytes));
        is_over = is_last(bytes, sink->last);
    }
    return reader->failed;
}

enum rotor_status entries_fetch(const struct relying_device *device,
                                const struct wire_order *from,
                                const struct entry_sink *sink,
                                struct relying_refusal *refusal)
{
    static struct entry_reader reader;
    reader = (struct entry_reader){.device = device, .from = *from};
    enum rotor_status status = fetch_all(&reader, sink);
    *refusal = reader.refusal;
    return status;
}

enum rotor_status entry_list_fetch(struct entry_list *list,
                                   const struct relying_device *device,
                                   const struct wire_order *from,
                                   const struct wire_digest *last,
                                   struct relying_refusal *refusal)
{
    const struct entry_sink sink = {list, append, last};
    return entries_fetch(device, from, &sink, refusal);
}
