// SPDX-License-Identifier: MIT
// A Vulkan layer that makes a software driver look like another device, and lets it fail:
// VK_LAYER_VKGRID_limited_device.
//
//   LIMITED_PROFILE=NAME   what the device says of itself (device_profiles.c); what the driver
//   below
//                          cannot do is not said to be there
//   LIMITED_BUDGET=MIB     VK_EXT_memory_budget tells so much for each heap of the device
//   LIMITED_MEMORY=MIB     allocations fail that would make more than this in all
//   LIMITED_FAIL_RATE=N    one in N allocations and new buffers fails ...
//   LIMITED_SEED=N         ... by random numbers from this seed ...
//   LIMITED_FAILURES=N     ... so many in all (default: any number)
//   LIMITED_NONCOHERENT=1  mapped memory is not coherent: what the host writes is there after
//                          vkFlushMappedMemoryRanges, what it reads after vkInvalidate...
//   LIMITED_HANG_AT=N      from its Nth submission on a device never finishes ...
//   LIMITED_HANG_TIMES=N   ... and so do so many devices of the process, one after the other
//   (default 1)
//
// It says on stderr what it refuses and what no program may ask of such a device.
#include "tests/faults/limited_device.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MIB (UINT64_C(1) << 20)
#define COARSE_ATOM 256 // bytes, without a profile: the largest that the specification allows

void limited_complain(const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "limited device: not allowed: %s\n", text);
}

const struct device_profile *limited_profile(void)
{
    const char *name = getenv("LIMITED_PROFILE");
    if (!name || !*name)
        return NULL;
    const struct device_profile *profile = device_profile(name);
    if (!profile) {
        fprintf(stderr, "limited device: LIMITED_PROFILE: there is no %s\n", name);
        abort();
    }
    return profile;
}

static bool is_set(const char *name)
{
    return layer_setting(name, 0) != 0;
}

uint32_t limited_atom(void)
{
    const struct device_profile *profile = limited_profile();
    return profile ? profile->atom : COARSE_ATOM;
}

// ---- memory

static void real_memory(VkPhysicalDevice physical, VkPhysicalDeviceMemoryProperties *memory)
{
    NEXT(physical, vkGetPhysicalDeviceMemoryProperties)(physical, memory);
}

void limited_memory(VkPhysicalDevice physical, VkPhysicalDeviceMemoryProperties *memory)
{
    const struct device_profile *profile = limited_profile();
    real_memory(physical, memory);
    if (profile) {
        *memory =
            (VkPhysicalDeviceMemoryProperties){.memoryTypeCount = (uint32_t)profile->memory_count,
                                               .memoryHeapCount = (uint32_t)profile->heap_count};
        memcpy(memory->memoryTypes, profile->memory, sizeof profile->memory);
        for (int i = 0; i < profile->heap_count; i++)
            memory->memoryHeaps[i] = (VkMemoryHeap){
                .size = profile->heaps[i].size,
                .flags = profile->heaps[i].local ? VK_MEMORY_HEAP_DEVICE_LOCAL_BIT : 0};
    }
    for (uint32_t i = 0; is_set("LIMITED_NONCOHERENT") && i < memory->memoryTypeCount; i++)
        memory->memoryTypes[i].propertyFlags &=
            ~(VkMemoryPropertyFlags)VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
}

// One that the host can see stands for them all.
uint32_t limited_real_type(VkPhysicalDevice physical, uint32_t type)
{
    VkPhysicalDeviceMemoryProperties memory;
    if (!limited_profile())
        return type;
    real_memory(physical, &memory);
    for (uint32_t i = 0; i < memory.memoryTypeCount; i++)
        if (memory.memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)
            return i;
    abort();
}

static void tell_budget(const VkPhysicalDeviceMemoryProperties *memory,
                        VkPhysicalDeviceMemoryBudgetPropertiesEXT *told)
{
    const struct device_profile *profile = limited_profile();
    const uint64_t budget = (uint64_t)layer_setting("LIMITED_BUDGET", 0) * MIB;
    for (uint32_t i = 0; i < memory->memoryHeapCount; i++) {
        const bool local = memory->memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
        told->heapBudget[i] = budget > 0 && local ? budget
                              : profile           ? profile->heaps[i].budget
                                                  : memory->memoryHeaps[i].size;
        told->heapUsage[i] = limited_used(i);
    }
}

