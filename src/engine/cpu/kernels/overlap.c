// SPDX-License-Identifier: MIT
// Pixels that a label's prediction and target have, in every sample. Integers: exact, and the same
// in any order.
#include "engine/cpu/kernels/set.h"

static void count_label(const float *z, const float *t, size_t count, size_t labels,
                        uint32_t counts[3])
{
    uint32_t both = 0, predicted = 0, target = 0;
    for (size_t i = 0; i < count * labels; i += labels) {
        const uint32_t p = z[i] >= 0, is = t[i] >= 0.5f;
        both += p & is;
        predicted += p;
        target += is;
    }
    counts[0] = both;
    counts[1] = predicted;
    counts[2] = target;
}

void KERNEL(overlap)(const struct overlap_counts *overlap)
{
    const size_t labels = (size_t)overlap->labels, pixels = (size_t)overlap->pixels,
                 n = (size_t)overlap->n;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n * labels; i++) {
        const size_t at = i / labels * pixels * labels + i % labels;
        count_label(overlap->logits + at, overlap->targets + at, pixels, labels,
                    overlap->counts + i * 3);
    }
}
