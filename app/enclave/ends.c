// SPDX-License-Identifier: Apache-2.0
#include "app/enclave/ends.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/bytes.h"

// ---- open ------------------------------------------------------------------

static enum rotor_status open_end(struct end *end,
                                  const struct rotor_ipq_plan *plan, int queue,
                                  int bell)
{
    TRY(shared_queue_open(&end->queue, plan, queue, ROTOR_IPQ_AP));
    end->bell_fd = bell;
    doorbell_init(&end->bell, &end->queue.channel, DOORBELL_NO_EVENT, bell);
    return ROTOR_OK;
}

static enum rotor_status open_pair(struct ends *ends, uint32_t queue_seed,
                                   uint32_t i)
{
    const struct rotor_ipq_plan plan = {LAUNCH_PAIR_SLOTS, ROTOR_IPQ_FRAME_MAX,
                                        launch_pair_seed(queue_seed, i)};
    struct end *end = &ends->end[1 + i];
    end->is_over = fcntl((int)(LAUNCH_FD_PAIRS + i), F_GETFD) < 0;
    if (end->is_over) {
        return ROTOR_OK; // a launcher that made none
    }
    enclave_pair_init_program(&end->pair, launch_pair_channel(i));
    enum rotor_status status = open_end(end, &plan, (int)(LAUNCH_FD_PAIRS + i),
                                        (int)(LAUNCH_FD_PAIR_BELLS + i));
    (void)close((int)(LAUNCH_FD_PAIRS + i)); // mapped: no longer needed
    return status;
}

enum rotor_status ends_open(struct ends *ends, uint32_t queue_seed)
{
    const struct rotor_ipq_plan plan = {LAUNCH_QUEUE_SLOTS, ROTOR_IPQ_FRAME_MAX,
                                        queue_seed};
    struct end *rtp = &ends->end[ENDS_RTP];
    doorbells_init(&ends->bells);
    enclave_pair_init_control(&rtp->pair);
    TRY(open_end(rtp, &plan, LAUNCH_FD_QUEUE, LAUNCH_FD_BELL));
    for (uint32_t i = 0; i < LAUNCH_PAIRS; i++) {
        TRY(open_pair(ends, queue_seed, i));
    }
    for (size_t i = 0; i < ENDS_COUNT; i++) {
        uint32_t reasons = ends->end[i].is_over ? 0 : ROTOR_IPQ_FRAMES;
        TRY(doorbells_add(&ends->bells, &ends->end[i].bell, reasons));
    }
    return ROTOR_OK;
}

// ---- condemned -------------------------------------------------------------

static const char *broken_rule(const struct end *end)
{
    enum rotor_ipq_rule rule = rotor_ipq_broken_rule(&end->queue.channel.in);
    if (rule == ROTOR_IPQ_UNBROKEN) {
        rule = rotor_ipq_broken_rule(&end->queue.channel.out);
    }
    return rule == ROTOR_IPQ_UNBROKEN ? NULL : rotor_ipq_rule_text(rule);
}

static void end_it(struct end *end)
{
    enclave_pair_close(&end->pair);
    end->is_over = true;
    end->reply_size = 0;
}

// Its own end alone.  The hang-up of the bell tells the program.
static void condemn(struct ends *ends, struct end *end, const char *rule)
{
    size_t i = (size_t)(end - ends->end);
    if (i == ENDS_RTP) {
        fprintf(stderr, "enclave: error: the RTP broke the queue: %s\n", rule);
    } else {
        fprintf(stderr, "enclave: warning: queue pair %zu is condemned: %s\n",
                i, rule);
        (void)close(end->bell_fd);
    }
    end_it(end);
}

// Those whose programs are gone, the RTP says.
static void end_pairs(struct ends *ends, uint64_t over)
{
    for (uint32_t i = 0; i < LAUNCH_PAIRS; i++) {
        struct end *end = &ends->end[1 + i];
        if (!end->is_over && (over >> i & 1u) != 0) {
            (void)close(end->bell_fd);
            end_it(end);
        }
    }
}

