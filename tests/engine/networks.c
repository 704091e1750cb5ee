// SPDX-License-Identifier: MIT
#include "tests/engine/networks.h"

#include "tests/hash_weights.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

// Appends a tensor of all slots, for a batch of n.
static bool read_tensor(struct program *program, const struct graph *graph, int t, int slots, int n,
                        struct results *results)
{
    const struct tensor *tensor = &graph->tensors[t];
    const size_t size = tensor->count * (tensor->per_sample ? (size_t)n : 1);
    results->values =
        mem_grow(results->values, results->count + (size_t)slots * size, sizeof(float));
    for (int slot = 0; slot < slots; slot++, results->count += size)
        if (!program_read(program, t, slot, 0, size, results->values + results->count))
            return false;
    return true;
}

// Appends state, gradients and tables.
static bool read_all(struct program *program, const struct graph *graph, int slots,
                     struct results *results)
{
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if ((tensor->block == BLOCK_STATE || tensor->block == BLOCK_GRADIENT ||
             (tensor->block == BLOCK_TABLE && tensor->element == ELEMENT_FLOAT)) &&
            !read_tensor(program, graph, t, slots, 1, results))
            return false;
    }
    return true;
}

static bool write_state(struct program *program, const struct graph *graph, int slots)
{
    bool done = true;
    for (int t = 0; t < graph->tensor_count && done; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        float *values = mem_zalloc(tensor->count, sizeof *values);
        for (int slot = 0; slot < slots && tensor->block == BLOCK_STATE && done; slot++) {
            hash_state(tensor, (uint32_t)slot, values);
            done = program_write(program, t, slot, 0, tensor->count, values);
        }
        free(values);
    }
    return done;
}

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

struct small_net small_create(const struct small_shape *s)
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

// The ends of the network: what goes in, and the gradient of what comes out.
static bool write_ends(struct program *program, const struct small_net *net,
                       const struct small_shape *s)
{
    const int ends[] = {net->x, net->gradient};
    const size_t size = (size_t)s->batch * net->graph->tensors[net->x].count;
    float *values = mem_zalloc(size, sizeof *values);
    bool done = true;
    for (int end = 0; end < 2; end++)
        for (int slot = 0; slot < s->slots && done; slot++) {
            hash_inputs((uint32_t)(2 * slot + end), size, values);
            for (size_t i = 0; i < size; i++)
                values[i] -= 0.5f;
            done = program_write(program, ends[end], slot, 0, size, values);
        }
    free(values);
    return done;
}

bool small_run(struct engine *engine, const struct small_net *net, const struct small_shape *shape,
               enum precision precision, bool inspect, struct results *results)
{
    const struct program_options options = {
        .slots = shape->slots, .batch = shape->batch, .inspect = inspect, .precision = precision};
    const struct graph *graph = net->graph;
    const int slots = shape->slots, n = shape->n;
    struct program *program = NULL;
    bool done = false;
    CHECK(program_create(engine, graph, &options, &program));
    CHECK(write_state(program, graph, slots));
    CHECK(write_ends(program, net, shape));
    CHECK(program_run(program, ROUTINE_TRAIN, shape->batch));
    CHECK(program_run(program, ROUTINE_TRAIN, n));
    CHECK(read_tensor(program, graph, net->y[0], slots, n, results));
    CHECK(read_all(program, graph, slots, results));
    CHECK(program_run(program, ROUTINE_EVALUATE, n));
    CHECK(read_tensor(program, graph, net->y[1], slots, n, results));
    CHECK(!inspect || program_check_guards(program));
    done = true;
error:
    program_destroy(&program);
    return done;
}

const struct small_shape small_shapes[SMALL_SHAPES] = {
    // rows, cols, features, outer, inner, bias, turned, straight, slots, batch, n
    {10, 14, 3, 5, 7, true, false, false, 3, 3, 2},
    {18, 26, 4, 8, 12, true, false, false, 2, 3, 3},
    {34, 22, 7, 4, 6, true, true, false, 1, 2, 1},
    {6, 10, 1, 3, 4, false, false, true, 2, 2, 2},
    {22, 26, 2, 36, 40, false, true, true, 1, 1, 1},
    {2, 2, 3, 68, 9, true, false, false, 5, 6, 5},
};

struct graph *step_graph(int size, struct unet_tensors *tensors)
{
    const struct unet_shape shape = {.base_model = RESNET18,
                                     .features = 3,
                                     .labels = 2,
                                     .rows = size,
                                     .cols = size,
                                     .count = STEP_COUNT,
                                     .training_count = STEP_BATCH,
                                     .batch_size = STEP_BATCH};
    return unet_training_graph(&shape, tensors);
}

static bool write_samples(struct program *program, const struct graph *graph,
                          const struct unet_tensors *at)
{
    const size_t inputs = graph->tensors[at->inputs].count,
                 targets = graph->tensors[at->targets].count;
    float *values = mem_zalloc(inputs + targets, sizeof *values);
    hash_inputs(0, inputs, values);
    hash_targets(0, targets, values + inputs);
    const bool done = program_write(program, at->inputs, 0, 0, inputs, values) &&
                      program_write(program, at->targets, 0, 0, targets, values + inputs);
    free(values);
    return done;
}

static bool write_tables(struct program *program, const struct unet_tensors *at, int slot)
{
    static const uint32_t order[STEP_COUNT] = {0, 1, 2, 3};
    const float lr = 0.01f / (float)(1 + slot), bce_weight = 0.5f, scale[3] = {1024, 0, 0};
    return program_write(program, at->training_order, slot, 0, STEP_BATCH, order) &&
           program_write(program, at->validation_order, slot, 0, STEP_BATCH, order + STEP_BATCH) &&
           program_write(program, at->lr, slot, 0, 1, &lr) &&
           program_write(program, at->bce_weight, slot, 0, 1, &bce_weight) &&
           program_write(program, at->loss_scale, slot, 0, 3, scale);
}

bool step_run(struct engine *engine, const struct graph *graph, const struct unet_tensors *at,
              const struct program_options *options, struct results *results)
{
    static const uint32_t start[2] = {0, 0};
    struct program *program = NULL;
    bool done = false;
    CHECK(program_create(engine, graph, options, &program));
    CHECK(write_state(program, graph, options->slots));
    CHECK(write_samples(program, graph, at));
    for (int slot = 0; slot < options->slots; slot++)
        CHECK(write_tables(program, at, slot));
    for (int n = 1; n <= STEP_BATCH; n++) {
        CHECK(program_write(program, at->position, 0, 0, 2, start));
        CHECK(program_run(program, ROUTINE_TRAIN, STEP_BATCH));
        CHECK(program_write(program, at->position, 0, 0, 2, start));
        CHECK(program_run(program, ROUTINE_EVALUATE, n));
    }
    CHECK(read_all(program, graph, options->slots, results));
    done = true;
error:
    program_destroy(&program);
    return done;
}
