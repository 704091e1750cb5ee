// SPDX-License-Identifier: MIT
#include "tests/reference/reference.h"

#include "engine/engine_ops.h"
#include "engine/memory_plan.h"
#include "tests/reference/ops.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reference_engine {
    struct engine base;
    double perturbation;
};

// Every tensor has memory of its own, [slot][n][...]; a tensor of BLOCK_STATE has it in several
// blocks.
struct reference_program {
    struct program base;
    double **values[BLOCK_COUNT]; // [block][tensor]; NULL for tensors that are not float or not in
                                  // the block
    uint32_t **words;             // [tensor]; NULL for tensors that are float
};

// An op at work on one slot.
struct pass {
    struct reference_program *program;
    const struct op *op;
    int n, slot;
};

static const struct tensor *tensor_of(const struct pass *pass, int tensor)
{
    return &pass->program->base.graph->tensors[tensor];
}

// Elements from one slot to the next.
static size_t stride_of(const struct reference_program *program, int tensor)
{
    const struct tensor *t = &program->base.graph->tensors[tensor];
    if (t->block == BLOCK_DATA || t->block == BLOCK_SHARED)
        return 0;
    return t->count * (t->per_sample ? (size_t)program->base.options.batch : 1);
}

static double *values_in(const struct reference_program *program, enum block block, int tensor,
                         int slot)
{
    return program->values[block][tensor] + (size_t)slot * stride_of(program, tensor);
}

static double *values_of(const struct pass *pass, int tensor)
{
    return tensor == NO_TENSOR
               ? NULL
               : values_in(pass->program, tensor_of(pass, tensor)->block, tensor, pass->slot);
}

static uint32_t *words_of(const struct pass *pass, int tensor)
{
    return pass->program->words[tensor] + (size_t)pass->slot * stride_of(pass->program, tensor);
}

static double *in(const struct pass *pass, int i)
{
    return values_of(pass, pass->op->in[i]);
}

static double *out(const struct pass *pass, int i)
{
    return values_of(pass, pass->op->out[i]);
}

static struct shape shape_of(const struct pass *pass, int tensor)
{
    const struct tensor *t = tensor_of(pass, tensor);
    return (struct shape){pass->n, t->rows, t->cols, t->channels};
}

// Elements of the first output.
static size_t count_of(const struct pass *pass)
{
    return shape_count(shape_of(pass, pass->op->out[0]));
}

static struct window window_of(const struct pass *pass, int wide, int narrow)
{
    return (struct window){shape_of(pass, wide), shape_of(pass, narrow), pass->op->kernel,
                           pass->op->stride};
}

static void run_gather(const struct pass *p)
{
    reference_gather(shape_of(p, p->op->out[0]), in(p, 0), words_of(p, p->op->in[1]),
                     words_of(p, p->op->in[2])[0], out(p, 0));
}

static void run_conv(const struct pass *p)
{
    reference_conv(window_of(p, p->op->in[0], p->op->out[0]), in(p, 0), in(p, 1), in(p, 2),
                   out(p, 0));
}

static void run_conv_input_grad(const struct pass *p)
{
    reference_conv_input_grad(window_of(p, p->op->out[0], p->op->in[0]), in(p, 0), in(p, 1),
                              out(p, 0));
}

static void run_conv_weight_grad(const struct pass *p)
{
    reference_conv_weight_grad(window_of(p, p->op->in[0], p->op->in[1]), in(p, 0), in(p, 1),
                               out(p, 0));
}

static void run_conv_bias_grad(const struct pass *p)
{
    reference_conv_bias_grad(shape_of(p, p->op->in[0]), in(p, 0), out(p, 0));
}

static struct batch_norm norm_of(const struct pass *p)
{
    return (struct batch_norm){in(p, 1), in(p, 2), in(p, 3), in(p, 4)};
}

static void run_batch_norm(const struct pass *p)
{
    reference_batch_norm(shape_of(p, p->op->in[0]), in(p, 0), norm_of(p), out(p, 0), out(p, 1),
                         out(p, 2));
}

static void run_batch_norm_eval(const struct pass *p)
{
    reference_batch_norm_eval(shape_of(p, p->op->in[0]), in(p, 0), norm_of(p), out(p, 0));
}

static void run_batch_norm_grad(const struct pass *p)
{
    reference_batch_norm_grad(shape_of(p, p->op->in[0]), in(p, 0), in(p, 1), in(p, 2), in(p, 3),
                              in(p, 4), out(p, 0), out(p, 1), out(p, 2));
}

