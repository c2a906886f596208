// SPDX-License-Identifier: Apache-2.0
// Shape of bodies and entries: which keys each kind must, may and must not
// have, written down a second time as the text has it.
#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/chain_maker.h"
#include "wire/cbor.h"

enum need {
    NO = 0,
    MAY,
    MUST,
};

struct kinds {
    int64_t key;
    enum need of[5]; // genesis, rotate, recover, re-incept, close
};

static const struct kinds BODY_KEYS[] = {
    {-1,   {NO, NO, NO, NO, NO}          },
    {0,    {MUST, MUST, MUST, MUST, MUST}},
    {1,    {MUST, MUST, MUST, MUST, MUST}},
    {2,    {MUST, MUST, MUST, MUST, MUST}},
    {3,    {MUST, MUST, MUST, MUST, MUST}},
    {4,    {MUST, MUST, MUST, MUST, MUST}},
    {5,    {MUST, MUST, MUST, MUST, MUST}},
    {6,    {MUST, MUST, MUST, MUST, MUST}},
    {7,    {MUST, MUST, MUST, MUST, MUST}},
    {8,    {MUST, MUST, MUST, MUST, MUST}},
    {9,    {NO, MUST, NO, NO, MUST}      },
    {10,   {MUST, MUST, MUST, MUST, MUST}},
    {11,   {NO, MUST, NO, NO, MUST}      },
    {12,   {MUST, MUST, MUST, MUST, MUST}},
    {13,   {MUST, MUST, MUST, MUST, MUST}},
    {14,   {MUST, MUST, MUST, MUST, MUST}},
    {15,   {MAY, MAY, MAY, MAY, MAY}     },
    {16,   {MUST, MUST, MUST, MUST, MUST}},
    {17,   {MUST, MUST, MUST, MUST, MUST}},
    {18,   {MUST, MUST, MUST, MUST, MUST}},
    {19,   {NO, NO, NO, NO, NO}          }, // reason 4 only, see below
    {20,   {MAY, MAY, MAY, MAY, MAY}     },
    {21,   {MAY, MAY, MAY, MAY, MAY}     },
    {22,   {NO, NO, MUST, MUST, NO}      },
    {23,   {NO, NO, NO, NO, NO}          },
    {63,   {NO, NO, NO, NO, NO}          },
    {64,   {MAY, MAY, MAY, MAY, MAY}     },
    {1000, {MAY, MAY, MAY, MAY, MAY}     },
};

static const struct kinds ATTACHMENT_KEYS[] = {
    {-1, {NO, NO, NO, NO, NO}          },
    {0,  {NO, NO, NO, NO, NO}          },
    {1,  {NO, MUST, MAY, NO, MUST}     },
    {2,  {NO, MUST, NO, NO, MUST}      },
    {3,  {MUST, MUST, MUST, MUST, MUST}},
    {4,  {NO, NO, MUST, MUST, NO}      },
    {5,  {MAY, MAY, MAY, MAY, MAY}     },
    {6,  {NO, MAY, MAY, MAY, MAY}      },
    {7,  {NO, NO, MUST, MUST, NO}      },
    {8,  {NO, NO, NO, NO, NO}          },
    {63, {NO, NO, NO, NO, NO}          },
    {64, {MAY, MAY, MAY, MAY, MAY}     },
};

static struct maker_log the_log;
static struct maker_bundle own;
static struct maker_entry entries[5]; // one of each kind, all legal

static void make_entries(void)
{
    struct maker_draft draft;
    struct chain_policy policy;
    maker_log_open(&the_log, 2);
    maker_bundle_open(&own, 2, 9);
    policy = maker_policy(&the_log.ra);
    maker_draft_genesis(&draft, &own, &policy);
    maker_finish(&draft, &entries[CHAIN_GENESIS]);
    maker_draft_next(&draft, &the_log.trust, &the_log.head, &own);
    maker_finish(&draft, &entries[CHAIN_ROTATE]);
    draft.body.kind = CHAIN_CLOSE;
    draft.body.next_commit = (struct wire_digest){0};
    maker_finish(&draft, &entries[CHAIN_CLOSE]);
    maker_draft_recovery(&draft, &the_log.trust, &the_log.trust, &own,
                         &the_log.ra);
    maker_finish(&draft, &entries[CHAIN_RECOVER]);
    draft.body.kind = CHAIN_REINCEPT;
    maker_finish(&draft, &entries[CHAIN_REINCEPT]);
}

