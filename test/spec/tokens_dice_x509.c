// SPDX-License-Identifier: Apache-2.0
// DICE chains in X.509, made by OpenSSL, which knows nothing of the profile.
#include "verify/dice.h"

#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "verify/dice_link.h"

#define DEPTH 3u

static EVP_PKEY *keys[DEPTH + 1];
static struct verify_public public_keys[DEPTH + 1];
static struct verify_verdict verdict;
static struct verify_public leaf;
static struct verify_dice_question question;
static uint8_t chain_memory[16384];
static struct rotor_room chain;
static uint8_t scratch_memory[4096];
static struct rotor_room scratch;

// What is not as it should be, in the certificate at `at`.
struct fault {
    unsigned at;
    const char *subject; // NULL: the id of the key
    const char *issuer;
    const char *usage; // as OpenSSL writes it; "": none
    const char *constraints;
    const char *extra_oid; // one more critical extension
    bool is_expired;
    bool is_early;
    uint8_t mode;     // 0: normal
    size_t code_size; // 0: 64
    bool has_no_dice;
    bool is_enumerated;
};

static const struct fault NONE = {.at = DEPTH};

static void name_of(const struct verify_public *key, char text[41])
{
    uint8_t id[BOOT_DICE_ID_SIZE];
    assert_ok(boot_dice_id(bytes_of(key->bytes, key->size), id));
    memcpy(text, id, sizeof id);
    text[40] = 0;
}

static void put_name(X509_NAME *name, const char *text)
{
    assert_int_equal(
        X509_NAME_add_entry_by_txt(name, "serialNumber", MBSTRING_ASC,
                                   (const unsigned char *)text, -1, -1, 0),
        1);
}

// [number] EXPLICIT with the tag inside.
static size_t put_field(uint8_t *out, unsigned number, uint8_t tag,
                        uint8_t fill, size_t size)
{
    out[0] = (uint8_t)(0xa0 + number);
    out[1] = (uint8_t)(size + 2);
    out[2] = tag;
    out[3] = (uint8_t)size;
    memset(out + 4, fill, size);
    return size + 4;
}

static size_t put_inputs(uint8_t *out, const struct fault *fault)
{
    uint8_t body[400];
    uint8_t mode = fault->mode == 0 ? 1 : fault->mode;
    size_t code_size = fault->code_size == 0 ? 64 : fault->code_size;
    size_t size = put_field(body, 0, 0x04, 0x11, code_size);
    size += put_field(body + size, 3, 0x04, 0x22, 64);
    size += put_field(body + size, 4, 0x04, 0x33, 64);
    size +=
        put_field(body + size, 6, fault->is_enumerated ? 0x0a : 0x02, mode, 1);
    out[0] = 0x30;
    out[1] = 0x81;
    out[2] = (uint8_t)size;
    memcpy(out + 3, body, size);
    return size + 3;
}

static void put_extension(X509 *certificate, const char *oid,
                          const uint8_t *content, size_t size)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    assert_int_equal(ASN1_OCTET_STRING_set(value, content, (int)size), 1);
    X509_EXTENSION *extension =
        X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

static void put_standard(X509 *certificate, int nid, const char *text)
{
    if (text[0] == 0) {
        return;
    }
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, text);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void put_extensions(X509 *certificate, const struct fault *fault)
{
    uint8_t inputs[512];
    put_standard(certificate, NID_key_usage,
                 fault->usage != NULL ? fault->usage : "critical,keyCertSign");
    put_standard(certificate, NID_basic_constraints,
                 fault->constraints != NULL ? fault->constraints
                                            : "critical,CA:TRUE");
    if (fault->extra_oid != NULL) {
        put_extension(certificate, fault->extra_oid, inputs, 0);
    }
    if (!fault->has_no_dice) {
        put_extension(certificate, "1.3.6.1.4.1.11129.2.1.24", inputs,
                      put_inputs(inputs, fault));
    }
}

