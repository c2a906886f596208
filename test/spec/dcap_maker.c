// SPDX-License-Identifier: Apache-2.0
#include "test/spec/dcap_maker.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "endorse/intel_json.h"
#include "test/spec.h"
#include "test/spec/dcap_pki.h"
#include "verify/sgx.h"
#include "verify/tdx.h"

#define ROOT_NAME "Tests SGX Root CA"

#define SVNS(n)                                                                \
    "{\"svn\":" n "},{\"svn\":" n "},{\"svn\":" n "},{\"svn\":" n "},"         \
    "{\"svn\":" n "},{\"svn\":" n "},{\"svn\":" n "},{\"svn\":" n "},"         \
    "{\"svn\":" n "},{\"svn\":" n "},{\"svn\":" n "},{\"svn\":" n "},"         \
    "{\"svn\":" n "},{\"svn\":" n "},{\"svn\":" n "},{\"svn\":" n "}"
#define DATE "\"tcbDate\":\"2025-01-01T00:00:00Z\""
#define DATES                                                                  \
    "\"issueDate\":\"2025-06-01T00:00:00Z\","                                  \
    "\"nextUpdate\":\"2025-07-01T00:00:00Z\""
#define NO_SIGNER                                                              \
    "\"mrsigner\":\"000000000000000000000000000000000000000000000000"          \
    "000000000000000000000000000000000000000000000000\","                      \
    "\"attributes\":\"0000000000000000\","                                     \
    "\"attributesMask\":\"FFFFFFFFFFFFFFFF\""
#define TCB_INFO_HEAD                                                          \
    "\"version\":3," DATES ",\"fmspc\":\"00A1B2C3D4E5\",\"pceId\":\"0000\","   \
    "\"tcbType\":0,\"tcbEvaluationDataNumber\":17,"

static const char SGX_TCB_INFO[] =
    "{\"id\":\"SGX\"," TCB_INFO_HEAD "\"tcbLevels\":["
    "{\"tcb\":{\"sgxtcbcomponents\":[" SVNS(
        "5") "],\"pcesvn\":13}," DATE ",\"tcbStatus\":\"UpToDate\"},"
             "{\"tcb\":{\"sgxtcbcomponents\":[" SVNS(
                 "3") "],\"pcesvn\":9}," DATE
                      ",\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":[\"INTEL-"
                      "SA-00001\","
                      "\"INTEL-SA-00002\"]}]}";

static const char TDX_TCB_INFO[] =
    "{\"id\":\"TDX\"," TCB_INFO_HEAD "\"tdxModule\":{" NO_SIGNER "},"
    "\"tdxModuleIdentities\":[{\"id\":\"TDX_01\"," NO_SIGNER ",\"tcbLevels\":["
    "{\"tcb\":{\"isvsvn\":6}," DATE ",\"tcbStatus\":\"UpToDate\"},"
    "{\"tcb\":{\"isvsvn\":4}," DATE ",\"tcbStatus\":\"OutOfDate\"}]}],"
    "\"tcbLevels\":["
    "{\"tcb\":{\"sgxtcbcomponents\":[" SVNS(
        "5") "],\"pcesvn\":13,"
             "\"tdxtcbcomponents\":[" SVNS(
                 "2") "]}," DATE ",\"tcbStatus\":\"UpToDate\"},"
                      "{\"tcb\":{\"sgxtcbcomponents\":[" SVNS(
                          "3") "],\"pcesvn\":9,"
                               "\"tdxtcbcomponents\":[" SVNS(
                                   "1") "]}," DATE
                                        ",\"tcbStatus\":\"OutOfDate\"}]}";

static const char QE_IDENTITY[] =
    "{\"id\":\"QE\",\"version\":2," DATES ",\"tcbEvaluationDataNumber\":17,"
    "\"miscselect\":\"01000000\",\"miscselectMask\":\"FFFFFFFF\","
    "\"attributes\":\"11000000000000000000000000000000\","
    "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\","
    "\"mrsigner\":"
    "\"5151515151515151515151515151515151515151515151515151515151515151\","
    "\"isvprodid\":258,\"tcbLevels\":["
    "{\"tcb\":{\"isvsvn\":772}," DATE ",\"tcbStatus\":\"UpToDate\"},"
    "{\"tcb\":{\"isvsvn\":5}," DATE ",\"tcbStatus\":\"OutOfDate\"}]}";

static void fill_qe_report(uint8_t report[384])
{
    report[16] = 0x01; // MISCSELECT
    report[48] = 0x15; // ATTRIBUTES: one bit of it is not looked at
    report[56] = 0xe7; // XFRM: nor is this
    memset(report + 128, 0x51, 32); // MRSIGNER
    bytes_put_le16(report + 256, 258);
    bytes_put_le16(report + 258, 772);
}

static void begin(struct dcap_plan *plan)
{
    static const uint8_t vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c,
                                       0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3,
                                       0x95, 0x7f, 0x06, 0x07};
    *plan = (struct dcap_plan){
        .key_type = 2,
        .certification_type = 5,
        .chain_length = 2,
        .root = {ROOT_NAME,   true,     DCAP_BEGIN,         DCAP_END, DCAP_ROOT},
        .ca = {"Tests PCK CA",  true,          DCAP_BEGIN,               DCAP_END, DCAP_ROOT},
        .pck = {"Tests PCK", false,DCAP_BEGIN,DCAP_END, DCAP_CA},
        .tcb = {"Intel SGX TCB Signing", false,    DCAP_BEGIN,                     DCAP_END,
                 DCAP_ROOT},
        .platform = {.pcesvn = 13,
                 .pceid = {0, 0},
                 .fmspc = {0x00, 0xa1, 0xb2, 0xc3, 0xd4, 0xe5}       },
        .has_crls = true,
        .crl_end_s = DCAP_END,
        .has_tcb_info = true,
        .has_qe_identity = true,
        .quote_signer = DCAP_QE,
        .qe_signer = DCAP_PCK,
        .tcb_info_signer = DCAP_TCB,
        .qe_identity_signer = DCAP_TCB,
    };
    memcpy(plan->vendor, vendor, sizeof vendor);
    memset(plan->platform.components, 0x86, 16);
    memset(plan->platform.cpusvn, 0x77, 16);
    memset(plan->platform.ppid, 0x9d, 16);
    fill_qe_report(plan->qe_report);
    memcpy(plan->qe_identity, QE_IDENTITY, sizeof QE_IDENTITY);
}

