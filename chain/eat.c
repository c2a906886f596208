// SPDX-License-Identifier: Apache-2.0
// doc/PROTOCOL.chain 8.
#include "chain/eat.h"

#include <string.h>

#include "base/bytes.h"
#include "wire/cbor.h"

// Labels of the token (RFC 9711): eat_nonce and eat_profile.
enum {
    EAT_NONCE = 10,
    EAT_PROFILE = 265,
};

#define EAT_PAYLOAD_MAX 1024u // bytes
#define SIGN1_MAX       128u  // bytes, detached, of an S scheme
#define BACKEND_MAX     9u    // the table of PROTOCOL.rot 8.2

// ---- Evidence and report ---------------------------------------------------

enum rotor_status chain_evidence_encode(const struct chain_evidence *evidence,
                                        struct rotor_room *bytes)
{
    struct cbor_writer out;
    cbor_writer_init(&out, bytes);
    cbor_write_array(&out, 2);
    cbor_write_uint(&out, evidence->backend);
    cbor_write_bytes(&out, evidence->report);
    return cbor_writer_finish(&out);
}

enum rotor_status chain_evidence_decode(struct rotor_bytes bytes,
                                        struct chain_evidence *evidence)
{
    struct cbor_reader in;
    struct chain_evidence decoded;
    cbor_reader_init(&in, bytes);
    cbor_read_array_of(&in, 2);
    decoded.backend = cbor_read_uint_max(&in, BACKEND_MAX);
    decoded.report = cbor_read_bytes_sized(&in, 1, WIRE_EVIDENCE_MAX);
    if (bytes.size > WIRE_EVIDENCE_MAX || !cbor_finished(&in) ||
        decoded.backend == 0) {
        return ROTOR_MALFORMED;
    }
    *evidence = decoded;
    return ROTOR_OK;
}

static void write_report(struct cbor_writer *out,
                         const struct chain_process_report *report)
{
    cbor_write_array(out, 3);
    cbor_write_bytes(out, report->uds_key);
    cbor_write_bytes(out, report->certificate);
    cbor_write_bytes(out, report->eat);
}

enum rotor_status
chain_process_report_encode(const struct chain_process_report *report,
                            struct rotor_room *bytes)
{
    struct cbor_writer out;
    cbor_writer_init(&out, bytes);
    write_report(&out, report);
    return cbor_writer_finish(&out);
}

enum rotor_status
chain_process_report_decode(struct rotor_bytes bytes,
                            struct chain_process_report *report)
{
    struct cbor_reader in;
    struct chain_process_report decoded;
    cbor_reader_init(&in, bytes);
    cbor_read_array_of(&in, 3);
    decoded.uds_key = cbor_read_bytes(&in);
    decoded.certificate = cbor_read_bytes(&in);
    decoded.eat = cbor_read_bytes(&in);
    if (!cbor_finished(&in)) {
        return ROTOR_MALFORMED;
    }
    *report = decoded;
    return ROTOR_OK;
}

// ---- the token -------------------------------------------------------------

// {10: UD, 265: profile} and the pairs of `claims` behind them.
static enum rotor_status write_payload(const uint8_t ud[CHAIN_UD_SIZE],
                                       struct rotor_bytes claims,
                                       struct rotor_room *payload)
{
    struct cbor_reader in;
    struct cbor_writer out;
    cbor_reader_init(&in, claims);
    cbor_writer_init(&out, payload);
    cbor_write_map(&out, 2 + cbor_read_map(&in));
    cbor_write_uint(&out, EAT_NONCE);
    cbor_write_bytes(&out, bytes_of(ud, CHAIN_UD_SIZE));
    cbor_write_uint(&out, EAT_PROFILE);
    cbor_write_text(&out, LABEL(CHAIN_EAT_PROFILE));
    int64_t key = 0;
    while (cbor_map_next(&in, &key)) {
        // Private use only: -65537 and below sort behind 265.
        if (key >= -65536) {
            cbor_refuse(&in);
        }
        cbor_write_int(&out, key);
        cbor_write_raw(&out, cbor_read_item(&in));
    }
    if (!cbor_finished(&in)) {
        return ROTOR_MALFORMED;
    }
    return cbor_writer_finish(&out);
}

struct parts {
    struct rotor_bytes protected_header;
    struct rotor_bytes payload;
    struct rotor_bytes signature;
};

// [protected, {}, payload, signature]; a detached one has nil as payload.
static bool read_parts(struct rotor_bytes sign1, struct parts *parts)
{
    struct cbor_reader in;
    cbor_reader_init(&in, sign1);
    cbor_read_array_of(&in, 4);
    parts->protected_header = cbor_read_bytes(&in);
    cbor_read_map(&in);
    cbor_end_map(&in);
    if (cbor_peek_kind(&in) == CBOR_NIL) {
        cbor_read_nil(&in);
        parts->payload = bytes_of(NULL, 0);
    } else {
        parts->payload = cbor_read_bytes_sized(&in, 1, EAT_PAYLOAD_MAX);
    }
    parts->signature = cbor_read_bytes(&in);
    return cbor_finished(&in);
}

