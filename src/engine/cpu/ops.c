// SPDX-License-Identifier: MIT
// What every op does: names its tensors to a kernel.
#include "engine/cpu/ops.h"

#include "engine/cpu/conv.h"
#include "engine/fuse.h"

#include <math.h>
#include <string.h>

static const struct cpu_kernels *kernels_of(const struct call *call)
{
    return call->program->kernels;
}

static struct view in_view(const struct call *call, int index, int slot)
{
    return call_view(call, call->op->in[index], slot);
}

static struct view out_view(const struct call *call, int index, int slot)
{
    return call_view(call, call->op->out[index], slot);
}

static void *in_memory(const struct call *call, int index, int slot)
{
    return call_memory(call, call->op->in[index], slot);
}

static void *out_memory(const struct call *call, int index, int slot)
{
    return call_memory(call, call->op->out[index], slot);
}

// Some of the channels of a view.
static struct view channels_of(const struct call *call, struct view view, int first, int channels)
{
    view.data = (char *)view.data + (size_t)first * kernels_of(call)->element;
    view.channels = channels;
    return view;
}

static bool run_gather(const struct call *call, int slot)
{
    const uint32_t *order = in_memory(call, 1, slot), *position = in_memory(call, 2, slot);
    const bool real = call->program->real[call->op->out[0]];
    const struct cpu_kernels *kernels = real ? kernels_of(call) : cpu_kernels(false);
    kernels->gather(out_view(call, 0, slot), in_memory(call, 0, slot), order + position[0]);
    return true;
}

static bool run_relu(const struct call *call, int slot)
{
    kernels_of(call)->relu(in_view(call, 0, slot), out_view(call, 0, slot));
    return true;
}

static bool run_add(const struct call *call, int slot)
{
    kernels_of(call)->add(in_view(call, 0, slot), in_view(call, 1, slot), false,
                          out_view(call, 0, slot));
    return true;
}

// OP_RELU_GRAD and FUSED_RELU_GRAD
static bool run_relu_grad(const struct call *call, int slot)
{
    const struct view y = in_view(call, 0, slot);
    const int first = call->op->kind == OP_RELU_GRAD ? 0 : call->op->first;
    kernels_of(call)->relu_grad(y, channels_of(call, in_view(call, 1, slot), first, y.channels),
                                out_view(call, 0, slot), out_memory(call, 1, slot), call->scratch);
    return true;
}

static bool run_conv_bias_grad(const struct call *call, int slot)
{
    kernels_of(call)->relu_grad((struct view){0}, in_view(call, 0, slot), (struct view){0},
                                out_memory(call, 0, slot), call->scratch);
    return true;
}

static size_t sums_of(const struct graph *graph, int tensor, int batch)
{
    const struct tensor *t = &graph->tensors[tensor];
    return sums_scratch(batch, t->rows, t->cols, t->channels) * sizeof(float);
}

// Sums over the first input.
static size_t first_sums(const struct cpu_program *program, const struct op *op, int batch)
{
    return sums_of(program->graph, op->in[0], batch);
}

// The added tensor is an input of the fused kinds alone.
static void apply_norm(const struct call *call, struct norm norm, int slot)
{
    const bool fused = is_fused(call->op->kind);
    norm.weight = in_memory(call, 1, slot);
    norm.bias = in_memory(call, 2, slot);
    kernels_of(call)->norm_apply(in_view(call, 0, slot), norm,
                                 fused ? in_view(call, 5, slot) : (struct view){0}, fused,
                                 out_view(call, 0, slot));
}

static bool run_batch_norm(const struct call *call, int slot)
{
    float *mean = out_memory(call, 1, slot), *inverse_deviation = out_memory(call, 2, slot);
    kernels_of(call)->norm_statistics(in_view(call, 0, slot), mean, inverse_deviation,
                                      in_memory(call, 3, slot), in_memory(call, 4, slot),
                                      call->scratch);
    apply_norm(call, (struct norm){.mean = mean, .inverse_deviation = inverse_deviation}, slot);
    return true;
}

static bool run_batch_norm_eval(const struct call *call, int slot)
{
    const float *variance = in_memory(call, 4, slot);
    float *inverse_deviation = call->scratch;
    for (int c = 0; c < call_tensor(call, call->op->in[0])->channels; c++)
        inverse_deviation[c] = 1 / sqrtf(variance[c] + 1e-5f);
    apply_norm(
        call,
        (struct norm){.mean = in_memory(call, 3, slot), .inverse_deviation = inverse_deviation},
        slot);
    return true;
}

static size_t channel_scratch(const struct cpu_program *program, const struct op *op, int batch)
{
    (void)batch;
    return (size_t)program->graph->tensors[op->in[0]].channels * sizeof(float);
}

