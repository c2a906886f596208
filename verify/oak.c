// SPDX-License-Identifier: Apache-2.0
#include "verify/oak.h"

#include <string.h>

#include "base/bytes.h"
#include "wire/cbor.h"
#include "wire/cose.h"

#define SIGNED_MAX 2048u // bytes of a Sig_structure
#define KID_SIZE   20u   // bytes
#define NAME_SIZE  40u   // bytes, a kid in hex

// Claims of a CWT (RFC 8392; Open Profile for DICE) and Oak's own.
#define CLAIM_ISSUER  1
#define CLAIM_SUBJECT 2
#define CLAIM_KEY     (-4670552)
#define CLAIM_EVENT   (-4670573)
#define EVENT_DIGEST  (-4670572) // within it

#define COSE_OKP   1
#define COSE_EC2   2
#define CURVE_P256 1
#define CURVE_X    4 // X25519

// Keys that sign the next layer; a key that agrees signs nothing.
struct oak_key {
    struct rotor_bytes kid;
    bool signs;
    struct rotor_bytes x;
    struct rotor_bytes y;
};

struct oak_certificate {
    struct rotor_bytes protected_header;
    struct rotor_bytes payload;
    struct rotor_bytes signature;
    struct rotor_bytes issuer;
    struct rotor_bytes subject;
    struct rotor_bytes event; // SHA-256; empty: none
    struct oak_key key;
};

// Names of rows, for each certificate.
struct oak_rows {
    const char *form;
    const char *signature;
    const char *names;
    const char *event;
};

#define ROWS(name)                                                             \
    {                                                                          \
        name, name " signature", name " names", name " event"                  \
    }
static const struct oak_rows layer_rows[VERIFY_OAK_LAYERS_MAX] = {
    ROWS("layer 1"), ROWS("layer 2"), ROWS("layer 3"), ROWS("layer 4"),
    ROWS("layer 5"), ROWS("layer 6"), ROWS("layer 7"), ROWS("layer 8"),
};
static const struct oak_rows key_rows[VERIFY_OAK_KEYS] = {
    ROWS("encryption key"),
    ROWS("signing key certificate"),
    ROWS("group encryption key"),
};

// ---- reading ---------------------------------------------------------------

static bool read_key(struct rotor_bytes bytes, struct oak_key *key)
{
    struct cbor_reader in;
    *key = (struct oak_key){0};
    cbor_reader_init(&in, bytes);
    cbor_read_map(&in);
    cbor_read_key(&in, 1);
    int64_t type = cbor_read_int(&in);
    cbor_read_key(&in, 2);
    key->kid = cbor_read_bytes_sized(&in, KID_SIZE, KID_SIZE);
    cbor_read_key(&in, 3);
    (void)cbor_read_int(&in);
    if (cbor_take_key(&in, 4)) {
        (void)cbor_read_item(&in);
    }
    cbor_read_key(&in, -1);
    int64_t curve = cbor_read_int(&in);
    cbor_read_key(&in, -2);
    key->x = cbor_read_bytes_sized(&in, 32, 32);
    if (type == COSE_EC2) {
        cbor_read_key(&in, -3);
        key->y = cbor_read_bytes_sized(&in, 32, 32);
    }
    cbor_end_map(&in);
    key->signs = type == COSE_EC2 && curve == CURVE_P256;
    bool agrees = type == COSE_OKP && curve == CURVE_X;
    return cbor_finished(&in) && (key->signs || agrees);
}

static struct rotor_bytes read_event(struct cbor_reader *in)
{
    struct rotor_bytes digest = {0};
    int64_t key = 0;
    cbor_read_map(in);
    while (cbor_map_next(in, &key)) {
        if (key == EVENT_DIGEST) {
            digest = cbor_read_bytes_sized(in, 32, 32);
        } else {
            (void)cbor_read_item(in);
        }
    }
    return digest;
}

static bool read_claims(struct oak_certificate *certificate)
{
    struct cbor_reader in;
    struct rotor_bytes key_bytes = {0};
    int64_t claim = 0;
    cbor_reader_init(&in, certificate->payload);
    cbor_read_map(&in);
    while (cbor_map_next(&in, &claim)) {
        if (claim == CLAIM_ISSUER) {
            certificate->issuer = cbor_read_text(&in);
        } else if (claim == CLAIM_SUBJECT) {
            certificate->subject = cbor_read_text(&in);
        } else if (claim == CLAIM_KEY) {
            key_bytes = cbor_read_bytes(&in);
        } else if (claim == CLAIM_EVENT) {
            certificate->event = read_event(&in);
        } else {
            (void)cbor_read_item(&in);
        }
    }
    return cbor_finished(&in) && read_key(key_bytes, &certificate->key);
}

