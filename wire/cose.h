// SPDX-License-Identifier: Apache-2.0
// Names and proofs in CBOR: digest, COSE_Key, kid and detached COSE_Sign1.
//
// Source: doc/PROTOCOL.rot, sections 3 and 4.  Everything is decoded by the
// strict reader and has exactly one encoding.
#ifndef ROTOR_WIRE_COSE_H
#define ROTOR_WIRE_COSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "crypto/crypto.h"
#include "crypto/lmots.h"
#include "wire/cbor.h"

// ---- digest ----------------------------------------------------------------

#define WIRE_DIGEST_MAX 48u // bytes, SHA-384

// SHA-256 or SHA-384, or nothing: all zero is the empty digest, h''.
struct wire_digest {
    enum crypto_hash alg;
    uint8_t bytes[WIRE_DIGEST_MAX]; // zeros behind crypto_hash_size(alg)
};

bool wire_digest_is_empty(const struct wire_digest *digest);
bool wire_digest_equal(const struct wire_digest *a,
                       const struct wire_digest *b);

// The raw bytes, what a digest stands for inside a concatenation; nothing for
// the empty one.
struct rotor_bytes wire_digest_bytes(const struct wire_digest *digest);

#define WIRE_LABELLED_PARTS 8u // after the label

// H(label || 0 || parts): every hash of the protocol that has a label.
//
// ROTOR_INVALID  not SHA-256 or SHA-384, or more than WIRE_LABELLED_PARTS.
ROTOR_CALL wire_digest_make(struct wire_digest *digest, enum crypto_hash alg,
                            struct rotor_bytes label,
                            const struct rotor_bytes *parts, size_t count);

// `digest` and `mdigest`: [alg, bytes]; the second may be h''.  Empty on a
// fault.
void wire_read_digest(struct cbor_reader *in, struct wire_digest *digest);
void wire_read_mdigest(struct cbor_reader *in, struct wire_digest *digest);

// The empty digest is written as h''.
void wire_write_digest(struct cbor_writer *out,
                       const struct wire_digest *digest);

// ---- COSE_Key --------------------------------------------------------------

enum wire_key_type {
    WIRE_KEY_NONE = 0,
    WIRE_KEY_ED25519,
    WIRE_KEY_X25519,
    WIRE_KEY_P256,
    WIRE_KEY_P384,
    WIRE_KEY_LMOTS, // be32(type) || I || be32(q) || K
};

#define WIRE_KEY_MAX         96u  // bytes, x || y of P-384
#define WIRE_KEY_ENCODED_MAX 107u // bytes, COSE_Key of P-384

// A public key: the bytes that crypto_key_import_public takes, or those of
// LM-OTS.  Whether x || y is a point is checked where the key is opened.
struct wire_key {
    enum wire_key_type type;
    uint8_t bytes[WIRE_KEY_MAX]; // zeros behind wire_key_bytes().size
};

bool wire_key_equal(const struct wire_key *a, const struct wire_key *b);
struct rotor_bytes wire_key_bytes(const struct wire_key *key);

// The scheme of `type`; CRYPTO_SCHEME_NONE for LM-OTS.
enum crypto_scheme wire_key_scheme(enum wire_key_type type);

// The type of a key of `scheme`; WIRE_KEY_NONE for CRYPTO_SCHEME_NONE.
enum wire_key_type wire_key_type_of(enum crypto_scheme scheme);

// Type WIRE_KEY_NONE on a fault.
void wire_read_key(struct cbor_reader *in, struct wire_key *key);
void wire_write_key(struct cbor_writer *out, const struct wire_key *key);

// The same for a COSE_Key that stands alone.
//
// ROTOR_MALFORMED  not one of the keys above; `key` is all zero.
ROTOR_CALL wire_key_decode(struct wire_key *key, struct rotor_bytes bytes);
ROTOR_CALL wire_key_encode(const struct wire_key *key,
                           struct rotor_room *bytes);

// The public half of a key that the back end holds.
ROTOR_CALL wire_key_of(const struct crypto_key *key,
                       struct wire_key *public_key);

// The same for an LM-OTS key.
ROTOR_CALL wire_key_of_lmots(const uint8_t id[CRYPTO_LMOTS_ID],
                             const uint8_t seed[CRYPTO_LMOTS_SEED],
                             struct wire_key *public_key);

