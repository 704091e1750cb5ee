// SPDX-License-Identifier: MIT
#include "tests/formats/scratch.h"
#include "vkgrid/formats/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct image make(int rows, int cols, const float *values)
{
    struct image image = {rows, cols, malloc((size_t)rows * (size_t)cols * sizeof(float))};
    memcpy(image.values, values, (size_t)rows * (size_t)cols * sizeof(float));
    return image;
}

// Resizes a row, and the same values as a column.
static void assert_row(int inputs, const float *values, int outputs, const float *wanted)
{
    struct image row = make(1, inputs, values), column = make(inputs, 1, values);
    assert_true(image_resize(&row, 1, outputs));
    assert_true(image_resize(&column, outputs, 1));
    assert_int_equal(row.cols, outputs);
    assert_int_equal(column.rows, outputs);
    for (int i = 0; i < outputs; i++) {
        assert_float_equal(row.values[i], wanted[i], 1e-6);
        assert_float_equal(column.values[i], wanted[i], 1e-6);
    }
    image_free(&row);
    image_free(&column);
}

// By hand: the weights are those of a triangle as wide as two outputs (two inputs when enlarging),
// cut at the edges.
static void has_the_weights_of_a_triangle(void **state)
{
    (void)state;
    assert_row(4, (const float[]){0, 1, 2, 3}, 2, (const float[]){5 / 7.f, 16 / 7.f});
    assert_row(3, (const float[]){7, 0, 14}, 1, (const float[]){6});
    assert_row(3, (const float[]){0, 7, 0}, 1, (const float[]){3});
    assert_row(2, (const float[]){0, 1}, 4, (const float[]){0, 0.25f, 0.75f, 1});
    assert_row(1, (const float[]){5}, 3, (const float[]){5, 5, 5});
    assert_row(6, (const float[]){0, 1, 0, 0, 0, 0}, 2, (const float[]){3 / 8.f, 0});
}

static void filters_rows_and_columns(void **state)
{
    struct image image = make(2, 2, (const float[]){0, 1, 2, 3});
    (void)state;
    assert_true(image_resize(&image, 4, 4));
    for (int row = 0; row < 4; row++)
        for (int col = 0; col < 4; col++) {
            const float at[] = {0, 0.25f, 0.75f, 1};
            assert_float_equal(image.values[row * 4 + col], 2 * at[row] + at[col], 1e-6);
        }
    image_free(&image);
}

static void leaves_its_own_size_alone_but_for_nan(void **state)
{
    const float values[] = {1, NAN, -3, 1e30f, 0.1f, 7};
    struct image image = make(2, 3, values);
    (void)state;
    assert_true(image_resize(&image, 2, 3));
    for (int i = 0; i < 6; i++)
        assert_true(image.values[i] == (i == 1 ? 0 : values[i]));
    image_free(&image);
}

static void keeps_constants_and_bounds(void **state)
{
    static const int sizes[][4] = {
        {97, 61, 32, 33}, {512, 1024, 128, 256}, {5, 7, 32, 64}, {1, 1000, 9, 1}};
    (void)state;
    for (int i = 0; i < 4; i++) {
        const int count = sizes[i][0] * sizes[i][1];
        struct image image = {sizes[i][0], sizes[i][1], malloc((size_t)count * sizeof(float))};
        for (int k = 0; k < count; k++)
            image.values[k] = 0.3f;
        assert_true(image_resize(&image, sizes[i][2], sizes[i][3]));
        for (int k = 0; k < image.rows * image.cols; k++)
            assert_float_equal(image.values[k], 0.3f, 1e-6);
        image_free(&image);
    }
}

static void refuses_empty_sizes(void **state)
{
    struct image image = make(1, 1, (const float[]){1}), empty = {0};
    (void)state;
    assert_false(image_resize(&image, 0, 3));
    assert_error("cannot resize an image of 1 x 1 to 0 x 3");
    assert_false(image_resize(&empty, 2, 3));
    assert_error("cannot resize an image of 0 x 0");
    image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_weights_of_a_triangle),
        cmocka_unit_test(filters_rows_and_columns),
        cmocka_unit_test(leaves_its_own_size_alone_but_for_nan),
        cmocka_unit_test(keeps_constants_and_bounds),
        cmocka_unit_test(refuses_empty_sizes),
    };
    return cmocka_run_group_tests_name("resize", tests, NULL, NULL);
}
