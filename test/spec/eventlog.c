// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include <openssl/evp.h>

#include "test/spec.h"
#include "test/spec/eventlog_maker.h"
#include "verify/eventlog.h"

static const struct made_bank BOTH[] = {
    {VERIFY_TPM_SHA1,   20},
    {VERIFY_TPM_SHA256, 32},
};

static const uint8_t nothing[1];

// A crypto-agile log of two hashes, without events.
static void begin_agile(struct made_log *log)
{
    *log = (struct made_log){.size = 0};
    add_spec_id(log, BOTH, 2, bytes_of(nothing, 0));
}

static void add_to(struct made_log *log, uint32_t pcr, uint8_t fill)
{
    add_event(log, (const uint32_t[2]){pcr, 0x80000007}, BOTH, 2, fill);
}

// H(value || digest) by OpenSSL's own digests.
static void naive_extend(const EVP_MD *md, uint8_t *value, uint8_t fill)
{
    uint8_t both[2 * EVP_MAX_MD_SIZE];
    size_t size = (size_t)EVP_MD_get_size(md);
    memcpy(both, value, size);
    memset(both + size, fill, size);
    assert_int_equal(EVP_Digest(both, 2 * size, value, NULL, md, NULL), 1);
}

static void assert_fault(const struct made_log *log, const char *fault)
{
    static struct verify_eventlog replayed;
    assert_int_equal(verify_eventlog_replay(made(log), &replayed),
                     ROTOR_MALFORMED);
    assert_non_null(replayed.fault);
    assert_string_equal(replayed.fault, fault);
}

static struct verify_eventlog replay_of(const struct made_log *log)
{
    struct verify_eventlog replayed;
    assert_ok(verify_eventlog_replay(made(log), &replayed));
    return replayed;
}

SPEC("each bank is extended by its own digests, in the order of the log")
{
    struct made_log log;
    uint8_t sha1[20] = {0};
    uint8_t sha256[32] = {0};
    begin_agile(&log);
    add_to(&log, 4, 0x11);
    add_to(&log, 7, 0x77);
    add_to(&log, 4, 0x22);
    struct verify_eventlog replayed = replay_of(&log);
    naive_extend(EVP_sha1(), sha1, 0x11);
    naive_extend(EVP_sha1(), sha1, 0x22);
    naive_extend(EVP_sha256(), sha256, 0x11);
    naive_extend(EVP_sha256(), sha256, 0x22);
    const struct verify_pcr_bank *one =
        verify_pcr_bank_of(&replayed.pcrs, VERIFY_TPM_SHA1);
    const struct verify_pcr_bank *two =
        verify_pcr_bank_of(&replayed.pcrs, VERIFY_TPM_SHA256);
    assert_memory_equal(one->values[4], sha1, sizeof sha1);
    assert_memory_equal(two->values[4], sha256, sizeof sha256);
    assert_int_equal(one->known, 1u << 4 | 1u << 7);
    assert_int_equal(replayed.event_count, 4);
}

SPEC("a log in SHA-1 format has one bank")
{
    struct made_log log = {.size = 0};
    uint8_t sha1[20] = {0};
    add_sha1_event(&log, 2, 1, 0x33, bytes_of("rom", 3));
    struct verify_eventlog replayed = replay_of(&log);
    naive_extend(EVP_sha1(), sha1, 0x33);
    assert_false(replayed.is_crypto_agile);
    assert_int_equal(replayed.pcrs.bank_count, 1);
    assert_memory_equal(replayed.pcrs.banks[0].values[2], sha1, sizeof sha1);
}

SPEC("an event that says no action extends nothing, whatever register it names")
{
    struct made_log log;
    begin_agile(&log);
    add_event(&log, (const uint32_t[2]){0, 3}, BOTH, 2, 0x55);
    add_event(&log, (const uint32_t[2]){0xffffffff, 3}, BOTH, 2, 0x55);
    assert_int_equal(replay_of(&log).pcrs.banks[0].known, 0);
    log = (struct made_log){.size = 0};
    add_sha1_event(&log, 5, 3, 0x44, bytes_of("note", 4));
    assert_int_equal(replay_of(&log).pcrs.banks[0].known, 0);
}

