// SPDX-License-Identifier: MIT
// Measures which tile a convolution is fastest with: each by itself, by the device's own times.
#include "engine/vulkan/tune.h"

#include "engine/fuse.h"
#include "engine/halves.h"
#include "engine/vulkan/candidates.h"
#include "engine/vulkan/commands.h"
#include "engine/vulkan/create.h"
#include "engine/vulkan/ops.h"
#include "engine/vulkan/times.h"
#include "engine/vulkan/tuning.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIALS 64    // tiles of a convolution, at most
#define RUNS_LEAST 3 // timed runs of a tile after one that is not counted
#define RUNS_MOST 15
#define SECONDS_ENOUGH 0.3 // for the runs of all tiles that are still in question
#define HOPELESS 1.5       // times slower than the fastest: not measured any further
#define GAIN 1.03          // a tile must be so much faster than the default: less is noise

// A tile and its times.
struct trial {
    struct conv_tile tile;
    double seconds[RUNS_MOST], median;
    int count;
};

// A convolution of the graph.
struct task {
    struct conv_problem problem;
    const struct op *op; // the first of them
    int times;
    double work; // of all of them, all slots
    bool known;
};

struct tuner {
    struct vulkan_engine *engine;
    struct graph *graph; // ops by themselves, not joined
    bool *half;          // [tensor] made of 16-bit numbers
    const struct tune_options *options;
    struct task *tasks;
    int count;
};

static void describe_tile(const struct vulkan_engine *engine, const struct conv_tile *tile,
                          enum op_kind kind, char text[static 48])
{
    uint32_t size[2];
    conv_tile_size(engine, tile, kind, size);
    if (tile->family == CONV_DIRECT) // by invocation: the whole is not what makes them different
        snprintf(text, 48, "%s %ux%u of %u", tuning_families[CONV_DIRECT], tile->rows,
                 tile->columns, tile->local);
    else
        snprintf(text, 48, "%s %ux%u", tuning_families[tile->family], size[0], size[1]);
    if (tile->depth > 0)
        snprintf(text + strlen(text), 48 - strlen(text), " by %u", tile->depth);
}

// --- What there is to measure -------------------------------------------------------------------

// So few slots that a run does not keep the device for long.
static int slots_of(const struct tuner *tuner, const struct op *op)
{
    const struct program_options *options = &tuner->options->program;
    const double most = COMMANDS_WORK / op_work(tuner->graph, op, options->batch);
    if (most >= options->slots)
        return options->slots;
    return most < 1 ? 1 : (int)most;
}

static struct conv_problem problem_of(const struct tuner *tuner, const struct op *op)
{
    struct vulkan_program program = {
        .base = {.options = tuner->options->program},
        .graph = tuner->graph,
        .half = tuner->half,
    };
    program.base.options.slots = slots_of(tuner, op);
    return conv_problem_of(&program, op, program.base.options.batch);
}

// There is no choice, it is next to no work (logits), or this process has made it, for other slots.
static bool is_settled(const struct tuner *tuner, const struct conv_problem *problem,
                       const struct tuned_tile *known)
{
    struct conv_tile tile;
    return !conv_candidate(tuner->engine, problem, 1, &tile) || problem->float_out ||
           (known && known->measured);
}

static void add_task(struct tuner *tuner, const struct op *op)
{
    const struct conv_problem problem = problem_of(tuner, op);
    const struct tuned_tile *known = tuning_entry(tuner->engine->tuning, &problem);
    const double work = op_work(tuner->graph, op, tuner->options->program.batch) * problem.slots;
    for (int i = 0; i < tuner->count; i++)
        if (tuning_same(&tuner->tasks[i].problem, &problem)) {
            tuner->tasks[i].times++;
            tuner->tasks[i].work += work;
            return;
        }
    if (is_settled(tuner, &problem, known))
        return;
    tuner->tasks = mem_grow(tuner->tasks, (size_t)tuner->count + 1, sizeof *tuner->tasks);
    tuner->tasks[tuner->count++] =
        (struct task){.problem = problem, .op = op, .times = 1, .work = work, .known = known};
}

static int compare_tasks(const void *a, const void *b)
{
    const struct task *x = a, *y = b;
    return x->known != y->known ? x->known - y->known : (x->work < y->work) - (x->work > y->work);
}

