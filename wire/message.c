// SPDX-License-Identifier: Apache-2.0
#include "wire/message.h"

#include "wire/layout.h"

static const uint16_t PUBLIC[] = {32, 65, 97, WIRE_ANY_SIZE};
static const uint16_t MAYBE_PUBLIC[] = {0, 32, 65, 97, WIRE_ANY_SIZE};
static const uint16_t MAC[] = {32, 48, WIRE_ANY_SIZE};
static const uint16_t MAYBE_MAC[] = {0, 32, 48, WIRE_ANY_SIZE};
static const uint16_t MAYBE_SIGNATURE[] = {0, 64, 96, WIRE_ANY_SIZE};

// A COSE_Sign1 of the S schemes: 64 or 96 bytes of signature and its headers.
#define SIGN1_MAX 128u

// ---- the table of PROTOCOL.rot 5.1, keys beyond 0 and 1 --------------------

static const struct wire_field HELLO_RTP[] = {
    BYTES(2, wire_hello_rtp, nonce, 32, 32),
    SIZED(3, wire_hello_rtp, e_r, PUBLIC),
    OF(SUITES, 4, wire_hello_rtp, suites),
    OF(DIGEST, 5, wire_hello_rtp, control_kid),
    OPTIONAL(HEAD, 6, wire_hello_rtp, cur, 0, 0),
    OPTIONAL(HEAD, 7, wire_hello_rtp, pend, 0, 0),
    OF(ORDER, 8, wire_hello_rtp, floor),
};
static const struct wire_field HELLO_AP[] = {
    BYTES(2, wire_hello_ap, core, 1, 1024),
    BYTES(3, wire_hello_ap, evidence, 1, WIRE_EVIDENCE_MAX),
    BYTES(4, wire_hello_ap, sig_s, 0, SIGN1_MAX),
};
static const struct wire_field HELLO_CORE[] = {
    BYTES(0, wire_hello_core, nonce, 32, 32),
    SIZED(1, wire_hello_core, e_a, PUBLIC),
    UINT(2, wire_hello_core, suite, UINT16_MAX),
    ITEM(3, wire_hello_core, status, 1024),
};
static const struct wire_field STATUS_MAP[] = {
    UINT(0, wire_status, state, WIRE_STATE_HALTED),
    UINT(1, wire_status, incarnation, UINT32_MAX),
    OPTIONAL(HEAD, 2, wire_status, cur, 0, 0),
    OPTIONAL(HEAD, 3, wire_status, prepared, 0, 0),
    UINT(4, wire_status, n, UINT64_MAX),
    UINT(5, wire_status, anchor_kind, 3),
    BYTES(6, wire_status, boot_id, WIRE_ID_SIZE, WIRE_ID_SIZE),
    UINT(7, wire_status, rotation_tokens, UINT32_MAX),
    UINT(8, wire_status, emergency_token, 1),
    OPTIONAL(DIGEST, 9, wire_status, candidate, 0, 0),
    OPTIONAL(BYTES, 64, wire_status, report, 0, 512),
    OPTIONAL(UINT, 65, wire_status, beside, 0, UINT64_MAX),
};
static const struct wire_field HELLO_FIN[] = {
    BYTES(2, wire_hello_fin, control_key, 1, 128),
    BYTES(3, wire_hello_fin, sig_c, 1, SIGN1_MAX),
};
static const struct wire_field GENERATE[] = {
    BYTES(2, wire_generate, seed, 0, 64),
    UINT(3, wire_generate, seed_src, 3),
    UINT(4, wire_generate, suite, UINT16_MAX),
    OF(DIGEST, 5, wire_generate, control_kid),
    ITEM(6, wire_generate, policy, 512),
};
static const struct wire_field ENTRY[] = {
    ITEM(2, wire_entry, entry, WIRE_ENTRY_MAX),
};
static const struct wire_field ACCEPT0[] = {
    OF(DIGEST, 2, wire_accept0, body_hash),
};
static const struct wire_field ROTATE[] = {
    UINT(2, wire_rotate, from_epoch, UINT64_MAX),
    BYTES(3, wire_rotate, seed, 0, 64),
    UINT(4, wire_rotate, seed_src, 3),
    UINT(5, wire_rotate, reason, WIRE_REASON_OPERATOR),
    OPTIONAL(UINT, 6, wire_rotate, suite, 0, UINT16_MAX),
    OPTIONAL(UINT, 7, wire_rotate, distrust_from, 0, UINT64_MAX),
    OPTIONAL(UINT, 8, wire_rotate, kind, 0, 4),
};
static const struct wire_field COMMIT[] = {
    UINT(2, wire_commit, epoch, UINT64_MAX),
    OF(DIGEST, 3, wire_commit, body_hash),
};
static const struct wire_field DONE[] = {
    UINT(2, wire_done, epoch, UINT64_MAX),
    OF(DIGEST, 3, wire_done, body_hash),
    UINT(4, wire_done, n, UINT64_MAX),
    BYTES(5, wire_done, sig, 1, SIGN1_MAX),
};
static const struct wire_field RECOVER[] = {
    UINT(2, wire_recover, kind, 3),
    UINT(3, wire_recover, incarnation, UINT32_MAX),
    UINT(4, wire_recover, epoch, UINT64_MAX),
    OF(HEAD, 5, wire_recover, supersedes),
    UINT(6, wire_recover, suite, UINT16_MAX),
    BYTES(7, wire_recover, seed, 0, 64),
    UINT(8, wire_recover, seed_src, 3),
    ITEM(9, wire_recover, ra_set, 4096),
    OF(DIGEST, 10, wire_recover, control_kid),
    ITEM(11, wire_recover, policy, 512),
    UINT(12, wire_recover, with_old, 1),
    OF(DIGEST, 13, wire_recover, order_log_id),
};
static const struct wire_field RECOVER_BODY[] = {
    BYTES(2, wire_recover_body, body, 1, WIRE_ENTRY_MAX),
    BYTES(3, wire_recover_body, evidence, 1, WIRE_EVIDENCE_MAX),
};
static const struct wire_field RECOVER_SIGNED[] = {
    OF(DIGEST, 2, wire_recover_signed, body_hash),
    ITEM(3, wire_recover_signed, sig_ra, 8192),
    ITEM(4, wire_recover_signed, ra_sets, 8192),
};
static const struct wire_field ATTEST_REQ[] = {
    BYTES(2, wire_attest_req, sid, WIRE_ID_SIZE, WIRE_ID_SIZE),
    BYTES(3, wire_attest_req, nonce, 32, 32),
    SIZED(4, wire_attest_req, e_r, MAYBE_PUBLIC),
    OF(SUITES, 5, wire_attest_req, suites),
    UINT(6, wire_attest_req, purpose, WIRE_PURPOSE_HEAD),
    BYTES(7, wire_attest_req, peer_binding, 0, 64),
    UINT(8, wire_attest_req, min_epoch, UINT64_MAX),
    OPTIONAL(HEAD, 9, wire_attest_req, trusted_head, 0, 0),
    OF(MDIGEST, 10, wire_attest_req, id),
    UINT(11, wire_attest_req, want_evidence, 1),
};
static const struct wire_field ATTEST_RSP[] = {
    BYTES(2, wire_attest_rsp, core, 1, 4096),
    BYTES(3, wire_attest_rsp, evidence, 0, WIRE_EVIDENCE_MAX),
    BYTES(4, wire_attest_rsp, sig_s, 1, SIGN1_MAX),
    SIZED(5, wire_attest_rsp, mac_a, MAYBE_MAC),
};
static const struct wire_field ATTEST_CORE[] = {
    BYTES(0, wire_attest_core, sid, WIRE_ID_SIZE, WIRE_ID_SIZE),
    OF(DIGEST, 1, wire_attest_core, log_id),
    UINT(2, wire_attest_core, epoch, UINT64_MAX),
    OF(DIGEST, 3, wire_attest_core, body_hash),
    UINT(4, wire_attest_core, suite, UINT16_MAX),
    BYTES(5, wire_attest_core, nonce, 32, 32),
    SIZED(6, wire_attest_core, e_a, MAYBE_PUBLIC),
    ITEM(7, wire_attest_core, claims, 3072),
    OF(MARK, 8, wire_attest_core, mark),
};
static const struct wire_field CLAIMS[] = {
    UINT(-70001, wire_claims, level, 3),
    UINT(-70002, wire_claims, anchor_kind, 3),
    UINT(-70003, wire_claims, erasure, 2),
    ITEM(-70004, wire_claims, service_kids, 512),
    OF(LIMITS, -70005, wire_claims, limits),
    OF(DIGEST, -70006, wire_claims, measurement),
    UINT(-70007, wire_claims, walls, UINT64_MAX),
};
static const struct wire_field SESSION_FIN[] = {
    BYTES(2, wire_session_fin, sid, WIRE_ID_SIZE, WIRE_ID_SIZE),
    SIZED(3, wire_session_fin, mac_r, MAC),
};
static const struct wire_field SESSION_KEY[] = {
    BYTES(2, wire_session_key, sid, WIRE_ID_SIZE, WIRE_ID_SIZE),
};
static const struct wire_field SESSION_KEYED[] = {
    BYTES(2, wire_session_keyed, sid, WIRE_ID_SIZE, WIRE_ID_SIZE),
    UINT(3, wire_session_keyed, suite, UINT16_MAX),
    UINT(4, wire_session_keyed, epoch, UINT64_MAX),
    BYTES(5, wire_session_keyed, r2a_key, 32, 32),
    BYTES(6, wire_session_keyed, r2a_iv, 12, 12),
    BYTES(7, wire_session_keyed, a2r_key, 32, 32),
    BYTES(8, wire_session_keyed, a2r_iv, 12, 12),
    SIZED(9, wire_session_keyed, exporter, MAC),
};
static const struct wire_field LOG_GET[] = {
    OF(ORDER, 2, wire_log_get, from),
    UINT(3, wire_log_get, max, 1024),
};
static const struct wire_field LOG_ENTRIES[] = {
    ITEM(2, wire_log_entries, entries, WIRE_ENTRY_MAX + 64),
    OPTIONAL(HEAD, 3, wire_log_entries, head, 0, 0),
};
static const struct wire_field HEAD_PROOF[] = {
    BYTES(2, wire_head_proof, nonce, 32, 32),
};
static const struct wire_field HEAD_REPLY[] = {
    BYTES(2, wire_head_reply, nonce, 32, 32),
    UINT(3, wire_head_reply, epoch, UINT64_MAX),
    OF(DIGEST, 4, wire_head_reply, body_hash),
    UINT(5, wire_head_reply, n, UINT64_MAX),
    BYTES(6, wire_head_reply, sig, 1, SIGN1_MAX),
};
static const struct wire_field STATUS_REPLY[] = {
    ITEM(2, wire_status_reply, status, 1024),
};
static const struct wire_field PAIRS_OVER[] = {
    UINT(2, wire_pairs_over, set, UINT64_MAX),
};
static const struct wire_field ERROR[] = {
    UINT(2, wire_error_reply, code, UINT16_MAX),
    UINT(3, wire_error_reply, detail, UINT64_MAX),
};
static const struct wire_field SIGN[] = {
    OF(MDIGEST, 2, wire_sign, service_kid),
    BYTES(3, wire_sign, input, 0, 4096),
};
static const struct wire_field SIGNED[] = {
    BYTES(2, wire_signed, service_key, 1, 128),
    SIZED(3, wire_signed, signature, MAYBE_SIGNATURE),
};

