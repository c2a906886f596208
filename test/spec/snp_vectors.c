// SPDX-License-Identifier: Apache-2.0
// Every published file of SEV-SNP gets the verdict that SOURCES.tsv asks for.
#include "test/spec.h"
#include "test/spec/snp_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "verify/oak.h"
#include "verify/snp_launch.h"

// July 2025: all certificates of the folder are valid.
#define THEN 1753747200

struct vector {
    const char *file;
    // Says what it found; NULL: what SOURCES.tsv asks for.
    const char *(*judge)(const struct vector *vector);
    const char *certificate; // of a report
    const char *chain;
    int64_t now_s;
};

static struct verify_verdict verdict;

static struct rotor_bytes open_file(struct vectors *v, const char *name)
{
    char path[256];
    struct rotor_bytes bytes = {0};
    snprintf(path, sizeof path, "snp/%s", name);
    if (!vectors_open_bytes(v, path, &bytes)) {
        fail_msg("no %s", path);
    }
    return bytes;
}

static const char *unless_accepted(void)
{
    return verify_verdict_is_accepted(&verdict) ? NULL : verdict.reason;
}

// ---- reports and certificates ----------------------------------------------

static const char *judge_bytes(const struct vector *vector,
                               struct rotor_bytes report)
{
    struct snp_pool pool = {0};
    snp_pool_add(&pool, vector->certificate);
    snp_pool_add(&pool, vector->chain);
    const struct verify_snp_endorsements endorsements = {
        .certificates = pool.certificates, .certificate_count = pool.count};
    const struct verify_asked asked = {
        .now_s = vector->now_s != 0 ? vector->now_s : THEN};
    assert_ok(verify_snp(report, &endorsements, &asked, &verdict));
    const char *fault = unless_accepted();
    snp_pool_close(&pool);
    return fault;
}

static const char *report(const struct vector *vector)
{
    struct vectors v;
    struct rotor_bytes bytes = open_file(&v, vector->file);
    const char *fault = judge_bytes(vector, bytes);
    if (fault == NULL && verdict.level != VERIFY_LEVEL_HARDWARE) {
        fault = "accepted without a level";
    }
    vectors_close(&v);
    return fault;
}

static const char *report_in_hex(const struct vector *vector)
{
    struct vectors v;
    struct rotor_bytes text = open_file(&v, vector->file);
    const char *fault =
        judge_bytes(vector, vectors_hex(&v, (const char *)text.data));
    vectors_close(&v);
    return fault;
}

// Valid while its VLEK was, from VMPL 1; refused as expired today.
static const char *report_of_vlek(const struct vector *vector)
{
    struct vector later = *vector;
    const char *fault = report(vector);
    if (fault != NULL) {
        return fault;
    }
    if (verify_row_named(&verdict, "vmpl")->seen.number != 1 ||
        verdict.instance.size != 0) {
        return "another VMPL or chip";
    }
    later.now_s = 1767225600; // 2026
    fault = report(&later);
    return fault != NULL && strcmp(fault, "expired") == 0 ? NULL
                                                          : "not expired";
}

static const char *judge_leaf(const char *leaf, const char *chain)
{
    struct snp_pool pool = {0};
    snp_pool_add(&pool, leaf);
    snp_pool_add(&pool, chain);
    const struct verify_snp_endorsements endorsements = {
        .certificates = pool.certificates + 1,
        .certificate_count = pool.count - 1};
    assert_ok(verify_snp_certificate(&pool.certificates[0], &endorsements, THEN,
                                     &verdict));
    snp_pool_close(&pool);
    return unless_accepted();
}

static const char *leaf(const struct vector *vector)
{
    return judge_leaf(vector->file, vector->chain);
}

static const char *leaf_of_turin(const struct vector *vector)
{
    const char *fault = leaf(vector);
    bool is_refused =
        judge_leaf(vector->file, "amd-roots/ask_ark_milan.pem") != NULL &&
        judge_leaf(vector->file, "amd-roots/ask_ark_genoa.pem") != NULL;
    return is_refused ? fault : "accepted under another product";
}

