// SPDX-License-Identifier: Apache-2.0
// Quotes of SGX and TDX.  The first byte picks:
//
//     0  a quote      1  the extension of a PCK      2  PEM      3  DER
//
// Nothing is ever accepted: what is made up leads to no root of Intel, and true
// quotes are asked for report data that none of them carries.
#include <string.h>

#include "base/bytes.h"
#include "test/fuzz/fuzz.h"
#include "verify/der.h"
#include "verify/pem.h"
#include "verify/sgx.h"
#include "verify/tdx.h"

static struct verify_verdict verdict;
static struct verify_dcap_work work;

static bool is_within(struct rotor_bytes part, struct rotor_bytes whole)
{
    return part.size <= whole.size && part.data >= whole.data &&
           part.data + part.size <= whole.data + whole.size;
}

static void check_parts(const struct verify_dcap_quote *quote,
                        struct rotor_bytes input)
{
    FUZZ_CHECK(is_within(quote->signed_part, input));
    FUZZ_CHECK(is_within(quote->body, quote->signed_part));
    FUZZ_CHECK(is_within(quote->certification, input));
    FUZZ_CHECK(is_within(quote->qe_authentication, input));
    FUZZ_CHECK(quote->signature.size == 64 && quote->key.size == 64);
    FUZZ_CHECK(quote->qe_report.size == VERIFY_DCAP_SGX_BODY_SIZE);
    FUZZ_CHECK(verify_dcap_backend(input) != VERIFY_BACKEND_NONE);
}

static void try_quote(struct rotor_bytes input)
{
    static const struct verify_dcap_endorsements none;
    static const uint8_t other[64] = "report data that nobody quoted";
    const struct verify_asked asked = {.report_data = BYTES_OF(other),
                                       .now_s = 1750000000};
    struct verify_dcap_quote quote;
    const char *why = NULL;
    bool is_quote = verify_dcap_read(input, &quote, &why) == ROTOR_OK;
    if (is_quote) {
        check_parts(&quote, input);
    }
    FUZZ_CHECK(is_quote == (why == NULL));
    bool is_tdx = verify_dcap_backend(input) == VERIFY_BACKEND_TDX;
    enum rotor_status status = (is_tdx ? verify_tdx : verify_sgx)(
        &verdict, input, &none, &asked, &work);
    FUZZ_CHECK(is_quote ? status == ROTOR_OK : status == ROTOR_MALFORMED);
    FUZZ_CHECK(!verify_verdict_is_accepted(&verdict));
    FUZZ_CHECK(verdict.level == VERIFY_LEVEL_NONE && verdict.reason != NULL);
}

static void try_extension(struct rotor_bytes input)
{
    struct verify_dcap_platform platform;
    memset(&platform, 0x5a, sizeof platform);
    struct verify_dcap_platform before = platform;
    if (verify_dcap_platform_read(input, &platform) != ROTOR_OK) {
        FUZZ_CHECK(memcmp(&before, &platform, sizeof platform) == 0);
    }
}

static void try_pem(struct rotor_bytes text)
{
    static uint8_t bytes[4096];
    struct rotor_room room = ROOM_OF(bytes);
    struct rotor_bytes one;
    size_t size = text.size;
    while (verify_pem_next(&text, LABEL("CERTIFICATE"), &room, &one) ==
           ROTOR_OK) {
        FUZZ_CHECK(one.data + one.size == room.data + room.used);
        FUZZ_CHECK(text.size < size && room.used <= size);
        size = text.size;
        room.used = 0;
    }
}

static void try_der(struct rotor_bytes rest)
{
    struct verify_der_element element;
    struct rotor_bytes whole = rest;
    uint32_t number = 0;
    while (verify_der_next(&rest, &element) == ROTOR_OK) {
        FUZZ_CHECK(is_within(element.whole, whole));
        FUZZ_CHECK(is_within(element.content, element.whole));
        FUZZ_CHECK(element.whole.data + element.whole.size == rest.data);
        (void)!verify_der_number(element.content, &number);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(struct rotor_bytes) = {
        try_quote, try_extension, try_pem, try_der};
    if (size != 0) {
        tries[data[0] % COUNT_OF(tries)](bytes_of(data + 1, size - 1));
    }
    return 0;
}
