/* SPDX-License-Identifier: Apache-2.0
 *
 * Holds a model to a list of steps that the code took (NAME_trace.c), one device
 * behind the other: IS_AT_REST and reset_device() are the model's.  The model may
 * do what is not observed at any time; what is observed must be the next of the
 * list, or that way ends there.  spin looks for one way to the end of the list:
 * the assertion that "breaks" says that there is one.
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
    atomic { reset_device(); c_code { now.expected = step_at(0); } };
    do
    :: atomic { expected == RESET * 10000 && !is_lost && IS_AT_REST ->
           reset_device(); step_on() }
    :: atomic { expected == END && !is_lost -> assert(false) }
    od
}
