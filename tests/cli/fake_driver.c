// SPDX-License-Identifier: MIT
// A Vulkan driver with one device that can be looked at and nothing else. VKGRID_FAKE says what is
// wrong with it: "old" (Vulkan 1.2), "pointers" (no buffer device addresses), "queue" (no compute
// queue).
#include <vulkan/vk_icd.h>

#include <stdlib.h>
#include <string.h>

// What the loader expects of a handle that it dispatches by.
static VK_LOADER_DATA instance = {ICD_LOADER_MAGIC}, device = {ICD_LOADER_MAGIC};

static int lacks(const char *what)
{
    const char *fault = getenv("VKGRID_FAKE");
    return fault && strcmp(fault, what) == 0;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator,
                                                      VkInstance *out)
{
    (void)info;
    (void)allocator;
    *out = (VkInstance)(void *)&instance;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL enumerate_devices(VkInstance from, uint32_t *count,
                                                        VkPhysicalDevice *devices)
{
    (void)from;
    *count = 1;
    if (devices)
        devices[0] = (VkPhysicalDevice)(void *)&device;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL instance_extensions(const char *layer, uint32_t *count,
                                                          VkExtensionProperties *list)
{
    (void)layer;
    (void)list;
    *count = 0;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL device_extensions(VkPhysicalDevice from, const char *layer,
                                                        uint32_t *count,
                                                        VkExtensionProperties *list)
{
    (void)from;
    return instance_extensions(layer, count, list);
}

static VKAPI_ATTR void VKAPI_CALL properties(VkPhysicalDevice from, VkPhysicalDeviceProperties *out)
{
    (void)from;
    memset(out, 0, sizeof *out);
    out->apiVersion = lacks("old") ? VK_API_VERSION_1_2 : VK_API_VERSION_1_3;
    out->deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    strcpy(out->deviceName, "Fake 9000");
}

static VKAPI_ATTR void VKAPI_CALL properties2(VkPhysicalDevice from,
                                              VkPhysicalDeviceProperties2 *out)
{
    properties(from, &out->properties);
}

static VKAPI_ATTR void VKAPI_CALL features(VkPhysicalDevice from, VkPhysicalDeviceFeatures *out)
{
    (void)from;
    memset(out, 0, sizeof *out);
}

static VKAPI_ATTR void VKAPI_CALL features2(VkPhysicalDevice from, VkPhysicalDeviceFeatures2 *out)
{
    features(from, &out->features);
    for (VkBaseOutStructure *next = out->pNext; next; next = next->pNext) {
        if (next->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES) {
            VkPhysicalDeviceVulkan12Features *v12 = (VkPhysicalDeviceVulkan12Features *)next;
            v12->timelineSemaphore = VK_TRUE;
            v12->bufferDeviceAddress = !lacks("pointers");
        }
        if (next->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES) {
            VkPhysicalDeviceVulkan13Features *v13 = (VkPhysicalDeviceVulkan13Features *)next;
            v13->synchronization2 = VK_TRUE;
            v13->maintenance4 = VK_TRUE;
        }
    }
}

static VKAPI_ATTR void VKAPI_CALL memory(VkPhysicalDevice from,
                                         VkPhysicalDeviceMemoryProperties *out)
{
    (void)from;
    memset(out, 0, sizeof *out);
    out->memoryHeapCount = 1;
    out->memoryHeaps[0] = (VkMemoryHeap){8ull << 30, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};
}

static VKAPI_ATTR void VKAPI_CALL queues(VkPhysicalDevice from, uint32_t *count,
                                         VkQueueFamilyProperties *out)
{
    (void)from;
    *count = 1;
    if (out)
        *out = (VkQueueFamilyProperties){.queueFlags = lacks("queue") ? VK_QUEUE_TRANSFER_BIT
                                                                      : VK_QUEUE_COMPUTE_BIT,
                                         .queueCount = 1};
}

static const struct {
    const char *name;
    PFN_vkVoidFunction function;
} table[] = {
    {"vkCreateInstance", (PFN_vkVoidFunction)create_instance},
    {"vkEnumeratePhysicalDevices", (PFN_vkVoidFunction)enumerate_devices},
    {"vkEnumerateInstanceExtensionProperties", (PFN_vkVoidFunction)instance_extensions},
    {"vkEnumerateDeviceExtensionProperties", (PFN_vkVoidFunction)device_extensions},
    {"vkGetPhysicalDeviceProperties", (PFN_vkVoidFunction)properties},
    {"vkGetPhysicalDeviceProperties2", (PFN_vkVoidFunction)properties2},
    {"vkGetPhysicalDeviceFeatures", (PFN_vkVoidFunction)features},
    {"vkGetPhysicalDeviceFeatures2", (PFN_vkVoidFunction)features2},
    {"vkGetPhysicalDeviceMemoryProperties", (PFN_vkVoidFunction)memory},
    {"vkGetPhysicalDeviceQueueFamilyProperties", (PFN_vkVoidFunction)queues},
};

// Anything else the loader wants to know of, but nobody calls on a device that is not usable.
static VKAPI_ATTR VkResult VKAPI_CALL nothing(void)
{
    return VK_SUCCESS;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vk_icdGetInstanceProcAddr(VkInstance from,
                                                                   const char *name);
VKAPI_ATTR VkResult VKAPI_CALL vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version);

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vk_icdGetInstanceProcAddr(VkInstance from,
                                                                   const char *name)
{
    (void)from;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].function;
    if (strcmp(name, "vkEnumerateInstanceVersion") == 0 || strstr(name, "KHR") ||
        strstr(name, "EXT"))
        return NULL;
    return (PFN_vkVoidFunction)nothing;
}

VKAPI_ATTR VkResult VKAPI_CALL vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version)
{
    *version = *version < 5 ? *version : 5;
    return VK_SUCCESS;
}
