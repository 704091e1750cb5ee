// SPDX-License-Identifier: MIT
#include "tests/fuzz/seeds.h"

#include "tests/formats/build.h"
#include "vkgrid/formats/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef SEED_TIFF
#include <tiffio.h>
#endif
#ifdef SEED_JPEG
#include <jpeglib.h>
#endif

static const uint8_t pixels[64] = {0, 1, 2, 3, 255, 128, 64, 7, 9, 200, 100, 50};

static void seed_npy(void)
{
    static const struct {
        const char *type, *order, *shape;
        size_t size;
    } arrays[] = {{"<f4", "False", "(3, 4)", 48}, {"<f2", "True", "(2, 3)", 12},
                  {">i2", "False", "(2, 3)", 12}, {"|u1", "False", "(2, 2, 3)", 12},
                  {"|b1", "False", "(2, 2)", 4},  {"<i8", "False", "(1, 2, 2)", 32}};
    for (int i = 0; i < (int)(sizeof(arrays) / sizeof(*arrays)); i++) {
        char header[200], name[20];
        struct bytes file = {0};
        snprintf(header, sizeof(header), "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n",
                 arrays[i].type, arrays[i].order, arrays[i].shape);
        snprintf(name, sizeof(name), "%d.npy", i);
        build_npy(&file, 1 + i % 3, header, pixels, arrays[i].size);
        seed_take("npy", name, &file);
    }
    const int dims[] = {2, 3};
    const float values[6] = {1, 2, 3};
    seed_need(npy_write(seed_path("npy", "written.npy"), 2, dims, values), "npy");
}

static void seed_png(void)
{
    static const struct {
        int depth, colour;
        size_t row; // bytes, with that of the filter
    } kinds[] = {{8, 0, 5}, {16, 4, 17}, {8, 2, 13}, {1, 0, 2}, {16, 2, 25}, {8, 6, 17}};
    for (int i = 0; i < (int)(sizeof(kinds) / sizeof(*kinds)); i++) {
        char name[20];
        struct bytes file = {0};
        uint8_t rows[3 * 25];
        for (size_t at = 0; at < 3 * kinds[i].row; at++)
            rows[at] = (uint8_t)(at % kinds[i].row == 0 ? at / kinds[i].row + 1 : at * 37);
        snprintf(name, sizeof(name), "%d.png", i);
        build_png(&file, 3, 4, kinds[i].depth, kinds[i].colour, rows, 3 * kinds[i].row);
        seed_take("png", name, &file);
    }
    seed_need(png_write(seed_path("png", "rgb.png"), 3, 4, 3, pixels) &&
                  png_write_palette(seed_path("png", "palette.png"), 2, 2, pixels, 16, pixels),
              "png");
}

#ifdef SEED_TIFF
struct tiff_kind {
    const char *name;
    uint16_t bits, channels, format, colours, compression, planes;
    bool tiles;
};

static void write_tiff(const struct tiff_kind *kind)
{
    TIFF *tiff = TIFFOpen(seed_path("tiff", kind->name), "w");
    uint16_t palette[256] = {0};
    uint8_t row[16 * 16 * 8] = {1, 2, 3};
    seed_need(tiff != NULL, kind->name);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, 5);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, 3);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, kind->bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, kind->channels);
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, kind->format);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, kind->colours);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, kind->compression);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, kind->planes);
    if (kind->colours == PHOTOMETRIC_PALETTE)
        TIFFSetField(tiff, TIFFTAG_COLORMAP, palette, palette, palette);
    if (kind->tiles) {
        TIFFSetField(tiff, TIFFTAG_TILEWIDTH, 16);
        TIFFSetField(tiff, TIFFTAG_TILELENGTH, 16);
        TIFFWriteTile(tiff, row, 0, 0, 0, 0);
    } else {
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 2);
        for (uint16_t plane = 0; plane < (kind->planes == 2 ? kind->channels : 1); plane++)
            for (uint32_t at = 0; at < 3; at++)
                TIFFWriteScanline(tiff, row, at, plane);
    }
    TIFFClose(tiff);
}

static void seed_tiff(void)
{
    static const struct tiff_kind kinds[] = {
        {"grey.tif", 8, 1, 1, PHOTOMETRIC_MINISBLACK, COMPRESSION_NONE, 1, false},
        {"rgb.tif", 8, 3, 1, PHOTOMETRIC_RGB, COMPRESSION_LZW, 1, false},
        {"planes.tif", 16, 3, 1, PHOTOMETRIC_RGB, COMPRESSION_NONE, 2, false},
        {"palette.tif", 4, 1, 1, PHOTOMETRIC_PALETTE, COMPRESSION_PACKBITS, 1, false},
        {"bit.tif", 1, 1, 1, PHOTOMETRIC_MINISWHITE, COMPRESSION_CCITTFAX4, 1, false},
        {"float.tif", 32, 1, 3, PHOTOMETRIC_MINISBLACK, COMPRESSION_ADOBE_DEFLATE, 1, false},
        {"tiles.tif", 8, 1, 1, PHOTOMETRIC_MINISBLACK, COMPRESSION_ADOBE_DEFLATE, 1, true},
        {"jpeg.tif", 8, 3, 1, PHOTOMETRIC_YCBCR, COMPRESSION_JPEG, 1, true},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        write_tiff(&kinds[i]);
}
#else
static void seed_tiff(void)
{
    seed_text("tiff", "a.tif", "II*");
}
#endif

#ifdef SEED_JPEG
static void seed_one_jpeg(const char *name, int channels, bool progressive)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &size);
    jpeg.image_width = 5;
    jpeg.image_height = 4;
    jpeg.input_components = channels;
    jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&jpeg);
    if (progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = (JSAMPROW)pixels;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    seed_bytes("jpeg", name, bytes, size);
    free(bytes);
}

static void seed_jpeg(void)
{
    seed_one_jpeg("grey.jpg", 1, false);
    seed_one_jpeg("rgb.jpg", 3, false);
    seed_one_jpeg("progressive.jpg", 3, true);
}
#else
static void seed_jpeg(void)
{
    seed_text("jpeg", "a.jpg", "\xff\xd8\xff");
}
#endif

void seed_images(void)
{
    seed_npy();
    seed_png();
    seed_tiff();
    seed_jpeg();
}
