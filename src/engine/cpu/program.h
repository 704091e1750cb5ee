// SPDX-License-Identifier: MIT
// A program of the CPU engine: it runs a routine for one slot after the other, each op by itself on
// all threads. A batch size that is run for the first time is compiled: every op becomes a call.
#pragma once

#include "engine/cpu/engine.h"
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
