// SPDX-License-Identifier: Apache-2.0
// rotor tour --up: a device that stays, for trying things out.
#include "app/rotor/tour.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"

#define USUAL_PORT 7311u

struct place {
    struct run *run;
    char programs[4][TOUR_PATH_MAX];
    char state[TOUR_PATH_MAX];
    char address[32];
};

enum { AT_ROTOR, AT_ROTORD, AT_ENCLAVE, AT_RTP };

// Runs `rotor` quietly; what it has to say against it goes to stderr.
static bool run_rotor(const struct place *place, const char *const *arguments)
{
    int status = 0;
    const char *all[24] = {"rotor"};
    for (size_t i = 0; arguments[i] != NULL && i + 2 < COUNT_OF(all); i++) {
        all[i + 1] = arguments[i];
    }
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(nowhere, STDOUT_FILENO);
        (void)execv(place->programs[AT_ROTOR], (char *const *)(uintptr_t)all);
        _exit(EXIT_UNABLE);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void name(const struct place *place, char path[TOUR_PATH_MAX + 32],
                 const char *file)
{
    (void)snprintf(path, TOUR_PATH_MAX + 32, "%s/signer/%s", place->state,
                   file);
}

static bool make_folders(const struct place *place)
{
    char signer[TOUR_PATH_MAX + 32];
    name(place, signer, "");
    return (mkdir(place->state, 0700) == 0 || errno == EEXIST) &&
           (mkdir(signer, 0700) == 0 || errno == EEXIST);
}

// A signer of its own, next to the device: for trying out only.
static bool make_signer(const struct place *place)
{
    char key[TOUR_PATH_MAX + 32];
    char keyring[TOUR_PATH_MAX + 32];
    name(place, key, "key.pem");
    name(place, keyring, "keyring");
    const char *const keygen[] = {"image", "keygen", "--out", key, NULL};
    const char *const ring[] = {"image", "keyring", "--out",
                                keyring, key,       NULL};
    return (access(key, F_OK) == 0 || run_rotor(place, keygen)) &&
           (access(keyring, F_OK) == 0 || run_rotor(place, ring));
}

static bool is_older(const char *image, const char *program)
{
    struct stat made;
    struct stat built;
    return stat(image, &made) != 0 || stat(program, &built) != 0 ||
           made.st_mtime <= built.st_mtime;
}

// Signs and installs a program that is newer than its image.
static bool renew_image(const struct place *place, const char *component,
                        const char *program)
{
    char key[TOUR_PATH_MAX + 32];
    char keyring[TOUR_PATH_MAX + 32];
    char image[TOUR_PATH_MAX + 32];
    name(place, key, "key.pem");
    name(place, keyring, "keyring");
    name(place, image, component);
    const char *const sign[] = {
        "image", "sign", "--key",     key,     "--component",        component,
        "--out", image,  "--version", "0.1.0", "--security-version", "1",
        program, NULL};
    const char *const install[] = {"image",      "install",   "--state",
                                   place->state, "--keyring", keyring,
                                   "--activate", image,       NULL};
    if (!is_older(image, program)) {
        return true;
    }
    bool is_done = run_rotor(place, sign) && run_rotor(place, install);
    if (!is_done) {
        (void)unlink(image); // so that the next start tries again
    }
    return is_done;
}

static void say_how(const struct place *place)
{
    const char *rotor = place->programs[AT_ROTOR];
    if (place->run->is_json) {
        struct json out;
        begin_json(&out, "tour", true);
        json_text(&out, "state", place->state);
        json_text(&out, "address", place->address);
        json_end(&out);
        fflush(stdout);
        return;
    }
    fprintf(stderr,
            "rotor: a device with the default policy, in %s; Ctrl-C ends it, "
            "the folder stays\n\n"
            "  from another terminal:\n"
            "    %s status --state %s\n"
            "    %s rotate --state %s\n"
            "    %s verify %s --trust-on-first-use --any-measurement --trust "
            "rotor-trust\n"
            "    %s session listen 127.0.0.1:7312 --state %s\n\n",
            place->state, rotor, place->state, rotor, place->state, rotor,
            place->address, rotor, place->state);
}

int tour_up(struct run *run, const char *programs)
{
    static struct place place;
    const struct tour tour = {.run = run};
    place.run = run;
    int size = snprintf(place.state, sizeof place.state, "%s",
                        run->state != NULL ? run->state : "./rotor-state");
    if (size > 90) {
        return fail(run, CAUSE_USAGE, NULL,
                    "%s is too long for the names of sockets", run->state);
    }
    if (!tour_find_programs(&tour, programs, place.programs)) {
        return EXIT_UNABLE;
    }
    if (!make_folders(&place)) {
        return fail(run, CAUSE_UNREADABLE, "--state DIR names another folder",
                    "%s: %s", place.state, strerror(errno));
    }
    if (!make_signer(&place) ||
        !renew_image(&place, "rtp", place.programs[AT_RTP]) ||
        !renew_image(&place, "enclave", place.programs[AT_ENCLAVE])) {
        return fail(run, CAUSE_UNREADABLE, "--state DIR names another folder",
                    "%s: no device could be set up", place.state);
    }
    if (!tour_find_port(USUAL_PORT, place.address) &&
        !tour_find_port(0, place.address)) {
        return fail(run, CAUSE_PLATFORM, NULL, "no free port: %s",
                    strerror(errno));
    }
    say_how(&place);
    (void)execl(place.programs[AT_ROTORD], "rotord", "--state", place.state,
                "--listen", place.address, (char *)NULL);
    return fail(run, CAUSE_PLATFORM, NULL, "%s: %s", place.programs[AT_ROTORD],
                strerror(errno));
}
