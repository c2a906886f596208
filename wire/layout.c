// SPDX-License-Identifier: Apache-2.0
#include "wire/layout.h"

#include <string.h>

#include "wire/cbor.h"

static bool size_is_allowed(const struct wire_field *field, size_t size)
{
    if (field->sizes == NULL) {
        return size >= field->low && size <= field->high;
    }
    for (const uint16_t *allowed = field->sizes; *allowed != WIRE_ANY_SIZE;
         allowed++) {
        if (*allowed == size) {
            return true;
        }
    }
    return false;
}

// ---- decode ----------------------------------------------------------------

static void read_head(struct cbor_reader *in, struct wire_head *head)
{
    cbor_read_array_of(in, 2);
    head->epoch = cbor_read_uint(in);
    wire_read_digest(in, &head->body_hash);
}

static void read_suites(struct cbor_reader *in, struct wire_suites *suites)
{
    suites->count = cbor_read_array(in);
    if (suites->count == 0 || suites->count > WIRE_SUITES_MAX) {
        cbor_refuse(in);
        suites->count = 0;
    }
    for (size_t i = 0; i < suites->count; i++) {
        suites->id[i] = cbor_read_uint(in);
    }
}

static void read_pair(struct cbor_reader *in, uint32_t *first, uint64_t *second,
                      uint64_t second_max)
{
    cbor_read_array_of(in, 2);
    *first = (uint32_t)cbor_read_uint_max(in, UINT32_MAX);
    *second = cbor_read_uint_max(in, second_max);
}

static void read_limits(struct cbor_reader *in, struct wire_limits *limits)
{
    uint64_t max_per_day = 0;
    read_pair(in, &limits->min_interval_s, &max_per_day, UINT32_MAX);
    limits->max_per_day = (uint32_t)max_per_day;
}

static void read_mark(struct cbor_reader *in, struct wire_mark *mark)
{
    cbor_read_array_of(in, 3);
    mark->n = cbor_read_uint(in);
    mark->boot_id = cbor_read_bytes_sized(in, WIRE_ID_SIZE, WIRE_ID_SIZE);
    mark->signatures = cbor_read_uint(in);
}

static void read_bytes(struct cbor_reader *in, const struct wire_field *field,
                       struct rotor_bytes *bytes)
{
    if (field->kind == WIRE_FIELD_ITEM) {
        *bytes = cbor_read_item(in);
    } else if (field->kind == WIRE_FIELD_TEXT) {
        *bytes = cbor_read_text(in);
    } else {
        *bytes = cbor_read_bytes(in);
    }
    if (!size_is_allowed(field, bytes->size)) {
        cbor_refuse(in);
    }
}

static void read_field(struct cbor_reader *in, const struct wire_field *field,
                       uint8_t *message)
{
    void *member = message + field->offset;
    switch (field->kind) {
    case WIRE_FIELD_UINT:
        *(uint64_t *)member = cbor_read_uint_max(in, field->high);
        break;
    case WIRE_FIELD_BYTES:
    case WIRE_FIELD_TEXT:
    case WIRE_FIELD_ITEM:
        read_bytes(in, field, member);
        break;
    case WIRE_FIELD_DIGEST:
        wire_read_digest(in, member);
        break;
    case WIRE_FIELD_MDIGEST:
        wire_read_mdigest(in, member);
        break;
    case WIRE_FIELD_HEAD:
        read_head(in, member);
        break;
    case WIRE_FIELD_ORDER: {
        struct wire_order *order = member;
        read_pair(in, &order->incarnation, &order->epoch, UINT64_MAX);
        break;
    }
    case WIRE_FIELD_SUITES:
        read_suites(in, member);
        break;
    case WIRE_FIELD_LIMITS:
        read_limits(in, member);
        break;
    case WIRE_FIELD_MARK:
        read_mark(in, member);
        break;
    }
    if (field->has != 0) {
        *(bool *)(message + field->has) = true;
    }
}

// Keys come in the order of the table: a field that is passed over is missing.
static void read_fields(struct cbor_reader *in,
                        const struct wire_layout *layout, uint8_t *message)
{
    size_t next = 0;
    int64_t key = 0;
    while (cbor_map_next(in, &key)) {
        size_t found = next;
        while (found < layout->count && layout->fields[found].key != key) {
            found++;
        }
        if (found == layout->count) {
            bool may_ignore =
                layout->ignores_unknown || key >= CBOR_KEY_IGNORABLE;
            if (!may_ignore) {
                cbor_refuse(in);
            }
            (void)cbor_read_item(in);
            continue;
        }
        for (; next < found; next++) {
            if (layout->fields[next].has == 0) {
                cbor_refuse(in);
            }
        }
        read_field(in, &layout->fields[found], message);
        next = found + 1;
    }
    for (; next < layout->count; next++) {
        if (layout->fields[next].has == 0) {
            cbor_refuse(in);
        }
    }
}

