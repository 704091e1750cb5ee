// SPDX-License-Identifier: MIT
// A routine as one list of dispatches: its ops are recorded by ranges of slots, and what may run
// beside each other is put side by side.
#include "engine/vulkan/internal.h"

#include "engine/fuse.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <assert.h>
#include <stdlib.h>

// An op, recorded for one range of slots after the other.
struct recorded {
    struct dispatch_list list;
    int steps;
};

// The most slots of a dispatch of an op, and into how many parts one slot's is cut.
static int range_of(const struct vulkan_program *program, const struct op *op, double work,
                    int *parts)
{
    const double limit = program->engine->dispatch_work;
    *parts = 1;
    if (op->kind == OP_ADVANCE) // takes all slots at once, in tables, which are in one piece
        return program->base.options.slots;
    if (work > limit)
        *parts = (int)(work / limit) + 1;
    if (work * program->piece_slots <= limit)
        return program->piece_slots;
    return work < limit ? (int)(limit / work) : 1;
}

static int count_steps(const struct dispatch_list *list, int first)
{
    int steps = 0;
    for (int i = 0; i < list->count && list->items[i].first == first; i++)
        steps += !list->items[i].beside;
    return steps;
}

static bool record_ranges(struct vulkan_program *program, enum routine routine, int n, int at,
                          struct recorded *recorded)
{
    const struct op *op = &program->graph->routines[routine].ops[at];
    const int slots = program->base.options.slots, piece = program->piece_slots;
    const double work = op_work(program->graph, op, n);
    int parts;
    const int most = range_of(program, op, work, &parts);
    struct recorder recorder = {
        .program = program,
        .list = &recorded->list,
        .n = n,
        .half = program->base.options.precision == PRECISION_MIXED,
        .op = at,
        .parts = parts,
    };
    for (int first = 0; first < slots; first += recorder.slots) {
        const int left = slots - first, within = most > piece ? most : piece - first % piece;
        recorder.first = first;
        recorder.slots = left < most ? left : most;
        recorder.slots = recorder.slots < within ? recorder.slots : within;
        recorder.work = work * recorder.slots;
        const VkDeviceAddress scratch = block_address(
            &recorder, BLOCK_ARENA, program->plan.scratch[routine][at], program->plan.arena_span);
        if (!record_op(&recorder, op, scratch))
            return error_prefix("%s", op_name(fused_main(op->kind)));
    }
    recorded->steps = count_steps(&recorded->list, 0);
    assert(recorded->steps <= GAP_STEPS);
    return true;
}

// Appends the dispatches of one level of an op's steps.
static void take_level(const struct recorded *recorded, const int *levels, int level, bool *begun,
                       struct dispatch_list *list)
{
    int step = -1;
    for (int i = 0; i < recorded->list.count; i++) {
        struct dispatch next = recorded->list.items[i];
        step = i > 0 && next.first != recorded->list.items[i - 1].first ? -1 : step;
        step += !next.beside;
        if (levels[step] != level)
            continue;
        next.beside = *begun;
        *begun = true;
        list->items = mem_grow(list->items, (size_t)list->count + 1, sizeof *list->items);
        list->items[list->count++] = next;
    }
}

// Ops that share gaps, from op `at` of a routine on.
static bool record_group(struct vulkan_program *program, enum routine routine, int n, int at,
                         int count, struct dispatch_list *list)
{
    struct recorded recorded[GAP_OPS] = {0};
    int levels[GAP_OPS][GAP_STEPS], steps[GAP_OPS] = {0};
    bool done = true;
    for (int i = 0; i < count && done; i++) {
        done = record_ranges(program, routine, n, at + i, &recorded[i]);
        steps[i] = recorded[i].steps;
    }
    const struct op *ops = &program->graph->routines[routine].ops[at];
    const int most = done ? gaps_level(ops, count, steps, levels) : 0;
    for (int level = 0; level < most; level++) {
        bool begun = false;
        for (int i = 0; i < count; i++)
            take_level(&recorded[i], levels[i], level, &begun, list);
    }
    for (int i = 0; i < count; i++)
        dispatch_list_free(&recorded[i].list);
    return done;
}

bool vulkan_dispatches(struct vulkan_program *program, enum routine routine, int n, bool apart,
                       struct dispatch_list *list)
{
    const int count = program->graph->routines[routine].count;
    const bool *joined = program->joined[routine];
    bool done = true;
    *list = (struct dispatch_list){0};
    for (int i = 0, next; i < count && done; i = next) {
        for (next = i + 1; next < count && joined[next] && !apart;)
            next++;
        done = record_group(program, routine, n, i, next - i, list);
    }
    if (!done)
        dispatch_list_free(list);
    return done;
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
