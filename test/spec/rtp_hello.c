// SPDX-License-Identifier: Apache-2.0
// Whoever pairs is not who he says, or says it to somebody else: HELLO and what
// comes before a channel is open.
#include "rtp/machine.h"
#include "test/spec/rtp_client.h"

// Meddles with so many HELLO_APs.
struct forger {
    unsigned most;
    unsigned changed;
    unsigned at; // byte that is flipped; 0: the first one is kept, and put in
    size_t kept_size;
    uint8_t kept[WIRE_FRAME_MAX];
};

// Changes HELLO_AP in plaintext.
static bool change_hello(void *context, struct sim_device *device,
                         uint8_t *frame, size_t *size)
{
    struct forger *forger = context;
    (void)device;
    if (frame[5] != WIRE_HELLO_AP || forger->changed >= forger->most) {
        return true;
    }
    if (forger->kept_size != 0) { // the answer to an earlier nonce
        uint8_t header[WIRE_HEADER_SIZE];
        memcpy(header, frame, sizeof header);
        memcpy(frame, forger->kept, forger->kept_size);
        memcpy(frame + 12, header + 12, 28); // channel, sequence, request
        *size = forger->kept_size;
    } else if (forger->at != 0) {
        frame[forger->at] ^= 1;
    } else {
        memcpy(forger->kept, frame, *size);
        forger->kept_size = *size;
        return true;
    }
    forger->changed++;
    return true;
}

static unsigned pair_alarms(const struct sim_device *device)
{
    return device->seen.alarms[RTP_ALARM_EVIDENCE] +
           device->seen.alarms[RTP_ALARM_PEER] +
           device->seen.alarms[RTP_ALARM_FOREIGN_AP];
}

SPEC("a flipped bit anywhere in HELLO_AP: no HELLO_FIN, no order")
{
    struct sim_device *device = device_ready(250);
    static struct forger forger;
    unsigned evidence = 0;
    size_t size = device->rtp.hello_ap_size;
    for (unsigned offset = WIRE_HEADER_SIZE; offset < size; offset += 7) {
        memset(&forger, 0, sizeof forger);
        forger.most = 1;
        forger.at = offset;
        device->meddle = change_hello;
        device->meddle_context = &forger;
        sim_kill_ap(device);
        device->now_ms += 2000;
        assert_ok(sim_start_ap(device));
        unsigned before = pair_alarms(device);
        unsigned fins = device->seen.frames_to_ap[WIRE_HELLO_FIN];
        sim_run(device, 0);
        assert_int_equal(forger.changed, 1);
        assert_int_equal(pair_alarms(device), before + 1);
        assert_int_equal(device->seen.frames_to_ap[WIRE_HELLO_FIN], fins);
        evidence = device->seen.alarms[RTP_ALARM_EVIDENCE];
        assert_true(sim_run_until(device, 60000, sim_is_steady));
    }
    assert_true(evidence > 20);
    sim_device_free(device);
}

SPEC("HELLO_AP of an earlier pairing is refused: the Evidence is not fresh")
{
    struct sim_device *device = device_ready(251);
    static struct forger forger;
    memset(&forger, 0, sizeof forger);
    forger.most = 1;
    device->meddle = change_hello;
    device->meddle_context = &forger;
    for (unsigned i = 0; i < 2; i++) {
        sim_kill_ap(device);
        device->now_ms += 2000;
        assert_ok(sim_start_ap(device));
        sim_run(device, 0);
    }
    assert_int_equal(forger.changed, 1);
    assert_int_equal(device->seen.alarms[RTP_ALARM_EVIDENCE], 1);
    assert_false(rtp_is_attested(&device->rtp));
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    sim_device_free(device);
}

SPEC("an image that no reference names is not paired with")
{
    struct sim_device *device = device_ready(252);
    sim_kill_ap(device);
    assert_ok(sim_install_image(device, 0x66));
    assert_ok(sim_start_ap(device));
    sim_run(device, 300000);
    assert_true(device->seen.alarms[RTP_ALARM_EVIDENCE] >= 5);
    assert_false(rtp_is_attested(&device->rtp));
    assert_int_equal(device->seen.frames_to_ap[WIRE_HELLO_FIN], 2);
    device->wanted = device->measurement;
    assert_true(sim_run_until(device, 100000, sim_is_steady));
    sim_device_free(device);
}

