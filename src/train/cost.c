// SPDX-License-Identifier: MIT
// What a training would take, without doing it.
#include "train/trainer.h"

static double routine_work(const struct graph *graph, enum routine routine, int samples,
                           int batch_size)
{
    const struct op_list *list = &graph->routines[routine];
    const int whole = samples / batch_size, rest = samples % batch_size;
    double work = 0;
    for (int i = 0; i < list->count; i++)
        work += whole * op_work(graph, &list->ops[i], batch_size) +
                (rest > 0 ? op_work(graph, &list->ops[i], rest) : 0);
    return work;
}

struct program_options training_options(const struct unet_shape *shape, int slots)
{
    const int validation = shape->count - shape->training_count;
    const int most = shape->training_count > validation ? shape->training_count : validation;
    const int batch = shape->batch_size < most ? shape->batch_size : most;
    return (struct program_options){.slots = slots, .batch = batch, .precision = shape->precision};
}

double train_work(const struct unet_shape *shape, const struct plan *plan)
{
    struct unet_tensors tensors;
    struct graph *graph = unet_training_graph(shape, &tensors);
    const double epoch =
        routine_work(graph, ROUTINE_TRAIN, shape->training_count, shape->batch_size) +
        routine_work(graph, ROUTINE_EVALUATE, shape->count - shape->training_count,
                     shape->batch_size);
    double work = 0;
    for (int r = 0; r < plan->count; r++)
        work += epoch * plan->rounds[r].num_epochs;
    graph_destroy(&graph);
    return work;
}

uint64_t train_memory(struct engine *engine, const struct unet_shape *shape, int slots)
{
    struct unet_tensors tensors;
    struct graph *graph = unet_training_graph(shape, &tensors);
    const struct program_options options = training_options(shape, slots);
    const uint64_t bytes = program_memory(engine, graph, &options);
    graph_destroy(&graph);
    return bytes;
}
