// SPDX-License-Identifier: MIT
// Adam (Kingma and Ba 2015, algorithm 1) in PyTorch's order of operations.
#include "engine/cpu/kernels/set.h"

#include <math.h>

static const double betas[2] = {0.9, 0.999};
static const float epsilon = 1e-8f;

void KERNEL(adam)(const struct adam *adam)
{
    const float keep1 = (float)betas[0], take1 = (float)(1 - betas[0]);
    const float keep2 = (float)betas[1], take2 = (float)(1 - betas[1]);
    const float step = (float)((double)adam->lr / adam->correction1);
    const float root = (float)(1 / sqrt(adam->correction2));
    float *weight = adam->weight, *moment1 = adam->moment1, *moment2 = adam->moment2;
    const float *gradient = adam->gradient;
#pragma omp parallel for simd schedule(static) if (parallel : adam->count > 1 << 14)
    for (size_t i = 0; i < adam->count; i++) {
        const float g = gradient[i];
        moment1[i] = keep1 * moment1[i] + take1 * g;
        moment2[i] = keep2 * moment2[i] + take2 * g * g;
        weight[i] -= step * moment1[i] / (sqrtf(moment2[i]) * root + epsilon);
    }
}