// ---- one frame -------------------------------------------------------------

// True when the answer left, or there was none.
static bool give(struct end *end)
{
    if (end->reply_size == 0) {
        return true;
    }
    enum rotor_status status = rotor_ipq_push(
        &end->queue.channel.out, bytes_of(end->reply, end->reply_size));
    if (status == ROTOR_AGAIN) {
        return false;
    }
    // Dead: broken_rule sees it.
    end->reply_size = 0;
    enum rotor_status rung = doorbell_ring(&end->bell);
    (void)rung;
    return true;
}

// A program's frame that is none of its channel, or out of order: an honest
// librotor sends none, and a pair that lost count answers nothing any more.
static const char STRANGE_FRAME[] = "a frame that is not the next of its pair";

static bool serve_frame(struct ends *ends, struct end *end,
                        struct enclave *enclave)
{
    struct rotor_room frame = ROOM_OF(ends->frame);
    struct rotor_room reply = ROOM_OF(end->reply);
    if (rotor_ipq_pop(&end->queue.channel.in, &frame) != ROTOR_OK) {
        return false;
    }
    enum rotor_status status =
        enclave_serve(enclave, &end->pair, bytes_in(&frame), &reply);
    end->reply_size = status == ROTOR_OK ? reply.used : 0;
    bool is_program = end != &ends->end[ENDS_RTP];
    if (is_program && end->reply_size == 0) {
        condemn(ends, end, STRANGE_FRAME);
        return true;
    }
    (void)give(end);
    return true;
}

static bool serve_end(struct ends *ends, struct end *end,
                      struct enclave *enclave)
{
    bool waited = end->reply_size != 0;
    if (end->is_over || !give(end)) {
        return false;
    }
    bool moved = serve_frame(ends, end, enclave) || waited;
    const char *rule = end->is_over ? NULL : broken_rule(end);
    if (rule != NULL) {
        condemn(ends, end, rule);
    }
    return moved;
}

// ---- a turn ----------------------------------------------------------------

// The enclave's own work is the RTP's order: its answer goes there.
static bool step(struct end *rtp, struct enclave *enclave)
{
    struct rotor_room reply = ROOM_OF(rtp->reply);
    if (!enclave_has_work(enclave) || !give(rtp)) {
        return false;
    }
    enum rotor_status status = enclave_step(enclave, &rtp->pair, &reply);
    if (status == ROTOR_OK) {
        rtp->reply_size = reply.used;
        (void)give(rtp);
    }
    return status == ROTOR_OK;
}

enum rotor_status ends_turn(struct ends *ends, struct enclave *enclave,
                            bool *moved)
{
    *moved = serve_end(ends, &ends->end[ENDS_RTP], enclave);
    end_pairs(ends, enclave_pairs_over(enclave));
    for (size_t i = 1; i < ENDS_COUNT; i++) {
        *moved = serve_end(ends, &ends->end[i], enclave) || *moved;
    }
    *moved = step(&ends->end[ENDS_RTP], enclave) || *moved;
    return ends->end[ENDS_RTP].is_over ? ROTOR_CORRUPT : ROTOR_OK;
}

bool ends_leave_time(struct ends *ends, bool moved)
{
    ends->turns = moved ? ends->turns + 1 : ENDS_TURNS_A_LOOK;
    if (ends->turns < ENDS_TURNS_A_LOOK) {
        return false;
    }
    ends->turns = 0;
    return true;
}

enum rotor_status ends_wait(struct ends *ends, uint64_t timeout_ns,
                            const _Atomic uint32_t *word, uint32_t value)
{
    for (size_t i = 0; i < ENDS_COUNT; i++) {
        const struct end *end = &ends->end[i];
        uint32_t waits =
            end->reply_size != 0 ? ROTOR_IPQ_ROOM : ROTOR_IPQ_FRAMES;
        ends->bells.entries[i].reasons = end->is_over ? 0 : waits;
    }
    ends->bells.word = word;
    ends->bells.word_value = value;
    return doorbells_wait(&ends->bells, timeout_ns);
}
