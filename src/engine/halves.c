// SPDX-License-Identifier: MIT
#include "engine/halves.h"

#include "vkgrid/base/half.h"
#include "vkgrid/base/memory.h"

#define KERNEL_BF16
#define KERNEL_SET host
#include "engine/cpu/kernels/real.h"

static bool is_read(const struct graph *graph, int tensor)
{
    for (int r = 0; r < ROUTINE_COUNT; r++)
        for (int i = 0; i < graph->routines[r].count; i++)
            for (int k = 0; k < OP_INPUTS; k++)
                if (graph->routines[r].ops[i].in[k] == tensor)
                    return true;
    return false;
}

// Loss and overlap are computed from floats, and logits that only the host reads are floats.
static void keep_floats(const struct graph *graph, const struct op *op, bool *is_half)
{
    if (op->kind == OP_LOSS || op->kind == OP_OVERLAP)
        is_half[op->in[0]] = is_half[op->in[1]] = false;
    if (op->kind == OP_CONV && graph->tensors[op->out[0]].output && !is_read(graph, op->out[0]))
        is_half[op->out[0]] = false;
}

bool *halves_find(const struct graph *graph, enum precision precision)
{
    bool *is_half = mem_zalloc((size_t)graph->tensor_count + 1, sizeof *is_half);
    if (precision != PRECISION_MIXED)
        return is_half;
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        is_half[t] =
            tensor->block == BLOCK_ARENA && tensor->per_sample && tensor->element == ELEMENT_FLOAT;
    }
    for (int r = 0; r < ROUTINE_COUNT; r++)
        for (int i = 0; i < graph->routines[r].count; i++)
            keep_floats(graph, &graph->routines[r].ops[i], is_half);
    return is_half;
}

void halves_from_floats(enum half half, const float *from, size_t count, uint16_t *to)
{
    for (size_t i = 0; i < count; i++)
        to[i] = half == HALF_FLOAT16 ? float16_of(from[i]) : store_real(from[i]);
}

void halves_to_floats(enum half half, const uint16_t *from, size_t count, float *to)
{
    for (size_t i = 0; i < count; i++)
        to[i] = half == HALF_FLOAT16 ? float_of_float16(from[i]) : load_real(from[i]);
}
