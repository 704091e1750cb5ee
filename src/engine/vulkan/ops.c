// SPDX-License-Identifier: MIT
// Ops as dispatches: the simple ones here, the others in ops_*.c.
#include "engine/vulkan/ops.h"

#include "engine/fuse.h"
#include "engine/vulkan/push.h"
#include "vkgrid/base/error.h"

static const struct tensor *tensor_of(const struct dispatcher *dispatcher, int tensor)
{
    return &dispatcher->program->graph->tensors[tensor];
}

// Elements of a tensor for one slot and this batch.
static uint32_t elements(const struct dispatcher *dispatcher, int tensor)
{
    const struct tensor *t = tensor_of(dispatcher, tensor);
    return (uint32_t)(t->count * (t->per_sample ? (size_t)dispatcher->n : 1));
}

// What elementwise.comp is to do.
static uint32_t elementwise_of(enum op_kind kind)
{
    enum { RELU, RELU_GRAD, ADD };
    if (kind == OP_RELU)
        return RELU;
    return kind == OP_RELU_GRAD ? RELU_GRAD : ADD;
}

static bool add_elementwise(struct dispatcher *dispatcher, const struct op *op)
{
    const uint32_t what = elementwise_of(op->kind);
    const int b = op->kind == OP_RELU ? op->in[0] : op->in[1];
    const struct elementwise_push push = {
        .a = tensor_address(dispatcher, op->in[0]),
        .b = tensor_address(dispatcher, b),
        .y = tensor_address(dispatcher, op->out[0]),
        .a_slot = tensor_stride(dispatcher, op->in[0]),
        .b_slot = tensor_stride(dispatcher, b),
        .y_slot = tensor_stride(dispatcher, op->out[0]),
        .count = elements(dispatcher, op->out[0]),
    };
    const bool aligned = push.count % 4 == 0 && push.y_slot % 4 == 0;
    const uint32_t constants[] = {what, aligned};
    return dispatch_add_flat(dispatcher, KERNEL_ID_ELEMENTWISE, constants, 2, &push,
                             aligned ? push.count / 4 : push.count, false);
}

// x is the larger side, y the pooled one; for the gradient both are gradients.
static bool add_pool(struct dispatcher *dispatcher, const struct op *op)
{
    const bool gradient = op->kind == OP_MAX_POOL_GRAD;
    const int x = gradient ? op->out[0] : op->in[0], y = gradient ? op->in[1] : op->out[0];
    const int index = gradient ? op->in[0] : op->out[1];
    const struct tensor *large = tensor_of(dispatcher, x), *small = tensor_of(dispatcher, y);
    const uint32_t constants[] = {(uint32_t)op->kernel, (uint32_t)op->stride};
    const struct pool_push push = {
        .x = tensor_address(dispatcher, x),
        .y = tensor_address(dispatcher, y),
        .index = tensor_address(dispatcher, index),
        .x_slot = tensor_stride(dispatcher, x),
        .y_slot = tensor_stride(dispatcher, y),
        .index_slot = tensor_stride(dispatcher, index),
        .N = (uint32_t)dispatcher->n,
        .H = (uint32_t)large->rows,
        .W = (uint32_t)large->cols,
        .C = (uint32_t)large->channels,
        .OH = (uint32_t)small->rows,
        .OW = (uint32_t)small->cols,
    };
    return dispatch_add_flat(dispatcher, gradient ? KERNEL_ID_MAX_POOL_GRAD : KERNEL_ID_MAX_POOL,
                             constants, 2, &push, elements(dispatcher, gradient ? x : y), false);
}

