// SPDX-License-Identifier: Apache-2.0
// rotor tour: the list of its steps.
#include "app/rotor/tour.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"

static const struct tour_step STEPS[] = {
    {"images",       "Images verified and measured, a device starts",           tour_images,
     true                                                                                               },
    {"walls",        "Walls around the enclave",                                tour_walls,        false},
    {"root",         "A root of trust is generated",                            tour_root,         true },
    {"memory",       "A process of the same user attacks the enclave's memory",
     tour_memory,                                                                                  false},
    {"rate-limit",   "The default policy refuses rotations in a row",
     tour_rate_limit,                                                                              false},
    {"no-limits",    "From here on: a device with a policy without limits",
     tour_no_limits,                                                                               true },
    {"attest",       "A relying party in its own process, over TCP",            tour_attest,
     false                                                                                              },
    {"session",      "Two processes exchange 64 MiB each way over a session",
     tour_session,                                                                                 false},
    {"rotations",    "100 rotations while two clients attest without pause",
     tour_rotations,                                                                               false},
    {"catch-up",     "A relying party that slept through all of it",            tour_catch_up,
     false                                                                                              },
    {"stolen-key",   "Refused: evidence under a stolen old key",                tour_stolen_key,
     false                                                                                              },
    {"forged-entry",
     "Refused: an entry by the stolen key without the rotation key",            tour_forged_entry, false},
    {"duplicity",    "Refused: the fork of a thief who has both keys",
     tour_duplicity,                                                                               false},
    {"replay",       "Refused: a replayed answer",                              tour_replay,       false},
    {"flipped-bit",  "Refused: an image with one bit flipped",                  tour_flipped_bit,
     false                                                                                              },
    {"older-image",  "Refused: an older image",                                 tour_older_image,  false},
    {"rolled-back",  "Refused: an enclave whose store was put back",
     tour_rolled_back,                                                                             false},
    {"killed",       "kill -9 of the enclave in mid-rotation: the log goes on",
     tour_killed,                                                                                  false},
};

static void say_summary(const struct tour *tour, size_t held, uint64_t took_ms)
{
    bool is_ok = held == COUNT_OF(STEPS);
    if (tour->run->is_json) {
        struct json out;
        json_open(&out, stdout);
        json_bool(&out, "summary", true);
        json_bool(&out, "ok", is_ok);
        json_text(&out, "schema", "rotor/tour/1");
        json_number(&out, "steps", COUNT_OF(STEPS));
        json_number(&out, "held", held);
        json_number(&out, "rotations", tour->rotations);
        json_number(&out, "requests", tour->requests);
        json_number(&out, "refused", tour->refused);
        json_real(&out, "seconds", (double)took_ms / 1000);
        json_end(&out);
        return;
    }
    printf("\n%s: %zu of %zu steps held in %.1f s; %llu rotations, %llu "
           "attestations under load, %llu refused\n",
           is_ok ? "good" : "NOT GOOD", held, COUNT_OF(STEPS),
           (double)took_ms / 1000, (unsigned long long)tour->rotations,
           (unsigned long long)tour->requests,
           (unsigned long long)tour->refused);
    if (is_ok) {
        printf("nothing stays behind; ./run.sh up, or rotor tour --up, starts "
               "a device that stays\n");
    }
}

static int run_steps(struct tour *tour)
{
    size_t held = 0;
    uint64_t begun = tour_now_ms();
    if (!tour->run->is_json) {
        printf("rotor tour: the real programs, in the fresh folder %s%s\n",
               tour->folder, getuid() == 65534 ? ", as the user nobody" : "");
    }
    for (size_t i = 0; i < COUNT_OF(STEPS); i++) {
        uint64_t started = tour_now_ms();
        tour->fact_count = 0;
        tour->line_count = 0;
        tour->why[0] = '\0';
        tour_announce(tour, i + 1, &STEPS[i]);
        bool ok = STEPS[i].run(tour);
        tour_conclude(tour, &STEPS[i], ok, tour_now_ms() - started);
        held += ok ? 1 : 0;
        if (!ok && STEPS[i].is_vital) {
            break;
        }
    }
    say_summary(tour, held, tour_now_ms() - begun);
    return (int)(held == COUNT_OF(STEPS) ? EXIT_ACCEPTED
                                         : cause_exit(CAUSE_CHECK_FAILED));
}

int main_tour(struct run *run, int count, char **arguments)
{
    const char *programs = NULL;
    bool stays_up = false;
    int code = EXIT_ACCEPTED;
    const struct flag flags[] = {
        {"--up",       NULL,  FLAG_SWITCH, &stays_up,
         "start a device that stays, in ./rotor-state or --state DIR"},
        {"--programs", "DIR", FLAG_TEXT,   &programs,
         "where rotord and the images' programs are"                 },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count != 0) {
        return fail(run, CAUSE_USAGE, "rotor tour --help shows the flags",
                    "tour takes no argument: %s", arguments[0]);
    }
    return stays_up ? tour_up(run, programs)
                    : tour_supervise(run, programs, run_steps);
}
