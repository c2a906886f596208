// SPDX-License-Identifier: Apache-2.0
#include "enclave/session.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/suite.h"
#include "enclave/serve.h"

// ENCLAVE_SESSIONS_MAX: not there.
static size_t index_of(const struct enclave_sessions *sessions,
                       const uint8_t *sid)
{
    size_t i = 0;
    while (i < ENCLAVE_SESSIONS_MAX &&
           (sessions->all[i].suite == 0 ||
            memcmp(sessions->sids[i], sid, WIRE_ID_SIZE) != 0)) {
        i++;
    }
    return i;
}

uint64_t enclave_session_owner(const struct enclave_pair *pair)
{
    bool is_program = pair->way == ENCLAVE_WAY_PROGRAM;
    return is_program ? (uint64_t)1 << 32 | pair->channel_id : 0;
}

struct enclave_session *enclave_session_find(struct enclave_sessions *sessions,
                                             uint64_t owner, const uint8_t *sid,
                                             uint64_t now_ms)
{
    size_t i = index_of(sessions, sid);
    if (i == ENCLAVE_SESSIONS_MAX) {
        return NULL;
    }
    struct enclave_session *session = &sessions->all[i];
    bool is_theirs = session->owner == owner;
    bool is_young = now_ms - session->since_ms < ENCLAVE_SESSION_MS;
    return is_theirs && is_young ? session : NULL;
}

bool enclave_session_is_known(const struct enclave_sessions *sessions,
                              const uint8_t *sid)
{
    return index_of(sessions, sid) < ENCLAVE_SESSIONS_MAX;
}

struct enclave_session *enclave_session_place(struct enclave_sessions *sessions,
                                              const uint8_t *sid)
{
    size_t i = index_of(sessions, sid);
    if (i == ENCLAVE_SESSIONS_MAX) {
        i = sessions->next;
        sessions->next = (i + 1) % ENCLAVE_SESSIONS_MAX;
    }
    struct enclave_session *session = &sessions->all[i];
    secret_wipe(session, sizeof *session);
    memcpy(sessions->sids[i], sid, WIRE_ID_SIZE);
    return session;
}

void enclave_session_confirm(struct enclave *enclave, const uint8_t *sid)
{
    size_t i = index_of(&enclave->unconfirmed, sid);
    if (i == ENCLAVE_SESSIONS_MAX) {
        return;
    }
    struct enclave_session *from = &enclave->unconfirmed.all[i];
    *enclave_session_place(&enclave->confirmed, sid) = *from;
    secret_wipe(from, sizeof *from);
    memset(enclave->unconfirmed.sids[i], 0, WIRE_ID_SIZE);
}

// ---- SESSION_FIN and SESSION_KEY -------------------------------------------

static uint64_t now(const struct enclave *enclave)
{
    return enclave->ops.now_ms(enclave->ops.context);
}

static bool confirms(const struct enclave_session *session,
                     struct rotor_bytes mac_r)
{
    return session != NULL && mac_r.size == session->mac_size &&
           secret_equal(mac_r.data, session->mac_r, session->mac_size);
}

enum rotor_status enclave_serve_session_fin(struct enclave *enclave,
                                            struct enclave_request *request,
                                            struct enclave_answer *answer)
{
    const struct wire_session_fin *fin = &request->message.session_fin;
    uint64_t owner = enclave_session_owner(request->route.pair);
    struct enclave_session *waiting = enclave_session_find(
        &enclave->unconfirmed, owner, fin->sid.data, now(enclave));
    struct enclave_session *confirmed = enclave_session_find(
        &enclave->confirmed, owner, fin->sid.data, now(enclave));
    if (waiting == NULL && confirmed == NULL) {
        return enclave_refuse(enclave, WIRE_E_NOT_FOUND, 0);
    }
    if (!confirms(waiting, fin->mac_r) && !confirms(confirmed, fin->mac_r)) {
        return enclave_refuse(enclave, WIRE_E_SIGNATURE, 0);
    }
    if (confirms(waiting, fin->mac_r)) {
        enclave_session_confirm(enclave, fin->sid.data);
    }
    return enclave_serve_status(enclave, request, answer);
}

enum rotor_status enclave_serve_session_key(struct enclave *enclave,
                                            struct enclave_request *request,
                                            struct enclave_answer *answer)
{
    const struct wire_session_key *wanted = &request->message.session_key;
    const struct enclave_session *session = enclave_session_find(
        &enclave->confirmed, enclave_session_owner(request->route.pair),
        wanted->sid.data, now(enclave));
    if (session == NULL) {
        return enclave_refuse(enclave, WIRE_E_NOT_FOUND, 0);
    }
    struct wire_session_keyed message = {
        .log_id = request->route.log_id,
        .sid = wanted->sid,
        .suite = session->suite,
        .epoch = session->epoch,
        .r2a_key = BYTES_OF(session->r2a.key),
        .r2a_iv = BYTES_OF(session->r2a.iv),
        .a2r_key = BYTES_OF(session->a2r.key),
        .a2r_iv = BYTES_OF(session->a2r.iv),
        .exporter = bytes_of(session->exporter, session->mac_size),
    };
    return enclave_answer_with(answer, WIRE_SESSION_KEYED,
                               &WIRE_LAYOUT_SESSION_KEYED, &message);
}
