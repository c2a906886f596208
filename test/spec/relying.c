// SPDX-License-Identifier: Apache-2.0
// A relying party meets devices, catches up with them, judges their answers.
#include "test/spec/relying_rig.h"

// words.c needs what only the program has.
const struct command COMMANDS[] = {
    {NULL, NULL, NULL, NULL, NULL}
};
const size_t COMMAND_COUNT = 0;

// ---- contact ---------------------------------------------------------------

SPEC("a pinned log is taken from its first entry to its head")
{
    begin();
    rotate(1);
    rotate(2);
    assert_accepted(3);
    assert_true(report.is_first_contact);
    assert_accepted(0);
    assert_false(report.is_first_contact);
    end();
}

SPEC("without a pin nothing is trusted, whatever was fetched")
{
    begin();
    options.log_id = (struct wire_digest){0};
    assert_refused(CAUSE_USAGE, "is not known here");
    assert_int_equal(p.asked_attest, 0);
    end();
}

SPEC("first use counts only once an answer was accepted")
{
    begin();
    rotate(1);
    options.log_id = (struct wire_digest){0};
    options.trusts_first_use = true;
    p.signer = &p.log.ra.keys[0].key; // not the root
    assert_refused(CAUSE_EVIDENCE_REFUSED, "signature of the RoT");
    options.trusts_first_use = false;
    assert_refused(CAUSE_USAGE, "is not known here");
    // Evidence in a file names its log itself.
    const struct relying_device device = {NULL, ask};
    assert_true(relying_open(&party, &options, &report.outcome));
    assert_true(relying_select(&party, &p.log.trust.log_id, &report.outcome));
    assert_true(store_has_log(&party.store)); // fetched, and no more
    assert_false(relying_meet(&party, &device, &report));
    relying_close(&party);
    options.trusts_first_use = true;
    p.signer = NULL;
    assert_accepted(0);
    options.trusts_first_use = false;
    assert_accepted(0);
    end();
}

SPEC("another log than the pinned one is refused")
{
    begin();
    options.log_id.bytes[0] ^= 1;
    assert_refused(CAUSE_EVIDENCE_REFUSED, "is expected");
    end();
}

SPEC("a device that does not answer is no verdict")
{
    begin();
    p.is_mute = true;
    assert_refused(CAUSE_UNAVAILABLE, "refused");
    assert_int_equal(cause_exit(report.outcome.cause), EXIT_UNABLE);
    end();
}

// ---- catching up -----------------------------------------------------------

SPEC("a party that slept takes every entry, one by one, over several cycles")
{
    begin();
    assert_accepted(1);
    unsigned count = 480; // more than one cycle of 1 MiB
    for (unsigned i = 1; i <= count; i++) {
        rotate(i);
    }
    assert_accepted(count);
    assert_accepted(0);
    assert_true(report.trust.order.epoch == count);
    end();
}

SPEC("it stops at the head that was answered, though the log has more")
{
    begin();
    rotate(1);
    const struct chain_trust head = p.log.trust;
    struct maker_bundle own;
    struct maker_draft draft;
    // Published, and not yet switched to.
    maker_bundle_open(&own, 2, 2);
    maker_draft_next(&draft, &p.log.trust, &p.log.head, &own);
    maker_finish(&draft, &p.log.entry);
    const struct wire_order next = {0, 2};
    keep(maker_bytes(&p.log.entry), &next);
    assert_accepted(2);
    assert_true(wire_digest_equal(&report.trust.body_hash, &head.body_hash));
    maker_bundle_close(&own);
    end();
}

SPEC("what verified before a bad entry stands; the bad one does not")
{
    begin();
    rotate(1);
    rotate(2);
    uint8_t *bad = (uint8_t *)(uintptr_t)p.entries[2].data;
    bad[p.entries[2].size - 1] ^= 1; // in the last signature
    assert_refused(CAUSE_CHAIN_BROKEN, "entry of epoch 2: rule 8");
    assert_int_equal(report.steps, 2);
    bad[p.entries[2].size - 1] ^= 1;
    assert_accepted(1);
    end();
}

SPEC("newest entries that are withheld are noticed by the answer's head")
{
    begin();
    assert_accepted(1);
    rotate(1);
    rotate(2);
    p.shown = 2;
    assert_refused(CAUSE_CHAIN_BROKEN, "does not hand out the entries");
    end();
}

SPEC("an entry left out of the middle ends the walk there")
{
    begin();
    rotate(1);
    rotate(2);
    struct rotor_bytes missing = p.entries[1];
    p.entries[1] = p.entries[2];
    p.orders[1] = p.orders[2];
    p.entries[2] = missing;
    p.shown = 2;
    assert_refused(CAUSE_CHAIN_BROKEN, "entry of epoch 2: rule 2");
    end();
}

