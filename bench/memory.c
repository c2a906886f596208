// SPDX-License-Identifier: Apache-2.0
// What all processes of a device take up together: the sum of PSS of rotord,
// RTP and enclave, after a rotation and with attestations in between.  Pages
// that they share are counted once.  Needs root: the enclave hides its memory.
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "bench/machine.h"
#include "bench/tally.h"

#define ATTESTATIONS 20

static struct party party;
static struct party_exchange exchange;

// Reads the number behind `key` at the start of a line; -1: cannot.
static long read_number(const char *path, const char *key)
{
    char line[256];
    long value = -1;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return -1;
    }
    while (value < 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            value = strtol(line + strlen(key), NULL, 10);
        }
    }
    (void)fclose(file);
    return value;
}

static long pss_kib(const char *pid)
{
    char path[300];
    (void)snprintf(path, sizeof path, "/proc/%s/smaps_rollup", pid);
    return read_number(path, "Pss:");
}

static bool is_of(const char *pid, pid_t parent)
{
    char path[300];
    (void)snprintf(path, sizeof path, "/proc/%s/status", pid);
    return strtol(pid, NULL, 10) == parent ||
           read_number(path, "PPid:") == parent;
}

// rotord and its children; -1: one cannot be read.
static double all_mib(pid_t rotord)
{
    DIR *folder = opendir("/proc");
    tally_expect(folder != NULL, "/proc cannot be read");
    long total = 0;
    int processes = 0;
    for (const struct dirent *at = readdir(folder); at != NULL && total >= 0;
         at = readdir(folder)) {
        if (isdigit((unsigned char)at->d_name[0]) &&
            is_of(at->d_name, rotord)) {
            long one = pss_kib(at->d_name);
            total = one < 0 ? -1 : total + one;
            processes++;
        }
    }
    (void)closedir(folder);
    tally_expect(total < 0 || processes == 3, "not three processes");
    return total < 0 ? -1 : (double)total / 1024;
}

static void rotate(struct rotor_client *client)
{
    uint8_t memory[64];
    struct rotor_room payload = ROOM_OF(memory);
    struct rotor_completion answer;
    const struct wire_client_rotate order = {.reason = WIRE_REASON_OPERATOR};
    tally_expect(wire_message_encode(&WIRE_LAYOUT_CLIENT_ROTATE, &order,
                                     &payload) == ROTOR_OK,
                 "ROTATE");
    machine_ask(client, WIRE_OP_ROTATE, bytes_in(&payload), &answer);
    tally_expect(answer.code == WIRE_CLIENT_OK, "the device did not rotate");
}

int main(int count, char **words)
{
    static struct tally pss = {.bench = "memory",
                               .name = "pss",
                               .unit = "MiB",
                               .kind = TALLY_VALUE_AT_MOST,
                               .goal = 24};
    struct machine machine;
    struct place place;
    char state[256];
    place_read(&place, count, words);
    machine_make(&place, "memory", state, sizeof state);
    machine_start(&machine, &place, state);
    struct rotor_client *client = machine_connect(&machine);
    party_init(&party);
    machine_meet(client, &party);
    machine_attest(client, &party, &exchange);
    rotate(client);
    double mib = 0;
    for (int round = 0; round < place.rounds && mib >= 0; round++) {
        for (int i = 0; i < ATTESTATIONS; i++) {
            machine_attest(client, &party, &exchange);
        }
        mib = all_mib(machine.pid);
        tally_add(&pss, mib, 0);
    }
    if (mib < 0) {
        puts("{\"bench\":\"memory\",\"case\":\"pss\",\"skipped\":\"only root "
             "may read the memory map of the enclave\"}");
    } else {
        tally_print(&pss);
    }
    rotor_client_close(client);
    machine_stop(&machine);
    party_close(&exchange);
    return 0;
}
