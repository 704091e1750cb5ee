// SPDX-License-Identifier: MIT
// What the driver's compiler made of a pipeline.
#pragma once

#include "engine/vulkan/engine.h"

// `name` is the driver's own word for it ("VGPRs", "Num GPRs", ...).
typedef void vulkan_statistic(void *context, const char *name, double value);

// Calls `each` for every statistic of a pipeline, and for "subgroup", the size of its subgroups;
// engine->capture must be set.
bool vulkan_statistics(struct vulkan_engine *engine, VkPipeline pipeline, vulkan_statistic *each,
                       void *context);
