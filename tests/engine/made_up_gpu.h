// SPDX-License-Identifier: MIT
// A device that a tuning file may be for.
#pragma once

#include "engine/vulkan/engine.h"

static const struct vulkan_engine gpu = {
    .base.device = {.name = "made up", .driver = "none", .kind = DEVICE_DISCRETE},
    .subgroup = 32,
    .tile = -1,
    .limits = {.maxComputeSharedMemorySize = 48 << 10,
               .maxComputeWorkGroupInvocations = 1024,
               .maxComputeWorkGroupSize = {1024, 1024, 64},
               .maxComputeWorkGroupCount = {65535, 65535, 65535}},
};
