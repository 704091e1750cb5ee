// SPDX-License-Identifier: MIT
// Properties that a driver may break without any other test noticing.
// Mixed precision: whatever a kernel stores as fp16 is rounded to the nearest, ties to even,
// becomes infinity from 65520 on (loss scaling lives on it), and keeps what is small. Either
// precision: a NaN goes through ReLU, batch norm and pooling, alone and joined.
#include "tests/test.h"
#include "engine/vulkan/candidates.h"
#include "engine/vulkan/self_test.h"
#include "tests/test_device.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/half.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS = 32, CHANNELS = 8 };

static struct engine *engine;
static enum precision precision;

// Terms and products that fp16 holds, and what becomes of their sum or product.
struct rounding {
    float a, b, result;
};
static const struct rounding sums[] = {
    {65504, 15.5f, 65504},
    {65504, 16, INFINITY},
    {-65504, -16, -INFINITY},
    {32768, 32768, INFINITY},
    {1, 0x1p-11f, 1},
    {1, 0x1.8p-10f, 0x1.008p0f},
    {0x1.004p0f, 0x1p-11f, 0x1.008p0f},
    {2048, 1, 2048},
    {2048, 3, 2052},
    {-2048, -3, -2052},
    {0x1p-24f, 0, 0x1p-24f},
    {0x1p-24f, 0x1p-24f, 0x1p-23f},
    {0x1p-14f, -0x1p-24f, 0x1.ff8p-15f},
    {-0x1p-14f, 0x1p-14f, 0},
};
static const struct rounding products[] = {
    {1040, 63, INFINITY}, // 65520
    {1023, 64, 65472},
    {0x1p-12f, 0x1p-13f, 0}, // half of the smallest
    {0x1.8p-12f, 0x1p-12f, 0x1p-23f},
    {0x1p-12f, 0x1p-12f, 0x1p-24f},
    {0x1.004p0f, 0x1.004p0f, 0x1.008p0f},
    {33, 63, 2080}, // 2079
};
#define SUMS ((int)(sizeof sums / sizeof sums[0]))
#define PRODUCTS ((int)(sizeof products / sizeof products[0])) // one output channel each, less one

static void assert_value(const char *what, float found, float expected)
{
    if (found != expected && !(isnan(found) && isnan(expected)))
        fail_msg("%s: %.9g instead of %.9g", what, (double)found, (double)expected);
}

// --- Programs -----------------------------------------------------------------------------------

// One op or a few on an image of one row; inspect: each is alone, and all can be read.
struct bench {
    struct graph *graph;
    struct program *program;
};

static void begin(struct bench *bench)
{
    *bench = (struct bench){.graph = graph_create()};
}

static void compile(struct bench *bench, struct engine *on, bool inspect)
{
    const struct program_options options = {
        .slots = 1, .batch = 1, .inspect = inspect, .precision = precision};
    must(program_create(on, bench->graph, &options, &bench->program));
}

static void put(struct bench *bench, int tensor, const float *values)
{
    must(program_write(bench->program, tensor, 0, 0, bench->graph->tensors[tensor].count, values));
}

static void put_named(struct bench *bench, const char *name, float value)
{
    const int tensor = graph_find(bench->graph, name);
    const size_t count = bench->graph->tensors[tensor].count;
    float *values = mem_alloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = value;
    put(bench, tensor, values);
    free(values);
}

static float *take(struct bench *bench, int tensor)
{
    const size_t count = bench->graph->tensors[tensor].count;
    float *values = mem_alloc(count * sizeof *values);
    must(program_read(bench->program, tensor, 0, 0, count, values));
    return values;
}

static void run(struct bench *bench, enum routine routine)
{
    must(program_run(bench->program, routine, 1));
}

static void end(struct bench *bench)
{
    program_destroy(&bench->program);
    graph_destroy(&bench->graph);
}

// --- Rounding to fp16 ---------------------------------------------------------------------------

