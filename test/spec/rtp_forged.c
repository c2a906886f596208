// SPDX-License-Identifier: Apache-2.0
// HELLO_AP made by someone who holds every key of a genuine device: what the
// RTP refuses is refused for what it says, not for how it is signed.
#include "chain/eat.h"
#include "crypto/suite.h"
#include "rtp/machine.h"
#include "test/spec/rtp_client.h"

struct forgery {
    void (*change)(struct forgery *forgery);
    struct sim_device *device;
    struct wire_hello_ap hello;
    struct wire_hello_core core;
    struct wire_status status;
    bool has_no_sig;
    bool has_sig; // although there is no log
    bool signs_junk;
    unsigned made;
};

static void attest(const struct sim_device *device,
                   const struct chain_report *report,
                   struct rotor_room *evidence)
{
    static const uint8_t NO_KIDS[] = {0x80};
    uint8_t claims_bytes[512];
    uint8_t ud[CHAIN_UD_SIZE];
    struct rotor_room claims = ROOM_OF(claims_bytes);
    const struct wire_claims message = {.service_kids = BYTES_OF(NO_KIDS),
                                        .measurement = device->measurement};
    const struct chain_attester attester = {
        &device->attest, bytes_of(device->uds_key, device->uds_key_size),
        bytes_of(device->certificate, device->certificate_size)};
    assert_ok(wire_message_encode(&WIRE_LAYOUT_CLAIMS, &message, &claims));
    assert_ok(chain_ud(report, ud));
    assert_ok(chain_attest(&attester, ud, bytes_in(&claims), evidence));
}

// All of HELLO_AP anew: core, Evidence over T1, sig_S over T2.
static void seal_forgery(struct forgery *f, const uint8_t *header_bytes,
                         uint8_t *frame, size_t *size)
{
    const struct rtp *rtp = &f->device->rtp;
    static uint8_t status_bytes[512];
    static uint8_t core_bytes[1024];
    static uint8_t evidence_bytes[WIRE_EVIDENCE_MAX];
    static uint8_t payload_bytes[WIRE_PAYLOAD_MAX];
    uint8_t sig_bytes[WIRE_SIGN1_MAX];
    struct rotor_room status = ROOM_OF(status_bytes);
    struct rotor_room core = ROOM_OF(core_bytes);
    struct rotor_room evidence = ROOM_OF(evidence_bytes);
    struct rotor_room sig = ROOM_OF(sig_bytes);
    struct rotor_room payload = ROOM_OF(payload_bytes);
    assert_ok(
        wire_message_encode(&WIRE_LAYOUT_STATUS_MAP, &f->status, &status));
    f->core.status = bytes_in(&status);
    assert_ok(wire_message_encode(&WIRE_LAYOUT_HELLO_CORE, &f->core, &core));
    const struct crypto_suite *suite = crypto_suite_of(f->core.suite);
    const struct chain_hello hello = {
        bytes_of(rtp->hello_rtp, rtp->hello_rtp_size),
        bytes_of(header_bytes, WIRE_HEADER_SIZE), bytes_in(&core)};
    struct wire_header header;
    struct rotor_bytes asked;
    struct wire_hello_rtp ours;
    struct wire_digest t1;
    struct wire_digest t2;
    assert_ok(wire_frame_decode(hello.hello_rtp, &header, &asked));
    assert_ok(wire_message_decode(&WIRE_LAYOUT_HELLO_RTP, asked, &ours));
    assert_ok(chain_channel_t1(suite->hash, &hello, &t1));
    struct chain_report report = {.purpose = WIRE_PURPOSE_HELLO,
                                  .log_id = f->hello.log_id,
                                  .nonce = ours.nonce,
                                  .bind = wire_digest_bytes(&t1)};
    if (f->status.has_cur) {
        report.head = f->status.cur;
    }
    attest(f->device, &report, &evidence);
    assert_ok(chain_channel_t2(&t1, bytes_in(&evidence), &t2));
    bool is_signed = f->has_sig || (f->status.has_cur && !f->has_no_sig);
    if (is_signed && f->device->enclave.keys.sign.impl != NULL) {
        const struct wire_statement statement = {
            LABEL(WIRE_CONTEXT_CHAN_AP),
            f->signs_junk ? LABEL("junk") : wire_digest_bytes(&t2)};
        assert_ok(
            wire_cose_sign(&f->device->enclave.keys.sign, &statement, &sig));
    } else if (is_signed) {
        sig.used = 64;
    }
    f->hello.core = bytes_in(&core);
    f->hello.evidence = bytes_in(&evidence);
    f->hello.sig_s = bytes_in(&sig);
    assert_ok(wire_message_encode(&WIRE_LAYOUT_HELLO_AP, &f->hello, &payload));
    assert_ok(wire_header_decode(&header, bytes_of(frame, *size)));
    struct rotor_room out = {frame, WIRE_FRAME_MAX, 0};
    assert_ok(wire_frame_encode(&header, bytes_in(&payload), &out));
    *size = out.used;
}

