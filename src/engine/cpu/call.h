// SPDX-License-Identifier: MIT
// An op of a program for one batch size, and where its tensors are.
#pragma once

#include "engine/cpu/program.h"

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

// Memory of a tensor for one slot; NULL for NO_TENSOR.
void *call_memory(const struct call *call, int tensor, int slot);
// The same as a view of the batch; empty for NO_TENSOR.
struct view call_view(const struct call *call, int tensor, int slot);
const struct tensor *call_tensor(const struct call *call, int tensor);