static void find_tasks(struct tuner *tuner)
{
    const struct op_list *list = &tuner->graph->routines[ROUTINE_TRAIN];
    for (int i = 0; i < list->count; i++) {
        const enum op_kind kind = list->ops[i].kind;
        if (kind == OP_CONV || kind == OP_CONV_INPUT_GRAD || kind == OP_CONV_WEIGHT_GRAD)
            add_task(tuner, &list->ops[i]);
    }
    if (tuner->count > 0)
        qsort(tuner->tasks, (size_t)tuner->count, sizeof *tuner->tasks, compare_tasks);
}

// --- Measuring ----------------------------------------------------------------------------------

static int copy_tensor(struct graph *to, const struct tensor *t)
{
    return t->rank == 4 ? graph_parameter(to, t->name, 4, t->dims)
                        : graph_activation(to, t->name, t->rows, t->cols, t->channels);
}

// A graph of one op alone, without a bias.
static struct graph *op_graph(const struct graph *graph, const struct op *op)
{
    struct graph *alone = graph_create();
    const int in[2] = {copy_tensor(alone, &graph->tensors[op->in[0]]),
                       copy_tensor(alone, &graph->tensors[op->in[1]])};
    const int with_bias[3] = {in[0], in[1], NO_TENSOR};
    const int out = copy_tensor(alone, &graph->tensors[op->out[0]]);
    struct op *made = graph_op(alone, op->kind, op->kind == OP_CONV ? 3 : 2, with_bias, 1, &out);
    made->kernel = op->kernel;
    made->stride = op->stride;
    return alone;
}

static bool time_once(const struct tuner *tuner, struct program *program, enum op_kind kind,
                      const struct conv_tile *tile, double *seconds)
{
    double times[OP_GRAPH_KINDS] = {0};
    if (interrupt_requested())
        return error_set("interrupted");
    tuner->engine->trial = tile;
    const bool timed = vulkan_times(program, ROUTINE_TRAIN, tuner->options->program.batch, times);
    tuner->engine->trial = NULL;
    *seconds = times[kind];
    return timed;
}

