// SPDX-License-Identifier: Apache-2.0
#include "enclave/pair.h"

#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"

void enclave_pair_init_control(struct enclave_pair *pair)
{
    *pair = (struct enclave_pair){.way = ENCLAVE_WAY_CLOSED};
}

void enclave_pair_init_program(struct enclave_pair *pair, uint32_t channel_id)
{
    *pair = (struct enclave_pair){.way = ENCLAVE_WAY_PROGRAM,
                                  .channel_id = channel_id};
}

void enclave_pair_close(struct enclave_pair *pair)
{
    crypto_aead_close(&pair->open_in);
    crypto_aead_close(&pair->seal_out);
    bool is_program = pair->way == ENCLAVE_WAY_PROGRAM;
    secret_wipe(pair, sizeof *pair);
    if (is_program) {
        // Never a control pair: it stays what it is, with no frame to come.
        pair->way = ENCLAVE_WAY_PROGRAM;
        pair->next_in = UINT64_MAX;
    }
}

// ---- unfinished HELLOs -----------------------------------------------------

static uint64_t now(const struct enclave *enclave)
{
    return enclave->ops.now_ms(enclave->ops.context);
}

static bool is_live(const struct enclave *enclave,
                    const struct enclave_half_open *half)
{
    return half->is_used &&
           now(enclave) - half->since_ms < ENCLAVE_HALF_OPEN_MS;
}

static struct enclave_half_open *half_of(struct enclave *enclave,
                                         uint32_t channel_id)
{
    for (size_t i = 0; i < ENCLAVE_HALF_OPEN_MAX; i++) {
        struct enclave_half_open *half = &enclave->half_open[i];
        if (is_live(enclave, half) && half->channel_id == channel_id) {
            return half;
        }
    }
    return NULL;
}

void enclave_half_open_wipe(struct enclave *enclave)
{
    secret_wipe(enclave->half_open, sizeof enclave->half_open);
}

bool enclave_is_flooded(struct enclave *enclave)
{
    uint64_t *oldest = &enclave->hello_ms[enclave->hello_next];
    uint64_t time = now(enclave) + 1; // 0: never
    if (*oldest != 0 && time - *oldest < 1000) {
        return true;
    }
    *oldest = time;
    enclave->hello_next = (enclave->hello_next + 1) % ENCLAVE_HELLOS_A_SECOND;
    return false;
}

// ---- routes ----------------------------------------------------------------

static bool is_next(const struct enclave_request *request)
{
    const struct enclave_route *route = &request->route;
    bool acks_the_future =
        request->header.ack != 0 && request->header.ack >= *route->next_out;
    return request->header.sequence == *route->next_in && !acks_the_future;
}

static bool is_worn_out(const struct enclave_route *route)
{
    return *route->next_in >= ENCLAVE_CHANNEL_FRAMES ||
           *route->next_out >= ENCLAVE_CHANNEL_FRAMES;
}

static bool admit_hello(const struct enclave_pair *pair,
                        struct enclave_request *request)
{
    bool is_live_channel = pair->way != ENCLAVE_WAY_CLOSED &&
                           pair->channel_id == request->header.channel_id;
    request->route = (struct enclave_route){
        .way = ENCLAVE_WAY_CLOSED,
        .channel_id = request->header.channel_id,
        .next_in = &request->first_in,
        .next_out = &request->first_out,
    };
    return !is_live_channel && is_next(request);
}

static bool admit_half(struct enclave *enclave, struct enclave_pair *pair,
                       struct enclave_request *request)
{
    struct enclave_half_open *half =
        half_of(enclave, request->header.channel_id);
    if (half == NULL) {
        return false;
    }
    request->route = (struct enclave_route){
        .way = ENCLAVE_WAY_HALF,
        .opens = pair,
        .half = half,
        .channel_id = half->channel_id,
        .next_in = &half->next_in,
        .next_out = &half->next_out,
        .log_id = half->log_id,
    };
    if (!is_next(request)) {
        secret_wipe(half, sizeof *half);
        return false;
    }
    return true;
}

static void route_pair(struct enclave_pair *pair,
                       struct enclave_request *request)
{
    request->route = (struct enclave_route){
        .way = pair->way,
        .pair = pair,
        .channel_id = pair->channel_id,
        .next_in = &pair->next_in,
        .next_out = &pair->next_out,
        .log_id = pair->log_id,
    };
}

bool enclave_pair_route(struct enclave_pair *pair,
                        struct enclave_request *request)
{
    route_pair(pair, request);
    bool is_open = pair->way != ENCLAVE_WAY_CLOSED &&
                   pair->way != ENCLAVE_WAY_PROGRAM &&
                   pair->channel_id == request->header.channel_id;
    // Others came behind it: the answer acknowledges those, too.
    request->header.sequence = is_open ? pair->next_in - 1 : 0;
    return is_open;
}

static bool admit_program(const struct enclave *enclave,
                          struct enclave_pair *pair,
                          struct enclave_request *request)
{
    if (request->header.channel_id != pair->channel_id) {
        return false;
    }
    route_pair(pair, request);
    request->route.log_id = enclave_log_id(enclave);
    // It does not wear out: no key is used on it.
    if (!is_next(request)) {
        enclave_pair_close(pair);
        return false;
    }
    return true;
}

static bool admit_sealed(struct enclave *enclave, struct enclave_pair *pair,
                         struct enclave_request *request)
{
    bool is_ours = pair->way != ENCLAVE_WAY_CLOSED &&
                   pair->way != ENCLAVE_WAY_PROGRAM &&
                   pair->channel_id == request->header.channel_id;
    if (!is_ours) {
        return false;
    }
    struct wire_sealer sealer = {.aead = &pair->open_in};
    memcpy(sealer.iv, pair->iv_in, sizeof sealer.iv);
    struct rotor_room payload = ROOM_OF(enclave->payload);
    if (wire_frame_unseal(&sealer, request->frame, &request->header,
                          &payload) != ROTOR_OK) {
        return false;
    }
    request->payload = bytes_in(&payload);
    route_pair(pair, request);
    if (!is_next(request) || is_worn_out(&request->route)) {
        enclave_pair_close(pair);
        return false;
    }
    return true;
}

bool enclave_pair_admit(struct enclave *enclave, struct enclave_pair *pair,
                        struct enclave_request *request)
{
    if (wire_header_decode(&request->header, request->frame) != ROTOR_OK) {
        return false;
    }
    bool is_admitted = false;
    if (!wire_header_is_plaintext(&request->header)) {
        is_admitted = admit_sealed(enclave, pair, request);
    } else {
        request->payload = bytes_of(request->frame.data + WIRE_HEADER_SIZE,
                                    request->header.payload_size);
        bool is_hello = request->header.type == WIRE_HELLO_RTP;
        if (pair->way == ENCLAVE_WAY_PROGRAM) {
            is_admitted = admit_program(enclave, pair, request);
        } else if (is_hello) {
            is_admitted = admit_hello(pair, request);
        } else {
            is_admitted = admit_half(enclave, pair, request);
        }
    }
    if (is_admitted) {
        *request->route.next_in += 1;
    }
    return is_admitted;
}
