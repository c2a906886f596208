// SPDX-License-Identifier: Apache-2.0
#include "verify/cose_foreign.h"

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/lms.h"
#include "wire/cbor.h"

enum {
    TAG_ENCRYPT0 = 16,
    TAG_ENCRYPT = 96,
    TAG_MAC = 97,
    TAG_SIGN = 98,

    HEADER_ALG = 1,
    HEADER_CRIT = 2,
    HEADER_CONTENT_TYPE = 3,
    HEADER_KID = 4,

    ALG_DIRECT = -6, // of a recipient of COSE_Mac
};

// ---- form ------------------------------------------------------------------

static const char *kind_of_tag(uint64_t tag, enum verify_cose_kind *kind)
{
    switch (tag) {
    case VERIFY_TAG_SIGN1:
        *kind = VERIFY_COSE_SIGN1;
        return NULL;
    case VERIFY_TAG_MAC0:
        *kind = VERIFY_COSE_MAC0;
        return NULL;
    case TAG_SIGN:
        *kind = VERIFY_COSE_SIGN;
        return NULL;
    case TAG_MAC:
        *kind = VERIFY_COSE_MAC;
        return NULL;
    case TAG_ENCRYPT0:
    case TAG_ENCRYPT:
        return "not supported: an encrypted message";
    default:
        return "tag of something that is not a COSE message";
    }
}

// Strips a CWT tag and a COSE tag; `item` is then the array.
static const char *take_tags(struct cbor_foreign *item,
                             struct verify_cose *cose)
{
    struct cbor_foreign content;
    uint64_t tag = 0;
    if (cbor_foreign_tag(item, &tag, &content) && tag == VERIFY_TAG_CWT) {
        cose->is_cwt = true;
        *item = content;
        if (cbor_foreign_kind(item) != CBOR_FOREIGN_TAG) {
            return "CWT tag without a COSE tag";
        }
    }
    if (cbor_foreign_tag(item, &tag, &content)) {
        cose->is_tagged = true;
        *item = content;
        return kind_of_tag(tag, &cose->kind);
    }
    return NULL;
}

// A header map as it is signed: the empty one is no bytes.
static bool take_protected(const struct cbor_foreign *item,
                           struct verify_cose *cose)
{
    struct rotor_bytes bytes;
    struct cbor_foreign map;
    if (!cbor_foreign_bytes(item, &bytes)) {
        return false;
    }
    if (bytes.size == 0) {
        return true;
    }
    if (!cbor_foreign_open(bytes, &map) ||
        cbor_foreign_kind(&map) != CBOR_FOREIGN_MAP) {
        return false;
    }
    if (cbor_foreign_count(&map) != 0) {
        cose->protected_header = bytes;
        cose->protected_map = map;
    }
    return true;
}

// A label may stand in one of the two maps.
static bool labels_are_disjoint(const struct verify_cose *cose)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign key;
    struct cbor_foreign value;
    cbor_foreign_walk(&cose->unprotected_map, &walk);
    while (cbor_foreign_next(&walk, &key)) {
        if (cbor_foreign_find_like(&cose->protected_map, &key, &value)) {
            return false;
        }
        (void)cbor_foreign_next(&walk, &value);
    }
    return true;
}

// What is critical must be protected and understood (RFC 9052 3.1).
static bool crit_is_understood(const struct verify_cose *cose)
{
    struct cbor_foreign crit;
    struct cbor_foreign each;
    struct cbor_foreign_walk walk;
    if (cbor_foreign_find(&cose->unprotected_map, HEADER_CRIT, &crit)) {
        return false;
    }
    if (!cbor_foreign_find(&cose->protected_map, HEADER_CRIT, &crit)) {
        return true;
    }
    bool is_understood = cbor_foreign_kind(&crit) == CBOR_FOREIGN_ARRAY &&
                         cbor_foreign_count(&crit) != 0;
    cbor_foreign_walk(&crit, &walk);
    while (cbor_foreign_next(&walk, &each)) {
        int64_t label = 0;
        is_understood &= cbor_foreign_int(&each, &label) &&
                         (label == HEADER_ALG || label == HEADER_KID ||
                          label == HEADER_CONTENT_TYPE);
    }
    return is_understood;
}

// The value of a label in either map.
static bool header_at(const struct verify_cose *cose, int64_t label,
                      struct cbor_foreign *value, bool *is_protected)
{
    *is_protected = cbor_foreign_find(&cose->protected_map, label, value);
    return *is_protected ||
           cbor_foreign_find(&cose->unprotected_map, label, value);
}

