// SPDX-License-Identifier: MIT
// Reverse-mode differentiation (Griewank and Walther 2008, chapter 3): one sweep over the ops of a
// routine, last one first. Every op hands the gradient of its output on to its inputs. When the
// sweep reaches the op that makes a tensor, all users of the tensor have contributed, so its
// gradient is complete.
#include "graph/graph.h"
#include "vkgrid/base/memory.h"

#include <assert.h>
#include <stdlib.h>

// Appends the backward ops of one op. dy: the gradient of its first output. wanted: for each tensor
// of the forward ops, whether it gets a gradient.
typedef void backward_ops(struct graph *graph, const struct op *forward, int dy,
                          const bool *wanted);

static backward_ops *backward_of(enum op_kind kind);

// For each tensor: whether it is a parameter or depends on one. The caller frees the list.
static bool *find_dependents(const struct graph *graph)
{
    bool *depends = mem_zalloc((size_t)graph->tensor_count, sizeof(*depends));
    for (int i = 0; i < graph->tensor_count; i++)
        depends[i] = graph->tensors[i].parameter;

    const struct op_list *list = &graph->routines[graph->routine];
    for (int i = 0; i < list->count; i++) {
        const struct op *op = &list->ops[i];
        for (int k = 0; backward_of(op->kind) && k < OP_INPUTS; k++)
            if (op->in[k] != NO_TENSOR && depends[op->in[k]])
                depends[op->out[0]] = true;
    }
    return depends;
}

static int parameter_gradient(struct graph *graph, int parameter)
{
    if (parameter == NO_TENSOR)
        return NO_TENSOR;
    struct tensor tensor = graph->tensors[parameter];
    assert(tensor.gradient == NO_TENSOR); // a parameter is used once in a routine
    tensor.block = BLOCK_GRADIENT;
    tensor.parameter = false;
    const int gradient = graph_add_tensor(graph, "", tensor);
    graph_name_gradient(graph, gradient, parameter);
    graph->tensors[parameter].gradient = gradient;
    return gradient;
}

// Adds one user's part to the gradient of a tensor. The part may be the gradient of another tensor
// too: nothing is changed in place.
static void contribute(struct graph *graph, int tensor, int part)
{
    const int sum = graph->tensors[tensor].gradient;
    graph->tensors[tensor].gradient = sum == NO_TENSOR ? part : graph_add(graph, sum, part);
}

// Appends an op that makes the part of the gradient of x that comes through `forward`.
static void backward(struct graph *graph, const struct op *forward, int x, enum op_kind kind,
                     int inputs, const int *in, int first)
{
    const int dx = graph_activation_like(graph, x);
    struct op *op = graph_op(graph, kind, inputs, in, 1, &dx);
    op->kernel = forward->kernel;
    op->stride = forward->stride;
    op->first = first;
    contribute(graph, x, dx);
}

static void conv_backward(struct graph *graph, const struct op *forward, int dy, const bool *wanted)
{
    const int x = forward->in[0], weight = forward->in[1], bias = forward->in[2];
    const int dweight = parameter_gradient(graph, weight);
    struct op *op = graph_op(graph, OP_CONV_WEIGHT_GRAD, 2, (int[]){x, dy}, 1, &dweight);
    op->kernel = forward->kernel;
    op->stride = forward->stride;
    if (bias != NO_TENSOR) {
        const int dbias = parameter_gradient(graph, bias);
        graph_op(graph, OP_CONV_BIAS_GRAD, 1, &dy, 1, &dbias);
    }
    if (wanted[x])
        backward(graph, forward, x, OP_CONV_INPUT_GRAD, 2, (int[]){dy, weight}, 0);
}

static void batch_norm_backward(struct graph *graph, const struct op *forward, int dy,
                                const bool *wanted)
{
    const int x = forward->in[0], weight = forward->in[1], bias = forward->in[2];
    const int mean = forward->out[1], inverse_deviation = forward->out[2];
    const int dweight = parameter_gradient(graph, weight);
    const int dbias = parameter_gradient(graph, bias);
    const int dx = wanted[x] ? graph_activation_like(graph, x) : NO_TENSOR;
    graph_op(graph, OP_BATCH_NORM_GRAD, 5, (int[]){x, dy, weight, mean, inverse_deviation}, 3,
             (int[]){dx, dweight, dbias});
    if (wanted[x])
        contribute(graph, x, dx);
}