LAYOUT(HELLO_RTP, WIRE_HELLO_RTP, wire_hello_rtp, HELLO_RTP);
LAYOUT(HELLO_AP, WIRE_HELLO_AP, wire_hello_ap, HELLO_AP);
LAYOUT(HELLO_CORE, WIRE_NONE, wire_hello_core, HELLO_CORE);
LAYOUT(HELLO_FIN, WIRE_HELLO_FIN, wire_hello_fin, HELLO_FIN);
LAYOUT(STATUS_MAP, WIRE_NONE, wire_status, STATUS_MAP);
LAYOUT(GENERATE, WIRE_GENERATE, wire_generate, GENERATE);
LAYOUT(ROT_AVAILABLE, WIRE_ROT_AVAILABLE, wire_entry, ENTRY);
LAYOUT(ROT_ACCEPT0, WIRE_ROT_ACCEPT0, wire_accept0, ACCEPT0);
LAYOUT(ROTATE, WIRE_ROTATE, wire_rotate, ROTATE);
LAYOUT(ROT_PREPARED, WIRE_ROT_PREPARED, wire_entry, ENTRY);
LAYOUT(ROT_COMMIT, WIRE_ROT_COMMIT, wire_commit, COMMIT);
LAYOUT(ROT_DONE, WIRE_ROT_DONE, wire_done, DONE);
LAYOUT(RECOVER, WIRE_RECOVER, wire_recover, RECOVER);
LAYOUT(RECOVER_BODY, WIRE_RECOVER_BODY, wire_recover_body, RECOVER_BODY);
LAYOUT(RECOVER_SIGNED, WIRE_RECOVER_SIGNED, wire_recover_signed,
       RECOVER_SIGNED);
