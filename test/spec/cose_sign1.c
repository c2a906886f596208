// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/hex.h"
#include "wire/cose.h"

static const uint8_t lmots_id[CRYPTO_LMOTS_ID] = {1};
static const uint8_t lmots_seed[CRYPTO_LMOTS_SEED] = {2};

static struct crypto_key derived(enum crypto_scheme scheme, uint8_t seed_byte)
{
    uint8_t seed[CRYPTO_SEED_MAX] = {seed_byte};
    struct crypto_key key = {0};
    assert_ok(crypto_key_derive(&key, scheme, seed));
    return key;
}

static struct wire_key public_of(const struct crypto_key *key)
{
    struct wire_key public_key;
    assert_ok(wire_key_of(key, &public_key));
    return public_key;
}

static const struct wire_statement said = {
    {(const uint8_t *)"rotor1 attest", 13},
    {(const uint8_t *)"payload",       7 }
};

// A signature by `scheme` (CRYPTO_SCHEME_NONE: LM-OTS) with its public key.
struct sample {
    struct wire_key key;
    struct rotor_room sign1;
    uint8_t bytes[WIRE_SIGN1_MAX];
};

static void sign_sample(struct sample *sample, enum crypto_scheme scheme)
{
    sample->sign1 = (struct rotor_room){sample->bytes, WIRE_SIGN1_MAX, 0};
    if (scheme == CRYPTO_SCHEME_NONE) {
        assert_ok(wire_key_of_lmots(lmots_id, lmots_seed, &sample->key));
        assert_ok(
            wire_cose_sign_lmots(lmots_id, lmots_seed, &said, &sample->sign1));
        return;
    }
    struct crypto_key key = derived(scheme, 1);
    sample->key = public_of(&key);
    assert_ok(wire_cose_sign(&key, &said, &sample->sign1));
    crypto_key_close(&key);
}

static bool is_accepted(const struct wire_key *key,
                        const struct wire_statement *statement,
                        struct rotor_bytes sign1)
{
    bool valid = true;
    enum rotor_status status = wire_cose_verify(key, statement, sign1, &valid);
    assert_true(status == ROTOR_OK || !valid);
    return valid;
}

static const enum crypto_scheme signers[] = {CRYPTO_SCHEME_NONE, CRYPTO_ED25519,
                                             CRYPTO_P256, CRYPTO_P384};

SPEC("a statement verifies under its key, context and payload alone")
{
    for (size_t i = 0; i < COUNT_OF(signers); i++) {
        struct sample sample;
        sign_sample(&sample, signers[i]);
        struct rotor_bytes sign1 = bytes_in(&sample.sign1);
        assert_true(is_accepted(&sample.key, &said, sign1));

        struct wire_statement other = said;
        other.context = LABEL("rotor1 done");
        assert_false(is_accepted(&sample.key, &other, sign1));
        other.context = LABEL("rotor1 attest\0");
        assert_false(is_accepted(&sample.key, &other, sign1));
        other.context = LABEL("rotor1 attes");
        assert_false(is_accepted(&sample.key, &other, sign1));
        other = said;
        other.payload = LABEL("payloae");
        assert_false(is_accepted(&sample.key, &other, sign1));
        for (size_t j = 0; j < COUNT_OF(signers); j++) {
            struct sample stranger;
            sign_sample(&stranger, signers[j]);
            assert_int_equal(is_accepted(&stranger.key, &said, sign1), i == j);
        }
    }
    struct crypto_key same_scheme = derived(CRYPTO_P256, 2);
    struct wire_key stranger = public_of(&same_scheme);
    struct sample sample;
    sign_sample(&sample, CRYPTO_P256);
    assert_false(is_accepted(&stranger, &said, bytes_in(&sample.sign1)));
    crypto_key_close(&same_scheme);
}

