// SPDX-License-Identifier: Apache-2.0
// A second thread behind the same wall, for what waits on the disk: while it
// works the first one serves.  It makes no key and calls no libcrypto.
#ifndef ROTOR_APP_ENCLAVE_BESIDE_H
#define ROTOR_APP_ENCLAVE_BESIDE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rotor/status.h>

// Starts the thread: behind landlock, which it inherits, and before seccomp,
// which reaches every thread.
bool beside_open(void);

typedef enum rotor_status beside_job(void *input);

// Begins one job; none may be out.  `input` is the job's until the end.
void beside_begin(beside_job *job, void *input);

// What the job said; ROTOR_AGAIN until it is done.
ROTOR_CALL beside_end(void);

// Waits for a job that is out.
void beside_settle(void);

// A word that moves when a job is done: to sleep on, with its value now.
const _Atomic uint32_t *beside_word(void);

#endif
