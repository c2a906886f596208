// SPDX-License-Identifier: Apache-2.0
// TCG PC Client Platform Firmware Profile 1.05, sections 9 and 10.
#include "verify/eventlog.h"

#include <string.h>

#include "verify/pcr.h"

#define SPEC_ID       "Spec ID Event03" // 16 bytes with its zero
#define SPEC_ID_SIZE  16u
#define LOCALITY      "StartupLocality" // 16 bytes with its zero
#define LOCALITY_SIZE 16u
#define LOCALITY_MAX  4u // a dynamic launch
#define SHA1_SIZE     20u
#define SPEC_ID_FIXED 8u // platform class, version, errata, width

// ---- reading ---------------------------------------------------------------

static bool fail(struct verify_eventlog_reader *reader, const char *fault)
{
    if (reader->fault == NULL) {
        reader->fault = fault;
    }
    return false;
}

static bool begins_with(struct rotor_bytes data, const char *text, size_t size)
{
    return data.size >= size && memcmp(data.data, text, size) == 0;
}

static size_t place_of(const struct verify_eventlog_reader *reader,
                       uint16_t algorithm)
{
    size_t i = 0;
    while (i < reader->algorithm_count &&
           reader->algorithms[i].algorithm != algorithm) {
        i++;
    }
    return i;
}

// TCG_PCClientPCREvent.
static bool read_sha1_event(struct verify_eventlog_reader *reader,
                            struct verify_event *event)
{
    struct verify_cursor *in = &reader->in;
    event->pcr = verify_cursor_le32(in);
    event->type = verify_cursor_le32(in);
    event->digest_count = 1;
    event->digests[0].algorithm = VERIFY_TPM_SHA1;
    event->digests[0].bytes = verify_cursor_bytes(in, SHA1_SIZE);
    event->data = verify_cursor_bytes(in, verify_cursor_le32(in));
    return !in->has_failed || fail(reader, "an event is cut off");
}

static bool read_digest(struct verify_eventlog_reader *reader,
                        struct verify_event *event)
{
    uint16_t algorithm = verify_cursor_le16(&reader->in);
    size_t place = place_of(reader, algorithm);
    if (place == reader->algorithm_count) {
        return fail(reader, "an event has a digest of a hash that the log "
                            "does not list");
    }
    for (size_t i = 0; i < event->digest_count; i++) {
        if (event->digests[i].algorithm == algorithm) {
            return fail(reader, "an event has two digests of one hash");
        }
    }
    size_t at = event->digest_count++;
    event->digests[at].algorithm = algorithm;
    event->digests[at].bytes =
        verify_cursor_bytes(&reader->in, reader->algorithms[place].size);
    return true;
}

// TCG_PCR_EVENT2.
static bool read_agile_event(struct verify_eventlog_reader *reader,
                             struct verify_event *event)
{
    struct verify_cursor *in = &reader->in;
    event->pcr = verify_cursor_le32(in);
    event->type = verify_cursor_le32(in);
    event->digest_count = 0;
    uint32_t count = verify_cursor_le32(in);
    if (!in->has_failed && count > reader->algorithm_count) {
        return fail(reader,
                    "an event has more digests than the log has hashes");
    }
    for (uint32_t i = 0; i < count && !in->has_failed; i++) {
        if (!read_digest(reader, event)) {
            return false;
        }
    }
    event->data = verify_cursor_bytes(in, verify_cursor_le32(in));
    return !in->has_failed || fail(reader, "an event is cut off");
}

static bool read_algorithm(struct verify_eventlog_reader *reader,
                           struct verify_cursor *in)
{
    uint16_t algorithm = verify_cursor_le16(in);
    uint16_t size = verify_cursor_le16(in);
    enum crypto_hash hash = verify_hash_of_tpm(algorithm);
    bool fits = hash == CRYPTO_HASH_NONE ? size > 0 && size <= VERIFY_PCR_MAX
                                         : size == crypto_hash_size(hash);
    if (!fits || place_of(reader, algorithm) != reader->algorithm_count) {
        return false;
    }
    size_t at = reader->algorithm_count++;
    reader->algorithms[at].algorithm = algorithm;
    reader->algorithms[at].size = size;
    return true;
}

