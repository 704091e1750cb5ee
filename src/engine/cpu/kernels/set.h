// SPDX-License-Identifier: MIT
// The functions of one set, as struct cpu_kernels describes them; table.c lists them.
#pragma once

#include "engine/cpu/kernels/kernels.h"
#include "engine/cpu/kernels/real.h"

// pointwise.c
void KERNEL(gather)(struct view y, const float *data, const uint32_t *order);
void KERNEL(copy)(struct view x, struct view y);
void KERNEL(relu)(struct view x, struct view y);
void KERNEL(add)(struct view a, struct view b, bool relu, struct view y);
void KERNEL(relu_grad)(struct view y, struct view dy, struct view dx, float *dbias, float *scratch);

// norm.c
void KERNEL(norm_statistics)(struct view x, float *mean, float *inverse_deviation,
                             float *running_mean, float *running_var, float *scratch);
void KERNEL(norm_apply)(struct view x, struct norm norm, struct view added, bool relu,
                        struct view y);
void KERNEL(norm_grad)(struct view x, struct view dy, struct view y, struct norm norm,
                       struct view dx, float *dweight, float *dbias, float *scratch);

// max_pool.c, upsample.c
void KERNEL(max_pool)(struct view x, int kernel, int stride, struct view y, uint32_t *index);
void KERNEL(max_pool_grad)(const uint32_t *index, struct view dy, int kernel, int stride,
                           struct view dx);
void KERNEL(upsample)(struct view x, struct view y);
void KERNEL(upsample_grad)(struct view dy, struct view dx);

// loss.c, overlap.c, adam.c
void KERNEL(loss)(const struct loss *loss);
void KERNEL(overlap)(const struct overlap_counts *overlap);
void KERNEL(adam)(const struct adam *adam);

// winograd_weights.c, winograd_conv.c, winograd_grad.c
void KERNEL(winograd_weights)(const float *weight, int in, int out, void *packed);
void KERNEL(winograd_weights_back)(const float *weight, int in, int out, void *packed);
void KERNEL(winograd_conv)(struct view x, const void *packed, const float *bias, bool relu,
                           struct view y, void *scratch);
size_t KERNEL(winograd_conv_scratch)(int in, int threads);
void KERNEL(winograd_weight_grad)(struct view x, struct view dy, float *dweight, void *scratch);
size_t KERNEL(winograd_weight_grad_scratch)(int n, int rows, int cols, int in, int out,
                                            int threads);

extern const struct cpu_kernels KERNEL(kernels);