static void certify(unsigned i, const struct fault *any)
{
    const struct fault *fault = any->at == i ? any : &NONE;
    char issuer[41];
    char subject[41];
    name_of(&public_keys[i], issuer);
    name_of(&public_keys[i + 1], subject);
    X509 *certificate = X509_new();
    assert_int_equal(X509_set_version(certificate, 2), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7 + (long)i);
    put_name(X509_get_subject_name(certificate),
             fault->subject != NULL ? fault->subject : subject);
    put_name(X509_get_issuer_name(certificate),
             fault->issuer != NULL ? fault->issuer : issuer);
    ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate),
                              fault->is_early ? "20500101000000Z"
                                              : "20180322235959Z");
    ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate),
                              fault->is_expired ? "20191231235959Z"
                                                : "99991231235959Z");
    assert_int_equal(X509_set_pubkey(certificate, keys[i + 1]), 1);
    put_extensions(certificate, fault);
    bool is_ed25519 = EVP_PKEY_id(keys[i]) == EVP_PKEY_ED25519;
    assert_true(
        X509_sign(certificate, keys[i], is_ed25519 ? NULL : EVP_sha256()) > 0);
    uint8_t *at = chain.data + chain.used;
    int size = i2d_X509(certificate, &at);
    assert_true(size > 0);
    chain.used += (size_t)size;
    X509_free(certificate);
}

static void begin(bool is_ed25519)
{
    for (unsigned i = 0; i <= DEPTH; i++) {
        keys[i] = is_ed25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                             : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
        assert_non_null(keys[i]);
        uint8_t spki[256];
        uint8_t *at = spki;
        int size = i2d_PUBKEY(keys[i], &at);
        assert_null(verify_public_decode_spki(bytes_of(spki, (size_t)size),
                                              &public_keys[i]));
    }
    scratch = ROOM_OF(scratch_memory);
    question = (struct verify_dice_question){
        .root = public_keys[0],
        .level = VERIFY_LEVEL_TRUSTZONE,
        .asked = {.now_s = 1700000000},
        .scratch = &scratch,
    };
}

static void end(void)
{
    for (unsigned i = 0; i <= DEPTH; i++) {
        EVP_PKEY_free(keys[i]);
    }
}

static const char *outcome(void)
{
    question.chain = bytes_in(&chain);
    assert_ok(verify_dice(&question, &verdict, &leaf));
    return verify_verdict_is_accepted(&verdict) ? NULL : verdict.reason;
}

static const char *why(const struct fault *fault)
{
    chain = ROOM_OF(chain_memory);
    for (unsigned i = 0; i < DEPTH; i++) {
        certify(i, fault);
    }
    return outcome();
}

SPEC("a chain of X.509 certificates of the Open Profile is accepted")
{
    for (unsigned i = 0; i < 2; i++) {
        begin(i == 0);
        assert_null(why(&NONE));
        assert_true(verify_public_equal(&leaf, &public_keys[DEPTH]));
        assert_int_equal(verdict.debug, VERIFY_NO);
        assert_int_equal(verdict.measurement.size, 64);
        assert_int_equal(verdict.measurement.bytes[0], 0x11);
        assert_int_equal(verdict.signer.bytes[0], 0x33);
        assert_null(why(&(struct fault){.at = 1, .is_enumerated = true}));
        end();
    }
}

SPEC("what is wrong in any X.509 certificate of a chain is refused by its name")
{
    static const struct {
        struct fault fault;
        const char *why;
        bool spares_leaf;
    } cases[] = {
        {{.subject = "x"},                                       "subject's name is not that of its key", false},
        {{.issuer = "0011223344556677889900112233445566778899"},
         "certificate names another issuer",                                                              false},
        {{.usage = "critical,digitalSignature"},
         "key is not certified for this use",                                                             true },
        {{.usage = ""},                                          "key is not certified for this use",     false},
        {{.constraints = "critical,CA:FALSE"},
         "key is not certified for this use",                                                             true },
        {{.constraints = ""},                                    "key is not certified for this use",     true },
        {{.extra_oid = "1.2.3.4"},
         "not supported: a critical extension",                                                           false},
        {{.is_expired = true},                                   "certificate has expired",               false},
        {{.is_early = true},                                     "certificate is not yet valid",          false},
        {{.mode = 2},                                            "mode is not normal",                    false},
        {{.mode = 4},                                            "claim mode is missing or none",         false},
        {{.code_size = 32},
         "claim codeHash is missing or of another length",                                                false},
        {{.has_no_dice = true},                                  "claim mode is missing or none",         false},
    };
    begin(false);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (unsigned at = 0; at < DEPTH; at++) {
            struct fault fault = cases[i].fault;
            fault.at = at;
            const char *said = why(&fault);
            bool is_spared = cases[i].spares_leaf && at == DEPTH - 1;
            bool is_right =
                is_spared ? said == NULL
                          : said != NULL && strcmp(said, cases[i].why) == 0;
            if (!is_right) {
                fail_msg("case %zu at %u: %s", i, at,
                         said == NULL ? "accepted" : said);
            }
        }
    }
    question.leaf_usage = 0x01;
    assert_non_null(why(&NONE));
    assert_null(why(&(struct fault){.at = DEPTH - 1,
                                    .usage = "critical,digitalSignature"}));
    end();
}

