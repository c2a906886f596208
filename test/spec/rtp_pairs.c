// SPDX-License-Identifier: Apache-2.0
// Queue pairs of programs that are over: the enclave is told, whatever happens.
#include "test/spec/rtp_client.h"

#define OVER(channel) (UINT64_C(1) << ((channel)-1u))

static unsigned orders_seen(const struct sim_device *device)
{
    return device->seen.frames_to_ap[WIRE_PAIRS_OVER];
}

SPEC("the enclave is told of each pair whose program is gone, once")
{
    struct sim_device *device = device_ready(41);
    rtp_end_pair(&device->rtp, 3);
    sim_run(device, 10);
    assert_int_equal(device->enclave.pairs_over, OVER(3));
    rtp_end_pair(&device->rtp, 1);
    rtp_end_pair(&device->rtp, 64);
    sim_run(device, 60000);
    assert_int_equal(device->enclave.pairs_over, OVER(1) | OVER(3) | OVER(64));
    assert_int_equal(orders_seen(device), 2);
    sim_device_free(device);
}

SPEC("a pair that ends behind the order of another one is told with the next")
{
    struct sim_device *device = device_ready(41);
    rtp_end_pair(&device->rtp, 1);
    device->rtp_is_deaf = true;
    sim_run(device, 10);
    rtp_end_pair(&device->rtp, 2);
    device->rtp_is_deaf = false;
    sim_run(device, 10);
    assert_int_equal(device->enclave.pairs_over, OVER(1) | OVER(2));
    assert_int_equal(orders_seen(device), 2);
    sim_device_free(device);
}

SPEC("an order that is lost with its channel is given again in the next one")
{
    struct sim_device *device = device_ready(42);
    device->ap_is_mute = true;
    rtp_end_pair(&device->rtp, 5);
    sim_run(device, 30000);
    assert_int_equal(device->enclave.pairs_over, 0);
    device->ap_is_mute = false;
    sim_run(device, 90000);
    assert_int_equal(device->enclave.pairs_over, OVER(5));
    sim_device_free(device);
}

SPEC("a pair that ends while a rotation is under way ends behind that order, "
     "and "
     "the rotation goes on")
{
    struct sim_device *device = device_ready(43);
    struct client client = {.device = device};
    (void)client_rotate(&client, WIRE_REASON_OPERATOR, 0);
    while (device->seen.frames_to_ap[WIRE_ROTATE] == 0) {
        assert_true(sim_round(device));
    }
    rtp_end_pair(&device->rtp, 2);
    client_run(&client, 1000);
    assert_int_equal(device->enclave.pairs_over, OVER(2));
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    assert_true(sim_is_steady(device));
    sim_device_free(device);
}

SPEC("a new enclave has new pairs: it is told nothing of those before")
{
    struct sim_device *device = device_ready(44);
    rtp_end_pair(&device->rtp, 4);
    sim_run(device, 10);
    sim_kill_ap(device);
    assert_ok(sim_start_ap(device));
    sim_run(device, 60000);
    assert_true(sim_is_steady(device));
    assert_int_equal(device->enclave.pairs_over, 0);
    assert_int_equal(orders_seen(device), 1);
    sim_device_free(device);
}
