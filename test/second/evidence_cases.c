// SPDX-License-Identifier: Apache-2.0
// Evidence of the process backend, whole and changed, each with the first
// check of verify/ that refused it, or "accepted".  Lines as in cases.c, and
//
//     reference UD MEASUREMENT SECURITY_VERSION
#include "test/second/change.h"
#include "test/spec.h"
#include "test/spec/chain_maker.h"
#include "test/spec/verify_maker.h"

static struct device device;
static uint8_t ud[CHAIN_UD_SIZE];
static struct verify_reference reference;

static void print_verdict(struct rotor_bytes evidence)
{
    struct verify_record record;
    assert_ok(verify_evidence(evidence, ud, &reference, &record));
    const char *word = "accepted";
    for (unsigned i = VERIFY_CHECK_COUNT; i > 0; i--) {
        if (record.checks[i - 1] == VERIFY_FAILED) {
            word = verify_check_name((enum verify_check)(i - 1));
        }
    }
    printf(" evidence %s\n",
           verify_record_is_accepted(&record) ? "accepted" : word);
}

static void print_raw(struct rotor_bytes evidence)
{
    print_hex("raw", evidence);
    print_verdict(evidence);
}

// ---- parts -----------------------------------------------------------------

struct parts {
    struct rotor_bytes uds_key;
    struct rotor_bytes certificate;
    struct rotor_bytes eat;
};

static void put_bytes(struct rotor_room *out, struct rotor_bytes bytes)
{
    put_head(out, 2, bytes.size);
    put(out, bytes.data, bytes.size);
}

static void print_parts(const struct parts *parts)
{
    static uint8_t inner_memory[CHANGED_MAX];
    static uint8_t outer_memory[CHANGED_MAX];
    struct rotor_room inner = ROOM_OF(inner_memory);
    struct rotor_room outer = ROOM_OF(outer_memory);
    put_head(&inner, 4, 3);
    put_bytes(&inner, parts->uds_key);
    put_bytes(&inner, parts->certificate);
    put_bytes(&inner, parts->eat);
    put_head(&outer, 4, 2);
    put_head(&outer, 0, 1);
    put_bytes(&outer, bytes_in(&inner));
    print_raw(bytes_in(&outer));
}

// A COSE_Sign1 with its payload, ES256.
static void sign(const struct crypto_key *key, struct rotor_bytes aad,
                 struct rotor_bytes payload, struct rotor_room *sign1)
{
    static const uint8_t header[] = {0xa1, 0x01, 0x26};
    static uint8_t memory[CHANGED_MAX];
    uint8_t signature_memory[CRYPTO_SIGNATURE_MAX];
    struct rotor_room message = ROOM_OF(memory);
    struct rotor_room signature = ROOM_OF(signature_memory);
    put_head(&message, 4, 4);
    put(&message, "\x6aSignature1", 11);
    put_bytes(&message, BYTES_OF(header));
    put_bytes(&message, aad);
    put_bytes(&message, payload);
    assert_ok(crypto_sign(key, bytes_in(&message), &signature));
    sign1->used = 0;
    put_head(sign1, 4, 4);
    put_bytes(sign1, BYTES_OF(header));
    put(sign1, "\xa0", 1);
    put_bytes(sign1, payload);
    put_bytes(sign1, bytes_in(&signature));
}

static struct rotor_bytes payload_of(struct rotor_bytes sign1)
{
    struct cbor_reader in;
    cbor_reader_init(&in, sign1);
    cbor_read_array_of(&in, 4);
    (void)cbor_read_bytes(&in);
    (void)cbor_read_item(&in);
    return cbor_read_bytes(&in);
}

// ---- fields ----------------------------------------------------------------

static const int64_t CERTIFICATE_KEYS[] = {
    0,        1,        2,        -4670545, -4670547, -4670548, -4670549,
    -4670551, -4670552, -4670553, -4670554, -4670555, 64};
static const int64_t TOKEN_KEYS[] = {10,     11,     265,    -1,     -65536,
                                     -70001, -70002, -70003, -70004, -70005,
                                     -70006, -70007, -70008};

static void put_key_of(struct rotor_room *out, int64_t key,
                       struct rotor_bytes item)
{
    struct cbor_writer writer;
    uint8_t memory[16];
    struct rotor_room head = ROOM_OF(memory);
    cbor_writer_init(&writer, &head);
    cbor_write_int(&writer, key);
    assert_ok(cbor_writer_finish(&writer));
    put(out, head.data, head.used);
    put(out, item.data, item.size);
}

