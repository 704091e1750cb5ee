// SPDX-License-Identifier: MIT
// Tensors of programs, in and out.
#include "engine/cpu/transfer.h"

#include "engine/halves.h"
#include "engine/weight_layout.h"

#include <string.h>

uint32_t *program_words(const struct cpu_program *program, enum block block, size_t offset)
{
    return (uint32_t *)program->blocks[block] + offset;
}

static uint32_t *tensor_words(const struct cpu_program *program, enum block block, int tensor,
                              int slot)
{
    return program_words(program, block, memory_plan_offset(&program->plan, block, tensor, slot));
}

bool cpu_write(struct program *base, enum block block, int tensor, int slot, size_t first,
               size_t count, const void *values)
{
    const struct cpu_program *program = (struct cpu_program *)base;
    const struct tensor *t = &base->graph->tensors[tensor];
    uint32_t *words = tensor_words(program, block, tensor, slot);
    if (weight_is_permuted(t))
        weight_to_device(t, values, (float *)words);
    else if (program->real[tensor])
        halves_from_floats(HALF_BFLOAT16, values, count, (uint16_t *)words + first);
    else
        memcpy(words + first, values, count * 4);
    return true;
}

bool cpu_read(struct program *base, enum block block, int tensor, int slot, size_t first,
              size_t count, void *values)
{
    const struct cpu_program *program = (struct cpu_program *)base;
    const struct tensor *t = &base->graph->tensors[tensor];
    const uint32_t *words = tensor_words(program, block, tensor, slot);
    if (weight_is_permuted(t))
        weight_to_host(t, (const float *)words, values);
    else if (program->real[tensor])
        halves_to_floats(HALF_BFLOAT16, (const uint16_t *)words + first, count, values);
    else
        memcpy(values, words + first, count * 4);
    return true;
}

bool cpu_clear(struct program *base, enum block block)
{
    const struct cpu_program *program = (struct cpu_program *)base;
    if (program->blocks[block])
        memset(program->blocks[block], 0, program->plan.total[block] * 4);
    return true;
}

bool cpu_check_guards(struct program *base)
{
    const struct cpu_program *program = (struct cpu_program *)base;
    for (int i = 0; i < program->plan.guard_count; i++) {
        const struct memory_guard *guard = &program->plan.guards[i];
        if (!memory_guard_check(base->graph, guard,
                                program_words(program, guard->block, guard->offset)))
            return false;
    }
    return true;
}
