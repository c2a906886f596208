// SPDX-License-Identifier: Apache-2.0
// LM-OTS type 3 with q = 0, written a second time straight from the text of
// RFC 8554, with OpenSSL's one-shot SHA-256 and nothing of ours.
#ifndef ROTOR_TEST_LMS_NAIVE_H
#define ROTOR_TEST_LMS_NAIVE_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>

void naive_public(const uint8_t id[16], const uint8_t seed[32],
                  uint8_t public_key[56]);
void naive_sign(const uint8_t id[16], const uint8_t seed[32],
                struct rotor_bytes message, uint8_t signature[2180]);
bool naive_verify(const uint8_t public_key[56], struct rotor_bytes message,
                  const uint8_t signature[2180]);

#endif
