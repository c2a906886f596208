// SPDX-License-Identifier: Apache-2.0
// doc/PROTOCOL.chain 7.3.
#include "chain/record.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/suite.h"

#define HEAD_SIZE 9u // bytes: i and type
#define AAD_SIZE  (WIRE_ID_SIZE + HEAD_SIZE)

enum rotor_status chain_records_open(struct chain_records *records,
                                     uint32_t suite,
                                     const struct chain_traffic *traffic,
                                     const uint8_t sid[WIRE_ID_SIZE])
{
    const struct crypto_suite *of = crypto_suite_of(suite);
    *records = (struct chain_records){.is_open = false};
    if (of == NULL) {
        return ROTOR_INVALID;
    }
    TRY(crypto_aead_open(&records->aead, of->aead, traffic->key));
    memcpy(records->iv, traffic->iv, sizeof records->iv);
    memcpy(records->sid, sid, sizeof records->sid);
    records->is_open = true;
    return ROTOR_OK;
}

void chain_records_close(struct chain_records *records)
{
    crypto_aead_close(&records->aead);
    secret_wipe(records, sizeof *records);
}

static bool is_usable(const struct chain_records *records)
{
    return records->is_open && records->next < CHAIN_RECORD_LIMIT;
}

// AAD = sid || the first 9 bytes of the record.
static void make_aad(const struct chain_records *records, const uint8_t *head,
                     uint8_t aad[AAD_SIZE])
{
    memcpy(aad, records->sid, WIRE_ID_SIZE);
    memcpy(aad + WIRE_ID_SIZE, head, HEAD_SIZE);
}

enum rotor_status chain_record_seal(struct chain_records *records,
                                    enum chain_record_type type,
                                    struct rotor_bytes plaintext,
                                    struct rotor_room *record)
{
    uint8_t nonce[CRYPTO_AEAD_NONCE];
    uint8_t aad[AAD_SIZE];
    record->used = 0;
    if (!is_usable(records)) {
        return ROTOR_FORBIDDEN;
    }
    if (plaintext.size > SIZE_MAX - CHAIN_RECORD_OVERHEAD ||
        record->capacity < plaintext.size + CHAIN_RECORD_OVERHEAD) {
        return ROTOR_TOO_SMALL;
    }
    bytes_put_be64(record->data, records->next);
    record->data[8] = (uint8_t)type;
    make_aad(records, record->data, aad);
    wire_nonce_make(nonce, records->iv, records->next);
    TRY(crypto_seal(&records->aead, nonce, BYTES_OF(aad), plaintext,
                    record->data + HEAD_SIZE));
    record->used = plaintext.size + CHAIN_RECORD_OVERHEAD;
    records->next++;
    records->is_open = type != CHAIN_RECORD_CLOSE;
    return ROTOR_OK;
}

static enum rotor_status unseal(const struct chain_records *records,
                                struct rotor_bytes record, uint8_t *plaintext)
{
    uint8_t nonce[CRYPTO_AEAD_NONCE];
    uint8_t aad[AAD_SIZE];
    bool is_next = bytes_be64(record.data) == records->next;
    bool is_known = record.data[8] == CHAIN_RECORD_DATA ||
                    record.data[8] == CHAIN_RECORD_CLOSE;
    if (!is_next || !is_known) {
        return ROTOR_MALFORMED;
    }
    make_aad(records, record.data, aad);
    wire_nonce_make(nonce, records->iv, records->next);
    return crypto_unseal(
        &records->aead, nonce, BYTES_OF(aad),
        bytes_of(record.data + HEAD_SIZE, record.size - HEAD_SIZE), plaintext);
}

enum rotor_status chain_record_unseal(struct chain_records *records,
                                      struct rotor_bytes record,
                                      enum chain_record_type *type,
                                      struct rotor_room *plaintext)
{
    plaintext->used = 0;
    if (!is_usable(records)) {
        return ROTOR_FORBIDDEN;
    }
    if (record.size < CHAIN_RECORD_OVERHEAD) {
        records->is_open = false;
        return ROTOR_MALFORMED;
    }
    size_t size = record.size - CHAIN_RECORD_OVERHEAD;
    if (plaintext->capacity < size) {
        return ROTOR_TOO_SMALL;
    }
    enum chain_record_type read = (enum chain_record_type)record.data[8];
    enum rotor_status status = unseal(records, record, plaintext->data);
    if (status != ROTOR_OK) {
        records->is_open = false;
        return status;
    }
    records->next++;
    records->is_open = read != CHAIN_RECORD_CLOSE;
    plaintext->used = size;
    *type = read;
    return ROTOR_OK;
}
