// SPDX-License-Identifier: MIT
// Buffers with a device address. Each has memory of its own: a program has a handful of large ones,
// so there is nothing for an allocator to do.
#include "engine/vulkan/internal.h"

#include "vkgrid/error.h"

#include <string.h>

// The first type that has `wanted`, else the first that has `required`; UINT32_MAX when there is
// none.
static uint32_t memory_type(const struct vulkan_engine *engine, uint32_t allowed,
                            VkMemoryPropertyFlags wanted, VkMemoryPropertyFlags required)
{
    const VkMemoryPropertyFlags choices[] = {wanted, required};
    for (int c = 0; c < 2; c++)
        for (uint32_t i = 0; i < engine->memory.memoryTypeCount; i++)
            if ((allowed & (1u << i)) &&
                (engine->memory.memoryTypes[i].propertyFlags & choices[c]) == choices[c])
                return i;
    return UINT32_MAX;
}

static uint32_t type_for(const struct vulkan_engine *engine, enum vulkan_use use, uint32_t allowed)
{
    const VkMemoryPropertyFlags local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
    const VkMemoryPropertyFlags host =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    const VkMemoryPropertyFlags cached = host | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    // Where device and host share their memory, mapping it saves every copy.
    const bool shared = engine->base.device.kind == DEVICE_SOFTWARE ||
                        engine->base.device.kind == DEVICE_INTEGRATED;
    if (use == USE_STAGING)
        return memory_type(engine, allowed, cached, host);
    return memory_type(engine, allowed, shared ? local | cached : local, local);
}

bool vulkan_buffer_create(struct vulkan_engine *engine, enum vulkan_use use, VkDeviceSize size,
                          struct vulkan_buffer *buffer)
{
    const struct VolkDeviceTable *vk = &engine->vk;
    const VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = size + engine->read_slack,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT |
                 VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
    };
    VkMemoryRequirements needs;
    memset(buffer, 0, sizeof *buffer);
    buffer->size = size;
    VK_CHECK(vk->vkCreateBuffer(engine->device, &info, NULL, &buffer->buffer));
    vk->vkGetBufferMemoryRequirements(engine->device, buffer->buffer, &needs);
    const uint32_t type = type_for(engine, use, needs.memoryTypeBits);
    if (type == UINT32_MAX)
        FAIL("vulkan: no memory type for a buffer of %llu bytes", (unsigned long long)size);
    const VkMemoryAllocateFlagsInfo flags = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
        .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT,
    };
    const VkMemoryAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .pNext = &flags,
        .allocationSize = needs.size,
        .memoryTypeIndex = type,
    };
    VK_CHECK(vk->vkAllocateMemory(engine->device, &allocate, NULL, &buffer->memory));
    VK_CHECK(vk->vkBindBufferMemory(engine->device, buffer->buffer, buffer->memory, 0));
    const VkMemoryPropertyFlags has = engine->memory.memoryTypes[type].propertyFlags;
    const VkMemoryPropertyFlags quick =
        VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    if (use == USE_STAGING || (has & quick) == quick)
        VK_CHECK(
            vk->vkMapMemory(engine->device, buffer->memory, 0, VK_WHOLE_SIZE, 0, &buffer->mapped));
    const VkBufferDeviceAddressInfo address = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
        .buffer = buffer->buffer,
    };
    buffer->address = vk->vkGetBufferDeviceAddress(engine->device, &address);
    return true;
error:
    vulkan_buffer_destroy(engine, buffer);
    return false;
}

void vulkan_buffer_destroy(struct vulkan_engine *engine, struct vulkan_buffer *buffer)
{
    if (buffer->buffer)
        engine->vk.vkDestroyBuffer(engine->device, buffer->buffer, NULL);
    if (buffer->memory)
        engine->vk.vkFreeMemory(engine->device, buffer->memory, NULL);
    memset(buffer, 0, sizeof *buffer);
}
