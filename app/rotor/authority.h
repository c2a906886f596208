// SPDX-License-Identifier: Apache-2.0
// Files of the recovery authority: its set, and requests to it.
#ifndef ROTOR_APP_ROTOR_AUTHORITY_H
#define ROTOR_APP_ROTOR_AUTHORITY_H

#include "app/rotor/command.h"
#include "chain/entry.h"
#include "chain/recovery.h"

struct authority {
    struct rotor_bytes bytes; // exact; owned
    struct chain_ra_set set;
};

// False: said why.
bool authority_read(const struct run *run, const char *path,
                    struct authority *authority, int *code);
void authority_forget(struct authority *authority);

struct request {
    struct rotor_bytes bytes; // payload of RECOVER_BODY; owned
    struct chain_body body;
    struct wire_digest body_hash;
    struct rotor_bytes evidence;
};

// False: said why.
bool request_read(const struct run *run, const char *path,
                  struct request *request, int *code);
void request_forget(struct request *request);

#endif