SPEC("no flipped bit of a signature is accepted")
{
    for (size_t i = 0; i < COUNT_OF(signers); i++) {
        struct sample sample;
        sign_sample(&sample, signers[i]);
        struct rotor_bytes sign1 = bytes_in(&sample.sign1);
        // All of the head, then a sample of what is long or slow.
        size_t step = 1;
        for (size_t bit = 0; bit < 8 * sign1.size; bit += step) {
            sample.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(is_accepted(&sample.key, &said, sign1));
            sample.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            step = bit < 8 * 24 || sign1.size < 80 ? 1 : 23;
        }
        for (size_t size = 0; size < sign1.size; size += size < 24 ? 1 : 17) {
            assert_false(
                is_accepted(&sample.key, &said, bytes_of(sign1.data, size)));
        }
    }
}

SPEC("the bytes that are signed are those of section 3")
{
    uint8_t message[128];
    uint8_t head[16];
    // ["Signature1", {1: -8}, "rotor1 attest" || 0, "payload"]
    struct rotor_bytes expected =
        from_hex("846a5369676e61747572653143a101274e726f746f7231206174746573"
                 "7400477061796c6f6164",
                 message);
    struct crypto_key key = derived(CRYPTO_ED25519, 1);
    struct sample sample;
    sign_sample(&sample, CRYPTO_ED25519);
    struct rotor_bytes sign1 = bytes_in(&sample.sign1);
    struct rotor_bytes start = from_hex("8443a10127a0f65840", head);
    assert_int_equal(sign1.size, start.size + 64);
    assert_memory_equal(sign1.data, start.data, start.size);
    bool valid = false;
    assert_ok(crypto_verify(&key, expected,
                            bytes_of(sign1.data + start.size, 64), &valid));
    assert_true(valid);
    crypto_key_close(&key);
}

// ---- forms -----------------------------------------------------------------

struct made_up {
    const char *before; // hex, up to the signature's head
    const char *protected_header;
};

// A COSE_Sign1 of any form whose signature is genuine for its own header.
static struct rotor_bytes genuine(const struct crypto_key *key,
                                  const struct made_up *form, uint8_t *bytes)
{
    uint8_t header[64];
    uint8_t signed_bytes[128];
    struct rotor_room message = ROOM_OF(signed_bytes);
    assert_ok(wire_cose_signed_bytes(from_hex(form->protected_header, header),
                                     LABEL("rotor1 attest\0"), said.payload,
                                     &message));
    struct rotor_bytes before = from_hex(form->before, bytes);
    bytes[before.size] = 0x58;
    bytes[before.size + 1] = 64;
    struct rotor_room signature = {bytes + before.size + 2, 64, 0};
    assert_ok(crypto_sign(key, bytes_in(&message), &signature));
    return bytes_of(bytes, before.size + 66);
}

SPEC("the header may only repeat the algorithm of the stored key")
{
    static const struct made_up forms[] = {
        {"8443a10126a0f6",         "a10126"        }, // ES256, as it should be
        {"8443a10127a0f6",         "a10127"        }, // EdDSA
        {"8444a1013822a0f6",       "a1013822"      }, // ES384
        {"8443a10100a0f6",         "a10100"        }, // none
        {"8447a1013a00010000a0f6", "a1013a00010000"}, // LM-OTS
    };
    struct crypto_key key = derived(CRYPTO_P256, 1);
    struct wire_key public_key = public_of(&key);
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        uint8_t bytes[128];
        struct rotor_bytes sign1 = genuine(&key, &forms[i], bytes);
        bool valid = true;
        assert_ok(wire_cose_verify(&public_key, &said, sign1, &valid));
        assert_int_equal(valid, i == 0);
        valid = true;
        assert_ok(wire_cose_verify_with(&key, &said, sign1, &valid));
        assert_int_equal(valid, i == 0);
    }
    crypto_key_close(&key);
}

