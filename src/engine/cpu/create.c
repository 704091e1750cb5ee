// SPDX-License-Identifier: MIT
#include "engine/cpu/create.h"

#include "engine/cpu/compile.h"
#include "engine/cpu/ops.h"
#include "engine/cpu/threads.h"
#include "engine/cpu/transfer.h"
#include "engine/halves.h"
#include "engine/program_plan.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
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
    threads_set(program->engine->threads); // scratch of oneDNN depends on them
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

// Poison in the arena and guards between all regions.
static void prepare_inspection(struct cpu_program *program)
{
    const struct memory_plan *plan = &program->plan;
    fill(program->blocks[BLOCK_ARENA], plan->total[BLOCK_ARENA], MEMORY_POISON_WORD);
    for (int i = 0; i < plan->guard_count; i++)
        fill(program_words(program, plan->guards[i].block, plan->guards[i].offset), MEMORY_GUARD,
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
