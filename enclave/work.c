// SPDX-License-Identifier: Apache-2.0
#include "enclave/work.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "enclave/entry.h"
#include "enclave/save.h"

// ROTOR_OK: on to the next one.  ROTOR_AGAIN: it is not over.
typedef enum rotor_status work_step(struct enclave *enclave);

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

// Behind the last step the answer is made.
static work_step *const PREPARE[] = {begin_p1, end_p1, begin_p2, end_p2, NULL};
static work_step *const COMMIT[] = {begin_p2, end_p2, begin_p3, end_p3, NULL};
#define PREPARE_SIGN 2u // begin_p2

static work_step *next_step(const struct enclave_work *work)
{
    return work->kind == ENCLAVE_WORK_PREPARE ? PREPARE[work->step]
                                              : COMMIT[work->step];
}

void enclave_work_begin(struct enclave *enclave,
                        const struct enclave_request *request,
                        enum enclave_work_kind kind, bool is_made)
{
    bool is_written = kind == ENCLAVE_WORK_PREPARE && !is_made;
    enclave->work = (struct enclave_work){
        .kind = kind,
        .step = is_written ? PREPARE_SIGN : 0,
        .header = request->header,
    };
}

static enum rotor_status make_answer(struct enclave *enclave,
                                     const struct enclave_request *request,
                                     struct enclave_answer *answer)
{
    return enclave->work.kind == ENCLAVE_WORK_PREPARE
               ? enclave_answer_entry(enclave, request, WIRE_ROT_PREPARED,
                                      answer)
               : enclave_answer_done(enclave, request, answer);
}

enum rotor_status enclave_work_step(struct enclave *enclave,
                                    const struct enclave_request *request,
                                    struct enclave_answer *answer,
                                    bool *is_done)
{
    struct enclave_work *work = &enclave->work;
    work_step *step = next_step(work);
    *is_done = step == NULL;
    enum rotor_status status =
        *is_done ? make_answer(enclave, request, answer) : step(enclave);
    if (status == ROTOR_OK && !*is_done) {
        work->step++;
    }
    bool goes_on = status == ROTOR_AGAIN || (status == ROTOR_OK && !*is_done);
    if (!goes_on) {
        secret_wipe(work, sizeof *work);
    }
    return status;
}
