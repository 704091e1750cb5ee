// SPDX-License-Identifier: MIT
#include "tests/formats/build.h"
#include "tests/formats/scratch.h"
#include "vkgrid/base/file.h"
#include "vkgrid/formats/image.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool read_bytes(const struct bytes *file, struct image *image)
{
    return image_read_png(scratch_write(scratch_path("a.png"), file->at, file->size), image);
}

static bool read_built(uint32_t rows, uint32_t cols, int depth, int colour, const void *pixels,
                       size_t size, struct image *image)
{
    struct bytes file = {0};
    build_png(&file, rows, cols, depth, colour, pixels, size);
    const bool read = read_bytes(&file, image);
    bytes_free(&file);
    return read;
}

// Of grey or what is stored as colour, as a feature gets it.
static void assert_values(struct image *image, int rows, int cols, const float *values)
{
    struct image plane;
    must(image_channel(image, "d", -1, false, &plane));
    assert_int_equal(plane.rows, rows);
    assert_int_equal(plane.cols, cols);
    for (int i = 0; i < rows * cols; i++)
        assert_float_equal(plane.values[i] / plane.range, values[i], 1e-7);
    image_free(&plane);
    image_free(image);
}

static void reads_grey(void **state)
{
    struct image image;
    (void)state;
    // Every row begins with its filter: 0 none, 1 difference to the left, 2 to the row above.
    assert_true(read_built(2, 3, 8, 0, "\0\0\x33\xff\2\1\0\0", 8, &image));
    assert_values(&image, 2, 3, (const float[]){0, 0.2f, 1, 1 / 255.f, 0.2f, 1});
    assert_true(read_built(1, 2, 16, 0, "\0\x33\x33\xff\xff", 5, &image));
    assert_values(&image, 1, 2, (const float[]){0.2f, 1});
    assert_true(read_built(1, 2, 16, 0, "\0\0\1\0\0", 5, &image)); // not rounded to 8 bits
    assert_values(&image, 1, 2, (const float[]){1 / 65535.f, 0});
    assert_true(read_built(1, 2, 8, 4, "\0\x33\xff\x66\xff", 5, &image)); // opaque
    assert_values(&image, 1, 2, (const float[]){0.2f, 0.4f});
    assert_true(read_built(1, 2, 16, 4, "\0\x33\x33\xff\xff\xff\xff\xff\xff", 9, &image));
    assert_values(&image, 1, 2, (const float[]){0.2f, 1});
    assert_true(read_built(1, 4, 1, 0, "\0\xa0", 2, &image));
    assert_values(&image, 1, 4, (const float[]){1, 0, 1, 0});
    assert_true(read_built(1, 4, 2, 0, "\0\x1b", 2, &image));
    assert_values(&image, 1, 4, (const float[]){0, 1 / 3.f, 2 / 3.f, 1});
    assert_true(read_built(1, 3, 4, 0, "\0\x0f\x30", 3, &image));
    assert_values(&image, 1, 3, (const float[]){0, 1, 0.2f});
}

static float channel_value(const struct image *image, int channel, bool classes, int index)
{
    struct image plane;
    must(image_channel(image, "d", channel, classes, &plane));
    const float value = plane.values[index];
    image_free(&plane);
    return value;
}

static void reads_colour(void **state)
{
    struct image image, plane;
    (void)state;
    must(read_built(1, 2, 8, 2, "\0\7\7\7\1\2\3", 7, &image));
    assert_int_equal(image.channels, 3);
    assert_true(channel_value(&image, 2, false, 1) == 3);
    assert_false(image_channel(&image, "d", -1, false, &plane));
    assert_error("a colour image: \"d[0]\" to \"d[2]\" are its channels");
    assert_false(image_channel(&image, "d", 3, false, &plane));
    assert_error("has no channel [3]: [0] to [2] are there");
    image_free(&image);
    must(read_built(1, 2, 8, 2, "\0\x33\x33\x33\0\0\0", 7, &image)); // grey
    assert_values(&image, 1, 2, (const float[]){0.2f, 0});
    must(read_built(1, 1, 16, 6, "\0\1\2\1\2\1\2\xff\xff", 9, &image)); // opaque grey
    assert_values(&image, 1, 1, (const float[]){258 / 65535.f});
    must(read_built(1, 1, 8, 6, "\0\1\1\1\xfe", 5, &image));
    assert_true(channel_value(&image, 3, false, 0) == 254);
    assert_false(image_channel(&image, "d", -1, false, &plane));
    assert_error("an alpha channel that is not opaque: \"d[3]\" is that channel");
    image_free(&image);
}

