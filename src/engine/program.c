// SPDX-License-Identifier: MIT
// Programs: checks the arguments of every call before the engine that runs the program sees them.
#include "engine/engine_ops.h"

#include "engine/memory_plan.h"
#include "vkgrid/base/error.h"

void engine_close(struct engine **engine)
{
    if (*engine)
        (*engine)->ops->close(*engine);
    *engine = NULL;
}

const struct device_info *engine_device(const struct engine *engine)
{
    return &engine->device;
}

void engine_ask_memory(struct engine *engine)
{
    if (engine->ops->ask_memory)
        engine->ops->ask_memory(engine);
}

static bool options_valid(const struct engine *engine, const struct program_options *options)
{
    if (options->precision == PRECISION_MIXED && engine->device.half == HALF_NONE)
        return error_set("%s: cannot compute in mixed precision%s%s: auto or fp32 is allowed",
                         engine->device.name, *engine->device.half_missing ? ": " : "",
                         engine->device.half_missing);
    if (options->slots < 1 || options->batch < 1)
        return error_set("program: %d slots, batch size %d: both must be at least 1",
                         options->slots, options->batch);
    return true;
}

uint64_t program_memory(struct engine *engine, const struct graph *graph,
                        const struct program_options *options)
{
    return options_valid(engine, options) ? engine->ops->memory(engine, graph, options)
                                          : UINT64_MAX;
}

bool program_create(struct engine *engine, const struct graph *graph,
                    const struct program_options *options, struct program **program)
{
    *program = NULL;
    return options_valid(engine, options) && engine->ops->create(engine, graph, options, program);
}

void program_destroy(struct program **program)
{
    if (*program)
        (*program)->engine->ops->destroy(*program);
    *program = NULL;
}

static bool has_slots(enum block block)
{
    return block != BLOCK_DATA && block != BLOCK_SHARED;
}

// Parameters and their gradients, which the engine lays out as it likes.
static bool whole_only(enum block block)
{
    return block == BLOCK_STATE || block == BLOCK_GRADIENT;
}

static bool tensor_valid(const struct program *program, const char *verb, int tensor, int slot)
{
    const struct graph *graph = program->graph;
    if (tensor < 0 || tensor >= graph->tensor_count)
        return error_set("%s tensor %d: the graph has %d tensors", verb, tensor,
                         graph->tensor_count);
    const struct tensor *t = &graph->tensors[tensor];
    if (has_slots(t->block) && (slot < 0 || slot >= program->options.slots))
        return error_set("%s %s: slot %d of %d", verb, t->name, slot, program->options.slots);
    return true;
}

static bool range_valid(const struct program *program, const char *verb, int tensor, int slot,
                        size_t first, size_t count)
{
    if (!tensor_valid(program, verb, tensor, slot))
        return false;
    const struct tensor *t = &program->graph->tensors[tensor];
    const int n = program->n > 0 ? program->n : program->options.batch;
    const size_t size = t->count * (t->per_sample ? (size_t)n : 1);
    if (first > size || count > size - first)
        return error_set("%s %s: elements %zu to %zu of %zu", verb, t->name, first, first + count,
                         size);
    if (whole_only(t->block) && count != size)
        return error_set("%s %s: %zu elements of %zu, but parameters are moved whole", verb,
                         t->name, count, size);
    return true;
}

bool program_write(struct program *program, int tensor, int slot, size_t first, size_t count,
                   const void *values)
{
    if (!range_valid(program, "write", tensor, slot, first, count))
        return false;
    const enum block block = program->graph->tensors[tensor].block;
    return program->engine->ops->write(program, block, tensor, has_slots(block) ? slot : 0, first,
                                       count, values);
}

bool program_read(struct program *program, int tensor, int slot, size_t first, size_t count,
                  void *values)
{
    if (!range_valid(program, "read", tensor, slot, first, count))
        return false;
    const struct tensor *t = &program->graph->tensors[tensor];
    if (t->block == BLOCK_ARENA && !t->output && !program->options.inspect)
        return error_set("read %s: it is no output, its memory is reused", t->name);
    return program->engine->ops->read(program, t->block, tensor, has_slots(t->block) ? slot : 0,
                                      first, count, values);
}

