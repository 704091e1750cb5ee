// SPDX-License-Identifier: MIT
// Batch norm: statistics in two passes over the data (mean, then squared differences from it, which
// keeps the digits that E[x^2] - E[x]^2 loses), then one pass that applies them.
#include "engine/vulkan/ops.h"

#include "engine/fuse.h"
#include "engine/vulkan/push.h"

struct norm_shape {
    uint32_t pixels, C, chunks;
};

static struct norm_shape norm_shape(const struct graph *graph, const struct op *op, int n)
{
    const struct tensor *x = &graph->tensors[op->in[0]];
    const uint32_t pixels = (uint32_t)n * (uint32_t)x->rows * (uint32_t)x->cols;
    return (struct norm_shape){pixels, (uint32_t)x->channels, sum_chunks(pixels)};
}

// The gradient's sums are pairs: [chunks][2][C].
size_t ops_norm_scratch(const struct graph *graph, const struct op *op, int n)
{
    const struct norm_shape s = norm_shape(graph, op, n);
    return (size_t)s.C * (fused_main(op->kind) == OP_BATCH_NORM_GRAD ? 2 : 1) * s.chunks;
}

static bool apply(struct dispatcher *dispatcher, const struct op *op, int mean, int deviation,
                  bool running)
{
    const struct norm_shape s = norm_shape(dispatcher->program->graph, op, dispatcher->n);
    // The ReLU, and the tensor that is added before it, are those of the joined kinds.
    const bool relu = is_fused(op->kind);
    const int added = relu ? op->in[5] : NO_TENSOR;
    const bool aligned = s.C % 4 == 0;
    const uint32_t constants[] = {running, aligned, added != NO_TENSOR, relu};
    const struct norm_apply_push push = {
        .x = tensor_address(dispatcher, op->in[0]),
        .added = added == NO_TENSOR ? 0 : tensor_address(dispatcher, added),
        .y = tensor_address(dispatcher, op->out[0]),
        .mean = tensor_address(dispatcher, mean),
        .deviation = tensor_address(dispatcher, deviation),
        .weight = tensor_address(dispatcher, op->in[1]),
        .bias = tensor_address(dispatcher, op->in[2]),
        .x_slot = tensor_stride(dispatcher, op->in[0]),
        .added_slot = added == NO_TENSOR ? 0 : tensor_stride(dispatcher, added),
        .y_slot = tensor_stride(dispatcher, op->out[0]),
        .stat_slot = tensor_stride(dispatcher, mean),
        .weight_slot = tensor_stride(dispatcher, op->in[1]),
        .count = s.pixels * s.C,
        .C = s.C,
    };
    return dispatch_add_flat(dispatcher, KERNEL_ID_NORM_APPLY, constants, 4, &push,
                             aligned ? push.count / 4 : push.count, false);
}

static bool statistics(struct dispatcher *dispatcher, const struct op *op, VkDeviceAddress scratch)
{
    const struct norm_shape s = norm_shape(dispatcher->program->graph, op, dispatcher->n);
    const struct channel_sums_push sums = {
        .x = tensor_address(dispatcher, op->in[0]),
        .g = tensor_address(dispatcher, op->in[0]),
        .mean = tensor_address(dispatcher, op->out[1]),
        .partial = scratch,
        .x_slot = tensor_stride(dispatcher, op->in[0]),
        .g_slot = tensor_stride(dispatcher, op->in[0]),
        .stat_slot = tensor_stride(dispatcher, op->out[1]),
        .partial_slot = scratch_stride(dispatcher),
        .pixels = s.pixels,
        .C = s.C,
        .g_channels = s.C,
    };
    const struct norm_finish_push finish = {
        .partial = scratch,
        .mean = tensor_address(dispatcher, op->out[1]),
        .deviation = tensor_address(dispatcher, op->out[2]),
        .running_mean = tensor_address(dispatcher, op->in[3]),
        .running_var = tensor_address(dispatcher, op->in[4]),
        .partial_slot = sums.partial_slot,
        .stat_slot = sums.stat_slot,
        .running_slot = tensor_stride(dispatcher, op->in[3]),
        .pixels = s.pixels,
        .C = s.C,
        .chunks = s.chunks,
    };
    for (uint32_t pass = CHANNEL_SUM; pass <= CHANNEL_VARIANCE; pass++)
        if (!ops_add_channel_sums(dispatcher, pass, false, &sums) ||
            !dispatch_add_flat(dispatcher, KERNEL_ID_NORM_FINISH, &pass, 1, &finish, s.C, false))
            return false;
    return true;
}