static bool read_certificate(struct rotor_bytes bytes,
                             struct oak_certificate *certificate)
{
    static const uint8_t es256[] = {0xa1, 0x01, 0x26}; // {1: -7}
    struct cbor_reader in;
    *certificate = (struct oak_certificate){0};
    cbor_reader_init(&in, bytes);
    cbor_read_array_of(&in, 4);
    certificate->protected_header = cbor_read_bytes(&in);
    (void)cbor_read_item(&in);
    certificate->payload = cbor_read_bytes(&in);
    certificate->signature = cbor_read_bytes_sized(&in, 64, 64);
    return cbor_finished(&in) &&
           bytes_equal(certificate->protected_header, BYTES_OF(es256)) &&
           read_claims(certificate);
}

// ---- judging ---------------------------------------------------------------

static enum rotor_status is_signed(const struct oak_certificate *certificate,
                                   const struct oak_key *by, bool *valid)
{
    uint8_t memory[SIGNED_MAX];
    struct rotor_room message = ROOM_OF(memory);
    struct rotor_bytes none = {0};
    struct crypto_verifier verifier = {0};
    *valid = false;
    if (!by->signs ||
        wire_cose_signed_bytes(certificate->protected_header, none,
                               certificate->payload, &message) != ROTOR_OK) {
        return ROTOR_OK;
    }
    enum rotor_status status =
        crypto_verifier_open_ec(&verifier, CRYPTO_CURVE_P256, by->x, by->y);
    if (status == ROTOR_OK) {
        status = crypto_verifier_check(&verifier, CRYPTO_SIGNATURE_ECDSA_RAW,
                                       CRYPTO_SHA256, bytes_in(&message),
                                       certificate->signature, valid);
    }
    crypto_verifier_close(&verifier);
    return status == ROTOR_MALFORMED ? ROTOR_OK : status;
}

static bool is_name_of(struct rotor_bytes name, struct rotor_bytes kid)
{
    static const char digits[] = "0123456789abcdef";
    if (name.size != NAME_SIZE || kid.size != KID_SIZE) {
        return false;
    }
    for (size_t i = 0; i < KID_SIZE; i++) {
        if (name.data[2 * i] != (uint8_t)digits[kid.data[i] >> 4] ||
            name.data[2 * i + 1] != (uint8_t)digits[kid.data[i] & 15]) {
            return false;
        }
    }
    return true;
}

// The event that the certificate names must be the one in the log; `event` is
// empty where the log has none.
static enum rotor_status check_event(struct verify_verdict *verdict,
                                     const char *check,
                                     const struct oak_certificate *certificate,
                                     struct rotor_bytes event)
{
    uint8_t digest[CRYPTO_HASH_MAX];
    struct verify_row row = {
        .check = check,
        .expected = verify_bytes(certificate->event),
        .why = "the log's event is not the one that was certified",
    };
    TRY(crypto_hash(CRYPTO_SHA256, &event, 1, digest));
    verify_check(verdict, bytes_equal(certificate->event, bytes_of(digest, 32)),
                 &row);
    return ROTOR_OK;
}

struct oak_step {
    const struct oak_rows *rows;
    struct rotor_bytes bytes; // of the certificate
    struct rotor_bytes event; // of the log
    const struct oak_key *by; // that must have signed
    bool has_event;           // there is one at its place in the log
};

// *key is all zero unless the certificate could be read.
static enum rotor_status judge_step(struct verify_verdict *verdict,
                                    const struct oak_step *step,
                                    struct oak_key *key)
{
    struct oak_certificate certificate;
    bool valid = false;
    *key = (struct oak_key){0};
    if (!verify_check(verdict, read_certificate(step->bytes, &certificate),
                      &(struct verify_row){
                          .check = step->rows->form,
                          .expected = verify_text("a CWT by ES256"),
                          .seen = verify_bytes(step->bytes),
                          .why = "not a certificate of this kind",
                      })) {
        return ROTOR_OK;
    }
    TRY(is_signed(&certificate, step->by, &valid));
    verify_check(verdict, valid,
                 &(struct verify_row){
                     .check = step->rows->signature,
                     .expected = verify_bytes(step->by->kid),
                     .seen = verify_bytes(certificate.issuer),
                     .why = "not signed by the key of the layer below",
                 });
    verify_check(verdict,
                 is_name_of(certificate.issuer, step->by->kid) &&
                     is_name_of(certificate.subject, certificate.key.kid),
                 &(struct verify_row){
                     .check = step->rows->names,
                     .expected = verify_bytes(step->by->kid),
                     .seen = verify_bytes(certificate.issuer),
                     .why = "names another issuer or another key",
                 });
    if (step->has_event || !bytes_are_empty(certificate.event)) {
        TRY(check_event(verdict, step->rows->event, &certificate, step->event));
    }
    *key = certificate.key;
    return ROTOR_OK;
}

