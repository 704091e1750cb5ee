// SPDX-License-Identifier: MIT
#include "run/pack.h"

#include "vkgrid/base/clock.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

// Checkpoints take at most this part of the time: an epoch that is over before leaves none.
#define CHECKPOINT_SHARE 0.05

struct pack {
    const struct job *jobs;
    const struct pack_options *options;
    struct progress_worker *worker;
    double samples;            // of training, of all slots over the whole plan
    int done;                  // batches, when the progress was told last; -1: not yet
    bool checkpoints;          // left after this epoch
    double began, ended, took; // the last ones, in seconds
};

static bool on_epoch(void *context, int slot, const struct epoch_result *result)
{
    const struct pack *pack = context;
    const struct job *job = &pack->jobs[slot];
    const struct plan *plan = &job->record->cell.plan;
    record_epoch(job->record, job->run, result);
    progress_place(pack->worker, result->round + 1, plan->count, result->epoch + 1,
                   plan->rounds[result->round].num_epochs);
    return true;
}

static bool on_step(void *context, int slot, const struct step_result *result)
{
    const struct pack *pack = context;
    record_step(pack->jobs[slot].record, pack->jobs[slot].run, result);
    return true;
}

static bool on_checkpoint_due(void *context)
{
    struct pack *pack = context;
    const double now = seconds_now();
    pack->checkpoints = pack->options->always || (now - pack->ended) * CHECKPOINT_SHARE >=
                                                     pack->took * (1 - CHECKPOINT_SHARE);
    pack->began = now;
    return pack->checkpoints;
}

static bool on_checkpoint(void *context, int slot, const struct run_state *state)
{
    const struct pack *pack = context;
    struct run_record *run = job_run(&pack->jobs[slot]);
    run->previous = run->checkpoint;
    run->checkpoint = *state;
    run->saved_checkpoint = false;
    return true;
}

static bool on_epoch_done(void *context, int step)
{
    struct pack *pack = context;
    (void)step;
    const bool done = !pack->options->epoch_done ||
                      pack->options->epoch_done(pack->options->context, pack->checkpoints);
    if (pack->checkpoints) {
        pack->ended = seconds_now();
        pack->took = pack->ended - pack->began;
    }
    pack->checkpoints = false;
    return done;
}

static bool on_halt(void *context, int slot)
{
    const struct pack *pack = context;
    return pack->options->halt(pack->options->context, slot);
}

static bool on_finished(void *context, int slot, const struct run_result *result,
                        const struct tensors *weights)
{
    const struct pack *pack = context;
    return pack->options->finished(pack->options->context, slot, result, weights);
}

static bool on_no_space(void *context)
{
    const struct pack *pack = context;
    return pack->options->no_space(pack->options->context);
}

// Every epoch has as many batches of validation, so that samples grow with the batches.
static void on_progress(void *context, int done, int total)
{
    struct pack *pack = context;
    if (pack->done >= 0 && done > pack->done)
        progress_samples(pack->worker, pack->samples * (done - pack->done) / total);
    pack->done = done;
    progress_steps(pack->worker, done, total);
}

char *pack_checkpoints(const char *folder, const struct job *job)
{
    return text_format("%s/%s-%d", folder, job->record->cell.name, job->run);
}

static struct train_run run_of(const struct job *job, const struct pack_options *options)
{
    const struct cell *cell = &job->record->cell;
    const struct run_record *run = job_run(job);
    return (struct train_run){
        .plan = cell->plan,
        .seed = cell->seed,
        .cell = cell->number,
        .index = job->run,
        .shuffle = cell->shuffle,
        .init = options->init,
        .pretrained = cell->pretrained,
        .precision = cell->precision,
        .checkpoints = options->checkpoints ? pack_checkpoints(options->checkpoints, job) : NULL,
        .resume = run->checkpoint.step > 0 ? &run->checkpoint : NULL,
    };
}

bool pack_train(struct engine *engine, const struct dataset *dataset, const struct job *jobs,
                int count, const struct pack_options *options, struct progress_worker *worker)
{
    struct pack pack = {.jobs = jobs,
                        .options = options,
                        .worker = worker,
                        .samples = (double)dataset->training_count * count *
                                   plan_epochs(&jobs[0].record->cell.plan),
                        .done = -1,
                        .ended = seconds_now()};
    const struct train_events events = {
        .context = &pack,
        .epoch = on_epoch,
        .step = options->log_steps ? on_step : NULL,
        .finished = on_finished,
        .checkpoint_due = options->checkpoints ? on_checkpoint_due : NULL,
        .checkpoint = on_checkpoint,
        .epoch_done = on_epoch_done,
        .halt = options->halt ? on_halt : NULL,
        .no_space = options->no_space ? on_no_space : NULL,
        .progress = on_progress,
    };
    struct train_run *runs = mem_zalloc((size_t)count, sizeof(*runs));
    for (int i = 0; i < count; i++)
        runs[i] = run_of(&jobs[i], options);
    const bool trained =
        train_pack(engine, jobs[0].record->cell.base_model, dataset, runs, count, &events);
    for (int i = 0; i < count; i++)
        free((char *)runs[i].checkpoints);
    free(runs);
    if (trained)
        progress_pack_done(worker);
    return trained;
}
