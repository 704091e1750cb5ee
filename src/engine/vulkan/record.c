// SPDX-License-Identifier: MIT
// Records the ops of a routine as dispatches: the simple ops here, the others in record_*.c.
#include "engine/vulkan/push.h"
#include "engine/vulkan/internal.h"

#include "engine/fuse.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <string.h>

VkDeviceAddress block_address(const struct recorder *recorder, enum block block, size_t offset,
                              size_t stride)
{
    const uint64_t word = offset + (uint64_t)recorder->first * stride;
    return pieces_address(&recorder->program->blocks[block], word * 4);
}

VkDeviceAddress tensor_address(const struct recorder *recorder, int tensor)
{
    const struct vulkan_program *program = recorder->program;
    const struct memory_place *place = &program->plan.tensors[tensor];
    return block_address(recorder, program->graph->tensors[tensor].block, place->offset,
                         place->stride);
}

uint32_t tensor_stride(const struct recorder *recorder, int tensor)
{
    const struct vulkan_program *program = recorder->program;
    return (uint32_t)program->plan.tensors[tensor].stride * (program->half[tensor] ? 2 : 1);
}

VkDeviceAddress rounded_address(const struct recorder *recorder, size_t offset)
{
    const struct vulkan_program *program = recorder->program;
    const uint64_t element = offset + (uint64_t)recorder->first * program->plan.parameter_span;
    return program->rounded.count > 0 ? pieces_address(&program->rounded, element * 2) : 0;
}

uint32_t scratch_stride(const struct recorder *recorder)
{
    return (uint32_t)recorder->program->plan.arena_span;
}

static bool add_dispatch(struct recorder *recorder, enum kernel kernel, const uint32_t *constants,
                         int constant_count, const void *push, const uint32_t groups[3],
                         bool beside)
{
    const struct vulkan_engine *engine = recorder->program->engine;
    const uint32_t *most = engine->limits.maxComputeWorkGroupCount;
    if (groups[0] > most[0] || groups[1] > most[1] || groups[2] > most[2])
        return error_set("kernel %s: %u x %u x %u workgroups, but the device takes %u x %u x %u",
                         vulkan_kernel_name(kernel), groups[0], groups[1], groups[2], most[0],
                         most[1], most[2]);
    struct dispatch made = {
        .pipeline = {.kernel = kernel, .half = recorder->half, .based = recorder->parts > 1},
        .groups = {groups[0], groups[1], groups[2]},
        .beside = beside,
        .op = recorder->op,
        .first = recorder->first,
    };
    if (constant_count > 0)
        memcpy(made.pipeline.constants, constants, (size_t)constant_count * sizeof *constants);
    memcpy(made.push, push, vulkan_push_size(kernel));
    // Parts of a slot: along the axis with more workgroups, none larger than was asked for.
    const int axis = groups[1] > groups[0];
    const uint32_t parts = recorder->parts > 1 ? (uint32_t)recorder->parts : 1;
    const uint32_t each = groups[axis] > parts ? groups[axis] / parts : 1;
    made.work = recorder->work * each / groups[axis];
    recorder->work = 0; // of what the op's other dispatches do there is no estimate
    for (made.base[axis] = 0; made.base[axis] < groups[axis]; made.base[axis] += each) {
        const uint32_t rest = groups[axis] - made.base[axis];
        struct dispatch_list *list = recorder->list;
        made.groups[axis] = rest < each ? rest : each;
        list->items = mem_grow(list->items, (size_t)list->count + 1, sizeof *list->items);
        list->items[list->count++] = made;
        made.beside = true;
    }
    return true;
}

bool record_dispatch(struct recorder *recorder, enum kernel kernel, const uint32_t *constants,
                     int constant_count, const void *push, const uint32_t groups[2], bool beside)
{
    const uint32_t all[3] = {groups[0], groups[1], (uint32_t)recorder->slots};
    return add_dispatch(recorder, kernel, constants, constant_count, push, all, beside);
}

bool record_once(struct recorder *recorder, enum kernel kernel, const uint32_t *constants,
                 int constant_count, const void *push, const uint32_t groups[2], bool beside)
{
    const uint32_t all[3] = {groups[0], groups[1], 1};
    return add_dispatch(recorder, kernel, constants, constant_count, push, all, beside);
}

