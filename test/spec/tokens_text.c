// SPDX-License-Identifier: Apache-2.0
#include "test/spec/tokens_text.h"

#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"

static int digit_of(char c)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    c = c == '-' ? '+' : c == '_' ? '/' : c;
    const char *found = c == 0 ? NULL : strchr(digits, c);
    return found == NULL ? -1 : (int)(found - digits);
}

void text_base64(const char *text, size_t size, struct rotor_room *room)
{
    unsigned bits = 0;
    unsigned count = 0;
    for (size_t i = 0; i < size; i++) {
        int digit = digit_of(text[i]);
        if (digit < 0) {
            continue;
        }
        bits = (bits << 6 | (unsigned)digit) & 0xffffff;
        count += 6;
        if (count >= 8) {
            count -= 8;
            uint8_t byte = (uint8_t)(bits >> count);
            assert_ok(bytes_append(room, bytes_of(&byte, 1)));
        }
    }
}

bool text_pem_key(const char *path, struct verify_public *key)
{
    struct vectors v;
    struct rotor_bytes file;
    uint8_t memory[1024];
    struct rotor_room der = ROOM_OF(memory);
    if (!vectors_open_bytes(&v, path, &file)) {
        return false;
    }
    const char *body = strstr((const char *)file.data, "KEY-----\n");
    const char *end = body == NULL ? NULL : strstr(body + 9, "-----END");
    assert_non_null(end);
    text_base64(body + 9, (size_t)(end - body - 9), &der);
    assert_null(verify_public_decode_spki(bytes_in(&der), key));
    vectors_close(&v);
    return true;
}

// object[name_hex] as hex, or object[name] as Base64.
static struct rotor_bytes field(struct vectors *v, const json_t *object,
                                const char *name)
{
    static uint8_t memory[8][512];
    static unsigned next;
    char hex_name[32];
    snprintf(hex_name, sizeof hex_name, "%s_hex", name);
    if (json_object_get(object, hex_name) != NULL) {
        return vectors_bytes(v, object, hex_name);
    }
    const char *text = vectors_text(object, name);
    struct rotor_room room = {memory[next++ % 8], sizeof memory[0], 0};
    text_base64(text, strlen(text), &room);
    return bytes_in(&room);
}

static void put_point(struct verify_public *key, size_t size,
                      struct rotor_bytes x, struct rotor_bytes y)
{
    assert_true(x.size <= size && y.size <= size);
    memcpy(key->bytes + size - x.size, x.data, x.size);
    memcpy(key->bytes + 2 * size - y.size, y.data, y.size);
    key->size = 2 * size;
}

const char *text_json_key(struct vectors *v, const json_t *object,
                          struct verify_public *key)
{
    const char *kty = vectors_text(object, "kty");
    const char *curve = vectors_text(object, "crv");
    *key = (struct verify_public){0};
    if (strcmp(kty, "oct") == 0) {
        key->kind = VERIFY_PUBLIC_SECRET;
        key->secret = field(v, object, "k");
    } else if (strcmp(kty, "RSA") == 0) {
        key->kind = VERIFY_PUBLIC_RSA;
        key->modulus = field(v, object, "n");
        key->exponent = field(v, object, "e");
    } else if (strcmp(kty, "OKP") == 0 && strcmp(curve, "Ed25519") == 0) {
        key->kind = VERIFY_PUBLIC_ED25519;
        struct rotor_bytes x = field(v, object, "x");
        key->size = x.size;
        memcpy(key->bytes, x.data, x.size);
    } else if (strcmp(kty, "HSS-LMS") == 0) {
        struct rotor_bytes pub = vectors_bytes(v, object, "public");
        assert_true(pub.size <= sizeof key->bytes);
        key->kind = VERIFY_PUBLIC_HSS;
        key->size = pub.size;
        memcpy(key->bytes, pub.data, pub.size);
    } else if (strncmp(kty, "EC", 2) == 0) {
        key->kind = strcmp(curve, "P-256") == 0   ? VERIFY_PUBLIC_P256
                    : strcmp(curve, "P-384") == 0 ? VERIFY_PUBLIC_P384
                                                  : VERIFY_PUBLIC_P521;
        put_point(key, verify_public_coordinate(key->kind),
                  field(v, object, "x"), field(v, object, "y"));
    } else {
        return "not supported: a key of another type";
    }
    return NULL;
}
