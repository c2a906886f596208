// SPDX-License-Identifier: Apache-2.0
#include "bench/peer.h"

#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "bench/tally.h"

#define MESSAGE_MAX 20000u // bytes

static void wake(_Atomic uint32_t *word)
{
    atomic_fetch_add(word, 1);
    (void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void sleep_while(_Atomic uint32_t *word, uint32_t value)
{
    while (atomic_load(word) == value) {
        (void)syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
    }
}

_Noreturn static void answer_futex(struct peer_words *words)
{
    for (uint32_t seen = 0;; seen++) {
        sleep_while(&words->there, seen);
        wake(&words->back);
    }
}

// The first four bytes say how much is wanted back.
_Noreturn static void answer_socket(int fd)
{
    static uint8_t message[MESSAGE_MAX];
    for (;;) {
        ssize_t got = recv(fd, message, sizeof message, 0);
        if (got < 4 || send(fd, message, bytes_be32(message), 0) < 0) {
            _exit(0);
        }
    }
}

static pid_t fork_child(void)
{
    pid_t pid = fork();
    tally_expect(pid >= 0, "fork");
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    }
    return pid;
}

void peer_open(struct peer *peer)
{
    int ends[2];
    peer->words = mmap(NULL, sizeof *peer->words, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    tally_expect(
        peer->words != MAP_FAILED &&
            socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0,
        "no memory or socket");
    peer->by_futex = fork_child();
    if (peer->by_futex == 0) {
        answer_futex(peer->words);
    }
    peer->by_socket = fork_child();
    if (peer->by_socket == 0) {
        (void)close(ends[0]);
        answer_socket(ends[1]);
    }
    (void)close(ends[1]);
    peer->fd = ends[0];
}

void peer_ping_futex(struct peer *peer)
{
    uint32_t before = atomic_load(&peer->words->back);
    wake(&peer->words->there);
    sleep_while(&peer->words->back, before);
}

void peer_ping_socket(struct peer *peer, size_t there, size_t back)
{
    static uint8_t message[MESSAGE_MAX];
    bytes_put_be32(message, (uint32_t)back);
    tally_expect(
        there >= 4 && there <= sizeof message && back <= sizeof message &&
            send(peer->fd, message, there, 0) == (ssize_t)there &&
            recv(peer->fd, message, sizeof message, 0) == (ssize_t)back,
        "socket");
}

static void end(pid_t pid)
{
    int status = 0;
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
}

void peer_close(struct peer *peer)
{
    end(peer->by_futex);
    end(peer->by_socket);
    (void)close(peer->fd);
    (void)munmap(peer->words, sizeof *peer->words);
}
