// SPDX-License-Identifier: Apache-2.0
#include "boot/keyring.h"
#include "test/spec/boot_maker.h"

static void make_keyring(struct boot_keyring *keyring)
{
    struct maker plain;
    struct maker paired;
    maker_open(&plain, CRYPTO_P256, false);
    maker_open(&paired, CRYPTO_P384, true);
    *keyring = plain.keyring;
    keyring->keys[1] = paired.keyring.keys[0];
    keyring->count = 2;
    maker_close(&plain);
    maker_close(&paired);
}

SPEC("a keyring comes back as it was written, in the layout of the text")
{
    struct boot_keyring keyring;
    struct boot_keyring decoded;
    uint8_t memory[BOOT_KEYRING_MAX];
    struct rotor_room room = ROOM_OF(memory);
    make_keyring(&keyring);
    assert_ok(boot_keyring_encode(&keyring, &room));
    assert_int_equal(room.used, 8 + 2 * 160);
    assert_memory_equal(memory, "ROTK\0\1\0\2\0\1\0\0", 12);
    assert_memory_equal(memory + 168, "\0\2\0\3", 4);
    assert_memory_equal(memory + 172, keyring.keys[1].public_key, 96);
    assert_memory_equal(memory + 268, keyring.keys[1].lms_public_key, 60);
    assert_ok(boot_keyring_decode(bytes_in(&room), &decoded));
    assert_int_equal(decoded.count, 2);
    uint8_t again[BOOT_KEYRING_MAX];
    struct rotor_room second = ROOM_OF(again);
    assert_ok(boot_keyring_encode(&decoded, &second));
    assert_true(bytes_equal(bytes_in(&room), bytes_in(&second)));
    room.capacity = 8 + 2 * 160 - 1;
    assert_int_equal(boot_keyring_encode(&keyring, &room), ROTOR_TOO_SMALL);
}

SPEC("every flip of a keyring's structure is refused and others read back")
{
    struct boot_keyring keyring;
    struct boot_keyring decoded;
    uint8_t memory[BOOT_KEYRING_MAX];
    struct rotor_room room = ROOM_OF(memory);
    make_keyring(&keyring);
    assert_ok(boot_keyring_encode(&keyring, &room));
    size_t refused = 0;
    for (size_t bit = 0; bit < 8 * room.used; bit++) {
        memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (boot_keyring_decode(bytes_in(&room), &decoded) == ROTOR_OK) {
            // What is taken has one encoding: these very bytes.
            uint8_t again[BOOT_KEYRING_MAX];
            struct rotor_room second = ROOM_OF(again);
            assert_ok(boot_keyring_encode(&decoded, &second));
            assert_true(bytes_equal(bytes_in(&room), bytes_in(&second)));
        } else {
            refused++;
        }
        memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    // All but key bytes, "required" of entry 2 and "P-384" nowhere: heads 64,
    // entry heads 2 * 32 - 1, P-256 padding 256, LMS key of entry 1 480.
    assert_int_equal(refused, 64 + 63 + 256 + 480);
    assert_int_equal(boot_keyring_decode(bytes_of(NULL, 0), &decoded),
                     ROTOR_MALFORMED);
    for (size_t size = 0; size < room.used; size++) {
        assert_int_equal(boot_keyring_decode(bytes_of(memory, size), &decoded),
                         ROTOR_MALFORMED);
    }
}

SPEC("a keyring without keys, with a key twice or too many is refused")
{
    struct boot_keyring keyring;
    uint8_t memory[BOOT_KEYRING_MAX];
    struct rotor_room room = ROOM_OF(memory);
    make_keyring(&keyring);
    keyring.count = 0;
    assert_int_equal(boot_keyring_encode(&keyring, &room), ROTOR_INVALID);
    keyring.count = BOOT_KEYS_MAX + 1;
    assert_int_equal(boot_keyring_encode(&keyring, &room), ROTOR_INVALID);
    keyring.count = 2;
    keyring.keys[0] = keyring.keys[1];
    keyring.keys[0].has_lms = false;
    keyring.keys[0].lms_required = false;
    memset(keyring.keys[0].lms_public_key, 0, 60);
    assert_int_equal(boot_keyring_encode(&keyring, &room), ROTOR_INVALID);
    keyring.count = 1;
    assert_ok(boot_keyring_encode(&keyring, &room));
    keyring.keys[0].lms_required = true;
    assert_int_equal(boot_keyring_encode(&keyring, &room), ROTOR_INVALID);
    keyring.keys[0].lms_required = false;
    memset(keyring.keys[0].public_key, 0, CRYPTO_PUBLIC_MAX);
    keyring.keys[0].public_key[0] = 1; // fits any scheme's padding
    keyring.keys[0].scheme = CRYPTO_ED25519;
    assert_int_equal(boot_keyring_encode(&keyring, &room), ROTOR_INVALID);
    assert_int_equal(room.used, 0);
}

SPEC("the authority depends on every key and on the component")
{
    struct boot_keyring keyring;
    uint8_t rtp[64];
    uint8_t enclave[64];
    uint8_t other[64];
    make_keyring(&keyring);
    assert_ok(boot_keyring_hash(&keyring, BOOT_RTP, rtp));
    assert_ok(boot_keyring_hash(&keyring, BOOT_ENCLAVE, enclave));
    assert_memory_not_equal(rtp, enclave, 64);
    keyring.keys[1].lms_required = false;
    assert_ok(boot_keyring_hash(&keyring, BOOT_ENCLAVE, other));
    assert_memory_not_equal(other, enclave, 64);
}

SPEC("keys of different schemes have different ids")
{
    uint8_t zeros[96] = {0};
    uint8_t ids[3][32];
    assert_ok(boot_key_id(CRYPTO_P256, bytes_of(zeros, 64), ids[0]));
    assert_ok(boot_key_id(CRYPTO_P384, bytes_of(zeros, 96), ids[1]));
    assert_ok(boot_lms_key_id(bytes_of(zeros, 60), ids[2]));
    assert_memory_not_equal(ids[0], ids[1], 32);
    assert_memory_not_equal(ids[1], ids[2], 32);
    assert_int_equal(boot_key_id(CRYPTO_P256, bytes_of(zeros, 63), ids[0]),
                     ROTOR_INVALID);
    assert_int_equal(boot_key_id(CRYPTO_X25519, bytes_of(zeros, 32), ids[0]),
                     ROTOR_INVALID);
    assert_int_equal(boot_lms_key_id(bytes_of(zeros, 56), ids[0]),
                     ROTOR_INVALID);
}