static bool forge(void *context, struct sim_device *device, uint8_t *frame,
                  size_t *size)
{
    struct forgery *f = context;
    static uint8_t copy[WIRE_FRAME_MAX];
    struct wire_header header;
    struct rotor_bytes payload;
    memcpy(copy, frame, *size);
    if (wire_frame_decode(bytes_of(copy, *size), &header, &payload) !=
            ROTOR_OK ||
        header.type != WIRE_HELLO_AP) {
        return true;
    }
    f->device = device;
    assert_ok(wire_message_decode(&WIRE_LAYOUT_HELLO_AP, payload, &f->hello));
    assert_ok(
        wire_message_decode(&WIRE_LAYOUT_HELLO_CORE, f->hello.core, &f->core));
    assert_ok(wire_message_decode(&WIRE_LAYOUT_STATUS_MAP, f->core.status,
                                  &f->status));
    f->change(f);
    seal_forgery(f, copy, frame, size);
    f->made++;
    return true;
}

static void change_nothing(struct forgery *f)
{
    (void)f;
}

// Pairs once with the forged HELLO; true: HELLO_FIN was sent.
static bool is_paired_with(struct sim_device *device, struct forgery *forgery)
{
    device->meddle = forge;
    device->meddle_context = forgery;
    sim_kill_ap(device);
    device->now_ms += 2000;
    assert_ok(sim_start_ap(device));
    unsigned fins = device->seen.frames_to_ap[WIRE_HELLO_FIN];
    unsigned logs = device->seen.frames_to_ap[WIRE_LOG_GET];
    sim_run(device, 0);
    device->meddle = NULL;
    assert_int_equal(forgery->made, 1);
    bool has_read = device->seen.frames_to_ap[WIRE_LOG_GET] > logs;
    return device->seen.frames_to_ap[WIRE_HELLO_FIN] > fins || has_read;
}

static void check_refused(struct sim_device *device,
                          void (*change)(struct forgery *))
{
    struct forgery forgery = {.change = change};
    assert_false(is_paired_with(device, &forgery));
    assert_false(rtp_is_attested(&device->rtp));
    assert_int_equal(device->rtp.channel.link, RTP_LINK_IDLE);
}

SPEC("a forgery that says the truth is accepted: the forger has all keys")
{
    struct sim_device *device = device_ready(71);
    struct forgery forgery = {.change = change_nothing};
    assert_true(is_paired_with(device, &forgery));
    sim_device_free(device);
}

static void lose_signature(struct forgery *f)
{
    f->has_no_sig = true;
}

static void sign_junk(struct forgery *f)
{
    f->signs_junk = true;
}

static void lose_log_id(struct forgery *f)
{
    f->hello.log_id = (struct wire_digest){0};
}

static void lose_cur(struct forgery *f)
{
    f->status.has_cur = false;
}

static void be_empty_but_signed(struct forgery *f)
{
    f->status.has_cur = false;
    f->status.state = WIRE_STATE_EMPTY;
    f->hello.log_id = (struct wire_digest){0};
    f->has_sig = true;
}

static void name_another_log(struct forgery *f)
{
    f->hello.log_id.bytes[3] ^= 1;
}