bool record_flat(struct recorder *recorder, enum kernel kernel, const uint32_t *constants,
                 int constant_count, const void *push, uint64_t count, bool beside)
{
    const uint64_t groups = (count + FLAT_LOCAL - 1) / FLAT_LOCAL;
    const uint32_t size[2] = {(uint32_t)(groups < FLAT_ROW ? groups : FLAT_ROW),
                              (uint32_t)((groups + FLAT_ROW - 1) / FLAT_ROW)};
    return record_dispatch(recorder, kernel, constants, constant_count, push, size, beside);
}

static const struct tensor *tensor_of(const struct recorder *recorder, int tensor)
{
    return &recorder->program->graph->tensors[tensor];
}

// Elements of a tensor for one slot and this batch.
static uint32_t elements(const struct recorder *recorder, int tensor)
{
    const struct tensor *t = tensor_of(recorder, tensor);
    return (uint32_t)(t->count * (t->per_sample ? (size_t)recorder->n : 1));
}

static bool record_elementwise(struct recorder *recorder, const struct op *op)
{
    const uint32_t what = op->kind == OP_RELU ? 0 : op->kind == OP_RELU_GRAD ? 1 : 2;
    const int b = op->kind == OP_RELU ? op->in[0] : op->in[1];
    const struct elementwise_push push = {
        .a = tensor_address(recorder, op->in[0]),
        .b = tensor_address(recorder, b),
        .y = tensor_address(recorder, op->out[0]),
        .a_slot = tensor_stride(recorder, op->in[0]),
        .b_slot = tensor_stride(recorder, b),
        .y_slot = tensor_stride(recorder, op->out[0]),
        .count = elements(recorder, op->out[0]),
    };
    const bool aligned = push.count % 4 == 0 && push.y_slot % 4 == 0;
    const uint32_t constants[] = {what, aligned};
    return record_flat(recorder, KERNEL_ID_ELEMENTWISE, constants, 2, &push,
                       aligned ? push.count / 4 : push.count, false);
}

// x is the larger side, y the pooled one; for the gradient both are gradients.
static bool record_pool(struct recorder *recorder, const struct op *op)
{
    const bool gradient = op->kind == OP_MAX_POOL_GRAD;
    const int x = gradient ? op->out[0] : op->in[0], y = gradient ? op->in[1] : op->out[0];
    const int index = gradient ? op->in[0] : op->out[1];
    const struct tensor *large = tensor_of(recorder, x), *small = tensor_of(recorder, y);
    const uint32_t constants[] = {(uint32_t)op->kernel, (uint32_t)op->stride};
    const struct pool_push push = {
        .x = tensor_address(recorder, x),
        .y = tensor_address(recorder, y),
        .index = tensor_address(recorder, index),
        .x_slot = tensor_stride(recorder, x),
        .y_slot = tensor_stride(recorder, y),
        .index_slot = tensor_stride(recorder, index),
        .N = (uint32_t)recorder->n,
        .H = (uint32_t)large->rows,
        .W = (uint32_t)large->cols,
        .C = (uint32_t)large->channels,
        .OH = (uint32_t)small->rows,
        .OW = (uint32_t)small->cols,
    };
    return record_flat(recorder, gradient ? KERNEL_ID_MAX_POOL_GRAD : KERNEL_ID_MAX_POOL, constants,
                       2, &push, elements(recorder, gradient ? x : y), false);
}

// y may have more channels than x: those of a concatenation.
static bool record_upsample(struct recorder *recorder, const struct op *op)
{
    const bool gradient = fused_main(op->kind) == OP_UPSAMPLE_GRAD;
    const int x = gradient ? op->out[0] : op->in[0], y = gradient ? op->in[0] : op->out[0];
    const struct tensor *small = tensor_of(recorder, x), *large = tensor_of(recorder, y);
    const struct upsample_push push = {
        .x = tensor_address(recorder, x),
        .y = tensor_address(recorder, y),
        .x_slot = tensor_stride(recorder, x),
        .y_slot = tensor_stride(recorder, y),
        .N = (uint32_t)recorder->n,
        .H = (uint32_t)small->rows,
        .W = (uint32_t)small->cols,
        .C = (uint32_t)small->channels,
        .y_channels = (uint32_t)large->channels,
        .y_first = (uint32_t)op->first,
    };
    const uint32_t aligned = (push.C | push.y_channels | push.y_first) % 4 == 0;
    const uint32_t count = elements(recorder, x) * (gradient ? 1 : 4);
    return record_flat(recorder, gradient ? KERNEL_ID_UPSAMPLE_GRAD : KERNEL_ID_UPSAMPLE, &aligned,
                       1, &push, aligned ? count / 4 : count, false);
}