static const char *take_headers(struct cbor_foreign_walk *walk,
                                struct verify_cose *cose)
{
    struct cbor_foreign item;
    struct cbor_foreign value;
    bool is_protected = false;
    if (!cbor_foreign_next(walk, &item) || !take_protected(&item, cose)) {
        return "protected header is not a map in a byte string";
    }
    if (!cbor_foreign_next(walk, &cose->unprotected_map) ||
        cbor_foreign_kind(&cose->unprotected_map) != CBOR_FOREIGN_MAP) {
        return "unprotected header is not a map";
    }
    if (!labels_are_disjoint(cose)) {
        return "a label stands in both headers";
    }
    if (!crit_is_understood(cose)) {
        return "not supported: a critical header";
    }
    // A hint; some write it as text.
    if (header_at(cose, HEADER_KID, &value, &is_protected) &&
        !cbor_foreign_bytes(&value, &cose->kid) &&
        !cbor_foreign_text(&value, &cose->kid)) {
        return "kid is not a string";
    }
    if (header_at(cose, HEADER_ALG, &value, &cose->algorithm_is_protected) &&
        !cbor_foreign_int(&value, &cose->algorithm)) {
        return "not supported: an algorithm with a name";
    }
    return NULL;
}

static const char *take_payload(struct cbor_foreign_walk *walk,
                                struct verify_cose *cose)
{
    struct cbor_foreign item;
    if (!cbor_foreign_next(walk, &item)) {
        return "no payload";
    }
    cose->is_detached = cbor_foreign_kind(&item) == CBOR_FOREIGN_NULL;
    if (!cose->is_detached && !cbor_foreign_bytes(&item, &cose->payload)) {
        return "payload is not a byte string of one piece";
    }
    return NULL;
}

static const char *take_signature(struct cbor_foreign_walk *walk,
                                  struct verify_cose *cose)
{
    struct cbor_foreign item;
    if (!cbor_foreign_next(walk, &item) ||
        !cbor_foreign_bytes(&item, &cose->signature)) {
        return "signature is not a byte string";
    }
    return NULL;
}

static const char *take_parties(struct cbor_foreign_walk *walk,
                                struct verify_cose *cose)
{
    if (!cbor_foreign_next(walk, &cose->parties) ||
        cbor_foreign_kind(&cose->parties) != CBOR_FOREIGN_ARRAY ||
        cbor_foreign_count(&cose->parties) == 0) {
        return "no signers or recipients";
    }
    return NULL;
}

// ---- algorithms ------------------------------------------------------------

struct algorithm {
    int64_t id;
    enum crypto_signature_form form; // NONE: HMAC, or HSS
    enum crypto_hash hash;
    size_t mac_size; // bytes
};

// IANA COSE Algorithms: RFC 9053, RFC 8230, RFC 8778, RFC 8812, RFC 9864.
static const struct algorithm ALGORITHMS[] = {
    {-7,   CRYPTO_SIGNATURE_ECDSA_RAW, CRYPTO_SHA256,    0 },
    {-9,   CRYPTO_SIGNATURE_ECDSA_RAW, CRYPTO_SHA256,    0 },
    {-35,  CRYPTO_SIGNATURE_ECDSA_RAW, CRYPTO_SHA384,    0 },
    {-51,  CRYPTO_SIGNATURE_ECDSA_RAW, CRYPTO_SHA384,    0 },
    {-36,  CRYPTO_SIGNATURE_ECDSA_RAW, CRYPTO_SHA512,    0 },
    {-52,  CRYPTO_SIGNATURE_ECDSA_RAW, CRYPTO_SHA512,    0 },
    {-8,   CRYPTO_SIGNATURE_ED25519,   CRYPTO_HASH_NONE, 0 },
    {-19,  CRYPTO_SIGNATURE_ED25519,   CRYPTO_HASH_NONE, 0 },
    {-37,  CRYPTO_SIGNATURE_RSA_PSS,   CRYPTO_SHA256,    0 },
    {-38,  CRYPTO_SIGNATURE_RSA_PSS,   CRYPTO_SHA384,    0 },
    {-39,  CRYPTO_SIGNATURE_RSA_PSS,   CRYPTO_SHA512,    0 },
    {-46,  CRYPTO_SIGNATURE_NONE,      CRYPTO_HASH_NONE, 0 },
    {-257, CRYPTO_SIGNATURE_RSA_PKCS1, CRYPTO_SHA256,    0 },
    {-258, CRYPTO_SIGNATURE_RSA_PKCS1, CRYPTO_SHA384,    0 },
    {-259, CRYPTO_SIGNATURE_RSA_PKCS1, CRYPTO_SHA512,    0 },
    {4,    CRYPTO_SIGNATURE_NONE,      CRYPTO_SHA256,    8 },
    {5,    CRYPTO_SIGNATURE_NONE,      CRYPTO_SHA256,    32},
    {6,    CRYPTO_SIGNATURE_NONE,      CRYPTO_SHA384,    48},
    {7,    CRYPTO_SIGNATURE_NONE,      CRYPTO_SHA512,    64},
};