// The report that comes along must be refused for chain, chip and TCB.
static const char *tampered_leaf(const struct vector *vector)
{
    struct vector with = {.file = "trustee/test-report.bin",
                          .certificate = vector->file,
                          .chain = vector->chain};
    static const char *const checks[] = {"certificate chain", "chip id",
                                         "tcb snp"};
    if (leaf(vector) == NULL || report(&with) == NULL) {
        return "accepted";
    }
    for (size_t i = 0; i < COUNT_OF(checks); i++) {
        if (verify_row_named(&verdict, checks[i])->finding != VERIFY_FAILED) {
            return checks[i];
        }
    }
    return NULL;
}

// Every certificate leads to the one that is AMD's root; the root signs itself.
static const char *roots(const struct vector *vector)
{
    struct snp_pool pool = {0};
    struct crypto_certificate root = {0};
    size_t roots_found = 0;
    size_t good = 0;
    snp_pool_add(&pool, vector->file);
    for (size_t i = 0; i < pool.count; i++) {
        enum verify_snp_product product;
        assert_ok(verify_snp_is_root(&pool.certificates[i], &product));
        if (product != VERIFY_SNP_NO_PRODUCT) {
            root = pool.certificates[i];
            roots_found++;
        }
    }
    struct crypto_chain chain = {
        .anchors = &root, .anchor_count = roots_found, .now_s = THEN};
    for (size_t i = 0; roots_found == 1 && i < pool.count; i++) {
        struct crypto_chain_verdict found;
        assert_ok(crypto_chain_verify(&pool.certificates[i], &chain, &found));
        good += found.fault == CRYPTO_CHAIN_GOOD;
    }
    bool is_consistent = pool.count >= 2 && good == pool.count;
    snp_pool_close(&pool);
    return is_consistent ? NULL : "not one chain";
}

// ---- launch ----------------------------------------------------------------

// What virtee's own test expects of these keys: tests/id-block.rs.
static const char block_hex[] =
    "a14d638341e5674628fe1e02fbedebe5e5ab4faf1dd72d8966068e615bb99efd"
    "13d214b35c231715b38e263dc6059745"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "01000000"
    "00000000"
    "0000030000000000";
static const char author_digest_hex[] =
    "eed81169fb0cb5e0ec34794f128fd4e0c4a46f67c65a1adfa81fcb24bcc088c2"
    "72369b7ffc3eb2b6af6a4284a1b36c5f";

static const char *id_auth(const struct vector *vector)
{
    struct vectors v;
    struct rotor_bytes auth = open_file(&v, vector->file);
    struct rotor_bytes block = vectors_hex(&v, block_hex);
    struct rotor_bytes author = vectors_hex(&v, author_digest_hex);
    assert_ok(verify_snp_identity(block, auth, &verdict));
    const char *fault = unless_accepted();
    bool is_author = bytes_equal(
        bytes_of(verdict.signer.bytes, verdict.signer.size), author);
    vectors_close(&v);
    return is_author ? fault : "another author key";
}

// The signature, and the key, stand in the authentication at their places.
static const char *part_of_id_auth(const struct vector *vector, size_t at)
{
    struct vectors v;
    struct vectors w;
    struct rotor_bytes auth = open_file(&v, "virtee-sev/id_auth_block.bin");
    struct rotor_bytes part = open_file(&w, vector->file);
    bool is_there =
        part.size == 512 && memcmp(auth.data + at, part.data, part.size) == 0;
    vectors_close(&v);
    vectors_close(&w);
    const struct vector whole = {.file = "virtee-sev/id_auth_block.bin"};
    return is_there ? id_auth(&whole) : "not in the ID authentication";
}

static const char *id_signature(const struct vector *vector)
{
    return part_of_id_auth(vector, 0x40);
}

static const char *author_signature(const struct vector *vector)
{
    return part_of_id_auth(vector, 0x680);
}