static void name_another_suite(struct forgery *f)
{
    f->core.suite = 1; // the same hash as 2
}

static void be_prepared_and_not(struct forgery *f)
{
    f->status.has_prepared = true; // in state CUR
    f->status.prepared = f->status.cur;
    f->status.prepared.epoch++;
}

static void be_of_lower_incarnation(struct forgery *f)
{
    f->status.cur.epoch = 77; // and epoch 77 of incarnation 0 is unknown
    f->status.cur.body_hash.bytes[0] ^= 1;
}

SPEC("sig_S missing, or over something else: refused")
{
    struct sim_device *device = device_ready(72);
    check_refused(device, lose_signature);
    check_refused(device, sign_junk);
    sim_device_free(device);
}

SPEC("half of a log: a head without its name, a name without its head: refused")
{
    struct sim_device *device = device_ready(73);
    check_refused(device, lose_log_id);
    check_refused(device, lose_cur);
    check_refused(device, be_empty_but_signed);
    sim_device_free(device);
}

SPEC("another log, another suite than that of S: refused")
{
    struct sim_device *device = device_ready(74);
    check_refused(device, name_another_log);
    check_refused(device, name_another_suite);
    sim_device_free(device);
}

SPEC("a status that no row of the table has: refused before HELLO_FIN")
{
    struct sim_device *device = device_ready(75);
    check_refused(device, be_prepared_and_not);
    sim_device_free(device);
}

SPEC("an epoch of which the log says nothing: nothing is believed")
{
    struct sim_device *device = device_ready(76);
    struct forgery forgery = {.change = be_of_lower_incarnation};
    assert_true(is_paired_with(device, &forgery)); // its log is read
    assert_false(rtp_is_attested(&device->rtp));
    assert_int_equal(device->rtp.state.trust.order.epoch, 0);
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    sim_device_free(device);
}

// Before genesis the AP answers in the suite that it was asked in.
SPEC("before genesis another suite than that of e_r is refused")
{
    struct sim_device *device = sim_device_new(77);
    struct forgery forgery = {.change = name_another_suite};
    device->meddle = forge;
    device->meddle_context = &forgery;
    assert_ok(sim_start_ap(device));
    assert_ok(sim_start_rtp(device));
    sim_run(device, 0);
    assert_int_equal(forgery.made, 1);
    assert_int_equal(device->seen.frames_to_ap[WIRE_HELLO_FIN], 0);
    sim_device_free(device);
}

// The AP shows an old head, signed by its old key, and good Evidence.
static void show_before(struct forgery *f)
{
    f->status.cur.epoch = 0;
}

SPEC("an AP behind us under a head that never was ours: refused")
{
    struct sim_device *device = device_ready(78);
    sim_wish_rotation(device);
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    check_refused(device, show_before);
    sim_device_free(device);
}

// ---- a second body for one place, by a thief of S alone --------------------

// What the thief shows in place of the entry that the AP prepared.
struct theft {
    struct forgery forgery;
    uint8_t entry[WIRE_ENTRY_MAX];
    size_t entry_size;
    struct wire_digest body_hash;
};

static struct theft theft;

// The prepared entry with another boot id, signed by S_e; A is not there.
static void make_stolen_entry(const struct sim_device *device)
{
    static uint8_t body_bytes[CHAIN_BODY_MAX];
    uint8_t sig_bytes[WIRE_SIGN1_MAX];
    struct rotor_room body = ROOM_OF(body_bytes);
    struct rotor_room sig = ROOM_OF(sig_bytes);
    struct rotor_room out = ROOM_OF(theft.entry);
    struct chain_entry entry;
    const struct rtp_state *held = &device->rtp.state;
    assert_ok(
        chain_entry_decode(bytes_of(held->entry, held->entry_size), &entry));
    entry.body.boot_id[0] ^= 1;
    assert_ok(chain_body_encode(&entry.body, &body));
    entry.body.bytes = bytes_in(&body);
    const struct wire_statement statement = {LABEL(WIRE_CONTEXT_ENTRY_OLD),
                                             bytes_in(&body)};
    assert_ok(wire_cose_sign(&device->enclave.keys.sign, &statement, &sig));
    entry.sig_old = bytes_in(&sig);
    assert_ok(chain_entry_encode(&entry, &out));
    theft.entry_size = out.used;
    assert_ok(chain_hash_body(held->pend.body_hash.alg, bytes_in(&body),
                              &theft.body_hash));
}

