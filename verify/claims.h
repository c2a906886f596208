// SPDX-License-Identifier: Apache-2.0
// Claims of foreign tokens, each judged by a rule and shown as a row.
//
// A format is a table of rules; what it has no rule for is ignored.
// doc/PROTOCOL.tokens 3.
#ifndef ROTOR_VERIFY_CLAIMS_H
#define ROTOR_VERIFY_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/bytes.h>

#include "verify/verdict.h"
#include "wire/cbor_foreign.h"

enum verify_claim_form {
    VERIFY_BYTES,   // least..most bytes
    VERIFY_TEXT,    // least..most bytes of UTF-8
    VERIFY_INTEGER, // least..most
    VERIFY_BOOL,
    VERIFY_ANY, // only is_good judges
};

// One claim; VERIFY_CLAIM makes its name and its three sentences.
struct verify_claim {
    int64_t key;
    const char *check; // "claim NAME"
    const char *missing;
    const char *of_type;
    const char *of_value;

    enum verify_claim_form form;
    bool is_optional;
    int64_t least;
    int64_t most;
    bool (*is_good)(const struct cbor_foreign *value); // NULL: no more asked
};

// No bound on a length.
#define VERIFY_ANY_SIZE INT64_MAX

enum { VERIFY_MANDATORY = 0, VERIFY_OPTIONAL = 1 };

#define VERIFY_CLAIM(number, name, of_form, optional, shortest, longest,       \
                     judge)                                                    \
    {                                                                          \
        .key = (number), .check = "claim " name,                               \
        .missing = "claim " name " is missing",                                \
        .of_type = "claim " name " is of another type",                        \
        .of_value = "claim " name " has another length or value",              \
        .form = (of_form), .is_optional = (optional), .least = (shortest),     \
        .most = (longest), .is_good = (judge)                                  \
    }

// A row for each claim that is there or missing.  False at the first that is
// not good; the rest is then not looked at.
bool verify_claims_check(struct verify_verdict *verdict,
                         const struct cbor_foreign *claims,
                         const struct verify_claim *rules, size_t count);

// The same without rows: NULL, or the sentence of the first claim that is not
// good.
const char *verify_claims_fault(const struct cbor_foreign *claims,
                                const struct verify_claim *rules, size_t count);

// The same for maps inside a claim: whether it is a map and all rules hold.
bool verify_claims_hold(const struct cbor_foreign *claims,
                        const struct verify_claim *rules, size_t count);

// Values of claims that were checked; empty or 0 if they are not there.
struct rotor_bytes verify_claim_bytes(const struct cbor_foreign *claims,
                                      int64_t key);
struct rotor_bytes verify_claim_text(const struct cbor_foreign *claims,
                                     int64_t key);
int64_t verify_claim_integer(const struct cbor_foreign *claims, int64_t key);

// 32, 48 or 64 bytes: what is_good asks of hashes.
bool verify_claim_is_hash(const struct cbor_foreign *value);

// An array of at least one item, all of which `is_good` takes.
bool verify_claim_is_array_of(const struct cbor_foreign *value,
                              bool (*is_good)(const struct cbor_foreign *each));

#endif