static void concat_backward(struct graph *graph, const struct op *forward, int dy,
                            const bool *wanted)
{
    const int a = forward->in[0], b = forward->in[1];
    if (wanted[b])
        backward(graph, forward, b, OP_SLICE, 1, &dy, graph->tensors[a].channels);
    if (wanted[a])
        backward(graph, forward, a, OP_SLICE, 1, &dy, 0);
}

static void relu_backward(struct graph *graph, const struct op *forward, int dy, const bool *wanted)
{
    (void)wanted; // it is, or the op would not be looked at
    backward(graph, forward, forward->in[0], OP_RELU_GRAD, 2, (int[]){forward->out[0], dy}, 0);
}

// dy itself is the gradient of both, so there is nothing to compute.
static void add_backward(struct graph *graph, const struct op *forward, int dy, const bool *wanted)
{
    for (int i = 1; i >= 0; i--)
        if (wanted[forward->in[i]])
            contribute(graph, forward->in[i], dy);
}

static void max_pool_backward(struct graph *graph, const struct op *forward, int dy,
                              const bool *wanted)
{
    (void)wanted;
    backward(graph, forward, forward->in[0], OP_MAX_POOL_GRAD, 2, (int[]){forward->out[1], dy}, 0);
}

static void upsample_backward(struct graph *graph, const struct op *forward, int dy,
                              const bool *wanted)
{
    (void)wanted;
    backward(graph, forward, forward->in[0], OP_UPSAMPLE_GRAD, 1, &dy, 0);
}

// NULL: no gradient passes through ops of this kind. They make samples, metrics and updates, are
// backward themselves, or are made by engines alone.
static backward_ops *backward_of(enum op_kind kind)
{
    switch (kind) {
    case OP_CONV:
        return conv_backward;
    case OP_BATCH_NORM:
        return batch_norm_backward;
    case OP_RELU:
        return relu_backward;
    case OP_ADD:
        return add_backward;
    case OP_MAX_POOL:
        return max_pool_backward;
    case OP_UPSAMPLE:
        return upsample_backward;
    case OP_CONCAT:
        return concat_backward;
    case OP_GATHER:
    case OP_CONV_INPUT_GRAD:
    case OP_CONV_WEIGHT_GRAD:
    case OP_CONV_BIAS_GRAD:
    case OP_BATCH_NORM_EVAL:
    case OP_BATCH_NORM_GRAD:
    case OP_RELU_GRAD:
    case OP_MAX_POOL_GRAD:
    case OP_UPSAMPLE_GRAD:
    case OP_SLICE:
    case OP_LOSS:
    case OP_OVERLAP:
    case OP_ADAM:
    case OP_ADVANCE:
    case OP_KEEP:
    case OP_RESTORE:
    case FUSED_CONV_RELU:
    case FUSED_BATCH_NORM_RELU:
    case FUSED_BATCH_NORM_EVAL_RELU:
    case FUSED_BATCH_NORM_RELU_GRAD:
    case FUSED_RELU_GRAD:
    case FUSED_UPSAMPLE_CONCAT:
    case FUSED_UPSAMPLE_GRAD:
        break;
    }
    return NULL;
}

void graph_differentiate(struct graph *graph, int of, int gradient)
{
    bool *wanted = find_dependents(graph);
    assert(wanted[of]);
    graph->tensors[of].gradient = gradient;
    for (int i = graph->routines[graph->routine].count - 1; i >= 0; i--) {
        const struct op forward = graph->routines[graph->routine].ops[i];
        backward_ops *const append = backward_of(forward.kind);
        if (!append || !wanted[forward.out[0]])
            continue;
        const int dy = graph->tensors[forward.out[0]].gradient;
        if (dy == NO_TENSOR) // `of` does not depend on it
            continue;
        if (graph->tensors[dy].name[0] == '#')
            graph_name_gradient(graph, dy, forward.out[0]);
        append(graph, &forward, dy, wanted);
    }
    free(wanted);
}
