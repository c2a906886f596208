// SPDX-License-Identifier: Apache-2.0
#include "test/powercut/witness.h"

#include <stdlib.h>
#include <string.h>

#include "app/rotor/walk.h"
#include "base/bytes.h"
#include "enclave/seal.h"
#include "test/powercut/machine.h"

// ---- bodies ----------------------------------------------------------------

static struct witness_body *body_of(struct witness *witness,
                                    const struct wire_digest *hash)
{
    for (size_t i = 0; i < witness->count; i++) {
        if (wire_digest_equal(&witness->bodies[i].hash, hash)) {
            return &witness->bodies[i];
        }
    }
    return NULL;
}

static struct witness_body *new_body(struct machine *machine,
                                     const struct enclave_slot *slot)
{
    struct witness *witness = &machine->witness;
    struct chain_body decoded;
    if (witness->count == WITNESS_BODIES ||
        chain_body_decode(bytes_of(slot->body, slot->body_size), &decoded) !=
            ROTOR_OK) {
        machine_condemn(machine, VERDICT_LOSS, "more bodies than expected");
        return NULL;
    }
    struct witness_body *body = &witness->bodies[witness->count++];
    *body = (struct witness_body){
        .order = slot->facts.order,
        .hash = slot->facts.body_hash,
        .has_auth = decoded.kind == CHAIN_ROTATE || decoded.kind == CHAIN_CLOSE,
        .auth = decoded.auth.ots,
    };
    return body;
}

static void note_secret(struct witness_body *body,
                        enum witness_secret_kind kind, struct rotor_bytes bytes)
{
    if (bytes.size != 0) {
        body->secrets[kind].size = bytes.size;
        memcpy(body->secrets[kind].bytes, bytes.data, bytes.size);
    }
}

static void note_slot(struct machine *machine, const struct enclave_slot *slot)
{
    if (!slot->is_used) {
        return;
    }
    struct witness_body *body =
        body_of(&machine->witness, &slot->facts.body_hash);
    body = body == NULL ? new_body(machine, slot) : body;
    if (body == NULL) {
        return;
    }
    note_secret(body, WITNESS_S, bytes_of(slot->sign.bytes, slot->sign.size));
    note_secret(body, WITNESS_K, bytes_of(slot->agree.bytes, slot->agree.size));
    note_secret(body, WITNESS_CHAIN, BYTES_OF(slot->chain));
    note_secret(body, WITNESS_D, BYTES_OF(slot->data));
    note_secret(body, WITNESS_A, bytes_of(slot->auth.bytes, slot->auth.size));
    note_secret(body, WITNESS_NEXT_A,
                bytes_of(slot->next_auth.bytes, slot->next_auth.size));
}

// S2 of doc/PROTOCOL.rot 9.
static void check_unique(struct machine *machine,
                         const struct witness_body *body)
{
    struct witness *witness = &machine->witness;
    for (size_t i = 0; i < witness->count; i++) {
        const struct witness_body *other = &witness->bodies[i];
        if (other == body || !other->is_signed) {
            continue;
        }
        bool same_place = other->order.incarnation == body->order.incarnation &&
                          other->order.epoch == body->order.epoch;
        bool same_auth = other->has_auth && body->has_auth &&
                         wire_key_equal(&other->auth, &body->auth);
        if (same_place || same_auth) {
            machine_condemn(machine, VERDICT_FORK, "%s signed for epoch %llu",
                            same_auth ? "A has two bodies" : "two bodies are",
                            (unsigned long long)body->order.epoch);
        }
    }
}

static void check_same_bytes(struct machine *machine, struct witness_body *body,
                             struct rotor_bytes ots)
{
    uint8_t hash[32];
    if (ots.size == 0 ||
        crypto_hash(CRYPTO_SHA256, &ots, 1, hash) != ROTOR_OK) {
        return;
    }
    if (body->has_ots && memcmp(hash, body->ots, sizeof hash) != 0) {
        machine_condemn(machine, VERDICT_FORK,
                        "A signed one body twice, with other bytes");
    }
    memcpy(body->ots, hash, sizeof hash);
    body->has_ots = true;
}

static void note_signatures(struct machine *machine,
                            const struct enclave_signatures *made)
{
    struct witness_body *body = body_of(&machine->witness, &made->body_hash);
    if (body == NULL || (made->pop_size == 0 && made->auth_size[0] == 0)) {
        return;
    }
    body->is_signed = true;
    check_unique(machine, body);
    check_same_bytes(machine, body,
                     bytes_of(made->auth_ots, made->auth_size[0]));
}

// ---- both sides, as they go ------------------------------------------------

