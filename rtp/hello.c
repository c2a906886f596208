// SPDX-License-Identifier: Apache-2.0
#include "rtp/hello.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/suite.h"

// What HELLO_AP says, taken apart.
struct meeting {
    struct rtp_job *job;
    struct rotor_bytes header;
    struct wire_hello_ap hello;
    struct wire_hello_core core;
    const struct crypto_suite *suite;
    struct wire_digest t1;
    struct wire_digest t2;
    struct wire_digest t3;
    struct chain_trust signer; // of sig_S; empty: the AP has no log
    bool is_known;             // whose signature it must be
};

static enum rotor_status refuse(struct meeting *m, const char *reason)
{
    m->job->hello.outcome = RTP_HELLO_REFUSED;
    m->job->hello.reason = reason;
    return ROTOR_OK;
}

static bool take_apart(struct meeting *m)
{
    struct rtp_job *job = m->job;
    struct wire_header header;
    struct rotor_bytes payload;
    struct rotor_bytes frame = {job->input, job->input_size};
    if (wire_frame_decode(frame, &header, &payload) != ROTOR_OK ||
        wire_message_decode(&WIRE_LAYOUT_HELLO_AP, payload, &m->hello) !=
            ROTOR_OK ||
        wire_message_decode(&WIRE_LAYOUT_HELLO_CORE, m->hello.core, &m->core) !=
            ROTOR_OK ||
        wire_message_decode(&WIRE_LAYOUT_STATUS_MAP, m->core.status,
                            &job->hello.ap) != ROTOR_OK) {
        return false;
    }
    m->header = bytes_of(job->input, WIRE_HEADER_SIZE);
    m->suite = crypto_suite_of(m->core.suite);
    bool has_log = !wire_digest_is_empty(&m->hello.log_id);
    bool is_signed = m->hello.sig_s.size != 0;
    // Either all of a log or nothing of it.
    return m->suite != NULL && m->suite->agree == job->hello.ephemeral.scheme &&
           has_log == job->hello.ap.has_cur && is_signed == has_log;
}

// Before anything else: this enclave, this image, our nonce, this channel.
static enum rotor_status check_evidence(struct meeting *m, bool *ok)
{
    struct rtp_job *job = m->job;
    const struct chain_hello hello = {
        .hello_rtp = bytes_of(job->hello.hello_rtp, job->hello.hello_rtp_size),
        .ap_header = m->header,
        .core = m->hello.core,
    };
    struct wire_header header;
    struct rotor_bytes payload;
    struct wire_hello_rtp ours;
    TRY(wire_frame_decode(hello.hello_rtp, &header, &payload));
    TRY(wire_message_decode(&WIRE_LAYOUT_HELLO_RTP, payload, &ours));
    TRY(chain_channel_t1(m->suite->hash, &hello, &m->t1));
    struct chain_report report = {
        .purpose = WIRE_PURPOSE_HELLO,
        .log_id = m->hello.log_id,
        .nonce = ours.nonce,
        .bind = wire_digest_bytes(&m->t1),
    };
    if (job->hello.ap.has_cur) {
        report.head = job->hello.ap.cur;
    }
    uint8_t ud[CHAIN_UD_SIZE];
    TRY(chain_ud(&report, ud));
    TRY(verify_evidence(m->hello.evidence, ud, &job->reference,
                        &job->hello.record));
    *ok = verify_record_is_accepted(&job->hello.record);
    return ROTOR_OK;
}

// The log that we hold, accepted, pinned or asked for.
static bool is_our_log(const struct meeting *m)
{
    const struct rtp_state *state = &m->job->next;
    const struct wire_digest *theirs = &m->hello.log_id;
    if (wire_digest_is_empty(theirs)) {
        return true;
    }
    if (!chain_trust_is_empty(&state->trust)) {
        return wire_digest_equal(theirs, &state->trust.log_id);
    }
    if (!chain_trust_is_empty(&state->pend)) {
        return wire_digest_equal(theirs, &state->pend.log_id);
    }
    if (!wire_digest_is_empty(&m->job->hello.log_id)) {
        return wire_digest_equal(theirs, &m->job->hello.log_id);
    }
    return state->has_intent; // judged by our request, entry by entry
}