SPEC("a device that dropped what the party lacks says from where on it has its "
     "log, and proves nothing")
{
    begin();
    rotate(1);
    p.dropped = 1;
    assert_refused(CAUSE_UNAVAILABLE, "from epoch 1 on: the entries before");
    assert_int_equal(cause_exit(report.outcome.cause), EXIT_UNABLE);
    p.dropped = 0;
    assert_accepted(2);
    for (unsigned i = 2; i < 8; i++) {
        rotate(i);
    }
    p.dropped = 5;
    assert_refused(CAUSE_UNAVAILABLE, "from epoch 5 on, and this party is at "
                                      "epoch 1");
    p.dropped = 1; // from our own head on is enough
    assert_accepted(6);
    end();
}

SPEC("a key from an earlier entry is noticed also after a restart")
{
    begin();
    maker_log_rotate(&p.log, 2, 7);
    keep_head();
    assert_accepted(2);
    struct maker_bundle own;
    struct maker_draft draft;
    maker_bundle_open(&own, 2, 7); // the same again
    maker_draft_next(&draft, &p.log.trust, &p.log.head, &own);
    maker_finish(&draft, &p.log.entry);
    const struct wire_order next = {0, 2};
    keep(maker_bytes(&p.log.entry), &next);
    struct chain_trust twice = p.log.trust;
    twice.order.epoch = 2;
    twice.body_hash.bytes[0] ^= 1;
    p.at = &twice;
    assert_refused(CAUSE_CHAIN_BROKEN, "rule 9");
    maker_bundle_close(&own);
    end();
}

// ---- answers ---------------------------------------------------------------

SPEC("a device at an older head than the party has seen was rolled back")
{
    struct maker_bundle keys;
    begin();
    const struct chain_trust first = p.log.trust;
    maker_bundle_open(&keys, 2, 0); // those of genesis
    rotate(1);
    assert_accepted(2);
    p.at = &first;
    p.signer = &keys.sign.key;
    p.shown = 1;
    assert_refused(CAUSE_ROLLED_BACK, "is at epoch 0");
    p.shown = 2; // only its enclave was put back
    assert_refused(CAUSE_ROLLED_BACK, "is at epoch 0");
    // Not even signed by the old root: no proof of a rollback.
    p.signer = NULL;
    assert_refused(CAUSE_EVIDENCE_REFUSED, "signature of the RoT");
    maker_bundle_close(&keys);
    end();
}

SPEC("an answer that was given before is not given to this nonce")
{
    begin();
    assert_accepted(1);
    p.answers_again = true;
    assert_refused(CAUSE_EVIDENCE_REFUSED, "another request");
    end();
}

SPEC("an anchor that went back means a store that was put back")
{
    begin();
    p.mark.n = 0; // below that of the head itself
    assert_refused(CAUSE_ROLLED_BACK, "anchor");
    p.mark.n = 1000;
    assert_accepted(1);
    p.mark.n--;
    assert_refused(CAUSE_ROLLED_BACK, "anchor");
    p.mark.n++;
    assert_accepted(0);
    end();
}

SPEC("two signatures of one number in one boot mean a key in two hands")
{
    static const uint8_t next_boot[WIRE_ID_SIZE] = {9};
    begin();
    assert_accepted(1);
    p.mark.signatures--;
    assert_refused(CAUSE_EVIDENCE_REFUSED, "the same signature");
    p.mark.signatures = 0;
    p.mark.boot_id = BYTES_OF(next_boot);
    assert_accepted(0);
    end();
}

SPEC("a request that wants no Evidence is answered in vain")
{
    const struct relying_device device = {NULL, ask};
    struct wire_attest_req asked;
    begin();
    assert_accepted(1);
    struct rotor_room request = ROOM_OF(report.request);
    struct rotor_room response = ROOM_OF(report.response);
    assert_ok(wire_message_decode(&WIRE_LAYOUT_ATTEST_REQ,
                                  bytes_of(report.request, report.request_size),
                                  &asked));
    uint8_t memory[1024];
    struct rotor_room again = ROOM_OF(memory);
    asked.purpose = WIRE_PURPOSE_ATTEST;
    asked.want_evidence = 0;
    assert_ok(wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, &asked, &again));
    assert_ok(bytes_copy(&request, bytes_in(&again)));
    p.without_evidence = true;
    assert_ok(serve_attest(bytes_in(&request), &response));
    report.request_size = request.used;
    report.response_size = response.used;
    options.is_offline = true;
    assert_true(relying_open(&party, &options, &report.outcome));
    assert_false(relying_judge(&party, &device, &report));
    assert_true(verify_answer_is_accepted(&report.answer)); // and yet
    assert_non_null(strstr(report.outcome.reason, "Evidence is missing"));
    relying_close(&party);
    end();
}

SPEC("a stolen root without the device's own key proves nothing")
{
    begin();
    assert_accepted(1);
    struct device_traits other = GENUINE;
    const struct wire_digest pinned = p.device.instance;
    reference.instances = &pinned;
    reference.instance_count = 1;
    device_close(&p.device);
    other.uds_byte = 77;
    device_open(&p.device, &other);
    assert_refused(CAUSE_EVIDENCE_REFUSED, "not the pinned device");
    end();
}
