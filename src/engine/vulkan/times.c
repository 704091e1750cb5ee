// SPDX-License-Identifier: MIT
// What each kind of op takes on the device, by timestamps between the ops.
#include "engine/vulkan/times.h"

#include "engine/fuse.h"
#include "engine/vulkan/commands.h"
#include "engine/vulkan/submit.h"
#include "engine/vulkan/transfer.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

static bool create_stamps(struct vulkan_engine *engine, uint32_t count, VkQueryPool *stamps)
{
    const VkQueryPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
        .queryType = VK_QUERY_TYPE_TIMESTAMP,
        .queryCount = count,
    };
    if (engine->timestamp_bits == 0)
        FAIL("%s: its queue takes no times", engine->base.device.name);
    VK_CHECK(engine->vk.vkCreateQueryPool(engine->device, &info, NULL, stamps));
    return true;
error:
    return false;
}

// From one stamp to the next, which may have gone past the last valid bit.
static double seconds_between(const struct vulkan_engine *engine, uint64_t from, uint64_t to)
{
    const uint64_t mask =
        engine->timestamp_bits < 64 ? (UINT64_C(1) << engine->timestamp_bits) - 1 : UINT64_MAX;
    return (double)((to - from) & mask) * engine->limits.timestampPeriod * 1e-9;
}

bool vulkan_times(struct program *base, enum routine routine, int n, double *seconds)
{
    struct vulkan_program *program = (struct vulkan_program *)base;
    struct vulkan_engine *engine = program->engine;
    const struct op_list *list = &program->graph->routines[routine];
    const uint32_t count = (uint32_t)list->count + 1;
    struct routine_commands commands = {.routine = routine, .n = n};
    VkQueryPool stamps = VK_NULL_HANDLE;
    uint64_t *values = mem_zalloc(count, sizeof *values);
    CHECK(create_stamps(engine, count, &stamps));
    CHECK(vulkan_round_weights(program));
    CHECK(routine_commands_write(program, stamps, &commands));
    CHECK(vulkan_submit(program, commands.buffers, commands.count));
    CHECK(vulkan_wait(base));
    VK_CHECK(engine->vk.vkGetQueryPoolResults(engine->device, stamps, 0, count,
                                              count * sizeof *values, values, sizeof *values,
                                              VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT));
    for (int i = 0; i < list->count; i++)
        seconds[fused_main(list->ops[i].kind)] += seconds_between(engine, values[i], values[i + 1]);
    engine->vk.vkFreeCommandBuffers(engine->device, program->pool, (uint32_t)commands.count,
                                    commands.buffers);
    engine->vk.vkDestroyQueryPool(engine->device, stamps, NULL);
    free(commands.buffers);
    free(values);
    return true;
error:
    // Command buffers that may still run go with their pool, the stamps after them.
    if (vulkan_settle(program) && stamps)
        engine->vk.vkDestroyQueryPool(engine->device, stamps, NULL);
    free(commands.buffers);
    free(values);
    return false;
}