// As edit of change.h, for keys of any size; in the place of the old value,
// a new key behind all others of its sign.
static void replace(struct rotor_bytes map, int64_t key,
                    struct rotor_bytes item, struct rotor_room *edited)
{
    static uint8_t memory[CHANGED_MAX];
    struct rotor_room pairs = ROOM_OF(memory);
    struct cbor_reader in;
    bool is_there = false;
    size_t count = 0;
    int64_t read = 0;
    cbor_reader_init(&in, map);
    (void)cbor_read_map(&in);
    while (cbor_map_next(&in, &read)) {
        struct rotor_bytes value = cbor_read_item(&in);
        bool is_it = read == key;
        is_there = is_there || is_it;
        if (!is_it || item.size != 0) {
            put_key_of(&pairs, read, is_it ? item : value);
            count++;
        }
    }
    if (!is_there && item.size != 0) {
        put_key_of(&pairs, key, item);
        count++;
    }
    edited->used = 0;
    put_head(edited, 5, count);
    put(edited, pairs.data, pairs.used);
}

static void change_certificate(struct parts parts)
{
    static uint8_t map_memory[CHANGED_MAX];
    static uint8_t sign1_memory[CHANGED_MAX];
    struct rotor_bytes payload = payload_of(parts.certificate);
    for (size_t k = 0; k < COUNT_OF(CERTIFICATE_KEYS); k++) {
        for (size_t v = 0; v < COUNT_OF(VALUES); v++) {
            struct rotor_room map = ROOM_OF(map_memory);
            struct rotor_room sign1 = ROOM_OF(sign1_memory);
            replace(payload, CERTIFICATE_KEYS[k], item_of(&VALUES[v]), &map);
            sign(&device.uds, bytes_of(NULL, 0), bytes_in(&map), &sign1);
            parts.certificate = bytes_in(&sign1);
            print_parts(&parts);
        }
    }
}

static void change_token(struct parts parts)
{
    static const char context[] = "rotor1 eat"; // with its zero byte
    static uint8_t map_memory[CHANGED_MAX];
    static uint8_t sign1_memory[CHANGED_MAX];
    struct rotor_bytes payload = payload_of(parts.eat);
    for (size_t k = 0; k < COUNT_OF(TOKEN_KEYS); k++) {
        for (size_t v = 0; v < COUNT_OF(VALUES); v++) {
            struct rotor_room map = ROOM_OF(map_memory);
            struct rotor_room sign1 = ROOM_OF(sign1_memory);
            replace(payload, TOKEN_KEYS[k], item_of(&VALUES[v]), &map);
            sign(&device.attest, bytes_of(context, sizeof context),
                 bytes_in(&map), &sign1);
            parts.eat = bytes_in(&sign1);
            print_parts(&parts);
        }
    }
}

static void visit(const struct device_traits *traits, unsigned flips)
{
    uint8_t memory[WIRE_EVIDENCE_MAX];
    struct rotor_room evidence = ROOM_OF(memory);
    struct chain_evidence envelope;
    struct chain_process_report report;
    device_open(&device, traits);
    device_attest(&device, ud, &evidence);
    print_raw(bytes_in(&evidence));
    change_bytes(bytes_in(&evidence), flips, print_verdict);
    assert_ok(chain_evidence_decode(bytes_in(&evidence), &envelope));
    assert_ok(chain_process_report_decode(envelope.report, &report));
    const struct parts parts = {report.uds_key, report.certificate, report.eat};
    change_certificate(parts);
    change_token(parts);
    device_close(&device);
}

int main(int count, char **arguments)
{
    unsigned flips = count > 1 ? (unsigned)atoi(arguments[1]) : 100;
    struct device_traits other = GENUINE;
    struct wire_digest wanted;
    memset(ud, 0x5e, sizeof ud);
    device_open(&device, &GENUINE);
    wanted = device.measurement;
    device_close(&device);
    reference = (struct verify_reference){.measurements = &wanted,
                                          .measurement_count = 1,
                                          .security_version_min = 3};
    print_hex("reference", BYTES_OF(ud));
    print_hex("", wire_digest_bytes(&wanted));
    printf(" 3\n");
    visit(&GENUINE, flips);
    other.mode = BOOT_MODE_DEBUG;
    visit(&other, flips / 4);
    other = GENUINE;
    other.component = BOOT_RTP;
    visit(&other, flips / 4);
    return 0;
}
