// SPDX-License-Identifier: MIT
#include "vkgrid/formats/image.h"

#include "vkgrid/base/error.h"

#include <string.h>
#include <strings.h>

bool image_read(const char *path, struct image *image)
{
    static const struct {
        const char *extension;
        bool (*read)(const char *path, struct image *image);
    } readers[] = {{".npy", image_read_npy}, {".png", image_read_png}, {".pt", image_read_pt}};
    const size_t length = strlen(path);
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        const size_t size = strlen(readers[i].extension);
        if (length > size && strcasecmp(path + length - size, readers[i].extension) == 0)
            return readers[i].read(path, image);
    }
    return error_set("%s: unknown extension: allowed are .npy, .png and .pt", path);
}
