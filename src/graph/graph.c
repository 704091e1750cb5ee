// SPDX-License-Identifier: MIT
// Tensors, and the builders that append an op and make its outputs. A wrong shape is an error of
// the caller's code, not of its data, so it is asserted.
#include "graph/graph.h"
#include "vkgrid/base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool precision_parse(const char *text, enum precision *precision)
{
    *precision = strcmp(text, "mixed") == 0 ? PRECISION_MIXED : PRECISION_FP32;
    return *precision == PRECISION_MIXED || strcmp(text, "fp32") == 0 || strcmp(text, "auto") == 0;
}

const char *precision_name(enum precision precision)
{
    return precision == PRECISION_MIXED ? "mixed" : "fp32";
}

struct graph *graph_create(void)
{
    struct graph *graph = mem_zalloc(1, sizeof(*graph));
    return graph;
}

void graph_destroy(struct graph **graph)
{
    if (!*graph)
        return;
    for (int i = 0; i < ROUTINE_COUNT; i++)
        free((*graph)->routines[i].ops);
    free((*graph)->tensors);
    free(*graph);
    *graph = NULL;
}

static const char *routine_name(enum routine routine)
{
    static const char *const names[ROUTINE_COUNT] = {
        [ROUTINE_TRAIN] = "train", [ROUTINE_EVALUATE] = "evaluate", [ROUTINE_PREDICT] = "predict",
        [ROUTINE_KEEP] = "keep",   [ROUTINE_RESTORE] = "restore",
    };
    return names[routine];
}

int graph_find(const struct graph *graph, const char *name)
{
    for (int i = 0; i < graph->tensor_count; i++)
        if (strcmp(graph->tensors[i].name, name) == 0)
            return i;
    return NO_TENSOR;
}

int graph_add_tensor(struct graph *graph, const char *name, struct tensor tensor)
{
    const int index = graph->tensor_count;
    const int length = name[0] ? snprintf(tensor.name, sizeof(tensor.name), "%s", name)
                               : snprintf(tensor.name, sizeof(tensor.name), "#%d", index);
    assert(length > 0 && (size_t)length < sizeof(tensor.name));
    assert(graph_find(graph, tensor.name) == NO_TENSOR);

    tensor.gradient = NO_TENSOR;
    tensor.count = 1;
    if (tensor.per_sample) {
        assert(tensor.rows > 0 && tensor.cols > 0 && tensor.channels > 0);
        tensor.count = (size_t)tensor.rows * (size_t)tensor.cols * (size_t)tensor.channels;
    }
    for (int i = 0; i < tensor.rank; i++) {
        assert(tensor.dims[i] > 0);
        tensor.count *= (size_t)tensor.dims[i];
    }
    graph->tensors = mem_reserve(graph->tensors, &graph->tensor_room, (size_t)index + 1,
                                 sizeof(*graph->tensors));
    graph->tensors[index] = tensor;
    graph->tensor_count++;
    return index;
}

void graph_name_gradient(struct graph *graph, int gradient, int of)
{
    char *name = text_format("d:%s", graph->tensors[of].name);
    assert(strlen(name) < sizeof(graph->tensors[gradient].name));
    strcpy(graph->tensors[gradient].name, name);
    free(name);
}

int graph_activation(struct graph *graph, const char *name, int rows, int cols, int channels)
{
    return graph_add_tensor(graph, name,
                            (struct tensor){.block = BLOCK_ARENA,
                                            .per_sample = true,
                                            .rows = rows,
                                            .cols = cols,
                                            .channels = channels});
}

int graph_activation_like(struct graph *graph, int like)
{
    const struct tensor *tensor = &graph->tensors[like];
    assert(tensor->per_sample);
    return graph_activation(graph, "", tensor->rows, tensor->cols, tensor->channels);
}

// A tensor with PyTorch's shape.
static int shaped(struct graph *graph, const char *name, int rank, const int *dims,
                  struct tensor tensor)
{
    assert(rank >= 0 && rank <= 4);
    tensor.rank = rank;
    memcpy(tensor.dims, dims, (size_t)rank * sizeof(*dims));
    return graph_add_tensor(graph, name, tensor);
}

int graph_parameter(struct graph *graph, const char *name, int rank, const int *dims)
{
    return shaped(graph, name, rank, dims,
                  (struct tensor){.block = BLOCK_STATE, .parameter = true});
}

