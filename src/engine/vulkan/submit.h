// SPDX-License-Identifier: MIT
// Submissions of a program: in order, counted by a timeline.
#pragma once

#include "engine/vulkan/program.h"

// Waits until a timeline has reached a value; not for a device that hangs (engine->patience).
bool vulkan_await(struct vulkan_engine *engine, VkSemaphore timeline, uint64_t value);
// Waits for everything submitted, so that the program can be taken apart. False, without a message:
// the device hangs, and what it may use must be left to it.
bool vulkan_settle(struct vulkan_program *program);
// Submits in order; waits while more than a few submissions are in flight.
bool vulkan_submit(struct vulkan_program *program, const VkCommandBuffer *commands, int count);
// What commands need: a pool, a command buffer of it, and a timeline that counts submissions from
// 0. On failure some of it may be there.
bool vulkan_commands_create(struct vulkan_engine *engine, VkCommandPool *pool,
                            VkCommandBuffer *commands, VkSemaphore *timeline);
void vulkan_barrier(struct vulkan_engine *engine, VkCommandBuffer commands, enum barrier kind);

// program_wait()
bool vulkan_wait(struct program *program);
