// SPDX-License-Identifier: Apache-2.0
// On which processor something runs.  Those of a virtual machine are not alike:
// one whose other half works for a neighbour is slower by a third, for seconds,
// and a reference that ran on another one than ours would measure that.
#ifndef ROTOR_BENCH_PROCESSOR_H
#define ROTOR_BENCH_PROCESSOR_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

// At least two: a side each.
bool processor_has_pair(void);

// Binds a thread; 0 is the caller's.
void processor_bind(pid_t thread, unsigned processor);

// Every thread of a process but `except`.
void processor_bind_all(pid_t pid, pid_t except, unsigned processor);

// Where the caller may run.
cpu_set_t processor_home(void);
void processor_release(const cpu_set_t *home);

#endif
