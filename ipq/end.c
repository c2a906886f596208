// SPDX-License-Identifier: Apache-2.0
#include "ipq/end.h"

// Low bits of the seed that count.  With them no stamp of the first lap is 0,
// which is what the memory holds before it, nor beyond 16 bits.
#define SEED_MASK 0x7fffu

bool ipq_plan_is_allowed(const struct rotor_ipq_plan *plan)
{
    bool is_power = (plan->slots & (plan->slots - 1)) == 0;
    bool has_slots = plan->slots >= 2 && plan->slots <= ROTOR_IPQ_SLOTS_MAX;
    bool has_size =
        plan->frame_max >= 1 && plan->frame_max <= ROTOR_IPQ_FRAME_MAX;
    return is_power && has_slots && has_size &&
           ipq_span_of(plan->frame_max) <= plan->slots;
}

size_t rotor_ipq_slots_size(const struct rotor_ipq_plan *plan)
{
    return ipq_plan_is_allowed(plan)
               ? plan->slots * sizeof(struct rotor_ipq_slot)
               : 0;
}

static bool are_slots(const struct rotor_ipq_plan *plan,
                      struct rotor_bytes slots)
{
    bool is_aligned = (uintptr_t)slots.data % ROTOR_IPQ_SLOT_SIZE == 0;
    return ipq_plan_is_allowed(plan) && is_aligned && slots.data != NULL &&
           slots.size == rotor_ipq_slots_size(plan);
}

static struct rotor_ipq end_of(const struct rotor_ipq_plan *plan,
                               enum ipq_role role)
{
    bool takes_body = plan->frame_max >= ROTOR_IPQ_BODY_SIZE;
    return (struct rotor_ipq){
        .limit = plan->slots,
        .mask = plan->slots - 1,
        .base = (plan->seed & SEED_MASK) + 1,
        .frame_max = plan->frame_max,
        .may_fill = takes_body && role == IPQ_PRODUCER,
        .may_fetch = takes_body && role == IPQ_CONSUMER,
        .role = (uint8_t)role,
    };
}

enum rotor_status rotor_ipq_producer(struct rotor_ipq *end,
                                     const struct rotor_ipq_plan *plan,
                                     struct rotor_room slots,
                                     const struct rotor_ipq_control *theirs)
{
    if (!are_slots(plan, bytes_of(slots.data, slots.capacity))) {
        return ROTOR_INVALID;
    }
    void *filled = slots.data;
    *end = end_of(plan, IPQ_PRODUCER);
    end->filled = filled;
    end->credit = theirs;
    return ROTOR_OK;
}

enum rotor_status rotor_ipq_consumer(struct rotor_ipq *end,
                                     const struct rotor_ipq_plan *plan,
                                     struct rotor_bytes slots,
                                     struct rotor_ipq_control *mine)
{
    if (!are_slots(plan, slots)) {
        return ROTOR_INVALID;
    }
    const void *fetched = slots.data;
    *end = end_of(plan, IPQ_CONSUMER);
    end->fetched = fetched;
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
    end->may_fill = end->may_fetch = false;
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
        [ROTOR_IPQ_RULE_LENGTH] = "a frame is empty or too long",
        [ROTOR_IPQ_RULE_OVERRUN] = "a frame covers slots not given back yet",
        [ROTOR_IPQ_RULE_CONTINUE] = "a slot within a frame does not go on",
        [ROTOR_IPQ_RULE_CREDIT] = "credit is given for slots never filled",
        [ROTOR_IPQ_RULE_SLEEP] = "a sleeper waits for the unknown",
    };
    // Compared as unsigned: the enum may be signed or not.
    return (unsigned)rule < COUNT_OF(texts) ? texts[rule] : "unknown rule";
}