static const struct algorithm *algorithm_of(int64_t id)
{
    for (size_t i = 0; i < COUNT_OF(ALGORITHMS); i++) {
        if (ALGORITHMS[i].id == id) {
            return &ALGORITHMS[i];
        }
    }
    return NULL;
}

static bool is_mac(const struct verify_cose *cose)
{
    return cose->kind == VERIFY_COSE_MAC0 || cose->kind == VERIFY_COSE_MAC;
}

const char *verify_cose_algorithm_fault(const struct verify_cose *cose)
{
    const struct algorithm *algorithm = algorithm_of(cose->algorithm);
    if (cose->algorithm == 0) {
        return "names no algorithm";
    }
    if (algorithm == NULL) {
        return "not supported: the algorithm";
    }
    if ((algorithm->mac_size != 0) != is_mac(cose)) {
        return "algorithm of another kind of message";
    }
    return NULL;
}

// ---- open ------------------------------------------------------------------

// An array without a tag: its length and last item tell what it is, and
// between COSE_Sign1 and COSE_Mac0 the algorithm does.
static enum verify_cose_kind guess_kind(const struct cbor_foreign *array)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign last = {0};
    struct cbor_foreign item;
    cbor_foreign_walk(array, &walk);
    while (cbor_foreign_next(&walk, &item)) {
        last = item;
    }
    bool has_parties = cbor_foreign_kind(&last) == CBOR_FOREIGN_ARRAY;
    switch (cbor_foreign_count(array)) {
    case 4:
        return has_parties ? VERIFY_COSE_SIGN : VERIFY_COSE_SIGN1;
    case 5:
        return has_parties ? VERIFY_COSE_MAC : VERIFY_COSE_NONE;
    default:
        return VERIFY_COSE_NONE;
    }
}

static const char *take_body(const struct cbor_foreign *array,
                             struct verify_cose *cose)
{
    struct cbor_foreign_walk walk;
    cbor_foreign_walk(array, &walk);
    const char *why = take_headers(&walk, cose);
    why = why != NULL ? why : take_payload(&walk, cose);
    if (why == NULL && cose->kind != VERIFY_COSE_SIGN) {
        why = take_signature(&walk, cose);
    }
    if (why == NULL &&
        (cose->kind == VERIFY_COSE_SIGN || cose->kind == VERIFY_COSE_MAC)) {
        why = take_parties(&walk, cose);
    }
    return why;
}

static const char *open_message(struct rotor_bytes bytes,
                                struct verify_cose *cose)
{
    struct cbor_foreign item;
    if (!cbor_foreign_open(bytes, &item)) {
        return "not CBOR";
    }
    const char *why = take_tags(&item, cose);
    if (why != NULL) {
        return why;
    }
    enum verify_cose_kind guess = guess_kind(&item);
    if (cose->kind == VERIFY_COSE_NONE) {
        cose->kind = guess;
    }
    bool is_pair =
        (cose->kind == VERIFY_COSE_MAC0 || cose->kind == VERIFY_COSE_SIGN1) &&
        guess == VERIFY_COSE_SIGN1;
    if (guess == VERIFY_COSE_NONE || (!is_pair && guess != cose->kind)) {
        return "not a COSE message";
    }
    why = take_body(&item, cose);
    const struct algorithm *algorithm = algorithm_of(cose->algorithm);
    if (why == NULL && !cose->is_tagged && cose->kind == VERIFY_COSE_SIGN1 &&
        algorithm != NULL && algorithm->mac_size != 0) {
        cose->kind = VERIFY_COSE_MAC0;
    }
    return why;
}

const char *verify_cose_open(struct rotor_bytes bytes, struct verify_cose *cose)
{
    *cose = (struct verify_cose){0};
    const char *why = open_message(bytes, cose);
    if (why != NULL) {
        *cose = (struct verify_cose){0};
    }
    return why;
}

bool verify_cose_signer(const struct verify_cose *cose, size_t index,
                        struct verify_cose *signer)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign item;
    *signer = (struct verify_cose){0};
    struct verify_cose found = {.kind = VERIFY_COSE_SIGNER,
                                .body_protected_header = cose->protected_header,
                                .is_detached = cose->is_detached,
                                .payload = cose->payload};
    cbor_foreign_walk(&cose->parties, &walk);
    for (size_t i = 0; i <= index; i++) {
        if (!cbor_foreign_next(&walk, &item)) {
            return false;
        }
    }
    cbor_foreign_walk(&item, &walk);
    if (cose->kind != VERIFY_COSE_SIGN || cbor_foreign_count(&item) != 3 ||
        take_headers(&walk, &found) != NULL ||
        take_signature(&walk, &found) != NULL) {
        return false;
    }
    *signer = found;
    return true;
}

// ---- check -----------------------------------------------------------------

