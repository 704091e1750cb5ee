// SPDX-License-Identifier: MIT
// What a program runs, and where it lies: joined ops, gaps, the memory plan, pieces of memory.
#include "engine/vulkan/plan.h"

#include "engine/fuse.h"
#include "engine/halves.h"
#include "engine/program_plan.h"
#include "engine/vulkan/gaps.h"
#include "engine/vulkan/ops.h"
#include "vkgrid/base/error.h"

#include <stdlib.h>

static size_t scratch_of(const void *context, const struct op *op, int n)
{
    const struct vulkan_program *program = context;
    return ops_scratch_most(program->graph, op, n);
}

// Plans with the groups of ops in one gap that touch `most` elements at most.
static void plan_gaps(struct vulkan_program *program, size_t most)
{
    const struct program_options *options = &program->base.options;
    struct memory_request request = {
        .graph = program->graph,
        .slots = options->slots,
        .batch = options->batch,
        .alignment = 64, // 256 bytes: the largest alignment that a device asks for
        .inspect = options->inspect,
        .by_slot = true,
        .half = program->half,
        .scratch = scratch_of,
        .context = program,
    };
    memory_plan_destroy(&program->plan);
    for (int r = 0; r < ROUTINE_COUNT; r++) {
        free(program->joined[r]);
        program->joined[r] = gaps_find(program->graph, (enum routine)r, most);
        request.joined[r] = program->joined[r];
    }
    memory_plan_create(&request, &program->plan);
}

static int compare_sizes(const void *left, const void *right)
{
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    return (a > b) - (a < b);
}

// Ops that share a gap hold more memory together. The small ones do where memory is not short
// anyway, and they are those that leave a device idle; so as many of them share gaps, from the
// smallest on, as leave the arena as small as it is without.
static void plan_without_growth(struct vulkan_program *program)
{
    int count;
    size_t *sizes = gaps_sizes(program->graph, ROUTINE_TRAIN, &count);
    int low = 0, high = count; // the first `low` sizes do not make it grow
    if (count > 0)
        qsort(sizes, (size_t)count, sizeof *sizes, compare_sizes);
    plan_gaps(program, 0);
    const size_t smallest = program->plan.arena_span;
    while (low < high && !program->base.options.inspect) {
        const int middle = (low + high + 1) / 2;
        plan_gaps(program, sizes[middle - 1]);
        if (program->plan.arena_span <= smallest)
            low = middle;
        else
            high = middle - 1;
    }
    plan_gaps(program, low > 0 ? sizes[low - 1] : 0);
    free(sizes);
}

// Bytes of a slot in a block of whole spans; 0: the block is tables, or for all slots.
static uint64_t span_bytes(const struct memory_plan *plan, enum block block)
{
    switch (block) {
    case BLOCK_ARENA:
        return (uint64_t)plan->arena_span * 4;
    case BLOCK_STATE:
    case BLOCK_BEST:
        return (uint64_t)plan->state_span * 4;
    case BLOCK_GRADIENT:
    case BLOCK_MOMENT1:
    case BLOCK_MOMENT2:
        return (uint64_t)plan->parameter_span * 4;
    default:
        return 0;
    }
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

// So many slots that no block is too large in one piece, nor any of its elements out of reach.
static int slots_of_a_piece(const struct vulkan_program *program)
{
    const struct memory_plan *plan = &program->plan;
    const bool mixed = program->base.options.precision == PRECISION_MIXED;
    const uint64_t elements =
        larger(plan->state_span, (uint64_t)plan->arena_span * (mixed ? 2 : 1));
    const uint64_t bytes = larger(span_bytes(plan, BLOCK_STATE), span_bytes(plan, BLOCK_ARENA));
    return pieces_slots(program->engine, bytes, elements, program->base.options.slots);
}

void vulkan_plan(struct vulkan_program *program)
{
    const struct program_options *options = &program->base.options;
    program->graph = program_graph(program->base.graph, options);
    program->half = halves_find(program->graph, options->precision);
    plan_without_growth(program);
    program->piece_slots = slots_of_a_piece(program);
}

void vulkan_forget_plan(struct vulkan_program *program)
{
    program_plan_forget(&program->graph, &program->half, &program->plan);
    for (int r = 0; r < ROUTINE_COUNT; r++)
        free(program->joined[r]);
}

uint64_t plan_bytes(const struct vulkan_program *program)
{
    return memory_plan_bytes(&program->plan) + rounded_bytes(program);
}

uint64_t rounded_bytes(const struct vulkan_program *program)
{
    const struct program_options *options = &program->base.options;
    const bool mixed = options->precision == PRECISION_MIXED;
    return mixed ? (uint64_t)options->slots * program->plan.parameter_span * 2 : 0;
}

// Slots of tables, and what is for all slots, are never taken apart.
uint64_t piece_bytes(const struct vulkan_program *program, enum block block)
{
    const uint64_t span = span_bytes(&program->plan, block);
    return span > 0 ? span * (uint64_t)program->piece_slots
                    : (uint64_t)program->plan.total[block] * 4;
}

uint64_t rounded_piece_bytes(const struct vulkan_program *program)
{
    return (uint64_t)program->piece_slots * program->plan.parameter_span * 2;
}

// Kernels count the elements of a slot in 32 bits, and run over whole rows of workgroups
// (dispatch_add_flat), which may reach past the last one. SPIR-V takes an index as signed
// (OpAccessChain). So one slot and the data set must be within REACH; a dispatch covers as many
// slots as are (slots_of_a_piece()).
#define OVERSHOOT (FLAT_LOCAL * FLAT_ROW)

static bool check_count(const char *name, uint64_t count)
{
    const uint64_t most = REACH - OVERSHOOT;
    return count <= most ||
           error_set("%s: %llu elements, but at most %llu can be indexed; use a smaller batch",
                     name, (unsigned long long)count, (unsigned long long)most);
}

static bool check_tensors(const struct vulkan_program *program)
{
    const struct graph *graph = program->graph;
    const size_t batch = (size_t)program->base.options.batch;
    if (!check_count("the weights", program->plan.state_span))
        return false;
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (!check_count(tensor->name, tensor->count * (tensor->per_sample ? batch : 1)))
            return false;
    }
    for (int r = 0; r < ROUTINE_COUNT; r++)
        for (int i = 0; i < graph->routines[r].count; i++) {
            const struct op *op = &graph->routines[r].ops[i];
            if (!check_count(op_name(fused_main(op->kind)),
                             ops_scratch_most(graph, op, (int)batch)))
                return false;
        }
    return true;
}

bool plan_check(const struct vulkan_program *program)
{
    const struct vulkan_engine *engine = program->engine;
    if (!check_tensors(program))
        return false;
    for (int b = 0; b < BLOCK_COUNT; b++) {
        const uint64_t bytes = piece_bytes(program, (enum block)b);
        const bool spans = span_bytes(&program->plan, (enum block)b) > 0;
        if (bytes > engine->largest_piece)
            return error_set(
                "%s: %s of batch size %d needs %.0f MiB in one piece, the device gives "
                "at most %.0f MiB; use %s",
                engine->base.device.name, spans ? "a slot" : "a data set",
                program->base.options.batch, (double)bytes / 0x1p20,
                (double)engine->largest_piece / 0x1p20,
                spans ? "a smaller batch" : "fewer or smaller images");
    }
    return true;
}
