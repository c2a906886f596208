// SPDX-License-Identifier: Apache-2.0
// Every row of SOURCES.tsv in dice and cose-eat, judged by what it is, and a
// table of right and total per folder.
#include <stdlib.h>
#include <string.h>

#include "test/spec.h"
#include "test/spec/tokens_judge.h"

#define FOLDERS_MAX 32u

struct tally {
    char folder[128];
    unsigned total;
    unsigned right;
    unsigned wrong;
};

struct table {
    struct tally folders[FOLDERS_MAX];
    size_t count;
    char reasons[64][200]; // of files that were not judged
    unsigned reason_counts[64];
    size_t reason_count;
};

static struct tally *tally_of(struct table *table, const char *path)
{
    const char *first = strchr(path, '/');
    const char *second = first == NULL ? NULL : strchr(first + 1, '/');
    size_t size = second == NULL ? 0 : (size_t)(second - path);
    for (size_t i = 0; i < table->count; i++) {
        if (strncmp(table->folders[i].folder, path, size) == 0 &&
            table->folders[i].folder[size] == 0) {
            return &table->folders[i];
        }
    }
    assert_true(table->count < FOLDERS_MAX && size < 128);
    memcpy(table->folders[table->count].folder, path, size);
    return &table->folders[table->count++];
}

static void note_reason(struct table *table, const char *folder,
                        const char *reason)
{
    char line[200];
    snprintf(line, sizeof line, "%s: %s", folder, reason);
    for (size_t i = 0; i < table->reason_count; i++) {
        if (strcmp(table->reasons[i], line) == 0) {
            table->reason_counts[i]++;
            return;
        }
    }
    assert_true(table->reason_count < 64);
    memcpy(table->reasons[table->reason_count], line, sizeof line);
    table->reason_counts[table->reason_count++] = 1;
}

static void judge_row(struct table *table, const char *path,
                      const char *expected)
{
    struct judged judged = {.finding = JUDGED_NOT, .reason = "no judge"};
    struct tally *tally = tally_of(table, path);
    tokens_judge(path, expected, &judged);
    tally->total++;
    tally->right += judged.finding == JUDGED_RIGHT;
    if (judged.finding == JUDGED_WRONG) {
        tally->wrong++;
        print_message("wrong: %s: %s\n", path, judged.reason);
    } else if (judged.finding == JUDGED_NOT) {
        assert_true(judged.reason[0] != 0);
        note_reason(table, tally->folder, judged.reason);
    }
}

static void print_table(const struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct tally *tally = &table->folders[i];
        print_message("%-32s %3u right of %3u, %u wrong, %u not judged\n",
                      tally->folder, tally->right, tally->total, tally->wrong,
                      tally->total - tally->right - tally->wrong);
    }
    for (size_t i = 0; i < table->reason_count; i++) {
        print_message("  not judged, %2u of %s\n", table->reason_counts[i],
                      table->reasons[i]);
    }
}

// Up to a tab or the end of the line; `at` goes behind it.
static bool take_field(const char **at, char *field, size_t capacity)
{
    size_t size = strcspn(*at, "\t\n");
    snprintf(field, capacity, "%.*s", (int)size, *at);
    *at += size;
    if (**at != '\t') {
        return false;
    }
    (*at)++;
    return true;
}

static void judge_all(struct table *table, const char *at)
{
    while (*at != 0) {
        char path[256];
        char what[512];
        char expected[512];
        bool is_row = take_field(&at, path, sizeof path) &&
                      take_field(&at, what, sizeof what) &&
                      take_field(&at, expected, sizeof expected);
        at += strcspn(at, "\n");
        at += *at == '\n';
        bool is_ours = strncmp(path, "dice/", 5) == 0 ||
                       strncmp(path, "cose-eat/", 9) == 0;
        if (is_row && is_ours) {
            judge_row(table, path, expected);
        }
    }
}

SPEC("every file of dice and cose-eat gets the verdict that its row asks for")
{
    struct vectors v;
    struct rotor_bytes sources;
    static struct table table;
    unsigned wrong = 0;
    if (!vectors_open_bytes(&v, "SOURCES.tsv", &sources)) {
        SKIP("no vectors");
    }
    judge_all(&table, (const char *)sources.data);
    print_table(&table);
    for (size_t i = 0; i < table.count; i++) {
        wrong += table.folders[i].wrong;
    }
    assert_true(table.count > 0);
    assert_int_equal(wrong, 0);
    vectors_close(&v);
}
