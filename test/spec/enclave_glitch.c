// SPDX-License-Identifier: Apache-2.0
// A Diffie-Hellman that computes wrong: such a K is noticed before P1.
#include "test/spec/enclave_world.h"

static unsigned calls;
static unsigned wrong_call; // 0: none

enum rotor_status __real_crypto_agree(const struct crypto_key *key,
                                      struct rotor_bytes peer_public,
                                      uint8_t *shared);
enum rotor_status __wrap_crypto_agree(const struct crypto_key *key,
                                      struct rotor_bytes peer_public,
                                      uint8_t *shared);

enum rotor_status __wrap_crypto_agree(const struct crypto_key *key,
                                      struct rotor_bytes peer_public,
                                      uint8_t *shared)
{
    enum rotor_status status = __real_crypto_agree(key, peer_public, shared);
    shared[5] ^= ++calls == wrong_call ? 1 : 0;
    return status;
}

static struct world world;
static struct peer peer;

SPEC("a K that agrees with nobody is not committed to")
{
    world_init(&world);
    world_start(&world);
    peer_init(&peer, &world);
    assert_true(peer_pair(&peer));
    for (unsigned i = 1; i <= 2; i++) {
        wrong_call = calls + i;
        assert_int_equal(ask_generate(&peer, &USUAL), WIRE_ERROR);
        assert_int_equal(peer_error(&peer), WIRE_E_BUSY);
        assert_int_equal(enclave_state_code(&world.enclave), WIRE_STATE_EMPTY);
        assert_int_equal(world.platform.n, 0);
    }
    assert_int_equal(ask_generate(&peer, &USUAL), WIRE_ROT_AVAILABLE);
    peer_close(&peer);
    world_close(&world);
}