enum rotor_status verify_cose_key_open(struct verify_cose_key *key,
                                       const struct verify_public *public_key)
{
    *key = (struct verify_cose_key){.algorithm = public_key->algorithm};
    if (public_key->kind == VERIFY_PUBLIC_SECRET) {
        key->secret = public_key->secret;
        return ROTOR_OK;
    }
    if (public_key->kind == VERIFY_PUBLIC_HSS) {
        key->hss = bytes_of(public_key->bytes, public_key->size);
        return ROTOR_OK;
    }
    return verify_public_open(public_key, &key->verifier);
}

void verify_cose_key_close(struct verify_cose_key *key)
{
    crypto_verifier_close(&key->verifier);
    *key = (struct verify_cose_key){0};
}

// Sig_structure and MAC_structure (RFC 9052 4.4, 6.3).
static enum rotor_status put_signed(const struct verify_cose *cose,
                                    const struct verify_cose_input *input)
{
    struct cbor_writer out;
    bool is_signer = cose->kind == VERIFY_COSE_SIGNER;
    cbor_writer_init(&out, input->scratch);
    cbor_write_array(&out, is_signer ? 5 : 4);
    cbor_write_text(&out, cose->kind == VERIFY_COSE_SIGN1  ? LABEL("Signature1")
                          : cose->kind == VERIFY_COSE_MAC0 ? LABEL("MAC0")
                          : is_signer                      ? LABEL("Signature")
                                                           : LABEL("MAC"));
    if (is_signer) {
        cbor_write_bytes(&out, cose->body_protected_header);
    }
    cbor_write_bytes(&out, cose->protected_header);
    cbor_write_bytes(&out, input->external_aad);
    cbor_write_bytes(&out, cose->is_detached ? input->detached : cose->payload);
    return cbor_writer_finish(&out);
}

// The MAC key of a COSE_Mac is that of its recipients only if all are direct.
static bool recipients_are_direct(const struct verify_cose *cose)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign_walk parts;
    struct cbor_foreign item;
    bool are_direct = true;
    cbor_foreign_walk(&cose->parties, &walk);
    while (cbor_foreign_next(&walk, &item)) {
        struct verify_cose recipient = {0};
        cbor_foreign_walk(&item, &parts);
        are_direct &= take_headers(&parts, &recipient) == NULL &&
                      recipient.algorithm == ALG_DIRECT;
    }
    return are_direct;
}

static enum rotor_status check_mac(const struct verify_cose *cose,
                                   const struct algorithm *algorithm,
                                   struct rotor_bytes secret,
                                   struct rotor_bytes message, bool *valid)
{
    uint8_t mac[CRYPTO_HASH_MAX]; // SECRET: of whatever we were given
    if (secret.size == 0 || cose->signature.size != algorithm->mac_size) {
        return ROTOR_OK;
    }
    enum rotor_status status =
        crypto_hmac(algorithm->hash, secret, &message, 1, mac);
    if (status == ROTOR_OK) {
        *valid = secret_equal(mac, cose->signature.data, algorithm->mac_size);
    }
    secret_wipe(mac, sizeof mac);
    return status;
}

static enum rotor_status check_signature(const struct verify_cose *cose,
                                         const struct algorithm *algorithm,
                                         const struct verify_cose_key *key,
                                         struct rotor_bytes message,
                                         bool *valid)
{
    bool is_hss = algorithm->form == CRYPTO_SIGNATURE_NONE;
    if (is_hss ? key->hss.size == 0 : key->verifier.impl == NULL) {
        return ROTOR_OK;
    }
    return is_hss ? crypto_hss_verify(key->hss, message, cose->signature, valid)
                  : crypto_verifier_check(&key->verifier, algorithm->form,
                                          algorithm->hash, message,
                                          cose->signature, valid);
}

enum rotor_status verify_cose_check(const struct verify_cose *cose,
                                    const struct verify_cose_key *key,
                                    const struct verify_cose_input *input,
                                    bool *valid)
{
    *valid = false;
    const struct algorithm *algorithm = algorithm_of(cose->algorithm);
    bool is_checkable = cose->kind != VERIFY_COSE_NONE &&
                        cose->kind != VERIFY_COSE_SIGN &&
                        verify_cose_algorithm_fault(cose) == NULL;
    bool is_direct =
        cose->kind != VERIFY_COSE_MAC || recipients_are_direct(cose);
    bool fits = key->algorithm == 0 || key->algorithm == cose->algorithm;
    if (!is_checkable || !is_direct || !fits) {
        return ROTOR_OK;
    }
    TRY(put_signed(cose, input));
    struct rotor_bytes message = bytes_in(input->scratch);
    if (is_mac(cose)) {
        return check_mac(cose, algorithm, key->secret, message, valid);
    }
    return check_signature(cose, algorithm, key, message, valid);
}
