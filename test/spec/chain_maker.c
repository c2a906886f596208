// SPDX-License-Identifier: Apache-2.0
#include "test/spec/chain_maker.h"

#include <string.h>

#include "base/bytes.h"
#include "chain/hash.h"
#include "crypto/suite.h"
#include "test/spec.h"
#include "wire/cbor.h"

// ---- keys ------------------------------------------------------------------

void maker_key_open(struct maker_key *made, enum crypto_scheme scheme,
                    unsigned number)
{
    uint8_t seed[CRYPTO_SEED_MAX];
    memset(seed, (int)(0x11 + scheme), sizeof seed);
    bytes_put_be32(seed, number);
    memset(made, 0, sizeof *made);
    assert_ok(crypto_key_derive(&made->key, scheme, seed));
    assert_ok(wire_key_of(&made->key, &made->public_key));
}

void maker_bundle_commit(struct maker_bundle *bundle)
{
    assert_ok(chain_hash_auth(crypto_suite_of(bundle->suite)->hash,
                              &bundle->auth, &bundle->commit));
}

void maker_bundle_open(struct maker_bundle *bundle, uint32_t suite,
                       unsigned number)
{
    const struct crypto_suite *of = crypto_suite_of(suite);
    memset(bundle, 0, sizeof *bundle);
    bundle->suite = suite;
    maker_key_open(&bundle->sign, of->sign, 8 * number);
    maker_key_open(&bundle->agree, of->agree, 8 * number + 1);
    maker_key_open(&bundle->auth_sign, of->sign, 8 * number + 2);
    memset(bundle->ots.id, 0x33, sizeof bundle->ots.id);
    memset(bundle->ots.seed, 0x44, sizeof bundle->ots.seed);
    bytes_put_be32(bundle->ots.id, number);
    bytes_put_be32(bundle->ots.seed, 16 * number + suite);
    assert_ok(chain_ots_public(&bundle->ots, &bundle->auth.ots));
    bundle->auth.sign = bundle->auth_sign.public_key;
    maker_bundle_commit(bundle);
}

void maker_bundle_close(struct maker_bundle *bundle)
{
    crypto_key_close(&bundle->sign.key);
    crypto_key_close(&bundle->agree.key);
    crypto_key_close(&bundle->auth_sign.key);
}

void maker_ra_open(struct maker_ra *ra, uint32_t k, size_t count,
                   unsigned number)
{
    static const enum crypto_scheme SCHEMES[] = {CRYPTO_P256, CRYPTO_ED25519,
                                                 CRYPTO_P384};
    struct chain_ra_set set = {.k = k, .count = count};
    memset(ra, 0, sizeof *ra);
    ra->count = count;
    for (size_t i = 0; i < count; i++) {
        maker_key_open(&ra->keys[i], SCHEMES[i % COUNT_OF(SCHEMES)],
                       10000 + 100 * number + (unsigned)i);
        set.keys[i] = ra->keys[i].public_key;
    }
    struct rotor_room room = ROOM_OF(ra->set_bytes);
    assert_ok(chain_ra_set_encode(&set, &room));
    ra->set = bytes_in(&room);
    assert_ok(chain_hash_ra_set(CRYPTO_SHA256, ra->set, &ra->digest));
}

void maker_ra_close(struct maker_ra *ra)
{
    for (size_t i = 0; i < ra->count; i++) {
        crypto_key_close(&ra->keys[i].key);
    }
}

// ---- drafts ----------------------------------------------------------------

struct rotor_bytes maker_bytes(const struct maker_entry *entry)
{
    return bytes_of(entry->bytes, entry->size);
}

static struct wire_digest digest_of(enum crypto_hash alg, const char *text)
{
    struct wire_digest digest = {.alg = alg};
    struct rotor_bytes bytes = bytes_of(text, strlen(text));
    assert_ok(crypto_hash(alg, &bytes, 1, digest.bytes));
    return digest;
}

struct chain_policy maker_policy(const struct maker_ra *ra)
{
    struct chain_policy policy;
    chain_policy_init(&policy);
    policy.ra = ra->digest;
    policy.control = digest_of(CRYPTO_SHA256, "control");
    return policy;
}

static void fill(struct maker_draft *draft, const struct maker_bundle *own)
{
    struct chain_body *body = &draft->body;
    body->suite = own->suite;
    body->sign = own->sign.public_key;
    body->agree = own->agree.public_key;
    body->next_commit = own->commit;
    body->tick_s = 12;
    memset(body->boot_id, 0x77, sizeof body->boot_id);
    body->measurement = digest_of(CRYPTO_SHA256, "image");
    body->seed_src = 1;
    body->request_hash =
        digest_of(crypto_suite_of(own->suite)->hash, "request");
    draft->pop = &own->sign.key;
}

