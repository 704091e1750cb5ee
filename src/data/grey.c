// SPDX-License-Identifier: MIT
#include "vkgrid/data/grey.h"

#include <math.h>

struct grey_scale grey_scale_of(const float *values, size_t count, size_t stride)
{
    struct grey_scale scale = {values[0], values[0]};
    for (size_t i = 0; i < count; i++) {
        scale.low = fminf(scale.low, values[i * stride]);
        scale.high = fmaxf(scale.high, values[i * stride]);
    }
    return scale;
}

uint8_t grey_of(struct grey_scale scale, float value)
{
    const float share = scale.high > scale.low ? (value - scale.low) / (scale.high - scale.low) : 1;
    return (uint8_t)(255 * fminf(fmaxf(share, 0), 1));
}
