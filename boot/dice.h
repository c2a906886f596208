// SPDX-License-Identifier: Apache-2.0
// DICE as the Open Profile has it: each stage turns its secrets and what it
// is about to start into the secrets of the next stage.
//
//     UDS --+--> CDI_Attest --> key pair that a certificate vouches for
//           `--> CDI_Seal   --> hw_secret of the enclave
//
// CDI_Attest depends on every input; CDI_Seal on authority, mode and hidden
// only, so that an update signed by the same keyring opens what its
// predecessor sealed.  Stage 0 calls, wipes and forgets.
// doc/PROTOCOL.boot 4; known answers of open-dice.
#ifndef ROTOR_BOOT_DICE_H
#define ROTOR_BOOT_DICE_H

#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "boot/component.h"
#include "crypto/crypto.h"
#include "wire/cose.h"

#define BOOT_CDI_SIZE     32u
#define BOOT_UDS_SIZE     32u
#define BOOT_INPUT_SIZE   64u // SHA-512, or as many bytes inline
#define BOOT_DICE_ID_SIZE 40u // hex characters, no final zero

enum boot_mode {
    BOOT_MODE_NOT_CONFIGURED = 0,
    BOOT_MODE_NORMAL = 1,
    BOOT_MODE_DEBUG = 2,
    BOOT_MODE_RECOVERY = 3,
};

struct boot_cdis {
    uint8_t attest[BOOT_CDI_SIZE]; // SECRET
    uint8_t seal[BOOT_CDI_SIZE];   // SECRET
};

struct boot_inputs {
    uint8_t code_hash[BOOT_INPUT_SIZE];      // SHA-512 of the image bytes
    uint8_t configuration[BOOT_INPUT_SIZE];  // SHA-512 of the descriptor
    uint8_t authority_hash[BOOT_INPUT_SIZE]; // boot_keyring_hash
    enum boot_mode mode;
    uint8_t hidden[BOOT_INPUT_SIZE]; // zeros unless a platform has more
};

// The UDS stands for both CDIs of the stage before the first.
void boot_dice_init(struct boot_cdis *cdis, const uint8_t uds[BOOT_UDS_SIZE]);

// The CDIs of the stage that `inputs` describe.  The caller wipes both.
ROTOR_CALL boot_dice_derive(const struct boot_cdis *current,
                            const struct boot_inputs *inputs,
                            struct boot_cdis *next);

// The key pair that belongs to an attestation CDI (or to the UDS).  The
// caller closes it.
//
// ROTOR_INVALID  scheme is not P-256, P-384 or Ed25519.
ROTOR_CALL boot_dice_key(const uint8_t cdi_attest[BOOT_CDI_SIZE],
                         enum crypto_scheme scheme, struct crypto_key *key);

// The name of a public key in certificates.
ROTOR_CALL boot_dice_id(struct rotor_bytes public_key,
                        uint8_t id[BOOT_DICE_ID_SIZE]);

// ---- what is started -------------------------------------------------------

// The configuration descriptor: dCBOR, public, part of the certificate.
struct boot_descriptor {
    enum boot_component component;
    uint32_t version;
    uint32_t security_version;
    uint8_t configuration[BOOT_INPUT_SIZE]; // SHA-512 of what it is told
};

#define BOOT_DESCRIPTOR_MAX 128u // bytes

ROTOR_CALL boot_descriptor_encode(const struct boot_descriptor *descriptor,
                                  struct rotor_room *encoded);

// ROTOR_MALFORMED  not an encoding.
ROTOR_CALL boot_descriptor_decode(struct rotor_bytes encoded,
                                  struct boot_descriptor *descriptor);

// `measurement` of entries and claims: which image with which configuration.
// `alg` is CRYPTO_SHA256 or CRYPTO_SHA384, by the suite of the entry.
ROTOR_CALL boot_measure(enum crypto_hash alg,
                        const uint8_t code_hash[BOOT_INPUT_SIZE],
                        struct rotor_bytes descriptor,
                        struct wire_digest *measurement);

#endif
