// SPDX-License-Identifier: Apache-2.0
// What each job does.  Every write is behind the last check of what it writes.
#include "rtp/job.h"

#include <string.h>

#include "base/bytes.h"
#include "rtp/hello.h"

// ---- durable writes --------------------------------------------------------

static enum rotor_status persist(struct rtp_job *job)
{
    struct rotor_room file = ROOM_OF(job->file);
    TRY(rtp_state_encode(&job->next, &file));
    return job->ops.store_write(job->ops.context, RTP_FILE_STATE,
                                bytes_in(&file));
}

static enum rotor_status append(struct rtp_job *job, struct rotor_bytes entry)
{
    if (job->is_logged) {
        return ROTOR_OK;
    }
    bytes_put_be32(job->record, (uint32_t)entry.size);
    memcpy(job->record + RTP_LOG_HEAD, entry.data, entry.size);
    struct rotor_bytes record = {job->record, RTP_LOG_HEAD + entry.size};
    TRY(job->ops.log_append(job->ops.context, job->log_offset, record));
    job->log_offset += record.size;
    return ROTOR_OK;
}

static uint64_t wall_s(const struct rtp_job *job)
{
    return job->ops.wall_s == NULL ? 0 : job->ops.wall_s(job->ops.context);
}

// R2: `trust` is current, nothing is pending.  The entry is in the log before
// the state says so.
static enum rotor_status make_current(struct rtp_job *job,
                                      const struct chain_trust *trust,
                                      struct rotor_bytes entry)
{
    TRY(append(job, entry));
    struct rtp_state *next = &job->next;
    next->trust = *trust;
    next->phase = RTP_CUR;
    next->pend = (struct chain_trust){0};
    next->entry_size = 0;
    next->has_intent = false;
    if (chain_order_compare(&trust->order, &next->floor) > 0) {
        next->floor = trust->order;
    }
    next->log_size = job->log_offset;
    next->since_wall_s = wall_s(job);
    next->rotations++;
    return persist(job);
}

// ---- what the rules ask ----------------------------------------------------

struct judge {
    const struct rtp_job *job;
    struct verify_entry_context evidence;
};

static enum rotor_status
has_seen(void *context, const struct chain_fingerprint *fingerprint, bool *seen)
{
    const struct judge *judge = context;
    *seen = chain_seen_has(judge->job->seen, fingerprint);
    return ROTOR_OK;
}

static enum rotor_status
check_evidence(void *context, const struct chain_evidence_question *question,
               bool *ok, const char **why)
{
    struct judge *judge = context;
    return verify_entry_evidence(&judge->evidence, question, ok, why);
}

// An entry of our log, and whether a later recovery made it void.
struct found {
    const struct wire_head *head;
    struct chain_trust *at;
    bool *found;
};

static enum rotor_status look_at(const struct found *search,
                                 struct rotor_bytes bytes)
{
    struct chain_entry entry;
    struct chain_trust trust;
    TRY(chain_entry_decode(bytes, &entry));
    TRY(chain_trust_of(&entry.body, &trust));
    bool is_recovery = chain_kind_is_recovery(trust.kind);
    if (is_recovery && entry.body.supersedes.epoch < search->head->epoch) {
        *search->found = false;
    }
    if (trust.order.epoch == search->head->epoch &&
        wire_digest_equal(&trust.body_hash, &search->head->body_hash)) {
        *search->at = trust;
        *search->found = true;
    }
    return ROTOR_OK;
}

