// SPDX-License-Identifier: MIT
#include "vkgrid/base/processors.h"

#include <sched.h>
#include <unistd.h>

int processor_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    const long online = sysconf(_SC_NPROCESSORS_ONLN); // more than a cpu_set_t holds
    return online > 1 ? (int)online : 1;
}
