// SPDX-License-Identifier: Apache-2.0
// Files of endorsements: whatever a statement was read out of, read by itself
// it is the same one; and a file's kind is told without reading beyond it.
#include <stdlib.h>
#include <string.h>

#include "app/rotor/foreign_detect.h"
#include "base/bytes.h"
#include "endorse/facts.h"
#include "endorse/opened.h"
#include "endorse/set.h"
#include "test/fuzz/fuzz.h"

// What was looked at before is the same again: opening certificates is most of
// what this target spends.
static bool was_seen(const struct endorse_item *item)
{
    static uint8_t names[256][ENDORSE_NAME_SIZE];
    uint8_t *place = names[item->name[0]];
    bool is_it = memcmp(place, item->name, ENDORSE_NAME_SIZE) == 0;
    memcpy(place, item->name, ENDORSE_NAME_SIZE);
    return is_it;
}

static void must_be_stable(const struct endorse_item *item)
{
    struct endorse_set alone = {0};
    struct endorse_facts facts;
    FUZZ_CHECK(item->kind > ENDORSE_NONE && item->kind < ENDORSE_KIND_COUNT);
    FUZZ_CHECK(strcmp(endorse_kind_name(item->kind), "unknown") != 0);
    enum rotor_status status = endorse_set_read(&alone, item->bytes);
    // A collection's texts are put together: whether they are JSON shows here.
    bool is_text =
        item->kind == ENDORSE_TCB_INFO || item->kind == ENDORSE_QE_IDENTITY;
    FUZZ_CHECK(status == ROTOR_OK || (is_text && status == ROTOR_MALFORMED));
    if (status == ROTOR_OK) {
        FUZZ_CHECK(alone.count == 1 && alone.items[0].kind == item->kind);
        FUZZ_CHECK(memcmp(alone.items[0].name, item->name, 32) == 0);
    }
    if (endorse_facts_read(item, &facts) == ROTOR_OK) {
        FUZZ_CHECK(strlen(facts.about) < ENDORSE_WORDS_SIZE);
        FUZZ_CHECK(strlen(facts.issuer) < ENDORSE_WORDS_SIZE);
    }
    endorse_set_close(&alone);
}

static void try_set(struct rotor_bytes input)
{
    struct endorse_set set = {0};
    struct endorse_opened opened;
    if (endorse_set_read(&set, input) != ROTOR_OK) {
        FUZZ_CHECK(set.count == 0);
    }
    bool is_new = false;
    for (size_t i = 0; i < set.count; i++) {
        if (!was_seen(&set.items[i])) {
            must_be_stable(&set.items[i]);
            is_new = true;
        }
    }
    if ((is_new || set.count > 1) &&
        endorse_open(&set, 1764108665, &opened) == ROTOR_OK) {
        struct endorse_family family;
        const struct endorse_lineage lineage = {.issuer = "Test"};
        endorse_family_of(&opened, &lineage, &family);
        FUZZ_CHECK(family.certificate_count <= opened.certificate_count);
        FUZZ_CHECK(family.crl_count <= opened.crl_count);
        endorse_opened_close(&opened);
    }
    endorse_set_close(&set);
}

static void try_format(struct rotor_bytes input)
{
    uint8_t *copy = malloc(input.size + 1);
    struct rotor_room room = {copy, input.size, input.size};
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, input.data, input.size);
    foreign_untext(&room);
    FUZZ_CHECK(room.used <= input.size);
    enum foreign_format format = foreign_detect(bytes_in(&room));
    FUZZ_CHECK(format < FOREIGN_FORMAT_COUNT);
    struct rotor_bytes report;
    struct rotor_bytes table;
    FUZZ_CHECK(foreign_snp_parts(bytes_in(&room), &report, &table) ==
               (format == FOREIGN_SNP));
    (void)foreign_unsupported(bytes_in(&room));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct rotor_bytes input = bytes_of(data + 1, size - 1);
    static void (*const parsers[])(struct rotor_bytes) = {try_set, try_format};
    parsers[data[0] % COUNT_OF(parsers)](input);
    return 0;
}