static bool gradient(struct dispatcher *dispatcher, const struct op *op, VkDeviceAddress scratch)
{
    const int x = op->in[0], g = op->in[1], weight = op->in[2], mean = op->in[3],
              deviation = op->in[4];
    const struct norm_shape s = norm_shape(dispatcher->program->graph, op, dispatcher->n);
    const uint32_t pairs = 2 * s.C;
    const bool relu = is_fused(op->kind);
    const uint32_t constants[] = {s.C % 4 == 0, relu};
    const struct channel_sums_push sums = {
        .x = tensor_address(dispatcher, x),
        .g = tensor_address(dispatcher, g),
        .y = relu ? tensor_address(dispatcher, op->in[5]) : 0,
        .mean = tensor_address(dispatcher, mean),
        .deviation = tensor_address(dispatcher, deviation),
        .partial = scratch,
        .x_slot = tensor_stride(dispatcher, x),
        .g_slot = tensor_stride(dispatcher, g),
        .y_slot = relu ? tensor_stride(dispatcher, op->in[5]) : 0,
        .stat_slot = tensor_stride(dispatcher, mean),
        .partial_slot = scratch_stride(dispatcher),
        .pixels = s.pixels,
        .C = s.C,
        .g_channels = s.C,
    };
    // Totals of each pair of sums go to where the gradients of weight and bias lie.
    const int to[2] = {op->out[1], op->out[2]};
    if (!ops_add_channel_sums(dispatcher, CHANNEL_GRADIENT, relu, &sums))
        return false;
    for (uint32_t i = 0; i < 2; i++) {
        const struct sum_splits_push total = {
            .x = scratch + (uint64_t)i * s.C * 4,
            .y = tensor_address(dispatcher, to[i]),
            .x_slot = scratch_stride(dispatcher),
            .y_slot = tensor_stride(dispatcher, to[i]),
            .count = s.C,
            .splits = s.chunks,
            .x_split = pairs,
        };
        if (!dispatch_add_flat(dispatcher, KERNEL_ID_SUM_SPLITS, NULL, 0, &total, s.C, i > 0))
            return false;
    }
    if (op->out[0] == NO_TENSOR)
        return true;
    const struct norm_grad_push push = {
        .x = sums.x,
        .g = sums.g,
        .y = sums.y,
        .dx = tensor_address(dispatcher, op->out[0]),
        .mean = sums.mean,
        .deviation = sums.deviation,
        .weight = tensor_address(dispatcher, weight),
        .dweight = tensor_address(dispatcher, to[0]),
        .dbias = tensor_address(dispatcher, to[1]),
        .x_slot = sums.x_slot,
        .g_slot = sums.g_slot,
        .y_slot = sums.y_slot,
        .dx_slot = tensor_stride(dispatcher, op->out[0]),
        .stat_slot = sums.stat_slot,
        .weight_slot = tensor_stride(dispatcher, weight),
        .dweight_slot = tensor_stride(dispatcher, to[0]),
        .count = s.pixels * s.C,
        .C = s.C,
        .pixels = s.pixels,
    };
    return dispatch_add_flat(dispatcher, KERNEL_ID_NORM_GRAD, constants, 2, &push,
                             constants[0] ? push.count / 4 : push.count, false);
}

bool ops_add_norm(struct dispatcher *dispatcher, const struct op *op, VkDeviceAddress scratch)
{
    const enum op_kind kind = fused_main(op->kind);
    if (kind == OP_BATCH_NORM_EVAL)
        return apply(dispatcher, op, op->in[3], op->in[4], true);
    if (kind == OP_BATCH_NORM_GRAD)
        return gradient(dispatcher, op, scratch);
    return statistics(dispatcher, op, scratch) &&
           apply(dispatcher, op, op->out[1], op->out[2], false);
}
