// SPDX-License-Identifier: MIT
#include "engine/vulkan/physical.h"

#include "engine/vulkan/kernels.h"
#include "engine/vulkan/memory.h"
#include "engine/vulkan/rules.h"
#include "vkgrid/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void physical_query(VkPhysicalDevice device, struct device_features *features,
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
        .buffer = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES,
                   .pNext = &properties->floats},
        .floats = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES,
                   .pNext = &properties->dots},
        .dots = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES},
    };
    vkGetPhysicalDeviceFeatures2(device, &features->core);
    vkGetPhysicalDeviceProperties2(device, &properties->core);
}

bool physical_has_extension(VkPhysicalDevice device, const char *name)
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

bool physical_compute_family(VkPhysicalDevice device, uint32_t *family, uint32_t *timestamp_bits)
{
    VkQueueFamilyProperties families[32];
    uint32_t count = sizeof families / sizeof families[0];
    vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families);
    const int chosen = rule_queue_family(families, count);
    if (chosen < 0)
        return false;
    *family = (uint32_t)chosen;
    *timestamp_bits = families[chosen].timestampValidBits;
    return true;
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
    return physical_has_extension(device, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
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
    if (!physical_compute_family(device, &family, &timestamp_bits))
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

// Why the kernels do not use the matrix units of a device that lists the extension; NULL: they do,
// those of engine->matrix.
static const char *refuse_matrix(struct vulkan_engine *engine,
                                 const struct device_features *features,
                                 const struct device_properties *properties)
{
    const VkPhysicalDeviceSubgroupSizeControlProperties *sizes = &properties->subgroup_sizes;
    const struct matrix_facts facts = {
        .driver = properties->driver.driverID,
        .vendor = properties->core.properties.vendorID,
        .least_subgroup = sizes->minSubgroupSize,
        .most_subgroup = sizes->maxSubgroupSize,
        .mixed_dot = properties->dots.integerDotProduct4x8BitPackedMixedSignednessAccelerated,
    };
    const char *refusal = rule_matrix_refusal(&facts, engine_matrix_use());
    if (refusal)
        return refusal;
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrices = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR};
    VkPhysicalDeviceFeatures2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                     .pNext = &matrices};
    vkGetPhysicalDeviceFeatures2(engine->physical, &all);
    if (!matrices.cooperativeMatrix) // lavapipe with vectors of 128 bits
        return "it lists the extension without the feature";
    if (!vulkan_has_kernel(KERNEL_ID_CONV_MATRIX))
        return "this build has no kernels for them";
    if (!features->v12.vulkanMemoryModel || !features->v12.vulkanMemoryModelDeviceScope)
        return "it lacks the memory model of their kernels";
    if (!engine->can_set_subgroup && sizes->minSubgroupSize != sizes->maxSubgroupSize)
        return "the size of its subgroups cannot be set";
    engine->matrix = vulkan_matrix_size(engine->context.instance, engine->physical);
    return engine->matrix.m > 0 ? NULL : "they have no size that the kernels take";
}

// fp16 and matrix units, before they have been tried (self_test.c).
static void choose_units(struct vulkan_engine *engine, const struct device_features *features,
                         const struct device_properties *properties)
{
    struct device_info *info = &engine->base.device;
    const bool stored = features->v11.storageBuffer16BitAccess;
    info->half = features->v12.shaderFloat16 && stored ? HALF_FLOAT16 : HALF_NONE;
    if (info->half == HALF_FLOAT16 &&
        physical_has_extension(engine->physical, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME)) {
        const char *refusal = refuse_matrix(engine, features, properties);
        snprintf(engine->matrix_missing, sizeof engine->matrix_missing, "%s",
                 refusal ? refusal : "");
    }
    // Where there is a choice of sizes, the smallest is the one that every kind of matrix unit
    // takes: Intel's take no other.
    engine->matrix.subgroup = properties->subgroup_sizes.minSubgroupSize;
    physical_tell_units(engine);
}

void physical_tell_units(struct vulkan_engine *engine)
{
    struct device_info *info = &engine->base.device;
    const struct matrix_size *m = &engine->matrix;
    struct text text = {0};
    text_add(&text, "subgroup %u", engine->subgroup);
    if (info->half == HALF_FLOAT16)
        text_add(&text, ", fp16");
    else if (*info->half_missing)
        text_add(&text, ", fp16 is there but not used: %s", info->half_missing);
    if (m->m > 0)
        text_add(&text, ", matrix units %ux%ux%u%s", m->m, m->n, m->k,
                 info->kind == DEVICE_SOFTWARE ? " (for VKGRID_TILE alone)" : "");
    else if (*engine->matrix_missing)
        text_add(&text, ", matrix units are there but not used: %s", engine->matrix_missing);
    snprintf(info->features, sizeof info->features, "%s", text.bytes);
    free(text.bytes);
}

void physical_describe(struct vulkan_engine *engine, const struct device_features *features,
                       const struct device_properties *properties)
{
    struct device_info *info = &engine->base.device;
    const VkPhysicalDeviceProperties *core = &properties->core.properties;
    memset(info, 0, sizeof *info);
    snprintf(info->name, sizeof info->name, "%s", core->deviceName);
    snprintf(info->driver, sizeof info->driver, "%.100s %.100s, Vulkan %u.%u",
             properties->driver.driverName, properties->driver.driverInfo,
             VK_API_VERSION_MAJOR(core->apiVersion), VK_API_VERSION_MINOR(core->apiVersion));
    info->kind = kind_of(core->deviceType);
    engine->largest_piece = info->largest_piece = largest_piece(properties);
    engine->has_budget = has_budget(engine->physical);
    vkGetPhysicalDeviceMemoryProperties(engine->physical, &engine->memory);
    memory_count(engine->physical, engine->has_budget, info);
    snprintf(info->missing, sizeof info->missing, "%s",
             missing(engine->physical, features, properties));
    info->usable = info->missing[0] == 0;
    engine->limits = core->limits;
    engine->subgroup = properties->subgroup.subgroupSize;
    engine->can_set_subgroup =
        properties->subgroup_sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT;
    choose_units(engine, features, properties);
}