SPEC("under another algorithm even a signature of nothing is not valid")
{
    uint8_t bytes[WIRE_SIGN1_MAX];
    struct rotor_bytes empty = {NULL, 0};
    struct crypto_key key = derived(CRYPTO_P256, 1);
    struct wire_key public_key = public_of(&key);
    bool valid = true;
    struct rotor_bytes before = from_hex("8443a10127a0f65840", bytes);
    struct rotor_room signature = {bytes + before.size, 64, 0};
    assert_ok(crypto_sign(&key, empty, &signature));
    assert_ok(wire_cose_verify(&public_key, &said,
                               bytes_of(bytes, before.size + 64), &valid));
    assert_false(valid);
    crypto_key_close(&key);

    valid = true;
    assert_ok(wire_key_of_lmots(lmots_id, lmots_seed, &public_key));
    before = from_hex("8443a10126a0f6590884", bytes);
    assert_ok(
        crypto_lmots_sign(lmots_id, lmots_seed, empty, bytes + before.size));
    assert_ok(wire_cose_verify(
        &public_key, &said,
        bytes_of(bytes, before.size + CRYPTO_LMOTS_SIGNATURE), &valid));
    assert_false(valid);
}

SPEC("another form of COSE_Sign1 is refused, though its signature is genuine")
{
    static const struct made_up forms[] = {
        {"d28443a10126a0f6",             "a10126"          }, // tagged
        {"8443a10126a0477061796c6f6164", "a10126"          }, // payload attached
        {"8443a10126a040",               "a10126"          }, // empty payload
        {"8443a10126a1044131f6",         "a10126"          }, // kid unprotected
        {"8443a1012680f6",               "a10126"          }, // no map
        {"8445a201260300a0f6",           "a201260300"      }, // content type
        {"8446a20126044131a0f6",         "a20126044131"    }, // kid in the plain form
        {"8446a20126028101a0f6",         "a20126028101"    }, // crit
        {"8440a0f6",                     ""                }, // no header
        {"8441a0a0f6",                   "a0"              }, // no algorithm
        {"8444a1013806a0f6",             "a1013806"        }, // -7 in two bytes
        {"844401a10126a0f6",             "01a10126"        }, // two items
        {"8444a1012600a0f6",             "a1012600"        }, // something behind
        {"8449a101654553323536a0f6",     "a101654553323536"}, // "ES256"
        {"8363a10126a0f6",               "a10126"          }, // text
        {"8343a10126a0",                 "a10126"          }, // three
        {"8543a10126a0f6f6",             "a10126"          }, // five
    };
    struct crypto_key key = derived(CRYPTO_P256, 1);
    struct wire_key public_key = public_of(&key);
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        uint8_t bytes[160];
        struct rotor_bytes sign1 = genuine(&key, &forms[i], bytes);
        bool valid = true;
        assert_int_equal(wire_cose_verify(&public_key, &said, sign1, &valid),
                         ROTOR_MALFORMED);
        assert_false(valid);
    }
    struct made_up plain = {"8443a10126a0f6", "a10126"};
    uint8_t bytes[160];
    struct rotor_bytes sign1 = genuine(&key, &plain, bytes);
    assert_true(is_accepted(&public_key, &said, sign1));
    bytes[sign1.size] = 0;
    assert_false(
        is_accepted(&public_key, &said, bytes_of(bytes, sign1.size + 1)));
    crypto_key_close(&key);
}

SPEC("the form of the recovery authority names the kid and is no other form")
{
    static const enum crypto_scheme schemes[] = {CRYPTO_ED25519, CRYPTO_P256,
                                                 CRYPTO_P384};
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        uint8_t bytes[256];
        uint8_t plain_bytes[256];
        struct rotor_room sign1 = ROOM_OF(bytes);
        struct rotor_room plain = ROOM_OF(plain_bytes);
        struct crypto_key key = derived(schemes[i], 1);
        struct wire_key public_key = public_of(&key);
        struct wire_digest kid;
        struct rotor_bytes named;
        bool valid = false;
        assert_ok(wire_key_id(&public_key, &kid));
        assert_ok(wire_cose_sign_ra(&key, &said, &sign1));
        assert_ok(wire_cose_sign(&key, &said, &plain));
        assert_ok(wire_cose_kid(bytes_in(&sign1), &named));
        assert_true(bytes_equal(named, wire_digest_bytes(&kid)));
        assert_ok(
            wire_cose_verify_ra(&public_key, &said, bytes_in(&sign1), &valid));
        assert_true(valid);
        assert_false(is_accepted(&public_key, &said, bytes_in(&sign1)));
        assert_int_equal(
            wire_cose_verify_ra(&public_key, &said, bytes_in(&plain), &valid),
            ROTOR_MALFORMED);
        assert_false(valid);
        assert_int_equal(wire_cose_kid(bytes_in(&plain), &named),
                         ROTOR_MALFORMED);
        assert_int_equal(named.size, 0);
        struct wire_statement other = {LABEL("rotor1 entry/ra"), said.payload};
        assert_ok(
            wire_cose_verify_ra(&public_key, &other, bytes_in(&sign1), &valid));
        assert_false(valid);
        crypto_key_close(&key);
    }
}

