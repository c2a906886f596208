// SPDX-License-Identifier: Apache-2.0
// Entry = [body, attachments].  doc/PROTOCOL.chain 1.3.
#include "chain/entry.h"

#include <string.h>

#include "base/bytes.h"
#include "wire/cbor.h"

static bool array_is(struct rotor_bytes item, enum cbor_kind kind, size_t max)
{
    struct cbor_reader in;
    cbor_reader_init(&in, item);
    size_t count = cbor_read_array(&in);
    bool fits = 1 <= count && count <= max;
    for (size_t i = 0; fits && i < count; i++) {
        fits = cbor_peek_kind(&in) == kind;
        (void)cbor_read_item(&in);
    }
    return fits && cbor_finished(&in);
}

static struct rotor_bytes read_array(struct cbor_reader *in,
                                     enum cbor_kind kind, size_t max)
{
    struct rotor_bytes item = cbor_read_item(in);
    if (!array_is(item, kind, max)) {
        cbor_refuse(in);
    }
    return item;
}

static struct rotor_bytes read_sign1(struct cbor_reader *in)
{
    return cbor_read_bytes_sized(in, 1, WIRE_SIGN1_MAX);
}

static void read_attachments(struct cbor_reader *in, struct chain_entry *entry)
{
    if (cbor_take_key(in, 1)) {
        entry->sig_old = read_sign1(in);
    }
    if (cbor_take_key(in, 2)) {
        cbor_read_array_of(in, 2);
        entry->sig_auth[0] = read_sign1(in);
        entry->sig_auth[1] = read_sign1(in);
    }
    cbor_read_key(in, 3);
    // A later suite may need two signatures here.
    entry->sig_pop =
        entry->body.suite_is_known ? read_sign1(in) : cbor_read_item(in);
    if (cbor_take_key(in, 4)) {
        entry->sig_ra = read_array(in, CBOR_BYTES, CHAIN_RA_SIGNATURES_MAX);
    }
    if (cbor_take_key(in, 5)) {
        entry->evidence = cbor_read_bytes_sized(in, 1, WIRE_EVIDENCE_MAX);
    }
    if (cbor_take_key(in, 6)) { // cosignatures: reserved, genesis has none
        (void)cbor_read_item(in);
        if (entry->body.kind == CHAIN_GENESIS) {
            cbor_refuse(in);
        }
    }
    if (cbor_take_key(in, 7)) {
        entry->ra_sets = read_array(in, CBOR_ARRAY, CHAIN_RA_SETS_MAX);
    }
}

static bool entry_has_shape(const struct chain_entry *entry)
{
    enum chain_kind kind = entry->body.kind;
    bool is_recovery = chain_kind_is_recovery(kind);
    bool is_step = kind == CHAIN_ROTATE || kind == CHAIN_CLOSE;
    bool has_old = !bytes_are_empty(entry->sig_old);
    bool has_auth = !bytes_are_empty(entry->sig_auth[0]) &&
                    !bytes_are_empty(entry->sig_auth[1]);
    bool has_ra = !bytes_are_empty(entry->sig_ra);
    bool has_sets = !bytes_are_empty(entry->ra_sets);
    bool old_fits = kind == CHAIN_RECOVER || has_old == is_step;
    return old_fits && has_auth == is_step && has_ra == is_recovery &&
           has_sets == is_recovery;
}

static bool entry_decodes(struct rotor_bytes bytes, struct chain_entry *entry)
{
    struct cbor_reader in;
    cbor_reader_init(&in, bytes);
    cbor_read_array_of(&in, 2);
    struct rotor_bytes body = cbor_read_bytes(&in);
    if (chain_body_decode(body, &entry->body) != ROTOR_OK) {
        return false;
    }
    cbor_read_map(&in);
    read_attachments(&in, entry);
    cbor_end_map_ignoring(&in);
    return cbor_finished(&in) && entry_has_shape(entry);
}

enum rotor_status chain_entry_decode(struct rotor_bytes bytes,
                                     struct chain_entry *entry)
{
    memset(entry, 0, sizeof *entry);
    if (bytes.size > WIRE_ENTRY_MAX || !entry_decodes(bytes, entry)) {
        memset(entry, 0, sizeof *entry);
        entry->body.kind = CHAIN_KIND_NONE;
        return ROTOR_MALFORMED;
    }
    entry->bytes = bytes;
    return ROTOR_OK;
}

static void write_attachment(struct cbor_writer *out, uint64_t key,
                             struct rotor_bytes bytes)
{
    if (!bytes_are_empty(bytes)) {
        cbor_write_uint(out, key);
        cbor_write_bytes(out, bytes);
    }
}

static void write_array(struct cbor_writer *out, uint64_t key,
                        struct rotor_bytes array)
{
    if (!bytes_are_empty(array)) {
        cbor_write_uint(out, key);
        cbor_write_raw(out, array);
    }
}

static size_t count_attachments(const struct chain_entry *entry)
{
    const struct rotor_bytes parts[] = {entry->sig_old,  entry->sig_auth[0],
                                        entry->sig_pop,  entry->sig_ra,
                                        entry->evidence, entry->ra_sets};
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        count += bytes_are_empty(parts[i]) ? 0 : 1;
    }
    return count;
}

enum rotor_status chain_entry_encode(const struct chain_entry *entry,
                                     struct rotor_room *bytes)
{
    struct cbor_writer out;
    cbor_writer_init(&out, bytes);
    cbor_write_array(&out, 2);
    cbor_write_bytes(&out, entry->body.bytes);
    cbor_write_map(&out, count_attachments(entry));
    write_attachment(&out, 1, entry->sig_old);
    if (!bytes_are_empty(entry->sig_auth[0])) {
        cbor_write_uint(&out, 2);
        cbor_write_array(&out, 2);
        cbor_write_bytes(&out, entry->sig_auth[0]);
        cbor_write_bytes(&out, entry->sig_auth[1]);
    }
    write_attachment(&out, 3, entry->sig_pop);
    write_array(&out, 4, entry->sig_ra);
    write_attachment(&out, 5, entry->evidence);
    write_array(&out, 7, entry->ra_sets);
    TRY(cbor_writer_finish(&out));
    struct chain_entry again;
    if (chain_entry_decode(bytes_in(bytes), &again) != ROTOR_OK) {
        bytes->used = 0;
        return ROTOR_INVALID;
    }
    return ROTOR_OK;
}

int chain_order_compare(const struct wire_order *a, const struct wire_order *b)
{
    if (a->incarnation != b->incarnation) {
        return a->incarnation < b->incarnation ? -1 : 1;
    }
    if (a->epoch != b->epoch) {
        return a->epoch < b->epoch ? -1 : 1;
    }
    return 0;
}
