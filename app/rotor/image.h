// SPDX-License-Identifier: Apache-2.0
// `rotor image`: what both of its halves share.
#ifndef ROTOR_APP_ROTOR_IMAGE_H
#define ROTOR_APP_ROTOR_IMAGE_H

#include "app/rotor/command.h"
#include "boot/image.h"

// Signer's half, image_sign.c.
int image_keygen(struct run *run, int count, char **arguments);
int image_lms_keygen(struct run *run, int count, char **arguments);
int image_keyring(struct run *run, int count, char **arguments);
int image_sign(struct run *run, int count, char **arguments);

// Verifier's half, image_reference.c.
int image_reference(struct run *run, int count, char **arguments);

// "rtp", "enclave"; BOOT_COMPONENT_NONE for anything else.
enum boot_component image_component(const char *name);

// "3.1.4" of a packed version.
#define IMAGE_VERSION_SIZE 16u
void image_version_text(uint32_t version, char text[IMAGE_VERSION_SIZE]);

// One line on stdout, or a JSON object of schema rotor/image/1.
int image_say(const struct run *run, const char *what, const char *path);

#define IMAGE_FILE_MAX ((size_t)BOOT_FRONT_MAX + BOOT_IMAGE_MAX)

#endif