// OP_BATCH_NORM_GRAD and FUSED_BATCH_NORM_RELU_GRAD
static bool run_batch_norm_grad(const struct call *call, int slot)
{
    const bool fused = is_fused(call->op->kind);
    const struct norm norm = {
        .weight = in_memory(call, 2, slot),
        .mean = in_memory(call, 3, slot),
        .inverse_deviation = in_memory(call, 4, slot),
    };
    kernels_of(call)->norm_grad(in_view(call, 0, slot), in_view(call, 1, slot),
                                fused ? in_view(call, 5, slot) : (struct view){0}, norm,
                                out_view(call, 0, slot), out_memory(call, 1, slot),
                                out_memory(call, 2, slot), call->scratch);
    return true;
}

static bool run_max_pool(const struct call *call, int slot)
{
    kernels_of(call)->max_pool(in_view(call, 0, slot), call->op->kernel, call->op->stride,
                               out_view(call, 0, slot), out_memory(call, 1, slot));
    return true;
}

static bool run_max_pool_grad(const struct call *call, int slot)
{
    kernels_of(call)->max_pool_grad(in_memory(call, 0, slot), in_view(call, 1, slot),
                                    call->op->kernel, call->op->stride, out_view(call, 0, slot));
    return true;
}

static bool run_upsample(const struct call *call, int slot)
{
    kernels_of(call)->upsample(in_view(call, 0, slot), out_view(call, 0, slot));
    return true;
}

// OP_UPSAMPLE_GRAD and FUSED_UPSAMPLE_GRAD
static bool run_upsample_grad(const struct call *call, int slot)
{
    const struct view dx = out_view(call, 0, slot);
    const int first = call->op->kind == OP_UPSAMPLE_GRAD ? 0 : call->op->first;
    kernels_of(call)->upsample_grad(channels_of(call, in_view(call, 0, slot), first, dx.channels),
                                    dx);
    return true;
}

// OP_CONCAT and FUSED_UPSAMPLE_CONCAT
static bool run_concat(const struct call *call, int slot)
{
    const struct cpu_kernels *kernels = kernels_of(call);
    const struct view a = in_view(call, 0, slot), b = in_view(call, 1, slot);
    const struct view y = out_view(call, 0, slot);
    const struct view left = channels_of(call, y, 0, a.channels);
    if (call->op->kind == OP_CONCAT)
        kernels->copy(a, left);
    else
        kernels->upsample(a, left);
    kernels->copy(b, channels_of(call, y, a.channels, b.channels));
    return true;
}

static bool run_slice(const struct call *call, int slot)
{
    const struct view y = out_view(call, 0, slot);
    kernels_of(call)->copy(channels_of(call, in_view(call, 0, slot), call->op->first, y.channels),
                           y);
    return true;
}

static bool run_loss(const struct call *call, int slot)
{
    const struct tensor *logits = call_tensor(call, call->op->in[0]);
    const float *bce_weight = in_memory(call, 2, slot);
    const uint32_t *position = in_memory(call, 3, slot);
    float *metrics = out_memory(call, 0, slot);
    const struct loss loss = {
        .logits = in_memory(call, 0, slot),
        .targets = in_memory(call, 1, slot),
        .n = call->n,
        .pixels = logits->rows * logits->cols,
        .labels = logits->channels,
        .bce_weight = bce_weight[0],
        .metrics = metrics + (size_t)position[1] * 3,
        .gradient = out_memory(call, 1, slot),
        .scratch = call->scratch,
    };
    kernels_of(call)->loss(&loss);
    return true;
}

static size_t loss_sums(const struct cpu_program *program, const struct op *op, int batch)
{
    const struct tensor *t = &program->graph->tensors[op->in[0]];
    return loss_scratch(batch, t->rows * t->cols, t->channels) * sizeof(float);
}

static bool run_overlap(const struct call *call, int slot)
{
    const struct tensor *logits = call_tensor(call, call->op->in[0]);
    const uint32_t *position = in_memory(call, 2, slot);
    uint32_t *counts = out_memory(call, 0, slot);
    const struct overlap_counts overlap = {
        .logits = in_memory(call, 0, slot),
        .targets = in_memory(call, 1, slot),
        .n = call->n,
        .pixels = logits->rows * logits->cols,
        .labels = logits->channels,
        .counts = counts + (size_t)position[0] * (size_t)logits->channels * OVERLAP_COUNTS,
    };
    kernels_of(call)->overlap(&overlap);
    return true;
}

// 1 - beta^t of a step from that of the one before, for the beta of moment 1 or 2.
static float next_correction(const float *correction, int moment)
{
    static const float betas[] = {0.9f, 0.999f}, rests[] = {0.1f, 0.001f};
    return betas[moment - 1] * correction[moment - 1] + rests[moment - 1];
}

// One slot of a block that the program has.
static float *block_of(const struct call *call, enum block block, size_t span, int slot)
{
    return (float *)call->program->blocks[block] + (size_t)slot * span;
}

