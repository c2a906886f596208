// SPDX-License-Identifier: Apache-2.0
// doc/PROTOCOL.chain 1.2.
#include "chain/policy.h"

#include "base/bytes.h"
#include "crypto/suite.h"
#include "wire/cbor.h"

static bool policy_is_complete(const struct chain_policy *policy)
{
    return crypto_suite_of(policy->suite_floor) != NULL &&
           !wire_digest_is_empty(&policy->ra) &&
           !wire_digest_is_empty(&policy->control);
}

void chain_policy_init(struct chain_policy *policy)
{
    *policy = (struct chain_policy){
        .cryptoperiod_s = 86400,
        .grace_s = 86400,
        .suite_floor = 1,
        .min_interval_s = 60,
        .max_per_day = 24,
    };
}

enum rotor_status chain_policy_encode(const struct chain_policy *policy,
                                      struct rotor_room *bytes)
{
    bytes->used = 0;
    if (!policy_is_complete(policy)) {
        return ROTOR_INVALID;
    }
    struct cbor_writer out;
    cbor_writer_init(&out, bytes);
    cbor_write_map(&out, 8);
    cbor_write_uint(&out, 1);
    cbor_write_uint(&out, policy->cryptoperiod_s);
    cbor_write_uint(&out, 2);
    cbor_write_uint(&out, policy->grace_s);
    cbor_write_uint(&out, 3);
    cbor_write_uint(&out, policy->suite_floor);
    cbor_write_uint(&out, 4);
    cbor_write_uint(&out, policy->min_interval_s);
    cbor_write_uint(&out, 5);
    cbor_write_uint(&out, policy->max_per_day);
    cbor_write_uint(&out, 6);
    wire_write_digest(&out, &policy->ra);
    cbor_write_uint(&out, 7);
    wire_write_digest(&out, &policy->control);
    cbor_write_uint(&out, 8);
    cbor_write_uint(&out, policy->hold_down_s);
    return cbor_writer_finish(&out);
}

static uint32_t read_u32(struct cbor_reader *in, int64_t key)
{
    cbor_read_key(in, key);
    return (uint32_t)cbor_read_uint_max(in, UINT32_MAX);
}

enum rotor_status chain_policy_decode(struct rotor_bytes bytes,
                                      struct chain_policy *policy)
{
    struct cbor_reader in;
    struct chain_policy decoded;
    cbor_reader_init(&in, bytes);
    cbor_read_map(&in);
    decoded.cryptoperiod_s = read_u32(&in, 1);
    decoded.grace_s = read_u32(&in, 2);
    decoded.suite_floor = read_u32(&in, 3);
    decoded.min_interval_s = read_u32(&in, 4);
    decoded.max_per_day = read_u32(&in, 5);
    cbor_read_key(&in, 6);
    wire_read_digest(&in, &decoded.ra);
    cbor_read_key(&in, 7);
    wire_read_digest(&in, &decoded.control);
    decoded.hold_down_s = read_u32(&in, 8);
    cbor_end_map(&in);
    if (bytes.size > CHAIN_POLICY_MAX || !cbor_finished(&in) ||
        !policy_is_complete(&decoded)) {
        return ROTOR_MALFORMED;
    }
    *policy = decoded;
    return ROTOR_OK;
}