// From the data set, which is fp32; and through a ReLU and copies, which must leave alone what is
// fp16 already.
static void test_gathered(void **state)
{
    (void)state;
    struct bench b;
    float values[HALF_CASES];
    const uint32_t start[2] = {0, 0}, first = 0;
    begin(&b);
    const int data = graph_data(b.graph, "data", 1, 1, HALF_CASES / 4, 4),
              order = graph_table(b.graph, "order", ELEMENT_UINT, 1, (int[]){1}),
              position = graph_shared(b.graph, "position", ELEMENT_UINT, 2),
              x = graph_gather(b.graph, data, order, position), relu = graph_relu(b.graph, x),
              both = graph_concat(b.graph, x, relu), pooled = graph_max_pool(b.graph, x, 1, 1);
    compile(&b, engine, true);
    for (int i = 0; i < HALF_CASES; i++)
        values[i] = half_cases[i].value;
    must(program_write(b.program, data, 0, 0, HALF_CASES, values));
    must(program_write(b.program, order, 0, 0, 1, &first));
    must(program_write(b.program, position, 0, 0, 2, start));
    run(&b, ROUTINE_TRAIN);
    float *made[] = {take(&b, x), take(&b, relu), take(&b, both), take(&b, pooled)};
    for (int i = 0; i < HALF_CASES; i++) {
        const float half = float_of_float16(half_cases[i].bits), positive = half < 0 ? 0 : half;
        assert_value(half_cases[i].name, made[0][i], half);
        assert_value("ReLU", made[1][i], positive);
        assert_value("concatenation", made[2][i / 4 * 8 + i % 4], half);
        assert_value("concatenation", made[2][i / 4 * 8 + 4 + i % 4], positive);
        assert_value("max-pool", made[3][i], half);
    }
    for (int i = 0; i < 4; i++)
        free(made[i]);
    end(&b);
}

static void test_added(void **state)
{
    (void)state;
    struct bench b;
    float left[PIXELS] = {0}, right[PIXELS] = {0};
    begin(&b);
    const int x = graph_activation(b.graph, "x", 1, PIXELS, 1),
              z = graph_activation(b.graph, "z", 1, PIXELS, 1), y = graph_add(b.graph, x, z);
    compile(&b, engine, true);
    for (int i = 0; i < SUMS; i++) {
        left[i] = sums[i].a;
        right[i] = sums[i].b;
    }
    put(&b, x, left);
    put(&b, z, right);
    run(&b, ROUTINE_TRAIN);
    float *made = take(&b, y);
    for (int i = 0; i < SUMS; i++)
        assert_value("addition", made[i], sums[i].result);
    free(made);
    end(&b);
}

// What is stored of sums that are no numbers of fp16 by themselves.
static void test_scaled(void **state)
{
    (void)state;
    struct bench b;
    float values[PIXELS * 4] = {0};
    begin(&b);
    b.graph->routine = ROUTINE_EVALUATE;
    const int x = graph_activation(b.graph, "x", 1, PIXELS, 4),
              y = graph_batch_norm(b.graph, "bn", x), large = graph_upsample(b.graph, x);
    compile(&b, engine, true);
    put_named(&b, "bn.running_var", 1);
    put_named(&b, "bn.weight", 63);
    for (int i = 0; i < 4 * PIXELS; i++)
        values[i] = i < 4 ? 1056 : i < 8 ? 1016 : 0x1p-24f; // 66528 and 64008
    put(&b, x, values);
    run(&b, ROUTINE_EVALUATE);
    float *made = take(&b, y), *up = take(&b, large);
    assert_value("batch norm", made[0], INFINITY);
    assert_value("batch norm", made[4], 64000);
    assert_value("batch norm", made[8], 0x1.f8p-19f); // 63 of the smallest, less a part of 10^-5
    assert_value("upsampling", up[4 * (2 * PIXELS - 1)], 0x1p-24f);
    free(made);
    free(up);
    end(&b);
}

static struct engine *open_with_tile(int number)
{
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    setenv("VKGRID_TILE", text, true);
    struct engine *opened = open_test_device_for(precision);
    unsetenv("VKGRID_TILE");
    assert_non_null(opened);
    return opened;
}

