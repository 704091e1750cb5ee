// SPDX-License-Identifier: MIT
// Physical devices as device_info, and the engine: one logical device with one compute queue.
#include "engine/vulkan/tuning.h"

#include "vkgrid/error.h"
#include "vkgrid/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct device_features {
    VkPhysicalDeviceFeatures2 core;
    VkPhysicalDeviceVulkan11Features v11;
    VkPhysicalDeviceVulkan12Features v12;
    VkPhysicalDeviceVulkan13Features v13;
};

struct device_properties {
    VkPhysicalDeviceProperties2 core;
    VkPhysicalDeviceDriverProperties driver;
    VkPhysicalDeviceSubgroupProperties subgroup;
    VkPhysicalDeviceSubgroupSizeControlProperties subgroup_sizes;
    VkPhysicalDeviceMaintenance3Properties allocation;
    VkPhysicalDeviceMaintenance4Properties buffer;
};

static void query(VkPhysicalDevice device, struct device_features *features,
                  struct device_properties *properties)
{
    *features = (struct device_features){
        .core = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &features->v11},
        .v11 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
                .pNext = &features->v12},
        .v12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
                .pNext = &features->v13},
        .v13 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES},
    };
    *properties = (struct device_properties){
        .core = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                 .pNext = &properties->driver},
        .driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES,
                   .pNext = &properties->subgroup},
        .subgroup = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES,
                     .pNext = &properties->subgroup_sizes},
        .subgroup_sizes = {.sType =
                               VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES,
                           .pNext = &properties->allocation},
        .allocation = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES,
                       .pNext = &properties->buffer},
        .buffer = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES},
    };
    vkGetPhysicalDeviceFeatures2(device, &features->core);
    vkGetPhysicalDeviceProperties2(device, &properties->core);
}

static bool has_extension(VkPhysicalDevice device, const char *name)
{
    uint32_t count = 0;
    if (vkEnumerateDeviceExtensionProperties(device, NULL, &count, NULL) != VK_SUCCESS)
        return false;
    VkExtensionProperties *list = mem_zalloc(count, sizeof *list);
    bool found = false;
    if (vkEnumerateDeviceExtensionProperties(device, NULL, &count, list) == VK_SUCCESS)
        for (uint32_t i = 0; i < count && !found; i++)
            found = strcmp(list[i].extensionName, name) == 0;
    free(list);
    return found;
}

static bool compute_family(VkPhysicalDevice device, uint32_t *family, uint32_t *timestamp_bits)
{
    VkQueueFamilyProperties families[32];
    uint32_t count = sizeof families / sizeof families[0];
    vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families);
    for (uint32_t i = 0; i < count; i++)
        if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) {
            *family = i;
            *timestamp_bits = families[i].timestampValidBits;
            return true;
        }
    return false;
}

static enum device_kind kind_of(VkPhysicalDeviceType type)
{
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
        return DEVICE_DISCRETE;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        return DEVICE_INTEGRATED;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        return DEVICE_VIRTUAL;
    default:
        return DEVICE_SOFTWARE;
    }
}

