// SPDX-License-Identifier: Apache-2.0
#include "test/spec.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/bytes.h"
#include "test/spec/entropy_fake.h"

// ---- the whole computation once more, from the standards' text -------------

struct text {
    uint8_t bytes[4096];
    size_t size;
};

static void put(struct text *text, const void *bytes, size_t size)
{
    assert_true(size <= sizeof text->bytes - text->size);
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

static void put_lp(struct text *text, const void *bytes, size_t size)
{
    uint8_t length[2] = {(uint8_t)(size >> 8), (uint8_t)size};
    put(text, length, sizeof length);
    put(text, bytes, size);
}

struct model {
    uint8_t key[32];
    uint8_t value[32];
    bool is_begun;
};

static void model_hmac(uint8_t mac[32], const uint8_t key[32],
                       const struct text *text)
{
    uint8_t made[32];
    assert_non_null(
        HMAC(EVP_sha256(), key, 32, text->bytes, text->size, made, NULL));
    memcpy(mac, made, 32);
}

// HMAC_DRBG_Update, SP 800-90A 10.1.2.2
static void model_update(struct model *model, const struct text *provided)
{
    for (uint8_t mark = 0; mark < 2; mark++) {
        struct text text = {.size = 0};
        put(&text, model->value, 32);
        put(&text, &mark, 1);
        put(&text, provided->bytes, provided->size);
        model_hmac(model->key, model->key, &text);
        text.size = 0;
        put(&text, model->value, 32);
        model_hmac(model->value, model->key, &text);
        if (provided->size == 0) {
            return;
        }
    }
}

static void model_draw(struct model *model, const struct text *collected,
                       uint8_t *out, size_t size)
{
    static const char label[] = "rotor1 entropy";
    uint8_t seed[48];
    assert_non_null(HMAC(EVP_sha384(), label, sizeof label - 1,
                         collected->bytes, collected->size, seed, NULL));
    struct text provided = {.size = 0};
    put(&provided, seed, sizeof seed);
    if (!model->is_begun) {
        memset(model->key, 0, 32);
        memset(model->value, 1, 32);
        put(&provided, "rotor1 drbg", 11);
        model->is_begun = true;
    }
    model_update(model, &provided);
    struct text text;
    for (size_t at = 0; at < size; at += 32) {
        text.size = 0;
        put(&text, model->value, 32);
        model_hmac(model->value, model->key, &text);
        memcpy(out + at, model->value, size - at < 32 ? size - at : 32);
    }
    text.size = 0;
    model_update(model, &text);
}

// ---- helpers ---------------------------------------------------------------

static struct entropy_front started(const struct entropy_source *sources,
                                    size_t count)
{
    struct entropy_front front;
    assert_ok(entropy_init(&front, sources, count));
    entropy_start(&front);
    for (unsigned i = 0; entropy_is_testing(&front) && i < 1000; i++) {
        entropy_step(&front);
    }
    return front;
}

static struct entropy_report report_of(const struct entropy_front *front,
                                       size_t index)
{
    struct entropy_report report;
    assert_true(entropy_report(front, index, &report));
    return report;
}

static void expect_source(const struct entropy_front *front, size_t index,
                          enum entropy_stage stage, enum entropy_fault fault)
{
    struct entropy_report report = report_of(front, index);
    assert_int_equal(report.stage, stage);
    assert_int_equal(report.fault, fault);
}

static void expect_refusal(struct entropy_front *front,
                           enum rotor_status status,
                           enum entropy_refusal refusal)
{
    uint8_t out[32];
    uint8_t before[32];
    memset(out, 0xa5, sizeof out);
    memcpy(before, out, sizeof out);
    assert_int_equal(entropy_draw(front, out, sizeof out), status);
    assert_int_equal(entropy_last_refusal(front), refusal);
    assert_memory_equal(out, before, sizeof out);
}

// ---- what comes out --------------------------------------------------------

SPEC("two sources, three draws: the output is what the standards' text says")
{
    struct fake a = {.seed = 1};
    struct fake b = {.seed = 2};
    struct entropy_source sources[] = {fake_source(&a, "first"),
                                       fake_source(&b, "second")};
    sources[1].is_required = false;
    sources[1].block_size = 32;
    struct entropy_front front = started(sources, 2);
    struct model model = {.is_begun = false};
    static const size_t sizes[] = {48, 64, 1};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        uint8_t out[64];
        uint8_t expected[64];
        assert_ok(entropy_draw(&front, out, sizes[i]));
        struct text text = {.size = 0};
        put_lp(&text, "first", 5);
        put_lp(&text, a.last, 128);
        put_lp(&text, "second", 6);
        put_lp(&text, b.last, 32);
        model_draw(&model, &text, expected, sizes[i]);
        assert_memory_equal(out, expected, sizes[i]);
    }
    entropy_wipe(&front);
}

