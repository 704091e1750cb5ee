// SPDX-License-Identifier: MIT
// How well a label's prediction meets its target in one image (docs/evaluate.md).
#pragma once

#include <stddef.h>
#include <stdint.h>

// Pixels of two masks.
struct overlap {
    size_t both, predicted, target;
};
// Masks of 0 and 1, [pixels].
struct overlap overlap_count(const uint8_t *predicted, const uint8_t *target, size_t pixels);

// 2 |P and T| / (|P| + |T|), and |P and T| / |P or T|; NaN where both masks are empty.
double overlap_dice(const struct overlap *overlap);
double overlap_iou(const struct overlap *overlap);

// The losses of training (spec.md section 4) of one label in one image. The bce loss of a batch is
// the sum over labels of (mean cross entropy) * (mean background), each mean over its images.
struct soft_loss {
    double dice;       // 1 - (2 sum(p t) + 1) / (sum(p^2) + sum(t^2) + 1)
    double entropy;    // mean of the binary cross entropy of the logits
    double background; // 1 - mean(t)
};
// targets: of pixel i at i * stride.
struct soft_loss overlap_losses(const float *logits, const float *targets, size_t stride,
                                size_t pixels);
