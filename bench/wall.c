// SPDX-License-Identifier: Apache-2.0
#include "bench/wall.h"

#include <sys/mman.h>
#include <unistd.h>

#include "bench/tally.h"

static void *map_all(int fd, size_t size, int access)
{
    void *memory = mmap(NULL, size, access, MAP_SHARED | MAP_POPULATE, fd, 0);
    tally_expect(memory != MAP_FAILED, "no mapping");
    return memory;
}

struct wall wall_open(size_t size)
{
    int fd = memfd_create("wall", MFD_CLOEXEC);
    tally_expect(fd >= 0 && ftruncate(fd, (off_t)size) == 0, "no memory");
    struct wall wall = {
        .written = map_all(fd, size, PROT_READ | PROT_WRITE),
        .read = map_all(fd, size, PROT_READ),
    };
    (void)close(fd);
    return wall;
}