SPEC("the samples of the start-up test are thrown away")
{
    struct fake a = {.seed = 1};
    struct entropy_source source = fake_source(&a, "one");
    struct entropy_front front;
    assert_ok(entropy_init(&front, &source, 1));
    assert_int_equal(a.read_count, 0);
    entropy_start(&front);
    expect_source(&front, 0, ENTROPY_HEALTHY, ENTROPY_NO_FAULT);
    assert_int_equal(a.read_count, 1024 / 128);
    assert_int_equal(report_of(&front, 0).tested_count, 1024);
    uint8_t out[48];
    assert_ok(entropy_draw(&front, out, sizeof out));
    assert_int_equal(a.read_count, 1024 / 128 + 1);
    assert_int_equal(report_of(&front, 0).tested_count, 1024 + 128);
}

SPEC("a draw before the start-up test has to wait")
{
    struct fake a = {.seed = 1};
    struct entropy_source source = fake_source(&a, "one");
    struct entropy_front front;
    assert_ok(entropy_init(&front, &source, 1));
    expect_refusal(&front, ROTOR_AGAIN, ENTROPY_WAITING);
    assert_int_equal(a.read_count, 0);
}

SPEC("a clone of a virtual machine draws something else than its twin")
{
    struct fake a = {.seed = 1};
    struct entropy_source source = fake_source(&a, "one");
    struct entropy_front front = started(&source, 1);
    uint8_t out[48];
    assert_ok(entropy_draw(&front, out, sizeof out));
    struct entropy_front twin = front;
    uint8_t twin_out[48];
    assert_ok(entropy_draw(&front, out, sizeof out));
    assert_ok(entropy_draw(&twin, twin_out, sizeof twin_out));
    assert_memory_not_equal(out, twin_out, sizeof out);
}

SPEC("what an earlier draw brought still counts when a source replays")
{
    uint8_t out[2][48];
    for (uint64_t i = 0; i < 2; i++) {
        struct fake a = {.seed = 1 + i};
        struct entropy_source source = fake_source(&a, "one");
        struct entropy_front front = started(&source, 1);
        assert_ok(entropy_draw(&front, out[i], sizeof out[i]));
        a.seed = 77; // from here both fronts see the same bytes
        assert_ok(entropy_draw(&front, out[i], sizeof out[i]));
    }
    assert_memory_not_equal(out[0], out[1], sizeof out[0]);
}

SPEC("the same seed twice gives two different outputs")
{
    struct fake a = {.seed = 5};
    struct entropy_source source = fake_source(&a, "one");
    source.block_size = 128;
    struct entropy_front front = started(&source, 1);
    uint8_t first[64];
    uint8_t second[64];
    a.seed = 9;
    assert_ok(entropy_draw(&front, first, sizeof first));
    struct fake other = {.seed = 123};
    front.slots[0].source.context = &other;
    assert_ok(entropy_draw(&front, second, sizeof second));
    front.slots[0].source.context = &a;
    a.seed = 9;
    assert_ok(entropy_draw(&front, second, sizeof second));
    assert_memory_not_equal(first, second, sizeof first);
}

