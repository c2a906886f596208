// SPDX-License-Identifier: Apache-2.0
// Single rules of slots and of their records.
#include "test/spec/boot_storage.h"

// ---- single rules ----------------------------------------------------------

static void confirmed_in_both(struct boot_slots *slots, uint32_t first,
                              uint32_t second)
{
    const uint32_t versions[] = {first, second};
    boot_slots_init(slots, BOOT_ENCLAVE);
    for (size_t i = 0; i < 2; i++) {
        struct boot_header header = header_of(versions[i]);
        struct boot_choice choice;
        uint8_t slot = boot_slots_vacate(slots);
        assert_ok(boot_slots_install(slots, slot, &header));
        assert_ok(boot_slots_activate(slots, 1));
        boot_slots_choose(slots, 0, &choice);
        assert_int_equal(choice.slot, slot);
        assert_true(choice.is_trial && choice.is_changed);
        assert_ok(boot_slots_confirm(slots, choice.slot));
    }
}

SPEC("when the active image is refused the other confirmed one runs, unless "
     "the floor has passed it")
{
    struct boot_slots slots;
    struct boot_choice choice;
    confirmed_in_both(&slots, 4, 4);
    boot_slots_choose(&slots, 0, &choice);
    assert_int_equal(choice.slot, 1);
    assert_false(choice.is_changed || choice.is_trial);
    assert_ok(boot_slots_refuse(&slots, 1, BOOT_BAD_DIGEST));
    assert_int_equal(slots.slot[1].state, BOOT_SLOT_CONFIRMED);
    assert_int_equal(slots.last_failure, BOOT_BAD_DIGEST);
    boot_slots_choose(&slots, 1u << 1, &choice);
    assert_int_equal(choice.slot, 0);
    boot_slots_choose(&slots, 3, &choice);
    assert_int_equal(choice.slot, BOOT_SLOT_NONE);
    assert_ok(boot_slots_confirm(&slots, 0));
    assert_int_equal(slots.active, 0);

    confirmed_in_both(&slots, 4, 5);
    assert_int_equal(slots.floor, 5);
    boot_slots_choose(&slots, 1u << 1, &choice);
    assert_int_equal(choice.slot, BOOT_SLOT_NONE);
    assert_int_equal(boot_slots_confirm(&slots, 0), ROTOR_FORBIDDEN);
    assert_int_equal(boot_slots_activate(&slots, 1), ROTOR_FORBIDDEN);
}

SPEC("an older confirmed image can be tried again while the floor allows it")
{
    struct boot_slots slots;
    struct boot_choice choice;
    confirmed_in_both(&slots, 4, 4);
    assert_ok(boot_slots_activate(&slots, 1));
    boot_slots_choose(&slots, 0, &choice);
    assert_int_equal(choice.slot, 0);
    assert_true(choice.is_trial);
    assert_ok(boot_slots_revert(&slots, BOOT_NOT_ATTESTED));
    boot_slots_choose(&slots, 0, &choice);
    assert_int_equal(choice.slot, 1);
    assert_int_equal(boot_slots_revert(&slots, BOOT_BY_OPERATOR),
                     ROTOR_FORBIDDEN);
}

SPEC("a refused trial ends at once, its tries are not spent first")
{
    struct boot_slots slots;
    struct boot_choice choice;
    confirmed_in_both(&slots, 4, 4);
    assert_ok(boot_slots_activate(&slots, 9));
    boot_slots_choose(&slots, 0, &choice);
    assert_ok(boot_slots_refuse(&slots, choice.slot, BOOT_IMAGE_CHANGED));
    assert_int_equal(slots.slot[0].state, BOOT_SLOT_FAILED);
    boot_slots_choose(&slots, 0, &choice);
    assert_int_equal(choice.slot, 1);
}

SPEC("a slot holds the image that was installed and no other")
{
    struct boot_slots slots;
    confirmed_in_both(&slots, 4, 5);
    struct boot_header header = header_of(5);
    assert_true(boot_slot_holds(&slots, 1, &header));
    assert_false(boot_slot_holds(&slots, 0, &header));
    assert_false(boot_slot_holds(&slots, 2, &header));
    assert_false(boot_slot_holds(&slots, BOOT_SLOT_NONE, &header));
    header.component = BOOT_RTP;
    assert_false(boot_slot_holds(&slots, 1, &header));
    header = header_of(5);
    header.digest[63] ^= 1;
    assert_false(boot_slot_holds(&slots, 1, &header));
}

