// SPDX-License-Identifier: MIT
// Arena: greedy by size. The largest region comes first; each takes the tightest gap among the
// regions that are alive at the same time, the lowest one if gaps are equal (Pisarchyk and Lee
// 2020, "Efficient Memory Management for Deep Neural Net Inference", greedy by size for offset
// calculation).
#include "engine/memory_plan.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// A piece of the arena and the ops, counted through all routines, between which it holds something.
struct region {
    size_t size, offset;
    int first, last;
    int tensor;      // NO_TENSOR: scratch
    size_t *scratch; // where the offset of scratch goes
};

struct region_list {
    struct region *items;
    int count;
};

static size_t round_up(size_t value, size_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

static bool has_op(const struct graph *graph, enum op_kind kind)
{
    for (int r = 0; r < ROUTINE_COUNT; r++)
        for (int i = 0; i < graph->routines[r].count; i++)
            if (graph->routines[r].ops[i].kind == kind)
                return true;
    return false;
}

bool graph_has_block(const struct graph *graph, enum block block)
{
    if (block == BLOCK_MOMENT1 || block == BLOCK_MOMENT2)
        return has_op(graph, OP_ADAM);
    if (block == BLOCK_BEST)
        return has_op(graph, OP_KEEP) || has_op(graph, OP_RESTORE);
    if (block == BLOCK_ARENA)
        return true; // scratch
    for (int t = 0; t < graph->tensor_count; t++)
        if (graph->tensors[t].block == block)
            return true;
    return false;
}

static void add_guard(struct memory_plan *plan, enum block block, size_t offset, int tensor)
{
    plan->guards = mem_grow(plan->guards, (size_t)plan->guard_count + 1, sizeof plan->guards[0]);
    plan->guards[plan->guard_count++] =
        (struct memory_guard){.block = block, .offset = offset, .tensor = tensor};
}

// A new region at the end of a block, between guards when inspecting. Returns its offset.
static size_t append(const struct memory_request *request, struct memory_plan *plan,
                     enum block block, size_t size, int tensor)
{
    const size_t guard = request->inspect ? MEMORY_GUARD : 0;
    const size_t offset = round_up(plan->total[block] + guard, request->alignment);
    plan->total[block] = offset + size + guard;
    if (request->inspect) {
        add_guard(plan, block, offset - guard, tensor);
        add_guard(plan, block, offset + size, tensor);
    }
    return offset;
}

// Places either the parameters or the buffers of a span that has `end` elements so far. Returns its
// new end.
static size_t place_state_part(const struct graph *graph, struct memory_plan *plan, bool parameters,
                               size_t end, size_t gap)
{
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (tensor->block != BLOCK_STATE || tensor->parameter != parameters)
            continue;
        plan->tensors[t].offset = end;
        if (tensor->gradient != NO_TENSOR)
            plan->tensors[tensor->gradient].offset = end;
        end = round_up(end + tensor->count + gap, 8);
    }
    return end;
}

bool block_is_trained(enum block block)
{
    return block == BLOCK_GRADIENT || block == BLOCK_MOMENT1 || block == BLOCK_MOMENT2;
}

static void add_state_guards(const struct memory_request *request, struct memory_plan *plan,
                             enum block block, size_t span)
{
    const struct graph *graph = request->graph;
    for (int slot = 0; slot < request->slots; slot++)
        for (int t = 0; t < graph->tensor_count; t++)
            if (graph->tensors[t].block == BLOCK_STATE &&
                (graph->tensors[t].parameter || !block_is_trained(block)))
                add_guard(plan, block,
                          (size_t)slot * span + plan->tensors[t].offset + graph->tensors[t].count,
                          t);
}

