// SPDX-License-Identifier: Apache-2.0
// doc/PROTOCOL.chain 7.
#include "verify/attest.h"

#include <string.h>

#include "base/bytes.h"
#include "chain/schedule.h"
#include "crypto/suite.h"

// Each check says whether to go on; the words are why not.
struct judgement {
    const struct verify_question *question;
    struct verify_answer *answer;
    const struct crypto_suite *suite;
};

struct check {
    enum rotor_status (*run)(struct judgement *j, bool *passed);
    const char *fault;
};

static enum rotor_status is_readable(struct judgement *j, bool *passed)
{
    struct verify_answer *answer = j->answer;
    *passed =
        wire_message_decode(&WIRE_LAYOUT_ATTEST_RSP, j->question->response,
                            &answer->response) == ROTOR_OK &&
        wire_message_decode(&WIRE_LAYOUT_ATTEST_CORE, answer->response.core,
                            &answer->core) == ROTOR_OK &&
        wire_message_decode(&WIRE_LAYOUT_CLAIMS, answer->core.claims,
                            &answer->claims) == ROTOR_OK;
    return ROTOR_OK;
}

static enum rotor_status is_of_log(struct judgement *j, bool *passed)
{
    const struct verify_answer *answer = j->answer;
    const struct wire_digest *log_id = &j->question->trust->log_id;
    *passed =
        wire_digest_equal(&answer->core.log_id, log_id) &&
        wire_digest_equal(&answer->response.log_id, &answer->request.log_id);
    return ROTOR_OK;
}

static enum rotor_status answers_us(struct judgement *j, bool *passed)
{
    const struct verify_answer *answer = j->answer;
    *passed = bytes_equal(answer->core.sid, answer->request.sid) &&
              answer->core.epoch >= answer->request.min_epoch;
    return ROTOR_OK;
}

// Which head is not known yet is no fault: see VERIFY_UNKNOWN_HEAD.
static enum rotor_status is_known_head(struct judgement *j, bool *passed)
{
    const struct chain_trust *trust = j->question->trust;
    const struct wire_attest_core *core = &j->answer->core;
    *passed = core->epoch == trust->order.epoch &&
              wire_digest_equal(&core->body_hash, &trust->body_hash);
    if (!*passed) {
        j->answer->outcome = VERIFY_UNKNOWN_HEAD;
    }
    return ROTOR_OK;
}

static enum rotor_status is_of_suite(struct judgement *j, bool *passed)
{
    const struct chain_trust *trust = j->question->trust;
    const struct wire_suites *offered = &j->answer->request.suites;
    j->suite = crypto_suite_of(trust->suite);
    bool is_offered = false;
    for (size_t i = 0; i < offered->count; i++) {
        is_offered |= offered->id[i] == trust->suite;
    }
    *passed =
        j->suite != NULL && is_offered && j->answer->core.suite == trust->suite;
    return ROTOR_OK;
}

// Only purpose 6 makes keys.
static enum rotor_status has_form(struct judgement *j, bool *passed)
{
    const struct verify_answer *answer = j->answer;
    bool is_session = answer->request.purpose == WIRE_PURPOSE_SESSION;
    bool has_e_r = !bytes_are_empty(answer->request.e_r);
    bool has_e_a = !bytes_are_empty(answer->core.e_a);
    bool has_mac = !bytes_are_empty(answer->response.mac_a);
    *passed =
        has_e_r == is_session && has_e_a == is_session && has_mac == is_session;
    return ROTOR_OK;
}

static enum rotor_status is_signed(struct judgement *j, bool *passed)
{
    struct verify_answer *answer = j->answer;
    struct rotor_bytes evidence = answer->response.evidence;
    struct rotor_bytes sig_s = answer->response.sig_s;
    struct wire_digest th1e;
    TRY(chain_session_th1(j->suite->hash, j->question->request,
                          answer->response.core, &answer->th1));
    TRY(chain_session_th1e(&answer->th1, evidence, &th1e));
    TRY(chain_session_th2(&answer->th1, evidence, sig_s, &answer->th2));
    const struct wire_statement statement = {LABEL(WIRE_CONTEXT_ATTEST),
                                             wire_digest_bytes(&th1e)};
    enum rotor_status status =
        wire_cose_verify(&j->question->trust->sign, &statement, sig_s, passed);
    return status == ROTOR_MALFORMED ? ROTOR_OK : status;
}