// A PEM key is the one in the authentication.
static const char *key_at(const struct vector *vector, size_t at)
{
    struct vectors v;
    struct rotor_bytes auth = open_file(&v, "virtee-sev/id_auth_block.bin");
    uint8_t x[48];
    for (size_t i = 0; i < sizeof x; i++) {
        x[i] = auth.data[at + 4 + 47 - i];
    }
    vectors_close(&v);
    struct rotor_bytes spki = snp_key_of(vector->file);
    bool is_key = memcmp(spki.data + spki.size - 96, x, sizeof x) == 0;
    return is_key ? NULL : "another key";
}

static const char *id_key(const struct vector *vector)
{
    return key_at(vector, 0x240);
}

static const char *author_key(const struct vector *vector)
{
    return key_at(vector, 0x880);
}

static bool has_hashes(const struct verify_snp_firmware *firmware)
{
    for (size_t i = 0; i < firmware->section_count; i++) {
        if (firmware->sections[i].kind == VERIFY_SNP_SECTION_HASHES) {
            return firmware->hashes_address != 0;
        }
    }
    return false;
}

// The digest that virtee's own test expects: tests/measurement.rs.
static const char ovmf_hex[] =
    "086e2e9149ebf45abdc3445fba5b2da8270bdbb04094d7a2c37faaa4b24af3aa"
    "16aff8c374c2a55c467a50da6d466b74";

static const char *ovmf(const struct vector *vector)
{
    struct vectors v;
    struct verify_snp_firmware firmware;
    struct verify_snp_launch launch = {{0}};
    struct rotor_bytes image = open_file(&v, vector->file);
    struct rotor_bytes expected = vectors_hex(&v, ovmf_hex);
    const char *fault = NULL;
    if (verify_snp_read_firmware(image, &firmware) != ROTOR_OK) {
        fault = "not read";
    } else if (!has_hashes(&firmware) || firmware.reset_eip != 0x80b004) {
        fault = "another table";
    }
    assert_ok(verify_snp_launch_add(&launch, VERIFY_SNP_PAGE_NORMAL, 0xfffff000,
                                    image));
    if (!bytes_equal(BYTES_OF(launch.digest), expected)) {
        fault = "another digest";
    }
    vectors_close(&v);
    return fault;
}

static const char *ovmf_without(const struct vector *vector)
{
    struct vectors v;
    struct verify_snp_firmware firmware;
    struct rotor_bytes image = open_file(&v, vector->file);
    const char *fault =
        verify_snp_read_firmware(image, &firmware) == ROTOR_OK &&
                !has_hashes(&firmware)
            ? NULL
            : "not read, or with hashes";
    vectors_close(&v);
    return fault;
}

// ---- Oak -------------------------------------------------------------------

static const char *judge_oak(struct rotor_bytes evidence,
                             const char *endorsements_name)
{
    struct vectors v;
    struct snp_pool pool = {0};
    struct rotor_bytes der;
    struct rotor_bytes endorsements_bytes = open_file(&v, endorsements_name);
    if (verify_oak_certificate(endorsements_bytes, &der) != ROTOR_OK) {
        return "no certificate";
    }
    assert_ok(crypto_certificate_open(&pool.certificates[pool.count++], der));
    snp_pool_add(&pool, "amd-roots/ask_ark_milan.pem");
    const struct verify_snp_endorsements endorsements = {
        .certificates = pool.certificates, .certificate_count = pool.count};
    const struct verify_asked asked = {.now_s = THEN};
    assert_ok(verify_oak(evidence, &endorsements, &asked, &verdict));
    snp_pool_close(&pool);
    vectors_close(&v);
    return unless_accepted();
}

static const char *oak(const struct vector *vector)
{
    struct vectors v;
    const char *fault =
        judge_oak(open_file(&v, vector->file), vector->certificate);
    vectors_close(&v);
    return fault;
}

// The endorsements of other evidence must not do, but that of the same chip
// and TCB.
static const char *oak_endorsements(const struct vector *vector)
{
    struct vectors v;
    const char *fault =
        judge_oak(open_file(&v, vector->certificate), vector->file);
    vectors_close(&v);
    return fault;
}

