// SPDX-License-Identifier: Apache-2.0
// Between the files of rotor chain.
#ifndef ROTOR_APP_ROTOR_CHAIN_H
#define ROTOR_APP_ROTOR_CHAIN_H

#include "app/rotor/command.h"
#include "app/rotor/relying.h"

#define CHAIN_KEEP_MIN 32u // entries that a device holds at least

// Each returns the exit code.
int chain_export(struct run *run, const char *path);
int chain_prune(struct run *run, uint64_t keep);
// The epoch that the device's log begins at.  False: said why.
bool chain_first_held(struct run *run, struct rotor_client *client,
                      uint64_t *epoch, int *code);

#endif