static bool has_budget(VkPhysicalDevice device)
{
    return has_extension(device, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
}

static uint64_t largest_piece(const struct device_properties *properties)
{
    const uint64_t memory = properties->allocation.maxMemoryAllocationSize,
                   buffer = properties->buffer.maxBufferSize;
    return memory < buffer ? memory : buffer;
}

// What the kernels cannot do without, or "".
static const char *missing(VkPhysicalDevice device, const struct device_features *features,
                           const struct device_properties *properties)
{
    uint32_t family, timestamp_bits;
    if (properties->core.properties.apiVersion < VK_API_VERSION_1_3)
        return "needs Vulkan 1.3";
    if (!compute_family(device, &family, &timestamp_bits))
        return "needs a compute queue";
    if (!features->v12.bufferDeviceAddress)
        return "needs the feature bufferDeviceAddress";
    if (!features->v12.timelineSemaphore)
        return "needs the feature timelineSemaphore";
    if (!features->v13.synchronization2)
        return "needs the feature synchronization2";
    if (!features->v13.maintenance4)
        return "needs the feature maintenance4";
    return "";
}

static void describe(VkPhysicalDevice device, struct device_info *info)
{
    struct device_features features;
    struct device_properties properties;
    query(device, &features, &properties);
    const uint32_t api = properties.core.properties.apiVersion;
    memset(info, 0, sizeof *info);
    snprintf(info->name, sizeof info->name, "%s", properties.core.properties.deviceName);
    snprintf(info->driver, sizeof info->driver, "%.100s %.100s, Vulkan %u.%u",
             properties.driver.driverName, properties.driver.driverInfo, VK_API_VERSION_MAJOR(api),
             VK_API_VERSION_MINOR(api));
    info->kind = kind_of(properties.core.properties.deviceType);
    info->largest_piece = largest_piece(&properties);
    memory_count(device, has_budget(device), info);
    snprintf(info->missing, sizeof info->missing, "%s", missing(device, &features, &properties));
    info->usable = info->missing[0] == 0;
    info->half = features.v12.shaderFloat16 && features.v11.storageBuffer16BitAccess ? HALF_FLOAT16
                                                                                     : HALF_NONE;
    snprintf(info->features, sizeof info->features, "subgroup %u%s%s%s",
             properties.subgroup.subgroupSize, features.v12.shaderFloat16 ? ", fp16" : "",
             features.v11.storageBuffer16BitAccess ? ", 16-bit storage" : "",
             !has_extension(device, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME) ? ""
             : vulkan_has_kernel(KERNEL_ID_CONV_MATRIX)
                 ? ", cooperative matrix"
                 : ", cooperative matrix (this build has no kernels for it)");
}

// A file that cannot be used counts as none: whoever opens the device is told.
static int count_tuned(VkPhysicalDevice device)
{
    struct tuning tuning;
    tuning_locate(device, &tuning);
    tuning_read(&tuning);
    const int count = tuning.tile_count;
    tuning_free(&tuning);
    return count;
}

static bool vulkan_devices(struct device_info **list, int *count)
{
    struct vulkan_context context;
    if (!vulkan_context_create(&context))
        return false;
    *list = mem_grow(*list, (size_t)*count + context.count + 1, sizeof **list);
    for (uint32_t i = 0; i < context.count; i++) {
        struct device_info *info = &(*list)[(*count)++];
        describe(context.devices[i], info);
        info->tuned = count_tuned(context.devices[i]);
    }
    vulkan_context_destroy(&context);
    return true;
}

static const char *vulkan_absent(void)
{
    return vulkan_loader() ? NULL : "no Vulkan loader (libvulkan.so.1)";
}

static bool create_device(struct vulkan_engine *engine)
{
    const char *extensions[2];
    uint32_t extension_count = 0;
    engine->can_capture =
        has_extension(engine->physical, VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME);
    if (engine->can_capture)
        extensions[extension_count++] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
    const bool matrix = engine->matrix.m > 0;
    if (matrix)
        extensions[extension_count++] = VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME;
    const float priority = 1;
    const VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = engine->family,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR statistics = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
        .pipelineExecutableInfo = VK_TRUE,
    };
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrices = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR,
        .pNext = engine->can_capture ? &statistics : NULL,
        .cooperativeMatrix = VK_TRUE,
    };
    VkPhysicalDeviceVulkan13Features v13 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
        .pNext = matrix ? (void *)&matrices : matrices.pNext,
        .synchronization2 = VK_TRUE,
        .maintenance4 = VK_TRUE,
        .subgroupSizeControl = matrix,
        .computeFullSubgroups = matrix,
    };
    const VkBool32 half = engine->base.device.half == HALF_FLOAT16;
    VkPhysicalDeviceVulkan11Features v11 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
        .pNext = &v13,
        .storageBuffer16BitAccess = half,
    };
    VkPhysicalDeviceVulkan12Features v12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
        .pNext = &v11,
        .shaderFloat16 = half,
        .vulkanMemoryModel = matrix,            // of matrix kernels; then the atomics and coherent
        .vulkanMemoryModelDeviceScope = matrix, // memory of the others must be allowed in it too
        .bufferDeviceAddress = VK_TRUE,
        .timelineSemaphore = VK_TRUE,
    };
    const VkDeviceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &v12,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .enabledExtensionCount = extension_count,
        .ppEnabledExtensionNames = extensions,
    };
    VK_CHECK(vkCreateDevice(engine->physical, &info, NULL, &engine->device));
    volkLoadDeviceTable(&engine->vk, engine->device);
    engine->vk.vkGetDeviceQueue(engine->device, engine->family, 0, &engine->queue);
    return true;
