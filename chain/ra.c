// SPDX-License-Identifier: Apache-2.0
// The recovery authority: k of n.  doc/PROTOCOL.chain 5.1.
#include <string.h>

#include "base/bytes.h"
#include "chain/hash.h"
#include "chain/recovery.h"
#include "wire/cbor.h"

static bool key_signs(const struct wire_key *key)
{
    return key->type == WIRE_KEY_ED25519 || key->type == WIRE_KEY_P256 ||
           key->type == WIRE_KEY_P384;
}

static bool counts_fit(const struct chain_ra_set *set)
{
    return 1 <= set->count && set->count <= CHAIN_RA_KEYS_MAX && 1 <= set->k &&
           set->k <= set->count;
}

// The kids of all keys; false unless they rise strictly.
static enum rotor_status make_kids(const struct chain_ra_set *set,
                                   struct wire_digest *kids, bool *rise)
{
    *rise = true;
    for (size_t i = 0; i < set->count; i++) {
        TRY(wire_key_id(&set->keys[i], &kids[i]));
        if (i > 0 && bytes_compare(wire_digest_bytes(&kids[i - 1]),
                                   wire_digest_bytes(&kids[i])) >= 0) {
            *rise = false;
        }
    }
    return ROTOR_OK;
}

// ---- encode ----------------------------------------------------------------

// Insertion sort: a set has 16 keys at most.
static enum rotor_status sort_keys(struct chain_ra_set *set)
{
    struct wire_digest kids[CHAIN_RA_KEYS_MAX];
    bool rise = false;
    TRY(make_kids(set, kids, &rise));
    for (size_t i = 1; i < set->count; i++) {
        struct wire_key key = set->keys[i];
        struct wire_digest kid = kids[i];
        size_t place = i;
        while (place > 0 && bytes_compare(wire_digest_bytes(&kids[place - 1]),
                                          wire_digest_bytes(&kid)) > 0) {
            set->keys[place] = set->keys[place - 1];
            kids[place] = kids[place - 1];
            place--;
        }
        set->keys[place] = key;
        kids[place] = kid;
    }
    return ROTOR_OK;
}

enum rotor_status chain_ra_set_encode(struct chain_ra_set *set,
                                      struct rotor_room *bytes)
{
    bytes->used = 0;
    if (!counts_fit(set)) {
        return ROTOR_INVALID;
    }
    TRY(sort_keys(set));
    struct cbor_writer out;
    cbor_writer_init(&out, bytes);
    cbor_write_array(&out, 2);
    cbor_write_uint(&out, set->k);
    cbor_write_array(&out, set->count);
    for (size_t i = 0; i < set->count; i++) {
        wire_write_key(&out, &set->keys[i]);
    }
    TRY(cbor_writer_finish(&out));
    struct chain_ra_set again;
    enum rotor_status status = chain_ra_set_decode(bytes_in(bytes), &again);
    if (status != ROTOR_OK) {
        bytes->used = 0;
        return status == ROTOR_MALFORMED ? ROTOR_INVALID : status;
    }
    return ROTOR_OK;
}

// ---- decode ----------------------------------------------------------------

static bool set_decodes(struct rotor_bytes bytes, struct chain_ra_set *set)
{
    struct cbor_reader in;
    cbor_reader_init(&in, bytes);
    cbor_read_array_of(&in, 2);
    set->k = (uint32_t)cbor_read_uint_max(&in, CHAIN_RA_KEYS_MAX);
    set->count = cbor_read_array(&in);
    for (size_t i = 0; i < set->count && i < CHAIN_RA_KEYS_MAX; i++) {
        wire_read_key(&in, &set->keys[i]);
        if (!key_signs(&set->keys[i])) {
            cbor_refuse(&in);
        }
    }
    return cbor_finished(&in) && counts_fit(set);
}

enum rotor_status chain_ra_set_decode(struct rotor_bytes bytes,
                                      struct chain_ra_set *set)
{
    struct chain_ra_set decoded = {.k = 0};
    struct wire_digest kids[CHAIN_RA_KEYS_MAX];
    bool rise = false;
    *set = (struct chain_ra_set){.k = 0};
    if (!set_decodes(bytes, &decoded)) {
        return ROTOR_MALFORMED;
    }
    TRY(make_kids(&decoded, kids, &rise));
    if (!rise) { // out of order, or a key twice
        return ROTOR_MALFORMED;
    }
    *set = decoded;
    return ROTOR_OK;
}

// ---- check -----------------------------------------------------------------

