// SPDX-License-Identifier: Apache-2.0
#include "enclave/work.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "enclave/entry.h"
#include "enclave/recover.h"
#include "enclave/save.h"

// ROTOR_OK: on to the next one, unless work->has_more.  ROTOR_AGAIN: the disk
// is not done.
typedef enum rotor_status work_step(struct enclave *enclave);
typedef enum rotor_status work_answer(struct enclave *enclave,
                                      const struct enclave_request *request,
                                      struct enclave_answer *answer);

// ---- steps -----------------------------------------------------------------

static enum rotor_status begin_p1(struct enclave *enclave)
{
    return enclave_save_next(enclave, true);
}

static enum rotor_status end_p1(struct enclave *enclave)
{
    TRY(enclave_save_step(enclave));
    enclave->prepared_ms = enclave->ops.now_ms(enclave->ops.context);
    return ROTOR_OK;
}

static enum rotor_status begin_p2(struct enclave *enclave)
{
    enum rotor_status status = enclave_entry_sign_begin(enclave, true);
    return status == ROTOR_AGAIN ? ROTOR_OK : status; // signed before
}

static enum rotor_status end_p2(struct enclave *enclave)
{
    if (enclave->saving.what == ENCLAVE_SAVING_NOTHING) {
        return ROTOR_OK;
    }
    enum rotor_status status = enclave_save_step(enclave);
    if (status != ROTOR_AGAIN) {
        enclave_entry_sign_end(enclave, status);
    }
    return status;
}

static enum rotor_status begin_p3(struct enclave *enclave)
{
    return enclave_entry_switch_begin(enclave, true);
}

static enum rotor_status end_p3(struct enclave *enclave)
{
    TRY(enclave_save_step(enclave));
    enclave_entry_switch_end(enclave);
    return ROTOR_OK;
}

static enum rotor_status end_approval(struct enclave *enclave)
{
    TRY(enclave_save_step(enclave));
    enclave_recover_approved(enclave);
    return ROTOR_OK;
}

static enum rotor_status end_candidate(struct enclave *enclave)
{
    enum rotor_status status = enclave_save_step(enclave);
    if (status != ROTOR_OK && status != ROTOR_AGAIN) {
        enclave_candidate_forget(enclave);
    }
    return status;
}

// ---- answers ---------------------------------------------------------------

static enum rotor_status answer_available(struct enclave *enclave,
                                          const struct enclave_request *request,
                                          struct enclave_answer *answer)
{
    return enclave_answer_entry(enclave, request, WIRE_ROT_AVAILABLE, answer);
}

static enum rotor_status answer_prepared(struct enclave *enclave,
                                         const struct enclave_request *request,
                                         struct enclave_answer *answer)
{
    return enclave_answer_entry(enclave, request, WIRE_ROT_PREPARED, answer);
}

// ---- orders ----------------------------------------------------------------

static work_step *const PREPARE[] = {begin_p1, end_p1, begin_p2, end_p2, NULL};
static work_step *const SWITCH[] = {begin_p2, end_p2, begin_p3, end_p3, NULL};
static work_step *const PROPOSE[] = {enclave_save_candidate, end_candidate,
                                     NULL};
static work_step *const APPROVE[] = {enclave_recover_check_held,
                                     enclave_recover_check_new,
                                     begin_p1,
                                     end_approval,
                                     begin_p2,
                                     end_p2,
                                     begin_p3,
                                     end_p3,
                                     NULL};

struct plan {
    uint8_t order;           // enum wire_type
    work_step *const *steps; // behind the last one the answer is made at once
    size_t p2;               // where it goes on when P1 was done before
    work_answer *answer;
};

static const struct plan PLANS[] = {
    {WIRE_GENERATE,       PREPARE, 2, answer_available     },
    {WIRE_ROT_ACCEPT0,    SWITCH,  0, enclave_answer_accept},
    {WIRE_ROTATE,         PREPARE, 2, answer_prepared      },
    {WIRE_ROT_COMMIT,     SWITCH,  0, enclave_answer_done  },
    {WIRE_RECOVER,        PROPOSE, 0, enclave_answer_body  },
    {WIRE_RECOVER_SIGNED, APPROVE, 4, enclave_answer_done  },
};

static const struct plan *plan_of(uint8_t order)
{
    for (size_t i = 0; i < COUNT_OF(PLANS); i++) {
        if (PLANS[i].order == order) {
            return &PLANS[i];
        }
    }
    return NULL;
}

bool enclave_is_order(uint8_t type)
{
    return plan_of(type) != NULL;
}

bool enclave_has_work(const struct enclave *enclave)
{
    return enclave_is_order(enclave->work.header.type);
}

void enclave_work_begin(struct enclave *enclave,
                        const struct enclave_request *request, bool has_p1)
{
    const struct plan *plan = plan_of(request->header.type);
    enclave->work = (struct enclave_work){
        .step = plan != NULL && has_p1 ? plan->p2 : 0,
        .header = request->header,
    };
}

// ---- on --------------------------------------------------------------------

static void end_work(struct enclave *enclave)
{
    secret_wipe(&enclave->work, sizeof enclave->work);
    secret_wipe(&enclave->next, sizeof enclave->next);
}

static enum rotor_status go_on(struct enclave *enclave, const struct plan *plan)
{
    struct enclave_work *work = &enclave->work;
    work->has_more = false;
    TRY(plan->steps[work->step](enclave));
    work->step += work->has_more ? 0 : 1u;
    return ROTOR_OK;
}

enum rotor_status enclave_work_step(struct enclave *enclave,
                                    const struct enclave_request *request,
                                    struct enclave_answer *answer,
                                    bool *is_done)
{
    const struct plan *plan = plan_of(enclave->work.header.type);
    *is_done = false;
    if (plan == NULL) {
        return ROTOR_INVALID;
    }
    enum rotor_status status = go_on(enclave, plan);
    if (status == ROTOR_OK && plan->steps[enclave->work.step] == NULL) {
        *is_done = true;
        status = plan->answer(enclave, request, answer);
    }
    bool goes_on = status == ROTOR_AGAIN || (status == ROTOR_OK && !*is_done);
    if (!goes_on) {
        end_work(enclave);
    }
    return status;
}
