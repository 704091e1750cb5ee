// SPDX-License-Identifier: MIT
#include "engine/cpu/call.h"

const struct tensor *call_tensor(const struct call *call, int tensor)
{
    return &call->program->graph->tensors[tensor];
}

void *call_memory(const struct call *call, int tensor, int slot)
{
    if (tensor == NO_TENSOR)
        return NULL;
    const struct memory_place *place = &call->program->plan.tensors[tensor];
    float *block = call->program->blocks[call_tensor(call, tensor)->block];
    return block + place->offset + (size_t)slot * place->stride;
}

struct view call_view(const struct call *call, int tensor, int slot)
{
    if (tensor == NO_TENSOR)
        return (struct view){0};
    const struct tensor *t = call_tensor(call, tensor);
    return (struct view){
        .data = call_memory(call, tensor, slot),
        .n = call->n,
        .rows = t->rows,
        .cols = t->cols,
        .channels = t->channels,
        .pitch = (size_t)t->channels,
    };
}