SPEC("a genuine signature under the kid of another key is not valid")
{
    uint8_t header_bytes[64];
    uint8_t signed_bytes[192];
    uint8_t bytes[192];
    struct rotor_room header = ROOM_OF(header_bytes);
    struct rotor_room message = ROOM_OF(signed_bytes);
    struct rotor_room sign1 = ROOM_OF(bytes);
    uint8_t signature_bytes[64];
    struct rotor_room signature = ROOM_OF(signature_bytes);
    struct crypto_key key = derived(CRYPTO_P256, 1);
    struct wire_key public_key = public_of(&key);
    struct wire_digest kid;
    assert_ok(wire_key_id(&public_key, &kid));
    for (unsigned wrong = 0; wrong < 2; wrong++) {
        struct cbor_writer out;
        kid.bytes[31] ^= (uint8_t)wrong;
        cbor_writer_init(&out, &header);
        cbor_write_map(&out, 2);
        cbor_write_int(&out, 1);
        cbor_write_int(&out, -7);
        cbor_write_int(&out, 4);
        cbor_write_bytes(&out, wire_digest_bytes(&kid));
        assert_ok(cbor_writer_finish(&out));
        assert_ok(wire_cose_signed_bytes(bytes_in(&header),
                                         LABEL("rotor1 attest\0"), said.payload,
                                         &message));
        assert_ok(crypto_sign(&key, bytes_in(&message), &signature));
        cbor_writer_init(&out, &sign1);
        cbor_write_array(&out, 4);
        cbor_write_bytes(&out, bytes_in(&header));
        cbor_write_map(&out, 0);
        cbor_write_nil(&out);
        cbor_write_bytes(&out, bytes_in(&signature));
        assert_ok(cbor_writer_finish(&out));
        bool valid = wrong;
        assert_ok(
            wire_cose_verify_ra(&public_key, &said, bytes_in(&sign1), &valid));
        assert_int_equal(valid, !wrong);
    }
    crypto_key_close(&key);
}

// ---- limits and refusals ---------------------------------------------------

SPEC("a payload up to the limit is signed, a longer one is refused")
{
    static uint8_t payload[WIRE_SIGNED_MAX + 1];
    static uint8_t context[65];
    uint8_t bytes[128];
    for (size_t i = 0; i < COUNT_OF(signers); i++) {
        struct sample sample;
        sign_sample(&sample, signers[i]);
        struct wire_statement most = {bytes_of(context, 64),
                                      bytes_of(payload, WIRE_SIGNED_MAX)};
        bool valid = true;
        assert_ok(wire_cose_verify(&sample.key, &most, bytes_in(&sample.sign1),
                                   &valid));
        assert_false(valid);
        struct wire_statement more = {said.context, BYTES_OF(payload)};
        assert_int_equal(wire_cose_verify(&sample.key, &more,
                                          bytes_in(&sample.sign1), &valid),
                         ROTOR_MALFORMED);
    }
    struct crypto_key key = derived(CRYPTO_P256, 1);
    struct wire_key public_key = public_of(&key);
    struct rotor_room sign1 = ROOM_OF(bytes);
    struct wire_statement most = {bytes_of(context, 64),
                                  bytes_of(payload, WIRE_SIGNED_MAX)};
    assert_ok(wire_cose_sign(&key, &most, &sign1));
    assert_true(is_accepted(&public_key, &most, bytes_in(&sign1)));
    struct wire_statement more = {said.context, BYTES_OF(payload)};
    assert_int_equal(wire_cose_sign(&key, &more, &sign1), ROTOR_INVALID);
    assert_int_equal(sign1.used, 0);
    struct wire_statement long_context = {BYTES_OF(context), said.payload};
    assert_int_equal(wire_cose_sign(&key, &long_context, &sign1),
                     ROTOR_INVALID);
    crypto_key_close(&key);
}

