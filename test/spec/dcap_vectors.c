// SPDX-License-Identifier: Apache-2.0
// Quotes of other people: each gets the verdict that SOURCES.tsv asks for.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "endorse/intel_json.h"
#include "test/spec.h"
#include "test/spec/dcap_files.h"
#include "verify/der.h"
#include "verify/sgx.h"
#include "verify/tdx.h"

#define HOUR 3600

// A quote, what is held against it, and what is to come out.
struct quote_case {
    const char *quote;
    const char *collection;    // all in one file, or
    const char *statements[2]; // one by one, with Intel's issuers
    const char *crls[2];
    const char *own;     // folder of a PKI of its own: its root is the anchor
    const char *refused; // the row that fails; NULL: accepted
    const char *word;
    int64_t now_s; // 0: an hour after the newest statement
    enum verify_ternary debug;
    bool is_hex;
};

// Days on which certificates, and lists without statements, were current.
#define JUNE_2023   INT64_C(1687077600)
#define SUMMER_2025 INT64_C(1751328000)

static const struct quote_case QUOTES[] = {
    {.quote = "intel-qvl/quote.dat",
     .statements = {"intel-qvl/tcbInfo.json", "intel-qvl/qeIdentity.json"},
     .crls = {"intel-qvl/rootCaCrl.der", "intel-qvl/intermediateCaCrl.der"},
     .own = "intel-qvl",
     .word = "UpToDate",
     .debug = VERIFY_NO},
    {.quote = "intel-qvl/tdx/quote.dat",
     .statements = {"intel-qvl/tdx/tcbInfo.json"},
     .crls = {"intel-qvl/tdx/rootCaCrl.der",
              "intel-qvl/tdx/intermediateCaCrl.der"},
     .own = "intel-qvl/tdx",
     .word = "UpToDate",
     .debug = VERIFY_NO},
 // Its QE identity is signed, and names another signer than its quote has.
    {.quote = "intel-qvl/tdx/quote.dat",
     .statements = {"intel-qvl/tdx/tcbInfo.json",
                    "intel-qvl/tdx/qeIdentity.json"},
     .own = "intel-qvl/tdx",
     .refused = "QE MRSIGNER",
     .word = "unknown",
     .debug = VERIFY_NO},
    {.quote = "phala-dcap-qvl/sgx_quote",
     .collection = "phala-dcap-qvl/sgx_quote_collateral.json",
     .word = "ConfigurationAndSWHardeningNeeded",
     .debug = VERIFY_NO                                                },
    {.quote = "phala-dcap-qvl/tdx_quote",
     .collection = "phala-dcap-qvl/tdx_quote_collateral.json",
     .word = "UpToDate",
     .debug = VERIFY_NO                      },
 // One SVN of its PCK is below every level, the out-of-date ones too.
    {.quote = "phala-dcap-qvl/tdx_quote_outdated",
     .collection = "phala-dcap-qvl/tdx_quote_outdated_collateral.json",
     .refused = "TCB level",
     .word = "OutOfDate",
     .debug = VERIFY_NO},
    {.quote = "phala-dcap-qvl/tdx_quote_outdated",
     .statements = {"go-tdx-guest/sample_tcbinfo_response_v5"},
     .refused = "TCB level",
     .word = "OutOfDate",
     .debug = VERIFY_NO},
    {.quote = "phala-dcap-qvl/tdx_quote_outdated",
     .now_s = INT64_C(1771459200),
     .word = "unknown",
     .debug = VERIFY_NO        },
    {.quote = "phala-dcap-qvl/near_quote_hex.txt",
     .is_hex = true,
     .collection = "phala-dcap-qvl/near_quote_collateral.json",
     .word = "UpToDate",
     .debug = VERIFY_NO},
    {.quote = "phala-dcap-qvl/quote-from-tappd.hex",
     .is_hex = true,
     .now_s = SUMMER_2025,
     .word = "unknown",
     .debug = VERIFY_NO},
    {.quote = "phala-dcap-qvl/tdx-quote.hex",
     .is_hex = true,
     .now_s = SUMMER_2025,
     .word = "unknown",
     .debug = VERIFY_NO},
    {.quote = "automata/quotes/tdx_quote_5.dat",
     .statements = {"automata/0625/qe_td.json"},
     .word = "unknown",
     .debug = VERIFY_NO                                               },
    {.quote = "automata/quotes/tdx_quote_5.dat",
     .statements = {"automata/0625/tcbinfov3_90C06F000000.json",
                    "automata/0625/qe_td.json"},
     .refused = "TCB level",
     .word = "OutOfDate",
     .debug = VERIFY_NO},
    {.quote = "trustee/occlum_quote.dat",
     .statements = {"automata/0625/tcbinfo.json",
                    "automata/0625/identity.json"},
     .word = "OutOfDate",
     .debug = VERIFY_YES                                                },
    {.quote = "trustee/tdx_quote_4.dat",
     .crls = {"go-tdx-guest/rootcrl.der", "go-tdx-guest/pckcrl"},
     .now_s = JUNE_2023,
     .word = "unknown",
     .debug = VERIFY_YES},
    {.quote = "trustee/tdx_quote_5.dat",
     .statements = {"trustee/enclaveIdentity.json"},
     .word = "unknown",
     .debug = VERIFY_NO                    },
    {.quote = "trustee/tdx_quote_6.dat",
     .statements = {"trustee/tcbInfo.json", "trustee/enclaveIdentity.json"},
     .word = "OutOfDate",
     .debug = VERIFY_NO      },
    {.quote = "trustee/az-tdx-vtpm_td-quote.bin",
     .statements = {"automata/0625/tcbinfov3_00806f050000.json",
                    "automata/0625/qe_td.json"},
     .word = "OutOfDate",
     .debug = VERIFY_NO         },
};

