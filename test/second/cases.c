// SPDX-License-Identifier: Apache-2.0
// Entries, whole and changed, each with the verdict of chain/: a line each,
// for the second verifier to read.
//
//     take HEX                 accepted; it is the head from now on
//     base HEX                 what the next lines change
//     flip AT MASK VERDICT     one byte of the base
//     cut SIZE VERDICT         the first bytes of the base
//     raw HEX VERDICT          another entry at this place
//
// VERDICT is an outcome and the number of the rule that refused, or 0.
// Changed bodies are signed again by the right keys, so that later rules are
// reached.
#include "test/second/change.h"
#include "test/spec.h"
#include "test/spec/chain_maker.h"

static unsigned flips_for_each;
static struct maker_log world;
static struct chain_trust live[16];
static const char *word_of(uint32_t outcome)
{
    return outcome == CHAIN_ACCEPTED      ? "accepted"
           : outcome == CHAIN_UNSUPPORTED ? "unsupported"
           : outcome == CHAIN_HELD        ? "held"
                                          : "rejected";
}

// The verdict of chain/ at this place, as the end of a line.
static void print_verdict(struct rotor_bytes entry)
{
    static const struct chain_expected ANYTHING;
    struct chain_verdict verdict;
    struct chain_trust next;
    bool is_first = chain_trust_is_empty(&world.trust);
    assert_ok(is_first
                  ? chain_accept_genesis(&ANYTHING, entry, &world.party.ports,
                                         &verdict, &next)
                  : chain_accept(&world.trust, entry, &world.party.ports,
                                 &verdict, &next));
    bool is_accepted = verdict.outcome == CHAIN_ACCEPTED;
    printf(" %s %" PRIu32 "\n", word_of(verdict.outcome),
           is_accepted ? 0 : verdict.rule);
}

static void print_raw(const struct maker_entry *entry)
{
    print_hex("raw", maker_bytes(entry));
    print_verdict(maker_bytes(entry));
}

// ---- fields ----------------------------------------------------------------

static const int64_t BODY_KEYS[] = {-1, 0,  1,  2,  3,  4,  5,  6,  7,
                                    8,  9,  10, 11, 12, 13, 14, 15, 16,
                                    17, 18, 19, 20, 21, 22, 23, 63, 64};
static const int64_t ATTACHED_KEYS[] = {-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 64};
static const int64_t POLICY_KEYS[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

static void join(struct rotor_bytes body, struct rotor_bytes attachments,
                 struct maker_entry *entry)
{
    struct rotor_room room = ROOM_OF(entry->bytes);
    put_head(&room, 4, 2);
    put_head(&room, 2, body.size);
    put(&room, body.data, body.size);
    put(&room, attachments.data, attachments.size);
    entry->size = room.used;
}

static void change_body(struct maker_draft *draft, struct rotor_bytes body)
{
    static uint8_t memory[2 * CHAIN_BODY_MAX];
    static struct maker_entry entry;
    for (size_t k = 0; k < COUNT_OF(BODY_KEYS); k++) {
        for (size_t v = 0; v < COUNT_OF(VALUES); v++) {
            struct rotor_room edited = ROOM_OF(memory);
            edit(body, BODY_KEYS[k], item_of(&VALUES[v]), &edited);
            maker_finish_over(draft, bytes_in(&edited), &entry);
            print_raw(&entry);
        }
    }
}

static void change_policy(struct maker_draft *draft, struct rotor_bytes body)
{
    static uint8_t memory[2 * CHAIN_BODY_MAX];
    static uint8_t policy_memory[1024];
    static struct maker_entry entry;
    struct chain_body decoded;
    assert_ok(chain_body_decode(body, &decoded));
    for (size_t k = 0; k < COUNT_OF(POLICY_KEYS); k++) {
        for (size_t v = 0; v < COUNT_OF(VALUES); v++) {
            struct rotor_room policy = ROOM_OF(policy_memory);
            struct rotor_room edited = ROOM_OF(memory);
            edit(decoded.policy_bytes, POLICY_KEYS[k], item_of(&VALUES[v]),
                 &policy);
            edit(body, 18, bytes_in(&policy), &edited);
            maker_finish_over(draft, bytes_in(&edited), &entry);
            print_raw(&entry);
        }
    }
}

static void change_attachments(struct rotor_bytes body, struct rotor_bytes map)
{
    static uint8_t memory[2 * WIRE_ENTRY_MAX];
    static struct maker_entry entry;
    for (size_t k = 0; k < COUNT_OF(ATTACHED_KEYS); k++) {
        for (size_t v = 0; v < COUNT_OF(VALUES); v++) {
            struct rotor_room edited = ROOM_OF(memory);
            edit(map, ATTACHED_KEYS[k], item_of(&VALUES[v]), &edited);
            join(body, bytes_in(&edited), &entry);
            print_raw(&entry);
        }
    }
}

// Everything that may come at this place, then what does.
static void visit(struct maker_draft *draft)
{
    static struct maker_entry base;
    struct rotor_bytes body;
    struct rotor_bytes attachments;
    maker_finish(draft, &base);
    maker_split(maker_bytes(&base), &body, &attachments);
    change_bytes(maker_bytes(&base), flips_for_each, print_verdict);
    change_body(draft, body);
    change_policy(draft, body);
    change_attachments(body, attachments);
    print_hex("take", maker_bytes(&base));
    printf("\n");
}

// ---- the log ---------------------------------------------------------------

static void begin(uint32_t suite)
{
    struct maker_bundle own;
    struct maker_draft draft;
    maker_party_open(&world.party);
    world.party.known_for_s = 0;
    maker_ra_open(&world.ra, 2, 3, 0);
    maker_bundle_open(&own, suite, 0);
    struct chain_policy policy = maker_policy(&world.ra);
    maker_draft_genesis(&draft, &own, &policy);
    visit(&draft);
    maker_bundle_close(&own);
    maker_ra_close(&world.ra);
    maker_log_open(&world, suite);
    live[0] = world.trust;
    world.party.held = live;
    world.party.held_count = 1;
}

static void note_live(void)
{
    live[world.party.held_count++] = world.trust;
}

static void rotate(uint32_t suite, unsigned number, bool closes)
{
    struct maker_bundle own;
    struct maker_draft draft;
    maker_bundle_open(&own, suite, number);
    maker_draft_next(&draft, &world.trust, &world.head, &own);
    if (closes) {
        draft.body.kind = CHAIN_CLOSE;
        draft.body.next_commit = (struct wire_digest){0};
    }
    visit(&draft);
    maker_log_take(&world, &draft, &own);
    note_live();
}

static void recover(size_t superseded, unsigned number, bool is_anew)
{
    struct maker_bundle own;
    struct maker_draft draft;
    maker_bundle_open(&own, 2, number);
    maker_draft_recovery(&draft, &world.trust, &live[superseded], &own,
                         &world.ra);
    if (is_anew) {
        draft.body.kind = CHAIN_REINCEPT;
    }
    visit(&draft);
    maker_log_take(&world, &draft, &own);
    world.party.held_count = superseded + 1;
    note_live();
}

int main(int count, char **arguments)
{
    flips_for_each = count > 1 ? (unsigned)atoi(arguments[1]) : 100;
    begin(2);
    rotate(2, 1, false);
    rotate(1, 2, false);
    rotate(3, 3, false);
    rotate(3, 4, false);
    recover(2, 5, false);
    rotate(2, 6, true);
    recover(4, 7, true);
    rotate(1, 8, false);
    maker_log_close(&world);
    return 0;
}
