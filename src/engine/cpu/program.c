// SPDX-License-Identifier: MIT
// Programs: memory, moving tensors, running.
#include "engine/cpu/compile.h"
#include "engine/cpu/ops.h"
#include "engine/cpu/program.h"

#include "engine/fuse.h"
#include "engine/halves.h"
#include "engine/program_plan.h"
#include "engine/weight_layout.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

// Slots run one after the other, so one part serves them all.
static size_t scratch_of(const void *context, const struct op *op, int n)
{
    const struct op_runner *runner = op_runner(op->kind);
    return runner->scratch ? (runner->scratch(context, op, n) + 3) / 4 : 0;
}

// What is run, and where it lies.
static void plan_program(struct cpu_program *program)
{
    const struct program_options *options = &program->base.options;
    const bool mixed = options->precision == PRECISION_MIXED;
    program->kernels = cpu_kernels(mixed);
    program->graph = program_graph(program->base.graph, options);
    program->real = halves_find(program->graph, options->precision);
    const struct memory_request request = {
        .graph = program->graph,
        .slots = options->slots,
        .batch = options->batch,
        .alignment = 16, // 64 bytes: a cache line, and a vector of AVX-512
        .inspect = options->inspect,
        .half = program->real,
        .serial = true,
        .scratch = scratch_of,
        .context = program,
    };
    omp_set_num_threads(program->engine->threads); // scratch of oneDNN depends on them
    memory_plan_create(&request, &program->plan);
}

uint64_t cpu_memory(struct engine *engine, const struct graph *graph,
                    const struct program_options *options)
{
    struct cpu_program program = {
        .base = {.engine = engine, .graph = graph, .options = *options},
        .engine = (struct cpu_engine *)engine,
    };
    plan_program(&program);
    const uint64_t bytes = memory_plan_bytes(&program.plan);
    program_plan_forget(&program.graph, &program.real, &program.plan);
    return bytes;
}

