#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Known answers for chain/schedule.h and chain/hash.h, made from the text of
the protocol with hashlib and hmac alone.

Usage: chain_schedule.py > test/spec/chain_vectors.h
"""
import hashlib
import hmac
import struct

SUITES = {1: ("sha256", -16), 2: ("sha256", -16), 3: ("sha384", -43)}


# ---- CBOR, as much as is needed ---------------------------------------------

def head(major, value):
    for limit, extra, code in ((24, "", None), (1 << 8, ">B", 24), (1 << 16, ">H", 25),
                               (1 << 32, ">I", 26), (1 << 64, ">Q", 27)):
        if value < limit:
            if code is None:
                return bytes([major << 5 | value])
            return bytes([major << 5 | code]) + struct.pack(extra, value)
    raise ValueError(value)


def cbor(item):
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        return head(3, len(item.encode())) + item.encode()
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(map(cbor, item))
    if isinstance(item, dict):
        pairs = sorted((cbor(k), cbor(v)) for k, v in item.items())
        return head(5, len(pairs)) + b"".join(k + v for k, v in pairs)
    raise TypeError(item)


# ---- HKDF (RFC 5869) --------------------------------------------------------

def extract(name, salt, ikm):
    return hmac.new(salt, ikm, name).digest()


def expand(name, prk, info, size):
    out, block, count = b"", b"", 1
    while len(out) < size:
        block = hmac.new(prk, block + info + bytes([count]), name).digest()
        out, count = out + block, count + 1
    return out[:size]


def labelled(name, label, *parts):
    return hashlib.new(name, label + b"\0" + b"".join(parts)).digest()


def lp4(data):
    return struct.pack(">I", len(data)) + data


def fill(seed, size):
    """Bytes that look like nothing, the same each time."""
    out, count = b"", 0
    while len(out) < size:
        out, count = out + hashlib.sha256(f"{seed}/{count}".encode()).digest(), count + 1
    return out[:size]


# ---- rows -------------------------------------------------------------------

def emit(name, value):
    print(f'     .{name} = "{value.hex()}",')


def channel(suite, before_genesis):
    name, alg = SUITES[suite]
    size = hashlib.new(name).digest_size
    tag = f"channel {suite} {before_genesis}"
    log_id = b"" if before_genesis else fill(tag + "log", size)
    hello_rtp, header = fill(tag + "hello", 300), fill(tag + "header", 64)
    core, evidence = fill(tag + "core", 190), fill(tag + "evidence", 777)
    sig_s = b"" if before_genesis else fill(tag + "sig", 80)
    control = fill(tag + "control", 77)
    ee, es = fill(tag + "ee", 48 if suite == 3 else 32), fill(tag + "es", 48 if suite == 3 else 32)
    t1 = labelled(name, b"rotor1 chan1", lp4(hello_rtp), lp4(header[:8] + bytes(4) + header[12:]), lp4(core))
    t2 = labelled(name, b"rotor1 chan2", t1, lp4(evidence))
    t3 = labelled(name, b"rotor1 chan3", t2, lp4(sig_s), lp4(control))
    salt = labelled(name, b"rotor1 channel", struct.pack(">H", suite), log_id)
    ck1 = extract(name, salt, ee)
    ck2 = extract(name, expand(name, ck1, b"rotor1 derived", size), bytes(size) if before_genesis else es)
    print(f"    {{.suite = {suite},")
    for key, value in (("log_id", log_id), ("hello_rtp", hello_rtp), ("ap_header", header), ("core", core),
                       ("evidence", evidence), ("sig_s", sig_s), ("control_key", control), ("ee", ee),
                       ("es", b"" if before_genesis else es), ("t1", t1), ("t2", t2), ("t3", t3)):
        emit(key, value)
    for label, length in (("r2a key", 32), ("r2a iv", 12), ("a2r key", 32), ("a2r iv", 12)):
        info = b"rotor1 c/" + label.encode() + b"\0" + t3
        emit(label.replace(" ", "_"), expand(name, ck2, info, length))
    print("    },")


def session(suite, log_suite, id_rtp, binding):
    name, alg = SUITES[suite]
    log_name, log_alg = SUITES[log_suite]
    size = hashlib.new(name).digest_size
    tag = f"session {suite} {log_suite} {binding}"
    log_id = fill(tag + "log", hashlib.new(log_name).digest_size)
    body_hash = fill(tag + "body", size)
    request, core = fill(tag + "request", 210), fill(tag + "core", 400)
    evidence, sig_s = fill(tag + "evidence", 900), fill(tag + "sig", 80)
    sid, nonce_v, nonce_a = fill(tag + "sid", 16), fill(tag + "nv", 32), fill(tag + "na", 32)
    rtp = fill(tag + "rtp", 32) if id_rtp else b""
    peer_binding = fill(tag + "binding", binding)
    epoch, purpose = 0x1122334455 + suite, 6
    ee, es = fill(tag + "ee", 48 if suite == 3 else 32), fill(tag + "es", 48 if suite == 3 else 32)
    th1 = labelled(name, b"rotor1 th1", lp4(request), lp4(core))
    th1e = labelled(name, b"rotor1 th1e", th1, lp4(evidence))
    th2 = labelled(name, b"rotor1 th2", th1, lp4(evidence), lp4(sig_s))
    ck0 = labelled(name, b"rotor1 session", struct.pack(">H", suite), log_id)
    ck1 = extract(name, ck0, ee)
    ck2 = extract(name, expand(name, ck1, b"rotor1 derived", size), es)
    ck3 = extract(name, expand(name, ck2, b"rotor1 derived", size), bytes(size))
    ctx = cbor(["rotor1", suite, [log_alg, log_id], epoch, [alg, body_hash], [-16, rtp] if rtp else b"",
                [log_alg, log_id], sid, nonce_v, nonce_a, purpose, peer_binding, th2])

    def key(label, length):
        return expand(name, ck3, b"rotor1 s/" + label + b"\0" + hashlib.new(name, ctx).digest(), length)

    mac_a = hmac.new(key(b"fin a", size), th2, name).digest()
    mac_r = hmac.new(key(b"fin r", size), hashlib.new(name, th2 + mac_a).digest(), name).digest()
    print(f"    {{.suite = {suite}, .epoch = {epoch}u, .purpose = {purpose},")
    for field, value in (("log_id", log_id), ("body_hash", body_hash), ("request", request), ("core", core),
                         ("evidence", evidence), ("sig_s", sig_s), ("sid", sid), ("nonce_v", nonce_v),
                         ("nonce_a", nonce_a), ("id_rtp", rtp), ("peer_binding", peer_binding), ("ee", ee),
                         ("es", es), ("th1", th1), ("th1e", th1e), ("th2", th2)):
        emit(field, value)
    for label, length in (("r2a key", 32), ("r2a iv", 12), ("a2r key", 32), ("a2r iv", 12), ("fin r", size),
                          ("fin a", size), ("export", size)):
        emit(label.replace(" ", "_"), key(label.encode(), length))
    emit("mac_a", mac_a)
    emit("mac_r", mac_r)
    print("    },")


def hashes(suite):
    name, alg = SUITES[suite]
    size = hashlib.new(name).digest_size
    tag = f"hashes {suite}"
    body = fill(tag + "body", 333)
    request_id, boot = fill(tag + "id", 16), fill(tag + "nonce", 32)
    bind = fill(tag + "bind", size)
    log_id = fill(tag + "log", size)
    ots, x, y = fill(tag + "ots", 56), fill(tag + "x", 32), fill(tag + "y", 32)
    pair = [{1: -65537, -1: ots}, {1: 2, -1: 1, -2: x, -3: y}]
    ra_set = cbor([1, [{1: 1, -1: 6, -2: x}]])
    body_hash = labelled(name, b"rotor1 entry", body)
    print(f"    {{.suite = {suite},")
    emit("body", body)
    emit("body_hash", body_hash)
    emit("ots", ots)
    emit("point", x + y)
    emit("next_commit", labelled(name, b"rotor1 next-auth", cbor(pair)))
    emit("ra_set", ra_set)
    emit("ra", hashlib.new(name, ra_set).digest())
    emit("id", request_id)
    emit("request_hash", labelled(name, b"rotor1 request", cbor([request_id, 7, suite, 3, 4, 2])))
    emit("log_id", log_id)
    emit("nonce", boot)
    emit("bind", bind)
    emit("ud", hashlib.sha512(b"rotor1 report\0" + cbor([5, [alg, log_id], 300, [alg, body_hash], boot, bind])).digest())
    emit("ud_hello", hashlib.sha512(b"rotor1 report\0" + cbor([1, b"", 0, b"", boot, bind])).digest())
    emit("done", cbor([300, [alg, body_hash], 70000, request_id, 0xfedcba98]))
    emit("head", cbor([[alg, log_id], 300, [alg, body_hash], 70000, boot]))
    print("    },")


print("// SPDX-License-Identifier: Apache-2.0")
print("// Made by test/vectors/chain_schedule.py; do not edit.")
print("// clang-format off")
print("static const struct channel_row CHANNELS[] = {")
for s in SUITES:
    for early in (True, False):
        channel(s, early)
print("};")
print("static const struct session_row SESSIONS[] = {")
for row in ((1, 1, False, 0), (2, 2, True, 32), (3, 3, True, 64), (3, 2, False, 5), (2, 3, True, 0)):
    session(*row)
print("};")
print("static const struct hash_row HASHES[] = {")
for s in SUITES:
    hashes(s)
print("};")