static void place_state(const struct memory_request *request, struct memory_plan *plan)
{
    static const enum block blocks[] = {BLOCK_STATE, BLOCK_GRADIENT, BLOCK_MOMENT1, BLOCK_MOMENT2,
                                        BLOCK_BEST};
    const struct graph *graph = request->graph;
    const bool guarded = request->inspect && !has_op(graph, OP_ADAM);
    const size_t gap = guarded ? MEMORY_GUARD : 0;
    plan->parameter_span = place_state_part(graph, plan, true, 0, gap);
    plan->state_span = place_state_part(graph, plan, false, plan->parameter_span, gap);
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        if (!graph_has_block(graph, blocks[i]))
            continue;
        const size_t span = block_is_trained(blocks[i]) ? plan->parameter_span : plan->state_span;
        plan->total[blocks[i]] = (size_t)request->slots * span;
        if (guarded)
            add_state_guards(request, plan, blocks[i], span);
    }
    for (int t = 0; t < graph->tensor_count; t++) {
        if (graph->tensors[t].block == BLOCK_STATE)
            plan->tensors[t].stride = plan->state_span;
        else if (graph->tensors[t].block == BLOCK_GRADIENT)
            plan->tensors[t].stride = plan->parameter_span;
    }
}

static void place_tables_and_data(const struct memory_request *request, struct memory_plan *plan)
{
    for (int t = 0; t < request->graph->tensor_count; t++) {
        const struct tensor *tensor = &request->graph->tensors[t];
        if (tensor->block == BLOCK_TABLE) {
            plan->tensors[t].stride = tensor->count;
            plan->tensors[t].offset =
                append(request, plan, tensor->block, (size_t)request->slots * tensor->count, t);
        } else if (tensor->block == BLOCK_SHARED || tensor->block == BLOCK_DATA) {
            plan->tensors[t].offset = append(request, plan, tensor->block, tensor->count, t);
        }
    }
}

// What the ops of all routines, in order, do with a tensor.
struct usage {
    int first, last; // op; first is -1 while there is none
    int routine;     // that of the first op
    bool kept;       // cannot share memory: read before it is written, or used by several routines
};

// The ops, counted through all routines, that may run together with one.
struct moment {
    int routine, first, last;
};

// `at`: number of an op, of which there are `before` in earlier routines.
static struct moment moment_of(const struct memory_request *request, int routine, int at,
                               int before)
{
    const bool *joined = request->joined[routine];
    int first = at, last = at;
    while (joined && first > 0 && joined[first])
        first--;
    while (joined && last + 1 < request->graph->routines[routine].count && joined[last + 1])
        last++;
    return (struct moment){routine, before + first, before + last};
}

static void use(struct usage *usage, int tensor, const struct moment *moment, bool writes)
{
    if (tensor == NO_TENSOR)
        return;
    struct usage *u = &usage[tensor];
    if (u->first < 0) {
        u->first = moment->first;
        u->routine = moment->routine;
        u->kept = !writes;
    }
    u->last = moment->last;
    u->kept = u->kept || u->routine != moment->routine;
}

// ends[r]: the number of ops of the routines up to and including r.
static struct usage *find_usage(const struct memory_request *request, int ends[ROUTINE_COUNT])
{
    const struct graph *graph = request->graph;
    struct usage *usage = mem_alloc((size_t)graph->tensor_count * sizeof usage[0]);
    for (int t = 0; t < graph->tensor_count; t++)
        usage[t] = (struct usage){.first = -1, .last = -1, .kept = true};
    int time = 0;
    for (int r = 0; r < ROUTINE_COUNT; r++) {
        for (int i = 0; i < graph->routines[r].count; i++) {
            const struct op *op = &graph->routines[r].ops[i];
            const struct moment moment = moment_of(request, r, i, time);
            for (int k = 0; k < OP_INPUTS; k++)
                use(usage, op->in[k], &moment, false);
            for (int k = 0; k < OP_OUTPUTS; k++)
                use(usage, op->out[k], &moment, true);
        }
        time += graph->routines[r].count;
        ends[r] = time;
    }
    return usage;
}

static void add_region(struct region_list *list, struct region region)
{
    list->items = mem_grow(list->items, (size_t)list->count + 1, sizeof list->items[0]);
    list->items[list->count++] = region;
}

// Words of a tensor of the arena, one slot.
static size_t arena_words(const struct memory_request *request, int t)
{
    const struct tensor *tensor = &request->graph->tensors[t];
    const size_t elements = tensor->count * (tensor->per_sample ? (size_t)request->batch : 1);
    return request->half && request->half[t] ? (elements + 1) / 2 : elements;
}

