// SPDX-License-Identifier: MIT
// What the files of this folder share.
//
// A program runs a routine for one slot after the other, each op by itself on all threads. A batch
// size that is run for the first time is compiled: every op becomes a call.
#pragma once

#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/onednn.h"
#include "engine/engine_ops.h"
#include "engine/memory_plan.h"

struct cpu_engine {
    struct engine base;
    struct onednn *onednn;
    int threads;
    bool matrix_units; // AMX
};

struct cpu_program;

// An op for one batch size.
struct call {
    const struct op_runner *runner;
    const struct cpu_program *program;
    const struct op *op; // of program->graph
    int n;
    void *scratch;                   // as many bytes as the runner asks for
    struct convolution *convolution; // oneDNN's, of convolutions that it does
};

// What an op does, and what it needs for that.
struct op_runner {
    bool (*run)(const struct call *call, int slot);
    // Bytes of scratch memory for every batch size up to `batch`. NULL: none. The program has no
    // memory yet.
    size_t (*scratch)(const struct cpu_program *program, const struct op *op, int batch);
    bool (*compile)(struct call *call); // makes what the call keeps. NULL: nothing
};

struct compiled {
    enum routine routine;
    int n;
    struct call *calls;
    int count;
};

struct cpu_program {
    struct program base; // its graph is the caller's
    struct cpu_engine *engine;
    struct graph *graph; // what is run: ops may be joined, and the count of a tensor is in words
    const struct cpu_kernels *kernels; // of activations
    bool *real;                        // [tensor] whether it is made of the kernels' reals
    struct memory_plan plan;
    void *blocks[BLOCK_COUNT];
    struct compiled *compiled;
    int compiled_count;
};

// --- program.c: engine_ops of programs
// ----------------------------------------------------------------------

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

// --- compile.c
// -----------------------------------------------------------------------------------

// The calls of a routine for one batch size, made on first use.
bool cpu_compiled(struct cpu_program *program, enum routine routine, int n,
                  const struct compiled **compiled);
void compiled_destroy(struct compiled *compiled);

// Memory of a tensor for one slot; NULL for NO_TENSOR.
void *call_memory(const struct call *call, int tensor, int slot);
// The same as a view of the batch; empty for NO_TENSOR.
struct view call_view(const struct call *call, int tensor, int slot);
const struct tensor *call_tensor(const struct call *call, int tensor);

// --- conv.c, ops.c: what ops do
// -----------------------------------------------------------------------------

extern const struct op_runner conv_runner; // forward and input gradient
extern const struct op_runner conv_weight_grad_runner;
// Of any op kind, fused_kind included.
const struct op_runner *op_runner(int kind);
