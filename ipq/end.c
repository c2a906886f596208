// SPDX-License-Identifier: Apache-2.0
#include "ipq/end.h"

// Low bits of the seed that count.  One bit is left free so that no stamp of
// the first lap is 0, which is what the memory holds before it.
#define SEED_MASK 0x7fffffffu

bool ipq_plan_is_allowed(const struct rotor_ipq_plan *plan)
{
    bool is_power = (plan->slots & (plan->slots - 1)) == 0;
    bool has_slots = plan->slots >= 2 && plan->slots <= ROTOR_IPQ_SLOTS_MAX;
    bool has_size =
        plan->frame_max >= 1 && plan->frame_max <= ROTOR_IPQ_FRAME_MAX;
    return is_power && has_slots && has_size &&
           ipq_span_of(plan->frame_max) <= plan->slots;
}

static struct rotor_ipq end_of(const struct rotor_ipq_plan *plan,
                               enum ipq_role role)
{
    bool takes_payload = plan->frame_max >= ROTOR_IPQ_PAYLOAD_SIZE;
    return (struct rotor_ipq){
        .limit = plan->slots,
        .mask = plan->slots - 1,
        .seed = (plan->seed & SEED_MASK) | 1,
        .frame_max = plan->frame_max,
        .short_max = takes_payload ? ROTOR_IPQ_PAYLOAD_SIZE : 0,
        .role = role,
    };
}

enum rotor_status rotor_ipq_producer(struct rotor_ipq *end,
                                     const struct rotor_ipq_plan *plan,
                                     struct rotor_ipq_slot *slots,
                                     const struct rotor_ipq_control *theirs)
{
    if (!ipq_plan_is_allowed(plan)) {
        return ROTOR_INVALID;
    }
    *end = end_of(plan, IPQ_PRODUCER);
    end->filled = slots;
    end->credit = theirs;
    return ROTOR_OK;
}

enum rotor_status rotor_ipq_consumer(struct rotor_ipq *end,
                                     const struct rotor_ipq_plan *plan,
                                     const struct rotor_ipq_slot *slots,
                                     struct rotor_ipq_control *mine)
{
    if (!ipq_plan_is_allowed(plan)) {
        return ROTOR_INVALID;
    }
    *end = end_of(plan, IPQ_CONSUMER);
    end->fetched = slots;
    end->given = mine;
    return ROTOR_OK;
}

enum rotor_status ipq_refuse_call(const struct rotor_ipq *end)
{
    return end->broken == ROTOR_IPQ_UNBROKEN ? ROTOR_INVALID : ROTOR_CORRUPT;
}

enum rotor_status ipq_condemn_end(struct rotor_ipq *end,
                                  enum rotor_ipq_rule rule)
{
    end->role = IPQ_NONE;
    end->broken = rule;
    return ROTOR_CORRUPT;
}

enum rotor_ipq_rule rotor_ipq_broken_rule(const struct rotor_ipq *end)
{
    return end->broken;
}

const char *rotor_ipq_rule_text(enum rotor_ipq_rule rule)
{
    static const char *const texts[] = {
        [ROTOR_IPQ_UNBROKEN] = "no rule was broken",
        [ROTOR_IPQ_RULE_STAMP] = "a stamp is neither of this lap nor the last",
        [ROTOR_IPQ_RULE_RUN] = "a run is empty or begins within another",
        [ROTOR_IPQ_RULE_OVERRUN] = "a run covers slots not given back yet",
        [ROTOR_IPQ_RULE_PROMISE] = "a slot that its run promised is not there",
        [ROTOR_IPQ_RULE_LENGTH] = "a frame is empty or too long",
        [ROTOR_IPQ_RULE_SPAN] = "a frame is longer than its run",
        [ROTOR_IPQ_RULE_CONTINUE] = "a slot within a frame does not go on",
        [ROTOR_IPQ_RULE_CREDIT] = "credit is given for slots never filled",
        [ROTOR_IPQ_RULE_SLEEP] = "a sleeper waits for the unknown",
    };
    // Compared as unsigned: the enum may be signed or not.
    return (unsigned)rule < COUNT_OF(texts) ? texts[rule] : "unknown rule";
}
