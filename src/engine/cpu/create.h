// SPDX-License-Identifier: MIT
// Programs: made and taken apart.
#pragma once

#include "engine/cpu/program.h"

// engine_ops of programs.
uint64_t cpu_memory(struct engine *engine, const struct graph *graph,
                    const struct program_options *options);
bool cpu_create(struct engine *engine, const struct graph *graph,
                const struct program_options *options, struct program **program);
void cpu_destroy(struct program *program);
