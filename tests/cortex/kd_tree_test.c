// SPDX-License-Identifier: MIT
// The nearest of points, against looking at all of them.
#include "cortex/kd_tree.h"
#include "tests/test.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>

static int by_looking(int count, const float (*points)[3], const double point[3])
{
    double least = INFINITY;
    int nearest = -1;
    for (int i = 0; i < count; i++) {
        double distance = 0;
        for (int axis = 0; axis < 3; axis++)
            distance +=
                ((double)points[i][axis] - point[axis]) * ((double)points[i][axis] - point[axis]);
        if (distance < least) {
            least = distance;
            nearest = i;
        }
    }
    return nearest;
}

static uint32_t state = 1;

static float draw(void)
{
    state = state * 1664525 + 1013904223;
    return (float)(state >> 16) / 65536 - 0.5f;
}

// step: coordinates are multiples of it, so that points are equally near, or the same.
static void compare(int count, float spread, float step)
{
    float(*points)[3] = mem_zalloc((size_t)count, sizeof(*points));
    for (int i = 0; i < count; i++)
        for (int axis = 0; axis < 3; axis++) {
            const float value = draw() * spread * (axis == 1 ? 0.01f : 1);
            points[i][axis] = step > 0 ? roundf(value / step) * step : value;
        }
    struct kd_tree *tree = kd_tree_make(count, (const float(*)[3])points);
    for (int i = 0; i < 300; i++) {
        double point[3];
        for (int axis = 0; axis < 3; axis++) {
            const float value = draw() * spread * 1.5f;
            point[axis] = (double)(step > 0 ? roundf(value / step) * step : value);
        }
        assert_int_equal(kd_tree_nearest(tree, point),
                         by_looking(count, (const float(*)[3])points, point));
    }
    kd_tree_free(&tree);
    free(points);
}

static void test_random(void **test)
{
    (void)test;
    for (int count = 1; count < 40; count++)
        compare(count, 1, 0);
    compare(5000, 100, 0);
}

static void test_ties(void **test)
{
    (void)test;
    for (int count = 1; count < 40; count++)
        compare(count, 4, 1);
    compare(3000, 10, 1);
    compare(1000, 0, 1); // all the same
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_ties)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