// Longer than a signature, and another one: of an older format, of a vendor.
SPEC("a first event of another kind begins a log in SHA-1 format")
{
    struct made_log log = {.size = 0};
    add_sha1_event(&log, 0, 3, 0, bytes_of("Spec ID Event02\0\0\0\0\0", 20));
    add_sha1_event(&log, 1, 1, 0x33, bytes_of("", 0));
    struct verify_eventlog replayed = replay_of(&log);
    assert_false(replayed.is_crypto_agile);
    assert_int_equal(replayed.pcrs.banks[0].known, 1u << 1);
    log = (struct made_log){.size = 0};
    begin_agile(&log);
    add_event(&log, (const uint32_t[2]){0, 3}, BOTH, 2, 0);
    log.size -= 4;
    add_le32(&log, 18);
    add_raw(&log, "SP800-155 Event\0\0\0", 18);
    assert_int_equal(replay_of(&log).startup_locality, 0);
}

SPEC("only events on PCR 0 begin a crypto-agile log or tell a locality")
{
    struct made_log log;
    begin_agile(&log);
    log.bytes[0] = 1; // its first event is of PCR 1 now
    assert_false(replay_of(&log).is_crypto_agile);
    begin_agile(&log);
    size_t at = log.size;
    add_locality(&log, BOTH, 2, 3);
    log.bytes[at] = 1;
    assert_int_equal(replay_of(&log).startup_locality, 0);
}

SPEC("PCR 0 begins with the locality of the start, also when nothing follows")
{
    struct made_log log;
    uint8_t sha256[32] = {0};
    begin_agile(&log);
    add_locality(&log, BOTH, 2, 3);
    struct verify_eventlog replayed = replay_of(&log);
    sha256[31] = 3;
    assert_memory_equal(replayed.pcrs.banks[1].values[0], sha256, 32);
    add_to(&log, 0, 0x66);
    replayed = replay_of(&log);
    naive_extend(EVP_sha256(), sha256, 0x66);
    assert_int_equal(replayed.startup_locality, 3);
    assert_memory_equal(replayed.pcrs.banks[1].values[0], sha256, 32);
}

SPEC("a locality that is told twice, too late, or is none, is refused")
{
    struct made_log log;
    const char *late = "the startup locality is told twice, or too late";
    begin_agile(&log);
    add_locality(&log, BOTH, 2, 3);
    add_locality(&log, BOTH, 2, 3);
    assert_fault(&log, late);
    begin_agile(&log);
    add_to(&log, 0, 1);
    add_locality(&log, BOTH, 2, 3);
    assert_fault(&log, late);
    begin_agile(&log);
    add_locality(&log, BOTH, 2, 5);
    assert_fault(&log, "the startup locality is none");
    begin_agile(&log);
    add_locality(&log, BOTH, 2, 3);
    log.bytes[log.size - 18]--; // its length
    log.size--;
    bytes_put_le32(log.bytes + log.size - 20, 16);
    assert_fault(&log, "the startup locality is none");
}

SPEC("registers 17 to 22 begin with ones, the others with zeros")
{
    struct made_log log;
    begin_agile(&log);
    struct verify_eventlog replayed = replay_of(&log);
    for (unsigned pcr = 0; pcr < VERIFY_PCR_COUNT; pcr++) {
        uint8_t wanted = pcr >= 17 && pcr <= 22 ? 0xff : 0;
        for (size_t i = 0; i < 32; i++) {
            assert_int_equal(replayed.pcrs.banks[1].values[pcr][i], wanted);
        }
    }
}