// SEQUENCE { body, ecdsa-with-SHA256 or SHA384, signature of it }
static void sign_body(struct rotor_bytes body, bool is_sha384)
{
    const uint8_t algorithm[] = {0x30, 0x0a, 0x06, 0x08,
                                 0x2a, 0x86, 0x48, 0xce,
                                 0x3d, 0x04, 0x03, is_sha384 ? 0x03 : 0x02};
    uint8_t signature[80];
    size_t size = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL,
                                        is_sha384 ? EVP_sha384() : EVP_sha256(),
                                        NULL, keys[0]),
                     1);
    assert_int_equal(
        EVP_DigestSign(context, signature, &size, body.data, body.size), 1);
    EVP_MD_CTX_free(context);
    size_t content = body.size + sizeof algorithm + 3 + size;
    uint8_t head[4] = {0x30, 0x82, (uint8_t)(content >> 8), (uint8_t)content};
    uint8_t bits[3] = {0x03, (uint8_t)(size + 1), 0};
    chain.used = 0;
    assert_ok(bytes_append(&chain, BYTES_OF(head)));
    assert_ok(bytes_append(&chain, body));
    assert_ok(bytes_append(&chain, BYTES_OF(algorithm)));
    assert_ok(bytes_append(&chain, BYTES_OF(bits)));
    assert_ok(bytes_append(&chain, bytes_of(signature, size)));
}

SPEC("a certificate is signed with the algorithm that it says inside")
{
    uint8_t memory[4096];
    struct verify_dice_link link;
    struct rotor_room body = ROOM_OF(memory);
    begin(false);
    chain = ROOM_OF(chain_memory);
    certify(0, &NONE);
    assert_null(outcome());
    assert_null(verify_dice_read_x509(bytes_in(&chain), &link));
    assert_ok(bytes_copy(&body, link.signed_bytes));
    sign_body(bytes_in(&body), false);
    assert_null(outcome());
    sign_body(bytes_in(&body), true);
    assert_string_equal(outcome(), "not an X.509 certificate of version 3");
    // The same, with something behind its extensions.
    assert_int_equal(body.data[1], 0x82);
    assert_ok(bytes_append(&body, LABEL("\x05\x00")));
    bytes_put_be16(body.data + 2, (uint16_t)(body.used - 4));
    sign_body(bytes_in(&body), false);
    assert_string_equal(outcome(), "certificate goes on behind its extensions");
    end();
}

SPEC("nothing follows a certificate, nor its parts")
{
    struct verify_dice_link link;
    begin(false);
    chain = ROOM_OF(chain_memory);
    certify(0, &NONE);
    assert_ok(bytes_append(&chain, LABEL("\x05")));
    assert_non_null(verify_dice_read_x509(bytes_in(&chain), &link));
    end();
}

SPEC("an X.509 chain with a bit flipped in any byte, or cut, is refused")
{
    begin(false);
    assert_null(why(&NONE));
    for (size_t i = 0; i < chain.used; i++) {
        uint8_t bit = (uint8_t)(1u << i % 8);
        chain.data[i] ^= bit;
        if (outcome() == NULL) {
            fail_msg("byte %zu of %zu", i, chain.used);
        }
        chain.data[i] ^= bit;
    }
    size_t whole = chain.used;
    chain.used = whole - 1;
    assert_non_null(outcome());
    chain.used = whole;
    assert_ok(bytes_append(&chain, LABEL("\x30")));
    assert_non_null(outcome());
    end();
}
