// SPDX-License-Identifier: MIT
// Reverse-mode differentiation (Griewank and Walther 2008, chapter 3): one sweep over the ops of a
// routine, last one first. Every op hands the gradient of its output on to its inputs. When the
// sweep reaches the op that makes a tensor, all users of the tensor have contributed, so its
// gradient is complete.
#include "graph/build.h"
#include "vkgrid/base/memory.h"

#include <assert.h>
#include <stdlib.h>

// Whether gradients pass through ops of this kind. The others make samples, metrics and updates.
static bool is_differentiable(enum op_kind kind)
{
    switch (kind) {
    case OP_CONV:
    case OP_BATCH_NORM:
    case OP_RELU:
    case OP_ADD:
    case OP_MAX_POOL:
    case OP_UPSAMPLE:
    case OP_CONCAT:
        return true;
    default:
        return false;
    }
}

// For each tensor: whether it is a parameter or depends on one. The caller frees the list.
static bool *find_dependents(const struct graph *graph)
{
    bool *depends = mem_zalloc((size_t)graph->tensor_count, sizeof(*depends));
    for (int i = 0; i < graph->tensor_count; i++)
        depends[i] = graph->tensors[i].parameter;

    const struct op_list *list = &graph->routines[graph->routine];
    for (int i = 0; i < list->count; i++) {
        const struct op *op = &list->ops[i];
        for (int k = 0; is_differentiable(op->kind) && k < OP_INPUTS; k++)
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

static void conv_backward(struct graph *graph, const struct op *forward, int dy, bool wants_dx)
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
    if (wants_dx)
        backward(graph, forward, x, OP_CONV_INPUT_GRAD, 2, (int[]){dy, weight}, 0);
}

static void batch_norm_backward(struct graph *graph, const struct op *forward, int dy,
                                bool wants_dx)
{
    const int x = forward->in[0], weight = forward->in[1], bias = forward->in[2];
    const int mean = forward->out[1], inverse_deviation = forward->out[2];
    const int dweight = parameter_gradient(graph, weight);
    const int dbias = parameter_gradient(graph, bias);
    const int dx = wants_dx ? graph_activation_like(graph, x) : NO_TENSOR;
    graph_op(graph, OP_BATCH_NORM_GRAD, 5, (int[]){x, dy, weight, mean, inverse_deviation}, 3,
             (int[]){dx, dweight, dbias});
    if (wants_dx)
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

// wanted: for each tensor of the forward ops, whether it gets a gradient.
static void op_backward(struct graph *graph, const struct op *forward, int dy, const bool *wanted)
{
    const int x = forward->in[0], y = forward->out[0];
    switch (forward->kind) {
    case OP_CONV:
        conv_backward(graph, forward, dy, wanted[x]);
        break;
    case OP_BATCH_NORM:
        batch_norm_backward(graph, forward, dy, wanted[x]);
        break;
    case OP_RELU:
        backward(graph, forward, x, OP_RELU_GRAD, 2, (int[]){y, dy}, 0);
        break;
    case OP_ADD: // dy itself is the gradient of both, so there is nothing to compute
        for (int i = 1; i >= 0; i--)
            if (wanted[forward->in[i]])
                contribute(graph, forward->in[i], dy);
        break;
    case OP_MAX_POOL:
        backward(graph, forward, x, OP_MAX_POOL_GRAD, 2, (int[]){forward->out[1], dy}, 0);
        break;
    case OP_UPSAMPLE:
        backward(graph, forward, x, OP_UPSAMPLE_GRAD, 1, &dy, 0);
        break;
    case OP_CONCAT:
        concat_backward(graph, forward, dy, wanted);
        break;
    default:
        assert(!"op without a derivative");
    }
}

void graph_differentiate(struct graph *graph, int of, int gradient)
{
    bool *wanted = find_dependents(graph);
    assert(wanted[of]);
    graph->tensors[of].gradient = gradient;
    for (int i = graph->routines[graph->routine].count - 1; i >= 0; i--) {
        const struct op forward = graph->routines[graph->routine].ops[i];
        if (!is_differentiable(forward.kind) || !wanted[forward.out[0]])
            continue;
        const int dy = graph->tensors[forward.out[0]].gradient;
        if (dy == NO_TENSOR) // `of` does not depend on it
            continue;
        if (graph->tensors[dy].name[0] == '#')
            graph_name_gradient(graph, dy, forward.out[0]);
        op_backward(graph, &forward, dy, wanted);
    }
    free(wanted);
}
