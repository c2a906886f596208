// SPDX-License-Identifier: Apache-2.0
// ID_BLOCK and ID_AUTH_INFO: AMD 56860, 8.18.
#include "verify/snp_launch.h"

#include "base/bytes.h"
#include "crypto/x509.h"
#include "verify/snp_internal.h"

#define BLOCK_VERSION  1u
#define ALGORITHM_P384 1u
#define CURVE_P384     2u
#define KEY_SIZE       0x404u

// Places in ID_AUTH_INFO.
#define ID_SIGNATURE     0x040u
#define ID_KEY           0x240u
#define AUTHOR_SIGNATURE 0x680u
#define AUTHOR_KEY       0x880u

// Bytes without a meaning.
static const struct {
    uint16_t from;
    uint16_t to; // the byte behind
} reserved[] = {
    {0x008, 0x040 },
    {0x0d0, 0x240 }, // behind r and s
    {0x2d4, 0x680 }, // behind x and y
    {0x710, 0x880 },
    {0x914, 0x1000},
};

static bool is_reserved_zero(const uint8_t *auth)
{
    for (size_t i = 0; i < COUNT_OF(reserved); i++) {
        size_t size = (size_t)reserved[i].to - reserved[i].from;
        if (!verify_snp_is_all(bytes_of(auth + reserved[i].from, size), 0)) {
            return false;
        }
    }
    return true;
}

struct signed_part {
    struct rotor_bytes message;
    const uint8_t *key;       // in AMD's form
    const uint8_t *signature; // in AMD's form
};

static enum rotor_status is_signed(const struct signed_part *part, bool *valid)
{
    uint8_t point[2 * VERIFY_SNP_HALF];
    uint8_t signature[2 * VERIFY_SNP_HALF];
    struct crypto_verifier verifier = {0};
    *valid = false;
    if (bytes_le32(part->key) != CURVE_P384 ||
        !verify_snp_turn(part->key + 4, point) ||
        !verify_snp_turn(part->signature, signature)) {
        return ROTOR_OK;
    }
    enum rotor_status status = crypto_verifier_open_ec(
        &verifier, CRYPTO_CURVE_P384, bytes_of(point, VERIFY_SNP_HALF),
        bytes_of(point + VERIFY_SNP_HALF, VERIFY_SNP_HALF));
    if (status == ROTOR_OK) {
        status = crypto_verifier_check(&verifier, CRYPTO_SIGNATURE_ECDSA_RAW,
                                       CRYPTO_SHA384, part->message,
                                       BYTES_OF(signature), valid);
    }
    crypto_verifier_close(&verifier);
    return status == ROTOR_MALFORMED ? ROTOR_OK : status;
}

static bool check_sizes(struct verify_verdict *verdict,
                        struct rotor_bytes block, struct rotor_bytes auth)
{
    return verify_check(verdict, block.size == VERIFY_SNP_ID_BLOCK_SIZE,
                        &(struct verify_row){
                            .check = "id block size",
                            .expected = verify_number(VERIFY_SNP_ID_BLOCK_SIZE),
                            .seen = verify_number(block.size),
                            .why = "not the size of an ID block",
                        }) &&
           verify_check(verdict, auth.size == VERIFY_SNP_ID_AUTH_SIZE,
                        &(struct verify_row){
                            .check = "id auth size",
                            .expected = verify_number(VERIFY_SNP_ID_AUTH_SIZE),
                            .seen = verify_number(auth.size),
                            .why = "not the size of an ID authentication",
                        });
}

