// SPDX-License-Identifier: Apache-2.0
// Quotes of real processors, changed: one bit in every byte, cut, and with
// lengths that lie.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/dcap_files.h"
#include "verify/sgx.h"
#include "verify/tdx.h"

#define SUMMER_2025 INT64_C(1751328000)
#define QUOTE_MAX   8192u

// Certificates are carried in one way by all: of the last, what is before them
// is changed only.
#define BEFORE_CERTIFICATES 1328u

static const char *const QUOTES[] = {
    "phala-dcap-qvl/sgx_quote",        // version 3
    "phala-dcap-qvl/tdx_quote",        // version 4
    "automata/quotes/tdx_quote_5.dat", // version 5, TD 1.5
};

static struct verify_verdict verdict;
static struct verify_dcap_work work;
static uint8_t quote[QUOTE_MAX];
static size_t quote_size;

static void load(const char *path)
{
    struct dcap_files files;
    dcap_files_open(&files);
    struct rotor_bytes content = dcap_content(&files, path);
    assert_in_range(content.size, 1, sizeof quote);
    memcpy(quote, content.data, content.size);
    quote_size = content.size;
    dcap_files_close(&files);
}

// From the heap, of exactly that size: a read beyond it is seen.
static enum rotor_status judge(size_t size)
{
    static const struct verify_dcap_endorsements none;
    struct verify_asked asked = {.now_s = SUMMER_2025};
    uint8_t *copy = malloc(size + 1);
    assert_non_null(copy);
    memcpy(copy, quote, size);
    struct rotor_bytes bytes = {copy, size};
    enum rotor_status status =
        verify_dcap_backend(bytes) == VERIFY_BACKEND_TDX
            ? verify_tdx(&verdict, bytes, &none, &asked, &work)
            : verify_sgx(&verdict, bytes, &none, &asked, &work);
    free(copy);
    return status;
}

static bool is_refused(size_t size)
{
    enum rotor_status status = judge(size);
    assert_true(status == ROTOR_OK || status == ROTOR_MALFORMED);
    return !verify_verdict_is_accepted(&verdict) && verdict.reason[0] != '\0' &&
           verdict.level == VERIFY_LEVEL_NONE;
}

// What is signed ends there; zeros may follow.
static size_t end_of_quote(void)
{
    size_t end = quote_size;
    while (end > 0 && quote[end - 1] == 0) {
        end--;
    }
    return end + 1; // the zero that ends the PEM belongs to it
}

SPEC("a quote that is cut anywhere is refused as none")
{
    if (!dcap_has_files()) {
        SKIP("no vectors");
    }
    for (size_t i = 0; i < COUNT_OF(QUOTES); i++) {
        load(QUOTES[i]);
        for (size_t size = 0; size < end_of_quote(); size++) {
            assert_int_equal(judge(size), ROTOR_MALFORMED);
            assert_false(verify_verdict_is_accepted(&verdict));
            assert_ptr_equal(verify_row_named(&verdict, "quote format")->why,
                             verdict.reason);
        }
        assert_ok(judge(end_of_quote()));
        assert_true(verify_verdict_is_accepted(&verdict));
    }
}

struct length {
    size_t at;
    size_t bytes;
};

static void try_length(struct length length, uint32_t value)
{
    uint8_t kept[4];
    memcpy(kept, quote + length.at, length.bytes);
    for (size_t i = 0; i < length.bytes; i++) {
        quote[length.at + i] = (uint8_t)(value >> 8 * i);
    }
    if (memcmp(kept, quote + length.at, length.bytes) != 0) {
        assert_int_equal(judge(quote_size), ROTOR_MALFORMED);
        assert_false(verify_verdict_is_accepted(&verdict));
    }
    memcpy(quote + length.at, kept, length.bytes);
}

SPEC("a length that lies is refused, whatever it says")
{
    if (!dcap_has_files()) {
        SKIP("no vectors");
    }
    static const struct length lengths[COUNT_OF(QUOTES)][5] = {
  // signature, authentication data, certification data
        {{432, 4},   {1012, 2}, {1048, 4}},
 // signature, container, authentication data, certification data
        {       {632, 4},  {766, 4}, {1218, 2},          {1254, 4}},
 // body, and the same
        { {50, 4}, {702, 4}, {836, 4},          {1288, 2}, {1324, 4}},
    };
    for (size_t i = 0; i < COUNT_OF(QUOTES); i++) {
        load(QUOTES[i]);
        for (size_t j = 0; j < 5 && lengths[i][j].at != 0; j++) {
            uint32_t value = 0;
            memcpy(&value, quote + lengths[i][j].at, lengths[i][j].bytes);
            const uint32_t lies[] = {
                0,          1,          value - 1,  value + 1,  value + 8,
                0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, value / 2,
            };
            for (size_t k = 0; k < COUNT_OF(lies); k++) {
                try_length(lengths[i][j], lies[k]);
            }
        }
    }
}

SPEC("something behind a quote, or more than any quote has, is refused")
{
    if (!dcap_has_files()) {
        SKIP("no vectors");
    }
    load(QUOTES[1]);
    memset(quote + quote_size, 0, 100);
    assert_ok(judge(quote_size + 100));
    assert_true(verify_verdict_is_accepted(&verdict));
    quote[quote_size + 99] = 1;
    assert_int_equal(judge(quote_size + 100), ROTOR_MALFORMED);
    quote[quote_size + 99] = 0;
    uint8_t *long_one = calloc(1, VERIFY_DCAP_QUOTE_MAX + 1);
    assert_non_null(long_one);
    memcpy(long_one, quote, quote_size);
    struct verify_dcap_quote read;
    const char *why = NULL;
    assert_ok(verify_dcap_read(bytes_of(long_one, VERIFY_DCAP_QUOTE_MAX), &read,
                               &why));
    assert_int_equal(
        verify_dcap_read(bytes_of(long_one, VERIFY_DCAP_QUOTE_MAX + 1), &read,
                         &why),
        ROTOR_MALFORMED);
    free(long_one);
}

