// SPDX-License-Identifier: Apache-2.0
// A device of its own for a bench: the real rotord on a state folder below
// the bench's work folder, ended with the bench.
//
// Every bench program is called as  NAME PROGRAMS TEMPLATE WORK [ROUNDS]:
// the folder of rotord and rotor; a state folder with signed images in boot/;
// an empty folder to work in.
#ifndef ROTOR_BENCH_MACHINE_H
#define ROTOR_BENCH_MACHINE_H

#include <stdbool.h>
#include <sys/types.h>

#include <rotor/client.h>

#include "bench/party.h"

struct place {
    const char *programs;
    const char *template_folder;
    const char *work;
    int rounds;
};

// Reads the arguments; ends the program with the usage when they are wrong.
void place_read(struct place *place, int count, char **words);

struct machine {
    pid_t pid;
    char state[256];
    char socket[300];
};

// A fresh state folder WORK/NAME with the images of the template.
void machine_make(const struct place *place, const char *name, char *state,
                  size_t size);

// Starts rotord on it, without rotation limits.  Does not wait for anything.
void machine_start(struct machine *machine, const struct place *place,
                   const char *state);

// Waits for the socket, then connects.
struct rotor_client *machine_connect(const struct machine *machine);

// One request, one answer: ends the program when it is not answered.
void machine_ask(struct rotor_client *client, uint64_t op,
                 struct rotor_bytes payload, struct rotor_completion *answer);

// Waits until the device has a root; `party` then trusts it.
void machine_meet(struct rotor_client *client, struct party *party);

// Asks for one attestation and keeps the response; waits while the device is
// still on its way to its first root.
void machine_attest(struct rotor_client *client, const struct party *party,
                    struct party_exchange *exchange);

void machine_stop(struct machine *machine);

#endif