// A draw of two sources that start from the given seeds after their tests.
static void draw_of_two(uint64_t seed_a, uint64_t seed_b, uint8_t out[64])
{
    struct fake a = {.seed = 1};
    struct fake b = {.seed = 2};
    struct entropy_source sources[] = {fake_source(&a, "a"),
                                       fake_source(&b, "b")};
    sources[1].credit_millibits = 0;
    struct entropy_front front = started(sources, 2);
    a.seed = seed_a;
    b.seed = seed_b;
    assert_ok(entropy_draw(&front, out, 64));
}

SPEC("a source that copies another one cannot cancel it")
{
    uint8_t first[64];
    uint8_t second[64];
    draw_of_two(10, 10, first);
    draw_of_two(11, 11, second);
    assert_memory_not_equal(first, second, sizeof first);
}

SPEC("it matters which source a byte came from")
{
    uint8_t first[64];
    uint8_t second[64];
    draw_of_two(10, 11, first);
    draw_of_two(11, 10, second);
    assert_memory_not_equal(first, second, sizeof first);
}

SPEC("a source without credit is mixed in all the same")
{
    uint8_t first[64];
    uint8_t second[64];
    draw_of_two(10, 11, first);
    draw_of_two(10, 12, second);
    assert_memory_not_equal(first, second, sizeof first);
}

// ---- faults ----------------------------------------------------------------

static const struct {
    enum fake_mood mood;
    enum entropy_fault fault;
} bad_moods[] = {
    {FAKE_ZERO,   ENTROPY_ZERO  },
    {FAKE_ONES,   ENTROPY_ONES  },
    {FAKE_STUCK,  ENTROPY_STUCK },
    {FAKE_WORDS,  ENTROPY_REPEAT},
    {FAKE_BLOCKS, ENTROPY_REPEAT},
    {FAKE_RUNS,   ENTROPY_RCT   },
    {FAKE_BIASED, ENTROPY_APT   },
    {FAKE_GONE,   ENTROPY_ABSENT},
    {FAKE_LIAR,   ENTROPY_ABSENT},
    {FAKE_MUTE,   ENTROPY_ABSENT},
};

SPEC("a source that is bad from the start never gets in, and is named")
{
    for (size_t i = 0; i < COUNT_OF(bad_moods); i++) {
        struct fake a = {.seed = 1, .mood = bad_moods[i].mood};
        struct entropy_source source = fake_source(&a, "one");
        struct entropy_front front = started(&source, 1);
        expect_source(&front, 0, ENTROPY_OUT, bad_moods[i].fault);
        assert_string_equal(report_of(&front, 0).name, "one");
        expect_refusal(&front, ROTOR_PORT_FAILED, ENTROPY_REQUIRED_SOURCE);
    }
}

SPEC("a source that turns bad is thrown out by the draw that sees it")
{
    for (size_t i = 0; i < COUNT_OF(bad_moods); i++) {
        struct fake a = {.seed = 1};
        struct entropy_source source = fake_source(&a, "one");
        struct entropy_front front = started(&source, 1);
        uint8_t out[48];
        assert_ok(entropy_draw(&front, out, sizeof out));
        a.mood = bad_moods[i].mood;
        // The repeat of a block and a biased window need more than one block.
        enum rotor_status status = ROTOR_OK;
        for (unsigned j = 0; j < 4 && status == ROTOR_OK; j++) {
            status = entropy_draw(&front, out, sizeof out);
        }
        assert_int_equal(status, ROTOR_PORT_FAILED);
        expect_source(&front, 0, ENTROPY_OUT, bad_moods[i].fault);
    }
}

