// SPDX-License-Identifier: Apache-2.0
// Foreign tokens.  The first byte picks:
//
//     0  PSA claims      1  CCA platform claims      2  CCA realm claims
//     3  EAT claims      4  PSA token      5  CCA token      6  EAT or bundle
//     7  claims, which are MACed first and judged as tokens of all kinds
//
// Acceptance comes with rows, none of which failed, and a refusal with a
// reason.  Nothing is accepted that was not signed.
#include <string.h>

#include "base/bytes.h"
#include "test/fuzz/fuzz.h"
#include "verify/cca.h"
#include "verify/eat.h"
#include "verify/psa.h"
#include "wire/cbor.h"

#define TOKEN_MAX 16384u

static const uint8_t SECRET[] = "a MAC key for tokens that were changed";

static uint8_t scratch_memory[4 * TOKEN_MAX];
static uint8_t token_memory[2 * TOKEN_MAX];
static struct verify_verdict verdict;

static void check_verdict(void)
{
    bool is_good = verdict.row_count != 0;
    for (size_t i = 0; i < verdict.row_count; i++) {
        FUZZ_CHECK(verdict.rows[i].check != NULL);
        is_good &= verdict.rows[i].finding == VERIFY_PASSED ||
                   verdict.rows[i].finding == VERIFY_NOT_ASKED;
    }
    FUZZ_CHECK(verify_verdict_is_accepted(&verdict) == is_good);
    FUZZ_CHECK(verdict.reason != NULL && verdict.reason[0] != 0);
}

static void try_claims(uint8_t kind, struct rotor_bytes input)
{
    struct cbor_foreign claims;
    verify_begin(&verdict, VERIFY_BACKEND_EAT);
    if (!verify_token_claims(&verdict, input, &claims)) {
        return;
    }
    bool is_good = kind == 0   ? verify_psa_claims(&verdict, &claims)
                   : kind == 1 ? verify_cca_platform_claims(&verdict, &claims)
                   : kind == 2 ? verify_cca_realm_claims(&verdict, &claims)
                               : verify_eat_claims(&verdict, &claims);
    verify_conclude(&verdict);
    FUZZ_CHECK(verify_verdict_is_accepted(&verdict) == is_good);
    check_verdict();
}

static void try_token(uint8_t kind, struct rotor_bytes token, bool is_signed)
{
    struct verify_cose_key key = {.secret = bytes_of(SECRET, sizeof SECRET)};
    struct rotor_room scratch = ROOM_OF(scratch_memory);
    struct verify_token_question question = {.token = token,
                                             .key = &key,
                                             .asked = {.now_s = 1700000000},
                                             .scratch = &scratch};
    enum rotor_status status =
        kind == 4   ? verify_psa(&question, &verdict)
        : kind == 5 ? verify_cca(&question, &verdict)
                    : verify_eat(&question, VERIFY_LEVEL_PROCESS, &verdict);
    FUZZ_CHECK(status == ROTOR_OK);
    check_verdict();
    FUZZ_CHECK(is_signed || !verify_verdict_is_accepted(&verdict));
}

static void put_message(struct rotor_room *room, struct rotor_bytes payload,
                        struct rotor_bytes mac)
{
    struct cbor_writer out;
    cbor_writer_init(&out, room);
    cbor_write_raw(&out, mac.size == 0 ? LABEL("\x84") : LABEL("\xd1\x84"));
    if (mac.size == 0) {
        cbor_write_text(&out, LABEL("MAC0"));
    }
    cbor_write_bytes(&out, LABEL("\xa1\x01\x05"));
    cbor_write_raw(&out, mac.size == 0 ? LABEL("\x40") : LABEL("\xa0"));
    cbor_write_bytes(&out, payload);
    if (mac.size != 0) {
        cbor_write_bytes(&out, mac);
    }
    FUZZ_CHECK(cbor_writer_finish(&out) == ROTOR_OK);
}

static void try_signed(struct rotor_bytes claims)
{
    uint8_t mac[32];
    struct rotor_room room = ROOM_OF(token_memory);
    put_message(&room, claims, bytes_of(NULL, 0));
    struct rotor_bytes message = bytes_in(&room);
    FUZZ_CHECK(crypto_hmac(CRYPTO_SHA256, bytes_of(SECRET, sizeof SECRET),
                           &message, 1, mac) == ROTOR_OK);
    put_message(&room, claims, BYTES_OF(mac));
    try_token(4, bytes_in(&room), true);
    try_token(6, bytes_in(&room), true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > TOKEN_MAX) {
        return 0;
    }
    struct rotor_bytes input = bytes_of(data + 1, size - 1);
    if (data[0] <= 3) {
        try_claims(data[0], input);
    } else if (data[0] <= 6) {
        try_token(data[0], input, false);
    } else {
        try_signed(input);
    }
    return 0;
}
