// SPDX-License-Identifier: Apache-2.0
// Entries, whole and changed, each with the verdict of chain/: a line each,
// for the second verifier to read.
//
//     take HEX                 accepted; it is the head from now on
//     base HEX                 what the next lines change
//     flip AT MASK VERDICT     one byte of the base
//     cut SIZE VERDICT         the first bytes of the base
//     raw HEX VERDICT          another entry at this place
//
// VERDICT is an outcome and the number of the rule that refused, or 0.
// Changed bodies are signed again by the right keys, so that later rules are
// reached.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/chain_maker.h"
#include "wire/cbor.h"

static struct maker_log world;
static struct chain_trust live[16];
static uint64_t random_state = 0x726f746f72;
static unsigned flips_for_each;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % below;
}

static void print_hex(const char *word, struct rotor_bytes bytes)
{
    printf("%s ", word);
    for (size_t i = 0; i < bytes.size; i++) {
        printf("%02x", bytes.data[i]);
    }
}

static const char *word_of(uint32_t outcome)
{
    return outcome == CHAIN_ACCEPTED      ? "accepted"
           : outcome == CHAIN_UNSUPPORTED ? "unsupported"
           : outcome == CHAIN_HELD        ? "held"
                                          : "rejected";
}

// The verdict of chain/ at this place, as the end of a line.
static void print_verdict(struct rotor_bytes entry)
{
    static const struct chain_expected ANYTHING;
    struct chain_verdict verdict;
    struct chain_trust next;
    bool is_first = chain_trust_is_empty(&world.trust);
    assert_ok(is_first
                  ? chain_accept_genesis(&ANYTHING, entry, &world.party.ports,
                                         &verdict, &next)
                  : chain_accept(&world.trust, entry, &world.party.ports,
                                 &verdict, &next));
    bool is_accepted = verdict.outcome == CHAIN_ACCEPTED;
    printf(" %s %" PRIu32 "\n", word_of(verdict.outcome),
           is_accepted ? 0 : verdict.rule);
}

static void print_raw(const struct maker_entry *entry)
{
    print_hex("raw", maker_bytes(entry));
    print_verdict(maker_bytes(entry));
}

// ---- bytes -----------------------------------------------------------------

static void change_bytes(const struct maker_entry *base)
{
    static uint8_t changed[2 * WIRE_ENTRY_MAX];
    print_hex("base", maker_bytes(base));
    printf("\n");
    for (unsigned i = 0; i < flips_for_each; i++) {
        size_t at = draw((uint32_t)base->size);
        uint8_t mask = (uint8_t)(1u << draw(8));
        memcpy(changed, base->bytes, base->size);
        changed[at] ^= mask;
        printf("flip %zu %u", at, mask);
        print_verdict(bytes_of(changed, base->size));
    }
    for (unsigned i = 0; i < 40; i++) {
        size_t size = i < 8 ? i : draw((uint32_t)base->size);
        printf("cut %zu", size);
        print_verdict(bytes_of(base->bytes, size));
    }
}

// ---- values ----------------------------------------------------------------

struct value {
    const char *bytes;
    size_t size;
};
#define VALUE(text)                                                            \
    {                                                                          \
        text, sizeof text - 1                                                  \
    }
