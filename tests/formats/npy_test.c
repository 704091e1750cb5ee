// SPDX-License-Identifier: MIT
// Expected values are literal: they were worked out by hand from the formats' definitions.
#include "tests/formats/build.h"
#include "tests/formats/scratch.h"
#include "vkgrid/base/file.h"
#include "vkgrid/formats/image.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_bytes(const struct bytes *file, struct image *image)
{
    return image_read_npy(scratch_write(scratch_path("a.npy"), file->at, file->size), image);
}

static bool read_built(int version, const char *header, const void *data, size_t size,
                       struct image *image)
{
    struct bytes file = {0};
    build_npy(&file, version, header, data, size);
    const bool read = read_bytes(&file, image);
    bytes_free(&file);
    return read;
}

static void assert_image(const struct image *image, int rows, int cols, const float *values)
{
    assert_int_equal(image->rows, rows);
    assert_int_equal(image->cols, cols);
    for (int i = 0; i < rows * cols; i++)
        assert_true(image->values[i] == values[i]);
}

static void reads_every_type(void **state)
{
    static const struct {
        const char *type;
        uint8_t bytes[32];
        size_t size;
        float values[4]; // 2 x 2
    } cases[] = {
        {"<f4",
         {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0x20, 0x41, 0, 0, 0, 0},
         16,
         {1, -2, 10, 0}},
        {">f4",
         {0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0, 0x41, 0x20, 0, 0, 0, 0, 0, 0},
         16,
         {1, -2, 10, 0}},
        {"<f8",
         {[6] = 0xf0, [7] = 0x3f, [15] = 0x40, [22] = 0xf8, [23] = 0xbf},
         32,
         {1, 2, -1.5f, 0}},
        {">f8", {0x3f, 0xf0, [8] = 0x40, [16] = 0xbf, [17] = 0xf8}, 32, {1, 2, -1.5f, 0}},
        // 1, -2, the largest half, the smallest subnormal half
        {"<f2", {0, 0x3c, 0, 0xc0, 0xff, 0x7b, 1, 0}, 8, {1, -2, 65504, 0x1p-24f}},
        {">f2", {0x3c, 0, 0xc0, 0, 0x7b, 0xff, 0, 1}, 8, {1, -2, 65504, 0x1p-24f}},
        {"|i1", {1, 0xff, 0x80, 0x7f}, 4, {1, -1, -128, 127}},
        {"|u1", {1, 0xff, 0x80, 0x7f}, 4, {1, 255, 128, 127}},
        {"|b1", {1, 0, 0, 1}, 4, {1, 0, 0, 1}},
        {"<i2", {1, 0, 0xfe, 0xff, 0, 1, 0, 0x80}, 8, {1, -2, 256, -32768}},
        {">u2", {0, 1, 0xff, 0xfe, 1, 0, 0x80, 0}, 8, {1, 65534, 256, 32768}},
        {"<i4", {1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0, 0, 1, 0}, 16, {1, -2, 65536, 0}},
        {">u4", {0, 0, 0, 1, 0xff, 0xff, 0xff, 0, 0, 1, 0, 0}, 16, {1, 4294967040, 65536, 0}},
        {"<i8",
         {1, [8] = 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, [18] = 1},
         32,
         {1, -2, 65536, 0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char header[100];
        struct image image;
        snprintf(header, sizeof(header),
                 "{'descr': '%s', 'fortran_order': False, 'shape': (2, 2), }  \n", cases[i].type);
        assert_true(read_built(1, header, cases[i].bytes, cases[i].size, &image));
        assert_image(&image, 2, 2, cases[i].values);
        image_free(&image);
    }
}

static void reads_special_halves(void **state)
{
    const uint8_t bytes[] = {0, 0x7c, 0, 0xfc, 1, 0x7e, 0, 0x80};
    struct image image;
    (void)state;
    assert_true(read_built(1, "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 4)}", bytes, 8,
                           &image));
    assert_true(image.values[0] == INFINITY && image.values[1] == -INFINITY &&
                isnan(image.values[2]));
    assert_true(image.values[3] == 0 && signbit(image.values[3]));
    image_free(&image);
}

static void reads_both_orders_and_all_versions(void **state)
{
    static const char *const c_order = "{'shape':(2,3),\"fortran_order\":False ,'descr':'|u1'}";
    static const char *const fortran =
        "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }\n";
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6};
    struct image image;
    (void)state;
    for (int version = 1; version <= 3; version++) {
        assert_true(read_built(version, c_order, bytes, 6, &image));
        assert_image(&image, 2, 3, (const float[]){1, 2, 3, 4, 5, 6});
        image_free(&image);
        assert_true(read_built(version, fortran, bytes, 6, &image));
        assert_image(&image, 2, 3, (const float[]){1, 3, 5, 2, 4, 6});
        image_free(&image);
    }
}

// The first or the last axis, whichever is shorter, is that of the channels.
static void reads_channels(void **state)
{
    static const struct {
        const char *shape;
        int rows, cols, channels;
        float values[6]; // [row][col][channel]
    } cases[] = {{"(1, 2, 3)", 2, 3, 1, {1, 2, 3, 4, 5, 6}},
                 {"(2, 3, 1)", 2, 3, 1, {1, 2, 3, 4, 5, 6}},
                 {"(1, 1, 6)", 1, 6, 1, {1, 2, 3, 4, 5, 6}},
                 {"(1, 2, 3, 1)", 2, 3, 1, {1, 2, 3, 4, 5, 6}}};
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct image image;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char header[100];
        snprintf(header, sizeof(header), "{'descr': '|u1', 'fortran_order': False, 'shape': %s}",
                 cases[i].shape);
        assert_true(read_built(1, header, bytes, 6, &image));
        assert_int_equal(image.channels, cases[i].channels);
        assert_image(&image, cases[i].rows, cases[i].cols, cases[i].values);
        image_free(&image);
    }
    static const char channels_first[] =
        "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 3)}",
                      channels_last[] =
                          "{'descr': '|u1', 'fortran_order': True, 'shape': (3, 2, 2)}",
                      either[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3, 2)}";
    assert_true(read_built(1, channels_first, bytes, 12, &image));
    assert_true(image.rows == 2 && image.cols == 3 && image.channels == 2 && image.range == 255);
    assert_true(image.values[0] == 1 && image.values[1] == 7 && image.values[2] == 2);
    image_free(&image);
    assert_true(read_built(1, channels_last, bytes, 12, &image));
    assert_true(image.rows == 3 && image.cols == 2 && image.channels == 2);
    assert_true(image.values[0] == 1 && image.values[1] == 7 && image.values[2] == 4 &&
                image.values[4] == 2);
    image_free(&image);
    assert_false(read_built(1, either, bytes, 12, &image));
    assert_error("a.npy: an array of 2 x 3 x 2: which axis is that of the channels cannot be told");
}

