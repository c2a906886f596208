/* SPDX-License-Identifier: Apache-2.0
 *
 * Holds rotation_atomic.pml to a list of steps that the code took
 * (rotation_trace.c), one device behind the other.  The model may do what is
 * not observed at any time; what is observed must be the next of the list, or
 * that way ends there.  spin looks for one way to the end of the list: the
 * assertion that "breaks" says that there is one.
 *
 * A line of the list with body 0 is any body.
 */
c_decl {
\#include "steps.h"
}

/* As in steps.h, like those before the include; frames are the model's mtype,
 * the last one first. */
#define RESET 17

int at;       /* steps taken */
int expected; /* the next one, as step * 10000 + epoch * 100 + body; END: none */
int observed; /* what the model is about to do */
bool is_lost; /* it was something else */

#define END -1
#define IS_EXPECTED \
    (expected == observed || (expected % 100 == 0 && expected == observed - observed % 100))

inline step_on() { at++; c_code { now.expected = step_at(now.at); } }

inline observe(step, epoch, body)
{
    observed = (step) * 10000 + (epoch) * 100 + (body);
    if
    :: IS_EXPECTED && !is_lost -> observed = 0; step_on()
    :: else -> observed = 0; is_lost = true; false
    fi
}

active proctype replay()
{
    atomic { c_code { now.expected = step_at(0); } };
    do
    /* Each device rests at the last epoch. */
    :: atomic { expected == RESET * 10000 && !is_lost && enclave_cur == EPOCHS &&
                rtp_cur == EPOCHS && rtp_pend == 0 ->
           drain(to_enclave); drain(to_rtp);
           enclave_cur = 0; enclave_prepared = 0; enclave_body = 0;
           rtp_cur = 0; rtp_pend = 0; rtp_body = 0;
           nonce = 0; is_asking = false; has_asked = false; was_killed = false;
           made[1] = 0; made[2] = 0; made[3] = 0;
           emitted[1] = 0; emitted[2] = 0; emitted[3] = 0;
           step_on() }
    :: atomic { expected == END && !is_lost -> assert(false) }
    od
}
