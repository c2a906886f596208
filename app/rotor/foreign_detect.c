// SPDX-License-Identifier: Apache-2.0
// What a file is, by its content.
#include <string.h>

#include "app/rotor/foreign_detect.h"
#include "base/bytes.h"
#include "verify/cca.h"
#include "verify/dcap.h"
#include "verify/eat.h"
#include "verify/oak.h"
#include "verify/psa.h"
#include "verify/snp.h"
#include "verify/tpm_report.h"
#include "wire/cbor.h"

static const char *const NAMES[FOREIGN_FORMAT_COUNT] = {
    [FOREIGN_UNKNOWN] = "unknown", [FOREIGN_ROTOR] = "rotor",
    [FOREIGN_PROCESS] = "process", [FOREIGN_SNP] = "snp",
    [FOREIGN_OAK] = "oak",         [FOREIGN_SGX] = "sgx",
    [FOREIGN_TDX] = "tdx",         [FOREIGN_TPM] = "tpm",
    [FOREIGN_PSA] = "psa",         [FOREIGN_CCA] = "cca",
    [FOREIGN_EAT] = "eat",         [FOREIGN_DICE] = "dice",
};

const char *foreign_format_name(enum foreign_format format)
{
    return (unsigned)format < COUNT_OF(NAMES) ? NAMES[format] : "unknown";
}

bool foreign_format_named(const char *name, enum foreign_format *format)
{
    for (int i = FOREIGN_ROTOR; i < FOREIGN_FORMAT_COUNT; i++) {
        if (strcmp(NAMES[i], name) == 0) {
            *format = (enum foreign_format)i;
            return true;
        }
    }
    return false;
}

// ---- formats ---------------------------------------------------------------

static bool begins_with(struct rotor_bytes content, const void *head,
                        size_t size)
{
    return content.size >= size && memcmp(content.data, head, size) == 0;
}

static bool is_zero(struct rotor_bytes bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        any |= bytes.data[i];
    }
    return any == 0;
}

// What the kernel's older interface puts before a report (linux/sev-guest.h):
// le32 status, le32 size, 24 zeros.
static struct rotor_bytes behind_response(struct rotor_bytes content)
{
    const size_t head = 32;
    bool is_response = content.size >= head + VERIFY_SNP_REPORT_SIZE &&
                       bytes_le32(content.data) == 0 &&
                       bytes_le32(content.data + 4) == VERIFY_SNP_REPORT_SIZE &&
                       is_zero(bytes_of(content.data + 8, head - 8));
    return is_response ? bytes_of(content.data + head, content.size - head)
                       : content;
}

bool foreign_snp_parts(struct rotor_bytes content, struct rotor_bytes *report,
                       struct rotor_bytes *table)
{
    struct verify_snp_report read;
    struct verify_snp_table certificates;
    content = behind_response(content);
    if (content.size < VERIFY_SNP_REPORT_SIZE) {
        return false;
    }
    *report = bytes_of(content.data, VERIFY_SNP_REPORT_SIZE);
    *table = bytes_of(content.data + VERIFY_SNP_REPORT_SIZE,
                      content.size - VERIFY_SNP_REPORT_SIZE);
    if (is_zero(*table)) {
        table->size = 0;
    }
    return verify_snp_read(*report, &read) == ROTOR_OK && read.algorithm == 1 &&
           (table->size == 0 ||
            verify_snp_read_table(*table, &certificates) == ROTOR_OK);
}

static bool is_snp(struct rotor_bytes content)
{
    struct rotor_bytes report;
    struct rotor_bytes table;
    return foreign_snp_parts(content, &report, &table);
}

static bool is_oak(struct rotor_bytes content)
{
    struct verify_oak_evidence evidence;
    return verify_oak_read(content, &evidence) == ROTOR_OK &&
           evidence.platform == VERIFY_OAK_SNP && evidence.report.size != 0;
}

