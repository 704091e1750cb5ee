// SPDX-License-Identifier: MIT
#include "engine/vulkan/commands.h"

#include "engine/vulkan/routine.h"
#include "engine/vulkan/submit.h"
#include "engine/vulkan/transfer.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

static bool begin_buffer(struct vulkan_program *program, struct routine_commands *commands,
                         VkCommandBuffer *buffer)
{
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
    VK_CHECK(vk->vkAllocateCommandBuffers(program->engine->device, &allocate, buffer));
    commands->buffers =
        mem_grow(commands->buffers, (size_t)commands->count + 1, sizeof *commands->buffers);
    commands->buffers[commands->count++] = *buffer;
    VK_CHECK(vk->vkBeginCommandBuffer(*buffer, &begin));
    return true;
error:
    return false;
}

// The time when everything so far is done.
static void stamp(struct vulkan_engine *engine, VkCommandBuffer buffer, VkQueryPool stamps,
                  uint32_t index)
{
    engine->vk.vkCmdWriteTimestamp2(buffer, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, stamps, index);
}

// last: of the routine, so that the host and copies see what it wrote.
static bool end_buffer(struct vulkan_engine *engine, VkCommandBuffer buffer, bool last)
{
    if (last)
        vulkan_barrier(engine, buffer, BARRIER_ENDS);
    VK_CHECK(engine->vk.vkEndCommandBuffer(buffer));
    return true;
error:
    return false;
}

bool routine_commands_write(struct vulkan_program *program, VkQueryPool stamps,
                            struct routine_commands *commands)
{
    struct vulkan_engine *engine = program->engine;
    const int ops = program->graph->routines[commands->routine].count;
    VkCommandBuffer buffer;
    struct dispatch_list list;
    double work = 0;
    CHECK(routine_dispatches(program, commands->routine, commands->n, stamps, &list));
    CHECK(dispatches_prepare(engine, &list));
    CHECK(begin_buffer(program, commands, &buffer));
    if (stamps) {
        engine->vk.vkCmdResetQueryPool(buffer, stamps, 0, (uint32_t)ops + 1);
        stamp(engine, buffer, stamps, 0);
    }
    for (int i = 0; i < list.count; i++) {
        const struct dispatch *d = &list.items[i];
        if (work > 0 && work + d->work > COMMANDS_WORK) {
            CHECK(end_buffer(engine, buffer, false));
            CHECK(begin_buffer(program, commands, &buffer));
            work = 0;
        }
        work += d->work;
        dispatches_write(engine, buffer, d, 1);
        if (stamps && (i + 1 == list.count || d[1].op != d->op))
            stamp(engine, buffer, stamps, (uint32_t)d->op + 1);
    }
    CHECK(end_buffer(engine, buffer, true));
    dispatch_list_free(&list);
    return true;
error:
    dispatch_list_free(&list);
    return false;
}

bool routine_commands_find(struct vulkan_program *program, enum routine routine, int n,
                           const struct routine_commands **out)
{
    for (int i = 0; i < program->routine_count; i++)
        if (program->routines[i].routine == routine && program->routines[i].n == n) {
            *out = &program->routines[i];
            return true;
        }
    struct routine_commands made = {.routine = routine, .n = n};
    if (!routine_commands_write(program, VK_NULL_HANDLE, &made)) {
        free(made.buffers); // the command buffers go with their pool
        return false;
    }
    program->routines =
        mem_grow(program->routines, (size_t)program->routine_count + 1, sizeof *program->routines);
    program->routines[program->routine_count] = made;
    *out = &program->routines[program->routine_count++];
    return true;
}

bool vulkan_run(struct program *base, enum routine routine, int n)
{
    struct vulkan_program *program = (struct vulkan_program *)base;
    const struct routine_commands *commands;
    if (!routine_commands_find(program, routine, n, &commands) || !vulkan_round_weights(program) ||
        !vulkan_submit(program, commands->buffers, commands->count))
        return false;
    program->rounded_stale |= routine == ROUTINE_RESTORE;
    return true;
}
