// SPDX-License-Identifier: MIT
// Projection, pixels, and the way back, on an icosphere.
#include "tests/cortex/meshes.h"
#include "tests/test.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/cortex/flat_map.h"

#include <math.h>
#include <stdlib.h>

enum { SIDE = 128, PIXELS = 2 * SIDE * SIDE };

static struct hemisphere hemisphere_of(int side, int level)
{
    struct hemisphere hemisphere = {.side = side, .sphere = icosphere(level, 100)};
    hemisphere.vertex_count = hemisphere.sphere.vertex_count;
    return hemisphere;
}

// The middle of the map is the centre that freesurfer.md names, and the point to its right lies
// there; up is z cross x.
static void looks_at_the_occipital_pole(void **state)
{
    static const float points[HEMISPHERES][2][3] = {
        {{-8.19f, -83.55f, -54.34f}, {36.55f, -75.07f, -55.03f}},
        {{-19.10f, -77.49f, -60.25f}, {28.41f, -75.75f, -58.78f}}};
    (void)state;
    for (int side = LEFT; side < HEMISPHERES; side++) {
        struct hemisphere hemisphere = hemisphere_of(side, 4);
        struct flat_map map;
        memcpy(hemisphere.sphere.points[0], points[side][0], sizeof(points[side][0]));
        memcpy(hemisphere.sphere.points[1], points[side][1], sizeof(points[side][1]));
        hemisphere.sphere.points[2][0] = 0; // upwards of the pole, in the head's frame
        hemisphere.sphere.points[2][1] = -90;
        hemisphere.sphere.points[2][2] = 43;
        must(flat_map_make(&hemisphere, FLAT_RADIUS, &map));
        assert_int_equal(map.vertices[0], 0);
        assert_int_equal(map.vertices[1], 1);
        assert_int_equal(map.vertices[2], 2);
        assert_float_equal(map.points[0][0], 0, 1e-4);
        assert_float_equal(map.points[0][1], 0, 1e-4);
        assert_true(map.points[1][0] > 40 && fabsf(map.points[1][1]) < 1e-4f);
        assert_true(map.points[2][1] > 50);
        flat_map_free(&map);
        surface_free(&hemisphere.sphere);
    }
}

// All within the radius, none beyond it, in order; triangles with all three.
static void keeps_what_is_within(void **state)
{
    struct hemisphere hemisphere = hemisphere_of(LEFT, 5);
    const double center[3] = {-8.19, -83.55, -54.34};
    (void)state;
    for (int step = 1; step <= 3; step++) {
        const double radius = step * 0.5;
        int within = 0;
        struct flat_map map;
        must(flat_map_make(&hemisphere, radius, &map));
        for (int i = 0; i < hemisphere.vertex_count; i++) {
            double cosine = 0;
            for (int k = 0; k < 3; k++)
                cosine += hemisphere.sphere.points[i][k] * center[k] /
                          (100 * sqrt(8.19 * 8.19 + 83.55 * 83.55 + 54.34 * 54.34));
            if (cosine > cos(radius))
                assert_int_equal(map.vertices[within++], i);
        }
        assert_int_equal(within, map.vertex_count);
        assert_true(map.face_count > 1.5 * within && map.face_count < 2 * within);
        assert_true(map.high[0] <= 100 * sin(radius) && map.high[0] > 95 * sin(radius));
        assert_true(map.low[1] >= -100 * sin(radius) && map.low[1] < -95 * sin(radius));
        flat_map_free(&map);
    }
    surface_free(&hemisphere.sphere);
}

static void refuses_radii(void **state)
{
    static const double radii[] = {0, -1, 1.58, NAN, INFINITY};
    struct hemisphere hemisphere = hemisphere_of(RIGHT, 2);
    struct flat_map map;
    (void)state;
    for (size_t i = 0; i < sizeof(radii) / sizeof(*radii); i++) {
        assert_false(flat_map_make(&hemisphere, radii[i], &map));
        assert_error("above 0 and at most pi/2");
    }
    assert_false(flat_map_make(&hemisphere, 0.05, &map));
    assert_error("rh: no triangle of the sphere lies within 0.05");
    surface_free(&hemisphere.sphere);
}

