// SPDX-License-Identifier: Apache-2.0
#include "verify/claims.h"

#include "base/bytes.h"

// Whether `value` is of the rule's form, and what it shows.
static bool is_of_form(const struct verify_claim *rule,
                       const struct cbor_foreign *value,
                       struct verify_shown *shown, int64_t *size)
{
    struct rotor_bytes bytes = {NULL, 0};
    enum cbor_foreign_kind kind = cbor_foreign_kind(value);
    bool is_it = true;
    *size = rule->least;
    *shown = verify_bytes(value->bytes);
    switch (rule->form) {
    case VERIFY_BYTES:
    case VERIFY_TEXT:
        is_it = rule->form == VERIFY_BYTES ? cbor_foreign_bytes(value, &bytes)
                                           : cbor_foreign_text(value, &bytes);
        *size = (int64_t)bytes.size;
        *shown = verify_bytes(bytes);
        break;
    case VERIFY_INTEGER:
        is_it = cbor_foreign_int(value, size);
        if (is_it && *size >= 0) {
            *shown = verify_number((uint64_t)*size);
        }
        break;
    case VERIFY_BOOL:
        is_it = kind == CBOR_FOREIGN_TRUE || kind == CBOR_FOREIGN_FALSE;
        *shown = verify_text(kind == CBOR_FOREIGN_TRUE ? "true" : "false");
        break;
    case VERIFY_ANY:
        break;
    }
    return is_it;
}

// NULL, or why the claim is not good; `shown` is nothing if there is none.
static const char *fault_of(const struct cbor_foreign *claims,
                            const struct verify_claim *rule,
                            struct verify_shown *shown)
{
    struct cbor_foreign value;
    int64_t size = 0;
    *shown = (struct verify_shown){0};
    if (!cbor_foreign_find(claims, rule->key, &value)) {
        return rule->is_optional ? NULL : rule->missing;
    }
    if (!is_of_form(rule, &value, shown, &size)) {
        return rule->of_type;
    }
    bool is_good = size >= rule->least && size <= rule->most &&
                   (rule->is_good == NULL || rule->is_good(&value));
    return is_good ? NULL : rule->of_value;
}

bool verify_claims_check(struct verify_verdict *verdict,
                         const struct cbor_foreign *claims,
                         const struct verify_claim *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct verify_row row = {.check = rules[i].check};
        row.why = fault_of(claims, &rules[i], &row.seen);
        bool is_absent =
            row.why == NULL && row.seen.kind == VERIFY_SHOWN_NOTHING;
        if (!is_absent && !verify_check(verdict, row.why == NULL, &row)) {
            return false;
        }
    }
    return true;
}

const char *verify_claims_fault(const struct cbor_foreign *claims,
                                const struct verify_claim *rules, size_t count)
{
    struct verify_shown shown;
    const char *why = NULL;
    for (size_t i = 0; why == NULL && i < count; i++) {
        why = fault_of(claims, &rules[i], &shown);
    }
    return why;
}

bool verify_claims_hold(const struct cbor_foreign *claims,
                        const struct verify_claim *rules, size_t count)
{
    return cbor_foreign_kind(claims) == CBOR_FOREIGN_MAP &&
           verify_claims_fault(claims, rules, count) == NULL;
}

struct rotor_bytes verify_claim_bytes(const struct cbor_foreign *claims,
                                      int64_t key)
{
    struct cbor_foreign value;
    struct rotor_bytes bytes = {NULL, 0};
    if (cbor_foreign_find(claims, key, &value)) {
        (void)cbor_foreign_bytes(&value, &bytes);
    }
    return bytes;
}

struct rotor_bytes verify_claim_text(const struct cbor_foreign *claims,
                                     int64_t key)
{
    struct cbor_foreign value;
    struct rotor_bytes text = {NULL, 0};
    if (cbor_foreign_find(claims, key, &value)) {
        (void)cbor_foreign_text(&value, &text);
    }
    return text;
}

int64_t verify_claim_integer(const struct cbor_foreign *claims, int64_t key)
{
    struct cbor_foreign value;
    int64_t integer = 0;
    if (cbor_foreign_find(claims, key, &value)) {
        (void)cbor_foreign_int(&value, &integer);
    }
    return integer;
}

bool verify_claim_is_hash(const struct cbor_foreign *value)
{
    struct rotor_bytes bytes;
    return cbor_foreign_bytes(value, &bytes) &&
           (bytes.size == 32 || bytes.size == 48 || bytes.size == 64);
}

bool verify_claim_is_array_of(const struct cbor_foreign *value,
                              bool (*is_good)(const struct cbor_foreign *each))
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign each;
    size_t count = 0;
    if (cbor_foreign_kind(value) != CBOR_FOREIGN_ARRAY) {
        return false;
    }
    cbor_foreign_walk(value, &walk);
    while (cbor_foreign_next(&walk, &each)) {
        if (!is_good(&each)) {
            return false;
        }
        count++;
    }
    return count != 0;
}
