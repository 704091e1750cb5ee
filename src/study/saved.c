// SPDX-License-Identifier: MIT
#include "vkgrid/study/saved.h"

#include "study/kept.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

static bool load_run(void *context, const struct store_run *run)
{
    struct record *record = context;
    if (run->run < 0 || run->run >= cell_run_count(&record->cell))
        return error_set("study.db: %s has a run %d of %d", record->cell.name, run->run,
                         cell_run_count(&record->cell));
    record->runs[run->run].attempts = run->attempts;
    record_end(record, run->run, run->state, &run->result);
    return true;
}

// In order, without gaps, and as the plan has them; of anything else the run begins again.
static bool load_epoch(void *context, int run, int epoch_index, const struct epoch_result *epoch,
                       const float *metrics, int step_count)
{
    struct record *record = context;
    if (run < 0 || run >= cell_run_count(&record->cell) ||
        record->runs[run].epoch_count != epoch_index || epoch->round < 0 ||
        epoch->round >= record->cell.plan.count || epoch->epoch < 0)
        return true;
    record_epoch(record, run, epoch);
    for (int i = 0; i < step_count; i++) {
        struct step_result result = {.round = epoch->round, .epoch = epoch->epoch, .step = i};
        for (int m = 0; m < METRIC_COUNT; m++)
            result.metrics[m] = (double)metrics[i * METRIC_COUNT + m];
        record_step(record, run, &result);
    }
    return true;
}

// Of epochs that the record has; anything else is of no use.
static bool load_overlaps(void *context, int run, int epoch_index, const struct overlaps *overlaps)
{
    struct record *record = context;
    if (run >= 0 && run < cell_run_count(&record->cell) && epoch_index >= 0 &&
        epoch_index < record->runs[run].epoch_count &&
        overlaps->labels == record->cell.labels.count)
        kept_add(&record->runs[run], epoch_index, overlaps, true);
    return true;
}

static bool load_checkpoint(void *context, int run, const struct run_state *state)
{
    struct record *record = context;
    if (run >= 0 && run < cell_run_count(&record->cell)) {
        record->runs[run].checkpoint = *state;
        record->runs[run].saved_checkpoint = true;
    }
    return true;
}

// Of a cell that was over only what is new.
static bool goes_on(const struct record *record, const struct run_record *run)
{
    return run->state != TRIAL_COMPLETE && run->state != TRIAL_FAIL &&
           !(record->reopened && run->state == TRIAL_PRUNED);
}

// A checkpoint that the epochs do not reach is of no use.
static void check_checkpoint(struct record *record, struct run_record *run)
{
    if (run->checkpoint.epochs_done > run->epoch_count ||
        run->checkpoint.epochs_done >= plan_epochs(&record->cell.plan))
        run->checkpoint = (struct run_state){0};
}

// Forgets what came after the checkpoints of the runs that go on.
static bool cut_runs(struct store *store, void *context)
{
    const struct record *record = context;
    for (int i = 0; i < cell_run_count(&record->cell); i++) {
        const struct run_record *run = &record->runs[i];
        if (goes_on(record, run) &&
            !store_cut_run(store, record->cell.number, i, run->checkpoint.epochs_done))
            return false;
    }
    return true;
}

bool saved_read(struct store *store, struct record *record)
{
    const struct store_reader reader = {
        .context = record, .run = load_run, .epoch = load_epoch, .checkpoint = load_checkpoint};
    return store_read_cell(store, record->cell.number, &reader) &&
           store_overlaps(store, record->cell.number, load_overlaps, record);
}

bool saved_load(struct store *store, struct record *record)
{
    if (!saved_read(store, record))
        return false;
    for (int i = 0; i < cell_run_count(&record->cell); i++) {
        struct run_record *run = &record->runs[i];
        run->saved_epochs = run->epoch_count;
        run->saved_steps = run->step_count;
        if (!goes_on(record, run))
            continue;
        check_checkpoint(record, run);
        record_rewind(record, i);
    }
    return store_transaction(store, cut_runs, record);
}

static struct store_run row_of(const struct job *job)
{
    const struct run_record *run = job_run(job);
    return (struct store_run){
        .run = job->run, .state = run->state, .attempts = run->attempts, .result = run->result};
}

// What the functions below write.
struct writing {
    const struct job *jobs;
    int count;
    const struct device_info *device;
    const cJSON *progress;
    const struct score *score;
    const cJSON *attributes;
    int beaten;
};

static bool put_begin(struct store *store, void *context)
{
    const struct writing *writing = context;
    for (int i = 0; i < writing->count; i++) {
        const struct job *job = &writing->jobs[i];
        struct store_run row = row_of(job);
        row.device = writing->device->name;
        row.driver = writing->device->driver;
        if (!store_start_cell(store, job->record->cell.number) ||
            !store_put_run(store, job->record->cell.number, &row))
            return false;
    }
    return store_put(store, "progress", writing->progress);
}

bool saved_begin(struct store *store, const struct job *jobs, int count,
                 const struct device_info *device, const struct cJSON *progress)
{
    struct writing writing = {.jobs = jobs, .count = count, .device = device, .progress = progress};
    for (int i = 0; i < count; i++)
        job_run(&jobs[i])->state = TRIAL_RUNNING;
    return store_transaction(store, put_begin, &writing);
}

