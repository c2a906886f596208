// SPDX-License-Identifier: Apache-2.0
#include "verify/tpm_forms.h"

#include <string.h>

#include "base/bytes.h"
#include "verify/cursor.h"
#include "verify/pem.h"

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
    size_t taken = size == text->size ? size : size + 1;
    *text = bytes_of(text->data + taken, text->size - taken);
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
    if (text.size == 0 || text.data[0] != 'r') {
        return ROTOR_MALFORMED;
    }
    text = bytes_of(text.data + 1, text.size - 1);
    TRY(decode_part(&text, memory, &q.quote));
    TRY(decode_part(&text, memory, &q.signature));
    TRY(decode_part(&text, memory, &q.pcrs));
    if (text.size != 0) {
        return ROTOR_MALFORMED;
    }
    *quote = q;
    return ROTOR_OK;
}
