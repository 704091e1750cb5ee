// SPDX-License-Identifier: MIT
// One cell by itself.
#include "vkgrid/study/folder.h"
#include "run/pack.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/run.h"
#include "vkgrid/run/groups.h"
#include "vkgrid/run/pack_size.h"

#include <stdio.h>
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

// The runs of the cell, and what comes of them.
struct training {
    struct record *record;
    struct job *jobs;
    struct progress *progress;
    bool log_steps;
};

static bool on_finished(void *context, int slot, const struct run_result *result,
                        const struct tensors *weights)
{
    const struct training *training = context;
    struct record *record = training->record;
    const int run = training->jobs[slot].run;
    if (result->failure)
        progress_say(training->progress, "run %d of %d: failed: %s", run + 1, record->cell.until,
                     result->failure);
    record_end(record, run, result->failure ? TRIAL_FAIL : TRIAL_COMPLETE, result);
    if (weights && !record_weights(record, result, weights))
        return false;
    return !record_over(record) || record_write(record, training->log_steps);
}

static bool run_packs(struct engine *engine, const struct dataset *dataset,
                      const struct train_options *options, const struct group *group,
                      struct record *record)
{
    const int until = record->cell.until;
    struct progress progress;
    struct progress_worker worker;
    struct width width; // known or as many as fit: a single cell is not worth measuring it
    if (!group_width(engine, group, options->pack, &width))
        return false;
    struct job *jobs = mem_alloc(sizeof(*jobs) * (size_t)until);
    bool trained = true;
    for (int i = 0; i < until; i++)
        jobs[i] = (struct job){.record = record, .run = i};
    progress_start(&progress, options->quiet, 1, pack_count(until, width.slots), group->work);
    progress_join(&progress, &worker, engine_device(engine)->name);
    for (int first = 0, none, count; trained && first < until; first += count) {
        const int rest = until - first;
        pack_range(rest, pack_count(rest, width.slots), 0, &none, &count);
        struct training training = {record, jobs + first, &progress, options->log_steps};
        const struct pack_options pack_options = {.log_steps = options->log_steps,
                                                  .init = options->init,
                                                  .context = &training,
                                                  .finished = on_finished};
        progress_pack(&worker, group->label, group->work * count / until, 0);
        trained = pack_train(engine, dataset, jobs + first, count, &pack_options, &worker);
        if (!trained && error_kind() == ERROR_NO_MEMORY && count > 1) {
            width.slots = count / 2;
            progress_say(&progress, "%s: from now on at most %d at once", error_text(),
                         width.slots);
            progress_packs(&progress, 1 + pack_count(rest, width.slots) - pack_count(rest, count));
            for (int i = 0; i < count; i++)
                record_rewind(record, first + i);
            trained = true;
            count = 0; // none is done
        }
    }
    progress_end(&progress);
    free(jobs);
    return trained;
}

bool study_train(struct cell *cell, const struct train_options *options,
                 struct study_result *result)
{
    struct engine *engine = NULL;
    struct dataset *dataset = NULL;
    struct record record = {0};
    struct group group = group_of(cell);
    *result = (struct study_result){0};
    group.run_count = cell->until;
    group.work *= cell->until;
    if (!json_member(cell->options, "partition"))
        FAIL(
            "partition: is missing from the options: [[training subjects], [validation subjects]] "
            "is needed");
    CHECK(check_folder(options));
    CHECK(folder_check_inputs(cell, "options"));
    if (options->init && !file_exists(options->init))
        FAIL("%s: no such weights file", options->init);
    CHECK(engine_open(options->device, &engine));
    CHECK(cell_load_data(cell, &dataset));
    CHECK(folder_make(options->out));
    record_open(&record, cell, options->out);
    record_clean(&record);
    CHECK(run_packs(engine, dataset, options, &group, &record));
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
