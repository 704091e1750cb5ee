// SPDX-License-Identifier: MIT
// Max-pool around every stride-th pixel, padded by kernel / 2, and its gradient in gather form.
#include "engine/cpu/kernels/set.h"
#include "engine/cpu/kernels/walk.h"

#include <math.h>

enum { BLOCK = 128 }; // channels at a time

static size_t pixel_at(struct view v, size_t row, int col)
{
    return row * (size_t)v.cols + (size_t)col; // row: of all samples
}

// A NaN wins, as in PyTorch.
INLINE void best_of(size_t count, const real *x, uint32_t place, float *best, uint32_t *places)
{
#pragma omp simd
    for (size_t c = 0; c < count; c++) {
        const float value = load_real(x[c]);
        const bool wins = value > best[c] || value != value;
        best[c] = wins ? value : best[c];
        places[c] = wins ? place : places[c];
    }
}

// The part of a window around row `center` of `size` that is inside: first to last - 1, counted in
// the window.
struct inside {
    int first, last;
};

static struct inside inside(int center, int kernel, int size)
{
    const int start = center - kernel / 2;
    return (struct inside){start < 0 ? -start : 0, start + kernel > size ? size - start : kernel};
}

// One output pixel, `count` channels from `first`.
static void pool_pixel(struct view x, size_t sample, int row, int col, int kernel, size_t first,
                       size_t count, real *y, uint32_t *index)
{
    const struct inside down = inside(row, kernel, x.rows), across = inside(col, kernel, x.cols);
    float best[BLOCK];
    uint32_t places[BLOCK];
    for (size_t c = 0; c < count; c++) {
        best[c] = -INFINITY;
        places[c] = (uint32_t)(down.first * kernel + across.first);
    }
    for (int i = down.first; i < down.last; i++)
        for (int j = across.first; j < across.last; j++) {
            const size_t from_row = sample * (size_t)x.rows + (size_t)(row - kernel / 2 + i);
            const size_t pixel = pixel_at(x, from_row, col - kernel / 2 + j);
            best_of(count, (const real *)x.data + pixel * x.pitch + first,
                    (uint32_t)(i * kernel + j), best, places);
        }
    for (size_t c = 0; c < count; c++)
        y[c] = store_real(best[c]);
    memcpy(index, places, count * sizeof(places[0]));
}

void KERNEL(max_pool)(struct view x, int kernel, int stride, struct view y, uint32_t *index)
{
    const size_t rows = (size_t)y.n * (size_t)y.rows, channels = (size_t)y.channels;
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++) {
        const size_t sample = row / (size_t)y.rows;
        const int center = (int)(row % (size_t)y.rows) * stride;
        for (int col = 0; col < y.cols; col++)
            for (size_t first = 0; first < channels; first += BLOCK) {
                const size_t pixel = pixel_at(y, row, col);
                pool_pixel(x, sample, center, col * stride, kernel, first,
                           smaller(BLOCK, channels - first),
                           (real *)y.data + pixel * y.pitch + first,
                           index + pixel * channels + first);
            }
    }
}

INLINE void add_chosen(size_t count, const uint32_t *index, uint32_t place, const real *dy,
                       float *sum)
{
#pragma omp simd
    for (size_t c = 0; c < count; c++) {
        const float d = load_real(dy[c]);
        sum[c] += index[c] == place ? d : 0;
    }
}

// The output whose window has `at` in its place `place`, or -1.
static int output_of(int at, int place, int kernel, int stride, int size)
{
    const int center = at + kernel / 2 - place;
    return center >= 0 && center % stride == 0 && center / stride < size ? center / stride : -1;
}

// One input pixel: the outputs around it in ascending order.
static void pool_grad_pixel(const uint32_t *index, struct view dy, size_t sample, int row, int col,
                            int kernel, int stride, size_t first, size_t count, real *dx)
{
    float sum[BLOCK];
    memset(sum, 0, count * sizeof(sum[0]));
    for (int i = kernel - 1; i >= 0; i--) {
        const int from_row = output_of(row, i, kernel, stride, dy.rows);
        for (int j = kernel - 1; from_row >= 0 && j >= 0; j--) {
            const int from_col = output_of(col, j, kernel, stride, dy.cols);
            if (from_col < 0)
                continue;
            const size_t pixel =
                pixel_at(dy, sample * (size_t)dy.rows + (size_t)from_row, from_col);
            add_chosen(count, index + pixel * (size_t)dy.channels + first,
                       (uint32_t)(i * kernel + j), (const real *)dy.data + pixel * dy.pitch + first,
                       sum);
        }
    }
    for (size_t c = 0; c < count; c++)
        dx[c] = store_real(sum[c]);
}

void KERNEL(max_pool_grad)(const uint32_t *index, struct view dy, int kernel, int stride,
                           struct view dx)
{
    const size_t rows = (size_t)dx.n * (size_t)dx.rows, channels = (size_t)dx.channels;
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++)
        for (int col = 0; col < dx.cols; col++)
            for (size_t first = 0; first < channels; first += BLOCK)
                pool_grad_pixel(index, dy, row / (size_t)dx.rows, (int)(row % (size_t)dx.rows), col,
                                kernel, stride, first, smaller(BLOCK, channels - first),
                                (real *)dx.data + pixel_at(dx, row, col) * dx.pitch + first);
}
