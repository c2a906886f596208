// SPDX-License-Identifier: Apache-2.0
// A relying party and logs that fork or were recovered, and what it keeps.
#include "test/spec/relying_rig.h"

// ---- forks -----------------------------------------------------------------

// What is wrong with the second body's signatures.
enum fault { FAULT_NONE, FAULT_NO_AUTH, FAULT_NO_OLD, FAULT_NEITHER };

// The party has seen 0, 1, 2; the device now shows 0 and another 1.
static void fork_at_one(enum fault fault, struct chain_trust *shown)
{
    static struct maker_entry second;
    struct maker_bundle own;
    struct maker_draft draft;
    struct chain_entry entry;
    begin();
    maker_bundle_open(&own, 2, 50);
    maker_draft_next(&draft, &p.log.trust, &p.log.head, &own);
    if (fault == FAULT_NO_AUTH || fault == FAULT_NEITHER) {
        draft.auth_ots = &own.ots;
        draft.auth_sign = &own.auth_sign.key;
    }
    if (fault == FAULT_NO_OLD || fault == FAULT_NEITHER) {
        draft.old = &own.sign.key;
    }
    maker_finish(&draft, &second);
    maker_bundle_close(&own);
    rotate(1);
    rotate(2);
    assert_accepted(3);
    assert_ok(chain_entry_decode(maker_bytes(&second), &entry));
    assert_ok(chain_trust_of(&entry.body, shown));
    shown->log_id = p.log.trust.log_id;
    p.real[0] = p.entries[1];
    p.real[1] = p.entries[2];
    p.count = 1;
    const struct wire_order order = {0, 1};
    keep(maker_bytes(&second), &order);
    p.at = shown;
}

// The real device again.
static void show_real(void)
{
    free((void *)(uintptr_t)p.entries[1].data);
    for (size_t i = 0; i < 2; i++) {
        p.entries[1 + i] = p.real[i];
        p.orders[1 + i] = (struct wire_order){0, 1 + i};
        p.real[i] = bytes_of(NULL, 0);
    }
    p.count = 3;
    p.shown = 3;
    p.at = NULL;
}

static void recover(void)
{
    static struct maker_entry made;
    struct maker_bundle own;
    struct maker_draft draft;
    maker_bundle_open(&own, 2, 60);
    maker_draft_recovery(&draft, &p.log.trust, &p.log.before, &own, &p.log.ra);
    maker_finish(&draft, &made);
    maker_bundle_close(&own);
    maker_bundle_open(&own, 2, 60);
    p.log.party.held = &p.log.before;
    p.log.party.held_count = 1;
    maker_log_take(&p.log, &draft, &own);
}

// What the party kept of second bodies.
static bool has_kept(const char *suffix)
{
    char command[96];
    (void)snprintf(command, sizeof command, "test -s %s/*%s", folder, suffix);
    return system(command) == 0;
}

SPEC("two bodies signed by root and rotation key: duplicity, kept for good")
{
    struct chain_trust shown;
    char command[96];
    fork_at_one(FAULT_NONE, &shown);
    // Its log ends below our head, but the party looks where it parts.
    assert_refused(CAUSE_DUPLICITY, "two bodies for epoch 1");
    assert_int_equal(report.fork, CHAIN_FORK_DUPLICITY);
    (void)snprintf(command, sizeof command, "test -s %s/*.fork", folder);
    assert_int_equal(system(command), 0);
    show_real();
    assert_refused(CAUSE_DUPLICITY, "two bodies");
    rotate(3);
    assert_refused(CAUSE_DUPLICITY, "two bodies");
    assert_int_equal(report.steps, 0);
    p.count--;
    free((void *)(uintptr_t)p.entries[p.count].data);
    p.log.trust = p.log.before;
    recover();
    keep_head();
    assert_accepted(1);
    assert_accepted(0);
    end();
}

SPEC("a fork behind the start of a device's log is found and judged as any")
{
    struct chain_trust shown;
    fork_at_one(FAULT_NONE, &shown);
    p.dropped = 1;
    assert_refused(CAUSE_DUPLICITY, "two bodies for epoch 1");
    end();
}

