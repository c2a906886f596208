// SPDX-License-Identifier: Apache-2.0
// The session: transcripts, keys and confirmation.  doc/PROTOCOL.chain 7.
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "chain/expand.h"
#include "chain/schedule.h"
#include "crypto/suite.h"
#include "wire/cbor.h"

// ctx: four digests of 53 bytes, three nonces and ids, numbers and heads.
#define CONTEXT_MAX 512u

enum rotor_status chain_session_th1(enum crypto_hash alg,
                                    struct rotor_bytes request,
                                    struct rotor_bytes core,
                                    struct wire_digest *th1)
{
    uint8_t sizes[2][4];
    bytes_put_be32(sizes[0], (uint32_t)request.size);
    bytes_put_be32(sizes[1], (uint32_t)core.size);
    const struct rotor_bytes parts[] = {BYTES_OF(sizes[0]), request,
                                        BYTES_OF(sizes[1]), core};
    return wire_digest_make(th1, alg, LABEL("rotor1 th1"), parts,
                            COUNT_OF(parts));
}

enum rotor_status chain_session_th1e(const struct wire_digest *th1,
                                     struct rotor_bytes evidence,
                                     struct wire_digest *th1e)
{
    return chain_extend(th1, LABEL("rotor1 th1e"), evidence, th1e);
}

enum rotor_status chain_session_th2(const struct wire_digest *th1,
                                    struct rotor_bytes evidence,
                                    struct rotor_bytes sig_s,
                                    struct wire_digest *th2)
{
    return chain_extend_by_two(th1, LABEL("rotor1 th2"),
                               (const struct rotor_bytes[2]){evidence, sig_s},
                               th2);
}

// ctx = dCBOR["rotor1", suite, log_id, epoch, body_hash_e, id_rtp, id_ap, sid,
// N_v, N_a, purpose, peer_binding, TH2], hashed.
static enum rotor_status hash_context(enum crypto_hash alg,
                                      const struct chain_session_input *input,
                                      struct wire_digest *digest)
{
    uint8_t bytes[CONTEXT_MAX];
    struct rotor_room room = ROOM_OF(bytes);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    cbor_write_array(&out, 13);
    cbor_write_text(&out, LABEL("rotor1"));
    cbor_write_uint(&out, input->suite);
    wire_write_digest(&out, &input->log_id);
    cbor_write_uint(&out, input->head.epoch);
    wire_write_digest(&out, &input->head.body_hash);
    wire_write_digest(&out, &input->id_rtp);
    wire_write_digest(&out, &input->log_id); // id_ap
    cbor_write_bytes(&out, input->sid);
    cbor_write_bytes(&out, input->nonce_v);
    cbor_write_bytes(&out, input->nonce_a);
    cbor_write_uint(&out, input->purpose);
    cbor_write_bytes(&out, input->peer_binding);
    cbor_write_bytes(&out, wire_digest_bytes(&input->th2));
    TRY(cbor_writer_finish(&out));
    struct wire_digest made = {.alg = alg};
    struct rotor_bytes context = bytes_in(&room);
    TRY(crypto_hash(alg, &context, 1, made.bytes));
    *digest = made;
    return ROTOR_OK;
}

struct session_secrets {
    uint8_t ck1[CRYPTO_HASH_MAX];
    uint8_t ck2[CRYPTO_HASH_MAX];
    uint8_t ck3[CRYPTO_HASH_MAX];
};

