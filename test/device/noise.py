# SPDX-License-Identifier: Apache-2.0
"""An entropy source that is as good as its file of orders says: noise.py PIPE ORDERS

good: random bytes.  zeros, ones, stuck, repeat: what broken ones give.
silent: open, and nothing comes.
"""
import os
import sys
import time

PIPE, ORDERS = sys.argv[1:]
BLOCK = os.urandom(8)
MAKE = {
    "good": lambda: os.urandom(64),
    "zeros": lambda: bytes(64),
    "ones": lambda: b"\xff" * 64,
    "stuck": lambda: b"\x5a" * 64,
    "repeat": lambda: BLOCK * 8,
    "silent": lambda: b"",
}
pipe = os.open(PIPE, os.O_RDWR | os.O_NONBLOCK)
last = None
while os.path.exists(ORDERS):
    with open(ORDERS, encoding="ascii") as orders:
        order = orders.read().strip() or last
    if order != last:
        try:
            while os.read(pipe, 65536):  # what came before the order
                pass
        except BlockingIOError:
            pass
        last = order
    try:
        written = os.write(pipe, MAKE[order]()) if order != "silent" else 0
    except BlockingIOError:
        written = 0
    if written == 0:
        time.sleep(0.002)
