// SPDX-License-Identifier: MIT
// The rigid fit, and where points are on a sphere, on made-up meshes.
#include "cortex/locate.h"
#include "tests/cortex/meshes.h"
#include "tests/test.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"
#include "vkgrid/cortex/template.h"

#include <math.h>
#include <stdlib.h>

static double determinant(const double m[3][3])
{
    return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
           m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
           m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

// A turn by three angles, and a shift.
static struct rigid_motion some_motion(struct random *random)
{
    struct rigid_motion motion = {.turn = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
    for (int axis = 0; axis < 3; axis++) {
        const double angle = 6.28 * random_uniform(random), c = cos(angle), s = sin(angle);
        const int p = (axis + 1) % 3, q = (axis + 2) % 3;
        for (int k = 0; k < 3; k++) {
            const double a = motion.turn[k][p], b = motion.turn[k][q];
            motion.turn[k][p] = c * a - s * b;
            motion.turn[k][q] = s * a + c * b;
        }
        motion.shift[axis] = 400 * random_uniform(random) - 200;
    }
    return motion;
}

static void finds_any_motion(void **state)
{
    struct surface sphere = icosphere(3, 100), brain = lump(&sphere, 60, -30, 5, 12);
    const int count = brain.vertex_count;
    float(*moved)[3] = mem_zalloc((size_t)count, sizeof(*moved));
    (void)state;
    struct random random = random_stream(1, 0, 0, 0);
    for (int i = 0; i < 50; i++) {
        const struct rigid_motion motion = some_motion(&random);
        struct rigid_motion found;
        rigid_move(&motion, count, (const float(*)[3])brain.points, moved);
        rigid_fit(count, (const float(*)[3])brain.points, (const float(*)[3])moved, &found);
        assert_true(found.residual < 1e-4);
        for (int j = 0; j < 3; j++) {
            assert_float_equal(found.shift[j], motion.shift[j], 1e-3);
            for (int k = 0; k < 3; k++)
                assert_float_equal(found.turn[j][k], motion.turn[j][k], 1e-5);
        }
    }
    free(moved);
    surface_free(&brain);
    surface_free(&sphere);
}

// The mirror image cannot be reached; a rotation is what comes out all the same.
static void never_mirrors(void **state)
{
    struct surface sphere = icosphere(3, 100), brain = lump(&sphere, 60, -30, 5, 12);
    float(*mirror)[3] = mem_zalloc((size_t)brain.vertex_count, sizeof(*mirror));
    struct rigid_motion motion;
    (void)state;
    for (int i = 0; i < brain.vertex_count; i++) {
        mirror[i][0] = -brain.points[i][0];
        mirror[i][1] = brain.points[i][1];
        mirror[i][2] = brain.points[i][2];
    }
    rigid_fit(brain.vertex_count, (const float(*)[3])brain.points, (const float(*)[3])mirror,
              &motion);
    assert_float_equal(determinant((const double(*)[3])motion.turn), 1, 1e-9);
    assert_true(motion.residual > 1);
    free(mirror);
    surface_free(&brain);
    surface_free(&sphere);
}

// No direction is known where all points are one: any rotation fits, none that is not one.
static void takes_a_single_place(void **state)
{
    const float points[2][3] = {{1, 2, 3}, {1, 2, 3}}, targets[2][3] = {{4, 4, 4}, {4, 4, 4}};
    struct rigid_motion motion;
    (void)state;
    rigid_fit(2, points, targets, &motion);
    assert_float_equal(determinant((const double(*)[3])motion.turn), 1, 1e-9);
    assert_true(motion.residual < 1e-9);
}

// Whether the point is the weighed sum of the corners, but for its distance from 0.
static void check_place(const struct surface *sphere, const float point[3],
                        const int32_t corners[3], const double weights[3])
{
    double sum[3] = {0}, along = 0, norm = 0, length = 0;
    assert_float_equal(weights[0] + weights[1] + weights[2], 1, 1e-12);
    for (int i = 0; i < 3; i++) {
        assert_true(weights[i] >= -1e-6);
        for (int k = 0; k < 3; k++)
            sum[k] += weights[i] * sphere->points[corners[i]][k];
    }
    for (int k = 0; k < 3; k++) {
        along += sum[k] * point[k];
        norm += sum[k] * sum[k];
        length += (double)point[k] * point[k];
    }
    assert_float_equal(along / sqrt(norm * length), 1, 1e-12);
}

static void locates_every_direction(void **state)
{
    (void)state;
    for (int level = 0; level <= 5; level++) {
        struct surface sphere = icosphere(level, 100);
        struct random random = random_stream(2, (uint64_t)level, 0, 0);
        struct locator *locator;
        must(locator_make(&sphere, &locator));
        for (int i = 0; i < 3000; i++) {
            const float point[3] = {(float)random_normal(&random), (float)random_normal(&random),
                                    (float)random_normal(&random)};
            int32_t corners[3];
            double weights[3];
            assert_true(locator_find(locator, point, corners, weights));
            check_place(&sphere, point, corners, weights);
        }
        for (int i = 0; i < sphere.vertex_count; i++) { // where six triangles meet
            int32_t corners[3];
            double weights[3];
            assert_true(locator_find(locator, sphere.points[i], corners, weights));
            check_place(&sphere, sphere.points[i], corners, weights);
        }
        locator_free(&locator);
        surface_free(&sphere);
    }
}

static void says_where_nothing_is(void **state)
{
    struct surface sphere = icosphere(3, 100);
    const float *hole = sphere.points[sphere.faces[77][0]];
    const float point[3] = {hole[0], hole[1], hole[2]};
    int32_t corners[3];
    double weights[3];
    struct locator *locator;
    (void)state;
    for (int i = 0; i < sphere.face_count; i++) // none is left around that vertex
        for (int k = 0; k < 3; k++)
            if (sphere.faces[i][k] == sphere.faces[77][0] && i != 77)
                sphere.faces[i][1] = sphere.faces[i][2] = sphere.faces[i][0];
    sphere.faces[77][1] = sphere.faces[77][2] = sphere.faces[77][0];
    must(locator_make(&sphere, &locator));
    assert_false(locator_find(locator, point, corners, weights));
    assert_false(locator_find(locator, (const float[]){0, 0, 0}, corners, weights));
    locator_free(&locator);
    surface_free(&sphere);
}

// Triangles from pole to pole would be in every cell of the grid.
static void refuses_huge_triangles(void **state)
{
    struct surface sphere = icosphere(5, 100);
    struct locator *locator;
    (void)state;
    for (int i = 0; i < sphere.face_count; i++)
        sphere.faces[i][0] = i % 2 ? 0 : 3;
    assert_false(locator_make(&sphere, &locator));
    assert_error("triangles are too large");
    assert_null(locator);
    surface_free(&sphere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_any_motion),      cmocka_unit_test(never_mirrors),
        cmocka_unit_test(takes_a_single_place),  cmocka_unit_test(locates_every_direction),
        cmocka_unit_test(says_where_nothing_is), cmocka_unit_test(refuses_huge_triangles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