SPEC("an AP with a history that we do not know is not adopted")
{
    struct sim_device *device = device_ready(253);
    sim_kill_rtp(device);
    memset(device->store.rtp, 0, sizeof device->store.rtp);
    device->store.log_size = 0;
    assert_ok(sim_start_rtp(device));
    sim_run(device, 60000);
    assert_int_equal(device->rtp.state.phase, RTP_NEW);
    assert_true(device->seen.alarms[RTP_ALARM_FOREIGN_AP] > 0);
    sim_device_free(device);
}

SPEC("with a pinned log the lost trust store is read back, but C is lost")
{
    struct sim_device *device = device_ready(254);
    device->config.log_id = device->rtp.state.trust.log_id;
    struct sim_file control = device->store.rtp[RTP_FILE_CONTROL];
    sim_kill_rtp(device);
    memset(device->store.rtp, 0, sizeof device->store.rtp);
    device->store.log_size = 0;
    assert_ok(sim_start_rtp(device));
    sim_run(device, 60000);
    // Entry 0 is accepted; the AP refuses the new C.
    assert_int_equal(device->rtp.state.phase, RTP_CUR);
    assert_true(device->seen.alarms[RTP_ALARM_REFUSED] > 0);
    assert_int_equal(device->seen.last.a, WIRE_E_POLICY);
    assert_false(rtp_is_attested(&device->rtp));
    sim_kill_rtp(device);
    device->store.rtp[RTP_FILE_CONTROL] = control;
    assert_ok(sim_start_rtp(device));
    assert_true(sim_run_until(device, 100000, sim_is_steady));
    sim_device_free(device);
}

SPEC("a pinned log is never begun anew")
{
    struct sim_device *device = sim_device_new(255);
    device->config.log_id =
        (struct wire_digest){.alg = CRYPTO_SHA256, .bytes = {1}};
    assert_ok(sim_start_ap(device));
    assert_ok(sim_start_rtp(device));
    sim_run(device, 60000);
    assert_int_equal(device->rtp.state.phase, RTP_NEW);
    assert_int_equal(device->seen.alarms[RTP_ALARM_AP_LOST], 1);
    assert_int_equal(device->seen.frames_to_ap[WIRE_GENERATE], 0);
    sim_device_free(device);
}

SPEC("another log on the AP than ours: foreign, nothing is sent to it")
{
    struct sim_device *device = device_ready(256);
    sim_kill_ap(device);
    struct sim_device *other = device_ready(257);
    sim_kill_ap(other);
    sim_store_restore_ap(device, &other->store, true);
    sim_device_free(other);
    assert_ok(sim_start_ap(device));
    unsigned fins = device->seen.frames_to_ap[WIRE_HELLO_FIN];
    sim_run(device, 30000);
    assert_true(device->seen.alarms[RTP_ALARM_FOREIGN_AP] > 0);
    assert_int_equal(device->seen.frames_to_ap[WIRE_HELLO_FIN], fins);
    sim_device_free(device);
}

// A plaintext ERROR as anybody on the queue could make it; of another channel
// or request where a bit says so.
struct forgery {
    uint64_t sequence;
    uint8_t id_bit;
    uint32_t channel_bit;
};

static void inject_error(struct sim_device *device, struct forgery forgery)
{
    static uint8_t bytes[WIRE_FRAME_MAX];
    uint8_t payload_bytes[64];
    struct rotor_room payload = ROOM_OF(payload_bytes);
    struct rotor_room frame = ROOM_OF(bytes);
    const struct wire_error_reply error = {.code = WIRE_E_RATE, .detail = 50};
    struct wire_header header = {.type = WIRE_ERROR,
                                 .channel_id = device->rtp.channel.id ^
                                               forgery.channel_bit,
                                 .sequence = forgery.sequence};
    memcpy(header.request_id, device->rtp.channel.asked_id, WIRE_ID_SIZE);
    header.request_id[3] ^= forgery.id_bit;
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ERROR, &error, &payload));
    assert_ok(wire_frame_encode(&header, bytes_in(&payload), &frame));
    assert_ok(rtp_take(&device->rtp, device->now_ms, bytes_in(&frame)));
}