static bool is_head_of(const struct wire_status *ap,
                       const struct chain_trust *trust)
{
    return !chain_trust_is_empty(trust) &&
           ap->incarnation == trust->order.incarnation &&
           ap->cur.epoch == trust->order.epoch &&
           wire_digest_equal(&ap->cur.body_hash, &trust->body_hash);
}

// An AP behind us signs under a key of our own log.
static enum rotor_status find_in_log(struct meeting *m)
{
    struct rtp_job *job = m->job;
    const struct wire_status *ap = &job->hello.ap;
    const struct wire_order place = {(uint32_t)ap->incarnation, ap->cur.epoch};
    struct rotor_room room = ROOM_OF(job->record);
    uint64_t offset;
    struct rtp_log_entry record;
    struct chain_entry entry;
    struct chain_trust trust;
    TRY(rtp_log_find(job->log, &job->ops, &room, &place, &offset));
    TRY(rtp_log_read(&job->ops, offset, &room, &record));
    TRY(chain_entry_decode(record.bytes, &entry));
    TRY(chain_trust_of(&entry.body, &trust));
    if (is_head_of(ap, &trust)) {
        m->signer = trust;
        m->is_known = true;
    }
    return ROTOR_OK;
}

static void find_signer(struct meeting *m)
{
    const struct rtp_job *job = m->job;
    const struct wire_status *ap = &job->hello.ap;
    m->is_known = !ap->has_cur;
    if (!ap->has_cur) {
        return;
    }
    if (is_head_of(ap, &job->next.trust)) {
        m->signer = job->next.trust;
        m->is_known = true;
        return;
    }
    if (is_head_of(ap, &job->next.pend)) {
        m->signer = job->next.pend;
        m->is_known = true;
        return;
    }
    if (job->hello.action == RTP_ACTION_AP_BEHIND &&
        find_in_log(m) != ROTOR_OK) {
        m->is_known = false;
    }
}

static enum rotor_status check_signature(struct meeting *m, bool *ok)
{
    *ok = chain_trust_is_empty(&m->signer);
    if (*ok) {
        return ROTOR_OK;
    }
    const struct wire_statement statement = {LABEL(WIRE_CONTEXT_CHAN_AP),
                                             wire_digest_bytes(&m->t2)};
    enum rotor_status status =
        wire_cose_verify(&m->signer.sign, &statement, m->hello.sig_s, ok);
    if (status == ROTOR_MALFORMED) {
        *ok = false;
        return ROTOR_OK;
    }
    *ok = *ok && m->signer.suite == m->core.suite;
    return status;
}

static enum rotor_status make_fin(struct meeting *m)
{
    struct rtp_hello_work *work = &m->job->hello;
    uint8_t key_bytes[WIRE_KEY_ENCODED_MAX];
    uint8_t sig_bytes[WIRE_SIGN1_MAX];
    struct rotor_room key = ROOM_OF(key_bytes);
    struct rotor_room sig_c = ROOM_OF(sig_bytes);
    TRY(wire_key_encode(&work->control_key, &key));
    TRY(chain_channel_t3(&m->t2, m->hello.sig_s, bytes_in(&key), &m->t3));
    const struct wire_statement statement = {LABEL(WIRE_CONTEXT_CHAN_RTP),
                                             wire_digest_bytes(&m->t3)};
    TRY(wire_cose_sign(&work->control, &statement, &sig_c));
    const struct wire_hello_fin fin = {.log_id = m->hello.log_id,
                                       .control_key = bytes_in(&key),
                                       .sig_c = bytes_in(&sig_c)};
    struct rotor_room payload = ROOM_OF(work->fin);
    TRY(wire_message_encode(&WIRE_LAYOUT_HELLO_FIN, &fin, &payload));
    work->fin_size = payload.used;
    return ROTOR_OK;
}

