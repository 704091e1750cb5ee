// SPDX-License-Identifier: MIT
// Normalising features, and what is known of their values (docs/data.md).
//
// NaN takes no part in any number here. In an image that is normalised it becomes the mean of the
// image's other pixels before the image is resized, so that none of its neighbours is pulled
// towards 0.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum normalize {
    NORMALIZE_NONE,
    NORMALIZE_ZSCORE,  // each image by its own mean and standard deviation
    NORMALIZE_DATASET, // all by those of the training samples
};
#define NORMALIZE_ALLOWED "none, zscore or dataset"
const char *normalize_name(enum normalize normalize);
bool normalize_parse(const char *text, enum normalize *normalize);

// Of the values of one image, or of several together, as their files have them: not resized.
struct value_statistics {
    double count; // values; 0: all numbers below are 0
    double low, high, mean;
    double sd; // population standard deviation; exactly 0 when all are equal
};

// In double precision, in an order that the count alone decides.
struct value_statistics statistics_of(const float *values, size_t count);
// Of `count` images together, of which number i is items[i * stride], in their order.
struct value_statistics statistics_join(const struct value_statistics *items, int count,
                                        size_t stride);

// Replaces NaN by the mean; where there is none it stays.
void normalize_fill(float *values, size_t count, const struct value_statistics *image);
// Pixel i of a resized image is values[i * stride]: (value - mean) / sd, and 0 where sd is 0.
void normalize_pixels(float *values, size_t count, size_t stride,
                      const struct value_statistics *by);
// The same of an image's feature as `normalize` says. trained: of the training samples.
void normalize_image(enum normalize normalize, const struct value_statistics *image,
                     const struct value_statistics *trained, float *values, size_t count,
                     size_t stride);
