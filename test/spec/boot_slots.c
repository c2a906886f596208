// SPDX-License-Identifier: Apache-2.0
// Slots against a naive model, with the power cut at every write.
#include "base/bytes.h"
#include "boot/slots.h"
#include "test/spec.h"

#include <string.h>

// ---- storage that can lose power -------------------------------------------

struct storage {
    uint8_t copy[BOOT_SLOTS_COPIES][BOOT_SLOTS_RECORD_SIZE];
    size_t size[BOOT_SLOTS_COPIES];
};

// How a write ends: the first `whole` bytes are new, `rest` of the old ones
// stay (or become 0xff, an erased cell).
struct cut {
    size_t whole;
    bool is_erased;
};

static const struct cut no_cut = {BOOT_SLOTS_RECORD_SIZE, false};

static void write_copy(struct storage *s, size_t copy, const uint8_t *record,
                       struct cut cut)
{
    size_t rest = BOOT_SLOTS_RECORD_SIZE - cut.whole;
    memcpy(s->copy[copy], record, cut.whole);
    if (cut.is_erased) {
        memset(s->copy[copy] + cut.whole, 0xff, rest);
        s->size[copy] = BOOT_SLOTS_RECORD_SIZE;
    } else if (s->size[copy] < cut.whole) {
        s->size[copy] = cut.whole;
    }
}

static enum rotor_status load(const struct storage *s, struct boot_slots *slots,
                              bool *found)
{
    struct rotor_bytes copies[] = {bytes_of(s->copy[0], s->size[0]),
                                   bytes_of(s->copy[1], s->size[1])};
    return boot_slots_decode(copies, BOOT_ENCLAVE, slots, found);
}

static void store(struct storage *s, struct boot_slots *slots, struct cut cut)
{
    uint8_t record[BOOT_SLOTS_RECORD_SIZE];
    size_t copy = 9;
    assert_ok(boot_slots_encode(slots, record, &copy));
    write_copy(s, copy, record, cut);
    boot_slots_commit(slots);
}

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

static struct boot_header header_of(uint32_t security_version)
{
    struct boot_header header = {
        .component = BOOT_ENCLAVE,
        .version = 100 + security_version,
        .security_version = security_version,
    };
    memset(header.digest, (int)security_version, sizeof header.digest);
    return header;
}

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
    assert_int_equal(world.slots.slot[1].state, BOOT_SLOT_FAILED);
    assert_int_equal(world.slots.last_failure, BOOT_TRIES_SPENT);
    assert_int_equal(world.slots.floor, 1);
}

// ---- single rules ----------------------------------------------------------

static void confirmed_in_both(struct boot_slots *slots, uint32_t first,
                              uint32_t second)
{
    const uint32_t versions[] = {first, second};
    boot_slots_init(slots, BOOT_ENCLAVE);
    for (size_t i = 0; i < 2; i++) {
        struct boot_header header = header_of(versions[i]);
        struct boot_choice choice;
        uint8_t slot = boot_slots_vacate(slots);
        assert_ok(boot_slots_install(slots, slot, &header));
        assert_ok(boot_slots_activate(slots, 1));
        boot_slots_choose(slots, 0, &choice);
        assert_int_equal(choice.slot, slot);
        assert_true(choice.is_trial && choice.is_changed);
        assert_ok(boot_slots_confirm(slots, choice.slot));
    }
}

SPEC("when the active image is refused the other confirmed one runs, unless "
     "the floor has passed it")
{
    struct boot_slots slots;
    struct boot_choice choice;
    confirmed_in_both(&slots, 4, 4);
    boot_slots_choose(&slots, 0, &choice);
    assert_int_equal(choice.slot, 1);
    assert_false(choice.is_changed || choice.is_trial);
    assert_ok(boot_slots_refuse(&slots, 1, BOOT_BAD_DIGEST));
    assert_int_equal(slots.slot[1].state, BOOT_SLOT_CONFIRMED);
    assert_int_equal(slots.last_failure, BOOT_BAD_DIGEST);
    boot_slots_choose(&slots, 1u << 1, &choice);
    assert_int_equal(choice.slot, 0);
    boot_slots_choose(&slots, 3, &choice);
    assert_int_equal(choice.slot, BOOT_SLOT_NONE);
    assert_ok(boot_slots_confirm(&slots, 0));
    assert_int_equal(slots.active, 0);

    confirmed_in_both(&slots, 4, 5);
    assert_int_equal(slots.floor, 5);
    boot_slots_choose(&slots, 1u << 1, &choice);
    assert_int_equal(choice.slot, BOOT_SLOT_NONE);
    assert_int_equal(boot_slots_confirm(&slots, 0), ROTOR_FORBIDDEN);
    assert_int_equal(boot_slots_activate(&slots, 1), ROTOR_FORBIDDEN);
}

