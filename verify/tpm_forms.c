// SPDX-License-Identifier: Apache-2.0
#include "verify/tpm_forms.h"

#include <string.h>

#include "base/bytes.h"
#include "verify/cursor.h"

// ---- Base64 ----------------------------------------------------------------

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// 64: not a digit.
static uint32_t digit_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return (uint32_t)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (uint32_t)(c - 'a') + 26;
    }
    if (c >= '0' && c <= '9') {
        return (uint32_t)(c - '0') + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

struct quantum {
    uint32_t bits;
    unsigned digits;
    unsigned pads;
};

static bool take_character(struct quantum *q, uint8_t c)
{
    uint32_t digit = digit_of(c);
    bool is_pad = c == '=';
    if ((digit == 64 && !is_pad) || (!is_pad && q->pads != 0)) {
        return false;
    }
    q->bits = q->bits << 6 | (is_pad ? 0 : digit);
    q->digits++;
    q->pads += is_pad ? 1 : 0;
    return true;
}

// Three bytes, or fewer where there is padding: then the spare bits are zero.
static enum rotor_status put_quantum(const struct quantum *q,
                                     struct rotor_room *bytes)
{
    const uint8_t three[] = {(uint8_t)(q->bits >> 16), (uint8_t)(q->bits >> 8),
                             (uint8_t)q->bits};
    bool spare_is_zero =
        (q->pads < 1 || three[2] == 0) && (q->pads < 2 || three[1] == 0);
    if (q->pads > 2 || !spare_is_zero) {
        return ROTOR_MALFORMED;
    }
    return bytes_append(bytes, bytes_of(three, 3 - q->pads));
}

static enum rotor_status decode(struct rotor_bytes text,
                                struct rotor_room *bytes)
{
    struct quantum q = {0};
    bool is_over = false;
    for (size_t i = 0; i < text.size; i++) {
        if (is_space(text.data[i])) {
            continue;
        }
        if (is_over || !take_character(&q, text.data[i])) {
            return ROTOR_MALFORMED;
        }
        if (q.digits == 4) {
            TRY(put_quantum(&q, bytes));
            is_over = q.pads != 0;
            q = (struct quantum){0};
        }
    }
    return q.digits == 0 ? ROTOR_OK : ROTOR_MALFORMED;
}

enum rotor_status verify_base64_decode(struct rotor_bytes text,
                                       struct rotor_room *bytes)
{
    bytes->used = 0;
    enum rotor_status status = decode(text, bytes);
    if (status != ROTOR_OK) {
        bytes->used = 0;
    }
    return status;
}

// ---- PEM -------------------------------------------------------------------

static size_t length_of(const char *text)
{
    size_t size = 0;
    while (text[size] != '\0') {
        size++;
    }
    return size;
}

static bool begins_with(struct rotor_bytes text, const char *word)
{
    size_t size = length_of(word);
    return text.size >= size && memcmp(text.data, word, size) == 0;
}

static struct rotor_bytes behind(struct rotor_bytes text, size_t size)
{
    return bytes_of(text.data + size, text.size - size);
}

// At "-----BEGIN LABEL-----", or END; *after is what follows it.
static bool is_line(struct rotor_bytes text, const char *word,
                    const char *label, struct rotor_bytes *after)
{
    const char *const parts[] = {word, label, "-----"};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (!begins_with(text, parts[i])) {
            return false;
        }
        text = behind(text, length_of(parts[i]));
    }
    *after = text;
    return true;
}

// Moves *text to where the line stands; *after is what follows the line.
static bool find_line(struct rotor_bytes *text, const char *word,
                      const char *label, struct rotor_bytes *after)
{
    while (text->size != 0) {
        if (is_line(*text, word, label, after)) {
            return true;
        }
        *text = behind(*text, 1);
    }
    return false;
}

enum rotor_status verify_pem_decode(struct rotor_bytes text, const char *label,
                                    struct rotor_room *der,
                                    struct rotor_bytes *rest)
{
    struct rotor_bytes body;
    struct rotor_bytes after;
    der->used = 0;
    if (!find_line(&text, "-----BEGIN ", label, &body)) {
        return ROTOR_MALFORMED;
    }
    struct rotor_bytes end = body;
    if (!find_line(&end, "-----END ", label, &after)) {
        return ROTOR_MALFORMED;
    }
    body.size = (size_t)(end.data - body.data);
    TRY(verify_base64_decode(body, der));
    *rest = after;
    return ROTOR_OK;
}

// ---- register values of tpm2-tools -----------------------------------------

#define SELECTIONS   16u // of TPML_PCR_SELECTION
#define SELECT_BYTES 4u
#define DIGESTS      8u // of one TPML_DIGEST

// TPMS_PCR_SELECTION: le16 hash, u8 size, four bytes, one of padding.
static bool read_selection(struct verify_cursor *in, bool is_meant,
                           struct verify_pcr_selection *selection)
{
    uint16_t algorithm = verify_cursor_le16(in);
    uint8_t size = verify_cursor_u8(in);
    uint32_t registers = verify_cursor_le32(in);
    (void)verify_cursor_u8(in);
    if (!is_meant || in->has_failed) {
        return !in->has_failed;
    }
    bool fits = size <= SELECT_BYTES && registers >> VERIFY_PCR_COUNT == 0 &&
                verify_hash_of_tpm(algorithm) != CRYPTO_HASH_NONE;
    for (size_t i = 0; i < selection->count; i++) {
        fits = fits && selection->banks[i].algorithm != algorithm;
    }
    if (!fits) {
        return false;
    }
    selection->banks[selection->count].algorithm = algorithm;
    selection->banks[selection->count].registers = registers;
    selection->count++;
    return true;
}