int graph_buffer(struct graph *graph, const char *name, int rank, const int *dims)
{
    return shaped(graph, name, rank, dims, (struct tensor){.block = BLOCK_STATE});
}

int graph_table(struct graph *graph, const char *name, enum element element, int rank,
                const int *dims)
{
    return shaped(graph, name, rank, dims,
                  (struct tensor){.block = BLOCK_TABLE, .element = element});
}

int graph_shared(struct graph *graph, const char *name, enum element element, int count)
{
    return shaped(graph, name, 1, (int[]){count},
                  (struct tensor){.block = BLOCK_SHARED, .element = element});
}

int graph_data(struct graph *graph, const char *name, int targets, int rows, int cols, int channels)
{
    return shaped(
        graph, name, 4, (int[]){targets, rows, cols, channels},
        (struct tensor){.block = BLOCK_DATA, .rows = rows, .cols = cols, .channels = channels});
}

struct op *graph_op(struct graph *graph, enum op_kind kind, int inputs, const int *in, int outputs,
                    const int *out)
{
    assert(inputs <= OP_INPUTS && outputs <= OP_OUTPUTS);
    struct op op = {.kind = kind};
    for (int i = 0; i < OP_INPUTS; i++)
        op.in[i] = i < inputs ? in[i] : NO_TENSOR;
    for (int i = 0; i < OP_OUTPUTS; i++)
        op.out[i] = i < outputs ? out[i] : NO_TENSOR;

    struct op_list *list = &graph->routines[graph->routine];
    list->ops = mem_reserve(list->ops, &list->room, (size_t)list->count + 1, sizeof(*list->ops));
    list->ops[list->count] = op;
    return &list->ops[list->count++];
}

// Appends an op with one output.
static struct op *op_to(struct graph *graph, enum op_kind kind, int inputs, const int *in, int out)
{
    return graph_op(graph, kind, inputs, in, 1, &out);
}

// A tensor of BLOCK_STATE named "<layer>.<part>": the one that the graph has, or a new one.
static int state(struct graph *graph, const char *layer, const char *part, bool parameter, int rank,
                 const int *dims)
{
    char *name = text_format("%s.%s", layer, part);
    int tensor = graph_find(graph, name);
    if (tensor == NO_TENSOR)
        tensor = parameter ? graph_parameter(graph, name, rank, dims)
                           : graph_buffer(graph, name, rank, dims);
    assert(graph->tensors[tensor].rank == rank);
    assert(memcmp(graph->tensors[tensor].dims, dims, (size_t)rank * sizeof(*dims)) == 0);
    free(name);
    return tensor;
}

// The output of a named layer: "<layer>@<routine>".
static int layer_output(struct graph *graph, const char *layer, int rows, int cols, int channels)
{
    char *name = text_format("%s@%s", layer, routine_name(graph->routine));
    const int tensor = graph_activation(graph, name, rows, cols, channels);
    free(name);
    return tensor;
}

static int strided_size(int size, int kernel, int stride)
{
    return (size + 2 * (kernel / 2) - kernel) / stride + 1;
}

int graph_gather(struct graph *graph, int data, int order, int position)
{
    const struct tensor source = graph->tensors[data];
    assert(source.block == BLOCK_DATA && graph->tensors[order].element == ELEMENT_UINT);
    const int out = layer_output(graph, source.name, source.rows, source.cols, source.channels);
    op_to(graph, OP_GATHER, 3, (int[]){data, order, position}, out);
    return out;
}

int graph_conv(struct graph *graph, const char *name, int x, int channels, int kernel, int stride,
               bool bias)
{
    const struct tensor in = graph->tensors[x];
    const int weight =
        state(graph, name, "weight", true, 4, (int[]){channels, in.channels, kernel, kernel});
    const int shift = bias ? state(graph, name, "bias", true, 1, &channels) : NO_TENSOR;
    const int y = layer_output(graph, name, strided_size(in.rows, kernel, stride),
                               strided_size(in.cols, kernel, stride), channels);
    struct op *op = op_to(graph, OP_CONV, 3, (int[]){x, weight, shift}, y);
    op->kernel = kernel;
    op->stride = stride;
    return y;
}

