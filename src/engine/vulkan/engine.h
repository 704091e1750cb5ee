// SPDX-License-Identifier: MIT
// The engine as all files of this folder see it: one logical device with one compute queue.
#pragma once

#include "engine/engine_ops.h"
#include "engine/vulkan/context.h"
#include "engine/vulkan/matrix.h"

// Elements that a kernel can index one by one: SPIR-V takes an index as signed.
#define REACH ((uint32_t)INT32_MAX)

// Between kernels; or where a routine begins or ends, between all that a device does: kernels,
// copies, and what the host reads and writes.
enum barrier { BARRIER_KERNELS, BARRIER_ENDS };

// What the driver made of kernels, and the file that it is kept in (pipeline_cache.h).
struct pipeline_cache {
    VkPipelineCache handle; // VK_NULL_HANDLE: pipelines are made without one
    char *path;
    uint64_t identity; // of device, driver and kernels (tuning.h)
    uint64_t kept;     // hash of what the file holds, 0: nothing of use
    double written;    // when
    bool changed;      // since
};

struct vulkan_engine {
    struct engine base;
    struct vulkan_context context;
    VkPhysicalDevice physical;
    VkDevice device;
    struct VolkDeviceTable vk;
    VkQueue queue;
    uint32_t family;
    uint32_t timestamp_bits; // of the queue; 0: it takes no times
    VkPhysicalDeviceLimits limits;
    VkPhysicalDeviceMemoryProperties memory;
    bool has_budget; // VK_EXT_memory_budget
    uint32_t subgroup;
    bool can_set_subgroup;     // of a kernel, to another size
    struct matrix_size matrix; // of its matrix units; 0: they are not used, or it has none
    char matrix_missing[96];   // why those that it has are not used, else ""
    bool ieee_half;            // it can be told how to round to fp16
    int tile;                  // of VKGRID_TILE (tests), or -1
    uint32_t reach;            // REACH; less in tests
    double dispatch_work;      // operations of a dispatch, at most: none runs into a watchdog
    int most_piece_slots;      // slots of a piece of memory, at most (VKGRID_PIECE_SLOTS, tests)
    struct tuning *tuning;     // what was measured on it (tuning.h)
    enum barrier between;      // kernels: BARRIER_KERNELS, or what VKGRID_BARRIER asks for
    const struct conv_tile *trial; // of every convolution while it is measured, else NULL
    bool slow_uniform_loads; // a load of one address by all invocations costs as much as a gather
    bool lean;               // registers are few: LEAN in kernels, smaller tiles
    VkDeviceSize read_slack; // bytes behind every buffer that kernels may read without meaning it
    bool lost;               // the device was lost: every later call fails at once
    bool hung;               // and may still be at work: what it may use is never freed
    double patience;         // seconds without progress until it counts as hung
    bool capture;            // pipelines keep what the compiler tells of them (statistics.c)
    uint64_t largest_piece;  // bytes of a buffer and its memory
    VkPipelineLayout layout; // push constants only
    struct pipeline *pipelines;
    int pipeline_count;
    struct pipeline_cache cache;
};
