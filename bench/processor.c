// SPDX-License-Identifier: Apache-2.0
#include "bench/processor.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/tally.h"

bool processor_has_pair(void)
{
    return sysconf(_SC_NPROCESSORS_ONLN) >= 2;
}

void processor_bind(pid_t thread, unsigned processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    tally_expect(sched_setaffinity(thread, sizeof set, &set) == 0,
                 "cannot bind to a processor");
}

void processor_bind_all(pid_t pid, pid_t except, unsigned processor)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
    DIR *tasks = opendir(path);
    const struct dirent *task = NULL;
    tally_expect(tasks != NULL, "threads");
    while ((task = readdir(tasks)) != NULL) {
        pid_t id = (pid_t)atol(task->d_name);
        if (id != 0 && id != except) {
            processor_bind(id, processor);
        }
    }
    (void)closedir(tasks);
}

cpu_set_t processor_home(void)
{
    cpu_set_t home;
    tally_expect(sched_getaffinity(0, sizeof home, &home) == 0, "processors");
    return home;
}

void processor_release(const cpu_set_t *home)
{
    (void)sched_setaffinity(0, sizeof *home, home);
}
