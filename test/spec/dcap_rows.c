// SPDX-License-Identifier: Apache-2.0
// Every row of SOURCES.tsv about SGX and TDX, one after the other: quotes
// (dcap_vectors.c), what Intel signed, certificates, lists, and what is none
// of that.
#include <string.h>

#include "base/bytes.h"
#include "endorse/intel_json.h"
#include "test/spec.h"
#include "test/spec/dcap_files.h"
#include "verify/sgx.h"
#include "verify/tdx.h"

#define SAMPLE_2020 INT64_C(1577836800) // Intel's SGX sample was current
#define SAMPLE_2022 INT64_C(1640995200) // and its TDX sample
#define JUNE_2023   INT64_C(1687077600)
#define SUMMER_2025 INT64_C(1751328000)

enum kind {
    QUOTE,
    COLLECTION,  // of collateral, judged with its quote
    STATEMENT,   // signature and dates
    OLD,         // a good signature, a newer statement is due
    CERTIFICATE, // a chain to the root
    LIST,        // current, and signed by its issuer
    ROOT,        // the key of Intel's root
    NOTHING,     // is refused with a sentence
};

static const char *const KINDS[] = {
    [QUOTE] = "quote",         [COLLECTION] = "collection",
    [STATEMENT] = "statement", [OLD] = "old statement",
    [CERTIFICATE] = "chain",   [LIST] = "revocation list",
    [ROOT] = "root key",       [NOTHING] = "no evidence",
};

