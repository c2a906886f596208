// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/walked.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/rotor/scratch.h"
#include "base/bytes.h"

enum rotor_status walked_open(struct walked *walked)
{
    *walked = (struct walked){.file = -1, .seen_file = {.fd = -1}};
    walked->trusts = calloc(WALKED_IN_MEMORY, sizeof *walked->trusts);
    walked->slots = calloc(CHAIN_SEEN_DEFAULT, sizeof *walked->slots);
    return walked->trusts == NULL || walked->slots == NULL
               ? ROTOR_PORT_FAILED
               : chain_seen_init(&walked->seen, walked->slots,
                                 CHAIN_SEEN_DEFAULT);
}

void walked_close(struct walked *walked)
{
    free(walked->trusts);
    free(walked->slots);
    if (walked->file >= 0) {
        (void)close(walked->file);
    }
    seen_file_close(&walked->seen_file);
}

// ---- from memory to files --------------------------------------------------

static enum rotor_status open_files(struct walked *walked)
{
    if (walked->file >= 0) {
        return ROTOR_OK;
    }
    TRY(seen_file_open(&walked->seen_file, -1, NULL));
    walked->file = scratch_open();
    return walked->file >= 0 ? ROTOR_OK : ROTOR_PORT_FAILED;
}

static enum rotor_status file_seen(struct walked *walked)
{
    TRY(seen_file_add(&walked->seen_file, walked->slots, CHAIN_SEEN_DEFAULT));
    return chain_seen_init(&walked->seen, walked->slots, CHAIN_SEEN_DEFAULT);
}

static enum rotor_status file_all(struct walked *walked)
{
    TRY(open_files(walked));
    TRY(file_seen(walked));
    if (!scratch_write(walked->file, walked->trusts,
                       walked->count * sizeof *walked->trusts,
                       walked->filed * sizeof *walked->trusts)) {
        return ROTOR_PORT_FAILED;
    }
    walked->filed += walked->count;
    walked->count = 0;
    return ROTOR_OK;
}

enum rotor_status walked_add(struct walked *walked,
                             const struct chain_body *body,
                             const struct chain_trust *trust)
{
    if (walked->count == WALKED_IN_MEMORY) {
        TRY(file_all(walked));
    }
    walked->trusts[walked->count++] = *trust;
    return chain_seen_add_body(&walked->seen, body);
}

// ---- questions -------------------------------------------------------------

enum rotor_status walked_has_seen(const struct walked *walked,
                                  const struct chain_fingerprint *fingerprint,
                                  bool *seen)
{
    *seen = chain_seen_has(&walked->seen, fingerprint);
    return *seen || walked->filed == 0
               ? ROTOR_OK
               : seen_file_has(&walked->seen_file, fingerprint, seen);
}

static bool is_at(const struct chain_trust *trust, const struct wire_head *head)
{
    return trust->order.epoch == head->epoch &&
           wire_digest_equal(&trust->body_hash, &head->body_hash);
}

enum rotor_status walked_find(const struct walked *walked,
                              const struct wire_head *head,
                              struct chain_trust *at, bool *found)
{
    *found = false;
    for (size_t i = walked->count; i > 0 && !*found; i--) {
        *at = walked->trusts[i - 1];
        *found = is_at(at, head);
    }
    for (uint64_t i = walked->filed; i > 0 && !*found; i--) {
        if (!scratch_read(walked->file, at, sizeof *at, (i - 1) * sizeof *at)) {
            return ROTOR_PORT_FAILED;
        }
        *found = is_at(at, head);
    }
    return ROTOR_OK;
}
