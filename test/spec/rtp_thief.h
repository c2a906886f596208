// SPDX-License-Identifier: Apache-2.0
// A device, and a thief with a copy of it who makes an entry of his own.
#ifndef ROTOR_TEST_SPEC_RTP_THIEF_H
#define ROTOR_TEST_SPEC_RTP_THIEF_H

#include "chain/entry.h"
#include "rtp/machine.h"
#include "test/spec/rtp_client.h"

// What a thief with a copy of the device made: an entry for epoch 2.
static uint8_t stolen_bytes[WIRE_ENTRY_MAX];
static size_t stolen_size;

static inline void rotate_once(struct client *client)
{
    uint64_t tag = client_rotate(client, WIRE_REASON_OPERATOR, 0);
    assert_true(client_await(client, tag, 30000));
    assert_int_equal(client->last.code, WIRE_CLIENT_OK);
}

static inline void keep_stolen(struct sim_device *device)
{
    struct rotor_room room = ROOM_OF(stolen_bytes);
    const struct wire_order second = {0, 2};
    struct rtp_log_entry record;
    uint64_t offset;
    assert_ok(rtp_log_find(&device->rtp.log, &device->rtp.ops, &room, &second,
                           &offset));
    assert_ok(rtp_log_read(&device->rtp.ops, offset, &room, &record));
    memmove(stolen_bytes, record.bytes.data, record.bytes.size);
    stolen_size = record.bytes.size;
}

// A device at epoch 1 whose copy has made an epoch 2 of its own.
static inline struct sim_device *robbed_device(uint64_t seed)
{
    struct sim_device *device = device_ready(seed);
    struct client client = {.device = device};
    rotate_once(&client);
    struct sim_store *before = sim_store_copy(device);
    rotate_once(&client);
    keep_stolen(device);
    sim_kill_rtp(device);
    sim_kill_ap(device);
    sim_store_restore_ap(device, before, true);
    sim_store_restore_rtp(device, before, true);
    free(before);
    assert_ok(sim_start_ap(device));
    assert_ok(sim_start_rtp(device));
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    return device;
}

enum spoilt { NOTHING = 0, OLD = 1, OTS = 2, SECOND = 4 };

static inline void spoil(struct rotor_bytes sign1, uint8_t *copy,
                         struct rotor_bytes *spoilt)
{
    memcpy(copy, sign1.data, sign1.size);
    copy[sign1.size - 1] ^= 1;
    *spoilt = bytes_of(copy, sign1.size);
}

// The stolen entry without its Evidence, with some signatures that do not hold.
// Good until the next call.
static inline struct rotor_bytes stolen_entry(unsigned spoilt)
{
    static uint8_t copies[3][2304];
    static uint8_t bytes[WIRE_ENTRY_MAX];
    struct rotor_room encoded = ROOM_OF(bytes);
    struct chain_entry entry;
    assert_ok(chain_entry_decode(bytes_of(stolen_bytes, stolen_size), &entry));
    entry.evidence = (struct rotor_bytes){0};
    if ((spoilt & OLD) != 0) {
        spoil(entry.sig_old, copies[0], &entry.sig_old);
    }
    if ((spoilt & OTS) != 0) {
        spoil(entry.sig_auth[0], copies[1], &entry.sig_auth[0]);
    }
    if ((spoilt & SECOND) != 0) {
        spoil(entry.sig_auth[1], copies[2], &entry.sig_auth[1]);
    }
    assert_ok(chain_entry_encode(&entry, &encoded));
    return bytes_in(&encoded);
}

#endif
