// SPDX-License-Identifier: Apache-2.0
// What rotord makes of the RTP's words about an enclave.  Linked with --wrap.
#include "app/rotord/device.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/spec.h"

#define SEED 7u
#define PID  4711

static struct device device;
static int rtp;
static unsigned killed;

int __wrap_kill(pid_t pid, int number);
int __wrap_kill(pid_t pid, int number)
{
    assert_int_equal(pid, PID);
    assert_int_equal(number, SIGKILL);
    killed++;
    return 0;
}

// With an enclave on trial.
static void begin(void)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    rtp = ends[1];
    killed = 0;
    device = (struct device){
        .starter = ends[0],
        .queue_seed = SEED,
        .enclave = {.component = BOOT_ENCLAVE,
                    .pid = PID,
                    .running.is_trial = true},
    };
}

static void end(void)
{
    close(device.starter);
    close(rtp);
}

static void hear(enum launch_notice notice, uint32_t value)
{
    const struct launch_record record = {.notice = notice, .value = value};
    assert_int_equal(send(rtp, &record, sizeof record, 0), sizeof record);
    device_take_record(&device);
}

SPEC("an enclave that is refused, or to be another one, is ended; the one "
     "behind it is not")
{
    begin();
    hear(LAUNCH_REFUSED, SEED - 1);
    hear(LAUNCH_RENEW, SEED - 1);
    assert_int_equal(killed, 0);
    hear(LAUNCH_REFUSED, SEED);
    assert_int_equal(killed, 1);
    hear(LAUNCH_RENEW, SEED);
    assert_int_equal(killed, 2);
    end();
}

SPEC("an image on trial is not confirmed by what was said of the one before")
{
    begin();
    hear(LAUNCH_ATTESTED, SEED - 1);
    assert_true(device.enclave.running.is_trial);
    hear(LAUNCH_ATTESTED, SEED);
    assert_false(device.enclave.running.is_trial);
    end();
}
