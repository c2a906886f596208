// SPDX-License-Identifier: Apache-2.0
#include "port/linux/shared_queue.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// Without these a peer can cut the memory short, and our next look is SIGBUS.
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static bool make_sealed(int fd, size_t size)
{
    return ftruncate(fd, (off_t)size) == 0 &&
           fcntl(fd, F_ADD_SEALS, SEALS) == 0;
}

enum rotor_status shared_queue_create(const struct rotor_ipq_plan *plan,
                                      int *fd)
{
    size_t size = rotor_ipq_channel_size(plan, page_size());
    if (size == 0) {
        return ROTOR_INVALID;
    }
    int made = memfd_create("rotor-queue", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (made < 0) {
        return ROTOR_PORT_FAILED;
    }
    if (!make_sealed(made, size)) {
        (void)close(made);
        return ROTOR_PORT_FAILED;
    }
    *fd = made;
    return ROTOR_OK;
}

static bool is_sealed_memory(int fd, size_t size)
{
    struct stat status;
    // First: only a memfd has seals, and one that is sealed keeps its size.
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & SEALS) == SEALS && fstat(fd, &status) == 0 &&
           status.st_size == (off_t)size;
}

static uint8_t *map_half(int fd, size_t half_size, unsigned half, int access)
{
    void *memory = mmap(NULL, half_size, access, MAP_SHARED | MAP_POPULATE, fd,
                        (off_t)(half * half_size));
    if (memory == MAP_FAILED) {
        return NULL;
    }
    // Keeps frames out of core files; where that is refused, nothing breaks.
    (void)madvise(memory, half_size, MADV_DONTDUMP);
    return memory;
}

enum rotor_status shared_queue_open(struct shared_queue *queue,
                                    const struct rotor_ipq_plan *plan, int fd,
                                    enum rotor_ipq_side side)
{
    *queue = (struct shared_queue){0};
    size_t half_size = rotor_ipq_half_size(plan, page_size());
    if (half_size == 0) {
        return ROTOR_INVALID;
    }
    if (!is_sealed_memory(fd, 2 * half_size)) {
        return ROTOR_FORBIDDEN;
    }
    unsigned my_half = side == ROTOR_IPQ_AP;
    uint8_t *mine = map_half(fd, half_size, my_half, PROT_READ | PROT_WRITE);
    uint8_t *theirs = map_half(fd, half_size, !my_half, PROT_READ);
    queue->mine = (struct rotor_room){mine, mine ? half_size : 0, 0};
    queue->theirs = (struct rotor_bytes){theirs, theirs ? half_size : 0};
    enum rotor_status status = ROTOR_PORT_FAILED;
    if (mine != NULL && theirs != NULL) {
        status = rotor_ipq_channel_init(&queue->channel, plan, page_size(),
                                        queue->mine, queue->theirs);
    }
    if (status != ROTOR_OK) {
        shared_queue_close(queue);
    }
    return status;
}

void shared_queue_close(struct shared_queue *queue)
{
    if (queue->mine.data != NULL) {
        (void)munmap(queue->mine.data, queue->mine.capacity);
    }
    if (queue->theirs.data != NULL) {
        // The pages are read-only; munmap takes no const.
        (void)munmap((void *)(uintptr_t)queue->theirs.data, queue->theirs.size);
    }
    *queue = (struct shared_queue){0};
}
