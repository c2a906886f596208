// SPDX-License-Identifier: Apache-2.0
// What a program may say to the OpenSSL back end besides crypto/crypto.h.
#ifndef ROTOR_CRYPTO_OPENSSL_H
#define ROTOR_CRYPTO_OPENSSL_H

#include <rotor/status.h>

// Fetches every algorithm, seeds the generators and builds the contexts of the
// calling thread, so that nothing is looked up, opened or seeded for the first
// time afterwards.  A process that gives up system calls calls it before; for
// the others the first crypto_* call does it.  No configuration file is read.
// May be called again, from any thread: it answers as it did the first time.
//
// ROTOR_PORT_FAILED  this libcrypto lacks something that the suites need.
ROTOR_CALL crypto_openssl_init(void);

#endif