static void show_stolen(struct forgery *f)
{
    f->status.prepared.body_hash = theft.body_hash;
}

// Puts another list into LOG_ENTRIES; false: the frame is none.
static bool replace_list(uint8_t *frame, size_t *size, struct rotor_bytes list)
{
    static uint8_t out_bytes[WIRE_PAYLOAD_MAX];
    struct rotor_room out = ROOM_OF(out_bytes);
    struct rotor_room whole = {frame, WIRE_FRAME_MAX, 0};
    struct wire_log_entries reply;
    struct wire_header header;
    struct rotor_bytes payload;
    if (wire_frame_decode(bytes_of(frame, *size), &header, &payload) !=
            ROTOR_OK ||
        header.type != WIRE_LOG_ENTRIES) {
        return false;
    }
    assert_ok(wire_message_decode(&WIRE_LAYOUT_LOG_ENTRIES, payload, &reply));
    reply.entries = list;
    assert_ok(wire_message_encode(&WIRE_LAYOUT_LOG_ENTRIES, &reply, &out));
    assert_ok(wire_frame_encode(&header, bytes_in(&out), &whole));
    *size = whole.used;
    return true;
}

static bool serve_stolen(void *context, struct sim_device *device,
                         uint8_t *frame, size_t *size)
{
    static uint8_t list_bytes[WIRE_PAYLOAD_MAX];
    struct rotor_room list = ROOM_OF(list_bytes);
    struct cbor_writer writer;
    cbor_writer_init(&writer, &list);
    cbor_write_array(&writer, 1);
    cbor_write_raw(&writer, bytes_of(theft.entry, theft.entry_size));
    return cbor_writer_finish(&writer) == ROTOR_OK &&
                   replace_list(frame, size, bytes_in(&list))
               ? true
               : forge(context, device, frame, size);
}

SPEC("a second body that A did not sign is noise: an alarm, no quarantine")
{
    struct sim_device *device = device_ready(79);
    memset(&theft, 0, sizeof theft);
    device->cut = (struct sim_cut){
        .step = SIM_FRAME_TO_AP, .type = WIRE_ROT_COMMIT, .count = 1};
    sim_wish_rotation(device);
    sim_run(device, 60000);
    assert_true(device->is_cut);
    make_stolen_entry(device);
    sim_kill_ap(device);
    device->is_cut = false;
    device->now_ms += 2000;
    theft.forgery.change = show_stolen;
    device->meddle = serve_stolen;
    device->meddle_context = &theft.forgery;
    assert_ok(sim_start_ap(device));
    sim_run(device, 0);
    assert_int_equal(device->seen.frames_to_ap[WIRE_LOG_GET], 1);
    assert_true(device->seen.alarms[RTP_ALARM_FORK] >= 1);
    assert_int_equal(device->rtp.state.phase, RTP_PEND);
    assert_int_equal(device->seen.alarms[RTP_ALARM_DUPLICITY], 0);
    device->meddle = NULL;
    assert_true(sim_run_until(device, 100000, sim_is_steady));
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    sim_device_free(device);
}

static void boast(struct forgery *f)
{
    f->status.cur.epoch = 77;
}

static bool boast_once(void *context, struct sim_device *device, uint8_t *frame,
                       size_t *size)
{
    struct forgery *f = context;
    return f->made != 0 || forge(context, device, frame, size);
}