SPEC("a source that failed stays out, good bytes or not, until a re-test")
{
    struct fake a = {.seed = 1};
    struct entropy_source source = fake_source(&a, "one");
    struct entropy_front front = started(&source, 1);
    a.mood = FAKE_ZERO;
    expect_refusal(&front, ROTOR_PORT_FAILED, ENTROPY_REQUIRED_SOURCE);
    a.mood = FAKE_GOOD;
    entropy_start(&front);
    entropy_step(&front);
    expect_refusal(&front, ROTOR_PORT_FAILED, ENTROPY_REQUIRED_SOURCE);
    expect_source(&front, 0, ENTROPY_OUT, ENTROPY_ZERO);
    entropy_retest(&front);
    expect_source(&front, 0, ENTROPY_HEALTHY, ENTROPY_NO_FAULT);
    uint8_t out[48];
    assert_ok(entropy_draw(&front, out, sizeof out));
    assert_int_equal(entropy_last_refusal(&front), ENTROPY_NOT_REFUSED);
}

SPEC("a re-test of a source that is still bad leaves it out, newly named")
{
    struct fake a = {.seed = 1, .mood = FAKE_ZERO};
    struct entropy_source source = fake_source(&a, "one");
    struct entropy_front front = started(&source, 1);
    a.mood = FAKE_ONES;
    entropy_retest(&front);
    expect_source(&front, 0, ENTROPY_OUT, ENTROPY_ONES);
}

SPEC("while a failed source is in its re-test it is not used, and still named")
{
    struct fake a = {.seed = 1, .mood = FAKE_ZERO};
    struct entropy_source source = fake_source(&a, "one");
    struct entropy_front front = started(&source, 1);
    a.mood = FAKE_EMPTY;
    entropy_retest(&front);
    expect_source(&front, 0, ENTROPY_TESTING, ENTROPY_ZERO);
    expect_refusal(&front, ROTOR_PORT_FAILED, ENTROPY_REQUIRED_SOURCE);
}

SPEC("a re-test takes 1024 samples anew from a healthy source too")
{
    struct fake a = {.seed = 1};
    struct entropy_source source = fake_source(&a, "one");
    struct entropy_front front = started(&source, 1);
    entropy_retest(&front);
    assert_int_equal(a.read_count, 2 * 1024 / 128);
    expect_source(&front, 0, ENTROPY_HEALTHY, ENTROPY_NO_FAULT);
}

SPEC("a bad source that is not required is named and the others go on")
{
    struct fake a = {.seed = 1};
    struct fake b = {.seed = 2};
    struct entropy_source sources[] = {fake_source(&a, "a"),
                                       fake_source(&b, "b")};
    sources[1].is_required = false;
    struct entropy_front front = started(sources, 2);
    b.mood = FAKE_STUCK;
    uint8_t out[48];
    uint8_t expected[48];
    assert_ok(entropy_draw(&front, out, sizeof out));
    expect_source(&front, 0, ENTROPY_HEALTHY, ENTROPY_NO_FAULT);
    expect_source(&front, 1, ENTROPY_OUT, ENTROPY_STUCK);
    // Not one byte of the bad source went in.
    struct text text = {.size = 0};
    put_lp(&text, "a", 1);
    put_lp(&text, a.last, 128);
    struct model model = {.is_begun = false};
    model_draw(&model, &text, expected, sizeof expected);
    assert_memory_equal(out, expected, sizeof out);
}

SPEC("a source that the platform does not have is named, never read")
{
    struct fake a = {.seed = 1};
    struct entropy_source sources[] = {fake_source(&a, "a"),
                                       fake_source(NULL, "b")};
    sources[1].read = NULL;
    sources[1].is_required = false;
    struct entropy_front front = started(sources, 2);
    expect_source(&front, 1, ENTROPY_OUT, ENTROPY_ABSENT);
    uint8_t out[48];
    assert_ok(entropy_draw(&front, out, sizeof out));
    entropy_retest(&front);
    expect_source(&front, 1, ENTROPY_OUT, ENTROPY_ABSENT);
    sources[1].is_required = true;
    front = started(sources, 2);
    expect_refusal(&front, ROTOR_PORT_FAILED, ENTROPY_REQUIRED_SOURCE);
}

