// SPDX-License-Identifier: MIT
// Batch norm (Ioffe and Szegedy 2015): statistics in one pass over x, the forward pass in one more,
// the gradient in two.
#include "engine/cpu/kernels/set.h"
#include "engine/cpu/kernels/walk.h"

#include <math.h>

static const double epsilon = 1e-5, momentum = 0.1;

enum { SAMPLE_DEPTH = 8 }; // pixels of a lane

INLINE void add_run(size_t count, const real *x, float *sum)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        sum[i] += load_real(x[i]);
}

INLINE void moments_run(size_t count, const real *x, const float *shift, float *sum, float *squares)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        const float d = load_real(x[i]) - shift[i];
        sum[i] += d;
        squares[i] += d * d;
    }
}

// The mean of each channel over the first pixels of a part.
static void sample_mean(struct view x, const struct part *part, float shift[PART_LANES])
{
    const size_t pixels = smaller(part->pixels, SAMPLE_DEPTH * part->group);
    const size_t runs = (pixels + part->run_pixels - 1) / part->run_pixels;
    float lanes[PART_LANES] = {0};
    for (size_t r = 0; r < runs; r++) {
        const struct run run = part_run(part, r);
        add_run(run.count, run_of(x, part, &run), lanes + run.lane);
    }
    double sums[PART_LANES];
    fold(part, lanes, sums);
    for (size_t lane = 0; lane < part->lanes; lane += part->channels)
        for (size_t c = 0; c < part->channels; c++)
            shift[lane + c] = (float)(sums[c] / (double)pixels);
}

// Mean and sum of squared deviations of a part's channels. x is shifted by the mean of 1/8 of the
// part, so what the squares of the shifted x exceed those of the deviations is at most 8 times the
// latter: little cancels, however far from 0 the mean is.
static void part_moments(struct view x, const struct part *part, float *mean, float *squared)
{
    float shift[PART_LANES], sum[PART_LANES] = {0}, squares[PART_LANES] = {0};
    sample_mean(x, part, shift);
    for (size_t r = 0; r < part->runs; r++) {
        const struct run run = part_run(part, r);
        moments_run(run.count, run_of(x, part, &run), shift + run.lane, sum + run.lane,
                    squares + run.lane);
    }
    double sums[PART_LANES], square_sums[PART_LANES];
    fold(part, sum, sums);
    fold(part, squares, square_sums);
    const double pixels = (double)part->pixels;
    for (size_t c = 0; c < part->channels; c++) {
        mean[c] = (float)(shift[c] + sums[c] / pixels);
        squared[c] = (float)fmax(square_sums[c] - sums[c] * sums[c] / pixels, 0);
    }
}

// Chan, Golub and LeVeque 1979: joins the moments of all chunks. *squared: sum of squared
// deviations.
static double join_moments(const struct walk *walk, const float *means, const float *squares,
                           size_t channel, double *squared)
{
    const double full = (double)(walk->group * PART_DEPTH);
    const double last = (double)walk->pixels - full * (double)(walk->chunks - 1);
    double sum = 0;
    for (size_t i = 0; i < walk->chunks; i++)
        sum += (i + 1 < walk->chunks ? full : last) * means[i * walk->channels + channel];
    const double mean = sum / (double)walk->pixels;
    *squared = 0;
    for (size_t i = 0; i < walk->chunks; i++) {
        const double d = means[i * walk->channels + channel] - mean;
        *squared +=
            squares[i * walk->channels + channel] + (i + 1 < walk->chunks ? full : last) * d * d;
    }
    return mean;
}