SPEC("a register beyond 23 is refused, not wrapped")
{
    static const uint32_t beyond[] = {24, 32, 0x100, 0xffffffff};
    for (size_t i = 0; i < COUNT_OF(beyond); i++) {
        struct made_log log;
        begin_agile(&log);
        add_to(&log, beyond[i], 1);
        assert_fault(&log, "an event extends a register that no TPM has");
    }
}

SPEC("an event without the digest of a bank leaves a gap in that bank")
{
    struct made_log log;
    begin_agile(&log);
    add_event(&log, (const uint32_t[2]){6, 1}, BOTH, 1, 0x12);
    struct verify_eventlog replayed = replay_of(&log);
    assert_int_equal(replayed.gaps[0], 0);
    assert_int_equal(replayed.gaps[1], 1u << 6);
}

SPEC("a bank of an unknown hash is read over and never believed")
{
    static const struct made_bank banks[] = {
        {0x0012,            32}, // SM3
        {VERIFY_TPM_SHA256, 32},
    };
    struct made_log log = {.size = 0};
    static const struct made_bank longest = {0x0028, 64}; // SHA3-512
    add_spec_id(&log, &longest, 1, bytes_of(nothing, 0));
    assert_int_equal(replay_of(&log).pcrs.bank_count, 1);
    log = (struct made_log){.size = 0};
    add_spec_id(&log, banks, 2, bytes_of(nothing, 0));
    add_event(&log, (const uint32_t[2]){1, 1}, banks, 2, 0x12);
    struct verify_eventlog replayed = replay_of(&log);
    assert_int_equal(replayed.pcrs.banks[0].known, 0);
    assert_int_equal(replayed.pcrs.banks[1].known, 1u << 1);
}

SPEC("the list of hashes is taken at its word or not at all")
{
    const char *wrong = "the log lists a hash twice or of a wrong size";
    const char *count = "the log lists no hash, or too many";
    static const struct made_bank twice[] = {
        {VERIFY_TPM_SHA256, 32},
        {VERIFY_TPM_SHA256, 32},
    };
    static const struct made_bank sizes[] = {
        {VERIFY_TPM_SHA256, 20},
        {VERIFY_TPM_SHA1,   32},
        {0x0012,            0 },
        {0x0012,            65},
    };
    struct made_log log = {.size = 0};
    add_spec_id(&log, twice, 2, bytes_of(nothing, 0));
    assert_fault(&log, wrong);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        log = (struct made_log){.size = 0};
        add_spec_id(&log, &sizes[i], 1, bytes_of(nothing, 0));
        assert_fault(&log, wrong);
    }
    log = (struct made_log){.size = 0};
    add_spec_id(&log, BOTH, 0, bytes_of(nothing, 0));
    assert_fault(&log, count);
    begin_agile(&log);
    bytes_put_le32(log.bytes + 32 + 24, 0xffffffff);
    assert_fault(&log, count);
}

SPEC("vendor information is kept; what stands behind it is refused")
{
    struct made_log log = {.size = 0};
    add_spec_id(&log, BOTH, 2, bytes_of("\xde\xad", 2));
    struct verify_eventlog replayed = replay_of(&log);
    assert_int_equal(replayed.vendor_info.size, 2);
    assert_memory_equal(replayed.vendor_info.data, "\xde\xad", 2);
    // Left out of the size of the event, as tpm2-tools' own sample has it.
    log.bytes[28] = (uint8_t)(log.bytes[28] - 2);
    assert_int_equal(replay_of(&log).vendor_info.size, 2);
    log.size--;
    assert_fault(&log, "an event is cut off");
    log.size++;
    log.bytes[28] = (uint8_t)(log.bytes[28] + 2);
    log.bytes[log.size - 3] = 1; // one of the two
    assert_fault(&log, "the first event is not as long as it says");
}

