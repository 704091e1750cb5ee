// SPDX-License-Identifier: MIT
// Gaps: what lies between two barriers. The gradients of one convolution (of its bias, weight and
// input) do not need each other, so they share gaps, and a device that one of them does not fill
// has more to do.
#include "engine/vulkan/gaps.h"

#include "engine/fuse.h"
#include "vkgrid/base/memory.h"

// The gradient that a convolution's gradients begin with, or NO_TENSOR for other ops.
static int gradient_of(const struct op *op)
{
    if (op->kind == FUSED_RELU_GRAD)
        return op->out[0];
    if (op->kind == OP_CONV_WEIGHT_GRAD)
        return op->in[1];
    return op->kind == OP_CONV_BIAS_GRAD || op->kind == OP_CONV_INPUT_GRAD ? op->in[0] : NO_TENSOR;
}

static bool goes_with(const struct op *op, const struct op *before)
{
    const int dy = gradient_of(op);
    return dy != NO_TENSOR && dy == gradient_of(before) && op->kind != FUSED_RELU_GRAD;
}

// The group of ops that begins at `at`: one past its end.
static int group_end(const struct op_list *list, int at)
{
    int end = at + 1;
    while (end < list->count && end - at < GAP_OPS &&
           goes_with(&list->ops[end], &list->ops[end - 1]))
        end++;
    return end;
}

// Elements that the ops of a group read and write.
static size_t group_size(const struct graph *graph, const struct op *ops, int count)
{
    size_t size = 0;
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < OP_INPUTS; k++)
            size += ops[i].in[k] == NO_TENSOR ? 0 : graph->tensors[ops[i].in[k]].count;
        for (int k = 0; k < OP_OUTPUTS; k++)
            size += ops[i].out[k] == NO_TENSOR ? 0 : graph->tensors[ops[i].out[k]].count;
    }
    return size;
}

bool *gaps_find(const struct graph *graph, enum routine routine, size_t most)
{
    const struct op_list *list = &graph->routines[routine];
    bool *joined = mem_zalloc((size_t)list->count + 1, sizeof *joined);
    for (int at = 0, end; at < list->count; at = end) {
        end = group_end(list, at);
        const bool small = group_size(graph, &list->ops[at], end - at) <= most;
        for (int i = at + 1; i < end; i++)
            joined[i] = small;
    }
    return joined;
}

size_t *gaps_sizes(const struct graph *graph, enum routine routine, int *count)
{
    const struct op_list *list = &graph->routines[routine];
    size_t *sizes = mem_zalloc((size_t)list->count + 1, sizeof *sizes);
    *count = 0;
    for (int at = 0, end; at < list->count; at = end) {
        end = group_end(list, at);
        if (end - at > 1)
            sizes[(*count)++] = group_size(graph, &list->ops[at], end - at);
    }
    return sizes;
}

// What an op of two steps writes in the second one alone, out of its scratch.
static int summed_last(const struct op *op)
{
    return op->kind == FUSED_RELU_GRAD ? op->out[1] : op->out[0];
}

// Scratch is each op's own.
static bool step_reads(const struct op *op, int step, int steps, int tensor)
{
    if (steps == 2 && step == 1)
        return false;
    for (int i = 0; i < OP_INPUTS; i++)
        if (op->in[i] == tensor)
            return true;
    return false;
}

static bool step_writes(const struct op *op, int step, int steps, int tensor)
{
    if (steps == 2 && (step == 1) != (tensor == summed_last(op)))
        return false;
    for (int i = 0; i < OP_OUTPUTS; i++)
        if (op->out[i] == tensor)
            return true;
    return false;
}

// Whether step `late` of op b must see, or must not spoil, what step `early` of op a does.
static bool must_follow(const struct op *a, int early, int a_steps, const struct op *b, int late,
                        int b_steps)
{
    for (int i = 0; i < OP_OUTPUTS; i++) {
        const int made = a->out[i], next = b->out[i];
        if (made != NO_TENSOR && step_writes(a, early, a_steps, made) &&
            (step_reads(b, late, b_steps, made) || step_writes(b, late, b_steps, made)))
            return true;
        if (next != NO_TENSOR && step_writes(b, late, b_steps, next) &&
            step_reads(a, early, a_steps, next))
            return true;
    }
    return false;
}

int gaps_level(const struct op *ops, int count, const int *steps, int levels[][GAP_STEPS])
{
    int most = 0;
    for (int b = 0; b < count; b++)
        for (int late = 0; late < steps[b]; late++) {
            int level = late > 0 ? levels[b][late - 1] + 1 : 0;
            for (int a = 0; a < b; a++)
                for (int early = 0; early < steps[a]; early++)
                    if (level <= levels[a][early] &&
                        must_follow(&ops[a], early, steps[a], &ops[b], late, steps[b]))
                        level = levels[a][early] + 1;
            levels[b][late] = level;
            most = level > most ? level : most;
        }
    return most + 1;
}
