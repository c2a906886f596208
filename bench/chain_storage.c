// SPDX-License-Identifier: Apache-2.0
// What a device has on its disks when its root has rotated a million times.
//
//     storage  bytes in all files of enclave and RTP, each in whole blocks:
//              the most there ever was, beside the most of the first hundred
//
// The real RTP and the real enclave, in one process, over stores that are
// memory (test/sim): nothing is synced, time is simulated.  The log is told to
// hold 64 entries.  SIGTERM ends a long run early; what was seen is printed.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "bench/tally.h"
#include "test/sim/device.h"

#define KEEP  64u
#define FIRST 100u
#define BLOCK 4096u // bytes

static uint64_t tags;
static volatile sig_atomic_t is_over;

static void stop(int signal_number)
{
    (void)signal_number;
    is_over = 1;
}

static void ask(struct sim_device *device, uint64_t op, uint64_t value)
{
    uint8_t memory[32];
    struct rotor_room payload = ROOM_OF(memory);
    const struct wire_client_rotate rotate = {.reason = value};
    const struct wire_client_prune prune = {.keep = value};
    const struct rtp_request request = {.op = op, .tag = ++tags};
    struct rtp_request whole = request;
    bool is_rotate = op == WIRE_OP_ROTATE;
    tally_expect(wire_message_encode(is_rotate ? &WIRE_LAYOUT_CLIENT_ROTATE
                                               : &WIRE_LAYOUT_CLIENT_PRUNE,
                                     is_rotate ? (const void *)&rotate
                                               : (const void *)&prune,
                                     &payload) == ROTOR_OK,
                 "an order");
    whole.payload = bytes_in(&payload);
    tally_expect(rtp_submit(&device->rtp, device->now_ms, &whole) == ROTOR_OK,
                 "the RTP takes an order");
}

static void await(struct sim_device *device)
{
    struct rtp_completion done;
    while (rtp_complete(&device->rtp, device->now_ms, &done) != ROTOR_OK) {
        rtp_tick(&device->rtp, device->now_ms);
        if (sim_round(device)) {
            continue;
        }
        uint64_t at = rtp_wakeup(&device->rtp);
        device->now_ms = at > device->now_ms ? at : device->now_ms + 1u;
    }
    tally_expect(done.code == WIRE_CLIENT_OK, done.text);
}

static uint64_t blocks(size_t size)
{
    return (size + BLOCK - 1u) / BLOCK * BLOCK;
}

static uint64_t bytes_on(const struct sim_store *store)
{
    uint64_t sum = blocks(store->log_size);
    for (size_t i = 0; i < ENCLAVE_FILES; i++) {
        sum += store->ap[i].is_there ? blocks(store->ap[i].size) : 0;
    }
    for (size_t i = 0; i < RTP_FILE_COUNT; i++) {
        sum += store->rtp[i].is_there ? blocks(store->rtp[i].size) : 0;
    }
    return sum;
}

static void say_progress(unsigned long done, unsigned long all)
{
    if (done % 1000u == 0 && isatty(STDERR_FILENO) == 1) {
        fprintf(stderr, "\r%lu of %lu rotations", done, all);
    }
}

// The most bytes that the first hundred and all rotations took.  Returns how
// many there were.
static unsigned long rotate_all(struct sim_device *device,
                                unsigned long rotations, uint64_t *most_first,
                                uint64_t *most)
{
    unsigned long i = 0;
    while (i < rotations && (i < FIRST || !is_over)) {
        ask(device, WIRE_OP_ROTATE, WIRE_REASON_SCHEDULED);
        await(device);
        sim_run(device, 1); // what follows: a prune that is due
        uint64_t bytes = bytes_on(&device->store);
        *most = bytes > *most ? bytes : *most;
        i++;
        *most_first = i == FIRST ? *most : *most_first;
        say_progress(i, rotations);
    }
    tally_expect(device->rtp.state.trust.order.epoch == i,
                 "every rotation took place");
    return i;
}

int main(int count, char **words)
{
    static struct tally tally = {
        .bench = "chain",
        .name = "storage",
        .unit = "bytes",
        .reference = "the first hundred rotations",
        .kind = TALLY_RATIO_AT_MOST,
        .goal = 1.0,
    };
    unsigned long rotations = count > 1 ? strtoul(words[1], NULL, 10) : 2000;
    tally_expect(rotations > FIRST, "more than a hundred rotations");
    struct sim_device *device = sim_device_new(1);
    tally_expect(device != NULL && sim_start_ap(device) == ROTOR_OK &&
                     sim_start_rtp(device) == ROTOR_OK &&
                     sim_run_until(device, 60000, sim_is_steady),
                 "a device");
    uint64_t most_first = 0;
    uint64_t most = 0;
    ask(device, WIRE_OP_PRUNE, KEEP);
    await(device);
    (void)signal(SIGTERM, stop);
    rotations = rotate_all(device, rotations, &most_first, &most);
    tally_add(&tally, (double)most, (double)most_first);
    tally_print(&tally);
    fprintf(stderr, "chain/storage: after %lu rotations\n", rotations);
    sim_device_free(device);
    return 0;
}