// ---- credit ----------------------------------------------------------------

SPEC("511 bits of assessed entropy are too few, 512 are enough")
{
    struct fake a = {.seed = 1};
    struct entropy_source source = fake_source(&a, "one");
    source.credit_millibits = 3999;
    struct entropy_front front = started(&source, 1);
    expect_refusal(&front, ROTOR_PORT_FAILED, ENTROPY_NO_HEALTHY_SOURCE);
    source.credit_millibits = 4000;
    front = started(&source, 1);
    uint8_t out[48];
    assert_ok(entropy_draw(&front, out, sizeof out));
}

SPEC("credit is counted per byte that came, over all sources")
{
    struct fake a = {.seed = 1};
    struct fake b = {.seed = 2};
    struct entropy_source sources[] = {fake_source(&a, "a"),
                                       fake_source(&b, "b")};
    sources[0].block_size = 64;
    sources[1].block_size = 64;
    sources[1].is_required = false;
    struct entropy_front front = started(sources, 2);
    uint8_t out[48];
    assert_ok(entropy_draw(&front, out, sizeof out));
    b.left = 1 + 56; // seven words, then empty
    expect_refusal(&front, ROTOR_AGAIN, ENTROPY_WAITING);
    b.mood = FAKE_GONE;
    expect_refusal(&front, ROTOR_PORT_FAILED, ENTROPY_NO_HEALTHY_SOURCE);
}

SPEC("nobody waits for a source that would bring no credit")
{
    struct fake a = {.seed = 1};
    struct fake b = {.seed = 2, .mood = FAKE_EMPTY};
    struct entropy_source sources[] = {fake_source(&a, "a"),
                                       fake_source(&b, "b")};
    sources[0].block_size = 64;
    sources[1].is_required = false;
    struct entropy_front front = started(sources, 2);
    expect_refusal(&front, ROTOR_AGAIN, ENTROPY_WAITING);
    sources[1].credit_millibits = 0;
    front = started(sources, 2);
    expect_refusal(&front, ROTOR_PORT_FAILED, ENTROPY_NO_HEALTHY_SOURCE);
}

SPEC("sources that nobody assessed make no key, however many they are")
{
    struct fake fakes[ENTROPY_SOURCES_MAX];
    struct entropy_source sources[ENTROPY_SOURCES_MAX];
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    for (size_t i = 0; i < ENTROPY_SOURCES_MAX; i++) {
        fakes[i] = (struct fake){.seed = i};
        sources[i] = fake_source(&fakes[i], names[i]);
        sources[i].credit_millibits = 0;
    }
    struct entropy_front front = started(sources, ENTROPY_SOURCES_MAX);
    expect_source(&front, 7, ENTROPY_HEALTHY, ENTROPY_NO_FAULT);
    expect_refusal(&front, ROTOR_PORT_FAILED, ENTROPY_NO_HEALTHY_SOURCE);
    assert_string_equal(entropy_refusal_text(ENTROPY_NO_HEALTHY_SOURCE),
                        "no healthy source");
    sources[7].credit_millibits = 4000;
    front = started(sources, ENTROPY_SOURCES_MAX);
    uint8_t out[48];
    assert_ok(entropy_draw(&front, out, sizeof out));
}

// ---- slow sources ----------------------------------------------------------

