// SPDX-License-Identifier: Apache-2.0
// Endorsements for quotes, taken out of files that other people made.
#ifndef ROTOR_TEST_DCAP_FILES_H
#define ROTOR_TEST_DCAP_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>

#include "crypto/x509.h"
#include "test/spec/vectors.h"
#include "verify/dcap.h"

#define DCAP_FILES_MAX 12u

struct dcap_files {
    struct vectors texts[DCAP_FILES_MAX]; // what views point into
    size_t text_count;
    struct crypto_certificate anchors[2];
    struct crypto_certificate certificates[16];
    struct crypto_certificate pck;
    struct crypto_crl crls[4];
    struct verify_dcap_tcb_info *tcb_infos; // room for two
    struct verify_dcap_qe_identity *qe_identities;
    struct verify_dcap_endorsements given;
    int64_t issued_s; // of the newest statement
};

// A file with the certificates that sign Intel's statements today.
#define DCAP_INTEL_ISSUERS "phala-dcap-qvl/tdx_quote_collateral.json"

bool dcap_has_files(void);
const char *dcap_in(const char *folder, const char *name); // until the next

// Every case of dcap_vectors.c with that quote or collection comes out right.
bool dcap_quote_is_right(const char *path);

void dcap_files_open(struct dcap_files *files);
void dcap_files_close(struct dcap_files *files);

// Paths are relative to sgx-tdx.  Each aborts when the file is not as told.
struct rotor_bytes dcap_content(struct dcap_files *files, const char *path);
struct rotor_bytes dcap_hex_content(struct dcap_files *files, const char *path);
void dcap_anchor(struct dcap_files *files, const char *pem_path);
void dcap_certificates(struct dcap_files *files, const char *pem_path);
void dcap_pck(struct dcap_files *files, const char *pem_path);
void dcap_crl(struct dcap_files *files, const char *der_path);
void dcap_crl_pem(struct dcap_files *files, const char *pem_path);
bool dcap_statement(struct dcap_files *files, const char *json_path);

// One JSON object of text: chains in PEM, lists in hex, statements as strings.
void dcap_issuers(struct dcap_files *files, const char *json_path); // chains
void dcap_collection(struct dcap_files *files, const char *json_path);

#endif
