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

static double epoch_work(const struct unet_shape *shape, struct graph *graph)
{
    return routine_work(graph, ROUTINE_TRAIN, shape->training_count, shape->batch_size) +
           routine_work(graph, ROUTINE_EVALUATE, shape->count - shape->training_count,
                        shape->batch_size);
}

double train_work(const struct unet_shape *shape, const struct plan *plan)
{
    struct unet_tensors tensors;
    struct graph *graph = unet_training_graph(shape, &tensors);
    const double work = epoch_work(shape, graph) * plan_epochs(plan);
    graph_destroy(&graph);
    return work;
}

// Moving a parameter and its gradient once a step (transformed weights, their gradients, Adam), in
// the operations that take as long. Steps of 2, 4 and 6 images of 32x64 on the CPU engine (AMD Zen
// 4, two cores) take 23 ms + 5.6 ms an image with the 17.8 million of resnet18, 34 + 6.5 with the
// 27.9 million of resnet34, and 19 + 25 ms of 64x128: 1.2 ms a million, as long as 0.9 GFLOP.
#define PARAMETER_EFFORT 900.0

double train_effort(const struct unet_shape *shape, const struct plan *plan)
{
    struct unet_tensors tensors;
    struct graph *graph = unet_training_graph(shape, &tensors);
    const int steps = batch_count(shape->training_count, shape->batch_size);
    double parameters = 0;
    for (int i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i].parameter)
            parameters += (double)graph->tensors[i].count;
    const double epoch = epoch_work(shape, graph) + PARAMETER_EFFORT * parameters * steps;
    graph_destroy(&graph);
    return epoch * plan_epochs(plan);
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
