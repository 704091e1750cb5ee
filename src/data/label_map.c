// SPDX-License-Identifier: MIT
#include "vkgrid/data/label_map.h"

uint8_t label_of(const float *values, int labels, size_t stride)
{
    int best = 0;
    for (int k = 1; k < labels; k++)
        if (values[(size_t)k * stride] > values[(size_t)best * stride])
            best = k;
    return values[(size_t)best * stride] >= 0.5f ? (uint8_t)(best + 1) : 0;
}