static void drop_entries(void)
{
    maker_bundle_close(&own);
    maker_log_close(&the_log);
}

static struct rotor_bytes item_of(struct rotor_bytes map, int64_t key)
{
    struct cbor_reader in;
    int64_t read;
    cbor_reader_init(&in, map);
    cbor_read_map(&in);
    while (cbor_map_next(&in, &read)) {
        struct rotor_bytes item = cbor_read_item(&in);
        if (read == key) {
            return item;
        }
    }
    return bytes_of(NULL, 0);
}

struct halves {
    struct rotor_bytes body;
    struct rotor_bytes attachments;
};

static struct halves halves_of(enum chain_kind kind)
{
    struct halves halves;
    maker_split(maker_bytes(&entries[kind]), &halves.body, &halves.attachments);
    return halves;
}

static bool body_decodes(struct rotor_bytes body)
{
    struct chain_body decoded;
    return chain_body_decode(body, &decoded) == ROTOR_OK;
}

static bool entry_decodes(struct rotor_bytes body,
                          struct rotor_bytes attachments)
{
    static struct maker_entry entry;
    struct chain_entry decoded;
    maker_join(body, attachments, &entry);
    return chain_entry_decode(maker_bytes(&entry), &decoded) == ROTOR_OK;
}

// An item that some kind has under `key`, or one that a reader would take.
static struct rotor_bytes example(int64_t key, bool of_body)
{
    static const uint8_t ONE[] = {0x01};
    static const uint8_t TIME[] = {0x82, 0x18, 0x63, 0x02};
    for (int kind = 0; kind < 5; kind++) {
        struct halves halves = halves_of((enum chain_kind)kind);
        struct rotor_bytes map = of_body ? halves.body : halves.attachments;
        struct rotor_bytes item = item_of(map, key);
        if (!bytes_are_empty(item)) {
            return item;
        }
    }
    if (of_body && key == 15) {
        return BYTES_OF(TIME);
    }
    if (of_body && (key == 20 || key == 21)) {
        return item_of(halves_of(CHAIN_ROTATE).body, 16);
    }
    if (!of_body && key == 5) {
        return item_of(halves_of(CHAIN_ROTATE).attachments, 3);
    }
    return BYTES_OF(ONE);
}

static void check_row(enum chain_kind kind, const struct kinds *row,
                      bool of_body)
{
    static uint8_t memory[WIRE_ENTRY_MAX];
    struct rotor_room room = ROOM_OF(memory);
    struct halves halves = halves_of(kind);
    struct rotor_bytes *map = of_body ? &halves.body : &halves.attachments;
    struct rotor_bytes whole = *map;
    bool is_there = !bytes_are_empty(item_of(whole, row->key));
    maker_edit_map(whole, row->key, bytes_of(NULL, 0), &room);
    *map = bytes_in(&room);
    bool without = entry_decodes(halves.body, halves.attachments);
    struct rotor_room again = ROOM_OF(memory);
    struct rotor_bytes item =
        is_there ? item_of(whole, row->key) : example(row->key, of_body);
    maker_edit_map(whole, row->key, item, &again);
    *map = bytes_in(&again);
    bool with = entry_decodes(halves.body, halves.attachments);
    if (without != (row->of[kind] != MUST) || with != (row->of[kind] != NO)) {
        fail_msg("kind %d, %s key %ld: without %d, with %d", (int)kind,
                 of_body ? "body" : "attachment", (long)row->key, without,
                 with);
    }
}

SPEC("each kind has the body keys of its row, and no other below 64")
{
    make_entries();
    for (int kind = 0; kind < 5; kind++) {
        for (size_t i = 0; i < COUNT_OF(BODY_KEYS); i++) {
            check_row((enum chain_kind)kind, &BODY_KEYS[i], true);
        }
    }
    drop_entries();
}

SPEC("each kind has the attachments of its row, and no other below 64")
{
    make_entries();
    for (int kind = 0; kind < 5; kind++) {
        for (size_t i = 0; i < COUNT_OF(ATTACHMENT_KEYS); i++) {
            check_row((enum chain_kind)kind, &ATTACHMENT_KEYS[i], false);
        }
    }
    drop_entries();
}

