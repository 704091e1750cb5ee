// SPDX-License-Identifier: MIT
// Convolutions. Weights lie in memory as weight_layout.h says; a convolution packs them into
// scratch memory before it runs, and its weight gradient is unpacked from there. Those that
// Winograd's algorithm suits are done by kernels of our own, the others by oneDNN.
#include "engine/cpu/conv.h"

#include <string.h>

enum { LINE = 64 }; // bytes that packed weights are rounded up to

static size_t whole_lines(size_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

static size_t packed_size(struct convolution_sizes sizes)
{
    return whole_lines(sizes.packed);
}

// x and y: the activations, or their gradients, on the two sides.
static void find_sides(const struct op *op, int *x, int *y)
{
    *x = op->in[0];
    *y = op->out[0];
    if (op->kind == OP_CONV_INPUT_GRAD) {
        *x = op->out[0];
        *y = op->in[0];
    } else if (op->kind == OP_CONV_WEIGHT_GRAD) {
        *y = op->in[1];
    }
}

static enum convolution_kind kind_of(const struct op *op)
{
    if (op->kind == OP_CONV_INPUT_GRAD)
        return CONVOLUTION_INPUT_GRAD;
    if (op->kind == OP_CONV_WEIGHT_GRAD)
        return CONVOLUTION_WEIGHT_GRAD;
    return op->kind == FUSED_CONV_RELU ? CONVOLUTION_FORWARD_RELU : CONVOLUTION_FORWARD;
}

static struct convolution_shape shape_of(const struct cpu_program *program, const struct op *op,
                                         int n)
{
    const struct graph *graph = program->graph;
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
        .bfloat16 = program->real[x],
        .float_out = program->real[x] && !program->real[y],
    };
}

// --- Winograd -----------------------------------------------------------------------------------

// Tiles of 2x2 outputs below which transforming the weights costs more than is saved.
#define WINOGRAD_TILES 32

// The one place that decides how a convolution is computed. Matrix units multiply bfloat16 so much
// faster than vectors that a direct convolution wins.
static bool is_winograd(const struct cpu_program *program, const struct convolution_shape *s)
{
    if (s->float_out || (s->bfloat16 && program->engine->matrix_units))
        return false;
    const long tiles = (long)s->n * ((s->rows + 1) / 2) * ((s->cols + 1) / 2);
    return s->kernel == 3 && s->stride == 1 && s->in % WINOGRAD_BLOCK == 0 &&
           s->out % WINOGRAD_BLOCK == 0 && tiles >= WINOGRAD_TILES;
}

static size_t winograd_packed(const struct cpu_program *program, int in, int out)
{
    return whole_lines(winograd_weights_size(in, out) * program->kernels->element);
}

static size_t winograd_scratch(const struct cpu_program *program, const struct convolution_shape *s)
{
    const struct cpu_kernels *kernels = program->kernels;
    const int threads = program->engine->threads;
    if (s->kind == CONVOLUTION_WEIGHT_GRAD)
        return kernels->winograd_weight_grad_scratch(s->n, s->rows, s->cols, s->in, s->out,
                                                     threads);
    const int depth = s->kind == CONVOLUTION_INPUT_GRAD ? s->out : s->in;
    return winograd_packed(program, s->in, s->out) + kernels->winograd_conv_scratch(depth, threads);
}

static void run_winograd(const struct call *call, int slot)
{
    const struct cpu_kernels *kernels = call->program->kernels;
    const struct op *op = call->op;
    const struct view x = call_view(call, op->in[0], slot), y = call_view(call, op->out[0], slot);
    const float *weight = call_memory(call, op->in[1], slot);
    char *rest = (char *)call->scratch + winograd_packed(call->program, x.channels, y.channels);
    if (op->kind == OP_CONV_INPUT_GRAD) {
        kernels->winograd_weights_back(weight, y.channels, x.channels, call->scratch);
        kernels->winograd_conv(x, call->scratch, NULL, false, y, rest);
    } else {
        kernels->winograd_weights(weight, x.channels, y.channels, call->scratch);
        kernels->winograd_conv(x, call->scratch, call_memory(call, op->in[2], slot),
                               op->kind == FUSED_CONV_RELU, y, rest);
    }
}

static void run_winograd_weight_grad(const struct call *call, int slot)
{
    const struct op *op = call->op;
    call->program->kernels->winograd_weight_grad(
        call_view(call, op->in[0], slot), call_view(call, op->in[1], slot),
        call_memory(call, op->out[0], slot), call->scratch);
}

// --- both ---------------------------------------------------------------------------------------

// The most that any batch size needs: oneDNN may choose other layouts and other ways for each. What
// cannot be asked for now cannot be compiled later, which says why.
static size_t conv_scratch(const struct cpu_program *program, const struct op *op, int batch)
{
    size_t most = 0;
    for (int n = 1; n <= batch; n++) {
        const struct convolution_shape shape = shape_of(program, op, n);
        struct convolution_sizes sizes;
        size_t bytes = 0;
        if (is_winograd(program, &shape))
            bytes = winograd_scratch(program, &shape);
        else if (convolution_sizes(program->engine->onednn, &shape, &sizes))
            bytes = packed_size(sizes) + sizes.scratchpad;
        most = bytes > most ? bytes : most;
    }
    return most;
}

static bool conv_compile(struct call *call)
{
    const struct convolution_shape shape = shape_of(call->program, call->op, call->n);
    return is_winograd(call->program, &shape) ||
           convolution_create(call->program->engine->onednn, &shape, &call->convolution);
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
    if (!call->convolution) {
        run_winograd(call, slot);
        return true;
    }
    find_sides(call->op, &x, &y);
    void *packed = packed_weight(call, slot);
    return packed && convolution_run(call->convolution, call_memory(call, x, slot), packed,
                                     call_memory(call, call->op->in[2], slot),
                                     call_memory(call, y, slot), scratchpad(call));
}

static bool run_conv_weight_grad(const struct call *call, int slot)
{
    int x, y;
    if (!call->convolution) {
        run_winograd_weight_grad(call, slot);
        return true;
    }
    find_sides(call->op, &x, &y);
    // oneDNN 2.6 reads there what it has not written, in images of one column.
    if (call_tensor(call, x)->cols == 1)
        memset(scratchpad(call), 0, convolution_needs(call->convolution).scratchpad);
    return convolution_run(call->convolution, call_memory(call, x, slot), call->scratch, NULL,
                           call_memory(call, y, slot), scratchpad(call)) &&
           convolution_unpack(call->convolution, call->scratch,
                              call_memory(call, call->op->out[0], slot));
}

const struct op_runner conv_runner = {run_conv, conv_scratch, conv_compile};
const struct op_runner conv_weight_grad_runner = {run_conv_weight_grad, conv_scratch, conv_compile};
