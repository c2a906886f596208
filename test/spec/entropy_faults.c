// SPDX-License-Identifier: Apache-2.0
// Sources that are bad, missing or slow.
#include "test/spec.h"

#include <string.h>

#include "base/bytes.h"
#include "test/spec/entropy_fake.h"
#include "test/spec/entropy_model.h"

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
        assert_false(report_of(&front, 0).was_used);
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
        assert_true(report_of(&front, 0).was_used);
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

SPEC("for what passes a required source may be missing, assessed entropy not")
{
    struct fake a = {.seed = 1};
    struct entropy_source sources[] = {fake_source(&a, "a"),
                                       fake_source(NULL, "b")};
    sources[1].read = NULL;
    struct entropy_front front = started(sources, 2);
    uint8_t out[48];
    assert_int_equal(
        entropy_draw_for(&front, ENTROPY_FOR_ROOT, out, sizeof out),
        ROTOR_PORT_FAILED);
    assert_ok(entropy_draw_for(&front, ENTROPY_FOR_PASSING, out, sizeof out));
    uint64_t read_count = a.read_count;
    assert_ok(entropy_draw_for(&front, ENTROPY_FOR_PASSING, out, sizeof out));
    assert_true(a.read_count > read_count); // fresh bytes each time
    sources[0].credit_millibits = 0;
    front = started(sources, 2);
    assert_int_equal(
        entropy_draw_for(&front, ENTROPY_FOR_PASSING, out, sizeof out),
        ROTOR_PORT_FAILED);
    assert_int_equal(entropy_last_refusal(&front), ENTROPY_NO_HEALTHY_SOURCE);
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
