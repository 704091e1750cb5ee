// SPDX-License-Identifier: MIT
// Programs: memory, and running recorded routines.
#include "engine/vulkan/internal.h"

#include "engine/fuse.h"
#include "engine/halves.h"

#include "vkgrid/error.h"
#include "vkgrid/memory.h"

#include <stdlib.h>
#include <string.h>

#define STAGING_SIZE (16u << 20)
#define GUARD_WORD 0xffc0ffeeu  // a NaN, so that a kernel that reads a guard shows it too
#define POISON_WORD 0xffbadbadu // fills the arena under inspect: a NaN as well

static size_t scratch_of(const void *context, const struct op *op, int n)
{
    const struct vulkan_program *program = context;
    return (size_t)program->base.options.slots * record_scratch_most(program->graph, op, n);
}

// What is run, and where it lies. Under inspect every tensor can be read, so nothing is joined.
static void plan_program(struct vulkan_program *program)
{
    const struct program_options *options = &program->base.options;
    const struct graph *graph = program->base.graph;
    program->graph = options->inspect ? graph_copied(graph) : graph_fused(graph);
    program->half = halves_find(program->graph, options->precision);
    const struct memory_request request = {
        .graph = program->graph,
        .slots = options->slots,
        .batch = options->batch,
        .alignment = 64, // 256 bytes: the largest alignment that a device asks for
        .inspect = options->inspect,
        .half = program->half,
        .scratch = scratch_of,
        .context = program,
    };
    memory_plan_create(&request, &program->plan);
}

static void forget_plan(struct vulkan_program *program)
{
    memory_plan_destroy(&program->plan);
    graph_destroy(&program->graph);
    free(program->half);
}

static uint64_t total_bytes(const struct memory_plan *plan)
{
    uint64_t bytes = 0;
    for (int b = 0; b < BLOCK_COUNT; b++)
        bytes += (uint64_t)plan->total[b] * 4;
    return bytes;
}

// Parameters as fp16.
static size_t rounded_bytes(const struct program_options *options, const struct memory_plan *plan)
{
    const bool mixed = options->precision == PRECISION_MIXED;
    return mixed ? (size_t)options->slots * plan->parameter_span * 2 : 0;
}

// Kernels count the elements of a tensor, all slots of it, in 32 bits, and run over whole rows of
// workgroups (record_flat), which may reach past the last one. SPIR-V takes an index as signed
// (OpAccessChain): large tensors are indexed by vectors of four, or by elements of so many slots
// as REACH lets be (record_conv.c); one slot and the data set must be within it.
#define OVERSHOOT (FLAT_LOCAL * FLAT_ROW)
#define INDEX_LIMIT (UINT32_MAX - OVERSHOOT)

static bool check_size(const char *name, uint64_t size, int slots, uint64_t limit)
{
    return size <= limit ||
           error_set(
               "%s: %llu elements for %d %s, but at most %llu can be indexed; use a smaller "
               "pack or a smaller batch",
               name, (unsigned long long)size, slots, slots == 1 ? "slot" : "slots",
               (unsigned long long)limit);
}

// stride: elements of a slot; 0: one tensor for all, of `count` elements.
static bool check_tensor(const char *name, uint64_t stride, uint64_t count, int slots)
{
    return check_size(name, stride > 0 ? stride : count, 1, REACH - OVERSHOOT) &&
           check_size(name, stride * (uint64_t)slots, slots, INDEX_LIMIT);
}

static double mebibytes(uint64_t bytes)
{
    return (double)bytes / 1048576;
}

// What no amount of memory helps against: indices, and the size of one buffer.
static bool check_sizes(const struct vulkan_program *program)
{
    const struct vulkan_engine *engine = program->engine;
    const struct program_options *options = &program->base.options;
    const struct graph *graph = program->graph;
    const struct memory_plan *plan = &program->plan;
    if (!check_tensor("the weights", plan->state_span, 0, options->slots))
        return false;
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        const uint64_t stride = plan->tensors[t].stride * (program->half[t] ? 2 : 1);
        if (!check_tensor(tensor->name, stride, tensor->count, options->slots))
            return false;
    }
    for (int r = 0; r < ROUTINE_COUNT; r++)
        for (int i = 0; i < graph->routines[r].count; i++) {
            const struct op *op = &graph->routines[r].ops[i];
            if (!check_tensor(op_name(fused_main((int)op->kind)),
                              record_scratch_most(graph, op, options->batch), 0, options->slots))
                return false;
        }
    for (int b = 0; b < BLOCK_COUNT; b++)
        if ((uint64_t)plan->total[b] * 4 > engine->largest_buffer)
            return error_set(
                "%s: %d %s of batch size %d need %.0f MiB in one piece, the device "
                "gives at most %.0f MiB; use a smaller pack or a smaller batch",
                engine->base.device.name, options->slots, options->slots == 1 ? "slot" : "slots",
                options->batch, mebibytes((uint64_t)plan->total[b] * 4),
                mebibytes(engine->largest_buffer));
    return true;
}

uint64_t vulkan_memory(struct engine *engine, const struct graph *graph,
                       const struct program_options *options)
{
    struct vulkan_program program = {
        .base = {.engine = engine, .graph = graph, .options = *options},
        .engine = (struct vulkan_engine *)engine,
    };
    plan_program(&program);
    uint64_t bytes = total_bytes(&program.plan) + rounded_bytes(options, &program.plan);
    if (bytes <= engine->device.memory && !check_sizes(&program))
        bytes = UINT64_MAX;
    forget_plan(&program);
    return bytes;
}

