// SPDX-License-Identifier: MIT
#include "tests/train/toy_engine.h"

#include "engine/engine_ops.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct toy_program {
    struct program base;
    int w, steps; // tensors
    // [block][tensor]: [slot][count], or NULL for what the toy has no use for.
    uint32_t **values[BLOCK_COUNT];
};

void toy_step(struct toy *toy, float x, float lr)
{
    toy->m = 0.5f * toy->m + (toy->w - x);
    toy->w = toy->w - lr * toy->m;
    toy->steps = toy->steps + 1;
}

void toy_loss(const struct toy *toy, float x, float bce_weight, float metrics[3])
{
    metrics[0] = (toy->w - x) * (toy->w - x);
    metrics[1] = fabsf(toy->w - x / 2);
    metrics[2] = bce_weight * metrics[0] + (1 - bce_weight) * metrics[1];
}

static struct toy_program *toy(struct program *program)
{
    return (struct toy_program *)program;
}

static void *values_at(struct program *program, enum block block, int tensor, int slot)
{
    return toy(program)->values[block][tensor] +
           (size_t)slot * program->graph->tensors[tensor].count;
}

static float *float_at(struct program *program, enum block block, int tensor, int slot)
{
    return values_at(program, block, tensor, slot);
}

static bool used(const struct toy_program *program, enum block block, int tensor)
{
    const enum block home = program->base.graph->tensors[tensor].block;
    return block == BLOCK_ARENA || block == BLOCK_GRADIENT || block == BLOCK_MOMENT2 ? false
           : block == BLOCK_MOMENT1 ? tensor == program->w
           : block == BLOCK_BEST    ? home == BLOCK_STATE
                                    : home == block;
}

static bool toy_create(struct engine *engine, const struct graph *graph,
                       const struct program_options *options, struct program **program)
{
    struct toy_program *created = mem_zalloc(1, sizeof *created);
    created->base = (struct program){.engine = engine, .graph = graph, .options = *options};
    created->w = graph_find(graph, "conv_last.bias");
    created->steps = graph_find(graph, "layer0.1.running_mean");
    for (int block = 0; block < BLOCK_COUNT; block++) {
        created->values[block] = mem_zalloc((size_t)graph->tensor_count, sizeof(uint32_t *));
        for (int i = 0; i < graph->tensor_count; i++)
            if (used(created, (enum block)block, i))
                created->values[block][i] =
                    mem_zalloc((size_t)options->slots * graph->tensors[i].count, sizeof(uint32_t));
    }
    *program = &created->base;
    return true;
}

static void toy_destroy(struct program *program)
{
    for (int block = 0; block < BLOCK_COUNT; block++) {
        for (int i = 0; i < program->graph->tensor_count; i++)
            free(toy(program)->values[block][i]);
        free(toy(program)->values[block]);
    }
    free(program);
}

static bool toy_write(struct program *program, enum block block, int tensor, int slot, size_t first,
                      size_t count, const void *values)
{
    uint32_t *to = values_at(program, block, tensor, slot);
    memcpy(to + first, values, count * sizeof *to);
    return true;
}

static bool toy_read(struct program *program, enum block block, int tensor, int slot, size_t first,
                     size_t count, void *values)
{
    const uint32_t *from = values_at(program, block, tensor, slot);
    memcpy(values, from + first, count * sizeof *from);
    return true;
}

static bool toy_clear(struct program *program, enum block block)
{
    if (block == BLOCK_MOMENT1)
        memset(toy(program)->values[block][toy(program)->w], 0,
               (size_t)program->options.slots * program->graph->tensors[toy(program)->w].count *
                   sizeof(float));
    return block == BLOCK_MOMENT1 || block == BLOCK_MOMENT2 ||
           error_set("toy engine: unexpected clear of block %d", (int)block);
}

// The op of that kind in a routine; the last one when there are several.
static const struct op *find(const struct program *program, enum routine routine, enum op_kind kind)
{
    const struct op_list *list = &program->graph->routines[routine];
    for (int i = list->count - 1; i >= 0; i--)
        if (list->ops[i].kind == kind)
            return &list->ops[i];
    return NULL;
}

