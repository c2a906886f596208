// SPDX-License-Identifier: Apache-2.0
// The seal of everything that leaves the AP's memory: doc/PROTOCOL.rot 7.2.
//
//     ad (8) || salt (32) || ciphertext || tag (16)
//
// The salt is a MAC of the content, so equal seals mean equal content and a
// clone cannot use one key stream twice.
#ifndef ROTOR_ENCLAVE_SEAL_H
#define ROTOR_ENCLAVE_SEAL_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

// Where the plaintext begins, so that sealing may work in place.
#define ENCLAVE_SEAL_HEAD 40u // bytes

enum enclave_seal_kind {
    ENCLAVE_SEAL_CORE = 0,
    ENCLAVE_SEAL_ATTACH = 1,
    ENCLAVE_SEAL_RECOVER = 2,
    ENCLAVE_SEAL_AUTH = 3,
    ENCLAVE_SEAL_DATA_KEY = 4,
    ENCLAVE_SEAL_USER = 5,
};

struct enclave_seal {
    enum enclave_seal_kind kind;
    uint32_t suite;     // says which AEAD; unseal takes it from the seal
    const uint8_t *mac; // 32 bytes, SECRET
    const uint8_t *enc; // 32 bytes, SECRET
};

// `plaintext` may lie at sealed->data + ENCLAVE_SEAL_HEAD.
//
// ROTOR_TOO_SMALL  no room.
ROTOR_CALL enclave_seal(const struct enclave_seal *seal,
                        struct rotor_bytes plaintext,
                        struct rotor_room *sealed);

// `plaintext` may lie over the ciphertext.  seal->suite becomes that of the
// seal.
//
// ROTOR_MALFORMED  torn, altered, of another kind or of another AP.
// ROTOR_TOO_SMALL  no room.
ROTOR_CALL enclave_unseal(struct enclave_seal *seal, struct rotor_bytes sealed,
                          struct rotor_room *plaintext);

#endif
