// SPDX-License-Identifier: MIT
// The statistics of all images are known only when all are read, so that images are normalised
// where they lie, resized: resizing is linear, and commutes with it but for rounding.
#include "data/normalize.h"

#include "vkgrid/base/memory.h"

#include <string.h>

void normalize_begin(const struct dataset_request *request, struct dataset *dataset)
{
    const size_t features = (size_t)request->feature_count,
                 samples = (size_t)request->training_count + (size_t)request->validation_count;
    dataset->normalize = mem_zalloc(features, sizeof(dataset->normalize[0]));
    if (request->normalize)
        memcpy(dataset->normalize, request->normalize, features * sizeof(dataset->normalize[0]));
    if (request->check)
        return;
    dataset->trained = mem_zalloc(features, sizeof(dataset->trained[0]));
    dataset->statistics = mem_zalloc(samples * features, sizeof(dataset->statistics[0]));
}

void normalize_note(struct dataset *dataset, int sample, int feature, struct image *plane)
{
    const size_t count = (size_t)plane->rows * (size_t)plane->cols;
    struct value_statistics *statistics =
        &dataset->statistics[(size_t)sample * (size_t)dataset->features + (size_t)feature];
    *statistics = statistics_of(plane->values, count);
    if (dataset->normalize[feature] != NORMALIZE_NONE)
        normalize_fill(plane->values, count, statistics);
}

static void normalize_feature(struct dataset *dataset, int feature)
{
    const size_t features = (size_t)dataset->features,
                 pixels = (size_t)dataset->rows * (size_t)dataset->cols;
    for (size_t i = 0; i < (size_t)dataset->count; i++)
        normalize_image(dataset->normalize[feature],
                        &dataset->statistics[i * features + (size_t)feature],
                        &dataset->trained[feature],
                        dataset->inputs + i * pixels * features + feature, pixels, features);
}

void normalize_inputs(const struct dataset_request *request, struct dataset *dataset)
{
    const size_t features = (size_t)dataset->features;
    for (int i = 0; dataset->trained && i < dataset->features; i++) {
        dataset->trained[i] = request->trained ? request->trained[i]
                                               : statistics_join(dataset->statistics + i,
                                                                 dataset->training_count, features);
        normalize_feature(dataset, i);
    }
}
