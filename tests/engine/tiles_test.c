// SPDX-License-Identifier: MIT
// Every tile of the table in engine/vulkan/tiles.c at its own edges: a tile just full, one element
// more, one less, far too small. No tile may change a bit of what others of its kind make: in fp32
// CONV_SHARED makes the bits of the kernels without shared memory, which ops_test compares with the
// reference; of the other families, and of all in mixed precision, the first tile is compared with
// it here, at every edge.
//
//     tiles_test [mixed]
#include "tests/test.h"

#include "engine/vulkan/candidates.h"
#include "engine/vulkan/tiles.h"
#include "tests/engine/op_case.h"
#include "tests/reference/reference.h"
#include "tests/test_device.h"
#include "vkgrid/base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum precision precision;
static struct engine *direct; // the kernels without shared memory

static struct engine *open_with(int tile)
{
    char text[16];
    snprintf(text, sizeof text, "%d", tile);
    setenv("VKGRID_TILE", text, true);
    struct engine *engine = open_test_device_for(precision);
    unsetenv("VKGRID_TILE");
    return engine;
}

// Whether the device runs convolutions by the tile it was opened with.
static bool takes(struct engine *base, const struct conv_tile *tile, int number)
{
    const struct vulkan_engine *engine = (struct vulkan_engine *)base;
    const enum op_kind kinds[] = {OP_CONV, OP_CONV_INPUT_GRAD, OP_CONV_WEIGHT_GRAD};
    bool all = true;
    for (int i = 0; i < 3; i++) {
        const struct conv_problem problem = {.kind = kinds[i],
                                             .pixels = 1,
                                             .quads = 16,
                                             .in = 8,
                                             .out = 8,
                                             .kernel = 3,
                                             .stride = 1,
                                             .splits = 1,
                                             .slots = 1,
                                             .half = precision == PRECISION_MIXED};
        all &= conv_tile(engine, &problem).family == tile->family;
    }
    if (!all)
        print_message("tile %d (%u invocations): not on %s in %s\n", number, tile->local,
                      base->device.name, precision_name(precision));
    return all;
}

struct pair {
    struct engine *engine, *expected;
    enum precision expected_precision;
    bool exact;  // every bit
    bool packed; // sums of a few products may be float16
};

static void check(const struct pair *pair, enum op_kind kind, const struct op_shape *shape)
{
    struct op_report report = {0};
    struct op_test test = op_tests[kind];
    if (!pair->packed)
        test.packed = 0;
    must(op_case_check(&test, shape, pair->engine, precision, pair->expected,
                       pair->expected_precision, &report));
    if (pair->exact && report.worst != 0)
        fail_msg("%s, %dx%d, %d -> %d, kernel %d, stride %d: differs by %g", op_name(kind),
                 shape->rows, shape->cols, shape->in, shape->out, shape->kernel, shape->stride,
                 report.worst);
}

// m, n, depth: elements of a tile. few: channels that there must be at least.
static void check_forward(const struct pair *pair, int m, int n, int depth, int few)
{
    const struct op_shape shapes[] = {
        // rows, cols, in, out, kernel, stride, batch, n, slots
        {1, m, depth, n, 3, 1, 1, 1, 1},
        {1, m - 1, depth - few ? depth - few : few, n - few, 3, 1, 1, 1, 2},
        {1, m + 1, depth + few, n + few, 3, 1, 1, 1, 2, .variant = 1},
        {2, m / 2 + 1, 2 * depth, 2 * n, 1, 1, 3, 2, 1},
        {2, m + 2, depth, n + few, 3, 2, 2, 2, 1},
        {3, 5, few, few, 3, 1, 1, 1, 3},
        {5, m / 3, depth, n, 3, 1, 3, 2, 1}, // samples that begin within a tile
        {1, 1, few, few, 1, 1, 1, 1, 1},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check(pair, OP_CONV, &shapes[i]);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct op_shape shape = shapes[i];
        shape.in = shapes[i].out;
        shape.out = shapes[i].in;
        check(pair, OP_CONV_INPUT_GRAD, &shape);
    }
}

