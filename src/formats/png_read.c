// SPDX-License-Identifier: MIT
// Reads .png with libpng: what is damaged or too large is refused, what says nothing of the pixels
// (comments, colour profiles) is skipped. Format: PNG specification (W3C, second edition).
#include "vkgrid/formats/image.h"

#include "formats/bytes.h"
#include "formats/png_errors.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

#define HEADER_END 33 // bytes of the signature and of the chunk IHDR

struct reader {
    const uint8_t *at, *end; // what libpng has not read
    png_structp png;
    png_infop info;
    uint32_t rows, cols;
    int depth, colour; // bits of a channel; PNG_COLOR_TYPE_...
    uint8_t *pixels;   // [rows][row_bytes], a byte or two (big-endian) for each channel
    size_t row_bytes;
};

static unsigned channels_of(int colour)
{
    return 1u + (colour & PNG_COLOR_MASK_ALPHA ? 1 : 0) +
           ((colour & PNG_COLOR_MASK_COLOR) && !(colour & PNG_COLOR_MASK_PALETTE) ? 2 : 0);
}

// Before libpng has allocated anything.
static bool check_header(const uint8_t *bytes, size_t size, struct reader *reader)
{
    if (size < HEADER_END || png_sig_cmp(bytes, 0, 8) != 0)
        return error_set("not a .png file");
    if (memcmp(bytes + 12, "IHDR", 4) != 0)
        return error_set("does not begin with IHDR");
    reader->cols = png_get_uint_32(bytes + 16);
    reader->rows = png_get_uint_32(bytes + 20);
    reader->depth = bytes[24];
    reader->colour = bytes[25];
    const uint64_t channels = channels_of(reader->colour),
                   count = (uint64_t)reader->rows * reader->cols;
    if (count == 0 || channels * count > ELEMENT_LIMIT || count > ELEMENT_LIMIT)
        return error_set("%u x %u pixels: 1 to %zu are allowed", reader->rows, reader->cols,
                         ELEMENT_LIMIT);
    // Deflate packs at most about 1032 to 1. The least that the pixels can take is the size of the
    // packed rows.
    const uint64_t row = (reader->cols * channels * (unsigned)reader->depth + 7) / 8 + 1;
    if (row * reader->rows / 1100 > size)
        return error_set("%zu bytes are too few for %u x %u pixels", size, reader->rows,
                         reader->cols);
    return true;
}

static void take(png_structp png, png_bytep to, size_t size)
{
    struct reader *reader = png_get_io_ptr(png);
    if (size > (size_t)(reader->end - reader->at))
        png_error(png, "truncated");
    memcpy(to, reader->at, size);
    reader->at += size;
}

static void be_strict(png_structp png)
{
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_benign_errors(png, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_user_limits(png, ELEMENT_LIMIT, ELEMENT_LIMIT);
    png_set_chunk_malloc_max(png, 1 << 20);
}

static bool read_pixels(struct reader *reader)
{
    png_structp png = reader->png;
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_set_read_fn(png, reader, take);
    be_strict(png);
    png_read_info(png, reader->info);
    png_set_packing(png); // a byte for fewer bits; the values stay
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, reader->info);
    reader->row_bytes = png_get_rowbytes(png, reader->info);
    reader->pixels = mem_zalloc(reader->rows, reader->row_bytes);
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t row = 0; row < reader->rows; row++)
            png_read_row(png, reader->pixels + row * reader->row_bytes, NULL);
    png_read_end(png, NULL);
    return true;
}

static bool take_palette(const struct reader *reader, struct image *image)
{
    png_colorp colours = NULL;
    png_bytep alphas = NULL;
    int alpha_count = 0;
    if (!png_get_PLTE(reader->png, reader->info, &colours, &image->colours))
        return error_set("a palette image without a palette");
    png_get_tRNS(reader->png, reader->info, &alphas, &alpha_count, NULL);
    image->palette = mem_zalloc(IMAGE_COLOURS, 4);
    for (int i = 0; i < image->colours && i < IMAGE_COLOURS; i++) {
        const uint8_t alpha = alphas && i < alpha_count ? alphas[i] : 255,
                      colour[] = {colours[i].red, colours[i].green, colours[i].blue, alpha};
        memcpy(image->palette + 4 * (size_t)i, colour, sizeof(colour));
    }
    for (size_t i = 0; i < (size_t)reader->rows * reader->cols; i++)
        if (reader->pixels[i] >= image->colours)
            return error_set("a pixel of colour %d: the palette has %d", reader->pixels[i],
                             image->colours);
    return true;
}

static bool make_image(const struct reader *reader, struct image *image)
{
    const unsigned channels = channels_of(reader->colour);
    const size_t count = (size_t)reader->rows * reader->cols * channels;
    const bool palette = reader->colour == PNG_COLOR_TYPE_PALETTE;
    *image = (struct image){
        .rows = (int)reader->rows,
        .cols = (int)reader->cols,
        .channels = (int)channels,
        .kind = palette ? IMAGE_PALETTE : IMAGE_PICTURE,
        .range = palette ? 255 : (float)((1 << reader->depth) - 1),
        .alpha = reader->colour & PNG_COLOR_MASK_ALPHA,
    };
    if (palette && !take_palette(reader, image)) {
        image_free(image);
        return false;
    }
    image->values = mem_alloc(count * sizeof(float));
    for (size_t i = 0; i < count; i++) // rows have no gaps
        image->values[i] = reader->depth == 16 ? (float)png_get_uint_16(reader->pixels + 2 * i)
                                               : (float)reader->pixels[i];
    return true;
}

static bool read_bytes(const uint8_t *bytes, size_t size, struct image *image)
{
    static char beginning[] = "not a readable .png";
    struct reader reader = {.at = bytes, .end = bytes + size};
    bool read = check_header(bytes, size, &reader);
    if (read) {
        reader.png =
            png_create_read_struct(PNG_LIBPNG_VER_STRING, beginning, refuse_png, ignore_warning);
        reader.info = reader.png ? png_create_info_struct(reader.png) : NULL;
        read = reader.info ? read_pixels(&reader) && make_image(&reader, image)
                           : error_set("no memory to unpack it");
        png_destroy_read_struct(&reader.png, &reader.info, NULL);
    }
    free(reader.pixels);
    return read;
}

bool image_read_png(const char *path, struct image *image)
{
    void *bytes = NULL;
    size_t size;
    *image = (struct image){0};
    if (!file_read(path, FILE_LIMIT, &bytes, &size))
        return false;
    const bool read = read_bytes(bytes, size, image);
    free(bytes);
    return read || error_prefix("%s", path);
}
