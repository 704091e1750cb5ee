// SPDX-License-Identifier: MIT
// Sums over pixels, in two steps: chunks of them, then the chunks. Every order is fixed by the
// shape alone.
#include "engine/vulkan/ops.h"

#include "engine/vulkan/push.h"

// Pixels of a chunk; part of the result's bits, so the same everywhere.
#define SUM_CHUNK 512
#define SUM_UNITS 8 // of channels that a workgroup takes; as in channel_sums.comp

uint32_t sum_chunks(uint32_t pixels)
{
    return (pixels + SUM_CHUNK - 1) / SUM_CHUNK;
}

bool ops_add_channel_sums(struct dispatcher *dispatcher, enum channel_sum what, bool relu,
                          const struct channel_sums_push *sums)
{
    struct channel_sums_push push = *sums;
    const bool aligned = (push.C | push.g_channels | push.g_first) % 4 == 0;
    const uint32_t units = aligned ? push.C / 4 : push.C;
    const uint64_t groups =
        (uint64_t)sum_chunks(push.pixels) * ((units + SUM_UNITS - 1) / SUM_UNITS);
    const uint32_t constants[] = {what, aligned, relu};
    push.chunk = SUM_CHUNK;
    return dispatch_add_flat(dispatcher, KERNEL_ID_CHANNEL_SUMS, constants, 3, &push,
                             groups * FLAT_LOCAL, false);
}

bool ops_add_sum_splits(struct dispatcher *dispatcher, VkDeviceAddress from, int to, size_t count,
                        uint32_t splits)
{
    const struct sum_splits_push push = {
        .x = from,
        .y = tensor_address(dispatcher, to),
        .x_slot = scratch_stride(dispatcher),
        .y_slot = tensor_stride(dispatcher, to),
        .count = (uint32_t)count,
        .splits = splits,
        .x_split = (uint32_t)count,
    };
    return dispatch_add_flat(dispatcher, KERNEL_ID_SUM_SPLITS, NULL, 0, &push, count, false);
}

static uint32_t pixels_of(const struct tensor *tensor, int n)
{
    return (uint32_t)n * (uint32_t)tensor->rows * (uint32_t)tensor->cols;
}

// The first input of both kinds has the channels and pixels that are summed.
size_t ops_bias_grad_scratch(const struct graph *graph, const struct op *op, int n)
{
    const struct tensor *t = &graph->tensors[op->in[0]];
    return (size_t)sum_chunks(pixels_of(t, n)) * (size_t)t->channels;
}

// OP_CONV_BIAS_GRAD, and FUSED_RELU_GRAD, whose sums nobody may want.
bool ops_add_bias_grad(struct dispatcher *dispatcher, const struct op *op, VkDeviceAddress scratch)
{
    const struct tensor *tensors = dispatcher->program->graph->tensors, *t = &tensors[op->in[0]];
    const bool relu = op->kind == FUSED_RELU_GRAD;
    const int dy = relu ? op->in[1] : op->in[0], bias = relu ? op->out[1] : op->out[0];
    const uint32_t channels = (uint32_t)t->channels, pixels = pixels_of(t, dispatcher->n);
    struct channel_sums_push sums = {
        .g = tensor_address(dispatcher, dy),
        .partial = scratch,
        .g_slot = tensor_stride(dispatcher, dy),
        .partial_slot = scratch_stride(dispatcher),
        .pixels = pixels,
        .C = channels,
        .g_channels = (uint32_t)tensors[dy].channels,
        .g_first = (uint32_t)op->first,
    };
    if (relu) {
        sums.y = tensor_address(dispatcher, op->in[0]);
        sums.y_slot = tensor_stride(dispatcher, op->in[0]);
        sums.dx = tensor_address(dispatcher, op->out[0]);
        sums.dx_slot = tensor_stride(dispatcher, op->out[0]);
    }
    return ops_add_channel_sums(dispatcher, CHANNEL_SUM, relu, &sums) &&
           (bias == NO_TENSOR ||
            ops_add_sum_splits(dispatcher, scratch, bias, channels, sum_chunks(pixels)));
}
