// SPDX-License-Identifier: MIT
// Moves elements, or treats each by itself. The loops are independent from element to element, also
// where an output is one of the inputs: `omp simd` says so to the compiler.
#include "engine/cpu/kernels/set.h"
#include "engine/cpu/kernels/walk.h"

// NaN stays NaN: a run that diverged must be seen.
INLINE float rectified(float x)
{
    return x < 0 ? 0 : x;
}

void KERNEL(gather)(struct view y, const float *data, const uint32_t *order)
{
    const size_t cols = (size_t)y.cols, channels = (size_t)y.channels;
    const size_t rows = (size_t)y.n * (size_t)y.rows;
    const size_t length = has_gaps(y) ? channels : cols * channels;
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < rows; row++) {
        const size_t sample = order[row / (size_t)y.rows], line = row % (size_t)y.rows;
        const float *from = data + (sample * (size_t)y.rows + line) * cols * channels;
        real *to = (real *)y.data + row * cols * y.pitch;
        for (size_t at = 0; at < cols * channels; at += length, to += y.pitch)
#pragma omp simd
            for (size_t i = 0; i < length; i++)
                to[i] = store_real(from[at + i]);
    }
}

void KERNEL(copy)(struct view x, struct view y)
{
    const struct walk walk = walk_over(y, has_gaps(x) || has_gaps(y));
#pragma omp parallel for schedule(static) if (walk.parts > 1)
    for (size_t i = 0; i < walk.parts; i++) {
        const struct part part = walk_part(&walk, i);
        for (size_t r = 0; r < part.runs; r++) {
            const struct run run = part_run(&part, r);
            memmove(run_of(y, &part, &run), run_of(x, &part, &run), run.count * sizeof(real));
        }
    }
}

INLINE void relu_run(size_t count, const real *x, real *y)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        y[i] = store_real(rectified(load_real(x[i])));
}

void KERNEL(relu)(struct view x, struct view y)
{
    const struct walk walk = walk_over(y, has_gaps(x) || has_gaps(y));
#pragma omp parallel for schedule(static) if (walk.parts > 1)
    for (size_t i = 0; i < walk.parts; i++) {
        const struct part part = walk_part(&walk, i);
        for (size_t r = 0; r < part.runs; r++) {
            const struct run run = part_run(&part, r);
            relu_run(run.count, run_of(x, &part, &run), run_of(y, &part, &run));
        }
    }
}

INLINE void add_run(size_t count, const real *a, const real *b, bool relu, real *y)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        const float sum = load_real(a[i]) + load_real(b[i]);
        y[i] = store_real(relu ? rectified(sum) : sum);
    }
}

void KERNEL(add)(struct view a, struct view b, bool relu, struct view y)
{
    const struct walk walk = walk_over(y, has_gaps(a) || has_gaps(b) || has_gaps(y));
#pragma omp parallel for schedule(static) if (walk.parts > 1)
    for (size_t i = 0; i < walk.parts; i++) {
        const struct part part = walk_part(&walk, i);
        for (size_t r = 0; r < part.runs; r++) {
            const struct run run = part_run(&part, r);
            const real *from = run_of(a, &part, &run), *and_from = run_of(b, &part, &run);
            if (relu)
                add_run(run.count, from, and_from, true, run_of(y, &part, &run));
            else
                add_run(run.count, from, and_from, false, run_of(y, &part, &run));
        }
    }
}

// masked, writes, sums: constants, a loop for each of their values that occur.
INLINE void relu_grad_run(size_t count, const real *y, const real *dy, real *dx, float *sum,
                          bool masked, bool writes, bool sums)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        const real d = !masked || load_real(y[i]) > 0 ? dy[i] : (real)0;
        if (writes)
            dx[i] = d;
        if (sums)
            sum[i] += load_real(d);
    }
}

static void relu_grad_any(size_t count, const real *y, const real *dy, real *dx, float *sum)
{
    if (y && dx && sum)
        relu_grad_run(count, y, dy, dx, sum, true, true, true);
    else if (y && dx)
        relu_grad_run(count, y, dy, dx, sum, true, true, false);
    else if (y && sum)
        relu_grad_run(count, y, dy, dx, sum, true, false, true);
    else if (dx && sum)
        relu_grad_run(count, y, dy, dx, sum, false, true, true);
    else if (dx)
        relu_grad_run(count, y, dy, dx, sum, false, true, false);
    else if (sum)
        relu_grad_run(count, y, dy, dx, sum, false, false, true);
}

void KERNEL(relu_grad)(struct view y, struct view dy, struct view dx, float *dbias, float *scratch)
{
    const struct walk walk = walk_over(dy, has_gaps(y) || has_gaps(dy) || has_gaps(dx));
#pragma omp parallel for schedule(static) if (walk.parts > 1)
    for (size_t i = 0; i < walk.parts; i++) {
        const struct part part = walk_part(&walk, i);
        float lanes[PART_LANES] = {0};
        for (size_t r = 0; r < part.runs; r++) {
            const struct run run = part_run(&part, r);
            relu_grad_any(run.count, run_of(y, &part, &run), run_of(dy, &part, &run),
                          run_of(dx, &part, &run), dbias ? lanes + run.lane : NULL);
        }
        if (dbias)
            keep_sums(&walk, &part, lanes, scratch);
    }
    for (size_t c = 0; dbias && c < walk.channels; c++)
        dbias[c] = (float)sum_chunks(&walk, scratch, c);
}
