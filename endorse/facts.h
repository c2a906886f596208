// SPDX-License-Identifier: Apache-2.0
// What an endorsement says of itself, for people: whose it is and how long it
// is good.  None of it is verified.
#ifndef ROTOR_ENDORSE_FACTS_H
#define ROTOR_ENDORSE_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include <rotor/status.h>

#include "endorse/set.h"

#define ENDORSE_WORDS_SIZE 96u

struct endorse_facts {
    char about[ENDORSE_WORDS_SIZE];  // subject, platform; clean text
    char issuer[ENDORSE_WORDS_SIZE]; // clean text; empty: not said
    int64_t begins_s;                // since 1970
    int64_t ends_s;                  // INT64_MAX: never
    bool is_root;                    // issued by itself
    uint8_t key[32];                 // SHA-256 of a certificate's own key
};

// ROTOR_MALFORMED  the statement does not parse.
ROTOR_CALL endorse_facts_read(const struct endorse_item *item,
                              struct endorse_facts *facts);

// "2026-11-25T22:11:05Z" to seconds since 1970.
//
// ROTOR_MALFORMED  another form, or a date that there is not.
ROTOR_CALL endorse_time_read(const char *text, int64_t *seconds);

#endif
