// SPDX-License-Identifier: Apache-2.0
// Keys and transcripts again, from the text alone: HMAC and SHA-2 by hand,
// nothing of enclave/ or chain/schedule.
#include <string.h>

#include "test/spec/enclave_world.h"

static struct world world;
static struct peer peer;
static struct chain_trust trust;

// ---- HKDF by its definition ------------------------------------------------

static struct rotor_bytes text(const char *s)
{
    return bytes_of(s, strlen(s));
}

static void expand(enum crypto_hash hash, const uint8_t *prk,
                   struct rotor_bytes info, uint8_t *out, size_t size)
{
    size_t length = crypto_hash_size(hash);
    uint8_t block[64];
    size_t have = 0;
    for (uint8_t i = 1; have < size; i++) {
        struct rotor_bytes parts[] = {bytes_of(block, i == 1 ? 0 : length),
                                      info, bytes_of(&i, 1)};
        assert_ok(crypto_hmac(hash, bytes_of(prk, length), parts, 3, block));
        size_t part = size - have < length ? size - have : length;
        memcpy(out + have, block, part);
        have += part;
    }
}

static void hash_label(enum crypto_hash hash, const char *label,
                       struct rotor_bytes a, struct rotor_bytes b, uint8_t *out)
{
    struct rotor_bytes parts[] = {bytes_of(label, strlen(label) + 1), a, b};
    assert_ok(crypto_hash(hash, parts, 3, out));
}

static const uint8_t *drawn(uint64_t index, size_t size)
{
    assert_int_equal(world.platform.drawn[index % 64].size, size);
    return world.platform.drawn[index % 64].bytes;
}

static void append(uint8_t *to, size_t *at, const uint8_t *data, size_t size)
{
    bytes_put_be16(to + *at, (uint16_t)size);
    if (size > 0) {
        memcpy(to + *at + 2, data, size);
    }
    *at += 2 + size;
}

struct bundle {
    uint8_t chain[32];
    struct wire_key sign, agree, service, auth_sign, auth_ots;
};

static void derive(uint8_t *r, enum crypto_hash hash, const char *label,
                   uint32_t suite, enum crypto_scheme scheme,
                   struct wire_key *public_key)
{
    uint8_t info[32];
    uint8_t seed[CRYPTO_SEED_MAX];
    struct crypto_key key = {0};
    size_t size = strlen(label);
    memcpy(info, label, size);
    bytes_put_be16(info + size, (uint16_t)suite);
    info[size + 2] = 0;
    expand(hash, r, bytes_of(info, size + 3), seed, crypto_sizes(scheme).seed);
    assert_ok(crypto_key_derive(&key, scheme, seed));
    assert_ok(wire_key_of(&key, public_key));
    crypto_key_close(&key);
}

static void derive_auth(const uint8_t *seed_a, enum crypto_hash hash,
                        enum crypto_scheme scheme, struct bundle *made)
{
    uint8_t id[16];
    uint8_t ots[32];
    uint8_t sig[CRYPTO_SEED_MAX];
    struct crypto_key key = {0};
    expand(hash, seed_a, text("rotor1 A id"), id, 16);
    expand(hash, seed_a, text("rotor1 A ots"), ots, 32);
    expand(hash, seed_a, text("rotor1 A sig"), sig, crypto_sizes(scheme).seed);
    assert_ok(wire_key_of_lmots(id, ots, &made->auth_ots));
    assert_ok(crypto_key_derive(&key, scheme, sig));
    assert_ok(wire_key_of(&key, &made->auth_sign));
    crypto_key_close(&key);
}

// Section 2, for epoch e with E_ap and E2_ap drawn at `draw` and behind it.
static void make_bundle(uint32_t suite, uint64_t epoch, uint64_t draw,
                        const uint8_t *chain, struct bundle *made)
{
    static const uint8_t seed[32] = {5, 1, 4};
    const struct crypto_suite *with = crypto_suite_of(suite);
    enum crypto_hash hash = with->hash;
    uint8_t be[8], salt[64], prk[64], r[64], ikm[256], info[32];
    bytes_put_be64(be, epoch);
    for (int i = 0; i < 2; i++) {
        size_t at = 0;
        append(ikm, &at, drawn(draw + (uint64_t)i, 48), 48);
        append(ikm, &at, seed, sizeof seed);
        append(ikm, &at, chain, chain == NULL ? 0 : 32);
        append(ikm, &at, world.identity.hw_secret, 32);
        if (i == 0) {
            hash_label(hash, "rotor1 rot-root", wire_digest_bytes(&peer.log_id),
                       BYTES_OF(be), salt);
        } else {
            hash_label(hash, "rotor1 auth-root", BYTES_OF(be),
                       (struct rotor_bytes){0}, salt);
        }
        struct rotor_bytes part = bytes_of(ikm, at);
        assert_ok(crypto_hmac(hash, bytes_of(salt, crypto_hash_size(hash)),
                              &part, 1, prk));
        if (i == 1) {
            derive_auth(prk, hash, with->sign, made);
            break;
        }
        memcpy(info, "rotor1 R", 8);
        memcpy(info + 8, be, 8);
        expand(hash, prk, bytes_of(info, 16), r, crypto_hash_size(hash));
        memcpy(info, "rotor1 chain", 12);
        memcpy(info + 12, be, 8);
        expand(hash, prk, bytes_of(info, 20), made->chain, 32);
        derive(r, hash, "rotor1 S", suite, with->sign, &made->sign);
        derive(r, hash, "rotor1 K", suite, with->agree, &made->agree);
        derive(r, hash, "rotor1 T", suite, with->sign, &made->service);
    }
}

