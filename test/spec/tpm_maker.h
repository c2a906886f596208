// SPDX-License-Identifier: Apache-2.0
// A TPM of the test's own: its keys are OpenSSL's, its structures are written
// field by field as part 2 of the TPM library has them.
#ifndef ROTOR_TEST_TPM_MAKER_H
#define ROTOR_TEST_TPM_MAKER_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <rotor/bytes.h>

#include "verify/tpm.h"

struct made_bytes {
    uint8_t bytes[2048];
    size_t size;
};

static inline struct rotor_bytes made_view(const struct made_bytes *made)
{
    return bytes_of(made->bytes, made->size);
}

void made_add(struct made_bytes *to, const void *bytes, size_t size);
void made_be16(struct made_bytes *to, uint16_t value);
void made_be32(struct made_bytes *to, uint32_t value);
void made_be64(struct made_bytes *to, uint64_t value);

// Fields of a quote, as they are written.
struct made_quote {
    uint32_t magic;
    uint16_t type;
    uint8_t extra_data[32];
    uint32_t reset_count;
    uint32_t restart_count;
    uint8_t safe;
    uint64_t firmware;
    uint32_t registers; // of the SHA-256 bank
    uint8_t pcr_digest[32];
};

// Registers 0 and 4 that hold what made_values says.
struct made_quote made_quote(void);
void made_values(struct verify_pcrs *pcrs);
void made_attest(const struct made_quote *quote, struct made_bytes *attest);

// ---- keys ------------------------------------------------------------------

EVP_PKEY *made_rsa(void);             // 2048 bits, the same one in all tests
EVP_PKEY *made_ec(const char *curve); // a new one

struct made_area {
    uint32_t attributes;
    uint16_t scheme; // VERIFY_TPM_NULL: any
    uint16_t hash;
};
extern const uint32_t MADE_AK_ATTRIBUTES;
extern const uint32_t MADE_EK_ATTRIBUTES;

// TPMT_PUBLIC of an RSA or EC key.
void made_public(EVP_PKEY *key, const struct made_area *area,
                 struct made_bytes *out);
void made_spki(EVP_PKEY *key, struct made_bytes *out);

// TPMT_SIGNATURE over `message`.
struct made_scheme {
    uint16_t scheme;
    uint16_t hash;
    int salt; // RSAPSS: OpenSSL's number
};
void made_signature(EVP_PKEY *key, const struct made_scheme *scheme,
                    struct rotor_bytes message, struct made_bytes *out);

// ---- certificates ----------------------------------------------------------

// DER; issued by `issuer` under `issuer_key`.  `usage`: a name of OpenSSL's
// extended key usages or a dotted number, NULL: the extension is not there.
struct made_names {
    const char *subject;
    const char *issuer;
    const char *usage;
    bool is_ca;
};
void made_certificate(EVP_PKEY *key, EVP_PKEY *issuer_key,
                      const struct made_names *names, struct made_bytes *out);

#endif
