// SPDX-License-Identifier: Apache-2.0
// Base64 and the PEM around it.
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "verify/pem.h"

static struct rotor_bytes text_of(const char *text)
{
    return bytes_of(text, strlen(text));
}

// ---- Base64 ----------------------------------------------------------------

SPEC("Base64 of every length is what OpenSSL's encoder took in")
{
    uint8_t bytes[100];
    uint8_t decoded[100];
    unsigned char text[200];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 89 + 7);
    }
    for (size_t size = 0; size <= sizeof bytes; size++) {
        struct rotor_room room = ROOM_OF(decoded);
        int length = EVP_EncodeBlock(text, bytes, (int)size);
        assert_ok(verify_base64_decode(bytes_of(text, (size_t)length), &room));
        assert_true(bytes_equal(bytes_in(&room), bytes_of(bytes, size)));
    }
}

SPEC("Base64 has one spelling: spare bits, stray padding and letters are "
     "refused")
{
    static const char *const wrong[] = {
        "A",    "AA",       "AAA",   "AB==", "AAB=",     "A===", "====",
        "AA=A", "AA==AAAA", "AAAA=", "AA-_", "AAAA\x80", "AA\0A"};
    uint8_t memory[16];
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct rotor_room room = ROOM_OF(memory);
        assert_int_equal(verify_base64_decode(text_of(wrong[i]), &room),
                         ROTOR_MALFORMED);
        assert_int_equal(room.used, 0);
    }
    struct rotor_room room = ROOM_OF(memory);
    assert_ok(verify_base64_decode(text_of("AA\r\n ==\n"), &room));
    assert_int_equal(room.used, 1);
    room.capacity = 2;
    assert_int_equal(verify_base64_decode(text_of("AAAA"), &room),
                     ROTOR_TOO_SMALL);
}

// ---- PEM -------------------------------------------------------------------

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END   "-----END CERTIFICATE-----"

// What it is refused with leaves the text and the room as they were.
static enum rotor_status pem(const char *text, size_t capacity,
                             struct rotor_room *der)
{
    static uint8_t out[64];
    size_t size = strlen(text);
    uint8_t *exact = malloc(size == 0 ? 1 : size); // no zero behind it
    assert_non_null(exact);
    memcpy(exact, text, size);
    struct rotor_bytes rest = bytes_of(exact, size);
    struct rotor_bytes one;
    *der = (struct rotor_room){out, capacity, 0};
    enum rotor_status status =
        verify_pem_next(&rest, LABEL("CERTIFICATE"), der, &one);
    if (status != ROTOR_OK) {
        assert_int_equal(rest.size, size);
        assert_int_equal(der->used, 0);
    }
    free(exact);
    return status;
}

SPEC("PEM gives what was encoded, whatever white space is in it")
{
    static const struct {
        const char *text, *bytes;
    } rows[] = {
        {BEGIN END,                                    ""            },
        {BEGIN "\n" END,                               ""            },
        {BEGIN "\nYQ==\n" END "\n",                    "a"           },
        {BEGIN "\r\nYWI=\r\n" END,                     "ab"          },
        {BEGIN "\nYWJj\n" END,                         "abc"         },
        {" \n" BEGIN "\nYW\nJ jZA\t==\n" END "\nrest", "abcd"        },
        {BEGIN "\n+/+/\n" END,                         "\xfb\xff\xbf"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct rotor_room der;
        assert_ok(pem(rows[i].text, 64, &der));
        assert_int_equal(der.used, strlen(rows[i].bytes));
        assert_memory_equal(der.data, rows[i].bytes, der.used);
    }
}

SPEC("PEM that is cut, padded wrongly or not Base64 is refused")
{
    static const char *const rows[] = {
        "x",
        "-----BEGIN CERTIFICATE----",
        "-----BEGIN X509 CRL-----\nYQ==\n-----END X509 CRL-----",
        BEGIN,
        BEGIN "\nYWJj\n",
        BEGIN "\nYWJj\n-----END CERTIFICATE----",
        BEGIN "\nYWJj\n-----END CERTIFICATES-----",
        BEGIN "\nYQ=\n" END,
        BEGIN "\nYQ\n" END,
        BEGIN "\nY\n" END,
        BEGIN "\nY===\n" END,
        BEGIN "\n====\n" END,
        BEGIN "\nYR==\n" END, // bits beyond the byte
        BEGIN "\nYWK=\n" END,
        BEGIN "\nYQ=a\n" END,
        BEGIN "\nYQ==YQ==\n" END,
        BEGIN "\nYQ==YWJj\n" END,
        BEGIN "\nYW*j\n" END,
        BEGIN "\nYW_j\n" END,
    };
    struct rotor_room der;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (pem(rows[i], 64, &der) != ROTOR_MALFORMED) {
            fail_msg("%s", rows[i]);
        }
    }
}

SPEC("PEM ends with nothing, with white space or with one zero byte")
{
    static const uint8_t zero[] = {'\n', 0};
    static const uint8_t zeros[] = {0, 0};
    struct rotor_room der;
    struct rotor_bytes one;
    assert_int_equal(pem("", 64, &der), ROTOR_AGAIN);
    assert_int_equal(pem(" \r\n\t", 64, &der), ROTOR_AGAIN);
    struct rotor_bytes rest = BYTES_OF(zero);
    assert_int_equal(verify_pem_next(&rest, LABEL("CERTIFICATE"), &der, &one),
                     ROTOR_AGAIN);
    rest = BYTES_OF(zeros);
    assert_int_equal(verify_pem_next(&rest, LABEL("CERTIFICATE"), &der, &one),
                     ROTOR_MALFORMED);
    assert_int_equal(pem(BEGIN "YWJj" END, 2, &der), ROTOR_TOO_SMALL);
    assert_ok(pem(BEGIN "YWJj" END, 3, &der));
}

SPEC("blocks are taken one after the other, and only those of the label")
{
    uint8_t memory[16];
    struct rotor_room der = ROOM_OF(memory);
    struct rotor_bytes one;
    struct rotor_bytes rest =
        text_of("-----BEGIN A B-----\nAQID\n"
                "-----END A B-----\n"
                "-----BEGIN C-----\nBAUG\n-----END C-----");
    assert_int_equal(verify_pem_next(&rest, LABEL("A"), &der, &one),
                     ROTOR_MALFORMED);
    assert_ok(verify_pem_next(&rest, LABEL("A B"), &der, &one));
    assert_int_equal(verify_pem_next(&rest, LABEL("A B"), &der, &one),
                     ROTOR_MALFORMED);
    assert_ok(verify_pem_next(&rest, LABEL("C"), &der, &one));
    assert_memory_equal(one.data, "\x04\x05\x06", 3);
    assert_int_equal(verify_pem_next(&rest, LABEL("C"), &der, &one),
                     ROTOR_AGAIN);
    assert_int_equal(der.used, 6);
    assert_memory_equal(memory, "\x01\x02\x03\x04\x05\x06", 6);
}
