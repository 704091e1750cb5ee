// SPDX-License-Identifier: MIT
// Ioffe and Szegedy 2015, "Batch Normalization". Pixels of all samples are one list:
// [pixel][channel].
#include "tests/reference/ops.h"

#include <math.h>

static const double epsilon = 1e-5, momentum = 0.1;

static size_t pixel_count(struct shape shape)
{
    return (size_t)shape.n * (size_t)shape.rows * (size_t)shape.cols;
}

void reference_batch_norm(struct shape shape, const double *x, struct batch_norm norm, double *y,
                          double *mean, double *inverse_deviation)
{
    const size_t pixels = pixel_count(shape), channels = (size_t)shape.channels;
    const double count = (double)pixels;
    for (size_t c = 0; c < channels; c++) {
        mean[c] = 0;
        for (size_t p = 0; p < pixels; p++)
            mean[c] += x[p * channels + c] / count;

        double variance = 0; // biased
        for (size_t p = 0; p < pixels; p++)
            variance += pow(x[p * channels + c] - mean[c], 2) / count;
        inverse_deviation[c] = 1 / sqrt(variance + epsilon);

        for (size_t p = 0; p < pixels; p++)
            y[p * channels + c] =
                (x[p * channels + c] - mean[c]) * inverse_deviation[c] * norm.weight[c] +
                norm.bias[c];

        const double unbiased = variance * count / (count - 1);
        norm.running_mean[c] += momentum * (mean[c] - norm.running_mean[c]);
        norm.running_var[c] += momentum * (unbiased - norm.running_var[c]);
    }
}

void reference_batch_norm_eval(struct shape shape, const double *x, struct batch_norm norm,
                               double *y)
{
    const size_t pixels = pixel_count(shape), channels = (size_t)shape.channels;
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++)
            y[p * channels + c] = (x[p * channels + c] - norm.running_mean[c]) /
                                      sqrt(norm.running_var[c] + epsilon) * norm.weight[c] +
                                  norm.bias[c];
}

void reference_batch_norm_grad(struct shape shape, const double *x, const double *dy,
                               const double *weight, const double *mean,
                               const double *inverse_deviation, double *dx, double *dweight,
                               double *dbias)
{
    const size_t pixels = pixel_count(shape), channels = (size_t)shape.channels;
    const double count = (double)pixels;
    for (size_t c = 0; c < channels; c++) {
        dweight[c] = dbias[c] = 0;
        for (size_t p = 0; p < pixels; p++) {
            const double normal = (x[p * channels + c] - mean[c]) * inverse_deviation[c];
            dweight[c] += dy[p * channels + c] * normal;
            dbias[c] += dy[p * channels + c];
        }
        for (size_t p = 0; dx && p < pixels; p++) {
            const double normal = (x[p * channels + c] - mean[c]) * inverse_deviation[c];
            dx[p * channels + c] =
                weight[c] * inverse_deviation[c] *
                (dy[p * channels + c] - dbias[c] / count - normal * dweight[c] / count);
        }
    }
}