// ---- values ----------------------------------------------------------------

struct value {
    enum chain_kind kind;
    int64_t key;
    const char *item; // hex of dCBOR
    bool is_good;
};

static const struct value VALUES[] = {
    {CHAIN_ROTATE,   0,  "02",                 false}, // version
    {CHAIN_ROTATE,   1,  "40",                 false}, // log_id missing
    {CHAIN_ROTATE,   2,  "05",                 false}, // kind
    {CHAIN_GENESIS,  3,  "01",                 false}, // first epoch is 0
    {CHAIN_ROTATE,   3,  "00",                 false}, // and no other is
    {CHAIN_RECOVER,  3,  "00",                 false}, //
    {CHAIN_ROTATE,   3,  "1bffffffffffffffff", true }, // u64
    {CHAIN_GENESIS,  4,  "01",                 false}, // first incarnation is 0
    {CHAIN_ROTATE,   4,  "1affffffff",         true }, // u32
    {CHAIN_ROTATE,   4,  "1b0000000100000000", false},
    {CHAIN_ROTATE,   5,  "40",                 false}, // prev missing
    {CHAIN_ROTATE,   6,  "1a00010000",         false}, // suite is be16
    {CHAIN_ROTATE,   7,  "a0",                 false}, // no key
    {CHAIN_ROTATE,   10, "40",                 false}, // no commitment: only kind 4
    {CHAIN_ROTATE,   11, "40",                 false}, // digest, not mdigest
    {CHAIN_GENESIS,  12, "01",                 false}, // reasons of kinds
    {CHAIN_ROTATE,   12, "00",                 false}, //
    {CHAIN_ROTATE,   12, "07",                 true }, //
    {CHAIN_ROTATE,   12, "08",                 false}, //
    {CHAIN_CLOSE,    12, "08",                 false}, //
    {CHAIN_CLOSE,    12, "00",                 false}, //
    {CHAIN_RECOVER,  12, "07",                 false}, //
    {CHAIN_REINCEPT, 12, "00",                 false}, //
    {CHAIN_ROTATE,   13, "20",                 false}, // n is unsigned
    {CHAIN_ROTATE,   14, "820041ff",           false}, // boot id is 16 bytes
    {CHAIN_ROTATE,   14, "80",                 false}, //
    {CHAIN_ROTATE,   15, "820001",             true }, // source 1..3
    {CHAIN_ROTATE,   15, "820003",             true }, //
    {CHAIN_ROTATE,   15, "820000",             false}, //
    {CHAIN_ROTATE,   15, "820004",             false}, //
    {CHAIN_ROTATE,   16, "40",                 false}, // measurement must be there
    {CHAIN_ROTATE,   17, "820040",             false}, // request_hash too
    {CHAIN_ROTATE,   18, "a0",                 false}, // policy has eight keys
    {CHAIN_ROTATE,   20, "40",                 false}, // reserved, but a digest
};

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t size = 0;
    unsigned byte;
    while (sscanf(hex + 2 * size, "%2x", &byte) == 1) {
        out[size++] = (uint8_t)byte;
    }
    return size;
}

static bool takes(enum chain_kind kind, int64_t key, const char *hex)
{
    uint8_t item[256];
    uint8_t body[CHAIN_BODY_MAX];
    struct rotor_room room = ROOM_OF(body);
    maker_edit_map(halves_of(kind).body, key, bytes_of(item, unhex(hex, item)),
                   &room);
    return body_decodes(bytes_in(&room));
}

SPEC("values of a body are bounded")
{
    make_entries();
    for (size_t i = 0; i < COUNT_OF(VALUES); i++) {
        const struct value *v = &VALUES[i];
        if (takes(v->kind, v->key, v->item) != v->is_good) {
            fail_msg("kind %d key %ld: %s", (int)v->kind, (long)v->key,
                     v->item);
        }
    }
    drop_entries();
}