static const struct row {
    const char *path;
    enum kind kind;
    int64_t now_s;
    const char *own; // folder of its PKI; NULL: Intel's
} ROWS[] = {
#define SGX_SAMPLE(name, kind)                                                 \
    {                                                                          \
        "intel-qvl/" name, kind, SAMPLE_2020, "intel-qvl"                      \
    }
#define TDX_SAMPLE(name, kind)                                                 \
    {                                                                          \
        "intel-qvl/tdx/" name, kind, SAMPLE_2022, "intel-qvl/tdx"              \
    }
    SGX_SAMPLE("intermediateCaCrl.der", LIST),
    SGX_SAMPLE("intermediateCaCrl.pem", LIST),
    SGX_SAMPLE("pckCert.pem", CERTIFICATE),
    SGX_SAMPLE("pckSignChain.pem", CERTIFICATE),
    SGX_SAMPLE("qeIdentity.json", STATEMENT),
    SGX_SAMPLE("quote.dat", QUOTE),
    SGX_SAMPLE("qveIdentity.json", STATEMENT),
    SGX_SAMPLE("rootCaCrl.der", LIST),
    SGX_SAMPLE("rootCaCrl.pem", LIST),
    SGX_SAMPLE("tcbInfo.json", STATEMENT),
    SGX_SAMPLE("tcbSignChain.pem", CERTIFICATE),
    SGX_SAMPLE("trustedRootCaCert.pem", CERTIFICATE),
    TDX_SAMPLE("intermediateCaCrl.der", LIST),
    TDX_SAMPLE("pckCert.pem", CERTIFICATE),
    TDX_SAMPLE("pckSignChain.pem", CERTIFICATE),
    TDX_SAMPLE("qeIdentity.json", STATEMENT),
    TDX_SAMPLE("quote.dat", QUOTE),
    TDX_SAMPLE("rootCaCrl.der", LIST),
    TDX_SAMPLE("tcbInfo.json", STATEMENT),
    TDX_SAMPLE("tcbSignChain.pem", CERTIFICATE),
    TDX_SAMPLE("trustedRootCaCert.pem", CERTIFICATE),
    {"phala-dcap-qvl/quote-from-tappd.hex",               QUOTE,      0,           NULL},
    {"phala-dcap-qvl/sgx_quote",                          QUOTE,      0,           NULL},
    {"phala-dcap-qvl/sgx_quote_collateral.json",          COLLECTION, 0,           NULL},
    {"phala-dcap-qvl/tdx-quote.hex",                      QUOTE,      0,           NULL},
    {"phala-dcap-qvl/tdx_quote",                          QUOTE,      0,           NULL},
    {"phala-dcap-qvl/tdx_quote_collateral.json",          COLLECTION, 0,           NULL},
    {"phala-dcap-qvl/tdx_quote_outdated",                 QUOTE,      0,           NULL},
    {"phala-dcap-qvl/tdx_quote_outdated_collateral.json", COLLECTION, 0,           NULL},
    {"phala-dcap-qvl/TrustedRootCA.der",                  ROOT,       0,           NULL},
    {"phala-dcap-qvl/trust-chain.txt",                    NOTHING,    0,           NULL}, // a drawing
    {"phala-dcap-qvl/near_quote_collateral.json",         COLLECTION, 0,           NULL},
    {"phala-dcap-qvl/near_quote_hex.txt",                 QUOTE,      0,           NULL},
    {"go-tdx-guest/pckcrl",                               LIST,       JUNE_2023,   NULL},
    {"go-tdx-guest/rootcrl.der",                          LIST,       JUNE_2023,   NULL},
    {"go-tdx-guest/sample_qeIdentity_response",           OLD,        SUMMER_2025, NULL},
    {"go-tdx-guest/sample_tcbInfo_response",              OLD,        SUMMER_2025, NULL},
    {"go-tdx-guest/sample_tcbinfo_response_v5",           STATEMENT,  0,           NULL},
    {"go-tdx-guest/trusted_root.pem",                     ROOT,       0,           NULL},
    {"automata/0625/identity.json",                       STATEMENT,  0,           NULL},
    {"automata/0625/qe_td.json",                          STATEMENT,  0,           NULL},
    {"automata/0625/sgxtcbeval.json",                     STATEMENT,  0,           NULL},
    {"automata/0625/tcbinfo.json",                        STATEMENT,  0,           NULL},
    {"automata/0625/tcbinfov3_00806f050000.json",         STATEMENT,  0,           NULL},
    {"automata/0625/tcbinfov3_90C06F000000.json",         STATEMENT,  0,           NULL},
    {"automata/0625/tdxtcbeval.json",                     STATEMENT,  0,           NULL},
    {"automata/quotes/tdx_quote_5.dat",                   QUOTE,      0,           NULL},
    {"trustee/occlum_quote.dat",                          QUOTE,      0,           NULL},
    {"trustee/tdx_quote_4.dat",                           QUOTE,      0,           NULL},
    {"trustee/tdx_quote_5.dat",                           QUOTE,      0,           NULL},
    {"trustee/tdx_quote_6.dat",                           QUOTE,      0,           NULL},
    {"trustee/tcbInfo.json",                              STATEMENT,  0,           NULL},
    {"trustee/enclaveIdentity.json",                      STATEMENT,  0,           NULL},
    {"trustee/az-tdx-vtpm_td-quote.bin",                  QUOTE,      0,           NULL},
    {"trustee/az-tdx-vtpm_hcl-report.bin",                NOTHING,    0,           NULL},
    {"trustee/az-tdx-vtpm_evidence-v1.json",              NOTHING,    0,           NULL},
};

static struct verify_verdict verdict;
static struct verify_dcap_work work;

static bool passed(const char *check)
{
    const struct verify_row *row = verify_row_named(&verdict, check);
    return row != NULL && row->finding == VERIFY_PASSED;
}

static void gather_issuers(const struct row *row, struct dcap_files *files)
{
    if (row->own == NULL) {
        dcap_issuers(files, DCAP_INTEL_ISSUERS);
        return;
    }
    dcap_certificates(files, dcap_in(row->own, "pckSignChain.pem"));
    dcap_certificates(files, dcap_in(row->own, "tcbSignChain.pem"));
}

static bool is_accepted(const struct verify_dcap_statement *said,
                        const struct dcap_files *files, int64_t now_s)
{
    verify_begin(&verdict, VERIFY_BACKEND_NONE);
    assert_ok(
        verify_dcap_judge_statement(&verdict, said, &files->given, now_s));
    verify_conclude(&verdict);
    return verify_verdict_is_accepted(&verdict);
}

