// SPDX-License-Identifier: MIT
#include "engine/vulkan/dispatch.h"

#include "engine/vulkan/submit.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

VkDeviceAddress block_address(const struct dispatcher *dispatcher, enum block block, size_t offset,
                              size_t stride)
{
    const uint64_t word = offset + (uint64_t)dispatcher->first * stride;
    return pieces_address(&dispatcher->program->blocks[block], word * 4);
}

VkDeviceAddress tensor_address(const struct dispatcher *dispatcher, int tensor)
{
    const struct vulkan_program *program = dispatcher->program;
    const struct memory_place *place = &program->plan.tensors[tensor];
    return block_address(dispatcher, program->graph->tensors[tensor].block, place->offset,
                         place->stride);
}

uint32_t tensor_stride(const struct dispatcher *dispatcher, int tensor)
{
    const struct vulkan_program *program = dispatcher->program;
    return (uint32_t)program->plan.tensors[tensor].stride * (program->half[tensor] ? 2 : 1);
}

VkDeviceAddress rounded_address(const struct dispatcher *dispatcher, size_t offset)
{
    const struct vulkan_program *program = dispatcher->program;
    const uint64_t element = offset + (uint64_t)dispatcher->first * program->plan.parameter_span;
    return program->rounded.count > 0 ? pieces_address(&program->rounded, element * 2) : 0;
}

uint32_t scratch_stride(const struct dispatcher *dispatcher)
{
    return (uint32_t)dispatcher->program->plan.arena_span;
}

static bool add(struct dispatcher *dispatcher, enum kernel kernel, const uint32_t *constants,
                int constant_count, const void *push, const uint32_t groups[3], bool beside)
{
    const struct vulkan_engine *engine = dispatcher->program->engine;
    const uint32_t *most = engine->limits.maxComputeWorkGroupCount;
    if (groups[0] > most[0] || groups[1] > most[1] || groups[2] > most[2])
        return error_set("kernel %s: %u x %u x %u workgroups, but the device takes %u x %u x %u",
                         vulkan_kernel_name(kernel), groups[0], groups[1], groups[2], most[0],
                         most[1], most[2]);
    struct dispatch made = {
        .pipeline = {.kernel = kernel, .half = dispatcher->half, .based = dispatcher->parts > 1},
        .groups = {groups[0], groups[1], groups[2]},
        .beside = beside,
        .op = dispatcher->op,
        .first = dispatcher->first,
    };
    if (constant_count > 0)
        memcpy(made.pipeline.constants, constants, (size_t)constant_count * sizeof *constants);
    memcpy(made.push, push, vulkan_push_size(kernel));
    // Parts of a slot: along the axis with more workgroups, none larger than was asked for.
    const int axis = groups[1] > groups[0];
    const uint32_t parts = dispatcher->parts > 1 ? (uint32_t)dispatcher->parts : 1;
    const uint32_t each = groups[axis] > parts ? groups[axis] / parts : 1;
    made.work = dispatcher->work * each / groups[axis];
    dispatcher->work = 0; // of what the op's other dispatches do there is no estimate
    for (made.base[axis] = 0; made.base[axis] < groups[axis]; made.base[axis] += each) {
        const uint32_t rest = groups[axis] - made.base[axis];
        struct dispatch_list *list = dispatcher->list;
        made.groups[axis] = rest < each ? rest : each;
        list->items = mem_grow(list->items, (size_t)list->count + 1, sizeof *list->items);
        list->items[list->count++] = made;
        made.beside = true;
    }
    return true;
}

bool dispatch_add(struct dispatcher *dispatcher, enum kernel kernel, const uint32_t *constants,
                  int constant_count, const void *push, const uint32_t groups[2], bool beside)
{
    const uint32_t all[3] = {groups[0], groups[1], (uint32_t)dispatcher->slots};
    return add(dispatcher, kernel, constants, constant_count, push, all, beside);
}

bool dispatch_add_once(struct dispatcher *dispatcher, enum kernel kernel, const uint32_t *constants,
                       int constant_count, const void *push, const uint32_t groups[2], bool beside)
{
    const uint32_t all[3] = {groups[0], groups[1], 1};
    return add(dispatcher, kernel, constants, constant_count, push, all, beside);
}

bool dispatch_add_flat(struct dispatcher *dispatcher, enum kernel kernel, const uint32_t *constants,
                       int constant_count, const void *push, uint64_t count, bool beside)
{
    const uint64_t groups = (count + FLAT_LOCAL - 1) / FLAT_LOCAL;
    const uint32_t size[2] = {(uint32_t)(groups < FLAT_ROW ? groups : FLAT_ROW),
                              (uint32_t)((groups + FLAT_ROW - 1) / FLAT_ROW)};
    return dispatch_add(dispatcher, kernel, constants, constant_count, push, size, beside);
}

void dispatch_list_free(struct dispatch_list *list)
{
    free(list->items);
    *list = (struct dispatch_list){0};
}

bool dispatches_prepare(struct vulkan_engine *engine, struct dispatch_list *list)
{
    struct pipeline *wanted = mem_alloc(((size_t)list->count + 1) * sizeof *wanted);
    for (int i = 0; i < list->count; i++)
        wanted[i] = list->items[i].pipeline;
    const bool made = vulkan_pipelines_make(engine, wanted, list->count);
    for (int i = 0; i < list->count; i++)
        list->items[i].pipeline = wanted[i];
    free(wanted);
    return made;
}

void dispatches_write(struct vulkan_engine *engine, VkCommandBuffer commands,
                      const struct dispatch *dispatches, int count)
{
    const struct VolkDeviceTable *vk = &engine->vk;
    for (int i = 0; i < count; i++) {
        const struct dispatch *d = &dispatches[i];
        if (!d->beside)
            vulkan_barrier(engine, commands, engine->between);
        vk->vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, d->pipeline.pipeline);
        vk->vkCmdPushConstants(commands, engine->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                               vulkan_push_size(d->pipeline.kernel), d->push);
        if (d->pipeline.based)
            vk->vkCmdDispatchBase(commands, d->base[0], d->base[1], 0, d->groups[0], d->groups[1],
                                  d->groups[2]);
        else
            vk->vkCmdDispatch(commands, d->groups[0], d->groups[1], d->groups[2]);
    }
}
