// SPDX-License-Identifier: Apache-2.0
// doc/PROTOCOL.chain 3.1.
#include "chain/trust.h"

#include <string.h>

#include "base/bytes.h"
#include "chain/hash.h"
#include "crypto/suite.h"
#include "wire/cbor.h"

#define TRUST_VERSION 1u

bool chain_trust_is_empty(const struct chain_trust *trust)
{
    return wire_digest_is_empty(&trust->log_id);
}

struct wire_head chain_trust_head(const struct chain_trust *trust)
{
    return (struct wire_head){trust->order.epoch, trust->body_hash};
}

enum rotor_status chain_trust_of(const struct chain_body *body,
                                 struct chain_trust *trust)
{
    struct wire_digest body_hash;
    TRY(chain_body_hash(body, &body_hash));
    if (body->policy_bytes.size > CHAIN_POLICY_MAX) {
        return ROTOR_INVALID;
    }
    *trust = (struct chain_trust){
        .log_id = body->kind == CHAIN_GENESIS ? body_hash : body->log_id,
        .order = {body->incarnation, body->epoch},
        .kind = body->kind,
        .body_hash = body_hash,
        .suite = body->suite,
        .sign = body->sign,
        .agree = body->agree,
        .next_commit = body->next_commit,
        .n = body->n,
        .measurement = body->measurement,
        .reason = body->reason,
        .has_distrust_from = body->has_distrust_from,
        .distrust_from = body->distrust_from,
        .policy = body->policy,
        .policy_size = body->policy_bytes.size,
    };
    memcpy(trust->policy_bytes, body->policy_bytes.data, trust->policy_size);
    return ROTOR_OK;
}

enum rotor_status chain_trust_encode(const struct chain_trust *trust,
                                     struct rotor_room *bytes)
{
    bytes->used = 0;
    if (chain_trust_is_empty(trust)) {
        return ROTOR_INVALID;
    }
    struct cbor_writer out;
    cbor_writer_init(&out, bytes);
    cbor_write_map(&out, trust->has_distrust_from ? 14 : 13);
    cbor_write_uint(&out, 0);
    cbor_write_uint(&out, TRUST_VERSION);
    cbor_write_uint(&out, 1);
    wire_write_digest(&out, &trust->log_id);
    cbor_write_uint(&out, 2);
    cbor_write_array(&out, 2);
    cbor_write_uint(&out, trust->order.incarnation);
    cbor_write_uint(&out, trust->order.epoch);
    cbor_write_uint(&out, 3);
    cbor_write_int(&out, trust->kind);
    cbor_write_uint(&out, 4);
    wire_write_digest(&out, &trust->body_hash);
    cbor_write_uint(&out, 5);
    cbor_write_uint(&out, trust->suite);
    cbor_write_uint(&out, 6);
    wire_write_key(&out, &trust->sign);
    cbor_write_uint(&out, 7);
    wire_write_key(&out, &trust->agree);
    cbor_write_uint(&out, 8);
    wire_write_digest(&out, &trust->next_commit);
    cbor_write_uint(&out, 9);
    cbor_write_uint(&out, trust->n);
    cbor_write_uint(&out, 10);
    wire_write_digest(&out, &trust->measurement);
    cbor_write_uint(&out, 11);
    cbor_write_uint(&out, trust->reason);
    cbor_write_uint(&out, 12);
    cbor_write_raw(&out, bytes_of(trust->policy_bytes, trust->policy_size));
    if (trust->has_distrust_from) {
        cbor_write_uint(&out, 13);
        cbor_write_uint(&out, trust->distrust_from);
    }
    return cbor_writer_finish(&out);
}

static void read_place(struct cbor_reader *in, struct chain_trust *trust)
{
    cbor_read_key(in, 0);
    if (cbor_read_uint(in) != TRUST_VERSION) {
        cbor_refuse(in);
    }
    cbor_read_key(in, 1);
    wire_read_digest(in, &trust->log_id);
    cbor_read_key(in, 2);
    cbor_read_array_of(in, 2);
    trust->order.incarnation = (uint32_t)cbor_read_uint_max(in, UINT32_MAX);
    trust->order.epoch = cbor_read_uint(in);
    cbor_read_key(in, 3);
    trust->kind = (enum chain_kind)cbor_read_uint_max(in, CHAIN_CLOSE);
    cbor_read_key(in, 4);
    wire_read_digest(in, &trust->body_hash);
}

static void read_keys(struct cbor_reader *in, struct chain_trust *trust)
{
    cbor_read_key(in, 5);
    trust->suite = (uint32_t)cbor_read_uint_max(in, UINT16_MAX);
    cbor_read_key(in, 6);
    wire_read_key(in, &trust->sign);
    cbor_read_key(in, 7);
    wire_read_key(in, &trust->agree);
    cbor_read_key(in, 8);
    wire_read_mdigest(in, &trust->next_commit);
    cbor_read_key(in, 9);
    trust->n = cbor_read_uint(in);
    cbor_read_key(in, 10);
    wire_read_digest(in, &trust->measurement);
    cbor_read_key(in, 11);
    trust->reason = (uint32_t)cbor_read_uint_max(in, WIRE_REASON_RECOVERY);
}

static bool trust_decodes(struct rotor_bytes bytes, struct chain_trust *trust)
{
    struct cbor_reader in;
    cbor_reader_init(&in, bytes);
    cbor_read_map(&in);
    read_place(&in, trust);
    read_keys(&in, trust);
    cbor_read_key(&in, 12);
    struct rotor_bytes policy = cbor_read_item(&in);
    if (cbor_take_key(&in, 13)) {
        trust->has_distrust_from = true;
        trust->distrust_from = cbor_read_uint(&in);
    }
    cbor_end_map(&in);
    const struct crypto_suite *suite = crypto_suite_of(trust->suite);
    bool is_whole = cbor_finished(&in) &&
                    chain_policy_decode(policy, &trust->policy) == ROTOR_OK &&
                    suite != NULL &&
                    wire_key_scheme(trust->sign.type) == suite->sign &&
                    wire_key_scheme(trust->agree.type) == suite->agree;
    if (is_whole) {
        trust->policy_size = policy.size;
        memcpy(trust->policy_bytes, policy.data, policy.size);
    }
    return is_whole;
}

enum rotor_status chain_trust_decode(struct rotor_bytes bytes,
                                     struct chain_trust *trust)
{
    memset(trust, 0, sizeof *trust);
    if (!trust_decodes(bytes, trust)) {
        memset(trust, 0, sizeof *trust);
        return ROTOR_MALFORMED;
    }
    return ROTOR_OK;
}