LAYOUT(ATTEST_REQ, WIRE_ATTEST_REQ, wire_attest_req, ATTEST_REQ);
LAYOUT(ATTEST_RSP, WIRE_ATTEST_RSP, wire_attest_rsp, ATTEST_RSP);
LAYOUT(ATTEST_CORE, WIRE_NONE, wire_attest_core, ATTEST_CORE);
// Claims of an EAT that we do not know are ignored.
const struct wire_layout WIRE_LAYOUT_CLAIMS = {
    WIRE_NONE, true, sizeof(struct wire_claims), CLAIMS, COUNT_OF(CLAIMS)};
LAYOUT(SESSION_FIN, WIRE_SESSION_FIN, wire_session_fin, SESSION_FIN);
LAYOUT(SESSION_KEY, WIRE_SESSION_KEY, wire_session_key, SESSION_KEY);
LAYOUT(SESSION_KEYED, WIRE_SESSION_KEYED, wire_session_keyed, SESSION_KEYED);
LAYOUT(LOG_GET, WIRE_LOG_GET, wire_log_get, LOG_GET);
LAYOUT(LOG_ENTRIES, WIRE_LOG_ENTRIES, wire_log_entries, LOG_ENTRIES);
LAYOUT(HEAD_PROOF, WIRE_HEAD_PROOF, wire_head_proof, HEAD_PROOF);
LAYOUT(HEAD_REPLY, WIRE_HEAD_PROOF, wire_head_reply, HEAD_REPLY);
const struct wire_layout WIRE_LAYOUT_STATUS = {
    WIRE_STATUS, false, sizeof(struct wire_status_request), NULL, 0};
LAYOUT(STATUS_REPLY, WIRE_STATUS, wire_status_reply, STATUS_REPLY);
LAYOUT(PAIRS_OVER, WIRE_PAIRS_OVER, wire_pairs_over, PAIRS_OVER);
LAYOUT(ERROR, WIRE_ERROR, wire_error_reply, ERROR);
LAYOUT(SIGN, WIRE_SIGN, wire_sign, SIGN);
LAYOUT(SIGNED, WIRE_SIGNED, wire_signed, SIGNED);
