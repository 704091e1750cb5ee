// SPDX-License-Identifier: MIT
// Memory of the layer of limited devices: what is not there, and what is not coherent.
#include "tests/faults/limited_device.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define SCRIBBLE 0xa5 // what the host sees before it looks

static VkPhysicalDevice physical_devices[LAYER_DEVICES];

// What has been allocated, newest first.
struct allocation {
    VkDeviceMemory memory;
    uint64_t size;
    uint32_t heap;
    VkMemoryPropertyFlags flags;
    uint8_t *real, *shadow; // mapped; shadow: what the host sees of memory that is not coherent
    struct allocation *next;
};
static struct allocation *allocations;
static uint64_t in_all;

void limited_device_begins(VkDevice device, VkPhysicalDevice physical)
{
    physical_devices[layer_device_number(device)] = physical;
}

static struct allocation **find(VkDeviceMemory memory)
{
    struct allocation **at = &allocations;
    while (*at && (*at)->memory != memory)
        at = &(*at)->next;
    return at;
}

static struct allocation *allocation_of(VkDeviceMemory memory)
{
    pthread_mutex_lock(&layer_lock);
    struct allocation *allocation = *find(memory);
    pthread_mutex_unlock(&layer_lock);
    if (!allocation)
        abort();
    return allocation;
}

uint64_t limited_used(uint32_t heap)
{
    uint64_t used = 0;
    pthread_mutex_lock(&layer_lock);
    for (const struct allocation *at = allocations; at; at = at->next)
        used += at->heap == heap ? at->size : 0;
    pthread_mutex_unlock(&layer_lock);
    return used;
}

// SplitMix64 from LIMITED_SEED: whether the next call fails, one in LIMITED_FAIL_RATE does, and
// LIMITED_FAILURES in all.
static bool fails_by_chance(void)
{
    static uint64_t state;
    static long failures;
    const long rate = layer_setting("LIMITED_FAIL_RATE", 0);
    if (rate == 0)
        return false;
    pthread_mutex_lock(&layer_lock);
    if (state == 0)
        state = (uint64_t)layer_setting("LIMITED_SEED", 0) + 1;
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    const bool fails = (z ^ (z >> 31)) % (uint64_t)rate == 0 &&
                       failures < layer_setting("LIMITED_FAILURES", LONG_MAX);
    failures += fails;
    pthread_mutex_unlock(&layer_lock);
    return fails;
}

static VkResult refuse(const char *what, uint64_t size)
{
    fprintf(stderr, "limited device: refused %s of %.1f MiB with %.1f MiB in use\n", what,
            (double)size / MIB, (double)in_all / MIB);
    return VK_ERROR_OUT_OF_DEVICE_MEMORY;
}

VKAPI_ATTR VkResult VKAPI_CALL limited_create_buffer(VkDevice device,
                                                     const VkBufferCreateInfo *info,
                                                     const VkAllocationCallbacks *host,
                                                     VkBuffer *buffer)
{
    const struct device_profile *profile = limited_profile();
    if (profile && info->size > profile->buffer)
        limited_complain("a buffer of %llu bytes", (unsigned long long)info->size);
    if ((profile && info->size > profile->buffer) || fails_by_chance())
        return refuse("a buffer", info->size);
    return NEXT(device, vkCreateBuffer)(device, info, host, buffer);
}

VKAPI_ATTR void VKAPI_CALL limited_requirements(VkDevice device, VkBuffer buffer,
                                                VkMemoryRequirements *needs)
{
    VkPhysicalDeviceMemoryProperties memory;
    NEXT(device, vkGetBufferMemoryRequirements)(device, buffer, needs);
    if (!limited_profile())
        return;
    // Of every type, but for those that are there for a feature of their own.
    limited_memory(physical_devices[layer_device_number(device)], &memory);
    needs->memoryTypeBits = (1u << memory.memoryTypeCount) - 1;
}

// Whether there is so much: by the heap, by LIMITED_MEMORY, and by the largest allocation.
static bool is_there(const VkMemoryAllocateInfo *info,
                     const VkPhysicalDeviceMemoryProperties *memory, uint32_t heap)
{
    const struct device_profile *profile = limited_profile();
    const uint64_t most = (uint64_t)layer_setting("LIMITED_MEMORY", 0) * MIB,
                   size = info->allocationSize, heap_size = memory->memoryHeaps[heap].size,
                   largest = profile && profile->allocation ? profile->allocation : heap_size;
    if (size > largest || size > heap_size) {
        limited_complain("%llu bytes of memory in one piece", (unsigned long long)size);
        return false;
    }
    return limited_used(heap) + size <= heap_size && (most == 0 || in_all + size <= most);
}