static void check_log_id(struct machine *machine,
                         const struct wire_digest *log_id)
{
    struct wire_digest *pinned = &machine->witness.log_id;
    if (wire_digest_is_empty(pinned)) {
        *pinned = *log_id;
    } else if (!wire_digest_equal(pinned, log_id)) {
        machine_condemn(machine, VERDICT_FORK, "another log_id");
    }
}

static void check_forward(struct machine *machine, struct wire_order *furthest,
                          const struct wire_order *order, const char *side)
{
    if (chain_order_compare(order, furthest) < 0) {
        machine_condemn(machine, VERDICT_LOSS,
                        "the %s went back from epoch %llu to %llu", side,
                        (unsigned long long)furthest->epoch,
                        (unsigned long long)order->epoch);
        return;
    }
    *furthest = *order;
}

void witness_see_ap(struct machine *machine)
{
    const struct enclave *enclave = &machine->device->enclave;
    const struct enclave_state *state = &enclave->state;
    note_slot(machine, &state->cur);
    note_slot(machine, &state->pending);
    note_slot(machine, &enclave->next.pending);
    note_slot(machine, &enclave->candidate);
    note_signatures(machine, &enclave->signatures[0]);
    note_signatures(machine, &enclave->signatures[1]);
    note_signatures(machine, &enclave->work.made);
    if (state->cur.is_used) {
        check_log_id(machine, &state->log_id);
        check_forward(machine, &machine->witness.ap, &state->cur.facts.order,
                      "AP");
    }
}

void witness_see_rtp(struct machine *machine)
{
    const struct chain_trust *trust = &machine->device->rtp.state.trust;
    if (!chain_trust_is_empty(trust)) {
        machine->witness.has_rtp = true;
        check_log_id(machine, &trust->log_id);
        check_forward(machine, &machine->witness.rtp, &trust->order, "RTP");
    }
}

void witness_see_rtp_start(struct machine *machine)
{
    if (machine->witness.has_rtp &&
        chain_trust_is_empty(&machine->device->rtp.state.trust)) {
        machine_condemn(machine, VERDICT_LOSS, "the RTP lost its trust store");
    }
    witness_see_rtp(machine);
}

// ---- the end: the log ------------------------------------------------------

struct own_log {
    struct machine *machine;
    size_t count;
    struct wire_digest last;
};

static void take_step(void *context, const struct walk_step *step)
{
    struct own_log *walked = context;
    struct machine *machine = walked->machine;
    if (!chain_verdict_is_accepted(&step->verdict)) {
        machine_condemn(machine, VERDICT_LOSS, "entry %zu of the log: %s",
                        walked->count, step->verdict.reason);
        return;
    }
    // Entries from before the story were not seen being signed.
    for (size_t i = 0; i < machine->witness.count; i++) {
        const struct witness_body *body = &machine->witness.bodies[i];
        bool is_other =
            body->is_signed &&
            chain_order_compare(&body->order, &step->trust.order) == 0 &&
            !wire_digest_equal(&body->hash, &step->trust.body_hash);
        if (is_other) {
            machine_condemn(machine, VERDICT_FORK,
                            "the log has another body than was signed");
        }
    }
    if (walked->count == 0) {
        check_log_id(machine, &step->trust.log_id);
    }
    walked->last = step->trust.body_hash;
    walked->count++;
}

#define LOG_ENTRIES 64u
#define HEAD_SIZE   16u // of a log that was cut: "ROTL" || be32 1 || be64 start

// The entries of the RTP's file, as they lie there, up to `size` of the log: a
// tail behind what the state names is cut off by the next append.
static size_t list_entries(struct rotor_bytes file, uint64_t size,
                           struct bundle_entry entries[LOG_ENTRIES])
{
    bool is_cut = file.size >= HEAD_SIZE && memcmp(file.data, "ROTL", 4) == 0;
    size_t at = is_cut ? HEAD_SIZE : 0;
    size_t end = at + (size_t)(size - (is_cut ? bytes_be64(file.data + 8) : 0));
    size_t count = 0;
    while (count < LOG_ENTRIES && at + 4u <= end && end <= file.size) {
        size_t length = bytes_be32(file.data + at);
        if (length > end - at - 4u) {
            break;
        }
        entries[count++].bytes = bytes_of(file.data + at + 4u, length);
        at += 4u + length;
    }
    return count;
}

