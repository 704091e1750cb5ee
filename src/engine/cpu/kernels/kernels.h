// SPDX-License-Identifier: MIT
// What the CPU computes outside oneDNN: plain functions over memory, knowing no program.
//
// The sources of this folder are compiled once for each instruction set and each element type of
// activations, so every set of kernels is a table; cpu_kernels() picks one. Activations are `real`:
// float, or bfloat16 held in 16 bits; parameters, their gradients, statistics and sums are float
// always. A bfloat16 is read exactly and written rounded to nearest even.
//
// Every kernel is parallel by itself (OpenMP, as many threads as omp_set_num_threads() said).
// Reductions run over chunks that depend on the shape alone and are added in order, so the number
// of threads changes no bit, nor does a view's pitch, nor (but for Winograd) the instruction set.
//
// copy, relu, add, relu_grad, norm_apply and norm_grad may write to one of their inputs; otherwise
// views must not overlap.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An activation [n][row][col][channel]: `pitch` elements from one pixel to the next, so that a view
// can be some of the channels of a wider tensor. An empty view has data NULL.
struct view {
    void *data;
    int n, rows, cols, channels;
    size_t pitch;
};

// Batch norm. mean, inverse_deviation: those of the batch, or of the running statistics.
struct norm {
    const float *weight, *bias;
    const float *mean, *inverse_deviation;
};

// One batch's loss, loss.h of spec.md section 4. logits and targets are float always.
struct loss {
    const float *logits, *targets; // [n][pixels][labels]
    int n, pixels, labels;
    float bce_weight;
    float *metrics; // bce, dice, loss
    void *gradient; // real [n][pixels][labels], or NULL
    float *scratch; // loss_scratch() elements
};

// Counts of one batch, OP_OVERLAP of graph.h.
struct overlap_counts {
    const float *logits, *targets; // [n][pixels][labels]
    int n, pixels, labels;
    uint32_t *counts; // [n][labels][3]
};

struct adam {
    float *weight, *moment1, *moment2;
    const float *gradient;
    size_t count;
    float lr, correction1, correction2; // 1 - beta^t of the step that is done
};

// Convolutions 3x3 with stride 1 whose channels, in and out, are multiples of WINOGRAD_BLOCK and at
// most WINOGRAD_CHANNELS are also done by Winograd's algorithm.
#define WINOGRAD_BLOCK 64
#define WINOGRAD_CHANNELS 4096

struct cpu_kernels {
    const char *name; // "AVX-512 fp32", ...
    size_t element;   // bytes of a real

    // y[i] = data[order[i]], i < y.n; data is float [target][row][col][channel]
    void (*gather)(struct view y, const float *data, const uint32_t *order);
    void (*copy)(struct view x, struct view y);
    void (*relu)(struct view x, struct view y);
    void (*add)(struct view a, struct view b, bool relu, struct view y);
    // dx = y > 0 ? dy : 0, and dbias [C] = its sums unless NULL. Without a view y nothing is
    // masked; without dx only the sums are made. scratch: sums_scratch() elements
    void (*relu_grad)(struct view y, struct view dy, struct view dx, float *dbias, float *scratch);

    // Statistics of the batch: mean, 1 / sqrt(variance + 1e-5), and the running ones with momentum
    // 0.1 and the unbiased variance. scratch: sums_scratch() elements
    void (*norm_statistics)(struct view x, float *mean, float *inverse_deviation,
                            float *running_mean, float *running_var, float *scratch);
    // y = (x - mean) * inverse_deviation * weight + bias, + added unless it is empty, then ReLU if
    // asked for
    void (*norm_apply)(struct view x, struct norm norm, struct view added, bool relu,
                       struct view y);
    // As OP_BATCH_NORM_GRAD; where y is not empty, dy counts only where y > 0 (the ReLU behind the
    // batch norm). dx may be empty. scratch: sums_scratch() elements
    void (*norm_grad)(struct view x, struct view dy, struct view y, struct norm norm,
                      struct view dx, float *dweight, float *dbias, float *scratch);

    // index: uint32 [n][row][col][channel], as OP_MAX_POOL
    void (*max_pool)(struct view x, int kernel, int stride, struct view y, uint32_t *index);
    void (*max_pool_grad)(const uint32_t *index, struct view dy, int kernel, int stride,
                          struct view dx);
    void (*upsample)(struct view x, struct view y);
    void (*upsample_grad)(struct view dy, struct view dx);

    void (*loss)(const struct loss *loss);
    void (*overlap)(const struct overlap_counts *overlap);
    void (*adam)(const struct adam *adam);

    // weight: float [3][3][in][out] -> packed, winograd_weights_size() reals: as winograd_conv
    // takes it for a convolution, or (back) for the gradient by its inputs.
    void (*winograd_weights)(const float *weight, int in, int out, void *packed);
    void (*winograd_weights_back)(const float *weight, int in, int out, void *packed);
    // y = conv(x) + bias (NULL: none), then ReLU if asked for. scratch: winograd_conv_scratch()
    // bytes for x's channels
    void (*winograd_conv)(struct view x, const void *packed, const float *bias, bool relu,
                          struct view y, void *scratch);
    size_t (*winograd_conv_scratch)(int in, int threads);
    // dweight: float [3][3][in][out]. scratch: winograd_weight_grad_scratch() bytes
    void (*winograd_weight_grad)(struct view x, struct view dy, float *dweight, void *scratch);
    size_t (*winograd_weight_grad_scratch)(int n, int rows, int cols, int in, int out, int threads);
};

// Reals of packed weights.
static inline size_t winograd_weights_size(int in, int out)
{
    return (size_t)16 * (size_t)in * (size_t)out;
}

// Floats of scratch memory that the kernels above ask for.
size_t sums_scratch(int n, int rows, int cols, int channels);
size_t loss_scratch(int n, int pixels, int labels);

// The best set for this processor. bfloat16: activations are bfloat16. The environment variable
// VKGRID_CPU_KERNELS = baseline, v3, v4 or v4bf16 (x86-64 levels) goes no further than that; any
// other value limits nothing.
const struct cpu_kernels *cpu_kernels(bool bfloat16);