enum rotor_status wire_message_decode(const struct wire_layout *layout,
                                      struct rotor_bytes payload, void *message)
{
    struct cbor_reader in;
    memset(message, 0, layout->size);
    cbor_reader_init(&in, payload);
    cbor_read_map(&in);
    if (layout->type != WIRE_NONE) {
        cbor_read_key(&in, 0);
        if (cbor_read_uint(&in) != layout->type) {
            cbor_refuse(&in);
        }
        cbor_read_key(&in, 1);
        wire_read_mdigest(&in, message);
    }
    read_fields(&in, layout, message);
    if (!cbor_finished(&in)) {
        memset(message, 0, layout->size);
        return ROTOR_MALFORMED;
    }
    return ROTOR_OK;
}

// ---- encode ----------------------------------------------------------------

static bool field_is_present(const struct wire_field *field,
                             const uint8_t *message)
{
    return field->has == 0 || *(const bool *)(message + field->has);
}

static bool field_is_legal(const struct wire_field *field,
                           const uint8_t *message)
{
    const void *member = message + field->offset;
    switch (field->kind) {
    case WIRE_FIELD_UINT:
        return *(const uint64_t *)member <= field->high;
    case WIRE_FIELD_BYTES:
    case WIRE_FIELD_TEXT:
    case WIRE_FIELD_ITEM:
        return size_is_allowed(field,
                               ((const struct rotor_bytes *)member)->size);
    case WIRE_FIELD_DIGEST:
        return !wire_digest_is_empty(member);
    case WIRE_FIELD_HEAD:
        return !wire_digest_is_empty(
            &((const struct wire_head *)member)->body_hash);
    case WIRE_FIELD_SUITES: {
        const struct wire_suites *suites = member;
        return suites->count >= 1 && suites->count <= WIRE_SUITES_MAX;
    }
    case WIRE_FIELD_MARK:
        return ((const struct wire_mark *)member)->boot_id.size == WIRE_ID_SIZE;
    case WIRE_FIELD_MDIGEST:
    case WIRE_FIELD_ORDER:
    case WIRE_FIELD_LIMITS:
        return true;
    }
    return false;
}

static void write_pair(struct cbor_writer *out, uint64_t first, uint64_t second)
{
    cbor_write_array(out, 2);
    cbor_write_uint(out, first);
    cbor_write_uint(out, second);
}

static void write_head(struct cbor_writer *out, const struct wire_head *head)
{
    cbor_write_array(out, 2);
    cbor_write_uint(out, head->epoch);
    wire_write_digest(out, &head->body_hash);
}

static void write_suites(struct cbor_writer *out,
                         const struct wire_suites *suites)
{
    cbor_write_array(out, suites->count);
    for (size_t i = 0; i < suites->count; i++) {
        cbor_write_uint(out, suites->id[i]);
    }
}

static void write_mark(struct cbor_writer *out, const struct wire_mark *mark)
{
    cbor_write_array(out, 3);
    cbor_write_uint(out, mark->n);
    cbor_write_bytes(out, mark->boot_id);
    cbor_write_uint(out, mark->signatures);
}

static void write_field(struct cbor_writer *out, const struct wire_field *field,
                        const uint8_t *message)
{
    const void *member = message + field->offset;
    cbor_write_int(out, field->key);
    switch (field->kind) {
    case WIRE_FIELD_UINT:
        cbor_write_uint(out, *(const uint64_t *)member);
        break;
    case WIRE_FIELD_BYTES:
        cbor_write_bytes(out, *(const struct rotor_bytes *)member);
        break;
    case WIRE_FIELD_TEXT:
        cbor_write_text(out, *(const struct rotor_bytes *)member);
        break;
    case WIRE_FIELD_ITEM:
        cbor_write_raw(out, *(const struct rotor_bytes *)member);
        break;
    case WIRE_FIELD_DIGEST:
    case WIRE_FIELD_MDIGEST:
        wire_write_digest(out, member);
        break;
    case WIRE_FIELD_HEAD:
        write_head(out, member);
        break;
    case WIRE_FIELD_ORDER: {
        const struct wire_order *order = member;
        write_pair(out, order->incarnation, order->epoch);
        break;
    }
    case WIRE_FIELD_SUITES:
        write_suites(out, member);
        break;
    case WIRE_FIELD_LIMITS: {
        const struct wire_limits *limits = member;
        write_pair(out, limits->min_interval_s, limits->max_per_day);
        break;
    }
    case WIRE_FIELD_MARK:
        write_mark(out, member);
        break;
    }
}

enum rotor_status wire_message_encode(const struct wire_layout *layout,
                                      const void *message,
                                      struct rotor_room *payload)
{
    size_t pairs = layout->type == WIRE_NONE ? 0 : 2;
    payload->used = 0;
    for (size_t i = 0; i < layout->count; i++) {
        const struct wire_field *field = &layout->fields[i];
        if (field_is_present(field, message)) {
            pairs++;
            if (!field_is_legal(field, message)) {
                return ROTOR_INVALID;
            }
        }
    }
    struct cbor_writer out;
    cbor_writer_init(&out, payload);
    cbor_write_map(&out, pairs);
    if (layout->type != WIRE_NONE) {
        cbor_write_uint(&out, 0);
        cbor_write_uint(&out, layout->type);
        cbor_write_uint(&out, 1);
        wire_write_digest(&out, message);
    }
    for (size_t i = 0; i < layout->count; i++) {
        if (field_is_present(&layout->fields[i], message)) {
            write_field(&out, &layout->fields[i], message);
        }
    }
    return cbor_writer_finish(&out);
}