// Opens a public key in the back end; the caller closes it.
//
// ROTOR_MALFORMED  not a point on the curve.
// ROTOR_INVALID    LM-OTS or no key: not of the back end.
ROTOR_CALL wire_key_open(const struct wire_key *public_key,
                         struct crypto_key *key);

// kid = H("rotor1 key" || 0 || COSE_Key); SHA-384 for P-384, else SHA-256.
ROTOR_CALL wire_key_id(const struct wire_key *key, struct wire_digest *kid);

// ---- COSE_Sign1, detached --------------------------------------------------

// Largest payload that is signed: entry bodies are below 1 KiB, the rest are
// hashes; what is longer is refused before any crypto.
#define WIRE_SIGNED_MAX 4096u // bytes

#define WIRE_SIGN1_MAX 2200u // bytes, with an LM-OTS signature

// Contexts, without the zero that follows each in external_aad.
#define WIRE_CONTEXT_ENTRY_OLD  "rotor1 entry/old"
#define WIRE_CONTEXT_ENTRY_AUTH "rotor1 entry/auth"
#define WIRE_CONTEXT_ENTRY_POP  "rotor1 entry/pop"
#define WIRE_CONTEXT_ENTRY_RA   "rotor1 entry/ra"
#define WIRE_CONTEXT_ATTEST     "rotor1 attest"
#define WIRE_CONTEXT_DONE       "rotor1 done"
#define WIRE_CONTEXT_HEAD       "rotor1 head"
#define WIRE_CONTEXT_CHAN_AP    "rotor1 chan/ap"
#define WIRE_CONTEXT_CHAN_RTP   "rotor1 chan/rtp"

// What is signed: LABEL(WIRE_CONTEXT_...) and the payload.
struct wire_statement {
    struct rotor_bytes context;
    struct rotor_bytes payload;
};

// Signs with a key of the back end: {1: alg}.  Replaces what `sign1` holds.
//
// ROTOR_INVALID    not a private signing key, or payload > WIRE_SIGNED_MAX.
// ROTOR_TOO_SMALL  no room.
ROTOR_CALL wire_cose_sign(const struct crypto_key *key,
                          const struct wire_statement *statement,
                          struct rotor_room *sign1);

// The form of the recovery authority: {1: alg, 4: kid}.
ROTOR_CALL wire_cose_sign_ra(const struct crypto_key *key,
                             const struct wire_statement *statement,
                             struct rotor_room *sign1);

// Signs with an LM-OTS key.  A key signs one statement, ever: the caller's to
// keep.
ROTOR_CALL wire_cose_sign_lmots(const uint8_t id[CRYPTO_LMOTS_ID],
                                const uint8_t seed[CRYPTO_LMOTS_SEED],
                                const struct wire_statement *statement,
                                struct rotor_room *sign1);

// Verifies under a stored key, LM-OTS included.  *valid is false unless the
// algorithm in the header is the key's own, the signature has its size and
// verifies.
//
// ROTOR_MALFORMED  not a detached COSE_Sign1 with protected {1: alg}, or the
//                  key is not a point, or payload > WIRE_SIGNED_MAX.
// ROTOR_INVALID    not a key that signs.
ROTOR_CALL wire_cose_verify(const struct wire_key *key,
                            const struct wire_statement *statement,
                            struct rotor_bytes sign1, bool *valid);

// The same for {1: alg, 4: kid}; the kid must be the one of `key`.  Never
// LM-OTS.
ROTOR_CALL wire_cose_verify_ra(const struct wire_key *key,
                               const struct wire_statement *statement,
                               struct rotor_bytes sign1, bool *valid);

// The same as wire_cose_verify with a key that is open in the back end.
ROTOR_CALL wire_cose_verify_with(const struct crypto_key *key,
                                 const struct wire_statement *statement,
                                 struct rotor_bytes sign1, bool *valid);

// The kid in the header of an RA signature, a view: which key to verify with.
//
// ROTOR_MALFORMED  not a COSE_Sign1 of the RA form; *kid is empty.
ROTOR_CALL wire_cose_kid(struct rotor_bytes sign1, struct rotor_bytes *kid);

// dCBOR ["Signature1", protected, external_aad, payload].  Rotor's own
// external_aad is always context || 0; the functions above see to that.
ROTOR_CALL wire_cose_signed_bytes(struct rotor_bytes protected_header,
                                  struct rotor_bytes external_aad,
                                  struct rotor_bytes payload,
                                  struct rotor_room *bytes);

#endif
