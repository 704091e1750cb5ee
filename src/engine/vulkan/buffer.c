// SPDX-License-Identifier: MIT
// Buffers with a device address. Each has memory of its own: a program has a handful of large ones,
// so there is nothing for an allocator to do.
#include "engine/vulkan/buffer.h"

#include "vkgrid/base/error.h"

#include <string.h>

static bool allocate(struct vulkan_engine *engine, enum vulkan_use use,
                     struct vulkan_buffer *buffer)
{
    const struct VolkDeviceTable *vk = &engine->vk;
    VkMemoryRequirements needs;
    vk->vkGetBufferMemoryRequirements(engine->device, buffer->buffer, &needs);
    const uint32_t type =
        memory_type(&engine->memory, engine->base.device.kind, use, needs.memoryTypeBits);
    if (type == UINT32_MAX)
        FAIL("vulkan: no memory type for a buffer of %llu bytes", (unsigned long long)needs.size);
    const VkMemoryAllocateFlagsInfo flags = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
        .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT,
    };
    const VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .pNext = &flags,
        .allocationSize = needs.size,
        .memoryTypeIndex = type,
    };
    const VkMemoryPropertyFlags has = engine->memory.memoryTypes[type].propertyFlags;
    VK_CHECK(vk->vkAllocateMemory(engine->device, &info, NULL, &buffer->memory));
    VK_CHECK(vk->vkBindBufferMemory(engine->device, buffer->buffer, buffer->memory, 0));
    buffer->allocated = needs.size;
    buffer->coherent = has & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    if (memory_is_mapped(has, use))
        VK_CHECK(
            vk->vkMapMemory(engine->device, buffer->memory, 0, VK_WHOLE_SIZE, 0, &buffer->mapped));
    return true;
error:
    return false;
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
    memset(buffer, 0, sizeof *buffer);
    buffer->size = size;
    VK_CHECK(vk->vkCreateBuffer(engine->device, &info, NULL, &buffer->buffer));
    CHECK(allocate(engine, use, buffer));
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

// Whole atoms of mapped memory around some bytes.
static VkMappedMemoryRange atoms_around(const struct vulkan_engine *engine,
                                        const struct vulkan_buffer *buffer, VkDeviceSize first,
                                        VkDeviceSize size)
{
    const VkDeviceSize atom = engine->limits.nonCoherentAtomSize, offset = first - first % atom,
                       end = (first + size + atom - 1) / atom * atom;
    return (VkMappedMemoryRange){
        .sType = VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE,
        .memory = buffer->memory,
        .offset = offset,
        .size = end < buffer->allocated ? end - offset : VK_WHOLE_SIZE,
    };
}

bool vulkan_buffer_flush(struct vulkan_engine *engine, const struct vulkan_buffer *buffer,
                         VkDeviceSize first, VkDeviceSize size)
{
    const VkMappedMemoryRange range = atoms_around(engine, buffer, first, size);
    if (!buffer->coherent)
        VK_CHECK(engine->vk.vkFlushMappedMemoryRanges(engine->device, 1, &range));
    return true;
error:
    return false;
}

bool vulkan_buffer_invalidate(struct vulkan_engine *engine, const struct vulkan_buffer *buffer,
                              VkDeviceSize first, VkDeviceSize size)
{
    const VkMappedMemoryRange range = atoms_around(engine, buffer, first, size);
    if (!buffer->coherent)
        VK_CHECK(engine->vk.vkInvalidateMappedMemoryRanges(engine->device, 1, &range));
    return true;
error:
    return false;
}

bool vulkan_buffer_write(struct vulkan_engine *engine, const struct vulkan_buffer *buffer,
                         VkDeviceSize first, VkDeviceSize size, const void *bytes)
{
    // The rest of the first and the last atom goes to the device as well: it must be what is there.
    if (!vulkan_buffer_invalidate(engine, buffer, first, size))
        return false;
    memcpy((uint8_t *)buffer->mapped + first, bytes, size);
    return vulkan_buffer_flush(engine, buffer, first, size);
}

bool vulkan_buffer_read(struct vulkan_engine *engine, const struct vulkan_buffer *buffer,
                        VkDeviceSize first, VkDeviceSize size, void *bytes)
{
    if (!vulkan_buffer_invalidate(engine, buffer, first, size))
        return false;
    memcpy(bytes, (uint8_t *)buffer->mapped + first, size);
    return true;
}