static bool is_of(const struct engine *opened, enum op_kind kind, enum conv_family family)
{
    const struct conv_problem problem = {.kind = kind,
                                         .pixels = PIXELS,
                                         .quads = PIXELS,
                                         .in = CHANNELS,
                                         .out = CHANNELS,
                                         .kernel = 1,
                                         .stride = 1,
                                         .splits = 1,
                                         .slots = 1,
                                         .half = true};
    return conv_tile((const struct vulkan_engine *)opened, &problem).family == family;
}

// Pixels hold the cases one after the other, sums in the first two channels, products in the first.
// The first channel that comes out is the sum, the others multiply by each product's factor.
static void check_conv(struct engine *on, enum op_kind kind)
{
    struct bench b;
    float values[PIXELS * CHANNELS] = {0}, weight[CHANNELS * CHANNELS] = {0};
    const bool forward = kind == OP_CONV;
    begin(&b);
    const int x = graph_activation(b.graph, "x", 1, PIXELS, CHANNELS);
    int y, w;
    if (forward) {
        y = graph_conv(b.graph, "conv", x, CHANNELS, 1, 1, false);
        w = graph_find(b.graph, "conv.weight");
    } else {
        w = graph_parameter(b.graph, "w", 4, (int[]){CHANNELS, CHANNELS, 1, 1});
        y = graph_activation(b.graph, "y", 1, PIXELS, CHANNELS);
        struct op *op = graph_op(b.graph, kind, 2, (int[]){x, w}, 1, &y);
        op->kernel = op->stride = 1;
    }
    for (int i = 0; i < SUMS; i++) {
        values[i * CHANNELS] = sums[i].a;
        values[i * CHANNELS + 1] = sums[i].b;
    }
    weight[0] = weight[forward ? 1 : CHANNELS] = 1;
    for (int i = 0; i < PRODUCTS; i++) {
        values[(SUMS + i) * CHANNELS] = products[i].a;
        weight[forward ? (1 + i) * CHANNELS : 1 + i] = products[i].b; // [O][I]
    }
    compile(&b, on, true);
    put(&b, x, values);
    put(&b, w, weight);
    run(&b, ROUTINE_TRAIN);
    float *made = take(&b, y);
    for (int i = 0; i < SUMS; i++)
        assert_value(forward ? "convolution, sum" : "input gradient, sum", made[i * CHANNELS],
                     sums[i].result);
    for (int i = 0; i < PRODUCTS; i++)
        assert_value(forward ? "convolution, product" : "input gradient, product",
                     made[(SUMS + i) * CHANNELS + 1 + i], products[i].result);
    free(made);
    end(&b);
}

static void test_convolutions(void **state)
{
    (void)state;
    static const char *const names[] = {"direct", "shared", "matrix"};
    bool seen[3] = {false};
    struct conv_tile tile = {.family = CONV_DIRECT};
    for (int number = 0; number == 0 || conv_tile_of((struct vulkan_engine *)engine, number, &tile);
         number++) {
        if (tile.family == CONV_WINOGRAD || seen[tile.family])
            continue;
        struct engine *opened = open_with_tile(number);
        if (is_of(opened, OP_CONV, tile.family) && is_of(opened, OP_CONV_INPUT_GRAD, tile.family)) {
            seen[tile.family] = true;
            check_conv(opened, OP_CONV);
            check_conv(opened, OP_CONV_INPUT_GRAD);
        }
        engine_close(&opened);
    }
    for (int f = 0; f < 3; f++)
        if (!seen[f])
            print_message("skipped: no %s convolutions on this device\n", names[f]);
    assert_true(seen[CONV_DIRECT]);
}

// --- NaN ----------------------------------------------------------------------------------------

enum { ROWS = 4, COLS = 6, SICK = 9 }; // the pixel that is not a number

// Fails unless y [rows * cols][channels] is NaN where `sick` says so of its pixel and nowhere else.
static void check_sick(const char *what, bool joined, const float *y, int pixels, int channels,
                       bool (*sick)(int pixel))
{
    for (int i = 0; i < pixels * channels; i++)
        if (isnan(y[i]) != sick(i / channels))
            fail_msg("%s%s: %g at pixel %d, channel %d", joined ? "joined " : "", what,
                     (double)y[i], i / channels, i % channels);
}

static bool is_sick(int pixel)
{
    return pixel == SICK;
}