static bool statement_is_right(const struct row *row, struct dcap_files *files)
{
    struct endorse_intel_envelope envelope;
    struct verify_dcap_statement said;
    assert_ok(endorse_intel_read(dcap_content(files, row->path), &envelope));
    assert_ok(endorse_intel_statement(&envelope, &said));
    gather_issuers(row, files);
    int64_t now_s = row->now_s != 0 ? row->now_s : said.issued_s + 1;
    bool is_good = is_accepted(&said, files, now_s);
    if (row->kind == OLD) {
        return !is_good && passed("statement signature");
    }
    if (row->own == NULL) {
        return is_good;
    }
    dcap_anchor(files, dcap_in(row->own, "trustedRootCaCert.pem"));
    return !is_good && is_accepted(&said, files, now_s);
}

static enum crypto_chain_fault fault_of(const struct crypto_certificate *leaf,
                                        const struct dcap_files *files,
                                        int64_t now_s)
{
    struct crypto_chain chain = {
        .anchors = files->given.anchors,
        .anchor_count = files->given.anchor_count,
        .intermediates = files->given.certificates,
        .intermediate_count = files->given.certificate_count,
        .crls = files->given.crls,
        .crl_count = files->given.crl_count,
        .needs_crls = files->given.crl_count != 0,
        .now_s = now_s,
    };
    struct crypto_chain_verdict found = {0};
    assert_ok(crypto_chain_verify(leaf, &chain, &found));
    return found.fault;
}

static bool certificates_are_right(const struct row *row,
                                   struct dcap_files *files)
{
    dcap_certificates(files, row->path);
    size_t count = files->given.certificate_count;
    gather_issuers(row, files);
    dcap_anchor(files, "go-tdx-guest/trusted_root.pem");
    bool is_right = true;
    for (size_t i = 0; i < count; i++) {
        is_right = is_right && fault_of(&files->certificates[i], files,
                                        row->now_s) != CRYPTO_CHAIN_GOOD;
    }
    crypto_certificate_close(&files->anchors[0]);
    files->given.anchor_count = 0;
    dcap_anchor(files, dcap_in(row->own, "trustedRootCaCert.pem"));
    for (size_t i = 0; i < count; i++) {
        is_right = is_right && fault_of(&files->certificates[i], files,
                                        row->now_s) == CRYPTO_CHAIN_GOOD;
    }
    return is_right;
}

static void take_list(struct dcap_files *files, const char *path)
{
    bool is_pem = strstr(path, ".pem") != NULL;
    (is_pem ? dcap_crl_pem : dcap_crl)(files, path);
}

// Intel's own: from a platform of that time, whose certificate is in a quote.
static bool intel_list_is_right(const struct row *row, struct dcap_files *files)
{
    struct rotor_bytes quote = dcap_content(files, "trustee/tdx_quote_4.dat");
    struct verify_asked asked = {.now_s = row->now_s};
    take_list(files, "go-tdx-guest/rootcrl.der");
    assert_ok(verify_tdx(&verdict, quote, &files->given, &asked, &work));
    bool is_one_enough = passed("PCK chain"); // both issuers need one
    take_list(files, "go-tdx-guest/pckcrl");
    assert_ok(verify_tdx(&verdict, quote, &files->given, &asked, &work));
    return !is_one_enough && passed("PCK chain");
}

static bool list_is_right(const struct row *row, struct dcap_files *files)
{
    if (row->own == NULL) {
        return intel_list_is_right(row, files);
    }
    bool is_of_root = strstr(row->path, "root") != NULL;
    dcap_anchor(files, dcap_in(row->own, "trustedRootCaCert.pem"));
    gather_issuers(row, files);
    dcap_pck(files, dcap_in(row->own, "pckCert.pem"));
    const char *other = is_of_root ? "intermediateCaCrl.der" : "rootCaCrl.der";
    take_list(files, dcap_in(row->own, other));
    bool is_one_enough =
        fault_of(&files->pck, files, row->now_s) == CRYPTO_CHAIN_GOOD;
    take_list(files, row->path);
    return !is_one_enough &&
           fault_of(&files->pck, files, row->now_s) == CRYPTO_CHAIN_GOOD;
}

