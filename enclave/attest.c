// SPDX-License-Identifier: Apache-2.0
// ATTEST_REQ: attest, session, head.  doc/PROTOCOL.rot 8.1.
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "chain/hash.h"
#include "chain/schedule.h"
#include "crypto/suite.h"
#include "enclave/serve.h"
#include "enclave/session.h"

#define CORE_MAX 1024u // bytes of ATTEST_RSP's core that the AP makes

// Everything secret that attesting touches, in one place, wiped once.
struct attest_secrets {
    uint8_t drawn[64]; // N_a, and what the ephemeral grows from
    uint8_t seed[CRYPTO_SEED_MAX];
    struct crypto_key e_a;
    uint8_t ee[CRYPTO_SHARED_MAX];
    uint8_t es[CRYPTO_SHARED_MAX];
    size_t ee_size;
    size_t es_size;
    struct chain_session_keys keys;
    uint8_t mac_r[WIRE_DIGEST_MAX];
};

// One answer on its way: views and public values.
struct attestation {
    struct enclave *enclave;
    const struct enclave_request *request;
    const struct wire_attest_req *asked;
    const struct crypto_suite *suite;
    uint8_t core_bytes[CORE_MAX];
    uint8_t point_bytes[CHAIN_POINT_MAX];
    uint8_t sig_bytes[ENCLAVE_SIG_MAX];
    uint8_t mac_bytes[WIRE_DIGEST_MAX];
    struct rotor_room core;
    struct rotor_room point;
    struct rotor_room sig;
    struct rotor_room mac_a;
    struct rotor_bytes evidence;
    struct wire_digest th1;
};

// ---- may it be answered? ---------------------------------------------------

