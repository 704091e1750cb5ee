// SPDX-License-Identifier: MIT
#include "engine/cpu/compile.h"

#include "engine/cpu/ops.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

void compiled_destroy(struct compiled *compiled)
{
    for (int i = 0; i < compiled->count; i++)
        convolution_destroy(&compiled->calls[i].convolution);
    free(compiled->calls);
    *compiled = (struct compiled){0};
}

static bool compile(const struct cpu_program *program, struct compiled *compiled)
{
    const struct op_list *ops = &program->graph->routines[compiled->routine];
    float *arena = program->blocks[BLOCK_ARENA];
    compiled->calls = mem_zalloc((size_t)ops->count, sizeof compiled->calls[0]);
    compiled->count = ops->count;
    for (int i = 0; i < ops->count; i++) {
        struct call *call = &compiled->calls[i];
        *call = (struct call){
            .runner = op_runner(ops->ops[i].kind),
            .program = program,
            .op = &ops->ops[i],
            .n = compiled->n,
        };
        if (call->runner->scratch)
            call->scratch = arena + program->plan.scratch[compiled->routine][i];
        if (call->runner->compile && !call->runner->compile(call))
            return false;
    }
    return true;
}

bool cpu_compiled(struct cpu_program *program, enum routine routine, int n,
                  const struct compiled **found)
{
    struct compiled compiled = {.routine = routine, .n = n};
    for (int i = 0; i < program->compiled_count; i++)
        if (program->compiled[i].routine == routine && program->compiled[i].n == n) {
            *found = &program->compiled[i];
            return true;
        }
    if (!compile(program, &compiled)) {
        compiled_destroy(&compiled);
        return false;
    }
    program->compiled = mem_grow(program->compiled, (size_t)program->compiled_count + 1,
                                 sizeof program->compiled[0]);
    program->compiled[program->compiled_count] = compiled;
    *found = &program->compiled[program->compiled_count++];
    return true;
}