static void check_weight_grad(const struct pair *pair, int m, int n, int depth, int few)
{
    const struct op_shape shapes[] = {
        {1, depth, m, n, 3, 1, 1, 1, 1},
        {2, depth - 1, m - few, n - few, 3, 1, 1, 1, 2},
        {3, depth + 1, m + few, n + few, 3, 1, 2, 2, 1},
        {5, 2 * depth + 1, 2 * m, n + few, 1, 1, 1, 1, 1},
        {4, 2 * depth + 3, m, n, 3, 2, 2, 1, 2},
        {1, 1, few, few, 3, 1, 1, 1, 1},
        {64, 65, few, 8, 3, 1, 1, 1, 1}, // several splits
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check(pair, OP_CONV_WEIGHT_GRAD, &shapes[i]);
}

// Channels that are no multiple of 8 go into the matrix kernels one by one: the samples' layers.
static void check_few_channels(const struct pair *pair, int m, int n)
{
    const struct op_shape shapes[] = {
        {3, m / 2, 7, n, 3, 1, 2, 2, 2, .variant = 1},
        {5, 7, 14, n + 8, 7, 2, 2, 1, 1},
        {1, m + 1, 1, 8, 1, 1, 1, 1, 1},
        {33, 65, 7, 64, 3, 1, 1, 1, 1},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        check(pair, OP_CONV, &shapes[i]);
        check(pair, OP_CONV_WEIGHT_GRAD, &shapes[i]);
    }
}

static void check_edges(const struct pair *pair, const struct conv_tile *tile, bool few_channels)
{
    const struct vulkan_engine *engine = (struct vulkan_engine *)pair->engine;
    const bool matrix = tile->family == CONV_MATRIX;
    const int few = matrix ? 8 : 4, depth = (int)tile->depth;
    // Pixels of a row that make a quad; and steps of the weight gradient's sum, which Winograd does
    // not do when it is short: 24 quads.
    const int wide = tile->family == CONV_WINOGRAD ? 2 : 1, steps = wide > 1 ? 24 / depth : 1;
    uint32_t size[2];
    conv_tile_size(engine, tile, OP_CONV, size);
    check_forward(pair, wide * (int)size[0], (int)size[1], depth, few);
    check_weight_grad(pair, (int)size[0], (int)size[1], steps * wide * depth, few);
    if (few_channels)
        check_few_channels(pair, (int)size[0], (int)size[1]);
}

// A family that is never taken is a skipped test where the device or the precision has none of it,
// and a failure elsewhere: shared memory serves both precisions, Winograd fp32, matrix units mixed.
static void must_have_run(enum conv_family family, int count)
{
    static const char *const names[] = {[CONV_SHARED] = "shared memory",
                                        [CONV_MATRIX] = "matrix units",
                                        [CONV_WINOGRAD] = "Winograd"};
    const struct vulkan_engine *engine = (struct vulkan_engine *)direct;
    const bool mixed = precision == PRECISION_MIXED, expected = family == CONV_MATRIX
                                                                    ? mixed && engine->matrix.m > 0
                                                                : family == CONV_WINOGRAD ? !mixed
                                                                                          : true;
    if (count > 0)
        return;
    if (expected)
        fail_msg("no tile of %s was checked", names[family]);
    SKIP_TEST("no convolutions by %s on %s in %s", names[family], direct->device.name,
              precision_name(precision));
}

// The tiles of a family against the kernels without shared memory, or, where these make other bits,
// against the first of them, which is compared with the reference itself.
static void test_family(enum conv_family family, struct engine *reference)
{
    struct engine *first = NULL;
    struct conv_tile tile, next;
    int count = 0;
    const bool same = precision == PRECISION_FP32 && family == CONV_SHARED;
    for (int i = 1; conv_tile_of((struct vulkan_engine *)direct, i, &tile); i++) {
        if (tile.family != family)
            continue;
        struct engine *engine = open_with(i);
        if (!takes(engine, &tile, i)) {
            engine_close(&engine);
            continue;
        }
        struct pair pair = {engine, same ? direct : reference, PRECISION_FP32, same,
                            family == CONV_SHARED};
        if (first)
            pair = (struct pair){engine, first, precision, true, false};
        // They take long to compile on software drivers: the first tile and the last.
        const bool last = !conv_tile_of((struct vulkan_engine *)direct, i + 1, &next);
        check_edges(&pair, &tile, family == CONV_MATRIX && (!first || last));
        count++;
        if (!same && !first)
            first = engine;
        else
            engine_close(&engine);
    }
    engine_close(&first);
    must_have_run(family, count);
}

static void test_shared(void **state)
{
    test_family(CONV_SHARED, *state);
}

static void test_matrix(void **state)
{
    test_family(CONV_MATRIX, *state);
}

static void test_winograd(void **state)
{
    test_family(CONV_WINOGRAD, *state);
}

// Kernels that spare registers (struct vulkan_engine's lean) make the bits of the others.
static void test_lean(void **state)
{
    static const struct op_shape shapes[] = {
        // rows, cols, in, out, kernel, stride, batch, n, slots
        {9, 14, 36, 44, 3, 1, 2, 2, 2, .variant = 1},
        {5, 7, 8, 16, 3, 1, 1, 1, 1}, // one step, or as many as taps
    };
    const enum op_kind kinds[] = {OP_CONV, OP_CONV_INPUT_GRAD, OP_CONV_WEIGHT_GRAD};
    const struct conv_problem problem = {.half = precision == PRECISION_MIXED};
    struct conv_tile tile;
    int count = 0;
    (void)state;
    for (int i = 1; conv_tile_of((struct vulkan_engine *)direct, i, &tile); i++) {
        struct engine *lean = open_with(i), *usual = open_with(i);
        const struct pair pair = {lean, usual, precision, true, false};
        ((struct vulkan_engine *)lean)->lean = true;
        ((struct vulkan_engine *)usual)->lean = false;
        if (conv_tile_is_lean((struct vulkan_engine *)lean, &tile, &problem) &&
            takes(usual, &tile, i)) {
            for (int s = 0; s < 2; s++)
                for (int k = 0; k < 3; k++)
                    check(&pair, kinds[k], &shapes[s]);
            count++;
        }
        engine_close(&lean);
        engine_close(&usual);
    }
    assert_true(count > 0);
}

static int first_of(enum conv_family family)
{
    struct conv_tile tile;
    for (int i = 1; conv_tile_of((struct vulkan_engine *)direct, i, &tile); i++)
        if (tile.family == family)
            return i;
    return 0;
}

// Matrix units without fp16 sums: sums are rounded on their way out of shared memory. The first
// tile and the last.
static void test_float_sums(void **state)
{
    const int first = first_of(CONV_MATRIX);
    struct conv_tile tile, next;
    int count = 0;
    for (int i = first; conv_tile_of((struct vulkan_engine *)direct, i, &tile); i++) {
        const bool last = !conv_tile_of((struct vulkan_engine *)direct, i + 1, &next);
        if (tile.family != CONV_MATRIX || (i != first && !last))
            continue;
        struct engine *engine = open_with(i);
        const struct pair pair = {engine, *state, PRECISION_FP32, false, false};
        ((struct vulkan_engine *)engine)->matrix.half_sums = false;
        if (takes(engine, &tile, i)) {
            check_edges(&pair, &tile, i == first);
            count++;
        }
        engine_close(&engine);
    }
    must_have_run(CONV_MATRIX, count);
}

// Slots that cannot be indexed together are computed one after the other, to the same bits.
static void test_reach(void **state)
{
    static const struct op_shape shape = {9, 14, 36, 40, 3, 1, 2, 2, 5, .variant = 1};
    static const uint32_t reaches[] = {1, 30000}; // one slot at a time; two, two and one
    const enum op_kind kinds[] = {OP_CONV, OP_CONV_INPUT_GRAD, OP_CONV_WEIGHT_GRAD};
    const int number = first_of(CONV_WINOGRAD);
    struct engine *whole = open_with(number), *parts = open_with(number);
    const struct pair pair = {parts, whole, PRECISION_FP32, true, false};
    struct conv_tile tile;
    int count = 0;
    (void)state;
    assert_true(conv_tile_of((struct vulkan_engine *)whole, number, &tile));
    for (int r = 0; r < 2 && takes(whole, &tile, number); r++)
        for (int i = 0; i < 3; i++, count++) {
            ((struct vulkan_engine *)parts)->reach = reaches[r];
            check(&pair, kinds[i], &shape);
        }
    engine_close(&whole);
    engine_close(&parts);
    must_have_run(CONV_WINOGRAD, count);
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

int main(int argc, char **argv)
{
    precision = argc > 1 && !strcmp(argv[1], "mixed") ? PRECISION_MIXED : PRECISION_FP32;
    direct = open_with(0);
    if (!direct)
        return SKIPPED;
    if (engine_device(direct)->kind == DEVICE_CPU) {
        printf("skipped: VKGRID_DEVICE is the processor, which has no tiles\n");
        engine_close(&direct);
        return SKIPPED;
    }
    struct engine *reference = reference_engine();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_shared, reference),
        cmocka_unit_test_prestate(test_matrix, reference),
        cmocka_unit_test_prestate(test_winograd, reference),
        cmocka_unit_test(test_lean),
        cmocka_unit_test_prestate(test_float_sums, reference),
        cmocka_unit_test(test_reach),
        cmocka_unit_test(test_bad_tile),
    };
    const int failed = RUN_TESTS(tests, NULL, NULL);
    engine_close(&reference);
    engine_close(&direct);
    return failed;
}