// A palette of four, 2 bits a pixel, the last colour half transparent.
static void reads_palettes(void **state)
{
    static const uint8_t chunks[] = "PLTE\0\0\0\x80\0\0\xff\xff\xff\x33\x33\x33";
    struct image image, plane;
    struct bytes file = {0};
    (void)state;
    build_png(&file, 1, 4, 2, 3, "\0\x1b", 2);
    // The comment of 11 bytes makes room for a palette of three colours and two bytes too many.
    file.at[36] = 9;
    memcpy(file.at + 37, chunks, 13);
    memmove(file.at + 50 + 4, file.at + 52 + 4, file.size - 56);
    file.size -= 2;
    repair_png(&file);
    assert_false(read_bytes(&file, &image));
    assert_error("a.png: a pixel of colour 3: the palette has 3");
    bytes_free(&file);
    static const uint8_t palette[][3] = {{0, 0, 0}, {128, 0, 0}, {51, 51, 51}},
                         pixels[] = {0, 2, 1, 0}, greys[] = {0, 2, 2, 0};
    must(png_write_palette(scratch_path("p.png"), 1, 4, palette[0], 3, pixels));
    must(image_read_png(scratch_path("p.png"), &image));
    assert_true(channel_value(&image, -1, true, 1) == 2);
    assert_true(channel_value(&image, 0, false, 2) == 128);
    assert_true(channel_value(&image, 1, false, 2) == 0);
    assert_false(image_channel(&image, "d", -1, false, &plane));
    assert_error("a palette image whose colours are not grey");
    image_free(&image);
    must(png_write_palette(scratch_path("p.png"), 1, 4, palette[0], 3, greys));
    must(image_read_png(scratch_path("p.png"), &image));
    assert_values(&image, 1, 4, (const float[]){0, 0.2f, 0.2f, 0}); // the colours in use are grey
}

// In seven passes; one of 3 x 3 has pixels in five of them: a, c, gi, b and h, def.
static void reads_interlaced(void **state)
{
    struct image image;
    struct bytes file = {0};
    (void)state;
    build_png(&file, 3, 3, 8, 0, "\0\1\0\3\0\7\11\0\2\0\10\0\4\5\6", 15);
    file.at[28] = 1;
    repair_png(&file);
    assert_true(read_bytes(&file, &image));
    for (int i = 0; i < 9; i++)
        assert_true(image.values[i] == (float)(i + 1));
    image_free(&image);
    bytes_free(&file);
}

// A .png with a chunk before the pixels, in place of the comment of 11 bytes that build_png() adds.
static bool read_with(const char *type, const char *data, struct image *image)
{
    struct bytes file = {0};
    build_png(&file, 1, 1, 8, 0, "\0\x33", 2);
    memcpy(file.at + 37, type, 4);
    memcpy(file.at + 41, data, 11);
    repair_png(&file);
    const bool read = read_bytes(&file, image);
    bytes_free(&file);
    return read;
}

// What says nothing of the pixels is skipped, sound or not; what has to be known is not.
static void skips_other_chunks(void **state)
{
    static const char *const types[] = {"iCCP", "gAMA", "sBIT", "zTXt", "sRGB", "eXIf", "abCd"};
    struct image image;
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        must(read_with(types[i], "not of it!!", &image));
        assert_values(&image, 1, 1, (const float[]){0.2f});
    }
    assert_false(read_with("ABCD", "must know!!", &image));
    assert_error("a.png: not a readable .png: ");
    assert_false(read_with("IHDR", "once more!!", &image));
    assert_error("a.png: not a readable .png: ");
    assert_false(read_with("tRNS", "two bytes!!", &image));
    assert_error("a.png: not a readable .png: ");
}

static void refuses_other_images(void **state)
{
    struct image image;
    struct bytes file = {0};
    (void)state;
    assert_false(read_built(1, 1, 8, 3, "\0a", 2, &image)); // no palette
    assert_error("a.png: not a readable .png: ");
    assert_false(read_built(1, 1, 8, 7, "\0abcd", 5, &image));
    assert_error("a.png: not a readable .png: ");
    assert_false(read_built(1, 1, 9, 0, "\0a", 2, &image));
    assert_error("a.png: not a readable .png: ");
    assert_false(read_built(0, 1, 8, 0, "\0a", 2, &image));
    assert_error("0 x 1 pixels");
    assert_false(read_built(2, 1, 8, 0, "\0a", 2, &image));
    assert_error("not a readable .png");
    bytes_text(&file, "BM this is something else");
    assert_false(read_bytes(&file, &image));
    assert_error("not a .png file");
    bytes_free(&file);
}