static void run_relu(const struct pass *p)
{
    reference_relu(count_of(p), in(p, 0), out(p, 0));
}

static void run_relu_grad(const struct pass *p)
{
    reference_relu_grad(count_of(p), in(p, 0), in(p, 1), out(p, 0));
}

static void run_add(const struct pass *p)
{
    reference_add(count_of(p), in(p, 0), in(p, 1), out(p, 0));
}

static void run_max_pool(const struct pass *p)
{
    reference_max_pool(window_of(p, p->op->in[0], p->op->out[0]), in(p, 0), out(p, 0),
                       words_of(p, p->op->out[1]));
}

static void run_max_pool_grad(const struct pass *p)
{
    reference_max_pool_grad(window_of(p, p->op->out[0], p->op->in[1]), words_of(p, p->op->in[0]),
                            in(p, 1), out(p, 0));
}

static void run_upsample(const struct pass *p)
{
    reference_upsample(shape_of(p, p->op->in[0]), in(p, 0), out(p, 0));
}

static void run_upsample_grad(const struct pass *p)
{
    reference_upsample_grad(shape_of(p, p->op->out[0]), in(p, 0), out(p, 0));
}

static void run_concat(const struct pass *p)
{
    reference_concat(shape_of(p, p->op->out[0]), tensor_of(p, p->op->in[0])->channels, in(p, 0),
                     in(p, 1), out(p, 0));
}

static void run_slice(const struct pass *p)
{
    reference_slice(shape_of(p, p->op->in[0]), p->op->first, tensor_of(p, p->op->out[0])->channels,
                    in(p, 0), out(p, 0));
}

static void run_loss(const struct pass *p)
{
    const uint32_t step = words_of(p, p->op->in[3])[1];
    reference_loss(shape_of(p, p->op->in[0]), in(p, 0), in(p, 1), in(p, 2)[0],
                   out(p, 0) + 3 * (size_t)step, out(p, 1));
}

static void run_overlap(const struct pass *p)
{
    const struct shape shape = shape_of(p, p->op->in[0]);
    const size_t first = words_of(p, p->op->in[2])[0];
    reference_overlap(shape, in(p, 0), in(p, 1),
                      words_of(p, p->op->out[0]) + first * (size_t)shape.channels * 3);
}

static void run_adam(const struct pass *p)
{
    const struct graph *graph = p->program->base.graph;
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (tensor->parameter && tensor->gradient != NO_TENSOR)
            reference_adam(tensor->count, in(p, 0)[0], in(p, 1), values_of(p, t),
                           values_of(p, tensor->gradient),
                           values_in(p->program, BLOCK_MOMENT1, t, p->slot),
                           values_in(p->program, BLOCK_MOMENT2, t, p->slot));
    }
}

// The position is common to all slots, so it moves with the first one.
static void run_advance(const struct pass *p)
{
    if (p->slot == 0) {
        words_of(p, p->op->in[0])[0] += (uint32_t)p->n;
        words_of(p, p->op->in[0])[1] += 1;
    }
    if (p->op->in[1] != NO_TENSOR)
        reference_advance_correction(in(p, 1));
}

static void copy_state(const struct pass *p, enum block from, enum block to)
{
    const struct graph *graph = p->program->base.graph;
    if (words_of(p, p->op->in[0])[0] == 0)
        return;
    for (int t = 0; t < graph->tensor_count; t++)
        if (graph->tensors[t].block == BLOCK_STATE)
            memcpy(values_in(p->program, to, t, p->slot), values_in(p->program, from, t, p->slot),
                   graph->tensors[t].count * sizeof(double));
}

static void run_keep(const struct pass *p)
{
    copy_state(p, BLOCK_STATE, BLOCK_BEST);
}

static void run_restore(const struct pass *p)
{
    copy_state(p, BLOCK_BEST, BLOCK_STATE);
}

