// SPDX-License-Identifier: MIT
// The network: parameters, shapes, routines, work.
#include "tests/test.h"
#include "vkgrid/model/unet.h"

#include <string.h>

static const struct unet_shape shape = {
    .base_model = RESNET18,
    .rows = 128,
    .cols = 256,
    .features = 7,
    .labels = 3,
    .count = 11,
    .training_count = 7,
    .batch_size = 2,
};

static size_t count_trainable(const struct graph *graph)
{
    size_t count = 0;
    for (int i = 0; i < graph->tensor_count; i++)
        count += graph->tensors[i].parameter ? graph->tensors[i].count : 0;
    return count;
}

// Figures: the PyTorch module (tests/oracle/unet_torch.py).
static void test_parameters(void **state)
{
    (void)state;
    struct unet_tensors tensors;
    struct unet_shape other = shape;
    struct graph *graph = unet_training_graph(&shape, &tensors);
    assert_int_equal(count_trainable(graph), 17814787);
    graph_destroy(&graph);
    other.base_model = RESNET34;
    other.features = 14;
    other.labels = 5;
    graph = unet_training_graph(&other, &tensors);
    assert_int_equal(count_trainable(graph), 17814787 + 10108160 + 7 * 64 * (49 + 9) + 2 * 65);
    graph_destroy(&graph);
}

static void test_every_parameter_has_a_gradient(void **state)
{
    (void)state;
    struct unet_tensors tensors;
    struct graph *graph = unet_training_graph(&shape, &tensors);
    const struct op_list *list = &graph->routines[ROUTINE_TRAIN];
    for (int i = 0; i < graph->tensor_count; i++) {
        const struct tensor *tensor = &graph->tensors[i];
        if (!tensor->parameter)
            continue;
        assert_int_not_equal(tensor->gradient, NO_TENSOR);
        const struct tensor *gradient = &graph->tensors[tensor->gradient];
        assert_int_equal(gradient->block, BLOCK_GRADIENT);
        assert_int_equal(gradient->count, tensor->count);
        int makers = 0;
        for (int k = 0; k < list->count; k++)
            for (int j = 0; j < OP_OUTPUTS; j++)
                makers += list->ops[k].out[j] == tensor->gradient;
        assert_int_equal(makers, 1);
    }
    graph_destroy(&graph);
}

// Every tensor of the arena is made by an op before it is used, and in one routine only.
static void test_order_of_ops(void **state)
{
    (void)state;
    struct unet_tensors tensors;
    struct graph *graph = unet_training_graph(&shape, &tensors);
    bool made[4096] = {false};
    assert_true(graph->tensor_count < 4096);
    for (int r = 0; r < ROUTINE_COUNT; r++) {
        const struct op_list *list = &graph->routines[r];
        for (int i = 0; i < list->count; i++) {
            const struct op *op = &list->ops[i];
            for (int k = 0; k < OP_INPUTS; k++)
                if (op->in[k] != NO_TENSOR && graph->tensors[op->in[k]].block == BLOCK_ARENA)
                    assert_true(made[op->in[k]]);
            for (int k = 0; k < OP_OUTPUTS; k++) {
                if (op->out[k] == NO_TENSOR || graph->tensors[op->out[k]].block != BLOCK_ARENA)
                    continue;
                assert_false(made[op->out[k]]);
                made[op->out[k]] = true;
            }
        }
    }
    for (int i = 0; i < graph->tensor_count; i++)
        assert_true(graph->tensors[i].block != BLOCK_ARENA || made[i]);
    graph_destroy(&graph);
}

static void assert_table(const struct graph *graph, int tensor, enum element element, size_t count)
{
    assert_int_equal(graph->tensors[tensor].block, BLOCK_TABLE);
    assert_int_equal(graph->tensors[tensor].element, element);
    assert_int_equal(graph->tensors[tensor].count, count);
}

