// SPDX-License-Identifier: Apache-2.0
// What a step found: for people as lines, for programs as one object.
#include "app/rotor/tour.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TITLE_WIDTH 60

uint64_t tour_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

// The last place is overwritten when all are taken: no fact is worth a crash.
static struct tour_fact *next_fact(struct tour *tour, const char *key,
                                   enum tour_fact_kind kind)
{
    size_t at = tour->fact_count < TOUR_FACTS_MAX ? tour->fact_count++
                                                  : TOUR_FACTS_MAX - 1;
    struct tour_fact *fact = &tour->facts[at];
    *fact = (struct tour_fact){.kind = kind};
    (void)snprintf(fact->key, sizeof fact->key, "%s", key);
    return fact;
}

void tour_number(struct tour *tour, const char *key, uint64_t value)
{
    next_fact(tour, key, TOUR_NUMBER)->number = value;
}

void tour_real(struct tour *tour, const char *key, double value)
{
    next_fact(tour, key, TOUR_REAL)->real = value;
}

void tour_flag(struct tour *tour, const char *key, bool value)
{
    next_fact(tour, key, TOUR_FLAG)->number = value ? 1 : 0;
}

void tour_text(struct tour *tour, const char *key, const char *value)
{
    struct tour_fact *fact = next_fact(tour, key, TOUR_TEXT);
    (void)snprintf(fact->text, sizeof fact->text, "%s", value);
}

void tour_words(struct tour *tour, const char *key, const char *words)
{
    struct tour_fact *fact = next_fact(tour, key, TOUR_WORDS);
    (void)snprintf(fact->text, sizeof fact->text, "%s", words);
}

void tour_say(struct tour *tour, const char *format, ...)
{
    va_list values;
    if (tour->line_count == TOUR_LINES_MAX) {
        return;
    }
    va_start(values, format);
    (void)vsnprintf(tour->lines[tour->line_count++], TOUR_LINE_MAX, format,
                    values);
    va_end(values);
}

bool tour_fail(struct tour *tour, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    (void)vsnprintf(tour->why, sizeof tour->why, format, values);
    va_end(values);
    return false;
}

// ---- printing --------------------------------------------------------------

void tour_announce(const struct tour *tour, size_t number,
                   const struct tour_step *step)
{
    if (!tour->run->is_json) {
        printf("\n%2zu  %-*s", number, TITLE_WIDTH, step->title);
        fflush(stdout);
    }
}

static void json_words(struct json *out, const struct tour_fact *fact)
{
    char words[sizeof fact->text];
    char *rest = words;
    const char *word = NULL;
    memcpy(words, fact->text, sizeof words);
    json_open_list(out, fact->key);
    while ((word = strsep(&rest, " ")) != NULL) {
        if (word[0] != '\0') {
            json_text(out, NULL, word);
        }
    }
    json_close(out);
}

static void json_fact(struct json *out, const struct tour_fact *fact)
{
    switch (fact->kind) {
    case TOUR_NUMBER:
        json_number(out, fact->key, fact->number);
        break;
    case TOUR_REAL:
        json_real(out, fact->key, fact->real);
        break;
    case TOUR_TEXT:
        json_text(out, fact->key, fact->text);
        break;
    case TOUR_FLAG:
        json_bool(out, fact->key, fact->number != 0);
        break;
    case TOUR_WORDS:
        json_words(out, fact);
        break;
    }
}

static void conclude_json(const struct tour *tour, const struct tour_step *step,
                          bool ok, uint64_t took_ms)
{
    struct json out;
    json_open(&out, stdout);
    json_text(&out, "step", step->name);
    json_bool(&out, "ok", ok);
    json_text(&out, "schema", "rotor/tour/1");
    json_number(&out, "took_ms", took_ms);
    for (size_t i = 0; i < tour->fact_count; i++) {
        json_fact(&out, &tour->facts[i]);
    }
    if (!ok) {
        json_open_object(&out, "error");
        json_error(&out, tour->run, CAUSE_CHECK_FAILED, NULL, tour->why);
        json_close(&out);
    }
    json_end(&out);
    fflush(stdout);
}

void tour_conclude(const struct tour *tour, const struct tour_step *step,
                   bool ok, uint64_t took_ms)
{
    const char *colour = ok ? "\033[32m" : "\033[31m";
    bool is_colour = tour->run->is_colour;
    if (tour->run->is_json) {
        conclude_json(tour, step, ok, took_ms);
        return;
    }
    printf(" %s%-6s%s %6.2f s\n", is_colour ? colour : "", ok ? "ok" : "FAILED",
           is_colour ? "\033[0m" : "", (double)took_ms / 1000);
    for (size_t i = 0; i < tour->line_count; i++) {
        printf("      %s\n", tour->lines[i]);
    }
    if (!ok) {
        printf("      did not hold: %s\n", tour->why);
    }
    fflush(stdout);
}
