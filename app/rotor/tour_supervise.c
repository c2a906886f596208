// SPDX-License-Identifier: Apache-2.0
// Around the steps: a folder of their own, no privileges, and an end that
// leaves nothing, whatever becomes of them.
//
// The supervisor is a subreaper: what outlives the steps becomes its child, so
// it can wait for it, and kill by its number what does not end.
#include "app/rotor/tour.h"

#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"

#define ENDING_MS 5000u // what a rotord gets to end by itself

static const char *const PROGRAMS[] = {"rotor", "rotord", "rotor-enclave",
                                       "rotor-rtp"};

// ---- the folder ------------------------------------------------------------

static bool find_below(const char *folder, const char *name,
                       char path[TOUR_PATH_MAX])
{
    // As built; as installed, with the images' programs apart.
    static const char *const places[] = {"", "../sbin/", "../lib/rotor/",
                                         "../lib/*/rotor/"};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        char pattern[2 * TOUR_PATH_MAX];
        glob_t found = {0};
        (void)snprintf(pattern, sizeof pattern, "%s/%s%s", folder, places[i],
                       name);
        bool is_there = glob(pattern, 0, NULL, &found) == 0 &&
                        strlen(found.gl_pathv[0]) < TOUR_PATH_MAX &&
                        access(found.gl_pathv[0], R_OK | X_OK) == 0;
        if (is_there) {
            (void)snprintf(path, TOUR_PATH_MAX, "%s", found.gl_pathv[0]);
        }
        globfree(&found);
        if (is_there) {
            return true;
        }
    }
    return false;
}

static const char *own_folder(char path[TOUR_PATH_MAX])
{
    ssize_t size = readlink("/proc/self/exe", path, TOUR_PATH_MAX - 1);
    path[size > 0 ? size : 0] = '\0';
    return dirname(path);
}

bool tour_find_programs(const struct tour *tour, const char *folder,
                        char programs[4][TOUR_PATH_MAX])
{
    char own[TOUR_PATH_MAX];
    const char *place = own_folder(own);
    for (size_t i = 0; i < COUNT_OF(PROGRAMS); i++) {
        bool is_found =
            (folder != NULL && find_below(folder, PROGRAMS[i], programs[i])) ||
            find_below(place, PROGRAMS[i], programs[i]);
        if (!is_found) {
            (void)fail(tour->run, CAUSE_UNREADABLE,
                       "build all of it, or name its folder: --programs DIR",
                       "no program %s beside this one", PROGRAMS[i]);
            return false;
        }
    }
    return true;
}

// Names of sockets are short: room for /thief/control.sock.
#define FOLDER_MAX 80

// Where everybody may make folders, when we are about to be nobody.
static bool choose_place(const struct tour *tour, const char **place)
{
    struct stat state;
    const char *wanted = getenv("TMPDIR");
    *place = wanted != NULL && wanted[0] == '/' ? wanted : "/tmp";
    bool is_open = stat(*place, &state) == 0 && S_ISDIR(state.st_mode) &&
                   (geteuid() != 0 || (state.st_mode & 3) == 3);
    if (!is_open || strlen(*place) > FOLDER_MAX) {
        (void)fail(tour->run, CAUSE_UNREADABLE, "TMPDIR=/tmp rotor tour",
                   is_open ? "%s is too long for the names of sockets"
                           : "%s is not a folder that every user may use",
                   *place);
        return false;
    }
    return true;
}

static bool make_folder(struct tour *tour, const char *programs)
{
    char from[4][TOUR_PATH_MAX];
    char to[TOUR_PATH_MAX];
    const char *place = NULL;
    if (!choose_place(tour, &place) ||
        !tour_find_programs(tour, programs, from)) {
        return false;
    }
    (void)snprintf(tour->folder, sizeof tour->folder, "%s/rotor-tour.XXXXXX",
                   place);
    if (mkdtemp(tour->folder) == NULL) {
        (void)fail(tour->run, CAUSE_UNREADABLE, "TMPDIR names another place",
                   "%s: %s", tour->folder, strerror(errno));
        return false;
    }
    tour_path(tour, to, "bin");
    bool is_good = mkdir(to, 0700) == 0;
    for (size_t i = 0; is_good && i < COUNT_OF(PROGRAMS); i++) {
        tour_path(tour, to, "bin/%s", PROGRAMS[i]);
        is_good = tour_copy_file(from[i], to, 0700);
    }
    if (!is_good) {
        (void)fail(tour->run, CAUSE_UNREADABLE, "is there room for 64 MiB?",
                   "%s: %s", to, strerror(errno));
    }
    return is_good;
}

// ---- privileges ------------------------------------------------------------

