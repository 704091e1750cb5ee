// SPDX-License-Identifier: MIT
// A Vulkan layer whose devices get lost: VK_LAYER_VKGRID_lost_device.
//
//   LOST_AT=N     a device is lost at its Nth submission and from then on
//   LOST_TIMES=N  so many devices of the process are lost, one after the other (default 1)
//
// It says so on stderr.
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

enum { MOST = 64 }; // instances and devices that live at one time

// The loader begins every object with a pointer that is the same for an instance and its physical
// devices, and for a device and its queues.
struct instance {
    void *key;
    PFN_vkGetInstanceProcAddr next;
    PFN_vkDestroyInstance destroy;
    PFN_vkCreateDevice create_device;
};
struct device {
    void *key;
    PFN_vkGetDeviceProcAddr next;
    PFN_vkDestroyDevice destroy;
    PFN_vkQueueSubmit submit;
    PFN_vkQueueSubmit2 submit2;
    long submissions;
    bool lost;
};

static struct instance instances[MOST];
static struct device devices[MOST];
static long lost_devices;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *key_of(const void *object)
{
    return *(void *const *)object;
}

static struct instance *find_instance(void *key)
{
    for (int i = 0; i < MOST; i++)
        if (instances[i].key == key)
            return &instances[i];
    abort();
}

static struct device *find_device(void *key)
{
    for (int i = 0; i < MOST; i++)
        if (devices[i].key == key)
            return &devices[i];
    abort();
}

static long number(const char *name, long missing)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : missing;
}

// ---- submissions

// Counts one; whether the device is lost.
static bool is_lost(struct device *device)
{
    pthread_mutex_lock(&lock);
    device->submissions++;
    if (!device->lost && device->submissions == number("LOST_AT", 0) &&
        lost_devices < number("LOST_TIMES", 1)) {
        device->lost = true;
        lost_devices++;
        fprintf(stderr, "lost device %ld at submission %ld\n", lost_devices, device->submissions);
    }
    const bool lost = device->lost;
    pthread_mutex_unlock(&lock);
    return lost;
}

static VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, uint32_t count,
                                             const VkSubmitInfo *infos, VkFence fence)
{
    struct device *device = find_device(key_of(queue));
    return is_lost(device) ? VK_ERROR_DEVICE_LOST : device->submit(queue, count, infos, fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL submit2(VkQueue queue, uint32_t count,
                                              const VkSubmitInfo2 *infos, VkFence fence)
{
    struct device *device = find_device(key_of(queue));
    return is_lost(device) ? VK_ERROR_DEVICE_LOST : device->submit2(queue, count, infos, fence);
}

// ---- the chain of layers: each takes its link out of what creates the object

static VkLayerInstanceCreateInfo *instance_link(const VkInstanceCreateInfo *info)
{
    VkLayerInstanceCreateInfo *link = (VkLayerInstanceCreateInfo *)info->pNext;
    while (link && (link->sType != VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO ||
                    link->function != VK_LAYER_LINK_INFO))
        link = (VkLayerInstanceCreateInfo *)link->pNext;
    return link;
}

static VkLayerDeviceCreateInfo *device_link(const VkDeviceCreateInfo *info)
{
    VkLayerDeviceCreateInfo *link = (VkLayerDeviceCreateInfo *)info->pNext;
    while (link && (link->sType != VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO ||
                    link->function != VK_LAYER_LINK_INFO))
        link = (VkLayerDeviceCreateInfo *)link->pNext;
    return link;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *memory,
                                                      VkInstance *made)
{
    VkLayerInstanceCreateInfo *link = instance_link(info);
    if (!link)
        return VK_ERROR_INITIALIZATION_FAILED;
    const PFN_vkGetInstanceProcAddr next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    const VkResult result =
        ((PFN_vkCreateInstance)next(VK_NULL_HANDLE, "vkCreateInstance"))(info, memory, made);
    if (result == VK_SUCCESS)
        // Looked up now: once the instance is there, the loader answers with the top of the chain.
        *find_instance(NULL) = (struct instance){
            .key = key_of(*made),
            .next = next,
            .destroy = (PFN_vkDestroyInstance)next(*made, "vkDestroyInstance"),
            .create_device = (PFN_vkCreateDevice)next(*made, "vkCreateDevice"),
        };
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_instance(VkInstance gone,
                                                   const VkAllocationCallbacks *memory)
{
    if (!gone)
        return;
    struct instance *instance = find_instance(key_of(gone));
    instance->destroy(gone, memory);
    *instance = (struct instance){0};
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical,
                                                    const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *memory,
                                                    VkDevice *made)
{
    VkLayerDeviceCreateInfo *link = device_link(info);
    if (!link)
        return VK_ERROR_INITIALIZATION_FAILED;
    const struct instance *instance = find_instance(key_of(physical));
    const PFN_vkGetDeviceProcAddr next = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    const VkResult result = instance->create_device(physical, info, memory, made);
    if (result == VK_SUCCESS)
        *find_device(NULL) = (struct device){
            .key = key_of(*made),
            .next = next,
            .destroy = (PFN_vkDestroyDevice)next(*made, "vkDestroyDevice"),
            .submit = (PFN_vkQueueSubmit)next(*made, "vkQueueSubmit"),
            .submit2 = (PFN_vkQueueSubmit2)next(*made, "vkQueueSubmit2"),
        };
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_device(VkDevice gone, const VkAllocationCallbacks *memory)
{
    if (!gone)
        return;
    struct device *device = find_device(key_of(gone));
    device->destroy(gone, memory);
    *device = (struct device){0};
}

// ---- what the loader asks for

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL device_function(VkDevice device, const char *name);
static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL instance_function(VkInstance instance,
                                                                  const char *name);

static const struct {
    const char *name;
    PFN_vkVoidFunction function;
} of_instance[] =
    {
        {"vkGetInstanceProcAddr", (PFN_vkVoidFunction)instance_function},
        {"vkCreateInstance", (PFN_vkVoidFunction)create_instance},
        {"vkDestroyInstance", (PFN_vkVoidFunction)destroy_instance},
        {"vkCreateDevice", (PFN_vkVoidFunction)create_device},
},
  of_device[] = {
      {"vkGetDeviceProcAddr", (PFN_vkVoidFunction)device_function},
      {"vkDestroyDevice", (PFN_vkVoidFunction)destroy_device},
      {"vkQueueSubmit", (PFN_vkVoidFunction)submit},
      {"vkQueueSubmit2", (PFN_vkVoidFunction)submit2},
      {"vkQueueSubmit2KHR", (PFN_vkVoidFunction)submit2},
};

static PFN_vkVoidFunction device_hook(const char *name)
{
    for (size_t i = 0; i < sizeof of_device / sizeof of_device[0]; i++)
        if (strcmp(of_device[i].name, name) == 0)
            return of_device[i].function;
    return NULL;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL device_function(VkDevice device, const char *name)
{
    const PFN_vkVoidFunction hook = device_hook(name);
    return hook ? hook : find_device(key_of(device))->next(device, name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL instance_function(VkInstance instance,
                                                                  const char *name)
{
    for (size_t i = 0; i < sizeof of_instance / sizeof of_instance[0]; i++)
        if (strcmp(of_instance[i].name, name) == 0)
            return of_instance[i].function;
    const PFN_vkVoidFunction hook = device_hook(name);
    if (hook || !instance)
        return hook;
    return find_instance(key_of(instance))->next(instance, name);
}

VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *loader)
{
    if (loader->loaderLayerInterfaceVersion < 2)
        return VK_ERROR_INITIALIZATION_FAILED;
    loader->loaderLayerInterfaceVersion = 2;
    loader->pfnGetInstanceProcAddr = instance_function;
    loader->pfnGetDeviceProcAddr = device_function;
    loader->pfnGetPhysicalDeviceProcAddr = NULL;
    return VK_SUCCESS;
}