// ck0 is public: H("rotor1 session" || 0 || be16(suite) || log_id).
static enum rotor_status make_stages(struct session_secrets *s,
                                     const struct crypto_suite *suite,
                                     const struct chain_session_input *input)
{
    static const uint8_t ZEROS[CRYPTO_HASH_MAX] = {0}; // slot of a psk
    struct wire_digest ck0;
    uint8_t id[2];
    bytes_put_be16(id, suite->id);
    const struct rotor_bytes parts[] = {BYTES_OF(id),
                                        wire_digest_bytes(&input->log_id)};
    TRY(wire_digest_make(&ck0, suite->hash, LABEL("rotor1 session"), parts,
                         COUNT_OF(parts)));
    TRY(crypto_extract(suite->hash, wire_digest_bytes(&ck0), input->ee,
                       s->ck1));
    TRY(chain_next_stage(suite->hash, s->ck1, input->es, s->ck2));
    struct rotor_bytes zeros = bytes_of(ZEROS, crypto_hash_size(suite->hash));
    return chain_next_stage(suite->hash, s->ck2, zeros, s->ck3);
}

static enum rotor_status derive_with(struct session_secrets *s,
                                     const struct crypto_suite *suite,
                                     const struct chain_session_input *input,
                                     struct chain_session_keys *keys)
{
    struct wire_digest context;
    TRY(hash_context(suite->hash, input, &context));
    TRY(make_stages(s, suite, input));
    const struct chain_expander expander = {
        suite->hash, s->ck3, LABEL("rotor1 s/"), wire_digest_bytes(&context)};
    size_t size = crypto_hash_size(suite->hash);
    struct rotor_room fin_r = {keys->fin_r, size, 0};
    struct rotor_room fin_a = {keys->fin_a, size, 0};
    struct rotor_room exporter = {keys->exporter, size, 0};
    TRY(chain_expand_traffic(&expander, CHAIN_R2A, &keys->r2a));
    TRY(chain_expand_traffic(&expander, CHAIN_A2R, &keys->a2r));
    TRY(chain_expand(&expander, LABEL("fin r"), &fin_r));
    TRY(chain_expand(&expander, LABEL("fin a"), &fin_a));
    return chain_expand(&expander, LABEL("export"), &exporter);
}

enum rotor_status chain_session_derive(const struct chain_session_input *input,
                                       struct chain_session_keys *keys)
{
    const struct crypto_suite *suite = crypto_suite_of(input->suite);
    bool has_secrets =
        !bytes_are_empty(input->ee) && !bytes_are_empty(input->es);
    if (suite == NULL || input->th2.alg != suite->hash || !has_secrets) {
        return ROTOR_INVALID;
    }
    struct session_secrets secrets;
    memset(keys, 0, sizeof *keys);
    keys->alg = suite->hash;
    enum rotor_status status = derive_with(&secrets, suite, input, keys);
    if (status != ROTOR_OK) {
        secret_wipe(keys, sizeof *keys);
    }
    secret_wipe(&secrets, sizeof secrets);
    return status;
}

static enum rotor_status authenticate(enum crypto_hash alg, const uint8_t *key,
                                      struct rotor_bytes message,
                                      struct rotor_room *mac)
{
    size_t size = crypto_hash_size(alg);
    mac->used = 0;
    if (size == 0) {
        return ROTOR_INVALID;
    }
    if (mac->capacity < size) {
        return ROTOR_TOO_SMALL;
    }
    TRY(crypto_hmac(alg, bytes_of(key, size), &message, 1, mac->data));
    mac->used = size;
    return ROTOR_OK;
}

enum rotor_status chain_session_mac_a(const struct chain_session_keys *keys,
                                      const struct wire_digest *th2,
                                      struct rotor_room *mac)
{
    return authenticate(keys->alg, keys->fin_a, wire_digest_bytes(th2), mac);
}

enum rotor_status chain_session_mac_r(const struct chain_session_keys *keys,
                                      const struct wire_digest *th2,
                                      struct rotor_bytes mac_a,
                                      struct rotor_room *mac)
{
    uint8_t hash[CRYPTO_HASH_MAX];
    const struct rotor_bytes parts[] = {wire_digest_bytes(th2), mac_a};
    mac->used = 0;
    TRY(crypto_hash(keys->alg, parts, COUNT_OF(parts), hash));
    return authenticate(keys->alg, keys->fin_r,
                        bytes_of(hash, crypto_hash_size(keys->alg)), mac);
}