SPEC("a head that the AP's own log does not reach is not asked for again")
{
    struct sim_device *device = device_ready(79);
    struct forgery forgery = {.change = boast};
    struct sim_store *before = sim_store_copy(device);
    sim_wish_rotation(device);
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    sim_kill_rtp(device);
    sim_store_restore_rtp(device, before, true);
    device->meddle = boast_once;
    device->meddle_context = &forgery;
    device->now_ms += 2000;
    assert_ok(sim_start_rtp(device));
    sim_run(device, 1000);
    assert_int_equal(device->seen.frames_to_ap[WIRE_LOG_GET], 1);
    assert_int_equal(device->seen.alarms[RTP_ALARM_LOG], 1);
    assert_false(rtp_is_attested(&device->rtp));
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    free(before);
    sim_device_free(device);
}

// An AP that gives more of its log than it was asked for.
static bool prepend_known(void *context, struct sim_device *device,
                          uint8_t *frame, size_t *size)
{
    static uint8_t list_bytes[WIRE_PAYLOAD_MAX];
    static uint8_t out_bytes[WIRE_PAYLOAD_MAX];
    unsigned *changed = context;
    struct wire_header header;
    struct rotor_bytes payload;
    struct wire_log_entries reply;
    if (wire_frame_decode(bytes_of(frame, *size), &header, &payload) !=
            ROTOR_OK ||
        header.type != WIRE_LOG_ENTRIES) {
        return true;
    }
    assert_ok(wire_message_decode(&WIRE_LAYOUT_LOG_ENTRIES, payload, &reply));
    struct rotor_room list = ROOM_OF(list_bytes);
    struct rotor_room out = ROOM_OF(out_bytes);
    struct cbor_reader in;
    struct cbor_writer writer;
    cbor_reader_init(&in, reply.entries);
    assert_int_equal(cbor_read_array(&in), 1);
    cbor_writer_init(&writer, &list);
    cbor_write_array(&writer, 2);
    cbor_write_raw(&writer, bytes_of(device->store.log + RTP_LOG_HEAD,
                                     bytes_be32(device->store.log)));
    cbor_write_raw(&writer, cbor_read_item(&in));
    assert_ok(cbor_writer_finish(&writer));
    reply.entries = bytes_in(&list);
    assert_ok(wire_message_encode(&WIRE_LAYOUT_LOG_ENTRIES, &reply, &out));
    struct rotor_room whole = {frame, WIRE_FRAME_MAX, 0};
    assert_ok(wire_frame_encode(&header, bytes_in(&out), &whole));
    *size = whole.used;
    ++*changed;
    return true;
}

SPEC("entries that we have already are passed over when catching up")
{
    struct sim_device *device = device_ready(79);
    struct sim_store *before = sim_store_copy(device);
    unsigned changed = 0;
    sim_wish_rotation(device);
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    sim_kill_rtp(device);
    sim_store_restore_rtp(device, before, true);
    device->meddle = prepend_known;
    device->meddle_context = &changed;
    assert_ok(sim_start_rtp(device));
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    assert_int_equal(changed, 1);
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    assert_int_equal(device->seen.alarms[RTP_ALARM_ENTRY], 0);
    free(before);
    sim_device_free(device);
}

// An AP that answers with far more items than it was asked for.
static bool give_crumbs(void *context, struct sim_device *device,
                        uint8_t *frame, size_t *size)
{
    static uint8_t list_bytes[WIRE_PAYLOAD_MAX];
    struct rotor_room list = ROOM_OF(list_bytes);
    struct cbor_writer writer;
    const size_t *count = context;
    (void)device;
    cbor_writer_init(&writer, &list);
    cbor_write_array(&writer, *count);
    for (size_t i = 0; i < *count; i++) {
        cbor_write_uint(&writer, 0);
    }
    assert_ok(cbor_writer_finish(&writer));
    (void)replace_list(frame, size, bytes_in(&list));
    return true;
}

