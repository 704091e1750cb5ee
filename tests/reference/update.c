// SPDX-License-Identifier: MIT
#include "tests/reference/ops.h"

#include <math.h>

static const double betas[2] = {0.9, 0.999}, epsilon = 1e-8;

void reference_advance_correction(double correction[2])
{
    for (int i = 0; i < 2; i++)
        correction[i] = betas[i] * correction[i] + (1 - betas[i]);
}

// Kingma and Ba 2015, algorithm 1, in PyTorch's order of operations.
void reference_adam(size_t count, double lr, const double correction[2], double *parameter,
                    const double *gradient, double *moment1, double *moment2)
{
    double now[2] = {correction[0], correction[1]}; // of the step that is being done
    reference_advance_correction(now);
    for (size_t i = 0; i < count; i++) {
        moment1[i] = betas[0] * moment1[i] + (1 - betas[0]) * gradient[i];
        moment2[i] = betas[1] * moment2[i] + (1 - betas[1]) * gradient[i] * gradient[i];
        parameter[i] -= lr * (moment1[i] / now[0]) / (sqrt(moment2[i] / now[1]) + epsilon);
    }
}