static void (*const runners[OP_GRAPH_KINDS])(const struct pass *) = {
    [OP_GATHER] = run_gather,
    [OP_CONV] = run_conv,
    [OP_CONV_INPUT_GRAD] = run_conv_input_grad,
    [OP_CONV_WEIGHT_GRAD] = run_conv_weight_grad,
    [OP_CONV_BIAS_GRAD] = run_conv_bias_grad,
    [OP_BATCH_NORM] = run_batch_norm,
    [OP_BATCH_NORM_EVAL] = run_batch_norm_eval,
    [OP_BATCH_NORM_GRAD] = run_batch_norm_grad,
    [OP_RELU] = run_relu,
    [OP_RELU_GRAD] = run_relu_grad,
    [OP_ADD] = run_add,
    [OP_MAX_POOL] = run_max_pool,
    [OP_MAX_POOL_GRAD] = run_max_pool_grad,
    [OP_UPSAMPLE] = run_upsample,
    [OP_UPSAMPLE_GRAD] = run_upsample_grad,
    [OP_CONCAT] = run_concat,
    [OP_SLICE] = run_slice,
    [OP_LOSS] = run_loss,
    [OP_OVERLAP] = run_overlap,
    [OP_ADAM] = run_adam,
    [OP_ADVANCE] = run_advance,
    [OP_KEEP] = run_keep,
    [OP_RESTORE] = run_restore,
};

static void spoil(double *values, size_t count, double amount)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += fabs(values[i]);
    values[count / 2] += amount * fmax(1, sum / (double)count);
}

// Moves one element of everything that the op changes. Ops without outputs change the state or a
// table.
static void perturb(const struct pass *p, double amount)
{
    const struct graph *graph = p->program->base.graph;
    for (int i = 0; i < OP_OUTPUTS; i++) {
        const int t = p->op->out[i];
        if (t == NO_TENSOR)
            continue;
        const size_t count = tensor_of(p, t)->count;
        if (tensor_of(p, t)->element == ELEMENT_FLOAT)
            spoil(values_of(p, t), count, amount);
        else
            words_of(p, t)[count / 2] ^= 1;
    }
    if (p->op->kind == OP_ADVANCE)
        words_of(p, p->op->in[0])[0] += 1;
    for (int t = 0; p->op->out[0] == NO_TENSOR && t < graph->tensor_count; t++)
        if (graph->tensors[t].block == BLOCK_STATE)
            spoil(values_in(p->program, p->op->kind == OP_KEEP ? BLOCK_BEST : BLOCK_STATE, t,
                            p->slot),
                  graph->tensors[t].count, amount);
}

static bool reference_run(struct program *base, enum routine routine, int n)
{
    struct reference_program *program = (struct reference_program *)base;
    const double amount = ((struct reference_engine *)base->engine)->perturbation;
    const struct op_list *list = &base->graph->routines[routine];
    for (int i = 0; i < list->count; i++)
        for (int slot = 0; slot < base->options.slots; slot++) {
            const struct pass pass = {program, &list->ops[i], n, slot};
            runners[pass.op->kind](&pass);
            if (amount > 0)
                perturb(&pass, amount);
        }
    return true;
}

static bool reference_devices(struct device_info **list, int *count)
{
    (void)list, (void)count;
    return true;
}

static bool reference_open(int index, struct engine **engine)
{
    (void)index;
    *engine = reference_engine();
    return true;
}

static void reference_close(struct engine *engine)
{
    free(engine);
}

static uint64_t reference_memory(struct engine *engine, const struct graph *graph,
                                 const struct program_options *options)
{
    (void)engine;
    struct memory_plan plan;
    memory_plan_create(
        &(struct memory_request){
            .graph = graph, .slots = options->slots, .batch = options->batch, .alignment = 4},
        &plan);
    uint64_t total = 0;
    for (int b = 0; b < BLOCK_COUNT; b++)
        total += plan.total[b] * sizeof(double);
    memory_plan_destroy(&plan);
    return total;
}

static void allocate_tensor(struct reference_program *program, int tensor)
{
    const struct tensor *t = &program->base.graph->tensors[tensor];
    const size_t stride = stride_of(program, tensor);
    const size_t count = stride > 0 ? stride * (size_t)program->base.options.slots : t->count;
    if (t->element == ELEMENT_UINT) {
        program->words[tensor] = mem_zalloc(count, sizeof(uint32_t));
        return;
    }
    program->values[t->block][tensor] = mem_zalloc(count, sizeof(double));
    for (size_t i = 0; t->block == BLOCK_ARENA && program->base.options.inspect && i < count; i++)
        program->values[t->block][tensor][i] = NAN;
    if (t->block == BLOCK_STATE) {
        program->values[BLOCK_MOMENT1][tensor] = mem_zalloc(count, sizeof(double));
        program->values[BLOCK_MOMENT2][tensor] = mem_zalloc(count, sizeof(double));
        program->values[BLOCK_BEST][tensor] = mem_zalloc(count, sizeof(double));
    }
}

