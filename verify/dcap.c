// SPDX-License-Identifier: Apache-2.0
#include "verify/dcap.h"

#include <string.h>

#include "base/bytes.h"

#define HEADER_SIZE    48u
#define REPORT_SIZE    VERIFY_DCAP_SGX_BODY_SIZE
#define SIGNATURE_SIZE 64u
#define KEY_SIZE       64u
#define TEE_SGX        0x00u
#define TEE_TDX        0x81u
#define KEY_P256       2u
#define KEY_P384       3u
#define TD15_EXTENDED  4u // type of a body with a TD's id

// SubjectPublicKeyInfo of "Intel SGX Root CA", valid 2018 to 2049.
const struct verify_dcap_root verify_dcap_intel_root = {
    {
     0xa0, 0xaf, 0x03, 0x12, 0x89, 0xf5, 0xd5, 0xd4, 0x13, 0x2f, 0x91,
     0x86, 0x06, 0x8a, 0x7f, 0xc1, 0x36, 0x28, 0x63, 0x3b, 0xa2, 0x35,
     0x77, 0x74, 0x72, 0xe2, 0x9b, 0x6b, 0x6c, 0x67, 0xa4, 0x9e,
     }
};

// Reads on past the end as nothing; asked once whether it did.
struct reader {
    struct rotor_bytes rest;
    bool is_short;
};

static struct rotor_bytes take(struct reader *in, size_t size)
{
    if (in->rest.size < size) {
        in->is_short = true;
        in->rest.size = 0;
        return (struct rotor_bytes){0};
    }
    struct rotor_bytes taken = {in->rest.data, size};
    in->rest.data += size;
    in->rest.size -= size;
    return taken;
}

static uint16_t take_u16(struct reader *in)
{
    struct rotor_bytes taken = take(in, 2);
    return taken.size == 2 ? bytes_le16(taken.data) : 0;
}

static uint32_t take_u32(struct reader *in)
{
    struct rotor_bytes taken = take(in, 4);
    return taken.size == 4 ? bytes_le32(taken.data) : 0;
}

static enum rotor_status refuse(const char **why, const char *sentence)
{
    *why = sentence;
    return ROTOR_MALFORMED;
}

static enum rotor_status read_header(struct reader *in,
                                     struct verify_dcap_quote *quote,
                                     const char **why)
{
    quote->version = take_u16(in);
    quote->key_type = take_u16(in);
    quote->tee_type = take_u32(in);
    (void)take(in, 4); // SVNs of QE and PCE, or reserved
    quote->vendor = take(in, 16);
    (void)take(in, 20); // data of the quoting enclave
    if (in->is_short) {
        return refuse(why, "shorter than the header of a quote");
    }
    if (quote->version < 3 || quote->version > 5) {
        return refuse(why, "not a quote of version 3, 4 or 5");
    }
    if (quote->tee_type != TEE_SGX && quote->tee_type != TEE_TDX) {
        return refuse(why, "a quote of neither SGX nor TDX");
    }
    if (quote->version == 3 && quote->tee_type != TEE_SGX) {
        return refuse(why, "version 3 quotes SGX enclaves only");
    }
    if (quote->key_type != KEY_P256) {
        return refuse(why, "attestation keys other than P-256 are not "
                           "supported");
    }
    return ROTOR_OK;
}

static size_t body_size(enum verify_dcap_body kind)
{
    switch (kind) {
    case VERIFY_DCAP_BODY_SGX:
        return VERIFY_DCAP_SGX_BODY_SIZE;
    case VERIFY_DCAP_BODY_TD10:
        return VERIFY_DCAP_TD10_SIZE;
    case VERIFY_DCAP_BODY_TD15:
        return VERIFY_DCAP_TD15_SIZE;
    case VERIFY_DCAP_BODY_NONE:
    default:
        return 0;
    }
}

static enum verify_dcap_body body_of(uint32_t number)
{
    return number > VERIFY_DCAP_BODY_TD15 ? VERIFY_DCAP_BODY_NONE
                                          : (enum verify_dcap_body)number;
}

