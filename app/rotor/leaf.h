// SPDX-License-Identifier: Apache-2.0
// Evidence inside an X.509 leaf: for TLS and whatever else has a place for
// certificates and none for evidence.
//
//     subject key K, of the caller; self-signed by K
//     SAN URI ni:///sha-256;LOG_ID (RFC 6920)
//     extension 2.25.286794558252753056219971000905177214134: a bundle, whose
//     request has peer_binding = SHA-256("rotor1 x509" || 0 || SPKI of K)
//
// The certificate trusts nobody by itself: who reads it judges the bundle and
// that it is bound to the certificate's own key.  doc/PROTOCOL.client 5.1.
#ifndef ROTOR_APP_ROTOR_LEAF_H
#define ROTOR_APP_ROTOR_LEAF_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "app/rotor/command.h"
#include "wire/cose.h"

#define LEAF_BINDING_SIZE 32u

struct leaf {
    void *key; // private, of the library; NULL is none
    uint8_t binding[LEAF_BINDING_SIZE];
};

// Opens the private key of a leaf, a PEM file.  False: said why.
bool leaf_open(const struct run *run, const char *path, struct leaf *leaf,
               int *code);
void leaf_close(struct leaf *leaf);

// A certificate in PEM, valid for a day from now on; the caller frees its
// bytes.
//
// ROTOR_PORT_FAILED  the library refused.
ROTOR_CALL leaf_certify(const struct leaf *leaf,
                        const struct wire_digest *log_id,
                        struct rotor_bytes bundle, struct rotor_bytes *pem);

// What a certificate holds; `bundle` is a copy that the caller frees.
struct leaf_content {
    struct rotor_bytes bundle;
    uint8_t binding[LEAF_BINDING_SIZE]; // of its own key
    char uri[128];                      // its only SAN URI
};

// Whether a file begins as a PEM certificate does.
bool leaf_is_certificate(struct rotor_bytes file);

// Takes a certificate apart.
//
// ROTOR_MALFORMED    not one, or not one of this form, or its signature does
//                    not verify under its own key.
// ROTOR_PORT_FAILED  no memory.
ROTOR_CALL leaf_decode(struct rotor_bytes file, struct leaf_content *content);

// ni:///ALGORITHM;BASE64URL of a log.
void leaf_uri(const struct wire_digest *log_id, char uri[128]);

#endif