SPEC("a second body under the rotation key alone says that this key leaked")
{
    struct chain_trust shown;
    fork_at_one(FAULT_NO_OLD, &shown);
    assert_refused(CAUSE_CHAIN_BROKEN, "rotation key alone");
    end();
}

SPEC("a second body under the root alone says so, and closes nothing")
{
    struct chain_trust shown;
    fork_at_one(FAULT_NO_AUTH, &shown);
    assert_refused(CAUSE_CHAIN_BROKEN, "not by its rotation key");
    assert_true(has_kept(".misuse"));
    show_real();
    assert_accepted(0);
    end();
}

SPEC("an unknown successor under the root alone is kept as misuse, and closes "
     "nothing")
{
    static struct maker_entry second;
    struct maker_bundle own;
    struct maker_draft draft;
    struct chain_entry entry;
    struct chain_trust shown;
    const struct wire_order order = {0, 1};
    begin();
    assert_accepted(1);
    maker_bundle_open(&own, 2, 50);
    maker_draft_next(&draft, &p.log.trust, &p.log.head, &own);
    draft.auth_sign = &own.auth_sign.key;
    maker_finish(&draft, &second);
    maker_bundle_close(&own);
    assert_ok(chain_entry_decode(maker_bytes(&second), &entry));
    assert_ok(chain_trust_of(&entry.body, &shown));
    keep(maker_bytes(&second), &order);
    p.at = &shown;
    assert_refused(CAUSE_CHAIN_BROKEN, "rule 6");
    assert_int_equal(report.fork, CHAIN_FORK_NOISE);
    assert_true(has_kept(".misuse"));
    assert_false(has_kept(".fork"));
    p.count--;
    free((void *)(uintptr_t)p.entries[p.count].data);
    p.at = NULL;
    rotate(1);
    assert_accepted(1);
    end();
}

SPEC("a fork that the authority ended does not close the log again")
{
    struct chain_trust shown;
    fork_at_one(FAULT_NONE, &shown);
    assert_refused(CAUSE_DUPLICITY, "two bodies for epoch 1");
    struct rotor_bytes stolen = p.entries[1];
    static uint8_t copy[2 * WIRE_ENTRY_MAX];
    memcpy(copy, stolen.data, stolen.size);
    stolen.data = copy;
    show_real();
    recover();
    keep_head();
    assert_accepted(1);
    // The thief again, with what he always had.
    struct rotor_bytes real[] = {p.entries[1], p.entries[2], p.entries[3]};
    p.entries[1] = stolen;
    p.shown = 2;
    p.at = &shown;
    assert_refused(CAUSE_CHAIN_BROKEN, "the recovery authority has ended");
    memcpy(&p.entries[1], real, sizeof real);
    p.shown = p.count;
    p.at = NULL;
    assert_accepted(0);
    end();
}

SPEC("a second body that nobody signed proves nothing")
{
    struct chain_trust shown;
    fork_at_one(FAULT_NEITHER, &shown);
    assert_refused(CAUSE_CHAIN_BROKEN, "nothing proves it");
    assert_false(has_kept(".misuse"));
    show_real();
    assert_accepted(0);
    end();
}

// ---- the trust store -------------------------------------------------------

static void spoil(const char *command)
{
    char line[200];
    (void)snprintf(line, sizeof line, "cd %s && %s", folder, command);
    assert_int_equal(system(line), 0);
}

// Changes one bit of the file that ends in `suffix`; false behind its end.
static bool flip(const char *suffix, long at)
{
    DIR *list = opendir(folder);
    struct dirent *entry = NULL;
    bool is_done = false;
    assert_non_null(list);
    while ((entry = readdir(list)) != NULL) {
        char path[300];
        if (strstr(entry->d_name, suffix) == NULL) {
            continue;
        }
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "r+");
        assert_non_null(file);
        assert_ok(fseek(file, at, SEEK_SET));
        int byte = fgetc(file);
        if (byte != EOF) {
            assert_ok(fseek(file, at, SEEK_SET));
            is_done = fputc(byte ^ 4, file) != EOF;
        }
        assert_ok(fclose(file));
    }
    assert_ok(closedir(list));
    return is_done;
}

