// SPDX-License-Identifier: MIT
// Device memory: which type for what, how much there is, and how much of it is free.
#include "engine/vulkan/memory.h"

#define LOCAL VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT
#define VISIBLE VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
#define COHERENT VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
#define CACHED VK_MEMORY_PROPERTY_HOST_CACHED_BIT

// Of what is free: for what drivers keep beside buffers, and for whatever else begins on the
// device. Who takes all of a desktop's card finds that its memory has moved to the host's.
#define RESERVE 10 // percent

// Of the types that have all of `wanted` the first of the largest heap. Other flags mean memory for
// special uses: protected, lazily allocated, slow but coherent.
static uint32_t find_type(const VkPhysicalDeviceMemoryProperties *memory, uint32_t allowed,
                          VkMemoryPropertyFlags wanted)
{
    const VkMemoryPropertyFlags plain = LOCAL | VISIBLE | COHERENT | CACHED;
    uint32_t found = UINT32_MAX;
    VkDeviceSize size = 0;
    for (uint32_t i = 0; i < memory->memoryTypeCount; i++) {
        const VkMemoryType *type = &memory->memoryTypes[i];
        const VkDeviceSize heap = memory->memoryHeaps[type->heapIndex].size;
        if (!(allowed & (1u << i)) || (type->propertyFlags & wanted) != wanted ||
            (type->propertyFlags & ~plain) || heap <= size)
            continue;
        found = i;
        size = heap;
    }
    return found;
}

uint32_t memory_type(const VkPhysicalDeviceMemoryProperties *memory, enum device_kind kind,
                     enum vulkan_use use, uint32_t allowed)
{
    // Best first. What is not coherent must be flushed.
    static const VkMemoryPropertyFlags staging[] = {VISIBLE | COHERENT | CACHED, VISIBLE | COHERENT,
                                                    VISIBLE | CACHED, VISIBLE, 0};
    static const VkMemoryPropertyFlags mapped[] = {LOCAL | VISIBLE | COHERENT | CACHED,
                                                   LOCAL | VISIBLE | CACHED, LOCAL, 0};
    static const VkMemoryPropertyFlags device[] = {LOCAL, 0};
    // Where device and host share their memory, mapping it saves every copy. A GPU pays for memory
    // that the host's caches watch, so there it is tables only.
    const bool is_mapped =
        kind == DEVICE_SOFTWARE || (kind == DEVICE_INTEGRATED && use == USE_TABLE);
    const VkMemoryPropertyFlags *wanted = is_mapped ? mapped : device;
    if (use == USE_STAGING)
        wanted = staging;
    uint32_t type = UINT32_MAX;
    for (; type == UINT32_MAX && *wanted; wanted++)
        type = find_type(memory, allowed, *wanted);
    return type;
}

bool memory_is_mapped(VkMemoryPropertyFlags type, enum vulkan_use use)
{
    const VkMemoryPropertyFlags quick = VISIBLE | CACHED;
    return use == USE_STAGING || (type & quick) == quick;
}

void memory_count(VkPhysicalDevice device, bool has_budget, struct device_info *info)
{
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT,
    };
    VkPhysicalDeviceMemoryProperties2 memory = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2,
        .pNext = has_budget ? &budget : NULL,
    };
    vkGetPhysicalDeviceMemoryProperties2(device, &memory);
    const VkPhysicalDeviceMemoryProperties *types = &memory.memoryProperties;
    const uint32_t type = memory_type(types, info->kind, USE_DEVICE, UINT32_MAX);
    if (type == UINT32_MAX)
        return; // of no use
    const uint32_t heap = types->memoryTypes[type].heapIndex;
    const uint64_t size = types->memoryHeaps[heap].size, most = budget.heapBudget[heap],
                   used = budget.heapUsage[heap];
    info->heap = info->free = size;
    if (most > 0 && most < size)
        info->free = most;
    // A budget includes what this process has already.
    info->free -= used < info->free ? used : info->free;
    info->memory = info->free - info->free / 100 * RESERVE;
}
