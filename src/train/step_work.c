// SPDX-License-Identifier: MIT
#include "vkgrid/train/step_time.h"

double step_work(const struct unet_shape *shape)
{
    struct unet_tensors tensors;
    struct graph *graph = unet_training_graph(shape, &tensors);
    const int most = shape->training_count;
    const int n = shape->batch_size < most ? shape->batch_size : most;
    double work = 0;
    for (int i = 0; i < graph->routines[ROUTINE_TRAIN].count; i++)
        work += op_work(graph, &graph->routines[ROUTINE_TRAIN].ops[i], n);
    graph_destroy(&graph);
    return work;
}