static const char *oak_text(const struct vector *vector)
{
    struct vectors v;
    uint8_t memory[8192];
    struct rotor_room binary = ROOM_OF(memory);
    struct rotor_bytes text = open_file(&v, vector->file);
    const char *fault = "not read";
    if (verify_oak_from_text(text, &binary) == ROTOR_OK) {
        fault = judge_oak(bytes_in(&binary), vector->certificate);
    }
    vectors_close(&v);
    return fault;
}

// ---- the table -------------------------------------------------------------

#define MILAN  "amd-roots/ask_ark_milan.pem"
#define OAK    "oak/milan_"
#define VIRTEE "virtee-sev/"

static const struct vector table[] = {
    {"go-sev-guest/milan_report_v2.bin",        report,           "go-sev-guest/vcek_milan.der",
     "go-sev-guest/ask_ark_milan_testcer.pem",                                                                                       0},
    {"go-sev-guest/vcek_milan.der",             leaf,             NULL,                          MILAN,                              0},
    {"go-sev-guest/ask_ark_milan_testcer.pem",  roots,            NULL,                          NULL,                               0},
    {"go-sev-guest/asvk_ark_milan_testcer.pem", roots,            NULL,                          NULL,                               0},
    {"amd-roots/ask_ark_genoa.pem",             roots,            NULL,                          NULL,                               0},
    {"amd-roots/ask_ark_genoa_vlek.pem",        roots,            NULL,                          NULL,                               0},
    {"amd-roots/ask_ark_milan.pem",             roots,            NULL,                          NULL,                               0},
    {"amd-roots/ask_ark_milan_vlek.pem",        roots,            NULL,                          NULL,                               0},
    {"amd-roots/ask_ark_turin_vcek.pem",        roots,            NULL,                          NULL,                               0},
    {"amd-roots/ask_ark_turin_vlek.pem",        roots,            NULL,                          NULL,                               0},
    {VIRTEE "report_milan.hex",                 report_in_hex,    VIRTEE "vcek_milan.der",
     VIRTEE "cert_chain_milan.pem",                                                                                                  0},
    {VIRTEE "vcek_milan.der",                   leaf,             NULL,                          VIRTEE "cert_chain_milan.pem",      0},
    {VIRTEE "vcek_turin.der",                   leaf_of_turin,    NULL,
     VIRTEE "cert_chain_turin.pem",                                                                                                  0},
    {VIRTEE "cert_chain_milan.pem",             roots,            NULL,                          NULL,                               0},
    {VIRTEE "cert_chain_turin.pem",             roots,            NULL,                          NULL,                               0},
    {VIRTEE "id_auth_block.bin",                id_auth,          NULL,                          NULL,                               0},
    {VIRTEE "id_sig.bin",                       id_signature,     NULL,                          NULL,                               0},
    {VIRTEE "auth_sig.bin",                     author_signature, NULL,                          NULL,                               0},
    {VIRTEE "test_id_key.pub.pem",              id_key,           NULL,                          NULL,                               0},
    {VIRTEE "test_auth_key.pub.pem",            author_key,       NULL,                          NULL,                               0},
    {VIRTEE "ovmf_AmdSev_suffix.bin",           ovmf,             NULL,                          NULL,                               0},
    {VIRTEE "ovmf_OvmfX64_suffix.bin",          ovmf_without,     NULL,                          NULL,                               0},
    {"trustee/test-report.bin",                 report,           "trustee/test-vcek.der",
     "trustee/milan_ask_ark_asvk.pem",                                                                                               0},
    {"trustee/test-vcek.der",                   leaf,             NULL,                          MILAN,                              0},
    {"trustee/test-vlek-report.bin",            report_of_vlek,   "trustee/test-vlek.der",
     "trustee/milan_ask_ark_asvk.pem",                                                                                               0},
    {"trustee/test-vlek.der",                   leaf,             NULL,                          "amd-roots/ask_ark_milan_vlek.pem",
     0                                                                                                                                },
    {"trustee/test-vcek-invalid-legacy.der",    tampered_leaf,    NULL,                          MILAN,                              0},
    {"trustee/test-vcek-invalid-new.der",       tampered_leaf,    NULL,                          MILAN,                              0},
    {"trustee/genoa_ask_ark_asvk.pem",          roots,            NULL,                          NULL,                               0},
    {"trustee/milan_ask_ark_asvk.pem",          roots,            NULL,                          NULL,                               0},
    {"trustee/turin_ask_ark_asvk.pem",          roots,            NULL,                          NULL,                               0},
    {OAK "oc_release_evidence.binarypb",        oak,
     OAK "oc_release_endorsements.binarypb",                                                     NULL,                               0},
    {OAK "oc_release_endorsements.binarypb",    oak_endorsements,
     OAK "oc_release_evidence.binarypb",                                                         NULL,                               0},
    {OAK "oc_staging_evidence.binarypb",        oak,
     OAK "oc_staging_endorsements.binarypb",                                                     NULL,                               0},
    {OAK "oc_staging_endorsements.binarypb",    oak_endorsements,
     OAK "oc_staging_evidence.binarypb",                                                         NULL,                               0},
    {OAK "rk_release_evidence.binarypb",        oak,
     OAK "rk_release_endorsements.binarypb",                                                     NULL,                               0},
    {OAK "rk_release_endorsements.binarypb",    oak_endorsements,
     OAK "rk_release_evidence.binarypb",                                                         NULL,                               0},
    {OAK "rk_staging_evidence.binarypb",        oak,
     OAK "rk_staging_endorsements.binarypb",                                                     NULL,                               0},
    {OAK "rk_staging_endorsements.binarypb",    oak_endorsements,
     OAK "rk_staging_evidence.binarypb",                                                         NULL,                               0},
    {OAK "oc_release_evidence.textproto",       oak_text,
     OAK "oc_release_endorsements.binarypb",                                                     NULL,                               0},
};