static bool reference_create(struct engine *engine, const struct graph *graph,
                             const struct program_options *options, struct program **out_program)
{
    struct reference_program *program = mem_zalloc(1, sizeof *program);
    program->base = (struct program){.engine = engine, .graph = graph, .options = *options, .n = 0};
    for (int b = 0; b < BLOCK_COUNT; b++)
        program->values[b] = mem_zalloc((size_t)graph->tensor_count, sizeof(double *));
    program->words = mem_zalloc((size_t)graph->tensor_count, sizeof(uint32_t *));
    for (int t = 0; t < graph->tensor_count; t++)
        allocate_tensor(program, t);
    *out_program = &program->base;
    return true;
}

static void reference_destroy(struct program *base)
{
    struct reference_program *program = (struct reference_program *)base;
    for (int t = 0; t < base->graph->tensor_count; t++) {
        free(program->words[t]);
        for (int b = 0; b < BLOCK_COUNT; b++)
            free(program->values[b][t]);
    }
    for (int b = 0; b < BLOCK_COUNT; b++)
        free(program->values[b]);
    free(program->words);
    free(program);
}

// A parameter in BLOCK_GRADIENT is its gradient tensor.
static int owner(const struct program *program, enum block block, int tensor)
{
    const struct tensor *t = &program->graph->tensors[tensor];
    return block == BLOCK_GRADIENT && t->block == BLOCK_STATE ? t->gradient : tensor;
}

static bool reference_write(struct program *base, enum block block, int tensor, int slot,
                            size_t first, size_t count, const void *values)
{
    struct reference_program *program = (struct reference_program *)base;
    tensor = owner(base, block, tensor);
    const size_t offset = (size_t)slot * stride_of(program, tensor) + first;
    if (base->graph->tensors[tensor].element == ELEMENT_UINT)
        memcpy(program->words[tensor] + offset, values, count * sizeof(uint32_t));
    else
        for (size_t i = 0; i < count; i++)
            program->values[block][tensor][offset + i] = ((const float *)values)[i];
    return true;
}

static bool reference_read(struct program *base, enum block block, int tensor, int slot,
                           size_t first, size_t count, void *values)
{
    struct reference_program *program = (struct reference_program *)base;
    tensor = owner(base, block, tensor);
    const size_t offset = (size_t)slot * stride_of(program, tensor) + first;
    if (base->graph->tensors[tensor].element == ELEMENT_UINT)
        memcpy(values, program->words[tensor] + offset, count * sizeof(uint32_t));
    else
        for (size_t i = 0; i < count; i++)
            ((float *)values)[i] = (float)program->values[block][tensor][offset + i];
    return true;
}

static bool reference_clear(struct program *base, enum block block)
{
    struct reference_program *program = (struct reference_program *)base;
    for (int t = 0; t < base->graph->tensor_count; t++) {
        const struct tensor *tensor = &base->graph->tensors[t];
        const size_t stride = stride_of(program, t);
        const size_t count = stride > 0 ? stride * (size_t)base->options.slots : tensor->count;
        if (tensor->block == block && program->words[t])
            memset(program->words[t], 0, count * sizeof(uint32_t));
        if (program->values[block][t])
            memset(program->values[block][t], 0, count * sizeof(double));
    }
    return true;
}

static bool reference_wait(struct program *program)
{
    (void)program;
    return true;
}

// Every tensor has memory of its own, so a sanitizer sees more than guards would.
static bool reference_check_guards(struct program *program)
{
    (void)program;
    return true;
}

static const struct engine_ops reference_engine_ops = {
    .name = "reference",
    .devices = reference_devices,
    .open = reference_open,
    .close = reference_close,
    .memory = reference_memory,
    .create = reference_create,
    .destroy = reference_destroy,
    .write = reference_write,
    .read = reference_read,
    .clear = reference_clear,
    .run = reference_run,
    .wait = reference_wait,
    .check_guards = reference_check_guards,
};

struct engine *reference_engine(void)
{
    struct reference_engine *engine = mem_zalloc(1, sizeof *engine);
    engine->base.ops = &reference_engine_ops;
    engine->base.device = (struct device_info){.kind = DEVICE_CPU, .usable = true};
    snprintf(engine->base.device.name, sizeof engine->base.device.name, "reference");
    return &engine->base;
}

void reference_perturb(struct engine *engine, double amount)
{
    ((struct reference_engine *)engine)->perturbation = amount;
}

double *reference_values(const struct program *program, int tensor, int slot)
{
    const struct pass pass = {(struct reference_program *)program, NULL, 0, slot};
    return values_of(&pass, tensor);
}