// Copies `channels` channels from x (from channel x_first) to y (from channel y_first).
static bool copy_channels(struct recorder *recorder, int x, int x_first, int y, int y_first,
                          int channels, bool beside)
{
    const struct tensor *from = tensor_of(recorder, x), *to = tensor_of(recorder, y);
    const struct copy_channels_push push = {
        .x = tensor_address(recorder, x),
        .y = tensor_address(recorder, y),
        .x_slot = tensor_stride(recorder, x),
        .y_slot = tensor_stride(recorder, y),
        .pixels = (uint32_t)recorder->n * (uint32_t)to->rows * (uint32_t)to->cols,
        .C = (uint32_t)channels,
        .x_channels = (uint32_t)from->channels,
        .x_first = (uint32_t)x_first,
        .y_channels = (uint32_t)to->channels,
        .y_first = (uint32_t)y_first,
    };
    const uint32_t aligned =
        (channels | from->channels | to->channels | x_first | y_first) % 4 == 0;
    const uint64_t count = (uint64_t)push.pixels * push.C / (aligned ? 4 : 1);
    return record_flat(recorder, KERNEL_ID_COPY_CHANNELS, &aligned, 1, &push, count, beside);
}

// OP_CONCAT and FUSED_UPSAMPLE_CONCAT
static bool record_concat(struct recorder *recorder, const struct op *op)
{
    const int a = tensor_of(recorder, op->in[0])->channels,
              b = tensor_of(recorder, op->in[1])->channels;
    const bool left = op->kind == OP_CONCAT
                          ? copy_channels(recorder, op->in[0], 0, op->out[0], 0, a, false)
                          : record_upsample(recorder, op);
    return left && copy_channels(recorder, op->in[1], 0, op->out[0], a, b, true);
}

static bool record_slice(struct recorder *recorder, const struct op *op)
{
    const int channels = tensor_of(recorder, op->out[0])->channels;
    return copy_channels(recorder, op->in[0], op->first, op->out[0], 0, channels, false);
}

// Inputs become activations; targets stay as they are.
static bool record_gather(const struct recorder *outer, const struct op *op)
{
    struct recorder gathering = *outer, *recorder = &gathering;
    gathering.half = outer->program->half[op->out[0]];
    const struct gather_push push = {
        .data = tensor_address(recorder, op->in[0]),
        .y = tensor_address(recorder, op->out[0]),
        .order = tensor_address(recorder, op->in[1]),
        .position = tensor_address(recorder, op->in[2]),
        .y_slot = tensor_stride(recorder, op->out[0]),
        .order_slot = tensor_stride(recorder, op->in[1]),
        .N = (uint32_t)recorder->n,
        .count = (uint32_t)tensor_of(recorder, op->out[0])->count,
    };
    return record_flat(recorder, KERNEL_ID_GATHER, NULL, 0, &push, (uint64_t)push.N * push.count,
                       false);
}

bool loss_is_scaled(const struct recorder *recorder, int loss_scale)
{
    return recorder->half && loss_scale != NO_TENSOR;
}

