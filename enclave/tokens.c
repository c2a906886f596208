// SPDX-License-Identifier: Apache-2.0
#include "enclave/tokens.h"

#include "enclave/serve.h"

#define DAY_S 86400u

static uint64_t refill_interval_s(const struct chain_policy *policy)
{
    uint64_t interval_s = DAY_S / policy->max_per_day;
    return interval_s > 0 ? interval_s : 1;
}

struct enclave_tokens enclave_tokens_full(const struct enclave *enclave,
                                          const struct chain_policy *policy)
{
    uint64_t running_s = enclave_running_s(enclave);
    return (struct enclave_tokens){
        .left = policy->max_per_day,
        .has_emergency = true,
        .running_s = running_s,
        .refill_s = running_s,
    };
}

struct enclave_tokens enclave_tokens_now(const struct enclave *enclave)
{
    struct enclave_tokens tokens = enclave->state.tokens;
    const struct chain_policy *policy = &enclave->policy;
    uint64_t running_s = enclave_running_s(enclave);
    if (running_s - tokens.emergency_s >= DAY_S) {
        tokens.has_emergency = true;
    }
    if (policy->max_per_day == 0) {
        tokens.left = ENCLAVE_TOKENS_UNLIMITED;
        return tokens;
    }
    uint64_t interval_s = refill_interval_s(policy);
    uint64_t returned = (running_s - tokens.refill_s) / interval_s;
    uint64_t missing = tokens.left < policy->max_per_day
                           ? policy->max_per_day - tokens.left
                           : 0;
    if (returned >= missing) {
        // A full bucket gathers nothing towards a token more.
        tokens.left = policy->max_per_day;
        tokens.refill_s = running_s;
        return tokens;
    }
    tokens.left += (uint32_t)returned;
    tokens.refill_s += returned * interval_s;
    return tokens;
}

static uint64_t now(const struct enclave *enclave)
{
    return enclave->ops.now_ms(enclave->ops.context);
}

// Seconds until min_interval has passed since `since_ms`, rounded up.
static uint64_t wait_s(const struct enclave *enclave, uint64_t since_ms)
{
    uint64_t passed_ms = now(enclave) - since_ms;
    uint64_t interval_ms = (uint64_t)enclave->policy.min_interval_s * 1000;
    return passed_ms >= interval_ms ? 0
                                    : (interval_ms - passed_ms + 999) / 1000;
}

static enum rotor_status spend_ordinary(struct enclave *enclave,
                                        struct enclave_tokens *tokens)
{
    uint64_t wait = wait_s(enclave, enclave->prepared_ms);
    if (wait > 0) {
        return enclave_refuse(enclave, WIRE_E_RATE, wait);
    }
    if (tokens->left == 0) {
        uint64_t gathered = enclave_running_s(enclave) - tokens->refill_s;
        return enclave_refuse(enclave, WIRE_E_RATE,
                              refill_interval_s(&enclave->policy) - gathered);
    }
    if (tokens->left != ENCLAVE_TOKENS_UNLIMITED) {
        tokens->left--;
    }
    return ROTOR_OK;
}

enum rotor_status enclave_tokens_spend(struct enclave *enclave, uint64_t reason,
                                       struct enclave_tokens *tokens)
{
    *tokens = enclave_tokens_now(enclave);
    if (reason == WIRE_REASON_KEY_COMPROMISE && tokens->has_emergency) {
        tokens->has_emergency = false;
        tokens->emergency_s = enclave_running_s(enclave);
        return ROTOR_OK;
    }
    return spend_ordinary(enclave, tokens);
}

enum rotor_status enclave_tokens_recover(struct enclave *enclave)
{
    uint64_t wait =
        enclave->has_recovered ? wait_s(enclave, enclave->recovered_ms) : 0;
    if (wait > 0) {
        return enclave_refuse(enclave, WIRE_E_RATE, wait);
    }
    return ROTOR_OK;
}
