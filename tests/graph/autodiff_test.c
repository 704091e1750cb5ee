// SPDX-License-Identifier: MIT
// The ops that graph_differentiate appends. That they compute the gradient is shown where an engine
// runs them.
#include "tests/test.h"
#include "vkgrid/graph/graph.h"

static const struct op *train_op(const struct graph *graph, int i)
{
    assert_in_range(i, 0, graph->routines[ROUTINE_TRAIN].count - 1);
    return &graph->routines[ROUTINE_TRAIN].ops[i];
}

static int train_count(const struct graph *graph)
{
    return graph->routines[ROUTINE_TRAIN].count;
}

static void assert_kinds(const struct graph *graph, int first, const enum op_kind *kinds, int count)
{
    assert_int_equal(train_count(graph), first + count);
    for (int i = 0; i < count; i++)
        assert_string_equal(op_name(train_op(graph, first + i)->kind), op_name(kinds[i]));
}

static int gradient_of(struct graph *graph, int tensor)
{
    const struct tensor *t = &graph->tensors[tensor];
    return graph_activation(graph, "dy", t->rows, t->cols, t->channels);
}

// samples -> conv -> batch norm -> relu -> pool -> upsample -> conv
static void test_chain(void **state)
{
    (void)state;
    struct graph *g = graph_create();
    const int x = graph_activation(g, "x", 8, 8, 2);
    const int a = graph_conv(g, "a", x, 4, 3, 1, false);
    const int pooled = graph_max_pool(g, graph_relu(g, graph_batch_norm(g, "n", a)), 3, 2);
    const int y = graph_conv(g, "b", graph_upsample(g, pooled), 3, 1, 1, true);
    const int forward = train_count(g), dy = gradient_of(g, y);
    graph_differentiate(g, y, dy);

    const enum op_kind kinds[] = {
        OP_CONV_WEIGHT_GRAD, OP_CONV_BIAS_GRAD, OP_CONV_INPUT_GRAD, OP_UPSAMPLE_GRAD,
        OP_MAX_POOL_GRAD,    OP_RELU_GRAD,      OP_BATCH_NORM_GRAD, OP_CONV_WEIGHT_GRAD,
    };
    assert_kinds(g, forward, kinds, 8);
    assert_int_equal(g->tensors[x].gradient, NO_TENSOR);
    assert_int_equal(g->tensors[y].gradient, dy);
    assert_string_equal(g->tensors[g->tensors[a].gradient].name, "d:a@train");

    const struct op *pool = train_op(g, forward + 4), *norm = train_op(g, forward + 6);
    assert_int_equal(pool->in[0], train_op(g, 3)->out[1]);
    assert_int_equal(pool->kernel, 3);
    assert_int_equal(pool->stride, 2);
    assert_int_equal(norm->in[0], a);
    assert_int_equal(norm->in[3], train_op(g, 1)->out[1]);
    assert_int_equal(norm->in[4], train_op(g, 1)->out[2]);
    assert_int_equal(norm->out[1], g->tensors[graph_find(g, "n.weight")].gradient);
    assert_int_equal(norm->out[2], g->tensors[graph_find(g, "n.bias")].gradient);

    const struct tensor *dweight = &g->tensors[graph_find(g, "d:a.weight")];
    assert_int_equal(dweight->block, BLOCK_GRADIENT);
    assert_false(dweight->parameter);
    assert_memory_equal(dweight->dims, ((int[]){4, 2, 3, 3}), 4 * sizeof(int));
    graph_destroy(&g);
}

// The gradients of the users are added, that of the last user first; a sum's own inputs share its
// gradient.
static void test_several_users(void **state)
{
    (void)state;
    struct graph *g = graph_create();
    const int x = graph_activation(g, "x", 4, 4, 2);
    const int a = graph_conv(g, "a", x, 2, 1, 1, false);
    const int b = graph_relu(g, a);
    const int c = graph_upsample(g, a);
    const int d = graph_upsample(g, graph_add(g, a, b));
    const int y = graph_add(g, c, d);
    const int forward = train_count(g), dy = gradient_of(g, y);
    graph_differentiate(g, y, dy);

    const enum op_kind kinds[] = {OP_UPSAMPLE_GRAD, OP_UPSAMPLE_GRAD, OP_ADD,
                                  OP_RELU_GRAD,     OP_ADD,           OP_CONV_WEIGHT_GRAD};
    assert_kinds(g, forward, kinds, 6);
    assert_int_equal(g->tensors[c].gradient, dy);
    assert_int_equal(g->tensors[d].gradient, dy);
    const int of_sum = train_op(g, forward)->out[0];
    const struct op *first = train_op(g, forward + 2), *second = train_op(g, forward + 4);
    assert_int_equal(first->in[0], of_sum); // through a + b
    assert_int_equal(first->in[1], train_op(g, forward + 1)->out[0]);
    assert_int_equal(second->in[0], first->out[0]);
    assert_int_equal(second->in[1], train_op(g, forward + 3)->out[0]);
    assert_int_equal(g->tensors[a].gradient, second->out[0]);
    assert_int_equal(g->tensors[b].gradient, of_sum);
    graph_destroy(&g);
}

static void test_concat(void **state)
{
    (void)state;
    struct graph *g = graph_create();
    const int x = graph_activation(g, "x", 4, 4, 2);
    const int a = graph_conv(g, "a", x, 3, 1, 1, false);
    const int b = graph_conv(g, "b", x, 5, 1, 1, false);
    const int y = graph_concat(g, graph_concat(g, x, a), b);
    const int forward = train_count(g);
    graph_differentiate(g, y, gradient_of(g, y));

    const enum op_kind kinds[] = {OP_SLICE, OP_SLICE, OP_SLICE, OP_CONV_WEIGHT_GRAD,
                                  OP_CONV_WEIGHT_GRAD};
    assert_kinds(g, forward, kinds, 5);
    assert_int_equal(train_op(g, forward)->first, 5);
    assert_int_equal(g->tensors[train_op(g, forward)->out[0]].channels, 5);
    assert_int_equal(train_op(g, forward + 1)->first, 0);
    assert_int_equal(train_op(g, forward + 2)->first, 2); // nothing for the samples
    assert_int_equal(g->tensors[x].gradient, NO_TENSOR);
    graph_destroy(&g);
}

// What the result does not depend on gets no gradient and no ops.
static void test_unused_branch(void **state)
{
    (void)state;
    struct graph *g = graph_create();
    const int x = graph_activation(g, "x", 4, 4, 2);
    const int y = graph_conv(g, "a", x, 3, 1, 1, false);
    graph_relu(g, graph_conv(g, "b", y, 3, 1, 1, false));
    const int forward = train_count(g);
    graph_differentiate(g, y, gradient_of(g, y));
    assert_kinds(g, forward, (enum op_kind[]){OP_CONV_WEIGHT_GRAD}, 1);
    assert_int_equal(g->tensors[graph_find(g, "b.weight")].gradient, NO_TENSOR);
    graph_destroy(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_several_users),
        cmocka_unit_test(test_concat),
        cmocka_unit_test(test_unused_branch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
