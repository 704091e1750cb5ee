// SPDX-License-Identifier: MIT
// Which reader a file needs, by its name.
#include "vkgrid/formats/image.h"

#include "formats/bytes.h"
#include "formats/unpack_image.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"

#include <stdlib.h>
#include <strings.h>

static bool read_with(const char *path, struct image *image,
                      bool (*unpack)(const uint8_t *bytes, size_t size, struct image *image))
{
    void *bytes = NULL;
    size_t size;
    *image = (struct image){0};
    if (!file_read(path, FILE_LIMIT, &bytes, &size))
        return false;
    const bool read = unpack(bytes, size, image);
    free(bytes);
    if (read)
        return true;
    image_free(image);
    return error_prefix("%s", path);
}

static bool read_tiff(const char *path, struct image *image)
{
    return read_with(path, image, tiff_unpack);
}

static bool read_jpeg(const char *path, struct image *image)
{
    return read_with(path, image, jpeg_unpack);
}

static const struct {
    const char *extension;
    bool (*read)(const char *path, struct image *image);
} readers[] = {
    {".npy", image_read_npy},    {".png", image_read_png},      {".pt", image_read_pt},
    {".tif", read_tiff},         {".tiff", read_tiff},          {".jpg", read_jpeg},
    {".jpeg", read_jpeg},        {".mgz", image_read_volume},   {".mgh", image_read_volume},
    {".nii", image_read_volume}, {".nii.gz", image_read_volume}};
enum { READERS = sizeof(readers) / sizeof(readers[0]) };

static int find_reader(const char *name, int *stem)
{
    const size_t length = strlen(name);
    for (int i = 0; i < READERS; i++) {
        const size_t size = strlen(readers[i].extension);
        if (length > size && strcasecmp(name + length - size, readers[i].extension) == 0) {
            *stem = (int)(length - size);
            return i;
        }
    }
    return -1;
}

int image_stem(const char *name)
{
    int stem = 0;
    find_reader(name, &stem);
    return stem;
}

bool image_read(const char *path, struct image *image)
{
    int stem;
    const int reader = find_reader(path, &stem);
    return reader < 0 ? error_set("%s: unknown extension: allowed are " IMAGE_EXTENSIONS, path)
                      : readers[reader].read(path, image);
}