// Slots that a region has room for.
static size_t region_slots(const struct memory_request *request)
{
    return request->by_slot ? 1 : (size_t)request->slots;
}

// The region of a tensor of the arena. ends: as find_usage().
static struct region tensor_region(const struct memory_request *request, int t,
                                   const struct usage *usage, const int *ends)
{
    const struct tensor *tensor = &request->graph->tensors[t];
    const bool serial = request->serial && !request->inspect;
    const bool one_for_all = serial && !usage->kept && !tensor->output;
    struct region region = {
        .size = arena_words(request, t) * (one_for_all ? 1 : region_slots(request)),
        .first = usage->first,
        .last = usage->last,
        .tensor = t,
    };
    if (tensor->output) // to the routine's end; of slots that run earlier, also from its beginning
        region.last = ends[usage->routine] - 1;
    if (tensor->output && serial)
        region.first = usage->routine > 0 ? ends[usage->routine - 1] : 0;
    if (usage->kept) {
        region.first = 0;
        region.last = ends[ROUTINE_COUNT - 1];
    }
    return region;
}

static void collect_tensors(const struct memory_request *request, struct memory_plan *plan,
                            struct region_list *list)
{
    const struct graph *graph = request->graph;
    int ends[ROUTINE_COUNT];
    struct usage *usage = find_usage(request, ends);
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (tensor->block != BLOCK_ARENA)
            continue;
        const struct region region = tensor_region(request, t, &usage[t], ends);
        const size_t stride = arena_words(request, t);
        plan->tensors[t].stride = region.size == region_slots(request) * stride ? stride : 0;
        add_region(list, region);
    }
    free(usage);
}

static void collect_scratch(const struct memory_request *request, struct memory_plan *plan,
                            struct region_list *list)
{
    int time = 0;
    for (int r = 0; r < ROUTINE_COUNT; r++) {
        const struct op_list *ops = &request->graph->routines[r];
        plan->scratch[r] = mem_zalloc((size_t)ops->count, sizeof plan->scratch[r][0]);
        for (int i = 0; i < ops->count; i++) {
            const struct moment moment = moment_of(request, r, i, time);
            const size_t size =
                request->scratch ? request->scratch(request->context, &ops->ops[i], request->batch)
                                 : 0;
            if (size > 0)
                add_region(list, (struct region){.size = size,
                                                 .first = moment.first,
                                                 .last = moment.last,
                                                 .tensor = NO_TENSOR,
                                                 .scratch = &plan->scratch[r][i]});
        }
        time += ops->count;
    }
}

// Larger first; equal ones as they are used, so that the plan does not depend on the library's
// qsort.
static int compare_regions(const void *left, const void *right)
{
    const struct region *a = left, *b = right;
    if (a->size != b->size)
        return a->size < b->size ? 1 : -1;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return (a->tensor > b->tensor) - (a->tensor < b->tensor);
}

static bool alive_together(const struct region *a, const struct region *b)
{
    return a->first <= b->last && b->first <= a->last;
}

// The offset for a region beside those placed already, which are sorted by offset.
static size_t find_gap(const struct region *region, struct region *const *placed, int count,
                       size_t alignment)
{
    size_t best = 0, best_gap = SIZE_MAX, end = 0;
    for (int i = 0; i < count; i++) {
        const struct region *other = placed[i];
        if (!alive_together(region, other))
            continue;
        const size_t start = round_up(end, alignment);
        if (other->offset >= start + region->size && other->offset - start < best_gap) {
            best = start;
            best_gap = other->offset - start;
        }
        if (end < other->offset + other->size)
            end = other->offset + other->size;
    }
    return best_gap < SIZE_MAX ? best : round_up(end, alignment);
}

