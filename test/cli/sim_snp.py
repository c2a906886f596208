#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A simulated SEV-SNP chip under a root of its own, through the openssl
program.

    sim_snp.py make FOLDER     keys, ARK.pem, ASK.pem, VCEK.pem, table, report
    sim_snp.py sign FOLDER IN OUT   the report IN, signed by the VCEK, as OUT
    sim_snp.py data BUNDLE     64 bytes that a report over it must carry, hex
    sim_snp.py mix A B OUT     the answer of A with the platform's evidence of B
    sim_snp.py own BUNDLE OUT  the enclave's own Evidence alone
"""
import hashlib
import os
import struct
import subprocess
import sys

CHIP = hashlib.sha512(b"simulated chip").digest()
TCB = bytes([3, 0, 0, 0, 0, 0, 8, 115])


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def certificate(folder, name, common, issuer, extensions):
    at = os.path.join(folder, name)
    with open(at + ".cnf", "w", encoding="utf-8") as file:
        file.write("[e]\n" + extensions)
    openssl("req", "-new", "-key", at + ".key", "-subj",
            f"/OU=Engineering/C=US/O=Advanced Micro Devices/CN={common}", "-out", at + ".csr")
    by = os.path.join(folder, issuer)
    signer = ["-signkey", by + ".key"] if issuer == name else ["-CA", by + ".pem", "-CAkey", by + ".key", "-CAcreateserial"]
    openssl("x509", "-req", "-in", at + ".csr", *signer, "-days", "3650", "-sha384", "-sigopt",
            "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:48", "-extfile", at + ".cnf",
            "-extensions", "e", "-out", at + ".pem")
    openssl("x509", "-in", at + ".pem", "-outform", "DER", "-out", at + ".der")


def make(folder):
    os.makedirs(folder, exist_ok=True)
    authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
    amd = "1.3.6.1.4.1.3704.1"
    parts = {1: TCB[0], 2: TCB[1], 3: TCB[6], 4: 0, 5: 0, 6: 0, 7: 0, 8: TCB[7]}
    leaf = f"{amd}.1=ASN1:INTEGER:0\n{amd}.2=ASN1:IA5STRING:Milan-B0\n"
    leaf += "".join(f"{amd}.3.{arc}=ASN1:INTEGER:{value}\n" for arc, value in parts.items())
    leaf += f"{amd}.4=DER:{CHIP.hex()}\n"
    for name in ("ARK", "ASK"):
        openssl("genrsa", "-out", os.path.join(folder, name + ".key"), "4096")
    openssl("ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", os.path.join(folder, "VCEK.key"))
    certificate(folder, "ARK", "ARK-Milan", "ARK", authority)
    certificate(folder, "ASK", "SEV-Milan", "ARK", authority)
    certificate(folder, "VCEK", "SEV-VCEK", "ASK", leaf)
    ders = [open(os.path.join(folder, n + ".der"), "rb").read() for n in ("VCEK", "ASK", "ARK")]
    offset, head = 24 * 4, b""
    for i, der in enumerate(ders):
        head += bytes([i + 1]) * 16 + struct.pack("<II", offset, len(der))
        offset += len(der)
    with open(os.path.join(folder, "table"), "wb") as file:
        file.write(head + bytes(24) + b"".join(ders))
    report = bytearray(1184)
    struct.pack_into("<IIQ", report, 0, 2, 1, 0x30000)
    struct.pack_into("<I", report, 0x34, 1)
    for at in (0x38, 0x180, 0x1e0, 0x1f0):
        report[at:at + 8] = TCB
    report[0x90:0xc0] = hashlib.sha384(b"simulated guest").digest()
    report[0x140:0x160] = hashlib.sha256(b"simulated instance").digest()
    report[0x160:0x180] = b"\xff" * 32
    report[0x1a0:0x1e0] = CHIP
    report[0x1e8:0x1eb] = report[0x1ec:0x1ef] = bytes([4, 52, 1])
    with open(os.path.join(folder, "report"), "wb") as file:
        file.write(report)


def sign(folder, source, target):
    report = bytearray(open(source, "rb").read())
    with open(target + ".signed", "wb") as file:
        file.write(report[:0x2a0])
    openssl("dgst", "-sha384", "-sign", os.path.join(folder, "VCEK.key"), "-out", target + ".sig", target + ".signed")
    der = open(target + ".sig", "rb").read()
    at = 2
    for place in (0x2a0, 0x2a0 + 72):
        size = der[at + 1]
        number = der[at + 2:at + 2 + size].lstrip(b"\0")
        report[place:place + 72] = number[::-1].ljust(72, b"\0")
        at += 2 + size
    for extra in (".signed", ".sig"):
        os.unlink(target + extra)
    with open(target, "wb") as file:
        file.write(report)


# ---- deterministic CBOR, as much as a bundle has ----------------------------


def decode(data, at=0):
    major, low = data[at] >> 5, data[at] & 31
    at += 1
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(low, 0)
    value = int.from_bytes(data[at:at + size], "big") if size else low
    at += size
    if major == 0:
        return value, at
    if major == 1:
        return -1 - value, at
    if major in (2, 3):
        return data[at:at + value], at + value
    items = []
    for _ in range(value * (2 if major == 5 else 1)):
        if data[at] == 0xf6:
            item, at = None, at + 1
        else:
            item, at = decode(data, at)
        items.append(item)
    return (dict(zip(items[::2], items[1::2])) if major == 5 else items), at


def encode(value):
    def head(major, number):
        for low, size in ((None, 0), (24, 1), (25, 2), (26, 4), (27, 8)):
            if low is None and number < 24:
                return bytes([major << 5 | number])
            if low is not None and number < 1 << 8 * size:
                return bytes([major << 5 | low]) + number.to_bytes(size, "big")
        raise ValueError(number)
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    return head(4, len(value)) + b"".join(encode(item) for item in value)


def report_data(bundle):
    """PROTOCOL.chain 8 from the request and the answer, by hand."""
    _, request, response, *_ = decode(bundle)[0]
    core = decode(response)[0][2]
    asked, answered = decode(request)[0], decode(core)[0]
    hashes = {1: hashlib.sha256, 2: hashlib.sha256, 3: hashlib.sha384}
    lp4 = lambda data: struct.pack(">I", len(data)) + data
    th1 = hashes[answered[4]](b"rotor1 th1\0" + lp4(request) + lp4(core)).digest()
    bound = encode([asked[6], answered[1], answered[2], answered[3], asked[3], th1])
    return hashlib.sha512(b"rotor1 report\0" + bound).digest()


if sys.argv[1] == "make":
    make(sys.argv[2])
elif sys.argv[1] == "sign":
    sign(*sys.argv[2:5])
elif sys.argv[1] == "mix":
    first, second = (open(name, "rb").read() for name in sys.argv[2:4])
    size = [len(encode(decode(data)[0][4])) for data in (first, second)]
    with open(sys.argv[4], "wb") as mixed:
        mixed.write(first[:-size[0]] + second[-size[1]:])
elif sys.argv[1] == "own":
    with open(sys.argv[3], "wb") as own:
        own.write(decode(decode(open(sys.argv[2], "rb").read())[0][2])[0][3])
else:
    print(report_data(open(sys.argv[2], "rb").read()).hex())