// y may have more channels than x: those of a concatenation.
static bool add_upsample(struct dispatcher *dispatcher, const struct op *op)
{
    const bool gradient = fused_main(op->kind) == OP_UPSAMPLE_GRAD;
    const int x = gradient ? op->out[0] : op->in[0], y = gradient ? op->in[0] : op->out[0];
    const struct tensor *small = tensor_of(dispatcher, x), *large = tensor_of(dispatcher, y);
    const struct upsample_push push = {
        .x = tensor_address(dispatcher, x),
        .y = tensor_address(dispatcher, y),
        .x_slot = tensor_stride(dispatcher, x),
        .y_slot = tensor_stride(dispatcher, y),
        .N = (uint32_t)dispatcher->n,
        .H = (uint32_t)small->rows,
        .W = (uint32_t)small->cols,
        .C = (uint32_t)small->channels,
        .y_channels = (uint32_t)large->channels,
        .y_first = (uint32_t)op->first,
    };
    const uint32_t aligned = (push.C | push.y_channels | push.y_first) % 4 == 0;
    const uint32_t count = elements(dispatcher, x) * (gradient ? 1 : 4);
    return dispatch_add_flat(dispatcher, gradient ? KERNEL_ID_UPSAMPLE_GRAD : KERNEL_ID_UPSAMPLE,
                             &aligned, 1, &push, aligned ? count / 4 : count, false);
}

// Copies `channels` channels from x (from channel x_first) to y (from channel y_first).
static bool copy_channels(struct dispatcher *dispatcher, int x, int x_first, int y, int y_first,
                          int channels, bool beside)
{
    const struct tensor *from = tensor_of(dispatcher, x), *to = tensor_of(dispatcher, y);
    const struct copy_channels_push push = {
        .x = tensor_address(dispatcher, x),
        .y = tensor_address(dispatcher, y),
        .x_slot = tensor_stride(dispatcher, x),
        .y_slot = tensor_stride(dispatcher, y),
        .pixels = (uint32_t)dispatcher->n * (uint32_t)to->rows * (uint32_t)to->cols,
        .C = (uint32_t)channels,
        .x_channels = (uint32_t)from->channels,
        .x_first = (uint32_t)x_first,
        .y_channels = (uint32_t)to->channels,
        .y_first = (uint32_t)y_first,
    };
    const uint32_t aligned =
        (channels | from->channels | to->channels | x_first | y_first) % 4 == 0;
    const uint64_t count = (uint64_t)push.pixels * push.C / (aligned ? 4 : 1);
    return dispatch_add_flat(dispatcher, KERNEL_ID_COPY_CHANNELS, &aligned, 1, &push, count,
                             beside);
}

// OP_CONCAT and FUSED_UPSAMPLE_CONCAT
static bool add_concat(struct dispatcher *dispatcher, const struct op *op)
{
    const int a = tensor_of(dispatcher, op->in[0])->channels,
              b = tensor_of(dispatcher, op->in[1])->channels;
    const bool left = op->kind == OP_CONCAT
                          ? copy_channels(dispatcher, op->in[0], 0, op->out[0], 0, a, false)
                          : add_upsample(dispatcher, op);
    return left && copy_channels(dispatcher, op->in[1], 0, op->out[0], a, b, true);
}

static bool add_slice(struct dispatcher *dispatcher, const struct op *op)
{
    const int channels = tensor_of(dispatcher, op->out[0])->channels;
    return copy_channels(dispatcher, op->in[0], op->first, op->out[0], 0, channels, false);
}

// Inputs become activations; targets stay as they are.
static bool add_gather(const struct dispatcher *outer, const struct op *op)
{
    struct dispatcher gathering = *outer, *dispatcher = &gathering;
    gathering.half = outer->program->half[op->out[0]];
    const struct gather_push push = {
        .data = tensor_address(dispatcher, op->in[0]),
        .y = tensor_address(dispatcher, op->out[0]),
        .order = tensor_address(dispatcher, op->in[1]),
        .position = tensor_address(dispatcher, op->in[2]),
        .y_slot = tensor_stride(dispatcher, op->out[0]),
        .order_slot = tensor_stride(dispatcher, op->in[1]),
        .N = (uint32_t)dispatcher->n,
        .count = (uint32_t)tensor_of(dispatcher, op->out[0])->count,
    };
    return dispatch_add_flat(dispatcher, KERNEL_ID_GATHER, NULL, 0, &push,
                             (uint64_t)push.N * push.count, false);
}

