// SPDX-License-Identifier: Apache-2.0
// rotord: the daemon of a device.
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/rotord/config.h"
#include "app/rotord/device.h"
#include "app/rotord/notify.h"
#include "base/bytes.h"

enum exit_code { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_UNABLE = 3 };

static const char USAGE[] =
    "usage: rotord [--config FILE] [--state DIR] [--listen HOST:PORT]\n"
    "\n"
    "Secure-boots the RTP and the enclave of this machine and keeps them\n"
    "running, in the foreground or under a service manager (Type=notify).\n"
    "\n"
    "  -c, --config FILE        settings; default /etc/rotor/rotord.conf, if "
    "any\n"
    "  -s, --state DIR          folder of everything that must last\n"
    "  -l, --listen HOST:PORT   also serve relying parties over TCP\n"
    "      --check-config       read the settings, say what is wrong, end\n"
    "      --print-config       print every setting with its meaning, end\n"
    "      --factory-reset      end the root of trust and its log for good; "
    "the\n"
    "                           next start makes new ones.  Wants --yes\n"
    "      --yes                mean it\n"
    "  -h, --help\n"
    "\n"
    "SIGUSR1 is a security event: rotate now.  SIGHUP: start the images anew.\n"
    "\n"
    "Example:\n"
    "  rotor image install --state /tmp/r --keyring dev.keyring rtp.img\n"
    "  rotor image install --state /tmp/r enclave.img\n"
    "  rotord --state /tmp/r &\n"
    "  rotor --state /tmp/r status\n";

#define DEFAULT_CONFIG "/etc/rotor/rotord.conf"

enum mode { MODE_RUN, MODE_CHECK, MODE_PRINT, MODE_RESET };

struct options {
    const char *config;
    const char *state;
    const char *listen;
    enum mode mode;
    bool is_sure;
};

static int misused(const char *what)
{
    fprintf(stderr, "rotord: error: %s\n", what);
    fprintf(stderr, "rotord: hint: rotord --help shows the flags\n");
    return EXIT_USAGE;
}

// -1: go on; else the exit code.
static int parse(int count, char **arguments, struct options *options)
{
    static const struct option flags[] = {
        {"config",        required_argument, NULL, 'c'},
        {"state",         required_argument, NULL, 's'},
        {"listen",        required_argument, NULL, 'l'},
        {"check-config",  no_argument,       NULL, 'k'},
        {"print-config",  no_argument,       NULL, 'p'},
        {"factory-reset", no_argument,       NULL, 'r'},
        {"yes",           no_argument,       NULL, 'y'},
        {"help",          no_argument,       NULL, 'h'},
        {NULL,            0,                 NULL, 0  },
    };
    int flag = 0;
    while ((flag = getopt_long(count, arguments, "c:s:l:h", flags, NULL)) !=
           -1) {
        switch (flag) {
        case 'c':
            options->config = optarg;
            break;
        case 's':
            options->state = optarg;
            break;
        case 'l':
            options->listen = optarg;
            break;
        case 'k':
            options->mode = MODE_CHECK;
            break;
        case 'p':
            options->mode = MODE_PRINT;
            break;
        case 'r':
            options->mode = MODE_RESET;
            break;
        case 'y':
            options->is_sure = true;
            break;
        case 'h':
            fputs(USAGE, stdout);
            return EXIT_DONE;
        default:
            return misused("unknown or incomplete flag");
        }
    }
    return optind == count ? -1 : misused("rotord takes no arguments");
}

static bool override(char *member, size_t size, const char *value)
{
    if (value != NULL && strlen(value) >= size) {
        return false;
    }
    if (value != NULL) {
        memcpy(member, value, strlen(value) + 1);
    }
    return true;
}

