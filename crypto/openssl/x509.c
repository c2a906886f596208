// SPDX-License-Identifier: Apache-2.0
// Certificates and revocation lists: what stands in them.
#include "crypto/x509.h"

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "crypto/openssl/internal.h"
#include "crypto/openssl/x509_internal.h"

// ---- values ----------------------------------------------------------------

static bool seconds_of(const ASN1_TIME *time, int64_t *seconds)
{
    struct tm parts;
    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1) {
        return false;
    }
    *seconds = timegm(&parts);
    return true;
}

static bool name_of(const X509_NAME *name, struct rotor_bytes *bytes)
{
    return X509_NAME_get0_der(name, &bytes->data, &bytes->size) == 1;
}

// A fresh copy of the content bytes of `integer`.
static uint8_t *content_of(const ASN1_INTEGER *integer,
                           struct rotor_bytes *content)
{
    uint8_t *der = NULL;
    int size = i2d_ASN1_INTEGER(integer, &der);
    const uint8_t *at = der;
    long length = 0;
    int tag = 0;
    int class = 0;
    if (size <= 0 ||
        (ASN1_get_object(&at, &length, &tag, &class, size) & 0x80) != 0) {
        OPENSSL_free(der);
        return NULL;
    }
    *content = bytes_of(at, (size_t)length);
    return der;
}

// Is `der` one encoding, `encoded` the back end's own of what it read?  What
// is signed is never encoded again, so only the frame around it is compared.
static bool is_same(struct rotor_bytes der, const uint8_t *encoded, int size)
{
    return size > 0 && (size_t)size == der.size &&
           memcmp(encoded, der.data, der.size) == 0;
}

static enum rotor_status malformed(void)
{
    return openssl_forget_errors() ? ROTOR_PORT_FAILED : ROTOR_MALFORMED;
}

// ---- certificates ----------------------------------------------------------

static void free_certificate(struct openssl_certificate *handle)
{
    X509_free(handle->x509);
    OPENSSL_free(handle->der);
    OPENSSL_free(handle->spki);
    OPENSSL_free(handle->serial);
    OPENSSL_free(handle);
}

static bool read_certificate(struct openssl_certificate *handle,
                             struct rotor_bytes der)
{
    const uint8_t *at = der.data;
    handle->x509 = X509_new_ex(openssl_library()->context, NULL);
    if (handle->x509 == NULL ||
        d2i_X509(&handle->x509, &at, (long)der.size) == NULL) {
        return false;
    }
    int size = i2d_X509(handle->x509, &handle->der);
    return is_same(der, handle->der, size);
}

static bool read_facts(struct openssl_certificate *handle, size_t size)
{
    const X509 *x509 = handle->x509;
    struct crypto_certificate_facts *facts = &handle->facts;
    int spki_size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &handle->spki);
    handle->serial = content_of(X509_get0_serialNumber(x509), &facts->serial);
    if (spki_size <= 0 || handle->serial == NULL) {
        return false;
    }
    facts->der = bytes_of(handle->der, size);
    facts->spki = bytes_of(handle->spki, (size_t)spki_size);
    // Makes the library read the extensions once; later reads are of the cache.
    uint32_t flags = X509_get_extension_flags(handle->x509);
    facts->is_ca = (flags & EXFLAG_CA) != 0;
    facts->is_self_issued = (flags & EXFLAG_SI) != 0;
    return name_of(X509_get_subject_name(x509), &facts->subject) &&
           name_of(X509_get_issuer_name(x509), &facts->issuer) &&
           seconds_of(X509_get0_notBefore(x509), &facts->not_before_s) &&
           seconds_of(X509_get0_notAfter(x509), &facts->not_after_s);
}

enum rotor_status
crypto_certificate_open(struct crypto_certificate *certificate,
                        struct rotor_bytes der)
{
    if (openssl_library() == NULL) {
        return ROTOR_PORT_FAILED;
    }
    if (der.size == 0 || der.size > OPENSSL_X509_MAX) {
        return ROTOR_MALFORMED;
    }
    struct openssl_certificate *handle = OPENSSL_zalloc(sizeof *handle);
    if (handle == NULL) {
        return ROTOR_PORT_FAILED;
    }
    if (!read_certificate(handle, der) || !read_facts(handle, der.size)) {
        free_certificate(handle);
        return malformed();
    }
    (void)openssl_forget_errors();
    certificate->impl = handle;
    return ROTOR_OK;
}

void crypto_certificate_close(struct crypto_certificate *certificate)
{
    if (certificate->impl != NULL) {
        free_certificate(certificate->impl);
    }
    *certificate = (struct crypto_certificate){0};
}

enum rotor_status
crypto_certificate_facts(const struct crypto_certificate *certificate,
                         struct crypto_certificate_facts *facts)
{
    const struct openssl_certificate *handle = certificate->impl;
    if (handle == NULL) {
        return ROTOR_INVALID;
    }
    *facts = handle->facts;
    return ROTOR_OK;
}

static bool is_named(X509_EXTENSION *extension, struct rotor_bytes oid)
{
    const ASN1_OBJECT *object = X509_EXTENSION_get_object(extension);
    return bytes_equal(bytes_of(OBJ_get0_data(object), OBJ_length(object)),
                       oid);
}