void KERNEL(norm_statistics)(struct view x, float *mean, float *inverse_deviation,
                             float *running_mean, float *running_var, float *scratch)
{
    const struct walk walk = walk_over(x, has_gaps(x));
    float *means = scratch, *squares = scratch + walk.chunks * walk.channels;
#pragma omp parallel for schedule(static) if (walk.parts > 1)
    for (size_t i = 0; i < walk.parts; i++) {
        const struct part part = walk_part(&walk, i);
        const size_t to = part.chunk * walk.channels + part.channel;
        part_moments(x, &part, means + to, squares + to);
    }
    const double pixels = (double)walk.pixels;
    for (size_t c = 0; c < walk.channels; c++) {
        double squared;
        const double center = join_moments(&walk, means, squares, c, &squared);
        const double unbiased = squared / fmax(pixels - 1, 1);
        mean[c] = (float)center;
        inverse_deviation[c] = (float)(1 / sqrt(squared / pixels + epsilon));
        running_mean[c] = (float)(running_mean[c] + momentum * (center - running_mean[c]));
        running_var[c] = (float)(running_var[c] + momentum * (unbiased - running_var[c]));
    }
}

struct apply_lanes {
    float mean[PART_LANES], scale[PART_LANES], bias[PART_LANES];
};

// adds, relu: constants, a loop for each of their values. The mean goes first: a bias that held it
// would be rounded at its size.
INLINE void apply_run(struct run run, const real *x, const struct apply_lanes *lanes,
                      const real *added, bool adds, bool relu, real *y)
{
    const float *mean = lanes->mean + run.lane, *scale = lanes->scale + run.lane;
    const float *bias = lanes->bias + run.lane;
#pragma omp simd
    for (size_t i = 0; i < run.count; i++) {
        float value = (load_real(x[i]) - mean[i]) * scale[i] + bias[i];
        if (adds)
            value += load_real(added[i]);
        if (relu)
            value = value < 0 ? 0 : value;
        y[i] = store_real(value);
    }
}

static void apply_any(struct run run, const real *x, const struct apply_lanes *lanes,
                      const real *added, bool relu, real *y)
{
    if (added && relu)
        apply_run(run, x, lanes, added, true, true, y);
    else if (added)
        apply_run(run, x, lanes, added, true, false, y);
    else if (relu)
        apply_run(run, x, lanes, added, false, true, y);
    else
        apply_run(run, x, lanes, added, false, false, y);
}

void KERNEL(norm_apply)(struct view x, struct norm norm, struct view added, bool relu,
                        struct view y)
{
    const struct walk walk = walk_over(x, has_gaps(x) || has_gaps(added) || has_gaps(y));
#pragma omp parallel for schedule(static) if (walk.parts > 1)
    for (size_t i = 0; i < walk.parts; i++) {
        const struct part part = walk_part(&walk, i);
        struct apply_lanes lanes;
        float weight[PART_LANES];
        spread(&part, norm.mean, lanes.mean);
        spread(&part, norm.inverse_deviation, lanes.scale);
        spread(&part, norm.weight, weight);
        spread(&part, norm.bias, lanes.bias);
        for (size_t lane = 0; lane < part.lanes; lane++)
            lanes.scale[lane] *= weight[lane];
        for (size_t r = 0; r < part.runs; r++) {
            const struct run run = part_run(&part, r);
            apply_any(run, run_of(x, &part, &run), &lanes, run_of(added, &part, &run), relu,
                      run_of(y, &part, &run));
        }
    }
}

INLINE void grad_sums_run(size_t count, const real *x, const real *dy, const real *y, bool masked,
                          const float *mean, float *dweight, float *dbias)
{
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        float d = load_real(dy[i]);
        if (masked)
            d = load_real(y[i]) > 0 ? d : 0;
        dbias[i] += d;
        dweight[i] += d * (load_real(x[i]) - mean[i]);
    }
}