void dcap_plan_sgx(struct dcap_plan *plan)
{
    begin(plan);
    plan->version = 3;
    plan->body_type = 1;
    plan->body_size = VERIFY_DCAP_SGX_BODY_SIZE;
    plan->body[48] = 0x05;                // ATTRIBUTES: INIT, 64 bit
    memset(plan->body + 64, 0xe1, 32);    // MRENCLAVE
    memset(plan->body + 128, 0x51, 32);   // MRSIGNER
    bytes_put_le16(plan->body + 258, 77); // ISVSVN
    memset(plan->body + 320, 0xda, 64);   // REPORTDATA
    memcpy(plan->tcb_info, SGX_TCB_INFO, sizeof SGX_TCB_INFO);
}

void dcap_plan_tdx(struct dcap_plan *plan)
{
    begin(plan);
    plan->version = 5;
    plan->tee_type = 0x81;
    plan->body_type = 3;
    plan->body_size = VERIFY_DCAP_TD15_SIZE;
    memset(plan->body, 0x03, 16); // TEE_TCB_SVN
    plan->body[0] = 6;            // of module version 1
    plan->body[1] = 1;
    memset(plan->body + 16, 0x5e, 48);  // MRSEAM
    plan->body[123] = 0x10;             // TDATTRIBUTES: SEPT_VE_DISABLE
    memset(plan->body + 136, 0xd1, 48); // MRTD
    memset(plan->body + 232, 0x0e, 48); // MROWNER
    memset(plan->body + 328, 0xa0, 48); // RTMR0
    memset(plan->body + 520, 0xda, 64); // REPORTDATA
    memset(plan->body + 600, 0x5d, 48); // MRSERVICETD
    memcpy(plan->tcb_info, TDX_TCB_INFO, sizeof TDX_TCB_INFO);
    dcap_replace(plan->qe_identity, "\"QE\"", "\"TD_QE\"");
}

void dcap_replace(char *text, const char *from, const char *to)
{
    char *at = strstr(text, from);
    assert_non_null(at);
    char rest[8192];
    strcpy(rest, at + strlen(from));
    strcpy(at, to);
    strcpy(at + strlen(to), rest);
}

// ---- making ----------------------------------------------------------------

struct chain {
    X509 *root, *ca, *pck, *tcb;
};

static void issue_all(const struct dcap_plan *plan, struct chain *chain)
{
    uint8_t extension[1024];
    size_t size =
        plan->has_no_extension ? 0 : dcap_pki_platform(plan, extension);
    struct rotor_bytes none = {0};
    chain->root = dcap_pki_issue(&plan->root, ROOT_NAME, DCAP_ROOT, none);
    chain->ca = dcap_pki_issue(&plan->ca, ROOT_NAME, DCAP_CA, none);
    chain->pck = dcap_pki_issue(&plan->pck, plan->ca.name,
                                plan->pck_is_strange ? DCAP_STRANGE : DCAP_PCK,
                                bytes_of(extension, size));
    chain->tcb =
        dcap_pki_issue(&plan->tcb, ROOT_NAME,
                       plan->tcb_is_strange ? DCAP_STRANGE : DCAP_TCB, none);
}