SPEC("more entries than were asked for are no answer, and none is looked at")
{
    struct sim_device *device = device_ready(79);
    struct sim_store *before = sim_store_copy(device);
    sim_wish_rotation(device);
    assert_true(sim_run_until(device, 60000, sim_is_steady));
    for (size_t count = RTP_LOG_ENTRIES; count < RTP_LOG_ENTRIES + 2; count++) {
        bool is_too_long = count > RTP_LOG_ENTRIES;
        sim_kill_rtp(device);
        sim_store_restore_rtp(device, before, true);
        memset(device->seen.alarms, 0, sizeof device->seen.alarms);
        device->meddle = give_crumbs;
        device->meddle_context = &count;
        device->now_ms += 2000;
        assert_ok(sim_start_rtp(device));
        sim_run(device, 0);
        assert_int_equal(device->seen.alarms[RTP_ALARM_PEER], is_too_long);
        assert_int_equal(device->seen.alarms[RTP_ALARM_FORK], !is_too_long);
    }
    device->meddle = NULL;
    assert_true(sim_run_until(device, 100000, sim_is_steady));
    assert_int_equal(device->rtp.state.trust.order.epoch, 1);
    free(before);
    sim_device_free(device);
}

// ---- jobs by themselves ----------------------------------------------------

SPEC("an entry 0 that nobody pinned and nobody asked for is not caught up with")
{
    struct sim_device *device = device_ready(80);
    struct rtp *rtp = &device->rtp;
    struct rtp_job *job = rtp_job_start(rtp, RTP_JOB_CATCH_UP);
    job->input_size = device->store.log_size - RTP_LOG_HEAD;
    memcpy(job->input, device->store.log + RTP_LOG_HEAD, job->input_size);
    memset(&job->next, 0, sizeof job->next);
    assert_ok(chain_seen_init(&rtp->seen, rtp->seen_slots, CHAIN_SEEN_DEFAULT));
    rtp_job_run(job);
    assert_int_equal(job->status, ROTOR_OK);
    assert_false(job->is_accepted);
    job->hello.log_id = rtp->state.trust.log_id; // now it is pinned
    rtp_job_run(job);
    assert_true(job->is_accepted);
    rtp->job_is_wanted = false;
    sim_device_free(device);
}

// The AP wants e_r of another suite, then answers in that one.
static bool answer_in_suite_1(void *context, struct sim_device *device,
                              uint8_t *frame, size_t *size)
{
    struct forgery *f = context;
    struct wire_header header;
    struct rotor_bytes payload;
    static uint8_t point_bytes[CHAIN_POINT_MAX];
    struct rotor_room point = ROOM_OF(point_bytes);
    if (f->made == 0) {
        return forge(context, device, frame, size); // learns what to say
    }
    if (wire_frame_decode(bytes_of(frame, *size), &header, &payload) !=
            ROTOR_OK ||
        header.type != WIRE_ERROR ||
        device->rtp.channel.link != RTP_LINK_HELLO) {
        return true;
    }
    uint8_t seed[CRYPTO_SEED_MAX] = {3};
    struct crypto_key key;
    assert_ok(crypto_key_derive(&key, CRYPTO_X25519, seed));
    assert_ok(chain_point_encode(&key, &point));
    crypto_key_close(&key);
    f->core.e_a = bytes_in(&point);
    f->core.suite = 1;
    header.type = WIRE_HELLO_AP;
    struct rotor_room out = {frame, WIRE_FRAME_MAX, 0};
    assert_ok(wire_frame_encode(&header, (struct rotor_bytes){0}, &out));
    *size = out.used;
    uint8_t header_bytes[WIRE_HEADER_SIZE];
    memcpy(header_bytes, frame, sizeof header_bytes);
    seal_forgery(f, header_bytes, frame, size);
    f->made++;
    return true;
}

SPEC("a channel in another suite than that of S_cur is refused")
{
    struct sim_device *device = device_ready(81);
    struct forgery forgery = {.change = change_nothing};
    for (unsigned i = 0; i < 2; i++) {
        device->meddle = answer_in_suite_1;
        device->meddle_context = &forgery;
        sim_kill_ap(device);
        device->now_ms += 2000;
        device->rtp.hello_suite = i == 0 ? 0 : 1;
        assert_ok(sim_start_ap(device));
        sim_run(device, 0);
    }
    assert_int_equal(forgery.made, 2);
    assert_false(rtp_is_attested(&device->rtp));
    assert_string_equal(device->seen.last_text,
                        "sig_S of HELLO_AP does not verify");
    sim_device_free(device);
}
