// SPDX-License-Identifier: MIT
#include "tests/faults/layer.h"

#include <stdlib.h>
#include <string.h>

enum { HOOKS = 64 };

// The loader begins every object with a pointer that is the same for an instance and its physical
// devices, and for a device and its queues.
struct instance {
    void *key;
    PFN_vkGetInstanceProcAddr next;
    PFN_vkDestroyInstance destroy;
    PFN_vkCreateDevice create_device;
    PFN_vkVoidFunction hooked[HOOKS]; // [layer_of_instance] the next layer's
};
struct device {
    void *key;
    VkDevice handle;
    PFN_vkGetDeviceProcAddr next;
};

static struct instance instances[LAYER_DEVICES];
static struct device devices[LAYER_DEVICES];
pthread_mutex_t layer_lock = PTHREAD_MUTEX_INITIALIZER;

static void *key_of(const void *object)
{
    return *(void *const *)object;
}

static struct instance *instance_of(void *key)
{
    for (int i = 0; i < LAYER_DEVICES; i++)
        if (instances[i].key == key)
            return &instances[i];
    return NULL;
}

static struct device *device_of(void *key)
{
    for (int i = 0; i < LAYER_DEVICES; i++)
        if (devices[i].key == key)
            return &devices[i];
    return NULL;
}

static int find_hook(const struct layer_hook *hooks, const char *name)
{
    for (int i = 0; hooks[i].name; i++)
        if (strcmp(hooks[i].name, name) == 0)
            return i;
    return -1;
}

PFN_vkVoidFunction layer_next(const void *object, const char *name)
{
    const struct instance *instance = instance_of(key_of(object));
    if (!instance) {
        const struct device *device = device_of(key_of(object));
        return device->next(device->handle, name);
    }
    const int hook = find_hook(layer_of_instance, name);
    if (hook < 0)
        abort();
    return instance->hooked[hook];
}

int layer_device_number(const void *object)
{
    return (int)(device_of(key_of(object)) - devices);
}

long layer_setting(const char *name, long missing)
{
    const char *text = getenv(name);
    return text && *text ? strtol(text, NULL, 10) : missing;
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
    if (result != VK_SUCCESS)
        return result;
    pthread_mutex_lock(&layer_lock);
    struct instance *instance = instance_of(NULL);
    if (!instance)
        abort();
    // Looked up now: once the instance is there, the loader answers with the top of the chain.
    *instance = (struct instance){
        .key = key_of(*made),
        .next = next,
        .destroy = (PFN_vkDestroyInstance)next(*made, "vkDestroyInstance"),
        .create_device = (PFN_vkCreateDevice)next(*made, "vkCreateDevice"),
    };
    for (int i = 0; layer_of_instance[i].name; i++)
        instance->hooked[i] = next(*made, layer_of_instance[i].name);
    pthread_mutex_unlock(&layer_lock);
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_instance(VkInstance gone,
                                                   const VkAllocationCallbacks *memory)
{
    if (!gone)
        return;
    struct instance *instance = instance_of(key_of(gone));
    instance->destroy(gone, memory);
    *instance = (struct instance){0};
}

VKAPI_ATTR VkResult VKAPI_CALL layer_create_device(VkPhysicalDevice physical,
                                                   const VkDeviceCreateInfo *info,
                                                   const VkAllocationCallbacks *memory,
                                                   VkDevice *made)
{
    VkLayerDeviceCreateInfo *link = device_link(info);
    if (!link)
        return VK_ERROR_INITIALIZATION_FAILED;
    const PFN_vkGetDeviceProcAddr next = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    const VkResult result =
        instance_of(key_of(physical))->create_device(physical, info, memory, made);
    if (result != VK_SUCCESS)
        return result;
    pthread_mutex_lock(&layer_lock);
    struct device *device = device_of(NULL);
    if (!device)
        abort();
    *device = (struct device){.key = key_of(*made), .handle = *made, .next = next};
    pthread_mutex_unlock(&layer_lock);
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_device(VkDevice gone, const VkAllocationCallbacks *memory)
{
    if (!gone)
        return;
    struct device *device = device_of(key_of(gone));
    ((PFN_vkDestroyDevice)device->next(gone, "vkDestroyDevice"))(gone, memory);
    *device = (struct device){0};
}

// ---- what the loader asks for

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL device_function(VkDevice device, const char *name);
static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL instance_function(VkInstance instance,
                                                                  const char *name);

static PFN_vkVoidFunction function_of(const struct layer_hook *hooks, const char *name)
{
    const int hook = find_hook(hooks, name);
    return hook < 0 ? NULL : hooks[hook].function;
}

static PFN_vkVoidFunction device_hook(const char *name)
{
    static const struct layer_hook own[] = {
        LAYER_HOOK("vkGetDeviceProcAddr", device_function),
        LAYER_HOOK("vkDestroyDevice", destroy_device),
        {0},
    };
    const PFN_vkVoidFunction function = function_of(own, name);
    return function ? function : function_of(layer_of_device, name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL device_function(VkDevice device, const char *name)
{
    const PFN_vkVoidFunction hook = device_hook(name);
    return hook ? hook : device_of(key_of(device))->next(device, name);
}

static PFN_vkVoidFunction instance_hook(const char *name)
{
    static const struct layer_hook own[] = {
        LAYER_HOOK("vkGetInstanceProcAddr", instance_function),
        LAYER_HOOK("vkCreateInstance", create_instance),
        LAYER_HOOK("vkDestroyInstance", destroy_instance),
        {0},
    };
    const PFN_vkVoidFunction function = function_of(own, name);
    if (function)
        return function;
    const PFN_vkVoidFunction hook = function_of(layer_of_instance, name);
    return hook || strcmp(name, "vkCreateDevice") != 0 ? hook
                                                       : (PFN_vkVoidFunction)layer_create_device;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL instance_function(VkInstance instance,
                                                                  const char *name)
{
    PFN_vkVoidFunction hook = instance_hook(name);
    if (!hook)
        hook = device_hook(name);
    if (hook || !instance)
        return hook;
    return instance_of(key_of(instance))->next(instance, name);
}

__attribute__((visibility("default"))) VKAPI_ATTR VkResult VKAPI_CALL
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