static bool is_pooled_sick(int pixel) // 3 x 3 around every second one
{
    const int row = pixel / (COLS / 2) * 2, col = pixel % (COLS / 2) * 2;
    return abs(row - SICK / COLS) <= 1 && abs(col - SICK % COLS) <= 1;
}

static bool is_all(int pixel)
{
    (void)pixel;
    return true;
}

static bool is_none(int pixel)
{
    (void)pixel;
    return false;
}

// A convolution, batch norm with and without an addition, each with a ReLU behind it, and a pool of
// the last; joined by the engine where that can be.
static void check_nan(enum routine routine, bool joined)
{
    struct bench b;
    float values[ROWS * COLS * 4];
    begin(&b);
    struct graph *g = b.graph;
    g->routine = routine;
    const int x = graph_activation(g, "x", ROWS, COLS, 4),
              conv = graph_relu(g, graph_conv(g, "conv", x, 4, 1, 1, true)),
              norm = graph_relu(g, graph_batch_norm(g, "bn", x)),
              more = graph_relu(g, graph_add(g, graph_batch_norm(g, "bn2", x), x)),
              alone = graph_relu(g, x), pooled = graph_max_pool(g, alone, 3, 2);
    for (int t = 0; t < g->tensor_count; t++)
        g->tensors[t].output |= t == conv || t == norm || t == more || t == pooled || t == alone;
    compile(&b, engine, !joined);
    put_named(&b, "conv.weight", 0.5f);
    put_named(&b, "conv.bias", 0.25f);
    for (int i = 1; i < 3; i++) {
        put_named(&b, i == 1 ? "bn.weight" : "bn2.weight", 2);
        put_named(&b, i == 1 ? "bn.running_var" : "bn2.running_var", 1);
    }
    const bool train = routine == ROUTINE_TRAIN;
    for (int sick = 0; sick < 2; sick++) {
        for (int i = 0; i < ROWS * COLS * 4; i++)
            values[i] = (float)(i * 13 % 7 - 3);
        for (int i = 0; i < 4 && sick; i++)
            values[SICK * 4 + i] = i % 2 ? NAN : -NAN;
        put(&b, x, values);
        run(&b, routine);
        float *made[] = {take(&b, conv), take(&b, norm), take(&b, more), take(&b, alone),
                         take(&b, pooled)};
        bool (*const one)(int) = sick ? is_sick : is_none;
        bool (*const normal)(int) = sick && train ? is_all : one;
        check_sick("convolution and ReLU", joined, made[0], ROWS * COLS, 4, one);
        check_sick("batch norm and ReLU", joined, made[1], ROWS * COLS, 4, normal);
        check_sick("batch norm, addition and ReLU", joined, made[2], ROWS * COLS, 4, normal);
        check_sick("ReLU", joined, made[3], ROWS * COLS, 4, one);
        check_sick("max-pool", joined, made[4], ROWS * COLS / 4, 4,
                   sick ? is_pooled_sick : is_none);
        for (int i = 0; i < 5; i++)
            free(made[i]);
    }
    end(&b);
}

static void test_nan(void **state)
{
    (void)state;
    for (int joined = 0; joined < 2; joined++) {
        check_nan(ROUTINE_TRAIN, joined);
        check_nan(ROUTINE_EVALUATE, joined);
    }
}

//     rounding_test [mixed]
int main(int argc, char **argv)
{
    precision = argc > 1 && !strcmp(argv[1], "mixed") ? PRECISION_MIXED : PRECISION_FP32;
    engine = open_test_device_for(precision);
    if (!engine)
        return SKIPPED;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nan),          cmocka_unit_test(test_gathered),
        cmocka_unit_test(test_added),        cmocka_unit_test(test_scaled),
        cmocka_unit_test(test_convolutions),
    };
    const struct CMUnitTest few[] = {cmocka_unit_test(test_nan)};
    const bool rounds = precision == PRECISION_MIXED && engine_device(engine)->half == HALF_FLOAT16;
    const int failed = rounds ? cmocka_run_group_tests_name("rounding", tests, NULL, NULL)
                              : cmocka_run_group_tests_name("NaN", few, NULL, NULL);
    engine_close(&engine);
    return failed;
}