static bool root_is_right(const struct row *row, struct dcap_files *files)
{
    struct crypto_certificate_facts facts;
    uint8_t hash[32];
    if (strstr(row->path, ".pem") != NULL) {
        dcap_anchor(files, row->path);
    } else {
        assert_ok(crypto_certificate_open(&files->anchors[0],
                                          dcap_content(files, row->path)));
        files->given.anchor_count = 1;
    }
    assert_ok(crypto_certificate_facts(&files->anchors[0], &facts));
    assert_ok(crypto_hash(CRYPTO_SHA256, &facts.spki, 1, hash));
    return memcmp(hash, verify_dcap_intel_root.key_sha256, sizeof hash) == 0;
}

static bool nothing_is_right(const struct row *row, struct dcap_files *files)
{
    struct rotor_bytes content = dcap_content(files, row->path);
    struct verify_asked asked = {.now_s = SUMMER_2025};
    struct endorse_intel_envelope envelope;
    return verify_dcap_backend(content) == VERIFY_BACKEND_NONE &&
           endorse_intel_read(content, &envelope) == ROTOR_MALFORMED &&
           verify_sgx(&verdict, content, &files->given, &asked, &work) ==
               ROTOR_MALFORMED &&
           verify_tdx(&verdict, content, &files->given, &asked, &work) ==
               ROTOR_MALFORMED &&
           !verify_verdict_is_accepted(&verdict);
}

static bool row_is_right(const struct row *row)
{
    struct dcap_files files;
    dcap_files_open(&files);
    bool is_right = false;
    switch (row->kind) {
    case QUOTE:
    case COLLECTION:
        is_right = dcap_quote_is_right(row->path);
        break;
    case STATEMENT:
    case OLD:
        is_right = statement_is_right(row, &files);
        break;
    case CERTIFICATE:
        is_right = certificates_are_right(row, &files);
        break;
    case LIST:
        is_right = list_is_right(row, &files);
        break;
    case ROOT:
        is_right = root_is_right(row, &files);
        break;
    case NOTHING:
        is_right = nothing_is_right(row, &files);
        break;
    }
    dcap_files_close(&files);
    return is_right;
}

static bool is_listed(const char *path, size_t size)
{
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        if (strlen(ROWS[i].path) == size &&
            memcmp(ROWS[i].path, path, size) == 0) {
            return true;
        }
    }
    return false;
}

// How many rows of the file are about this folder; each must be listed.
static size_t rows_of_sources(void)
{
    static const char folder[] = "\nsgx-tdx/";
    struct vectors v;
    struct rotor_bytes content;
    assert_true(vectors_open_bytes(&v, "SOURCES.tsv", &content));
    size_t count = 0;
    const char *at = strstr((const char *)content.data, folder);
    while (at != NULL) {
        const char *path = at + sizeof folder - 1;
        assert_true(is_listed(path, strcspn(path, "\t")));
        count++;
        at = strstr(path, folder);
    }
    vectors_close(&v);
    return count;
}

SPEC("every file that is listed for SGX and TDX gets the verdict that its row "
     "asks for")
{
    if (!dcap_has_files()) {
        SKIP("no vectors");
    }
    size_t right = 0;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        bool is_right = row_is_right(&ROWS[i]);
        printf("  %-5s %-50s %s%s\n", is_right ? "right" : "WRONG",
               ROWS[i].path, KINDS[ROWS[i].kind],
               ROWS[i].own != NULL ? ", under its own root only" : "");
        right += is_right;
    }
    printf("  sgx-tdx %zu/%zu\n", right, COUNT_OF(ROWS));
    assert_int_equal(right, COUNT_OF(ROWS));
    assert_int_equal(rows_of_sources(), COUNT_OF(ROWS));
}
