// SPDX-License-Identifier: Apache-2.0
// A channel: two queues, and the words by which a side sleeps and is woken.
#include "ipq/end.h"

static bool page_size_is_allowed(size_t page_size)
{
    bool is_power = (page_size & (page_size - 1)) == 0;
    return is_power && page_size >= 512;
}

size_t rotor_ipq_half_size(const struct rotor_ipq_plan *plan, size_t page_size)
{
    size_t slots_size = rotor_ipq_slots_size(plan);
    if (slots_size == 0 || !page_size_is_allowed(page_size)) {
        return 0;
    }
    size_t pages = (slots_size + page_size - 1) / page_size;
    return (1 + pages) * page_size;
}

size_t rotor_ipq_channel_size(const struct rotor_ipq_plan *plan,
                              size_t page_size)
{
    return 2 * rotor_ipq_half_size(plan, page_size);
}

static bool is_half(struct rotor_bytes half, size_t half_size, size_t page_size)
{
    bool is_aligned = (uintptr_t)half.data % page_size == 0;
    return half.data != NULL && half.size == half_size && is_aligned;
}

enum rotor_status rotor_ipq_channel_init(struct rotor_ipq_channel *channel,
                                         const struct rotor_ipq_plan *plan,
                                         size_t page_size,
                                         struct rotor_room mine,
                                         struct rotor_bytes theirs)
{
    size_t half_size = rotor_ipq_half_size(plan, page_size);
    if (half_size == 0) {
        return ROTOR_INVALID;
    }
    struct rotor_bytes ours = bytes_of(mine.data, mine.capacity);
    if (!is_half(ours, half_size, page_size) ||
        !is_half(theirs, half_size, page_size)) {
        return ROTOR_INVALID;
    }
    size_t slots_size = rotor_ipq_slots_size(plan);
    struct rotor_room my_slots = {mine.data + page_size, slots_size, 0};
    struct rotor_bytes their_slots = {theirs.data + page_size, slots_size};
    void *my_page = mine.data;
    const void *their_page = theirs.data;
    struct rotor_ipq_channel taken = {.mine = my_page, .theirs = their_page};
    TRY(rotor_ipq_producer(&taken.out, plan, my_slots, their_page));
    TRY(rotor_ipq_consumer(&taken.in, plan, their_slots, my_page));
    *channel = taken;
    return ROTOR_OK;
}

// What there is for a peer that sleeps, in words of its reasons.
static uint32_t find_news(const struct rotor_ipq_channel *channel)
{
    // A sleeper has given all credit, so what it did not read shows here.
    // Not trusted: a wrong credit keeps nobody asleep but its author.
    uint32_t credit =
        atomic_load_explicit(&channel->theirs->credit, memory_order_acquire);
    bool is_unread = credit != (uint32_t)channel->out.cursor;
    bool is_credited = channel->credited != channel->in.published;
    return (is_unread ? ROTOR_IPQ_FRAMES : 0) |
           (is_credited ? ROTOR_IPQ_ROOM : 0);
}

static bool reasons_are_known(uint32_t reasons)
{
    bool waits = (reasons & (ROTOR_IPQ_FRAMES | ROTOR_IPQ_ROOM)) != 0;
    bool is_more =
        (reasons & ~(ROTOR_IPQ_FRAMES | ROTOR_IPQ_ROOM | ROTOR_IPQ_EVENT)) != 0;
    return reasons == 0 || (waits && !is_more);
}

enum rotor_status rotor_ipq_channel_ring(struct rotor_ipq_channel *channel,
                                         uint32_t *wake)
{
    *wake = 0;
    if (rotor_ipq_channel_peer_is_awake(channel)) {
        return ROTOR_OK;
    }
    // Pairs with the store in announce: who sees the ticket sees the credit.
    uint32_t sleep =
        atomic_load_explicit(&channel->theirs->sleep, memory_order_acquire);
    uint32_t reasons = sleep & ROTOR_IPQ_REASON_MASK;
    if (!reasons_are_known(reasons)) {
        return ipq_condemn_end(&channel->out, ROTOR_IPQ_RULE_SLEEP);
    }
    uint32_t news = find_news(channel);
    channel->credited = channel->in.published;
    bool is_rung = sleep == channel->rung;
    if ((reasons & news) == 0 || is_rung) {
        return ROTOR_OK;
    }
    channel->rung = sleep;
    channel->bell++;
    // Pairs with the acquire in announce: who sees the bell sees the news.
    atomic_store_explicit(&channel->mine->bell, channel->bell,
                          memory_order_release);
    *wake = reasons;
    return ROTOR_OK;
}

uint32_t rotor_ipq_channel_announce(struct rotor_ipq_channel *channel,
                                    uint32_t reasons)
{
    rotor_ipq_give_credit(&channel->in);
    // Before the announcement: a bell that answers it must differ from this.
    // Pairs with the release in ring.
    uint32_t bell =
        atomic_load_explicit(&channel->theirs->bell, memory_order_acquire);
    channel->ticket++;
    uint32_t sleep = channel->ticket << IPQ_TICKET_SHIFT | reasons;
    // Sequentially consistent: visible before the caller looks at the slots.
    atomic_store_explicit(&channel->mine->sleep, sleep, memory_order_seq_cst);
    return bell;
}

bool rotor_ipq_channel_is_due(const struct rotor_ipq_channel *channel,
                              uint32_t reasons)
{
    bool is_dead =
        channel->out.role != IPQ_PRODUCER || channel->in.role != IPQ_CONSUMER;
    if (is_dead) {
        return true;
    }
    bool popping = (reasons & ROTOR_IPQ_FRAMES) != 0;
    bool pushing = (reasons & ROTOR_IPQ_ROOM) != 0;
    return (popping && ipq_consumer_is_due(&channel->in)) ||
           (pushing && ipq_producer_is_due(&channel->out));
}

void rotor_ipq_channel_awake(struct rotor_ipq_channel *channel)
{
    atomic_store_explicit(&channel->mine->sleep,
                          channel->ticket << IPQ_TICKET_SHIFT,
                          memory_order_release);
}
