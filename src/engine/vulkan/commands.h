// SPDX-License-Identifier: MIT
// The command buffers of a routine, made on its first run and replayed by every later one.
#pragma once

#include "engine/vulkan/program.h"

// Work of one command buffer, in floating-point operations: about 0.1 s on a slow GPU, so that no
// desktop's watchdog takes it for a hang. A dispatch is never divided among several; what it may do
// at most is vulkan_engine.dispatch_work.
#define COMMANDS_WORK 2e10

// The command buffers of one routine for one batch size: several, so that none runs long.
struct routine_commands {
    enum routine routine;
    int n;
    VkCommandBuffer *buffers;
    int count;
};

// Writes those of commands->routine and commands->n. stamps: VK_NULL_HANDLE, or takes the time
// before the first op and after each.
bool routine_commands_write(struct vulkan_program *program, VkQueryPool stamps,
                            struct routine_commands *commands);
// Those of a routine, made on first use.
bool routine_commands_find(struct vulkan_program *program, enum routine routine, int n,
                           const struct routine_commands **commands);

// program_run()
bool vulkan_run(struct program *program, enum routine routine, int n);
