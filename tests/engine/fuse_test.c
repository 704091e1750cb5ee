// SPDX-License-Identifier: MIT
// Joined ops against the same ops one by one, on small networks of odd sizes and on the whole one;
// and what must not be joined.
#include "tests/test.h"
#include "engine/fuse.h"
#include "engine/vulkan/tiles.h"
#include "tests/engine/networks.h"
#include "tests/test_device.h"

#include <stdlib.h>

static int count_kind(const struct graph *graph, enum routine routine, enum op_kind kind)
{
    int count = 0;
    for (int i = 0; i < graph->routines[routine].count; i++)
        count += graph->routines[routine].ops[i].kind == kind;
    return count;
}

// ResNet-18: 20 batch norms, of which the 3 of the strided blocks' second convolutions are added to
// and not joined; 12 convolutions with a ReLU, five of them read through a concatenation.
static void test_what_is_joined(void **state)
{
    static const struct {
        enum op_kind kind;
        int count;
    } train[] = {
        {FUSED_CONV_RELU, 12},
        {OP_CONV, 21},
        {FUSED_BATCH_NORM_RELU, 17},
        {OP_BATCH_NORM, 3},
        {FUSED_UPSAMPLE_CONCAT, 5},
        {OP_UPSAMPLE, 0},
        {FUSED_UPSAMPLE_GRAD, 5},
        {OP_UPSAMPLE_GRAD, 0},
        {FUSED_RELU_GRAD, 12},
        {FUSED_BATCH_NORM_RELU_GRAD, 9},
        {OP_SLICE, 0},
        {OP_CONCAT, 0},
        {OP_RELU, 0},
        {OP_CONV_BIAS_GRAD, 1},
    };
    struct unet_tensors tensors;
    struct graph *graph = step_graph(64, &tensors), *fused = graph_fused(graph);
    (void)state;
    for (size_t i = 0; i < sizeof train / sizeof train[0]; i++)
        if (count_kind(fused, ROUTINE_TRAIN, train[i].kind) != train[i].count)
            fail_msg("%s: %d times, not %d", op_name(train[i].kind),
                     count_kind(fused, ROUTINE_TRAIN, train[i].kind), train[i].count);
    assert_int_equal(count_kind(fused, ROUTINE_EVALUATE, FUSED_BATCH_NORM_EVAL_RELU), 17);
    assert_int_equal(fused->tensor_count, graph->tensor_count);
    graph_destroy(&fused);
    graph_destroy(&graph);
}

// A tensor that is an output, or that a second op reads, is made.
static void test_what_is_not(void **state)
{
    struct graph *graph = graph_create();
    const int x = graph_activation(graph, "x", 4, 4, 3);
    const int read_twice = graph_conv(graph, "a", x, 3, 1, 1, true);
    const int a = graph_relu(graph, read_twice);
    graph_add(graph, a, read_twice);
    const int output = graph_conv(graph, "b", x, 3, 1, 1, true);
    graph->tensors[output].output = true;
    graph_relu(graph, output);
    // Its shortcut is made too late to be added where the batch norm stands.
    const int norm = graph_batch_norm(graph, "c", x);
    graph_relu(graph, graph_add(graph, norm, graph_relu(graph, a)));
    (void)state;

    struct graph *fused = graph_fused(graph);
    assert_int_equal(fused->routines[0].count, graph->routines[0].count);
    for (int t = 0; t < graph->tensor_count; t++)
        assert_int_equal(fused->tensors[t].count, graph->tensors[t].count);
    graph_destroy(&fused);
    graph_destroy(&graph);
}

// No bit differs.
static void assert_same(struct results alone, struct results joined)
{
    assert_int_equal(alone.count, joined.count);
    for (size_t i = 0; i < alone.count; i++)
        if (memcmp(&alone.values[i], &joined.values[i], sizeof(float)))
            fail_msg("number %zu of %zu: %.9g joined, %.9g alone", i, alone.count,
                     (double)joined.values[i], (double)alone.values[i]);
    free(alone.values);
    free(joined.values);
}