struct shared { // SECRET
    uint8_t ee[CRYPTO_SHARED_MAX];
    uint8_t es[CRYPTO_SHARED_MAX];
};

static enum rotor_status make_keys(struct meeting *m, struct shared *secret)
{
    struct rtp_hello_work *work = &m->job->hello;
    struct rotor_room ee = ROOM_OF(secret->ee);
    struct rotor_room es = ROOM_OF(secret->es);
    TRY(chain_agree(&work->ephemeral, m->core.e_a, &ee));
    if (!chain_trust_is_empty(&m->signer)) {
        TRY(chain_agree_static(&work->ephemeral, &m->signer.agree, &es));
    }
    const struct chain_channel_input input = {
        .suite = m->suite->id,
        .log_id = m->hello.log_id,
        .ee = bytes_in(&ee),
        .es = bytes_in(&es),
        .t3 = m->t3,
    };
    TRY(chain_channel_derive(&input, &work->keys));
    work->aead = m->suite->aead;
    return ROTOR_OK;
}

static enum rotor_status pair(struct meeting *m)
{
    struct shared secret;
    enum rotor_status status = make_fin(m);
    if (status == ROTOR_OK) {
        status = make_keys(m, &secret);
    }
    secret_wipe(&secret, sizeof secret);
    if (status == ROTOR_MALFORMED) {
        return refuse(m, "its ephemeral is not a point");
    }
    if (status == ROTOR_OK) {
        m->job->hello.outcome = RTP_HELLO_PAIRED;
        m->job->hello.reason = "";
    }
    return status;
}

static enum rtp_action action_of(const struct meeting *m)
{
    const struct rtp_job *job = m->job;
    const struct rtp_standing standing = rtp_state_standing(&job->next);
    enum rtp_action action = rtp_resume(&standing, &job->hello.ap);
    bool is_pinned = !wire_digest_is_empty(&job->hello.log_id);
    return action == RTP_ACTION_GENERATE && is_pinned ? RTP_ACTION_RECOVER
                                                      : action;
}

enum rotor_status rtp_hello_run(struct rtp_job *job)
{
    struct meeting m = {.job = job};
    job->hello.outcome = RTP_HELLO_REFUSED;
    job->hello.is_evidence = false;
    job->hello.is_foreign = false;
    if (!take_apart(&m)) {
        return refuse(&m, "HELLO_AP does not fit together");
    }
    bool ok = false;
    TRY(check_evidence(&m, &ok));
    if (!ok) {
        job->hello.is_evidence = true;
        return refuse(&m, job->hello.record.reason);
    }
    if (!is_our_log(&m)) {
        job->hello.is_foreign = true;
        return refuse(&m, "the enclave holds another log");
    }
    TRY(chain_channel_t2(&m.t1, m.hello.evidence, &m.t2));
    job->hello.log_id_of_ap = m.hello.log_id;
    job->hello.action = action_of(&m);
    if (job->hello.action == RTP_ACTION_NONE ||
        job->hello.action == RTP_ACTION_QUARANTINED) {
        return refuse(&m, rtp_action_name(job->hello.action));
    }
    find_signer(&m);
    bool must_read = job->hello.action == RTP_ACTION_CATCH_UP ||
                     job->hello.action == RTP_ACTION_JUDGE;
    if (!m.is_known && must_read) {
        job->hello.outcome = RTP_HELLO_BEHIND;
        return ROTOR_OK;
    }
    if (!m.is_known) {
        return refuse(&m, "the enclave signs under a key that we do not hold");
    }
    TRY(check_signature(&m, &ok));
    if (!ok) {
        return refuse(&m, "sig_S of HELLO_AP does not verify");
    }
    if (must_read) {
        job->hello.outcome = RTP_HELLO_BEHIND;
        return ROTOR_OK;
    }
    return pair(&m);
}
