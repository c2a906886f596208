// SPDX-License-Identifier: Apache-2.0
// Slot state as bytes.  doc/PROTOCOL.boot 3.1.
#include <string.h>

#include "base/bytes.h"
#include "boot/slots.h"

#define MAGIC   "ROTS"
#define VERSION 1u

// Offsets of doc/PROTOCOL.boot 3.1.
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_SIZE = 6,
    AT_SEQUENCE = 8,
    AT_COMPONENT = 16,
    AT_FLOOR = 20,
    AT_FAILURE = 24,
    AT_ACTIVE = 28,
    AT_SLOTS = 32,
    SLOT_SIZE = 80,
    AT_HASH = 224,

    SLOT_AT_STATE = 0,
    SLOT_AT_TRIES = 1,
    SLOT_AT_VERSION = 4,
    SLOT_AT_SECURITY_VERSION = 8,
    SLOT_AT_DIGEST = 12,
};

// The copy that the record of `sequence` lives in.
static size_t copy_of(uint64_t sequence)
{
    return (size_t)(sequence % BOOT_SLOTS_COPIES);
}

static enum rotor_status hash_record(const uint8_t *record, uint8_t hash[32])
{
    struct rotor_bytes parts[] = {LABEL("rotor1 slots\0"),
                                  bytes_of(record, AT_HASH)};
    return crypto_hash(CRYPTO_SHA256, parts, COUNT_OF(parts), hash);
}

static void write_slot(const struct boot_slot *slot, uint8_t *out)
{
    out[SLOT_AT_STATE] = (uint8_t)slot->state;
    out[SLOT_AT_TRIES] = slot->tries_left;
    bytes_put_be32(out + SLOT_AT_VERSION, slot->version);
    bytes_put_be32(out + SLOT_AT_SECURITY_VERSION, slot->security_version);
    memcpy(out + SLOT_AT_DIGEST, slot->digest, BOOT_DIGEST_SIZE);
}

// Numbers are cast first and judged by slots_are_sound.
static void read_slot(const uint8_t *in, struct boot_slot *slot)
{
    slot->state = (enum boot_slot_state)in[SLOT_AT_STATE];
    slot->tries_left = in[SLOT_AT_TRIES];
    slot->version = bytes_be32(in + SLOT_AT_VERSION);
    slot->security_version = bytes_be32(in + SLOT_AT_SECURITY_VERSION);
    memcpy(slot->digest, in + SLOT_AT_DIGEST, BOOT_DIGEST_SIZE);
}

static bool slot_is_sound(const struct boot_slot *slot)
{
    if ((unsigned)slot->state >= BOOT_SLOT_STATES ||
        slot->tries_left > BOOT_TRIES_MAX) {
        return false;
    }
    return slot->state == BOOT_SLOT_TRIAL || slot->tries_left == 0;
}

static bool active_is_sound(const struct boot_slots *slots)
{
    if (slots->active == BOOT_SLOT_NONE) {
        return slots->slot[0].state != BOOT_SLOT_CONFIRMED &&
               slots->slot[1].state != BOOT_SLOT_CONFIRMED;
    }
    return slots->active < BOOT_SLOT_COUNT &&
           slots->slot[slots->active].state == BOOT_SLOT_CONFIRMED;
}

static bool slots_are_sound(const struct boot_slots *slots)
{
    bool are_both_on_trial = slots->slot[0].state == BOOT_SLOT_TRIAL &&
                             slots->slot[1].state == BOOT_SLOT_TRIAL;
    return slot_is_sound(&slots->slot[0]) && slot_is_sound(&slots->slot[1]) &&
           active_is_sound(slots) && !are_both_on_trial &&
           (unsigned)slots->last_failure < BOOT_REASONS;
}