// TCG_EfiSpecIdEvent.
static bool read_spec_id(struct verify_eventlog_reader *reader,
                         struct rotor_bytes data)
{
    struct verify_cursor in = verify_cursor_over(data);
    (void)verify_cursor_bytes(&in, SPEC_ID_SIZE + SPEC_ID_FIXED);
    uint32_t count = verify_cursor_le32(&in);
    if (count == 0 || count > VERIFY_BANKS_MAX) {
        return fail(reader, "the log lists no hash, or too many");
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!read_algorithm(reader, &in)) {
            return fail(reader,
                        "the log lists a hash twice or of a wrong size");
        }
    }
    uint8_t vendor_size = verify_cursor_u8(&in);
    if (verify_cursor_finished(&in)) {
        // Some writers leave it out of the size of the event.
        reader->vendor_info = verify_cursor_bytes(&reader->in, vendor_size);
        return !reader->in.has_failed || fail(reader, "an event is cut off");
    }
    reader->vendor_info = verify_cursor_bytes(&in, vendor_size);
    return verify_cursor_finished(&in) ||
           fail(reader, "the first event is not as long as it says");
}

static bool read_first(struct verify_eventlog_reader *reader,
                       struct rotor_bytes log)
{
    struct verify_event first;
    if (log.size == 0 || log.size > VERIFY_EVENTLOG_MAX) {
        return fail(reader, "no events, or more than 4 MiB of them");
    }
    if (!read_sha1_event(reader, &first)) {
        return false;
    }
    reader->is_crypto_agile = first.pcr == 0 &&
                              first.type == VERIFY_EVENT_NO_ACTION &&
                              begins_with(first.data, SPEC_ID, SPEC_ID_SIZE);
    if (reader->is_crypto_agile) {
        return read_spec_id(reader, first.data);
    }
    reader->in = verify_cursor_over(log);
    reader->algorithm_count = 1;
    reader->algorithms[0].algorithm = VERIFY_TPM_SHA1;
    reader->algorithms[0].size = SHA1_SIZE;
    return true;
}

enum rotor_status verify_eventlog_open(struct verify_eventlog_reader *reader,
                                       struct rotor_bytes log)
{
    *reader = (struct verify_eventlog_reader){.in = verify_cursor_over(log)};
    return read_first(reader, log) ? ROTOR_OK : ROTOR_MALFORMED;
}

bool verify_eventlog_next(struct verify_eventlog_reader *reader,
                          struct verify_event *event)
{
    if (reader->fault != NULL || reader->in.left.size == 0) {
        return false;
    }
    return reader->is_crypto_agile ? read_agile_event(reader, event)
                                   : read_sha1_event(reader, event);
}

// ---- replaying -------------------------------------------------------------

struct replay {
    struct verify_eventlog *log;
    bool has_locality;
    bool has_pcr_0; // some event extended it
};

// What a register holds after a reset: 17 to 22 are of a dynamic launch.
static void put_reset_value(const struct replay *replay, unsigned pcr,
                            struct verify_pcr_bank *bank)
{
    memset(bank->values[pcr], pcr >= 17 && pcr <= 22 ? 0xff : 0, bank->size);
    if (pcr == 0) {
        bank->values[0][bank->size - 1] = replay->log->startup_locality;
    }
}

// PCR = H(PCR || digest).
static enum rotor_status extend(const struct replay *replay, uint32_t pcr,
                                struct verify_pcr_bank *bank,
                                struct rotor_bytes digest)
{
    enum crypto_hash hash = verify_hash_of_tpm(bank->algorithm);
    if ((bank->known >> pcr & 1u) == 0) {
        put_reset_value(replay, pcr, bank);
    }
    bank->known |= 1u << pcr;
    const struct rotor_bytes parts[] = {bytes_of(bank->values[pcr], bank->size),
                                        digest};
    return crypto_hash(hash, parts, COUNT_OF(parts), bank->values[pcr]);
}

static struct rotor_bytes digest_of(const struct verify_event *event,
                                    uint16_t algorithm)
{
    for (size_t i = 0; i < event->digest_count; i++) {
        if (event->digests[i].algorithm == algorithm) {
            return event->digests[i].bytes;
        }
    }
    return bytes_of(NULL, 0);
}

static enum rotor_status extend_all(struct replay *replay,
                                    const struct verify_event *event)
{
    struct verify_eventlog *log = replay->log;
    replay->has_pcr_0 = replay->has_pcr_0 || event->pcr == 0;
    for (size_t i = 0; i < log->pcrs.bank_count; i++) {
        struct verify_pcr_bank *bank = &log->pcrs.banks[i];
        struct rotor_bytes digest = digest_of(event, bank->algorithm);
        if (digest.size == 0) {
            log->gaps[i] |= 1u << event->pcr;
        } else if (verify_hash_of_tpm(bank->algorithm) != CRYPTO_HASH_NONE) {
            TRY(extend(replay, event->pcr, bank, digest));
        }
    }
    return ROTOR_OK;
}