SPEC("a slow source never delays the start and joins block by block")
{
    struct fake a = {.seed = 1};
    struct fake slow = {.seed = 2, .mood = FAKE_EMPTY};
    struct entropy_source sources[] = {fake_source(&a, "a"),
                                       fake_source(&slow, "slow")};
    sources[1].is_required = false;
    sources[1].block_size = 64;
    struct entropy_front front;
    assert_ok(entropy_init(&front, sources, 2));
    entropy_start(&front);
    assert_int_equal(slow.read_count, 0);
    uint8_t out[48];
    assert_ok(entropy_draw(&front, out, sizeof out));
    assert_int_equal(slow.read_count, 0);
    entropy_step(&front);
    assert_int_equal(slow.read_count, 1);
    expect_source(&front, 1, ENTROPY_TESTING, ENTROPY_NO_FAULT);
    slow.mood = FAKE_GOOD;
    for (unsigned i = 0; i < 1024 / 64; i++) {
        expect_source(&front, 1, ENTROPY_TESTING, ENTROPY_NO_FAULT);
        assert_true(entropy_is_testing(&front));
        entropy_step(&front);
        assert_int_equal(slow.read_count, i + 2);
    }
    expect_source(&front, 1, ENTROPY_HEALTHY, ENTROPY_NO_FAULT);
    assert_false(entropy_is_testing(&front));
    size_t reads = slow.read_count;
    entropy_step(&front);
    assert_int_equal(slow.read_count, reads);
}

SPEC("steps serve all sources in turn")
{
    struct fake fakes[3] = {{.seed = 1}, {.seed = 2}, {.seed = 3}};
    struct entropy_source sources[] = {fake_source(&fakes[0], "a"),
                                       fake_source(&fakes[1], "b"),
                                       fake_source(&fakes[2], "c")};
    for (size_t i = 0; i < 3; i++) {
        sources[i].is_required = false;
    }
    struct entropy_front front;
    assert_ok(entropy_init(&front, sources, 3));
    for (unsigned i = 0; i < 6; i++) {
        entropy_step(&front);
    }
    assert_int_equal(fakes[0].read_count, 2);
    assert_int_equal(fakes[1].read_count, 2);
    assert_int_equal(fakes[2].read_count, 2);
}

SPEC("empty answers in a row are a timeout; one answer starts the count anew")
{
    struct fake a = {.seed = 1};
    struct entropy_source source = fake_source(&a, "one");
    source.patience_count = 3;
    struct entropy_front front = started(&source, 1);
    uint8_t out[48];
    a.mood = FAKE_EMPTY;
    expect_refusal(&front, ROTOR_AGAIN, ENTROPY_WAITING);
    expect_refusal(&front, ROTOR_AGAIN, ENTROPY_WAITING);
    a.mood = FAKE_GOOD;
    assert_ok(entropy_draw(&front, out, sizeof out));
    a.mood = FAKE_EMPTY;
    expect_refusal(&front, ROTOR_AGAIN, ENTROPY_WAITING);
    expect_refusal(&front, ROTOR_AGAIN, ENTROPY_WAITING);
    expect_refusal(&front, ROTOR_PORT_FAILED, ENTROPY_REQUIRED_SOURCE);
    expect_source(&front, 0, ENTROPY_OUT, ENTROPY_TIMEOUT);
    entropy_retest(&front); // asks once, and has three answers' time again
    expect_source(&front, 0, ENTROPY_TESTING, ENTROPY_TIMEOUT);
}

SPEC("a source without a patience is waited for")
{
    struct fake a = {.seed = 1};
    struct entropy_source source = fake_source(&a, "one");
    struct entropy_front front = started(&source, 1);
    a.mood = FAKE_EMPTY;
    for (unsigned i = 0; i < 1000; i++) {
        expect_refusal(&front, ROTOR_AGAIN, ENTROPY_WAITING);
    }
}

SPEC("a block that comes in pieces is one block; a broken word is dropped")
{
    struct fake a = {.seed = 1};
    struct entropy_source source = fake_source(&a, "one");
    struct entropy_front front = started(&source, 1);
    a.read_max = 5;
    a.read_count = 0;
    uint8_t out[48];
    assert_ok(entropy_draw(&front, out, sizeof out));
    assert_int_equal(a.read_count, 26); // 128 bytes, five at a time
    uint64_t tested = report_of(&front, 0).tested_count;
    a.left = 1 + 13;
    expect_refusal(&front, ROTOR_AGAIN, ENTROPY_WAITING);
    assert_int_equal(report_of(&front, 0).tested_count, tested + 8);
}

