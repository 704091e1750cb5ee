// SPDX-License-Identifier: MIT
// In place of the CPU engine where there is no oneDNN: no device, and why.
#include "engine/engine_ops.h"

void engine_wait_briefly(char **argv)
{
    (void)argv;
}

static bool no_devices(struct device_info **list, int *count)
{
    (void)list, (void)count;
    return true;
}

static const char *absent(void)
{
    return CPU_ENGINE_ABSENT;
}

const struct engine_ops cpu_engine_ops = {.name = "CPU", .devices = no_devices, .absent = absent};
