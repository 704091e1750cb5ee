// SPDX-License-Identifier: MIT
// Tensors of programs, in and out.
#pragma once

#include "engine/cpu/program.h"

// engine_ops of programs.
bool cpu_write(struct program *program, enum block block, int tensor, int slot, size_t first,
               size_t count, const void *values);
bool cpu_read(struct program *program, enum block block, int tensor, int slot, size_t first,
              size_t count, void *values);
bool cpu_clear(struct program *program, enum block block);
bool cpu_check_guards(struct program *program);

// The memory of a block from element `offset` on.
uint32_t *program_words(const struct cpu_program *program, enum block block, size_t offset);