// The metrics of the steps of an epoch, from step record *at on; NULL when there are none.
static float *step_metrics(const struct run_record *run, const struct epoch_result *epoch, int *at,
                           int *count)
{
    const int first = *at;
    while (*at < run->step_count && run->steps[*at].round == epoch->round &&
           run->steps[*at].epoch == epoch->epoch)
        ++*at;
    *count = *at - first;
    if (*count == 0)
        return NULL;
    float *metrics = mem_alloc(sizeof(*metrics) * METRIC_COUNT * (size_t)*count);
    for (int i = 0; i < *count; i++)
        for (int m = 0; m < METRIC_COUNT; m++)
            metrics[i * METRIC_COUNT + m] = (float)run->steps[first + i].metrics[m];
    return metrics;
}

// Counts that may still become the run's, in the place of those that cannot any more.
static bool put_overlaps(struct store *store, const struct job *job)
{
    const struct run_record *run = job_run(job);
    const int cell = job->record->cell.number;
    for (int i = 0; i < run->kept_count; i++) {
        const struct kept_overlaps *kept = &run->kept[i];
        const bool needed = kept_needed(run, kept->epoch_index);
        if (needed && !kept->saved &&
            !store_put_overlaps(store, cell, job->run, kept->epoch_index, &kept->overlaps))
            return false;
        if (!needed && kept->saved &&
            !store_remove_overlaps(store, cell, job->run, kept->epoch_index))
            return false;
    }
    return true;
}

static bool put_epochs(struct store *store, const struct job *job)
{
    const struct run_record *run = job_run(job);
    bool put = true;
    int at = run->saved_steps, count;
    for (int i = run->saved_epochs; put && i < run->epoch_count; i++) {
        float *metrics = step_metrics(run, &run->epochs[i], &at, &count);
        put = store_put_epoch(store, job->record->cell.number, job->run, i, &run->epochs[i],
                              metrics, count);
        free(metrics);
    }
    return put && put_overlaps(store, job) &&
           (run->saved_checkpoint || run->checkpoint.epochs_done == 0 ||
            store_put_checkpoint(store, job->record->cell.number, job->run, &run->checkpoint));
}

static void note_saved(const struct job *job)
{
    struct run_record *run = job_run(job);
    run->saved_epochs = run->epoch_count;
    run->saved_steps = run->step_count;
    run->saved_checkpoint = true;
    kept_saved(run);
}

static bool put_all_epochs(struct store *store, void *context)
{
    const struct writing *writing = context;
    for (int i = 0; i < writing->count; i++)
        if (job_run(&writing->jobs[i])->state == TRIAL_RUNNING &&
            !put_epochs(store, &writing->jobs[i]))
            return false;
    return store_put(store, "progress", writing->progress);
}

bool saved_epochs(struct store *store, const struct job *jobs, int count,
                  const struct cJSON *progress)
{
    struct writing writing = {.jobs = jobs, .count = count, .progress = progress};
    if (!store_transaction(store, put_all_epochs, &writing))
        return false;
    for (int i = 0; i < count; i++)
        if (job_run(&jobs[i])->state == TRIAL_RUNNING)
            note_saved(&jobs[i]);
    return true;
}

static bool put_rewind(struct store *store, void *context)
{
    const struct job *job = context;
    const struct store_run row = row_of(job);
    const int cell = job->record->cell.number;
    return store_cut_run(store, cell, job->run, job_run(job)->checkpoint.epochs_done) &&
           store_set_run(store, cell, &row);
}

bool saved_rewind(struct store *store, const struct job *job)
{
    return store_transaction(store, put_rewind, (void *)job);
}

static bool put_cell_end(struct store *store, int cell, const struct score *score,
                         const cJSON *attributes)
{
    double value = score->value;
    if (score->state == TRIAL_PRUNED && !store_last_value(store, cell, &value))
        return false;
    if (score->state == TRIAL_FAIL)
        value = (double)NAN;
    return store_finish_cell(store, cell, score->state, value, attributes);
}

static bool put_end(struct store *store, void *context)
{
    const struct writing *writing = context;
    const struct job *job = writing->jobs;
    const struct store_run row = row_of(job);
    const int cell = job->record->cell.number;
    return put_epochs(store, job) && store_set_run(store, cell, &row) &&
           (row.state == TRIAL_PRUNED || store_remove_checkpoint(store, cell, job->run)) &&
           (!writing->score || put_cell_end(store, cell, writing->score, writing->attributes)) &&
           (writing->beaten < 0 || store_no_weights(store, writing->beaten));
}

bool saved_end(struct store *store, const struct job *job, const struct score *score,
               const struct cJSON *attributes, int beaten)
{
    struct writing writing = {
        .jobs = job, .count = 1, .score = score, .attributes = attributes, .beaten = beaten};
    if (!store_transaction(store, put_end, &writing))
        return false;
    note_saved(job);
    return true;
}

// What put_failures() writes.
struct failures {
    const struct saved_failure *items;
    int count;
};

static bool put_failure(struct store *store, const struct saved_failure *failure)
{
    const int cell = failure->record->cell.number;
    for (int i = 0; i < cell_run_count(&failure->record->cell); i++) {
        const struct run_record *run = &failure->record->runs[i];
        const struct store_run row = {.run = i, .state = run->state, .result = run->result};
        if (!store_put_run(store, cell, &row))
            return false;
    }
    return put_cell_end(store, cell, failure->score, failure->attributes);
}

static bool put_failures(struct store *store, void *context)
{
    const struct failures *failures = context;
    for (int i = 0; i < failures->count; i++)
        if (!put_failure(store, &failures->items[i]))
            return false;
    return true;
}

bool saved_fail(struct store *store, const struct saved_failure *items, int count)
{
    struct failures failures = {items, count};
    return store_transaction(store, put_failures, &failures);
}
