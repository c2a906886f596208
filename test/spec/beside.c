// SPDX-License-Identifier: Apache-2.0
// The enclave's second thread: one job after another, each with its result.
#include <stdbool.h>
#include <string.h>

#include "app/enclave/beside.h"
#include "test/spec.h"

struct task {
    uint32_t number;
    char bytes[64];
};

static uint32_t last_done; // written by the second thread alone

static enum rotor_status work(void *input)
{
    const struct task *task = input;
    last_done = task->number;
    return task->bytes[task->number % 64] == 'x' ? ROTOR_PORT_FAILED : ROTOR_OK;
}

static void once(void)
{
    static bool is_open;
    assert_true(is_open || beside_open());
    is_open = true;
}

SPEC("each job is done once, in order, and its own result comes back")
{
    static struct task task;
    once();
    for (uint32_t i = 1; i <= 20000; i++) {
        enum rotor_status status = ROTOR_AGAIN;
        memset(task.bytes, i % 3 == 0 ? 'x' : '-', sizeof task.bytes);
        task.number = i;
        beside_begin(work, &task);
        while (status == ROTOR_AGAIN) {
            status = beside_end();
        }
        assert_int_equal(status, i % 3 == 0 ? ROTOR_PORT_FAILED : ROTOR_OK);
        assert_int_equal(last_done, i);
    }
}

SPEC("the word to sleep on moves when a job is done, and not before")
{
    static struct task task = {.number = 1};
    once();
    beside_settle();
    uint32_t before = atomic_load(beside_word());
    for (uint32_t i = 1; i <= 1000; i++) {
        beside_begin(work, &task);
        beside_settle();
        assert_int_equal(atomic_load(beside_word()), before + i);
        assert_int_equal(beside_end(), ROTOR_OK);
    }
    beside_settle(); // nothing is out: no wait
}