static enum rotor_status find(void *context, const struct wire_head *head,
                              struct chain_trust *at, bool *found)
{
    const struct judge *judge = context;
    const struct rtp_job *job = judge->job;
    const struct found search = {head, at, found};
    uint8_t bytes[WIRE_ENTRY_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct rtp_log_entry record = {.next = job->log->start};
    *found = false;
    while (record.next < job->log->size) {
        TRY(rtp_log_read(&job->ops, record.next, &room, &record));
        TRY(look_at(&search, record.bytes));
    }
    return ROTOR_OK;
}

static struct chain_ports ports_of(struct judge *judge)
{
    return (struct chain_ports){.context = judge,
                                .has_seen = has_seen,
                                .check_evidence = check_evidence,
                                .find = find};
}

static struct judge judge_of(const struct rtp_job *job)
{
    return (struct judge){.job = job,
                          .evidence = {.reference = &job->reference}};
}

static enum rotor_status request_hash(const struct rtp_intent *intent,
                                      struct wire_digest *hash)
{
    struct chain_request request = {
        .from_epoch = intent->from_epoch,
        .suite = intent->suite,
        .seed_src = intent->seed_src,
        .reason = intent->reason,
        .distrust_from = intent->reason == WIRE_REASON_KEY_COMPROMISE
                             ? intent->distrust_from
                             : 0,
    };
    memcpy(request.id, intent->id, sizeof request.id);
    return chain_hash_request(&request, hash);
}

static void refuse(struct rtp_job *job, const char *reason)
{
    job->is_accepted = false;
    job->verdict.outcome = CHAIN_REJECTED;
    job->verdict.rule = 0;
    job->verdict.reason = reason;
}

// ---- an entry that we asked for --------------------------------------------

// The RTP as requester: what came is what R0 says, unless the AP was prepared
// before we asked.
static enum rotor_status is_as_asked(struct rtp_job *job,
                                     const struct chain_body *body)
{
    const struct rtp_intent *intent = &job->next.intent;
    struct wire_digest asked;
    TRY(request_hash(intent, &asked));
    job->is_our_request =
        job->next.has_intent && wire_digest_equal(&asked, &body->request_hash);
    if (!job->is_our_request) {
        if (!job->ap_was_prepared) {
            refuse(job, "answers another request");
        }
        return ROTOR_OK;
    }
    bool is_compromise = intent->reason == WIRE_REASON_KEY_COMPROMISE;
    bool voids_as_asked = is_compromise
                              ? body->has_distrust_from &&
                                    body->distrust_from == intent->distrust_from
                              : !body->has_distrust_from;
    bool fits = (uint32_t)body->kind == intent->kind &&
                body->suite == intent->suite &&
                body->reason == intent->reason && voids_as_asked;
    if (!fits) {
        refuse(job, "differs from what was asked for");
    }
    return ROTOR_OK;
}

static enum rotor_status accept_entry(struct rtp_job *job,
                                      struct rotor_bytes entry,
                                      struct chain_trust *next)
{
    struct judge judge = judge_of(job);
    const struct chain_ports ports = ports_of(&judge);
    if (job->next.phase != RTP_INTENT0) {
        return chain_accept_next(&job->next.trust, entry, &ports, &job->verdict,
                                 next);
    }
    struct chain_expected expected = {
        .log_id = job->hello.log_id,
        .policy_bytes =
            bytes_of(job->next.intent.policy, job->next.intent.policy_size),
    };
    TRY(request_hash(&job->next.intent, &expected.request_hash));
    return chain_accept_genesis(&expected, entry, &ports, &job->verdict, next);
}

// Steps 1 to 11 of 6.2, then R1.
static enum rotor_status run_accept(struct rtp_job *job)
{
    struct rotor_bytes bytes = {job->input, job->input_size};
    struct chain_trust pend;
    TRY(accept_entry(job, bytes, &pend));
    job->is_accepted = chain_verdict_is_accepted(&job->verdict);
    if (!job->is_accepted) {
        return ROTOR_OK;
    }
    struct chain_entry entry;
    TRY(chain_entry_decode(bytes, &entry));
    TRY(is_as_asked(job, &entry.body));
    if (!job->is_accepted) {
        return ROTOR_OK;
    }
    struct rtp_state *next = &job->next;
    bool is_emergency = pend.reason == WIRE_REASON_SECURITY_EVENT ||
                        pend.reason == WIRE_REASON_KEY_COMPROMISE;
    next->phase = next->phase == RTP_INTENT0 ? RTP_ACC0
                  : is_emergency             ? RTP_PENDX
                                             : RTP_PEND;
    next->log_size = job->log_offset;
    next->pend = pend;
    next->entry_size = bytes.size;
    memcpy(next->entry, bytes.data, bytes.size);
    return persist(job);
}

// ---- R2 --------------------------------------------------------------------

// ROT_DONE: signed by the new S, of this frame and this channel.
static enum rotor_status check_done(struct rtp_job *job)
{
    const struct chain_trust *pend = &job->next.pend;
    struct wire_done done;
    if (wire_message_decode(&WIRE_LAYOUT_ROT_DONE,
                            bytes_of(job->input, job->input_size),
                            &done) != ROTOR_OK) {
        return ROTOR_OK;
    }
    struct chain_done statement = {
        .head = {done.epoch, done.body_hash},
        .n = done.n,
        .channel_id = job->channel_id,
    };
    memcpy(statement.request_id, job->done_id, sizeof statement.request_id);
    bool is_pend = done.epoch == pend->order.epoch &&
                   wire_digest_equal(&done.body_hash, &pend->body_hash);
    uint8_t bytes[CHAIN_STATEMENT_MAX];
    struct rotor_room payload = ROOM_OF(bytes);
    TRY(chain_done_encode(&statement, &payload));
    const struct wire_statement signed_bytes = {LABEL(WIRE_CONTEXT_DONE),
                                                bytes_in(&payload)};
    bool valid = false;
    if (wire_cose_verify(&pend->sign, &signed_bytes, done.sig, &valid) !=
        ROTOR_OK) {
        valid = false;
    }
    job->is_accepted = is_pend && valid;
    job->n = done.n;
    return ROTOR_OK;
}

static enum rotor_status run_advance(struct rtp_job *job)
{
    job->is_accepted = !job->has_done;
    if (job->has_done) {
        TRY(check_done(job));
    }
    if (!job->is_accepted) {
        refuse(job, "ROT_DONE does not verify");
        return ROTOR_OK;
    }
    const struct chain_trust pend = job->next.pend;
    return make_current(job, &pend,
                        bytes_of(job->next.entry, job->next.entry_size));
}

// ---- an entry that we missed -----------------------------------------------

static enum rotor_status judge_missed(struct rtp_job *job,
                                      struct rotor_bytes entry,
                                      struct chain_trust *next)
{
    struct judge judge = judge_of(job);
    const struct chain_ports ports = ports_of(&judge);
    if (!chain_trust_is_empty(&job->next.trust)) {
        return chain_accept(&job->next.trust, entry, &ports, &job->verdict,
                            next);
    }
    // Our request, or a log_id that was pinned; one of both there is.
    struct chain_expected expected = {.log_id = job->hello.log_id};
    if (job->next.has_intent) {
        expected.policy_bytes =
            bytes_of(job->next.intent.policy, job->next.intent.policy_size);
        TRY(request_hash(&job->next.intent, &expected.request_hash));
    }
    if (!job->next.has_intent && wire_digest_is_empty(&expected.log_id)) {
        refuse(job, "no log is pinned and none was asked for");
        return ROTOR_OK;
    }
    return chain_accept_genesis(&expected, entry, &ports, &job->verdict, next);
}

static enum rotor_status run_catch_up(struct rtp_job *job)
{
    struct rotor_bytes entry = {job->input, job->input_size};
    struct chain_trust next = {0};
    TRY(judge_missed(job, entry, &next));
    job->is_accepted = chain_verdict_is_accepted(&job->verdict);
    bool is_recovery = chain_kind_is_recovery(next.kind);
    if (job->is_accepted && job->next.phase == RTP_QUAR && !is_recovery) {
        refuse(job, "in quarantine only the recovery authority goes on");
    }
    return job->is_accepted ? make_current(job, &next, entry) : ROTOR_OK;
}

// ---- two bodies for one place ----------------------------------------------

// The entry of our log at `order`, in job->record.
static enum rotor_status read_own(struct rtp_job *job,
                                  const struct wire_order *order,
                                  struct rotor_bytes *entry)
{
    struct rotor_room room = ROOM_OF(job->record);
    uint64_t offset;
    TRY(rtp_log_find(job->log, &job->ops, &room, order, &offset));
    struct rtp_log_entry record;
    TRY(rtp_log_read(&job->ops, offset, &room, &record));
    *entry = record.bytes;
    return ROTOR_OK;
}

// Whose place it is: that of our pending entry, of one of our log, or the one
// behind our cur where nothing was accepted: then *accepted is empty.  A lower
// incarnation is over: who stole its keys is not to stop the present one.
static enum rotor_status find_rival(struct rtp_job *job,
                                    const struct wire_order *place,
                                    struct chain_trust *parent,
                                    struct rotor_bytes *accepted)
{
    const struct rtp_state *state = &job->next;
    if (place->incarnation != state->trust.order.incarnation) {
        return ROTOR_INVALID;
    }
    if (!chain_trust_is_empty(&state->pend) &&
        chain_order_compare(place, &state->pend.order) == 0) {
        *parent = state->trust;
        *accepted = bytes_of(state->entry, state->entry_size);
        return ROTOR_OK;
    }
    const struct wire_order next = {state->trust.order.incarnation,
                                    state->trust.order.epoch + 1u};
    if (!chain_trust_is_empty(&state->trust) &&
        chain_order_compare(place, &next) == 0) {
        *parent = state->trust;
        *accepted = (struct rotor_bytes){0};
        return ROTOR_OK;
    }
    if (place->epoch == 0) {
        return ROTOR_INVALID;
    }
    const struct wire_order before = {place->incarnation, place->epoch - 1u};
    struct chain_entry entry;
    TRY(read_own(job, &before, accepted));
    TRY(chain_entry_decode(*accepted, &entry));
    TRY(chain_trust_of(&entry.body, parent));
    return read_own(job, place, accepted);
}

static enum rotor_status keep_fork(struct rtp_job *job,
                                   struct rotor_bytes accepted,
                                   struct rotor_bytes other)
{
    struct rotor_room file = ROOM_OF(job->fork_file);
    struct cbor_writer out;
    cbor_writer_init(&out, &file);
    cbor_write_array(&out, 2);
    cbor_write_bytes(&out, accepted);
    cbor_write_bytes(&out, other);
    TRY(cbor_writer_finish(&out));
    return job->ops.store_write(job->ops.context, RTP_FILE_FORK,
                                bytes_in(&file));
}

static enum rotor_status run_judge(struct rtp_job *job)
{
    struct rotor_bytes other = {job->input, job->input_size};
    struct chain_entry entry;
    struct chain_trust parent;
    struct rotor_bytes accepted;
    if (chain_entry_decode(other, &entry) != ROTOR_OK) {
        return ROTOR_OK;
    }
    const struct wire_order place = {entry.body.incarnation, entry.body.epoch};
    job->rival_epoch = place.epoch;
    if (find_rival(job, &place, &parent, &accepted) != ROTOR_OK) {
        return ROTOR_OK;
    }
    enum rotor_status status =
        bytes_are_empty(accepted)
            ? chain_judge_stray(&parent, other, &job->fork)
            : chain_judge_fork(&parent, accepted, other, &job->fork);
    if (status != ROTOR_OK) {
        return status == ROTOR_PORT_FAILED ? status : ROTOR_OK;
    }
    if (job->fork != CHAIN_FORK_DUPLICITY) {
        return ROTOR_OK;
    }
    // What was found counts, whether or not there was room for its proof.
    job->is_kept = keep_fork(job, accepted, other) == ROTOR_OK;
    job->next.phase = RTP_QUAR;
    job->is_accepted = true;
    return persist(job);
}

// ---- the log's oldest entries ----------------------------------------------

// Names what lies between two offsets: of the last entries, as many as count.
static enum rotor_status name_dropped(struct rtp_job *job,
                                      struct rtp_dropped *dropped)
{
    const struct rtp_prune_work *work = &job->prune;
    uint64_t at = work->from;
    uint64_t passed =
        work->count > RTP_LOG_SEEN ? work->count - RTP_LOG_SEEN : 0;
    rtp_dropped_make_room(dropped, (uint32_t)(work->count - passed));
    for (uint64_t i = 0; i < work->count; i++) {
        struct rotor_room room = ROOM_OF(job->record);
        struct rtp_log_entry record;
        struct chain_entry entry;
        struct chain_fingerprints all;
        TRY(rtp_log_read(&job->ops, at, &room, &record));
        bool is_new = at >= dropped->covers;
        at = record.next;
        if (i < passed || !is_new) {
            continue;
        }
        TRY(chain_entry_decode(record.bytes, &entry));
        TRY(chain_fingerprints_of(&entry.body, &all));
        rtp_dropped_add(dropped, &all);
    }
    return ROTOR_OK;
}

// The names first: a cut in between loses nothing.
static enum rotor_status run_prune(struct rtp_job *job)
{
    const struct rtp_prune_work *work = &job->prune;
    struct rtp_dropped dropped;
    enum rotor_status status =
        rtp_dropped_read(&dropped, &job->ops, job->dropped_file);
    if (status != ROTOR_OK && status != ROTOR_CORRUPT) {
        return status;
    }
    TRY(name_dropped(job, &dropped));
    dropped.keep = work->keep;
    if (work->to > dropped.covers) {
        dropped.covers = work->to;
    }
    TRY(rtp_dropped_write(&dropped, &job->ops));
    return work->to == work->from
               ? ROTOR_OK
               : job->ops.log_drop(job->ops.context, work->to);
}

// ---- all -------------------------------------------------------------------

// Hashes for rule 9, so that the loop makes none.
static void note_new_keys(struct rtp_job *job)
{
    struct chain_entry entry;
    if (chain_entry_decode(bytes_of(job->input, job->input_size), &entry) !=
            ROTOR_OK ||
        chain_fingerprints_of(&entry.body, &job->new_seen) != ROTOR_OK) {
        job->new_seen.count = 0;
    }
}

void rtp_job_run(struct rtp_job *job)
{
    static enum rotor_status (*const RUN[])(struct rtp_job *) = {
        [RTP_JOB_HELLO] = rtp_hello_run,   [RTP_JOB_WRITE] = persist,
        [RTP_JOB_ACCEPT] = run_accept,     [RTP_JOB_ADVANCE] = run_advance,
        [RTP_JOB_CATCH_UP] = run_catch_up, [RTP_JOB_JUDGE] = run_judge,
        [RTP_JOB_PRUNE] = run_prune,
    };
    job->is_accepted = false;
    job->fork = CHAIN_FORK_UNJUDGED;
    job->rival_epoch = 0;
    job->verdict = (struct chain_verdict){.outcome = CHAIN_REJECTED,
                                          .reason = "not judged"};
    bool is_known = (size_t)job->kind < COUNT_OF(RUN) && RUN[job->kind] != NULL;
    job->status = is_known ? RUN[job->kind](job) : ROTOR_INVALID;
    if (job->kind == RTP_JOB_WRITE) {
        job->is_accepted = job->status == ROTOR_OK;
    }
    job->new_seen.count = 0;
    if (job->is_accepted && job->input_size != 0) {
        note_new_keys(job);
    }
}
