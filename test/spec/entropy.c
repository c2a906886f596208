// SPDX-License-Identifier: Apache-2.0
// What comes out of the front, and what it takes for that.
#include "test/spec.h"

#include <string.h>

#include "base/bytes.h"
#include "test/spec/entropy_fake.h"
#include "test/spec/entropy_model.h"

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
    b.left = 0;
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