SPEC("what is not known of a header is refused with a sentence")
{
    if (!dcap_has_files()) {
        SKIP("no vectors");
    }
    static const struct {
        size_t quote, at;
        uint8_t value;
        const char *why;
    } rows[] = {
        {0, 0,    2,    "not a quote of version 3, 4 or 5"                   },
        {0, 0,    6,    "not a quote of version 3, 4 or 5"                   },
        {0, 4,    0x81, "version 3 quotes SGX enclaves only"                 },
        {1, 4,    0x82, "a quote of neither SGX nor TDX"                     },
        {1, 2,    3,    "attestation keys other than P-256 are not supported"},
        {1, 764,  5,    "no report of the quoting enclave"                   },
        {1, 1252, 6,    "certification data of an unknown type"              },
        {1, 1252, 0,    "certification data of an unknown type"              },
        {2, 48,   4,    "extended reports of TD 1.5 are not supported"       },
        {2, 48,   5,    "a body of a type or size that is not known"         },
        {2, 48,   2,    "a body of a type or size that is not known"         },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        load(QUOTES[rows[i].quote]);
        quote[rows[i].at] = rows[i].value;
        assert_int_equal(judge(quote_size), ROTOR_MALFORMED);
        assert_string_equal(verdict.reason, rows[i].why);
    }
}

SPEC("a quote of the other kind is none for this verifier")
{
    if (!dcap_has_files()) {
        SKIP("no vectors");
    }
    static const struct verify_dcap_endorsements none;
    struct verify_asked asked = {.now_s = SUMMER_2025};
    load(QUOTES[0]);
    assert_int_equal(
        verify_tdx(&verdict, bytes_of(quote, quote_size), &none, &asked, &work),
        ROTOR_MALFORMED);
    load(QUOTES[1]);
    assert_int_equal(
        verify_sgx(&verdict, bytes_of(quote, quote_size), &none, &asked, &work),
        ROTOR_MALFORMED);
    assert_string_equal(verdict.reason, "a quote of another kind");
}

SPEC("one bit changed in any byte of a TCB info, and it is not signed")
{
    if (!dcap_has_files()) {
        SKIP("no vectors");
    }
    struct dcap_files files;
    dcap_files_open(&files);
    dcap_collection(&files, "phala-dcap-qvl/tdx_quote_collateral.json");
    struct verify_dcap_statement said = files.tcb_infos[0].statement;
    uint8_t *copy = malloc(said.body.size);
    assert_non_null(copy);
    memcpy(copy, said.body.data, said.body.size);
    said.body.data = copy;
    for (size_t at = 0; at < said.body.size; at++) {
        copy[at] ^= (uint8_t)(1u << at % 8);
        verify_begin(&verdict, VERIFY_BACKEND_NONE);
        assert_ok(verify_dcap_judge_statement(&verdict, &said, &files.given,
                                              files.issued_s + 1));
        verify_conclude(&verdict);
        assert_false(verify_verdict_is_accepted(&verdict));
        assert_int_equal(
            verify_row_named(&verdict, "statement signature")->finding,
            VERIFY_FAILED);
        copy[at] ^= (uint8_t)(1u << at % 8);
    }
    free(copy);
    dcap_files_close(&files);
}

SPEC("more certificates than a call takes is a mistake of the caller")
{
    if (!dcap_has_files()) {
        SKIP("no vectors");
    }
    static struct crypto_certificate many[VERIFY_DCAP_GIVEN_MAX + 1];
    struct dcap_files files;
    struct verify_dcap_endorsements given = {.certificates = many};
    struct verify_asked asked = {.now_s = SUMMER_2025};
    dcap_files_open(&files);
    dcap_certificates(&files, "go-tdx-guest/trusted_root.pem");
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        many[i] = files.certificates[0];
    }
    load(QUOTES[1]);
    struct rotor_bytes bytes = {quote, quote_size};
    given.certificate_count = VERIFY_DCAP_GIVEN_MAX;
    assert_ok(verify_tdx(&verdict, bytes, &given, &asked, &work));
    assert_true(verify_verdict_is_accepted(&verdict));
    given.certificate_count = VERIFY_DCAP_GIVEN_MAX + 1;
    assert_int_equal(verify_tdx(&verdict, bytes, &given, &asked, &work),
                     ROTOR_INVALID);
    assert_false(verify_verdict_is_accepted(&verdict));
    dcap_files_close(&files);
}

SPEC("one bit changed in any byte of a quote, its certificates included, and "
     "it is refused")
{
    if (!dcap_has_files()) {
        SKIP("no vectors");
    }
    for (size_t i = 0; i < COUNT_OF(QUOTES); i++) {
        load(QUOTES[i]);
        assert_ok(judge(quote_size));
        assert_true(verify_verdict_is_accepted(&verdict));
        bool is_last = i + 1 == COUNT_OF(QUOTES);
        size_t end = is_last ? BEFORE_CERTIFICATES : quote_size;
        for (size_t at = 0; at < end; at++) {
            uint8_t bit = (uint8_t)(1u << (at * 5 + at / 8) % 8);
            quote[at] ^= bit;
            if (!is_refused(quote_size)) {
                print_message("%s: byte %zu\n", QUOTES[i], at);
                fail();
            }
            quote[at] ^= bit;
        }
    }
}
