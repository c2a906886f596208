// SPDX-License-Identifier: Apache-2.0
#include "launch/process/wall.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bytes.h"
#include "wire/walls.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
#define MDWE_REFUSE_EXEC_GAIN 1ul

void wall_raise_first(void)
{
    const struct rlimit none = {0, 0};
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}

// Everything that the enclave may do to files, inside its store folder only.
// Access rights of the first landlock ABI; later ABIs add rights that the
// enclave does not need and that seccomp refuses.
#define STORE_RIGHTS                                                           \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |            \
     LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |            \
     LANDLOCK_ACCESS_FS_MAKE_REG)
#define ALL_RIGHTS                                                             \
    (STORE_RIGHTS | LANDLOCK_ACCESS_FS_EXECUTE |                               \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_CHAR |            \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK |              \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |            \
     LANDLOCK_ACCESS_FS_MAKE_SYM)

static bool raise_landlock(int store_fd)
{
    const struct landlock_ruleset_attr ruleset = {.handled_access_fs =
                                                      ALL_RIGHTS};
    const struct landlock_path_beneath_attr store = {
        .allowed_access = STORE_RIGHTS,
        .parent_fd = store_fd,
    };
    int fd =
        (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0);
    if (fd < 0) {
        return false;
    }
    bool stands = syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH,
                          &store, 0) == 0 &&
                  syscall(SYS_landlock_restrict_self, fd, 0) == 0;
    close(fd);
    return stands;
}

// The root folder cannot be opened any more: probed, not believed.
static bool landlock_stands(void)
{
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        return false;
    }
    return errno == EACCES;
}

// All that serving needs: wait, tell the time, keep the store, draw entropy,
// end.  Without restart_syscall a SIGSTOP would kill the enclave: it is here
// on purpose, a stop is a denial of service that the launcher can do anyway.
static const int ALLOWED[] = {
    SCMP_SYS(futex),         SCMP_SYS(futex_waitv), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime), SCMP_SYS(getrandom),   SCMP_SYS(read),
    SCMP_SYS(write),         SCMP_SYS(pread64),     SCMP_SYS(pwrite64),
    SCMP_SYS(openat),        SCMP_SYS(close),       SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),    SCMP_SYS(ftruncate),   SCMP_SYS(lseek),
    SCMP_SYS(fsync),         SCMP_SYS(fdatasync),   SCMP_SYS(renameat),
    SCMP_SYS(renameat2),     SCMP_SYS(unlinkat),    SCMP_SYS(getpid),
    SCMP_SYS(sched_yield),   SCMP_SYS(membarrier),  SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigreturn),  SCMP_SYS(exit),        SCMP_SYS(exit_group),
};

static bool raise_seccomp(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL) {
        return false;
    }
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    for (size_t i = 0; i < COUNT_OF(ALLOWED); i++) {
        failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, ALLOWED[i], 0);
    }
    // The queue and the stack of a signal need no new memory; asking for some
    // is refused without a kill, so that a library may fall back.
    failed |=
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOMEM), SCMP_SYS(mmap), 0);
    failed |=
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOMEM), SCMP_SYS(brk), 0);
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(munmap), 0);
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(madvise), 0);
    // wall_raise_last asks the kernel which walls stand.
    const struct scmp_arg_cmp asks = {0, SCMP_CMP_EQ, PR_GET_SECCOMP, 0};
    failed |= seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                                     &asks);
    bool stands = failed == 0 && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return stands;
}

static bool queue_is_sealed(int queue_fd)
{
    const int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    int seals = fcntl(queue_fd, F_GET_SEALS);
    return seals >= 0 && (seals & wanted) == wanted;
}

static bool core_is_off(void)
{
    struct rlimit core;
    return getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0;
}

static bool capabilities_are_gone(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = {{0}};
    return syscall(SYS_capget, &header, held) == 0 && held[0].permitted == 0 &&
           held[1].permitted == 0;
}

static void note(uint64_t *walls, enum wire_wall wall, bool stands)
{
    if (stands) {
        *walls |= WIRE_WALL_BIT(wall);
    }
}

void wall_raise_files(int store_fd, uint64_t *walls)
{
    note(walls, WIRE_WALL_LANDLOCK,
         raise_landlock(store_fd) && landlock_stands());
}

enum rotor_status wall_raise_last(int queue_fd, uint64_t *walls)
{
    int parent_death = 0;
    uint64_t up = *walls;
    (void)prctl(PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0);
    note(&up, WIRE_WALL_NO_NEW_CODE,
         prctl(PR_GET_MDWE, 0, 0, 0, 0) == (int)MDWE_REFUSE_EXEC_GAIN);
    note(&up, WIRE_WALL_NON_DUMPABLE, prctl(PR_GET_DUMPABLE) == 0);
    note(&up, WIRE_WALL_NO_NEW_PRIVS,
         prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    note(&up, WIRE_WALL_PARENT_DEATH,
         prctl(PR_GET_PDEATHSIG, &parent_death) == 0 &&
             parent_death == SIGKILL);
    note(&up, WIRE_WALL_NO_CORE, core_is_off());
    note(&up, WIRE_WALL_NO_CAPABILITIES, capabilities_are_gone());
    note(&up, WIRE_WALL_SEALED_QUEUE, queue_is_sealed(queue_fd));
    bool filtered = (wall_dropped & WIRE_WALL_BIT(WIRE_WALL_SECCOMP)) == 0 &&
                    raise_seccomp();
    note(&up, WIRE_WALL_SECCOMP,
         filtered && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2);
    const uint64_t required = WIRE_WALLS_REQUIRED & ~wall_dropped;
    if ((up & required) != required) {
        return ROTOR_FORBIDDEN;
    }
    *walls = up;
    return ROTOR_OK;
}