void maker_draft_genesis(struct maker_draft *draft,
                         const struct maker_bundle *own,
                         const struct chain_policy *policy)
{
    memset(draft, 0, sizeof *draft);
    fill(draft, own);
    draft->body.kind = CHAIN_GENESIS;
    draft->body.n = 1;
    draft->policy = *policy;
}

void maker_draft_next(struct maker_draft *draft,
                      const struct chain_trust *parent,
                      const struct maker_bundle *before,
                      const struct maker_bundle *own)
{
    memset(draft, 0, sizeof *draft);
    fill(draft, own);
    draft->body.log_id = parent->log_id;
    draft->body.kind = CHAIN_ROTATE;
    draft->body.epoch = parent->order.epoch + 1;
    draft->body.incarnation = parent->order.incarnation;
    draft->body.prev = parent->body_hash;
    draft->body.auth = before->auth;
    assert_ok(wire_key_id(&parent->sign, &draft->body.old_kid));
    draft->body.reason = WIRE_REASON_SCHEDULED;
    draft->body.n = parent->n + 2;
    draft->policy = parent->policy;
    draft->old = &before->sign.key;
    draft->auth_ots = &before->ots;
    draft->auth_sign = &before->auth_sign.key;
}

void maker_draft_recovery(struct maker_draft *draft,
                          const struct chain_trust *head,
                          const struct chain_trust *superseded,
                          const struct maker_bundle *own,
                          const struct maker_ra *ra)
{
    memset(draft, 0, sizeof *draft);
    fill(draft, own);
    draft->body.log_id = head->log_id;
    draft->body.kind = CHAIN_RECOVER;
    draft->body.epoch = head->order.epoch + 1;
    draft->body.incarnation = head->order.incarnation + 1;
    draft->body.prev = superseded->body_hash;
    draft->body.supersedes = chain_trust_head(superseded);
    draft->body.reason = WIRE_REASON_RECOVERY;
    draft->body.n = head->n + 2;
    draft->policy = superseded->policy;
    draft->ra[0] = &ra->keys[0].key;
    draft->ra[1] = &ra->keys[1].key;
    draft->ra_count = 2;
    draft->ra_sets[0] = ra->set;
    draft->ra_set_count = 1;
}

// ---- sign and encode -------------------------------------------------------

static void sign_in(const struct crypto_key *key, struct rotor_bytes context,
                    struct rotor_bytes body, struct rotor_room *sign1)
{
    const struct wire_statement statement = {context, body};
    assert_ok(wire_cose_sign(key, &statement, sign1));
}

static struct rotor_bytes either(struct rotor_bytes given,
                                 struct rotor_bytes usual)
{
    return bytes_are_empty(given) ? usual : given;
}

static void write_ra(const struct maker_draft *draft, struct rotor_bytes body,
                     struct rotor_room *sig_ra, struct rotor_room *ra_sets)
{
    struct cbor_writer out;
    cbor_writer_init(&out, sig_ra);
    cbor_write_array(&out, draft->ra_count);
    for (size_t i = 0; i < draft->ra_count; i++) {
        uint8_t bytes[256];
        struct rotor_room sign1 = ROOM_OF(bytes);
        assert_ok(chain_sign_ra(draft->ra[i], body, &sign1));
        cbor_write_bytes(&out, bytes_in(&sign1));
    }
    assert_ok(cbor_writer_finish(&out));
    cbor_writer_init(&out, ra_sets);
    cbor_write_array(&out, draft->ra_set_count);
    for (size_t i = 0; i < draft->ra_set_count; i++) {
        cbor_write_raw(&out, draft->ra_sets[i]);
    }
    assert_ok(cbor_writer_finish(&out));
}

static void write_attachment(struct cbor_writer *out, uint64_t key,
                             struct rotor_bytes bytes)
{
    if (!bytes_are_empty(bytes)) {
        cbor_write_uint(out, key);
        cbor_write_bytes(out, bytes);
    }
}

static void write_array(struct cbor_writer *out, uint64_t key,
                        struct rotor_bytes array)
{
    if (!bytes_are_empty(array)) {
        cbor_write_uint(out, key);
        cbor_write_raw(out, array);
    }
}

