// SPDX-License-Identifier: Apache-2.0
// How the RTP's loop waits for an answer.
#include <unistd.h>

#include "app/rtp/vigil.h"
#include "base/bytes.h"
#include "port/linux/shared_queue.h"

#include "test/spec.h"

static const struct rotor_ipq_plan plan = {512, ROTOR_IPQ_FRAME_MAX, 3};
static struct shared_queue rtp;
static struct shared_queue ap;
static struct vigil vigil;

static void begin(void)
{
    int fd = -1;
    assert_ok(shared_queue_create(&plan, &fd));
    assert_ok(shared_queue_open(&rtp, &plan, fd, ROTOR_IPQ_RTP));
    assert_ok(shared_queue_open(&ap, &plan, fd, ROTOR_IPQ_AP));
    close(fd);
    vigil_open(&vigil);
}

static void end(void)
{
    shared_queue_close(&rtp);
    shared_queue_close(&ap);
}

SPEC(
    "who is owed nothing does not wait, and a silent enclave is not waited for "
    "without end")
{
    begin();
    assert_false(vigil_keep(&vigil, &rtp.channel, 0));
    assert_int_equal(vigil.op, 0);
    assert_false(vigil_keep(&vigil, &rtp.channel, WIRE_OP_ATTEST));
    assert_int_equal(vigil.op, WIRE_OP_ATTEST);
    // It has had its time: the next look is no longer than none.
    assert_false(vigil_keep(&vigil, &rtp.channel, WIRE_OP_ATTEST));
    assert_false(vigil_keep(&vigil, &rtp.channel, 0));
    assert_int_equal(vigil.op, 0);
    end();
}

SPEC("what an answer took is noted for its kind alone")
{
    static const uint8_t frame[] = {1};
    begin();
    assert_false(vigil_keep(&vigil, &rtp.channel, WIRE_OP_ATTEST));
    usleep(200);
    assert_ok(rotor_ipq_push(&ap.channel.out, BYTES_OF(frame)));
    vigil_end(&vigil);
    assert_true(vigil.spins[WIRE_OP_ATTEST].gap_ns != 0);
    assert_int_equal(vigil.spins[WIRE_OP_SESSION_FIN].gap_ns, 0);
    uint64_t attest = vigil.spins[WIRE_OP_ATTEST].gap_ns;
    assert_true(vigil_keep(&vigil, &rtp.channel, WIRE_OP_SESSION_FIN));
    vigil_end(&vigil);
    assert_int_equal(vigil.spins[WIRE_OP_ATTEST].gap_ns, attest);
    uint64_t noted = vigil.spins[WIRE_OP_SESSION_FIN].gap_ns;
    vigil_end(&vigil); // of no wait: nothing to note
    assert_int_equal(vigil.spins[WIRE_OP_SESSION_FIN].gap_ns, noted);
    assert_int_equal(vigil.spins[WIRE_OP_NONE].gap_ns, 0);
    end();
}

static void wait_once(bool is_shared)
{
    vigil.op = WIRE_OP_ATTEST;
    vigil.since_ns = spin_now_ns();
    vigil.is_shared = is_shared;
    vigil_end(&vigil);
}

SPEC("one wait on a processor of one's own ends the count of shared ones")
{
    begin();
    for (unsigned i = 1; i < 8; i++) {
        wait_once(true);
        assert_int_equal(vigil.sharing, i);
    }
    wait_once(false);
    assert_int_equal(vigil.sharing, 0);
    for (unsigned i = 0; i < 8; i++) {
        wait_once(true);
    }
    assert_int_equal(vigil.sharing, 0); // it moved
    end();
}
