// SPDX-License-Identifier: Apache-2.0
// Evidence that travels as text.
#include <stdlib.h>
#include <string.h>

#include "app/rotor/foreign_detect.h"
#include "base/bytes.h"
#include "verify/oak.h"
#include "verify/pem.h"

// ---- hex -------------------------------------------------------------------

static int digit_of(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    uint8_t lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

// How many digits, all else being blanks; 0 if it is no hex.
static size_t count_digits(struct rotor_bytes text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (digit_of(text.data[i]) >= 0) {
            count++;
        } else if (!is_blank(text.data[i])) {
            return 0;
        }
    }
    return count % 2 == 0 ? count : 0;
}

static bool take_hex(struct rotor_room *content)
{
    struct rotor_bytes text = bytes_in(content);
    bool has_prefix = text.size > 2 && text.data[0] == '0' &&
                      (text.data[1] == 'x' || text.data[1] == 'X');
    if (has_prefix) {
        text = bytes_of(text.data + 2, text.size - 2);
    }
    if (count_digits(text) < 64) { // less is no evidence of anything
        return false;
    }
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        int digit = digit_of(text.data[i]);
        if (digit < 0) {
            continue;
        }
        uint8_t *at = &content->data[count / 2];
        *at = (uint8_t)(count % 2 == 0 ? digit << 4 : *at | digit);
        count++;
    }
    content->used = count / 2;
    return true;
}

// ---- others ----------------------------------------------------------------

typedef enum rotor_status decoder(struct rotor_bytes text,
                                  struct rotor_room *binary);

static enum rotor_status decode_pem(struct rotor_bytes text,
                                    struct rotor_room *binary)
{
    enum rotor_status status = ROTOR_OK;
    while (status == ROTOR_OK) {
        struct rotor_bytes one;
        status = verify_pem_next(&text, LABEL("CERTIFICATE"), binary, &one);
    }
    return status == ROTOR_AGAIN && binary->used != 0 ? ROTOR_OK
                                                      : ROTOR_MALFORMED;
}

// What was decoded must be evidence: all kinds of text are Base64.
static bool take(struct rotor_room *content, decoder *decode)
{
    struct rotor_room binary = {malloc(content->used + 1), content->used, 0};
    bool is_it = binary.data != NULL &&
                 decode(bytes_in(content), &binary) == ROTOR_OK &&
                 (foreign_detect(bytes_in(&binary)) != FOREIGN_UNKNOWN ||
                  foreign_unsupported(bytes_in(&binary)) != NULL);
    if (is_it) {
        memcpy(content->data, binary.data, binary.used);
        content->used = binary.used;
    }
    free(binary.data);
    return is_it;
}

void foreign_untext(struct rotor_room *content)
{
    decoder *const decoders[] = {verify_base64_decode, decode_pem,
                                 verify_oak_from_text};
    bool is_taken = take_hex(content);
    for (size_t i = 0; i < COUNT_OF(decoders) && !is_taken; i++) {
        is_taken = take(content, decoders[i]);
    }
}
