// SPDX-License-Identifier: Apache-2.0
#include "app/rotord/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un manager;
static socklen_t manager_size;

void notify_init(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (path == NULL || (path[0] != '/' && path[0] != '@') ||
        strlen(path) >= sizeof manager.sun_path) {
        return;
    }
    manager.sun_family = AF_UNIX;
    memcpy(manager.sun_path, path, strlen(path));
    if (path[0] == '@') {
        manager.sun_path[0] = '\0'; // abstract name
    }
    manager_size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    (void)unsetenv("NOTIFY_SOCKET");
}

void notify(const char *state)
{
    if (manager_size == 0) {
        return;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
                     (const struct sockaddr *)&manager, manager_size);
        close(fd);
    }
}
