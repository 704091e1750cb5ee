// SPDX-License-Identifier: MIT
#include "vkgrid/data/overlap.h"

#include <math.h>

struct overlap overlap_count(const uint8_t *predicted, const uint8_t *target, size_t pixels)
{
    struct overlap overlap = {0};
    for (size_t i = 0; i < pixels; i++) {
        overlap.both += predicted[i] && target[i];
        overlap.predicted += predicted[i] != 0;
        overlap.target += target[i] != 0;
    }
    return overlap;
}

double overlap_dice(const struct overlap *overlap)
{
    const size_t sum = overlap->predicted + overlap->target;
    return sum ? 2 * (double)overlap->both / (double)sum : NAN;
}

double overlap_iou(const struct overlap *overlap)
{
    const size_t any = overlap->predicted + overlap->target - overlap->both;
    return any ? (double)overlap->both / (double)any : NAN;
}

struct soft_loss overlap_losses(const float *logits, const float *targets, size_t stride,
                                size_t pixels)
{
    double both = 0, squares = 0, entropy = 0, sum = 0;
    for (size_t i = 0; i < pixels; i++) {
        const double z = logits[i], t = targets[i * stride], p = 1 / (1 + exp(-z));
        both += p * t;
        squares += p * p + t * t;
        entropy += fmax(z, 0) - z * t + log1p(exp(-fabs(z))); // without overflow
        sum += t;
    }
    const double count = (double)pixels;
    return (struct soft_loss){1 - (2 * both + 1) / (squares + 1), entropy / count,
                              (count - sum) / count};
}
