// SPDX-License-Identifier: Apache-2.0
#include "test/spec/software_tpm.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test/spec.h"

static void be_swtpm(const struct software_tpm *tpm)
{
    char state[100];
    char server[120];
    char control[120];
    snprintf(state, sizeof state, "dir=%s", tpm->folder);
    snprintf(server, sizeof server, "type=unixio,path=%s/tpm", tpm->folder);
    snprintf(control, sizeof control, "type=unixio,path=%s/tpm.ctrl",
             tpm->folder);
    // It does not outlive a test that dies.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state,
           "--server", server, "--ctrl", control, "--flags",
           "not-need-init,startup-clear", (char *)NULL);
    _exit(127);
}

static bool listens(const struct software_tpm *tpm, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", tpm->folder,
             name);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool is_there =
        connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return is_there;
}

int software_tpm_connect(const struct software_tpm *tpm)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/tpm", tpm->folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(
        connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

// Both sockets take connections, or the process is gone.
static bool wait_for(struct software_tpm *tpm)
{
    const struct timespec pause = {0, 5000000};
    for (;;) {
        int status;
        if (waitpid(tpm->process, &status, WNOHANG) == tpm->process) {
            tpm->process = 0;
            return false;
        }
        if (listens(tpm, "tpm.ctrl") && listens(tpm, "tpm")) {
            return true;
        }
        nanosleep(&pause, NULL);
    }
}

static bool run(struct software_tpm *tpm)
{
    tpm->process = fork();
    assert_true(tpm->process >= 0);
    if (tpm->process == 0) {
        be_swtpm(tpm);
    }
    return wait_for(tpm);
}

static void clear_folder(const struct software_tpm *tpm)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", tpm->folder);
    assert_int_equal(system(command), 0);
}

bool software_tpm_start(struct software_tpm *tpm)
{
    *tpm = (struct software_tpm){.process = 0};
    strcpy(tpm->folder, "/tmp/rotor-tpm-XXXXXX");
    assert_non_null(mkdtemp(tpm->folder));
    snprintf(tpm->tcti, sizeof tpm->tcti, "swtpm:path=%s/tpm", tpm->folder);
    // Refusals are expected here; tpm2-tss would print each.
    setenv("TSS2_LOG", "all+NONE", 1);
    if (!run(tpm)) {
        clear_folder(tpm);
        return false;
    }
    return true;
}

static void end(struct software_tpm *tpm)
{
    int status;
    char path[100];
    if (tpm->process > 0) {
        kill(tpm->process, SIGTERM);
        waitpid(tpm->process, &status, 0);
        tpm->process = 0;
    }
    snprintf(path, sizeof path, "%s/tpm.ctrl", tpm->folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/tpm", tpm->folder);
    unlink(path);
}

void software_tpm_restart(struct software_tpm *tpm)
{
    end(tpm);
    assert_true(run(tpm));
}

void software_tpm_stop(struct software_tpm *tpm)
{
    end(tpm);
    clear_folder(tpm);
}

void software_tpm_run(const struct software_tpm *tpm, const char *format, ...)
{
    char command[2048];
    va_list arguments;
    int size = snprintf(command, sizeof command,
                        "exec >/dev/null 2>&1; export TPM2TOOLS_TCTI='%s'; ",
                        tpm->tcti);
    va_start(arguments, format);
    vsnprintf(command + size, sizeof command - (size_t)size, format, arguments);
    va_end(arguments);
    assert_int_equal(system(command), 0);
}