static VKAPI_ATTR void VKAPI_CALL memory_properties(VkPhysicalDevice physical,
                                                    VkPhysicalDeviceMemoryProperties *memory)
{
    limited_memory(physical, memory);
}

static VKAPI_ATTR void VKAPI_CALL memory_properties2(VkPhysicalDevice physical,
                                                     VkPhysicalDeviceMemoryProperties2 *memory)
{
    limited_memory(physical, &memory->memoryProperties);
    for (VkBaseOutStructure *next = memory->pNext; next; next = next->pNext)
        if (next->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT)
            tell_budget(&memory->memoryProperties,
                        (VkPhysicalDeviceMemoryBudgetPropertiesEXT *)next);
}

// ---- properties

static void limit(const struct device_profile *profile, VkPhysicalDeviceProperties *properties)
{
    VkPhysicalDeviceLimits *limits = &properties->limits;
    if (!profile) {
        if (is_set("LIMITED_NONCOHERENT"))
            limits->nonCoherentAtomSize = limited_atom();
        return;
    }
    snprintf(properties->deviceName, sizeof properties->deviceName, "%s", profile->device);
    properties->vendorID = profile->vendor;
    properties->deviceID = profile->id;
    properties->deviceType = profile->type;
    if (properties->apiVersion > profile->api)
        properties->apiVersion = profile->api;
    limits->maxComputeSharedMemorySize = profile->shared;
    limits->maxComputeWorkGroupInvocations = profile->invocations;
    memcpy(limits->maxComputeWorkGroupSize, profile->local, sizeof profile->local);
    memcpy(limits->maxComputeWorkGroupCount, profile->groups, sizeof profile->groups);
    limits->nonCoherentAtomSize = profile->atom;
    limits->timestampPeriod = profile->tick;
}

static uint64_t largest_allocation(const struct device_profile *profile)
{
    uint64_t size = profile->allocation;
    for (int i = 0; profile->allocation == 0 && i < profile->heap_count; i++)
        size = profile->heaps[i].size > size ? profile->heaps[i].size : size;
    return size;
}

#define DRIVER_PROPERTIES(to) \
    do { \
        (to)->driverID = profile->driver_id; \
        snprintf((to)->driverName, sizeof(to)->driverName, "%s", profile->driver); \
        snprintf((to)->driverInfo, sizeof(to)->driverInfo, "%s", profile->info); \
    } while (0)
#define FLOAT_CONTROLS(to) \
    do { \
        (to)->shaderDenormPreserveFloat16 &= profile->denormals; \
        (to)->shaderRoundingModeRTEFloat16 &= profile->to_even; \
    } while (0)
#define SUBGROUP_SIZES(to) \
    do { \
        (to)->minSubgroupSize = profile->least_subgroup; \
        (to)->maxSubgroupSize = profile->most_subgroup; \
        if (!profile->sets_subgroup) \
            (to)->requiredSubgroupSizeStages = 0; \
    } while (0)

static void limit_more(const struct device_profile *profile, VkBaseOutStructure *more)
{
    switch ((int)more->sType) {
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES:
        DRIVER_PROPERTIES((VkPhysicalDeviceDriverProperties *)more);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES:
        DRIVER_PROPERTIES((VkPhysicalDeviceVulkan12Properties *)more);
        FLOAT_CONTROLS((VkPhysicalDeviceVulkan12Properties *)more);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES:
        FLOAT_CONTROLS((VkPhysicalDeviceFloatControlsProperties *)more);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES:
        ((VkPhysicalDeviceSubgroupProperties *)more)->subgroupSize = profile->subgroup;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES:
        SUBGROUP_SIZES((VkPhysicalDeviceSubgroupSizeControlProperties *)more);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES:
        ((VkPhysicalDeviceMaintenance3Properties *)more)->maxMemoryAllocationSize =
            largest_allocation(profile);
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES:
        ((VkPhysicalDeviceMaintenance4Properties *)more)->maxBufferSize = profile->buffer;
        break;
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES: {
        VkPhysicalDeviceVulkan11Properties *v11 = (VkPhysicalDeviceVulkan11Properties *)more;
        v11->subgroupSize = profile->subgroup;
        v11->maxMemoryAllocationSize = largest_allocation(profile);
        break;
    }
    case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES:
        SUBGROUP_SIZES((VkPhysicalDeviceVulkan13Properties *)more);
        ((VkPhysicalDeviceVulkan13Properties *)more)->maxBufferSize = profile->buffer;
        break;
    default:
        break;
    }
}

