// SPDX-License-Identifier: MIT
// Convolutions: one kernel each; the weight gradient sums splits of the output, then adds them.
#include "engine/vulkan/ops.h"

#include "engine/fuse.h"
#include "engine/vulkan/candidates.h"
#include "engine/vulkan/push.h"

// Pixels of a split of the weight gradient, and the most splits: enough threads for a GPU on the
// layers with few weights, little scratch on those with many. Part of the result's bits, so the
// same on every device.
#define SPLIT_PIXELS 2048
#define SPLIT_MOST 64

// What is done to a sum before it is written: bits, as in conv_epilogue.glsl.
enum conv_epilogue { EPILOGUE_BIAS = 1, EPILOGUE_RELU = 2 };

struct conv_shape {
    int x, y, weight; // tensors; for gradients x and y may be gradients
    uint32_t N, H, W, I, OH, OW, O;
};

static struct conv_shape conv_shape(const struct graph *graph, const struct op *op, int n)
{
    struct conv_shape shape = {
        .x = op->in[0], .y = op->out[0], .weight = op->in[1], .N = (uint32_t)n};
    if (op->kind == OP_CONV_INPUT_GRAD) {
        shape.x = op->out[0];
        shape.y = op->in[0];
    } else if (op->kind == OP_CONV_WEIGHT_GRAD) {
        shape.y = op->in[1];
        shape.weight = op->out[0];
    }
    const struct tensor *x = &graph->tensors[shape.x], *y = &graph->tensors[shape.y];
    shape.H = (uint32_t)x->rows;
    shape.W = (uint32_t)x->cols;
    shape.I = (uint32_t)x->channels;
    shape.OH = (uint32_t)y->rows;
    shape.OW = (uint32_t)y->cols;
    shape.O = (uint32_t)y->channels;
    return shape;
}

static uint32_t splits_of(const struct conv_shape *shape)
{
    const uint32_t rows = shape->N * shape->OH;
    uint32_t splits = rows * shape->OW / SPLIT_PIXELS;
    splits = splits < SPLIT_MOST ? splits : SPLIT_MOST;
    splits = splits < rows ? splits : rows;
    splits = splits > 1 ? splits : 1;
    const uint32_t range = (rows + splits - 1) / splits; // no split is empty
    return (rows + range - 1) / range;
}

size_t ops_conv_scratch(const struct graph *graph, const struct op *op, int n)
{
    const struct conv_shape shape = conv_shape(graph, op, n);
    const uint32_t splits = splits_of(&shape);
    return splits == 1 ? 0 : splits * graph->tensors[shape.weight].count;
}

// float_out: what is written is fp32, although activations are fp16 (the logits).
static enum kernel kernel_of(const struct vulkan_engine *engine, enum op_kind kind,
                             enum conv_family family, bool float_out)
{
    if (float_out)
        return KERNEL_ID_CONV_FLOAT_OUT;
    if (family == CONV_MATRIX && kind != OP_CONV_WEIGHT_GRAD && !engine->matrix.half_sums)
        return kind == OP_CONV ? KERNEL_ID_CONV_MATRIX_FLOAT
                               : KERNEL_ID_CONV_INPUT_GRAD_MATRIX_FLOAT;
    static const enum kernel forward[CONV_FAMILIES] = {
        [CONV_DIRECT] = KERNEL_ID_CONV,
        [CONV_SHARED] = KERNEL_ID_CONV_SHARED,
        [CONV_MATRIX] = KERNEL_ID_CONV_MATRIX,
        [CONV_WINOGRAD] = KERNEL_ID_CONV_WINOGRAD,
    };
    static const enum kernel input_grad[CONV_FAMILIES] = {
        [CONV_DIRECT] = KERNEL_ID_CONV_INPUT_GRAD,
        [CONV_SHARED] = KERNEL_ID_CONV_INPUT_GRAD_SHARED,
        [CONV_MATRIX] = KERNEL_ID_CONV_INPUT_GRAD_MATRIX,
        [CONV_WINOGRAD] = KERNEL_ID_CONV_INPUT_GRAD_WINOGRAD,
    };
    static const enum kernel weight_grad[CONV_FAMILIES] = {
        [CONV_DIRECT] = KERNEL_ID_CONV_WEIGHT_GRAD,
        [CONV_SHARED] = KERNEL_ID_CONV_WEIGHT_GRAD_SHARED,
        [CONV_MATRIX] = KERNEL_ID_CONV_WEIGHT_GRAD_MATRIX,
        [CONV_WINOGRAD] = KERNEL_ID_CONV_WEIGHT_GRAD_WINOGRAD,
    };
    if (kind == OP_CONV_WEIGHT_GRAD)
        return weight_grad[family];
    return kind == OP_CONV_INPUT_GRAD ? input_grad[family] : forward[family];
}

