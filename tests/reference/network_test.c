// SPDX-License-Identifier: MIT
// graph_differentiate() as a whole: a tiny network with every op kind that has a derivative, a skip
// and a residual, run by the reference engine; every parameter's gradient against central
// differences of the loss.
#include "tests/test.h"
#include "tests/reference/reference.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/random.h"

#include <math.h>

enum { BATCH = 2, SLOTS = 2, ROWS = 8, COLS = 12, FEATURES = 2, LABELS = 2, TARGETS = 4 };

struct network {
    struct graph *graph;
    int inputs, targets, order, position, bce_weight, metrics;
    struct engine *engine;
    struct program *program;
};

static int build_forward(struct graph *g, int x)
{
    const int wide = graph_relu(g, graph_conv(g, "wide", x, 3, 3, 1, true));
    const int half =
        graph_relu(g, graph_batch_norm(g, "norm0", graph_conv(g, "half", wide, 4, 7, 2, false)));
    const int pooled = graph_max_pool(g, half, 3, 2);
    const int inner = graph_batch_norm(g, "norm1", graph_conv(g, "inner", pooled, 4, 3, 1, false));
    const int shortcut = graph_conv(g, "shortcut", half, 4, 1, 2, false);
    const int block = graph_relu(g, graph_add(g, graph_add(g, inner, pooled), shortcut));
    const int up = graph_upsample(g, block);
    const int joined = graph_concat(g, up, graph_conv(g, "skip", half, 2, 1, 1, true));
    const int up_again = graph_upsample(g, graph_conv(g, "join", joined, 3, 3, 1, true));
    return graph_conv(g, "last", graph_concat(g, up_again, wide), LABELS, 1, 1, true);
}

static void build(struct network *net)
{
    struct graph *g = net->graph = graph_create();
    g->routine = ROUTINE_TRAIN;
    net->inputs = graph_data(g, "inputs", TARGETS, ROWS, COLS, FEATURES);
    net->targets = graph_data(g, "targets", TARGETS, ROWS, COLS, LABELS);
    net->order = graph_table(g, "order", ELEMENT_UINT, 1, (int[]){TARGETS});
    net->position = graph_shared(g, "position", ELEMENT_UINT, 2);
    net->bce_weight = graph_table(g, "bce_weight", ELEMENT_FLOAT, 1, (int[]){1});
    net->metrics = graph_table(g, "metrics", ELEMENT_FLOAT, 2, (int[]){1, 3});
    const int x = graph_gather(g, net->inputs, net->order, net->position);
    const int t = graph_gather(g, net->targets, net->order, net->position);
    const int logits = build_forward(g, x);
    const int dz =
        graph_loss(g, logits, t, net->bce_weight, net->position, net->metrics, NO_TENSOR);
    graph_differentiate(g, logits, dz);
}

static void fill(struct network *net)
{
    struct random random = random_stream(7, 0, 0, 0);
    const struct graph *g = net->graph;
    for (int slot = 0; slot < SLOTS; slot++) {
        for (int t = 0; t < g->tensor_count; t++)
            for (size_t i = 0; g->tensors[t].parameter && i < g->tensors[t].count; i++)
                reference_values(net->program, t, slot)[i] = 0.4 * random_normal(&random);
        const uint32_t order[TARGETS] = {2, 0, 3, 1};
        assert_true(program_write(net->program, net->order, slot, 0, TARGETS, order));
        reference_values(net->program, net->bce_weight, slot)[0] = 0.3 + 0.4 * slot;
    }
    for (size_t i = 0; i < g->tensors[net->inputs].count; i++)
        reference_values(net->program, net->inputs, 0)[i] = random_normal(&random);
    for (size_t i = 0; i < g->tensors[net->targets].count; i++)
        reference_values(net->program, net->targets, 0)[i] = random_uniform(&random);
}

static double loss(const struct network *net, int slot)
{
    assert_true(program_run(net->program, ROUTINE_TRAIN, BATCH));
    return reference_values(net->program, net->metrics, slot)[2];
}

// With h = 1e-6 truncation is far below rounding, which is 1e-16 / h = 1e-10. No value lies within
// h of a kink: the sharper bound would fail.
static void check_parameter(const struct network *net, int parameter, int slot)
{
    const struct tensor *tensor = &net->graph->tensors[parameter];
    const double step = 1e-6, tolerance = 1e-8;
    assert_int_not_equal(tensor->gradient, NO_TENSOR);
    double *values = reference_values(net->program, parameter, slot);
    for (size_t i = 0; i < tensor->count; i++) {
        const double kept = values[i];
        values[i] = kept + step;
        const double above = loss(net, slot);
        values[i] = kept - step;
        const double below = loss(net, slot);
        values[i] = kept;
        loss(net, slot);
        const double gradient = reference_values(net->program, tensor->gradient, slot)[i];
        const double difference = (above - below) / (2 * step);
        if (!(fabs(gradient - difference) <= tolerance))
            fail_msg("%s[%zu]: %.12g, central difference %.12g", tensor->name, i, gradient,
                     difference);
    }
}

static void test_differentiate(void **state)
{
    (void)state;
    struct network net = {.engine = reference_engine()};
    build(&net);
    const struct program_options options = {.slots = SLOTS, .batch = BATCH};
    assert_true(program_create(net.engine, net.graph, &options, &net.program));
    fill(&net);
    int parameters = 0;
    for (int t = 0; t < net.graph->tensor_count; t++)
        if (net.graph->tensors[t].parameter) {
            check_parameter(&net, t, 1);
            parameters++;
        }
    assert_int_equal(parameters, 15);
    program_destroy(&net.program);
    engine_close(&net.engine);
    graph_destroy(&net.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_differentiate)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
