// SPDX-License-Identifier: MIT
// Bilinear x2 with align_corners: output `at` of 2 size lies at at (size - 1) / (2 size - 1) of the
// input.
#include "engine/cpu/kernels/set.h"
#include "vkgrid/base/memory.h"
#include "engine/cpu/kernels/walk.h"

#include <stdlib.h>

enum { BLOCK = 512 }; // channels at a time

// Two neighbours and the weights of both.
struct between {
    int low, high;
    float low_weight, high_weight;
};

static struct between between(int at, int size)
{
    const int64_t place = (int64_t)at * (size - 1), last = 2 * (int64_t)size - 1;
    const int low = (int)(place / last), high = low + 1 < size ? low + 1 : low;
    const double weight = (double)(place % last) / (double)last;
    return (struct between){low, high, (float)(1 - weight), (float)weight};
}

static const real *row_of(struct view v, size_t sample, int row)
{
    return (const real *)v.data +
           (sample * (size_t)v.rows + (size_t)row) * (size_t)v.cols * v.pitch;
}

INLINE void blend(size_t count, const real *a, const real *b, const real *c, const real *d,
                  const float w[4], real *restrict y)
{
    const float w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        y[i] = store_real(w0 * load_real(a[i]) + w1 * load_real(b[i]) + w2 * load_real(c[i]) +
                          w3 * load_real(d[i]));
}

void KERNEL(upsample)(struct view x, struct view y)
{
    struct between *across = mem_alloc((size_t)y.cols * sizeof(*across));
    for (int col = 0; col < y.cols; col++)
        across[col] = between(col, x.cols);
    const size_t rows = (size_t)y.n * (size_t)y.rows;
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++) {
        const struct between v = between((int)(row % (size_t)y.rows), x.rows);
        const real *low = row_of(x, row / (size_t)y.rows, v.low),
                   *high = row_of(x, row / (size_t)y.rows, v.high);
        real *to = (real *)y.data + row * (size_t)y.cols * y.pitch;
        for (int col = 0; col < y.cols; col++) {
            const struct between h = across[col];
            const size_t left = (size_t)h.low * x.pitch, right = (size_t)h.high * x.pitch;
            const float weights[4] = {v.low_weight * h.low_weight, v.low_weight * h.high_weight,
                                      v.high_weight * h.low_weight, v.high_weight * h.high_weight};
            blend((size_t)y.channels, low + left, low + right, high + left, high + right, weights,
                  to + (size_t)col * y.pitch);
        }
    }
    free(across);
}

// The outputs that read input `at`, and what it weighs in them. Since 2 < (2 size - 1) / (size - 1)
// <= 3, they are among 2 at - 2 to 2 at + 3; at the ends 2 or 3 of them, else 4.
enum { TAPS = 4 };
struct taps {
    int first, count;
    float weight[TAPS];
};

static struct taps taps_of(int at, int size)
{
    struct taps taps = {0};
    const int end = at + 2 < size ? 2 * at + 4 : 2 * size;
    for (int from = at > 0 ? 2 * at - 2 : 0; from < end && taps.count < TAPS; from++) {
        const struct between b = between(from, size);
        const float weight = (b.low == at ? b.low_weight : 0) + (b.high == at ? b.high_weight : 0);
        if (weight == 0)
            continue;
        if (taps.count == 0)
            taps.first = from;
        taps.weight[taps.count++] = weight;
    }
    return taps;
}

// sum += weight * (all taps of a row). taps: a constant, a loop for each number.
INLINE void add_taps(size_t count, const real *dy, size_t pitch, const float *weight, int taps,
                     float row_weight, float *sum)
{
    const float w0 = weight[0], w1 = weight[1], w2 = weight[2], w3 = weight[3];
#pragma omp simd
    for (size_t c = 0; c < count; c++) {
        float line = w0 * load_real(dy[c]) + w1 * load_real(dy[pitch + c]);
        if (taps > 2)
            line += w2 * load_real(dy[2 * pitch + c]);
        if (taps > 3)
            line += w3 * load_real(dy[3 * pitch + c]);
        sum[c] += row_weight * line;
    }
}

static void add_row(size_t count, const real *dy, size_t pitch, struct taps taps, float weight,
                    float *sum)
{
    if (taps.count == 4)
        add_taps(count, dy, pitch, taps.weight, 4, weight, sum);
    else if (taps.count == 3)
        add_taps(count, dy, pitch, taps.weight, 3, weight, sum);
    else
        add_taps(count, dy, pitch, taps.weight, 2, weight, sum);
}

void KERNEL(upsample_grad)(struct view dy, struct view dx)
{
    struct taps *across = mem_alloc((size_t)dx.cols * sizeof(*across));
    for (int col = 0; col < dx.cols; col++)
        across[col] = taps_of(col, dx.cols);
    const size_t rows = (size_t)dx.n * (size_t)dx.rows, channels = (size_t)dx.channels;
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++) {
        const struct taps down = taps_of((int)(row % (size_t)dx.rows), dx.rows);
        for (int col = 0; col < dx.cols; col++)
            for (size_t first = 0; first < channels; first += BLOCK) {
                const size_t count = smaller(BLOCK, channels - first);
                float sum[BLOCK];
                memset(sum, 0, count * sizeof(sum[0]));
                for (int t = 0; t < down.count; t++) {
                    const real *line = row_of(dy, row / (size_t)dx.rows, down.first + t);
                    add_row(count, line + (size_t)across[col].first * dy.pitch + first, dy.pitch,
                            across[col], down.weight[t], sum);
                }
                real *to =
                    (real *)dx.data + (row * (size_t)dx.cols + (size_t)col) * dx.pitch + first;
                for (size_t c = 0; c < count; c++)
                    to[c] = store_real(sum[c]);
            }
    }
    free(across);
}
