// SPDX-License-Identifier: Apache-2.0
// doc/PROTOCOL.chain 7.2, requester's side.
#include "verify/session.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

struct confirm_secrets {
    uint8_t ee[CRYPTO_SHARED_MAX];
    uint8_t es[CRYPTO_SHARED_MAX];
    struct chain_session_keys keys;
};

static enum rotor_status derive(struct confirm_secrets *s,
                                const struct verify_answer *answer,
                                const struct crypto_key *ephemeral)
{
    const struct chain_trust *trust = answer->trust;
    struct rotor_room ee = ROOM_OF(s->ee);
    struct rotor_room es = ROOM_OF(s->es);
    TRY(chain_agree(ephemeral, answer->core.e_a, &ee));
    TRY(chain_agree_static(ephemeral, &trust->agree, &es));
    const struct chain_session_input input = {
        .ee = bytes_in(&ee),
        .es = bytes_in(&es),
        .suite = trust->suite,
        .log_id = trust->log_id,
        .head = chain_trust_head(trust),
        .id_rtp = answer->request.id,
        .sid = answer->request.sid,
        .nonce_v = answer->request.nonce,
        .nonce_a = answer->core.nonce,
        .purpose = answer->request.purpose,
        .peer_binding = answer->request.peer_binding,
        .th2 = answer->th2,
    };
    return chain_session_derive(&input, &s->keys);
}

static enum rotor_status write_fin(const struct confirm_secrets *s,
                                   const struct verify_answer *answer,
                                   struct rotor_room *fin)
{
    uint8_t mac[CRYPTO_HASH_MAX]; // goes out, not wiped
    struct rotor_room room = ROOM_OF(mac);
    TRY(chain_session_mac_r(&s->keys, &answer->th2, answer->response.mac_a,
                            &room));
    const struct wire_session_fin message = {
        .log_id = answer->request.log_id,
        .sid = answer->request.sid,
        .mac_r = bytes_in(&room),
    };
    return wire_message_encode(&WIRE_LAYOUT_SESSION_FIN, &message, fin);
}

static enum rotor_status confirm_with(struct confirm_secrets *s,
                                      const struct verify_answer *answer,
                                      const struct crypto_key *ephemeral,
                                      bool *is_confirmed)
{
    uint8_t mac[CRYPTO_HASH_MAX];
    struct rotor_room expected = ROOM_OF(mac);
    struct rotor_bytes mac_a = answer->response.mac_a;
    TRY(derive(s, answer, ephemeral));
    TRY(chain_session_mac_a(&s->keys, &answer->th2, &expected));
    *is_confirmed = mac_a.size == expected.used &&
                    secret_equal(mac_a.data, mac, expected.used);
    return ROTOR_OK;
}

enum rotor_status verify_session_confirm(const struct verify_answer *answer,
                                         const struct crypto_key *ephemeral,
                                         struct verify_session *session,
                                         struct rotor_room *fin,
                                         bool *confirmed)
{
    *confirmed = false;
    fin->used = 0;
    if (!verify_answer_is_accepted(answer) ||
        answer->request.purpose != WIRE_PURPOSE_SESSION) {
        return ROTOR_FORBIDDEN;
    }
    struct confirm_secrets secrets;
    bool is_confirmed = false;
    enum rotor_status status =
        confirm_with(&secrets, answer, ephemeral, &is_confirmed);
    if (status == ROTOR_OK && is_confirmed) {
        status = write_fin(&secrets, answer, fin);
    }
    if (status == ROTOR_OK && is_confirmed) {
        *session = (struct verify_session){
            .suite = answer->trust->suite,
            .head = chain_trust_head(answer->trust),
            .keys = secrets.keys,
        };
        memcpy(session->sid, answer->request.sid.data, sizeof session->sid);
        *confirmed = true;
    }
    secret_wipe(&secrets, sizeof secrets);
    return status;
}

void verify_session_wipe(struct verify_session *session)
{
    secret_wipe(session, sizeof *session);
}
