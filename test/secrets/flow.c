// SPDX-License-Identifier: Apache-2.0
// A device's life with its secrets hidden from memcheck: wherever rotor's own
// code branches on one of them, or looks something up by it, memcheck reports.
// Runs under valgrind only: ./test.sh secrets.
//
// Nonces and keys of one connection come from the same draw: what of it is sent
// in the clear is public by the rehearsal.
#include "test/secrets/border.h"
#include "test/spec/far_side.h"

static enum rotor_status (*entropy_of_sim)(void *context, uint8_t *out,
                                           size_t size);
static enum rotor_status (*write_of_sim)(void *context, enum enclave_file file,
                                         struct rotor_bytes content);

static enum rotor_status (*advance_of_sim)(void *context, const uint8_t d[32]);

static enum rotor_status draw(void *context, uint8_t *out, size_t size)
{
    enum rotor_status status = entropy_of_sim(context, out, size);
    border_draw(out, size);
    return status;
}

static enum rotor_status show_file(void *context, enum enclave_file file,
                                   struct rotor_bytes content)
{
    border_show(content.data, content.size);
    return write_of_sim(context, file, content);
}

static enum rotor_status show_anchor(void *context, const uint8_t d[32])
{
    struct sim_device *device = context;
    border_show(d, 32);
    enum rotor_status status = advance_of_sim(context, d);
    border_show(device->store.anchor_v, sizeof device->store.anchor_v);
    return status;
}

static void furnish(struct sim_device *device, struct enclave_ops *ops)
{
    (void)device;
    entropy_of_sim = ops->entropy;
    write_of_sim = ops->store_write;
    advance_of_sim = ops->anchor_advance;
    ops->entropy = draw;
    ops->entropy_passing = draw;
    ops->store_write = show_file;
    ops->anchor_advance = show_anchor;
}

static bool show_frame(void *context, struct sim_device *device, uint8_t *frame,
                       size_t *size)
{
    (void)context;
    (void)device;
    border_show(frame, *size);
    return true;
}

static struct sim_device *device_of(uint64_t seed)
{
    struct sim_device *device = sim_device_new(seed);
    assert_non_null(device);
    device->furnish_ap = furnish;
    device->meddle = show_frame;
    border_hide(device->identity.hw_secret, sizeof device->identity.hw_secret);
    return device;
}

// Lives `life` twice, the second time with its secrets hidden.
static void assert_silent(void (*life)(struct sim_device *device))
{
    unsigned long before = border_reports();
    for (int again = 0; again < 2; again++) {
        border_begin(again == 0 ? BORDER_REHEARSAL : BORDER_HIDDEN);
        struct sim_device *device = device_of(1);
        device_start(device);
        life(device);
        border_show(device->store.log, device->store.log_size);
        sim_device_free(device);
    }
    assert_true(border_hidden() >= 4);
    assert_int_equal(border_reports(), before);
}

static void rotate(struct client *client, uint64_t reason)
{
    uint64_t tag = client_rotate(client, reason, 0);
    assert_true(client_await(client, tag, 60000));
    assert_int_equal(client->last.code, WIRE_CLIENT_OK);
}

static void attest(struct client *client)
{
    assert_true(client_attest(client, 0));
    client_run(client, 1000);
    assert_int_equal(client->refused, 0);
}

// ---- memcheck sees ----------------------------------------------------------

static volatile unsigned ends;

static void branch_on(const uint8_t *secret)
{
    if (secret[0] & 1) {
        ends++;
    }
}

static void look_up(const uint8_t *secret)
{
    static volatile uint8_t table[256];
    ends += table[secret[0]];
}

SPEC("a branch on a hidden byte is reported, and a place looked up by one")
{
    uint8_t secret[32] = {1};
    uint8_t derived[32];
    border_begin(BORDER_REHEARSAL);
    border_begin(BORDER_HIDDEN);
    unsigned long before = border_reports();
    branch_on(secret);
    assert_int_equal(border_reports(), before);
    border_hide(secret, sizeof secret);
    branch_on(secret);
    assert_int_equal(border_reports(), before + 1);
    look_up(secret);
    assert_int_equal(border_reports(), before + 2);
    const struct rotor_bytes part = BYTES_OF(secret);
    assert_ok(crypto_hash(CRYPTO_SHA256, &part, 1, derived));
    branch_on(derived);
    assert_int_equal(border_reports(), before + 3);
}

// ---- lives: no branch and no address depends on a secret of the device ------

static void rotate_twice(struct sim_device *device)
{
    struct client client = {.device = device, .must_verify = true};
    for (int i = 0; i < 2; i++) {
        attest(&client);
        rotate(&client, WIRE_REASON_OPERATOR);
    }
    rotate(&client, WIRE_REASON_KEY_COMPROMISE);
    attest(&client);
}

SPEC("silent: a root is made, attests, rotates, rotates in an emergency")
{
    assert_silent(rotate_twice);
}

static void start_again(struct sim_device *device)
{
    struct client client = {.device = device, .must_verify = true};
    rotate(&client, WIRE_REASON_OPERATOR);
    sim_kill_ap(device);
    assert_ok(sim_start_ap(device));
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    attest(&client);
    rotate(&client, WIRE_REASON_OPERATOR);
}

SPEC("silent: a root comes back from the sealed store, and rotates")
{
    assert_silent(start_again);
}

static void hold_session(struct sim_device *device)
{
    static struct far_side far;
    far_begin(&far, device);
    far_fetch_keys(&far);
    assert_true(client_await(&far.client, far.client.tags, 1000));
    assert_int_equal(far.client.last.code, WIRE_CLIENT_OK);
}

SPEC("silent: keys are agreed with a far side and handed out by their handle")
{
    assert_silent(hold_session);
}