static void open_as(const X509 *made, struct crypto_certificate *certificate)
{
    uint8_t der[2048];
    uint8_t *at = der;
    int size = i2d_X509(made, &at);
    assert_in_range(size, 1, sizeof der);
    assert_ok(
        crypto_certificate_open(certificate, bytes_of(der, (size_t)size)));
}

static void open_list(X509_CRL *made, struct crypto_crl *list)
{
    uint8_t der[2048];
    uint8_t *at = der;
    int size = i2d_X509_CRL(made, &at);
    assert_in_range(size, 1, sizeof der);
    assert_ok(crypto_crl_open(list, bytes_of(der, (size_t)size)));
    X509_CRL_free(made);
}

static void add(struct dcap_made *made, const void *bytes, size_t size)
{
    assert_true(made->size + size <= sizeof made->quote);
    memcpy(made->quote + made->size, bytes, size);
    made->size += size;
}

static void add_u16(struct dcap_made *made, uint16_t value)
{
    uint8_t bytes[2];
    bytes_put_le16(bytes, value);
    add(made, bytes, sizeof bytes);
}

static void add_u32(struct dcap_made *made, uint32_t value)
{
    uint8_t bytes[4];
    bytes_put_le32(bytes, value);
    add(made, bytes, sizeof bytes);
}

static void set_u32(struct dcap_made *made, size_t at)
{
    bytes_put_le32(made->quote + at, (uint32_t)(made->size - at - 4));
}

static void add_pem(struct dcap_made *made, X509 *certificate)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text = NULL;
    assert_int_equal(PEM_write_bio_X509(memory, certificate), 1);
    long size = BIO_get_mem_data(memory, &text);
    add(made, text, (size_t)size);
    BIO_free(memory);
}

static void add_der(struct dcap_made *made, X509 *certificate)
{
    uint8_t der[2048];
    uint8_t *at = der;
    add(made, der, (size_t)i2d_X509(certificate, &at));
}

static void add_chain(struct dcap_made *made, const struct dcap_plan *plan,
                      const struct chain *chain)
{
    X509 *const order[] = {chain->pck,  chain->ca,   chain->root,
                           chain->root, chain->root, chain->root};
    if (plan->certification_type < 4) {
        static const uint8_t name_of_platform[36] = {0};
        add(made, name_of_platform, sizeof name_of_platform);
        return;
    }
    for (unsigned i = 0; i < plan->chain_length; i++) {
        unsigned place = plan->is_der ? plan->chain_length - 1 - i : i;
        (plan->is_der ? add_der : add_pem)(made, order[place]);
    }
}

static void add_header_and_body(struct dcap_made *made,
                                const struct dcap_plan *plan)
{
    static const uint8_t zeros[20] = {0};
    add_u16(made, plan->version);
    add_u16(made, plan->key_type);
    add_u32(made, plan->tee_type);
    add(made, zeros, 4);
    add(made, plan->vendor, sizeof plan->vendor);
    add(made, zeros, 20);
    if (plan->version == 5) {
        add_u16(made, plan->body_type);
        add_u32(made, (uint32_t)plan->body_size);
    }
    add(made, plan->body, plan->body_size);
}

static void add_qe(struct dcap_made *made, const struct dcap_plan *plan)
{
    static const char authentication[] = "authentication of the tests";
    uint8_t report[384];
    uint8_t hashed[64 + sizeof authentication];
    uint8_t signature[64];
    memcpy(report, plan->qe_report, sizeof report);
    dcap_pki_public(DCAP_QE, hashed);
    memcpy(hashed + 64, authentication, sizeof authentication);
    unsigned size = 0;
    EVP_Digest(hashed, sizeof hashed, report + 320, &size, EVP_sha256(), NULL);
    for (size_t i = 0; i < 64; i++) {
        report[320 + i] ^= plan->qe_data_flip[i];
    }
    dcap_pki_sign(plan->qe_signer, BYTES_OF(report), signature);
    add(made, report, sizeof report);
    add(made, signature, sizeof signature);
    add_u16(made, sizeof authentication);
    add(made, authentication, sizeof authentication);
}

