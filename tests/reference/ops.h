// SPDX-License-Identifier: MIT
// Every op of graph.h in double, for one slot, as naive as it can be: loops that read like the
// formula. All arrays are channels last, [n][row][col][channel]; weights are [O][I][k][k].
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shape {
    int n, rows, cols, channels;
};

// A convolution or a pool: kernel x kernel places around every stride-th pixel of `in`, padded by
// kernel / 2.
struct window {
    struct shape in, out;
    int kernel, stride;
};

static inline size_t shape_count(struct shape s)
{
    return (size_t)s.n * (size_t)s.rows * (size_t)s.cols * (size_t)s.channels;
}

// Where element [i][y][x][c] is.
static inline size_t shape_at(struct shape s, int i, int y, int x, int c)
{
    return (((size_t)i * (size_t)s.rows + (size_t)y) * (size_t)s.cols + (size_t)x) *
               (size_t)s.channels +
           (size_t)c;
}

// convolution.c
void reference_conv(struct window w, const double *x, const double *weight, const double *bias,
                    double *y); // bias may be NULL
void reference_conv_input_grad(struct window w, const double *dy, const double *weight, double *dx);
void reference_conv_weight_grad(struct window w, const double *x, const double *dy,
                                double *dweight);
void reference_conv_bias_grad(struct shape shape, const double *dy, double *dbias);

// batch_norm.c
struct batch_norm {
    const double *weight, *bias; // [C]
    double *running_mean, *running_var;
};
void reference_batch_norm(struct shape shape, const double *x, struct batch_norm norm, double *y,
                          double *mean, double *inverse_deviation);
void reference_batch_norm_eval(struct shape shape, const double *x, struct batch_norm norm,
                               double *y);
// dx may be NULL.
void reference_batch_norm_grad(struct shape shape, const double *x, const double *dy,
                               const double *weight, const double *mean,
                               const double *inverse_deviation, double *dx, double *dweight,
                               double *dbias);

// pointwise.c
void reference_gather(struct shape out, const double *data, const uint32_t *order,
                      uint32_t position, double *y);
void reference_relu(size_t count, const double *x, double *y);
void reference_relu_grad(size_t count, const double *y, const double *dy, double *dx);
void reference_add(size_t count, const double *a, const double *b, double *y);
void reference_concat(struct shape out, int a_channels, const double *a, const double *b,
                      double *y);
void reference_slice(struct shape in, int first, int channels, const double *x, double *y);

// resample.c
void reference_max_pool(struct window w, const double *x, double *y, uint32_t *index);
void reference_max_pool_grad(struct window w, const uint32_t *index, const double *dy, double *dx);
void reference_upsample(struct shape in, const double *x, double *y);
void reference_upsample_grad(struct shape in, const double *dy, double *dx); // in: shape of dx

// loss.c. metrics: bce, dice, loss. dz may be NULL.
void reference_loss(struct shape shape, const double *z, const double *t, double bce_weight,
                    double metrics[3], double *dz);

// overlap.c. counts [n][label][3]: pixels of prediction and target, of the prediction, of the
// target.
void reference_overlap(struct shape shape, const double *z, const double *t, uint32_t *counts);

// update.c. correction: 1 - beta^t of the steps done before this one, for both betas.
void reference_adam(size_t count, double lr, const double correction[2], double *parameter,
                    const double *gradient, double *moment1, double *moment2);
void reference_advance_correction(double correction[2]);
