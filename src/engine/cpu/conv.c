// SPDX-License-Identifier: MIT
// Convolutions. Weights lie in memory as PyTorch has them; a convolution packs them into scratch
// memory before it runs, and its weight gradient is unpacked from there.
#include "engine/cpu/internal.h"

#include "engine/cpu/fuse.h"

enum { LINE = 64 }; // bytes that packed weights are rounded up to

static size_t packed_size(struct convolution_sizes sizes)
{
    return (sizes.packed + LINE - 1) / LINE * LINE;
}

// x and y: the activations, or their gradients, on the two sides.
static void find_sides(const struct op *op, int *x, int *y)
{
    const bool input_grad = op->kind == OP_CONV_INPUT_GRAD;
    *x = input_grad ? op->out[0] : op->in[0];
    *y = input_grad ? op->in[0] : op->kind == OP_CONV_WEIGHT_GRAD ? op->in[1] : op->out[0];
}

static enum convolution_kind kind_of(const struct op *op)
{
    switch ((int)op->kind) {
    case OP_CONV_INPUT_GRAD:
        return CONVOLUTION_INPUT_GRAD;
    case OP_CONV_WEIGHT_GRAD:
        return CONVOLUTION_WEIGHT_GRAD;
    case FUSED_CONV_RELU:
        return CONVOLUTION_FORWARD_RELU;
    default:
        return CONVOLUTION_FORWARD;
    }
}

static struct convolution_shape shape_of(const struct graph *graph, const struct op *op, int n)
{
    const enum convolution_kind kind = kind_of(op);
    const bool forward = kind == CONVOLUTION_FORWARD || kind == CONVOLUTION_FORWARD_RELU;
    int x, y;
    find_sides(op, &x, &y);
    return (struct convolution_shape){
        .kind = kind,
        .n = n,
        .rows = graph->tensors[x].rows,
        .cols = graph->tensors[x].cols,
        .in = graph->tensors[x].channels,
        .out = graph->tensors[y].channels,
        .kernel = op->kernel,
        .stride = op->stride,
        .bias = forward && op->in[2] != NO_TENSOR,
    };
}

// The most that any batch size needs: oneDNN may choose other layouts and other ways for each. What
// cannot be asked for now cannot be compiled later, which says why.
static size_t conv_scratch(struct cpu_engine *engine, const struct graph *graph,
                           const struct op *op, int batch)
{
    size_t most = 0;
    for (int n = 1; n <= batch; n++) {
        const struct convolution_shape shape = shape_of(graph, op, n);
        struct convolution_sizes sizes;
        if (!convolution_sizes(engine->onednn, &shape, &sizes))
            continue;
        const size_t bytes = packed_size(sizes) + sizes.scratchpad;
        most = bytes > most ? bytes : most;
    }
    return most;
}

// The one place that decides how a convolution is computed.
static bool conv_compile(struct call *call)
{
    const struct convolution_shape shape = shape_of(call->program->graph, call->op, call->n);
    return convolution_create(call->program->engine->onednn, &shape, &call->convolution);
}

static void *scratchpad(const struct call *call)
{
    return (char *)call->scratch + packed_size(convolution_needs(call->convolution));
}

// The one place where weights are packed.
static void *packed_weight(const struct call *call, int slot)
{
    const float *weight = call_memory(call, call->op->in[1], slot);
    return convolution_pack(call->convolution, weight, call->scratch) ? call->scratch : NULL;
}

static bool run_conv(const struct call *call, int slot)
{
    int x, y;
    find_sides(call->op, &x, &y);
    void *packed = packed_weight(call, slot);
    return packed && convolution_run(call->convolution, call_memory(call, x, slot), packed,
                                     call_memory(call, call->op->in[2], slot),
                                     call_memory(call, y, slot), scratchpad(call));
}

static bool run_conv_weight_grad(const struct call *call, int slot)
{
    int x, y;
    find_sides(call->op, &x, &y);
    return convolution_run(call->convolution, call_memory(call, x, slot), call->scratch, NULL,
                           call_memory(call, y, slot), scratchpad(call)) &&
           convolution_unpack(call->convolution, call->scratch,
                              call_memory(call, call->op->out[0], slot));
}

const struct op_runner conv_runner = {run_conv, conv_scratch, conv_compile};
const struct op_runner conv_weight_grad_runner = {run_conv_weight_grad, conv_scratch, conv_compile};
