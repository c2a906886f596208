// SPDX-License-Identifier: Apache-2.0
// Another process that does nothing but answer: what waking somebody up costs
// on this machine.
#ifndef ROTOR_BENCH_PEER_H
#define ROTOR_BENCH_PEER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct peer_words { // shared
    _Atomic uint32_t there;
    _Atomic uint32_t back;
};

struct peer {
    struct peer_words *words;
    pid_t by_futex;
    pid_t by_socket;
    int fd;
};

// Starts both, asleep.
void peer_open(struct peer *peer);

// There and back: the other side sleeps on a futex, then this one does.
void peer_ping_futex(struct peer *peer);

// `there` bytes to it and `back` bytes from it, over a Unix SEQPACKET socket
// on which both sides block.
void peer_ping_socket(struct peer *peer, size_t there, size_t back);

void peer_close(struct peer *peer);

#endif
