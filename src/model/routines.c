// SPDX-License-Identifier: MIT
// The routines that train, evaluate and apply a U-Net.
#include "vkgrid/model/unet.h"

#include <assert.h>
#include <string.h>

static int table(struct graph *graph, const char *name, enum element element, int count)
{
    return graph_table(graph, name, element, 1, &count);
}

// Space for the metrics of an epoch over `samples` samples.
static int metrics_table(struct graph *graph, const char *name, int samples, int batch_size)
{
    const int steps = samples > 0 ? (samples + batch_size - 1) / batch_size : 1;
    return graph_table(graph, name, ELEMENT_FLOAT, 2, (int[]){steps, 3});
}

static int overlaps_table(struct graph *graph, const char *name, int samples, int labels)
{
    return graph_table(graph, name, ELEMENT_UINT, 3,
                       (int[]){samples > 0 ? samples : 1, labels, OVERLAP_COUNTS});
}

static struct unet_tensors no_tensors(void)
{
    struct unet_tensors none;
    static_assert(NO_TENSOR == -1, "all bits set");
    memset(&none, 0xff, sizeof(none));
    return none;
}

static void advance(struct graph *graph, int position, int correction, int loss_scale)
{
    graph_op(graph, OP_ADVANCE, 3, (int[]){position, correction, loss_scale}, 0, NULL);
}

static void train_routine(struct graph *graph, enum base_model base_model, struct unet_tensors *t)
{
    graph->routine = ROUTINE_TRAIN;
    const int x = graph_gather(graph, t->inputs, t->training_order, t->position);
    const int targets = graph_gather(graph, t->targets, t->training_order, t->position);
    const int logits = unet_forward(graph, base_model, x, graph->tensors[targets].channels);
    t->logits[ROUTINE_TRAIN] = logits;
    t->loss_gradient = graph_loss(graph, logits, targets, t->bce_weight, t->position,
                                  t->training_metrics, t->loss_scale);
    graph_differentiate(graph, logits, t->loss_gradient);
    graph_op(graph, OP_ADAM, 3, (int[]){t->lr, t->correction, t->loss_scale}, 0, NULL);
    advance(graph, t->position, t->correction, t->loss_scale);
}

static void evaluate_routine(struct graph *graph, enum base_model base_model,
                             struct unet_tensors *t)
{
    graph->routine = ROUTINE_EVALUATE;
    const int x = graph_gather(graph, t->inputs, t->validation_order, t->position);
    const int targets = graph_gather(graph, t->targets, t->validation_order, t->position);
    const int logits = unet_forward(graph, base_model, x, graph->tensors[targets].channels);
    t->logits[ROUTINE_EVALUATE] = logits;
    graph_loss(graph, logits, targets, t->bce_weight, t->position, t->validation_metrics,
               NO_TENSOR);
    graph_overlap(graph, logits, targets, t->position, t->validation_overlaps);
    advance(graph, t->position, NO_TENSOR, NO_TENSOR);
}

static void copy_routine(struct graph *graph, enum routine routine, enum op_kind kind, int mark)
{
    graph->routine = routine;
    graph_op(graph, kind, 1, &mark, 0, NULL);
}

struct graph *unet_training_graph(const struct unet_shape *shape, struct unet_tensors *tensors)
{
    struct graph *graph = graph_create();
    const int rows = shape->rows, cols = shape->cols;
    const int validation_count = shape->count - shape->training_count;
    struct unet_tensors t = no_tensors();
    t.inputs = graph_data(graph, "inputs", shape->count, rows, cols, shape->features);
    t.targets = graph_data(graph, "targets", shape->count, rows, cols, shape->labels);
    t.training_order = table(graph, "training_order", ELEMENT_UINT, shape->training_count);
    t.validation_order =
        table(graph, "validation_order", ELEMENT_UINT, validation_count > 0 ? validation_count : 1);
    t.position = graph_shared(graph, "position", ELEMENT_UINT, 2);
    t.lr = table(graph, "lr", ELEMENT_FLOAT, 1);
    t.bce_weight = table(graph, "bce_weight", ELEMENT_FLOAT, 1);
    t.correction = table(graph, "correction", ELEMENT_FLOAT, 2);
    t.loss_scale = table(graph, "loss_scale", ELEMENT_FLOAT, 3);
    t.mark = table(graph, "mark", ELEMENT_UINT, 1);
    t.training_metrics =
        metrics_table(graph, "training_metrics", shape->training_count, shape->batch_size);
    t.validation_metrics =
        metrics_table(graph, "validation_metrics", validation_count, shape->batch_size);
    t.validation_overlaps =
        overlaps_table(graph, "validation_overlaps", validation_count, shape->labels);

    train_routine(graph, shape->base_model, &t);
    evaluate_routine(graph, shape->base_model, &t);
    copy_routine(graph, ROUTINE_KEEP, OP_KEEP, t.mark);
    copy_routine(graph, ROUTINE_RESTORE, OP_RESTORE, t.mark);
    *tensors = t;
    return graph;
}

struct graph *unet_prediction_graph(const struct unet_shape *shape, struct unet_tensors *tensors)
{
    struct graph *graph = graph_create();
    struct unet_tensors t = no_tensors();
    t.inputs = graph_data(graph, "inputs", shape->count, shape->rows, shape->cols, shape->features);
    t.training_order = table(graph, "training_order", ELEMENT_UINT, shape->count);
    t.position = graph_shared(graph, "position", ELEMENT_UINT, 2);

    graph->routine = ROUTINE_PREDICT;
    const int x = graph_gather(graph, t.inputs, t.training_order, t.position);
    t.logits[ROUTINE_PREDICT] = unet_forward(graph, shape->base_model, x, shape->labels);
    advance(graph, t.position, NO_TENSOR, NO_TENSOR);
    *tensors = t;
    return graph;
}
