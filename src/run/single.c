// SPDX-License-Identifier: MIT
// One cell by itself.
#include "vkgrid/run/run.h"

#include "run/pack.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/run/check_weights.h"
#include "vkgrid/run/groups.h"
#include "vkgrid/run/pack_size.h"
#include "vkgrid/study/cell_files.h"

#include <stdlib.h>

static bool check_folder(const struct train_options *options)
{
    char *table = text_format("%s/training.tsv", options->out);
    const bool there = file_exists(table);
    free(table);
    if (there && !options->overwrite)
        return error_set(
            "%s: holds a finished training: another folder (-o) or --overwrite is needed",
            options->out);
    return folder_check_target(options->out);
}

// The runs of the cell, on a device.
struct training {
    const struct train_options *options;
    struct engine *engine;
    const struct dataset *dataset;
    struct record *record;
    struct progress progress;
    struct progress_worker worker;
};

static bool on_finished(void *context, int slot, const struct run_result *result,
                        const struct tensors *weights)
{
    const struct pack *pack = context;
    struct training *training = pack->owner;
    struct record *record = training->record;
    const int run = pack->jobs[slot].run;
    if (result->failure)
        progress_say(&training->progress, "run %d of %d: failed: %s", run + 1, record->cell.until,
                     result->failure);
    record_end(record, run, result->failure ? TRIAL_FAIL : TRIAL_COMPLETE, result);
    if (weights && !cell_files_weights(record, result, weights))
        return false;
    return !record_over(record) || cell_files_write(record, training->options->log_steps);
}

static bool train_runs(struct training *training, struct job *jobs, int count)
{
    struct pack pack = {
        .jobs = jobs, .count = count, .owner = training, .progress = &training->worker};
    struct train_events events = pack_events(&pack, training->options->log_steps);
    events.finished = on_finished;
    return pack_train(&pack, training->engine, training->dataset, NULL, training->options->init,
                      &events);
}

static bool run_packs(struct training *training, const struct group *group)
{
    struct record *record = training->record;
    struct progress *progress = &training->progress;
    const int until = record->cell.until;
    struct pack_size size; // known or as many as fit: a single cell is not worth measuring it
    if (!pack_size_of(training->engine, group, training->options->pack, &size))
        return false;
    struct job *jobs = mem_alloc(sizeof(*jobs) * (size_t)until);
    bool trained = true;
    for (int i = 0; i < until; i++)
        jobs[i] = (struct job){.record = record, .run = i};
    progress_start(progress, training->options->quiet, 1, pack_count(until, size.slots),
                   group->work);
    progress_join(progress, &training->worker, engine_device(training->engine)->name);
    for (int first = 0, none, count; trained && first < until; first += count) {
        const int rest = until - first;
        pack_range(rest, pack_count(rest, size.slots), 0, &none, &count);
        progress_pack(&training->worker, group->label, group->work * count / until, 0);
        trained = train_runs(training, jobs + first, count);
        if (!trained && error_kind() == ERROR_NO_MEMORY && count > 1) {
            size.slots = count / 2;
            progress_say(progress, "%s: from now on at most %d at once", error_text(), size.slots);
            progress_packs(progress, 1 + pack_count(rest, size.slots) - pack_count(rest, count));
            for (int i = 0; i < count; i++)
                record_rewind(record, first + i);
            trained = true;
            count = 0; // none is done
        }
    }
    progress_end(progress);
    free(jobs);
    return trained;
}

bool study_train(struct cell *cell, const struct train_options *options,
                 struct study_result *result)
{
    struct engine *engine = NULL;
    struct dataset *dataset = NULL;
    struct record record = {0};
    struct training training;
    struct group group = group_of(cell);
    *result = (struct study_result){0};
    group.run_count = cell->until;
    group.work *= cell->until;
    if (!json_member(cell->options, "partition"))
        FAIL(
            "partition: is missing from the options: [[training subjects], [validation subjects]] "
            "is needed");
    CHECK(check_folder(options));
    CHECK(cell_check_inputs(cell, "options"));
    if (options->init && !file_exists(options->init))
        FAIL("%s: no such weights file", options->init);
    CHECK(cell_check_weights(cell, options->init));
    CHECK(engine_open(options->device, &engine));
    CHECK(cell_load_data(cell, &dataset));
    CHECK(folder_make(options->out));
    record_open(&record, cell, options->out);
    cell_files_clean(&record);
    training = (struct training){
        .options = options, .engine = engine, .dataset = dataset, .record = &record};
    CHECK(run_packs(&training, &group));
    result->finished = 1;
    for (int i = 0; i < record.cell.until; i++)
        result->failed_runs += record.runs[i].state == TRIAL_FAIL;
    record_close(&record);
    dataset_free(&dataset);
    engine_close(&engine);
    return true;
error:
    record_close(&record);
    cell_free(cell);
    dataset_free(&dataset);
    engine_close(&engine);
    return false;
}
