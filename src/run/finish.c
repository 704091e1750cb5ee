// SPDX-License-Identifier: MIT
#include "run/finish.h"

#include "run/open_group.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"
#include "vkgrid/study/cell_files.h"
#include "vkgrid/study/labels.h"
#include "vkgrid/study/paths.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPTS 2 // a run that fails is tried once more

// The path within the study's folder of the cell's weights, of folds the first that has any; and
// where some are kept the names of all folds' files there, null for one that has none.
static void describe_weights(const struct campaign *campaign, const struct record *record,
                             bool keeps, cJSON *json)
{
    const size_t out = strlen(campaign->options->out) + 1;
    cJSON *list = cJSON_CreateArray(), *first = NULL;
    for (int i = 0; i < cell_network_count(&record->cell); i++) {
        char *path = study_weights(record->folder, &record->cell, i);
        const bool there = keeps && record->weights[i];
        cJSON_AddItemToArray(list, there ? cJSON_CreateString(strrchr(path, '/') + 1)
                                         : cJSON_CreateNull());
        if (there && !first)
            first = cJSON_CreateString(path + out);
        free(path);
    }
    cJSON_AddItemToObject(json, "weights", first ? first : cJSON_CreateNull());
    if (first && record->cell.folds > 0)
        cJSON_AddItemToObject(json, "fold_weights", list);
    else
        cJSON_Delete(list);
}

// The user attributes of a cell's trial.
static cJSON *describe_cell(const struct campaign *campaign, const struct pack *pack,
                            const struct device_info *device, const struct record *record,
                            const struct score *score, bool keeps)
{
    cJSON *json = cJSON_CreateObject();
    char text[HASH_TEXT];
    cJSON_AddStringToObject(json, "cell", record->cell.name);
    cJSON_AddNumberToObject(json, "seed", (double)record->cell.seed);
    cJSON_AddStringToObject(json, "device", device->name);
    cJSON_AddStringToObject(json, "driver", device->driver);
    cJSON_AddStringToObject(json, "vkgrid_version", vkgrid_version());
    cJSON_AddStringToObject(json, "data_fingerprint",
                            hash_print(dataset_fingerprint(pack->group->dataset), text));
    if (score->run >= 0) {
        cJSON_AddNumberToObject(json, "run", score->run);
        cJSON_AddNumberToObject(json, "round", score->round);
        cJSON_AddNumberToObject(json, "epoch", score->epoch);
        cJSON_AddNumberToObject(json, "loss", score->loss);
    }
    record_describe_kept(record, json);
    record_describe_over_runs(record, json);
    describe_weights(campaign, record, keeps, json);
    cJSON_AddNumberToObject(json, "failed_runs", score->failed);
    for (int i = 0; i < cell_run_count(&record->cell); i++)
        if (record->runs[i].state == TRIAL_FAIL && !json_member(json, "failure"))
            cJSON_AddStringToObject(json, "failure", record->runs[i].result.failure);
    return json;
}

// labels: their hard Dice in words, or NULL.
static void say_cell(struct campaign *campaign, const struct record *record,
                     const struct score *score, const char *labels)
{
    const struct leader *leader = leaders_of(&campaign->trials.leaders, &record->cell);
    static const enum progress_cell states[] = {[TRIAL_COMPLETE] = PROGRESS_DONE,
                                                [TRIAL_FAIL] = PROGRESS_FAILED,
                                                [TRIAL_PRUNED] = PROGRESS_PRUNED};
    progress_cell(&campaign->progress, states[score->state]);
    const bool leads = score_ranks(score) && leader->score.cell == score->cell;
    if (leads)
        progress_best(&campaign->progress, leader->task, score->cell, score->loss, score->value,
                      labels);
    char *text = score_text(score, campaign->trials.rank_by);
    if (score_ranks(score))
        progress_say(&campaign->progress, "%s: %s%s%s (%s)", record->cell.name, text,
                     labels ? ", " : "", labels ? labels : "",
                     leads ? "best so far" : "not the best");
    free(text);
}

