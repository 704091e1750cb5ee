// SPDX-License-Identifier: MIT
// Values as greys for the eye, in the report and in pictures of predictions: the lowest of an image
// is black, the highest white.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct grey_scale {
    float low, high;
};
// Of count values, each `stride` after the one before; none of them is NaN.
struct grey_scale grey_scale_of(const float *values, size_t count, size_t stride);
// 0 to 255, rounded down; 255 where all values are equal.
uint8_t grey_of(struct grey_scale scale, float value);
