// SPDX-License-Identifier: Apache-2.0
// A list of rules, judged in order; private to chain/.
//
// Each check starts as refused and passes by saying so (judge->fault = NULL);
// acceptance needs the mark of every rule on the list, so that a skipped one
// is no acceptance.
#ifndef ROTOR_CHAIN_JUDGE_H
#define ROTOR_CHAIN_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/entry.h"
#include "chain/rules.h"
#include "chain/trust.h"

struct chain_judge {
    const struct chain_trust *trust;       // NULL: genesis
    const struct chain_expected *expected; // genesis only
    const struct chain_ports *ports;
    struct rotor_bytes bytes;
    struct chain_entry entry;
    struct chain_trust superseded; // recovery only
    struct chain_trust next;

    const char *fault; // NULL: the check passed
    uint32_t outcome;  // what a fault means
};

struct chain_check {
    uint32_t rule;
    enum rotor_status (*run)(struct chain_judge *judge);
};

struct chain_list {
    enum chain_rules rules;
    const struct chain_check *checks;
    size_t count; // at most 31
};

// ROTOR_INVALID  `ports` lacks what every list needs.
ROTOR_CALL chain_judge_run(struct chain_judge *judge,
                           const struct chain_list *list,
                           struct chain_verdict *verdict,
                           struct chain_trust *next);

// Says what the last check found: "" would be a fault without words.
enum rotor_status chain_judge_pass(struct chain_judge *judge, bool passed,
                                   const char *fault);

// ---- checks that more than one list has ------------------------------------

// Decodes; the lists add which kinds they take.
bool chain_judge_parse(struct chain_judge *judge);

// Rule 4 but for A: suite above `floor`, known, and S, K and the commitment of
// that suite.
enum rotor_status chain_check_suite(struct chain_judge *judge, uint32_t floor);

// A signature over the body under a stored key.  *valid starts false.
ROTOR_CALL chain_check_signature(const struct chain_judge *judge,
                                 const struct wire_key *key,
                                 struct rotor_bytes context,
                                 struct rotor_bytes sign1, bool *valid);

enum rotor_status chain_check_pop(struct chain_judge *judge);      // rule 8
enum rotor_status chain_check_new_keys(struct chain_judge *judge); // rule 9
enum rotor_status chain_check_evidence(struct chain_judge *judge); // rule 11
enum rotor_status chain_check_adopt(struct chain_judge *judge);    // rule 12

#endif
