// SPDX-License-Identifier: Apache-2.0
// A relying party, and a device that a sentence makes forget, hide, fork or
// repeat itself.
#ifndef ROTOR_TEST_SPEC_RELYING_RIG_H
#define ROTOR_TEST_SPEC_RELYING_RIG_H

#include "app/rotor/relying.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/rotor/catch_up.h"
#include "base/bytes.h"
#include "chain/schedule.h"
#include "crypto/suite.h"
#include "test/spec.h"
#include "test/spec/chain_maker.h"
#include "test/spec/verify_maker.h"

#define ENTRIES_MAX 520u

// A device: a log, keys of its head, Evidence; a test makes it lie.
struct peer {
    struct maker_log log;
    struct device device;
    struct rotor_bytes entries[ENTRIES_MAX]; // on the heap, in order
    struct wire_order orders[ENTRIES_MAX];
    size_t count;
    struct rotor_bytes real[2];   // while a fork is shown
    size_t dropped;               // entries that it does not hold any more
    size_t shown;                 // entries that LOG_GET hands out
    struct wire_mark mark;        // of the next answer
    const struct chain_trust *at; // answers under this head
    const struct crypto_key *signer;
    unsigned asked_attest;
    unsigned asked_log;
    bool is_mute;
    bool answers_again; // repeats its last answer
    bool without_evidence;
    uint8_t last[WIRE_CLIENT_MAX];
    size_t last_size;
};

static struct peer p;
static struct relying party;
static struct relying_report report;
static struct relying_options options;
static struct verify_reference reference;
static char folder[] = "/tmp/rotor-relying-XXXXXX";
static const uint8_t BOOT[WIRE_ID_SIZE] = {3, 4};
static const uint8_t NONCE_A[WIRE_NONCE_SIZE] = {7, 8};

// ---- the device ------------------------------------------------------------

static inline void keep(struct rotor_bytes entry,
                        const struct wire_order *order)
{
    uint8_t *copy = malloc(entry.size);
    assert_non_null(copy);
    memcpy(copy, entry.data, entry.size);
    assert_true(p.count < ENTRIES_MAX);
    p.entries[p.count] = bytes_of(copy, entry.size);
    p.orders[p.count++] = *order;
    p.shown = p.count;
}

static inline void keep_head(void)
{
    keep(maker_bytes(&p.log.entry), &p.log.trust.order);
}

static inline void rotate(unsigned number)
{
    // Only the party under test keeps all names.
    assert_ok(chain_seen_init(&p.log.party.seen, p.log.party.slots,
                              COUNT_OF(p.log.party.slots)));
    maker_log_rotate(&p.log, 2, number);
    keep_head();
}

static inline enum rotor_status serve_log(struct rotor_bytes payload,
                                          struct rotor_room *reply)
{
    static uint8_t memory[WIRE_CLIENT_MAX];
    struct rotor_room array = {memory, 14000, 0};
    struct wire_log_get get;
    size_t first = p.dropped;
    size_t count = 0;
    size_t size = 0;
    assert_ok(wire_message_decode(&WIRE_LAYOUT_LOG_GET, payload, &get));
    while (first < p.shown &&
           chain_order_compare(&p.orders[first], &get.from) < 0) {
        first++;
    }
    while (first + count < p.shown && count < get.max &&
           size + p.entries[first + count].size < 13000) {
        size += p.entries[first + count++].size;
    }
    struct cbor_writer out;
    cbor_writer_init(&out, &array);
    cbor_write_array(&out, count);
    for (size_t i = 0; i < count; i++) {
        cbor_write_raw(&out, p.entries[first + i]);
    }
    assert_ok(cbor_writer_finish(&out));
    const struct wire_log_entries entries = {
        .log_id = p.log.trust.log_id,
        .entries = bytes_in(&array),
    };
    p.asked_log++;
    return wire_message_encode(&WIRE_LAYOUT_LOG_ENTRIES, &entries, reply);
}

static inline void make_evidence(const struct wire_attest_req *asked,
                                 const struct chain_trust *at,
                                 const struct wire_digest *th1,
                                 struct rotor_room *evidence)
{
    uint8_t ud[CHAIN_UD_SIZE];
    const struct chain_report bound = {
        .purpose = (enum wire_purpose)asked->purpose,
        .log_id = at->log_id,
        .head = chain_trust_head(at),
        .nonce = asked->nonce,
        .bind = wire_digest_bytes(th1),
    };
    assert_ok(chain_ud(&bound, ud));
    device_attest(&p.device, ud, evidence);
}