static void check_small(struct engine *engine, const struct small_shape *shape,
                        enum precision precision)
{
    struct small_net net = small_create(shape);
    struct results alone = {0}, joined = {0};
    assert_true(small_run(engine, &net, shape, precision, true, &alone));
    assert_true(small_run(engine, &net, shape, precision, false, &joined));
    assert_same(alone, joined);
    graph_destroy(&net.graph);
}

static void test_small(void **state)
{
    for (int i = 0; i < SMALL_SHAPES; i++)
        check_small(*state, &small_shapes[i], PRECISION_FP32);
}

static void test_small_has_all(void **state)
{
    bool seen[OP_KINDS] = {false};
    (void)state;
    for (int i = 0; i < SMALL_SHAPES; i++) {
        struct small_net net = small_create(&small_shapes[i]);
        struct graph *fused = graph_fused(net.graph);
        for (int r = 0; r < ROUTINE_COUNT; r++)
            for (int o = 0; o < fused->routines[r].count; o++)
                seen[fused->routines[r].ops[o].kind] = true;
        graph_destroy(&fused);
        graph_destroy(&net.graph);
    }
    for (int kind = OP_GRAPH_KINDS; kind < OP_KINDS; kind++)
        if (!seen[kind] || fused_main((enum op_kind)kind) == OP_GATHER)
            fail_msg("%s is not tested, or has no main kind", op_name((enum op_kind)kind));
}

// In mixed precision only the sum before a ReLU is not rounded where it is joined: left out here.
static void test_mixed(void **state)
{
    if (engine_device(*state)->half == HALF_NONE)
        skip();
    for (int i = 0; i < SMALL_SHAPES; i++)
        if (small_shapes[i].straight)
            check_small(*state, &small_shapes[i], PRECISION_MIXED);
}

// What a convolution does behind its sum is written for each family of its kernels: one tile of
// each.
static void test_tiles(void **state)
{
    static const struct small_shape shape = {10, 14, 8, 16, 24, true, false, true, 2, 2, 2};
    bool done[CONV_FAMILIES] = {[CONV_DIRECT] = true};
    struct conv_tile tile;
    if (engine_device(*state)->kind == DEVICE_CPU)
        skip();
    for (int i = 1; conv_tile_of(*state, i, &tile); i++) {
        if (done[tile.family])
            continue;
        done[tile.family] = true;
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        setenv("VKGRID_TILE", text, true);
        struct engine *engine = open_test_device();
        unsetenv("VKGRID_TILE");
        check_small(engine, &shape, PRECISION_FP32);
        if (engine_device(engine)->half != HALF_NONE)
            check_small(engine, &shape, PRECISION_MIXED);
        engine_close(&engine);
    }
}

static void test_network(void **state)
{
    struct unet_tensors at;
    struct program_options options = {.slots = 1, .batch = STEP_BATCH, .inspect = true};
    struct graph *graph = step_graph(64, &at);
    struct results alone = {0}, joined = {0};
    assert_true(step_run(*state, graph, &at, &options, &alone));
    options.inspect = false;
    assert_true(step_run(*state, graph, &at, &options, &joined));
    assert_same(alone, joined);
    graph_destroy(&graph);
}

int main(void)
{
    struct engine *engine = open_test_device();
    if (!engine)
        return SKIPPED;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_joined),
        cmocka_unit_test(test_what_is_not),
        cmocka_unit_test(test_small_has_all),
        cmocka_unit_test_prestate(test_small, engine),
        cmocka_unit_test_prestate(test_mixed, engine),
        cmocka_unit_test_prestate(test_tiles, engine),
        cmocka_unit_test_prestate(test_network, engine),
    };
    const int failed = cmocka_run_group_tests_name("fuse", tests, NULL, NULL);
    engine_close(&engine);
    return failed;
}
