// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"
#include "base/secret.h"
#include "test/spec.h"

#include <string.h>

SPEC("big- and little-endian integers come back as they were written")
{
    uint8_t out[8];
    bytes_put_be64(out, 0x0102030405060708u);
    assert_memory_equal(out, "\1\2\3\4\5\6\7\10", 8);
    assert_true(bytes_be64(out) == 0x0102030405060708u);
    bytes_put_le64(out, 0x0102030405060708u);
    assert_memory_equal(out, "\10\7\6\5\4\3\2\1", 8);
    assert_true(bytes_le64(out) == 0x0102030405060708u);
    bytes_put_be16(out, 0xfe01);
    assert_int_equal(bytes_be16(out), 0xfe01);
    assert_int_equal(bytes_le16(out), 0x01fe);
    assert_int_equal(bytes_be32((const uint8_t *)"\xff\0\0\1"), 0xff000001);
    assert_int_equal(bytes_le32((const uint8_t *)"\1\0\0\xff"), 0xff000001);
}

SPEC("a copy that does not fit leaves the room empty, an append leaves it as "
     "it was")
{
    uint8_t memory[4];
    struct rotor_room room = ROOM_OF(memory);
    assert_ok(bytes_append(&room, LABEL("abc")));
    assert_int_equal(bytes_append(&room, LABEL("de")), ROTOR_TOO_SMALL);
    assert_true(bytes_equal(bytes_in(&room), LABEL("abc")));
    assert_int_equal(bytes_copy(&room, LABEL("abcde")), ROTOR_TOO_SMALL);
    assert_int_equal(room.used, 0);
}

SPEC("order is that of plain memory and a prefix comes first")
{
    assert_true(bytes_compare(LABEL("ab"), LABEL("abc")) < 0);
    assert_true(bytes_compare(LABEL("b"), LABEL("abc")) > 0);
    assert_int_equal(bytes_compare(LABEL(""), LABEL("")), 0);
    assert_false(bytes_equal(LABEL("a"), LABEL("b")));
}

SPEC("a difference in any byte of a secret is seen and a wipe leaves zeros")
{
    uint8_t a[33];
    uint8_t b[33];
    memset(a, 0x5a, sizeof a);
    memset(b, 0x5a, sizeof b);
    assert_true(secret_equal(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] ^= 0x80;
        assert_false(secret_equal(a, b, sizeof a));
        b[i] ^= 0x80;
    }
    secret_wipe(a, sizeof a);
    memset(b, 0, sizeof b);
    assert_memory_equal(a, b, sizeof a);
}

SPEC("every status has a name and an unknown one is called unknown")
{
    assert_string_equal(rotor_status_name(ROTOR_TOO_SMALL), "too-small");
    assert_string_equal(rotor_status_name(ROTOR_PORT_FAILED), "port-failed");
    assert_string_equal(rotor_status_name((enum rotor_status)99), "unknown");
}
