// SPDX-License-Identifier: Apache-2.0
#include "entropy/entropy.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/crypto.h"

// Claimed min-entropy of a word, millibits: the word tests trip on a source
// that keeps its claim less than once in 2^28 words.
#define WORD_MILLIBITS 32000u

#define SEED_SIZE 48u // bytes, HMAC-SHA-384: DRBG entropy input and nonce

static const char *const refusal_texts[] = {
    [ENTROPY_NOT_REFUSED] = "not refused",
    [ENTROPY_NO_HEALTHY_SOURCE] = "no healthy source",
    [ENTROPY_REQUIRED_SOURCE] = "a required source failed",
    [ENTROPY_WAITING] = "a source is not ready yet",
    [ENTROPY_BACK_END] = "the crypto back end refused",
};

const char *entropy_refusal_text(enum entropy_refusal refusal)
{
    size_t row = (size_t)refusal;
    return row < COUNT_OF(refusal_texts) ? refusal_texts[row] : "unknown";
}

// ---- sources ---------------------------------------------------------------

static bool name_is_good(const char *name)
{
    if (name == NULL || name[0] == '\0') {
        return false;
    }
    size_t size = 0;
    while (size <= ENTROPY_NAME_MAX && name[size] != '\0') {
        size++;
    }
    return size <= ENTROPY_NAME_MAX;
}

static struct rotor_bytes name_of(const struct entropy_source *source)
{
    size_t size = 0;
    while (source->name[size] != '\0') {
        size++;
    }
    return bytes_of(source->name, size);
}

static bool name_is_taken(const struct entropy_source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes_equal(name_of(&sources[i]), name_of(&sources[count]))) {
            return true;
        }
    }
    return false;
}

static bool sizes_are_good(const struct entropy_source *source)
{
    return source->word_size > 0 && source->block_size > 0 &&
           source->block_size <= ENTROPY_BLOCK_MAX &&
           source->block_size % source->word_size == 0;
}

// Only after entropy_limits_of accepted the sample's width and H.
static bool claims_are_good(const struct entropy_source *source)
{
    uint32_t byte_millibits =
        source->sample_millibits * (8 / source->sample_bits);
    return source->credit_millibits <= byte_millibits &&
           source->word_size * byte_millibits >= WORD_MILLIBITS;
}

static void begin_test(struct entropy_slot *slot)
{
    if (slot->source.read == NULL) {
        slot->stage = ENTROPY_OUT;
        slot->fault = ENTROPY_ABSENT;
        return;
    }
    entropy_health_init(&slot->health, &slot->limits);
    slot->wait_count = 0;
    slot->test_samples = ENTROPY_STARTUP_SAMPLES;
    slot->stage = ENTROPY_TESTING;
}

enum rotor_status entropy_init(struct entropy_front *front,
                               const struct entropy_source *sources,
                               size_t count)
{
    *front = (struct entropy_front){.count = 0};
    if (count == 0 || count > ENTROPY_SOURCES_MAX) {
        return ROTOR_INVALID;
    }
    for (size_t i = 0; i < count; i++) {
        struct entropy_slot *slot = &front->slots[i];
        slot->source = sources[i];
        TRY(entropy_limits_of(sources[i].sample_bits,
                              sources[i].sample_millibits, &slot->limits));
        if (!name_is_good(sources[i].name) || name_is_taken(sources, i) ||
            !sizes_are_good(&sources[i]) || !claims_are_good(&sources[i])) {
            return ROTOR_INVALID;
        }
        begin_test(slot);
    }
    front->count = count; // until here the front has no source at all
    return ROTOR_OK;
}

// ---- one block of one source -----------------------------------------------

static void condemn(struct entropy_slot *slot, enum entropy_fault fault)
{
    slot->stage = ENTROPY_OUT;
    slot->fault = fault;
}

static void wait_for(struct entropy_slot *slot)
{
    slot->wait_count++;
    bool is_late = slot->source.patience_count != 0 &&
                   slot->wait_count >= slot->source.patience_count;
    if (is_late) {
        condemn(slot, ENTROPY_TIMEOUT);
    }
}

// Reads whole words, up to a block; returns their size in bytes.
static size_t gather(struct entropy_slot *slot, uint8_t *raw)
{
    const struct entropy_source *source = &slot->source;
    size_t size = 0;
    while (size < source->block_size) {
        size_t left = source->block_size - size;
        struct rotor_room room = {raw + size, left, 0};
        enum rotor_status status = source->read(source->context, &room);
        if (status == ROTOR_AGAIN) {
            break;
        }
        bool is_lying = room.used == 0 || room.used > left;
        if (status != ROTOR_OK || is_lying) {
            condemn(slot, ENTROPY_ABSENT);
            return 0;
        }
        size += room.used;
    }
    size -= size % source->word_size;
    if (size == 0) {
        wait_for(slot);
        return 0;
    }
    slot->wait_count = 0;
    return size;
}

