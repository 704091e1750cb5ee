// SPDX-License-Identifier: MIT
#include "run/open_group.h"

#include "run/fold_data.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/summary.h"
#include "vkgrid/study/cell_files.h"
#include "vkgrid/study/paths.h"
#include "vkgrid/study/weights_note.h"
#include "vkgrid/train/train.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool group_name_data(const struct campaign *campaign, struct open_group *open)
{
    struct cell cell;
    if (!grid_cell(campaign->trials.grid, open->group->cells[0], &cell))
        return false;
    open->data_key = cell_data_key(&cell);
    open->data = text_copy(cell.data);
    cell_free(&cell);
    return true;
}

bool group_share_data(struct campaign *campaign, struct open_group *open)
{
    for (int i = 0; !open->dataset && i < campaign->groups.count; i++) {
        const struct open_group *other = &campaign->open[i];
        if (other->state == GROUP_OPEN && strcmp(other->data_key, open->data_key) == 0)
            open->dataset = other->dataset;
    }
    if (!open->dataset && campaign->spare && strcmp(campaign->spare_key, open->data_key) == 0) {
        open->dataset = campaign->spare;
        campaign->spare = NULL;
    }
    if (!open->dataset) // no two of them are in memory for one device
        dataset_free(&campaign->spare);
    return open->dataset;
}

bool group_load_data(const struct campaign *campaign, struct open_group *open)
{
    struct cell cell;
    if (!grid_cell(campaign->trials.grid, open->group->cells[0], &cell))
        return false;
    const bool loaded = cell_load_data(&cell, NULL, &open->dataset);
    cell_free(&cell);
    return loaded;
}

bool study_check_data(const struct campaign *campaign, const char *key, const char *folder,
                      const struct dataset *dataset, bool *same)
{
    const uint64_t now = dataset_fingerprint(dataset);
    char here[HASH_TEXT], there[HASH_TEXT];
    uint64_t earlier = 0;
    if (campaign->store && !store_get_dataset(campaign->store, key, &earlier))
        return false;
    *same = earlier == 0 || earlier == now ||
            error_set(
                "%s: is not the data that the study began with (fingerprint %s, was %s): -d DIR "
                "with those, or another folder (-o), is needed",
                folder, hash_print(now, here), hash_print(earlier, there));
    return true;
}

static bool find_folds(const struct campaign *campaign, struct open_group *open)
{
    struct cell cell;
    if (!grid_cell(campaign->trials.grid, open->group->cells[0], &cell))
        return false;
    open->fold_count = cell.folds;
    open->folds = cell.folds > 0 ? data_folds(&cell, open->dataset) : NULL;
    cell_free(&cell);
    return true;
}

bool group_check_data(const struct campaign *campaign, struct open_group *open, bool *good)
{
    struct unet_shape shape = open->group->shape;
    shape.count = open->dataset->count;
    shape.training_count = open->dataset->training_count;
    if (!study_check_data(campaign, open->data_key, open->data, open->dataset, good))
        return false;
    *good = *good && find_folds(campaign, open) &&
            fold_data_check(&shape, open->folds, open->fold_count);
    return true;
}

const struct data_fold *group_fold(const struct open_group *open, const struct job *job)
{
    const int fold = cell_fold(&job->record->cell, job->run);
    return fold < 0 ? NULL : &open->folds[fold];
}

static bool put_dataset(struct store *store, void *context)
{
    const struct open_group *open = context;
    const struct dataset *dataset = open->dataset;
    cJSON *images = fold_data_images(dataset, open->folds, open->fold_count);
    const bool put = store_put_dataset(store, open->data_key, dataset_fingerprint(dataset), images);
    cJSON_Delete(images);
    return put;
}

// A study that is not there yet begins with the data.
static bool note_data(const struct campaign *campaign, struct open_group *open)
{
    bool known;
    return store_has_images(campaign->store, open->data_key, &known) &&
           (known || store_transaction(campaign->store, put_dataset, open));
}

// {inputs_prediction: {"count", "samples", "names"}}
static bool put_left_out(struct store *store, void *context)
{
    const struct open_group *open = context;
    const struct dataset *dataset = open->dataset;
    cJSON *all, *one = cJSON_CreateObject();
    char *task = cell_task(&open->records[0].cell);
    cJSON_AddNumberToObject(one, "count", dataset->left_out);
    cJSON_AddNumberToObject(one, "samples", dataset->count + dataset->left_out);
    cJSON_AddStringToObject(one, "names", dataset->left_out_names);
    bool good = store_get(store, "left_out", &all);
    if (!cJSON_IsObject(all)) {
        cJSON_Delete(all);
        all = cJSON_CreateObject();
    }
    cJSON_DeleteItemFromObjectCaseSensitive(all, task);
    cJSON_AddItemToObject(all, task, one);
    good = good && store_put(store, "left_out", all);
    cJSON_Delete(all);
    free(task);
    return good;
}

// Each line once in a search.
static void tell_data(struct campaign *campaign, const char *text)
{
    char *line = text_format("\n%s\n", text);
    if (!campaign->told.bytes || !strstr(campaign->told.bytes, line)) {
        text_add(&campaign->told, "%s", line);
        if (!campaign->options->quiet)
            progress_say(&campaign->progress, "data: %s", text);
    }
    free(line);
}