// The sums of dy and of dy (x - mean), in two halves of scratch.
static void norm_grad_sums(const struct walk *walk, struct view x, struct view dy, struct view y,
                           const float *mean, float *products, float *sums)
{
#pragma omp parallel for schedule(static) if (walk->parts > 1)
    for (size_t i = 0; i < walk->parts; i++) {
        const struct part part = walk_part(walk, i);
        float means[PART_LANES], dweight[PART_LANES] = {0}, dbias[PART_LANES] = {0};
        spread(&part, mean, means);
        for (size_t r = 0; r < part.runs; r++) {
            const struct run run = part_run(&part, r);
            const real *from = run_of(x, &part, &run), *d = run_of(dy, &part, &run);
            const size_t at = run.lane;
            if (y.data)
                grad_sums_run(run.count, from, d, run_of(y, &part, &run), true, means + at,
                              dweight + at, dbias + at);
            else
                grad_sums_run(run.count, from, d, NULL, false, means + at, dweight + at,
                              dbias + at);
        }
        keep_sums(walk, &part, dweight, products);
        keep_sums(walk, &part, dbias, sums);
    }
}

// dx = scale (dy - offset - (x - mean) slope)
struct grad_lanes {
    float mean[PART_LANES], scale[PART_LANES], offset[PART_LANES], slope[PART_LANES];
};

static void grad_lanes(const struct walk *walk, const struct part *part, struct norm norm,
                       const float *dweight, const float *dbias, struct grad_lanes *lanes)
{
    const double per_pixel = 1 / (double)walk->pixels;
    for (size_t lane = 0; lane < part->lanes; lane++) {
        const size_t c = part->channel + lane % part->channels;
        lanes->mean[lane] = norm.mean[c];
        lanes->scale[lane] = norm.weight[c] * norm.inverse_deviation[c];
        lanes->offset[lane] = (float)(dbias[c] * per_pixel);
        lanes->slope[lane] = (float)(dweight[c] * per_pixel * norm.inverse_deviation[c]);
    }
}

INLINE void grad_run(struct run run, const real *x, const real *dy, const real *y, bool masked,
                     const struct grad_lanes *lanes, real *dx)
{
    const float *mean = lanes->mean + run.lane, *scale = lanes->scale + run.lane;
    const float *offset = lanes->offset + run.lane, *slope = lanes->slope + run.lane;
#pragma omp simd
    for (size_t i = 0; i < run.count; i++) {
        float d = load_real(dy[i]);
        if (masked)
            d = load_real(y[i]) > 0 ? d : 0;
        dx[i] = store_real(scale[i] * (d - offset[i] - (load_real(x[i]) - mean[i]) * slope[i]));
    }
}

void KERNEL(norm_grad)(struct view x, struct view dy, struct view y, struct norm norm,
                       struct view dx, float *dweight, float *dbias, float *scratch)
{
    const struct walk walk =
        walk_over(x, has_gaps(x) || has_gaps(dy) || has_gaps(y) || has_gaps(dx));
    float *products = scratch, *sums = scratch + walk.chunks * walk.channels;
    norm_grad_sums(&walk, x, dy, y, norm.mean, products, sums);
    for (size_t c = 0; c < walk.channels; c++) {
        dweight[c] = (float)(sum_chunks(&walk, products, c) * norm.inverse_deviation[c]);
        dbias[c] = (float)sum_chunks(&walk, sums, c);
    }
    if (!dx.data)
        return;
#pragma omp parallel for schedule(static) if (walk.parts > 1)
    for (size_t i = 0; i < walk.parts; i++) {
        const struct part part = walk_part(&walk, i);
        struct grad_lanes lanes;
        grad_lanes(&walk, &part, norm, dweight, dbias, &lanes);
        for (size_t r = 0; r < part.runs; r++) {
            const struct run run = part_run(&part, r);
            const real *from = run_of(x, &part, &run), *d = run_of(dy, &part, &run);
            if (y.data)
                grad_run(run, from, d, run_of(y, &part, &run), true, &lanes,
                         run_of(dx, &part, &run));
            else
                grad_run(run, from, d, NULL, false, &lanes, run_of(dx, &part, &run));
        }
    }
}