SPEC("a plaintext frame that answers nothing is dropped, pairing goes on")
{
    struct sim_device *device = device_ready(259);
    struct rotor_room room;
    static uint8_t bytes[WIRE_FRAME_MAX];
    sim_kill_ap(device);
    device->now_ms += 2000;
    assert_ok(sim_start_ap(device));
    inject_error(device, (struct forgery){0}); // HELLO was not sent yet
    room = ROOM_OF(bytes);
    assert_ok(rtp_next(&device->rtp, device->now_ms, &room));
    assert_int_equal(device->rtp.channel.link, RTP_LINK_HELLO);
    inject_error(device, (struct forgery){.sequence = 5});
    inject_error(device, (struct forgery){.id_bit = 1});
    inject_error(device, (struct forgery){.channel_bit = 1});
    assert_int_equal(device->rtp.channel.link, RTP_LINK_HELLO);
    uint8_t reply_bytes[WIRE_FRAME_MAX];
    struct rotor_room reply = ROOM_OF(reply_bytes);
    assert_ok(enclave_serve(&device->enclave, &device->pair, bytes_in(&room),
                            &reply));
    assert_ok(rtp_take(&device->rtp, device->now_ms, bytes_in(&reply)));
    struct rtp_job *job = rtp_job_next(&device->rtp);
    inject_error(device,
                 (struct forgery){.sequence = 1}); // it was answered already
    rtp_job_run(job);
    rtp_job_done(&device->rtp, device->now_ms, job);
    assert_int_equal(device->rtp.channel.link, RTP_LINK_FIN);
    inject_error(device,
                 (struct forgery){.sequence = 1}); // HELLO_FIN was not sent yet
    assert_int_equal(device->rtp.channel.link, RTP_LINK_FIN);
    assert_true(sim_run_until(device, 100, sim_is_steady));
    assert_int_equal(device->seen.alarms[RTP_ALARM_REFUSED], 0);
    sim_device_free(device);
}

static bool is_secret(const struct rtp *rtp, const uint8_t *key, size_t size)
{
    const uint8_t *memory = (const uint8_t *)rtp;
    for (size_t i = 0; i + size <= sizeof *rtp; i++) {
        if (memory[i] == key[0] && memcmp(memory + i, key, size) == 0) {
            return true;
        }
    }
    return false;
}

SPEC("a reset channel leaves no traffic key behind")
{
    struct sim_device *device = device_ready(258);
    uint8_t iv[WIRE_IV_SIZE];
    memcpy(iv, device->rtp.channel.seal_iv, sizeof iv);
    assert_true(is_secret(&device->rtp, iv, sizeof iv));
    sim_kill_ap(device);
    assert_false(is_secret(&device->rtp, iv, sizeof iv));
    sim_device_free(device);
}

SPEC(
    "Evidence is judged by what was known when it came, whatever is known when "
    "it is")
{
    struct sim_device *device = device_ready(251);
    struct wire_digest genuine = device->wanted;
    sim_kill_ap(device);
    device->holds_jobs = true;
    assert_ok(sim_start_ap(device));
    sim_run(device, 5000);
    assert_non_null(device->held);
    assert_int_equal(device->held->kind, RTP_JOB_HELLO);
    device->wanted.bytes[0] ^= 1; // another image, it is said
    device->holds_jobs = false;
    sim_run(device, 0);
    assert_int_equal(device->seen.alarms[RTP_ALARM_EVIDENCE], 0);
    assert_true(rtp_is_attested(&device->rtp));
    // From then on it counts.
    sim_kill_ap(device);
    assert_ok(sim_start_ap(device));
    sim_run(device, 5000);
    assert_true(device->seen.alarms[RTP_ALARM_EVIDENCE] > 0);
    device->wanted = genuine;
    assert_true(sim_run_until(device, 90000, sim_is_steady));
    sim_device_free(device);
}
