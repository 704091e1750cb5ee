// SPDX-License-Identifier: MIT
#include "tests/reference/ops.h"

#include <math.h>

// The first maximum of a window, places counted row by row.
static uint32_t first_maximum(struct window w, const double *x, int n, int row, int col, int c,
                              double *maximum)
{
    const int pad = w.kernel / 2;
    int best = -1;
    for (int place = 0; place < w.kernel * w.kernel; place++) {
        const int y = row * w.stride + place / w.kernel - pad;
        const int z = col * w.stride + place % w.kernel - pad;
        if (y < 0 || y >= w.in.rows || z < 0 || z >= w.in.cols)
            continue;
        const double value = x[shape_at(w.in, n, y, z, c)];
        if (best < 0 || value > *maximum) {
            best = place;
            *maximum = value;
        }
    }
    return (uint32_t)best;
}

void reference_max_pool(struct window w, const double *x, double *y, uint32_t *index)
{
    for (int n = 0; n < w.out.n; n++)
        for (int row = 0; row < w.out.rows; row++)
            for (int col = 0; col < w.out.cols; col++)
                for (int c = 0; c < w.out.channels; c++) {
                    const size_t at = shape_at(w.out, n, row, col, c);
                    index[at] = first_maximum(w, x, n, row, col, c, &y[at]);
                }
}

void reference_max_pool_grad(struct window w, const uint32_t *index, const double *dy, double *dx)
{
    const int pad = w.kernel / 2;
    for (size_t i = 0; i < shape_count(w.in); i++)
        dx[i] = 0;
    for (int n = 0; n < w.out.n; n++)
        for (int row = 0; row < w.out.rows; row++)
            for (int col = 0; col < w.out.cols; col++)
                for (int c = 0; c < w.out.channels; c++) {
                    const size_t at = shape_at(w.out, n, row, col, c);
                    const int place = (int)index[at];
                    const int y = row * w.stride + place / w.kernel - pad;
                    const int x = col * w.stride + place % w.kernel - pad;
                    dx[shape_at(w.in, n, y, x, c)] += dy[at];
                }
}

// Where output pixel `at` of 2 * size lies between the input's pixels: low, high = low + 1 (or low
// at the end), and the weight of high. align_corners: the first and last pixels of both coincide.
struct between {
    int low, high;
    double weight;
};

static struct between between(int at, int size)
{
    const double place = (double)at * (size - 1) / (2 * size - 1);
    const int low = (int)floor(place);
    return (struct between){low, low + 1 < size ? low + 1 : low, place - low};
}

void reference_upsample(struct shape in, const double *x, double *y)
{
    const struct shape out = {in.n, 2 * in.rows, 2 * in.cols, in.channels};
    for (int n = 0; n < out.n; n++)
        for (int row = 0; row < out.rows; row++)
            for (int col = 0; col < out.cols; col++)
                for (int c = 0; c < out.channels; c++) {
                    const struct between v = between(row, in.rows), h = between(col, in.cols);
                    y[shape_at(out, n, row, col, c)] =
                        (1 - v.weight) * (1 - h.weight) * x[shape_at(in, n, v.low, h.low, c)] +
                        (1 - v.weight) * h.weight * x[shape_at(in, n, v.low, h.high, c)] +
                        v.weight * (1 - h.weight) * x[shape_at(in, n, v.high, h.low, c)] +
                        v.weight * h.weight * x[shape_at(in, n, v.high, h.high, c)];
                }
}

void reference_upsample_grad(struct shape in, const double *dy, double *dx)
{
    const struct shape out = {in.n, 2 * in.rows, 2 * in.cols, in.channels};
    for (size_t i = 0; i < shape_count(in); i++)
        dx[i] = 0;
    for (int n = 0; n < out.n; n++)
        for (int row = 0; row < out.rows; row++)
            for (int col = 0; col < out.cols; col++)
                for (int c = 0; c < out.channels; c++) {
                    const struct between v = between(row, in.rows), h = between(col, in.cols);
                    const double d = dy[shape_at(out, n, row, col, c)];
                    dx[shape_at(in, n, v.low, h.low, c)] += (1 - v.weight) * (1 - h.weight) * d;
                    dx[shape_at(in, n, v.low, h.high, c)] += (1 - v.weight) * h.weight * d;
                    dx[shape_at(in, n, v.high, h.low, c)] += v.weight * (1 - h.weight) * d;
                    dx[shape_at(in, n, v.high, h.high, c)] += v.weight * h.weight * d;
                }
}