SPEC("slots refuse what has no slot, no tries or another component")
{
    struct boot_slots slots;
    struct boot_header header = header_of(9);
    boot_slots_init(&slots, BOOT_ENCLAVE);
    uint8_t slot = boot_slots_vacate(&slots);
    assert_int_equal(boot_slots_activate(&slots, 1), ROTOR_FORBIDDEN);
    assert_int_equal(boot_slots_install(&slots, 2, &header), ROTOR_INVALID);
    header.component = BOOT_RTP;
    assert_int_equal(boot_slots_install(&slots, slot, &header), ROTOR_INVALID);
    header.component = BOOT_ENCLAVE;
    assert_ok(boot_slots_install(&slots, slot, &header));
    assert_int_equal(boot_slots_install(&slots, slot, &header),
                     ROTOR_FORBIDDEN);
    assert_int_equal(boot_slots_activate(&slots, 0), ROTOR_INVALID);
    assert_int_equal(boot_slots_activate(&slots, BOOT_TRIES_MAX + 1),
                     ROTOR_INVALID);
    assert_int_equal(boot_slots_confirm(&slots, slot), ROTOR_FORBIDDEN);
    assert_int_equal(boot_slots_confirm(&slots, 2), ROTOR_INVALID);
    assert_int_equal(boot_slots_refuse(&slots, 2, BOOT_BAD_DIGEST),
                     ROTOR_INVALID);
}

// ---- records ---------------------------------------------------------------

static void stored(struct storage *s, struct boot_slots *slots)
{
    memset(s, 0, sizeof *s);
    confirmed_in_both(slots, 4, 5);
    store(s, slots, no_cut);
    slots->floor = 6;
    slots->slot[1].security_version = 6;
    store(s, slots, no_cut);
}

