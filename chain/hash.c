// SPDX-License-Identifier: Apache-2.0
// doc/PROTOCOL.chain 2.
#include "chain/hash.h"

#include "base/bytes.h"
#include "crypto/suite.h"
#include "wire/cbor.h"

// An array of two COSE_Keys, the longest thing that is hashed here.
#define HASHED_MAX 320u // bytes

enum rotor_status chain_hash_body(enum crypto_hash alg, struct rotor_bytes body,
                                  struct wire_digest *digest)
{
    return wire_digest_make(digest, alg, LABEL("rotor1 entry"), &body, 1);
}

enum rotor_status chain_hash_auth(enum crypto_hash alg,
                                  const struct chain_auth *auth,
                                  struct wire_digest *digest)
{
    uint8_t bytes[HASHED_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    cbor_write_array(&out, 2);
    wire_write_key(&out, &auth->ots);
    wire_write_key(&out, &auth->sign);
    TRY(cbor_writer_finish(&out));
    struct rotor_bytes pair = bytes_in(&room);
    return wire_digest_make(digest, alg, LABEL("rotor1 next-auth"), &pair, 1);
}

enum rotor_status chain_hash_ra_set(enum crypto_hash alg,
                                    struct rotor_bytes ra_set,
                                    struct wire_digest *digest)
{
    bool is_known = alg == CRYPTO_SHA256 || alg == CRYPTO_SHA384;
    if (!is_known) {
        return ROTOR_INVALID;
    }
    struct wire_digest made = {.alg = alg};
    TRY(crypto_hash(alg, &ra_set, 1, made.bytes));
    *digest = made;
    return ROTOR_OK;
}

enum rotor_status chain_hash_request(const struct chain_request *request,
                                     struct wire_digest *digest)
{
    const struct crypto_suite *suite = crypto_suite_of(request->suite);
    if (suite == NULL) {
        return ROTOR_INVALID;
    }
    uint8_t bytes[HASHED_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    cbor_write_array(&out, 6);
    cbor_write_bytes(&out, BYTES_OF(request->id));
    cbor_write_uint(&out, request->from_epoch);
    cbor_write_uint(&out, request->suite);
    cbor_write_uint(&out, request->seed_src);
    cbor_write_uint(&out, request->reason);
    cbor_write_uint(&out, request->distrust_from);
    TRY(cbor_writer_finish(&out));
    struct rotor_bytes array = bytes_in(&room);
    return wire_digest_make(digest, suite->hash, LABEL("rotor1 request"),
                            &array, 1);
}

enum rotor_status chain_ud(const struct chain_report *report,
                           uint8_t ud[CHAIN_UD_SIZE])
{
    static const uint8_t ZERO[1] = {0};
    uint8_t bytes[HASHED_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    cbor_write_array(&out, 6);
    cbor_write_uint(&out, report->purpose);
    wire_write_digest(&out, &report->log_id);
    cbor_write_uint(&out, report->head.epoch);
    wire_write_digest(&out, &report->head.body_hash);
    cbor_write_bytes(&out, report->nonce);
    cbor_write_bytes(&out, report->bind);
    TRY(cbor_writer_finish(&out));
    const struct rotor_bytes parts[] = {LABEL("rotor1 report"), BYTES_OF(ZERO),
                                        bytes_in(&room)};
    return crypto_hash(CRYPTO_SHA512, parts, COUNT_OF(parts), ud);
}

enum rotor_status chain_report_of(const struct chain_body *body,
                                  struct chain_report *report)
{
    struct chain_report made = {.log_id = body->log_id,
                                .head.epoch = body->epoch};
    TRY(chain_body_hash(body, &made.head.body_hash));
    switch (body->kind) {
    case CHAIN_GENESIS:
        made.purpose = WIRE_PURPOSE_GENESIS;
        made.log_id = made.head.body_hash;
        break;
    case CHAIN_ROTATE:
    case CHAIN_CLOSE:
        made.purpose = WIRE_PURPOSE_ROTATE;
        break;
    case CHAIN_RECOVER:
    case CHAIN_REINCEPT:
        made.purpose = WIRE_PURPOSE_RECOVER;
        break;
    case CHAIN_KIND_NONE:
    default:
        return ROTOR_INVALID;
    }
    *report = made;
    return ROTOR_OK;
}

enum rotor_status chain_done_encode(const struct chain_done *done,
                                    struct rotor_room *payload)
{
    struct cbor_writer out;
    cbor_writer_init(&out, payload);
    cbor_write_array(&out, 5);
    cbor_write_uint(&out, done->head.epoch);
    wire_write_digest(&out, &done->head.body_hash);
    cbor_write_uint(&out, done->n);
    cbor_write_bytes(&out, BYTES_OF(done->request_id));
    cbor_write_uint(&out, done->channel_id);
    return cbor_writer_finish(&out);
}

enum rotor_status chain_head_encode(const struct chain_head *head,
                                    struct rotor_room *payload)
{
    struct cbor_writer out;
    cbor_writer_init(&out, payload);
    cbor_write_array(&out, 5);
    wire_write_digest(&out, &head->log_id);
    cbor_write_uint(&out, head->head.epoch);
    wire_write_digest(&out, &head->head.body_hash);
    cbor_write_uint(&out, head->n);
    cbor_write_bytes(&out, head->nonce);
    return cbor_writer_finish(&out);
}
