// SPDX-License-Identifier: MIT
// Joined ops against the same ops one by one, on the whole network; and what must not be joined.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "engine/cpu/fuse.h"
#include "hash_weights.h"
#include "vkgrid/engine.h"
#include "vkgrid/memory.h"
#include "vkgrid/unet.h"

#include <stdlib.h>

enum { BATCH = 2, COUNT = 4 };

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

// The state, the gradients and the metrics after a step of training and one of evaluation.
static float *run_steps(struct engine *engine, const struct graph *graph,
                        const struct unet_tensors *at, bool inspect, size_t *count)
{
    static const uint32_t order[COUNT] = {0, 1, 2, 3}, start[2] = {0, 0};
    static const float lr = 0.01f, bce_weight = 0.5f;
    const struct program_options options = {.slots = 1, .batch = BATCH, .inspect = inspect};
    struct program *program;
    float *results = NULL;
    assert_true(program_create(engine, graph, &options, &program));
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        float *values = mem_zalloc(tensor->count, sizeof *values);
        if (tensor->block == BLOCK_STATE)
            hash_state(tensor, 0, values);
        else if (t == at->inputs)
            hash_inputs(0, tensor->count, values);
        else if (t == at->targets)
            hash_targets(0, tensor->count, values);
        if (tensor->block == BLOCK_STATE || tensor->block == BLOCK_DATA)
            assert_true(program_write(program, t, 0, 0, tensor->count, values));
        free(values);
    }
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
    *count = 0;
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (tensor->block != BLOCK_STATE && tensor->block != BLOCK_GRADIENT &&
            t != at->training_metrics && t != at->validation_metrics)
            continue;
        results = mem_grow(results, *count + tensor->count, sizeof *results);
        assert_true(program_read(program, t, 0, 0, tensor->count, results + *count));
        *count += tensor->count;
    }
    program_destroy(&program);
    return results;
}

// The same kernels on the same numbers: no bit differs.
static void test_same_numbers(void **state)
{
    struct unet_tensors at;
    struct graph *graph = training_graph(&at);
    struct engine *engine = NULL;
    char reason[512];
    int device;
    size_t count;
    (void)state;
    assert_true(device_choose("cpu", &device, reason, sizeof reason));
    assert_true(engine_open(device, &engine));
    float *alone = run_steps(engine, graph, &at, true, &count);
    float *joined = run_steps(engine, graph, &at, false, &count);
    for (size_t i = 0; i < count; i++)
        if (memcmp(&alone[i], &joined[i], sizeof alone[i]))
            fail_msg("number %zu of %zu: %.9g joined, %.9g alone", i, count, (double)joined[i],
                     (double)alone[i]);
    free(alone);
    free(joined);
    engine_close(&engine);
    graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_joined),
        cmocka_unit_test(test_what_is_not),
        cmocka_unit_test(test_same_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
