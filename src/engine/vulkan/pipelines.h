// SPDX-License-Identifier: MIT
// Pipelines: kernels, compiled for their constants.
#pragma once

#include "engine/vulkan/context.h"
#include "engine/vulkan/kernels.h"

#define KERNEL_CONSTANTS 13

struct pipeline {
    enum kernel kernel;
    bool half;   // fp16 activations
    bool based;  // dispatched from workgroups other than the first, too
    bool cached; // it was found in the file of pipelines
    uint32_t constants[KERNEL_CONSTANTS];
    VkPipeline pipeline;
};

struct vulkan_engine;

// The pipelines of kernels with these specialisation constants (id = index), each made on first
// use, by several threads. Fails with what is wrong with the first that cannot be made.
bool vulkan_pipelines_make(struct vulkan_engine *engine, struct pipeline *wanted, int count);
void vulkan_pipelines_destroy(struct vulkan_engine *engine);