static enum rotor_status has_evidence(struct judgement *j, bool *passed)
{
    const struct verify_answer *answer = j->answer;
    bool is_wanted = answer->request.want_evidence != 0 ||
                     answer->request.purpose == WIRE_PURPOSE_HEAD;
    *passed = !is_wanted || !bytes_are_empty(answer->response.evidence);
    return ROTOR_OK;
}

static enum rotor_status evidence_holds(struct judgement *j, bool *passed)
{
    struct verify_answer *answer = j->answer;
    const struct chain_trust *trust = j->question->trust;
    answer->has_evidence = !bytes_are_empty(answer->response.evidence);
    if (!answer->has_evidence) {
        *passed = true;
        return ROTOR_OK;
    }
    const struct chain_report report = {
        .purpose = (enum wire_purpose)answer->request.purpose,
        .log_id = trust->log_id,
        .head = chain_trust_head(trust),
        .nonce = answer->request.nonce,
        .bind = wire_digest_bytes(&answer->th1),
    };
    uint8_t ud[CHAIN_UD_SIZE];
    TRY(chain_ud(&report, ud));
    TRY(verify_evidence(answer->response.evidence, ud, j->question->reference,
                        &answer->record));
    *passed = verify_record_is_accepted(&answer->record);
    return ROTOR_OK;
}

static const struct check CHECKS[] = {
    {is_readable,    "answer does not parse"                        },
    {is_of_log,      "answer of another log"                        },
    {answers_us,     "answer to another request"                    },
    {is_known_head,  "head is not known"                            },
    {is_of_suite,    "suite was not offered or is not the head's"   },
    {has_form,       "keys where none belong, or none where they do"},
    {is_signed,      "signature of the RoT does not verify"         },
    {has_evidence,   "Evidence is missing"                          },
    {evidence_holds, "Evidence refused"                             },
};

static enum rotor_status run_all(struct judgement *j, size_t *passed)
{
    for (size_t i = 0; i < COUNT_OF(CHECKS); i++) {
        bool ok = false;
        TRY(CHECKS[i].run(j, &ok));
        if (!ok) {
            j->answer->reason = CHECKS[i].fault;
            return ROTOR_OK;
        }
        (*passed)++;
    }
    return ROTOR_OK;
}

enum rotor_status verify_attest(const struct verify_question *question,
                                struct verify_answer *answer)
{
    struct judgement j = {question, answer, NULL};
    size_t passed = 0;
    *answer = (struct verify_answer){.outcome = CHAIN_REJECTED,
                                     .reason = "not judged",
                                     .trust = question->trust};
    answer->record.outcome = CHAIN_REJECTED;
    answer->record.reason = "no Evidence";
    bool is_request =
        wire_message_decode(&WIRE_LAYOUT_ATTEST_REQ, question->request,
                            &answer->request) == ROTOR_OK;
    if (!is_request || chain_trust_is_empty(question->trust)) {
        return ROTOR_INVALID;
    }
    TRY(run_all(&j, &passed));
    if (passed == COUNT_OF(CHECKS)) {
        answer->reason = "accepted";
        answer->outcome = CHAIN_ACCEPTED;
    }
    return ROTOR_OK;
}

bool verify_answer_is_accepted(const struct verify_answer *answer)
{
    const volatile uint32_t *outcome = &answer->outcome;
    return *outcome == CHAIN_ACCEPTED && ~*outcome == CHAIN_REJECTED;
}

// ---- which answers still count ---------------------------------------------

bool verify_is_distrusted(const struct chain_trust *trust, uint64_t epoch)
{
    return trust->has_distrust_from && epoch >= trust->distrust_from &&
           epoch < trust->order.epoch;
}

bool verify_has_grace(const struct chain_trust *newer,
                      const struct chain_trust *older, uint64_t since_s)
{
    // Reason 4 is not routine, so no epoch that is void comes this far.
    bool is_routine = newer->reason != WIRE_REASON_SECURITY_EVENT &&
                      newer->reason != WIRE_REASON_KEY_COMPROMISE &&
                      newer->reason != WIRE_REASON_RECOVERY;
    bool follows = wire_digest_equal(&newer->log_id, &older->log_id) &&
                   newer->order.incarnation == older->order.incarnation &&
                   newer->order.epoch == older->order.epoch + 1;
    return follows && is_routine && since_s < newer->policy.grace_s;
}