static struct verify_verdict verdict; // of the last quote
static struct verify_dcap_work work;

static void gather(const struct quote_case *c, struct dcap_files *files)
{
    if (c->collection != NULL) {
        dcap_collection(files, c->collection);
        return;
    }
    if (c->own == NULL) {
        dcap_issuers(files, DCAP_INTEL_ISSUERS);
    } else {
        dcap_pck(files, dcap_in(c->own, "pckCert.pem"));
        dcap_certificates(files, dcap_in(c->own, "pckSignChain.pem"));
        dcap_certificates(files, dcap_in(c->own, "tcbSignChain.pem"));
    }
    for (size_t i = 0; i < 2; i++) {
        if (c->statements[i] != NULL) {
            assert_true(dcap_statement(files, c->statements[i]));
        }
        if (c->crls[i] != NULL) {
            dcap_crl(files, c->crls[i]);
        }
    }
}

static enum rotor_status judge(const struct quote_case *c,
                               struct dcap_files *files)
{
    struct rotor_bytes quote = c->is_hex ? dcap_hex_content(files, c->quote)
                                         : dcap_content(files, c->quote);
    struct verify_asked asked = {
        .now_s = c->now_s != 0 ? c->now_s : files->issued_s + HOUR,
    };
    bool is_sgx = verify_dcap_backend(quote) == VERIFY_BACKEND_SGX;
    return is_sgx ? verify_sgx(&verdict, quote, &files->given, &asked, &work)
                  : verify_tdx(&verdict, quote, &files->given, &asked, &work);
}

static bool failed_at(const char *check)
{
    const struct verify_row *row = verify_row_named(&verdict, check);
    return !verify_verdict_is_accepted(&verdict) && row != NULL &&
           row->finding == VERIFY_FAILED;
}

static bool is_as_asked(const struct quote_case *c)
{
    bool is_decided = c->refused != NULL
                          ? failed_at(c->refused)
                          : verify_verdict_is_accepted(&verdict) &&
                                verdict.level == VERIFY_LEVEL_HARDWARE;
    return is_decided && verdict.debug == c->debug &&
           strcmp(verdict.tcb_status, c->word) == 0;
}

static bool quote_is_as_asked(const struct quote_case *c)
{
    struct dcap_files files;
    dcap_files_open(&files);
    gather(c, &files);
    bool is_right = true;
    if (c->own != NULL) {
        // A PKI of its own is nothing under Intel's root.
        is_right = judge(c, &files) == ROTOR_OK && failed_at("root");
        dcap_anchor(&files, dcap_in(c->own, "trustedRootCaCert.pem"));
    }
    is_right = judge(c, &files) == ROTOR_OK && is_right && is_as_asked(c);
    dcap_files_close(&files);
    return is_right;
}

bool dcap_quote_is_right(const char *path)
{
    size_t found = 0;
    bool is_right = true;
    for (size_t i = 0; i < COUNT_OF(QUOTES); i++) {
        const struct quote_case *c = &QUOTES[i];
        bool is_meant =
            strcmp(c->quote, path) == 0 ||
            (c->collection != NULL && strcmp(c->collection, path) == 0);
        found += is_meant;
        is_right = (!is_meant || quote_is_as_asked(c)) && is_right;
    }
    return found != 0 && is_right;
}

SPEC("quotes of other people get the verdict that is asked for, under their "
     "own collateral")
{
    if (!dcap_has_files()) {
        SKIP("no vectors");
    }
    size_t right = 0;
    for (size_t i = 0; i < COUNT_OF(QUOTES); i++) {
        bool is_right = quote_is_as_asked(&QUOTES[i]);
        printf("  %-5s %-37s debug %s, TCB %s: %s\n",
               is_right ? "right" : "WRONG", QUOTES[i].quote,
               verify_ternary_name(verdict.debug), verdict.tcb_status,
               verdict.reason);
        right += is_right;
    }
    printf("  %zu/%zu quotes\n", right, COUNT_OF(QUOTES));
    assert_int_equal(right, COUNT_OF(QUOTES));
}
