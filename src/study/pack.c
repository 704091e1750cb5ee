// SPDX-License-Identifier: MIT
#include "pack.h"

#include "vkgrid/memory.h"

#include <stdlib.h>

struct pack {
    const struct job *jobs;
    const struct pack_options *options;
    struct progress_worker *worker;
    const struct dataset *dataset;
};

static bool on_epoch(void *context, int slot, const struct epoch_result *result)
{
    const struct pack *pack = context;
    const struct job *job = &pack->jobs[slot];
    const struct plan *plan = &job->record->cell.plan;
    record_epoch(job->record, job->run, result);
    progress_place(pack->worker, result->round + 1, plan->count, result->epoch + 1,
                   plan->rounds[result->round].num_epochs);
    progress_samples(pack->worker, pack->dataset->training_count);
    return true;
}

static bool on_step(void *context, int slot, const struct step_result *result)
{
    const struct pack *pack = context;
    record_step(pack->jobs[slot].record, pack->jobs[slot].run, result);
    return true;
}

static bool on_round(void *context, int slot, const struct round_result *result)
{
    const struct pack *pack = context;
    record_round(pack->jobs[slot].record, pack->jobs[slot].run, result);
    return true;
}

static bool on_finished(void *context, int slot, const struct run_result *result,
                        const struct tensors *weights)
{
    const struct pack *pack = context;
    struct record *record = pack->jobs[slot].record;
    if (result->failure)
        progress_say(pack->worker->progress, "%s, run %d of %d: failed: %s", record->cell.name,
                     pack->jobs[slot].run + 1, record->cell.until, result->failure);
    if (!record_finished(record, pack->jobs[slot].run, result, weights))
        return false;
    if (record->finished < record->cell.until)
        return true;
    if (!record_write(record, pack->options->log_steps))
        return false;
    progress_cell(pack->worker->progress, PROGRESS_DONE);
    return !pack->options->cell_finished ||
           pack->options->cell_finished(pack->options->context, record);
}

static void on_progress(void *context, int done, int total)
{
    const struct pack *pack = context;
    progress_steps(pack->worker, done, total);
}

bool pack_train(struct engine *engine, const struct dataset *dataset, const struct job *jobs,
                int count, const struct pack_options *options, struct progress_worker *worker)
{
    struct pack pack = {.jobs = jobs, .options = options, .worker = worker, .dataset = dataset};
    const struct train_events events = {
        .context = &pack,
        .epoch = on_epoch,
        .step = options->log_steps ? on_step : NULL,
        .round = on_round,
        .finished = on_finished,
        .progress = on_progress,
    };
    struct train_run *runs = mem_zalloc((size_t)count, sizeof(*runs));
    for (int i = 0; i < count; i++) {
        const struct cell *cell = &jobs[i].record->cell;
        if (jobs[i].run == 0)
            progress_cell(worker->progress, PROGRESS_RUNNING);
        runs[i] = (struct train_run){
            .plan = cell->plan,
            .seed = cell->seed,
            .cell = cell->number,
            .index = jobs[i].run,
            .shuffle = cell->shuffle,
            .init = options->init,
            .pretrained = cell->pretrained,
            .precision = cell->precision,
        };
    }
    const bool trained =
        train_pack(engine, jobs[0].record->cell.base_model, dataset, runs, count, &events);
    free(runs);
    if (trained)
        progress_pack_done(worker);
    return trained;
}