// A file of 20,000 triangles, each as large as the map, would take minutes.
static void refuses_layers(void **state)
{
    struct hemisphere hemisphere = hemisphere_of(RIGHT, 5);
    struct flat_map map;
    struct flat_raster raster;
    int32_t corners[3];
    (void)state;
    must(flat_map_make(&hemisphere, FLAT_RADIUS, &map));
    for (int k = 0; k < 3; k++)
        corners[k] = map.vertices[k * (map.vertex_count - 1) / 2];
    flat_map_free(&map);
    for (int i = 0; i < hemisphere.sphere.face_count; i++)
        memcpy(hemisphere.sphere.faces[i], corners, sizeof(corners));
    must(flat_map_make(&hemisphere, FLAT_RADIUS, &map));
    assert_false(flat_raster_make(&map, SIDE, &raster));
    assert_error("rh: triangles of the sphere lie on top of each other");
    assert_null(raster.faces);
    flat_map_free(&map);
    surface_free(&hemisphere.sphere);
}

// A function that is linear in the map is painted exactly, in its half only; lh left, rh right.
static void paints_linear_functions(void **state)
{
    float *image = mem_zalloc(PIXELS, sizeof(*image));
    (void)state;
    for (int side = LEFT; side < HEMISPHERES; side++) {
        struct hemisphere hemisphere = hemisphere_of(side, 5);
        struct flat_map map;
        struct flat_raster raster;
        int painted = 0;
        must(flat_map_make(&hemisphere, FLAT_RADIUS, &map));
        must(flat_raster_make(&map, SIDE, &raster));
        float *values = mem_zalloc((size_t)hemisphere.vertex_count, sizeof(*values));
        for (int i = 0; i < map.vertex_count; i++)
            values[map.vertices[i]] = 300 + map.points[i][0] - 2 * map.points[i][1];
        for (int i = 0; i < PIXELS; i++)
            image[i] = -1;
        flat_paint(&map, &raster, values, image);
        for (int row = 0; row < SIDE; row++)
            for (int col = 0; col < 2 * SIDE; col++) {
                const float value = image[row * 2 * SIDE + col];
                const int in_half = col - side * SIDE;
                const double x = map.low[0] + in_half * (map.high[0] - map.low[0]) / (SIDE - 1);
                const double y = map.high[1] + row * (map.low[1] - map.high[1]) / (SIDE - 1);
                if (in_half < 0 || in_half >= SIDE) {
                    assert_true(value == -1);
                } else if (value != 0) {
                    assert_float_equal(value, 300 + x - 2 * y, 1e-3);
                    painted++;
                } else {
                    assert_true(sqrt(x * x + y * y) > 92); // of 98.5, in this mesh
                }
            }
        assert_true(painted > 0.75 * SIDE * SIDE && painted < 0.79 * SIDE * SIDE);
        free(values);
        flat_raster_free(&raster);
        flat_map_free(&map);
        surface_free(&hemisphere.sphere);
    }
    free(image);
}

// The value of the others, where one corner is NaN; 0 where all are.
static void leaves_nan_out(void **state)
{
    struct hemisphere hemisphere = hemisphere_of(LEFT, 3);
    struct flat_map map;
    struct flat_raster raster;
    float *image = mem_zalloc(PIXELS, sizeof(*image));
    float *values = mem_zalloc((size_t)hemisphere.vertex_count, sizeof(*values));
    int zeros[2] = {0};
    (void)state;
    must(flat_map_make(&hemisphere, FLAT_RADIUS, &map));
    must(flat_raster_make(&map, SIDE, &raster));
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < hemisphere.vertex_count; i++)
            values[i] = 7;
        if (round == 1)
            for (int k = 0; k < 3; k++)
                values[map.vertices[map.faces[20][k]]] = NAN;
        flat_paint(&map, &raster, values, image);
        for (int row = 0; row < SIDE; row++)
            for (int col = 0; col < SIDE; col++) {
                const float value = image[row * 2 * SIDE + col];
                assert_true(value == 0 || fabsf(value - 7) < 1e-4f);
                zeros[round] += value == 0;
            }
    }
    assert_true(zeros[1] > zeros[0] && zeros[1] < zeros[0] + 200);
    free(values);
    free(image);
    flat_raster_free(&raster);
    flat_map_free(&map);
    surface_free(&hemisphere.sphere);
}