// Types whose digest is the hash of the data that stands beside it.
static bool is_of_its_data(uint32_t type)
{
    static const uint32_t types[] = {
        0x00000004, // EV_SEPARATOR
        0x00000008, // EV_S_CRTM_VERSION
        0x80000001, // EV_EFI_VARIABLE_DRIVER_CONFIG
        0x80000006, // EV_EFI_GPT_EVENT
        0x80000007, // EV_EFI_ACTION
        0x800000e0, // EV_EFI_VARIABLE_AUTHORITY
    };
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (types[i] == type) {
            return true;
        }
    }
    return false;
}

static enum rotor_status compare_data(struct replay *replay,
                                      const struct verify_event *event)
{
    struct verify_eventlog *log = replay->log;
    uint8_t digest[CRYPTO_HASH_MAX];
    if (!is_of_its_data(event->type) || event->digest_count == 0) {
        return ROTOR_OK;
    }
    enum crypto_hash hash = verify_hash_of_tpm(event->digests[0].algorithm);
    if (hash == CRYPTO_HASH_NONE) {
        return ROTOR_OK;
    }
    TRY(crypto_hash(hash, &event->data, 1, digest));
    if (memcmp(digest, event->digests[0].bytes.data, crypto_hash_size(hash)) !=
        0) {
        log->first_unlike =
            log->unlike_count == 0 ? log->event_count : log->first_unlike;
        log->unlike_count++;
    }
    return ROTOR_OK;
}

// Says at which locality the TPM was started; that is where PCR 0 begins.
static const char *take_locality(struct replay *replay,
                                 const struct verify_event *event)
{
    bool is_locality =
        event->pcr == 0 && begins_with(event->data, LOCALITY, LOCALITY_SIZE);
    if (!is_locality) {
        return NULL;
    }
    if (event->data.size != LOCALITY_SIZE + 1 ||
        event->data.data[LOCALITY_SIZE] > LOCALITY_MAX) {
        return "the startup locality is none";
    }
    if (replay->has_locality || replay->has_pcr_0) {
        return "the startup locality is told twice, or too late";
    }
    replay->has_locality = true;
    replay->log->startup_locality = event->data.data[LOCALITY_SIZE];
    return NULL;
}

static enum rotor_status replay_event(struct replay *replay,
                                      const struct verify_event *event)
{
    struct verify_eventlog *log = replay->log;
    if (event->type == VERIFY_EVENT_NO_ACTION) {
        log->fault = take_locality(replay, event);
    } else if (event->pcr >= VERIFY_PCR_COUNT) {
        log->fault = "an event extends a register that no TPM has";
    } else {
        TRY(extend_all(replay, event));
        TRY(compare_data(replay, event));
    }
    log->event_count++;
    return log->fault == NULL ? ROTOR_OK : ROTOR_MALFORMED;
}

static void put_untouched(const struct replay *replay)
{
    struct verify_pcrs *pcrs = &replay->log->pcrs;
    for (size_t i = 0; i < pcrs->bank_count; i++) {
        for (unsigned pcr = 0; pcr < VERIFY_PCR_COUNT; pcr++) {
            if ((pcrs->banks[i].known >> pcr & 1u) == 0) {
                put_reset_value(replay, pcr, &pcrs->banks[i]);
            }
        }
    }
}

static void begin(const struct verify_eventlog_reader *reader,
                  struct verify_eventlog *log)
{
    log->is_crypto_agile = reader->is_crypto_agile;
    log->event_count = reader->is_crypto_agile ? 1 : 0;
    log->vendor_info = reader->vendor_info;
    log->pcrs.bank_count = reader->algorithm_count;
    for (size_t i = 0; i < reader->algorithm_count; i++) {
        log->pcrs.banks[i].algorithm = reader->algorithms[i].algorithm;
        log->pcrs.banks[i].size = reader->algorithms[i].size;
    }
}

enum rotor_status verify_eventlog_replay(struct rotor_bytes log,
                                         struct verify_eventlog *replayed)
{
    struct verify_eventlog_reader reader;
    struct verify_event event;
    struct replay replay = {.log = replayed};
    memset(replayed, 0, sizeof *replayed);
    enum rotor_status status = verify_eventlog_open(&reader, log);
    begin(&reader, replayed);
    while (status == ROTOR_OK && verify_eventlog_next(&reader, &event)) {
        status = replay_event(&replay, &event);
    }
    if (reader.fault != NULL) {
        replayed->fault = reader.fault;
        status = ROTOR_MALFORMED;
    }
    if (status == ROTOR_OK) {
        put_untouched(&replay);
    }
    return status;
}
