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

struct picture {
    int rows, cols, channels;
    const uint8_t *palette; // [colours][3]; NULL: none
    int colours;
    const uint8_t *pixels;
};

static void set_header(struct writer *writer, const struct picture *picture)
{
    const int kind = picture->palette         ? PNG_COLOR_TYPE_PALETTE
                     : picture->channels == 1 ? PNG_COLOR_TYPE_GRAY
                                              : PNG_COLOR_TYPE_RGB;
    png_set_IHDR(writer->png, writer->info, (uint32_t)picture->cols, (uint32_t)picture->rows, 8,
                 kind, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_color palette[PNG_MAX_PALETTE_LENGTH];
    for (int i = 0; i < picture->colours; i++) {
        const uint8_t *colour = picture->palette + 3 * (size_t)i;
        palette[i] = (png_color){colour[0], colour[1], colour[2]};
    }
    if (picture->palette)
        png_set_PLTE(writer->png, writer->info, palette, picture->colours);
}

static bool write_pixels(struct writer *writer, const struct picture *picture)
{
    png_structp png = writer->png;
    const size_t row_bytes = (size_t)picture->cols * (size_t)picture->channels;
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_set_write_fn(png, writer, append, flush);
    png_set_user_limits(png, ELEMENT_LIMIT, ELEMENT_LIMIT);
    set_header(writer, picture);
    png_write_info(png, writer->info);
    for (int row = 0; row < picture->rows; row++)
        png_write_row(png, picture->pixels + (size_t)row * row_bytes);
    png_write_end(png, NULL);
    return true;
}

static bool check_picture(const struct picture *picture)
{
    const int rows = picture->rows, cols = picture->cols, channels = picture->channels;
    if (rows < 1 || cols < 1 || (channels != 1 && channels != 3) ||
        (uint64_t)rows * (uint64_t)cols > ELEMENT_LIMIT)
        return error_set(
            "cannot write %d x %d pixels of %d channels: 1 to %zu pixels of 1 or 3 are allowed",
            rows, cols, channels, ELEMENT_LIMIT);
    if (!picture->palette)
        return true;
    if (picture->colours < 1 || picture->colours > PNG_MAX_PALETTE_LENGTH)
        return error_set("cannot write a palette of %d colours: 1 to %d are allowed",
                         picture->colours, PNG_MAX_PALETTE_LENGTH);
    for (size_t i = 0; i < (size_t)rows * (size_t)cols; i++)
        if (picture->pixels[i] >= picture->colours)
            return error_set("cannot write a pixel of colour %d: the palette has %d",
                             picture->pixels[i], picture->colours);
    return true;
}

static bool pack(const struct picture *picture, uint8_t **bytes, size_t *size)
{
    static char beginning[] = "cannot pack a .png";
    struct writer writer = {0};
    if (!check_picture(picture))
        return false;
    writer.png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, beginning, refuse_png, ignore_warning);
    writer.info = writer.png ? png_create_info_struct(writer.png) : NULL;
    const bool packed =
        writer.info ? write_pixels(&writer, picture)
                    : error_set("no memory to pack %d x %d pixels", picture->rows, picture->cols);
    png_destroy_write_struct(&writer.png, &writer.info);
    if (!packed) {
        free(writer.bytes);
        return false;
    }
    *bytes = writer.bytes;
    *size = writer.size;
    return true;
}

static bool write_file(const char *path, const struct picture *picture)
{
    uint8_t *bytes;
    size_t size;
    if (!pack(picture, &bytes, &size))
        return error_prefix("%s", path);
    const bool written = file_write(path, bytes, size);
    free(bytes);
    return written;
}

bool png_pack(int rows, int cols, int channels, const uint8_t *pixels, uint8_t **bytes,
              size_t *size)
{
    return pack(&(struct picture){rows, cols, channels, NULL, 0, pixels}, bytes, size);
}

bool png_write(const char *path, int rows, int cols, int channels, const uint8_t *pixels)
{
    return write_file(path, &(struct picture){rows, cols, channels, NULL, 0, pixels});
}

bool png_pack_palette(int rows, int cols, const uint8_t *palette, int colours,
                      const uint8_t *pixels, uint8_t **bytes, size_t *size)
{
    return pack(&(struct picture){rows, cols, 1, palette, colours, pixels}, bytes, size);
}

bool png_write_palette(const char *path, int rows, int cols, const uint8_t *palette, int colours,
                       const uint8_t *pixels)
{
    return write_file(path, &(struct picture){rows, cols, 1, palette, colours, pixels});
}
