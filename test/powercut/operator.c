// SPDX-License-Identifier: Apache-2.0
#include "test/powercut/operator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "chain/recovery.h"
#include "chain/sign.h"
#include "test/powercut/machine.h"
#include "verify/attest.h"

#define RA_KEYS 3u
#define RA_K    2u

// ---- the recovery authority, 2 of 3 ----------------------------------------

static struct {
    bool is_made;
    struct crypto_key keys[RA_KEYS];
    uint8_t set[1024];
    size_t set_size;
    struct wire_digest digest;
} ra;

static enum rotor_status make_authority(void)
{
    struct chain_ra_set set = {.k = RA_K, .count = RA_KEYS};
    struct rotor_room room = ROOM_OF(ra.set);
    for (uint8_t i = 0; i < RA_KEYS; i++) {
        uint8_t seed[CRYPTO_SEED_MAX];
        memset(seed, 0x30 + i, sizeof seed);
        TRY(crypto_key_derive(&ra.keys[i], CRYPTO_P256, seed));
        TRY(wire_key_of(&ra.keys[i], &set.keys[i]));
    }
    TRY(chain_ra_set_encode(&set, &room));
    ra.set_size = room.used;
    return chain_hash_ra_set(CRYPTO_SHA256, bytes_in(&room), &ra.digest);
}

const struct wire_digest *operator_authority(void)
{
    if (!ra.is_made && make_authority() != ROTOR_OK) {
        abort();
    }
    ra.is_made = true;
    return &ra.digest;
}

static enum rotor_status sign_body(struct rotor_bytes body,
                                   struct rotor_room *sigs)
{
    struct cbor_writer writer;
    cbor_writer_init(&writer, sigs);
    cbor_write_array(&writer, RA_K);
    for (size_t i = 0; i < RA_K; i++) {
        uint8_t bytes[256];
        struct rotor_room sign1 = ROOM_OF(bytes);
        TRY(chain_sign_ra(&ra.keys[i], body, &sign1));
        cbor_write_bytes(&writer, bytes_in(&sign1));
    }
    return cbor_writer_finish(&writer);
}

static enum rotor_status list_sets(struct rotor_room *sets)
{
    struct cbor_writer writer;
    cbor_writer_init(&writer, sets);
    cbor_write_array(&writer, 1);
    cbor_write_raw(&writer, bytes_of(ra.set, ra.set_size));
    return cbor_writer_finish(&writer);
}

static enum rotor_status approve(const struct machine *machine,
                                 struct rotor_room *payload)
{
    uint8_t sig_bytes[1024];
    uint8_t set_bytes[1024 + 8];
    struct rotor_room sigs = ROOM_OF(sig_bytes);
    struct rotor_room sets = ROOM_OF(set_bytes);
    struct chain_body body;
    const struct operator* operator= & machine->operator;
    struct wire_recover_signed message = {
        .log_id = machine->device->rtp.state.trust.log_id};
    struct rotor_bytes bytes = bytes_of(operator->body, operator->body_size);
    TRY(sign_body(bytes, &sigs));
    TRY(list_sets(&sets));
    TRY(chain_body_decode(bytes, &body));
    TRY(chain_body_hash(&body, &message.body_hash));
    message.sig_ra = bytes_in(&sigs);
    message.ra_sets = bytes_in(&sets);
    return wire_message_encode(&WIRE_LAYOUT_RECOVER_SIGNED, &message, payload);
}

// ---- asking ----------------------------------------------------------------

void operator_init(struct operator* operator, uint64_t seed)
{
    *operator=(struct operator){.dice = {seed ^ 0x6f70657261746f72u}};
}

void operator_lose_rtp(struct operator* operator)
{
    operator->attest_tag = 0;
    operator->order_tag = 0;
}

static uint64_t submit(struct machine *machine, uint64_t op,
                       struct rotor_bytes payload)
{
    struct operator* operator= & machine->operator;
    const struct rtp_request request = {
        .op = op, .payload = payload, .tag = ++operator->tags };
    struct sim_device *device = machine->device;
    return rtp_submit(&device->rtp, device->now_ms, &request) == ROTOR_OK
               ? request.tag
               : 0;
}

static void draw(struct operator* operator, uint8_t * out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = (uint8_t)(dice_next(&operator->dice) >> 24);
    }
}

void operator_attest(struct machine *machine)
{
    struct operator* operator= & machine->operator;
    const struct chain_trust *trust = &machine->device->rtp.state.trust;
    uint8_t sid[WIRE_ID_SIZE];
    uint8_t nonce[WIRE_NONCE_SIZE];
    struct rotor_room payload = ROOM_OF(operator->attest);
    if (operator->attest_tag != 0 || chain_trust_is_empty(trust)) {
        return;
    }
    draw(operator, sid, sizeof sid);
    draw(operator, nonce, sizeof nonce);
    const struct wire_attest_req request = {
        .log_id = trust->log_id,
        .sid = BYTES_OF(sid),
        .nonce = BYTES_OF(nonce),
        .suites = {3, {trust->suite, 2, 1}},
        .purpose = WIRE_PURPOSE_ATTEST,
        .want_evidence = 1,
    };
    if (wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, &request, &payload) ==
        ROTOR_OK) {
        operator->attest_size = payload.used;
        operator->attest_tag =
            submit(machine, WIRE_OP_ATTEST, bytes_in(&payload));
    }
}

static void order(struct machine *machine, uint64_t op,
                  struct rotor_bytes payload)
{
    machine->operator.order_failed = false;
    machine->operator.order_tag = submit(machine, op, payload);
}