// Started by root: everything from here on is nobody's, the folder too.
static bool drop_privileges(const struct tour *tour)
{
    char path[TOUR_PATH_MAX];
    const struct passwd *nobody = getpwnam("nobody");
    uid_t uid = nobody != NULL ? nobody->pw_uid : 65534;
    gid_t gid = nobody != NULL ? nobody->pw_gid : 65534;
    if (geteuid() != 0) {
        return true;
    }
    tour_path(tour, path, "bin");
    bool is_given = chown(path, uid, gid) == 0;
    for (size_t i = 0; is_given && i < COUNT_OF(PROGRAMS); i++) {
        tour_path(tour, path, "bin/%s", PROGRAMS[i]);
        is_given = chown(path, uid, gid) == 0;
    }
    bool is_done = is_given && chown(tour->folder, uid, gid) == 0 &&
                   setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
                   setresuid(uid, uid, uid) == 0 && getuid() == uid &&
                   setuid(0) != 0;
    if (!is_done) {
        (void)fail(tour->run, CAUSE_PLATFORM, NULL,
                   "cannot become an unprivileged user: %s", strerror(errno));
    }
    return is_done;
}

static bool settle(const struct tour *tour)
{
    bool is_good = chdir(tour->folder) == 0 &&
                   setenv("HOME", tour->folder, 1) == 0 &&
                   unsetenv("NOTIFY_SOCKET") == 0 &&
                   prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
    if (!is_good) {
        (void)fail(tour->run, CAUSE_PLATFORM,
                   "a TMPDIR that every user may enter", "%s: %s", tour->folder,
                   strerror(errno));
    }
    return is_good;
}

// ---- watching --------------------------------------------------------------

static sigset_t watched_signals(void)
{
    sigset_t wanted;
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGINT);
    (void)sigaddset(&wanted, SIGTERM);
    (void)sigaddset(&wanted, SIGHUP);
    (void)sigaddset(&wanted, SIGCHLD);
    return wanted;
}

static int next_signal(const sigset_t *wanted, uint64_t wait_ms)
{
    const struct timespec wait = {(time_t)(wait_ms / 1000),
                                  (long)(wait_ms % 1000) * 1000000};
    int number = sigtimedwait(wanted, NULL, &wait);
    return number < 0 ? 0 : number;
}

// -1 while it runs.
static int reap(pid_t steps, int *code)
{
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == steps) {
            *code = WIFEXITED(status) ? WEXITSTATUS(status)
                                      : 128 + WTERMSIG(status);
        }
    }
    return pid < 0 && errno == ECHILD ? 0 : -1;
}

// Until the steps end, or somebody wants an end.
static int watch(pid_t steps, const sigset_t *wanted, bool *is_interrupted)
{
    int code = -1;
    while (code < 0) {
        int number = next_signal(wanted, 1000);
        (void)reap(steps, &code);
        if (number != 0 && number != SIGCHLD && code < 0) {
            *is_interrupted = true;
            (void)kill(steps, SIGKILL);
        }
    }
    return code;
}

// What the steps started has been told to end by their death.
static void wait_for_the_rest(const sigset_t *wanted)
{
    uint64_t end = tour_now_ms() + ENDING_MS;
    int ignored = 0;
    while (reap(0, &ignored) != 0 && tour_now_ms() < end) {
        int number = next_signal(wanted, 50);
        if (number == SIGINT || number == SIGTERM) {
            break; // asked for the second time
        }
    }
    pid_t left = 0;
    while ((left = tour_child_of(getpid(), NULL)) > 0) {
        (void)kill(left, SIGKILL);
        (void)waitpid(left, NULL, 0);
    }
}

static int supervise(struct tour *tour, int (*steps)(struct tour *tour))
{
    const sigset_t wanted = watched_signals();
    bool is_interrupted = false;
    pid_t pid = tour_fork();
    if (pid == 0) {
        int code = steps(tour);
        bool is_out = fflush(stdout) == 0 && ferror(stdout) == 0;
        _exit(is_out ? code : EXIT_UNABLE);
    }
    if (pid < 0) {
        return fail(tour->run, CAUSE_PLATFORM, NULL, "fork: %s",
                    strerror(errno));
    }
    int code = watch(pid, &wanted, &is_interrupted);
    wait_for_the_rest(&wanted);
    bool was_signalled =
        code == 128 + SIGINT || code == 128 + SIGTERM || code == 128 + SIGHUP;
    if (is_interrupted || was_signalled) {
        return fail(tour->run, CAUSE_UNAVAILABLE, NULL, "interrupted");
    }
    if (code > EXIT_UNABLE) {
        return fail(tour->run, CAUSE_PLATFORM, NULL,
                    "the tour ended by signal %d", code - 128);
    }
    return code;
}

int tour_supervise(struct run *run, const char *programs,
                   int (*steps)(struct tour *tour))
{
    static struct tour tour;
    const sigset_t wanted = watched_signals();
    int code = EXIT_UNABLE;
    tour.run = run;
    // From here on there is a folder to remove.
    (void)sigprocmask(SIG_BLOCK, &wanted, NULL);
    if (!make_folder(&tour, programs)) {
        (void)(tour.folder[0] == '\0' || tour_remove(tour.folder));
        return EXIT_UNABLE;
    }
    if (drop_privileges(&tour) && settle(&tour)) {
        code = supervise(&tour, steps);
    }
    bool is_gone = chdir("/") == 0 && tour_remove(tour.folder);
    if (!is_gone) {
        fprintf(stderr, "rotor: warning: %s could not be removed\n",
                tour.folder);
    }
    return code;
}
