// SPDX-License-Identifier: MIT
// Records the ops of a routine as dispatches: the simple ops here, the others in record_*.c.
#include "engine/vulkan/push.h"
#include "engine/vulkan/internal.h"

#include "engine/fuse.h"
#include "vkgrid/error.h"
#include "vkgrid/memory.h"

#include <stdlib.h>

VkDeviceAddress block_address(const struct recorder *recorder, enum block block, size_t offset)
{
    return recorder->program->blocks[block].address + offset * 4;
}

VkDeviceAddress tensor_address(const struct recorder *recorder, int tensor)
{
    const struct vulkan_program *program = recorder->program;
    return block_address(recorder, program->graph->tensors[tensor].block,
                         program->plan.tensors[tensor].offset);
}

uint32_t tensor_stride(const struct recorder *recorder, int tensor)
{
    const struct vulkan_program *program = recorder->program;
    return (uint32_t)program->plan.tensors[tensor].stride * (program->half[tensor] ? 2 : 1);
}

bool record_dispatch_slots(struct recorder *recorder, enum kernel kernel, const uint32_t *constants,
                           int constant_count, const void *push, const uint32_t groups[2],
                           uint32_t slots, bool beside)
{
    struct vulkan_engine *engine = recorder->program->engine;
    const struct VolkDeviceTable *vk = &engine->vk;
    const uint32_t *most = engine->limits.maxComputeWorkGroupCount;
    VkPipeline pipeline;
    if (groups[0] > most[0] || groups[1] > most[1] || slots > most[2])
        return error_set("kernel %s: %u x %u x %u workgroups, but the device takes %u x %u x %u",
                         vulkan_kernel_name(kernel), groups[0], groups[1], slots, most[0], most[1],
                         most[2]);
    if (!vulkan_pipeline(engine, kernel, recorder->half, constants, constant_count, &pipeline))
        return false;
    if (!beside)
        vulkan_barrier(engine, recorder->commands);
    vk->vkCmdBindPipeline(recorder->commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    vk->vkCmdPushConstants(recorder->commands, engine->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                           vulkan_push_size(kernel), push);
    vk->vkCmdDispatch(recorder->commands, groups[0], groups[1], slots);
    return true;
}

bool record_dispatch(struct recorder *recorder, enum kernel kernel, const uint32_t *constants,
                     int constant_count, const void *push, const uint32_t groups[2], bool beside)
{
    return record_dispatch_slots(recorder, kernel, constants, constant_count, push, groups,
                                 (uint32_t)recorder->program->base.options.slots, beside);
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
    const bool gradient = fused_main((int)op->kind) == OP_UPSAMPLE_GRAD;
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
        .w = block_address(recorder, BLOCK_STATE, 0),
        .g = block_address(recorder, BLOCK_GRADIENT, 0),
        .m = block_address(recorder, BLOCK_MOMENT1, 0),
        .v = block_address(recorder, BLOCK_MOMENT2, 0),
        .lr = tensor_address(recorder, op->in[0]),
        .correction = tensor_address(recorder, op->in[1]),
        .loss_scale = scaled ? tensor_address(recorder, op->in[2]) : 0,
        .rounded = recorder->program->rounded.address,
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

// Advances all slots at once, so it is dispatched once and not for each.
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
    struct vulkan_engine *engine = recorder->program->engine;
    VkPipeline pipeline;
    if (!vulkan_pipeline(engine, KERNEL_ID_ADVANCE, false, &scaled, 1, &pipeline))
        return false;
    vulkan_barrier(engine, recorder->commands);
    engine->vk.vkCmdBindPipeline(recorder->commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    engine->vk.vkCmdPushConstants(recorder->commands, engine->layout, VK_SHADER_STAGE_COMPUTE_BIT,
                                  0, sizeof push, &push);
    engine->vk.vkCmdDispatch(recorder->commands, 1, 1, 1);
    return true;
}

static bool record_copy_marked(struct recorder *recorder, const struct op *op)
{
    const bool keep = op->kind == OP_KEEP;
    const uint32_t span = (uint32_t)recorder->program->plan.state_span;
    const struct copy_marked_push push = {
        .x = block_address(recorder, keep ? BLOCK_STATE : BLOCK_BEST, 0),
        .y = block_address(recorder, keep ? BLOCK_BEST : BLOCK_STATE, 0),
        .mark = tensor_address(recorder, op->in[0]),
        .x_slot = span,
        .y_slot = span,
        .count = span,
    };
    return record_flat(recorder, KERNEL_ID_COPY_MARKED, NULL, 0, &push, span, false);
}

bool record_op(struct recorder *recorder, const struct op *op, VkDeviceAddress scratch)
{
    switch ((int)op->kind) {
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
    default:
        return error_set("vulkan: unknown op %d", (int)op->kind);
    }
}

size_t record_scratch(const struct graph *graph, const struct op *op, int n)
{
    switch ((int)op->kind) {
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
    default:
        return 0;
    }
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

static bool begin_commands(struct recorder *recorder, struct recording *recording)
{
    struct vulkan_program *program = recorder->program;
    const struct VolkDeviceTable *vk = &program->engine->vk;
    const VkCommandBufferAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = program->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    // The next step may be submitted while this one runs; barriers keep their order.
    const VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT,
    };
    VK_CHECK(vk->vkAllocateCommandBuffers(program->engine->device, &allocate, &recorder->commands));
    recording->commands =
        mem_grow(recording->commands, (size_t)recording->count + 1, sizeof *recording->commands);
    recording->commands[recording->count++] = recorder->commands;
    VK_CHECK(vk->vkBeginCommandBuffer(recorder->commands, &begin));
    return true;
error:
    return false;
}

// The time when everything recorded so far is done.
static void stamp(const struct recorder *recorder, VkQueryPool stamps, uint32_t index)
{
    recorder->program->engine->vk.vkCmdWriteTimestamp2(
        recorder->commands, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, stamps, index);
}

static bool end_commands(struct recorder *recorder)
{
    struct vulkan_engine *engine = recorder->program->engine;
    vulkan_barrier(engine, recorder->commands); // for the host and for what is submitted next
    VK_CHECK(engine->vk.vkEndCommandBuffer(recorder->commands));
    return true;
error:
    return false;
}

bool vulkan_record(struct vulkan_program *program, VkQueryPool stamps, struct recording *recording)
{
    const struct graph *graph = program->graph;
    const struct op_list *list = &graph->routines[recording->routine];
    struct recorder recorder = {.program = program,
                                .n = recording->n,
                                .half = program->base.options.precision == PRECISION_MIXED};
    double work = 0;
    CHECK(begin_commands(&recorder, recording));
    if (stamps) {
        const uint32_t count = (uint32_t)list->count + 1;
        program->engine->vk.vkCmdResetQueryPool(recorder.commands, stamps, 0, count);
        stamp(&recorder, stamps, 0);
    }
    for (int i = 0; i < list->count; i++) {
        const struct op *op = &list->ops[i];
        const double more = fused_work(graph, op, recording->n) * program->base.options.slots;
        if (work > 0 && work + more > COMMANDS_WORK) {
            CHECK(end_commands(&recorder));
            CHECK(begin_commands(&recorder, recording));
            work = 0;
        }
        work += more;
        const VkDeviceAddress scratch =
            block_address(&recorder, BLOCK_ARENA, program->plan.scratch[recording->routine][i]);
        if (!record_op(&recorder, op, scratch)) {
            error_prefix("%s", op_name(fused_main((int)op->kind)));
            goto error;
        }
        if (stamps)
            stamp(&recorder, stamps, (uint32_t)i + 1);
    }
    CHECK(end_commands(&recorder));
    return true;
error:
    return false;
}

bool vulkan_recording(struct vulkan_program *program, enum routine routine, int n,
                      const struct recording **out)
{
    for (int i = 0; i < program->recording_count; i++)
        if (program->recordings[i].routine == routine && program->recordings[i].n == n) {
            *out = &program->recordings[i];
            return true;
        }
    struct recording made = {.routine = routine, .n = n};
    if (!vulkan_record(program, VK_NULL_HANDLE, &made)) {
        free(made.commands); // the command buffers go with their pool
        return false;
    }
    program->recordings = mem_grow(program->recordings, (size_t)program->recording_count + 1,
                                   sizeof *program->recordings);
    program->recordings[program->recording_count] = made;
    *out = &program->recordings[program->recording_count++];
    return true;
}
