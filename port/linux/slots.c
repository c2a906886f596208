// SPDX-License-Identifier: Apache-2.0
#include "port/linux/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "port/linux/disk.h"
#include "port/linux/folder.h"

#define NAME_SIZE      32u
#define IMAGE_FILE_MAX ((size_t)BOOT_FRONT_MAX + BOOT_IMAGE_MAX)

const char *linux_component_name(enum boot_component component)
{
    switch (component) {
    case BOOT_RTP:
        return "rtp";
    case BOOT_ENCLAVE:
        return "enclave";
    case BOOT_COMPONENT_NONE:
        break;
    }
    return "none";
}

static void record_name(char name[NAME_SIZE], enum boot_component component,
                        size_t copy)
{
    (void)snprintf(name, NAME_SIZE, "%s.slots.%zu",
                   linux_component_name(component), copy);
}

static void image_name(char name[NAME_SIZE], enum boot_component component,
                       uint8_t slot)
{
    (void)snprintf(name, NAME_SIZE, "%s.%c", linux_component_name(component),
                   slot == 0 ? 'a' : 'b');
}

static enum rotor_status take_lock(int boot_folder, int how, int *lock)
{
    int fd = openat(boot_folder, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EROFS) { // who only reads may: stage 0, list
        fd = openat(boot_folder, "lock", O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0) {
        return ROTOR_PORT_FAILED;
    }
    if (flock(fd, how) != 0) {
        close(fd);
        return ROTOR_PORT_FAILED;
    }
    *lock = fd;
    return ROTOR_OK;
}

enum rotor_status linux_slots_lock(int boot_folder, int *lock)
{
    return take_lock(boot_folder, LOCK_EX, lock);
}

enum rotor_status linux_slots_share(int boot_folder, int *lock)
{
    return take_lock(boot_folder, LOCK_SH, lock);
}

enum rotor_status linux_slots_read(int boot_folder,
                                   enum boot_component component,
                                   struct boot_slots *slots)
{
    uint8_t memory[BOOT_SLOTS_COPIES][BOOT_SLOTS_RECORD_SIZE];
    struct rotor_bytes copies[BOOT_SLOTS_COPIES];
    for (size_t i = 0; i < BOOT_SLOTS_COPIES; i++) {
        char name[NAME_SIZE];
        struct rotor_room room = ROOM_OF(memory[i]);
        bool found = false;
        record_name(name, component, i);
        TRY(linux_folder_read(boot_folder, name, &room, &found));
        copies[i] = bytes_in(&room);
    }
    bool found = false;
    return boot_slots_decode(copies, component, slots, &found);
}

enum rotor_status linux_slots_write(int boot_folder, struct boot_slots *slots)
{
    uint8_t record[BOOT_SLOTS_RECORD_SIZE];
    char name[NAME_SIZE];
    size_t copy = 0;
    TRY(boot_slots_encode(slots, record, &copy));
    record_name(name, slots->component, copy);
    TRY(linux_folder_replace(boot_folder, name, BYTES_OF(record)));
    boot_slots_commit(slots);
    return ROTOR_OK;
}

enum rotor_status linux_keyring_read(int boot_folder,
                                     struct boot_keyring *keyring)
{
    uint8_t memory[BOOT_KEYRING_MAX];
    struct rotor_room room = ROOM_OF(memory);
    bool found = false;
    keyring->count = 0;
    TRY(linux_folder_read(boot_folder, "keyring", &room, &found));
    return found ? boot_keyring_decode(bytes_in(&room), keyring) : ROTOR_OK;
}

enum rotor_status linux_keyring_write(int boot_folder,
                                      const struct boot_keyring *keyring)
{
    uint8_t memory[BOOT_KEYRING_MAX];
    struct rotor_room room = ROOM_OF(memory);
    TRY(boot_keyring_encode(keyring, &room));
    return linux_folder_replace(boot_folder, "keyring", bytes_in(&room));
}

static bool read_image(int fd, struct rotor_room *copy)
{
    while (copy->used < copy->capacity) {
        ssize_t got = disk_read_at(fd, copy, copy->used);
        if (got <= 0) {
            return false;
        }
        copy->used += (size_t)got;
    }
    return true;
}

static enum rotor_status copy_image(int fd, struct rotor_bytes *file)
{
    uint64_t size = 0;
    if (disk_size(fd, &size) != 0 || size == 0 || size > IMAGE_FILE_MAX) {
        return ROTOR_MALFORMED;
    }
    void *memory = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return ROTOR_PORT_FAILED;
    }
    struct rotor_room copy = {memory, (size_t)size, 0};
    if (!read_image(fd, &copy)) {
        (void)munmap(memory, copy.capacity);
        return ROTOR_PORT_FAILED;
    }
    *file = bytes_in(&copy);
    return ROTOR_OK;
}

enum rotor_status linux_image_open(int boot_folder,
                                   enum boot_component component, uint8_t slot,
                                   struct rotor_bytes *file)
{
    char name[NAME_SIZE];
    image_name(name, component, slot);
    int fd = disk_open_read(boot_folder, name);
    if (fd < 0) {
        return ROTOR_MALFORMED;
    }
    enum rotor_status status = copy_image(fd, file);
    (void)disk_close(fd);
    return status;
}

void linux_image_close(struct rotor_bytes *file)
{
    if (file->data != NULL) {
        (void)munmap((void *)(uintptr_t)file->data, file->size);
    }
    *file = bytes_of(NULL, 0);
}

enum rotor_status linux_image_write(int boot_folder,
                                    enum boot_component component, uint8_t slot,
                                    struct rotor_bytes file)
{
    char name[NAME_SIZE];
    image_name(name, component, slot);
    return linux_folder_replace(boot_folder, name, file);
}

enum rotor_status linux_image_install(int boot_folder, struct boot_slots *slots,
                                      const struct boot_header *header,
                                      struct rotor_bytes file, uint8_t tries)
{
    uint8_t slot = boot_slots_vacate(slots);
    TRY(linux_slots_write(boot_folder, slots));
    TRY(linux_image_write(boot_folder, header->component, slot, file));
    TRY(boot_slots_install(slots, slot, header));
    if (tries != 0) {
        TRY(boot_slots_activate(slots, tries));
    }
    return linux_slots_write(boot_folder, slots);
}

enum rotor_status linux_slots_judge(int boot_folder,
                                    enum boot_component component,
                                    const struct linux_running *running,
                                    bool is_attested)
{
    struct boot_slots slots;
    TRY(linux_slots_read(boot_folder, component, &slots));
    bool is_settled = slots.slot[running->slot].state == BOOT_SLOT_CONFIRMED &&
                      slots.active == running->slot &&
                      slots.floor >= running->security_version;
    if (is_settled && is_attested) {
        return linux_folder_settle(boot_folder);
    }
    TRY(is_attested ? boot_slots_confirm(&slots, running->slot)
                    : boot_slots_revert(&slots, BOOT_NOT_ATTESTED));
    return linux_slots_write(boot_folder, &slots);
}
