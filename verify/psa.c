// SPDX-License-Identifier: Apache-2.0
#include "verify/psa.h"

#include "base/bytes.h"
#include "verify/claims.h"

// ---- parts of claims -------------------------------------------------------

// RFC 9783 4.4.1, and the same numbers before it.
enum {
    PART_TYPE = 1,
    PART_VALUE = 2,
    PART_VERSION = 4,
    PART_SIGNER = 5,
    PART_DESCRIPTION = 6,
};

#define COMPONENTS_MAX 64u // of one token

static bool is_component(const struct cbor_foreign *value)
{
    static const struct verify_claim parts[] = {
        VERIFY_CLAIM(PART_VALUE, "value", VERIFY_ANY, VERIFY_MANDATORY, 0, 0,
                     verify_claim_is_hash),
        VERIFY_CLAIM(PART_SIGNER, "signer", VERIFY_ANY, VERIFY_MANDATORY, 0, 0,
                     verify_claim_is_hash),
        VERIFY_CLAIM(PART_TYPE, "type", VERIFY_TEXT, VERIFY_OPTIONAL, 0,
                     VERIFY_ANY_SIZE, NULL),
        VERIFY_CLAIM(PART_VERSION, "version", VERIFY_TEXT, VERIFY_OPTIONAL, 0,
                     VERIFY_ANY_SIZE, NULL),
        VERIFY_CLAIM(PART_DESCRIPTION, "description", VERIFY_TEXT,
                     VERIFY_OPTIONAL, 0, VERIFY_ANY_SIZE, NULL),
    };
    return verify_claims_hold(value, parts, COUNT_OF(parts));
}

static bool are_components(const struct cbor_foreign *value)
{
    return verify_claim_is_array_of(value, is_component) &&
           cbor_foreign_count(value) <= COMPONENTS_MAX;
}

// A UEID of 33 bytes whose type is RAND (RFC 9711 4.2.1).
static bool is_instance(const struct cbor_foreign *value)
{
    struct rotor_bytes bytes;
    return cbor_foreign_bytes(value, &bytes) && bytes.data[0] == 0x01;
}

static bool are_digits(struct rotor_bytes text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return true;
}

// [0-9]{13}-[0-9]{5}
static bool is_certification(const struct cbor_foreign *value)
{
    struct rotor_bytes text;
    return cbor_foreign_text(value, &text) && text.size == 19 &&
           are_digits(text, 0, 13) && text.data[13] == '-' &&
           are_digits(text, 14, 19);
}

// [0-9]{13}; TF-M writes the certification reference here.
static bool is_hardware(const struct cbor_foreign *value)
{
    struct rotor_bytes text;
    return is_certification(value) ||
           (cbor_foreign_text(value, &text) && text.size == 13 &&
            are_digits(text, 0, 13));
}

// ---- states of life --------------------------------------------------------

struct lifecycle {
    const char *name;
    bool keeps_promises;
    bool is_debugged;
};

// By the upper byte's upper half (RFC 9783 4.3.1).
static const struct lifecycle LIFECYCLES[] = {
    {"unknown",               false, false},
    {"assembly and test",     false, false},
    {"provisioning",          false, false},
    {"secured",               true,  false},
    {"non-PSA-RoT debug",     true,  true },
    {"recoverable RoT debug", false, true },
    {"decommissioned",        false, true },
};

static const struct lifecycle *lifecycle_of(int64_t value)
{
    bool is_one = value >= 0 && (value & 0x0f00) == 0 &&
                  value >> 12 < (int64_t)COUNT_OF(LIFECYCLES);
    return is_one ? &LIFECYCLES[value >> 12] : NULL;
}

bool verify_psa_is_lifecycle(const struct cbor_foreign *value)
{
    int64_t number = -1;
    return cbor_foreign_int(value, &number) && lifecycle_of(number) != NULL;
}

bool verify_psa_check_lifecycle(struct verify_verdict *verdict,
                                int64_t lifecycle, bool any_lifecycle)
{
    const struct lifecycle *state = lifecycle_of(lifecycle);
    if (state == NULL) {
        return false;
    }
    verdict->debug = state->is_debugged ? VERIFY_YES : VERIFY_NO;
    verdict->tcb_status = state->name;
    return verify_check(verdict, any_lifecycle || state->keeps_promises,
                        &(struct verify_row){
                            .check = "lifecycle state",
                            .expected = verify_text("secured"),
                            .seen = verify_text(state->name),
                            .why = "lifecycle state in which nothing is kept"});
}

