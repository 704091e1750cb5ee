// SPDX-License-Identifier: MIT
#include "vkgrid/data/spread.h"

#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"

#include <math.h>
#include <stdlib.h>

int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

double sorted_quantile(const double *sorted, int count, double share)
{
    const double at = share * (count - 1);
    const int below = (int)at, above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

static double mean_of(const double *values, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += values[i];
    return sum / count;
}

// Means of as many values drawn with replacement.
static void bootstrap(const double *values, int count, struct spread *spread)
{
    struct random random = random_stream(0, 0, 0, RANDOM_BOOTSTRAP);
    double *means = mem_alloc(SPREAD_RESAMPLES * sizeof(*means));
    for (int n = 0; n < SPREAD_RESAMPLES; n++) {
        double sum = 0;
        for (int i = 0; i < count; i++)
            sum += values[random_below(&random, (uint32_t)count)];
        means[n] = sum / count;
    }
    qsort(means, SPREAD_RESAMPLES, sizeof(*means), compare_doubles);
    spread->low = sorted_quantile(means, SPREAD_RESAMPLES, 0.025);
    spread->high = sorted_quantile(means, SPREAD_RESAMPLES, 0.975);
    free(means);
}

struct spread spread_of(const double *values, int count)
{
    struct spread spread = {.mean = NAN, .median = NAN, .low = NAN, .high = NAN};
    double *kept = mem_alloc(((size_t)count + 1) * sizeof(*kept));
    for (int i = 0; i < count; i++) {
        if (isnan(values[i]))
            spread.left_out++;
        else
            kept[spread.count++] = values[i];
    }
    if (spread.count > 1)
        bootstrap(kept, spread.count, &spread);
    if (spread.count > 0) {
        spread.mean = mean_of(kept, spread.count);
        qsort(kept, (size_t)spread.count, sizeof(*kept), compare_doubles);
        spread.median = sorted_quantile(kept, spread.count, 0.5);
    }
    free(kept);
    return spread;
}
