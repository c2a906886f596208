# SPDX-License-Identifier: Apache-2.0
"""The client protocol in Python, so that a test can also break it.

A second implementation of doc/PROTOCOL.rot's strict CBOR, as far as the tests
need it; nothing here comes from librotor.
"""
import os
import socket
import struct

STATUS, ATTEST, SESSION_FIN, SESSION_KEY, LOG_GET, HEAD_PROOF = 1, 2, 3, 4, 5, 6
ROTATE, EVENT, RETEST, SIGN, CANCEL = 7, 8, 9, 10, 11
OK, MALFORMED, DENIED, BUSY, TIMEOUT, CANCELLED = 0, 1, 2, 3, 4, 5
REFUSED, UNAVAILABLE, UNSUPPORTED, FAILED = 6, 7, 8, 9
MESSAGE_MAX = 17408


def head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * size:
            return bytes([major << 5 | code]) + value.to_bytes(size, "big")
    raise ValueError(value)


def encode(item):
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        return head(3, len(item.encode())) + item.encode()
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(map(encode, item))
    pairs = sorted((encode(key), encode(value)) for key, value in item.items())
    return head(5, len(pairs)) + b"".join(key + value for key, value in pairs)


def decode_at(data, at):
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(info, 0)
    value = int.from_bytes(data[at:at + size], "big") if size else info
    at += size
    if major < 2:
        return (value if major == 0 else -1 - value), at
    if major < 4:
        text = data[at:at + value]
        return (text if major == 2 else text.decode()), at + value
    items = []
    for _ in range(value if major == 4 else 2 * value):
        item, at = decode_at(data, at)
        items.append(item)
    return (items if major == 4 else dict(zip(items[::2], items[1::2]))), at


def decode(data):
    item, end = decode_at(data, 0)
    assert end == len(data), "something stands behind the item"
    return item


def request(op, number, payload=None, deadline_ms=None):
    content = {0: op, 1: number}
    if deadline_ms is not None:
        content[2] = deadline_ms
    if payload is not None:
        content[3] = payload
    return encode(content)


class Reply:
    def __init__(self, message):
        content = decode(message)
        self.op, self.id, self.code = content[0], content[1], content[2]
        self.payload = content.get(3)
        self.text = content.get(4, "")


class Client:
    """One connection: a path is the Unix socket, (host, port) is TCP."""

    def __init__(self, where, patience_s=20):
        self.is_stream = not isinstance(where, str)
        if self.is_stream:
            self.socket = socket.create_connection(where)
        else:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.socket.connect(where)
        self.socket.settimeout(patience_s)
        self.last = 0

    def send_raw(self, message):
        if self.is_stream:
            message = struct.pack(">I", len(message)) + message
        self.socket.sendall(message)

    def _exactly(self, size):
        got = b""
        while len(got) < size:
            part = self.socket.recv(size - len(got))
            if not part:
                raise ConnectionResetError
            got += part
        return got

    def receive(self):
        if self.is_stream:
            return Reply(self._exactly(struct.unpack(">I", self._exactly(4))[0]))
        message = self.socket.recv(MESSAGE_MAX + 1)
        if not message:
            raise ConnectionResetError
        return Reply(message)

    def submit(self, op, payload=None, deadline_ms=None):
        self.last += 1
        self.send_raw(request(op, self.last, payload, deadline_ms))
        return self.last

    def ask(self, op, payload=None, deadline_ms=None):
        wanted = self.submit(op, payload, deadline_ms)
        while True:
            reply = self.receive()
            if reply.id == wanted:
                return reply

    def is_cut_off(self):
        """Whether the other side ends the connection, sooner or later."""
        try:
            while self.socket.recv(MESSAGE_MAX + 1):
                pass
        except (ConnectionResetError, BrokenPipeError):
            pass
        except TimeoutError:
            return False
        return True

    def close(self):
        self.socket.close()


def status_of(path):
    client = Client(path)
    reply = client.ask(STATUS)
    client.close()
    assert reply.code == OK, reply.text
    return decode(reply.payload)


def attest_request(log_id):
    """ATTEST_REQ without session keys, with evidence."""
    return encode({0: 0x30, 1: log_id, 2: os.urandom(16), 3: os.urandom(32), 4: b"", 5: [1, 2, 3], 6: 5,
                   7: b"", 8: 0, 10: b"", 11: 1})


def rotate_request(reason=7):
    return encode({0: reason})
