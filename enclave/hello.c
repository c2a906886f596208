// SPDX-License-Identifier: Apache-2.0
// Pairing: HELLO_RTP, HELLO_AP, HELLO_FIN.  doc/PROTOCOL.rot 5.2.
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "chain/hash.h"
#include "chain/schedule.h"
#include "crypto/suite.h"
#include "enclave/pair.h"
#include "enclave/serve.h"

// ---- ephemerals ------------------------------------------------------------

// Everything secret that HELLO and HELLO_FIN touch.
struct hello_secrets {
    uint8_t seed[CRYPTO_SEED_MAX];
    struct crypto_key e_a;
    struct chain_channel_keys keys;
    struct crypto_key control;
};

static uint64_t max3(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t most = a > b ? a : b;
    return most > c ? most : c;
}

static bool offers(const struct wire_suites *suites, uint64_t id)
{
    for (size_t i = 0; i < suites->count; i++) {
        if (suites->id[i] == id) {
            return true;
        }
    }
    return false;
}

// The suite of S_cur; before genesis the first one offered.
static enum rotor_status choose_suite(struct enclave *enclave,
                                      const struct wire_hello_rtp *hello,
                                      const struct crypto_suite **suite)
{
    bool has_log = enclave_has_log(enclave);
    uint64_t wanted =
        has_log ? enclave->state.cur.facts.suite : hello->suites.id[0];
    const struct crypto_suite *known = crypto_suite_of(wanted);
    if (known == NULL) {
        return enclave_refuse(enclave, WIRE_E_SUITE, CRYPTO_SUITE_DEFAULT);
    }
    size_t point = known->agree == CRYPTO_X25519
                       ? 32
                       : 1 + crypto_sizes(known->agree).public_key;
    if (hello->e_r.size != point || !offers(&hello->suites, wanted)) {
        return enclave_refuse(enclave, WIRE_E_SUITE, wanted);
    }
    *suite = known;
    return ROTOR_OK;
}

// ee = DH(e_r, e_a), es = DH(e_r, K_cur); e_a is forgotten at once.
static enum rotor_status agree(struct hello_secrets *s, struct enclave *enclave,
                               const struct crypto_suite *suite,
                               struct rotor_bytes e_r,
                               struct enclave_half_open *half)
{
    struct rotor_room ee = ROOM_OF(half->ee);
    struct rotor_room es = ROOM_OF(half->es);
    TRY(enclave_draw_passing(enclave, s->seed,
                             crypto_sizes(suite->agree).seed));
    TRY(crypto_key_derive(&s->e_a, suite->agree, s->seed));
    TRY(chain_agree(&s->e_a, e_r, &ee));
    half->ee_size = ee.used;
    if (enclave_has_log(enclave)) {
        TRY(chain_agree(&enclave->keys.agree, e_r, &es));
        half->es_size = es.used;
    }
    return ROTOR_OK;
}

// ---- HELLO_RTP -------------------------------------------------------------

static void remember(const struct enclave *enclave,
                     const struct enclave_request *request,
                     const struct crypto_suite *suite,
                     struct enclave_half_open *half)
{
    const struct wire_hello_rtp *hello = &request->message.hello_rtp;
    bool is_ahead = hello->has_pend && !hello->has_cur;
    half->channel_id = request->header.channel_id;
    half->since_ms = enclave->ops.now_ms(enclave->ops.context);
    half->next_in = 1;
    half->suite = suite->id;
    half->log_id = enclave_log_id(enclave);
    half->control_kid = hello->control_kid;
    // An RTP that dropped e already: it pairs to commit, and for nothing else.
    half->is_emergency = is_ahead && enclave_has_log(enclave);
    half->shows_log = hello->has_cur || hello->has_pend;
    half->shown.incarnation = hello->floor.incarnation;
    half->shown.epoch =
        max3(hello->has_cur ? hello->cur.epoch : 0,
             hello->has_pend ? hello->pend.epoch : 0, hello->floor.epoch);
}

static enum rotor_status encode_core(struct enclave *enclave,
                                     const struct crypto_suite *suite,
                                     const struct crypto_key *e_a,
                                     struct rotor_room *core)
{
    uint8_t status_bytes[512];
    uint8_t point_bytes[CHAIN_POINT_MAX];
    uint8_t nonce[WIRE_NONCE_SIZE];
    struct rotor_room status = ROOM_OF(status_bytes);
    struct rotor_room point = ROOM_OF(point_bytes);
    TRY(enclave_draw_passing(enclave, nonce, sizeof nonce));
    TRY(enclave_status_encode(enclave, false, &status));
    TRY(chain_point_encode(e_a, &point));
    struct wire_hello_core message = {
        .nonce = BYTES_OF(nonce),
        .e_a = bytes_in(&point),
        .suite = suite->id,
        .status = bytes_in(&status),
    };
    return wire_message_encode(&WIRE_LAYOUT_HELLO_CORE, &message, core);
}