static void add_signature(struct dcap_made *made, const struct dcap_plan *plan,
                          const struct chain *chain)
{
    uint8_t signature[64];
    uint8_t key[64];
    dcap_pki_sign(plan->quote_signer, bytes_of(made->quote, made->size),
                  signature);
    dcap_pki_public(DCAP_QE, key);
    size_t whole = made->size;
    add_u32(made, 0);
    add(made, signature, sizeof signature);
    add(made, key, sizeof key);
    size_t container = 0;
    if (plan->version >= 4) {
        add_u16(made, 6);
        container = made->size;
        add_u32(made, 0);
    }
    add_qe(made, plan);
    add_u16(made, plan->certification_type);
    size_t data = made->size;
    add_u32(made, 0);
    add_chain(made, plan, chain);
    set_u32(made, data);
    if (container != 0) {
        set_u32(made, container);
    }
    set_u32(made, whole);
}

static struct endorse_intel_envelope wrap(const char *name, const char *body,
                                          enum dcap_key signer, char *text)
{
    uint8_t signature[64];
    struct endorse_intel_envelope envelope;
    dcap_pki_sign(signer, bytes_of(body, strlen(body)), signature);
    int size = sprintf(text, "{\"%s\":%s,\"signature\":\"", name, body);
    for (size_t i = 0; i < sizeof signature; i++) {
        size += sprintf(text + size, "%02x", signature[i]);
    }
    size += sprintf(text + size, "\"}");
    assert_ok(endorse_intel_read(bytes_of(text, (size_t)size), &envelope));
    return envelope;
}

static void make_statements(const struct dcap_plan *plan,
                            struct dcap_made *made)
{
    made->info = calloc(1, sizeof *made->info);
    made->identity = calloc(1, sizeof *made->identity);
    struct endorse_intel_envelope envelope =
        wrap("tcbInfo", plan->tcb_info, plan->tcb_info_signer, made->tcb_info);
    assert_ok(endorse_intel_tcb_info(&envelope, made->info));
    envelope = wrap("enclaveIdentity", plan->qe_identity,
                    plan->qe_identity_signer, made->qe_identity);
    assert_ok(endorse_intel_qe_identity(&envelope, made->identity));
}

static void make_lists(const struct dcap_plan *plan, struct dcap_made *made,
                       const struct chain *chain)
{
    size_t *count = &made->given.crl_count;
    if (!plan->has_crls) {
        return;
    }
    open_list(dcap_pki_list(ROOT_NAME, DCAP_ROOT, plan->crl_end_s,
                            plan->ca_is_revoked ? chain->ca : NULL),
              &made->crls[(*count)++]);
    if (!plan->has_no_ca_crl) {
        open_list(dcap_pki_list(plan->ca.name, DCAP_CA, plan->crl_end_s,
                                plan->pck_is_revoked ? chain->pck : NULL),
                  &made->crls[(*count)++]);
    }
}

void dcap_make(const struct dcap_plan *plan, struct dcap_made *made)
{
    struct chain chain;
    *made = (struct dcap_made){0};
    issue_all(plan, &chain);
    open_as(chain.root, &made->anchor);
    open_as(chain.ca, &made->certificates[0]);
    open_as(chain.tcb, &made->certificates[1]);
    open_as(chain.pck, &made->pck);
    make_lists(plan, made, &chain);
    make_statements(plan, made);
    add_header_and_body(made, plan);
    add_signature(made, plan, &chain);
    made->given.anchors = &made->anchor;
    made->given.anchor_count = 1;
    made->given.certificates = made->certificates;
    made->given.certificate_count = 2;
    made->given.crls = made->crls;
    made->given.tcb_infos = made->info;
    made->given.tcb_info_count = plan->has_tcb_info;
    made->given.qe_identities = made->identity;
    made->given.qe_identity_count = plan->has_qe_identity;
    X509_free(chain.root);
    X509_free(chain.ca);
    X509_free(chain.pck);
    X509_free(chain.tcb);
}

void dcap_unmake(struct dcap_made *made)
{
    crypto_certificate_close(&made->anchor);
    crypto_certificate_close(&made->certificates[0]);
    crypto_certificate_close(&made->certificates[1]);
    crypto_certificate_close(&made->pck);
    crypto_crl_close(&made->crls[0]);
    crypto_crl_close(&made->crls[1]);
    free(made->info);
    free(made->identity);
}

enum rotor_status dcap_judge_plan(const struct dcap_plan *plan,
                                  const struct verify_asked *asked,
                                  struct verify_verdict *verdict)
{
    static struct dcap_made made;
    static struct verify_dcap_work work;
    struct verify_asked now = {.now_s = DCAP_NOW};
    dcap_make(plan, &made);
    if (plan->certification_type < 4) {
        made.given.pck = &made.pck;
    }
    struct rotor_bytes quote = bytes_of(made.quote, made.size);
    enum rotor_status status = (plan->tee_type == 0 ? verify_sgx : verify_tdx)(
        verdict, quote, &made.given, asked != NULL ? asked : &now, &work);
    dcap_unmake(&made);
    return status;
}