enum rotor_status
crypto_certificate_extension(const struct crypto_certificate *certificate,
                             struct rotor_bytes oid, struct rotor_bytes *value)
{
    *value = (struct rotor_bytes){0};
    const struct openssl_certificate *handle = certificate->impl;
    if (handle == NULL) {
        return ROTOR_INVALID;
    }
    struct rotor_bytes found = {0};
    size_t times = 0;
    int count = X509_get_ext_count(handle->x509);
    for (int i = 0; i < count; i++) {
        X509_EXTENSION *extension = X509_get_ext(handle->x509, i);
        if (is_named(extension, oid)) {
            const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(extension);
            found = bytes_of(ASN1_STRING_get0_data(data),
                             (size_t)ASN1_STRING_length(data));
            times++;
        }
    }
    if (times > 1) {
        return ROTOR_MALFORMED;
    }
    *value = found;
    return ROTOR_OK;
}

// The one common name of `subject`, or NULL.
static const ASN1_STRING *only_common_name(const X509_NAME *subject)
{
    int first = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (first < 0 ||
        X509_NAME_get_index_by_NID(subject, NID_commonName, first) >= 0) {
        return NULL;
    }
    return X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, first));
}

enum rotor_status
crypto_certificate_common_name(const struct crypto_certificate *certificate,
                               struct rotor_room *name)
{
    name->used = 0;
    const struct openssl_certificate *handle = certificate->impl;
    if (handle == NULL) {
        return ROTOR_INVALID;
    }
    const ASN1_STRING *text =
        only_common_name(X509_get_subject_name(handle->x509));
    uint8_t *utf8 = NULL;
    int size = text == NULL ? 0 : ASN1_STRING_to_UTF8(&utf8, text);
    if (size < 0) {
        return malformed();
    }
    enum rotor_status status = ROTOR_OK;
    // A zero byte would end the name early for whoever takes it as a string.
    if (size > 0 && memchr(utf8, 0, (size_t)size) == NULL) {
        status = bytes_copy(name, bytes_of(utf8, (size_t)size));
    }
    OPENSSL_free(utf8);
    return status;
}

enum rotor_status
crypto_certificate_verifier(const struct crypto_certificate *certificate,
                            struct crypto_verifier *verifier)
{
    const struct openssl_certificate *handle = certificate->impl;
    if (handle == NULL) {
        return ROTOR_INVALID;
    }
    return openssl_verifier_hold(verifier, X509_get_pubkey(handle->x509));
}

enum rotor_status
crypto_certificate_signs_itself(const struct crypto_certificate *certificate,
                                bool *signs_itself)
{
    *signs_itself = false;
    const struct openssl_certificate *handle = certificate->impl;
    if (handle == NULL) {
        return ROTOR_INVALID;
    }
    // A key that cannot verify is no error of ours: it does not.
    *signs_itself = X509_self_signed(handle->x509, 1) == 1;
    ERR_clear_error();
    return ROTOR_OK;
}

// ---- revocation lists ------------------------------------------------------

static void free_crl(struct openssl_crl *handle)
{
    X509_CRL_free(handle->crl);
    OPENSSL_free(handle->der);
    OPENSSL_free(handle);
}

static bool read_crl(struct openssl_crl *handle, struct rotor_bytes der)
{
    const uint8_t *at = der.data;
    handle->crl = X509_CRL_new_ex(openssl_library()->context, NULL);
    if (handle->crl == NULL ||
        d2i_X509_CRL(&handle->crl, &at, (long)der.size) == NULL) {
        return false;
    }
    int size = i2d_X509_CRL(handle->crl, &handle->der);
    return is_same(der, handle->der, size);
}

static bool read_crl_facts(struct openssl_crl *handle, size_t size)
{
    struct crypto_crl_facts *facts = &handle->facts;
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(handle->crl);
    facts->der = bytes_of(handle->der, size);
    facts->next_update_s = INT64_MAX;
    return name_of(X509_CRL_get_issuer(handle->crl), &facts->issuer) &&
           seconds_of(X509_CRL_get0_lastUpdate(handle->crl),
                      &facts->this_update_s) &&
           (next == NULL || seconds_of(next, &facts->next_update_s));
}

enum rotor_status crypto_crl_open(struct crypto_crl *crl,
                                  struct rotor_bytes der)
{
    if (openssl_library() == NULL) {
        return ROTOR_PORT_FAILED;
    }
    if (der.size == 0 || der.size > OPENSSL_X509_MAX) {
        return ROTOR_MALFORMED;
    }
    struct openssl_crl *handle = OPENSSL_zalloc(sizeof *handle);
    if (handle == NULL) {
        return ROTOR_PORT_FAILED;
    }
    if (!read_crl(handle, der) || !read_crl_facts(handle, der.size)) {
        free_crl(handle);
        return malformed();
    }
    (void)openssl_forget_errors();
    crl->impl = handle;
    return ROTOR_OK;
}

void crypto_crl_close(struct crypto_crl *crl)
{
    if (crl->impl != NULL) {
        free_crl(crl->impl);
    }
    *crl = (struct crypto_crl){0};
}

enum rotor_status crypto_crl_facts(const struct crypto_crl *crl,
                                   struct crypto_crl_facts *facts)
{
    const struct openssl_crl *handle = crl->impl;
    if (handle == NULL) {
        return ROTOR_INVALID;
    }
    *facts = handle->facts;
    return ROTOR_OK;
}
