// SPDX-License-Identifier: MIT
// Joined ops against the same ops one by one, on small networks of odd sizes and on the whole one;
// and what must not be joined.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "engine/fuse.h"
#include "engine/vulkan/internal.h"
#include "hash_weights.h"
#include "test_device.h"
#include "vkgrid/memory.h"
#include "vkgrid/unet.h"

#include <stdlib.h>

enum { SKIPPED = 77, BATCH = 2, COUNT = 4 };

static int count_kind(const struct graph *graph, enum routine routine, int kind)
{
    int count = 0;
    for (int i = 0; i < graph->routines[routine].count; i++)
        count += (int)graph->routines[routine].ops[i].kind == kind;
    return count;
}

static struct graph *training_graph(struct unet_tensors *tensors)
{
    const struct unet_shape shape = {.base_model = RESNET18,
                                     .features = 3,
                                     .labels = 2,
                                     .rows = 64,
                                     .cols = 64,
                                     .count = COUNT,
                                     .training_count = BATCH,
                                     .batch_size = BATCH};
    return unet_training_graph(&shape, tensors);
}

// ResNet-18: 20 batch norms, of which the 3 of the strided blocks' second convolutions are added to
// and not joined; 12 convolutions with a ReLU, five of them read through a concatenation.
static void test_what_is_joined(void **state)
{
    static const struct {
        int kind, count;
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
    struct graph *graph = training_graph(&tensors), *fused = graph_fused(graph);
    (void)state;
    for (size_t i = 0; i < sizeof train / sizeof train[0]; i++)
        if (count_kind(fused, ROUTINE_TRAIN, train[i].kind) != train[i].count)
            fail_msg("kind %d: %d times, not %d", train[i].kind,
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

struct results {
    float *values;
    size_t count;
};

// Appends a tensor of all slots, for a batch of n.
static void read_tensor(struct program *program, const struct graph *graph, int t, int slots, int n,
                        struct results *results)
{
    const struct tensor *tensor = &graph->tensors[t];
    const size_t size = tensor->count * (tensor->per_sample ? (size_t)n : 1);
    results->values =
        mem_grow(results->values, results->count + (size_t)slots * size, sizeof(float));
    for (int slot = 0; slot < slots; slot++, results->count += size)
        assert_true(program_read(program, t, slot, 0, size, results->values + results->count));
}

// Appends state, gradients and tables.
static void read_all(struct program *program, const struct graph *graph, int slots,
                     struct results *results)
{
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (tensor->block == BLOCK_STATE || tensor->block == BLOCK_GRADIENT ||
            (tensor->block == BLOCK_TABLE && tensor->element == ELEMENT_FLOAT))
            read_tensor(program, graph, t, slots, 1, results);
    }
}

static void write_state(struct program *program, const struct graph *graph, int slots)
{
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        float *values = mem_zalloc(tensor->count, sizeof *values);
        for (int slot = 0; slot < slots && tensor->block == BLOCK_STATE; slot++) {
            hash_state(tensor, (uint32_t)slot, values);
            assert_true(program_write(program, t, slot, 0, tensor->count, values));
        }
        free(values);
    }
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

// A U-Net of one step down and one up.
struct small_shape {
    int rows, cols, features;
    int outer, inner; // channels: at full size, at half
    bool bias;        // of the convolutions that have a ReLU
    bool turned;      // the upsampled channels come last
    bool straight;    // nothing is added to the second batch norm
    int slots, batch, n;
};

struct small_net {
    struct graph *graph;
    int x, gradient; // what goes in at either end
    int y[2];        // what comes out in training and evaluation
};

static int small_forward(struct graph *graph, const struct small_shape *s, int x)
{
    const int a = graph_relu(graph, graph_conv(graph, "a", x, s->outer, 3, 1, s->bias));
    const int skip = graph_relu(graph, graph_conv(graph, "skip", a, s->outer, 1, 1, s->bias));
    const int down = graph_conv(graph, "down", a, s->inner, 3, 2, false);
    const int b = graph_relu(graph, graph_batch_norm(graph, "down.bn", down));
    const int deep = graph_conv(graph, "deep", b, s->inner, 3, 1, false);
    const int norm = graph_batch_norm(graph, "deep.bn", deep);
    const int c = graph_relu(graph, s->straight ? norm : graph_add(graph, norm, b));
    const int up = graph_upsample(graph, c);
    const int wide = s->turned ? graph_concat(graph, skip, up) : graph_concat(graph, up, skip);
    const int y = graph_conv(graph, "last", wide, s->features, 3, 1, true);
    graph->tensors[y].output = true;
    return y;
}

static struct small_net small_create(const struct small_shape *s)
{
    struct small_net net = {.graph = graph_create()};
    net.x = graph_activation(net.graph, "x", s->rows, s->cols, s->features);
    net.gradient = graph_activation(net.graph, "gradient", s->rows, s->cols, s->features);
    net.graph->routine = ROUTINE_TRAIN;
    net.y[0] = small_forward(net.graph, s, net.x);
    graph_differentiate(net.graph, net.y[0], net.gradient);
    net.graph->routine = ROUTINE_EVALUATE;
    net.y[1] = small_forward(net.graph, s, net.x);
    return net;
}

static struct results run_small(struct engine *engine, const struct small_net *net,
                                const struct small_shape *s, enum precision precision, bool inspect)
{
    const struct program_options options = {
        .slots = s->slots, .batch = s->batch, .inspect = inspect, .precision = precision};
    const int ends[] = {net->x, net->gradient};
    const size_t size = (size_t)s->batch * net->graph->tensors[net->x].count;
    float *values = mem_zalloc(size, sizeof *values);
    struct results results = {0};
    struct program *program;
    assert_true(program_create(engine, net->graph, &options, &program));
    write_state(program, net->graph, s->slots);
    for (int end = 0; end < 2; end++)
        for (int slot = 0; slot < s->slots; slot++) {
            hash_inputs((uint32_t)(2 * slot + end), size, values);
            for (size_t i = 0; i < size; i++)
                values[i] -= 0.5f;
            assert_true(program_write(program, ends[end], slot, 0, size, values));
        }
    assert_true(program_run(program, ROUTINE_TRAIN, s->batch));
    assert_true(program_run(program, ROUTINE_TRAIN, s->n));
    read_tensor(program, net->graph, net->y[0], s->slots, s->n, &results);
    read_all(program, net->graph, s->slots, &results);
    assert_true(program_run(program, ROUTINE_EVALUATE, s->n));
    read_tensor(program, net->graph, net->y[1], s->slots, s->n, &results);
    assert_true(!inspect || program_check_guards(program));
    program_destroy(&program);
    free(values);
    return results;
}

static void check_small(struct engine *engine, const struct small_shape *shape,
                        enum precision precision)
{
    struct small_net net = small_create(shape);
    assert_same(run_small(engine, &net, shape, precision, true),
                run_small(engine, &net, shape, precision, false));
    graph_destroy(&net.graph);
}

// Channels that are multiples of four and not, more pixels than one chunk of a sum, batches that
// are full and not, several slots.
static const struct small_shape small_shapes[] = {
    // rows, cols, features, outer, inner, bias, turned, straight, slots, batch, n
    {10, 14, 3, 5, 7, true, false, false, 3, 3, 2},
    {18, 26, 4, 8, 12, true, false, false, 2, 3, 3},
    {34, 22, 7, 4, 6, true, true, false, 1, 2, 1},
    {6, 10, 1, 3, 4, false, false, true, 2, 2, 2},
    {22, 26, 2, 36, 40, false, true, true, 1, 1, 1},
    {2, 2, 3, 68, 9, true, false, false, 5, 6, 5},
};

static void test_small(void **state)
{
    for (size_t i = 0; i < sizeof small_shapes / sizeof small_shapes[0]; i++)
        check_small(*state, &small_shapes[i], PRECISION_FP32);
}

static void test_small_has_all(void **state)
{
    bool seen[FUSED_KIND_COUNT] = {false};
    (void)state;
    for (size_t i = 0; i < sizeof small_shapes / sizeof small_shapes[0]; i++) {
        struct small_net net = small_create(&small_shapes[i]);
        struct graph *fused = graph_fused(net.graph);
        for (int r = 0; r < ROUTINE_COUNT; r++)
            for (int o = 0; o < fused->routines[r].count; o++)
                seen[fused->routines[r].ops[o].kind] = true;
        graph_destroy(&fused);
        graph_destroy(&net.graph);
    }
    for (int kind = OP_KIND_COUNT; kind < FUSED_KIND_COUNT; kind++)
        if (!seen[kind])
            fail_msg("fused kind %d is not tested", kind);
}

// In mixed precision only the sum before a ReLU is not rounded where it is joined: left out here.
static void test_mixed(void **state)
{
    if (engine_device(*state)->half == HALF_NONE)
        skip();
    for (size_t i = 0; i < sizeof small_shapes / sizeof small_shapes[0]; i++)
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

// The state, the gradients and the metrics after a step of training and one of evaluation.
static struct results run_steps(struct engine *engine, const struct graph *graph,
                                const struct unet_tensors *at, bool inspect)
{
    static const uint32_t order[COUNT] = {0, 1, 2, 3}, start[2] = {0, 0};
    static const float lr = 0.01f, bce_weight = 0.5f;
    const struct program_options options = {.slots = 1, .batch = BATCH, .inspect = inspect};
    const size_t inputs = graph->tensors[at->inputs].count,
                 targets = graph->tensors[at->targets].count;
    float *values = mem_zalloc(inputs + targets, sizeof *values);
    struct results results = {0};
    struct program *program;
    assert_true(program_create(engine, graph, &options, &program));
    write_state(program, graph, 1);
    hash_inputs(0, inputs, values);
    hash_targets(0, targets, values + inputs);
    assert_true(program_write(program, at->inputs, 0, 0, inputs, values));
    assert_true(program_write(program, at->targets, 0, 0, targets, values + inputs));
    free(values);
    assert_true(program_write(program, at->training_order, 0, 0, BATCH, order));
    assert_true(program_write(program, at->validation_order, 0, 0, BATCH, order + BATCH));
    assert_true(program_write(program, at->lr, 0, 0, 1, &lr));
    assert_true(program_write(program, at->bce_weight, 0, 0, 1, &bce_weight));
    for (int n = 1; n <= BATCH; n++) {
        assert_true(program_write(program, at->position, 0, 0, 2, start));
        assert_true(program_run(program, ROUTINE_TRAIN, BATCH));
        assert_true(program_write(program, at->position, 0, 0, 2, start));
        assert_true(program_run(program, ROUTINE_EVALUATE, n));
    }
    read_all(program, graph, 1, &results);
    program_destroy(&program);
    return results;
}

static void test_network(void **state)
{
    struct unet_tensors at;
    struct graph *graph = training_graph(&at);
    assert_same(run_steps(*state, graph, &at, true), run_steps(*state, graph, &at, false));
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