VKAPI_ATTR VkResult VKAPI_CALL limited_allocate(VkDevice device, const VkMemoryAllocateInfo *info,
                                                const VkAllocationCallbacks *host,
                                                VkDeviceMemory *made)
{
    const VkPhysicalDevice physical = physical_devices[layer_device_number(device)];
    VkPhysicalDeviceMemoryProperties memory;
    VkMemoryAllocateInfo real = *info;
    limited_memory(physical, &memory);
    const VkMemoryType *type = &memory.memoryTypes[info->memoryTypeIndex];
    if (type->propertyFlags & VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD)
        limited_complain("memory of a type that needs the feature deviceCoherentMemory");
    if (!is_there(info, &memory, type->heapIndex) || fails_by_chance())
        return refuse("memory", info->allocationSize);
    real.memoryTypeIndex = limited_real_type(physical, info->memoryTypeIndex);
    const VkResult result = NEXT(device, vkAllocateMemory)(device, &real, host, made);
    if (result != VK_SUCCESS)
        return result;
    struct allocation *allocation = calloc(1, sizeof *allocation);
    pthread_mutex_lock(&layer_lock);
    *allocation = (struct allocation){.memory = *made,
                                      .size = info->allocationSize,
                                      .heap = type->heapIndex,
                                      .flags = type->propertyFlags,
                                      .next = allocations};
    allocations = allocation;
    in_all += info->allocationSize;
    pthread_mutex_unlock(&layer_lock);
    return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL limited_free(VkDevice device, VkDeviceMemory memory,
                                        const VkAllocationCallbacks *host)
{
    pthread_mutex_lock(&layer_lock);
    struct allocation **at = find(memory), *allocation = *at;
    if (allocation) {
        *at = allocation->next;
        in_all -= allocation->size;
        free(allocation->shadow);
        free(allocation);
    }
    pthread_mutex_unlock(&layer_lock);
    NEXT(device, vkFreeMemory)(device, memory, host);
}

VKAPI_ATTR VkResult VKAPI_CALL limited_map(VkDevice device, VkDeviceMemory memory,
                                           VkDeviceSize offset, VkDeviceSize size,
                                           VkMemoryMapFlags flags, void **mapped)
{
    struct allocation *allocation = allocation_of(memory);
    if (!(allocation->flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT))
        limited_complain("mapping memory that the host cannot see");
    if (allocation->flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)
        return NEXT(device, vkMapMemory)(device, memory, offset, size, flags, mapped);
    const VkResult result =
        NEXT(device, vkMapMemory)(device, memory, 0, VK_WHOLE_SIZE, flags, mapped);
    if (result != VK_SUCCESS)
        return result;
    allocation->real = *mapped;
    allocation->shadow = malloc(allocation->size);
    memset(allocation->shadow, SCRIBBLE, allocation->size);
    *mapped = allocation->shadow + offset;
    return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL limited_unmap(VkDevice device, VkDeviceMemory memory)
{
    struct allocation *allocation = allocation_of(memory);
    free(allocation->shadow);
    allocation->shadow = allocation->real = NULL;
    NEXT(device, vkUnmapMemory)(device, memory);
}

// A range of whole atoms, or up to the end.
static uint64_t bytes_of(const struct allocation *allocation, const VkMappedMemoryRange *range)
{
    const uint64_t atom = limited_atom();
    const uint64_t size =
        range->size == VK_WHOLE_SIZE ? allocation->size - range->offset : range->size;
    const uint64_t end = range->offset + size;
    if (range->offset % atom || end > allocation->size ||
        (range->size != VK_WHOLE_SIZE && size % atom && end != allocation->size))
        limited_complain("a range of %llu bytes from %llu of %llu with atoms of %llu",
                         (unsigned long long)size, (unsigned long long)range->offset,
                         (unsigned long long)allocation->size, (unsigned long long)atom);
    return size;
}

VKAPI_ATTR VkResult VKAPI_CALL limited_flush(VkDevice device, uint32_t count,
                                             const VkMappedMemoryRange *ranges)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct allocation *allocation = allocation_of(ranges[i].memory);
        const uint64_t size = bytes_of(allocation, &ranges[i]);
        if (allocation->shadow)
            memcpy(allocation->real + ranges[i].offset, allocation->shadow + ranges[i].offset,
                   size);
        else if (!(allocation->flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT))
            limited_complain("flushing memory that is not mapped");
    }
    (void)device;
    return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL limited_invalidate(VkDevice device, uint32_t count,
                                                  const VkMappedMemoryRange *ranges)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct allocation *allocation = allocation_of(ranges[i].memory);
        const uint64_t size = bytes_of(allocation, &ranges[i]);
        if (allocation->shadow)
            memcpy(allocation->shadow + ranges[i].offset, allocation->real + ranges[i].offset,
                   size);
        else if (!(allocation->flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT))
            limited_complain("invalidating memory that is not mapped");
    }
    (void)device;
    return VK_SUCCESS;
}
