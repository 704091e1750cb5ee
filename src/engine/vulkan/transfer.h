// SPDX-License-Identifier: MIT
// Between host and device.
#pragma once

#include "engine/vulkan/program.h"

// engine_ops of programs.
bool vulkan_write(struct program *program, enum block block, int tensor, int slot, size_t first,
                  size_t count, const void *values);
bool vulkan_read(struct program *program, enum block block, int tensor, int slot, size_t first,
                 size_t count, void *values);
bool vulkan_clear(struct program *program, enum block block);
bool vulkan_check_guards(struct program *program);

// Bytes of a block as they lie there, from byte `first`: host to device, and back. Both wait.
bool vulkan_upload(struct vulkan_program *program, enum block block, size_t first, size_t size,
                   const void *bytes);
bool vulkan_download(struct vulkan_program *program, enum block block, size_t first, size_t size,
                     void *bytes);
// Fills `count` words of a block, from word `first`; waits.
bool vulkan_fill(struct vulkan_program *program, enum block block, size_t first, size_t count,
                 uint32_t value);

// Brings program->rounded up to date, where there is one.
bool vulkan_round_weights(struct vulkan_program *program);
