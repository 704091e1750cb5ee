// SPDX-License-Identifier: MIT
// Recordings: the command buffers of a routine, made on its first run and replayed by every later
// one.
#include "engine/vulkan/internal.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

static bool begin_commands(struct vulkan_program *program, struct recording *recording,
                           VkCommandBuffer *commands)
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
    VK_CHECK(vk->vkAllocateCommandBuffers(program->engine->device, &allocate, commands));
    recording->commands =
        mem_grow(recording->commands, (size_t)recording->count + 1, sizeof *recording->commands);
    recording->commands[recording->count++] = *commands;
    VK_CHECK(vk->vkBeginCommandBuffer(*commands, &begin));
    return true;
error:
    return false;
}

// The time when everything recorded so far is done.
static void stamp(struct vulkan_engine *engine, VkCommandBuffer commands, VkQueryPool stamps,
                  uint32_t index)
{
    engine->vk.vkCmdWriteTimestamp2(commands, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, stamps, index);
}

// last: of the recording, so that the host and copies see what it wrote.
static bool end_commands(struct vulkan_engine *engine, VkCommandBuffer commands, bool last)
{
    if (last)
        vulkan_barrier(engine, commands, BARRIER_ENDS);
    VK_CHECK(engine->vk.vkEndCommandBuffer(commands));
    return true;
error:
    return false;
}

bool vulkan_record(struct vulkan_program *program, VkQueryPool stamps, struct recording *recording)
{
    struct vulkan_engine *engine = program->engine;
    const int ops = program->graph->routines[recording->routine].count;
    VkCommandBuffer commands;
    struct dispatch_list list;
    double work = 0;
    CHECK(vulkan_dispatches(program, recording->routine, recording->n, stamps, &list));
    CHECK(dispatches_prepare(engine, &list));
    CHECK(begin_commands(program, recording, &commands));
    if (stamps) {
        engine->vk.vkCmdResetQueryPool(commands, stamps, 0, (uint32_t)ops + 1);
        stamp(engine, commands, stamps, 0);
    }
    for (int i = 0; i < list.count; i++) {
        const struct dispatch *d = &list.items[i];
        if (work > 0 && work + d->work > COMMANDS_WORK) {
            CHECK(end_commands(engine, commands, false));
            CHECK(begin_commands(program, recording, &commands));
            work = 0;
        }
        work += d->work;
        dispatches_write(engine, commands, d, 1);
        if (stamps && (i + 1 == list.count || d[1].op != d->op))
            stamp(engine, commands, stamps, (uint32_t)d->op + 1);
    }
    CHECK(end_commands(engine, commands, true));
    dispatch_list_free(&list);
    return true;
error:
    dispatch_list_free(&list);
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
