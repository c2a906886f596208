// SPDX-License-Identifier: Apache-2.0
// What chip vendors said, and how long it is still good.
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "app/rotor/doctor.h"
#include "app/rotor/endorsing.h"
#include "endorse/folder.h"

static void look_at_one(struct doctor *doctor, const struct endorse_set *set,
                        size_t which, unsigned *good)
{
    static const char renew[] = "fetch a new one from the vendor: rotor "
                                "endorse import FILE; rotor endorse "
                                "prune removes what ended";
    const struct endorse_item *item = &set->items[which];
    struct endorse_facts facts;
    char until[TIME_SIZE] = "never";
    enum endorsing_state state =
        endorsing_state(set, which, (int64_t)time(NULL));
    if (endorse_facts_read(item, &facts) != ROTOR_OK) {
        doctor_say(doctor, HEALTH_FAIL, "endorsements", renew,
                   "a %s that cannot be read", endorse_kind_name(item->kind));
        return;
    }
    if (state == ENDORSING_GOOD || state == ENDORSING_REPLACED) {
        (*good)++;
        return;
    }
    bool is_early = state == ENDORSING_EARLY;
    int64_t at = is_early ? facts.begins_s : facts.ends_s;
    if (at != INT64_MAX) {
        time_text((uint64_t)at, until);
    }
    doctor_say(doctor, state == ENDORSING_SOON ? HEALTH_WARN : HEALTH_FAIL,
               "endorsements",
               is_early ? "set the clock: it stands before this was made"
                        : renew,
               "%s, %s%s%s: %s %s", endorse_kind_name(item->kind), facts.about,
               facts.issuer[0] != '\0' ? ", by " : "", facts.issuer,
               is_early                  ? "begins"
               : state == ENDORSING_SOON ? "ends soon,"
                                         : "ended",
               until);
}

void doctor_look_at_endorsements(struct doctor *doctor, const char *given)
{
    char folder[ENDORSING_PATH_SIZE];
    struct endorse_set set = {0};
    struct endorse_load load;
    unsigned good = 0;
    if (!endorsing_find(given, folder) || access(folder, F_OK) != 0) {
        doctor_say(doctor, HEALTH_SKIPPED, "endorsements", NULL,
                   "none are kept: rotor verify judges rotor's own evidence");
        return;
    }
    if (endorse_folder_load(folder, &set, &load) != ROTOR_OK) {
        doctor_say(doctor, HEALTH_FAIL, "endorsements",
                   "run it as the user that imported them",
                   "%s: cannot be read", folder);
    } else if (load.damaged != 0) {
        doctor_say(doctor, HEALTH_FAIL, "endorsements",
                   "delete it and import it anew",
                   "%u damaged files in %s, %.64s first", load.damaged, folder,
                   load.first);
    }
    for (size_t i = 0; i < set.count; i++) {
        look_at_one(doctor, &set, i, &good);
    }
    if (good != 0) {
        doctor_say(doctor, HEALTH_OK, "endorsements", NULL,
                   "%u are good, in %s", good, folder);
    }
    endorse_set_close(&set);
}