static int settle(const struct options *options, struct config *config)
{
    bool has_default = access(DEFAULT_CONFIG, F_OK) == 0;
    const char *file = options->config != NULL ? options->config
                       : has_default           ? DEFAULT_CONFIG
                                               : NULL;
    config_init(config);
    enum config_verdict verdict =
        file != NULL ? config_read(config, file) : CONFIG_GOOD;
    if (verdict != CONFIG_GOOD) {
        return verdict == CONFIG_WRONG ? EXIT_USAGE : EXIT_UNABLE;
    }
    if (!override(config->state, sizeof config->state, options->state) ||
        !override(config->listen, sizeof config->listen, options->listen)) {
        return misused("a flag's value is too long");
    }
    return -1;
}

// ---- the loop --------------------------------------------------------------

static void reap(struct device *device)
{
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        device_child_ended(device, pid, status);
    }
}

static void take_signal(struct device *device, int signals)
{
    struct signalfd_siginfo info;
    if (read(signals, &info, sizeof info) != (ssize_t)sizeof info) {
        return;
    }
    switch (info.ssi_signo) {
    case SIGCHLD:
        reap(device);
        break;
    case SIGUSR1:
        device_event(device, 3, "SIGUSR1");
        break;
    case SIGHUP:
        notify("RELOADING=1");
        device_reload(device);
        break;
    default:
        notify("STOPPING=1");
        device_end(device);
        break;
    }
}

enum { AT_SIGNALS, AT_STARTER, AT_RTP, AT_ENCLAVE, WATCHED };

static void serve(struct device *device, int signals)
{
    for (;;) {
        int wait_ms = device_start_due(device);
        bool is_over = device->is_ending && device->rtp.pid == 0 &&
                       device->enclave.pid == 0;
        if (is_over) {
            return;
        }
        struct pollfd watched[WATCHED] = {
            [AT_SIGNALS] = {signals,                POLLIN, 0},
            [AT_STARTER] = {device->starter,        POLLIN, 0},
            [AT_RTP] = {device->rtp.report,     POLLIN, 0},
            [AT_ENCLAVE] = {device->enclave.report, POLLIN, 0},
        };
        if (poll(watched, WATCHED, wait_ms) < 0) {
            continue;
        }
        if (watched[AT_RTP].revents != 0) {
            device_take_report(device, &device->rtp);
        }
        if (watched[AT_ENCLAVE].revents != 0) {
            device_take_report(device, &device->enclave);
        }
        if (watched[AT_STARTER].revents != 0) {
            device_take_record(device);
        }
        if (watched[AT_SIGNALS].revents != 0) {
            take_signal(device, signals);
        }
    }
}

static int open_signals(void)
{
    sigset_t wanted;
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGCHLD);
    (void)sigaddset(&wanted, SIGTERM);
    (void)sigaddset(&wanted, SIGINT);
    (void)sigaddset(&wanted, SIGHUP);
    (void)sigaddset(&wanted, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &wanted, NULL);
    return signalfd(-1, &wanted, SFD_CLOEXEC);
}

static int reset(const struct options *options, const struct config *config)
{
    if (!options->is_sure) {
        fputs("rotord: error: a factory reset ends the root of trust and its "
              "log for good\n"
              "rotord: hint: --factory-reset --yes does it; a recovery "
              "authority goes on with the log instead: rotor recover --help\n",
              stderr);
        return EXIT_USAGE;
    }
    return device_reset(config) ? EXIT_DONE : EXIT_UNABLE;
}

static int run(const struct config *config)
{
    struct device device;
    notify_init();
    int signals = open_signals();
    if (signals < 0) {
        return EXIT_UNABLE;
    }
    if (!device_open(&device, config)) {
        device_close(&device);
        return EXIT_UNABLE;
    }
    serve(&device, signals);
    device_close(&device);
    return EXIT_DONE;
}

int main(int count, char **arguments)
{
    struct options options = {0};
    struct config config;
    int code = parse(count, arguments, &options);
    if (code < 0) {
        code = settle(&options, &config);
    }
    if (code >= 0) {
        return code;
    }
    switch (options.mode) {
    case MODE_PRINT:
        config_print(&config);
        return EXIT_DONE;
    case MODE_CHECK:
        puts("settings are good");
        return EXIT_DONE;
    case MODE_RESET:
        return reset(&options, &config);
    case MODE_RUN:
        break;
    }
    return run(&config);
}
