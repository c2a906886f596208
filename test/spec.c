// SPDX-License-Identifier: Apache-2.0
#include "test/spec.h"

#include <stdlib.h>

static struct CMUnitTest sentences[512];
static size_t sentence_count;

void spec_add(const char *sentence, void (*body)(void **state))
{
    if (sentence_count == sizeof sentences / sizeof sentences[0]) {
        fputs("spec: more than 512 sentences in one program\n", stderr);
        abort();
    }
    sentences[sentence_count++] =
        (struct CMUnitTest){.name = sentence, .test_func = body};
}

int main(void)
{
    if (sentence_count == 0) {
        fputs("spec: no sentence to run\n", stderr);
        return 1;
    }
    return _cmocka_run_group_tests("spec", sentences, sentence_count, NULL,
                                   NULL);
}
