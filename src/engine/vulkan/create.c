// SPDX-License-Identifier: MIT
#include "engine/vulkan/create.h"

#include "engine/program_plan.h"
#include "engine/vulkan/commands.h"
#include "engine/vulkan/plan.h"
#include "engine/vulkan/submit.h"
#include "engine/vulkan/transfer.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

#define STAGING_SIZE (16u << 20)

uint64_t vulkan_memory(struct engine *engine, const struct graph *graph,
                       const struct program_options *options)
{
    struct vulkan_program program = {
        .base = {.engine = engine, .graph = graph, .options = *options},
        .engine = (struct vulkan_engine *)engine,
    };
    vulkan_plan(&program);
    uint64_t bytes = plan_bytes(&program);
    if (bytes <= engine->device.memory && !plan_check(&program))
        bytes = UINT64_MAX;
    vulkan_forget_plan(&program);
    return bytes;
}

static bool create_blocks(struct vulkan_program *program)
{
    struct vulkan_engine *engine = program->engine;
    const struct device_info *device = &engine->base.device;
    const uint64_t needed = plan_bytes(program), rounded = rounded_bytes(program);
    char needs[PROGRAM_NEEDS];
    program_needs(&program->base.options, needed, needs);
    if (needed > device->memory)
        return error_set_kind(ERROR_NO_MEMORY, "%s: %s of device memory, there are %.0f MiB",
                              device->name, needs, (double)device->memory / 0x1p20);
    if (!plan_check(program))
        return false;
    for (int b = 0; b < BLOCK_COUNT; b++) {
        const uint64_t size = (uint64_t)program->plan.total[b] * 4;
        const enum vulkan_use use = b == BLOCK_TABLE || b == BLOCK_SHARED ? USE_TABLE : USE_DEVICE;
        if (size > 0 && !pieces_create(engine, use, size, piece_bytes(program, (enum block)b),
                                       &program->blocks[b]))
            return error_prefix("%s: %s of device memory", device->name, needs);
    }
    if (rounded > 0 && !pieces_create(engine, USE_DEVICE, rounded, rounded_piece_bytes(program),
                                      &program->rounded))
        return error_prefix("%s: %.0f MiB for weights as fp16", device->name,
                            (double)rounded / 0x1p20);
    program->rounded_stale = true;
    return vulkan_buffer_create(engine, USE_STAGING, STAGING_SIZE, &program->staging);
}

// Zeros everywhere; under inspect poison in the arena and guards between all regions.
static bool fill_memory(struct vulkan_program *program)
{
    const struct memory_plan *plan = &program->plan;
    const bool inspect = program->base.options.inspect;
    for (int b = 0; b < BLOCK_COUNT; b++)
        CHECK(vulkan_fill(program, (enum block)b, 0, plan->total[b],
                          inspect && b == BLOCK_ARENA ? MEMORY_POISON_WORD : 0));
    for (int i = 0; i < plan->guard_count; i++)
        CHECK(vulkan_fill(program, plan->guards[i].block, plan->guards[i].offset, MEMORY_GUARD,
                          MEMORY_GUARD_WORD));
    return true;
error:
    return false;
}

bool vulkan_create(struct engine *base, const struct graph *graph,
                   const struct program_options *options, struct program **out)
{
    struct vulkan_program *program = mem_zalloc(1, sizeof *program);
    program->engine = (struct vulkan_engine *)base;
    program->at_once = 1;
    program->base = (struct program){.engine = base, .graph = graph, .options = *options};
    vulkan_plan(program);
    if (program->engine->lost) {
        error_set_kind(ERROR_DEVICE_LOST, "vulkan: device lost");
        goto error;
    }
    CHECK(create_blocks(program));
    CHECK(vulkan_commands_create(program->engine, &program->pool, &program->transfer,
                                 &program->timeline));
    CHECK(fill_memory(program));
    *out = &program->base;
    return true;
error:
    vulkan_destroy(&program->base);
    return false;
}

void vulkan_destroy(struct program *base)
{
    struct vulkan_program *program = (struct vulkan_program *)base;
    struct vulkan_engine *engine = program->engine;
    const struct VolkDeviceTable *vk = &engine->vk;
    const bool settled = vulkan_settle(program);
    for (int i = 0; i < program->routine_count; i++)
        free(program->routines[i].buffers);
    free(program->routines);
    if (settled && program->timeline)
        vk->vkDestroySemaphore(engine->device, program->timeline, NULL);
    if (settled && program->pool)
        vk->vkDestroyCommandPool(engine->device, program->pool, NULL);
    for (int b = 0; b < BLOCK_COUNT && settled; b++)
        pieces_destroy(engine, &program->blocks[b]);
    if (settled) {
        pieces_destroy(engine, &program->rounded);
        vulkan_buffer_destroy(engine, &program->staging);
    }
    vulkan_forget_plan(program);
    free(program);
}

bool vulkan_compile(struct vulkan_engine *engine, const struct graph *graph,
                    const struct program_options *options)
{
    struct vulkan_program *program = mem_zalloc(1, sizeof *program);
    const struct routine_commands *commands;
    program->engine = engine;
    program->at_once = 1;
    program->base = (struct program){.engine = &engine->base, .graph = graph, .options = *options};
    vulkan_plan(program);
    bool made = vulkan_commands_create(program->engine, &program->pool, &program->transfer,
                                       &program->timeline);
    for (int r = 0; made && r < ROUTINE_COUNT; r++)
        made = graph->routines[r].count == 0 ||
               routine_commands_find(program, (enum routine)r, options->batch, &commands);
    vulkan_destroy(&program->base);
    return made;
}