static bool record_adam(struct recorder *recorder, const struct op *op)
{
    const struct memory_plan *plan = &recorder->program->plan;
    const uint32_t scaled = loss_is_scaled(recorder, op->in[2]);
    const struct adam_push push = {
        .w = block_address(recorder, BLOCK_STATE, 0, plan->state_span),
        .g = block_address(recorder, BLOCK_GRADIENT, 0, plan->parameter_span),
        .m = block_address(recorder, BLOCK_MOMENT1, 0, plan->parameter_span),
        .v = block_address(recorder, BLOCK_MOMENT2, 0, plan->parameter_span),
        .lr = tensor_address(recorder, op->in[0]),
        .correction = tensor_address(recorder, op->in[1]),
        .loss_scale = scaled ? tensor_address(recorder, op->in[2]) : 0,
        .rounded = rounded_address(recorder, 0),
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
    return (!scaled || record_flat(recorder, KERNEL_ID_FIND_OVERFLOW, NULL, 0, &find,
                                   find.count / 4, false)) &&
           record_flat(recorder, KERNEL_ID_ADAM, &scaled, 1, &push, push.count / 4, false);
}

// Advances all slots at once: those of the program, of which the recorder has the first.
static bool record_advance(struct recorder *recorder, const struct op *op)
{
    const uint32_t scaled = loss_is_scaled(recorder, op->in[2]);
    const struct advance_push push = {
        .position = tensor_address(recorder, op->in[0]),
        .correction = op->in[1] == NO_TENSOR ? 0 : tensor_address(recorder, op->in[1]),
        .loss_scale = scaled ? tensor_address(recorder, op->in[2]) : 0,
        .N = (uint32_t)recorder->n,
        .slots = (uint32_t)recorder->program->base.options.slots,
        .has_correction = op->in[1] != NO_TENSOR,
    };
    const uint32_t one[2] = {1, 1};
    return record_once(recorder, KERNEL_ID_ADVANCE, &scaled, 1, &push, one, false);
}

static bool record_copy_marked(struct recorder *recorder, const struct op *op)
{
    const bool keep = op->kind == OP_KEEP;
    const size_t stride = recorder->program->plan.state_span;
    const uint32_t span = (uint32_t)stride;
    const struct copy_marked_push push = {
        .x = block_address(recorder, keep ? BLOCK_STATE : BLOCK_BEST, 0, stride),
        .y = block_address(recorder, keep ? BLOCK_BEST : BLOCK_STATE, 0, stride),
        .mark = tensor_address(recorder, op->in[0]),
        .x_slot = span,
        .y_slot = span,
        .count = span,
    };
    return record_flat(recorder, KERNEL_ID_COPY_MARKED, NULL, 0, &push, span, false);
}

bool record_op(struct recorder *recorder, const struct op *op, VkDeviceAddress scratch)
{
    switch (op->kind) {
    case OP_GATHER:
        return record_gather(recorder, op);
    case OP_CONV:
    case FUSED_CONV_RELU:
    case OP_CONV_INPUT_GRAD:
    case OP_CONV_WEIGHT_GRAD:
        return record_conv(recorder, op, scratch);
    case OP_CONV_BIAS_GRAD:
    case FUSED_RELU_GRAD:
        return record_bias_grad(recorder, op, scratch);
    case OP_BATCH_NORM:
    case OP_BATCH_NORM_EVAL:
    case OP_BATCH_NORM_GRAD:
    case FUSED_BATCH_NORM_RELU:
    case FUSED_BATCH_NORM_EVAL_RELU:
    case FUSED_BATCH_NORM_RELU_GRAD:
        return record_norm(recorder, op, scratch);
    case OP_RELU:
    case OP_RELU_GRAD:
    case OP_ADD:
        return record_elementwise(recorder, op);
    case OP_MAX_POOL:
    case OP_MAX_POOL_GRAD:
        return record_pool(recorder, op);
    case OP_UPSAMPLE:
    case OP_UPSAMPLE_GRAD:
    case FUSED_UPSAMPLE_GRAD:
        return record_upsample(recorder, op);
    case OP_CONCAT:
    case FUSED_UPSAMPLE_CONCAT:
        return record_concat(recorder, op);
    case OP_SLICE:
        return record_slice(recorder, op);
    case OP_LOSS:
        return record_loss(recorder, op, scratch);
    case OP_ADAM:
        return record_adam(recorder, op);
    case OP_ADVANCE:
        return record_advance(recorder, op);
    case OP_KEEP:
    case OP_RESTORE:
        return record_copy_marked(recorder, op);
    }
    return error_set("vulkan: unknown op %d", (int)op->kind);
}

size_t record_scratch(const struct graph *graph, const struct op *op, int n)
{
    switch (op->kind) {
    case OP_CONV_WEIGHT_GRAD:
        return conv_scratch(graph, op, n);
    case OP_CONV_BIAS_GRAD:
    case FUSED_RELU_GRAD:
        return bias_grad_scratch(graph, op, n);
    case OP_BATCH_NORM:
    case OP_BATCH_NORM_GRAD:
    case FUSED_BATCH_NORM_RELU:
    case FUSED_BATCH_NORM_RELU_GRAD:
        return norm_scratch(graph, op, n);
    case OP_LOSS:
        return loss_sums_scratch(graph, op, n);
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
    case OP_ADAM:
    case OP_ADVANCE:
    case OP_KEEP:
    case OP_RESTORE:
        break;
    }
    return 0;
}

// A smaller batch may be split into more parts.
size_t record_scratch_most(const struct graph *graph, const struct op *op, int batch)
{
    size_t most = 0;
    for (int n = 1; n <= batch; n++) {
        const size_t size = record_scratch(graph, op, n);
        most = size > most ? size : most;
    }
    return most;
}
