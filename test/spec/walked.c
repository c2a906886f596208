// SPDX-License-Identifier: Apache-2.0
// What a walk remembers of a log that is longer than its memory.
#include "app/rotor/walked.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "test/spec.h"

#define LENGTH (3u * WALKED_IN_MEMORY + 7u)

static struct chain_body body_of(uint32_t number)
{
    struct chain_body body = {.epoch = number};
    body.sign.type = WIRE_KEY_ED25519;
    bytes_put_be32(body.sign.bytes, number);
    body.next_commit = (struct wire_digest){CRYPTO_SHA256, {0}};
    bytes_put_be32(body.next_commit.bytes, number);
    return body;
}

static struct chain_trust trust_of(uint32_t number, uint8_t incarnation)
{
    struct chain_trust trust = {
        .order = {incarnation, number}
    };
    trust.body_hash = (struct wire_digest){CRYPTO_SHA256, {1}};
    bytes_put_be32(trust.body_hash.bytes + 4, number);
    return trust;
}

static struct walked walked;

static void add(uint32_t from, uint32_t to, uint8_t incarnation)
{
    for (uint32_t i = from; i < to; i++) {
        const struct chain_body body = body_of(i);
        const struct chain_trust trust = trust_of(i, incarnation);
        assert_ok(walked_add(&walked, &body, &trust));
    }
}

static bool has_seen(uint32_t number)
{
    const struct chain_body body = body_of(number);
    struct chain_fingerprint key;
    struct chain_fingerprint commit;
    bool has_key = false;
    bool has_commit = false;
    assert_ok(chain_fingerprint_key(&body.sign, &key));
    assert_ok(chain_fingerprint_commit(&body.next_commit, &commit));
    assert_ok(walked_has_seen(&walked, &key, &has_key));
    assert_ok(walked_has_seen(&walked, &commit, &has_commit));
    assert_int_equal(has_key, has_commit);
    return has_key;
}

SPEC("every key of a log that is longer than memory is known, the first as the "
     "last, and no other")
{
    assert_ok(walked_open(&walked));
    add(0, LENGTH, 0);
    for (uint32_t i = 0; i < LENGTH; i++) {
        assert_true(has_seen(i));
    }
    for (uint32_t i = LENGTH; i < LENGTH + 500; i++) {
        assert_false(has_seen(i));
    }
    walked_close(&walked);
}

SPEC(
    "every entry of a log that is longer than memory is found by its epoch and "
    "its hash, the newest of two")
{
    struct chain_trust at;
    bool found = false;
    assert_ok(walked_open(&walked));
    add(0, LENGTH, 0);
    add(5, 6, 9);
    add(LENGTH, LENGTH + WALKED_IN_MEMORY, 0); // the second one leaves memory
    const uint32_t wanted[] = {0, 1, WALKED_IN_MEMORY - 1, WALKED_IN_MEMORY,
                               LENGTH - 1};
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        const struct chain_trust trust = trust_of(wanted[i], 0);
        const struct wire_head head = {wanted[i], trust.body_hash};
        assert_ok(walked_find(&walked, &head, &at, &found));
        assert_true(found);
        assert_int_equal(at.order.incarnation, 0);
        assert_true(wire_digest_equal(&at.body_hash, &trust.body_hash));
    }
    const struct chain_trust five = trust_of(5, 9);
    const struct wire_head head = {5, five.body_hash};
    assert_ok(walked_find(&walked, &head, &at, &found));
    assert_true(found);
    assert_int_equal(at.order.incarnation, 9);
    const struct wire_head other = {6, five.body_hash};
    assert_ok(walked_find(&walked, &other, &at, &found));
    assert_false(found);
    walked_close(&walked);
}

SPEC("without room for a file a long log is not walked, and nothing is left "
     "behind")
{
    char folder[] = "/tmp/rotor-walked-XXXXXX";
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("TMPDIR", folder, 1), 0);
    assert_ok(walked_open(&walked));
    add(0, LENGTH, 0);
    assert_int_equal(rmdir(folder), 0); // empty, though the files are open
    walked_close(&walked);
    assert_ok(walked_open(&walked));
    add(0, WALKED_IN_MEMORY, 0);
    const struct chain_body body = body_of(WALKED_IN_MEMORY);
    const struct chain_trust trust = trust_of(WALKED_IN_MEMORY, 0);
    assert_int_equal(walked_add(&walked, &body, &trust), ROTOR_PORT_FAILED);
    walked_close(&walked);
    assert_int_equal(unsetenv("TMPDIR"), 0);
}