static bool create_blocks(struct vulkan_program *program)
{
    struct vulkan_engine *engine = program->engine;
    const struct device_info *device = &engine->base.device;
    const uint64_t needed =
        total_bytes(&program->plan) + rounded_bytes(&program->base.options, &program->plan);
    const int slots = program->base.options.slots;
    if (needed > device->memory)
        return error_set(
            "%s: %d %s of batch size %d need %.0f MiB of device memory, there are %.0f MiB",
            device->name, slots, slots == 1 ? "slot" : "slots", program->base.options.batch,
            mebibytes(needed), mebibytes(device->memory));
    if (!check_sizes(program))
        return false;
    for (int b = 0; b < BLOCK_COUNT; b++) {
        const size_t size = program->plan.total[b] * 4;
        if (size > 0 && !vulkan_buffer_create(engine, USE_DEVICE, size, &program->blocks[b]))
            return error_prefix(
                "%s: %d %s of batch size %d need %.0f MiB of device memory, %.0f MiB in one piece",
                device->name, slots, slots == 1 ? "slot" : "slots", program->base.options.batch,
                mebibytes(needed), mebibytes(size));
    }
    const size_t rounded = rounded_bytes(&program->base.options, &program->plan);
    if (rounded > 0 && !vulkan_buffer_create(engine, USE_DEVICE, rounded, &program->rounded))
        return error_prefix("%s: %.0f MiB for weights as fp16", device->name, mebibytes(rounded));
    program->rounded_stale = true;
    return vulkan_buffer_create(engine, USE_STAGING, STAGING_SIZE, &program->staging);
}

static bool create_commands(struct vulkan_program *program)
{
    struct vulkan_engine *engine = program->engine;
    const struct VolkDeviceTable *vk = &engine->vk;
    const VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
        .queueFamilyIndex = engine->family,
    };
    const VkSemaphoreTypeCreateInfo type = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
        .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
    };
    const VkSemaphoreCreateInfo semaphore = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
        .pNext = &type,
    };
    VK_CHECK(vk->vkCreateCommandPool(engine->device, &pool, NULL, &program->pool));
    const VkCommandBufferAllocateInfo allocate = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = program->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    VK_CHECK(vk->vkAllocateCommandBuffers(engine->device, &allocate, &program->transfer));
    VK_CHECK(vk->vkCreateSemaphore(engine->device, &semaphore, NULL, &program->timeline));
    return true;
error:
    return false;
}

// Zeros everywhere; under inspect poison in the arena and guards between all regions.
static bool fill_memory(struct vulkan_program *program)
{
    const struct memory_plan *plan = &program->plan;
    const bool inspect = program->base.options.inspect;
    for (int b = 0; b < BLOCK_COUNT; b++)
        CHECK(vulkan_fill(program, (enum block)b, 0, plan->total[b],
                          inspect && b == BLOCK_ARENA ? POISON_WORD : 0));
    for (int i = 0; i < plan->guard_count; i++)
        CHECK(vulkan_fill(program, plan->guards[i].block, plan->guards[i].offset, MEMORY_GUARD,
                          GUARD_WORD));
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
    plan_program(program);
    if (program->engine->lost) {
        error_set_kind(ERROR_DEVICE_LOST, "vulkan: device lost");
        goto error;
    }
    CHECK(create_blocks(program));
    CHECK(create_commands(program));
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
    vk->vkDeviceWaitIdle(engine->device);
    for (int i = 0; i < program->recording_count; i++)
        free(program->recordings[i].commands);
    free(program->recordings);
    if (program->timeline)
        vk->vkDestroySemaphore(engine->device, program->timeline, NULL);
    if (program->pool)
        vk->vkDestroyCommandPool(engine->device, program->pool, NULL);
    for (int b = 0; b < BLOCK_COUNT; b++)
        vulkan_buffer_destroy(engine, &program->blocks[b]);
    vulkan_buffer_destroy(engine, &program->rounded);
    vulkan_buffer_destroy(engine, &program->staging);
    forget_plan(program);
    free(program);
}

bool vulkan_compile(struct vulkan_engine *engine, const struct graph *graph,
                    const struct program_options *options)
{
    struct vulkan_program *program = mem_zalloc(1, sizeof *program);
    const struct recording *recording;
    program->engine = engine;
    program->at_once = 1;
    program->base = (struct program){.engine = &engine->base, .graph = graph, .options = *options};
    plan_program(program);
    bool made = create_commands(program);
    for (int r = 0; made && r < ROUTINE_COUNT; r++)
        made = graph->routines[r].count == 0 ||
               vulkan_recording(program, (enum routine)r, options->batch, &recording);
    vulkan_destroy(&program->base);
    return made;
}

bool vulkan_run(struct program *base, enum routine routine, int n)
{
    struct vulkan_program *program = (struct vulkan_program *)base;
    const struct recording *recording;
    if (!vulkan_recording(program, routine, n, &recording) || !vulkan_round_weights(program) ||
        !vulkan_submit(program, recording->commands, recording->count))
        return false;
    program->rounded_stale |= routine == ROUTINE_RESTORE;
    return true;
}

bool vulkan_check_guards(struct program *base)
{
    struct vulkan_program *program = (struct vulkan_program *)base;
    for (int i = 0; i < program->plan.guard_count; i++) {
        const struct memory_guard *guard = &program->plan.guards[i];
        uint32_t words[MEMORY_GUARD];
        if (!vulkan_download(program, guard->block, guard->offset * 4, sizeof words, words))
            return false;
        for (int w = 0; w < MEMORY_GUARD; w++)
            if (words[w] != GUARD_WORD)
                return error_set("guard beside %s was changed",
                                 guard->tensor == NO_TENSOR
                                     ? "scratch"
                                     : base->graph->tensors[guard->tensor].name);
    }
    return true;
}
