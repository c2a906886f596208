// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/rotord/device.h"
#include "app/rotord/reset.h"
#include "app/rotord/settings.h"
#include "base/bytes.h"
#include "port/linux/folder.h"
#include "wire/message.h"

#define PORT_TRIES   20u
#define PORT_WAIT_MS 50

static bool complain(const char *what, const char *why, const char *hint)
{
    fprintf(stderr, "rotord: error: %s: %s\n", what, why);
    if (hint != NULL) {
        fprintf(stderr, "rotord: hint: %s\n", hint);
    }
    return false;
}

// ---- folders ---------------------------------------------------------------

// One rotord for one state folder; its pid stands in the lock file.
static bool lock_state(struct device *device)
{
    char pid[24];
    int lock = openat(device->state_folder, "lock",
                      O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) {
        return complain(device->config->state, strerror(errno),
                        "rotord writes there: the lock, the log, the stores");
    }
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        return complain(device->config->state,
                        "another rotord runs on this state folder",
                        "stop it first, or give this one its own --state");
    }
    int size = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(lock, 0) != 0 || pwrite(lock, pid, (size_t)size, 0) != size) {
        return complain(device->config->state, strerror(errno), NULL);
    }
    return true; // stays open, and locked, until we end
}

// Gives a folder and its files to the user that will run the program.  A new
// user in the settings takes over what the old one left.
static bool hand_over(int folder, uid_t uid, gid_t gid)
{
    struct stat state;
    if (fstat(folder, &state) == 0 && state.st_uid == uid) {
        return true;
    }
    int copy = dup(folder);
    DIR *files = copy >= 0 ? fdopendir(copy) : NULL;
    bool is_good = files != NULL;
    const struct dirent *file = NULL;
    while (is_good && (file = readdir(files)) != NULL) {
        is_good =
            file->d_type != DT_REG ||
            fchownat(folder, file->d_name, uid, gid, AT_SYMLINK_NOFOLLOW) == 0;
    }
    if (files != NULL) {
        (void)closedir(files);
    }
    return is_good && fchown(folder, uid, gid) == 0;
}

static bool open_below(struct device *device, const char *name, uid_t uid,
                       gid_t gid, int *folder)
{
    if (mkdirat(device->state_folder, name, 0700) != 0 && errno != EEXIST) {
        return complain(name, strerror(errno), NULL);
    }
    *folder = openat(device->state_folder, name,
                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool is_good = *folder >= 0 &&
                   (geteuid() != 0 || uid == 0 || hand_over(*folder, uid, gid));
    return is_good ? true : complain(name, strerror(errno), NULL);
}

static bool find_user(const char *name, uid_t *uid, gid_t *gid)
{
    *uid = geteuid();
    *gid = getegid();
    if (geteuid() != 0 || name[0] == '\0') {
        return true;
    }
    const struct passwd *user = getpwnam(name);
    if (user == NULL) {
        return complain(name, "no such user",
                        "set enclave-user and rtp-user in rotord.conf");
    }
    *uid = user->pw_uid;
    *gid = user->pw_gid;
    return true;
}

// The state folder, ours alone from here on.
static bool open_state(struct device *device)
{
    const char *path = device->config->state;
    if (linux_folder_open(path, &device->state_folder) != ROTOR_OK) {
        return complain(path, strerror(errno),
                        "give a folder that you may write: --state DIR");
    }
    // Whoever may write here may plant a device secret that he knows.
    struct stat state;
    bool is_private = fstat(device->state_folder, &state) == 0 &&
                      state.st_uid == geteuid() && (state.st_mode & 0022) == 0;
    if (!is_private) {
        return complain(path, "others may write this folder",
                        "it must belong to the user of rotord, mode 0700");
    }
    return lock_state(device);
}

static bool open_folders(struct device *device)
{
    if (!open_state(device)) {
        return false;
    }
    if (!reset_resume(device->state_folder)) {
        return complain("factory reset", strerror(errno),
                        "it was ordered, and has to be finished first");
    }
    return open_below(device, "boot", 0, 0, &device->boot_folder) &&
           open_below(device, "enclave", device->enclave_uid,
                      device->enclave_gid, &device->enclave_store) &&
           open_below(device, "rtp", device->rtp_uid, device->rtp_gid,
                      &device->rtp_store);
}

// ---- sockets ---------------------------------------------------------------

static void socket_path(const struct config *config, char *path, size_t size)
{
    if (config->socket[0] != '\0') {
        (void)snprintf(path, size, "%s", config->socket);
    } else {
        (void)snprintf(path, size, "%s/control.sock", config->state);
    }
}

static bool listen_clients(struct device *device)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[CONFIG_TEXT_MAX + 16];
    socket_path(device->config, path, sizeof path);
    if (strlen(path) >= sizeof address.sun_path) {
        return complain(path, "longer than a socket's name may be",
                        "set socket = /run/rotor/control.sock in rotord.conf");
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    (void)unlink(path); // we hold the lock: a leftover
    device->clients =
        socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177);
    bool is_bound = device->clients >= 0 &&
                    bind(device->clients, (const struct sockaddr *)&address,
                         sizeof address) == 0;
    (void)umask(mask);
    if (!is_bound || listen(device->clients, 64) != 0) {
        return complain(path, strerror(errno), NULL);
    }
    return true;
}

