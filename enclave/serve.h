// SPDX-License-Identifier: Apache-2.0
// Inside of the enclave: one request on its way to an answer.
//
// A handler is called only for a type, state and way that the table of
// serve.c allows, with the message decoded and its log_id checked.  It fills
// the answer, or refuses: enclave->refusal then says which ERROR goes out.
#ifndef ROTOR_ENCLAVE_SERVE_H
#define ROTOR_ENCLAVE_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/hash.h"
#include "enclave/enclave.h"

// The channel that a frame came by and that its answer leaves by.
struct enclave_route {
    enum enclave_way way;
    struct enclave_pair *pair;      // sealed and program ways
    struct enclave_pair *opens;     // half way: what HELLO_FIN opens
    struct enclave_half_open *half; // half way
    uint32_t channel_id;
    uint64_t *next_in;
    uint64_t *next_out;
    struct wire_digest log_id;
};

union enclave_message {
    struct wire_hello_rtp hello_rtp;
    struct wire_hello_fin hello_fin;
    struct wire_generate generate;
    struct wire_accept0 accept0;
    struct wire_rotate rotate;
    struct wire_commit commit;
    struct wire_recover recover;
    struct wire_recover_signed recover_signed;
    struct wire_attest_req attest;
    struct wire_session_fin session_fin;
    struct wire_session_key session_key;
    struct wire_log_get log_get;
    struct wire_head_proof head_proof;
    struct wire_status_request status;
    struct wire_pairs_over pairs_over;
    struct wire_sign sign;
};

struct enclave_request {
    struct rotor_bytes frame;   // as it came
    struct rotor_bytes payload; // unsealed
    struct wire_header header;
    struct enclave_route route;
    uint64_t first_in; // sequences of a HELLO_RTP, which begins a channel
    uint64_t first_out;
    union enclave_message message;
};

struct enclave_answer {
    enum wire_type type;
    struct rotor_room payload;
    bool closes;      // the channel ends with this answer
    bool is_deferred; // enclave_step makes it
};

typedef enum rotor_status enclave_handler(struct enclave *enclave,
                                          struct enclave_request *request,
                                          struct enclave_answer *answer);

enclave_handler enclave_serve_hello_rtp;
enclave_handler enclave_serve_hello_fin;
enclave_handler enclave_serve_generate;
enclave_handler enclave_serve_accept0;
enclave_handler enclave_serve_rotate;
enclave_handler enclave_serve_commit;
enclave_handler enclave_serve_recover;
enclave_handler enclave_serve_recover_signed;
enclave_handler enclave_serve_attest;
enclave_handler enclave_serve_session_fin;
enclave_handler enclave_serve_session_key;
enclave_handler enclave_serve_log_get;
enclave_handler enclave_serve_head_proof;
enclave_handler enclave_serve_status;
enclave_handler enclave_serve_pairs_over;
enclave_handler enclave_serve_sign;

// Refuses what is being served: always ROTOR_FORBIDDEN, for `return`.
enum rotor_status enclave_refuse(struct enclave *enclave, enum wire_error code,
                                 uint64_t detail);

// Encodes a message as the answer of `type`.
ROTOR_CALL enclave_answer_with(struct enclave_answer *answer,
                               enum wire_type type,
                               const struct wire_layout *layout,
                               const void *message);

// ---- what several handlers ask ---------------------------------------------

// Random bytes for one secret or nonce; refuses with ERROR entropy.
ROTOR_CALL enclave_draw(struct enclave *enclave, uint8_t *out, size_t size);
// For nonces and keys of one connection.
ROTOR_CALL enclave_draw_passing(struct enclave *enclave, uint8_t *out,
                                size_t size);

// Makes sure that this boot has its id: drawn as soon as entropy allows.
ROTOR_CALL enclave_boot_id(struct enclave *enclave);

uint64_t enclave_uptime_s(const struct enclave *enclave);
uint64_t enclave_running_s(const struct enclave *enclave); // over all boots

// A state that the anchor names, or that RA approved.
bool enclave_is_usable(const struct enclave *enclave);

// An S that may sign: a log, and no doubt about it.
bool enclave_has_log(const struct enclave *enclave);

// Epoch and body_hash of cur; zeros and empty without a log.
struct wire_head enclave_head(const struct enclave *enclave);
struct wire_digest enclave_log_id(const struct enclave *enclave);

// The header of an answer; the payload's size is not in it.
struct wire_header enclave_header(const struct enclave *enclave,
                                  const struct enclave_request *request,
                                  enum wire_type type);

// Signs with S of cur and counts it.
ROTOR_CALL enclave_sign(struct enclave *enclave, struct rotor_bytes context,
                        struct rotor_bytes payload, struct rotor_room *sign1);

// What S signed for a program's pair: the RTP sees none of it.
void enclave_count_beside(struct enclave *enclave,
                          const struct enclave_request *request);

// A seed is empty, or has 32..64 bytes and an origin.
bool enclave_seed_fits(struct rotor_bytes seed, uint64_t seed_src);

// The status map; `with_report` adds the text for people.
ROTOR_CALL enclave_status_encode(const struct enclave *enclave,
                                 bool with_report, struct rotor_room *map);

// Claims as they stand now: exact bytes, good until the next call.
ROTOR_CALL enclave_claims(struct enclave *enclave, struct rotor_bytes *claims);

// Evidence for `report` into enclave->evidence.
ROTOR_CALL enclave_evidence_make(struct enclave *enclave,
                                 const struct chain_report *report,
                                 struct rotor_bytes *evidence);

#endif
