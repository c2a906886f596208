#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A simulated TPM whose attestation key has a certificate, through the openssl
program.

    sim_tpm.py FOLDER    root.pem, list.pem (nothing revoked), revoked.pem (the
                         key's certificate), report (as rotor writes them)
"""
import hashlib
import os
import subprocess
import sys


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], check=True, input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def sized(value):
    return len(value).to_bytes(2, "big") + value


def bstr(value):
    return b"\x59" + sized(value)


def numbers(der):
    """r and s."""
    out, at = [], 2
    for _ in range(2):
        size = der[at + 1]
        out.append(der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0"))
        at += 2 + size
    return out


def main(folder):
    os.makedirs(folder)
    os.chdir(folder)
    write("cnf", "[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n"
          "default_crl_days=30\n[r]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
          "[l]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=2.23.133.8.3\n")
    write("index", "")
    write("number", "01\n")
    for name in ("root", "ak"):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", name + ".key")
        openssl("req", "-new", "-key", name + ".key", "-subj", "/CN=" + name, "-out", name + ".csr")
    openssl("x509", "-req", "-in", "root.csr", "-signkey", "root.key", "-days", "30", "-extfile", "cnf",
            "-extensions", "r", "-out", "root.pem")
    openssl("x509", "-req", "-in", "ak.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days",
            "30", "-extfile", "cnf", "-extensions", "l", "-out", "ak.pem")
    by = ("ca", "-config", "cnf", "-keyfile", "root.key", "-cert", "root.pem")
    openssl(*by, "-gencrl", "-out", "list.pem")
    openssl(*by, "-revoke", "ak.pem")
    openssl(*by, "-gencrl", "-out", "revoked.pem")
    point = openssl("ec", "-in", "ak.key", "-pubout", "-outform", "DER")[-64:]
    area = bytes.fromhex("0023000b00050072000000100018000b00030010") + sized(point[:32]) + sized(point[32:])
    quote = (bytes.fromhex("ff5443478018") + sized(b"") + sized(bytes(32)) + bytes(16) + b"\x01" + bytes(8)
             + bytes.fromhex("00000001000b03ff0000") + sized(hashlib.sha256(bytes(8 * 32)).digest()))
    write("quote", "")
    with open("quote", "wb") as file:
        file.write(quote)
    r, s = numbers(openssl("dgst", "-sha256", "-sign", "ak.key", "quote"))
    signature = bytes.fromhex("0018000b") + sized(r) + sized(s)
    certificate = openssl("x509", "-in", "ak.pem", "-outform", "DER")
    parts = [bstr(quote), bstr(signature), bstr(area), b"\x80", b"\x40", bstr(certificate), b"\x40", b"\x40"]
    # The shortest head is the only one: a length below 256 has one byte.
    parts = [b"\x58" + p[2:] if p[:2] == b"\x59\x00" else p for p in parts]
    with open("report", "wb") as file:
        file.write(b"\x88" + b"".join(parts))


main(sys.argv[1])
