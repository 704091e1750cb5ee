// SPDX-License-Identifier: MIT
// Shapes and names that the builders give, and the work of ops.
#include "tests/test.h"
#include "vkgrid/graph/graph.h"

#include <string.h>

static void assert_shape(const struct graph *graph, int tensor, int rows, int cols, int channels)
{
    const struct tensor *t = &graph->tensors[tensor];
    assert_int_equal(t->block, BLOCK_ARENA);
    assert_true(t->per_sample);
    assert_int_equal(t->rows, rows);
    assert_int_equal(t->cols, cols);
    assert_int_equal(t->channels, channels);
    assert_int_equal(t->count, rows * cols * channels);
}

static const struct op *last_op(const struct graph *graph)
{
    const struct op_list *list = &graph->routines[graph->routine];
    return &list->ops[list->count - 1];
}

static void test_builders(void **state)
{
    (void)state;
    struct graph *g = graph_create();
    const int data = graph_data(g, "inputs", 5, 9, 14, 3);
    assert_int_equal(g->tensors[data].count, 5 * 9 * 14 * 3);
    assert_int_equal(g->tensors[data].block, BLOCK_DATA);
    const int order = graph_table(g, "order", ELEMENT_UINT, 1, (int[]){5});
    const int position = graph_shared(g, "position", ELEMENT_UINT, 2);
    assert_int_equal(g->tensors[position].count, 2);

    const int x = graph_gather(g, data, order, position);
    assert_shape(g, x, 9, 14, 3);
    const int y = graph_conv(g, "first", x, 8, 7, 2, true);
    assert_shape(g, y, 5, 7, 8);
    assert_int_equal(last_op(g)->kernel, 7);
    assert_int_equal(last_op(g)->stride, 2);
    assert_shape(g, graph_conv(g, "point", y, 4, 1, 2, false), 3, 4, 4);
    assert_int_equal(last_op(g)->in[2], NO_TENSOR);
    assert_shape(g, graph_conv(g, "same", y, 4, 3, 1, false), 5, 7, 4);
    assert_shape(g, graph_max_pool(g, y, 3, 2), 3, 4, 8);
    const int index = last_op(g)->out[1];
    assert_shape(g, index, 3, 4, 8);
    assert_int_equal(g->tensors[index].element, ELEMENT_UINT);
    assert_shape(g, graph_upsample(g, y), 10, 14, 8);
    assert_shape(g, graph_concat(g, y, graph_relu(g, y)), 5, 7, 16);
    assert_shape(g, graph_add(g, y, y), 5, 7, 8);

    const int weight = graph_find(g, "first.weight");
    assert_int_equal(weight, g->routines[ROUTINE_TRAIN].ops[1].in[1]);
    assert_true(g->tensors[weight].parameter);
    assert_memory_equal(g->tensors[weight].dims, ((int[]){8, 3, 7, 7}), 4 * sizeof(int));
    assert_int_equal(g->tensors[weight].count, 8 * 3 * 7 * 7);
    assert_int_equal(graph_find(g, "second.weight"), NO_TENSOR);
    graph_destroy(&g);
    assert_null(g);
    graph_destroy(&g);
}

// A second routine has the same weights, and batch norm uses its running statistics there.
static void test_second_routine(void **state)
{
    (void)state;
    struct graph *g = graph_create();
    int batch_norm[2];
    for (int i = 0; i < 2; i++) {
        g->routine = i == 0 ? ROUTINE_TRAIN : ROUTINE_EVALUATE;
        const int x = graph_activation(g, "", 4, 4, 2);
        graph_batch_norm(g, "norm", graph_conv(g, "conv", x, 6, 3, 1, true));
        batch_norm[i] = last_op(g)->kind;
    }
    assert_int_equal(batch_norm[0], OP_BATCH_NORM);
    assert_int_equal(batch_norm[1], OP_BATCH_NORM_EVAL);
    const struct op *train = g->routines[ROUTINE_TRAIN].ops;
    const struct op *evaluate = g->routines[ROUTINE_EVALUATE].ops;
    for (int i = 1; i < OP_INPUTS; i++) {
        assert_int_equal(train[0].in[i], evaluate[0].in[i]);
        assert_int_equal(train[1].in[i], evaluate[1].in[i]);
    }
    const struct tensor *mean = &g->tensors[train[1].out[1]];
    assert_false(mean->per_sample);
    assert_int_equal(mean->count, 6);
    assert_false(g->tensors[graph_find(g, "norm.running_var")].parameter);
    assert_true(graph_find(g, "conv@train") >= 0);
    assert_true(graph_find(g, "conv@evaluate") >= 0);
    graph_destroy(&g);
}

static void test_loss(void **state)
{
    (void)state;
    struct graph *g = graph_create();
    const int bce_weight = graph_table(g, "bce_weight", ELEMENT_FLOAT, 1, (int[]){1});
    const int metrics = graph_table(g, "metrics", ELEMENT_FLOAT, 2, (int[]){7, 3});
    const int position = graph_shared(g, "position", ELEMENT_UINT, 2);
    const int targets = graph_activation(g, "targets", 4, 6, 3);
    const int logits = graph_activation(g, "logits", 4, 6, 3);
    const int gradient = graph_loss(g, logits, targets, bce_weight, position, metrics, NO_TENSOR);
    assert_shape(g, gradient, 4, 6, 3);
    assert_string_equal(g->tensors[gradient].name, "d:logits");
    assert_int_equal(last_op(g)->out[0], metrics);
    g->routine = ROUTINE_EVALUATE;
    assert_int_equal(graph_loss(g, logits, targets, bce_weight, position, metrics, NO_TENSOR),
                     NO_TENSOR);
    assert_int_equal(last_op(g)->out[1], NO_TENSOR);
    graph_destroy(&g);
}

static void test_work(void **state)
{
    (void)state;
    struct graph *g = graph_create();
    const int x = graph_activation(g, "x", 8, 10, 3);
    const int y = graph_conv(g, "conv", x, 5, 3, 2, false);
    // 4 x 5 output pixels, 2 x 9 x 3 x 5 for each, 2 samples
    assert_true(op_work(g, last_op(g), 2) == 2 * 20 * 270);
    const int dx = graph_activation(g, "dx", 8, 10, 3);
    struct op *op =
        graph_op(g, OP_CONV_INPUT_GRAD, 2, (int[]){y, graph_find(g, "conv.weight")}, 1, &dx);
    op->kernel = 3;
    op->stride = 2;
    assert_true(op_work(g, op, 2) == 2 * 20 * 270);
    const int dweight = graph_parameter(g, "dw", 4, (int[]){5, 3, 3, 3});
    op = graph_op(g, OP_CONV_WEIGHT_GRAD, 2, (int[]){x, y}, 1, &dweight);
    op->kernel = 3;
    op->stride = 2;
    assert_true(op_work(g, op, 2) == 2 * 20 * 270);
    graph_relu(g, y);
    assert_true(op_work(g, last_op(g), 3) == 300);
    graph_concat(g, y, y);
    assert_true(op_work(g, last_op(g), 3) == 0);
    graph_destroy(&g);
}

static void test_names_of_ops(void **state)
{
    (void)state;
    for (int i = 0; i < OP_KINDS; i++) {
        assert_non_null(op_name((enum op_kind)i));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(op_name((enum op_kind)i), op_name((enum op_kind)k));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_builders),     cmocka_unit_test(test_second_routine),
        cmocka_unit_test(test_loss),         cmocka_unit_test(test_work),
        cmocka_unit_test(test_names_of_ops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
