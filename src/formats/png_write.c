// SPDX-License-Identifier: MIT
// Writes .png with libpng.
#include "vkgrid/formats/image.h"

#include "formats/bytes.h"
#include "formats/png_errors.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

struct writer {
    png_structp png;
    png_infop info;
    uint8_t *bytes;
    size_t size, room;
};

static void append(png_structp png, png_bytep data, size_t size)
{
    struct writer *writer = png_get_io_ptr(png);
    writer->bytes = mem_reserve(writer->bytes, &writer->room, writer->size + size, 1);
    memcpy(writer->bytes + writer->size, data, size);
    writer->size += size;
}

static void flush(png_structp png)
{
    (void)png; // into memory
}

static bool write_pixels(struct writer *writer, int rows, int cols, int channels,
                         const uint8_t *pixels)
{
    png_structp png = writer->png;
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_set_write_fn(png, writer, append, flush);
    png_set_user_limits(png, ELEMENT_LIMIT, ELEMENT_LIMIT);
    png_set_IHDR(png, writer->info, (uint32_t)cols, (uint32_t)rows, 8,
                 channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, writer->info);
    for (int row = 0; row < rows; row++)
        png_write_row(png, pixels + (size_t)row * (size_t)cols * (size_t)channels);
    png_write_end(png, NULL);
    return true;
}

bool png_pack(int rows, int cols, int channels, const uint8_t *pixels, uint8_t **bytes,
              size_t *size)
{
    static char beginning[] = "cannot pack a .png";
    struct writer writer = {0};
    if (rows < 1 || cols < 1 || (channels != 1 && channels != 3) ||
        (uint64_t)rows * (uint64_t)cols > ELEMENT_LIMIT)
        return error_set(
            "cannot write %d x %d pixels of %d channels: 1 to %zu pixels of 1 or 3 are allowed",
            rows, cols, channels, ELEMENT_LIMIT);
    writer.png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, beginning, refuse_png, ignore_warning);
    writer.info = writer.png ? png_create_info_struct(writer.png) : NULL;
    const bool packed = writer.info ? write_pixels(&writer, rows, cols, channels, pixels)
                                    : error_set("no memory to pack %d x %d pixels", rows, cols);
    png_destroy_write_struct(&writer.png, &writer.info);
    if (!packed) {
        free(writer.bytes);
        return false;
    }
    *bytes = writer.bytes;
    *size = writer.size;
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