// The weights as fp16 in place of the parameters.
static void take_rounded(const struct dispatcher *dispatcher, int weight, struct conv_push *push)
{
    const struct vulkan_program *program = dispatcher->program;
    push->w = rounded_address(dispatcher, program->plan.tensors[weight].offset);
    push->w_slot = (uint32_t)program->plan.parameter_span;
}

static bool add_tiles(struct dispatcher *dispatcher, const struct conv_problem *problem,
                      const struct conv_push *push, uint32_t epilogue)
{
    const struct vulkan_engine *engine = dispatcher->program->engine;
    const struct conv_tile tile = conv_tile(engine, problem);
    const bool direct = tile.family == CONV_DIRECT, matrix = tile.family == CONV_MATRIX;
    const uint32_t constants[KERNEL_CONSTANTS] = {
        tile.local,
        tile.rows,
        tile.columns,
        problem->kernel,
        problem->stride,
        direct ? problem->in % 4 == 0 : tile.local_columns,
        direct ? problem->out % 4 == 0 : tile.depth,
        epilogue,
        matrix ? problem->in % 8 == 0 : tile.depth,
        matrix ? engine->matrix.subgroup : conv_tile_is_lean(engine, &tile, problem),
        matrix ? engine->matrix.m : 0,
        matrix ? engine->matrix.n : 0,
        matrix ? engine->matrix.k : 0,
    };
    uint32_t groups[2];
    conv_groups(engine, &tile, problem, groups);
    const enum kernel kernel = kernel_of(engine, problem->kind, tile.family, problem->float_out);
    return dispatch_add(dispatcher, kernel, constants, KERNEL_CONSTANTS, push, groups, false);
}

struct conv_problem conv_problem_of(const struct vulkan_program *program, const struct op *op,
                                    int n)
{
    const struct conv_shape s = conv_shape(program->graph, op, n);
    const struct program_options *options = &program->base.options;
    const enum op_kind kind = fused_main(op->kind);
    const bool half = options->precision == PRECISION_MIXED,
               weight_grad = kind == OP_CONV_WEIGHT_GRAD, input_grad = kind == OP_CONV_INPUT_GRAD;
    const uint32_t rows = input_grad ? s.H : s.OH, cols = input_grad ? s.W : s.OW;
    return (struct conv_problem){
        .kind = kind,
        .pixels = s.N * rows * cols,
        .quads = s.N * ((rows + 1) / 2) * ((cols + 1) / 2),
        .in = s.I,
        .out = s.O,
        .kernel = (uint32_t)op->kernel,
        .stride = (uint32_t)op->stride,
        .splits = weight_grad ? splits_of(&s) : 1,
        .slots = (uint32_t)options->slots,
        .half = half,
        .float_out = half && !program->half[op->out[0]] && !weight_grad,
    };
}

bool ops_add_conv(struct dispatcher *dispatcher, const struct op *op, VkDeviceAddress scratch)
{
    const struct graph *graph = dispatcher->program->graph;
    const struct conv_shape s = conv_shape(graph, op, dispatcher->n);
    const struct conv_problem problem = conv_problem_of(dispatcher->program, op, dispatcher->n);
    const int bias = problem.kind == OP_CONV ? op->in[2] : NO_TENSOR;
    const uint32_t epilogue =
        (bias != NO_TENSOR ? EPILOGUE_BIAS : 0) | (op->kind == FUSED_CONV_RELU ? EPILOGUE_RELU : 0);
    const uint32_t splits = problem.splits;
    const size_t weights = graph->tensors[s.weight].count;
    struct conv_push push = {
        .x = tensor_address(dispatcher, s.x),
        .w = tensor_address(dispatcher, s.weight),
        .y = tensor_address(dispatcher, s.y),
        .x_slot = tensor_stride(dispatcher, s.x),
        .w_slot = tensor_stride(dispatcher, s.weight),
        .y_slot = tensor_stride(dispatcher, s.y),
        .N = s.N,
        .H = s.H,
        .W = s.W,
        .I = s.I,
        .OH = s.OH,
        .OW = s.OW,
        .O = s.O,
        .splits = splits,
    };
    if (bias != NO_TENSOR) {
        push.b = tensor_address(dispatcher, bias);
        push.b_slot = tensor_stride(dispatcher, bias);
    }
    if (dispatcher->half && problem.kind != OP_CONV_WEIGHT_GRAD)
        take_rounded(dispatcher, s.weight, &push);
    if (splits > 1) {
        push.w = scratch;
        push.w_slot = scratch_stride(dispatcher);
    }
    return add_tiles(dispatcher, &problem, &push, epilogue) &&
           (splits == 1 || ops_add_sum_splits(dispatcher, scratch, s.weight, weights, splits));
}