static bool add_overlap(struct dispatcher *dispatcher, const struct op *op)
{
    const struct tensor *logits = tensor_of(dispatcher, op->in[0]);
    const struct overlap_push push = {
        .logits = tensor_address(dispatcher, op->in[0]),
        .targets = tensor_address(dispatcher, op->in[1]),
        .counts = tensor_address(dispatcher, op->out[0]),
        .position = tensor_address(dispatcher, op->in[2]),
        .logits_slot = tensor_stride(dispatcher, op->in[0]),
        .counts_slot = tensor_stride(dispatcher, op->out[0]),
        .pixels = (uint32_t)logits->rows * (uint32_t)logits->cols,
        .K = (uint32_t)logits->channels,
    };
    const uint32_t groups[2] = {push.K, (uint32_t)dispatcher->n};
    return dispatch_add(dispatcher, KERNEL_ID_OVERLAP, NULL, 0, &push, groups, false);
}

static bool add_adam(struct dispatcher *dispatcher, const struct op *op)
{
    const struct memory_plan *plan = &dispatcher->program->plan;
    const uint32_t scaled = loss_is_scaled(dispatcher, op->in[2]);
    const struct adam_push push = {
        .w = block_address(dispatcher, BLOCK_STATE, 0, plan->state_span),
        .g = block_address(dispatcher, BLOCK_GRADIENT, 0, plan->parameter_span),
        .m = block_address(dispatcher, BLOCK_MOMENT1, 0, plan->parameter_span),
        .v = block_address(dispatcher, BLOCK_MOMENT2, 0, plan->parameter_span),
        .lr = tensor_address(dispatcher, op->in[0]),
        .correction = tensor_address(dispatcher, op->in[1]),
        .loss_scale = scaled ? tensor_address(dispatcher, op->in[2]) : 0,
        .rounded = rounded_address(dispatcher, 0),
        .w_slot = (uint32_t)plan->state_span,
        .g_slot = (uint32_t)plan->parameter_span,
        .count = (uint32_t)plan->parameter_span,
    };
    const struct find_overflow_push find = {
        .g = push.g,
        .found = push.loss_scale,
        .g_slot = push.g_slot,
        .count = push.count,
    };
    return (!scaled || dispatch_add_flat(dispatcher, KERNEL_ID_FIND_OVERFLOW, NULL, 0, &find,
                                         find.count / 4, false)) &&
           dispatch_add_flat(dispatcher, KERNEL_ID_ADAM, &scaled, 1, &push, push.count / 4, false);
}

// Advances all slots at once: those of the program, of which the dispatcher has the first.
static bool add_advance(struct dispatcher *dispatcher, const struct op *op)
{
    const uint32_t scaled = loss_is_scaled(dispatcher, op->in[2]);
    const struct advance_push push = {
        .position = tensor_address(dispatcher, op->in[0]),
        .correction = op->in[1] == NO_TENSOR ? 0 : tensor_address(dispatcher, op->in[1]),
        .loss_scale = scaled ? tensor_address(dispatcher, op->in[2]) : 0,
        .N = (uint32_t)dispatcher->n,
        .slots = (uint32_t)dispatcher->program->base.options.slots,
        .has_correction = op->in[1] != NO_TENSOR,
    };
    const uint32_t one[2] = {1, 1};
    return dispatch_add_once(dispatcher, KERNEL_ID_ADVANCE, &scaled, 1, &push, one, false);
}

static bool add_copy_marked(struct dispatcher *dispatcher, const struct op *op)
{
    const bool keep = op->kind == OP_KEEP;
    const size_t stride = dispatcher->program->plan.state_span;
    const uint32_t span = (uint32_t)stride;
    const struct copy_marked_push push = {
        .x = block_address(dispatcher, keep ? BLOCK_STATE : BLOCK_BEST, 0, stride),
        .y = block_address(dispatcher, keep ? BLOCK_BEST : BLOCK_STATE, 0, stride),
        .mark = tensor_address(dispatcher, op->in[0]),
        .x_slot = span,
        .y_slot = span,
        .count = span,
    };
    return dispatch_add_flat(dispatcher, KERNEL_ID_COPY_MARKED, NULL, 0, &push, span, false);
}

