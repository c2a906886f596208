// SPDX-License-Identifier: Apache-2.0
// The programs that the tour runs, and what they say.
#include "app/rotor/tour.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS_MAX   40u
#define RUN_PATIENCE_MS 20000u

// ---- start -----------------------------------------------------------------

static void reset_signals(int at_parents_end, pid_t parent)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, at_parents_end, 0, 0, 0);
    if (getppid() != parent) {
        _exit(EXIT_UNABLE); // it died before we could ask to be told
    }
}

pid_t tour_fork(void)
{
    pid_t parent = getpid();
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        reset_signals(SIGKILL, parent);
    }
    return pid;
}

static void place(int fd, int at, int flags)
{
    int wanted = fd >= 0 ? fd : open("/dev/null", flags | O_CLOEXEC);
    if (wanted < 0 || dup2(wanted, at) != at) {
        _exit(EXIT_UNABLE);
    }
}

static _Noreturn void become(const struct tour *tour,
                             const struct tour_command *command)
{
    char path[TOUR_PATH_MAX + 64];
    char log[TOUR_PATH_MAX];
    const char *arguments[ARGUMENTS_MAX + 2] = {command->program};
    int err = command->err;
    for (size_t i = 0; command->arguments[i] != NULL; i++) {
        if (i == ARGUMENTS_MAX) {
            _exit(EXIT_UNABLE);
        }
        arguments[i + 1] = command->arguments[i];
    }
    if (err < 0) {
        tour_path(tour, log, "tour.log");
        err = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    place(command->in, STDIN_FILENO, O_RDONLY);
    place(command->out, STDOUT_FILENO, O_WRONLY);
    place(err, STDERR_FILENO, O_WRONLY);
    if (command->notify != NULL) {
        (void)setenv("NOTIFY_SOCKET", command->notify, 1);
    }
    (void)snprintf(path, sizeof path, "%s/bin/%s", tour->folder,
                   command->program);
    (void)execv(path, (char *const *)(uintptr_t)arguments);
    fprintf(stderr, "rotor: error: %s: %s\n", path, strerror(errno));
    _exit(EXIT_UNABLE);
}

pid_t tour_spawn(const struct tour *tour, const struct tour_command *command)
{
    pid_t parent = getpid();
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        reset_signals(SIGTERM, parent);
        become(tour, command);
    }
    return pid;
}

// ---- end -------------------------------------------------------------------

static int code_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int tour_wait(pid_t pid, unsigned patience_ms)
{
    int status = 0;
    int ended = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd watched = {ended, POLLIN, 0};
    bool is_late = ended >= 0 && poll(&watched, 1, (int)patience_ms) == 0;
    if (ended >= 0) {
        close(ended);
    }
    if (is_late) {
        (void)kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }
    return is_late ? -1 : code_of(status);
}

// Reads until the end of the pipe; false: that did not come in time.
static bool drain(int fd, struct tour_output *output)
{
    uint64_t end = tour_now_ms() + RUN_PATIENCE_MS;
    size_t used = 0;
    for (;;) {
        uint64_t now = tour_now_ms();
        struct pollfd watched = {fd, POLLIN, 0};
        if (now >= end || poll(&watched, 1, (int)(end - now)) <= 0) {
            break;
        }
        ssize_t got =
            read(fd, output->text + used, sizeof output->text - 1 - used);
        if (got <= 0) {
            output->text[used] = '\0';
            return got == 0;
        }
        used += (size_t)got;
    }
    output->text[used] = '\0';
    return false;
}

void tour_run(const struct tour *tour, const char *const *arguments,
              struct tour_output *output)
{
    const char *with_json[ARGUMENTS_MAX + 2] = {NULL};
    int ends[2];
    size_t count = 0;
    output->code = -1;
    output->text[0] = '\0';
    for (; arguments[count] != NULL && count < ARGUMENTS_MAX - 1; count++) {
        with_json[count] = arguments[count];
    }
    with_json[count] = "--json";
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return;
    }
    const struct tour_command command = {"rotor", with_json, -1,
                                         ends[1], -1,        NULL};
    pid_t pid = tour_spawn(tour, &command);
    close(ends[1]);
    if (pid > 0) {
        bool is_whole = drain(ends[0], output);
        output->code = tour_wait(pid, is_whole ? 1000 : 0);
    }
    close(ends[0]);
}

// ---- what they say ---------------------------------------------------------

static const char *value_of(const char *json, const char *key)
{
    char name[64];
    (void)snprintf(name, sizeof name, "\"%s\":", key);
    const char *found = strstr(json, name);
    return found != NULL ? found + strlen(name) : NULL;
}

bool tour_find_text(const char *json, const char *key, char *text, size_t size)
{
    const char *value = value_of(json, key);
    size_t used = 0;
    if (value == NULL || *value++ != '"') {
        return false;
    }
    for (; *value != '\0' && *value != '"' && used + 1 < size; value++) {
        value += *value == '\\' && value[1] != '\0' ? 1 : 0;
        text[used++] = *value;
    }
    text[used] = '\0';
    return *value == '"';
}

bool tour_find_number(const char *json, const char *key, uint64_t *number)
{
    const char *value = value_of(json, key);
    if (value == NULL || isdigit((unsigned char)*value) == 0) {
        return false;
    }
    *number = strtoull(value, NULL, 10);
    return true;
}

bool tour_was_refused(const struct tour_output *output, const char *cause,
                      const char *words, char message[256])
{
    char code[64] = "";
    message[0] = '\0';
    (void)tour_find_text(output->text, "code", code, sizeof code);
    (void)tour_find_text(output->text, "message", message, 256);
    return output->code == EXIT_REFUSED && strcmp(code, cause) == 0 &&
           strstr(message, words) != NULL;
}

// ---- other people's processes ----------------------------------------------

static bool is_child(pid_t pid, pid_t parent)
{
    char path[64];
    char text[512];
    int of = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    size_t size = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    const char *end = strrchr(text, ')'); // of the name, which may hold both
    return end != NULL && sscanf(end + 1, " %*c %d", &of) == 1 && of == parent;
}

static bool is_called(pid_t pid, const char *name)
{
    char path[64];
    char text[64] = "";
    (void)snprintf(path, sizeof path, "/proc/%ld/cmdline", (long)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    size_t size = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    return strcmp(text, name) == 0;
}

pid_t tour_child_of(pid_t parent, const char *name)
{
    pid_t found = 0;
    const struct dirent *entry = NULL;
    DIR *all = opendir("/proc");
    if (all == NULL) {
        return 0;
    }
    while (found == 0 && (entry = readdir(all)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        bool is_it = pid > 0 && is_child(pid, parent) &&
                     (name == NULL || is_called(pid, name));
        found = is_it ? pid : 0;
    }
    (void)closedir(all);
    return found;
}