SPEC("an entry 0 has neither log_id nor predecessor, a closing one commits to "
     "nothing")
{
    uint8_t body[CHAIN_BODY_MAX];
    struct rotor_room room = ROOM_OF(body);
    make_entries();
    struct rotor_bytes digest = item_of(halves_of(CHAIN_ROTATE).body, 5);
    maker_edit_map(halves_of(CHAIN_GENESIS).body, 1, digest, &room);
    assert_false(body_decodes(bytes_in(&room)));
    maker_edit_map(halves_of(CHAIN_GENESIS).body, 5, digest, &room);
    assert_false(body_decodes(bytes_in(&room)));
    maker_edit_map(halves_of(CHAIN_CLOSE).body, 10, digest, &room);
    assert_false(body_decodes(bytes_in(&room)));
    drop_entries();
}

SPEC("keys of the wrong sort stand nowhere")
{
    uint8_t key[WIRE_KEY_ENCODED_MAX];
    uint8_t body[CHAIN_BODY_MAX];
    struct rotor_room key_room = ROOM_OF(key);
    struct rotor_room room = ROOM_OF(body);
    make_entries();
    assert_ok(wire_key_encode(&own.auth.ots, &key_room));
    maker_edit_map(halves_of(CHAIN_ROTATE).body, 7, bytes_in(&key_room), &room);
    assert_false(body_decodes(bytes_in(&room)));
    maker_edit_map(halves_of(CHAIN_ROTATE).body, 8, bytes_in(&key_room), &room);
    assert_false(body_decodes(bytes_in(&room)));
    // A's halves in the other order.
    uint8_t pair[2 * WIRE_KEY_ENCODED_MAX];
    struct rotor_room pair_room = ROOM_OF(pair);
    struct cbor_writer out;
    cbor_writer_init(&out, &pair_room);
    cbor_write_array(&out, 2);
    wire_write_key(&out, &own.auth.sign);
    wire_write_key(&out, &own.auth.ots);
    assert_ok(cbor_writer_finish(&out));
    maker_edit_map(halves_of(CHAIN_ROTATE).body, 9, bytes_in(&pair_room),
                   &room);
    assert_false(body_decodes(bytes_in(&room)));
    cbor_writer_init(&out, &pair_room);
    cbor_write_array(&out, 2);
    wire_write_key(&out, &own.auth.sign);
    wire_write_key(&out, &own.auth.sign);
    assert_ok(cbor_writer_finish(&out));
    maker_edit_map(halves_of(CHAIN_ROTATE).body, 9, bytes_in(&pair_room),
                   &room);
    assert_false(body_decodes(bytes_in(&room)));
    cbor_writer_init(&out, &pair_room);
    cbor_write_array(&out, 2);
    wire_write_key(&out, &own.auth.ots);
    wire_write_key(&out, &own.auth.ots);
    assert_ok(cbor_writer_finish(&out));
    maker_edit_map(halves_of(CHAIN_ROTATE).body, 9, bytes_in(&pair_room),
                   &room);
    assert_false(body_decodes(bytes_in(&room)));
    drop_entries();
}

SPEC("distrust_from stands with reason 4 only and not beyond the epoch")
{
    uint8_t memory[2][CHAIN_BODY_MAX];
    struct rotor_room room = ROOM_OF(memory[0]);
    static const uint8_t FOUR[] = {0x04};
    static const uint8_t ONE[] = {0x01};
    static const uint8_t TWO[] = {0x02};
    make_entries();
    maker_edit_map(halves_of(CHAIN_ROTATE).body, 12, BYTES_OF(FOUR), &room);
    assert_true(body_decodes(bytes_in(&room)));
    struct rotor_room with = ROOM_OF(memory[1]);
    maker_edit_map(bytes_in(&room), 19, BYTES_OF(ONE), &with);
    assert_true(body_decodes(bytes_in(&with))); // the entry's own epoch
    maker_edit_map(bytes_in(&room), 19, BYTES_OF(TWO), &with);
    assert_false(body_decodes(bytes_in(&with)));
    assert_false(takes(CHAIN_ROTATE, 19, "01")); // reason 1
    drop_entries();
}