error:
    return false;
}

static bool create_layout(struct vulkan_engine *engine)
{
    const VkPushConstantRange range = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = 128};
    const VkPipelineLayoutCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .pushConstantRangeCount = 1,
        .pPushConstantRanges = &range,
    };
    VK_CHECK(engine->vk.vkCreatePipelineLayout(engine->device, &info, NULL, &engine->layout));
    return true;
error:
    return false;
}

#define DRIVER_HONEYKRISP ((VkDriverId)26) // VK_DRIVER_ID_MESA_HONEYKRISP of newer headers

// Workarounds: one flag each, set here and nowhere else.
static void set_quirks(struct vulkan_engine *engine, const struct device_properties *properties)
{
    // llvmpipe before Mesa 23 numbered its driver 0.0.1 and loads lane by lane even where all lanes
    // read one address.
    const bool llvmpipe = properties->driver.driverID == VK_DRIVER_ID_MESA_LLVMPIPE;
    const bool numbered = VK_API_VERSION_MAJOR(properties->core.properties.driverVersion) >= 23;
    engine->slow_uniform_loads = llvmpipe && !numbered;
    // Newer ones load such an address even in the iteration in which a loop has ended and all lanes
    // are masked off: one image row past the end of a tensor at most.
    engine->read_slack = llvmpipe && numbered ? 1u << 20 : 0;
    // Drivers that fail below what they promise in one piece: Honeykrisp from about 1 GB on
    // (AsahiLinux/linux#468), RADV on Polaris just under 4 GiB (ggml-org/llama.cpp#5441).
    const bool honeykrisp = properties->driver.driverID == DRIVER_HONEYKRISP,
               polaris = properties->driver.driverID == VK_DRIVER_ID_MESA_RADV &&
                         strstr(engine->base.device.name, "POLARIS");
    const uint64_t sound = honeykrisp ? UINT64_C(768) << 20 : UINT64_C(2) << 30;
    if ((honeykrisp || polaris) && engine->largest_piece > sound)
        engine->largest_piece = sound;
}

// A number in the environment, or `otherwise`: for tests and for measuring.
static bool number_wanted(const char *name, double otherwise, double *number)
{
    const char *text = getenv(name);
    char *end;
    *number = otherwise;
    if (!text || !*text)
        return true;
    *number = strtod(text, &end);
    return (!*end && *number >= 1) ||
           error_set("%s: is \"%s\": a number from 1 on is allowed", name, text);
}

// Between kernels; the heavy one is there to be measured.
static bool barrier_wanted(enum barrier *barrier)
{
    const char *text = getenv("VKGRID_BARRIER");
    *barrier = BARRIER_KERNELS;
    if (!text || !*text || strcmp(text, "kernels") == 0)
        return true;
    *barrier = BARRIER_ENDS;
    return strcmp(text, "ends") == 0 ||
           error_set("VKGRID_BARRIER: is \"%s\": kernels or ends is allowed", text);
}

// What a dispatch may do at most, in operations: a third of a second on a slow GPU of its kind, for
// desktops reset one after 2 to 10 s. No software driver is watched.
static double dispatch_work(enum device_kind kind)
{
    return kind == DEVICE_SOFTWARE ? (double)INFINITY : kind == DEVICE_DISCRETE ? 1e11 : 2e10;
}

static bool set_limits(struct vulkan_engine *engine)
{
    double slots;
    if (!number_wanted("VKGRID_DISPATCH_WORK", dispatch_work(engine->base.device.kind),
                       &engine->dispatch_work) ||
        !number_wanted("VKGRID_PIECE_SLOTS", 0, &slots))
        return false;
    engine->most_piece_slots = slots < 65536 ? (int)slots : 65536;
    return barrier_wanted(&engine->between);
}

static void vulkan_close(struct engine *base)
{
    struct vulkan_engine *engine = (struct vulkan_engine *)base;
    if (engine->device) {
        engine->vk.vkDeviceWaitIdle(engine->device);
        vulkan_pipelines_destroy(engine);
        if (engine->layout)
            engine->vk.vkDestroyPipelineLayout(engine->device, engine->layout, NULL);
        engine->vk.vkDestroyDevice(engine->device, NULL);
    }
    vulkan_context_destroy(&engine->context);
    tuning_free(engine->tuning);
    free(engine->tuning);
    free(engine);
}

