// SPDX-License-Identifier: MIT
// Device memory: which type for what, and how much there is.
#pragma once

#include "engine/vulkan/context.h"
#include "vkgrid/engine/engine.h"

enum vulkan_use {
    USE_DEVICE,  // by kernels
    USE_TABLE,   // by kernels; small, and the host looks into it all the time
    USE_STAGING, // by the host and copies
};

// The type of memory for that, out of `allowed` (a bit for each); UINT32_MAX when there is none.
uint32_t memory_type(const VkPhysicalDeviceMemoryProperties *memory, enum device_kind kind,
                     enum vulkan_use use, uint32_t allowed);
// Whether the host should have memory of that type mapped all the time.
bool memory_is_mapped(VkMemoryPropertyFlags type, enum vulkan_use use);
// How much memory there is for USE_DEVICE, and how much of it is free now: the figures of *info,
// whose kind is known. has_budget: VK_EXT_memory_budget.
void memory_count(VkPhysicalDevice device, bool has_budget, struct device_info *info);
