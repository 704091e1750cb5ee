// SPDX-License-Identifier: MIT
// Antialiased bilinear resizing, with the float arithmetic of PyTorch's upsample_bilinear2d_aa
// (compute_index_ranges_weights in aten/src/ATen/native/cpu/UpSampleKernel.cpp, align_corners =
// false): far from the origin, positions rounded differently would move the weights by more than
// the bound that the tests hold.
#include "vkgrid/formats/image.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Which inputs an axis' outputs are sums of: weights[output][tap] for inputs first[output] + tap,
// tap < count[output].
struct filter {
    int taps; // room for the weights of one output
    int *first, *count;
    float *weights;
};

static void filter_make(struct filter *filter, int inputs, int outputs)
{
    const float scale = (float)inputs / (float)outputs;
    const float support = scale >= 1 ? scale : 1, inverse = scale >= 1 ? 1 / scale : 1;
    filter->taps = (int)ceilf(support) * 2 + 1;
    filter->first = mem_zalloc((size_t)outputs, sizeof(int));
    filter->count = mem_zalloc((size_t)outputs, sizeof(int));
    filter->weights = mem_zalloc((size_t)outputs * (size_t)filter->taps, sizeof(float));
    for (int i = 0; i < outputs; i++) {
        // PyTorch adds the halves as doubles and rounds once, when it truncates.
        const float center = (float)(scale * (i + 0.5));
        const int start = (int)((center - support) + 0.5), end = (int)((center + support) + 0.5);
        const int first = start > 0 ? start : 0, limit = end < inputs ? end : inputs;
        const int count = limit - first < filter->taps ? limit - first : filter->taps;
        float *weights = filter->weights + (size_t)i * (size_t)filter->taps, total = 0;
        for (int tap = 0; tap < count; tap++) {
            const float distance = fabsf((float)(((float)(tap + first) - center + 0.5) * inverse));
            weights[tap] = distance < 1 ? 1 - distance : 0;
            total += weights[tap];
        }
        for (int tap = 0; tap < count && total != 0; tap++)
            weights[tap] /= total;
        filter->first[i] = first;
        filter->count[i] = count;
    }
}

static void filter_free(struct filter *filter)
{
    free(filter->first);
    free(filter->count);
    free(filter->weights);
}

// source [rows][inputs] to result [rows][outputs].
static void resize_rows(const float *source, int rows, int inputs, float *result, int outputs)
{
    struct filter filter;
    filter_make(&filter, inputs, outputs);
    for (int row = 0; row < rows; row++) {
        const float *line = source + (size_t)row * (size_t)inputs;
        for (int i = 0; i < outputs; i++) {
            const float *weights = filter.weights + (size_t)i * (size_t)filter.taps;
            float sum = 0;
            for (int tap = 0; tap < filter.count[i]; tap++)
                sum += line[filter.first[i] + tap] * weights[tap];
            result[(size_t)row * (size_t)outputs + (size_t)i] = sum;
        }
    }
    filter_free(&filter);
}

// source [inputs][cols] to result [outputs][cols], which is all zeros before.
static void resize_cols(const float *source, int inputs, int cols, float *result, int outputs)
{
    struct filter filter;
    filter_make(&filter, inputs, outputs);
    for (int i = 0; i < outputs; i++) {
        float *line = result + (size_t)i * (size_t)cols;
        for (int tap = 0; tap < filter.count[i]; tap++) {
            const float weight = filter.weights[(size_t)i * (size_t)filter.taps + (size_t)tap];
            const float *input = source + (size_t)(filter.first[i] + tap) * (size_t)cols;
            for (int col = 0; col < cols; col++)
                line[col] += input[col] * weight;
        }
    }
    filter_free(&filter);
}

// First along the rows, then along the columns, as PyTorch does.
bool image_resize(struct image *image, int rows, int cols)
{
    const size_t count = (size_t)image->rows * (size_t)image->cols;
    if (count == 0 || rows < 1 || cols < 1)
        return error_set("cannot resize an image of %d x %d to %d x %d", image->rows, image->cols,
                         rows, cols);
    for (size_t i = 0; i < count; i++)
        if (isnan(image->values[i]))
            image->values[i] = 0;
    if (cols != image->cols) {
        float *values = mem_alloc((size_t)image->rows * (size_t)cols * sizeof(float));
        resize_rows(image->values, image->rows, image->cols, values, cols);
        free(image->values);
        image->values = values;
        image->cols = cols;
    }
    if (rows != image->rows) {
        float *values = mem_zalloc((size_t)rows * (size_t)cols, sizeof(float));
        resize_cols(image->values, image->rows, cols, values, rows);
        free(image->values);
        image->values = values;
        image->rows = rows;
    }
    return true;
}
