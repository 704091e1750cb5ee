// SPDX-License-Identifier: MIT
// The loss of spec.md section 4 and its gradient. Pixels of all samples are n * rows * cols.
#include "tests/reference/ops.h"

#include <math.h>

static double sigmoid(double z)
{
    return 1 / (1 + exp(-z));
}

// -(t log p + (1 - t) log(1 - p)) with p = sigmoid(z), without overflow.
static double bce_with_logits(double z, double t)
{
    return fmax(z, 0) - z * t + log1p(exp(-fabs(z)));
}

// Adds one class's mean cross entropy, weighted by the part of its pixels that are background, and
// its gradient.
static double class_bce(struct shape s, int k, const double *z, const double *t, double bce_weight,
                        double *dz)
{
    const size_t pixels = (size_t)s.n * (size_t)s.rows * (size_t)s.cols;
    double sum = 0, foreground = 0;
    for (size_t p = 0; p < pixels; p++) {
        const size_t at = p * (size_t)s.channels + (size_t)k;
        sum += bce_with_logits(z[at], t[at]);
        foreground += t[at];
    }
    const double count = (double)pixels, background = (count - foreground) / count;
    for (size_t p = 0; dz && p < pixels; p++) {
        const size_t at = p * (size_t)s.channels + (size_t)k;
        dz[at] += bce_weight * (sigmoid(z[at]) - t[at]) / count * background;
    }
    return sum / count * background;
}

// 1 - (2 I + 1) / (P + T + 1) of one class of one sample, and its gradient.
static double sample_dice(struct shape s, int n, int k, const double *z, const double *t,
                          double weight, double *dz)
{
    const double smooth = 1;
    double both = 0, squares = 0;
    for (int row = 0; row < s.rows; row++)
        for (int col = 0; col < s.cols; col++) {
            const size_t at = shape_at(s, n, row, col, k);
            const double p = sigmoid(z[at]);
            both += p * t[at];
            squares += p * p + t[at] * t[at];
        }
    const double above = 2 * both + smooth, below = squares + smooth;
    for (int row = 0; dz && row < s.rows; row++)
        for (int col = 0; col < s.cols; col++) {
            const size_t at = shape_at(s, n, row, col, k);
            const double p = sigmoid(z[at]);
            const double by_p = -(2 * t[at] * below - above * 2 * p) / (below * below);
            dz[at] += weight * by_p * p * (1 - p);
        }
    return 1 - above / below;
}

void reference_loss(struct shape shape, const double *z, const double *t, double bce_weight,
                    double metrics[3], double *dz)
{
    const double terms = (double)shape.n * shape.channels;
    double bce = 0, dice = 0;
    for (size_t i = 0; dz && i < shape_count(shape); i++)
        dz[i] = 0;
    for (int k = 0; k < shape.channels; k++)
        bce += class_bce(shape, k, z, t, bce_weight, dz);
    for (int n = 0; n < shape.n; n++)
        for (int k = 0; k < shape.channels; k++)
            dice += sample_dice(shape, n, k, z, t, (1 - bce_weight) / terms, dz) / terms;
    metrics[0] = bce;
    metrics[1] = dice;
    metrics[2] = bce_weight * bce + (1 - bce_weight) * dice;
}
