// SPDX-License-Identifier: MIT
// Programs: made and taken apart.
#pragma once

#include "engine/vulkan/program.h"

// engine_ops of programs.
uint64_t vulkan_memory(struct engine *engine, const struct graph *graph,
                       const struct program_options *options);
bool vulkan_create(struct engine *engine, const struct graph *graph,
                   const struct program_options *options, struct program **program);
void vulkan_destroy(struct program *program);

// Makes every pipeline of a graph's routines, without memory and without running anything: for a
// driver that can compile but has no device.
bool vulkan_compile(struct vulkan_engine *engine, const struct graph *graph,
                    const struct program_options *options);