// A state tensor has a copy in BLOCK_BEST; only parameters have gradients and moments.
static bool copy_valid(const struct program *program, const char *verb, enum block block,
                       int tensor, int slot)
{
    if (!tensor_valid(program, verb, tensor, slot))
        return false;
    const struct tensor *t = &program->graph->tensors[tensor];
    const bool state = block == BLOCK_STATE || block == BLOCK_BEST;
    if (t->block != BLOCK_STATE || !(state || (block_is_trained(block) && t->parameter)))
        return error_set("%s %s: it has no copy in block %d", verb, t->name, (int)block);
    if (!graph_has_block(program->graph, block))
        return error_set("%s %s: the graph does not use block %d", verb, t->name, (int)block);
    return true;
}

bool program_write_block(struct program *program, enum block block, int tensor, int slot,
                         const float *values)
{
    if (!copy_valid(program, "write", block, tensor, slot))
        return false;
    return program->engine->ops->write(program, block, tensor, slot, 0,
                                       program->graph->tensors[tensor].count, values);
}

bool program_read_block(struct program *program, enum block block, int tensor, int slot,
                        float *values)
{
    if (!copy_valid(program, "read", block, tensor, slot))
        return false;
    return program->engine->ops->read(program, block, tensor, slot, 0,
                                      program->graph->tensors[tensor].count, values);
}

bool program_clear(struct program *program, enum block block)
{
    if ((int)block < 0 || block >= BLOCK_COUNT)
        return error_set("clear: there is no block %d", (int)block);
    return program->engine->ops->clear(program, block);
}

static bool run_valid(const struct program *program, enum routine routine, int n)
{
    if ((int)routine < 0 || routine >= ROUTINE_COUNT || !program->graph->routines[routine].count)
        return error_set("run: the graph has no routine %d", (int)routine);
    if (n < 1 || n > program->options.batch)
        return error_set("run: a batch of %d, but the program takes 1 to %d", n,
                         program->options.batch);
    return true;
}

bool program_run(struct program *program, enum routine routine, int n)
{
    if (!run_valid(program, routine, n) || !program->engine->ops->run(program, routine, n))
        return false;
    program->n = n;
    return true;
}

bool program_times(struct program *program, enum routine routine, int n,
                   double seconds[OP_GRAPH_KINDS])
{
    const struct engine_ops *ops = program->engine->ops;
    if (!run_valid(program, routine, n))
        return false;
    if (!ops->times)
        return error_set("%s: cannot tell the times of single ops", program->engine->device.name);
    if (!ops->times(program, routine, n, seconds))
        return false;
    program->n = n;
    return true;
}

bool engine_measure(struct engine *engine, struct engine_peaks *peaks)
{
    *peaks = (struct engine_peaks){0};
    if (!engine->ops->peaks)
        return error_set("%s: its peaks are not measured", engine->device.name);
    return engine->ops->peaks(engine, peaks);
}

const char *engine_tuning_file(const struct engine *engine)
{
    return engine->ops->tuning_file ? engine->ops->tuning_file(engine) : NULL;
}

bool engine_tune(struct engine *engine, const struct graph *graph,
                 const struct tune_options *options, int *left)
{
    *left = 0;
    if (!engine->ops->tune)
        return error_set("%s: there is nothing to tune", engine->device.name);
    return options_valid(engine, &options->program) &&
           engine->ops->tune(engine, graph, options, left);
}

bool engine_slot_times(const struct engine *engine, const char *name, struct slot_times *curve)
{
    *curve = (struct slot_times){0};
    return engine->ops->slot_times && engine->ops->slot_times(engine, name, curve);
}

bool engine_keep_slot_times(struct engine *engine, const char *name, const struct slot_times *curve)
{
    return engine->ops->keep_slot_times
               ? engine->ops->keep_slot_times(engine, name, curve)
               : error_set("%s: nothing that is measured is kept", engine->device.name);
}

bool program_wait(struct program *program)
{
    return program->engine->ops->wait(program);
}

bool program_check_guards(struct program *program)
{
    if (!program->options.inspect)
        return error_set("check guards: the program was not created with inspect");
    return program->engine->ops->check_guards(program);
}
