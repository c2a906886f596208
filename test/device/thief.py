#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A thief who holds the root of a device and not its rotation key:
thief.py PORT TARGET EPOCH

Stands in front of a copy of the device at TARGET and hands out what it says,
but for the entry of EPOCH, whose rotation signatures he cannot make.  Says
"ready" when he listens.
"""
import socket
import struct
import sys
import threading

from client import LOG_GET, decode, encode

port, target, epoch = (int(text) for text in sys.argv[1:4])


def read(stream, size):
    data = b""
    while len(data) < size:
        more = stream.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def message(stream):
    return read(stream, struct.unpack(">I", read(stream, 4))[0])


def send(stream, content):
    stream.sendall(struct.pack(">I", len(content)) + content)


def forge(entry):
    body, attachments = entry
    if decode(body)[3] == epoch:
        attachments[2] = [sign1[:-1] + bytes([sign1[-1] ^ 1]) for sign1 in attachments[2]]
    return [body, attachments]


def altered(content):
    reply = decode(content)
    if reply[0] != LOG_GET or 3 not in reply:
        return content
    entries = decode(reply[3])
    entries[2] = [forge(entry) for entry in entries[2]]
    reply[3] = encode(entries)
    return encode(reply)


def serve(party):
    with party, socket.create_connection(("127.0.0.1", target)) as copy:
        try:
            while True:
                send(copy, message(party))
                send(party, altered(message(copy)))
        except (EOFError, OSError):
            pass


server = socket.create_server(("127.0.0.1", port))
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
