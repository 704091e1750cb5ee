// SPDX-License-Identifier: MIT
#include "vkgrid/formats/image.h"

#include <stdlib.h>

void image_free(struct image *image)
{
    free(image->values);
    free(image->palette);
    *image = (struct image){0};
}