static enum entropy_fault compare_to_last(struct entropy_slot *slot,
                                          struct rotor_bytes raw)
{
    uint8_t digest[32]; // not secret: nobody inverts it
    if (crypto_hash(CRYPTO_SHA256, &raw, 1, digest) != ROTOR_OK) {
        return ENTROPY_UNTESTED;
    }
    if (memcmp(digest, slot->block_digest, sizeof digest) == 0) {
        return ENTROPY_REPEAT;
    }
    memcpy(slot->block_digest, digest, sizeof digest);
    return ENTROPY_NO_FAULT;
}

// The tests on words come first: they name the fault more exactly.
static enum entropy_fault examine(struct entropy_slot *slot,
                                  struct rotor_bytes raw)
{
    enum entropy_fault fault = entropy_words_check(raw, slot->source.word_size);
    if (fault == ENTROPY_NO_FAULT) {
        fault = compare_to_last(slot, raw);
    }
    if (fault == ENTROPY_NO_FAULT) {
        fault = entropy_health_take_all(&slot->health, slot->source.sample_bits,
                                        raw);
    }
    slot->tested_count += raw.size * (8 / slot->source.sample_bits);
    return fault;
}

// Returns the size of a block that passed every test; 0 when there is none.
static size_t take_block(struct entropy_slot *slot, uint8_t *raw)
{
    size_t size = gather(slot, raw);
    if (size == 0) {
        return 0;
    }
    enum entropy_fault fault = examine(slot, bytes_of(raw, size));
    if (fault != ENTROPY_NO_FAULT) {
        condemn(slot, fault);
        return 0;
    }
    return size;
}

// ---- start-up test, re-test ------------------------------------------------

// One block of the test, thrown away.  False: nothing came, or it failed.
static bool test_block(struct entropy_slot *slot)
{
    uint8_t raw[ENTROPY_BLOCK_MAX];
    size_t size = take_block(slot, raw);
    secret_wipe(raw, sizeof raw);
    size_t samples = size * (8 / slot->source.sample_bits);
    if (samples == 0) {
        return false;
    }
    if (samples < slot->test_samples) {
        slot->test_samples -= (uint32_t)samples;
        return true;
    }
    slot->test_samples = 0;
    slot->stage = ENTROPY_HEALTHY;
    slot->fault = ENTROPY_NO_FAULT;
    slot->was_used = true;
    return true;
}

void entropy_start(struct entropy_front *front)
{
    for (size_t i = 0; i < front->count; i++) {
        struct entropy_slot *slot = &front->slots[i];
        bool goes_on = slot->source.is_required;
        while (goes_on && slot->stage == ENTROPY_TESTING) {
            goes_on = test_block(slot);
        }
    }
}

void entropy_step(struct entropy_front *front)
{
    for (size_t i = 0; i < front->count; i++) {
        struct entropy_slot *slot = &front->slots[front->turn];
        front->turn = (front->turn + 1) % front->count;
        if (slot->stage == ENTROPY_TESTING) {
            (void)test_block(slot); // the slot says what came of it
            return;
        }
    }
}

bool entropy_is_testing(const struct entropy_front *front)
{
    for (size_t i = 0; i < front->count; i++) {
        if (front->slots[i].stage == ENTROPY_TESTING) {
            return true;
        }
    }
    return false;
}

void entropy_retest(struct entropy_front *front)
{
    for (size_t i = 0; i < front->count; i++) {
        begin_test(&front->slots[i]);
    }
    entropy_start(front);
}

// ---- draw ------------------------------------------------------------------

// Everything secret that a draw touches, in one place, wiped once.
struct draw_secrets {
    uint8_t raw[ENTROPY_SOURCES_MAX][ENTROPY_BLOCK_MAX];
    size_t sizes[ENTROPY_SOURCES_MAX]; // bytes of raw[i]; 0: not used
    uint8_t seed[SEED_SIZE];
    struct entropy_drbg drbg;
    uint8_t out[ENTROPY_DRAW_MAX];
};

static void collect(struct entropy_front *front, struct draw_secrets *s)
{
    for (size_t i = 0; i < front->count; i++) {
        struct entropy_slot *slot = &front->slots[i];
        s->sizes[i] = 0;
        if (slot->stage == ENTROPY_HEALTHY) {
            s->sizes[i] = take_block(slot, s->raw[i]);
        }
    }
}

// In its first test, or sound and out of bytes: there may be more later.
static bool may_come(const struct entropy_slot *slot)
{
    return slot->fault == ENTROPY_NO_FAULT;
}

