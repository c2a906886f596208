// SPDX-License-Identifier: Apache-2.0
// Published files of SEV-SNP: reports, certificates as DER or PEM.
#ifndef ROTOR_TEST_SNP_FILES_H
#define ROTOR_TEST_SNP_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "test/spec/vectors.h"
#include "verify/snp.h"

#define SNP_CERTIFICATES 8u

struct snp_pool {
    struct crypto_certificate certificates[SNP_CERTIFICATES];
    size_t count;
};

// Adds what the file snp/`name` has: PEM or DER.  Aborts if there is none.
void snp_pool_add(struct snp_pool *pool, const char *name);
void snp_pool_close(struct snp_pool *pool);

// The SubjectPublicKeyInfo of a public key as PEM; overwritten by the next.
struct rotor_bytes snp_key_of(const char *name);

#endif