static bool names_channel(const struct attestation *a)
{
    const struct wire_digest *id = &a->asked->id;
    bool is_control = a->request->route.way == ENCLAVE_WAY_SEALED;
    return wire_digest_is_empty(id) ||
           (is_control &&
            wire_digest_equal(id, &a->request->route.pair->control_kid));
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

static bool suits(const struct attestation *a)
{
    const struct wire_suites *suites = &a->asked->suites;
    if (a->asked->purpose != WIRE_PURPOSE_SESSION) {
        return offers(suites, a->suite->id);
    }
    size_t point = a->suite->agree == CRYPTO_X25519
                       ? 32
                       : 1 + crypto_sizes(a->suite->agree).public_key;
    return suites->id[0] == a->suite->id && a->asked->e_r.size == point;
}

static enum rotor_status check(const struct attestation *a)
{
    struct enclave *enclave = a->enclave;
    const struct wire_attest_req *asked = a->asked;
    uint64_t epoch = enclave_head(enclave).epoch;
    bool makes_keys = asked->purpose == WIRE_PURPOSE_SESSION;
    if (asked->purpose < WIRE_PURPOSE_ATTEST ||
        makes_keys != (asked->e_r.size > 0)) {
        return ROTOR_MALFORMED;
    }
    if (!names_channel(a)) {
        return enclave_refuse(enclave, WIRE_E_POLICY, 0);
    }
    if (asked->min_epoch > epoch) {
        return enclave_refuse(enclave, WIRE_E_EPOCH, epoch);
    }
    if (!suits(a)) {
        return enclave_refuse(enclave, WIRE_E_SUITE, a->suite->id);
    }
    // A confirmed session is not to be overwritten by whoever saw its sid.
    if (makes_keys &&
        enclave_session_is_known(&enclave->confirmed, asked->sid.data)) {
        return enclave_refuse(enclave, WIRE_E_EXISTS, 0);
    }
    return ROTOR_OK;
}

// ---- what is said ----------------------------------------------------------

// N_a, and for a session e_a: one draw for both.
static enum rotor_status draw(struct attest_secrets *s, struct attestation *a)
{
    bool makes_keys = a->asked->purpose == WIRE_PURPOSE_SESSION;
    size_t size = makes_keys ? sizeof s->drawn : WIRE_NONCE_SIZE;
    TRY(enclave_draw_passing(a->enclave, s->drawn, size));
    if (!makes_keys) {
        return ROTOR_OK;
    }
    struct rotor_room seed = {s->seed, crypto_sizes(a->suite->agree).seed, 0};
    TRY(crypto_expand(CRYPTO_SHA256, s->drawn + WIRE_NONCE_SIZE,
                      LABEL("rotor1 ephemeral"), &seed));
    TRY(crypto_key_derive(&s->e_a, a->suite->agree, s->seed));
    return chain_point_encode(&s->e_a, &a->point);
}

static enum rotor_status encode_core(const struct attest_secrets *s,
                                     struct attestation *a)
{
    struct enclave *enclave = a->enclave;
    struct wire_head head = enclave_head(enclave);
    struct rotor_bytes claims;
    TRY(enclave_claims(enclave, &claims));
    struct wire_attest_core core = {
        .sid = a->asked->sid,
        .log_id = enclave_log_id(enclave),
        .epoch = head.epoch,
        .body_hash = head.body_hash,
        .suite = a->suite->id,
        .nonce = bytes_of(s->drawn, WIRE_NONCE_SIZE),
        .e_a = bytes_in(&a->point),
        .claims = claims,
        .mark = {enclave->anchor_n, BYTES_OF(enclave->boot_id),
                 enclave->signature_count + 1},
    };
    return wire_message_encode(&WIRE_LAYOUT_ATTEST_CORE, &core, &a->core);
}

static enum rotor_status prove(struct attestation *a)
{
    if (a->asked->want_evidence == 0) {
        return ROTOR_OK;
    }
    struct chain_report report = {
        .purpose = (enum wire_purpose)a->asked->purpose,
        .log_id = enclave_log_id(a->enclave),
        .head = enclave_head(a->enclave),
        .nonce = a->asked->nonce,
        .bind = wire_digest_bytes(&a->th1),
    };
    return enclave_evidence_make(a->enclave, &report, &a->evidence);
}

static enum rotor_status sign(struct attestation *a)
{
    struct wire_digest th1e;
    TRY(chain_session_th1e(&a->th1, a->evidence, &th1e));
    TRY(enclave_sign(a->enclave, LABEL(WIRE_CONTEXT_ATTEST),
                     wire_digest_bytes(&th1e), &a->sig));
    enclave_count_beside(a->enclave, a->request);
    return ROTOR_OK;
}

// ---- keys ------------------------------------------------------------------

// Before S signs: it is not used for a share that is no point.
static enum rotor_status agree(struct attest_secrets *s,
                               const struct attestation *a)
{
    struct rotor_room ee = ROOM_OF(s->ee);
    struct rotor_room es = ROOM_OF(s->es);
    TRY(chain_agree(&s->e_a, a->asked->e_r, &ee));
    TRY(chain_agree(&a->enclave->keys.agree, a->asked->e_r, &es));
    s->ee_size = ee.used;
    s->es_size = es.used;
    return ROTOR_OK;
}

static enum rotor_status derive(struct attest_secrets *s, struct attestation *a)
{
    struct enclave *enclave = a->enclave;
    struct rotor_room mac_r = ROOM_OF(s->mac_r);
    struct chain_session_input input = {
        .ee = bytes_of(s->ee, s->ee_size),
        .es = bytes_of(s->es, s->es_size),
        .suite = a->suite->id,
        .log_id = enclave_log_id(enclave),
        .head = enclave_head(enclave),
        .id_rtp = a->asked->id,
        .sid = a->asked->sid,
        .nonce_v = a->asked->nonce,
        .nonce_a = bytes_of(s->drawn, WIRE_NONCE_SIZE),
        .purpose = a->asked->purpose,
        .peer_binding = a->asked->peer_binding,
    };
    TRY(chain_session_th2(&a->th1, a->evidence, bytes_in(&a->sig), &input.th2));
    TRY(chain_session_derive(&input, &s->keys));
    TRY(chain_session_mac_a(&s->keys, &input.th2, &a->mac_a));
    return chain_session_mac_r(&s->keys, &input.th2, bytes_in(&a->mac_a),
                               &mac_r);
}

static void remember(const struct attest_secrets *s,
                     const struct attestation *a)
{
    struct enclave *enclave = a->enclave;
    struct enclave_session *session =
        enclave_session_place(&enclave->unconfirmed, a->asked->sid.data);
    session->epoch = enclave_head(enclave).epoch;
    session->since_ms = enclave->ops.now_ms(enclave->ops.context);
    session->owner = enclave_session_owner(a->request->route.pair);
    session->suite = a->suite->id;
    session->mac_size = (uint32_t)crypto_hash_size(a->suite->hash);
    memcpy(session->mac_r, s->mac_r, sizeof session->mac_r);
    session->r2a = s->keys.r2a;
    session->a2r = s->keys.a2r;
    memcpy(session->exporter, s->keys.exporter, sizeof session->exporter);
}

// ---- the whole -------------------------------------------------------------

static enum rotor_status attest_with(struct attest_secrets *s,
                                     struct attestation *a,
                                     struct enclave_answer *answer)
{
    bool makes_keys = a->asked->purpose == WIRE_PURPOSE_SESSION;
    TRY(check(a));
    TRY(enclave_boot_id(a->enclave));
    TRY(draw(s, a));
    TRY(encode_core(s, a));
    TRY(chain_session_th1(a->suite->hash, a->request->payload,
                          bytes_in(&a->core), &a->th1));
    if (makes_keys) {
        TRY(agree(s, a));
    }
    TRY(prove(a));
    TRY(sign(a));
    if (makes_keys) {
        TRY(derive(s, a));
    }
    struct wire_attest_rsp message = {
        .log_id = a->request->route.log_id,
        .core = bytes_in(&a->core),
        .evidence = a->evidence,
        .sig_s = bytes_in(&a->sig),
        .mac_a = bytes_in(&a->mac_a),
    };
    TRY(enclave_answer_with(answer, WIRE_ATTEST_RSP, &WIRE_LAYOUT_ATTEST_RSP,
                            &message));
    if (makes_keys) {
        remember(s, a);
    }
    return ROTOR_OK;
}

enum rotor_status enclave_serve_attest(struct enclave *enclave,
                                       struct enclave_request *request,
                                       struct enclave_answer *answer)
{
    struct attestation a = {
        .enclave = enclave,
        .request = request,
        .asked = &request->message.attest,
        .suite = crypto_suite_of(enclave->state.cur.facts.suite),
    };
    a.core = ROOM_OF(a.core_bytes);
    a.point = ROOM_OF(a.point_bytes);
    a.sig = ROOM_OF(a.sig_bytes);
    a.mac_a = ROOM_OF(a.mac_bytes);
    if (a.suite == NULL) {
        return ROTOR_CORRUPT;
    }
    struct attest_secrets secrets = {0};
    enum rotor_status status = attest_with(&secrets, &a, answer);
    crypto_key_close(&secrets.e_a);
    secret_wipe(&secrets, sizeof secrets);
    return status;
}