static void refuses_what_is_wrong(void **state)
{
    static const struct {
        const char *header, *error;
    } cases[] = {
        {"", "not a dict"},
        {"[1]", "not a dict"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)", "broken"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)} x", "not just"},
        {"{'descr': '|u1', 'fortran_order': False}", "not just"},
        {"{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}", "twice"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), 'more': 1}", "more"},
        {"{'descr': '|u1', 'fortran_order': 0, 'shape': (2, 3)}", "neither"},
        {"{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (2, 3)}",
         "not a plain number"},
        {"{'descr': '|u\n', 'fortran_order': False, 'shape': (2, 3)}", "not a plain number"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (2, 3)}", "unknown type <c8: allowed"},
        {"{'descr': '<u8', 'fortran_order': False, 'shape': (2, 3)}", "unknown type <u8"},
        {"{'descr': 'u1', 'fortran_order': False, 'shape': (2, 3)}", "unknown type u1"},
        {"{'descr': '', 'fortran_order': False, 'shape': (2, 3)}", "unknown type"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2, 3)}", "unknown type |O"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (6,)}", "1 axes: 2 are wanted, or 3"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': ()}", "0 axes"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (6, 1, 6)}", "need 36"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,2,3)}", "at most 8"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (-2, 3)}", "whole numbers"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999, 3)}",
         "whole numbers"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 3)}", "0 x 3 elements: 1 to"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
         "elements: 1 to"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (9223372036854775807, 9)}",
         "elements: 1 to"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (100000, 100000)}", "elements: 1 to"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2)}",
         "6 bytes of data, but its shape and type need 4"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 4)}", "6 bytes of data"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}", "6 bytes of data"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct image image;
        assert_false(read_built(1, cases[i].header, "\1\2\3\4\5\6", 6, &image));
        assert_error("a.npy: ");
        assert_error(cases[i].error);
        assert_null(image.values);
    }
}

