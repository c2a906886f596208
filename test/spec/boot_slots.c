// SPDX-License-Identifier: Apache-2.0
// Slots against a naive model, with the power cut at every write.
#include "test/spec/boot_storage.h"

static bool slots_equal(const struct boot_slots *a, const struct boot_slots *b)
{
    bool is_equal = a->component == b->component && a->active == b->active &&
                    a->floor == b->floor && a->last_failure == b->last_failure;
    for (size_t i = 0; i < BOOT_SLOT_COUNT; i++) {
        const struct boot_slot *x = &a->slot[i];
        const struct boot_slot *y = &b->slot[i];
        is_equal = is_equal && x->state == y->state &&
                   x->tries_left == y->tries_left && x->version == y->version &&
                   x->security_version == y->security_version &&
                   memcmp(x->digest, y->digest, sizeof x->digest) == 0;
    }
    return is_equal;
}

// ---- events and the naive model --------------------------------------------

enum event {
    UPDATE_SAME, // vacate and install the security version of the floor
    UPDATE_NEWER,
    UPDATE_OLDER,
    VACATE,   // the first half of an update
    ACTIVATE, // two tries
    START,    // choose, and run what was chosen
    CONFIRM,  // what runs
    REVERT,
    REFUSE, // what runs
    EVENTS,
};

static uint32_t version_of(enum event event, uint32_t floor)
{
    if (event == UPDATE_NEWER) {
        return floor + 1;
    }
    return event == UPDATE_OLDER && floor > 0 ? floor - 1 : floor;
}

// The code under test.  True: something must be stored.
static bool apply(struct boot_slots *slots, enum event event, uint8_t *running)
{
    struct boot_choice choice;
    switch (event) {
    case UPDATE_SAME:
    case UPDATE_NEWER:
    case UPDATE_OLDER: {
        struct boot_header header = header_of(version_of(event, slots->floor));
        uint8_t slot = boot_slots_vacate(slots);
        enum rotor_status status = boot_slots_install(slots, slot, &header);
        assert_int_equal(status, header.security_version < slots->floor
                                     ? ROTOR_FORBIDDEN
                                     : ROTOR_OK);
        return true;
    }
    case VACATE:
        (void)boot_slots_vacate(slots);
        return true;
    case ACTIVATE:
        return boot_slots_activate(slots, 2) == ROTOR_OK;
    case START:
        boot_slots_choose(slots, 0, &choice);
        *running = choice.slot;
        return choice.is_changed;
    case CONFIRM:
        return *running != BOOT_SLOT_NONE &&
               boot_slots_confirm(slots, *running) == ROTOR_OK;
    case REVERT:
        return boot_slots_revert(slots, BOOT_BY_OPERATOR) == ROTOR_OK;
    case REFUSE:
        return *running != BOOT_SLOT_NONE &&
               boot_slots_refuse(slots, *running, BOOT_NOT_ATTESTED) ==
                   ROTOR_OK;
    case EVENTS:
        break;
    }
    fail();
    return false;
}

// The same in other words: what each slot is, as a letter; `tries` belongs to
// the one 'T'.
struct model {
    char slot[3]; // '-', 'R', 'T', 'C', 'F'
    uint32_t version[2];
    int active; // -1: none
    int tries;
    uint32_t floor;
    int running;
};

static void model_start(struct model *m)
{
    m->running = -1;
    char *trial = strchr(m->slot, 'T');
    if (trial != NULL && m->tries == 0) {
        *trial = 'F';
        trial = NULL;
    }
    if (trial != NULL) {
        m->tries--;
        m->running = (int)(trial - m->slot);
        return;
    }
    // The floor is the version of the active slot once there is one, so what
    // is active may always run.
    m->running = m->active;
}

static void model_confirm(struct model *m)
{
    int slot = m->running;
    if (slot < 0 || strchr("TC", m->slot[slot]) == NULL ||
        m->version[slot] < m->floor) {
        return;
    }
    m->slot[slot] = 'C';
    m->active = slot;
    m->floor = m->version[slot];
}

static void model_apply(struct model *m, enum event event)
{
    int spare = m->active == 0 ? 1 : 0;
    char *trial = strchr(m->slot, 'T');
    switch (event) {
    case UPDATE_SAME:
    case UPDATE_NEWER:
    case UPDATE_OLDER:
        m->version[spare] = version_of(event, m->floor);
        m->slot[spare] = m->version[spare] < m->floor ? '-' : 'R';
        break;
    case VACATE:
        m->slot[spare] = '-';
        break;
    case ACTIVATE:
        if ((m->slot[spare] == 'R' || m->slot[spare] == 'C') &&
            m->version[spare] >= m->floor) {
            m->slot[spare] = 'T';
            m->tries = 2;
        }
        break;
    case START:
        model_start(m);
        break;
    case CONFIRM:
        model_confirm(m);
        break;
    case REVERT:
        if (trial != NULL) {
            *trial = 'F';
        }
        break;
    case REFUSE:
        if (m->running >= 0 && m->slot[m->running] == 'T') {
            m->slot[m->running] = 'F';
        }
        break;
    case EVENTS:
        fail();
    }
}

static uint8_t number_of(int slot)
{
    return slot < 0 ? (uint8_t)BOOT_SLOT_NONE : (uint8_t)slot;
}

