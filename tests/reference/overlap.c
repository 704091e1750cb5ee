// SPDX-License-Identifier: MIT
// What hard Dice is made of: of every sample and label the pixels of both masks, of the prediction,
// of the target.
#include "tests/reference/ops.h"

#include <math.h>

void reference_overlap(struct shape shape, const double *z, const double *t, uint32_t *counts)
{
    for (int n = 0; n < shape.n; n++)
        for (int k = 0; k < shape.channels; k++) {
            uint32_t *count = counts + ((size_t)n * (size_t)shape.channels + (size_t)k) * 3;
            count[0] = count[1] = count[2] = 0;
            for (int row = 0; row < shape.rows; row++)
                for (int col = 0; col < shape.cols; col++) {
                    const size_t at = shape_at(shape, n, row, col, k);
                    const int predicted = 1 / (1 + exp(-z[at])) >= 0.5, target = t[at] >= 0.5;
                    count[0] += (uint32_t)(predicted && target);
                    count[1] += (uint32_t)predicted;
                    count[2] += (uint32_t)target;
                }
        }
}
