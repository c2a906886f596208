#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A simulated TDX platform under a root of its own, through the openssl
program.  Nothing here is Intel's: a party must name root.pem to believe it.

    sim_tdx.py make FOLDER            root.pem; endorsements/ (lists, TCB info,
                                      QE identity, who signed them); revoked.pem,
                                      old.json, false.json; quote
    sim_tdx.py sign FOLDER [CHANGE] IN OUT
                                      the quote IN, signed anew, as OUT; CHANGE
                                      is made before: vendor, debug, module,
                                      svn, qe, qe-debug
    sim_tdx.py flip FOLDER BUNDLE PART OUT
                                      one bit of the quote in a bundle changed
"""
import datetime
import hashlib
import os
import shutil
import struct
import subprocess
import sys

VENDOR = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
FMSPC, PCEID, PCESVN, SVN = "00906ED50000", "0000", 11, 3
BODY, SIGNATURE, KEY, QE = 48, 48 + 584 + 4, 48 + 584 + 4 + 64, 48 + 584 + 4 + 128 + 6
PARTS = {"version": 0, "vendor": 12, "mrseam": BODY + 16, "mrtd": BODY + 136, "rtmr": BODY + 328,
         "report-data": BODY + 520, "signature": SIGNATURE, "key": KEY, "qe-report": QE + 128,
         "qe-signature": QE + 384, "qe-data": QE + 450}


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], check=True, input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


# ---- certificates ----------------------------------------------------------


def der(tag, content):
    size = len(content)
    head = bytes([size]) if size < 128 else bytes([0x82]) + struct.pack(">H", size)
    return bytes([tag]) + head + content


def field(arcs, value):
    """SEQUENCE of an OID below 1.2.840.113741.1.13.1 and a value."""
    return der(0x30, der(6, bytes.fromhex("2a864886f84d010d01") + bytes(arcs)) + value)


def platform():
    svns = b"".join(field([2, i], der(2, bytes([SVN]))) for i in range(1, 17))
    svns += field([2, 17], der(2, bytes([PCESVN]))) + field([2, 18], der(4, bytes([SVN]) * 16))
    ppid = hashlib.sha256(b"simulated platform").digest()[:16]
    return der(0x30, field([1], der(4, ppid)) + field([2], der(0x30, svns)) +
               field([3], der(4, bytes.fromhex(PCEID))) + field([4], der(4, bytes.fromhex(FMSPC))))


def certificate(folder, name, common, issuer, extensions):
    at, by = os.path.join(folder, name), os.path.join(folder, issuer)
    with open(at + ".cnf", "w", encoding="utf-8") as file:
        file.write("[e]\n" + extensions)
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", at + ".key")
    openssl("req", "-new", "-key", at + ".key", "-subj", f"/CN={common}/O=Simulated", "-out", at + ".csr")
    signer = ["-signkey", by + ".key"] if issuer == name else ["-CA", by + ".pem", "-CAkey", by + ".key", "-CAcreateserial"]
    openssl("x509", "-req", "-in", at + ".csr", *signer, "-days", "3650", "-sha256",
            "-extfile", at + ".cnf", "-extensions", "e", "-out", at + ".pem")


def revocation_list(folder, issuer, revoked=None):
    at = os.path.join(folder, "ca")
    with open(at + ".cnf", "w", encoding="utf-8") as file:
        file.write(f"[ca]\ndefault_ca=a\n[a]\ndatabase={at}.index\ndefault_md=sha256\ndefault_crl_days=30\n")
    with open(at + ".index", "w", encoding="utf-8"):
        pass
    by = ["-config", at + ".cnf", "-keyfile", os.path.join(folder, issuer + ".key"),
          "-cert", os.path.join(folder, issuer + ".pem")]
    if revoked:
        openssl("ca", *by, "-revoke", os.path.join(folder, revoked + ".pem"))
    return openssl("ca", *by, "-gencrl")


# ---- what Intel would say --------------------------------------------------


def raw(signature):
    """r || s, each 32 bytes, of a DER signature."""
    numbers, at = b"", 2
    for _ in range(2):
        size = signature[at + 1]
        numbers += signature[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + size
    return numbers


def sign_with(folder, name, data):
    return raw(openssl("dgst", "-sha256", "-sign", os.path.join(folder, name + ".key"), data=data))


def statement(folder, signer, name, body, path):
    text = f'{{"{name}":{body},"signature":"{sign_with(folder, signer, body.encode()).hex()}"}}'
    with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
        file.write(text)


def dates(days):
    begin = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    end = begin + datetime.timedelta(days=30)
    return f'"issueDate":"{begin:%Y-%m-%dT%H:%M:%SZ}","nextUpdate":"{end:%Y-%m-%dT%H:%M:%SZ}"'


def tcb_info(days):
    date, word = '"tcbDate":"2025-01-01T00:00:00Z"', '"tcbStatus":"UpToDate"'
    svns = ",".join([f'{{"svn":{SVN}}}'] * 16)
    by = f'"mrsigner":"{"00" * 48}","attributes":"{"00" * 8}","attributesMask":"{"FF" * 8}"'
    return (f'{{"id":"TDX","version":3,{dates(days)},"fmspc":"{FMSPC}","pceId":"{PCEID}","tcbType":0,'
            f'"tcbEvaluationDataNumber":17,"tdxModule":{{{by}}},"tdxModuleIdentities":[{{"id":"TDX_01",{by},'
            f'"tcbLevels":[{{"tcb":{{"isvsvn":4}},{date},{word}}}]}}],"tcbLevels":[{{"tcb":{{"sgxtcbcomponents":[{svns}],'
            f'"pcesvn":{PCESVN},"tdxtcbcomponents":[{svns}]}},{date},{word}}}]}}')


def qe_identity():
    return (f'{{"id":"TD_QE","version":2,{dates(-1)},"tcbEvaluationDataNumber":17,"miscselect":"00000000",'
            f'"miscselectMask":"FFFFFFFF","attributes":"11{"00" * 15}","attributesMask":"FBFFFFFFFFFFFFFF{"00" * 8}",'
            f'"mrsigner":"{"51" * 32}","isvprodid":2,"tcbLevels":[{{"tcb":{{"isvsvn":4}},'
            f'"tcbDate":"2025-01-01T00:00:00Z","tcbStatus":"UpToDate"}}]}}')


def make(folder):
    endorsements = os.path.join(folder, "endorsements")
    os.makedirs(endorsements, exist_ok=True)
    authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
    leaf = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
    certificate(folder, "root", "Simulated Root CA", "root", authority)
    certificate(folder, "ca", "Simulated PCK CA", "root", authority)
    certificate(folder, "pck", "Simulated PCK", "ca", leaf + f"1.2.840.113741.1.13.1=DER:{platform().hex()}\n")
    certificate(folder, "signer", "Intel SGX TCB Signing", "root", leaf)  # the name that a verifier asks for
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", os.path.join(folder, "quoting.key"))
    root_list = revocation_list(folder, "root")
    for name, lists in (("endorsements/lists.pem", root_list + revocation_list(folder, "ca")),
                        ("revoked.pem", root_list + revocation_list(folder, "ca", "pck"))):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(lists)
    for name in ("ca.pem", "signer.pem"):
        shutil.copy(os.path.join(folder, name), endorsements)
    statement(folder, "signer", "tcbInfo", tcb_info(-1), "endorsements/tcb.json")
    statement(folder, "signer", "enclaveIdentity", qe_identity(), "endorsements/qe.json")
    statement(folder, "signer", "tcbInfo", tcb_info(-40), "old.json")
    statement(folder, "pck", "tcbInfo", tcb_info(0), "false.json")
    with open(os.path.join(folder, "quote"), "wb") as file:
        file.write(quote(folder, bytes(64), None))


# ---- the quote -------------------------------------------------------------


def quote(folder, report_data, change):
    body = bytearray(584)
    body[0:16] = bytes([SVN]) * 16
    body[0:2] = bytes([3 if change == "module" else 4, 1])  # version and SVN of the module
    body[2] = SVN - 1 if change == "svn" else SVN
    body[16:64] = hashlib.sha384(b"simulated module").digest()
    body[120] = 1 if change == "debug" else 0
    body[123] = 0x10
    body[136:184] = hashlib.sha384(b"simulated guest").digest()
    body[328:376] = hashlib.sha384(b"simulated firmware").digest()
    body[520:584] = report_data
    vendor = bytes(16) if change == "vendor" else VENDOR
    signed = struct.pack("<HHI4x", 4, 2, 0x81) + vendor + bytes(20) + body
    key = openssl("ec", "-in", os.path.join(folder, "quoting.key"), "-pubout", "-outform", "DER")[-64:]
    data = b"simulated quoting enclave, data."
    report = bytearray(384)
    report[48] = 0x13 if change == "qe-debug" else 0x11
    report[128:160] = (b"\x52" if change == "qe" else b"\x51") * 32
    report[256:260] = struct.pack("<HH", 2, 4)
    report[320:352] = hashlib.sha256(key + data).digest()
    chain = b"".join(open(os.path.join(folder, n + ".pem"), "rb").read() for n in ("pck", "ca", "root"))
    inner = bytes(report) + sign_with(folder, "pck", bytes(report)) + struct.pack("<H", len(data)) + data
    inner += struct.pack("<HI", 5, len(chain)) + chain
    outer = sign_with(folder, "quoting", signed) + key + struct.pack("<HI", 6, len(inner)) + inner
    return signed + struct.pack("<I", len(outer)) + outer


def sign(folder, *arguments):
    change = arguments[0] if len(arguments) == 3 else None
    source, target = arguments[-2:]
    asked = open(source, "rb").read()[PARTS["report-data"]:][:64]
    with open(target, "wb") as file:
        file.write(quote(folder, asked, change))


def flip(folder, bundle, part, target):
    data = bytearray(open(bundle, "rb").read())
    at = data.index(open(os.path.join(folder, "quote"), "rb").read()[:48])
    if part == "pck":  # one digit inside its Base64
        at = data.index(b"-----BEGIN CERTIFICATE-----", at) + 200
        data[at] = ord("A") if data[at] != ord("A") else ord("B")
    else:
        data[at + PARTS[part]] ^= 1
    with open(target, "wb") as file:
        file.write(data)


{"make": make, "sign": sign, "flip": flip}[sys.argv[1]](*sys.argv[2:])
