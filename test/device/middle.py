#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Somebody on the way: middle.py WHAT PORT TARGET

Passes frames (be32 size || kind || content) on both ways, and with the fourth
record from the requester does WHAT: flip, repeat, cut or inject.
"""
import socket
import struct
import sys
import threading

what, port, target = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
RECORD, REQUEST = 4, 1


def read(stream, size):
    data = b""
    while len(data) < size:
        more = stream.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def frame(stream):
    head = read(stream, 4)
    return head + read(stream, struct.unpack(">I", head)[0])


def back(source, sink):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


server = socket.create_server(("127.0.0.1", port))
requester, _ = server.accept()
listener = socket.create_connection(("127.0.0.1", target))
threading.Thread(target=back, args=(listener, requester), daemon=True).start()
records, request = 0, None
try:
    while True:
        data = frame(requester)
        if data[4] == REQUEST:
            request = data
        records += data[4] == RECORD
        if data[4] == RECORD and records == 4:
            if what == "flip":
                data = data[:100] + bytes([data[100] ^ 1]) + data[101:]
            elif what == "repeat":
                listener.sendall(data)
            elif what == "inject":
                listener.sendall(request)
            elif what == "cut":
                break
        listener.sendall(data)
except (EOFError, OSError):
    pass
for end in (requester, listener):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