SPEC("signing gives all or nothing")
{
    uint8_t bytes[WIRE_SIGN1_MAX];
    for (size_t i = 0; i < COUNT_OF(signers); i++) {
        struct sample sample;
        sign_sample(&sample, signers[i]);
        struct rotor_room room = {bytes, sample.sign1.used - 1, 9};
        struct crypto_key key = {0};
        enum rotor_status status;
        if (signers[i] == CRYPTO_SCHEME_NONE) {
            status = wire_cose_sign_lmots(lmots_id, lmots_seed, &said, &room);
        } else {
            key = derived(signers[i], 1);
            status = wire_cose_sign(&key, &said, &room);
        }
        assert_int_equal(status, ROTOR_TOO_SMALL);
        assert_int_equal(room.used, 0);
        crypto_key_close(&key);
    }
}

SPEC("a key that agrees neither signs nor verifies")
{
    uint8_t bytes[256];
    struct rotor_room sign1 = {bytes, sizeof bytes, 5};
    struct crypto_key key = derived(CRYPTO_X25519, 1);
    struct wire_key public_key = public_of(&key);
    bool valid = true;
    assert_int_equal(wire_cose_sign(&key, &said, &sign1), ROTOR_INVALID);
    assert_int_equal(sign1.used, 0);
    struct rotor_bytes none = from_hex("8443a10100a0f640", bytes);
    assert_int_equal(wire_cose_verify(&public_key, &said, none, &valid),
                     ROTOR_INVALID);
    assert_false(valid);
    valid = true;
    assert_int_equal(wire_cose_verify_with(&key, &said, none, &valid),
                     ROTOR_INVALID);
    assert_false(valid);
    crypto_key_close(&key);
}

SPEC("LM-OTS signs the same statement to the same bytes, never for the RA")
{
    struct sample a;
    struct sample b;
    sign_sample(&a, CRYPTO_SCHEME_NONE);
    sign_sample(&b, CRYPTO_SCHEME_NONE);
    assert_true(bytes_equal(bytes_in(&a.sign1), bytes_in(&b.sign1)));
    assert_true(a.sign1.used <= WIRE_SIGN1_MAX);
    uint8_t bytes[256] = {0};
    uint8_t *at = bytes;
    struct wire_digest kid;
    assert_ok(wire_key_id(&a.key, &kid));
    at += from_hex("84582aa2013a00010000045820", at).size;
    memcpy(at, kid.bytes, 32);
    from_hex("a0f640", at + 32);
    bool valid = true;
    assert_int_equal(
        wire_cose_verify_ra(&a.key, &said,
                            bytes_of(bytes, (size_t)(at - bytes) + 35), &valid),
        ROTOR_INVALID);
    assert_false(valid);
}

SPEC("an LM-OTS key of another type or with q other than 0 verifies nothing")
{
    struct sample sample;
    sign_sample(&sample, CRYPTO_SCHEME_NONE);
    assert_true(is_accepted(&sample.key, &said, bytes_in(&sample.sign1)));
    sample.key.bytes[3] = 4;
    assert_false(is_accepted(&sample.key, &said, bytes_in(&sample.sign1)));
    sample.key.bytes[3] = 3;
    sample.key.bytes[23] = 1;
    assert_false(is_accepted(&sample.key, &said, bytes_in(&sample.sign1)));
}
