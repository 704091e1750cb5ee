// SPDX-License-Identifier: MIT
// The loss in three kernels; shaders/loss.glsl says what lies where in the scratch.
#include "engine/vulkan/push.h"
#include "engine/vulkan/internal.h"

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

size_t loss_sums_scratch(const struct graph *graph, const struct op *op, int n)
{
    const struct loss_shape shape = loss_shape(graph, op, n);
    return shape.sums + shape.totals;
}

bool record_loss(struct recorder *recorder, const struct op *op, VkDeviceAddress scratch)
{
    const struct loss_shape shape = loss_shape(recorder->program->graph, op, recorder->n);
    const int gradient = op->out[1];
    const uint32_t scaled = loss_is_scaled(recorder, op->in[4]);
    struct loss_push push = {
        .logits = tensor_address(recorder, op->in[0]),
        .targets = tensor_address(recorder, op->in[1]),
        .sums = scratch,
        .totals = scratch + shape.sums * 4,
        .bce_weight = tensor_address(recorder, op->in[2]),
        .metrics = tensor_address(recorder, op->out[0]),
        .loss_scale = scaled ? tensor_address(recorder, op->in[4]) : 0,
        .position = tensor_address(recorder, op->in[3]),
        .logits_slot = tensor_stride(recorder, op->in[0]),
        .scratch_slot = scratch_stride(recorder),
        .metrics_slot = tensor_stride(recorder, op->out[0]),
        .N = (uint32_t)recorder->n,
        .pixels = shape.pixels,
        .K = shape.K,
        .chunk = LOSS_CHUNK,
    };
    const uint32_t one[2] = {1, 1};
    if (gradient != NO_TENSOR) {
        push.gradient = tensor_address(recorder, gradient);
        push.gradient_slot = tensor_stride(recorder, gradient);
    }
    return record_flat(recorder, KERNEL_ID_LOSS_SUMS, NULL, 0, &push, shape.sums / LOSS_SUMS,
                       false) &&
           record_dispatch(recorder, KERNEL_ID_LOSS_FINISH, NULL, 0, &push, one, false) &&
           (gradient == NO_TENSOR || record_flat(recorder, KERNEL_ID_LOSS_GRAD, &scaled, 1, &push,
                                                 (uint64_t)push.N * shape.pixels * shape.K, false));
}
