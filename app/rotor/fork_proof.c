// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/fork_proof.h"

#include "app/rotor/walk.h"
#include "base/bytes.h"
#include "chain/hash.h"

#define TITLE LABEL("rotor fork/1")

// ---- the file --------------------------------------------------------------

enum rotor_status fork_proof_decode(struct fork_proof *proof,
                                    struct rotor_bytes file)
{
    struct cbor_reader in;
    *proof = (struct fork_proof){0};
    cbor_reader_init(&in, file);
    cbor_read_array_of(&in, 4);
    if (!bytes_equal(cbor_read_text(&in), TITLE)) {
        return ROTOR_MALFORMED;
    }
    TRY(bundle_read_entries(&proof->log, &in, file.size));
    proof->accepted = cbor_read_bytes_sized(&in, 0, WIRE_ENTRY_MAX);
    proof->other = cbor_read_bytes_sized(&in, 1, WIRE_ENTRY_MAX);
    if (!cbor_finished(&in) || proof->log.count == 0) {
        fork_proof_close(proof);
        return ROTOR_MALFORMED;
    }
    return ROTOR_OK;
}

void fork_proof_close(struct fork_proof *proof)
{
    bundle_close(&proof->log);
}

// How many entries of the log come before the place of `other`.
static enum rotor_status count_before(const struct bundle *log,
                                      struct rotor_bytes other, size_t *count)
{
    struct chain_entry rival;
    TRY(chain_entry_decode(other, &rival));
    const struct wire_order place = {rival.body.incarnation, rival.body.epoch};
    *count = 0;
    while (*count < log->count &&
           chain_order_compare(&log->entries[*count].order, &place) < 0) {
        (*count)++;
    }
    bool is_whole = *count != 0 && log->entries[0].order.epoch == 0;
    return is_whole ? ROTOR_OK : ROTOR_MALFORMED;
}

enum rotor_status fork_proof_encode(const struct bundle *log,
                                    struct rotor_bytes accepted,
                                    struct rotor_bytes other,
                                    struct rotor_room *file)
{
    struct cbor_writer out;
    size_t count;
    TRY(count_before(log, other, &count));
    cbor_writer_init(&out, file);
    cbor_write_array(&out, 4);
    cbor_write_text(&out, TITLE);
    cbor_write_array(&out, count);
    for (size_t i = 0; i < count; i++) {
        cbor_write_raw(&out, log->entries[i].bytes);
    }
    cbor_write_bytes(&out, accepted);
    cbor_write_bytes(&out, other);
    return cbor_writer_finish(&out);
}

// ---- the judgement ---------------------------------------------------------

struct lead {
    struct chain_trust first;
    struct chain_trust last;
    const char *reason;
};

static void take_step(void *context, const struct walk_step *step)
{
    struct lead *lead = context;
    if (!chain_verdict_is_accepted(&step->verdict)) {
        lead->reason = step->verdict.reason;
        return;
    }
    lead->last = step->trust;
    if (chain_trust_is_empty(&lead->first)) {
        lead->first = step->trust;
    }
}

static enum rotor_status judge(const struct fork_proof *proof,
                               const struct chain_trust *parent,
                               struct fork_finding *finding)
{
    struct chain_entry other;
    enum rotor_status status = chain_entry_decode(proof->other, &other);
    finding->place =
        (struct wire_order){other.body.incarnation, other.body.epoch};
    if (status == ROTOR_OK) {
        status = bytes_are_empty(proof->accepted)
                     ? chain_judge_stray(parent, proof->other, &finding->fork)
                     : chain_judge_fork(parent, proof->accepted, proof->other,
                                        &finding->fork);
    }
    // What is no entry, or does not follow, proves nothing.
    if (status != ROTOR_OK && status != ROTOR_PORT_FAILED) {
        finding->fork = CHAIN_FORK_NONE;
        status = ROTOR_OK;
    }
    return status;
}

enum rotor_status fork_proof_judge(const struct fork_proof *proof,
                                   struct fork_finding *finding)
{
    struct lead lead = {0};
    const struct walk_taker taker = {&lead, take_step};
    bool is_whole = false;
    *finding = (struct fork_finding){.fork = CHAIN_FORK_UNJUDGED};
    TRY(walk_log(proof->log.entries, proof->log.count, &taker, &is_whole));
    finding->log_id = lead.first.log_id;
    if (!is_whole) {
        finding->reason = lead.reason != NULL ? lead.reason : "not whole";
        return ROTOR_OK;
    }
    return judge(proof, &lead.last, finding);
}