SPEC("a flip of any bit of the newer copy gives the older one, of both is "
     "corrupt and never a fresh start")
{
    struct storage s;
    struct boot_slots slots;
    struct boot_slots found_slots;
    bool found = false;
    stored(&s, &slots);
    size_t newer = slots.sequence % 2;
    assert_ok(load(&s, &found_slots, &found));
    assert_int_equal(found_slots.floor, 6);
    for (size_t bit = 0; bit < 8 * BOOT_SLOTS_RECORD_SIZE; bit++) {
        s.copy[newer][bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_ok(load(&s, &found_slots, &found));
        assert_true(found);
        assert_int_equal(found_slots.floor, 5);
        s.copy[1 - newer][77] ^= 4;
        assert_int_equal(load(&s, &found_slots, &found), ROTOR_CORRUPT);
        assert_false(found);
        s.copy[1 - newer][77] ^= 4;
        s.copy[newer][bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

SPEC("a copy with bytes behind the record is not whole")
{
    struct storage s;
    struct boot_slots slots;
    uint8_t longer[BOOT_SLOTS_RECORD_SIZE + 1] = {0};
    bool found = false;
    stored(&s, &slots);
    size_t newer = slots.sequence % 2;
    struct rotor_bytes copies[] = {BYTES_OF(s.copy[0]), BYTES_OF(s.copy[1])};
    memcpy(longer, s.copy[newer], BOOT_SLOTS_RECORD_SIZE);
    copies[newer] = BYTES_OF(longer);
    assert_ok(boot_slots_decode(copies, BOOT_ENCLAVE, &slots, &found));
    assert_int_equal(slots.floor, 5);
}

SPEC("a copy in the other's place or of another component is not taken")
{
    struct storage s;
    struct storage swapped;
    struct boot_slots slots;
    bool found = false;
    stored(&s, &slots);
    for (size_t i = 0; i < 2; i++) {
        memcpy(swapped.copy[i], s.copy[1 - i], BOOT_SLOTS_RECORD_SIZE);
        swapped.size[i] = BOOT_SLOTS_RECORD_SIZE;
    }
    assert_int_equal(load(&swapped, &slots, &found), ROTOR_CORRUPT);
    struct rotor_bytes copies[] = {BYTES_OF(s.copy[0]), BYTES_OF(s.copy[1])};
    assert_int_equal(boot_slots_decode(copies, BOOT_RTP, &slots, &found),
                     ROTOR_CORRUPT);
}

SPEC("two absent copies, or one torn first write, are a device that was never "
     "used")
{
    struct storage s = {0};
    struct boot_slots slots;
    bool found = true;
    assert_ok(load(&s, &slots, &found));
    assert_false(found);
    assert_int_equal(slots.active, BOOT_SLOT_NONE);
    s.size[1] = 17;
    found = true;
    assert_ok(load(&s, &slots, &found));
    assert_false(found);
    s.size[0] = 17;
    assert_int_equal(load(&s, &slots, &found), ROTOR_CORRUPT);
}

// A record with one byte changed and the hash made right again.
static enum rotor_status decode_forged(size_t at, uint8_t value)
{
    struct storage s;
    struct boot_slots slots;
    bool found = false;
    stored(&s, &slots);
    size_t newer = slots.sequence % 2;
    uint8_t *record = s.copy[newer];
    record[at] = value;
    struct rotor_bytes parts[] = {bytes_of("rotor1 slots", 13),
                                  bytes_of(record, 224)};
    assert_ok(crypto_hash(CRYPTO_SHA256, parts, 2, record + 224));
    memset(s.copy[1 - newer], 0, BOOT_SLOTS_RECORD_SIZE);
    return load(&s, &slots, &found);
}

SPEC("a record whose hash is right and whose content makes no sense is "
     "refused")
{
    static const struct {
        size_t at;
        uint8_t value;
    } forgeries[] = {
        {0,   'r' }, // magic
        {5,   2   }, // version
        {7,   1   }, // record size
        {26,  1   }, // a reason past the table
        {28,  2   }, // active: no such slot
        {28,  0xff}, // none active, yet slots are confirmed
        {29,  1   }, // padding
        {32,  0   }, // state EMPTY
        {32,  5   }, // no such state
        {33,  1   }, // tries outside a trial
        {34,  1   }, // padding of slot A
        {108, 1   }, // the same
        {112, 4   }, // the active slot FAILED
        {195, 1   }, // padding
    };
    assert_ok(decode_forged(20, 0)); // the forging itself works
    for (size_t i = 0; i < COUNT_OF(forgeries); i++) {
        bool is_state_empty = forgeries[i].at == 32 && forgeries[i].value == 0;
        assert_int_equal(decode_forged(forgeries[i].at, forgeries[i].value),
                         is_state_empty ? ROTOR_OK : ROTOR_CORRUPT);
    }
}

SPEC("slots that make no sense are not stored")
{
    struct boot_slots good;
    uint8_t record[BOOT_SLOTS_RECORD_SIZE];
    size_t copy = 0;
    confirmed_in_both(&good, 4, 4);
    struct boot_slots bad = good;
    bad.active = 7;
    assert_int_equal(boot_slots_encode(&bad, record, &copy), ROTOR_INVALID);
    bad = good;
    bad.slot[0].tries_left = 1;
    assert_int_equal(boot_slots_encode(&bad, record, &copy), ROTOR_INVALID);
    bad = good;
    bad.active = BOOT_SLOT_NONE;
    bad.slot[0].state = BOOT_SLOT_TRIAL;
    bad.slot[1].state = BOOT_SLOT_TRIAL;
    assert_int_equal(boot_slots_encode(&bad, record, &copy), ROTOR_INVALID);
    bad.slot[1].state = BOOT_SLOT_FAILED;
    bad.slot[0].tries_left = BOOT_TRIES_MAX + 1;
    assert_int_equal(boot_slots_encode(&bad, record, &copy), ROTOR_INVALID);
    bad = good;
    bad.sequence = UINT64_MAX;
    assert_int_equal(boot_slots_encode(&bad, record, &copy), ROTOR_INVALID);
    assert_ok(boot_slots_encode(&good, record, &copy));
    assert_int_equal(copy, (good.sequence + 1) % 2);
}