void tell_sources(struct campaign *campaign, const struct dataset *dataset)
{
    for (int i = 0; dataset->summaries && i < dataset->features + dataset->labels; i++) {
        char *text = summary_text(dataset, &dataset->summaries[i]);
        tell_data(campaign, text);
        free(text);
    }
}

static void tell_test(struct campaign *campaign, const struct cell *cell)
{
    const cJSON *test = cJSON_GetArrayItem(json_member(cell->options, "partition"), 2);
    const int count = cJSON_GetArraySize(test);
    if (count == 0)
        return;
    char *text = text_format("%d subject%s kept for the test: vkgrid evaluate takes %s", count,
                             count == 1 ? " is" : "s are", count == 1 ? "it" : "them");
    tell_data(campaign, text);
    free(text);
}

// Whoever mistyped a name shall learn of it, --quiet or not.
static bool tell_left_out(struct campaign *campaign, struct open_group *open)
{
    if (!open->left_out)
        return true;
    if (campaign->options->quiet)
        fprintf(stderr, "%s: %s\n", open->group->label, open->left_out);
    else
        progress_say(&campaign->progress, "%s: %s", open->group->label, open->left_out);
    return store_transaction(campaign->store, put_left_out, open);
}

static void note_statistics(struct open_group *open, const struct cell *cell)
{
    const int count = cell_network_count(cell);
    open->statistics = mem_zalloc((size_t)count, sizeof(open->statistics[0]));
    for (int i = 0; i < count; i++) {
        const struct data_fold *fold = open->folds ? &open->folds[i] : NULL;
        open->statistics[i] = weights_statistics_note(
            cell, open->dataset, fold ? fold->samples : NULL, fold ? fold->training_count : 0);
    }
}

static bool open_cell(struct campaign *campaign, struct open_group *open, int index)
{
    struct record *record = &open->records[index];
    struct cell cell;
    if (!grid_cell(campaign->trials.grid, open->group->cells[index], &cell))
        return false;
    char *folder = campaign_cell_folder(campaign, cell.number);
    if (!open->statistics)
        note_statistics(open, &cell);
    record_open(record, &cell, folder);
    free(folder);
    record->left_out = open->left_out;
    record->statistics = open->statistics;
    record->reopened = campaign->trials.scores[record->cell.number].reopened;
    if (!saved_load(campaign->store, record))
        return false;
    cell_files_clean(record);
    for (int i = 0; i < cell_run_count(&record->cell); i++) {
        const enum trial_state state = record->runs[i].state;
        if (state != TRIAL_COMPLETE && state != TRIAL_FAIL &&
            !(record->reopened && state == TRIAL_PRUNED))
            open->jobs[open->job_count++] = (struct job){.record = record, .run = i};
    }
    return true;
}

bool group_open(struct campaign *campaign, struct open_group *open)
{
    const struct group *group = open->group;
    open->records = mem_zalloc((size_t)group->cell_count, sizeof(*open->records));
    open->jobs = mem_zalloc((size_t)group->run_count + 1, sizeof(*open->jobs));
    open->taken = mem_zalloc((size_t)group->run_count + 1, sizeof(*open->taken));
    if (!note_data(campaign, open))
        return false;
    open->left_out = dataset_left_out(open->dataset);
    for (int i = 0; i < group->cell_count; i++)
        if (!open_cell(campaign, open, i))
            return false;
    tell_sources(campaign, open->dataset);
    tell_test(campaign, &open->records[0].cell);
    if (!tell_left_out(campaign, open))
        return false;
    open->state = GROUP_OPEN;
    return true;
}

// Whether another group has it too, one whose opening failed included.
static bool is_shared(const struct campaign *campaign, const struct open_group *open)
{
    for (int i = 0; i < campaign->groups.count; i++)
        if (&campaign->open[i] != open && campaign->open[i].dataset == open->dataset)
            return true;
    return false;
}

static bool is_wanted(const struct campaign *campaign, const struct open_group *open)
{
    for (int i = 0; i < campaign->groups.count; i++)
        if (campaign->open[i].state == GROUP_CLOSED &&
            strcmp(campaign->open[i].data_key, open->data_key) == 0)
            return true;
    return false;
}

static void give_data_back(struct campaign *campaign, struct open_group *open)
{
    if (!open->dataset || is_shared(campaign, open))
        return;
    if (!campaign->keeps_data && !is_wanted(campaign, open)) {
        dataset_free(&open->dataset);
        return;
    }
    dataset_free(&campaign->spare);
    free(campaign->spare_key);
    campaign->spare = open->dataset;
    campaign->spare_key = text_copy(open->data_key);
}

void group_close(struct campaign *campaign, struct open_group *open)
{
    give_data_back(campaign, open);
    for (int i = 0; open->records && i < open->group->cell_count; i++)
        record_close(&open->records[i]);
    free(open->records);
    free(open->jobs);
    free(open->taken);
    free(open->data_key);
    free(open->data);
    free(open->left_out);
    for (int i = 0; open->statistics && i < (open->fold_count ? open->fold_count : 1); i++)
        free(open->statistics[i]);
    free(open->statistics);
    data_folds_free(&open->folds, open->fold_count);
    *open = (struct open_group){.group = open->group, .state = GROUP_OVER};
}
