// SPDX-License-Identifier: Apache-2.0
// Certificates and lists of the tests' own PKI.
#ifndef ROTOR_TEST_DCAP_PKI_H
#define ROTOR_TEST_DCAP_PKI_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "test/spec/dcap_maker.h"

EVP_PKEY *dcap_pki_key(enum dcap_key key);

// r || s over `message` with SHA-256; x || y.
void dcap_pki_sign(enum dcap_key key, struct rotor_bytes message,
                   uint8_t signature[64]);
void dcap_pki_public(enum dcap_key key, uint8_t point[64]);

// The caller frees.  `extension` is the value of Intel's; empty: none.
X509 *dcap_pki_issue(const struct dcap_issue *issue, const char *issuer,
                     enum dcap_key subject, struct rotor_bytes extension);
X509_CRL *dcap_pki_list(const char *issuer, enum dcap_key signer, int64_t end_s,
                        const X509 *revoked);

// The extension that names a platform.
size_t dcap_pki_platform(const struct dcap_plan *plan, uint8_t *out);

#endif
