// SPDX-License-Identifier: MIT
// What a Vulkan layer needs beside its hooks: the chain of layers, and what the loader asks for.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

struct layer_hook {
    const char *name;
    PFN_vkVoidFunction function;
};
#define LAYER_HOOK(name, function) \
    { \
        name, (PFN_vkVoidFunction)(function) \
    }

// The layer's own functions: those whose first argument is an instance or a physical device, and
// those of devices and queues. A hook without a name ends the list.
extern const struct layer_hook layer_of_instance[], layer_of_device[];

// The next layer's, or the driver's, function of that name for an instance, a physical device, a
// device or a queue; of an instance only for what is hooked.
PFN_vkVoidFunction layer_next(const void *object, const char *name);
#define NEXT(object, name) ((PFN_##name)layer_next(object, #name))

// Makes a device by the next layer: what a hook of vkCreateDevice ends with, where there is one.
VKAPI_ATTR VkResult VKAPI_CALL layer_create_device(VkPhysicalDevice physical,
                                                   const VkDeviceCreateInfo *info,
                                                   const VkAllocationCallbacks *memory,
                                                   VkDevice *made);

// Of a device or its queue, while it lives: from 0 to LAYER_DEVICES - 1.
#define LAYER_DEVICES 64
int layer_device_number(const void *object);

// A number of the environment.
long layer_setting(const char *name, long missing);

// For whatever the layer keeps.
extern pthread_mutex_t layer_lock;