static VKAPI_ATTR void VKAPI_CALL properties(VkPhysicalDevice physical,
                                             VkPhysicalDeviceProperties *told)
{
    NEXT(physical, vkGetPhysicalDeviceProperties)(physical, told);
    limit(limited_profile(), told);
}

static VKAPI_ATTR void VKAPI_CALL properties2(VkPhysicalDevice physical,
                                              VkPhysicalDeviceProperties2 *told)
{
    const struct device_profile *profile = limited_profile();
    NEXT(physical, vkGetPhysicalDeviceProperties2)(physical, told);
    limit(profile, &told->properties);
    for (VkBaseOutStructure *more = told->pNext; profile && more; more = more->pNext)
        limit_more(profile, more);
}

static VKAPI_ATTR void VKAPI_CALL features2(VkPhysicalDevice physical,
                                            VkPhysicalDeviceFeatures2 *told)
{
    const struct device_profile *profile = limited_profile();
    NEXT(physical, vkGetPhysicalDeviceFeatures2)(physical, told);
    for (VkBaseOutStructure *more = told->pNext; profile && more; more = more->pNext) {
        if (more->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES)
            ((VkPhysicalDeviceVulkan12Features *)more)->shaderFloat16 &= profile->half;
        if (more->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES)
            ((VkPhysicalDeviceShaderFloat16Int8Features *)more)->shaderFloat16 &= profile->half;
    }
}

static VKAPI_ATTR void VKAPI_CALL families(VkPhysicalDevice physical, uint32_t *count,
                                           VkQueueFamilyProperties *told)
{
    const struct device_profile *profile = limited_profile();
    if (!profile) {
        NEXT(physical, vkGetPhysicalDeviceQueueFamilyProperties)(physical, count, told);
        return;
    }
    const uint32_t all = (uint32_t)profile->family_count;
    *count = told && *count < all ? *count : all;
    for (uint32_t i = 0; told && i < *count; i++)
        told[i] =
            (VkQueueFamilyProperties){.queueFlags = profile->families[i].flags,
                                      .queueCount = profile->families[i].count,
                                      .timestampValidBits = profile->families[i].timestamp_bits,
                                      .minImageTransferGranularity = {1, 1, 1}};
}

// ---- extensions

// The subgroup of the driver below: kernels for matrix units count on the one that they asked for.
static bool matrices_fit(VkPhysicalDevice physical, const struct device_profile *profile)
{
    VkPhysicalDeviceSubgroupProperties subgroup = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
    VkPhysicalDeviceProperties2 told = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                        .pNext = &subgroup};
    NEXT(physical, vkGetPhysicalDeviceProperties2)(physical, &told);
    return profile->matrix && subgroup.subgroupSize == profile->least_subgroup;
}

static uint32_t without(VkExtensionProperties *list, uint32_t count, const char *name)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(list[i].extensionName, name) != 0)
            list[kept++] = list[i];
    return kept;
}

static uint32_t with(VkExtensionProperties *list, uint32_t count, const char *name)
{
    count = without(list, count, name);
    list[count] = (VkExtensionProperties){.specVersion = 1};
    strcpy(list[count].extensionName, name);
    return count + 1;
}

#define PORTABILITY "VK_KHR_portability_subset"
#define MATRICES "VK_KHR_cooperative_matrix"

