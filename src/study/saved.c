// SPDX-License-Identifier: MIT
#include "vkgrid/study/saved.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

static bool load_run(void *context, const struct store_run *run)
{
    struct record *record = context;
    if (run->run < 0 || run->run >= record->cell.until)
        return error_set("study.db: %s has a run %d of %d", record->cell.name, run->run,
                         record->cell.until);
    record->runs[run->run].attempts = run->attempts;
    record_end(record, run->run, run->state, &run->result);
    return true;
}

// In order, without gaps, and as the plan has them; of anything else the run begins again.
static bool load_epoch(void *context, int run, int step, const struct epoch_result *epoch,
                       const float *metrics, int step_count)
{
    struct record *record = context;
    if (run < 0 || run >= record->cell.until || record->runs[run].epoch_count != step ||
        epoch->round < 0 || epoch->round >= record->cell.plan.count || epoch->epoch < 0)
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

static bool load_checkpoint(void *context, int run, const struct run_state *state)
{
    struct record *record = context;
    if (run >= 0 && run < record->cell.until) {
        record->runs[run].checkpoint = *state;
        record->runs[run].saved_checkpoint = true;
    }
    return true;
}

// A checkpoint that the epochs do not reach is of no use.
static void check_checkpoint(struct record *record, struct run_record *run)
{
    if (run->checkpoint.step > run->epoch_count ||
        run->checkpoint.step >= plan_epochs(&record->cell.plan))
        run->checkpoint = (struct run_state){0};
}

bool journal_load(struct store *store, struct record *record)
{
    const int cell = record->cell.number;
    const struct store_reader reader = {
        .context = record, .run = load_run, .epoch = load_epoch, .checkpoint = load_checkpoint};
    if (!store_read_cell(store, cell, &reader) || !store_begin(store))
        return false;
    for (int i = 0; i < record->cell.until; i++) {
        struct run_record *run = &record->runs[i];
        run->saved_epochs = run->epoch_count;
        run->saved_steps = run->step_count;
        if (run->state == TRIAL_COMPLETE || run->state == TRIAL_FAIL)
            continue;
        check_checkpoint(record, run);
        record_rewind(record, i);
        if (!store_cut_run(store, cell, i, run->checkpoint.step))
            return false;
    }
    return store_commit(store);
}

static struct store_run row_of(const struct job *job)
{
    const struct run_record *run = job_run(job);
    return (struct store_run){
        .run = job->run, .state = run->state, .attempts = run->attempts, .result = run->result};
}

bool journal_begin(struct store *store, const struct job *jobs, int count,
                   const struct device_info *device, const struct cJSON *progress)
{
    if (!store_begin(store))
        return false;
    for (int i = 0; i < count; i++) {
        job_run(&jobs[i])->state = TRIAL_RUNNING;
        struct store_run row = row_of(&jobs[i]);
        row.device = device->name;
        row.driver = device->driver;
        if (!store_start_cell(store, jobs[i].record->cell.number) ||
            !store_put_run(store, jobs[i].record->cell.number, &row)) {
            store_rollback(store);
            return false;
        }
    }
    if (store_put(store, "progress", progress) && store_commit(store))
        return true;
    store_rollback(store);
    return false;
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
    return put &&
           (run->saved_checkpoint || run->checkpoint.step == 0 ||
            store_put_checkpoint(store, job->record->cell.number, job->run, &run->checkpoint));
}

static void note_saved(const struct job *job)
{
    struct run_record *run = job_run(job);
    run->saved_epochs = run->epoch_count;
    run->saved_steps = run->step_count;
    run->saved_checkpoint = true;
}

bool journal_epochs(struct store *store, const struct job *jobs, int count,
                    const struct cJSON *progress)
{
    CHECK(store_begin(store));
    for (int i = 0; i < count; i++)
        if (job_run(&jobs[i])->state == TRIAL_RUNNING)
            CHECK(put_epochs(store, &jobs[i]));
    CHECK(store_put(store, "progress", progress));
    CHECK(store_commit(store));
    for (int i = 0; i < count; i++)
        if (job_run(&jobs[i])->state == TRIAL_RUNNING)
            note_saved(&jobs[i]);
    return true;
error:
    store_rollback(store);
    return false;
}

bool journal_rewind(struct store *store, const struct job *job)
{
    const struct store_run row = row_of(job);
    const int cell = job->record->cell.number, step = job_run(job)->checkpoint.step;
    if (store_begin(store) && store_cut_run(store, cell, job->run, step) &&
        store_set_run(store, cell, &row) && store_commit(store))
        return true;
    store_rollback(store);
    return false;
}

static bool put_beaten(struct store *store, int cell)
{
    return cell < 0 || store_set_attribute(store, cell, "weights", "null");
}

bool journal_end(struct store *store, const struct job *job, const struct score *score,
                 const struct cJSON *attributes, int beaten)
{
    const struct store_run row = row_of(job);
    const int cell = job->record->cell.number;
    CHECK(store_begin(store));
    CHECK(put_epochs(store, job));
    CHECK(store_set_run(store, cell, &row));
    if (row.state != TRIAL_PRUNED)
        CHECK(store_remove_checkpoint(store, cell, job->run));
    if (score) {
        double value = score->dice;
        if (score->state == TRIAL_PRUNED)
            CHECK(store_last_value(store, cell, &value));
        CHECK(store_finish_cell(store, cell, score->state,
                                score->state == TRIAL_FAIL ? (double)NAN : value, attributes));
    }
    CHECK(put_beaten(store, beaten));
    CHECK(store_commit(store));
    note_saved(job);
    return true;
error:
    store_rollback(store);
    return false;
}