// Whatever the body is: chain_entry_encode makes no entry that it would not
// take.
static void write_entry(const struct chain_entry *parts,
                        struct rotor_room *room)
{
    const struct rotor_bytes each[] = {parts->sig_old,  parts->sig_auth[0],
                                       parts->sig_pop,  parts->sig_ra,
                                       parts->evidence, parts->ra_sets};
    struct cbor_writer out;
    uint64_t count = 0;
    for (size_t i = 0; i < COUNT_OF(each); i++) {
        count += bytes_are_empty(each[i]) ? 0 : 1u;
    }
    cbor_writer_init(&out, room);
    cbor_write_array(&out, 2);
    cbor_write_bytes(&out, parts->body.bytes);
    cbor_write_map(&out, count);
    write_attachment(&out, 1, parts->sig_old);
    if (!bytes_are_empty(parts->sig_auth[0])) {
        cbor_write_uint(&out, 2);
        cbor_write_array(&out, 2);
        cbor_write_bytes(&out, parts->sig_auth[0]);
        cbor_write_bytes(&out, parts->sig_auth[1]);
    }
    write_attachment(&out, 3, parts->sig_pop);
    write_array(&out, 4, parts->sig_ra);
    write_attachment(&out, 5, parts->evidence);
    write_array(&out, 7, parts->ra_sets);
    assert_ok(cbor_writer_finish(&out));
}

void maker_finish_over(struct maker_draft *draft, struct rotor_bytes body,
                       struct maker_entry *entry)
{
    static uint8_t memory[4][WIRE_SIGN1_MAX];
    static uint8_t ra_memory[2][8192];
    struct rotor_room old = ROOM_OF(memory[0]);
    struct rotor_room ots = ROOM_OF(memory[1]);
    struct rotor_room auth = ROOM_OF(memory[2]);
    struct rotor_room pop = ROOM_OF(memory[3]);
    struct rotor_room sig_ra = ROOM_OF(ra_memory[0]);
    struct rotor_room ra_sets = ROOM_OF(ra_memory[1]);
    if (draft->old != NULL) {
        sign_in(draft->old,
                either(draft->old_context, LABEL(WIRE_CONTEXT_ENTRY_OLD)), body,
                &old);
    }
    if (draft->auth_ots != NULL) {
        assert_ok(chain_sign_auth_ots(draft->auth_ots, body, &ots));
        sign_in(draft->auth_sign,
                either(draft->auth_context, LABEL(WIRE_CONTEXT_ENTRY_AUTH)),
                body, &auth);
    }
    sign_in(draft->pop,
            either(draft->pop_context, LABEL(WIRE_CONTEXT_ENTRY_POP)), body,
            &pop);
    if (draft->ra_count > 0) {
        write_ra(draft, body, &sig_ra, &ra_sets);
    }
    const struct chain_entry parts = {
        .body.bytes = body,
        .sig_old = bytes_in(&old),
        .sig_auth = {bytes_in(&ots), bytes_in(&auth)},
        .sig_pop = bytes_in(&pop),
        .sig_ra = bytes_in(&sig_ra),
        .evidence = draft->evidence,
        .ra_sets = bytes_in(&ra_sets),
    };
    struct rotor_room room = ROOM_OF(entry->bytes);
    write_entry(&parts, &room);
    entry->size = room.used;
}

void maker_finish(struct maker_draft *draft, struct maker_entry *entry)
{
    uint8_t policy[CHAIN_POLICY_MAX];
    uint8_t body[CHAIN_BODY_MAX];
    struct rotor_room policy_room = ROOM_OF(policy);
    struct rotor_room body_room = ROOM_OF(body);
    assert_ok(chain_policy_encode(&draft->policy, &policy_room));
    draft->body.policy_bytes = bytes_in(&policy_room);
    assert_ok(chain_body_encode(&draft->body, &body_room));
    maker_finish_over(draft, bytes_in(&body_room), entry);
}

// ---- bytes -----------------------------------------------------------------

struct pair {
    int64_t key;
    struct rotor_bytes item;
};

// Integer keys in their encoded order: 0, 1, .. then -1, -2, ..
static bool comes_before(int64_t a, int64_t b)
{
    if ((a < 0) != (b < 0)) {
        return a >= 0;
    }
    return a < 0 ? a > b : a < b;
}

void maker_edit_map(struct rotor_bytes map, int64_t key,
                    struct rotor_bytes item, struct rotor_room *edited)
{
    struct pair pairs[64];
    size_t count = 0;
    int64_t read = 0;
    struct cbor_reader in;
    cbor_reader_init(&in, map);
    cbor_read_map(&in);
    bool placed = bytes_are_empty(item);
    while (cbor_map_next(&in, &read)) {
        if (!placed && !comes_before(read, key)) {
            pairs[count++] = (struct pair){key, item};
            placed = true;
        }
        struct rotor_bytes value = cbor_read_item(&in);
        if (read != key) {
            pairs[count++] = (struct pair){read, value};
        }
    }
    assert_true(cbor_finished(&in));
    if (!placed) {
        pairs[count++] = (struct pair){key, item};
    }
    struct cbor_writer out;
    cbor_writer_init(&out, edited);
    cbor_write_map(&out, count);
    for (size_t i = 0; i < count; i++) {
        cbor_write_int(&out, pairs[i].key);
        cbor_write_raw(&out, pairs[i].item);
    }
    assert_ok(cbor_writer_finish(&out));
}

