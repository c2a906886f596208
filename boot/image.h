// SPDX-License-Identifier: Apache-2.0
// An image file: a signed header, the signatures, the bytes to execute.
//
//     0          192        288          288 + lms
//     | header   | ECDSA    | LMS/HSS    | image ...           |
//     `- signed by both ----'            `- SHA-512 in header -'
//
// The file is hostile until boot_image_verify accepts it; nothing in it
// chooses a key or an algorithm that the keyring does not allow.
// Layout and order of checks: doc/PROTOCOL.boot 1.
#ifndef ROTOR_BOOT_IMAGE_H
#define ROTOR_BOOT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "boot/component.h"
#include "boot/keyring.h"
#include "boot/reason.h"
#include "boot/verdict.h"

#define BOOT_HEADER_SIZE       192u
#define BOOT_ECDSA_AREA_SIZE   96u // P-256 leaves the last 32 zero
#define BOOT_LMS_SIGNATURE_MAX 16384u
#define BOOT_FRONT_SIZE        (BOOT_HEADER_SIZE + BOOT_ECDSA_AREA_SIZE)
#define BOOT_FRONT_MAX         (BOOT_FRONT_SIZE + BOOT_LMS_SIGNATURE_MAX)
#define BOOT_IMAGE_MAX         (64u * 1024u * 1024u) // bytes
#define BOOT_DIGEST_SIZE       64u                   // SHA-512

// "rotor1 image" || 0 || header: what both signatures cover.
#define BOOT_MESSAGE_SIZE (13u + BOOT_HEADER_SIZE)

// What `version` packs: 8 bits major, 8 minor, 16 patch.
#define BOOT_VERSION(major, minor, patch)                                      \
    ((uint32_t)(major) << 24 | (uint32_t)(minor) << 16 | (uint32_t)(patch))

struct boot_header {
    enum boot_component component;
    uint32_t version;          // informative; see BOOT_VERSION
    uint32_t security_version; // compared with the rollback floor
    enum crypto_scheme scheme; // CRYPTO_P256 or CRYPTO_P384
    size_t lms_size;           // bytes of LMS signature; 0: not signed by LMS
    size_t image_size;         // bytes, 1..BOOT_IMAGE_MAX
    uint8_t digest[BOOT_DIGEST_SIZE];        // SHA-512 of the image bytes
    uint8_t signer_id[BOOT_KEY_ID_SIZE];     // boot_key_id
    uint8_t lms_signer_id[BOOT_KEY_ID_SIZE]; // boot_lms_key_id, or zeros
};

// For the signer.  Writes the header; the caller signs boot_image_message.
//
// ROTOR_INVALID  decode would refuse it.
ROTOR_CALL boot_image_encode_header(const struct boot_header *header,
                                    uint8_t encoded[BOOT_HEADER_SIZE]);

// The bytes to sign with ECDSA (hashed by the scheme's hash) and with LMS.
void boot_image_message(const uint8_t encoded[BOOT_HEADER_SIZE],
                        uint8_t message[BOOT_MESSAGE_SIZE]);

// For the signer.  Replaces `front` with header and signature area; the image
// bytes follow it in the file.  `lms_signature` is empty without LMS.
//
// ROTOR_INVALID  a signature has not the size that the header says.
ROTOR_CALL boot_image_encode_front(const struct boot_header *header,
                                   struct rotor_bytes ecdsa_signature,
                                   struct rotor_bytes lms_signature,
                                   struct rotor_room *front);

// Parts of a file whose form is right.  Views into the file; nothing here is
// authentic.
struct boot_parts {
    struct boot_header header;
    struct rotor_bytes ecdsa_signature;
    struct rotor_bytes lms_signature; // empty without LMS
    struct rotor_bytes image;
};

// Form only: for `rotor image inspect` and for the first check of a verdict.
// *reason is BOOT_GENUINE when the form is right; else `parts` is unchanged.
void boot_image_decode(struct rotor_bytes file, struct boot_parts *parts,
                       enum boot_reason *reason);

struct boot_image_check {
    struct rotor_bytes file;
    const struct boot_keyring *keyring;
    enum boot_component component; // what the caller wants to start
    uint32_t floor;                // smallest security version it may start
};

// Decides whether stage 0 may execute `image` of the file.
//
// Both signatures, where there are two, the component, the floor and the
// digest must hold in two separate rounds over the file, which must not be
// writable by anyone else meanwhile (copy it first).  *verdict is
// BOOT_REJECTED and *reason names the first failed check unless everything
// held; *parts changes only on BOOT_ACCEPTED.  On any other status than
// ROTOR_OK the verdict is BOOT_REJECTED too.
ROTOR_CALL boot_image_verify(const struct boot_image_check *check,
                             uint32_t *verdict, enum boot_reason *reason,
                             struct boot_parts *parts);

#endif
