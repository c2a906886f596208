// SPDX-License-Identifier: Apache-2.0
// The seal by itself, and what the core keeps under it.
#include "enclave/seal.h"

#include <string.h>

#include "enclave/store.h"
#include "test/spec/enclave_world.h"

static struct world world;
static struct peer peer;
static struct chain_trust trust;

static const uint8_t MAC[32] = {1}, ENC[32] = {2}, OTHER[32] = {3};
static const uint8_t TEXT[40] = "what nobody else may read or change....";

static enum rotor_status seal_as(enum enclave_seal_kind kind, uint32_t suite,
                                 struct rotor_room *room)
{
    struct enclave_seal seal = {kind, suite, MAC, ENC};
    return enclave_seal(&seal, BYTES_OF(TEXT), room);
}

static enum rotor_status open_with(const uint8_t *mac, const uint8_t *enc,
                                   struct rotor_bytes sealed)
{
    uint8_t bytes[sizeof TEXT];
    struct rotor_room room = ROOM_OF(bytes);
    struct enclave_seal seal = {ENCLAVE_SEAL_AUTH, 0, mac, enc};
    memset(bytes, 0x55, sizeof bytes);
    enum rotor_status status = enclave_unseal(&seal, sealed, &room);
    if (status == ROTOR_OK) {
        assert_memory_equal(bytes, TEXT, sizeof TEXT);
    } else {
        assert_int_equal(room.used, 0);
        assert_memory_not_equal(bytes, TEXT, sizeof TEXT);
    }
    return status;
}

SPEC("a seal opens under its two keys and its kind, and not otherwise")
{
    uint8_t bytes[256];
    struct rotor_room room = ROOM_OF(bytes);
    for (uint32_t suite = 1; suite <= 3; suite++) {
        assert_ok(seal_as(ENCLAVE_SEAL_AUTH, suite, &room));
        assert_int_equal(room.used, sizeof TEXT + ENCLAVE_SEAL_SIZE);
        assert_ok(open_with(MAC, ENC, bytes_in(&room)));
        assert_int_equal(open_with(OTHER, ENC, bytes_in(&room)),
                         ROTOR_MALFORMED);
        assert_int_equal(open_with(MAC, OTHER, bytes_in(&room)),
                         ROTOR_MALFORMED);
        for (size_t i = 0; i < room.used; i++) {
            bytes[i] ^= 1;
            assert_int_equal(open_with(MAC, ENC, bytes_in(&room)),
                             ROTOR_MALFORMED);
            bytes[i] ^= 1;
        }
        for (size_t size = 0; size < room.used; size++) {
            assert_int_equal(open_with(MAC, ENC, bytes_of(bytes, size)),
                             ROTOR_MALFORMED);
        }
    }
    assert_ok(seal_as(ENCLAVE_SEAL_CORE, 2, &room));
    assert_int_equal(open_with(MAC, ENC, bytes_in(&room)), ROTOR_MALFORMED);
    struct rotor_room small = {bytes, sizeof TEXT + ENCLAVE_SEAL_SIZE - 1, 0};
    assert_int_equal(seal_as(ENCLAVE_SEAL_CORE, 2, &small), ROTOR_TOO_SMALL);
}

SPEC("equal content gives equal seals, other content another key")
{
    uint8_t bytes[2][256];
    struct rotor_room first = ROOM_OF(bytes[0]), second = ROOM_OF(bytes[1]);
    assert_ok(seal_as(ENCLAVE_SEAL_AUTH, 2, &first));
    assert_ok(seal_as(ENCLAVE_SEAL_AUTH, 2, &second));
    assert_true(bytes_equal(bytes_in(&first), bytes_in(&second)));
    assert_ok(seal_as(ENCLAVE_SEAL_CORE, 2, &second));
    assert_memory_not_equal(bytes[0] + 8, bytes[1] + 8, 32);
}

SPEC("the data key goes on through rotations, each time under the new D")
{
    uint8_t first[32], later[32];
    struct enclave_slot old;
    world_at_cur(&world, &peer, &USUAL, &trust);
    const struct enclave_state *kept = &world.enclave.state;
    assert_ok(enclave_data_key_unseal(&world.enclave, &kept->cur, kept, first));
    old = kept->cur;
    world_rotate(&peer, 1, &trust);
    assert_ok(enclave_data_key_unseal(&world.enclave, &kept->cur, kept, later));
    assert_memory_equal(first, later, 32);
    assert_int_equal(enclave_data_key_unseal(&world.enclave, &old, kept, later),
                     ROTOR_MALFORMED);
    peer_close(&peer);
    world_close(&world);
}