SPEC("an older confirmed image can be tried again while the floor allows it")
{
    struct boot_slots slots;
    struct boot_choice choice;
    confirmed_in_both(&slots, 4, 4);
    assert_ok(boot_slots_activate(&slots, 1));
    boot_slots_choose(&slots, 0, &choice);
    assert_int_equal(choice.slot, 0);
    assert_true(choice.is_trial);
    assert_ok(boot_slots_revert(&slots, BOOT_NOT_ATTESTED));
    boot_slots_choose(&slots, 0, &choice);
    assert_int_equal(choice.slot, 1);
    assert_int_equal(boot_slots_revert(&slots, BOOT_BY_OPERATOR),
                     ROTOR_FORBIDDEN);
}

SPEC("a refused trial ends at once, its tries are not spent first")
{
    struct boot_slots slots;
    struct boot_choice choice;
    confirmed_in_both(&slots, 4, 4);
    assert_ok(boot_slots_activate(&slots, 9));
    boot_slots_choose(&slots, 0, &choice);
    assert_ok(boot_slots_refuse(&slots, choice.slot, BOOT_IMAGE_CHANGED));
    assert_int_equal(slots.slot[0].state, BOOT_SLOT_FAILED);
    boot_slots_choose(&slots, 0, &choice);
    assert_int_equal(choice.slot, 1);
}

SPEC("a slot holds the image that was installed and no other")
{
    struct boot_slots slots;
    confirmed_in_both(&slots, 4, 5);
    struct boot_header header = header_of(5);
    assert_true(boot_slot_holds(&slots, 1, &header));
    assert_false(boot_slot_holds(&slots, 0, &header));
    assert_false(boot_slot_holds(&slots, 2, &header));
    assert_false(boot_slot_holds(&slots, BOOT_SLOT_NONE, &header));
    header.component = BOOT_RTP;
    assert_false(boot_slot_holds(&slots, 1, &header));
    header = header_of(5);
    header.digest[63] ^= 1;
    assert_false(boot_slot_holds(&slots, 1, &header));
}

SPEC("slots refuse what has no slot, no tries or another component")
{
    struct boot_slots slots;
    struct boot_header header = header_of(9);
    boot_slots_init(&slots, BOOT_ENCLAVE);
    uint8_t slot = boot_slots_vacate(&slots);
    assert_int_equal(boot_slots_activate(&slots, 1), ROTOR_FORBIDDEN);
    assert_int_equal(boot_slots_install(&slots, 2, &header), ROTOR_INVALID);
    header.component = BOOT_RTP;
    assert_int_equal(boot_slots_install(&slots, slot, &header), ROTOR_INVALID);
    header.component = BOOT_ENCLAVE;
    assert_ok(boot_slots_install(&slots, slot, &header));
    assert_int_equal(boot_slots_install(&slots, slot, &header),
                     ROTOR_FORBIDDEN);
    assert_int_equal(boot_slots_activate(&slots, 0), ROTOR_INVALID);
    assert_int_equal(boot_slots_activate(&slots, BOOT_TRIES_MAX + 1),
                     ROTOR_INVALID);
    assert_int_equal(boot_slots_confirm(&slots, slot), ROTOR_FORBIDDEN);
    assert_int_equal(boot_slots_confirm(&slots, 2), ROTOR_INVALID);
    assert_int_equal(boot_slots_refuse(&slots, 2, BOOT_BAD_DIGEST),
                     ROTOR_INVALID);
}

// ---- records ---------------------------------------------------------------

static void stored(struct storage *s, struct boot_slots *slots)
{
    memset(s, 0, sizeof *s);
    confirmed_in_both(slots, 4, 5);
    store(s, slots, no_cut);
    slots->floor = 6;
    slots->slot[1].security_version = 6;
    store(s, slots, no_cut);
}

