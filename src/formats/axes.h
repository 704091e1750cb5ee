// SPDX-License-Identifier: MIT
// Arrays of two or three axes as images.
#pragma once

#include "formats/elements.h"
#include "vkgrid/formats/image.h"

struct axes {
    int rank; // at most 8
    int64_t dims[8];
    int64_t strides[8]; // in elements, from one to the next along the axis
};

// For arrays without gaps: the last axis is the fastest, or the first (Fortran).
void axes_dense(struct axes *axes, bool fortran);

// Axes of size 1 beside two others are dropped. Of three the first or the last, whichever is
// shorter, is that of the channels. The data are little-endian elements, as many as the dims have,
// at least one.
bool axes_image(const struct axes *axes, enum element element, const uint8_t *data,
                struct image *image);
