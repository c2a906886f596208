// SPDX-License-Identifier: Apache-2.0
// Words for people: doc/PROTOCOL.rot, sections 5.1, 5.3, 6.1 and 7.3.
#include "base/bytes.h"
#include "wire/message.h"
#include "wire/walls.h"

static const char *name_of(const char *const *names, size_t count,
                           uint64_t value)
{
    return value < count && names[value] != NULL ? names[value] : "unknown";
}

const char *wire_error_name(uint64_t code)
{
    static const char *const names[] = {
        [WIRE_E_NONE] = "none",
        [WIRE_E_MALFORMED] = "malformed message",
        [WIRE_E_TYPE] = "message not allowed here",
        [WIRE_E_STATE] = "not allowed in this state",
        [WIRE_E_EPOCH] = "wrong epoch",
        [WIRE_E_EXISTS] = "already done with other content",
        [WIRE_E_SUITE] = "other suite wanted",
        [WIRE_E_RATE] = "rate limit",
        [WIRE_E_ENTROPY] = "no healthy entropy source",
        [WIRE_E_STORE] = "store failed",
        [WIRE_E_ROLLED_BACK] = "rolled back",
        [WIRE_E_POLICY] = "refused by policy",
        [WIRE_E_SIGNATURE] = "bad signature",
        [WIRE_E_HASH] = "other body hash",
        [WIRE_E_BUSY] = "busy",
        [WIRE_E_NOT_FOUND] = "not found",
        [WIRE_E_DUPLICITY] = "duplicity",
    };
    return name_of(names, COUNT_OF(names), code);
}

const char *wire_type_name(uint64_t type)
{
    static const char *const names[] = {
        [WIRE_HELLO_RTP] = "HELLO_RTP",
        [WIRE_HELLO_AP] = "HELLO_AP",
        [WIRE_HELLO_FIN] = "HELLO_FIN",
        [WIRE_GENERATE] = "GENERATE",
        [WIRE_ROT_AVAILABLE] = "ROT_AVAILABLE",
        [WIRE_ROT_ACCEPT0] = "ROT_ACCEPT0",
        [WIRE_ROTATE] = "ROTATE",
        [WIRE_ROT_PREPARED] = "ROT_PREPARED",
        [WIRE_ROT_COMMIT] = "ROT_COMMIT",
        [WIRE_ROT_DONE] = "ROT_DONE",
        [WIRE_RECOVER] = "RECOVER",
        [WIRE_RECOVER_BODY] = "RECOVER_BODY",
        [WIRE_RECOVER_SIGNED] = "RECOVER_SIGNED",
        [WIRE_ATTEST_REQ] = "ATTEST_REQ",
        [WIRE_ATTEST_RSP] = "ATTEST_RSP",
        [WIRE_SESSION_FIN] = "SESSION_FIN",
        [WIRE_SESSION_KEY] = "SESSION_KEY",
        [WIRE_SESSION_KEYED] = "SESSION_KEYED",
        [WIRE_LOG_GET] = "LOG_GET",
        [WIRE_LOG_ENTRIES] = "LOG_ENTRIES",
        [WIRE_HEAD_PROOF] = "HEAD_PROOF",
        [WIRE_STATUS] = "STATUS",
        [WIRE_PAIRS_OVER] = "PAIRS_OVER",
        [WIRE_ERROR] = "ERROR",
        [WIRE_SIGN] = "SIGN",
        [WIRE_SIGNED] = "SIGNED",
    };
    return name_of(names, COUNT_OF(names), type);
}

const char *wire_reason_name(uint64_t reason)
{
    static const char *const names[] = {
        [WIRE_REASON_INITIAL] = "initial",
        [WIRE_REASON_SCHEDULED] = "scheduled",
        [WIRE_REASON_USAGE] = "usage-limit",
        [WIRE_REASON_SECURITY_EVENT] = "security-event",
        [WIRE_REASON_KEY_COMPROMISE] = "key-compromise",
        [WIRE_REASON_ALGORITHM] = "algorithm-change",
        [WIRE_REASON_FIRMWARE] = "firmware-change",
        [WIRE_REASON_OPERATOR] = "operator",
        [WIRE_REASON_RECOVERY] = "recovery",
    };
    return name_of(names, COUNT_OF(names), reason);
}

const char *wire_state_name(uint64_t state)
{
    static const char *const names[] = {
        [WIRE_STATE_EMPTY] = "empty",  [WIRE_STATE_PREP0] = "first-prepared",
        [WIRE_STATE_CUR] = "current",  [WIRE_STATE_PREP] = "prepared",
        [WIRE_STATE_REC] = "recovery", [WIRE_STATE_CLOSED] = "closed",
        [WIRE_STATE_BURNT] = "burnt",  [WIRE_STATE_HALTED] = "halted",
    };
    return name_of(names, COUNT_OF(names), state);
}

const char *wire_wall_name(uint64_t wall)
{
    static const char *const names[] = {
        [WIRE_WALL_SECCOMP] = "seccomp",
        [WIRE_WALL_NO_NEW_PRIVS] = "no-new-privs",
        [WIRE_WALL_NON_DUMPABLE] = "non-dumpable",
        [WIRE_WALL_SEALED_QUEUE] = "sealed-queue",
        [WIRE_WALL_SECRET_MEMORY] = "secret-memory",
        [WIRE_WALL_LOCKED_MEMORY] = "locked-memory",
        [WIRE_WALL_NO_CORE] = "no-core",
        [WIRE_WALL_LANDLOCK] = "landlock",
        [WIRE_WALL_NO_NEW_CODE] = "no-new-code",
        [WIRE_WALL_PARENT_DEATH] = "parent-death",
        [WIRE_WALL_OWN_USER] = "own-user",
        [WIRE_WALL_NO_CAPABILITIES] = "no-capabilities",
        [WIRE_WALL_PID_NAMESPACE] = "pid-namespace",
        [WIRE_WALL_NET_NAMESPACE] = "net-namespace",
        [WIRE_WALL_IPC_NAMESPACE] = "ipc-namespace",
        [WIRE_WALL_UTS_NAMESPACE] = "uts-namespace",
        [WIRE_WALL_MOUNT_NAMESPACE] = "mount-namespace",
    };
    return name_of(names, COUNT_OF(names), wall);
}