static void write_parts(struct cbor_writer *out, const struct parts *parts)
{
    cbor_write_array(out, 4);
    cbor_write_bytes(out, parts->protected_header);
    cbor_write_map(out, 0);
    if (bytes_are_empty(parts->payload)) {
        cbor_write_nil(out);
    } else {
        cbor_write_bytes(out, parts->payload);
    }
    cbor_write_bytes(out, parts->signature);
}

enum rotor_status chain_eat_sign(const struct crypto_key *key,
                                 const uint8_t ud[CHAIN_UD_SIZE],
                                 struct rotor_bytes claims,
                                 struct rotor_room *eat)
{
    uint8_t payload_bytes[EAT_PAYLOAD_MAX];
    uint8_t detached_bytes[SIGN1_MAX];
    struct rotor_room payload = ROOM_OF(payload_bytes);
    struct rotor_room detached = ROOM_OF(detached_bytes);
    struct parts parts;
    eat->used = 0;
    TRY(write_payload(ud, claims, &payload));
    const struct wire_statement statement = {LABEL(CHAIN_EAT_CONTEXT),
                                             bytes_in(&payload)};
    TRY(wire_cose_sign(key, &statement, &detached));
    if (!read_parts(bytes_in(&detached), &parts)) {
        return ROTOR_INVALID;
    }
    parts.payload = bytes_in(&payload);
    struct cbor_writer out;
    cbor_writer_init(&out, eat);
    write_parts(&out, &parts);
    return cbor_writer_finish(&out);
}

// The claims' own layout passes over the two keys that are not claims.
static bool read_payload(struct rotor_bytes payload, struct chain_eat *eat)
{
    struct cbor_reader in;
    cbor_reader_init(&in, payload);
    cbor_read_map(&in);
    cbor_read_key(&in, EAT_NONCE);
    cbor_read_bytes_into(&in, eat->ud, sizeof eat->ud);
    cbor_read_key(&in, EAT_PROFILE);
    bool is_ours = bytes_equal(cbor_read_text(&in), LABEL(CHAIN_EAT_PROFILE));
    return is_ours && wire_message_decode(&WIRE_LAYOUT_CLAIMS, payload,
                                          &eat->claims) == ROTOR_OK;
}

enum rotor_status chain_eat_verify(const struct wire_key *key,
                                   struct rotor_bytes bytes,
                                   struct chain_eat *eat, bool *valid)
{
    struct chain_eat decoded = {
        .payload = {NULL, 0}
    };
    struct parts parts;
    uint8_t detached_bytes[SIGN1_MAX];
    struct rotor_room detached = ROOM_OF(detached_bytes);
    *valid = false;
    bool is_token =
        read_parts(bytes, &parts) && read_payload(parts.payload, &decoded);
    if (!is_token) {
        return ROTOR_MALFORMED;
    }
    decoded.payload = parts.payload;
    parts.payload = bytes_of(NULL, 0);
    struct cbor_writer out;
    cbor_writer_init(&out, &detached);
    write_parts(&out, &parts);
    if (cbor_writer_finish(&out) != ROTOR_OK) { // no signature is that long
        return ROTOR_MALFORMED;
    }
    const struct wire_statement statement = {LABEL(CHAIN_EAT_CONTEXT),
                                             decoded.payload};
    TRY(wire_cose_verify(key, &statement, bytes_in(&detached), valid));
    *eat = decoded;
    return ROTOR_OK;
}

// ---- attester --------------------------------------------------------------

enum rotor_status chain_attest(const struct chain_attester *attester,
                               const uint8_t ud[CHAIN_UD_SIZE],
                               struct rotor_bytes claims,
                               struct rotor_room *evidence)
{
    uint8_t eat_bytes[EAT_PAYLOAD_MAX + SIGN1_MAX];
    struct rotor_room eat = ROOM_OF(eat_bytes);
    evidence->used = 0;
    TRY(chain_eat_sign(attester->key, ud, claims, &eat));
    const struct chain_process_report report = {
        attester->uds_key, attester->certificate, bytes_in(&eat)};
    struct rotor_room nothing = {NULL, 0, 0};
    struct cbor_writer sizer;
    cbor_writer_init(&sizer, &nothing);
    write_report(&sizer, &report);
    struct cbor_writer out;
    cbor_writer_init(&out, evidence);
    cbor_write_array(&out, 2);
    cbor_write_uint(&out, CHAIN_BACKEND_PROCESS);
    cbor_write_bytes_head(&out, cbor_writer_size(&sizer));
    write_report(&out, &report);
    return cbor_writer_finish(&out);
}