struct cell_writing {
    const struct record *record;
    bool steps;
};

static bool write_cell(void *context)
{
    const struct cell_writing *writing = context;
    return cell_files_write(writing->record, writing->steps);
}

// The last run of a cell is over: its files, its trial, the ranking.
static bool finish_cell(struct campaign *campaign, const struct pack *pack,
                        const struct device_info *device, const struct job *job)
{
    const struct record *record = job->record;
    struct cell_writing writing = {record, campaign->options->log_steps};
    const struct study_listener *listener = campaign->options->listener;
    struct score score;
    if (!room_write(&campaign->room, write_cell, &writing))
        return false;
    record_score(record, &score);
    score_rank(&score, campaign->trials.rank_by);
    const int beaten = trials_finish(&campaign->trials, &record->cell, &score);
    const bool best = campaign->options->keep == KEEP_BEST;
    const bool keeps = record_has_weights(record) && !(best && beaten == score.cell);
    cJSON *attributes = describe_cell(campaign, pack, device, record, &score, keeps);
    const bool saved = saved_end(campaign->store, job, &score, attributes,
                                 best && beaten != score.cell ? beaten : -1);
    char *labels = labels_text(json_member(attributes, "labels"));
    cJSON_Delete(attributes);
    if (saved) {
        record_drop_overlaps(job->record);
        if (best && beaten >= 0)
            campaign_remove_weights(campaign, beaten);
        say_cell(campaign, record, &score, labels);
        campaign->report.ended = true;
    }
    free(labels);
    return saved && (!listener || listener->over(listener->context, score.cell));
}

struct weights_writing {
    struct record *record;
    int run;
    const struct tensors *weights;
};

static bool write_weights(void *context)
{
    const struct weights_writing *writing = context;
    return cell_files_weights(writing->record, writing->run, writing->weights);
}

static void remove_checkpoints(const struct campaign *campaign, const struct job *job)
{
    const struct run_record *run = job_run(job);
    char *name = study_checkpoints(campaign->options->out, job->record->cell.number, job->run);
    checkpoint_remove(name, &run->checkpoint, NULL);
    checkpoint_remove(name, &run->previous, NULL);
    free(name);
}

bool finish_run(struct campaign *campaign, const struct pack *pack,
                const struct device_info *device, const struct job *job,
                const struct tensors *weights)
{
    const struct run_record *run = job_run(job);
    struct weights_writing writing = {job->record, job->run, weights};
    if (weights && !room_write(&campaign->room, write_weights, &writing))
        return false;
    if (!(record_over(job->record) ? finish_cell(campaign, pack, device, job)
                                   : saved_end(campaign->store, job, NULL, NULL, -1)))
        return false;
    if (run->state != TRIAL_PRUNED)
        remove_checkpoints(campaign, job);
    return true;
}

bool finish_try_again(struct campaign *campaign, const struct job *job, const char *why)
{
    record_rewind(job->record, job->run);
    progress_say(&campaign->progress, "%s, run %d of %d: %s: tried again from %s",
                 job->record->cell.name, job->run + 1, cell_run_count(&job->record->cell), why,
                 job_run(job)->checkpoint.epochs_done > 0 ? "its last checkpoint"
                                                          : "the beginning");
    return saved_rewind(campaign->store, job);
}

bool finish_failed(struct campaign *campaign, const struct pack *pack,
                   const struct device_info *device, const struct job *job,
                   const struct run_result *result)
{
    record_note_failure(job->record, job->run, result);
    if (++job_run(job)->attempts < ATTEMPTS)
        return finish_try_again(campaign, job, result->failure);
    progress_say(&campaign->progress, "%s, run %d of %d: failed: %s", job->record->cell.name,
                 job->run + 1, cell_run_count(&job->record->cell), result->failure);
    job_run(job)->state = TRIAL_FAIL;
    return finish_run(campaign, pack, device, job, NULL);
}
