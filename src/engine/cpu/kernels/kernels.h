// SPDX-License-Identifier: MIT
// What the CPU computes outside oneDNN: plain functions over memory, knowing no program.
//
// The sources of this folder are compiled once for each instruction set and each element type of
// activations, so every set of kernels is a table; cpu_kernels() picks one. Activations are `real`:
// float, or bfloat16 held in 16 bits; parameters, their gradients, statistics and sums are float
// always. A bfloat16 is read exactly and written rounded to nearest even.
//
// Every kernel is parallel by itself (OpenMP, as many threads as omp_set_num_threads() said).
// Reductions run over chunks that depend on the shape alone and are added in order, so the number of
// threads changes no bit.
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

struct adam {
    float *weight, *moment1, *moment2;
    const float *gradient;
    size_t count;
    float lr, correction1, correction2; // 1 - beta^t of the step that is done
};

struct cpu_kernels {
    const char *name; // "AVX-512 fp32", ...
    size_t element;   // bytes of a real

    // y[i] = data[order[i]], i < y.n; data is float [target][row][col][channel]
    void (*gather)(struct view y, const float *data, const uint32_t *order);
    void (*copy)(struct view x, struct view y);
    void (*relu)(struct view x, struct view y);
    void (*add)(struct view a, struct view b, bool relu, struct view y);
    // dx = y > 0 ? dy : 0, and dbias [C] = its sums unless NULL. Without a view y nothing is masked; without dx
    // only the sums are made. scratch: sums_scratch() elements
    void (*relu_grad)(struct view y, struct view dy, struct view dx, float *dbias, float *scratch);

    // Statistics of the batch: mean, 1 / sqrt(variance + 1e-5), and the running ones with momentum 0.1 and the
    // unbiased variance. scratch: sums_scratch() elements
    void (*norm_statistics)(struct view x, float *mean, float *inverse_deviation, float *running_mean,
                            float *running_var, float *scratch);
    // y = (x - mean) * inverse_deviation * weight + bias, + added unless it is empty, then ReLU if asked for
    void (*norm_apply)(struct view x, struct norm norm, struct view added, bool relu, struct view y);
    // As OP_BATCH_NORM_GRAD; where y is not empty, dy counts only where y > 0 (the ReLU behind the batch norm).
    // dx may be empty. scratch: sums_scratch() elements
    void (*norm_grad)(struct view x, struct view dy, struct view y, struct norm norm, struct view dx,
                      float *dweight, float *dbias, float *scratch);

    // index: uint32 [n][row][col][channel], as OP_MAX_POOL
    void (*max_pool)(struct view x, int kernel, int stride, struct view y, uint32_t *index);
    void (*max_pool_grad)(const uint32_t *index, struct view dy, int kernel, int stride, struct view dx);
    void (*upsample)(struct view x, struct view y);
    void (*upsample_grad)(struct view dy, struct view dx);

    void (*loss)(const struct loss *loss);
    void (*adam)(const struct adam *adam);
};

// Floats of scratch memory that the kernels above ask for.
size_t sums_scratch(int n, int rows, int cols, int channels);
size_t loss_scratch(int n, int pixels, int labels);

// The best set for this processor. bfloat16: activations are bfloat16.
const struct cpu_kernels *cpu_kernels(bool bfloat16);
