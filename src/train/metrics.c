// SPDX-License-Identifier: MIT
#include "train/trainer.h"

#include <math.h>

void metrics_mean(const float *table, int samples, int batch_size, double mean[METRIC_COUNT])
{
    for (int m = 0; m < METRIC_COUNT; m++) {
        double sum = 0;
        for (int b = 0; b < batch_count(samples, batch_size); b++)
            sum += (double)table[b * METRIC_COUNT + m] * batch_samples(samples, batch_size, b);
        mean[m] = sum / samples;
    }
}

int metrics_finite(const float *table, int steps)
{
    for (int step = 0; step < steps; step++)
        for (int m = 0; m < METRIC_COUNT; m++)
            if (!isfinite(table[step * METRIC_COUNT + m]))
                return step;
    return steps;
}