static void check_commit(const struct chain_body *body, struct bundle *made)
{
    uint8_t bytes[256];
    uint8_t digest[64];
    struct rotor_room room = ROOM_OF(bytes);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    cbor_write_array(&out, 2);
    wire_write_key(&out, &made->auth_ots);
    wire_write_key(&out, &made->auth_sign);
    assert_ok(cbor_writer_finish(&out));
    enum crypto_hash hash = crypto_suite_of(body->suite)->hash;
    hash_label(hash, "rotor1 next-auth", bytes_in(&room),
               (struct rotor_bytes){0}, digest);
    assert_memory_equal(body->next_commit.bytes, digest,
                        crypto_hash_size(hash));
}

static void check_service(struct bundle *made)
{
    struct wire_sign ask = {0};
    struct wire_signed answer;
    struct wire_key key;
    assert_int_equal(peer_ask(&peer, WIRE_SIGN, &WIRE_LAYOUT_SIGN, &ask),
                     WIRE_SIGNED);
    peer_decode(&peer, &WIRE_LAYOUT_SIGNED, &answer);
    assert_ok(wire_key_decode(&key, answer.service_key));
    assert_true(wire_key_equal(&key, &made->service));
}

SPEC("S, K, T, A and chain of every suite are those that section 2 names")
{
    for (uint32_t suite = 1; suite <= 3; suite++) {
        struct asks asks = USUAL;
        struct bundle first, second;
        struct chain_entry entry;
        struct chain_trust next;
        asks.suite = suite;
        world_init(&world);
        world_start(&world);
        peer_init(&peer, &world);
        peer.suite = suite;
        assert_true(peer_pair(&peer));
        uint64_t draw = world.platform.draws;
        assert_int_equal(ask_generate(&peer, &asks), WIRE_ROT_AVAILABLE);
        peer_entry(&peer, &entry);
        make_bundle(suite, 0, draw, NULL, &first);
        assert_true(wire_key_equal(&entry.body.sign, &first.sign));
        assert_true(wire_key_equal(&entry.body.agree, &first.agree));
        check_commit(&entry.body, &first);
        memset(&trust, 0, sizeof trust);
        assert_true(entry_follows(&trust, entry.bytes, &next));
        trust = next;
        assert_int_equal(ask_accept0(&peer, &trust.body_hash), WIRE_ROT_DONE);
        assert_true(peer_pair(&peer));
        check_service(&first);

        draw = world.platform.draws;
        assert_int_equal(ask_rotate(&peer, 0, 1), WIRE_ROT_PREPARED);
        peer_entry(&peer, &entry);
        make_bundle(suite, 1, draw, first.chain, &second);
        assert_true(wire_key_equal(&entry.body.sign, &second.sign));
        assert_true(wire_key_equal(&entry.body.agree, &second.agree));
        assert_true(wire_key_equal(&entry.body.auth.ots, &first.auth_ots));
        assert_true(wire_key_equal(&entry.body.auth.sign, &first.auth_sign));
        check_commit(&entry.body, &second);
        assert_true(entry_follows(&trust, entry.bytes, &next));
        assert_int_equal(ask_commit(&peer, 1, &next.body_hash), WIRE_ROT_DONE);
        check_service(&second);
        peer_close(&peer);
        world_close(&world);
    }
}

SPEC("the same seed twice gives different keys: the draws are fresh")
{
    struct chain_trust first;
    world_at_cur(&world, &peer, &USUAL, &first);
    peer_close(&peer);
    world_close(&world);
    struct chain_trust second;
    struct peer other;
    world_init(&world);
    world.platform.draws = 1000;
    world_start(&world);
    peer_init(&other, &world);
    assert_true(peer_pair(&other));
    assert_int_equal(ask_generate(&other, &USUAL), WIRE_ROT_AVAILABLE);
    struct chain_entry entry;
    struct chain_trust none = {0};
    peer_entry(&other, &entry);
    assert_true(entry_follows(&none, entry.bytes, &second));
    assert_false(wire_key_equal(&first.sign, &second.sign));
    assert_false(wire_key_equal(&first.agree, &second.agree));
    peer_close(&other);
    world_close(&world);
}

// The root after a rotation whose seed is all zero, `more` draws later.
static void rotate_by_zeros(uint64_t more, struct chain_trust *next)
{
    static const uint8_t zeros[32] = {0};
    struct chain_entry entry;
    struct wire_rotate order = {.seed = BYTES_OF(zeros),
                                .seed_src = 1,
                                .reason = WIRE_REASON_SCHEDULED};
    world_at_cur(&world, &peer, &USUAL, &trust);
    world.platform.draws += more;
    assert_int_equal(ask_rotate_as(&peer, &order), WIRE_ROT_PREPARED);
    peer_entry(&peer, &entry);
    assert_true(entry_follows(&trust, entry.bytes, next));
    peer_close(&peer);
    world_close(&world);
}

SPEC("a seed of zeros, however often, gives fresh keys: the draws are fresh")
{
    struct chain_trust once, again, later;
    rotate_by_zeros(0, &once);
    rotate_by_zeros(0, &again);
    rotate_by_zeros(1000, &later);
    assert_true(wire_key_equal(&once.sign, &again.sign)); // all else is equal
    assert_false(wire_key_equal(&once.sign, &later.sign));
    assert_false(wire_key_equal(&once.agree, &later.agree));
    assert_false(wire_digest_equal(&once.next_commit, &later.next_commit));
}
