// SPDX-License-Identifier: MIT
// Every tile of the table in engine/vulkan/tiles.c at its own edges: a tile just full, one element
// more, one less, far too small. No tile may change a bit of what the kernels without shared memory
// make (ops_test compares those with the reference).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "engine/op_case.h"
#include "engine/vulkan/internal.h"
#include "test_device.h"
#include "vkgrid/error.h"

#include <stdio.h>
#include <stdlib.h>

enum { SKIPPED = 77 };

static struct engine *open_with(int tile)
{
    char text[16];
    snprintf(text, sizeof text, "%d", tile);
    setenv("VKGRID_TILE", text, true);
    struct engine *engine = open_test_device();
    unsetenv("VKGRID_TILE");
    return engine;
}

static bool takes(struct engine *base, const struct conv_tile *tile)
{
    const struct vulkan_engine *engine = (struct vulkan_engine *)base;
    const struct conv_problem problem = {
        .kind = OP_CONV, .pixels = 1, .in = 4, .out = 4, .kernel = 1, .stride = 1, .slots = 1};
    if (conv_tile(engine, &problem).family == tile->family)
        return true;
    print_message("skipped: %s is too small for %u invocations and their shared memory\n",
                  base->device.name, tile->local);
    return false;
}

static void check(struct engine *engine, struct engine *expected, enum op_kind kind,
                  const struct op_shape *shape)
{
    struct op_report report = {0};
    if (!op_case_check(&op_tests[kind], shape, engine, PRECISION_FP32, expected, &report))
        fail_msg("%s", error_text());
    if (report.worst != 0)
        fail_msg("%s, %dx%d, %d -> %d, kernel %d, stride %d: differs by %g", op_name(kind),
                 shape->rows, shape->cols, shape->in, shape->out, shape->kernel, shape->stride,
                 report.worst);
}

// m, n, depth: elements of a tile.
static void check_forward(struct engine *engine, struct engine *expected, int m, int n, int depth)
{
    const struct op_shape shapes[] = {
        // rows, cols, in, out, kernel, stride, batch, n, slots
        {1, m, depth, n, 3, 1, 1, 1, 1},
        {1, m - 1, depth - 4 ? depth - 4 : 4, n - 4, 3, 1, 1, 1, 2},
        {1, m + 1, depth + 4, n + 4, 3, 1, 1, 1, 2, .variant = 1},
        {2, m / 2 + 1, 2 * depth, 2 * n, 1, 1, 3, 2, 1},
        {2, m + 2, depth, n + 4, 3, 2, 2, 2, 1},
        {3, 5, 4, 4, 3, 1, 1, 1, 3},
        {1, 1, 4, 4, 1, 1, 1, 1, 1},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check(engine, expected, OP_CONV, &shapes[i]);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct op_shape shape = shapes[i];
        shape.in = shapes[i].out;
        shape.out = shapes[i].in;
        check(engine, expected, OP_CONV_INPUT_GRAD, &shape);
    }
}

static void check_weight_grad(struct engine *engine, struct engine *expected, int m, int n,
                              int depth)
{
    const struct op_shape shapes[] = {
        {1, depth, m, n, 3, 1, 1, 1, 1},
        {2, depth - 1, m - 4, n - 4, 3, 1, 1, 1, 2},
        {3, depth + 1, m + 4, n + 4, 3, 1, 2, 2, 1},
        {5, 2 * depth + 1, 2 * m, n + 4, 1, 1, 1, 1, 1},
        {4, 2 * depth + 3, m, n, 3, 2, 2, 1, 2},
        {1, 1, 4, 4, 3, 1, 1, 1, 1},
        {64, 65, 4, 8, 3, 1, 1, 1, 1}, // several splits
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check(engine, expected, OP_CONV_WEIGHT_GRAD, &shapes[i]);
}

static void test_tiles(void **state)
{
    struct engine *expected = *state;
    const struct conv_tile *tile;
    for (int i = 1; (tile = conv_shared_tile(i)); i++) {
        struct engine *engine = open_with(i);
        const int m = (int)(tile->local / tile->local_columns * tile->rows * 4),
                  n = (int)(tile->local_columns * tile->columns * 4), depth = (int)tile->depth;
        if (takes(engine, tile)) {
            check_forward(engine, expected, m, n, depth);
            check_weight_grad(engine, expected, m, n, depth);
        }
        engine_close(&engine);
    }
}

static void test_bad_tile(void **state)
{
    (void)state;
    static const char *const bad[] = {"-1", "99", "x", "1x"};
    struct engine *engine = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("VKGRID_TILE", bad[i], true);
        assert_false(vulkan_engine_ops.open(0, &engine));
        assert_non_null(strstr(error_text(), "VKGRID_TILE"));
    }
    unsetenv("VKGRID_TILE");
}

int main(void)
{
    struct engine *expected = open_with(0);
    if (!expected)
        return SKIPPED;
    if (engine_device(expected)->kind == DEVICE_CPU) {
        printf("skipped: VKGRID_DEVICE is the processor, which has no tiles\n");
        engine_close(&expected);
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_tiles, expected),
        cmocka_unit_test(test_bad_tile),
    };
    const int failed = cmocka_run_group_tests_name("tiles", tests, NULL, NULL);
    engine_close(&expected);
    return failed;
}
