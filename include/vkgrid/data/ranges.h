// SPDX-License-Identifier: MIT
// Whether images are of the kind that a network was trained on, by the values of their features
// (docs/data.md): the same picture as a .png and as an array differs by a factor of 255.
#pragma once

#include "vkgrid/data/normalize.h"

// Images of one feature. Number i is items[i * stride].
struct range_check {
    const char *feature;
    enum normalize normalize;
    const struct value_statistics *trained; // of the training data; NULL or count 0: not known
    const struct value_statistics *items;
    size_t stride;
    const char *const *names; // of the images
    int count;
};
// One line on images whose values lie far outside of those of the training data; NULL: none do, or
// nothing is known, or each image is normalised by itself, which no factor changes. The caller
// frees it.
char *range_doubt(const struct range_check *check);
