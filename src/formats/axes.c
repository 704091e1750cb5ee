// SPDX-License-Identifier: MIT
#include "formats/axes.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <limits.h>

void axes_dense(struct axes *axes, bool fortran)
{
    int64_t stride = 1;
    for (int i = 0; i < axes->rank; i++) {
        const int axis = fortran ? i : axes->rank - 1 - i;
        axes->strides[axis] = stride;
        stride *= axes->dims[axis];
    }
}

static void remove_axis(struct axes *axes, int axis)
{
    axes->rank--;
    for (int i = axis; i < axes->rank; i++) {
        axes->dims[i] = axes->dims[i + 1];
        axes->strides[i] = axes->strides[i + 1];
    }
}

static void drop_ones(struct axes *axes)
{
    for (int i = axes->rank - 1; i >= 0 && axes->rank > 2; i--)
        if (axes->dims[i] == 1)
            remove_axis(axes, i);
}

static bool check_sizes(const struct axes *axes, int64_t channels)
{
    if (axes->dims[0] > INT_MAX || axes->dims[1] > INT_MAX)
        return error_set("an image of %lld x %lld: at most %d each are read",
                         (long long)axes->dims[0], (long long)axes->dims[1], INT_MAX);
    return channels <= IMAGE_CHANNELS ||
           error_set("an image of %lld x %lld with %lld channels: at most %d are read",
                     (long long)axes->dims[0], (long long)axes->dims[1], (long long)channels,
                     IMAGE_CHANNELS);
}

static float range_of(enum element element)
{
    return element == ELEMENT_U8 ? 255 : element == ELEMENT_U16 ? 65535 : 1;
}

bool axes_image(const struct axes *given, enum element element, const uint8_t *data,
                struct image *image)
{
    struct axes axes = *given;
    int64_t channels = 1, stride = 0;
    drop_ones(&axes);
    if (axes.rank == 3) {
        const int axis = axes.dims[0] < axes.dims[2] ? 0 : 2;
        if (axes.dims[0] == axes.dims[2])
            return error_set(
                "an array of %lld x %lld x %lld: which axis is that of the channels "
                "cannot be told",
                (long long)axes.dims[0], (long long)axes.dims[1], (long long)axes.dims[2]);
        channels = axes.dims[axis];
        stride = axes.strides[axis];
        remove_axis(&axes, axis);
    }
    if (axes.rank != 2)
        return error_set("an array of %d axes: 2 are wanted, or 3, of which one is of channels",
                         axes.rank);
    if (!check_sizes(&axes, channels))
        return false;
    *image = (struct image){
        .rows = (int)axes.dims[0],
        .cols = (int)axes.dims[1],
        .channels = (int)channels,
        .range = range_of(element),
    };
    const size_t size = element_size(element);
    const int64_t rows = axes.dims[0], cols = axes.dims[1];
    float *to = image->values = mem_alloc((size_t)(rows * cols * channels) * sizeof(float));
    for (int64_t row = 0; row < rows; row++)
        for (int64_t col = 0; col < cols; col++)
            for (int64_t channel = 0; channel < channels; channel++)
                *to++ = element_to_float(element, data + size * (size_t)(row * axes.strides[0] +
                                                                         col * axes.strides[1] +
                                                                         channel * stride));
    return true;
}