// ---- claims ----------------------------------------------------------------

// Where a profile has its claims.
enum {
    NONCE = 10,
    INSTANCE = 256,
    PROFILE = 265,
    BOOT_SEED = 268,
    CLIENT = 2394,
    LIFECYCLE = 2395,
    IMPLEMENTATION = 2396,
    BOOT_SEED_DRAFT = 2397,
    CERTIFICATION = 2398,
    COMPONENTS = 2399,
    INDICATOR = 2400,

    OLD_PROFILE = -75000,
    OLD_CLIENT = -75001,
    OLD_LIFECYCLE = -75002,
    OLD_IMPLEMENTATION = -75003,
    OLD_BOOT_SEED = -75004,
    OLD_HARDWARE = -75005,
    OLD_COMPONENTS = -75006,
    OLD_NO_MEASUREMENTS = -75007,
    OLD_NONCE = -75008,
    OLD_INSTANCE = -75009,
    OLD_INDICATOR = -75010,
};

static const struct verify_claim RULES_RFC9783[] = {
    VERIFY_CLAIM(NONCE, "nonce", VERIFY_BYTES, VERIFY_MANDATORY, 0, 64,
                 verify_claim_is_hash),
    VERIFY_CLAIM(INSTANCE, "instance-id", VERIFY_BYTES, VERIFY_MANDATORY, 33,
                 33, is_instance),
    VERIFY_CLAIM(IMPLEMENTATION, "implementation-id", VERIFY_BYTES,
                 VERIFY_MANDATORY, 32, 32, NULL),
    VERIFY_CLAIM(CLIENT, "client-id", VERIFY_INTEGER, VERIFY_MANDATORY,
                 INT32_MIN, INT32_MAX, NULL),
    VERIFY_CLAIM(LIFECYCLE, "security-lifecycle", VERIFY_INTEGER,
                 VERIFY_MANDATORY, 0, 0x60ff, verify_psa_is_lifecycle),
    VERIFY_CLAIM(BOOT_SEED, "boot-seed", VERIFY_BYTES, VERIFY_OPTIONAL, 8, 32,
                 NULL),
    VERIFY_CLAIM(CERTIFICATION, "certification-reference", VERIFY_TEXT,
                 VERIFY_OPTIONAL, 0, VERIFY_ANY_SIZE, is_certification),
    VERIFY_CLAIM(COMPONENTS, "software-components", VERIFY_ANY,
                 VERIFY_MANDATORY, 0, 0, are_components),
    VERIFY_CLAIM(INDICATOR, "verification-service-indicator", VERIFY_TEXT,
                 VERIFY_OPTIONAL, 1, VERIFY_ANY_SIZE, NULL),
};

static const struct verify_claim RULES_DRAFT[] = {
    VERIFY_CLAIM(NONCE, "nonce", VERIFY_BYTES, VERIFY_MANDATORY, 0, 64,
                 verify_claim_is_hash),
    VERIFY_CLAIM(INSTANCE, "instance-id", VERIFY_BYTES, VERIFY_MANDATORY, 33,
                 33, is_instance),
    VERIFY_CLAIM(IMPLEMENTATION, "implementation-id", VERIFY_BYTES,
                 VERIFY_MANDATORY, 32, 32, NULL),
    VERIFY_CLAIM(CLIENT, "client-id", VERIFY_INTEGER, VERIFY_MANDATORY,
                 INT32_MIN, INT32_MAX, NULL),
    VERIFY_CLAIM(LIFECYCLE, "security-lifecycle", VERIFY_INTEGER,
                 VERIFY_MANDATORY, 0, 0x60ff, verify_psa_is_lifecycle),
    VERIFY_CLAIM(BOOT_SEED_DRAFT, "boot-seed", VERIFY_BYTES, VERIFY_OPTIONAL, 8,
                 32, NULL),
    VERIFY_CLAIM(CERTIFICATION, "certification-reference", VERIFY_TEXT,
                 VERIFY_OPTIONAL, 0, VERIFY_ANY_SIZE, is_certification),
    VERIFY_CLAIM(COMPONENTS, "software-components", VERIFY_ANY,
                 VERIFY_MANDATORY, 0, 0, are_components),
    VERIFY_CLAIM(INDICATOR, "verification-service-indicator", VERIFY_TEXT,
                 VERIFY_OPTIONAL, 1, VERIFY_ANY_SIZE, NULL),
};