static inline enum rotor_status serve_attest(struct rotor_bytes payload,
                                             struct rotor_room *reply)
{
    const struct chain_trust *at = p.at != NULL ? p.at : &p.log.trust;
    uint8_t core_bytes[1024];
    uint8_t claims_bytes[512];
    uint8_t evidence_bytes[WIRE_EVIDENCE_MAX];
    uint8_t sig_bytes[256];
    struct rotor_room core = ROOM_OF(core_bytes);
    struct rotor_room claims = ROOM_OF(claims_bytes);
    struct rotor_room evidence = ROOM_OF(evidence_bytes);
    struct rotor_room sig = ROOM_OF(sig_bytes);
    struct wire_attest_req asked;
    struct wire_digest th1;
    struct wire_digest th1e;
    p.asked_attest++;
    if (p.answers_again) {
        return bytes_copy(reply, bytes_of(p.last, p.last_size));
    }
    assert_ok(wire_message_decode(&WIRE_LAYOUT_ATTEST_REQ, payload, &asked));
    device_claims(&p.device, &claims);
    p.mark.signatures++;
    const struct wire_attest_core said = {
        .sid = asked.sid,
        .log_id = at->log_id,
        .epoch = at->order.epoch,
        .body_hash = at->body_hash,
        .suite = at->suite,
        .nonce = BYTES_OF(NONCE_A),
        .claims = bytes_in(&claims),
        .mark = p.mark,
    };
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_CORE, &said, &core));
    assert_ok(chain_session_th1(CRYPTO_SHA256, payload, bytes_in(&core), &th1));
    if (!p.without_evidence) {
        make_evidence(&asked, at, &th1, &evidence);
    }
    assert_ok(chain_session_th1e(&th1, bytes_in(&evidence), &th1e));
    const struct wire_statement statement = {LABEL(WIRE_CONTEXT_ATTEST),
                                             wire_digest_bytes(&th1e)};
    assert_ok(wire_cose_sign(p.signer != NULL ? p.signer : &p.log.head.sign.key,
                             &statement, &sig));
    const struct wire_attest_rsp response = {
        .log_id = asked.log_id,
        .core = bytes_in(&core),
        .evidence = bytes_in(&evidence),
        .sig_s = bytes_in(&sig),
    };
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_RSP, &response, reply));
    memcpy(p.last, reply->data, reply->used);
    p.last_size = reply->used;
    return ROTOR_OK;
}

static inline enum rotor_status ask(void *context, uint64_t op,
                                    struct rotor_bytes payload,
                                    struct rotor_room *reply,
                                    struct relying_refusal *refusal)
{
    (void)context;
    if (p.is_mute) {
        refusal->code = WIRE_CLIENT_UNAVAILABLE;
        return ROTOR_FORBIDDEN;
    }
    return op == WIRE_OP_LOG_GET ? serve_log(payload, reply)
                                 : serve_attest(payload, reply);
}

// ---- the party -------------------------------------------------------------

static inline void begin(void)
{
    memset(&p, 0, sizeof p);
    maker_log_open(&p.log, 2);
    keep_head();
    device_open(&p.device, &GENUINE);
    p.mark = (struct wire_mark){1000, BYTES_OF(BOOT), 0};
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    reference = (struct verify_reference){.any_measurement = true};
    options = (struct relying_options){
        .folder = folder,
        .log_id = p.log.trust.log_id,
        .reference = &reference,
        .evidence_is_optional = true,
    };
}

static inline void end(void)
{
    char command[96];
    for (size_t i = 0; i < p.count; i++) {
        free((void *)(uintptr_t)p.entries[i].data);
    }
    free((void *)(uintptr_t)p.real[0].data);
    free((void *)(uintptr_t)p.real[1].data);
    device_close(&p.device);
    maker_log_close(&p.log);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

// A whole run of the program: open, ask, judge, close.
static inline bool verify(void)
{
    const struct relying_device device = {NULL, ask};
    const struct relying_wish wish = {0};
    memset(&report, 0, sizeof report);
    bool is_accepted = relying_open(&party, &options, &report.outcome) &&
                       relying_attest(&party, &device, &wish, &report);
    relying_close(&party);
    assert_true(is_accepted == report.outcome.is_accepted);
    return is_accepted;
}

static inline void assert_accepted(uint64_t steps)
{
    if (!verify()) {
        fail_msg("refused: %s", report.outcome.reason);
    }
    assert_int_equal(report.steps, steps);
}

static inline void assert_refused(enum cause cause, const char *words)
{
    if (verify()) {
        fail_msg("accepted, wanted: %s", words);
    }
    if (report.outcome.cause != cause ||
        strstr(report.outcome.reason, words) == NULL) {
        fail_msg("wanted %s: %s; got %s: %s", cause_name(cause), words,
                 cause_name(report.outcome.cause), report.outcome.reason);
    }
}

#endif