SPEC("a flip of any bit of the newer copy gives the older one, of both is "
     "corrupt and never a fresh start")
{
    struct storage s;
    struct boot_slots slots;
    struct boot_slots found_slots;
    bool found = false;
    stored(&s, &slots);
    size_t newer = slots.sequence % 2;
    assert_ok(load(&s, &found_slots, &found));
    assert_int_equal(found_slots.floor, 6);
    for (size_t bit = 0; bit < 8 * BOOT_SLOTS_RECORD_SIZE; bit++) {
        s.copy[newer][bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_ok(load(&s, &found_slots, &found));
        assert_true(found);
        assert_int_equal(found_slots.floor, 5);
        s.copy[1 - newer][77] ^= 4;
        assert_int_equal(load(&s, &found_slots, &found), ROTOR_CORRUPT);
        assert_false(found);
        s.copy[1 - newer][77] ^= 4;
        s.copy[newer][bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

SPEC("a copy in the other's place or of another component is not taken")
{
    struct storage s;
    struct storage swapped;
    struct boot_slots slots;
    bool found = false;
    stored(&s, &slots);
    for (size_t i = 0; i < 2; i++) {
        memcpy(swapped.copy[i], s.copy[1 - i], BOOT_SLOTS_RECORD_SIZE);
        swapped.size[i] = BOOT_SLOTS_RECORD_SIZE;
    }
    assert_int_equal(load(&swapped, &slots, &found), ROTOR_CORRUPT);
    struct rotor_bytes copies[] = {BYTES_OF(s.copy[0]), BYTES_OF(s.copy[1])};
    assert_int_equal(boot_slots_decode(copies, BOOT_RTP, &slots, &found),
                     ROTOR_CORRUPT);
}

SPEC("two absent copies, or one torn first write, are a device that was never "
     "used")
{
    struct storage s = {0};
    struct boot_slots slots;
    bool found = true;
    assert_ok(load(&s, &slots, &found));
    assert_false(found);
    assert_int_equal(slots.active, BOOT_SLOT_NONE);
    s.size[1] = 17;
    found = true;
    assert_ok(load(&s, &slots, &found));
    assert_false(found);
    s.size[0] = 17;
    assert_int_equal(load(&s, &slots, &found), ROTOR_CORRUPT);
}

// A record with one byte changed and the hash made right again.
static enum rotor_status decode_forged(size_t at, uint8_t value)
{
    struct storage s;
    struct boot_slots slots;
    bool found = false;
    stored(&s, &slots);
    size_t newer = slots.sequence % 2;
    uint8_t *record = s.copy[newer];
    record[at] = value;
    struct rotor_bytes parts[] = {bytes_of("rotor1 slots", 13),
                                  bytes_of(record, 224)};
    assert_ok(crypto_hash(CRYPTO_SHA256, parts, 2, record + 224));
    memset(s.copy[1 - newer], 0, BOOT_SLOTS_RECORD_SIZE);
    return load(&s, &slots, &found);
}

SPEC("a record whose hash is right and whose content makes no sense is "
     "refused")
{
    static const struct {
        size_t at;
        uint8_t value;
    } forgeries[] = {
        {0,   'r' }, // magic
        {5,   2   }, // version
        {7,   1   }, // record size
        {26,  1   }, // a reason past the table
        {28,  2   }, // active: no such slot
        {28,  0xff}, // none active, yet slots are confirmed
        {29,  1   }, // padding
        {32,  0   }, // state EMPTY
        {32,  5   }, // no such state
        {33,  1   }, // tries outside a trial
        {34,  1   }, // padding of slot A
        {108, 1   }, // the same
        {112, 4   }, // the active slot FAILED
        {195, 1   }, // padding
    };
    assert_ok(decode_forged(20, 0)); // the forging itself works
    for (size_t i = 0; i < COUNT_OF(forgeries); i++) {
        bool is_state_empty = forgeries[i].at == 32 && forgeries[i].value == 0;
        assert_int_equal(decode_forged(forgeries[i].at, forgeries[i].value),
                         is_state_empty ? ROTOR_OK : ROTOR_CORRUPT);
    }
}

SPEC("slots that make no sense are not stored")
{
    struct boot_slots good;
    uint8_t record[BOOT_SLOTS_RECORD_SIZE];
    size_t copy = 0;
    confirmed_in_both(&good, 4, 4);
    struct boot_slots bad = good;
    bad.active = 7;
    assert_int_equal(boot_slots_encode(&bad, record, &copy), ROTOR_INVALID);
    bad = good;
    bad.slot[0].tries_left = 1;
    assert_int_equal(boot_slots_encode(&bad, record, &copy), ROTOR_INVALID);
    bad = good;
    bad.active = BOOT_SLOT_NONE;
    bad.slot[0].state = BOOT_SLOT_TRIAL;
    bad.slot[1].state = BOOT_SLOT_TRIAL;
    assert_int_equal(boot_slots_encode(&bad, record, &copy), ROTOR_INVALID);
    bad.slot[1].state = BOOT_SLOT_FAILED;
    bad.slot[0].tries_left = BOOT_TRIES_MAX + 1;
    assert_int_equal(boot_slots_encode(&bad, record, &copy), ROTOR_INVALID);
    bad = good;
    bad.sequence = UINT64_MAX;
    assert_int_equal(boot_slots_encode(&bad, record, &copy), ROTOR_INVALID);
    assert_ok(boot_slots_encode(&good, record, &copy));
    assert_int_equal(copy, (good.sequence + 1) % 2);
}