static const struct verify_claim RULES_OLD[] = {
    VERIFY_CLAIM(OLD_NONCE, "nonce", VERIFY_BYTES, VERIFY_MANDATORY, 0, 64,
                 verify_claim_is_hash),
    VERIFY_CLAIM(OLD_INSTANCE, "instance-id", VERIFY_BYTES, VERIFY_MANDATORY,
                 33, 33, is_instance),
    VERIFY_CLAIM(OLD_IMPLEMENTATION, "implementation-id", VERIFY_BYTES,
                 VERIFY_MANDATORY, 32, 32, NULL),
    VERIFY_CLAIM(OLD_CLIENT, "client-id", VERIFY_INTEGER, VERIFY_MANDATORY,
                 INT32_MIN, INT32_MAX, NULL),
    VERIFY_CLAIM(OLD_LIFECYCLE, "security-lifecycle", VERIFY_INTEGER,
                 VERIFY_MANDATORY, 0, 0x60ff, verify_psa_is_lifecycle),
    VERIFY_CLAIM(OLD_BOOT_SEED, "boot-seed", VERIFY_BYTES, VERIFY_MANDATORY, 32,
                 32, NULL),
    VERIFY_CLAIM(OLD_HARDWARE, "hardware-version", VERIFY_TEXT, VERIFY_OPTIONAL,
                 0, VERIFY_ANY_SIZE, is_hardware),
    VERIFY_CLAIM(OLD_COMPONENTS, "software-components", VERIFY_ANY,
                 VERIFY_OPTIONAL, 0, 0, are_components),
    VERIFY_CLAIM(OLD_NO_MEASUREMENTS, "no-software-measurements",
                 VERIFY_INTEGER, VERIFY_OPTIONAL, 1, 1, NULL),
    VERIFY_CLAIM(OLD_INDICATOR, "verification-service-indicator", VERIFY_TEXT,
                 VERIFY_OPTIONAL, 1, VERIFY_ANY_SIZE, NULL),
};

struct profile {
    const char *name;
    const struct verify_claim *rules;
    size_t rule_count;
    int64_t nonce;
    int64_t instance;
    int64_t implementation;
    int64_t lifecycle;
    int64_t components;
    int64_t no_measurements; // 0: components are never missing
};

static const struct profile RFC9783 = {
    "tag:psacertified.org,2023:psa#tfm",
    RULES_RFC9783,
    COUNT_OF(RULES_RFC9783),
    NONCE,
    INSTANCE,
    IMPLEMENTATION,
    LIFECYCLE,
    COMPONENTS,
    0,
};
static const struct profile DRAFT = {
    "http://arm.com/psa/2.0.0",
    RULES_DRAFT,
    COUNT_OF(RULES_DRAFT),
    NONCE,
    INSTANCE,
    IMPLEMENTATION,
    LIFECYCLE,
    COMPONENTS,
    0,
};
static const struct profile OLD = {
    "PSA_IOT_PROFILE_1", RULES_OLD,      COUNT_OF(RULES_OLD),
    OLD_NONCE,           OLD_INSTANCE,   OLD_IMPLEMENTATION,
    OLD_LIFECYCLE,       OLD_COMPONENTS, OLD_NO_MEASUREMENTS,
};

static bool text_is(struct rotor_bytes text, const char *name)
{
    size_t i = 0;
    while (i < text.size && name[i] != '\0' &&
           text.data[i] == (uint8_t)name[i]) {
        i++;
    }
    return i == text.size && name[i] == '\0';
}

// NULL for a profile that is not known here, or for two at once.
static const struct profile *profile_of(const struct cbor_foreign *claims)
{
    struct cbor_foreign ignored;
    struct rotor_bytes name = verify_claim_text(claims, PROFILE);
    bool has_old = cbor_foreign_find(claims, OLD_PROFILE, &ignored);
    if (cbor_foreign_find(claims, PROFILE, &ignored)) {
        return has_old                       ? NULL
               : text_is(name, RFC9783.name) ? &RFC9783
               : text_is(name, DRAFT.name)   ? &DRAFT
                                             : NULL;
    }
    if (has_old) {
        name = verify_claim_text(claims, OLD_PROFILE);
        return text_is(name, OLD.name) ? &OLD : NULL;
    }
    // The old profile is the one that may go without its name.
    return cbor_foreign_find(claims, OLD_NONCE, &ignored) ||
                   cbor_foreign_find(claims, OLD_INSTANCE, &ignored)
               ? &OLD
               : NULL;
}

bool verify_psa_is_profile(const struct cbor_foreign *claims)
{
    return profile_of(claims) != NULL;
}

