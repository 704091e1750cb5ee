// SPDX-License-Identifier: MIT
// In place of the Vulkan engine where it is not built: no device, and why.
#include "engine/engine_ops.h"

static bool no_devices(struct device_info **list, int *count)
{
    (void)list, (void)count;
    return true;
}

static const char *absent(void)
{
    return VULKAN_ENGINE_ABSENT;
}

const struct engine_ops vulkan_engine_ops = {
    .name = "Vulkan", .devices = no_devices, .absent = absent};
