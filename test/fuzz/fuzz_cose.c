// SPDX-License-Identifier: Apache-2.0
// Foreign CBOR and COSE.  The first byte picks:
//
//     0  an item      1  a COSE message      2  a COSE_Key      3  a SPKI
//
// What the strict reader takes the lenient one takes too; a walk over what was
// taken gives items that are taken by themselves and fill their container;
// nothing verifies under a key that signed nothing.
#include "base/bytes.h"
#include "test/fuzz/fuzz.h"
#include "verify/cose_foreign.h"
#include "wire/cbor.h"
#include "wire/cbor_foreign.h"

static uint8_t memory[1u << 18];

static void check_view(struct rotor_bytes whole, struct rotor_bytes part)
{
    FUZZ_CHECK(part.size == 0 ||
               (part.data >= whole.data &&
                part.data + part.size <= whole.data + whole.size));
}

static void try_values(struct rotor_bytes input,
                       const struct cbor_foreign *item)
{
    struct rotor_bytes bytes = {NULL, 0};
    struct cbor_foreign content = {0};
    uint64_t number = 0;
    int64_t integer = 0;
    (void)cbor_foreign_bytes(item, &bytes);
    check_view(input, bytes);
    (void)cbor_foreign_text(item, &bytes);
    check_view(input, bytes);
    if (cbor_foreign_tag(item, &number, &content)) {
        check_view(input, content.bytes);
        FUZZ_CHECK(cbor_foreign_kind(&content) != CBOR_FOREIGN_NOTHING);
    }
    bool is_small =
        cbor_foreign_uint(item, &number) && number <= (uint64_t)INT64_MAX;
    if (is_small) {
        FUZZ_CHECK(cbor_foreign_int(item, &integer));
        FUZZ_CHECK((uint64_t)integer == number);
    }
    if (cbor_foreign_int(item, &integer)) {
        int64_t seconds = integer - 1;
        FUZZ_CHECK(cbor_foreign_seconds(item, &seconds));
        FUZZ_CHECK(seconds == integer);
    }
    (void)cbor_foreign_seconds(item, &integer);
}

static void try_item(struct rotor_bytes input)
{
    struct cbor_reader in;
    struct cbor_foreign item;
    struct cbor_foreign_walk walk;
    struct cbor_foreign part;
    struct cbor_foreign again;
    cbor_reader_init(&in, input);
    (void)cbor_read_item(&in);
    bool is_strict = cbor_finished(&in);
    bool is_taken = cbor_foreign_open(input, &item);
    FUZZ_CHECK(!is_strict || is_taken || input.size > CBOR_FOREIGN_KEYS);
    if (!is_taken) {
        return;
    }
    FUZZ_CHECK(cbor_foreign_kind(&item) != CBOR_FOREIGN_NOTHING);
    try_values(input, &item);
    size_t count = 0;
    cbor_foreign_walk(&item, &walk);
    while (cbor_foreign_next(&walk, &part)) {
        check_view(input, part.bytes);
        FUZZ_CHECK(cbor_foreign_open(part.bytes, &again));
        try_values(input, &part);
        count++;
    }
    if (cbor_foreign_kind(&item) == CBOR_FOREIGN_MAP) {
        cbor_foreign_walk(&item, &walk);
        while (cbor_foreign_next(&walk, &part)) {
            FUZZ_CHECK(cbor_foreign_find_like(&item, &part, &again));
            FUZZ_CHECK(cbor_foreign_next(&walk, &part));
            FUZZ_CHECK(again.bytes.data == part.bytes.data);
        }
        count /= 2;
    }
    FUZZ_CHECK(count == cbor_foreign_count(&item));
}

static void check_one(const struct verify_cose *cose)
{
    static const uint8_t secret[] = {1, 2, 3};
    struct rotor_room scratch = ROOM_OF(memory);
    struct verify_cose_key key = {.secret = BYTES_OF(secret)};
    struct verify_cose_input input = {.scratch = &scratch};
    bool valid = true;
    FUZZ_CHECK(verify_cose_check(cose, &key, &input, &valid) == ROTOR_OK);
    FUZZ_CHECK(!valid || cose->signature.size == 8);
}

static void try_message(struct rotor_bytes input)
{
    struct verify_cose cose;
    struct verify_cose signer;
    if (verify_cose_open(input, &cose) != NULL) {
        FUZZ_CHECK(cose.kind == VERIFY_COSE_NONE);
        return;
    }
    FUZZ_CHECK(cose.kind != VERIFY_COSE_NONE);
    check_view(input, cose.payload);
    check_view(input, cose.signature);
    check_view(input, cose.kid);
    check_view(input, cose.protected_header);
    check_one(&cose);
    for (size_t i = 0; i < 3 && verify_cose_signer(&cose, i, &signer); i++) {
        check_one(&signer);
    }
}

static void try_key(struct rotor_bytes input, bool is_spki)
{
    struct verify_public key;
    struct cbor_foreign item;
    struct verify_cose_key opened = {0};
    if (!is_spki && !cbor_foreign_open(input, &item)) {
        return;
    }
    const char *why = is_spki ? verify_public_decode_spki(input, &key)
                              : verify_public_decode(&item, &key);
    FUZZ_CHECK((why == NULL) == (key.kind != VERIFY_PUBLIC_NONE));
    FUZZ_CHECK(key.size <= VERIFY_PUBLIC_MAX);
    if (why == NULL && key.kind != VERIFY_PUBLIC_RSA) {
        enum rotor_status status = verify_cose_key_open(&opened, &key);
        FUZZ_CHECK(status == ROTOR_OK || status == ROTOR_MALFORMED);
        verify_cose_key_close(&opened);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > sizeof memory / 2) {
        return 0;
    }
    struct rotor_bytes input = bytes_of(data + 1, size - 1);
    switch (data[0]) {
    case 0:
        try_item(input);
        break;
    case 1:
        try_message(input);
        break;
    default:
        try_key(input, data[0] == 3);
        break;
    }
    return 0;
}
