// SPDX-License-Identifier: MIT
// The loss in three kernels; shaders/loss.glsl says what lies where in the scratch.
#include "engine/vulkan/ops.h"

#include "engine/vulkan/push.h"

#define LOSS_CHUNK 256 // pixels of a sample that one invocation sums; part of the result's bits
#define LOSS_SUMS 5

struct loss_shape {
    uint32_t pixels, K, chunks;
    size_t sums, totals; // elements
};

static struct loss_shape loss_shape(const struct graph *graph, const struct op *op, int n)
{
    const struct tensor *logits = &graph->tensors[op->in[0]];
    struct loss_shape shape = {
        .pixels = (uint32_t)(logits->rows * logits->cols),
        .K = (uint32_t)logits->channels,
    };
    shape.chunks = (shape.pixels + LOSS_CHUNK - 1) / LOSS_CHUNK;
    shape.sums = (size_t)n * shape.chunks * shape.K * LOSS_SUMS;
    shape.totals = ((size_t)n * LOSS_SUMS + 1) * shape.K;
    return shape;
}

size_t ops_loss_scratch(const struct graph *graph, const struct op *op, int n)
{
    const struct loss_shape shape = loss_shape(graph, op, n);
    return shape.sums + shape.totals;
}

bool loss_is_scaled(const struct dispatcher *dispatcher, int loss_scale)
{
    return dispatcher->half && loss_scale != NO_TENSOR;
}

bool ops_add_loss(struct dispatcher *dispatcher, const struct op *op, VkDeviceAddress scratch)
{
    const struct loss_shape shape = loss_shape(dispatcher->program->graph, op, dispatcher->n);
    const int gradient = op->out[1];
    const uint32_t scaled = loss_is_scaled(dispatcher, op->in[4]);
    struct loss_push push = {
        .logits = tensor_address(dispatcher, op->in[0]),
        .targets = tensor_address(dispatcher, op->in[1]),
        .sums = scratch,
        .totals = scratch + shape.sums * 4,
        .bce_weight = tensor_address(dispatcher, op->in[2]),
        .metrics = tensor_address(dispatcher, op->out[0]),
        .loss_scale = scaled ? tensor_address(dispatcher, op->in[4]) : 0,
        .position = tensor_address(dispatcher, op->in[3]),
        .logits_slot = tensor_stride(dispatcher, op->in[0]),
        .scratch_slot = scratch_stride(dispatcher),
        .metrics_slot = tensor_stride(dispatcher, op->out[0]),
        .N = (uint32_t)dispatcher->n,
        .pixels = shape.pixels,
        .K = shape.K,
        .chunk = LOSS_CHUNK,
    };
    const uint32_t one[2] = {1, 1};
    if (gradient != NO_TENSOR) {
        push.gradient = tensor_address(dispatcher, gradient);
        push.gradient_slot = tensor_stride(dispatcher, gradient);
    }
    return dispatch_add_flat(dispatcher, KERNEL_ID_LOSS_SUMS, NULL, 0, &push,
                             shape.sums / LOSS_SUMS, false) &&
           dispatch_add(dispatcher, KERNEL_ID_LOSS_FINISH, NULL, 0, &push, one, false) &&
           (gradient == NO_TENSOR ||
            dispatch_add_flat(dispatcher, KERNEL_ID_LOSS_GRAD, &scaled, 1, &push,
                              (uint64_t)push.N * shape.pixels * shape.K, false));
}
