// SPDX-License-Identifier: MIT
// What real devices say of themselves, as far as vkgrid asks.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct device_profile {
    const char *name; // of the profile
    const char *device, *driver, *info;
    VkDriverId driver_id;
    uint32_t vendor, id, api;
    VkPhysicalDeviceType type;

    uint64_t allocation, buffer; // maxMemoryAllocationSize, maxBufferSize; 0: its largest heap
    uint32_t shared;             // bytes of a workgroup
    uint32_t invocations;
    uint32_t local[3], groups[3]; // maxComputeWorkGroupSize, maxComputeWorkGroupCount
    uint32_t atom;                // nonCoherentAtomSize
    float tick;                   // timestampPeriod
    uint32_t subgroup, least_subgroup, most_subgroup;
    bool sets_subgroup; // it may be required of a compute kernel

    bool half;        // shaderFloat16
    bool matrix;      // VK_KHR_cooperative_matrix
    bool portability; // VK_KHR_portability_subset
    bool denormals;   // shaderDenormPreserveFloat16
    bool to_even;     // shaderRoundingModeRTEFloat16
    bool told;        // VK_EXT_memory_budget

    int heap_count, memory_count, family_count;
    struct {
        uint64_t size, budget;
        bool local;
    } heaps[3];
    VkMemoryType memory[8];
    struct {
        VkQueueFlags flags;
        uint32_t count, timestamp_bits;
    } families[4];
};

// NULL when there is none of that name.
const struct device_profile *device_profile(const char *name);