// The set in `ra_sets` whose digest is `ra`; *found starts false.
static enum rotor_status find_set(const struct wire_digest *ra,
                                  struct rotor_bytes ra_sets,
                                  struct chain_ra_set *set, bool *found)
{
    *found = false;
    struct cbor_reader in;
    cbor_reader_init(&in, ra_sets);
    size_t count = cbor_read_array(&in);
    for (size_t i = 0; i < count && !cbor_has_failed(&in); i++) {
        struct rotor_bytes bytes = cbor_read_item(&in);
        struct wire_digest digest;
        TRY(chain_hash_ra_set(ra->alg, bytes, &digest));
        if (!*found && wire_digest_equal(&digest, ra)) {
            TRY(chain_ra_set_decode(bytes, set));
            *found = true;
        }
    }
    return cbor_finished(&in) ? ROTOR_OK : ROTOR_MALFORMED;
}

// Marks the key of `set` that made `sign1`, if any did.
static enum rotor_status mark_signer(const struct chain_ra_set *set,
                                     const struct wire_statement *statement,
                                     struct rotor_bytes sign1, bool *signers)
{
    struct rotor_bytes kid;
    if (wire_cose_kid(sign1, &kid) != ROTOR_OK) {
        return ROTOR_OK;
    }
    for (size_t i = 0; i < set->count; i++) {
        struct wire_digest own;
        bool valid = false;
        TRY(wire_key_id(&set->keys[i], &own));
        if (signers[i] || !bytes_equal(kid, wire_digest_bytes(&own))) {
            continue;
        }
        enum rotor_status status =
            wire_cose_verify_ra(&set->keys[i], statement, sign1, &valid);
        if (status != ROTOR_MALFORMED) {
            TRY(status);
            signers[i] = valid;
        }
    }
    return ROTOR_OK;
}

// The signature of `sig_ra` at `index`; *count of them in all.
static enum rotor_status find_signature(struct rotor_bytes sig_ra, size_t index,
                                        struct rotor_bytes *sign1,
                                        size_t *count)
{
    struct cbor_reader in;
    cbor_reader_init(&in, sig_ra);
    *count = cbor_read_array(&in);
    if (*count > CHAIN_RA_SIGNATURES_MAX) {
        return ROTOR_MALFORMED;
    }
    for (size_t i = 0; i < *count; i++) {
        struct rotor_bytes found = cbor_read_bytes(&in);
        *sign1 = i == index ? found : *sign1;
    }
    return cbor_finished(&in) ? ROTOR_OK : ROTOR_MALFORMED;
}

static bool are_enough(const struct chain_ra_set *set,
                       const struct chain_ra_tally *tally)
{
    uint32_t counted = 0;
    for (size_t i = 0; i < set->count; i++) {
        counted += tally->signers[i] ? 1 : 0;
    }
    return counted >= set->k;
}

static enum rotor_status look_at_next(const struct chain_ra_set *set,
                                      struct rotor_bytes body,
                                      struct rotor_bytes sig_ra,
                                      struct chain_ra_tally *tally)
{
    const struct wire_statement statement = {LABEL(WIRE_CONTEXT_ENTRY_RA),
                                             body};
    struct rotor_bytes sign1 = {NULL, 0};
    size_t count = 0;
    TRY(find_signature(sig_ra, tally->next, &sign1, &count));
    if (tally->next >= count) {
        return ROTOR_OK;
    }
    TRY(mark_signer(set, &statement, sign1, tally->signers));
    tally->next++;
    return ROTOR_AGAIN;
}

enum rotor_status chain_ra_step(const struct wire_digest *ra,
                                struct rotor_bytes body,
                                const struct chain_ra_proof *proof,
                                struct chain_ra_tally *tally, bool *approved)
{
    struct chain_ra_set set;
    bool found = false;
    *approved = false;
    TRY(find_set(ra, proof->ra_sets, &set, &found));
    if (!found) {
        return ROTOR_OK;
    }
    TRY(look_at_next(&set, body, proof->sig_ra, tally));
    *approved = are_enough(&set, tally);
    return ROTOR_OK;
}

enum rotor_status chain_ra_check(const struct wire_digest *ra,
                                 struct rotor_bytes body,
                                 const struct chain_ra_proof *proof,
                                 bool *approved)
{
    struct chain_ra_tally tally = {0};
    enum rotor_status status = ROTOR_AGAIN;
    while (status == ROTOR_AGAIN) {
        status = chain_ra_step(ra, body, proof, &tally, approved);
    }
    return status;
}