static bool are_there(void)
{
    struct vectors v;
    struct rotor_bytes bytes;
    if (!vectors_open_bytes(&v, "SOURCES.tsv", &bytes)) {
        return false;
    }
    vectors_close(&v);
    return true;
}

SPEC("every published file of SEV-SNP gets the verdict that is asked for")
{
    if (!are_there()) {
        SKIP("no vectors");
    }
    size_t right = 0;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const char *fault = table[i].judge(&table[i]);
        right += fault == NULL;
        print_message("# snp: %-48s %s\n", table[i].file,
                      fault == NULL ? "right" : fault);
    }
    print_message("# snp: %zu right of %zu\n", right, COUNT_OF(table));
    assert_int_equal(right, COUNT_OF(table));
}

SPEC("no file of SEV-SNP that SOURCES.tsv lists is left out")
{
    if (!are_there()) {
        SKIP("no vectors");
    }
    struct vectors v;
    struct rotor_bytes text;
    assert_true(vectors_open_bytes(&v, "SOURCES.tsv", &text));
    size_t listed = 0;
    for (const char *line = (const char *)text.data; line != NULL;
         line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "snp/", 4) != 0) {
            continue;
        }
        size_t size = strcspn(line + 4, "\t");
        bool is_known = false;
        for (size_t i = 0; i < COUNT_OF(table); i++) {
            is_known |= strlen(table[i].file) == size &&
                        strncmp(table[i].file, line + 4, size) == 0;
        }
        if (!is_known) {
            print_message("not in the table: %.*s\n", (int)size, line + 4);
        }
        assert_true(is_known);
        listed++;
    }
    vectors_close(&v);
    assert_int_equal(listed, COUNT_OF(table));
}

// ---- one bit changed -------------------------------------------------------

struct pair {
    const char *report;
    const char *certificate;
    const char *chain;
    bool is_hex;
};

static const struct pair pairs[] = {
    {"go-sev-guest/milan_report_v2.bin", "go-sev-guest/vcek_milan.der", MILAN,
     false                                                                          },
    {VIRTEE "report_milan.hex",          VIRTEE "vcek_milan.der",       MILAN, true },
    {"trustee/test-vlek-report.bin",     "trustee/test-vlek.der",
     "amd-roots/ask_ark_milan_vlek.pem",                                       false},
};