bool ops_add(struct dispatcher *dispatcher, const struct op *op, VkDeviceAddress scratch)
{
    switch (op->kind) {
    case OP_GATHER:
        return add_gather(dispatcher, op);
    case OP_CONV:
    case FUSED_CONV_RELU:
    case OP_CONV_INPUT_GRAD:
    case OP_CONV_WEIGHT_GRAD:
        return ops_add_conv(dispatcher, op, scratch);
    case OP_CONV_BIAS_GRAD:
    case FUSED_RELU_GRAD:
        return ops_add_bias_grad(dispatcher, op, scratch);
    case OP_BATCH_NORM:
    case OP_BATCH_NORM_EVAL:
    case OP_BATCH_NORM_GRAD:
    case FUSED_BATCH_NORM_RELU:
    case FUSED_BATCH_NORM_EVAL_RELU:
    case FUSED_BATCH_NORM_RELU_GRAD:
        return ops_add_norm(dispatcher, op, scratch);
    case OP_RELU:
    case OP_RELU_GRAD:
    case OP_ADD:
        return add_elementwise(dispatcher, op);
    case OP_MAX_POOL:
    case OP_MAX_POOL_GRAD:
        return add_pool(dispatcher, op);
    case OP_UPSAMPLE:
    case OP_UPSAMPLE_GRAD:
    case FUSED_UPSAMPLE_GRAD:
        return add_upsample(dispatcher, op);
    case OP_CONCAT:
    case FUSED_UPSAMPLE_CONCAT:
        return add_concat(dispatcher, op);
    case OP_SLICE:
        return add_slice(dispatcher, op);
    case OP_LOSS:
        return ops_add_loss(dispatcher, op, scratch);
    case OP_OVERLAP:
        return add_overlap(dispatcher, op);
    case OP_ADAM:
        return add_adam(dispatcher, op);
    case OP_ADVANCE:
        return add_advance(dispatcher, op);
    case OP_KEEP:
    case OP_RESTORE:
        return add_copy_marked(dispatcher, op);
    }
    return error_set("vulkan: unknown op %d", (int)op->kind);
}

size_t ops_scratch(const struct graph *graph, const struct op *op, int n)
{
    switch (op->kind) {
    case OP_CONV_WEIGHT_GRAD:
        return ops_conv_scratch(graph, op, n);
    case OP_CONV_BIAS_GRAD:
    case FUSED_RELU_GRAD:
        return ops_bias_grad_scratch(graph, op, n);
    case OP_BATCH_NORM:
    case OP_BATCH_NORM_GRAD:
    case FUSED_BATCH_NORM_RELU:
    case FUSED_BATCH_NORM_RELU_GRAD:
        return ops_norm_scratch(graph, op, n);
    case OP_LOSS:
        return ops_loss_scratch(graph, op, n);
    case OP_GATHER:
    case OP_CONV:
    case FUSED_CONV_RELU:
    case OP_CONV_INPUT_GRAD:
    case OP_BATCH_NORM_EVAL:
    case FUSED_BATCH_NORM_EVAL_RELU:
    case OP_RELU:
    case OP_RELU_GRAD:
    case OP_ADD:
    case OP_MAX_POOL:
    case OP_MAX_POOL_GRAD:
    case OP_UPSAMPLE:
    case OP_UPSAMPLE_GRAD:
    case FUSED_UPSAMPLE_GRAD:
    case OP_CONCAT:
    case FUSED_UPSAMPLE_CONCAT:
    case OP_SLICE:
    case OP_OVERLAP:
    case OP_ADAM:
    case OP_ADVANCE:
    case OP_KEEP:
    case OP_RESTORE:
        break;
    }
    return 0;
}

// A smaller batch may be split into more parts.
size_t ops_scratch_most(const struct graph *graph, const struct op *op, int batch)
{
    size_t most = 0;
    for (int n = 1; n <= batch; n++) {
        const size_t size = ops_scratch(graph, op, n);
        most = size > most ? size : most;
    }
    return most;
}