// Mean of the batch's first input values.
static float batch_mean(struct program *program, enum routine routine, int slot, int n)
{
    const struct op *gather = find(program, routine, OP_GATHER);
    const int inputs = graph_find(program->graph, "inputs");
    const struct tensor *data = &program->graph->tensors[inputs];
    const size_t stride = (size_t)data->rows * (size_t)data->cols * (size_t)data->channels;
    const uint32_t *order = values_at(program, BLOCK_TABLE, gather->in[1], slot);
    const uint32_t *position = values_at(program, BLOCK_SHARED, gather->in[2], 0);
    const float *values = values_at(program, BLOCK_DATA, inputs, 0);
    float sum = 0;
    for (int i = 0; i < n; i++)
        sum += values[stride * order[position[0] + (uint32_t)i]];
    return sum / (float)n;
}

// The counts of a batch of one label.
static void count_overlap(struct program *program, enum routine routine, int slot, int n,
                          float steps)
{
    const struct op *overlap = find(program, routine, OP_OVERLAP),
                    *gather = find(program, routine, OP_GATHER);
    const uint32_t *order = values_at(program, BLOCK_TABLE, gather->in[1], slot);
    const uint32_t first = *(uint32_t *)values_at(program, BLOCK_SHARED, overlap->in[2], 0);
    uint32_t *counts = values_at(program, BLOCK_TABLE, overlap->out[0], slot);
    for (uint32_t i = first; i < first + (uint32_t)n; i++) {
        counts[3 * i] = order[i];
        counts[3 * i + 1] = (uint32_t)steps;
        counts[3 * i + 2] = 1;
    }
}

static void run_batch(struct program *program, enum routine routine, int slot, int n)
{
    const struct op *loss = find(program, routine, OP_LOSS);
    const struct op *adam = find(program, routine, OP_ADAM);
    const uint32_t *position = values_at(program, BLOCK_SHARED, loss->in[3], 0);
    const float bce_weight = *float_at(program, BLOCK_TABLE, loss->in[2], slot);
    float *metrics = float_at(program, BLOCK_TABLE, loss->out[0], slot) + 3 * (size_t)position[1];
    float *w = float_at(program, BLOCK_STATE, toy(program)->w, slot);
    float *m = float_at(program, BLOCK_MOMENT1, toy(program)->w, slot);
    float *steps = float_at(program, BLOCK_STATE, toy(program)->steps, slot);
    struct toy now = {.w = *w, .m = *m, .steps = *steps};
    const float x = batch_mean(program, routine, slot, n);

    toy_loss(&now, x, bce_weight, metrics);
    if (routine != ROUTINE_TRAIN) {
        count_overlap(program, routine, slot, n, now.steps);
        return;
    }
    toy_step(&now, x, *float_at(program, BLOCK_TABLE, adam->in[0], slot));
    *w = now.w;
    *m = now.m;
    *steps = now.steps;
}

static void copy_state(struct program *program, enum routine routine, int slot)
{
    const enum block from = routine == ROUTINE_KEEP ? BLOCK_STATE : BLOCK_BEST;
    const enum block to = routine == ROUTINE_KEEP ? BLOCK_BEST : BLOCK_STATE;
    const struct op *op = find(program, routine, routine == ROUTINE_KEEP ? OP_KEEP : OP_RESTORE);
    if (*(uint32_t *)values_at(program, BLOCK_TABLE, op->in[0], slot) == 0)
        return;
    for (int i = 0; i < program->graph->tensor_count; i++)
        if (program->graph->tensors[i].block == BLOCK_STATE)
            memcpy(values_at(program, to, i, slot), values_at(program, from, i, slot),
                   program->graph->tensors[i].count * sizeof(float));
}

static bool toy_run(struct program *program, enum routine routine, int n)
{
    const bool copy = routine == ROUTINE_KEEP || routine == ROUTINE_RESTORE;
    for (int slot = 0; slot < program->options.slots; slot++)
        if (copy)
            copy_state(program, routine, slot);
        else
            run_batch(program, routine, slot, n);
    if (!copy) {
        const struct op *advance = find(program, routine, OP_ADVANCE);
        uint32_t *position = values_at(program, BLOCK_SHARED, advance->in[0], 0);
        position[0] += (uint32_t)n;
        position[1]++;
    }
    return true;
}

static bool toy_wait(struct program *program)
{
    (void)program;
    return true;
}

static void toy_close(struct engine *engine)
{
    free(engine);
}

static const struct engine_ops toy_ops = {
    .name = "toy",
    .close = toy_close,
    .create = toy_create,
    .destroy = toy_destroy,
    .write = toy_write,
    .read = toy_read,
    .clear = toy_clear,
    .run = toy_run,
    .wait = toy_wait,
};

struct engine *toy_engine(void)
{
    struct engine *engine = mem_zalloc(1, sizeof *engine);
    engine->ops = &toy_ops;
    return engine;
}