SPEC("digests that the log does not list, or twice, are refused")
{
    static const struct made_bank other = {VERIFY_TPM_SHA384, 48};
    static const struct made_bank twice[] = {
        {VERIFY_TPM_SHA1, 20},
        {VERIFY_TPM_SHA1, 20},
    };
    static const struct made_bank three[] = {
        {VERIFY_TPM_SHA1,   20},
        {VERIFY_TPM_SHA256, 32},
        {VERIFY_TPM_SHA256, 32},
    };
    struct made_log log;
    begin_agile(&log);
    add_event(&log, (const uint32_t[2]){1, 1}, &other, 1, 0);
    assert_fault(&log, "an event has a digest of a hash that the log does not "
                       "list");
    begin_agile(&log);
    add_event(&log, (const uint32_t[2]){1, 1}, twice, 2, 0);
    assert_fault(&log, "an event has two digests of one hash");
    begin_agile(&log);
    add_event(&log, (const uint32_t[2]){1, 1}, three, 3, 0);
    assert_fault(&log, "an event has more digests than the log has hashes");
}

SPEC("a log cut anywhere but between two events is refused")
{
    struct made_log log;
    bool is_border[sizeof log.bytes] = {false};
    begin_agile(&log);
    is_border[log.size] = true;
    for (uint8_t i = 0; i < 3; i++) {
        add_to(&log, i, i);
        is_border[log.size] = true;
    }
    for (size_t size = 0; size <= log.size; size++) {
        // On the heap, at its very size: a read beyond it is seen.
        uint8_t *cut = malloc(size + (size == 0));
        struct verify_eventlog replayed;
        memcpy(cut, log.bytes, size);
        enum rotor_status status =
            verify_eventlog_replay(bytes_of(cut, size), &replayed);
        assert_int_equal(status == ROTOR_OK, is_border[size]);
        free(cut);
    }
}

SPEC("eight hashes and the locality of a dynamic launch are taken")
{
    struct made_bank banks[8];
    struct made_log log = {.size = 0};
    for (size_t i = 0; i < 8; i++) {
        banks[i] = (struct made_bank){(uint16_t)(0x30 + i), 32};
    }
    add_spec_id(&log, banks, 8, bytes_of(nothing, 0));
    assert_int_equal(replay_of(&log).pcrs.bank_count, 8);
    begin_agile(&log);
    add_locality(&log, BOTH, 2, 4);
    assert_int_equal(replay_of(&log).startup_locality, 4);
}

SPEC("no log, and one of more than 4 MiB, are refused")
{
    static struct verify_eventlog replayed;
    uint8_t *big = calloc(1, VERIFY_EVENTLOG_MAX + 1);
    assert_non_null(big);
    assert_int_equal(verify_eventlog_replay(bytes_of(NULL, 0), &replayed),
                     ROTOR_MALFORMED);
    assert_int_equal(verify_eventlog_replay(
                         bytes_of(big, VERIFY_EVENTLOG_MAX + 1), &replayed),
                     ROTOR_MALFORMED);
    assert_string_equal(replayed.fault,
                        "no events, or more than 4 MiB of them");
    free(big);
}

SPEC("data that its digest is not of is counted")
{
    struct made_log log = {.size = 0};
    uint8_t digest[20];
    add_sha1_event(&log, 7, 4, 0, bytes_of("\0\0\0\0", 4));
    assert_int_equal(EVP_Digest("\0\0\0\0", 4, digest, NULL, EVP_sha1(), NULL),
                     1);
    memcpy(log.bytes + 8, digest, sizeof digest);
    assert_int_equal(replay_of(&log).unlike_count, 0);
    add_sha1_event(&log, 7, 4, 9, bytes_of("\0\0\0\0", 4));
    add_sha1_event(&log, 7, 13, 9, bytes_of("of its own", 10));
    struct verify_eventlog replayed = replay_of(&log);
    assert_int_equal(replayed.unlike_count, 1);
    assert_int_equal(replayed.first_unlike, 1);
}
