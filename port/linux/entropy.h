// SPDX-License-Identifier: Apache-2.0
// The noise sources of a Linux process, in the order of the report:
//
//     getrandom  required; the kernel's pool; credited
//     rdseed     the 64-bit form, where CPU and kernel both offer it; credited
//     hwrng      /dev/hwrng; slow, often the host's word only: no credit
//     (plugged)  a descriptor that the launcher gives; no credit
//
// linux_entropy_open looks the platform over and opens what there is; it runs
// before the enclave gives up open().  Reading afterwards takes getrandom()
// and read() and nothing else.
//
// A source that is missing stays in the list with read == NULL, so that
// reports name it.
#ifndef ROTOR_PORT_LINUX_ENTROPY_H
#define ROTOR_PORT_LINUX_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rotor/status.h>

#include "entropy/source.h"

#define LINUX_ENTROPY_SOURCES 4u

struct linux_entropy_options {
    const char *cpuinfo_path; // NULL: /proc/cpuinfo
    const char *hwrng_path;   // NULL: /dev/hwrng
    int hwrng_fd; // > 0: open already, stays the caller's; 0: by its path

    // A source of the operator's own, or of a test: bytes from plugged_fd.
    // plugged_name NULL: none.  The name must outlive the sources.
    const char *plugged_name;
    int plugged_fd;           // stays the caller's; is made non-blocking
    bool plugged_is_required; // no draw without it
};

// Not movable: the sources point into it.
struct linux_entropy {
    struct entropy_source sources[LINUX_ENTROPY_SOURCES];
    size_t count;
    int hwrng_fd; // -1: not open
    uint64_t hwrng_asked_ms;
    int plugged_fd;
};

// Fills `sources` for entropy_init.  Reads no entropy yet.
//
// ROTOR_INVALID  plugged_fd is not a descriptor that can be made non-blocking.
ROTOR_CALL linux_entropy_open(struct linux_entropy *linux_entropy,
                              const struct linux_entropy_options *options);

// Closes what open() opened.  The sources are dead afterwards.
void linux_entropy_close(struct linux_entropy *linux_entropy);

// True when the first "flags" line of the file names `flag` as a whole word.
// The kernel takes a flag off that line when it finds the feature broken,
// which CPUID, read from a process, does not show.
bool linux_cpuinfo_has_flag(const char *path, const char *flag);

#endif
