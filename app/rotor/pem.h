// SPDX-License-Identifier: Apache-2.0
// Keys of people who sign: ECDSA in PEM files.
#ifndef ROTOR_APP_ROTOR_PEM_H
#define ROTOR_APP_ROTOR_PEM_H

#include "app/rotor/command.h"
#include "crypto/crypto.h"

// Of "p256", "p384"; CRYPTO_SCHEME_NONE for anything else.
enum crypto_scheme pem_curve(const char *name);

// Makes a private key in a new file, mode 0600.  False: said why.
bool pem_make(const struct run *run, const char *path,
              enum crypto_scheme scheme, int *code);

// Reads a private or public key's public half, x || y.  False: said why.
bool pem_public(const struct run *run, const char *path,
                enum crypto_scheme *scheme, struct rotor_room *public_key,
                int *code);

// Opens a private key; the caller closes it.  False: said why.
bool pem_private(const struct run *run, const char *path,
                 struct crypto_key *key, struct rotor_room *public_key,
                 int *code);

#endif