static int compare_seconds(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int list_trials(const struct tuner *tuner, const struct task *task, struct trial *trials)
{
    int count = 0;
    struct conv_tile tile;
    for (int i = 0; count < TRIALS && conv_candidate(tuner->engine, &task->problem, i, &tile);
         i++) {
        bool twice = false;
        for (int j = 0; j < count && !twice; j++)
            twice = conv_same_tile(&trials[j].tile, &tile);
        if (!twice)
            trials[count++] = (struct trial){.tile = tile};
    }
    return count;
}

// A run that makes the tile's pipeline, and unless it is hopeless one that counts. What a driver
// cannot make is infinitely slow; that is no error but of the default, or when the device is gone.
static bool try_tile(const struct tuner *tuner, struct program *program, enum op_kind kind,
                     struct trial *trial, double best)
{
    const bool needed = best == 0;
    double *seconds = &trial->seconds[0];
    bool timed = time_once(tuner, program, kind, &trial->tile, seconds);
    if (timed && (needed || *seconds < 2 * HOPELESS * best))
        timed = time_once(tuner, program, kind, &trial->tile, seconds);
    if (!timed)
        *seconds = (double)INFINITY;
    return timed || (!needed && !tuner->engine->lost && !interrupt_requested());
}

// Keeps the tiles that are worth more runs, the default first; *count becomes their number.
static bool sieve(const struct tuner *tuner, struct program *program, enum op_kind kind,
                  struct trial *trials, int *count)
{
    double best = 0;
    int kept = 0;
    for (int i = 0; i < *count; i++) {
        if (!try_tile(tuner, program, kind, &trials[i], best))
            return false;
        best = i == 0 || trials[i].seconds[0] < best ? trials[i].seconds[0] : best;
    }
    for (int i = 0; i < *count; i++)
        if (i == 0 || trials[i].seconds[0] <= HOPELESS * best)
            trials[kept++] = trials[i];
    *count = kept;
    return true;
}

// In turns, so that a device that warms up or has other work treats all alike.
static bool time_trials(const struct tuner *tuner, struct program *program, enum op_kind kind,
                        struct trial *trials, int count)
{
    double total = 0;
    for (int run = 0; run < RUNS_LEAST || (run < RUNS_MOST && total < SECONDS_ENOUGH); run++)
        for (int i = 0; i < count; i++) {
            struct trial *trial = &trials[i];
            double *seconds = &trial->seconds[trial->count++];
            if (!time_once(tuner, program, kind, &trial->tile, seconds))
                return false;
            total += *seconds;
        }
    for (int i = 0; i < count; i++) {
        qsort(trials[i].seconds, (size_t)trials[i].count, sizeof(double), compare_seconds);
        trials[i].median = trials[i].seconds[trials[i].count / 2];
    }
    return true;
}

static const struct trial *choose(const struct trial *trials, int count)
{
    const struct trial *best = &trials[0];
    for (int i = 1; i < count; i++)
        if (trials[i].median * GAIN < trials[0].median && trials[i].median < best->median)
            best = &trials[i];
    return best;
}

static struct tuned_conv conv_of(const struct tuner *tuner, const struct task *task)
{
    const struct op *op = task->op;
    // The input's shape, which for gradients is that of the gradient.
    const struct tensor *x =
        &tuner->graph->tensors[op->kind == OP_CONV_INPUT_GRAD ? op->out[0] : op->in[0]];
    return (struct tuned_conv){
        .kind = op->kind,
        .rows = x->rows,
        .cols = x->cols,
        .in = (int)task->problem.in,
        .out = (int)task->problem.out,
        .kernel = op->kernel,
        .stride = op->stride,
        .times = task->times,
        .slots = (int)task->problem.slots,
    };
}

static bool measure_task(const struct tuner *tuner, const struct task *task,
                         struct tuned_conv *conv)
{
    const struct program_options options = {.slots = (int)task->problem.slots,
                                            .batch = tuner->options->program.batch,
                                            .precision = tuner->options->program.precision};
    struct graph *graph = op_graph(tuner->graph, task->op);
    struct trial *trials = mem_zalloc(TRIALS, sizeof *trials);
    struct program *program = NULL;
    int count = list_trials(tuner, task, trials);
    CHECK(vulkan_create(&tuner->engine->base, graph, &options, &program));
    CHECK(sieve(tuner, program, task->op->kind, trials, &count));
    CHECK(time_trials(tuner, program, task->op->kind, trials, count));
    const struct trial *best = choose(trials, count);
    tuning_put_tile(
        tuner->engine->tuning,
        &(struct tuned_tile){.problem = task->problem, .tile = best->tile, .measured = true});
    *conv = conv_of(tuner, task);
    conv->seconds_before = trials[0].median;
    conv->seconds_after = best->median;
    describe_tile(tuner->engine, &trials[0].tile, task->op->kind, conv->before);
    describe_tile(tuner->engine, &best->tile, task->op->kind, conv->after);
    vulkan_destroy(program);
    graph_destroy(&graph);
    free(trials);
    return true;
error:
    if (program)
        vulkan_destroy(program);
    graph_destroy(&graph);
    free(trials);
    return false;
}

// With fewer slots where the device has not the memory; one that it has no memory for at all is
// left out.
static bool tune_task(const struct tuner *tuner, int index)
{
    struct task *task = &tuner->tasks[index];
    struct tuned_conv conv;
    while (!measure_task(tuner, task, &conv)) {
        if (error_kind() != ERROR_NO_MEMORY)
            return false;
        if (task->problem.slots == 1) {
            conv = conv_of(tuner, task);
            conv.skipped = error_text();
            break;
        }
        task->problem.slots /= 2;
    }
    if (tuner->options->each)
        tuner->options->each(tuner->options->context, &conv, index + 1, tuner->count);
    return true;
}

bool vulkan_tune(struct engine *engine, const struct graph *graph,
                 const struct tune_options *options, int *left)
{
    struct tuner tuner = {.engine = (struct vulkan_engine *)engine,
                          .graph = graph_copied(graph),
                          .half = halves_find(graph, options->program.precision),
                          .options = options};
    const double start = seconds_now();
    int done = 0;
    bool good = tuning_writable(tuner.engine, tuner.engine->tuning);
    find_tasks(&tuner);
    while (good && done < tuner.count && seconds_now() - start < options->seconds)
        good = tune_task(&tuner, done) && ++done;
    *left = tuner.count - done;
    free(tuner.tasks);
    free(tuner.half);
    graph_destroy(&tuner.graph);
    char *why = good ? NULL : text_copy(error_text());
    const bool written = done == 0 || tuning_write(tuner.engine, tuner.engine->tuning);
    if (why)
        error_set("%s", why);
    free(why);
    return good && written;
}
