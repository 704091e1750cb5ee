// SPDX-License-Identifier: MIT
#include "tests/reference/ops.h"

void reference_gather(struct shape out, const double *data, const uint32_t *order,
                      uint32_t position, double *y)
{
    const size_t sample = shape_count(out) / (size_t)out.n;
    for (size_t i = 0; i < (size_t)out.n; i++)
        for (size_t k = 0; k < sample; k++)
            y[i * sample + k] = data[order[position + i] * sample + k];
}

void reference_relu(size_t count, const double *x, double *y)
{
    for (size_t i = 0; i < count; i++)
        y[i] = x[i] > 0 ? x[i] : 0;
}

void reference_relu_grad(size_t count, const double *y, const double *dy, double *dx)
{
    for (size_t i = 0; i < count; i++)
        dx[i] = y[i] > 0 ? dy[i] : 0;
}

void reference_add(size_t count, const double *a, const double *b, double *y)
{
    for (size_t i = 0; i < count; i++)
        y[i] = a[i] + b[i];
}

void reference_concat(struct shape out, int a_channels, const double *a, const double *b, double *y)
{
    const size_t pixels = shape_count(out) / (size_t)out.channels, channels = (size_t)out.channels;
    const size_t first = (size_t)a_channels, rest = channels - first;
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++)
            y[p * channels + c] = c < first ? a[p * first + c] : b[p * rest + c - first];
}

void reference_slice(struct shape in, int first, int channels, const double *x, double *y)
{
    const size_t pixels = shape_count(in) / (size_t)in.channels, width = (size_t)channels;
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < width; c++)
            y[p * width + c] = x[p * (size_t)in.channels + (size_t)first + c];
}
