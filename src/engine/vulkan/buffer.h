// SPDX-License-Identifier: MIT
// Buffers with a device address.
#pragma once

#include "engine/vulkan/engine.h"
#include "engine/vulkan/memory.h"

struct vulkan_buffer {
    VkBuffer buffer;
    VkDeviceMemory memory;
    VkDeviceAddress address;
    VkDeviceSize size;
    VkDeviceSize allocated; // bytes of `memory`
    void *mapped;           // NULL when the host cannot read it quickly
    bool coherent;          // mapped: host and device see each other's writes
};

bool vulkan_buffer_create(struct vulkan_engine *engine, enum vulkan_use use, VkDeviceSize size,
                          struct vulkan_buffer *buffer);
void vulkan_buffer_destroy(struct vulkan_engine *engine, struct vulkan_buffer *buffer);
// Between the host writing into a mapped buffer and the device reading it, and the other way round.
bool vulkan_buffer_flush(struct vulkan_engine *engine, const struct vulkan_buffer *buffer,
                         VkDeviceSize first, VkDeviceSize size);
bool vulkan_buffer_invalidate(struct vulkan_engine *engine, const struct vulkan_buffer *buffer,
                              VkDeviceSize first, VkDeviceSize size);
// Both, around a copy from or to a mapped buffer. The device must not use it meanwhile.
bool vulkan_buffer_write(struct vulkan_engine *engine, const struct vulkan_buffer *buffer,
                         VkDeviceSize first, VkDeviceSize size, const void *bytes);
bool vulkan_buffer_read(struct vulkan_engine *engine, const struct vulkan_buffer *buffer,
                        VkDeviceSize first, VkDeviceSize size, void *bytes);
