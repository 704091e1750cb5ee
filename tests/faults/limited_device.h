// SPDX-License-Identifier: MIT
// The two halves of the layer of limited devices: what a device says of itself, and what it does.
#pragma once

#include "tests/faults/device_profiles.h"
#include "tests/faults/layer.h"

// --- limited_device_layer.c

// Of LIMITED_PROFILE; NULL: the device is what it is.
const struct device_profile *limited_profile(void);
// Memory as the device is said to have it, and the type of the driver's that stands for one of it.
void limited_memory(VkPhysicalDevice physical, VkPhysicalDeviceMemoryProperties *memory);
uint32_t limited_real_type(VkPhysicalDevice physical, uint32_t type);
uint32_t limited_atom(void); // bytes
// Says on stderr what no program may ask of this device. Tests look for it.
void limited_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

// --- limited_device_memory.c

void limited_device_begins(VkDevice device, VkPhysicalDevice physical);
// Bytes that the process has of a heap.
uint64_t limited_used(uint32_t heap);

VKAPI_ATTR VkResult VKAPI_CALL limited_create_buffer(VkDevice, const VkBufferCreateInfo *,
                                                     const VkAllocationCallbacks *, VkBuffer *);
VKAPI_ATTR void VKAPI_CALL limited_requirements(VkDevice, VkBuffer, VkMemoryRequirements *);
VKAPI_ATTR VkResult VKAPI_CALL limited_allocate(VkDevice, const VkMemoryAllocateInfo *,
                                                const VkAllocationCallbacks *, VkDeviceMemory *);
VKAPI_ATTR void VKAPI_CALL limited_free(VkDevice, VkDeviceMemory, const VkAllocationCallbacks *);
VKAPI_ATTR VkResult VKAPI_CALL limited_map(VkDevice, VkDeviceMemory, VkDeviceSize, VkDeviceSize,
                                           VkMemoryMapFlags, void **);
VKAPI_ATTR void VKAPI_CALL limited_unmap(VkDevice, VkDeviceMemory);
VKAPI_ATTR VkResult VKAPI_CALL limited_flush(VkDevice, uint32_t, const VkMappedMemoryRange *);
VKAPI_ATTR VkResult VKAPI_CALL limited_invalidate(VkDevice, uint32_t, const VkMappedMemoryRange *);
