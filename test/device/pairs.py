# SPDX-License-Identifier: Apache-2.0
"""A program with a queue pair that does with it what it should not.

    pairs.py SOCKET channel | twice | left | crowd | nonsense | flood
"""
import mmap
import os
import select
import signal
import socket
import struct
import sys
import time

import client

QUEUE = 12
STATUS = 1
PAGE = mmap.PAGESIZE


def open_pair(connection):
    connection.send_raw(client.request(QUEUE, 1))
    message, fds, _, _ = socket.recv_fds(connection.socket, client.MESSAGE_MAX, 2)
    reply = client.Reply(message)
    if reply.code != client.OK:
        return reply, None, None
    return reply, client.decode(reply.payload), fds


def crowd(path, other):
    """One connection each of more processes than there are places, until one of
    ours is taken."""
    strangers = []
    try:
        for _ in range(80):
            pid = os.fork()
            if pid == 0:
                stranger = client.Client(path)
                signal.pause()
                os._exit(stranger is None)
            strangers.append(pid)
        return other.is_cut_off()
    finally:
        for pid in strangers:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def bell(memory):
    """Rings as fast as it can for a while, asked or not."""
    for i in range(20000):
        memory[256:260] = struct.pack("<I", i)


def main():
    path, what = sys.argv[1:]
    connection = client.Client(path)
    reply, pair, fds = open_pair(connection)
    assert reply.code == client.OK, reply.text
    if what == "channel":
        print(pair[0])
        return
    if what == "twice":
        again, _, _ = open_pair(connection)
        print("UNAVAILABLE" if again.code == client.UNAVAILABLE else again.code)
        return
    if what == "left":
        connection.socket.close()
        poll = select.poll()
        poll.register(fds[1], 0)
        print("over" if poll.poll(10000) else "served")
        return
    if what == "crowd":
        print("taken" if crowd(path, client.Client(path)) else "kept")
        print(connection.ask(STATUS).code == client.OK)
        return
    slots = pair[2]
    half = PAGE + -(-64 * slots // PAGE) * PAGE
    memory = mmap.mmap(fds[0], 2 * half)
    if what == "nonsense":
        memory[PAGE:half] = os.urandom(half - PAGE)
    else:
        bell(memory)
        # Well-formed frames of nobody: PROTOCOL.ipq 2.1 and 3.
        for position in range(64):
            stamp = (pair[1] % 32768 + 1 + position) & 0xffff
            slot = PAGE + 64 * position
            memory[slot:slot + 64] = os.urandom(60) + struct.pack("<HH", 60, stamp)
    time.sleep(0.5)  # the memory stays, as that of a living program


main()
