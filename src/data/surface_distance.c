// SPDX-License-Identifier: MIT
// Exact distances: the transform of Felzenszwalb and Huttenlocher (2012), "Distance Transforms of
// Sampled Functions", columns first, then rows.
#include "vkgrid/data/surface_distance.h"

#include "vkgrid/base/memory.h"
#include "vkgrid/data/outline.h"
#include "vkgrid/data/spread.h"

#include <math.h>
#include <stdlib.h>

// Squared distances up and down the columns to the nearest pixel of the outline; infinite in
// columns without one.
static void column_distances(const uint8_t *mask, int rows, int cols, double *squared)
{
    for (int col = 0; col < cols; col++) {
        double run = INFINITY;
        for (int row = 0; row < rows; row++) {
            run = outline_at(mask, rows, cols, 1, row, col) ? 0 : run + 1;
            squared[(size_t)row * (size_t)cols + (size_t)col] = run;
        }
        run = INFINITY;
        for (int row = rows - 1; row >= 0; row--) {
            double *at = &squared[(size_t)row * (size_t)cols + (size_t)col];
            run = fmin(run + 1, *at);
            *at = run * run;
        }
    }
}

// The lower envelope of parabolas rooted at the columns whose value is finite.
struct envelope {
    int *roots;
    double *from, *values; // where each begins to be the lowest; the row's squared distances
};

static void row_distances(struct envelope *envelope, int cols, double *row)
{
    int count = 0;
    for (int col = 0; col < cols; col++) {
        double from = -INFINITY;
        envelope->values[col] = row[col];
        if (isinf(row[col]))
            continue;
        for (; count > 0; count--) {
            const int root = envelope->roots[count - 1];
            from =
                ((row[col] + (double)col * col) - (envelope->values[root] + (double)root * root)) /
                (2.0 * (col - root));
            if (from > envelope->from[count - 1])
                break;
        }
        envelope->roots[count] = col;
        envelope->from[count] = count > 0 ? from : -INFINITY;
        count++;
    }
    for (int col = 0, k = 0; count > 0 && col < cols; col++) {
        while (k + 1 < count && envelope->from[k + 1] < col)
            k++;
        const double apart = col - envelope->roots[k];
        row[col] = apart * apart + envelope->values[envelope->roots[k]];
    }
}

static void transform(const uint8_t *mask, int rows, int cols, double *squared)
{
    struct envelope envelope = {mem_alloc((size_t)cols * sizeof(int)),
                                mem_alloc((size_t)cols * sizeof(double)),
                                mem_alloc((size_t)cols * sizeof(double))};
    column_distances(mask, rows, cols, squared);
    for (int row = 0; row < rows; row++)
        row_distances(&envelope, cols, squared + (size_t)row * (size_t)cols);
    free(envelope.roots);
    free(envelope.from);
    free(envelope.values);
}

// Sorted distances from the outline of one mask to that of the other; returns how many.
static int directed(const uint8_t *from, const uint8_t *to, int rows, int cols, double *squared,
                    double *distances)
{
    int count = 0;
    transform(to, rows, cols, squared);
    for (int row = 0; row < rows; row++)
        for (int col = 0; col < cols; col++)
            if (outline_at(from, rows, cols, 1, row, col))
                distances[count++] = sqrt(squared[(size_t)row * (size_t)cols + (size_t)col]);
    qsort(distances, (size_t)count, sizeof(*distances), compare_doubles);
    return count;
}

struct surface_distance surface_distance(const uint8_t *a, const uint8_t *b, int rows, int cols)
{
    const size_t pixels = (size_t)rows * (size_t)cols;
    struct surface_distance result = {NAN, NAN};
    double *squared = mem_alloc(pixels * sizeof(*squared)),
           *distances = mem_alloc(pixels * sizeof(*distances));
    const uint8_t *const masks[] = {a, b};
    double sum = 0, worst = 0;
    int counts[2], total = 0;
    for (int i = 0; i < 2; i++) {
        counts[i] = directed(masks[i], masks[1 - i], rows, cols, squared, distances);
        for (int n = 0; n < counts[i]; n++)
            sum += distances[n];
        if (counts[i] > 0)
            worst = fmax(worst, sorted_quantile(distances, counts[i], 0.95));
        total += counts[i];
    }
    if (counts[0] > 0 && counts[1] > 0)
        result = (struct surface_distance){worst, sum / total};
    free(squared);
    free(distances);
    return result;
}
