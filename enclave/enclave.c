// SPDX-License-Identifier: Apache-2.0
// From start to end: load, say which state, wipe.
#include "enclave/enclave.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "enclave/bundle.h"
#include "enclave/entry.h"
#include "enclave/pair.h"
#include "enclave/recover.h"
#include "enclave/serve.h"
#include "enclave/store.h"

// Everything secret that the start touches.
struct open_secrets {
    uint8_t prk[32];
    uint8_t ikm[2 + 32 + 2];
};

static enum rotor_status expand(const uint8_t prk[32], struct rotor_bytes label,
                                uint8_t key[32])
{
    struct rotor_room room = {key, 32, 0};
    return crypto_expand(CRYPTO_SHA256, prk, label, &room);
}

// k_mac = HKDF(hw_secret, "rotor1 seal mac", 32)
// k_enc = HKDF(lp(hw_secret) || lp(erasable), "rotor1 seal enc", 32)
static enum rotor_status derive_seals(struct open_secrets *s,
                                      struct enclave *enclave)
{
    const uint8_t *hw_secret = enclave->identity.hw_secret;
    struct rotor_bytes none = {NULL, 0};
    TRY(crypto_extract(CRYPTO_SHA256, none, bytes_of(hw_secret, 32), s->prk));
    TRY(expand(s->prk, LABEL("rotor1 seal mac"), enclave->seal_mac));
    bytes_put_be16(s->ikm, 32);
    memcpy(s->ikm + 2, hw_secret, 32);
    bytes_put_be16(s->ikm + 34, 0); // no erasable secret: claim -70003 says so
    TRY(crypto_extract(CRYPTO_SHA256, none, BYTES_OF(s->ikm), s->prk));
    return expand(s->prk, LABEL("rotor1 seal enc"), enclave->seal_enc);
}

static enum rotor_status open_with(struct open_secrets *s,
                                   struct enclave *enclave)
{
    TRY(derive_seals(s, enclave));
    enclave->boot_ms = enclave->ops.now_ms(enclave->ops.context);
    enclave->prepared_ms = enclave->boot_ms;
    TRY(enclave_store_load(enclave));
    enclave->boot_running_s = enclave->state.tokens.running_s;
    enclave_candidate_settle(enclave);
    // What RA approved needs nobody's word any more.  When it fails, message
    // 26 tries again.
    if (enclave_state_code(enclave) == WIRE_STATE_REC) {
        enum rotor_status finished = enclave_recover_finish(enclave);
        (void)finished;
    }
    enclave->is_open = true;
    return ROTOR_OK;
}

enum rotor_status enclave_open(struct enclave *enclave,
                               const struct enclave_ops *ops,
                               const struct enclave_identity *identity)
{
    struct open_secrets secrets;
    memset(enclave, 0, sizeof *enclave);
    enclave->ops = *ops;
    enclave->identity = *identity;
    enum rotor_status status = open_with(&secrets, enclave);
    secret_wipe(&secrets, sizeof secrets);
    if (status != ROTOR_OK) {
        enclave_wipe(enclave);
    }
    return status;
}

enum wire_state enclave_state_code(const struct enclave *enclave)
{
    const struct enclave_state *state = &enclave->state;
    if (!enclave_is_usable(enclave)) {
        return WIRE_STATE_HALTED;
    }
    if (state->pending.is_used) {
        if (state->pending_is_recovery) {
            return WIRE_STATE_REC;
        }
        return state->cur.is_used ? WIRE_STATE_PREP : WIRE_STATE_PREP0;
    }
    if (!state->cur.is_used) {
        return WIRE_STATE_EMPTY;
    }
    if (state->cur.facts.kind == CHAIN_CLOSE) {
        return WIRE_STATE_CLOSED;
    }
    return state->is_burnt ? WIRE_STATE_BURNT : WIRE_STATE_CUR;
}

bool enclave_must_restart(const struct enclave *enclave)
{
    return enclave->fault == ENCLAVE_STORE_FAULT;
}

uint64_t enclave_pairs_over(const struct enclave *enclave)
{
    return enclave->pairs_over;
}

void enclave_report(struct enclave *enclave, struct rotor_bytes report)
{
    enclave->identity.report = report;
}

void enclave_resume(struct enclave *enclave)
{
    enclave_half_open_wipe(enclave);
    secret_wipe(&enclave->unconfirmed, sizeof enclave->unconfirmed);
    secret_wipe(&enclave->confirmed, sizeof enclave->confirmed);
}

void enclave_wipe(struct enclave *enclave)
{
    enclave_keys_close(&enclave->keys);
    enclave_keys_close(&enclave->made);
    enclave_keys_close(&enclave->saving.keys);
    secret_wipe(enclave, sizeof *enclave);
}
