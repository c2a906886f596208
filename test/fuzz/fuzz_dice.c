// SPDX-License-Identifier: Apache-2.0
// DICE certificates and chains.  The first byte picks:
//
//     0  a certificate in CBOR      1  one in X.509      2  a chain
//
// A certificate that is taken has a key and names; a chain that nobody signed
// is refused, with a reason, and leads to no key.
#include "base/bytes.h"
#include "test/fuzz/fuzz.h"
#include "verify/dice.h"
#include "verify/dice_link.h"

#define CHAIN_MAX 32768u

static uint8_t scratch_memory[2 * CHAIN_MAX];
static struct verify_verdict verdict;

static void try_certificate(struct rotor_bytes input, bool is_x509)
{
    struct verify_dice_link link;
    const char *why = is_x509 ? verify_dice_read_x509(input, &link)
                              : verify_dice_read_cose(input, &link);
    if (why != NULL) {
        FUZZ_CHECK(why[0] != 0);
        return;
    }
    FUZZ_CHECK(link.key.size != 0 && link.key.size <= VERIFY_PUBLIC_MAX);
    FUZZ_CHECK(link.issuer.size != 0 && link.subject.size != 0);
    FUZZ_CHECK(link.subject_id.size == 0 || verify_dice_is_id(link.subject_id));
}

static void try_chain(struct rotor_bytes input)
{
    struct rotor_room scratch = ROOM_OF(scratch_memory);
    struct verify_public leaf;
    struct verify_dice_question question = {
        .chain = input,
        .modes_taken = ~0u,
        .root_is_authority = true,
        .asked = {.now_s = 1700000000},
        .scratch = &scratch,
    };
    // The generator of P-256: nobody signs with its key, which is one.
    static const uint8_t point[64] = {
        0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6,
        0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb,
        0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f,
        0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a,
        0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e,
        0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};
    question.root.kind = VERIFY_PUBLIC_P256;
    question.root.size = sizeof point;
    for (size_t i = 0; i < sizeof point; i++) {
        question.root.bytes[i] = point[i];
    }
    FUZZ_CHECK(verify_dice(&question, &verdict, &leaf) == ROTOR_OK);
    FUZZ_CHECK(!verify_verdict_is_accepted(&verdict));
    FUZZ_CHECK(leaf.kind == VERIFY_PUBLIC_NONE);
    FUZZ_CHECK(verdict.row_count != 0 && verdict.reason[0] != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > CHAIN_MAX) {
        return 0;
    }
    struct rotor_bytes input = bytes_of(data + 1, size - 1);
    if (data[0] <= 1) {
        try_certificate(input, data[0] == 1);
    } else {
        try_chain(input);
    }
    return 0;
}