static void assert_like_model(const struct boot_slots *slots,
                              const struct model *m, uint8_t running)
{
    static const char letters[] = "-RTCF";
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(letters[slots->slot[i].state], m->slot[i]);
        if (m->slot[i] != '-') {
            assert_int_equal(slots->slot[i].security_version, m->version[i]);
            assert_int_equal(slots->slot[i].digest[63], m->version[i]);
            assert_int_equal(slots->slot[i].version, 100 + m->version[i]);
        }
        int tries = m->slot[i] == 'T' ? m->tries : 0;
        assert_int_equal(slots->slot[i].tries_left, tries);
    }
    assert_int_equal(slots->active, number_of(m->active));
    assert_int_equal(slots->floor, m->floor);
    assert_int_equal(running, number_of(m->running));
}

// ---- the walk over all sequences of events ---------------------------------

struct world {
    struct storage storage;
    struct boot_slots slots;
    struct model model;
    uint8_t running;
};

static unsigned long transitions;
static unsigned long cuts;

// Cuts the write of `next` and looks at what a boot finds: the state before
// or the state after, after only if every byte was written.
static void cut_everywhere(const struct world *before,
                           const struct boot_slots *next, size_t step)
{
    for (size_t whole = 0; whole <= BOOT_SLOTS_RECORD_SIZE; whole += step) {
        for (int erased = 0; erased < 2; erased++) {
            struct storage s = before->storage;
            struct boot_slots writer = *next;
            struct boot_slots found_slots;
            bool found = false;
            store(&s, &writer, (struct cut){whole, erased != 0});
            assert_ok(load(&s, &found_slots, &found));
            bool is_after = whole == BOOT_SLOTS_RECORD_SIZE;
            assert_true(
                slots_equal(&found_slots, is_after ? next : &before->slots));
            assert_int_equal(found, is_after || before->slots.sequence != 0);
            // The boot after the cut does it again, over the torn copy.
            writer = *next;
            writer.sequence = before->slots.sequence + (is_after ? 1 : 0);
            store(&s, &writer, no_cut);
            assert_ok(load(&s, &found_slots, &found));
            assert_true(found && slots_equal(&found_slots, next));
            cuts++;
        }
    }
}

static void assert_invariants(const struct world *before,
                              const struct world *after)
{
    assert_true(after->slots.floor >= before->slots.floor);
    if (after->running != BOOT_SLOT_NONE && after->running < 2) {
        const struct boot_slot *slot = &after->slots.slot[after->running];
        bool is_fresh = before->running != after->running;
        assert_true(!is_fresh || slot->security_version >= after->slots.floor);
    }
    // What was confirmed once stays startable.
    struct boot_slots copy = after->slots;
    struct boot_choice choice;
    boot_slots_choose(&copy, 0, &choice);
    assert_true(after->slots.active == BOOT_SLOT_NONE ||
                choice.slot != BOOT_SLOT_NONE);
}

static void walk(const struct world *world, unsigned depth, size_t step)
{
    if (depth == 0) {
        return;
    }
    for (int event = 0; event < EVENTS; event++) {
        struct world next = *world;
        bool must_store = apply(&next.slots, (enum event)event, &next.running);
        model_apply(&next.model, (enum event)event);
        assert_like_model(&next.slots, &next.model, next.running);
        assert_invariants(world, &next);
        transitions++;
        if (must_store) {
            cut_everywhere(world, &next.slots, step);
            store(&next.storage, &next.slots, no_cut);
        } else {
            // Nothing to store means that nothing changed.
            assert_true(slots_equal(&next.slots, &world->slots));
        }
        walk(&next, depth - 1, step);
    }
}

static struct world fresh_world(void)
{
    struct world world = {.running = BOOT_SLOT_NONE};
    boot_slots_init(&world.slots, BOOT_ENCLAVE);
    world.model = (struct model){.slot = "--", .active = -1, .running = -1};
    return world;
}

static void happen(struct world *world, enum event event)
{
    if (apply(&world->slots, event, &world->running)) {
        store(&world->storage, &world->slots, no_cut);
    }
    model_apply(&world->model, event);
}

SPEC("slots do what the naive model does, and a cut at any byte of any write "
     "leaves the state before it")
{
    struct world world = fresh_world();
    transitions = cuts = 0;
    walk(&world, 3, 1);
    walk(&world, 5, 64);
    static const enum event commissioned[] = {UPDATE_NEWER, ACTIVATE, START,
                                              CONFIRM};
    for (size_t i = 0; i < COUNT_OF(commissioned); i++) {
        happen(&world, commissioned[i]);
    }
    walk(&world, 3, 1);
    walk(&world, 5, 64);
    print_message("%lu transitions, %lu cuts\n", transitions, cuts);
}

SPEC("a trial that is never confirmed runs as often as it has tries, then "
     "the active slot runs again")
{
    struct world world = fresh_world();
    static const enum event events[] = {UPDATE_NEWER, ACTIVATE,     START,
                                        CONFIRM,      UPDATE_NEWER, ACTIVATE};
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        happen(&world, events[i]);
    }
    for (int start = 0; start < 4; start++) {
        // Every start is a boot: what is not durable is lost.
        bool found = false;
        assert_ok(load(&world.storage, &world.slots, &found));
        assert_true(found);
        happen(&world, START);
        assert_int_equal(world.running, start < 2 ? 1 : 0);
    }
    bool found = false;
    assert_ok(load(&world.storage, &world.slots, &found));
    assert_int_equal(world.slots.slot[1].state, BOOT_SLOT_FAILED);
    assert_int_equal(world.slots.last_failure, BOOT_TRIES_SPENT);
    assert_int_equal(world.slots.floor, 1);
}
