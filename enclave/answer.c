// SPDX-License-Identifier: Apache-2.0
// What several handlers ask of the enclave.
#include <string.h>

#include "base/bytes.h"
#include "chain/hash.h"
#include "enclave/serve.h"
#include "enclave/tokens.h"
#include "wire/cbor.h"

#define SEED_MIN 32u // bytes

enum rotor_status enclave_refuse(struct enclave *enclave, enum wire_error code,
                                 uint64_t detail)
{
    enclave->refusal = code;
    enclave->refusal_detail = detail;
    return ROTOR_FORBIDDEN;
}

enum rotor_status enclave_answer_with(struct enclave_answer *answer,
                                      enum wire_type type,
                                      const struct wire_layout *layout,
                                      const void *message)
{
    TRY(wire_message_encode(layout, message, &answer->payload));
    answer->type = type;
    return ROTOR_OK;
}

enum rotor_status enclave_draw(struct enclave *enclave, uint8_t *out,
                               size_t size)
{
    enum rotor_status status =
        enclave->ops.entropy(enclave->ops.context, out, size);
    if (status == ROTOR_OK) {
        return ROTOR_OK;
    }
    return enclave_refuse(enclave, WIRE_E_ENTROPY, 0);
}

enum rotor_status enclave_draw_passing(struct enclave *enclave, uint8_t *out,
                                       size_t size)
{
    if (enclave->ops.entropy_passing == NULL) {
        return enclave_draw(enclave, out, size);
    }
    enum rotor_status status =
        enclave->ops.entropy_passing(enclave->ops.context, out, size);
    return status == ROTOR_OK ? ROTOR_OK
                              : enclave_refuse(enclave, WIRE_E_ENTROPY, 0);
}

enum rotor_status enclave_boot_id(struct enclave *enclave)
{
    if (enclave->has_boot_id) {
        return ROTOR_OK;
    }
    TRY(enclave_draw_passing(enclave, enclave->boot_id,
                             sizeof enclave->boot_id));
    enclave->has_boot_id = true;
    return ROTOR_OK;
}

// ---- time and place --------------------------------------------------------

uint64_t enclave_uptime_s(const struct enclave *enclave)
{
    return (enclave->ops.now_ms(enclave->ops.context) - enclave->boot_ms) /
           1000;
}

uint64_t enclave_running_s(const struct enclave *enclave)
{
    return enclave->boot_running_s + enclave_uptime_s(enclave);
}

bool enclave_is_usable(const struct enclave *enclave)
{
    return enclave->fault == ENCLAVE_SOUND ||
           enclave->fault == ENCLAVE_APPROVED;
}

bool enclave_has_log(const struct enclave *enclave)
{
    return enclave->state.cur.is_used && enclave->fault == ENCLAVE_SOUND;
}

struct wire_head enclave_head(const struct enclave *enclave)
{
    if (!enclave_has_log(enclave)) {
        return (struct wire_head){0};
    }
    const struct enclave_facts *facts = &enclave->state.cur.facts;
    return (struct wire_head){facts->order.epoch, facts->body_hash};
}

struct wire_digest enclave_log_id(const struct enclave *enclave)
{
    return enclave_has_log(enclave) ? enclave->state.log_id
                                    : (struct wire_digest){0};
}

struct wire_header enclave_header(const struct enclave *enclave,
                                  const struct enclave_request *request,
                                  enum wire_type type)
{
    struct wire_header header = {
        .type = (uint8_t)type,
        .flags = WIRE_FLAG_PLAINTEXT,
        .channel_id = request->route.channel_id,
        .sequence = *request->route.next_out,
        .epoch = enclave_head(enclave).epoch,
        .ack = request->header.sequence,
    };
    memcpy(header.request_id, request->header.request_id,
           sizeof header.request_id);
    return header;
}

// ---- signatures and Evidence -----------------------------------------------

enum rotor_status enclave_sign(struct enclave *enclave,
                               struct rotor_bytes context,
                               struct rotor_bytes payload,
                               struct rotor_room *sign1)
{
    struct wire_statement statement = {context, payload};
    TRY(wire_cose_sign(&enclave->keys.sign, &statement, sign1));
    enclave->signature_count++;
    return ROTOR_OK;
}