static bool is_accepted(struct rotor_bytes report, const struct snp_pool *pool)
{
    const struct verify_snp_endorsements endorsements = {
        .certificates = pool->certificates, .certificate_count = pool->count};
    const struct verify_asked asked = {.now_s = THEN};
    assert_ok(verify_snp(report, &endorsements, &asked, &verdict));
    return verify_verdict_is_accepted(&verdict);
}

SPEC("each published report with one bit of any byte changed is refused")
{
    if (!are_there()) {
        SKIP("no vectors");
    }
    for (size_t p = 0; p < COUNT_OF(pairs); p++) {
        struct vectors v;
        struct snp_pool pool = {0};
        uint8_t copy[VERIFY_SNP_REPORT_SIZE];
        struct rotor_bytes bytes = open_file(&v, pairs[p].report);
        if (pairs[p].is_hex) {
            bytes = vectors_hex(&v, (const char *)bytes.data);
        }
        memcpy(copy, bytes.data, sizeof copy);
        snp_pool_add(&pool, pairs[p].certificate);
        snp_pool_add(&pool, pairs[p].chain);
        assert_true(is_accepted(BYTES_OF(copy), &pool));
        for (size_t i = 0; i < sizeof copy; i++) {
            copy[i] ^= (uint8_t)(1u << i % 8);
            assert_false(is_accepted(BYTES_OF(copy), &pool));
            copy[i] ^= (uint8_t)(1u << i % 8);
        }
        snp_pool_close(&pool);
        vectors_close(&v);
    }
}

SPEC("each published leaf with one bit of any byte changed vouches for nothing")
{
    if (!are_there()) {
        SKIP("no vectors");
    }
    for (size_t p = 0; p < COUNT_OF(pairs); p++) {
        struct vectors v;
        struct vectors w;
        struct snp_pool pool = {.count = 1}; // the first place is the leaf's
        uint8_t copy[2048];
        struct rotor_bytes leaf_bytes = open_file(&v, pairs[p].certificate);
        struct rotor_bytes bytes = open_file(&w, pairs[p].report);
        if (pairs[p].is_hex) {
            bytes = vectors_hex(&w, (const char *)bytes.data);
        }
        memcpy(copy, leaf_bytes.data, leaf_bytes.size);
        snp_pool_add(&pool, pairs[p].chain);
        for (size_t i = 0; i < leaf_bytes.size; i++) {
            copy[i] ^= (uint8_t)(1u << i % 8);
            if (crypto_certificate_open(&pool.certificates[0],
                                        bytes_of(copy, leaf_bytes.size)) ==
                ROTOR_OK) {
                assert_false(is_accepted(bytes, &pool));
                crypto_certificate_close(&pool.certificates[0]);
            }
            copy[i] ^= (uint8_t)(1u << i % 8);
        }
        snp_pool_close(&pool);
        vectors_close(&v);
        vectors_close(&w);
    }
}

// One byte of the name or of the dates is enough: the key alone is no root.
SPEC("AMD's root with one bit of any byte changed is no root")
{
    if (!are_there()) {
        SKIP("no vectors");
    }
    struct snp_pool pool = {0};
    struct crypto_certificate_facts facts;
    uint8_t copy[2048];
    snp_pool_add(&pool, MILAN);
    assert_ok(crypto_certificate_facts(&pool.certificates[1], &facts));
    memcpy(copy, facts.der.data, facts.der.size);
    for (size_t i = 0; i <= facts.der.size; i++) {
        struct crypto_certificate root = {0};
        enum verify_snp_product product = VERIFY_SNP_NO_PRODUCT;
        struct rotor_bytes der = bytes_of(copy, facts.der.size);
        bool is_changed = i < facts.der.size;
        uint8_t bit = (uint8_t)(is_changed ? 1u << i % 8 : 0u);
        copy[i] ^= bit;
        if (crypto_certificate_open(&root, der) == ROTOR_OK) {
            assert_ok(verify_snp_is_root(&root, &product));
            crypto_certificate_close(&root);
        }
        assert_int_equal(product,
                         is_changed ? VERIFY_SNP_NO_PRODUCT : VERIFY_SNP_MILAN);
        copy[i] ^= bit;
    }
    snp_pool_close(&pool);
}