static enum rotor_status
read_body(struct reader *in, struct verify_dcap_quote *quote, const char **why)
{
    bool is_sgx = quote->tee_type == TEE_SGX;
    quote->kind = is_sgx ? VERIFY_DCAP_BODY_SGX : VERIFY_DCAP_BODY_TD10;
    if (quote->version == 5) {
        uint16_t type = take_u16(in);
        quote->kind = body_of(type);
        uint32_t size = take_u32(in);
        if (!in->is_short && type == TD15_EXTENDED) {
            return refuse(why, "extended reports of TD 1.5 are not supported");
        }
        bool is_known = quote->kind != VERIFY_DCAP_BODY_NONE &&
                        size == body_size(quote->kind);
        if (!is_known) {
            return refuse(why, "a body of a type or size that is not known");
        }
        if ((quote->kind == VERIFY_DCAP_BODY_SGX) != is_sgx) {
            return refuse(why, "the body is of another kind than the header");
        }
    }
    quote->body = take(in, body_size(quote->kind));
    return in->is_short ? refuse(why, "the body is cut off") : ROTOR_OK;
}

// Report of the quoting enclave, its signature, and who vouches for that.
static void read_qe(struct reader *in, struct verify_dcap_quote *quote)
{
    quote->qe_report = take(in, REPORT_SIZE);
    quote->qe_signature = take(in, SIGNATURE_SIZE);
    quote->qe_authentication = take(in, take_u16(in));
    quote->certification_type = take_u16(in);
    quote->certification = take(in, take_u32(in));
}

static enum rotor_status read_signature(struct reader *in,
                                        struct verify_dcap_quote *quote,
                                        const char **why)
{
    quote->signature = take(in, SIGNATURE_SIZE);
    quote->key = take(in, KEY_SIZE);
    if (quote->version >= 4) {
        uint16_t type = take_u16(in);
        uint32_t size = take_u32(in);
        if (in->is_short || type != VERIFY_DCAP_QE_REPORT) {
            return refuse(why, "no report of the quoting enclave");
        }
        if (size != in->rest.size) {
            return refuse(why, "a length in the signature does not fit");
        }
    }
    read_qe(in, quote);
    if (in->is_short || in->rest.size != 0) {
        return refuse(why, "a length in the signature does not fit");
    }
    bool is_known = quote->certification_type >= VERIFY_DCAP_PPID_PLAIN &&
                    quote->certification_type <= VERIFY_DCAP_PCK_CHAIN;
    return is_known ? ROTOR_OK
                    : refuse(why, "certification data of an unknown type");
}

static bool is_zero(struct rotor_bytes bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        any |= bytes.data[i];
    }
    return any == 0;
}

enum rotor_status verify_dcap_read(struct rotor_bytes bytes,
                                   struct verify_dcap_quote *quote,
                                   const char **why)
{
    struct verify_dcap_quote found = {0};
    struct reader in = {.rest = bytes};
    if (bytes.size > VERIFY_DCAP_QUOTE_MAX) {
        return refuse(why, "longer than any quote");
    }
    TRY(read_header(&in, &found, why));
    TRY(read_body(&in, &found, why));
    found.signed_part =
        (struct rotor_bytes){bytes.data, bytes.size - in.rest.size};
    struct reader signature = {.rest = take(&in, take_u32(&in))};
    if (in.is_short) {
        return refuse(why, "the signature is cut off");
    }
    TRY(read_signature(&signature, &found, why));
    if (!is_zero(in.rest)) {
        return refuse(why, "something follows the quote");
    }
    *quote = found;
    return ROTOR_OK;
}

enum verify_backend verify_dcap_backend(struct rotor_bytes bytes)
{
    if (bytes.size < HEADER_SIZE) {
        return VERIFY_BACKEND_NONE;
    }
    uint16_t version = bytes_le16(bytes.data);
    uint16_t key_type = bytes_le16(bytes.data + 2);
    uint32_t tee_type = bytes_le32(bytes.data + 4);
    bool is_quote = version >= 3 && version <= 5 &&
                    (key_type == KEY_P256 || key_type == KEY_P384);
    if (is_quote && tee_type == TEE_TDX && version > 3) {
        return VERIFY_BACKEND_TDX;
    }
    return is_quote && tee_type == TEE_SGX ? VERIFY_BACKEND_SGX
                                           : VERIFY_BACKEND_NONE;
}
