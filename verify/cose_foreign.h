// SPDX-License-Identifier: Apache-2.0
// COSE messages of others (RFC 9052): COSE_Sign1 and COSE_Mac0, tagged or not,
// in a CWT tag or not; COSE_Sign signer by signer; COSE_Mac for direct keys.
//
//     why = verify_cose_open(bytes, &cose);
//     verify_cose_check(&cose, &key, &input, &valid);
//
// Headers are those of others: any CBOR of wire/cbor_foreign.h.  What is
// signed is put together anew, in the one encoding that RFC 9052 4.4 has for
// it.  Encrypted messages are not supported; countersignatures are not looked
// at.  doc/PROTOCOL.tokens 2.
#ifndef ROTOR_VERIFY_COSE_FOREIGN_H
#define ROTOR_VERIFY_COSE_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "crypto/x509.h"
#include "verify/public.h"
#include "wire/cbor_foreign.h"

enum verify_cose_kind {
    VERIFY_COSE_NONE = 0,
    VERIFY_COSE_SIGN1,
    VERIFY_COSE_MAC0,
    VERIFY_COSE_SIGN,   // has signers, is checked by none of its own
    VERIFY_COSE_SIGNER, // of a COSE_Sign
    VERIFY_COSE_MAC,
};

// Tags of RFC 9052 and RFC 8392.
#define VERIFY_TAG_MAC0  17u
#define VERIFY_TAG_SIGN1 18u
#define VERIFY_TAG_CWT   61u

// Views are into the message.
struct verify_cose {
    enum verify_cose_kind kind;
    bool is_tagged; // with its COSE tag
    bool is_cwt;

    struct rotor_bytes protected_header;      // as signed: an empty map is h''
    struct rotor_bytes body_protected_header; // of the COSE_Sign, for a signer
    struct cbor_foreign protected_map;        // none if it is empty
    struct cbor_foreign unprotected_map;
    int64_t algorithm; // 0: it names none
    bool algorithm_is_protected;
    struct rotor_bytes kid; // empty: it names none

    bool is_detached; // payload is nil
    struct rotor_bytes payload;
    struct rotor_bytes signature; // or MAC
    struct cbor_foreign parties;  // signers or recipients
};

// Takes a message apart.  NULL, or why not; a sentence that begins with "not
// supported" tells of what may be good all the same.
const char *verify_cose_open(struct rotor_bytes bytes,
                             struct verify_cose *cose);

// A signer of a COSE_Sign as a message of kind SIGNER; false behind the last
// one, and for a signer that is not one.
bool verify_cose_signer(const struct verify_cose *cose, size_t index,
                        struct verify_cose *signer);

// NULL if the algorithm is one that is known here, else why not.
const char *verify_cose_algorithm_fault(const struct verify_cose *cose);

// A key to check with; all zero is none, under which nothing is valid.
struct verify_cose_key {
    struct crypto_verifier verifier;
    int64_t algorithm;         // that it is for alone; 0: any that fits
    struct rotor_bytes secret; // MAC key, a view, SECRET
    struct rotor_bytes hss;    // HSS key, a view
};

// Opens a key that outlives it; the caller closes it.
//
// ROTOR_INVALID    no key.
// ROTOR_MALFORMED  not a point on the curve, or not an RSA key.
ROTOR_CALL verify_cose_key_open(struct verify_cose_key *key,
                                const struct verify_public *public_key);
void verify_cose_key_close(struct verify_cose_key *key);

struct verify_cose_input {
    struct rotor_bytes external_aad;
    struct rotor_bytes detached; // the payload, if the message has none
    struct rotor_room *scratch;  // payload, headers and aad and 64 bytes more
};

// *valid is false unless signature or MAC verify.
//
// ROTOR_TOO_SMALL  the scratch room.
ROTOR_CALL verify_cose_check(const struct verify_cose *cose,
                             const struct verify_cose_key *key,
                             const struct verify_cose_input *input,
                             bool *valid);

#endif