static void refuses_every_truncation(void **state)
{
    struct bytes file = {0};
    struct image image;
    (void)state;
    build_npy(&file, 1, "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }\n",
              "abcdefghijkl", 12);
    assert_true(read_bytes(&file, &image));
    image_free(&image);
    while (file.size-- > 0) {
        assert_false(read_bytes(&file, &image));
        assert_error("a.npy: ");
    }
    bytes_free(&file);
    build_npy(&file, 4, "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1), }\n", "a", 1);
    assert_false(read_bytes(&file, &image));
    assert_error("version 4.0");
    bytes_free(&file);
    assert_false(image_read_npy(scratch_path("none.npy"), &image));
    assert_error("none.npy: No such file");
}

static void writes_what_numpy_reads(void **state)
{
    const float values[] = {0, -1.5f, 3e-20f, INFINITY, 5, 6};
    const char *path = scratch_path("b.npy");
    struct image image;
    void *bytes;
    size_t size;
    (void)state;
    assert_true(npy_write(path, 2, (const int[]){2, 3}, values));
    assert_true(image_read_npy(path, &image));
    assert_image(&image, 2, 3, values);
    image_free(&image);
    assert_true(file_read(path, 1000, &bytes, &size));
    assert_int_equal(size, 128 + 24); // data begins at a multiple of 64
    assert_memory_equal((char *)bytes + 10,
                        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 59);
    assert_int_equal(((char *)bytes)[127], '\n');
    free(bytes);
    assert_true(npy_write(path, 1, (const int[]){6}, values));
    assert_true(file_read(path, 1000, &bytes, &size));
    assert_non_null(strstr((char *)bytes + 10, "'shape': (6,), }"));
    free(bytes);
    assert_false(npy_write(scratch_path("no/such/folder.npy"), 1, (const int[]){6}, values));
    assert_error("folder.npy");
}

static void chooses_by_extension(void **state)
{
    const float values[] = {1, 2};
    struct image image;
    (void)state;
    assert_true(npy_write(scratch_path("c.npy"), 2, (const int[]){1, 2}, values));
    assert_true(image_read(scratch_path("c.npy"), &image));
    assert_image(&image, 1, 2, values);
    image_free(&image);
    assert_false(image_read(scratch_path("c.bmp"), &image));
    assert_error(
        "c.bmp: unknown extension: allowed are .npy, .png, .pt, .tif, .tiff, .jpg, .jpeg, .mgz, .mgh, .nii and .nii.gz");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_type),
        cmocka_unit_test(reads_special_halves),
        cmocka_unit_test(reads_both_orders_and_all_versions),
        cmocka_unit_test(reads_channels),
        cmocka_unit_test(refuses_what_is_wrong),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(writes_what_numpy_reads),
        cmocka_unit_test(chooses_by_extension),
    };
    const int failed = cmocka_run_group_tests_name("npy", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
