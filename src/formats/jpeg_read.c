// SPDX-License-Identifier: MIT
// Reads .jpg with libjpeg(-turbo). Its errors jump back to the setjmp() of the function that called
// it: what that function needs afterwards lies behind a pointer.
#include "formats/unpack_image.h"

#include "formats/bytes.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h> // needs stdio.h

struct reader {
    struct jpeg_error_mgr errors; // first: libjpeg hands this back
    jmp_buf back;
    struct jpeg_decompress_struct jpeg;
    uint8_t *line;
};

static void refuse(j_common_ptr jpeg)
{
    struct reader *reader = (struct reader *)(void *)jpeg->err;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    error_set("not a readable .jpg: %s", text);
    longjmp(reader->back, 1);
}

// Warnings tell of damage, which would be read as grey.
static void refuse_damage(j_common_ptr jpeg, int level)
{
    if (level < 0)
        refuse(jpeg);
}

static bool check_size(const struct jpeg_decompress_struct *jpeg, size_t size)
{
    const uint64_t count = (uint64_t)jpeg->image_width * jpeg->image_height;
    if (count == 0 || count * 3 > ELEMENT_LIMIT)
        return error_set("%u x %u pixels: 1 to %zu values are allowed", jpeg->image_height,
                         jpeg->image_width, ELEMENT_LIMIT);
    // Every block of 8 x 8 takes a bit.
    return count / 64 / 8 <= size || error_set("%zu bytes are too few for %u x %u pixels", size,
                                               jpeg->image_height, jpeg->image_width);
}

static bool read_pixels(struct reader *reader, const uint8_t *bytes, size_t size,
                        struct image *image)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    if (setjmp(reader->back))
        return false;
    jpeg_create_decompress(jpeg);
    jpeg_mem_src(jpeg, bytes, size);
    jpeg_read_header(jpeg, TRUE);
    if (!check_size(jpeg, size))
        return false;
    if (jpeg->num_components != 1 && jpeg->num_components != 3)
        return error_set("%d colour channels: grey and RGB are read", jpeg->num_components);
    jpeg->out_color_space = jpeg->num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW; // the same on every machine
    jpeg_start_decompress(jpeg);
    const size_t channels = (size_t)jpeg->output_components, width = jpeg->output_width * channels;
    image->rows = (int)jpeg->output_height;
    image->cols = (int)jpeg->output_width;
    image->channels = (int)channels;
    image->kind = IMAGE_PICTURE;
    image->range = 255;
    image->lossy = true;
    image->values = mem_zalloc(jpeg->output_height, width * sizeof(float));
    reader->line = mem_zalloc(width, 1);
    while (jpeg->output_scanline < jpeg->output_height) {
        float *to = image->values + jpeg->output_scanline * width;
        JSAMPROW line = reader->line;
        jpeg_read_scanlines(jpeg, &line, 1);
        for (size_t i = 0; i < width; i++)
            to[i] = reader->line[i];
    }
    jpeg_finish_decompress(jpeg);
    return true;
}

bool jpeg_unpack(const uint8_t *bytes, size_t size, struct image *image)
{
    struct reader *reader = mem_zalloc(1, sizeof(*reader));
    reader->jpeg.err = jpeg_std_error(&reader->errors);
    reader->errors.error_exit = refuse;
    reader->errors.emit_message = refuse_damage;
    const bool read = read_pixels(reader, bytes, size, image);
    jpeg_destroy_decompress(&reader->jpeg);
    free(reader->line);
    free(reader);
    return read;
}