void enclave_count_beside(struct enclave *enclave,
                          const struct enclave_request *request)
{
    if (request->route.way == ENCLAVE_WAY_PROGRAM) {
        enclave->beside++;
    }
}

static bool old_service_is_live(const struct enclave *enclave)
{
    const struct enclave_service *service = &enclave->state.old_service;
    return service->is_live && enclave_running_s(enclave) < service->end_s;
}

static enum rotor_status encode_kids(const struct enclave *enclave,
                                     struct rotor_room *kids)
{
    bool has_old = old_service_is_live(enclave);
    struct cbor_writer out;
    cbor_writer_init(&out, kids);
    cbor_write_array(&out, !enclave_has_log(enclave) ? 0 : has_old ? 2 : 1);
    if (enclave_has_log(enclave)) {
        wire_write_digest(&out, &enclave->keys.service_kid);
        if (has_old) {
            wire_write_digest(&out, &enclave->old_service_kid);
        }
    }
    return cbor_writer_finish(&out);
}

enum rotor_status enclave_claims(struct enclave *enclave,
                                 struct rotor_bytes *bytes)
{
    uint8_t kids_bytes[2 * 56 + 1];
    struct rotor_room kids = ROOM_OF(kids_bytes);
    TRY(encode_kids(enclave, &kids));
    struct wire_claims claims = {
        .level = enclave->identity.level,
        .anchor_kind = enclave->identity.anchor_kind,
        .erasure = enclave->identity.erasure,
        .service_kids = bytes_in(&kids),
        .limits = {enclave->policy.min_interval_s, enclave->policy.max_per_day},
        .measurement = enclave->identity.measurement,
        .walls = enclave->identity.walls,
    };
    struct rotor_room room = ROOM_OF(enclave->claims);
    TRY(wire_message_encode(&WIRE_LAYOUT_CLAIMS, &claims, &room));
    *bytes = bytes_in(&room);
    return ROTOR_OK;
}

enum rotor_status enclave_evidence_make(struct enclave *enclave,
                                        const struct chain_report *report,
                                        struct rotor_bytes *evidence)
{
    uint8_t ud[CHAIN_UD_SIZE];
    struct rotor_bytes claims;
    struct rotor_room room = ROOM_OF(enclave->evidence);
    TRY(chain_ud(report, ud));
    TRY(enclave_claims(enclave, &claims));
    TRY(enclave->ops.evidence(enclave->ops.context, ud, claims, &room));
    *evidence = bytes_in(&room);
    return ROTOR_OK;
}

// ---- fields ----------------------------------------------------------------

bool enclave_seed_fits(struct rotor_bytes seed, uint64_t seed_src)
{
    return seed.size == 0 ? seed_src == 0
                          : seed_src != 0 && seed.size >= SEED_MIN;
}

static struct wire_head head_of(const struct enclave_slot *slot)
{
    return (struct wire_head){slot->facts.order.epoch, slot->facts.body_hash};
}

enum rotor_status enclave_status_encode(const struct enclave *enclave,
                                        bool with_report,
                                        struct rotor_room *map)
{
    struct enclave_tokens tokens = enclave_tokens_now(enclave);
    const struct enclave_state *state = &enclave->state;
    const struct enclave_slot *candidate = &enclave->candidate;
    bool is_usable = enclave_is_usable(enclave);
    bool has_candidate =
        candidate->is_used && enclave->work.header.type != WIRE_RECOVER;
    struct wire_status status = {
        .state = enclave_state_code(enclave),
        .incarnation = is_usable ? state->incarnation : 0,
        .has_cur = enclave_has_log(enclave),
        .cur = enclave_head(enclave),
        .has_prepared = is_usable && state->pending.is_used,
        .prepared = head_of(&state->pending),
        .n = enclave->anchor_n,
        .anchor_kind = enclave->identity.anchor_kind,
        .boot_id = BYTES_OF(enclave->boot_id),
        .rotation_tokens = tokens.left,
        .emergency_token = tokens.has_emergency ? 1 : 0,
        .has_candidate = has_candidate,
        .candidate = candidate->facts.body_hash,
        .has_report = with_report && enclave->identity.report.size > 0,
        .report = enclave->identity.report,
        .has_beside = with_report,
        .beside = enclave->beside,
    };
    return wire_message_encode(&WIRE_LAYOUT_STATUS_MAP, &status, map);
}