void maker_split(struct rotor_bytes entry, struct rotor_bytes *body,
                 struct rotor_bytes *attachments)
{
    struct cbor_reader in;
    cbor_reader_init(&in, entry);
    cbor_read_array_of(&in, 2);
    *body = cbor_read_bytes(&in);
    *attachments = cbor_read_item(&in);
    assert_true(cbor_finished(&in));
}

void maker_join(struct rotor_bytes body, struct rotor_bytes attachments,
                struct maker_entry *entry)
{
    struct rotor_room room = ROOM_OF(entry->bytes);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    cbor_write_array(&out, 2);
    cbor_write_bytes(&out, body);
    cbor_write_raw(&out, attachments);
    assert_ok(cbor_writer_finish(&out));
    entry->size = room.used;
}

// ---- the party -------------------------------------------------------------

static enum rotor_status
has_seen(void *context, const struct chain_fingerprint *fingerprint, bool *seen)
{
    struct maker_party *party = context;
    return chain_seen_port(&party->seen, fingerprint, seen);
}

static enum rotor_status
check_evidence(void *context, const struct chain_evidence_question *question,
               bool *ok, const char **why)
{
    struct maker_party *party = context;
    party->question = *question;
    party->evidence_asked_count++;
    *ok = party->evidence_is_good;
    *why = "test says no";
    return ROTOR_OK;
}

static enum rotor_status find(void *context, const struct wire_head *head,
                              struct chain_trust *at, bool *found)
{
    struct maker_party *party = context;
    for (size_t i = 0; i < party->held_count; i++) {
        struct wire_head own = chain_trust_head(&party->held[i]);
        if (own.epoch == head->epoch &&
            wire_digest_equal(&own.body_hash, &head->body_hash)) {
            *at = party->held[i];
            *found = true;
        }
    }
    return ROTOR_OK;
}

static enum rotor_status held_s(void *context, const struct wire_digest *hash,
                                uint64_t *seconds)
{
    struct maker_party *party = context;
    assert_false(wire_digest_is_empty(hash));
    *seconds = party->known_for_s;
    return ROTOR_OK;
}

void maker_party_open(struct maker_party *party)
{
    memset(party, 0, sizeof *party);
    assert_ok(
        chain_seen_init(&party->seen, party->slots, COUNT_OF(party->slots)));
    party->ports = (struct chain_ports){.context = party,
                                        .has_seen = has_seen,
                                        .check_evidence = check_evidence,
                                        .find = find,
                                        .held_s = held_s};
    party->evidence_is_good = true;
}

// ---- the log ---------------------------------------------------------------

static void adopt(struct maker_log *log, struct maker_bundle *own)
{
    struct chain_entry entry;
    assert_ok(chain_entry_decode(maker_bytes(&log->entry), &entry));
    assert_ok(chain_seen_add_body(&log->party.seen, &entry.body));
    maker_bundle_close(&log->head);
    log->head = *own;
}

void maker_log_open(struct maker_log *log, uint32_t suite)
{
    static const struct chain_expected ANYTHING;
    struct maker_bundle own;
    struct maker_draft draft;
    memset(log, 0, sizeof *log);
    maker_party_open(&log->party);
    maker_ra_open(&log->ra, 2, 3, 0);
    maker_bundle_open(&own, suite, 0);
    struct chain_policy policy = maker_policy(&log->ra);
    maker_draft_genesis(&draft, &own, &policy);
    maker_finish(&draft, &log->entry);
    assert_ok(chain_accept_genesis(&ANYTHING, maker_bytes(&log->entry),
                                   &log->party.ports, &log->verdict,
                                   &log->trust));
    assert_true(chain_verdict_is_accepted(&log->verdict));
    adopt(log, &own);
}

void maker_log_take(struct maker_log *log, struct maker_draft *draft,
                    struct maker_bundle *own)
{
    struct chain_trust next;
    maker_finish(draft, &log->entry);
    assert_ok(chain_accept(&log->trust, maker_bytes(&log->entry),
                           &log->party.ports, &log->verdict, &next));
    if (!chain_verdict_is_accepted(&log->verdict)) {
        fail_msg("rule %u: %s", log->verdict.rule, log->verdict.reason);
    }
    log->before = log->trust;
    log->trust = next;
    adopt(log, own);
}

void maker_log_rotate(struct maker_log *log, uint32_t suite, unsigned number)
{
    struct maker_bundle own;
    struct maker_draft draft;
    maker_bundle_open(&own, suite, number);
    maker_draft_next(&draft, &log->trust, &log->head, &own);
    maker_log_take(log, &draft, &own);
}

void maker_log_close(struct maker_log *log)
{
    maker_bundle_close(&log->head);
    maker_ra_close(&log->ra);
}
