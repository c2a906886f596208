// SPDX-License-Identifier: Apache-2.0
#include "bench/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "bench/tally.h"

#define ANSWER_MS 12000u

static const char CONFIG[] = "[rotation]\n"
                             "min-interval = 0\n"
                             "max-per-day = 0\n";

void place_read(struct place *place, int count, char **words)
{
    int rounds = count > 4 ? atoi(words[4]) : TALLY_ROUNDS;
    if (count < 4 || rounds < 1 || rounds > TALLY_ROUNDS_MAX) {
        fprintf(stderr,
                "usage: %s PROGRAMS TEMPLATE WORK [ROUNDS, 1..%d]\n"
                "./bench.sh NAME calls it so\n",
                words[0], TALLY_ROUNDS_MAX);
        exit(2);
    }
    *place = (struct place){words[1], words[2], words[3], rounds};
}

static void format(char *text, size_t size, const char *folder,
                   const char *name)
{
    int used = snprintf(text, size, "%s/%s", folder, name);
    tally_expect(used > 0 && (size_t)used < size, "a path is too long");
}

static void run(const char *const arguments[])
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        // execvp takes no const and changes nothing.
        (void)execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    tally_expect(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0,
                 arguments[0]);
}

void machine_make(const struct place *place, const char *name, char *state,
                  size_t size)
{
    char from[300];
    format(state, size, place->work, name);
    format(from, sizeof from, place->template_folder, ".");
    const char *const remove[] = {"rm", "-rf", "--", state, NULL};
    const char *const make[] = {"mkdir", "-m", "0700", "--", state, NULL};
    const char *const copy[] = {"cp", "-a", "--", from, state, NULL};
    run(remove);
    run(make);
    run(copy);
    // An installed image is durable: its writing is not part of any start.
    int folder = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tally_expect(folder >= 0 && syncfs(folder) == 0 && close(folder) == 0,
                 "sync");
}

static void write_config(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_written =
        fd >= 0 && write(fd, CONFIG, sizeof CONFIG - 1) == sizeof CONFIG - 1;
    tally_expect(is_written && close(fd) == 0, "cannot write a config file");
}

void machine_start(struct machine *machine, const struct place *place,
                   const char *state)
{
    char rotord[300];
    char config[300];
    char log[300];
    format(rotord, sizeof rotord, place->programs, "rotord");
    format(config, sizeof config, place->work, "rotord.conf");
    format(log, sizeof log, place->work, "rotord.log");
    format(machine->state, sizeof machine->state, state, ".");
    format(machine->socket, sizeof machine->socket, state, "control.sock");
    write_config(config);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    tally_expect(out >= 0, "cannot write a log");
    machine->pid = fork();
    if (machine->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
        (void)dup2(out, STDERR_FILENO);
        (void)execl(rotord, "rotord", "--config", config, "--state",
                    machine->state, (char *)NULL);
        _exit(127);
    }
    (void)close(out);
    tally_expect(machine->pid > 0, "cannot start rotord");
}

static void nap(long ns)
{
    const struct timespec time = {0, ns};
    (void)nanosleep(&time, NULL);
}

struct rotor_client *machine_connect(const struct machine *machine)
{
    struct rotor_client *client = NULL;
    uint64_t end = tally_now_ns() + ANSWER_MS * (uint64_t)1000000;
    while (rotor_client_open(&client, machine->socket) != ROTOR_OK) {
        tally_expect(tally_now_ns() < end && kill(machine->pid, 0) == 0,
                     "rotord does not listen");
        nap(200000);
    }
    return client;
}

void machine_ask(struct rotor_client *client, uint64_t op,
                 struct rotor_bytes payload, struct rotor_completion *answer)
{
    const struct rotor_request request = {.op = op, .payload = payload};
    uint64_t id = 0;
    bool is_answered =
        rotor_client_submit(client, &request, &id) == ROTOR_OK &&
        rotor_client_wait(client, id, ANSWER_MS, answer) == ROTOR_OK;
    tally_expect(is_answered, "rotord does not answer");
}

void machine_meet(struct rotor_client *client, struct party *party)
{
    uint64_t end = tally_now_ns() + ANSWER_MS * (uint64_t)1000000;
    while (chain_trust_is_empty(&party->trust)) {
        uint8_t memory[128];
        struct rotor_room payload = ROOM_OF(memory);
        struct rotor_completion answer;
        party_ask_log(party, 1, &payload);
        machine_ask(client, WIRE_OP_LOG_GET, bytes_in(&payload), &answer);
        bool has_log = answer.code == WIRE_CLIENT_OK &&
                       party_take_log(party, answer.payload) &&
                       !chain_trust_is_empty(&party->trust);
        tally_expect(has_log || tally_now_ns() < end, "no root came");
        if (!has_log) {
            nap(200000);
        }
    }
}

void machine_attest(struct rotor_client *client, const struct party *party,
                    struct party_exchange *exchange)
{
    struct rotor_completion answer;
    party_ask(party, exchange);
    machine_ask(client, WIRE_OP_ATTEST,
                bytes_of(exchange->request, exchange->request_size), &answer);
    tally_expect(answer.code == WIRE_CLIENT_OK &&
                     answer.payload.size <= sizeof exchange->response,
                 "the device refused");
    memcpy(exchange->response, answer.payload.data, answer.payload.size);
    exchange->response_size = answer.payload.size;
}

void machine_stop(struct machine *machine)
{
    int status = 0;
    (void)kill(machine->pid, SIGTERM);
    tally_expect(waitpid(machine->pid, &status, 0) == machine->pid,
                 "rotord did not end");
    machine->pid = 0;
}