// T1 = H(HELLO_RTP, header of HELLO_AP, core); its length comes later.
static enum rotor_status hash_t1(const struct enclave *enclave,
                                 const struct enclave_request *request,
                                 const struct crypto_suite *suite,
                                 struct rotor_bytes core,
                                 struct wire_digest *t1)
{
    uint8_t header_bytes[WIRE_HEADER_SIZE];
    struct wire_header header = enclave_header(enclave, request, WIRE_HELLO_AP);
    TRY(wire_header_encode(&header, header_bytes));
    struct chain_hello hello = {request->frame, BYTES_OF(header_bytes), core};
    return chain_channel_t1(suite->hash, &hello, t1);
}

static enum rotor_status prove(struct enclave *enclave,
                               const struct enclave_request *request,
                               const struct wire_digest *t1,
                               struct rotor_bytes *evidence)
{
    struct chain_report report = {
        .purpose = WIRE_PURPOSE_HELLO,
        .log_id = enclave_log_id(enclave),
        .head = enclave_head(enclave),
        .nonce = request->message.hello_rtp.nonce,
        .bind = wire_digest_bytes(t1),
    };
    return enclave_evidence_make(enclave, &report, evidence);
}

static enum rotor_status sign_t2(struct enclave *enclave,
                                 struct enclave_half_open *half)
{
    if (!enclave_has_log(enclave)) {
        return ROTOR_OK;
    }
    struct rotor_room sig = ROOM_OF(half->sig_s);
    TRY(enclave_sign(enclave, LABEL(WIRE_CONTEXT_CHAN_AP),
                     wire_digest_bytes(&half->t2), &sig));
    half->sig_s_size = sig.used;
    return ROTOR_OK;
}

static enum rotor_status hello_with(struct hello_secrets *s,
                                    struct enclave *enclave,
                                    struct enclave_request *request,
                                    struct enclave_half_open *half,
                                    struct enclave_answer *answer)
{
    const struct wire_hello_rtp *hello = &request->message.hello_rtp;
    const struct crypto_suite *suite = NULL;
    struct wire_digest t1;
    struct rotor_bytes evidence;
    uint8_t core_bytes[1024];
    struct rotor_room core = ROOM_OF(core_bytes);
    TRY(choose_suite(enclave, hello, &suite));
    TRY(enclave_boot_id(enclave));
    TRY(agree(s, enclave, suite, hello->e_r, half));
    TRY(encode_core(enclave, suite, &s->e_a, &core));
    TRY(hash_t1(enclave, request, suite, bytes_in(&core), &t1));
    TRY(prove(enclave, request, &t1, &evidence));
    TRY(chain_channel_t2(&t1, evidence, &half->t2));
    TRY(sign_t2(enclave, half));
    remember(enclave, request, suite, half);
    struct wire_hello_ap message = {
        .log_id = half->log_id,
        .core = bytes_in(&core),
        .evidence = evidence,
        .sig_s = bytes_of(half->sig_s, half->sig_s_size),
    };
    return enclave_answer_with(answer, WIRE_HELLO_AP, &WIRE_LAYOUT_HELLO_AP,
                               &message);
}

// A place for this channel id: its own, a free or an expired one.
static struct enclave_half_open *place_for(struct enclave *enclave,
                                           uint32_t channel_id)
{
    uint64_t now_ms = enclave->ops.now_ms(enclave->ops.context);
    struct enclave_half_open *free_place = NULL;
    for (size_t i = 0; i < ENCLAVE_HALF_OPEN_MAX; i++) {
        struct enclave_half_open *half = &enclave->half_open[i];
        bool has_expired = now_ms - half->since_ms >= ENCLAVE_HALF_OPEN_MS;
        if (half->is_used && !has_expired && half->channel_id == channel_id) {
            return half;
        }
        if (!half->is_used || has_expired) {
            free_place = half;
        }
    }
    return free_place;
}

enum rotor_status enclave_serve_hello_rtp(struct enclave *enclave,
                                          struct enclave_request *request,
                                          struct enclave_answer *answer)
{
    struct enclave_half_open *half =
        place_for(enclave, request->header.channel_id);
    if (half == NULL || enclave_is_flooded(enclave)) {
        return enclave_refuse(enclave, WIRE_E_RATE, 1);
    }
    struct hello_secrets secrets = {0};
    secret_wipe(half, sizeof *half);
    enum rotor_status status =
        hello_with(&secrets, enclave, request, half, answer);
    crypto_key_close(&secrets.e_a);
    secret_wipe(&secrets, sizeof secrets);
    if (status != ROTOR_OK) {
        secret_wipe(half, sizeof *half);
        return status;
    }
    half->is_used = true;
    half->next_out = 1; // this answer was 0
    return ROTOR_OK;
}

// ---- HELLO_FIN -------------------------------------------------------------

// C is pinned from P1 of entry 0 on; an empty AP takes any.
static enum rotor_status check_control(struct enclave *enclave,
                                       const struct enclave_half_open *half,
                                       const struct wire_key *control)
{
    const struct wire_digest *pin = &enclave->state.control_kid;
    struct wire_digest kid;
    TRY(wire_key_id(control, &kid));
    bool is_announced = wire_digest_equal(&kid, &half->control_kid);
    bool is_pinned = wire_digest_is_empty(pin) || wire_digest_equal(&kid, pin);
    if (!is_announced || !is_pinned) {
        return enclave_refuse(enclave, WIRE_E_POLICY, 0);
    }
    return ROTOR_OK;
}

