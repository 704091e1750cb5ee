// SPDX-License-Identifier: MIT
// Images that a library unpacks. A build may lack it; then the function only says so. On failure
// the image holds what image_free() frees.
#pragma once

#include "vkgrid/formats/image.h"

// .tif: grey, RGB, palettes, alpha, more channels; whole numbers of 1 to 32 bits, fractions of 16
// to 64. More than one image in the file is refused.
bool tiff_unpack(const uint8_t *bytes, size_t size, struct image *image);

// .jpg of 8 bits: grey or RGB.
bool jpeg_unpack(const uint8_t *bytes, size_t size, struct image *image);