static const struct profile *check_profile(struct verify_verdict *verdict,
                                           const struct cbor_foreign *claims)
{
    struct cbor_foreign ignored;
    bool is_named = cbor_foreign_find(claims, PROFILE, &ignored) ||
                    cbor_foreign_find(claims, OLD_PROFILE, &ignored);
    const struct profile *profile = profile_of(claims);
    struct verify_row row = {
        .check = "claim profile",
        .why = is_named ? "claim profile is not one of PSA tokens"
                        : "claim profile is missing",
    };
    if (profile != NULL) {
        row.seen = verify_text(profile->name);
    }
    return verify_check(verdict, profile != NULL, &row) ? profile : NULL;
}

// The old profile has components or says that it has none.
static bool check_measured(struct verify_verdict *verdict,
                           const struct profile *profile,
                           const struct cbor_foreign *claims)
{
    struct cbor_foreign ignored;
    bool has_components =
        cbor_foreign_find(claims, profile->components, &ignored);
    bool has_none =
        profile->no_measurements != 0 &&
        cbor_foreign_find(claims, profile->no_measurements, &ignored);
    return verify_check(
        verdict, has_components != has_none,
        &(struct verify_row){
            .check = "software measured",
            .why = has_none ? "claim software-components and its denial"
                            : "claim software-components is missing"});
}

static bool check_claims(struct verify_verdict *verdict,
                         const struct cbor_foreign *claims,
                         const struct profile **profile)
{
    *profile = check_profile(verdict, claims);
    return *profile != NULL &&
           verify_claims_check(verdict, claims, (*profile)->rules,
                               (*profile)->rule_count) &&
           check_measured(verdict, *profile, claims);
}

bool verify_psa_claims(struct verify_verdict *verdict,
                       const struct cbor_foreign *claims)
{
    const struct profile *profile;
    return check_claims(verdict, claims, &profile);
}

// ---- token -----------------------------------------------------------------

enum rotor_status verify_psa_digest(const struct cbor_foreign *components,
                                    int64_t member, struct verify_value *value)
{
    struct rotor_bytes parts[COMPONENTS_MAX];
    uint8_t digest[32];
    struct cbor_foreign_walk walk;
    struct cbor_foreign each;
    size_t count = 0;
    *value = (struct verify_value){0};
    cbor_foreign_walk(components, &walk);
    while (count < COMPONENTS_MAX && cbor_foreign_next(&walk, &each)) {
        parts[count++] = verify_claim_bytes(&each, member);
    }
    if (count == 0) {
        return ROTOR_OK;
    }
    TRY(crypto_hash(CRYPTO_SHA256, parts, count, digest));
    verify_value_set(value, BYTES_OF(digest));
    return ROTOR_OK;
}

static enum rotor_status describe(const struct profile *profile,
                                  const struct cbor_foreign *claims,
                                  struct verify_verdict *verdict)
{
    struct cbor_foreign components;
    verify_value_set(&verdict->instance,
                     verify_claim_bytes(claims, profile->instance));
    verify_value_set(&verdict->tcb,
                     verify_claim_bytes(claims, profile->implementation));
    if (!cbor_foreign_find(claims, profile->components, &components)) {
        return ROTOR_OK;
    }
    TRY(verify_psa_digest(&components, PART_VALUE, &verdict->measurement));
    return verify_psa_digest(&components, PART_SIGNER, &verdict->signer);
}

static enum rotor_status judge(const struct verify_token_question *question,
                               struct verify_verdict *verdict)
{
    struct cbor_foreign claims;
    const struct profile *profile;
    bool is_good = false;
    TRY(verify_token_open(question, verdict, &claims, &is_good));
    if (!is_good || !check_claims(verdict, &claims, &profile)) {
        return ROTOR_OK;
    }
    verdict->level = VERIFY_LEVEL_TRUSTZONE;
    TRY(describe(profile, &claims, verdict));
    int64_t lifecycle = verify_claim_integer(&claims, profile->lifecycle);
    if (verify_psa_check_lifecycle(verdict, lifecycle,
                                   question->any_lifecycle)) {
        (void)verify_check_report_data(
            verdict, &question->asked,
            verify_claim_bytes(&claims, profile->nonce));
    }
    return ROTOR_OK;
}

enum rotor_status verify_psa(const struct verify_token_question *question,
                             struct verify_verdict *verdict)
{
    verify_begin(verdict, VERIFY_BACKEND_PSA);
    TRY(judge(question, verdict));
    verify_conclude(verdict);
    return ROTOR_OK;
}