static enum rotor_status verify_fin(struct hello_secrets *s,
                                    struct enclave *enclave,
                                    const struct enclave_half_open *half,
                                    const struct wire_hello_fin *fin,
                                    struct wire_digest *t3)
{
    struct wire_key control;
    TRY(wire_key_decode(&control, fin->control_key));
    TRY(check_control(enclave, half, &control));
    TRY(chain_channel_t3(&half->t2, bytes_of(half->sig_s, half->sig_s_size),
                         fin->control_key, t3));
    struct wire_statement statement = {LABEL(WIRE_CONTEXT_CHAN_RTP),
                                       wire_digest_bytes(t3)};
    bool valid = false;
    TRY(wire_key_open(&control, &s->control));
    TRY(wire_cose_verify_with(&s->control, &statement, fin->sig_c, &valid));
    if (!valid) {
        return enclave_refuse(enclave, WIRE_E_SIGNATURE, 0);
    }
    return ROTOR_OK;
}

static enum enclave_way way_of(const struct enclave_half_open *half)
{
    if (wire_digest_is_empty(&half->log_id)) {
        return ENCLAVE_WAY_BARE;
    }
    return half->is_emergency ? ENCLAVE_WAY_EMERGENCY : ENCLAVE_WAY_SEALED;
}

static enum rotor_status open_channel(const struct hello_secrets *s,
                                      const struct enclave_half_open *half,
                                      struct enclave_pair *fresh)
{
    const struct crypto_suite *suite = crypto_suite_of(half->suite);
    *fresh = (struct enclave_pair){
        .way = way_of(half),
        .channel_id = half->channel_id,
        .next_in = half->next_in,
        .next_out = half->next_out,
        .log_id = half->log_id,
        .control_kid = half->control_kid,
        .shows_log = half->shows_log,
    };
    memcpy(fresh->iv_in, s->keys.r2a.iv, sizeof fresh->iv_in);
    memcpy(fresh->iv_out, s->keys.a2r.iv, sizeof fresh->iv_out);
    TRY(crypto_aead_open(&fresh->open_in, suite->aead, s->keys.r2a.key));
    return crypto_aead_open(&fresh->seal_out, suite->aead, s->keys.a2r.key);
}

static enum rotor_status fin_with(struct hello_secrets *s,
                                  struct enclave *enclave,
                                  const struct enclave_request *request,
                                  struct enclave_pair *fresh)
{
    const struct enclave_half_open *half = request->route.half;
    struct chain_channel_input input = {
        .suite = half->suite,
        .log_id = half->log_id,
        .ee = bytes_of(half->ee, half->ee_size),
        .es = bytes_of(half->es, half->es_size),
    };
    TRY(verify_fin(s, enclave, half, &request->message.hello_fin, &input.t3));
    TRY(chain_channel_derive(&input, &s->keys));
    return open_channel(s, half, fresh);
}

// The furthest place that the AP knows.
static struct wire_order furthest(const struct enclave *enclave)
{
    const struct enclave_state *state = &enclave->state;
    return state->pending.is_used ? state->pending.facts.order
                                  : state->cur.facts.order;
}

// The RTP has seen more than this AP ever did: the store is an old one.
static bool is_rolled_back(const struct enclave *enclave,
                           const struct enclave_half_open *half)
{
    struct wire_order own = furthest(enclave);
    return enclave_has_log(enclave) &&
           chain_order_compare(&half->shown, &own) > 0;
}

enum rotor_status enclave_serve_hello_fin(struct enclave *enclave,
                                          struct enclave_request *request,
                                          struct enclave_answer *answer)
{
    struct enclave_half_open *half = request->route.half;
    struct enclave_pair fresh = {0}; // SECRET
    struct hello_secrets secrets = {0};
    enum rotor_status status = fin_with(&secrets, enclave, request, &fresh);
    crypto_key_close(&secrets.control);
    secret_wipe(&secrets, sizeof secrets);
    if (status != ROTOR_OK) {
        enclave_pair_close(&fresh);
        half->next_in = UINT64_MAX; // it had its one chance
        return status;
    }
    bool rolled_back = is_rolled_back(enclave, half);
    // The old channel lived until here.
    struct enclave_pair *pair = request->route.opens;
    enclave_pair_close(pair);
    *pair = fresh;
    secret_wipe(&fresh, sizeof fresh);
    secret_wipe(half, sizeof *half);
    request->route.way = pair->way;
    request->route.pair = pair;
    request->route.half = NULL;
    request->route.next_in = &pair->next_in;
    request->route.next_out = &pair->next_out;
    if (rolled_back) {
        enclave->fault = ENCLAVE_ROLLED_BACK;
        return enclave_refuse(enclave, WIRE_E_ROLLED_BACK, 0);
    }
    return enclave_serve_status(enclave, request, answer);
}