static bool is_rotor(struct rotor_bytes content)
{
    static const char plain[] = "\x84\x6erotor attest/1";
    static const char with_platform[] = "\x85\x6erotor attest/2";
    return begins_with(content, plain, sizeof plain - 1) ||
           begins_with(content, with_platform, sizeof with_platform - 1);
}

// Evidence = [1, report bstr] and nothing behind it.
static bool is_process(struct rotor_bytes content)
{
    struct cbor_reader in;
    cbor_reader_init(&in, content);
    cbor_read_array_of(&in, 2);
    bool is_it = cbor_read_uint(&in) == VERIFY_BACKEND_PROCESS;
    (void)cbor_read_bytes_sized(&in, 1, content.size);
    return cbor_finished(&in) && is_it;
}

// TPMS_ATTEST, with its size before it or not: TPM_GENERATED, then a type.  Or
// keylime's text, that begins with one; or rotor's report.
static bool is_tpm(struct rotor_bytes content)
{
    static const uint8_t head[] = {0xff, 'T', 'C', 'G', 0x80};
    static const char text[] = "r/1RDR4A";
    static struct verify_tpm_report report;
    struct rotor_bytes inner =
        content.size > 2 ? bytes_of(content.data + 2, content.size - 2)
                         : content;
    return begins_with(content, head, sizeof head) ||
           begins_with(inner, head, sizeof head) ||
           begins_with(content, text, sizeof text - 1) ||
           verify_tpm_report_decode(content, &report) == ROTOR_OK;
}

// ---- CBOR ------------------------------------------------------------------

// Claims of the Open Profile for DICE: the key that a certificate is for.
#define CLAIM_SUBJECT_KEY (-4670552)

static bool is_certificate(const struct verify_cose *cose)
{
    struct cbor_foreign claims;
    struct cbor_foreign value;
    return cose->kind == VERIFY_COSE_SIGN1 &&
           cbor_foreign_open(cose->payload, &claims) &&
           cbor_foreign_find(&claims, CLAIM_SUBJECT_KEY, &value);
}

// One after the other, or Android's array that begins with a key.
static bool is_dice(struct rotor_bytes content)
{
    struct cbor_foreign first;
    struct cbor_foreign inner;
    struct cbor_foreign_walk walk;
    struct rotor_bytes rest;
    struct verify_cose cose;
    if (!cbor_foreign_open_first(content, &first, &rest)) {
        return false;
    }
    if (verify_cose_open(first.bytes, &cose) == NULL) {
        return is_certificate(&cose);
    }
    cbor_foreign_walk(&first, &walk);
    bool has_key = rest.size == 0 && cbor_foreign_next(&walk, &inner) &&
                   cbor_foreign_kind(&inner) == CBOR_FOREIGN_MAP;
    return has_key && cbor_foreign_next(&walk, &inner) &&
           verify_cose_open(inner.bytes, &cose) == NULL;
}

static enum foreign_format token_of(struct rotor_bytes content)
{
    struct verify_eat_bundle bundle;
    struct verify_cose cose;
    struct cbor_foreign claims;
    if (verify_cca_is_collection(content)) {
        return FOREIGN_CCA;
    }
    if (is_dice(content)) {
        return FOREIGN_DICE;
    }
    if (verify_eat_unbundle(content, &bundle) != NULL ||
        verify_cose_open(bundle.token, &cose) != NULL ||
        (cose.kind != VERIFY_COSE_SIGN1 && cose.kind != VERIFY_COSE_MAC0)) {
        return FOREIGN_UNKNOWN;
    }
    // Not a map: of rotor's own messages, or anything else that is signed.
    if (!cbor_foreign_open(cose.payload, &claims) ||
        cbor_foreign_kind(&claims) != CBOR_FOREIGN_MAP) {
        return FOREIGN_UNKNOWN;
    }
    return verify_psa_is_profile(&claims) ? FOREIGN_PSA : FOREIGN_EAT;
}