void operator_rotate(struct machine *machine, uint32_t reason)
{
    uint8_t bytes[64];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_client_rotate rotate = {.reason = reason};
    if (machine->operator.order_tag == 0 && wire_message_encode(
            &WIRE_LAYOUT_CLIENT_ROTATE, &rotate, &payload) == ROTOR_OK) {
        order(machine, WIRE_OP_ROTATE, bytes_in(&payload));
    }
}

void operator_prune(struct machine *machine)
{
    uint8_t bytes[16];
    struct rotor_room payload = ROOM_OF(bytes);
    const struct wire_client_prune prune = {OPERATOR_KEEP};
    if (machine->operator.order_tag == 0 && wire_message_encode(
            &WIRE_LAYOUT_CLIENT_PRUNE, &prune, &payload) == ROTOR_OK) {
        order(machine, WIRE_OP_PRUNE, bytes_in(&payload));
    }
}

void operator_recover(struct machine *machine)
{
    struct operator* operator= & machine->operator;
    uint8_t bytes[RTP_REQUEST_MAX];
    struct rotor_room payload = ROOM_OF(bytes);
    if (operator->order_tag != 0) {
        return;
    }
    // Refused either way, the other one is next: the AP may have forgotten what
    // it proposed, or be at work on it.
    bool hands_back = operator->body_size !=
                      0 &&(operator->has_proposed || !operator->order_failed);
    operator->has_proposed = !hands_back;
    if (hands_back) {
        if (approve(machine, &payload) == ROTOR_OK) {
            order(machine, WIRE_OP_RECOVERED, bytes_in(&payload));
        }
        return;
    }
    const struct wire_client_recover recover = {
        .ra_set = bytes_of(ra.set, ra.set_size), .with_old = 1};
    if (wire_message_encode(&WIRE_LAYOUT_CLIENT_RECOVER, &recover, &payload) ==
        ROTOR_OK) {
        order(machine, WIRE_OP_RECOVER, bytes_in(&payload));
    }
}

// ---- answers ---------------------------------------------------------------

// Under cur or, once it is accepted, under what is pending.
static bool is_accepted(const struct machine *machine,
                        struct rotor_bytes response, const char **why)
{
    const struct operator* operator= & machine->operator;
    const struct rtp_state *state = &machine->device->rtp.state;
    struct verify_question question = {
        .trust = &state->trust,
        .reference = &machine->device->reference,
        .request = bytes_of(operator->attest, operator->attest_size),
        .response = response,
    };
    struct verify_answer answer;
    if (verify_attest(&question, &answer) != ROTOR_OK) {
        *why = "not judged";
        return false;
    }
    if (answer.outcome == VERIFY_UNKNOWN_HEAD &&
        !chain_trust_is_empty(&state->pend)) {
        question.trust = &state->pend;
        *why = "not judged";
        if (verify_attest(&question, &answer) != ROTOR_OK) {
            return false;
        }
    }
    *why = answer.reason;
    return verify_answer_is_accepted(&answer);
}

// Requests wait for an AP that is away.  One is refused at most where the RTP
// or a disk failed, or where the image was not to be attested.
static bool may_be_refused(const struct machine *machine)
{
    const struct trial *trial = machine->trial;
    bool is_excused = trial->story == STORY_REVERT;
    for (size_t i = 0; i < machine->next; i++) {
        is_excused = is_excused || trial->events[i].victim != SIM_AP;
    }
    return is_excused;
}

static void take_attestation(struct machine *machine,
                             const struct rtp_completion *completion)
{
    struct operator* operator= & machine->operator;
    const char *why = "";
    operator->attest_tag = 0;
    if (completion->code == WIRE_CLIENT_OK) {
        operator->answered++;
        if (!is_accepted(machine, completion->payload, &why)) {
            machine_condemn(machine, VERDICT_FORK,
                            "an answer that no relying party accepts: %s", why);
        }
        return;
    }
    if (machine->is_loud) {
        printf("    a request is refused: %s, %s\n",
               wire_client_code_name(completion->code),
               wire_error_name(completion->error));
    }
    if (!may_be_refused(machine)) {
        machine_condemn(machine, VERDICT_LOSS, "a request is refused: %s",
                        wire_client_code_name(completion->code));
    }
}

static void take_order(struct machine *machine,
                       const struct rtp_completion *completion)
{
    struct operator* operator= & machine->operator;
    struct wire_recover_body reply;
    operator->order_tag = 0;
    operator->order_failed = completion->code != WIRE_CLIENT_OK;
    bool is_body =
        completion->op == WIRE_OP_RECOVER &&
        completion->code == WIRE_CLIENT_OK &&
        wire_message_decode(&WIRE_LAYOUT_RECOVER_BODY, completion->payload,
                            &reply) == ROTOR_OK &&
        reply.body.size <= sizeof operator->body;
    if (is_body) {
        memcpy(operator->body, reply.body.data, reply.body.size);
        operator->body_size = reply.body.size;
    }
}

bool operator_collect(struct machine *machine)
{
    struct sim_device *device = machine->device;
    struct operator* operator= & machine->operator;
    struct rtp_completion completion;
    bool is_answered = false;
    while (device->rtp_is_up && !sim_is_dead(device, SIM_RTP) &&
           rtp_complete(&device->rtp, device->now_ms, &completion) ==
               ROTOR_OK) {
        is_answered = true;
        if (completion.tag == operator->attest_tag) {
            take_attestation(machine, &completion);
        } else if (completion.tag == operator->order_tag) {
            take_order(machine, &completion);
        }
    }
    return is_answered;
}
