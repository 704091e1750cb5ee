// SPDX-License-Identifier: MIT
// How far the outlines of two masks are apart, in pixels (docs/evaluate.md).
#pragma once

#include <stdint.h>

struct surface_distance {
    double hausdorff95; // the larger of the two 95th percentiles
    double average;     // symmetric: over the outlines' pixels of both masks
};
// Masks of 0 and 1, [row][col]. An outline is the pixels of a mask that have one of their four
// neighbours outside of it or of the image. The distance of a pixel is the Euclidean one to the
// nearest of the other outline. NaN where a mask is empty.
struct surface_distance surface_distance(const uint8_t *a, const uint8_t *b, int rows, int cols);