static enum rotor_status check_root(const struct verify_oak_evidence *evidence,
                                    struct rotor_bytes report_data,
                                    struct verify_verdict *verdict,
                                    struct oak_key *key)
{
    uint8_t digest[64] = {0}; // zeros behind the hash
    bool is_key = read_key(evidence->root_key, key) && key->signs;
    TRY(crypto_hash(CRYPTO_SHA256, &evidence->root_key, 1, digest));
    verify_check(verdict, is_key && bytes_equal(report_data, BYTES_OF(digest)),
                 &(struct verify_row){
                     .check = "root key",
                     .expected = verify_bytes(report_data),
                     .seen = verify_bytes(evidence->root_key),
                     .why = "the report does not name the key of the layers",
                 });
    return ROTOR_OK;
}

// The key of the firmware alone vouches for no program.
static void check_layers(const struct verify_oak_evidence *evidence,
                         struct verify_verdict *verdict)
{
    verify_check(verdict, evidence->layer_count != 0,
                 &(struct verify_row){
                     .check = "layers",
                     .expected = verify_text("one at least"),
                     .seen = verify_number(evidence->layer_count),
                     .why = "nothing says what runs above the firmware",
                 });
}

static struct rotor_bytes event_at(const struct verify_oak_evidence *evidence,
                                   size_t index)
{
    return index < evidence->event_count ? evidence->events[index]
                                         : (struct rotor_bytes){0};
}

// One event a layer; the application keys are of the last one, or of one more.
static void check_log(const struct verify_oak_evidence *evidence,
                      struct verify_verdict *verdict)
{
    struct verify_row row = {
        .check = "event log",
        .expected = verify_number(evidence->layer_count),
        .seen = verify_number(evidence->event_count),
        .why = "events and layers do not match in number",
    };
    if (evidence->event_count == 0) {
        verify_skip(verdict, &row);
        return;
    }
    verify_check(verdict,
                 evidence->event_count == evidence->layer_count ||
                     evidence->event_count == evidence->layer_count + 1,
                 &row);
}

enum rotor_status verify_oak_layers(const struct verify_oak_evidence *evidence,
                                    struct rotor_bytes report_data,
                                    struct verify_verdict *verdict)
{
    struct oak_key by;
    struct oak_key next;
    TRY(check_root(evidence, report_data, verdict, &by));
    check_layers(evidence, verdict);
    for (size_t i = 0; i < evidence->layer_count; i++) {
        const struct oak_step step = {
            .rows = &layer_rows[i],
            .bytes = evidence->layers[i],
            .event = event_at(evidence, i),
            .by = &by,
            .has_event = i < evidence->event_count,
        };
        TRY(judge_step(verdict, &step, &next));
        by = next;
    }
    check_log(evidence, verdict);
    size_t last = evidence->event_count == 0 ? 0 : evidence->event_count - 1;
    for (size_t i = 0; i < VERIFY_OAK_KEYS; i++) {
        const struct oak_step step = {
            .rows = &key_rows[i],
            .bytes = evidence->application_keys[i],
            .event = event_at(evidence, last),
            .by = &by,
        };
        if (!bytes_are_empty(step.bytes)) {
            TRY(judge_step(verdict, &step, &next));
        }
    }
    return ROTOR_OK;
}

enum rotor_status verify_oak(struct rotor_bytes bytes,
                             const struct verify_snp_endorsements *endorsements,
                             const struct verify_asked *asked,
                             struct verify_verdict *verdict)
{
    struct verify_oak_evidence evidence;
    verify_begin(verdict, VERIFY_BACKEND_SNP);
    bool is_read = verify_oak_read(bytes, &evidence) == ROTOR_OK;
    if (!verify_check(verdict, is_read,
                      &(struct verify_row){
                          .check = "evidence",
                          .expected = verify_text("Oak's Evidence"),
                          .seen = verify_number(bytes.size),
                          .why = "not a message of this kind",
                      }) ||
        !verify_check(verdict, evidence.platform == VERIFY_OAK_SNP,
                      &(struct verify_row){
                          .check = "platform",
                          .expected = verify_number(VERIFY_OAK_SNP),
                          .seen = verify_number(evidence.platform),
                          .why = "the root layer is not SEV-SNP",
                      })) {
        verify_conclude(verdict);
        return ROTOR_OK;
    }
    struct verify_snp_report report;
    TRY(verify_snp(evidence.report, endorsements, asked, verdict));
    if (verify_snp_read(evidence.report, &report) == ROTOR_OK) {
        TRY(verify_oak_layers(&evidence, report.report_data, verdict));
    }
    verify_conclude(verdict);
    if (!verify_verdict_is_accepted(verdict)) {
        verdict->level = VERIFY_LEVEL_NONE;
    }
    return ROTOR_OK;
}
