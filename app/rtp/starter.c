// SPDX-License-Identifier: Apache-2.0
#include "app/rtp/starter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static uint32_t enclave;

void starter_speak_of(uint32_t queue_seed)
{
    enclave = queue_seed;
}

bool starter_tell(enum launch_notice notice, const char *text)
{
    struct launch_record record = {.notice = notice, .value = enclave};
    (void)snprintf(record.text, sizeof record.text, "%s", text);
    return send(LAUNCH_FD_STARTER, &record, sizeof record,
                MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof record;
}

enum starter_said starter_hear(struct launch_record *record,
                               int fds[LAUNCH_UP_FDS])
{
    const size_t all = LAUNCH_UP_FDS * sizeof fds[0];
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(LAUNCH_UP_FDS * sizeof(int))];
    } control;
    struct iovec content = {record, sizeof *record};
    struct msghdr message = {.msg_iov = &content,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t got =
        recvmsg(LAUNCH_FD_STARTER, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        return STARTER_GONE;
    }
    if (got != (ssize_t)sizeof *record) {
        return STARTER_NOTHING;
    }
    const struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    bool has_fds = rights != NULL && rights->cmsg_type == SCM_RIGHTS &&
                   rights->cmsg_len == CMSG_LEN(all);
    record->text[sizeof record->text - 1] = '\0';
    if (has_fds) {
        memcpy(fds, CMSG_DATA(rights), all);
    }
    return record->notice == LAUNCH_ENCLAVE_UP && !has_fds ? STARTER_NOTHING
                                                           : STARTER_RECORD;
}
