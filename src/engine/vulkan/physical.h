// SPDX-License-Identifier: MIT
// A physical device: what it says of itself, and what of that is used.
#pragma once

#include "engine/vulkan/engine.h"

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
    VkPhysicalDeviceFloatControlsProperties floats;
    VkPhysicalDeviceShaderIntegerDotProductProperties dots;
};

void physical_query(VkPhysicalDevice device, struct device_features *features,
                    struct device_properties *properties);
bool physical_has_extension(VkPhysicalDevice device, const char *name);
// The queue family that computes, and the valid bits of its times; false where there is none.
bool physical_compute_family(VkPhysicalDevice device, uint32_t *family, uint32_t *timestamp_bits);

// Fills in the engine's device_info, and what the engine keeps of features, limits and memory.
// engine->context and engine->physical are there.
void physical_describe(struct vulkan_engine *engine, const struct device_features *features,
                       const struct device_properties *properties);
// Writes into the engine's device_info what is used of fp16 and matrix units, and why not.
void physical_tell_units(struct vulkan_engine *engine);