static void check_form(struct verify_verdict *verdict, const uint8_t *block,
                       const uint8_t *auth)
{
    uint32_t version = bytes_le32(block + 80);
    uint32_t algorithm = bytes_le32(auth);
    bool has_zeros = is_reserved_zero(auth);
    verify_check(verdict, version == BLOCK_VERSION,
                 &(struct verify_row){
                     .check = "id block version",
                     .expected = verify_number(BLOCK_VERSION),
                     .seen = verify_number(version),
                     .why = "a version that is not supported",
                 });
    verify_check(verdict, algorithm == ALGORITHM_P384,
                 &(struct verify_row){
                     .check = "id key algorithm",
                     .expected = verify_number(ALGORITHM_P384),
                     .seen = verify_number(algorithm),
                     .why = "not ECDSA on P-384 with SHA-384",
                 });
    verify_check(verdict, has_zeros,
                 &(struct verify_row){
                     .check = "reserved bytes",
                     .expected = verify_text("zero"),
                     .seen = verify_text(has_zeros ? "zero" : "not zero"),
                     .why = "reserved bytes are not zero",
                 });
}

static enum rotor_status check_author(struct verify_verdict *verdict,
                                      const uint8_t *auth)
{
    uint32_t algorithm = bytes_le32(auth + 4);
    const struct signed_part part = {
        .message = bytes_of(auth + ID_KEY, KEY_SIZE),
        .key = auth + AUTHOR_KEY,
        .signature = auth + AUTHOR_SIGNATURE,
    };
    struct verify_row row = {
        .check = "author signature",
        .expected = verify_text("by the author key"),
        .seen = verify_number(algorithm),
        .why = "the ID key is not signed by the author key",
    };
    bool has_none =
        algorithm == 0 && verify_snp_is_all(bytes_of(part.key, KEY_SIZE), 0) &&
        verify_snp_is_all(bytes_of(part.signature, 2 * VERIFY_SNP_HALF_AMD), 0);
    if (has_none) {
        verify_skip(verdict, &row);
        return ROTOR_OK;
    }
    bool valid = false;
    TRY(is_signed(&part, &valid));
    verify_check(verdict, valid && algorithm == ALGORITHM_P384, &row);
    return ROTOR_OK;
}

static enum rotor_status fill(struct verify_verdict *verdict,
                              const uint8_t *block, const uint8_t *auth)
{
    bool has_author = bytes_le32(auth + 4) != 0;
    struct rotor_bytes key =
        bytes_of(auth + (has_author ? AUTHOR_KEY : ID_KEY), KEY_SIZE);
    uint8_t digest[CRYPTO_HASH_MAX];
    TRY(crypto_hash(CRYPTO_SHA384, &key, 1, digest));
    verify_value_set(&verdict->signer, bytes_of(digest, 48));
    verify_value_set(&verdict->measurement, bytes_of(block, 48));
    verdict->security_version = bytes_le32(block + 84);
    verdict->debug = (bytes_le64(block + 88) & VERIFY_SNP_POLICY_DEBUG) != 0
                         ? VERIFY_YES
                         : VERIFY_NO;
    return ROTOR_OK;
}

enum rotor_status verify_snp_identity(struct rotor_bytes id_block,
                                      struct rotor_bytes id_auth,
                                      struct verify_verdict *verdict)
{
    verify_begin(verdict, VERIFY_BACKEND_SNP);
    if (!check_sizes(verdict, id_block, id_auth)) {
        verify_conclude(verdict);
        return ROTOR_OK;
    }
    const uint8_t *auth = id_auth.data;
    const struct signed_part block = {
        .message = id_block,
        .key = auth + ID_KEY,
        .signature = auth + ID_SIGNATURE,
    };
    bool valid = false;
    check_form(verdict, id_block.data, auth);
    TRY(is_signed(&block, &valid));
    verify_check(
        verdict, valid,
        &(struct verify_row){
            .check = "id block signature",
            .expected = verify_text("by the ID key"),
            .seen = verify_text(valid ? "by the ID key" : "by no such key"),
            .why = "the ID block is not signed by the ID key",
        });
    TRY(check_author(verdict, auth));
    TRY(fill(verdict, id_block.data, auth));
    verify_conclude(verdict);
    return ROTOR_OK;
}
