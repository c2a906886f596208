// SPDX-License-Identifier: Apache-2.0
// Every key and commitment seen, as a set of SHA-256.  doc/PROTOCOL.chain 3.1.
#include <string.h>

#include "base/bytes.h"
#include "chain/rules.h"
#include "chain/trust.h"
#include "wire/cbor.h"

#define CAPACITY_MIN 16u

static bool is_free(const struct chain_fingerprint *slot)
{
    static const struct chain_fingerprint FREE = {{0}};
    return memcmp(slot, &FREE, sizeof FREE) == 0;
}

// The slot that holds `fingerprint`, or the free one where it belongs.  There
// is always a free one: a quarter of the set stays empty.
static size_t place_of(const struct chain_seen *seen,
                       const struct chain_fingerprint *fingerprint)
{
    size_t mask = seen->capacity - 1;
    size_t slot = (size_t)bytes_be64(fingerprint->bytes) & mask;
    while (!is_free(&seen->slots[slot]) &&
           memcmp(&seen->slots[slot], fingerprint, sizeof *fingerprint) != 0) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static size_t limit_of(const struct chain_seen *seen)
{
    return seen->capacity / 4 * 3;
}

enum rotor_status chain_seen_init(struct chain_seen *seen,
                                  struct chain_fingerprint *slots,
                                  size_t capacity)
{
    bool is_power_of_two = (capacity & (capacity - 1)) == 0;
    if (capacity < CAPACITY_MIN || !is_power_of_two) {
        return ROTOR_INVALID;
    }
    memset(slots, 0, capacity * sizeof *slots);
    *seen = (struct chain_seen){slots, capacity, 0};
    return ROTOR_OK;
}

bool chain_seen_has(const struct chain_seen *seen,
                    const struct chain_fingerprint *fingerprint)
{
    return !is_free(&seen->slots[place_of(seen, fingerprint)]);
}

enum rotor_status chain_seen_add(struct chain_seen *seen,
                                 const struct chain_fingerprint *fingerprint)
{
    size_t place = place_of(seen, fingerprint);
    if (!is_free(&seen->slots[place])) {
        return ROTOR_OK;
    }
    if (seen->count >= limit_of(seen)) {
        return ROTOR_TOO_SMALL;
    }
    seen->slots[place] = *fingerprint;
    seen->count++;
    return ROTOR_OK;
}

enum rotor_status chain_seen_merge(struct chain_seen *seen,
                                   const struct chain_seen *other)
{
    for (size_t i = 0; i < other->capacity; i++) {
        if (!is_free(&other->slots[i])) {
            TRY(chain_seen_add(seen, &other->slots[i]));
        }
    }
    return ROTOR_OK;
}

enum rotor_status chain_seen_add_all(struct chain_seen *seen,
                                     const struct chain_fingerprints *all)
{
    if (seen->count + CHAIN_SEEN_PER_ENTRY > limit_of(seen)) {
        return ROTOR_TOO_SMALL;
    }
    for (size_t i = 0; i < all->count; i++) {
        TRY(chain_seen_add(seen, &all->each[i]));
    }
    return ROTOR_OK;
}

enum rotor_status chain_fingerprints_of(const struct chain_body *body,
                                        struct chain_fingerprints *all)
{
    const struct wire_key *keys[] = {&body->sign, &body->agree, &body->auth.ots,
                                     &body->auth.sign};
    all->count = 0;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (keys[i]->type != WIRE_KEY_NONE) {
            TRY(chain_fingerprint_key(keys[i], &all->each[all->count]));
            all->count++;
        }
    }
    if (!wire_digest_is_empty(&body->next_commit)) {
        TRY(chain_fingerprint_commit(&body->next_commit,
                                     &all->each[all->count]));
        all->count++;
    }
    return ROTOR_OK;
}

enum rotor_status chain_seen_add_body(struct chain_seen *seen,
                                      const struct chain_body *body)
{
    struct chain_fingerprints all;
    if (seen->count + CHAIN_SEEN_PER_ENTRY > limit_of(seen)) {
        return ROTOR_TOO_SMALL;
    }
    TRY(chain_fingerprints_of(body, &all));
    return chain_seen_add_all(seen, &all);
}

static enum rotor_status make(struct rotor_bytes label,
                              const struct rotor_room *item,
                              struct chain_fingerprint *fingerprint)
{
    struct wire_digest digest;
    struct rotor_bytes bytes = bytes_in(item);
    TRY(wire_digest_make(&digest, CRYPTO_SHA256, label, &bytes, 1));
    memcpy(fingerprint->bytes, digest.bytes, sizeof fingerprint->bytes);
    return ROTOR_OK;
}

enum rotor_status chain_fingerprint_key(const struct wire_key *key,
                                        struct chain_fingerprint *fingerprint)
{
    uint8_t bytes[WIRE_KEY_ENCODED_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    TRY(wire_key_encode(key, &room));
    return make(LABEL("rotor1 key"), &room, fingerprint);
}

enum rotor_status
chain_fingerprint_commit(const struct wire_digest *next_commit,
                         struct chain_fingerprint *fingerprint)
{
    uint8_t bytes[WIRE_DIGEST_MAX + 8];
    struct rotor_room room = ROOM_OF(bytes);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    wire_write_digest(&out, next_commit);
    TRY(cbor_writer_finish(&out));
    return make(LABEL("rotor1 next-auth"), &room, fingerprint);
}

enum rotor_status chain_seen_port(void *seen,
                                  const struct chain_fingerprint *fingerprint,
                                  bool *has_seen)
{
    *has_seen = chain_seen_has(seen, fingerprint);
    return ROTOR_OK;
}