static bool run_adam(const struct call *call, int slot)
{
    const struct memory_plan *plan = &call->program->plan;
    const float *lr = in_memory(call, 0, slot), *correction = in_memory(call, 1, slot);
    const struct adam adam = {
        .weight = block_of(call, BLOCK_STATE, plan->state_span, slot),
        .moment1 = block_of(call, BLOCK_MOMENT1, plan->parameter_span, slot),
        .moment2 = block_of(call, BLOCK_MOMENT2, plan->parameter_span, slot),
        .gradient = block_of(call, BLOCK_GRADIENT, plan->parameter_span, slot),
        .count = plan->parameter_span,
        .lr = lr[0],
        .correction1 = next_correction(correction, 1),
        .correction2 = next_correction(correction, 2),
    };
    kernels_of(call)->adam(&adam);
    return true;
}

// The position is common to all slots, which run one after the other: the last one moves it.
static bool run_advance(const struct call *call, int slot)
{
    uint32_t *position = in_memory(call, 0, slot);
    float *correction = in_memory(call, 1, slot);
    if (slot == call->program->base.options.slots - 1) {
        position[0] += (uint32_t)call->n;
        position[1] += 1;
    }
    for (int i = 0; i < 2 && correction; i++)
        correction[i] = next_correction(correction, i + 1);
    return true;
}

// OP_KEEP and OP_RESTORE
static bool run_copy(const struct call *call, int slot)
{
    const size_t span = call->program->plan.state_span;
    const uint32_t *mark = in_memory(call, 0, slot);
    float *state = block_of(call, BLOCK_STATE, span, slot);
    float *best = block_of(call, BLOCK_BEST, span, slot);
    if (mark[0] && call->op->kind == OP_KEEP)
        memcpy(best, state, span * sizeof *best);
    else if (mark[0])
        memcpy(state, best, span * sizeof *best);
    return true;
}

static const struct op_runner gather_runner = {run_gather};
static const struct op_runner conv_bias_grad_runner = {run_conv_bias_grad, first_sums};
static const struct op_runner batch_norm_runner = {run_batch_norm, first_sums};
static const struct op_runner batch_norm_eval_runner = {run_batch_norm_eval, channel_scratch};
static const struct op_runner batch_norm_grad_runner = {run_batch_norm_grad, first_sums};
static const struct op_runner relu_runner = {run_relu};
static const struct op_runner relu_grad_runner = {run_relu_grad};
static const struct op_runner relu_grad_bias_runner = {run_relu_grad, first_sums};
static const struct op_runner add_runner = {run_add};
static const struct op_runner max_pool_runner = {run_max_pool};
static const struct op_runner max_pool_grad_runner = {run_max_pool_grad};
static const struct op_runner upsample_runner = {run_upsample};
static const struct op_runner upsample_grad_runner = {run_upsample_grad};
static const struct op_runner concat_runner = {run_concat};
static const struct op_runner slice_runner = {run_slice};
static const struct op_runner loss_runner = {run_loss, loss_sums};
static const struct op_runner overlap_runner = {run_overlap};
static const struct op_runner adam_runner = {run_adam};
static const struct op_runner advance_runner = {run_advance};
static const struct op_runner copy_runner = {run_copy};

const struct op_runner *op_runner(enum op_kind kind)
{
    switch (kind) {
    case OP_GATHER:
        return &gather_runner;
    case OP_CONV:
    case OP_CONV_INPUT_GRAD:
    case FUSED_CONV_RELU:
        return &conv_runner;
    case OP_CONV_WEIGHT_GRAD:
        return &conv_weight_grad_runner;
    case OP_CONV_BIAS_GRAD:
        return &conv_bias_grad_runner;
    case OP_BATCH_NORM:
    case FUSED_BATCH_NORM_RELU:
        return &batch_norm_runner;
    case OP_BATCH_NORM_EVAL:
    case FUSED_BATCH_NORM_EVAL_RELU:
        return &batch_norm_eval_runner;
    case OP_BATCH_NORM_GRAD:
    case FUSED_BATCH_NORM_RELU_GRAD:
        return &batch_norm_grad_runner;
    case OP_RELU:
        return &relu_runner;
    case OP_RELU_GRAD:
        return &relu_grad_runner;
    case FUSED_RELU_GRAD:
        return &relu_grad_bias_runner;
    case OP_ADD:
        return &add_runner;
    case OP_MAX_POOL:
        return &max_pool_runner;
    case OP_MAX_POOL_GRAD:
        return &max_pool_grad_runner;
    case OP_UPSAMPLE:
        return &upsample_runner;
    case OP_UPSAMPLE_GRAD:
    case FUSED_UPSAMPLE_GRAD:
        return &upsample_grad_runner;
    case OP_CONCAT:
    case FUSED_UPSAMPLE_CONCAT:
        return &concat_runner;
    case OP_SLICE:
        return &slice_runner;
    case OP_LOSS:
        return &loss_runner;
    case OP_OVERLAP:
        return &overlap_runner;
    case OP_ADAM:
        return &adam_runner;
    case OP_ADVANCE:
        return &advance_runner;
    case OP_KEEP:
    case OP_RESTORE:
        return &copy_runner;
    }
    return NULL;
}