static void write_record(const struct boot_slots *slots, uint64_t sequence,
                         uint8_t out[AT_HASH])
{
    memset(out, 0, AT_HASH);
    memcpy(out + AT_MAGIC, MAGIC, 4);
    bytes_put_be16(out + AT_VERSION, VERSION);
    bytes_put_be16(out + AT_SIZE, BOOT_SLOTS_RECORD_SIZE);
    bytes_put_be64(out + AT_SEQUENCE, sequence);
    bytes_put_be32(out + AT_COMPONENT, (uint32_t)slots->component);
    bytes_put_be32(out + AT_FLOOR, slots->floor);
    bytes_put_be32(out + AT_FAILURE, (uint32_t)slots->last_failure);
    out[AT_ACTIVE] = slots->active;
    for (size_t i = 0; i < BOOT_SLOT_COUNT; i++) {
        write_slot(&slots->slot[i], out + AT_SLOTS + i * SLOT_SIZE);
    }
}

enum rotor_status boot_slots_encode(const struct boot_slots *slots,
                                    uint8_t record[BOOT_SLOTS_RECORD_SIZE],
                                    size_t *copy)
{
    uint8_t out[BOOT_SLOTS_RECORD_SIZE];
    if (!slots_are_sound(slots) || slots->sequence == UINT64_MAX) {
        return ROTOR_INVALID;
    }
    write_record(slots, slots->sequence + 1, out);
    TRY(hash_record(out, out + AT_HASH));
    memcpy(record, out, sizeof out);
    *copy = copy_of(slots->sequence + 1);
    return ROTOR_OK;
}

void boot_slots_commit(struct boot_slots *slots)
{
    slots->sequence++;
}

static void read_record(const uint8_t *in, struct boot_slots *slots)
{
    slots->sequence = bytes_be64(in + AT_SEQUENCE);
    slots->component = (enum boot_component)bytes_be32(in + AT_COMPONENT);
    slots->floor = bytes_be32(in + AT_FLOOR);
    slots->last_failure = (enum boot_reason)bytes_be32(in + AT_FAILURE);
    slots->active = in[AT_ACTIVE];
    for (size_t i = 0; i < BOOT_SLOT_COUNT; i++) {
        read_slot(in + AT_SLOTS + i * SLOT_SIZE, &slots->slot[i]);
    }
}

// Whole: written to its end, in the one form that encode gives it.
static enum rotor_status decode_copy(struct rotor_bytes copy, size_t index,
                                     struct boot_slots *slots, bool *is_whole)
{
    uint8_t hash[32];
    uint8_t again[AT_HASH];
    *is_whole = false;
    if (copy.size != BOOT_SLOTS_RECORD_SIZE) {
        return ROTOR_OK;
    }
    TRY(hash_record(copy.data, hash));
    if (memcmp(hash, copy.data + AT_HASH, sizeof hash) != 0) {
        return ROTOR_OK;
    }
    read_record(copy.data, slots);
    write_record(slots, slots->sequence, again);
    *is_whole = memcmp(again, copy.data, sizeof again) == 0 &&
                copy_of(slots->sequence) == index && slots_are_sound(slots);
    return ROTOR_OK;
}

enum rotor_status
boot_slots_decode(const struct rotor_bytes copies[BOOT_SLOTS_COPIES],
                  enum boot_component component, struct boot_slots *slots,
                  bool *found)
{
    struct boot_slots newest = {0};
    size_t present = 0;
    *found = false;
    for (size_t i = 0; i < BOOT_SLOTS_COPIES; i++) {
        struct boot_slots decoded;
        bool is_whole = false;
        TRY(decode_copy(copies[i], i, &decoded, &is_whole));
        present += copies[i].size != 0 ? 1 : 0;
        if (is_whole && decoded.component == component &&
            decoded.sequence > newest.sequence) {
            newest = decoded;
        }
    }
    if (newest.sequence != 0) {
        *slots = newest;
        *found = true;
        return ROTOR_OK;
    }
    if (present == BOOT_SLOTS_COPIES) {
        return ROTOR_CORRUPT;
    }
    boot_slots_init(slots, component);
    return ROTOR_OK;
}
