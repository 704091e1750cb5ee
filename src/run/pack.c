// SPDX-License-Identifier: MIT
#include "run/pack.h"

#include "run/open_group.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/study/paths.h"

#include <stdlib.h>

// Checkpoints take at most this part of the time: an epoch that is over before leaves none.
#define CHECKPOINT_SHARE 0.05

static bool on_epoch(void *context, int slot, const struct epoch_result *result)
{
    const struct pack *pack = context;
    const struct job *job = &pack->jobs[slot];
    const struct plan *plan = &job->record->cell.plan;
    record_epoch(job->record, job->run, result);
    progress_place(pack->progress, result->round + 1, plan->count, result->epoch + 1,
                   plan->rounds[result->round].num_epochs);
    return true;
}

static bool on_step(void *context, int slot, const struct step_result *result)
{
    const struct pack *pack = context;
    record_step(pack->jobs[slot].record, pack->jobs[slot].run, result);
    return true;
}

// Every epoch has as many batches of validation, so that samples grow with the batches.
static void on_progress(void *context, int done, int total)
{
    struct pack *pack = context;
    if (pack->done >= 0 && done > pack->done)
        progress_samples(pack->progress, pack->samples * (done - pack->done) / total);
    pack->done = done;
    progress_steps(pack->progress, done, total);
}

struct train_events pack_events(struct pack *pack, bool log_steps)
{
    return (struct train_events){.context = pack,
                                 .epoch = on_epoch,
                                 .step = log_steps ? on_step : NULL,
                                 .progress = on_progress};
}

static bool on_checkpoint_due(void *context)
{
    struct pack *pack = context;
    const double now = seconds_now();
    pack->checkpoints = pack->always || (now - pack->ended) * CHECKPOINT_SHARE >=
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

void pack_leave_checkpoints(struct train_events *events)
{
    events->checkpoint_due = on_checkpoint_due;
    events->checkpoint = on_checkpoint;
}

void pack_checkpoints_saved(struct pack *pack)
{
    pack->ended = seconds_now();
    pack->took = pack->ended - pack->began;
    pack->checkpoints = false;
}

static struct train_run run_of(const struct open_group *group, const struct job *job,
                               const char *out)
{
    const struct cell *cell = &job->record->cell;
    const struct run_record *run = job_run(job);
    const struct data_fold *fold = group_fold(group, job);
    return (struct train_run){
        .plan = cell->plan,
        .seed = cell->seed,
        .cell = cell->stream,
        .index = job->run,
        .shuffle = cell->shuffle,
        .samples = fold ? fold->samples : NULL,
        .training_count = fold ? fold->training_count : 0,
        .init = cell->init,
        .pretrained = cell->pretrained,
        .precision = cell->precision,
        .checkpoints = study_checkpoints(out, cell->number, job->run),
        .resume = run->checkpoint.epochs_done > 0 ? &run->checkpoint : NULL,
    };
}

bool pack_train(struct pack *pack, struct engine *engine, const struct dataset *dataset,
                const char *out, const struct train_events *events)
{
    const struct cell *first = &pack->jobs[0].record->cell;
    struct train_run *runs = mem_zalloc((size_t)pack->count, sizeof(*runs));
    pack->done = -1;
    pack->ended = seconds_now();
    for (int i = 0; i < pack->count; i++)
        runs[i] = run_of(pack->group, &pack->jobs[i], out);
    const int samples = runs[0].samples ? runs[0].training_count : dataset->training_count;
    pack->samples = (double)samples * pack->count * plan_epochs(&first->plan);
    const bool trained = train_pack(engine, first->base_model, dataset, runs, pack->count, events);
    for (int i = 0; i < pack->count; i++)
        free((char *)runs[i].checkpoints);
    free(runs);
    if (trained)
        progress_pack_done(pack->progress);
    return trained;
}
