// SPDX-License-Identifier: MIT
#include "formats/unpack_image.h"

#include "vkgrid/base/error.h"

bool tiff_unpack(const uint8_t *bytes, size_t size, struct image *image)
{
    (void)bytes;
    (void)size;
    (void)image;
    return error_set("this vkgrid was built without libtiff: save it as .png or .npy");
}
