// SPDX-License-Identifier: Apache-2.0
// Shared by the files behind crypto/x509.h.
#ifndef ROTOR_CRYPTO_OPENSSL_X509_INTERNAL_H
#define ROTOR_CRYPTO_OPENSSL_X509_INTERNAL_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "crypto/x509.h"

// Longest certificate, key or revocation list that is looked at, in bytes.
#define OPENSSL_X509_MAX (1u << 24)

// What crypto_certificate.impl points to.
struct openssl_certificate {
    X509 *x509;
    uint8_t *der; // these three are owned
    uint8_t *spki;
    uint8_t *serial;
    struct crypto_certificate_facts facts;
};

// What crypto_crl.impl points to.
struct openssl_crl {
    X509_CRL *crl;
    uint8_t *der; // owned
    struct crypto_crl_facts facts;
};

// Takes `pkey` over, also when it fails; NULL is malformed.
ROTOR_CALL openssl_verifier_hold(struct crypto_verifier *verifier,
                                 EVP_PKEY *pkey);

#endif