SPEC("a policy has exactly its eight keys")
{
    uint8_t memory[CHAIN_POLICY_MAX];
    struct rotor_room room = ROOM_OF(memory);
    struct chain_policy policy;
    static const uint8_t ONE[] = {0x01};
    static const uint8_t ZERO[] = {0x00};
    static const uint8_t FOUR[] = {0x04};
    static const uint8_t EMPTY[] = {0x40};
    static const uint8_t BIG[] = {0x1b, 0, 0, 0, 1, 0, 0, 0, 0};
    make_entries();
    struct rotor_bytes whole = item_of(halves_of(CHAIN_ROTATE).body, 18);
    assert_ok(chain_policy_decode(whole, &policy));
    assert_int_equal(policy.max_per_day, 24);
    assert_int_equal(policy.min_interval_s, 60);
    assert_int_equal(policy.cryptoperiod_s, 86400);
    for (int64_t key = 1; key <= 8; key++) {
        maker_edit_map(whole, key, bytes_of(NULL, 0), &room);
        assert_int_equal(chain_policy_decode(bytes_in(&room), &policy),
                         ROTOR_MALFORMED);
        maker_edit_map(whole, key, BYTES_OF(BIG), &room);
        assert_int_equal(chain_policy_decode(bytes_in(&room), &policy),
                         ROTOR_MALFORMED);
        maker_edit_map(whole, key, BYTES_OF(EMPTY), &room);
        assert_int_equal(chain_policy_decode(bytes_in(&room), &policy),
                         ROTOR_MALFORMED);
    }
    maker_edit_map(whole, 3, BYTES_OF(ZERO), &room);
    assert_int_equal(chain_policy_decode(bytes_in(&room), &policy),
                     ROTOR_MALFORMED);
    maker_edit_map(whole, 3, BYTES_OF(FOUR), &room);
    assert_int_equal(chain_policy_decode(bytes_in(&room), &policy),
                     ROTOR_MALFORMED);
    maker_edit_map(whole, 64, BYTES_OF(ONE), &room);
    assert_int_equal(chain_policy_decode(bytes_in(&room), &policy),
                     ROTOR_MALFORMED);
    drop_entries();
}

// ---- sizes and round trips -------------------------------------------------

SPEC("an entry over 16 KiB is refused, one of 16 KiB is not")
{
    static uint8_t padding[WIRE_ENTRY_MAX];
    static uint8_t attachments[2 * WIRE_ENTRY_MAX];
    static struct maker_entry entry;
    struct chain_entry decoded;
    make_entries();
    struct halves halves = halves_of(CHAIN_ROTATE);
    size_t free = WIRE_ENTRY_MAX - entries[CHAIN_ROTATE].size - 2 - 3;
    for (size_t more = 0; more <= 1; more++) {
        struct rotor_room item = ROOM_OF(padding);
        struct rotor_room room = ROOM_OF(attachments);
        struct cbor_writer out;
        cbor_writer_init(&out, &item);
        cbor_write_bytes_head(&out, free + more);
        for (size_t i = 0; i < free + more; i++) {
            cbor_write_raw(&out, LABEL("x"));
        }
        assert_ok(cbor_writer_finish(&out));
        maker_edit_map(halves.attachments, 64, bytes_in(&item), &room);
        maker_join(halves.body, bytes_in(&room), &entry);
        assert_int_equal(entry.size, WIRE_ENTRY_MAX + more);
        assert_int_equal(chain_entry_decode(maker_bytes(&entry), &decoded),
                         more == 0 ? ROTOR_OK : ROTOR_MALFORMED);
    }
    drop_entries();
}

SPEC("a body over 4,096 bytes is refused, one of 4,096 is not")
{
    static uint8_t padding[2 * CHAIN_BODY_MAX];
    static uint8_t body[2 * CHAIN_BODY_MAX];
    make_entries();
    struct rotor_bytes plain = halves_of(CHAIN_ROTATE).body;
    size_t free = CHAIN_BODY_MAX - plain.size - 2 - 3;
    for (size_t more = 0; more <= 1; more++) {
        struct rotor_room item = ROOM_OF(padding);
        struct rotor_room room = ROOM_OF(body);
        struct cbor_writer out;
        cbor_writer_init(&out, &item);
        cbor_write_bytes_head(&out, free + more);
        for (size_t i = 0; i < free + more; i++) {
            cbor_write_raw(&out, LABEL("x"));
        }
        assert_ok(cbor_writer_finish(&out));
        maker_edit_map(plain, 64, bytes_in(&item), &room);
        assert_int_equal(room.used, CHAIN_BODY_MAX + more);
        assert_int_equal(body_decodes(bytes_in(&room)), more == 0);
    }
    drop_entries();
}