// A few bytes must not make the reader take much memory.
static void refuses_bombs(void **state)
{
    const size_t size = (size_t)64 << 20;
    uint8_t *zeros = calloc(size, 1);
    struct image image;
    (void)state;
    assert_false(read_built(16384, 16384, 8, 0, zeros, 1000, &image));
    assert_error("too few for 16384 x 16384");
    assert_false(read_built(UINT32_MAX, UINT32_MAX, 16, 4, zeros, 1000, &image));
    assert_error("pixels: 1 to ");
    assert_false(read_built(1, 1, 8, 0, zeros, size, &image));
    assert_error("a.png: not a readable .png: "); // pixels go on after the last row
    free(zeros);
}

static void refuses_every_truncation_and_change(void **state)
{
    const uint8_t pixels[] = {1, 2, 3, 4, 5, 6};
    const char *path = scratch_path("b.png");
    struct image image;
    struct bytes file = {0};
    void *bytes;
    (void)state;
    assert_true(png_write(path, 2, 3, 1, pixels));
    assert_true(file_read(path, 1000, &bytes, &file.size));
    file.at = bytes;
    for (size_t i = 0; i < file.size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            file.at[i] ^= (uint8_t)(1 << bit);
            assert_false(read_bytes(&file, &image));
            assert_error("a.png: ");
            file.at[i] ^= (uint8_t)(1 << bit);
        }
    }
    assert_true(read_bytes(&file, &image));
    image_free(&image);
    while (file.size-- > 0)
        assert_false(read_bytes(&file, &image));
    bytes_free(&file);
}

static void writes_grey_and_colour(void **state)
{
    const char *path = scratch_path("c.png");
    uint8_t *pixels = malloc(100 * 70 * 3);
    struct image image;
    void *bytes;
    size_t size;
    (void)state;
    for (int i = 0; i < 100 * 70 * 3; i++)
        pixels[i] = (uint8_t)(i * i / 7);
    assert_true(png_write(path, 100, 70, 1, pixels));
    assert_true(image_read_png(path, &image));
    assert_int_equal(image.rows, 100);
    assert_int_equal(image.cols, 70);
    for (int i = 0; i < 100 * 70; i++)
        assert_true(image.values[i] == pixels[i]);
    image_free(&image);
    assert_true(png_write(path, 100, 70, 3, pixels));
    assert_true(file_read(path, 1000000, &bytes, &size));
    assert_memory_equal((char *)bytes + 16, "\0\0\0\x46\0\0\0\x64\x08\x02",
                        10); // columns, rows, 8 bits, RGB
    free(bytes);
    assert_false(png_write(path, 0, 70, 3, pixels));
    assert_error("c.png: cannot write 0 x 70");
    assert_false(png_write(scratch_path("no/folder.png"), 100, 70, 3, pixels));
    assert_error("folder.png: cannot write");
    free(pixels);
}

// Eight bits an index, whatever the number of colours, and the palette right behind the header.
static void writes_palette(void **state)
{
    static const uint8_t palette[][3] = {{255, 255, 255}, {230, 159, 0}, {0, 114, 178}},
                         pixels[] = {0, 1, 2, 2, 1, 0}, wrong[] = {0, 1, 2, 2, 1, 3};
    const char *path = scratch_path("d.png");
    void *bytes;
    size_t size;
    (void)state;
    must(png_write_palette(path, 2, 3, palette[0], 3, pixels));
    must(file_read(path, 1000, &bytes, &size));
    assert_memory_equal((char *)bytes + 16, "\0\0\0\3\0\0\0\2\x08\x03", 10);
    assert_memory_equal((char *)bytes + 33, "\0\0\0\11PLTE\xff\xff\xff\xe6\x9f\0\0\x72\xb2", 17);
    free(bytes);
    assert_false(png_write_palette(path, 2, 3, palette[0], 3, wrong));
    assert_error("d.png: cannot write a pixel of colour 3: the palette has 3");
    assert_false(png_write_palette(path, 2, 3, palette[0], 0, pixels));
    assert_error("1 to 256 are allowed");
    assert_false(png_write_palette(path, 2, 3, palette[0], 257, pixels));
    assert_error("1 to 256 are allowed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_grey),
        cmocka_unit_test(reads_colour),
        cmocka_unit_test(reads_palettes),
        cmocka_unit_test(reads_interlaced),
        cmocka_unit_test(skips_other_chunks),
        cmocka_unit_test(refuses_other_images),
        cmocka_unit_test(refuses_bombs),
        cmocka_unit_test(refuses_every_truncation_and_change),
        cmocka_unit_test(writes_grey_and_colour),
        cmocka_unit_test(writes_palette),
    };
    const int failed = cmocka_run_group_tests_name("png", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
