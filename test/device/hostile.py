# SPDX-License-Identifier: Apache-2.0
"""A peer that means harm, and one that only wants to be served.

    hostile.py WAY WHERE LOG_ID_HEX SECONDS     WHERE: a path, or HOST:PORT

`served` attests without pause until the time is over, prints its figures as
JSON and fails when one request was not answered well.  It comes from another
address than the hostile ones, as strangers do.
"""
import json
import os
import random
import resource
import socket
import struct
import sys
import time

from client import ATTEST, MESSAGE_MAX, OK, STATUS, Client, attest_request, request

WAY, WHERE, LOG = sys.argv[1], sys.argv[2], [-16, bytes.fromhex(sys.argv[3])]
SECONDS = float(sys.argv[4])
IS_STREAM = ":" in WHERE
CHAOS = random.Random(1)


def connect(source="127.0.0.1", patience_s=5):
    if IS_STREAM:
        host, port = WHERE.rsplit(":", 1)
        peer = socket.create_connection((host, int(port)), timeout=patience_s, source_address=(source, 0))
    else:
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        peer.connect(WHERE)  # waits: with a timeout it would not
        peer.settimeout(patience_s)
    return peer


def framed(message):
    return struct.pack(">I", len(message)) + message if IS_STREAM else message


def one_of_many(action):
    """Peers are refused, cut off, or time out: all of that is right."""
    try:
        action()
    except OSError:
        pass


def garbage():
    """Random bytes; frames around random bytes; requests with bytes changed."""
    whole = bytearray(framed(request(STATUS if not IS_STREAM else ATTEST, 1, attest_request(LOG))))
    for round in range(400):
        def throw():
            peer = connect()
            for _ in range(20):
                kind = round % 3
                if kind == 0:
                    message = CHAOS.randbytes(CHAOS.choice((1, 3, 64, 5000)))
                elif kind == 1:
                    message = framed(CHAOS.randbytes(CHAOS.randrange(1, 300)))
                else:
                    message = bytearray(whole)
                    message[CHAOS.randrange(len(message))] ^= 1 << CHAOS.randrange(8)
                peer.sendall(message)
            peer.close()
        one_of_many(throw)


def truncated():
    """Every beginning of a request, then nothing more."""
    whole = framed(request(ATTEST, 1, attest_request(LOG)))
    for size in range(len(whole)):
        def throw():
            peer = connect()
            peer.sendall(whole[:size] or b"\0")
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass
            peer.close()
        one_of_many(throw)


def oversized():
    """More than a message may have, said and sent."""
    for size in (MESSAGE_MAX + 1, 1 << 16, 1 << 17):
        for claim in (size, 0x7FFFFFFF, 0xFFFFFFFF):
            def throw():
                peer = connect()
                peer.sendall((struct.pack(">I", claim) if IS_STREAM else b"") + bytes(size))
                peer.recv(65536)
                peer.close()
            one_of_many(throw)


def loris():
    """All places that there are, each with a request that never ends."""
    whole = framed(request(ATTEST, 1, attest_request(LOG)))
    end = time.monotonic() + SECONDS
    peers = []
    at = 0
    while time.monotonic() < end:
        while len(peers) < 200:
            peers.append(connect())
        for peer in list(peers):
            try:
                if IS_STREAM:
                    peer.sendall(whole[at % 40:at % 40 + 1])
                else:
                    peer.getpeername()
            except OSError:
                peers.remove(peer)
        at += 1
        time.sleep(0.02)


def flood():
    """As many requests as go out, no answer read."""
    end = time.monotonic() + SECONDS
    message = framed(request(ATTEST, 1, attest_request(LOG)))
    peers = []
    while time.monotonic() < end:
        while len(peers) < 40:
            peer = connect()
            peer.setblocking(False)
            peers.append(peer)
        for peer in list(peers):
            try:
                peer.send(message)
            except BlockingIOError:
                pass
            except OSError:
                peers.remove(peer)


def hasty():
    """Gives up on every answer at once and asks again."""
    greedy(1)


def greedy(deadline_ms=None):
    """Many connections that ask as fast as they are answered."""
    end = time.monotonic() + SECONDS
    peers = []
    while time.monotonic() < end:
        while len(peers) < 30:
            client = Client(WHERE if not IS_STREAM else (WHERE.rsplit(":", 1)[0], int(WHERE.rsplit(":", 1)[1])))
            peers.append(client)
        for client in list(peers):
            try:
                for _ in range(8):
                    client.submit(ATTEST, attest_request(LOG), deadline_ms)
                for _ in range(8):
                    client.receive()
            except OSError:
                peers.remove(client)


def many():
    """Thousands of connections, one after the other and at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    peers = []
    for count in range(5000):
        def throw():
            peer = connect()
            peers.append(peer)
            if count % 3 == 0:
                peer.sendall(b"\0")
        one_of_many(throw)
        if len(peers) > 900:
            for peer in peers[:450]:
                peer.close()
            del peers[:450]


def half_open():
    """Peers that end one direction, or vanish with a reset in mid-request."""
    message = framed(request(ATTEST, 1, attest_request(LOG)))
    for round in range(500):
        def throw():
            peer = connect()
            peer.sendall(message * (1 if not IS_STREAM else 3))
            if round % 2 == 0:
                peer.shutdown(socket.SHUT_WR)
            elif IS_STREAM:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        one_of_many(throw)


def served():
    end = time.monotonic() + SECONDS
    times, bad = [], []
    client = Client.__new__(Client)
    client.is_stream, client.last = IS_STREAM, 0
    client.socket = connect("127.0.0.2" if IS_STREAM else None, 20)
    while time.monotonic() < end:
        started = time.monotonic()
        reply = client.ask(ATTEST, attest_request(LOG))
        if reply.code != OK:
            bad.append(f"{reply.code} {reply.text}")
        times.append(time.monotonic() - started)
        if len(times) % 10 == 0:  # as a stranger who comes for the first time
            client.close()
            client.socket = connect("127.0.0.2" if IS_STREAM else None, 20)
    times.sort()
    print(json.dumps({"served": len(times), "bad": len(bad), "why": sorted(set(bad))[:5],
                      "p99_ms": round(1000 * times[len(times) * 99 // 100], 1) if times else None}))
    return 0 if times and not bad else 1


sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
WAYS = {way.__name__: way for way in (garbage, truncated, oversized, loris, flood, greedy, hasty, many, half_open, served)}
sys.exit(WAYS[WAY]())