// Gives regions, sorted by size, their offsets. Returns the size of the arena.
static size_t share_memory(struct region_list *list, size_t alignment)
{
    struct region **placed = mem_alloc((size_t)list->count * sizeof placed[0]);
    size_t total = 0;
    for (int i = 0; i < list->count; i++) {
        struct region *region = &list->items[i];
        region->offset = find_gap(region, placed, i, alignment);
        if (total < region->offset + region->size)
            total = region->offset + region->size;
        int at = i;
        for (; at > 0 && placed[at - 1]->offset > region->offset; at--)
            placed[at] = placed[at - 1];
        placed[at] = region;
    }
    free(placed);
    return total;
}

// Repeats the arena, which is laid out for one slot, for all of them.
static void repeat_by_slot(const struct memory_request *request, struct memory_plan *plan)
{
    const size_t span = round_up(plan->total[BLOCK_ARENA], request->alignment);
    const int guards = plan->guard_count;
    plan->arena_span = span;
    plan->total[BLOCK_ARENA] = (size_t)request->slots * span;
    for (int t = 0; t < request->graph->tensor_count; t++)
        if (request->graph->tensors[t].block == BLOCK_ARENA)
            plan->tensors[t].stride = span;
    for (int slot = 1; slot < request->slots; slot++)
        for (int i = 0; i < guards; i++) {
            const struct memory_guard guard = plan->guards[i];
            if (guard.block == BLOCK_ARENA)
                add_guard(plan, BLOCK_ARENA, guard.offset + (size_t)slot * span, guard.tensor);
        }
}

static void place_arena(const struct memory_request *request, struct memory_plan *plan)
{
    struct region_list list = {0};
    collect_tensors(request, plan, &list);
    collect_scratch(request, plan, &list);
    if (request->inspect) {
        for (int i = 0; i < list.count; i++)
            list.items[i].offset =
                append(request, plan, BLOCK_ARENA, list.items[i].size, list.items[i].tensor);
    } else if (list.count > 0) {
        qsort(list.items, (size_t)list.count, sizeof list.items[0], compare_regions);
        plan->total[BLOCK_ARENA] = share_memory(&list, request->alignment);
    }
    for (int i = 0; i < list.count; i++) {
        const struct region *region = &list.items[i];
        if (region->tensor == NO_TENSOR)
            *region->scratch = region->offset;
        else
            plan->tensors[region->tensor].offset = region->offset;
    }
    free(list.items);
    if (request->by_slot)
        repeat_by_slot(request, plan);
}

void memory_plan_create(const struct memory_request *request, struct memory_plan *plan)
{
    assert(request->slots > 0 && request->batch > 0 && !(request->by_slot && request->serial));
    assert(request->alignment >= 4 && (request->alignment & (request->alignment - 1)) == 0);
    *plan = (struct memory_plan){
        .tensors = mem_zalloc((size_t)request->graph->tensor_count, sizeof plan->tensors[0]),
    };
    place_state(request, plan);
    place_tables_and_data(request, plan);
    place_arena(request, plan);
}

void memory_plan_destroy(struct memory_plan *plan)
{
    free(plan->tensors);
    free(plan->guards);
    for (int r = 0; r < ROUTINE_COUNT; r++)
        free(plan->scratch[r]);
    *plan = (struct memory_plan){0};
}

uint64_t memory_plan_bytes(const struct memory_plan *plan)
{
    uint64_t bytes = 0;
    for (int b = 0; b < BLOCK_COUNT; b++)
        bytes += (uint64_t)plan->total[b] * 4;
    return bytes;
}

// The slots of BLOCK_BEST are as far apart as those of BLOCK_STATE.
size_t memory_plan_offset(const struct memory_plan *plan, enum block block, int tensor, int slot)
{
    const struct memory_place *place = &plan->tensors[tensor];
    const size_t stride = block_is_trained(block) ? plan->parameter_span : place->stride;
    return place->offset + (size_t)slot * stride;
}

bool memory_guard_check(const struct graph *graph, const struct memory_guard *guard,
                        const uint32_t words[static MEMORY_GUARD])
{
    for (int w = 0; w < MEMORY_GUARD; w++)
        if (words[w] != MEMORY_GUARD_WORD)
            return error_set("guard beside %s was changed",
                             guard->tensor == NO_TENSOR ? "scratch"
                                                        : graph->tensors[guard->tensor].name);
    return true;
}
