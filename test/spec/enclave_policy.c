// SPDX-License-Identifier: Apache-2.0
// Every message in every state on every way, against a table read off
// doc/PROTOCOL.rot by hand.
#include <string.h>

#include "test/spec/enclave_world.h"

static struct world world;
static struct peer peer;
static struct chain_trust trust;

// Letters of states: E empty, 0 prep0, C cur, P prep, R rec, L closed,
// B burnt, H halted.
static const char LETTERS[] = "E0CPRLBH";

// In which states a type is looked at, by way.
struct expectation {
    uint8_t type;
    const char *half, *sealed, *bare, *emergency, *program;
};

static const struct expectation EXPECTED[] = {
    {WIRE_HELLO_FIN,      "E0CPRLBH", "",         "",         "",         ""        },
    {WIRE_GENERATE,       "",         "E0CPLB",   "E0CPLB",   "",         ""        },
    {WIRE_ROT_ACCEPT0,    "",         "0C",       "0C",       "",         ""        },
    {WIRE_ROTATE,         "",         "CP",       "",         "",         ""        },
    {WIRE_ROT_COMMIT,     "",         "CPLB",     "",         "CPLB",     ""        },
    {WIRE_RECOVER,        "",         "ECPLBH",   "ECPLBH",   "",         ""        },
    {WIRE_RECOVER_SIGNED, "",         "ECPLBHR",  "ECPLBHR",  "",         ""        },
    {WIRE_ATTEST_REQ,     "",         "CPLB",     "",         "",         "CPLB"    },
    {WIRE_SESSION_FIN,    "",         "CPLB",     "",         "",         "CPLB"    },
    {WIRE_SESSION_KEY,    "",         "CPLB",     "",         "",         ""        },
    {WIRE_LOG_GET,        "E0CPRLBH", "E0CPRLBH", "E0CPRLBH", "E0CPRLBH", "E0CPRLBH"},
    {WIRE_HEAD_PROOF,     "",         "CPLB",     "",         "",         "CPLB"    },
    {WIRE_STATUS,         "",         "E0CPRLBH", "E0CPRLBH", "E0CPRLBH", ""        },
    {WIRE_PAIRS_OVER,     "",         "E0CPRLBH", "E0CPRLBH", "E0CPRLBH", ""        },
    {WIRE_SIGN,           "",         "CPLB",     "",         "",         "CPLB"    },
};

static const char *states_of(uint8_t type, enum enclave_way way)
{
    for (size_t i = 0; i < COUNT_OF(EXPECTED); i++) {
        const struct expectation *row = &EXPECTED[i];
        if (row->type != type) {
            continue;
        }
        switch (way) {
        case ENCLAVE_WAY_HALF:
            return row->half;
        case ENCLAVE_WAY_SEALED:
            return row->sealed;
        case ENCLAVE_WAY_BARE:
            return row->bare;
        case ENCLAVE_WAY_EMERGENCY:
            return row->emergency;
        case ENCLAVE_WAY_PROGRAM:
            return row->program;
        case ENCLAVE_WAY_CLOSED:
            break;
        }
    }
    return "";
}

// ---- a platform in each state ----------------------------------------------

static void rotate_kind_4(void)
{
    struct chain_entry entry;
    struct wire_rotate close = {
        .reason = WIRE_REASON_OPERATOR, .has_kind = true, .kind = CHAIN_CLOSE};
    struct wire_digest hash;
    assert_int_equal(ask_rotate_as(&peer, &close), WIRE_ROT_PREPARED);
    peer_entry(&peer, &entry);
    assert_ok(chain_body_hash(&entry.body, &hash));
    assert_int_equal(ask_commit(&peer, 1, &hash), WIRE_ROT_DONE);
}

static void recover_half_way(void)
{
    static uint8_t body_bytes[2048];
    struct authority authority;
    struct wire_recover_body body;
    authority_init(&authority, 1);
    struct recovery order = {.kind = 2,
                             .incarnation = 1,
                             .epoch = 1,
                             .supersedes = chain_trust_head(&trust),
                             .log_id = trust.log_id,
                             .asks = USUAL,
                             .authority = &authority};
    assert_int_equal(ask_recover(&peer, &order), WIRE_RECOVER_BODY);
    peer_decode(&peer, &WIRE_LAYOUT_RECOVER_BODY, &body);
    memcpy(body_bytes, body.body.data, body.body.size);
    world.platform.refuses_attach = true;
    assert_int_equal(ask_recover_signed(&peer,
                                        bytes_of(body_bytes, body.body.size),
                                        &authority, 2),
                     WIRE_ERROR);
    authority_close(&authority);
}

// A counter as anchor, power gone right behind its increment.
static void burn(void)
{
    world.platform.fault = FAULT_KILL_BEFORE;
    world.platform.fault_at = world.platform.steps + 4;
    (void)ask_rotate(&peer, 0, WIRE_REASON_SCHEDULED);
    assert_true(world.platform.is_dead);
    world.platform.fault = FAULT_NONE;
}

