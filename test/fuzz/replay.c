// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over its committed corpus, then over a bounded number of
// random changes of it: the same in every run.  For builds without libFuzzer.
//
//     replay FOLDER ROUNDS
#include <dirent.h>
#include <stdbool.h>
#include <string.h>

#include "test/fuzz/fuzz.h"

#define INPUT_MAX  65536u // bytes
#define INPUTS_MAX 4096u

struct input {
    uint8_t *data;
    size_t size;
};

static struct input inputs[INPUTS_MAX];
static size_t input_count;

static uint64_t state = 0x9e3779b97f4a7c15u;

static size_t random_below(size_t bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 16) % bound;
}

// From a copy of its own size, so that the sanitiser sees each read past it.
static void run_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    FUZZ_CHECK(copy != NULL);
    if (size != 0) {
        memcpy(copy, data, size);
    }
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void load(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    FUZZ_CHECK(file != NULL);
    struct input *input = &inputs[input_count++];
    input->data = malloc(INPUT_MAX);
    FUZZ_CHECK(input->data != NULL);
    input->size = fread(input->data, 1, INPUT_MAX, file);
    fclose(file);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_all(const char *folder)
{
    struct dirent **names;
    int count = scandir(folder, &names, NULL, by_name);
    FUZZ_CHECK(count > 0);
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] != '.' && input_count < INPUTS_MAX) {
            load(folder, names[i]->d_name);
        }
        free(names[i]);
    }
    free(names);
    FUZZ_CHECK(input_count > 0);
}

// Bytes that decoders branch on.
static uint8_t telling_byte(void)
{
    static const uint8_t bytes[] = {0x00, 0x01, 0x17, 0x18, 0x1b, 0x20, 0x40,
                                    0x58, 0x5b, 0x60, 0x7f, 0x80, 0x81, 0x9b,
                                    0x9f, 0xa0, 0xa1, 0xbb, 0xf6, 0xff};
    return random_below(2) == 0 ? bytes[random_below(sizeof bytes)]
                                : (uint8_t)random_below(256);
}

// One change in place; returns the new size.
static size_t change(uint8_t *data, size_t size)
{
    size_t at = random_below(size + 1);
    const struct input *other = &inputs[random_below(input_count)];
    switch (random_below(6)) {
    case 0: // one byte
        if (at < size) {
            data[at] = telling_byte();
        }
        return size;
    case 1: // one bit
        if (at < size) {
            data[at] ^= (uint8_t)(1u << random_below(8));
        }
        return size;
    case 2: // one byte more
        if (size < INPUT_MAX) {
            memmove(data + at + 1, data + at, size - at);
            data[at] = telling_byte();
            size++;
        }
        return size;
    case 3: // some bytes gone
        if (at < size) {
            size_t gone = 1 + random_below(size - at);
            memmove(data + at, data + at + gone, size - at - gone);
            size -= gone;
        }
        return size;
    case 4: // cut short
        return at;
    default: // the end of another input
        if (other->size != 0) {
            size_t from = random_below(other->size);
            size_t more = other->size - from;
            more = more > INPUT_MAX - at ? INPUT_MAX - at : more;
            memcpy(data + at, other->data + from, more);
            size = at + more;
        }
        return size;
    }
}

int main(int argc, char **argv)
{
    FUZZ_CHECK(argc == 3);
    load_all(argv[1]);
    static uint8_t data[INPUT_MAX];
    for (size_t i = 0; i < input_count; i++) {
        run_copy(inputs[i].data, inputs[i].size);
    }
    unsigned long rounds = strtoul(argv[2], NULL, 10);
    for (unsigned long i = 0; i < rounds; i++) {
        const struct input *seed = &inputs[random_below(input_count)];
        size_t size = seed->size;
        memcpy(data, seed->data, size);
        for (size_t changes = 1 + random_below(4); changes != 0; changes--) {
            size = change(data, size);
        }
        run_copy(data, size);
    }
    printf("%zu inputs, %lu changes\n", input_count, rounds);
    for (size_t i = 0; i < input_count; i++) {
        free(inputs[i].data);
    }
    return 0;
}
