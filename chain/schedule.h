// SPDX-License-Identifier: Apache-2.0
// The key schedules of channel and session, one text for both ends.
//
// Every hash is of the suite in use.  SECRET structs are wiped by whoever
// declared them.  doc/PROTOCOL.chain 6 (channel) and 7 (session).
#ifndef ROTOR_CHAIN_SCHEDULE_H
#define ROTOR_CHAIN_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>
#include <rotor/status.h>

#include "wire/cose.h"
#include "wire/frame.h"
#include "wire/message.h"

// ---- ephemerals ------------------------------------------------------------

#define CHAIN_POINT_MAX 97u // bytes: 32, or 0x04 || x || y

// Writes the public half of an ephemeral in wire form.
ROTOR_CALL chain_point_encode(const struct crypto_key *key,
                              struct rotor_room *point);

// DH of our private key with a peer's ephemeral in wire form: shared.used is
// crypto_sizes().shared bytes.  SECRET.
//
// ROTOR_MALFORMED  not a point of the key's scheme, or an all-zero result.
ROTOR_CALL chain_agree(const struct crypto_key *key, struct rotor_bytes point,
                       struct rotor_room *shared);

// The same with a static key of a body (K_e).
ROTOR_CALL chain_agree_static(const struct crypto_key *key,
                              const struct wire_key *peer,
                              struct rotor_room *shared);

// ---- channel ---------------------------------------------------------------

struct chain_hello {
    struct rotor_bytes hello_rtp; // the whole frame: header and payload
    struct rotor_bytes ap_header; // of HELLO_AP, WIRE_HEADER_SIZE bytes
    struct rotor_bytes core;
};

// T1 = H("rotor1 chan1" || 0 || lp4(HELLO_RTP frame) || lp4(HELLO_AP header
// with bytes 8..11 zero) || lp4(core)).
ROTOR_CALL chain_channel_t1(enum crypto_hash alg,
                            const struct chain_hello *hello,
                            struct wire_digest *t1);

// T2 = H("rotor1 chan2" || 0 || T1 || lp4(Evidence)).
ROTOR_CALL chain_channel_t2(const struct wire_digest *t1,
                            struct rotor_bytes evidence,
                            struct wire_digest *t2);

// T3 = H("rotor1 chan3" || 0 || T2 || lp4(sig_S) || lp4(COSE_Key(C))).
ROTOR_CALL chain_channel_t3(const struct wire_digest *t2,
                            struct rotor_bytes sig_s,
                            struct rotor_bytes control_key,
                            struct wire_digest *t3);

struct chain_channel_input {
    uint32_t suite;
    struct wire_digest log_id; // empty before genesis
    struct rotor_bytes ee;     // SECRET
    struct rotor_bytes es;     // SECRET; empty before genesis: L zero bytes
    struct wire_digest t3;
};

// One direction. SECRET.
struct chain_traffic {
    uint8_t key[CRYPTO_AEAD_KEY];
    uint8_t iv[WIRE_IV_SIZE];
};

struct chain_channel_keys { // SECRET
    struct chain_traffic r2a;
    struct chain_traffic a2r;
};

// ROTOR_INVALID  the suite is not known, or t3 is of another hash.
ROTOR_CALL chain_channel_derive(const struct chain_channel_input *input,
                                struct chain_channel_keys *keys);

// ---- session ---------------------------------------------------------------

// TH1 = H("rotor1 th1" || 0 || lp4(M1) || lp4(M2')): the payload of
// ATTEST_REQ, the core of ATTEST_RSP.
ROTOR_CALL chain_session_th1(enum crypto_hash alg, struct rotor_bytes request,
                             struct rotor_bytes core, struct wire_digest *th1);

// TH1E = H("rotor1 th1e" || 0 || TH1 || lp4(Evidence)): what sig_S signs.
ROTOR_CALL chain_session_th1e(const struct wire_digest *th1,
                              struct rotor_bytes evidence,
                              struct wire_digest *th1e);

// TH2 = H("rotor1 th2" || 0 || TH1 || lp4(Evidence) || lp4(sig_S)).
ROTOR_CALL chain_session_th2(const struct wire_digest *th1,
                             struct rotor_bytes evidence,
                             struct rotor_bytes sig_s, struct wire_digest *th2);

// What the keys hang on, in the order of ctx.  id_ap is log_id.
struct chain_session_input {
    struct rotor_bytes ee; // SECRET
    struct rotor_bytes es; // SECRET
    uint32_t suite;
    struct wire_digest log_id;
    struct wire_head head;     // of the AP: epoch, body_hash_e
    struct wire_digest id_rtp; // key 10 of the request
    struct rotor_bytes sid;
    struct rotor_bytes nonce_v;
    struct rotor_bytes nonce_a;
    uint64_t purpose;
    struct rotor_bytes peer_binding;
    struct wire_digest th2;
};

struct chain_session_keys { // SECRET
    enum crypto_hash alg;
    struct chain_traffic r2a;
    struct chain_traffic a2r;
    uint8_t fin_r[WIRE_DIGEST_MAX];    // L bytes
    uint8_t fin_a[WIRE_DIGEST_MAX];    // L bytes
    uint8_t exporter[WIRE_DIGEST_MAX]; // L bytes
};

// ROTOR_INVALID  the suite is not known, or th2 is of another hash.
ROTOR_CALL chain_session_derive(const struct chain_session_input *input,
                                struct chain_session_keys *keys);

// mac_a = HMAC(K("fin a"), TH2): L bytes.
ROTOR_CALL chain_session_mac_a(const struct chain_session_keys *keys,
                               const struct wire_digest *th2,
                               struct rotor_room *mac);

// mac_r = HMAC(K("fin r"), H(TH2 || mac_a)): L bytes.  Compare with
// secret_equal.
ROTOR_CALL chain_session_mac_r(const struct chain_session_keys *keys,
                               const struct wire_digest *th2,
                               struct rotor_bytes mac_a,
                               struct rotor_room *mac);

#endif