SPEC("a body is decoded to what was encoded")
{
    make_entries();
    for (int kind = 0; kind < 5; kind++) {
        struct rotor_bytes body = halves_of((enum chain_kind)kind).body;
        uint8_t memory[CHAIN_BODY_MAX];
        struct rotor_room room = ROOM_OF(memory);
        struct chain_body decoded;
        assert_ok(chain_body_decode(body, &decoded));
        assert_int_equal(decoded.kind, kind);
        decoded.has_time = true;
        decoded.time_s = 7;
        decoded.time_source = 3;
        assert_ok(chain_body_encode(&decoded, &room));
        decoded.has_time = false;
        struct chain_body again;
        assert_ok(chain_body_decode(bytes_in(&room), &again));
        assert_true(again.has_time);
        assert_int_equal(again.time_s, 7);
        assert_ok(chain_body_encode(&decoded, &room));
        assert_true(bytes_equal(bytes_in(&room), body));
    }
    drop_entries();
}

SPEC("what decode refuses is not encoded")
{
    uint8_t memory[CHAIN_BODY_MAX];
    struct rotor_room room = ROOM_OF(memory);
    struct chain_body body;
    make_entries();
    assert_ok(chain_body_decode(halves_of(CHAIN_ROTATE).body, &body));
    body.reason = WIRE_REASON_RECOVERY;
    assert_int_equal(chain_body_encode(&body, &room), ROTOR_INVALID);
    assert_int_equal(room.used, 0);
    assert_ok(chain_body_decode(halves_of(CHAIN_ROTATE).body, &body));
    body.suite = 4;
    assert_int_equal(chain_body_encode(&body, &room), ROTOR_INVALID);
    room.capacity = 100;
    assert_ok(chain_body_decode(halves_of(CHAIN_ROTATE).body, &body));
    assert_int_equal(chain_body_encode(&body, &room), ROTOR_TOO_SMALL);
    struct chain_entry entry;
    assert_ok(chain_entry_decode(maker_bytes(&entries[CHAIN_ROTATE]), &entry));
    entry.sig_auth[1] = bytes_of(NULL, 0);
    static struct maker_entry made;
    struct rotor_room entry_room = ROOM_OF(made.bytes);
    assert_int_equal(chain_entry_encode(&entry, &entry_room), ROTOR_INVALID);
    assert_int_equal(entry_room.used, 0);
    drop_entries();
}

SPEC("an unknown key from 64 on is kept: it counts in body_hash")
{
    uint8_t memory[CHAIN_BODY_MAX];
    struct rotor_room room = ROOM_OF(memory);
    struct chain_body plain;
    struct chain_body with;
    struct wire_digest hashes[2];
    make_entries();
    assert_ok(chain_body_decode(halves_of(CHAIN_ROTATE).body, &plain));
    maker_edit_map(plain.bytes, 64, LABEL("\x01"), &room);
    assert_ok(chain_body_decode(bytes_in(&room), &with));
    assert_ok(chain_body_hash(&plain, &hashes[0]));
    assert_ok(chain_body_hash(&with, &hashes[1]));
    assert_false(wire_digest_equal(&hashes[0], &hashes[1]));
    drop_entries();
}

SPEC("no cut of an entry reads as an entry")
{
    make_entries();
    for (int kind = 0; kind < 5; kind++) {
        struct chain_entry decoded;
        struct maker_entry *entry = &entries[kind];
        for (size_t size = 0; size < entry->size; size++) {
            assert_int_equal(
                chain_entry_decode(bytes_of(entry->bytes, size), &decoded),
                ROTOR_MALFORMED);
            assert_int_equal(decoded.body.kind, CHAIN_KIND_NONE);
        }
    }
    drop_entries();
}

SPEC("orders compare by incarnation, then by epoch")
{
    const struct wire_order orders[] = {
        {0,          0         },
        {0,          1         },
        {0,          UINT64_MAX},
        {1,          0         },
        {1,          7         },
        {UINT32_MAX, 0         }
    };
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        for (size_t j = 0; j < COUNT_OF(orders); j++) {
            int order = chain_order_compare(&orders[i], &orders[j]);
            assert_int_equal(order < 0, i < j);
            assert_int_equal(order > 0, i > j);
        }
    }
}
