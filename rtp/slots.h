// SPDX-License-Identifier: Apache-2.0
// The requests of programs: a bounded table, first come first served.
#ifndef ROTOR_RTP_SLOTS_H
#define ROTOR_RTP_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/client.h"

#define RTP_SLOTS 64u
// Of them with the enclave: it serves one after the other, and who gives up on
// what was sent keeps the slot from others until it is answered.
#define RTP_SENT_MAX    16u
#define RTP_REQUEST_MAX 9216u // bytes of a payload: signatures of an authority

enum rtp_slot_state {
    RTP_SLOT_FREE = 0,
    RTP_SLOT_QUEUED,   // to be sent when the channel is open
    RTP_SLOT_SENT,     // the enclave owes an answer
    RTP_SLOT_WAITING,  // for a rotation to end
    RTP_SLOT_REPORTED, // a body that a job has to judge
    RTP_SLOT_LOCAL,    // answered by us when it is popped
    RTP_SLOT_DONE,     // code and text are there
    RTP_SLOT_LATE,     // the program had its answer; the enclave owes one still
};

struct rtp_slot {
    enum rtp_slot_state state;
    bool is_owed; // a frame was sent and the enclave did not answer it
    uint64_t op;  // enum wire_op
    uint64_t tag;
    uint64_t ticket; // order of arrival
    uint64_t deadline_ms;
    uint64_t sent_ms;
    uint64_t round;           // WAITING: the rotation that it waits for
    uint8_t id[WIRE_ID_SIZE]; // request id of its frame
    enum wire_client_code code;
    const char *text;
    uint64_t error;
    uint64_t detail;
    struct wire_client_finding finding; // DONE, of a report
    bool has_payload;                   // DONE: `answer` views the inbox
    struct rotor_bytes answer;
    size_t size;
    uint8_t payload[RTP_REQUEST_MAX];
};

struct rtp_slots {
    struct rtp_slot slot[RTP_SLOTS];
    uint64_t tickets;
    uint64_t round; // rotations begun since the start
};

// A free slot with the next ticket, or NULL.
struct rtp_slot *rtp_slots_take(struct rtp_slots *slots);
// The oldest slot in `state`, or NULL.
struct rtp_slot *rtp_slots_oldest(struct rtp_slots *slots,
                                  enum rtp_slot_state state);
// The slot of a frame that was sent and not answered, or NULL.
struct rtp_slot *rtp_slots_of_frame(struct rtp_slots *slots,
                                    const uint8_t id[WIRE_ID_SIZE]);
// The slot of a program's request that has no answer yet, or NULL.
struct rtp_slot *rtp_slots_of_tag(struct rtp_slots *slots, uint64_t tag);

// Not answered yet, and not by the next pop: its deadline counts.
bool rtp_slot_has_deadline(const struct rtp_slot *slot);

// Answers a program without a payload.
void rtp_slot_finish(struct rtp_slot *slot, enum wire_client_code code,
                     const char *text);

// The program took its answer, or is gone: the slot is free as soon as the
// enclave owes nothing.
void rtp_slot_release(struct rtp_slot *slot);
// The enclave answered, or never will.
void rtp_slot_settle(struct rtp_slot *slot);

// Requests in flight; frames that the enclave owes an answer to.
size_t rtp_slots_in_flight(const struct rtp_slots *slots);
size_t rtp_slots_owed(const struct rtp_slots *slots);
// enum wire_op of the request that is answered next; 0: nothing is owed.
uint64_t rtp_slots_awaited(const struct rtp_slots *slots);

// Whose answers are passed on: the type sent and the type awaited; WIRE_NONE
// for an op that the enclave does not see.
struct rtp_route {
    uint8_t request;
    uint8_t reply;
};
struct rtp_route rtp_route_of(uint64_t op);

#endif
