// SPDX-License-Identifier: MIT
// A program of the CPU engine: it runs a routine for one slot after the other, each op by itself on
// all threads. A batch size that is run for the first time is compiled: every op becomes a call.
#pragma once

#include "engine/cpu/device.h"
#include "engine/cpu/kernels/kernels.h"
#include "engine/memory_plan.h"

struct cpu_program {
    struct program base; // its graph is the caller's
    struct cpu_engine *engine;
    struct graph *graph; // what is run: ops may be joined, and the count of a tensor is in words
    const struct cpu_kernels *kernels; // of activations
    bool *real;                        // [tensor] whether it is made of the kernels' reals
    struct memory_plan plan;
    void *blocks[BLOCK_COUNT];
    struct compiled *compiled; // compile.h
    int compiled_count;
};

// engine_ops of programs.
uint64_t cpu_memory(struct engine *engine, const struct graph *graph,
                    const struct program_options *options);
bool cpu_create(struct engine *engine, const struct graph *graph,
                const struct program_options *options, struct program **program);
void cpu_destroy(struct program *program);
bool cpu_write(struct program *program, enum block block, int tensor, int slot, size_t first,
               size_t count, const void *values);
bool cpu_read(struct program *program, enum block block, int tensor, int slot, size_t first,
              size_t count, void *values);
bool cpu_clear(struct program *program, enum block block);
bool cpu_run(struct program *program, enum routine routine, int n);
bool cpu_times(struct program *program, enum routine routine, int n, double *seconds);
bool cpu_wait(struct program *program);
bool cpu_check_guards(struct program *program);
