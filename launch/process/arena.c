// SPDX-License-Identifier: Apache-2.0
#include "launch/process/arena.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/secret.h"

// Blocks of 2^4 .. 2^20 bytes of payload behind a header.
#define CLASS_MIN   4u
#define CLASS_COUNT 17u

struct block {
    _Alignas(16) uint32_t class; // index of its size
    struct block *next;          // while it is free
};

static struct {
    uint8_t *next;
    uint8_t *end;
    struct block *free[CLASS_COUNT];
} arena;

static void *map_secret(size_t size)
{
#ifdef SYS_memfd_secret
    int fd = (int)syscall(SYS_memfd_secret, 0);
    if (fd < 0) {
        return MAP_FAILED;
    }
    void *memory = MAP_FAILED;
    if (ftruncate(fd, (off_t)size) == 0) {
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    close(fd); // a descriptor left open is a way in: pidfd_getfd
    return memory;
#else
    (void)size;
    return MAP_FAILED;
#endif
}

static void *map_private(size_t size, bool *is_locked)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) {
        *is_locked = mlock(memory, size) == 0;
        (void)madvise(memory, size, MADV_DONTDUMP);
        (void)madvise(memory, size, MADV_WIPEONFORK);
    }
    return memory;
}

enum rotor_status arena_open(size_t size, struct arena_kind *kind)
{
    bool is_locked = true;
    void *memory = map_secret(size);
    bool is_secret = memory != MAP_FAILED;
    if (is_secret) {
        (void)madvise(memory, size, MADV_DONTFORK);
    } else {
        memory = map_private(size, &is_locked);
    }
    if (memory == MAP_FAILED) {
        return ROTOR_PORT_FAILED;
    }
    arena.next = memory;
    arena.end = arena.next + size;
    *kind = (struct arena_kind){is_secret, is_locked};
    return ROTOR_OK;
}

void *arena_take(size_t size)
{
    size_t rounded = (size + 63) / 64 * 64;
    if (rounded < size || rounded > (size_t)(arena.end - arena.next)) {
        return NULL;
    }
    void *taken = arena.next;
    arena.next += rounded;
    return taken;
}

static size_t class_size(uint32_t class)
{
    return (size_t)1 << (class + CLASS_MIN);
}

void *arena_allocate(size_t size)
{
    uint32_t class = 0;
    while (class < CLASS_COUNT && class_size(class) < size) {
        class ++;
    }
    if (class == CLASS_COUNT) {
        return NULL;
    }
    struct block *block = arena.free[class];
    if (block != NULL) {
        arena.free[class] = block->next;
    } else {
        block = arena_take(sizeof *block + class_size(class));
    }
    if (block == NULL) {
        return NULL;
    }
    block->class = class;
    return block + 1;
}

void arena_free(void *payload)
{
    if (payload == NULL) {
        return;
    }
    struct block *block = (struct block *)payload - 1;
    secret_wipe(payload, class_size(block->class));
    block->next = arena.free[block->class];
    arena.free[block->class] = block;
}

void *arena_reallocate(void *payload, size_t size)
{
    if (payload == NULL) {
        return arena_allocate(size);
    }
    struct block *block = (struct block *)payload - 1;
    size_t had = class_size(block->class);
    if (size <= had) {
        return payload;
    }
    void *moved = arena_allocate(size);
    if (moved != NULL) {
        memcpy(moved, payload, had);
        arena_free(payload);
    }
    return moved;
}

void arena_call(void (*body)(void), size_t size)
{
    static ucontext_t outside;
    static ucontext_t inside;
    void *stack = arena_take(size);
    if (stack == NULL || getcontext(&inside) != 0) {
        return;
    }
    inside.uc_stack.ss_sp = stack;
    inside.uc_stack.ss_size = size;
    inside.uc_link = &outside;
    makecontext(&inside, body, 0);
    (void)swapcontext(&outside, &inside);
}