static void walk_own_log(struct machine *machine)
{
    static struct bundle_entry entries[LOG_ENTRIES];
    const struct rtp *rtp = &machine->device->rtp;
    bool is_pruned = machine->trial->story == STORY_PRUNE;
    struct own_log walked = {.machine = machine};
    const struct walk_taker taker = {&walked, take_step};
    size_t count = list_entries(sim_disk_look(&machine->disks[DISK_RTP], "log"),
                                rtp->log.size, entries);
    bool is_whole = false;
    enum rotor_status status =
        is_pruned ? walk_late(entries, count, &taker, &is_whole)
                  : walk_log(entries, count, &taker, &is_whole);
    if (status != ROTOR_OK || !is_whole || count == 0) {
        machine_condemn(machine, VERDICT_LOSS, "the log does not verify");
    }
    if (is_pruned && count < OPERATOR_KEEP) {
        machine_condemn(machine, VERDICT_LOSS,
                        "%zu entries are held, and %u are to be", count,
                        OPERATOR_KEEP);
    }
    if (!wire_digest_equal(&walked.last, &rtp->state.trust.body_hash)) {
        machine_condemn(machine, VERDICT_LOSS,
                        "the log does not end with what is current");
    }
}

static void check_agreement(struct machine *machine)
{
    const struct enclave_facts *ap = &machine->device->enclave.state.cur.facts;
    const struct chain_trust *rtp = &machine->device->rtp.state.trust;
    if (!wire_digest_equal(&ap->body_hash, &rtp->body_hash)) {
        machine_condemn(machine, VERDICT_FORK,
                        "AP at epoch %llu and RTP at %llu do not agree",
                        (unsigned long long)ap->order.epoch,
                        (unsigned long long)rtp->order.epoch);
    }
}

// ---- the end: secrets ------------------------------------------------------

static const char *const SECRET_NAMES[WITNESS_SECRETS] = {
    "S", "K", "chain", "D", "A", "the next A",
};

// Which of its secrets a body of the present may have on the AP's disk.
static bool may_stay(const struct enclave_state *state,
                     const struct witness_body *body,
                     enum witness_secret_kind kind)
{
    bool is_cur = state->cur.is_used &&
                  wire_digest_equal(&state->cur.facts.body_hash, &body->hash);
    bool is_pending =
        state->pending.is_used &&
        wire_digest_equal(&state->pending.facts.body_hash, &body->hash);
    return is_pending || (is_cur && kind != WITNESS_A);
}

static bool holds(struct rotor_bytes content, const struct witness_body *body,
                  enum witness_secret_kind kind)
{
    size_t size = body->secrets[kind].size;
    return size != 0 && content.size != 0 &&
           memmem(content.data, content.size, body->secrets[kind].bytes,
                  size) != NULL;
}

static void search(struct machine *machine, struct rotor_bytes content,
                   bool is_sealed, const char *where)
{
    const struct enclave_state *state = &machine->device->enclave.state;
    for (size_t i = 0; i < machine->witness.count; i++) {
        const struct witness_body *body = &machine->witness.bodies[i];
        for (int kind = 0; kind < (int)WITNESS_SECRETS; kind++) {
            bool is_bad =
                (!is_sealed ||
                 !may_stay(state, body, (enum witness_secret_kind)kind)) &&
                holds(content, body, (enum witness_secret_kind)kind);
            if (is_bad) {
                machine_condemn(machine, VERDICT_LEFT,
                                "%s of epoch %llu lies in %s",
                                SECRET_NAMES[kind],
                                (unsigned long long)body->order.epoch, where);
            }
        }
    }
}

static void search_sealed(struct machine *machine, const char *name,
                          enum enclave_seal_kind kind)
{
    static uint8_t plain_bytes[ENCLAVE_FILE_MAX];
    const struct enclave *enclave = &machine->device->enclave;
    struct rotor_bytes file = sim_disk_look(&machine->disks[DISK_AP], name);
    struct rotor_room plain = ROOM_OF(plain_bytes);
    struct enclave_seal seal = {kind, 0, enclave->seal_mac, enclave->seal_enc};
    if (file.size != 0 && enclave_unseal(&seal, file, &plain) == ROTOR_OK) {
        search(machine, bytes_in(&plain), true, name);
    }
}

static void search_disks(struct machine *machine)
{
    for (size_t i = 0; i < DISKS; i++) {
        const struct sim_disk *disk = &machine->disks[i];
        for (size_t j = 0; j < SIM_DISK_FILES; j++) {
            const struct sim_name *name = &disk->names.all[j];
            if (name->file >= 0) {
                search(machine, sim_disk_look(disk, name->text), false,
                       name->text);
            }
        }
    }
    search_sealed(machine, "state", ENCLAVE_SEAL_CORE);
    search_sealed(machine, "state.next", ENCLAVE_SEAL_CORE);
    search_sealed(machine, "recover", ENCLAVE_SEAL_RECOVER);
    search_sealed(machine, "attach", ENCLAVE_SEAL_ATTACH);
}

void witness_judge(struct machine *machine)
{
    check_agreement(machine);
    walk_own_log(machine);
    search_disks(machine);
}
