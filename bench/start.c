// SPDX-License-Identifier: Apache-2.0
// From the start of rotord to the first answer that the far side verified: its
// log, Evidence, signature and key confirmation.
//
//     first-attestation  a new device: images installed, no root yet
//     warm               a device that has one
#include "bench/machine.h"
#include "bench/tally.h"

static struct party party;
static struct party_exchange exchange;

static double start_ms(struct machine *machine, const struct place *place,
                       const char *state)
{
    party_init(&party);
    uint64_t start = tally_now_ns();
    machine_start(machine, place, state);
    struct rotor_client *client = machine_connect(machine);
    machine_meet(client, &party);
    machine_attest(client, &party, &exchange);
    tally_expect(party_judge(&party, &exchange), "not accepted");
    uint64_t spent = tally_now_ns() - start;
    rotor_client_close(client);
    return (double)spent / 1e6;
}

int main(int count, char **words)
{
    static struct tally first = {.bench = "start",
                                 .name = "first-attestation",
                                 .unit = "ms",
                                 .kind = TALLY_VALUE_AT_MOST,
                                 .goal = 100};
    static struct tally warm = {.bench = "start", .name = "warm", .unit = "ms"};
    struct machine machine;
    struct place place;
    char state[256];
    place_read(&place, count, words);
    for (int round = 0; round < place.rounds; round++) {
        machine_make(&place, "start", state, sizeof state);
        tally_add(&first, start_ms(&machine, &place, state), 0);
        machine_stop(&machine);
        tally_add(&warm, start_ms(&machine, &place, state), 0);
        machine_stop(&machine);
    }
    tally_print(&first);
    tally_print(&warm);
    party_close(&exchange);
    return 0;
}
