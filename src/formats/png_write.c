// SPDX-License-Identifier: MIT
#include "vkgrid/formats/image.h"

#include "formats/bytes.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

struct buffer {
    uint8_t *bytes;
    size_t size;
};

static void append(void *context, void *data, int size)
{
    struct buffer *buffer = context;
    buffer->bytes = mem_grow(buffer->bytes, buffer->size + (size_t)size, 1);
    memcpy(buffer->bytes + buffer->size, data, (size_t)size);
    buffer->size += (size_t)size;
}

bool png_pack(int rows, int cols, int channels, const uint8_t *pixels, uint8_t **bytes,
              size_t *size)
{
    struct buffer buffer = {0};
    if (rows < 1 || cols < 1 || (channels != 1 && channels != 3) ||
        (uint64_t)rows * (uint64_t)cols > ELEMENT_LIMIT)
        return error_set(
            "cannot write %d x %d pixels of %d channels: 1 to %zu pixels of 1 or 3 are allowed",
            rows, cols, channels, ELEMENT_LIMIT);
    if (!stbi_write_png_to_func(append, &buffer, cols, rows, channels, pixels, cols * channels))
        return error_set("no memory to pack %d x %d pixels", rows, cols);
    *bytes = buffer.bytes;
    *size = buffer.size;
    return true;
}

bool png_write(const char *path, int rows, int cols, int channels, const uint8_t *pixels)
{
    uint8_t *bytes;
    size_t size;
    if (!png_pack(rows, cols, channels, pixels, &bytes, &size))
        return error_prefix("%s", path);
    const bool written = file_write(path, bytes, size);
    free(bytes);
    return written;
}
