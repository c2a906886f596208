// SPDX-License-Identifier: Apache-2.0
// Makes a log of any length as a file, by hand: every key and signature is
// real, nothing is synced and no device takes part.
//
//     make-log COUNT FILE [--evidence] [--fork KEPT]
//
// Prints the log_id.  With --evidence every entry has the Evidence of a made-up
// device, as those of a real one have.  With --fork a thief of all keys makes
// another last entry, and KEPT is what an RTP keeps of the two.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "app/rotor/log_stream.h"
#include "test/spec/chain_maker.h"
#include "test/spec/verify_maker.h"

// What takes the time of making an entry, without what a maker of files can do
// without: EVP around two thousand short hashes, and the check of each own
// signature.  Linked with --wrap.
enum rotor_status __real_crypto_hash(enum crypto_hash alg,
                                     const struct rotor_bytes *parts,
                                     size_t count, uint8_t *digest);
enum rotor_status __wrap_crypto_hash(enum crypto_hash alg,
                                     const struct rotor_bytes *parts,
                                     size_t count, uint8_t *digest);
int __wrap_EVP_PKEY_verify(void *context, const uint8_t *signature, size_t size,
                           const uint8_t *digest, size_t digest_size);

enum rotor_status __wrap_crypto_hash(enum crypto_hash alg,
                                     const struct rotor_bytes *parts,
                                     size_t count, uint8_t *digest)
{
    SHA256_CTX context;
    if (alg != CRYPTO_SHA256) {
        return __real_crypto_hash(alg, parts, count, digest);
    }
    (void)SHA256_Init(&context);
    for (size_t i = 0; i < count; i++) {
        (void)SHA256_Update(&context, parts[i].data, parts[i].size);
    }
    (void)SHA256_Final(digest, &context);
    return ROTOR_OK;
}

int __wrap_EVP_PKEY_verify(void *context, const uint8_t *signature, size_t size,
                           const uint8_t *digest, size_t digest_size)
{
    (void)context;
    (void)signature;
    (void)size;
    (void)digest;
    (void)digest_size;
    return 1;
}

struct making {
    struct log_writer writer;
    bool has_evidence;
    struct device device;
    struct maker_draft draft;
    struct maker_entry entry;
    struct maker_entry other; // for the place of the last one
    struct chain_trust trust;
};

static void prove(struct making *making, const struct chain_body *body)
{
    static uint8_t memory[WIRE_EVIDENCE_MAX];
    struct rotor_room evidence = ROOM_OF(memory);
    struct chain_report report;
    uint8_t ud[CHAIN_UD_SIZE];
    assert_ok(chain_report_of(body, &report));
    assert_ok(chain_ud(&report, ud));
    device_attest(&making->device, ud, &evidence);
    making->draft.evidence = bytes_in(&evidence);
}

static void finish(struct making *making, struct maker_entry *made,
                   struct chain_trust *trust)
{
    struct chain_entry entry;
    maker_finish(&making->draft, made);
    assert_ok(chain_entry_decode(maker_bytes(made), &entry));
    assert_ok(chain_trust_of(&entry.body, trust));
    if (making->has_evidence) {
        prove(making, &entry.body);
        maker_finish(&making->draft, made);
    }
}

static void finish_next(struct making *making)
{
    finish(making, &making->entry, &making->trust);
    assert_ok(log_writer_add(&making->writer, maker_bytes(&making->entry)));
}

static void fork_next(struct making *making, const struct maker_bundle *before,
                      unsigned number)
{
    struct maker_bundle own;
    struct chain_trust trust;
    maker_bundle_open(&own, 2, number);
    maker_draft_next(&making->draft, &making->trust, before, &own);
    finish(making, &making->other, &trust);
    maker_bundle_close(&own);
}

static void make(struct making *making, unsigned count)
{
    struct maker_ra ra;
    struct maker_bundle before;
    maker_ra_open(&ra, 2, 3, 1);
    const struct chain_policy policy = maker_policy(&ra);
    maker_bundle_open(&before, 2, 0);
    maker_draft_genesis(&making->draft, &before, &policy);
    finish_next(making);
    for (unsigned i = 1; i < count; i++) {
        struct maker_bundle own;
        if (i + 1 == count) {
            fork_next(making, &before, count);
        }
        maker_bundle_open(&own, 2, i);
        maker_draft_next(&making->draft, &making->trust, &before, &own);
        finish_next(making);
        maker_bundle_close(&before);
        before = own;
    }
    maker_bundle_close(&before);
    maker_ra_close(&ra);
}

// doc/PROTOCOL.client 6.2, HEX.fork.
static void keep_fork(const struct making *making, const char *path)
{
    static uint8_t memory[2 * WIRE_ENTRY_MAX + 16];
    struct rotor_room room = ROOM_OF(memory);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    cbor_write_array(&out, 2);
    cbor_write_bytes(&out, maker_bytes(&making->entry));
    cbor_write_bytes(&out, maker_bytes(&making->other));
    assert_ok(cbor_writer_finish(&out));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(memory, 1, room.used, file), room.used);
    assert_int_equal(fclose(file), 0);
}

int main(int count, char **words)
{
    static struct making making;
    const char *kept = NULL;
    if (count < 3) {
        fprintf(stderr,
                "usage: make-log COUNT FILE [--evidence] [--fork KEPT]\n");
        return 2;
    }
    unsigned entries = (unsigned)strtoul(words[1], NULL, 10);
    for (int i = 3; i < count; i++) {
        bool is_fork = strcmp(words[i], "--fork") == 0 && i + 1 < count;
        making.has_evidence |= strcmp(words[i], "--evidence") == 0;
        kept = is_fork ? words[++i] : kept;
    }
    device_open(&making.device, &GENUINE);
    assert_ok(log_writer_open(&making.writer, words[2]));
    make(&making, entries);
    assert_ok(log_writer_close(&making.writer, true));
    device_close(&making.device);
    if (kept != NULL) {
        keep_fork(&making, kept);
    }
    for (size_t i = 0; i < 32; i++) {
        printf("%02x", making.trust.log_id.bytes[i]);
    }
    printf("\n");
    return 0;
}