static int listen_at(const struct addrinfo *address)
{
    const int yes = 1;
    int fd = socket(address->ai_family,
                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 ||
        listen(fd, 64) != 0) {
        int cause = errno;
        close(fd);
        errno = cause;
        return -1;
    }
    return fd;
}

// The RTP of a rotord that was killed holds the port until it is gone.
static int listen_when_free(const struct addrinfo *address)
{
    int fd = listen_at(address);
    for (unsigned i = 0; fd < 0 && errno == EADDRINUSE && i < PORT_TRIES; i++) {
        (void)poll(NULL, 0, PORT_WAIT_MS);
        fd = listen_at(address);
    }
    return fd;
}

// getaddrinfo takes greater ones too, modulo 65536.
static bool is_port(const char *text)
{
    char *end = NULL;
    unsigned long port = strtoul(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && port <= 65535;
}

static bool listen_remote(struct device *device)
{
    char host[CONFIG_TEXT_MAX];
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    (void)snprintf(host, sizeof host, "%s", device->config->listen);
    if (host[0] == '\0') {
        return true;
    }
    char *port = strrchr(host, ':');
    if (port == NULL) {
        return complain(host, "expected HOST:PORT",
                        "listen = 127.0.0.1:7700, or [::1]:7700");
    }
    *port++ = '\0';
    if (!is_port(port)) {
        return complain(device->config->listen, "no port up to 65535",
                        "listen = 127.0.0.1:7700, or [::1]:7700");
    }
    bool is_bracketed = host[0] == '[' && port - 2 > host && port[-2] == ']';
    if (is_bracketed) {
        port[-2] = '\0';
    }
    int cause =
        getaddrinfo(is_bracketed ? host + 1 : host, port, &hints, &found);
    if (cause != 0) {
        return complain(device->config->listen, gai_strerror(cause), NULL);
    }
    device->remote = listen_when_free(found);
    freeaddrinfo(found);
    return device->remote >= 0
               ? true
               : complain(device->config->listen, strerror(errno),
                          "pick a free port: --listen HOST:PORT");
}

// ---- settings --------------------------------------------------------------

static bool encode_settings(struct device *device)
{
    struct rotor_room room = ROOM_OF(device->settings);
    bool is_good = settings_encode(device->config, &room);
    device->settings_size = room.used;
    return is_good;
}

static bool open_noise(struct device *device)
{
    const struct config *config = device->config;
    // The enclave's user may not open it; where there is none, it goes without.
    device->hwrng = open("/dev/hwrng", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (config->entropy_name[0] == '\0') {
        return true;
    }
    device->plugged =
        open(config->entropy_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat state;
    bool is_open = device->plugged >= 0 && fstat(device->plugged, &state) == 0;
    if (is_open && S_ISDIR(state.st_mode)) {
        errno = EISDIR;
        is_open = false;
    }
    return is_open || complain(config->entropy_path, strerror(errno),
                               "[entropy] path names the source in "
                               "rotord.conf");
}

// The UDS is made in a child, so that it was never in our memory.
static bool provision(const struct device *device)
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(stage0_provision(device->state_folder) == ROTOR_OK ? 0 : 1);
    }
    int status = 0;
    bool is_done = pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
    return is_done || complain("uds", "cannot make the device secret",
                               "is the state folder full, or not writable?");
}

bool device_reset(const struct config *config)
{
    struct device device = {.config = config, .state_folder = -1};
    char aside[RESET_NAME_SIZE];
    struct stat state;
    if (stat(config->state, &state) != 0) {
        return complain(config->state, strerror(errno),
                        "--state DIR names the device");
    }
    if (!open_state(&device)) {
        return false;
    }
    if (!reset_device(device.state_folder, aside)) {
        return complain("factory reset", strerror(errno),
                        "nothing is lost that was not ordered; once it is "
                        "mended, the next start of rotord finishes it");
    }
    printf("reset: the next start makes a new root and a new log\n"
           "The old log is in %s/%s.  Relying parties refuse the new one until "
           "they pin it.\n",
           config->state, aside);
    return true;
}

bool device_open(struct device *device, const struct config *config)
{
    *device = (struct device){
        .config = config,
        .state_folder = -1,
        .boot_folder = -1,
        .enclave_store = -1,
        .rtp_store = -1,
        .clients = -1,
        .remote = -1,
        .plugged = -1,
        .hwrng = -1,
        .starter = -1,
        .queue = -1,
        .bell = -1,
        .bell_end = -1,
        .rtp = {.component = BOOT_RTP,     .report = -1},
        .enclave = {.component = BOOT_ENCLAVE, .report = -1},
    };
    for (size_t i = 0; i < LAUNCH_PAIRS; i++) {
        device->pairs[i] = -1;
        device->pair_bells[i] = -1;
        device->pair_bell_ends[i] = -1;
    }
    return find_user(config->enclave_user, &device->enclave_uid,
                     &device->enclave_gid) &&
           find_user(config->rtp_user, &device->rtp_uid, &device->rtp_gid) &&
           open_folders(device) && provision(device) &&
           encode_settings(device) && open_noise(device) &&
           listen_clients(device) && listen_remote(device);
}

void device_close(struct device *device)
{
    char path[CONFIG_TEXT_MAX + 16];
    socket_path(device->config, path, sizeof path);
    if (device->clients >= 0) {
        (void)unlink(path);
        close(device->clients);
    }
}