SPEC("a trust store with a changed byte, an old or a foreign file is not used")
{
    begin();
    assert_accepted(1);
    spoil("for f in *.trust; do cp $f old; done; for f in *.log; do cp $f "
          "kept; done");
    rotate(1);
    assert_accepted(1);
    spoil("for f in *.trust; do cp $f new; done");
    // One bit of the head, anywhere.
    for (long at = 0; flip(".trust", at); at += 7) {
        assert_refused(CAUSE_UNPARSABLE, "damaged");
        assert_true(flip(".trust", at));
    }
    assert_accepted(0);
    spoil("for f in *.trust; do cp $f new; done");
    // An older log under a newer head.
    spoil("for f in *.trust; do cp new $f; done; for f in *.log; do cp kept "
          "$f; done");
    assert_refused(CAUSE_UNPARSABLE, "damaged");
    end();
}

SPEC("a log with a changed byte anywhere is not used")
{
    begin();
    rotate(1);
    assert_accepted(2);
    // In the first entry, which nothing is judged by any more.
    spoil("for f in *.log; do s=$(stat -c %s $f); printf X | dd of=$f bs=1 "
          "seek=$((s - 3500)) conv=notrunc status=none; done");
    assert_refused(CAUSE_UNPARSABLE, "damaged");
    end();
}

SPEC("entries that were written and never became the head are forgotten")
{
    begin();
    assert_accepted(1);
    spoil("for f in *.trust; do cp $f old; done");
    rotate(1);
    assert_accepted(1);
    // The power went between the log and the head.
    spoil("for f in *.trust; do cp old $f; done");
    assert_accepted(1);
    rotate(2);
    assert_accepted(1);
    assert_accepted(0);
    end();
}

// ---- recovery --------------------------------------------------------------

SPEC("an entry of the recovery authority is taken, and counted as one")
{
    begin();
    rotate(1);
    rotate(2);
    assert_accepted(3);
    recover();
    keep_head();
    assert_accepted(1);
    assert_int_equal(report.recoveries, 1);
    assert_int_equal(report.recovery[0].epoch, report.trust.order.epoch);
    assert_int_equal(report.recovery[0].incarnation, 1);
    assert_int_equal(report.recovery[0].superseded, 1);
    assert_false(report.recovery[0].has_new_authority);
    assert_false(report.recovery[0].has_new_control);
    assert_int_equal(report.trust.order.incarnation, 1);
    assert_accepted(0);
    end();
}

SPEC("a party that holds down waits, across restarts, and then believes")
{
    begin();
    rotate(1);
    rotate(2);
    assert_accepted(3);
    recover();
    keep_head();
    options.hold_down_s = 3600;
    assert_refused(CAUSE_UNAVAILABLE, "recovery entry of epoch 3");
    assert_refused(CAUSE_UNAVAILABLE, "recovery entry of epoch 3");
    sleep(2);
    options.hold_down_s = 1; // the wait began at the first sight
    assert_accepted(1);
    end();
}

SPEC("RFC 5011 addpend_early: before the hold-down the pending root proves "
     "nothing, and the old one goes on")
{
    struct maker_bundle old;
    begin();
    rotate(1);
    rotate(2);
    assert_accepted(3);
    const struct chain_trust head = p.log.trust;
    maker_bundle_open(&old, 2, 2); // what signs under it
    recover();
    keep_head();
    options.hold_down_s = 3600;
    assert_refused(CAUSE_UNAVAILABLE, "recovery entry of epoch 3");
    p.at = &head;
    p.signer = &old.sign.key;
    assert_accepted(0);
    assert_true(wire_digest_equal(&report.trust.body_hash, &head.body_hash));
    maker_bundle_close(&old);
    end();
}