static const char *vulkan_tuning_file(const struct engine *engine)
{
    return ((const struct vulkan_engine *)engine)->tuning->path;
}

static bool vulkan_curve(const struct engine *engine, const char *name, struct slot_curve *curve)
{
    const struct slot_curve *found =
        tuning_find_curve(((const struct vulkan_engine *)engine)->tuning, name);
    if (found)
        *curve = *found;
    return found;
}

static bool vulkan_keep_curve(struct engine *base, const char *name, const struct slot_curve *curve)
{
    const struct vulkan_engine *engine = (struct vulkan_engine *)base;
    tuning_put_curve(engine->tuning, name, curve, true);
    return tuning_write(engine, engine->tuning);
}

static bool vulkan_open(int index, struct engine **out)
{
    struct vulkan_engine *engine = mem_zalloc(1, sizeof *engine);
    struct device_features features;
    struct device_properties properties;
    engine->base.ops = &vulkan_engine_ops;
    engine->tuning = mem_zalloc(1, sizeof *engine->tuning);
    CHECK(vulkan_context_create(&engine->context));
    if (index < 0 || (uint32_t)index >= engine->context.count)
        FAIL("vulkan: there is no device %d", index);
    engine->physical = engine->context.devices[index];
    describe(engine->physical, &engine->base.device);
    query(engine->physical, &features, &properties);
    engine->limits = properties.core.properties.limits;
    engine->subgroup = properties.subgroup.subgroupSize;
    engine->can_set_subgroup =
        properties.subgroup_sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT;
    const VkPhysicalDeviceSubgroupSizeControlProperties *sizes = &properties.subgroup_sizes;
    const bool one_size = sizes->minSubgroupSize == sizes->maxSubgroupSize;
    if (engine->base.device.half == HALF_FLOAT16 && vulkan_has_kernel(KERNEL_ID_CONV_MATRIX) &&
        features.v12.vulkanMemoryModel && features.v12.vulkanMemoryModelDeviceScope &&
        (engine->can_set_subgroup || one_size) &&
        has_extension(engine->physical, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME))
        engine->matrix = vulkan_matrix_size(engine->context.instance, engine->physical);
    // Where there is a choice of sizes, the smallest is the one that every kind of matrix unit
    // takes: Intel's take no other.
    engine->matrix.subgroup = sizes->minSubgroupSize;
    engine->largest_piece = largest_piece(&properties);
    engine->has_budget = has_budget(engine->physical);
    vkGetPhysicalDeviceMemoryProperties(engine->physical, &engine->memory);
    set_quirks(engine, &properties);
    engine->base.device.largest_piece = engine->largest_piece;
    compute_family(engine->physical, &engine->family, &engine->timestamp_bits);
    CHECK(conv_tile_wanted(&engine->tile));
    engine->reach = REACH;
    CHECK(set_limits(engine));
    tuning_open(engine);
    CHECK(create_device(engine));
    CHECK(create_layout(engine));
    *out = &engine->base;
    return true;
error:
    vulkan_close(&engine->base);
    return false;
}

static void vulkan_ask_memory(struct engine *base)
{
    const struct vulkan_engine *engine = (struct vulkan_engine *)base;
    memory_count(engine->physical, engine->has_budget, &base->device);
}

const struct engine_ops vulkan_engine_ops = {
    .name = "Vulkan",
    .devices = vulkan_devices,
    .absent = vulkan_absent,
    .open = vulkan_open,
    .close = vulkan_close,
    .ask_memory = vulkan_ask_memory,
    .memory = vulkan_memory,
    .create = vulkan_create,
    .destroy = vulkan_destroy,
    .write = vulkan_write,
    .read = vulkan_read,
    .clear = vulkan_clear,
    .run = vulkan_run,
    .times = vulkan_times,
    .wait = vulkan_wait,
    .check_guards = vulkan_check_guards,
    .peaks = vulkan_peaks,
    .tuning_file = vulkan_tuning_file,
    .tune = vulkan_tune,
    .curve = vulkan_curve,
    .keep_curve = vulkan_keep_curve,
};
