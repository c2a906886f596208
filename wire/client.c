// SPDX-License-Identifier: Apache-2.0
#include "wire/client.h"

#include "wire/layout.h"

static const struct wire_field REQUEST[] = {
    UINT(0, wire_client_request, op, 255),
    UINT(1, wire_client_request, id, UINT64_MAX),
    OPTIONAL(UINT, 2, wire_client_request, deadline_ms, 0, 10000),
    OPTIONAL(BYTES, 3, wire_client_request, payload, 0, WIRE_CLIENT_MAX),
};
static const struct wire_field REPLY[] = {
    UINT(0, wire_client_reply, op, 255),
    UINT(1, wire_client_reply, id, UINT64_MAX),
    UINT(2, wire_client_reply, code, 255),
    OPTIONAL(BYTES, 3, wire_client_reply, payload, 0, WIRE_CLIENT_MAX),
    OPTIONAL(TEXT, 4, wire_client_reply, text, 0, 512),
    OPTIONAL(UINT, 5, wire_client_reply, error, 0, UINT16_MAX),
    OPTIONAL(UINT, 6, wire_client_reply, detail, 0, UINT64_MAX),
};
static const struct wire_field ROTATE[] = {
    UINT(0, wire_client_rotate, reason, WIRE_REASON_OPERATOR),
    OPTIONAL(UINT, 1, wire_client_rotate, suite, 0, UINT16_MAX),
    OPTIONAL(UINT, 2, wire_client_rotate, kind, 0, 4),
    OPTIONAL(UINT, 3, wire_client_rotate, distrust_from, 0, UINT64_MAX),
};
static const struct wire_field EVENT[] = {
    UINT(0, wire_client_event, reason, WIRE_REASON_OPERATOR),
    TEXT(1, wire_client_event, text, 256),
};
static const struct wire_field REPORT[] = {
    BYTES(0, wire_client_report, entry, 1, WIRE_ENTRY_MAX),
};
static const struct wire_field FINDING[] = {
    UINT(0, wire_client_finding, fork, 255),
    UINT(1, wire_client_finding, epoch, UINT64_MAX),
    UINT(2, wire_client_finding, rotates, 1),
};
static const struct wire_field RECOVER[] = {
    ITEM(0, wire_client_recover, ra_set, 4096),
    OPTIONAL(UINT, 1, wire_client_recover, suite, 0, UINT16_MAX),
    OPTIONAL(HEAD, 2, wire_client_recover, supersedes, 0, 0),
    UINT(3, wire_client_recover, with_old, 1),
};
static const struct wire_field PRUNE[] = {
    UINT(0, wire_client_prune, keep, UINT32_MAX),
};
static const struct wire_field CANCEL[] = {
    UINT(0, wire_client_cancel, id, UINT64_MAX),
};
static const struct wire_field QUEUE[] = {
    UINT(0, wire_client_queue, channel, UINT32_MAX),
    UINT(1, wire_client_queue, seed, UINT32_MAX),
    UINT(2, wire_client_queue, slots, UINT32_MAX),
    UINT(3, wire_client_queue, left, UINT32_MAX),
};
static const struct wire_field STATUS[] = {
    TEXT(0, wire_client_status, version, 64),
    OF(MDIGEST, 1, wire_client_status, log_id),
    UINT(2, wire_client_status, incarnation, UINT32_MAX),
    UINT(3, wire_client_status, epoch, UINT64_MAX),
    OF(MDIGEST, 4, wire_client_status, body_hash),
    UINT(5, wire_client_status, suite, UINT16_MAX),
    OF(MDIGEST, 6, wire_client_status, sign_kid),
    UINT(7, wire_client_status, ap_state, WIRE_STATE_HALTED),
    TEXT(8, wire_client_status, phase, 64),
    UINT(9, wire_client_status, enclave_is_up, 1),
    UINT(10, wire_client_status, level, 3),
    UINT(11, wire_client_status, anchor_kind, 3),
    UINT(12, wire_client_status, walls, UINT64_MAX),
    UINT(13, wire_client_status, walls_missing, UINT64_MAX),
    TEXT(14, wire_client_status, report, 1024),
    UINT(15, wire_client_status, has_next_rotation, 1),
    UINT(16, wire_client_status, next_rotation_s, UINT64_MAX),
    UINT(17, wire_client_status, is_overdue, 1),
    UINT(18, wire_client_status, attestations, UINT64_MAX),
    UINT(19, wire_client_status, rotations, UINT64_MAX),
    UINT(20, wire_client_status, refused, UINT64_MAX),
    OF(LIMITS, 21, wire_client_status, limits),
    UINT(22, wire_client_status, rotation_tokens, UINT32_MAX),
    OF(MDIGEST, 23, wire_client_status, measurement),
    OF(MDIGEST, 24, wire_client_status, instance),
    UINT(25, wire_client_status, n, UINT64_MAX),
    TEXT(26, wire_client_status, alarm, 256),
    UINT(27, wire_client_status, queue_depth, UINT64_MAX),
    UINT(28, wire_client_status, images, UINT64_MAX),
    UINT(29, wire_client_status, pairs_left, UINT32_MAX),
    UINT(30, wire_client_status, pairs_out, UINT32_MAX),
};
static const struct wire_field HEAD[] = {
    {0, WIRE_FIELD_HEAD, 0, 0, 0, 0, NULL},
};

LAYOUT(CLIENT_REQUEST, WIRE_NONE, wire_client_request, REQUEST);
LAYOUT(CLIENT_REPLY, WIRE_NONE, wire_client_reply, REPLY);
LAYOUT(CLIENT_ROTATE, WIRE_NONE, wire_client_rotate, ROTATE);
LAYOUT(CLIENT_EVENT, WIRE_NONE, wire_client_event, EVENT);
LAYOUT(CLIENT_REPORT, WIRE_NONE, wire_client_report, REPORT);
LAYOUT(CLIENT_FINDING, WIRE_NONE, wire_client_finding, FINDING);
LAYOUT(CLIENT_RECOVER, WIRE_NONE, wire_client_recover, RECOVER);
LAYOUT(CLIENT_PRUNE, WIRE_NONE, wire_client_prune, PRUNE);
LAYOUT(CLIENT_CANCEL, WIRE_NONE, wire_client_cancel, CANCEL);
LAYOUT(CLIENT_QUEUE, WIRE_NONE, wire_client_queue, QUEUE);
LAYOUT(CLIENT_STATUS, WIRE_NONE, wire_client_status, STATUS);
LAYOUT(CLIENT_HEAD, WIRE_NONE, wire_head, HEAD);

const char *wire_client_code_name(uint64_t code)
{
    static const char *const names[] = {
        [WIRE_CLIENT_OK] = "OK",
        [WIRE_CLIENT_MALFORMED] = "MALFORMED",
        [WIRE_CLIENT_DENIED] = "DENIED",
        [WIRE_CLIENT_BUSY] = "BUSY",
        [WIRE_CLIENT_TIMEOUT] = "TIMEOUT",
        [WIRE_CLIENT_CANCELLED] = "CANCELLED",
        [WIRE_CLIENT_REFUSED] = "REFUSED",
        [WIRE_CLIENT_UNAVAILABLE] = "UNAVAILABLE",
        [WIRE_CLIENT_UNSUPPORTED] = "UNSUPPORTED",
        [WIRE_CLIENT_FAILED] = "FAILED",
    };
    return code < COUNT_OF(names) ? names[code] : "UNKNOWN";
}
