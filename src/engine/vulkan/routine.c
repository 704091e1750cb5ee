// SPDX-License-Identifier: MIT
#include "engine/vulkan/routine.h"

#include "engine/fuse.h"
#include "engine/vulkan/gaps.h"
#include "engine/vulkan/ops.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <assert.h>
#include <stdlib.h>

// The dispatches of an op, for one range of slots after the other.
struct op_dispatches {
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

static bool add_ranges(struct vulkan_program *program, enum routine routine, int n, int at,
                       struct op_dispatches *made)
{
    const struct op *op = &program->graph->routines[routine].ops[at];
    const int slots = program->base.options.slots, piece = program->piece_slots;
    const double work = op_work(program->graph, op, n);
    int parts;
    const int most = range_of(program, op, work, &parts);
    struct dispatcher dispatcher = {
        .program = program,
        .list = &made->list,
        .n = n,
        .half = program->base.options.precision == PRECISION_MIXED,
        .op = at,
        .parts = parts,
    };
    for (int first = 0; first < slots; first += dispatcher.slots) {
        const int left = slots - first, within = most > piece ? most : piece - first % piece;
        dispatcher.first = first;
        dispatcher.slots = left < most ? left : most;
        dispatcher.slots = dispatcher.slots < within ? dispatcher.slots : within;
        dispatcher.work = work * dispatcher.slots;
        const VkDeviceAddress scratch = block_address(
            &dispatcher, BLOCK_ARENA, program->plan.scratch[routine][at], program->plan.arena_span);
        if (!ops_add(&dispatcher, op, scratch))
            return error_prefix("%s", op_name(fused_main(op->kind)));
    }
    made->steps = count_steps(&made->list, 0);
    assert(made->steps <= GAP_STEPS);
    return true;
}

// Appends the dispatches of one level of an op's steps.
static void take_level(const struct op_dispatches *made, const int *levels, int level, bool *begun,
                       struct dispatch_list *list)
{
    int step = -1;
    for (int i = 0; i < made->list.count; i++) {
        struct dispatch next = made->list.items[i];
        step = i > 0 && next.first != made->list.items[i - 1].first ? -1 : step;
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
static bool add_group(struct vulkan_program *program, enum routine routine, int n, int at,
                      int count, struct dispatch_list *list)
{
    struct op_dispatches made[GAP_OPS] = {0};
    int levels[GAP_OPS][GAP_STEPS], steps[GAP_OPS] = {0};
    bool done = true;
    for (int i = 0; i < count && done; i++) {
        done = add_ranges(program, routine, n, at + i, &made[i]);
        steps[i] = made[i].steps;
    }
    const struct op *ops = &program->graph->routines[routine].ops[at];
    const int most = done ? gaps_level(ops, count, steps, levels) : 0;
    for (int level = 0; level < most; level++) {
        bool begun = false;
        for (int i = 0; i < count; i++)
            take_level(&made[i], levels[i], level, &begun, list);
    }
    for (int i = 0; i < count; i++)
        dispatch_list_free(&made[i].list);
    return done;
}

bool routine_dispatches(struct vulkan_program *program, enum routine routine, int n, bool apart,
                        struct dispatch_list *list)
{
    const int count = program->graph->routines[routine].count;
    const bool *joined = program->joined[routine];
    bool done = true;
    *list = (struct dispatch_list){0};
    for (int i = 0, next; i < count && done; i = next) {
        for (next = i + 1; next < count && joined[next] && !apart;)
            next++;
        done = add_group(program, routine, n, i, next - i, list);
    }
    if (!done)
        dispatch_list_free(list);
    return done;
}