// Masks: all pixels are 255 exactly where the vertex that is nearest in the triangle has the label.
static void paints_masks_and_comes_back(void **state)
{
    uint8_t *image = mem_zalloc(PIXELS, 1);
    float *probabilities = mem_zalloc(PIXELS, sizeof(*probabilities));
    (void)state;
    for (int side = LEFT; side < HEMISPHERES; side++) {
        struct hemisphere hemisphere = hemisphere_of(side, 4);
        const size_t count = (size_t)hemisphere.vertex_count;
        struct flat_map map;
        struct flat_raster raster;
        int wrong = 0, outside = 0;
        must(flat_map_make(&hemisphere, FLAT_RADIUS, &map));
        must(flat_raster_make(&map, SIDE, &raster));
        uint8_t *mask = mem_zalloc(count, 1);
        float *values = mem_zalloc(2 * count, sizeof(*values));
        int32_t *keys = mem_zalloc(count, sizeof(*keys));
        for (int label = 0; label < 2; label++) {
            for (size_t i = 0; i < count; i++)
                mask[i] = label == (int)i % 2;
            flat_paint_mask(&map, &raster, mask, image);
            for (int i = 0; i < PIXELS; i++)
                probabilities[i] = (float)image[i] / 255;
            must(flat_values(&map, SIDE, SIDE, probabilities, values + (size_t)label * count));
        }
        flat_labels(&map, 2, values, keys);
        for (int i = 0, at = 0; i < hemisphere.vertex_count; i++) {
            const bool within = at < map.vertex_count && map.vertices[at] == i;
            at += within;
            outside += !within;
            assert_true(within || keys[i] == 0);
            wrong += within && keys[i] != 1 + i % 2;
        }
        // At the rim triangles are narrower than a pixel, or beyond the disc.
        assert_true(wrong < 0.12 * map.vertex_count && outside > 0);
        free(keys);
        free(values);
        free(mask);
        flat_raster_free(&raster);
        flat_map_free(&map);
        surface_free(&hemisphere.sphere);
    }
    free(probabilities);
    free(image);
}

// Each half is resized by itself: nothing of the other hemisphere comes in at the seam.
static void resizes_each_half(void **state)
{
    enum { SMALL = 32 };
    float image[SMALL][2 * SMALL];
    struct hemisphere hemisphere = hemisphere_of(LEFT, 4);
    struct flat_map map;
    (void)state;
    must(flat_map_make(&hemisphere, FLAT_RADIUS, &map));
    float *values = mem_zalloc((size_t)hemisphere.vertex_count, sizeof(*values));
    for (int row = 0; row < SMALL; row++)
        for (int col = 0; col < 2 * SMALL; col++)
            image[row][col] = col < SMALL ? 1 : 1000;
    must(flat_values(&map, SIDE, SMALL, image[0], values));
    for (int i = 0; i < map.vertex_count; i++)
        assert_float_equal(values[map.vertices[i]], 1, 1e-6);
    free(values);
    flat_map_free(&map);
    surface_free(&hemisphere.sphere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_at_the_occipital_pole),
        cmocka_unit_test(keeps_what_is_within),
        cmocka_unit_test(refuses_radii),
        cmocka_unit_test(refuses_layers),
        cmocka_unit_test(paints_linear_functions),
        cmocka_unit_test(leaves_nan_out),
        cmocka_unit_test(paints_masks_and_comes_back),
        cmocka_unit_test(resizes_each_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
