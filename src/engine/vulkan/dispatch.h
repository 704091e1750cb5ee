// SPDX-License-Identifier: MIT
// Dispatches: one kernel each, with its constants, its push block and its workgroups.
#pragma once

#include "engine/vulkan/pipelines.h"
#include "engine/vulkan/program.h"

// One vkCmdDispatchBase.
struct dispatch {
    struct pipeline pipeline;
    uint8_t push[128];
    uint32_t base[2], groups[3];
    bool beside; // it may run beside the one before
    int op;      // of the routine
    int first;   // slot
    double work; // estimated operations
};

struct dispatch_list {
    struct dispatch *items;
    int count;
};

// What adds the dispatches of an op for some slots, which lie in one piece of memory.
struct dispatcher {
    struct vulkan_program *program;
    struct dispatch_list *list; // where dispatches go
    int n;                      // batch size
    bool half;                  // kernels see fp16 activations
    int op;                     // number in the routine
    int first, slots;           // the slots
    int parts;                  // that a dispatch is cut into
    double work;                // of the op: goes to its first dispatch
};

// Device address of a tensor, of the first of the slots; its stride between slots in elements.
VkDeviceAddress tensor_address(const struct dispatcher *dispatcher, int tensor);
uint32_t tensor_stride(const struct dispatcher *dispatcher, int tensor);
// Of the memory of any block [slot][stride] from element `offset` of a slot on.
VkDeviceAddress block_address(const struct dispatcher *dispatcher, enum block block, size_t offset,
                              size_t stride);
VkDeviceAddress rounded_address(const struct dispatcher *dispatcher, size_t offset);
// Elements between the scratch memory of two slots.
uint32_t scratch_stride(const struct dispatcher *dispatcher);

// Adds one kernel over groups[0] x groups[1] workgroups for every slot. It sees the memory
// effects of all before it, unless `beside` says that it may run beside the one before.
bool dispatch_add(struct dispatcher *dispatcher, enum kernel kernel, const uint32_t *constants,
                  int constant_count, const void *push, const uint32_t groups[2], bool beside);
// The same, once for all slots.
bool dispatch_add_once(struct dispatcher *dispatcher, enum kernel kernel, const uint32_t *constants,
                       int constant_count, const void *push, const uint32_t groups[2], bool beside);
// The same for a kernel of FLAT_LAYOUT over `count` invocations (flat_index() in common.glsl).
#define FLAT_LOCAL UINT64_C(64)
#define FLAT_ROW UINT64_C(32768)
bool dispatch_add_flat(struct dispatcher *dispatcher, enum kernel kernel, const uint32_t *constants,
                       int constant_count, const void *push, uint64_t count, bool beside);

void dispatch_list_free(struct dispatch_list *list);
// Makes their pipelines.
bool dispatches_prepare(struct vulkan_engine *engine, struct dispatch_list *list);
// Writes them into a command buffer, barriers between them.
void dispatches_write(struct vulkan_engine *engine, VkCommandBuffer commands,
                      const struct dispatch *dispatches, int count);