// ---- X.509 -----------------------------------------------------------------

// The extension of the Open Profile, 1.3.6.1.4.1.11129.2.1.24, as encoded.
static bool is_dice_x509(struct rotor_bytes content)
{
    static const uint8_t oid[] = {0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04,
                                  0x01, 0xd6, 0x79, 0x02, 0x01, 0x18};
    if (content.size == 0 || content.data[0] != 0x30) {
        return false;
    }
    for (size_t i = 0; i + sizeof oid <= content.size; i++) {
        if (memcmp(content.data + i, oid, sizeof oid) == 0) {
            return true;
        }
    }
    return false;
}

enum foreign_format foreign_detect(struct rotor_bytes content)
{
    if (is_rotor(content)) {
        return FOREIGN_ROTOR;
    }
    if (is_process(content)) {
        return FOREIGN_PROCESS;
    }
    if (is_snp(content)) {
        return FOREIGN_SNP;
    }
    enum verify_backend quote = verify_dcap_backend(content);
    if (quote != VERIFY_BACKEND_NONE) {
        return quote == VERIFY_BACKEND_SGX ? FOREIGN_SGX : FOREIGN_TDX;
    }
    if (is_tpm(content)) {
        return FOREIGN_TPM;
    }
    if (is_dice_x509(content)) {
        return FOREIGN_DICE;
    }
    enum foreign_format token = token_of(content);
    if (token != FOREIGN_UNKNOWN) {
        return token;
    }
    return is_oak(content) ? FOREIGN_OAK : FOREIGN_UNKNOWN;
}

// ---- known, and not supported ----------------------------------------------

// header.payload.signature, each Base64 of an object: {" is eyJ.
static bool is_web_token(struct rotor_bytes content)
{
    static const char head[] = "eyJ";
    size_t dots = 0;
    for (size_t i = 0; i < content.size; i++) {
        dots += content.data[i] == '.' ? 1 : 0;
    }
    return begins_with(content, head, sizeof head - 1) && dots == 2;
}

// A document of a Nitro enclave: its claims have names, "module_id" among them.
static bool is_nitro(struct rotor_bytes content)
{
    static const char name[] = "\x69module_id";
    struct verify_cose cose;
    return verify_cose_open(content, &cose) == NULL &&
           cose.kind == VERIFY_COSE_SIGN1 &&
           memmem(cose.payload.data, cose.payload.size, name,
                  sizeof name - 1) != NULL;
}

// RFC 9781: tag 601 around claims, and no signature anywhere.
static bool is_unsigned_claims(struct rotor_bytes content)
{
    static const uint8_t tag[] = {0xd9, 0x02, 0x59};
    return begins_with(content, tag, sizeof tag);
}

// REPORTTYPE 0x81 and the sizes of TDREPORT_STRUCT; nobody signed it.
static bool is_tdreport(struct rotor_bytes content)
{
    static const uint8_t head[] = {0x81, 0x00};
    return content.size == 1024 && begins_with(content, head, sizeof head);
}

static bool is_hcl(struct rotor_bytes content)
{
    return begins_with(content, "HCLA", 4);
}

const char *foreign_unsupported(struct rotor_bytes content)
{
    static const struct {
        bool (*is_it)(struct rotor_bytes content);
        const char *name;
    } known[] = {
        {is_web_token,       "a JSON Web Token; tokens in CBOR are"},
        {is_unsigned_claims, "claims without a signature (UCCS)"   },
        {is_nitro,           "a document of an AWS Nitro enclave"  },
        {is_tdreport,        "a TDREPORT, which only its own machine can check; a "
                      "quote is"              },
        {is_hcl,             "a report of Azure's paravisor; the report of SEV-SNP "
                 "or the quote in it is"           },
    };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (known[i].is_it(content)) {
            return known[i].name;
        }
    }
    return NULL;
}