#define ZEROS_32                                                               \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
static const struct value VALUES[] = {
    VALUE("\x00"),
    VALUE("\x01"),
    VALUE("\x02"),
    VALUE("\x03"),
    VALUE("\x04"),
    VALUE("\x05"),
    VALUE("\x07"),
    VALUE("\x08"),
    VALUE("\x09"),
    VALUE("\x18\x17"), // not the shortest
    VALUE("\x18\x18"),
    VALUE("\x19\xff\xff"),
    VALUE("\x1a\x00\x01\x00\x00"),
    VALUE("\x1a\xff\xff\xff\xff"),
    VALUE("\x1b\x00\x00\x00\x01\x00\x00\x00\x00"),
    VALUE("\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
    VALUE("\x20"),
    VALUE("\x40"),
    VALUE("\x41\x00"),
    VALUE("\x60"),
    VALUE("\x61\xff"), // not UTF-8
    VALUE("\x80"),
    VALUE("\x81\x00"),
    VALUE("\x82\x00\x00"),
    VALUE("\x82\x2f\x58\x20" ZEROS_32),
    VALUE("\x82\x38\x2a\x58\x20" ZEROS_32), // size of another hash
    VALUE("\x82\x38\x2a\x58\x30" ZEROS_32 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    VALUE("\x82\x00\x82\x2f\x58\x20" ZEROS_32),
    VALUE("\x82\x01\x82\x2f\x58\x20" ZEROS_32),
    VALUE("\x82\x0c\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    VALUE("\xa0"),
    VALUE("\xa1\x01\x02"),
    VALUE("\xa3\x01\x01\x20\x04\x21\x58\x20" ZEROS_32), // X25519
    VALUE("\xa3\x01\x01\x20\x06\x21\x58\x20" ZEROS_32), // Ed25519
    VALUE("\xa4\x01\x02\x20\x01\x21\x58\x20" ZEROS_32 "\x22\x58\x20" ZEROS_32),
    VALUE("\xf6"),
    VALUE("\xf5"),
    VALUE("\xf9\x00\x00"),
    VALUE("\xc0\x00"),
    VALUE("\x9f\xff"),
    VALUE("\x81\x81\x81\x81\x81\x81\x81\x80"),
    VALUE("\x81\x81\x81\x81\x81\x81\x81\x81\x80"), // too deep
    VALUE(""),                                     // the key is gone
};

static const int64_t BODY_KEYS[] = {-1, 0,  1,  2,  3,  4,  5,  6,  7,
                                    8,  9,  10, 11, 12, 13, 14, 15, 16,
                                    17, 18, 19, 20, 21, 22, 23, 63, 64};
static const int64_t ATTACHED_KEYS[] = {-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 64};
static const int64_t POLICY_KEYS[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

// ---- maps that need not be well formed
// ---------------------------------------

static void put(struct rotor_room *out, const void *data, size_t size)
{
    if (size != 0) {
        memcpy(out->data + out->used, data, size);
        out->used += size;
    }
}

static void put_head(struct rotor_room *out, uint8_t major, size_t number)
{
    uint8_t low = (uint8_t)(number < 24 ? number : number < 256 ? 24 : 25);
    const uint8_t head[3] = {(uint8_t)(major << 5 | low),
                             (uint8_t)(number < 256 ? number : number >> 8),
                             (uint8_t)number};
    put(out, head, number < 24 ? 1u : number < 256 ? 2u : 3u);
}

static void put_pair(struct rotor_room *out, int64_t key,
                     struct rotor_bytes item)
{
    bool is_negative = key < 0;
    put_head(out, is_negative, (size_t)(is_negative ? -1 - key : key));
    put(out, item.data, item.size);
}

static bool comes_before(int64_t a, int64_t b)
{
    if ((a < 0) != (b < 0)) {
        return a >= 0;
    }
    return a < 0 ? a > b : a < b;
}

// Writes `map` with `item` at `key`, whatever that is; empty: without the key.
static void edit(struct rotor_bytes map, int64_t key, struct rotor_bytes item,
                 struct rotor_room *edited)
{
    uint8_t memory[2 * WIRE_ENTRY_MAX];
    struct rotor_room pairs = ROOM_OF(memory);
    bool is_placed = item.size == 0;
    size_t count = is_placed ? 0 : 1;
    int64_t read = 0;
    struct cbor_reader in;
    cbor_reader_init(&in, map);
    (void)cbor_read_map(&in);
    while (cbor_map_next(&in, &read)) {
        if (!is_placed && !comes_before(read, key)) {
            put_pair(&pairs, key, item);
            is_placed = true;
        }
        struct rotor_bytes value = cbor_read_item(&in);
        if (read != key) {
            put_pair(&pairs, read, value);
            count++;
        }
    }
    if (!is_placed) {
        put_pair(&pairs, key, item);
    }
    edited->used = 0;
    put_head(edited, 5, count);
    put(edited, pairs.data, pairs.used);
}

static void join(struct rotor_bytes body, struct rotor_bytes attachments,
                 struct maker_entry *entry)
{
    struct rotor_room room = ROOM_OF(entry->bytes);
    put_head(&room, 4, 2);
    put_head(&room, 2, body.size);
    put(&room, body.data, body.size);
    put(&room, attachments.data, attachments.size);
    entry->size = room.used;
}

static struct rotor_bytes item_of(const struct value *value)
{
    return bytes_of(value->size == 0 ? NULL : value->bytes, value->size);
}

static void change_body(struct maker_draft *draft, struct rotor_bytes body)
{
    static uint8_t memory[2 * CHAIN_BODY_MAX];
    static struct maker_entry entry;
    for (size_t k = 0; k < COUNT_OF(BODY_KEYS); k++) {
        for (size_t v = 0; v < COUNT_OF(VALUES); v++) {
            struct rotor_room edited = ROOM_OF(memory);
            edit(body, BODY_KEYS[k], item_of(&VALUES[v]), &edited);
            maker_finish_over(draft, bytes_in(&edited), &entry);
            print_raw(&entry);
        }
    }
}

static void change_policy(struct maker_draft *draft, struct rotor_bytes body)
{
    static uint8_t memory[2 * CHAIN_BODY_MAX];
    static uint8_t policy_memory[1024];
    static struct maker_entry entry;
    struct chain_body decoded;
    assert_ok(chain_body_decode(body, &decoded));
    for (size_t k = 0; k < COUNT_OF(POLICY_KEYS); k++) {
        for (size_t v = 0; v < COUNT_OF(VALUES); v++) {
            struct rotor_room policy = ROOM_OF(policy_memory);
            struct rotor_room edited = ROOM_OF(memory);
            edit(decoded.policy_bytes, POLICY_KEYS[k], item_of(&VALUES[v]),
                 &policy);
            edit(body, 18, bytes_in(&policy), &edited);
            maker_finish_over(draft, bytes_in(&edited), &entry);
            print_raw(&entry);
        }
    }
}

static void change_attachments(struct rotor_bytes body, struct rotor_bytes map)
{
    static uint8_t memory[2 * WIRE_ENTRY_MAX];
    static struct maker_entry entry;
    for (size_t k = 0; k < COUNT_OF(ATTACHED_KEYS); k++) {
        for (size_t v = 0; v < COUNT_OF(VALUES); v++) {
            struct rotor_room edited = ROOM_OF(memory);
            edit(map, ATTACHED_KEYS[k], item_of(&VALUES[v]), &edited);
            join(body, bytes_in(&edited), &entry);
            print_raw(&entry);
        }
    }
}

// Everything that may come at this place, then what does.
static void visit(struct maker_draft *draft)
{
    static struct maker_entry base;
    struct rotor_bytes body;
    struct rotor_bytes attachments;
    maker_finish(draft, &base);
    maker_split(maker_bytes(&base), &body, &attachments);
    change_bytes(&base);
    change_body(draft, body);
    change_policy(draft, body);
    change_attachments(body, attachments);
    print_hex("take", maker_bytes(&base));
    printf("\n");
}

// ---- the log ---------------------------------------------------------------

static void begin(uint32_t suite)
{
    struct maker_bundle own;
    struct maker_draft draft;
    maker_party_open(&world.party);
    world.party.known_for_s = 0;
    maker_ra_open(&world.ra, 2, 3, 0);
    maker_bundle_open(&own, suite, 0);
    struct chain_policy policy = maker_policy(&world.ra);
    maker_draft_genesis(&draft, &own, &policy);
    visit(&draft);
    maker_bundle_close(&own);
    maker_ra_close(&world.ra);
    maker_log_open(&world, suite);
    live[0] = world.trust;
    world.party.held = live;
    world.party.held_count = 1;
}

static void note_live(void)
{
    live[world.party.held_count++] = world.trust;
}

static void rotate(uint32_t suite, unsigned number, bool closes)
{
    struct maker_bundle own;
    struct maker_draft draft;
    maker_bundle_open(&own, suite, number);
    maker_draft_next(&draft, &world.trust, &world.head, &own);
    if (closes) {
        draft.body.kind = CHAIN_CLOSE;
        draft.body.next_commit = (struct wire_digest){0};
    }
    visit(&draft);
    maker_log_take(&world, &draft, &own);
    note_live();
}

static void recover(size_t superseded, unsigned number, bool is_anew)
{
    struct maker_bundle own;
    struct maker_draft draft;
    maker_bundle_open(&own, 2, number);
    maker_draft_recovery(&draft, &world.trust, &live[superseded], &own,
                         &world.ra);
    if (is_anew) {
        draft.body.kind = CHAIN_REINCEPT;
    }
    visit(&draft);
    maker_log_take(&world, &draft, &own);
    world.party.held_count = superseded + 1;
    note_live();
}

int main(int count, char **arguments)
{
    flips_for_each = count > 1 ? (unsigned)atoi(arguments[1]) : 100;
    begin(2);
    rotate(2, 1, false);
    rotate(1, 2, false);
    rotate(3, 3, false);
    rotate(3, 4, false);
    recover(2, 5, false);
    rotate(2, 6, true);
    recover(4, 7, true);
    rotate(1, 8, false);
    maker_log_close(&world);
    return 0;
}
