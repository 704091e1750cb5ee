// SPDX-License-Identifier: MIT
// What a program runs, and where it lies.
#pragma once

#include "engine/vulkan/program.h"

// Fills in what a program runs and where it lies, from its graph and options; and forgets it.
void vulkan_plan(struct vulkan_program *program);
void vulkan_forget_plan(struct vulkan_program *program);
uint64_t plan_bytes(const struct vulkan_program *program);    // device memory
uint64_t rounded_bytes(const struct vulkan_program *program); // of it for parameters as fp16
// Of a piece of a block; of parameters as fp16.
uint64_t piece_bytes(const struct vulkan_program *program, enum block block);
uint64_t rounded_piece_bytes(const struct vulkan_program *program);
// Fails on what no amount of memory helps against: indices, and the size of one piece.
bool plan_check(const struct vulkan_program *program);