// The fixture: at cur 0 with a counter or a digest as anchor, then on.
static void reach(enum wire_state state)
{
    world_init(&world);
    world.identity.anchor_kind = state == WIRE_STATE_BURNT ? 3 : 0;
    world_start(&world);
    peer_init(&peer, &world);
    struct chain_trust none = {0};
    struct chain_entry entry;
    if (state == WIRE_STATE_EMPTY) {
        return;
    }
    assert_true(peer_pair(&peer));
    assert_int_equal(ask_generate(&peer, &USUAL), WIRE_ROT_AVAILABLE);
    peer_entry(&peer, &entry);
    assert_true(entry_follows(&none, entry.bytes, &trust));
    if (state == WIRE_STATE_PREP0) {
        return;
    }
    assert_int_equal(ask_accept0(&peer, &trust.body_hash), WIRE_ROT_DONE);
    assert_true(peer_pair(&peer));
    if (state == WIRE_STATE_PREP) {
        assert_int_equal(ask_rotate(&peer, 0, WIRE_REASON_SCHEDULED),
                         WIRE_ROT_PREPARED);
    } else if (state == WIRE_STATE_REC) {
        recover_half_way();
    } else if (state == WIRE_STATE_CLOSED) {
        rotate_kind_4();
    } else if (state == WIRE_STATE_BURNT) {
        burn();
    } else if (state == WIRE_STATE_HALTED) {
        world.platform.files[ENCLAVE_STATE].bytes[100] ^= 1;
    }
}

static const enum enclave_way WAYS[] = {ENCLAVE_WAY_HALF, ENCLAVE_WAY_SEALED,
                                        ENCLAVE_WAY_BARE, ENCLAVE_WAY_EMERGENCY,
                                        ENCLAVE_WAY_PROGRAM};

// A fresh channel of `way` on the enclave as it stands.
static void take_way(enum enclave_way way)
{
    peer_close(&peer);
    if (way == ENCLAVE_WAY_PROGRAM) {
        peer_init_program(&peer, &world);
        return;
    }
    uint32_t channel_id = peer.channel_id;
    peer_init(&peer, &world);
    peer.channel_id = channel_id;
    assert_true(peer_hello(&peer));
    if (way != ENCLAVE_WAY_HALF) {
        assert_true(peer_fin(&peer));
        peer.pair.way = way; // also where HELLO would not lead there
    }
}

static uint64_t denial_code(uint8_t type, enum enclave_way way,
                            enum wire_state state)
{
    bool is_ever_there = states_of(type, way)[0] != 0;
    if (!is_ever_there) {
        return WIRE_E_TYPE;
    }
    return state == WIRE_STATE_HALTED ? WIRE_E_ROLLED_BACK : WIRE_E_STATE;
}

// What is allowed gets as far as its decoder, and the content is no message.
static void check_cell(uint8_t type, enum enclave_way way,
                       enum wire_state state)
{
    take_way(way);
    assert_int_equal(enclave_state_code(&world.enclave), state);
    bool is_allowed = strchr(states_of(type, way), LETTERS[state]) != NULL;
    uint64_t wanted =
        is_allowed ? WIRE_E_MALFORMED : denial_code(type, way, state);
    if (way == ENCLAVE_WAY_HALF && type == WIRE_HELLO_RTP) {
        return; // begins a channel of its own: enclave_pair.c
    }
    enum wire_type reply = peer_send(&peer, type, LABEL("\xa0"));
    uint64_t code = reply == WIRE_ERROR ? peer_error(&peer) : 1000 + reply;
    if (code != wanted) {
        print_message("%s in %s on way %d: code %u, wanted %u\n",
                      wire_type_name(type), wire_state_name(state), way,
                      (unsigned)code, (unsigned)wanted);
    }
    assert_int_equal(code, wanted);
    if (!is_allowed && code == WIRE_E_STATE) {
        assert_int_equal(peer_error_detail(&peer), state);
    }
}

static void check_state(enum wire_state state)
{
    static const uint8_t TYPES[] = {
        0x00, 0x01, 0x02, 0x03, 0x10, 0x11, 0x12, 0x20, 0x21, 0x22, 0x23,
        0x24, 0x25, 0x26, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x40, 0x41,
        0x42, 0x43, 0x50, 0x51, 0x52, 0x5f, 0x60, 0x61, 0x7f, 0x80, 0xff};
    reach(state);
    if (state == WIRE_STATE_BURNT || state == WIRE_STATE_HALTED) {
        world_start(&world);
    }
    for (size_t i = 0; i < COUNT_OF(WAYS); i++) {
        for (size_t j = 0; j < COUNT_OF(TYPES); j++) {
            check_cell(TYPES[j], WAYS[i], state);
        }
    }
    peer_close(&peer);
    world_close(&world);
}

SPEC("every message in every state on every way is answered by the table")
{
    for (uint32_t code = 0; code < 8; code++) {
        check_state((enum wire_state)code);
    }
}

SPEC("a message that is allowed under a channel of another log is refused")
{
    world_at_cur(&world, &peer, &USUAL, &trust);
    peer.log_id.bytes[0] ^= 1;
    assert_int_equal(ask_status(&peer), WIRE_ERROR);
    assert_int_equal(peer_error(&peer), WIRE_E_HASH);
    peer_close(&peer);
    world_close(&world);
}