static void test_tables(void **state)
{
    (void)state;
    struct unet_tensors t;
    struct graph *graph = unet_training_graph(&shape, &t);
    assert_table(graph, t.training_order, ELEMENT_UINT, 7);
    assert_table(graph, t.validation_order, ELEMENT_UINT, 4);
    assert_table(graph, t.training_metrics, ELEMENT_FLOAT, 4 * 3);
    assert_table(graph, t.validation_metrics, ELEMENT_FLOAT, 2 * 3);
    assert_table(graph, t.lr, ELEMENT_FLOAT, 1);
    assert_table(graph, t.bce_weight, ELEMENT_FLOAT, 1);
    assert_table(graph, t.correction, ELEMENT_FLOAT, 2);
    assert_table(graph, t.mark, ELEMENT_UINT, 1);
    assert_int_equal(graph->tensors[t.inputs].count, 11 * 128 * 256 * 7);
    assert_int_equal(graph->tensors[t.targets].count, 11 * 128 * 256 * 3);
    assert_int_equal(t.logits[ROUTINE_PREDICT], NO_TENSOR);
    const struct tensor *logits = &graph->tensors[t.logits[ROUTINE_TRAIN]];
    assert_string_equal(logits->name, "logits@train");
    assert_true(logits->output);
    assert_int_equal(logits->rows, 128);
    assert_int_equal(logits->cols, 256);
    assert_int_equal(logits->channels, 3);
    assert_int_equal(logits->gradient, t.loss_gradient);
    graph_destroy(&graph);
}

static void assert_last_ops(const struct graph *graph, enum routine routine, enum op_kind before,
                            enum op_kind last)
{
    const struct op_list *list = &graph->routines[routine];
    assert_int_equal(list->ops[list->count - 1].kind, last);
    if (list->count > 1)
        assert_int_equal(list->ops[list->count - 2].kind, before);
}

static void test_routines(void **state)
{
    (void)state;
    struct unet_tensors t;
    struct graph *graph = unet_training_graph(&shape, &t);
    assert_int_equal(graph->routines[ROUTINE_TRAIN].ops[0].kind, OP_GATHER);
    assert_int_equal(graph->routines[ROUTINE_TRAIN].ops[1].kind, OP_GATHER);
    assert_last_ops(graph, ROUTINE_TRAIN, OP_ADAM, OP_ADVANCE);
    assert_last_ops(graph, ROUTINE_EVALUATE, OP_OVERLAP, OP_ADVANCE);
    assert_last_ops(graph, ROUTINE_KEEP, OP_KEEP, OP_KEEP);
    assert_last_ops(graph, ROUTINE_RESTORE, OP_RESTORE, OP_RESTORE);
    assert_int_equal(graph->routines[ROUTINE_PREDICT].count, 0);
    for (int i = 0; i < graph->routines[ROUTINE_EVALUATE].count; i++)
        assert_int_not_equal(graph->routines[ROUTINE_EVALUATE].ops[i].kind, OP_BATCH_NORM);
    graph_destroy(&graph);

    graph = unet_prediction_graph(&shape, &t);
    assert_int_equal(graph->routines[ROUTINE_TRAIN].count, 0);
    assert_last_ops(graph, ROUTINE_PREDICT, OP_CONV, OP_ADVANCE);
    assert_table(graph, t.training_order, ELEMENT_UINT, 11);
    assert_int_equal(t.targets, NO_TENSOR);
    assert_int_equal(count_trainable(graph), 17814787);
    assert_string_equal(graph->tensors[t.logits[ROUTINE_PREDICT]].name, "logits@predict");
    graph_destroy(&graph);
}

// spec.md section 3: about 12 GMAC forward and 71 GFLOP for a training step of a 128 x 256 sample.
static void test_work(void **state)
{
    (void)state;
    struct unet_tensors tensors;
    struct graph *graph = unet_training_graph(&shape, &tensors);
    double forward = 0, step = 0;
    for (int i = 0; i < graph->routines[ROUTINE_TRAIN].count; i++) {
        const struct op *op = &graph->routines[ROUTINE_TRAIN].ops[i];
        const double work = op_work(graph, op, 1);
        if (op->kind == OP_CONV)
            forward += work;
        if (op->kind >= OP_CONV && op->kind <= OP_CONV_BIAS_GRAD)
            step += work;
    }
    assert_true(forward > 2 * 11.5e9 && forward < 2 * 12.5e9);
    assert_true(step > 70e9 && step < 72e9);
    graph_destroy(&graph);
}

static void test_names(void **state)
{
    (void)state;
    enum base_model model;
    assert_true(base_model_parse("resnet34", &model));
    assert_int_equal(model, RESNET34);
    assert_string_equal(base_model_name(RESNET18), "resnet18");
    assert_false(base_model_parse("resnet50", &model));
    assert_false(base_model_parse("", &model));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters),   cmocka_unit_test(test_every_parameter_has_a_gradient),
        cmocka_unit_test(test_order_of_ops), cmocka_unit_test(test_tables),
        cmocka_unit_test(test_routines),     cmocka_unit_test(test_work),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