// Statistics of a batch: one value a channel, the same for all samples.
static int statistics(struct graph *graph, int channels)
{
    return shaped(
        graph, "", 1, &channels,
        (struct tensor){.block = BLOCK_ARENA, .rows = 1, .cols = 1, .channels = channels});
}

int graph_batch_norm(struct graph *graph, const char *name, int x)
{
    const struct tensor in = graph->tensors[x];
    const int channels = in.channels;
    const int inputs[] = {
        x,
        state(graph, name, "weight", true, 1, &channels),
        state(graph, name, "bias", true, 1, &channels),
        state(graph, name, "running_mean", false, 1, &channels),
        state(graph, name, "running_var", false, 1, &channels),
    };
    const int y = layer_output(graph, name, in.rows, in.cols, channels);
    if (graph->routine == ROUTINE_TRAIN) {
        const int mean = statistics(graph, channels);
        const int inverse_deviation = statistics(graph, channels);
        graph_op(graph, OP_BATCH_NORM, 5, inputs, 3, (int[]){y, mean, inverse_deviation});
    } else {
        op_to(graph, OP_BATCH_NORM_EVAL, 5, inputs, y);
    }
    return y;
}

int graph_relu(struct graph *graph, int x)
{
    const int y = graph_activation_like(graph, x);
    op_to(graph, OP_RELU, 1, &x, y);
    return y;
}

int graph_add(struct graph *graph, int a, int b)
{
    const struct tensor *left = &graph->tensors[a], *right = &graph->tensors[b];
    assert(left->rows == right->rows && left->cols == right->cols &&
           left->channels == right->channels);
    const int y = graph_activation_like(graph, a);
    op_to(graph, OP_ADD, 2, (int[]){a, b}, y);
    return y;
}

int graph_max_pool(struct graph *graph, int x, int kernel, int stride)
{
    const struct tensor in = graph->tensors[x];
    const int y = graph_activation(graph, "", strided_size(in.rows, kernel, stride),
                                   strided_size(in.cols, kernel, stride), in.channels);
    const int index = graph_activation_like(graph, y);
    graph->tensors[index].element = ELEMENT_UINT;
    struct op *op = graph_op(graph, OP_MAX_POOL, 1, &x, 2, (int[]){y, index});
    op->kernel = kernel;
    op->stride = stride;
    return y;
}

int graph_upsample(struct graph *graph, int x)
{
    const struct tensor in = graph->tensors[x];
    const int y = graph_activation(graph, "", 2 * in.rows, 2 * in.cols, in.channels);
    op_to(graph, OP_UPSAMPLE, 1, &x, y);
    return y;
}

int graph_concat(struct graph *graph, int a, int b)
{
    const struct tensor left = graph->tensors[a], right = graph->tensors[b];
    assert(left.rows == right.rows && left.cols == right.cols);
    const int y = graph_activation(graph, "", left.rows, left.cols, left.channels + right.channels);
    op_to(graph, OP_CONCAT, 2, (int[]){a, b}, y);
    return y;
}

int graph_loss(struct graph *graph, int logits, int targets, int bce_weight, int position,
               int metrics, int loss_scale)
{
    const struct tensor z = graph->tensors[logits], t = graph->tensors[targets];
    assert(z.rows == t.rows && z.cols == t.cols && z.channels == t.channels);
    assert(graph->tensors[metrics].rank == 2 && graph->tensors[metrics].dims[1] == 3);
    int gradient = NO_TENSOR;
    if (graph->routine == ROUTINE_TRAIN) {
        gradient = graph_activation_like(graph, logits);
        graph_name_gradient(graph, gradient, logits);
    }
    graph_op(graph, OP_LOSS, 5, (int[]){logits, targets, bce_weight, position, loss_scale}, 2,
             (int[]){metrics, gradient});
    return gradient;
}

void graph_overlap(struct graph *graph, int logits, int targets, int position, int counts)
{
    const struct tensor *to = &graph->tensors[counts];
    assert(to->element == ELEMENT_UINT && to->rank == 3 && to->dims[2] == OVERLAP_COUNTS);
    assert(to->dims[1] == graph->tensors[logits].channels);
    graph_op(graph, OP_OVERLAP, 3, (int[]){logits, targets, position}, 1, &counts);
}
