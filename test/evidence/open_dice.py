# SPDX-License-Identifier: Apache-2.0
"""The key that issues a certificate of open-dice, as PEM: from the CDI, by the
Open Profile's rules, with hashlib and the openssl program.  For tests."""
import hashlib
import hmac
import subprocess

SALT = bytes.fromhex("63b6a04d2c077fc10f639f21da793844356cc2b0b441b3a77124035c03f8e1be"
                     "6035d31f282821a7450a02222ab1b3cff1679b05ab1ca5d1affb789ccd2b0b3b")
CURVES = {  # size, order, OID
    "P256": (32, 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551, "06082a8648ce3d030107"),
    "P384": (48, 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973,
             "06052b81040022"),
}


def mac(key, data):
    return hmac.new(key, data, hashlib.sha512).digest()


def scalar(seed, curve):
    """The first candidate of the HMAC generator that is a private key."""
    size, order, _ = CURVES[curve]
    k, v = bytes(64), b"\x01" * 64
    for byte in (b"\0", b"\1"):
        k = mac(k, v + byte + seed)
        v = mac(k, v)
    while True:
        v = mac(k, v)
        if 0 < int.from_bytes(v[:size], "big") < order:
            return v[:size]
        k = mac(k, v + b"\0")
        v = mac(k, v)


def public_pem(cdi_attest, kind):
    """`kind` is Ed25519, P256 or P384."""
    seed = mac(mac(SALT, cdi_attest), b"Key Pair\x01")[:32]  # HKDF, one block
    if kind == "Ed25519":
        der = bytes.fromhex("302e020100300506032b657004220420") + seed
    else:
        key, oid = scalar(seed, kind), bytes.fromhex(CURVES[kind][2])
        inner = b"\x02\x01\x01\x04" + bytes([len(key)]) + key + b"\xa0" + bytes([len(oid)]) + oid
        der = b"\x30" + bytes([len(inner)]) + inner
    form = ["pkey"] if kind == "Ed25519" else ["ec"]
    return subprocess.run(["openssl", *form, "-inform", "DER", "-pubout"], input=der, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
