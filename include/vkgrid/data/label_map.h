// SPDX-License-Identifier: MIT
// One label for each pixel out of a value for each label: of predictions as of label images.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Of one pixel, whose value for label k is values[k * stride]: 0 where none reaches 0.5, else 1 +
// the label with the highest (of equal ones the first). At most 255 labels.
uint8_t label_of(const float *values, int labels, size_t stride);
