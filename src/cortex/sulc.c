// SPDX-License-Identifier: MIT
#include "cortex/sulc.h"

#include <math.h>
#include <stdlib.h>

float *sulc_read(const struct subject *subject, int side, int count)
{
    struct vertex_values read = {0};
    char *path = NULL;
    const bool good = subject_file_path(subject, FILE_CONVEXITY, side, &path) && path &&
                      vertex_values_read(path, &read) && read.count == count;
    free(path);
    if (!good)
        vertex_values_free(&read);
    return read.values;
}

double sulc_correlation(int count, const float *a, const float *b)
{
    double n = 0, sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0;
    for (int i = 0; i < count; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i]))
            continue;
        n++;
        sum_a += a[i];
        sum_b += b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
        ab += (double)a[i] * b[i];
    }
    const double spread = (n * aa - sum_a * sum_a) * (n * bb - sum_b * sum_b);
    return spread > 0 ? (n * ab - sum_a * sum_b) / sqrt(spread) : NAN;
}