static enum entropy_refusal judge(const struct entropy_front *front,
                                  const struct draw_secrets *s,
                                  enum entropy_use use)
{
    uint64_t millibits = 0;
    bool is_waiting = false; // for a required source
    bool more_may_come = false;
    for (size_t i = 0; i < front->count; i++) {
        const struct entropy_slot *slot = &front->slots[i];
        const struct entropy_source *source = &slot->source;
        bool is_missing = use != ENTROPY_FOR_PASSING && source->is_required &&
                          s->sizes[i] == 0;
        if (is_missing && !may_come(slot)) {
            return ENTROPY_REQUIRED_SOURCE;
        }
        is_waiting |= is_missing;
        more_may_come |= source->credit_millibits > 0 &&
                         s->sizes[i] < source->block_size && may_come(slot);
        millibits += (uint64_t)s->sizes[i] * source->credit_millibits;
    }
    if (is_waiting) {
        return ENTROPY_WAITING;
    }
    if (millibits >= 1000u * ENTROPY_CREDIT_BITS) {
        return ENTROPY_NOT_REFUSED;
    }
    return more_may_come ? ENTROPY_WAITING : ENTROPY_NO_HEALTHY_SOURCE;
}

// seed = HMAC("rotor1 entropy", lp(name) || lp(raw) || ...), in slot order
static enum rotor_status condition(const struct entropy_front *front,
                                   struct draw_secrets *s)
{
    uint8_t lengths[2 * ENTROPY_SOURCES_MAX][2];
    struct rotor_bytes parts[4 * ENTROPY_SOURCES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < front->count; i++) {
        if (s->sizes[i] == 0) {
            continue;
        }
        struct rotor_bytes name = name_of(&front->slots[i].source);
        bytes_put_be16(lengths[2 * i], (uint16_t)name.size);
        bytes_put_be16(lengths[2 * i + 1], (uint16_t)s->sizes[i]);
        parts[count++] = BYTES_OF(lengths[2 * i]);
        parts[count++] = name;
        parts[count++] = BYTES_OF(lengths[2 * i + 1]);
        parts[count++] = bytes_of(s->raw[i], s->sizes[i]);
    }
    return crypto_hmac(CRYPTO_SHA384, LABEL("rotor1 entropy"), parts, count,
                       s->seed);
}

static enum rotor_status generate(const struct entropy_front *front,
                                  struct draw_secrets *s, size_t size)
{
    static const struct rotor_bytes none;
    struct rotor_room out = {s->out, size, 0};
    TRY(condition(front, s));
    s->drbg = front->drbg;
    if (s->drbg.reseed_count == 0) {
        TRY(entropy_drbg_init(&s->drbg, BYTES_OF(s->seed), none,
                              LABEL("rotor1 drbg")));
    } else {
        TRY(entropy_drbg_reseed(&s->drbg, BYTES_OF(s->seed), none));
    }
    return entropy_drbg_generate(&s->drbg, none, &out);
}

static enum rotor_status draw_with(struct entropy_front *front,
                                   struct draw_secrets *s, enum entropy_use use,
                                   struct rotor_room *out)
{
    collect(front, s);
    front->refusal = judge(front, s, use);
    if (front->refusal == ENTROPY_WAITING) {
        return ROTOR_AGAIN;
    }
    if (front->refusal != ENTROPY_NOT_REFUSED) {
        return ROTOR_PORT_FAILED;
    }
    if (generate(front, s, out->capacity) != ROTOR_OK) {
        front->refusal = ENTROPY_BACK_END;
        return ROTOR_PORT_FAILED;
    }
    front->drbg = s->drbg;
    memcpy(out->data, s->out, out->capacity);
    return ROTOR_OK;
}

enum rotor_status entropy_draw(struct entropy_front *front, uint8_t *out,
                               size_t size)
{
    return entropy_draw_for(front, ENTROPY_FOR_ROOT, out, size);
}

enum rotor_status entropy_draw_for(struct entropy_front *front,
                                   enum entropy_use use, uint8_t *out,
                                   size_t size)
{
    if (size == 0 || size > ENTROPY_DRAW_MAX) {
        return ROTOR_INVALID;
    }
    struct draw_secrets secrets;
    struct rotor_room room = {out, size, 0};
    enum rotor_status status = draw_with(front, &secrets, use, &room);
    secret_wipe(&secrets, sizeof secrets);
    return status;
}

enum entropy_refusal entropy_last_refusal(const struct entropy_front *front)
{
    return front->refusal;
}

// ---- report ----------------------------------------------------------------

bool entropy_report(const struct entropy_front *front, size_t index,
                    struct entropy_report *report)
{
    if (index >= front->count) {
        return false;
    }
    const struct entropy_slot *slot = &front->slots[index];
    *report = (struct entropy_report){
        .name = slot->source.name,
        .stage = slot->stage,
        .fault = slot->fault,
        .was_used = slot->was_used,
        .tested_count = slot->tested_count,
        .credit_millibits = slot->source.credit_millibits,
        .is_required = slot->source.is_required,
    };
    return true;
}

void entropy_wipe(struct entropy_front *front)
{
    secret_wipe(front, sizeof *front);
}