static bool read_selections(struct verify_cursor *in,
                            struct verify_pcr_selection *selection)
{
    uint32_t count = verify_cursor_le32(in);
    if (count > VERIFY_BANKS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < SELECTIONS; i++) {
        if (!read_selection(in, i < count, selection)) {
            return false;
        }
    }
    return true;
}

// The registers of a selection, one after the other.
struct place {
    const struct verify_pcr_selection *selection;
    size_t bank;
    unsigned pcr;
};

static bool is_at_register(const struct place *at)
{
    return at->pcr < VERIFY_PCR_COUNT &&
           (at->selection->banks[at->bank].registers >> at->pcr & 1u) != 0;
}

// Moves on to a register that is selected; false: there is none left.
static bool find_register(struct place *at)
{
    while (at->bank < at->selection->count && !is_at_register(at)) {
        at->pcr++;
        if (at->pcr >= VERIFY_PCR_COUNT) {
            at->pcr = 0;
            at->bank++;
        }
    }
    return at->bank < at->selection->count;
}

// TPM2B_DIGEST: le16 size, 64 bytes.
static bool read_value(struct verify_cursor *in, struct place *at,
                       struct verify_pcrs *pcrs)
{
    uint16_t size = verify_cursor_le16(in);
    struct rotor_bytes value = verify_cursor_bytes(in, VERIFY_PCR_MAX);
    if (in->has_failed || !find_register(at)) {
        return false;
    }
    struct verify_pcr_bank *bank = &pcrs->banks[at->bank];
    if (size != bank->size) {
        return false;
    }
    memcpy(bank->values[at->pcr], value.data, size);
    bank->known |= 1u << at->pcr;
    at->pcr++;
    return true;
}

// TPML_DIGEST: le32 count, always eight digests.
static bool read_values(struct verify_cursor *in, struct place *at,
                        struct verify_pcrs *pcrs)
{
    uint32_t count = verify_cursor_le32(in);
    bool ok = count <= DIGESTS;
    for (uint32_t i = 0; ok && i < DIGESTS; i++) {
        if (i < count) {
            ok = read_value(in, at, pcrs);
        } else {
            (void)verify_cursor_bytes(in, 2 + VERIFY_PCR_MAX);
            ok = !in->has_failed;
        }
    }
    return ok;
}

static bool read_lists(struct verify_cursor *in,
                       const struct verify_pcr_selection *selection,
                       struct verify_pcrs *pcrs)
{
    struct place at = {.selection = selection};
    uint32_t lists = verify_cursor_le32(in);
    bool ok = lists <= VERIFY_BANKS_MAX * VERIFY_PCR_COUNT;
    for (uint32_t i = 0; ok && i < lists; i++) {
        ok = read_values(in, &at, pcrs);
    }
    return ok && verify_cursor_finished(in) && !find_register(&at);
}

enum rotor_status verify_tpm2_pcrs_decode(struct rotor_bytes bytes,
                                          struct verify_pcrs *pcrs)
{
    struct verify_cursor in = verify_cursor_over(bytes);
    struct verify_pcr_selection selection = {.count = 0};
    memset(pcrs, 0, sizeof *pcrs);
    if (!read_selections(&in, &selection)) {
        return ROTOR_MALFORMED;
    }
    for (size_t i = 0; i < selection.count; i++) {
        uint16_t algorithm = selection.banks[i].algorithm;
        pcrs->banks[i].algorithm = algorithm;
        pcrs->banks[i].size = crypto_hash_size(verify_hash_of_tpm(algorithm));
    }
    pcrs->bank_count = selection.count;
    if (!read_lists(&in, &selection, pcrs)) {
        memset(pcrs, 0, sizeof *pcrs);
        return ROTOR_MALFORMED;
    }
    return ROTOR_OK;
}

// ---- keylime ---------------------------------------------------------------

// The part up to the next colon, or all that is left.
static struct rotor_bytes part_of(struct rotor_bytes *text)
{
    size_t size = 0;
    while (size < text->size && text->data[size] != ':') {
        size++;
    }
    struct rotor_bytes part = bytes_of(text->data, size);
    *text = behind(*text, size == text->size ? size : size + 1);
    return part;
}

static enum rotor_status decode_part(struct rotor_bytes *text,
                                     struct rotor_room *memory,
                                     struct rotor_bytes *part)
{
    struct rotor_room room = {memory->data + memory->used,
                              memory->capacity - memory->used, 0};
    TRY(verify_base64_decode(part_of(text), &room));
    memory->used += room.used;
    *part = bytes_in(&room);
    return room.used != 0 ? ROTOR_OK : ROTOR_MALFORMED;
}

enum rotor_status verify_keylime_decode(struct rotor_bytes text,
                                        struct rotor_room *memory,
                                        struct verify_keylime_quote *quote)
{
    struct verify_keylime_quote q;
    memory->used = 0;
    if (!begins_with(text, "r")) {
        return ROTOR_MALFORMED;
    }
    text = behind(text, 1);
    TRY(decode_part(&text, memory, &q.quote));
    TRY(decode_part(&text, memory, &q.signature));
    TRY(decode_part(&text, memory, &q.pcrs));
    if (text.size != 0) {
        return ROTOR_MALFORMED;
    }
    *quote = q;
    return ROTOR_OK;
}