static VKAPI_ATTR VkResult VKAPI_CALL extensions(VkPhysicalDevice physical, const char *layer,
                                                 uint32_t *count, VkExtensionProperties *told)
{
    const struct device_profile *profile = limited_profile();
    static VkExtensionProperties list[1024];
    uint32_t all = sizeof list / sizeof list[0] - 2;
    if (layer && strcmp(layer, "VK_LAYER_VKGRID_limited_device") == 0) {
        *count = 0;
        return VK_SUCCESS;
    }
    pthread_mutex_lock(&layer_lock);
    VkResult result =
        NEXT(physical, vkEnumerateDeviceExtensionProperties)(physical, layer, &all, list);
    if (profile ? profile->told : is_set("LIMITED_BUDGET"))
        all = with(list, all, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
    if (profile && profile->portability)
        all = with(list, all, PORTABILITY);
    if (profile && !matrices_fit(physical, profile))
        all = without(list, all, MATRICES);
    if (told && result == VK_SUCCESS) {
        result = *count < all ? VK_INCOMPLETE : VK_SUCCESS;
        *count = *count < all ? *count : all;
        memcpy(told, list, *count * sizeof *list);
    } else {
        *count = all;
    }
    pthread_mutex_unlock(&layer_lock);
    return result;
}

// ---- devices and their queues: all stand for the first queue of the driver below

static uint32_t real_family(VkPhysicalDevice physical)
{
    VkQueueFamilyProperties real[16];
    uint32_t count = sizeof real / sizeof real[0], family = 0;
    NEXT(physical, vkGetPhysicalDeviceQueueFamilyProperties)(physical, &count, real);
    while (family < count && !(real[family].queueFlags & VK_QUEUE_COMPUTE_BIT))
        family++;
    return family;
}

static struct {
    uint32_t family;                 // of the driver below
    const struct device_profile *as; // NULL: as it is
    long submissions;
    bool hangs;
} states[LAYER_DEVICES];

static VkResult create_as(const struct device_profile *profile, VkPhysicalDevice physical,
                          const VkDeviceCreateInfo *info, const VkAllocationCallbacks *host,
                          VkDevice *made)
{
    VkDeviceCreateInfo real = *info;
    VkDeviceQueueCreateInfo queue = info->pQueueCreateInfos[0];
    const char **names = calloc(info->enabledExtensionCount + 1, sizeof *names);
    bool subset = false;
    for (uint32_t i = 0; i < info->queueCreateInfoCount; i++)
        if (info->pQueueCreateInfos[i].queueFamilyIndex >= (uint32_t)profile->family_count)
            limited_complain("queue family %u", info->pQueueCreateInfos[i].queueFamilyIndex);
    queue.queueFamilyIndex = real_family(physical);
    queue.queueCount = 1;
    real.queueCreateInfoCount = 1;
    real.pQueueCreateInfos = &queue;
    real.ppEnabledExtensionNames = names;
    real.enabledExtensionCount = 0;
    for (uint32_t i = 0; i < info->enabledExtensionCount; i++) {
        const char *name = info->ppEnabledExtensionNames[i];
        subset |= strcmp(name, PORTABILITY) == 0;
        if (strcmp(name, PORTABILITY) != 0 &&
            strcmp(name, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME) != 0)
            names[real.enabledExtensionCount++] = name;
    }
    if (profile->portability && !subset)
        limited_complain("a device without " PORTABILITY ", which it has");
    const VkResult result = layer_create_device(physical, &real, host, made);
    free(names);
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical,
                                                    const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *host,
                                                    VkDevice *made)
{
    const struct device_profile *profile = limited_profile();
    const VkResult result = profile ? create_as(profile, physical, info, host, made)
                                    : layer_create_device(physical, info, host, made);
    if (result != VK_SUCCESS)
        return result;
    const int number = layer_device_number(*made);
    memset(&states[number], 0, sizeof states[number]);
    states[number].family = real_family(physical);
    states[number].as = profile;
    limited_device_begins(*made, physical);
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL get_queue(VkDevice device, uint32_t family, uint32_t index,
                                            VkQueue *queue)
{
    const int number = layer_device_number(device);
    NEXT(device, vkGetDeviceQueue)
    (device, states[number].as ? states[number].family : family, states[number].as ? 0 : index,
     queue);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_pool(VkDevice device,
                                                  const VkCommandPoolCreateInfo *info,
                                                  const VkAllocationCallbacks *host,
                                                  VkCommandPool *pool)
{
    const int number = layer_device_number(device);
    VkCommandPoolCreateInfo real = *info;
    if (states[number].as)
        real.queueFamilyIndex = states[number].family;
    return NEXT(device, vkCreateCommandPool)(device, &real, host, pool);
}

// ---- dispatches

static void check_groups(VkCommandBuffer commands, const uint32_t first[3],
                         const uint32_t groups[3])
{
    const struct device_profile *profile = limited_profile();
    (void)commands;
    for (int i = 0; profile && i < 3; i++)
        if (first[i] > profile->groups[i] || groups[i] > profile->groups[i] - first[i])
            limited_complain("%u workgroups from %u along %d", groups[i], first[i], i);
}

static VKAPI_ATTR void VKAPI_CALL dispatch(VkCommandBuffer commands, uint32_t x, uint32_t y,
                                           uint32_t z)
{
    check_groups(commands, (uint32_t[]){0, 0, 0}, (uint32_t[]){x, y, z});
    NEXT(commands, vkCmdDispatch)(commands, x, y, z);
}

static VKAPI_ATTR void VKAPI_CALL dispatch_base(VkCommandBuffer commands, uint32_t first_x,
                                                uint32_t first_y, uint32_t first_z, uint32_t x,
                                                uint32_t y, uint32_t z)
{
    check_groups(commands, (uint32_t[]){first_x, first_y, first_z}, (uint32_t[]){x, y, z});
    NEXT(commands, vkCmdDispatchBase)(commands, first_x, first_y, first_z, x, y, z);
}

// ---- devices that hang

static bool hangs(const void *object)
{
    return states[layer_device_number(object)].hangs;
}

static VKAPI_ATTR VkResult VKAPI_CALL submit2(VkQueue queue, uint32_t count,
                                              const VkSubmitInfo2 *infos, VkFence fence)
{
    static long hung;
    const int number = layer_device_number(queue);
    pthread_mutex_lock(&layer_lock);
    if (++states[number].submissions == layer_setting("LIMITED_HANG_AT", 0) &&
        hung < layer_setting("LIMITED_HANG_TIMES", 1)) {
        states[number].hangs = true;
        hung++;
        fprintf(stderr, "limited device: hangs at submission %ld\n", states[number].submissions);
    }
    pthread_mutex_unlock(&layer_lock);
    return NEXT(queue, vkQueueSubmit2)(queue, count, infos, fence);
}

// For good where no time is given, as a driver would; else the time passes at once, so that no test
// depends on how long something takes.
static VkResult wait_in_vain(uint64_t nanoseconds)
{
    while (nanoseconds == UINT64_MAX)
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    return VK_TIMEOUT;
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_semaphores(VkDevice device,
                                                      const VkSemaphoreWaitInfo *info,
                                                      uint64_t timeout)
{
    return hangs(device) ? wait_in_vain(timeout)
                         : NEXT(device, vkWaitSemaphores)(device, info, timeout);
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_fences(VkDevice device, uint32_t count,
                                                  const VkFence *fences, VkBool32 all,
                                                  uint64_t timeout)
{
    return hangs(device) ? wait_in_vain(timeout)
                         : NEXT(device, vkWaitForFences)(device, count, fences, all, timeout);
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_device(VkDevice device)
{
    return hangs(device) ? wait_in_vain(UINT64_MAX) : NEXT(device, vkDeviceWaitIdle)(device);
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_queue(VkQueue queue)
{
    return hangs(queue) ? wait_in_vain(UINT64_MAX) : NEXT(queue, vkQueueWaitIdle)(queue);
}

const struct layer_hook layer_of_instance[] = {
    LAYER_HOOK("vkCreateDevice", create_device),
    LAYER_HOOK("vkEnumerateDeviceExtensionProperties", extensions),
    LAYER_HOOK("vkGetPhysicalDeviceFeatures2", features2),
    LAYER_HOOK("vkGetPhysicalDeviceMemoryProperties", memory_properties),
    LAYER_HOOK("vkGetPhysicalDeviceMemoryProperties2", memory_properties2),
    LAYER_HOOK("vkGetPhysicalDeviceProperties", properties),
    LAYER_HOOK("vkGetPhysicalDeviceProperties2", properties2),
    LAYER_HOOK("vkGetPhysicalDeviceQueueFamilyProperties", families),
    {0},
};
const struct layer_hook layer_of_device[] = {
    LAYER_HOOK("vkAllocateMemory", limited_allocate),
    LAYER_HOOK("vkCmdDispatch", dispatch),
    LAYER_HOOK("vkCmdDispatchBase", dispatch_base),
    LAYER_HOOK("vkCreateBuffer", limited_create_buffer),
    LAYER_HOOK("vkCreateCommandPool", create_pool),
    LAYER_HOOK("vkDeviceWaitIdle", wait_device),
    LAYER_HOOK("vkFlushMappedMemoryRanges", limited_flush),
    LAYER_HOOK("vkFreeMemory", limited_free),
    LAYER_HOOK("vkGetBufferMemoryRequirements", limited_requirements),
    LAYER_HOOK("vkGetDeviceQueue", get_queue),
    LAYER_HOOK("vkInvalidateMappedMemoryRanges", limited_invalidate),
    LAYER_HOOK("vkMapMemory", limited_map),
    LAYER_HOOK("vkQueueSubmit2", submit2),
    LAYER_HOOK("vkQueueWaitIdle", wait_queue),
    LAYER_HOOK("vkUnmapMemory", limited_unmap),
    LAYER_HOOK("vkWaitForFences", wait_fences),
    LAYER_HOOK("vkWaitSemaphores", wait_semaphores),
    {0},
};