static size_t mapped_size(size_t elements)
{
    return (elements * 4 + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

// Zeros, at an address where large pages can be used. NULL when there is no memory.
static void *map_block(size_t size)
{
    uint8_t *bytes =
        mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return NULL;
    const size_t before = (HUGE_PAGE - (uintptr_t)bytes % HUGE_PAGE) % HUGE_PAGE;
    if (before > 0)
        munmap(bytes, before);
    munmap(bytes + before + size, HUGE_PAGE - before);
    madvise(bytes + before, size, MADV_HUGEPAGE);
    return bytes + before;
}

static bool create_blocks(struct cpu_program *program)
{
    const struct device_info *device = &program->engine->base.device;
    const uint64_t needed = memory_plan_bytes(&program->plan);
    char needs[PROGRAM_NEEDS];
    bool mapped = needed <= device->memory;
    program_needs(&program->base.options, needed, needs);
    for (int b = 0; b < BLOCK_COUNT && mapped; b++)
        if (program->plan.total[b] > 0) {
            program->blocks[b] = map_block(mapped_size(program->plan.total[b]));
            mapped = program->blocks[b] != NULL;
        }
    return mapped || error_set("%s: %s of memory, there are %.0f MiB", device->name, needs,
                               (double)device->memory / 0x1p20);
}

static void fill(uint32_t *words, size_t count, uint32_t word)
{
    for (size_t i = 0; i < count; i++)
        words[i] = word;
}

static uint32_t *words_at(const struct cpu_program *program, enum block block, size_t offset)
{
    return (uint32_t *)program->blocks[block] + offset;
}

// Poison in the arena and guards between all regions.
static void prepare_inspection(struct cpu_program *program)
{
    const struct memory_plan *plan = &program->plan;
    fill(program->blocks[BLOCK_ARENA], plan->total[BLOCK_ARENA], MEMORY_POISON_WORD);
    for (int i = 0; i < plan->guard_count; i++)
        fill(words_at(program, plan->guards[i].block, plan->guards[i].offset), MEMORY_GUARD,
             MEMORY_GUARD_WORD);
}

bool cpu_create(struct engine *base, const struct graph *graph,
                const struct program_options *options, struct program **out)
{
    struct cpu_program *program = mem_zalloc(1, sizeof *program);
    program->engine = (struct cpu_engine *)base;
    program->base = (struct program){.engine = base, .graph = graph, .options = *options};
    plan_program(program);
    CHECK(create_blocks(program));
    if (options->inspect)
        prepare_inspection(program);
    *out = &program->base;
    return true;
error:
    cpu_destroy(&program->base);
    return false;
}

void cpu_destroy(struct program *base)
{
    struct cpu_program *program = (struct cpu_program *)base;
    for (int i = 0; i < program->compiled_count; i++)
        compiled_destroy(&program->compiled[i]);
    free(program->compiled);
    for (int b = 0; b < BLOCK_COUNT; b++)
        if (program->blocks[b])
            munmap(program->blocks[b], mapped_size(program->plan.total[b]));
    program_plan_forget(&program->graph, &program->real, &program->plan);
    free(program);
}

static uint32_t *tensor_words(const struct cpu_program *program, enum block block, int tensor,
                              int slot)
{
    return words_at(program, block, memory_plan_offset(&program->plan, block, tensor, slot));
}

bool cpu_write(struct program *base, enum block block, int tensor, int slot, size_t first,
               size_t count, const void *values)
{
    const struct cpu_program *program = (struct cpu_program *)base;
    const struct tensor *t = &base->graph->tensors[tensor];
    uint32_t *words = tensor_words(program, block, tensor, slot);
    if (weight_is_permuted(t))
        weight_to_device(t, values, (float *)words);
    else if (program->real[tensor])
        halves_from_floats(HALF_BFLOAT16, values, count, (uint16_t *)words + first);
    else
        memcpy(words + first, values, count * 4);
    return true;
}

bool cpu_read(struct program *base, enum block block, int tensor, int slot, size_t first,
              size_t count, void *values)
{
    const struct cpu_program *program = (struct cpu_program *)base;
    const struct tensor *t = &base->graph->tensors[tensor];
    const uint32_t *words = tensor_words(program, block, tensor, slot);
    if (weight_is_permuted(t))
        weight_to_host(t, (const float *)words, values);
    else if (program->real[tensor])
        halves_to_floats(HALF_BFLOAT16, (const uint16_t *)words + first, count, values);
    else
        memcpy(values, words + first, count * 4);
    return true;
}

bool cpu_clear(struct program *base, enum block block)
{
    const struct cpu_program *program = (struct cpu_program *)base;
    if (program->blocks[block])
        memset(program->blocks[block], 0, program->plan.total[block] * 4);
    return true;
}

bool cpu_times(struct program *base, enum routine routine, int n, double *seconds)
{
    struct cpu_program *program = (struct cpu_program *)base;
    const struct compiled *compiled;
    omp_set_num_threads(program->engine->threads);
    if (!cpu_compiled(program, routine, n, &compiled))
        return false;
    for (int slot = 0; slot < base->options.slots; slot++)
        for (int i = 0; i < compiled->count; i++) {
            const struct call *call = &compiled->calls[i];
            const double start = seconds ? seconds_now() : 0;
            if (!call->runner->run(call, slot))
                return error_prefix("%s", base->engine->device.name);
            if (seconds)
                seconds[fused_main(call->op->kind)] += seconds_now() - start;
        }
    return true;
}

bool cpu_run(struct program *program, enum routine routine, int n)
{
    return cpu_times(program, routine, n, NULL);
}

bool cpu_wait(struct program *program)
{
    (void)program; // cpu_run() returns when everything is done
    return true;
}

bool cpu_check_guards(struct program *base)
{
    const struct cpu_program *program = (struct cpu_program *)base;
    for (int i = 0; i < program->plan.guard_count; i++) {
        const struct memory_guard *guard = &program->plan.guards[i];
        if (!memory_guard_check(base->graph, guard, words_at(program, guard->block, guard->offset)))
            return false;
    }
    return true;
}