SPEC("a binary source is tested bit by bit")
{
    struct fake a = {.seed = 1};
    struct entropy_source source = fake_source(&a, "bits");
    source.sample_bits = 1;
    source.sample_millibits = 500;
    struct entropy_front front;
    assert_ok(entropy_init(&front, &source, 1));
    entropy_start(&front);
    assert_int_equal(a.read_count, 1);
    assert_int_equal(report_of(&front, 0).tested_count, 1024);
    expect_source(&front, 0, ENTROPY_HEALTHY, ENTROPY_NO_FAULT);
}

// ---- callers' mistakes -----------------------------------------------------

SPEC("a source whose sizes or claims contradict each other is refused")
{
    struct fake a = {.seed = 1};
    struct entropy_source good = fake_source(&a, "one");
    struct entropy_source bad[12];
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        bad[i] = good;
    }
    bad[0].name = NULL;
    bad[1].name = "";
    bad[2].name = "a name of thirty-two characters!";
    bad[3].block_size = 0;
    bad[4].block_size = 136;
    bad[5].block_size = 100; // not whole words
    bad[6].word_size = 0;
    bad[7].word_size = 4; // 16 bits in a word
    bad[8].sample_bits = 4;
    bad[9].sample_millibits = 8001;
    bad[10].credit_millibits = 4001; // more than the tests hold it to
    bad[11].sample_millibits = 124;
    struct entropy_front front;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(entropy_init(&front, &bad[i], 1), ROTOR_INVALID);
        struct entropy_report report;
        assert_false(entropy_report(&front, 0, &report));
        uint8_t out[32];
        assert_int_equal(entropy_draw(&front, out, sizeof out),
                         ROTOR_PORT_FAILED);
    }
    assert_ok(entropy_init(&front, &good, 1));
}

SPEC("no source, too many, and two of one name are refused")
{
    struct fake a = {.seed = 1};
    struct entropy_source sources[ENTROPY_SOURCES_MAX + 1];
    static const char *const names[] = {"a", "b", "c", "d", "e",
                                        "f", "g", "h", "i"};
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        sources[i] = fake_source(&a, names[i]);
    }
    struct entropy_front front;
    assert_int_equal(entropy_init(&front, sources, 0), ROTOR_INVALID);
    assert_int_equal(entropy_init(&front, sources, COUNT_OF(sources)),
                     ROTOR_INVALID);
    assert_ok(entropy_init(&front, sources, ENTROPY_SOURCES_MAX));
    sources[5].name = "c";
    assert_int_equal(entropy_init(&front, sources, ENTROPY_SOURCES_MAX),
                     ROTOR_INVALID);
}

SPEC("a draw of no byte or of more than 64 is refused")
{
    struct fake a = {.seed = 1};
    struct entropy_source source = fake_source(&a, "one");
    struct entropy_front front = started(&source, 1);
    uint8_t out[65];
    assert_int_equal(entropy_draw(&front, out, 0), ROTOR_INVALID);
    assert_int_equal(entropy_draw(&front, out, 65), ROTOR_INVALID);
    assert_ok(entropy_draw(&front, out, 64));
}

SPEC("a wiped front has no source and no secret")
{
    struct fake a = {.seed = 1};
    struct entropy_source source = fake_source(&a, "one");
    struct entropy_front front = started(&source, 1);
    uint8_t out[48];
    assert_ok(entropy_draw(&front, out, sizeof out));
    entropy_wipe(&front);
    static const struct entropy_drbg blank;
    assert_memory_equal(&front.drbg, &blank, sizeof blank);
    assert_false(entropy_is_testing(&front));
    expect_refusal(&front, ROTOR_PORT_FAILED, ENTROPY_NO_HEALTHY_SOURCE);
}
