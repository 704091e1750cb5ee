// SPDX-License-Identifier: MIT
#include "run/open_group.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/summary.h"
#include "vkgrid/study/cell_files.h"
#include "vkgrid/study/paths.h"
#include "vkgrid/study/weights_note.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool group_load_data(const struct campaign *campaign, struct open_group *open)
{
    struct cell cell;
    if (!grid_cell(campaign->trials.grid, open->group->cells[0], &cell))
        return false;
    open->data_key = cell_data_key(&cell);
    open->data = text_copy(cell.data);
    const bool loaded = cell_load_data(&cell, &open->dataset);
    if (loaded)
        open->statistics = weights_statistics_note(&cell, open->dataset);
    cell_free(&cell);
    return loaded;
}

bool group_check_data(const struct campaign *campaign, const struct open_group *open)
{
    const uint64_t now = dataset_fingerprint(open->dataset);
    char here[HASH_TEXT], there[HASH_TEXT];
    uint64_t earlier = 0;
    if (campaign->store && !store_get_dataset(campaign->store, open->data_key, &earlier))
        return false;
    return earlier == 0 || earlier == now ||
           error_set(
               "%s: is not the data that the study began with (fingerprint %s, was %s): "
               "another folder (-o) or --overwrite is needed",
               open->data, hash_print(now, here), hash_print(earlier, there));
}

static bool put_fingerprint(struct store *store, void *context)
{
    const struct open_group *open = context;
    return store_put_dataset(store, open->data_key, dataset_fingerprint(open->dataset));
}

// A study that is not there yet begins with the data.
static bool note_data(const struct campaign *campaign, struct open_group *open)
{
    uint64_t earlier;
    return store_get_dataset(campaign->store, open->data_key, &earlier) &&
           (earlier != 0 || store_transaction(campaign->store, put_fingerprint, open));
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

// What was read, each source once in a search.
static void tell_sources(struct campaign *campaign, const struct dataset *dataset)
{
    for (int i = 0; dataset->summaries && i < dataset->features + dataset->labels; i++) {
        char *text = summary_text(dataset, &dataset->summaries[i]),
             *line = text_format("\n%s\n", text);
        if (!campaign->told.bytes || !strstr(campaign->told.bytes, line)) {
            text_add(&campaign->told, "%s", line);
            if (!campaign->options->quiet)
                progress_say(&campaign->progress, "data: %s", text);
        }
        free(line);
        free(text);
    }
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

static bool open_cell(struct campaign *campaign, struct open_group *open, int index)
{
    struct record *record = &open->records[index];
    struct cell cell;
    if (!grid_cell(campaign->trials.grid, open->group->cells[index], &cell))
        return false;
    char *folder = campaign_cell_folder(campaign, cell.number);
    record_open(record, &cell, folder);
    free(folder);
    record->left_out = open->left_out;
    record->statistics = open->statistics;
    if (!saved_load(campaign->store, record))
        return false;
    cell_files_clean(record);
    for (int i = 0; i < record->cell.until; i++) {
        const enum trial_state state = record->runs[i].state;
        if (state != TRIAL_COMPLETE && state != TRIAL_FAIL)
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
    if (!group_check_data(campaign, open) || !note_data(campaign, open))
        return false;
    open->left_out = dataset_left_out(open->dataset);
    for (int i = 0; i < group->cell_count; i++)
        if (!open_cell(campaign, open, i))
            return false;
    tell_sources(campaign, open->dataset);
    if (!tell_left_out(campaign, open))
        return false;
    open->state = GROUP_OPEN;
    return true;
}

void group_close(struct open_group *open)
{
    for (int i = 0; open->records && i < open->group->cell_count; i++)
        record_close(&open->records[i]);
    free(open->records);
    free(open->jobs);
    free(open->taken);
    free(open->data_key);
    free(open->data);
    free(open->left_out);
    free(open->statistics);
    dataset_free(&open->dataset);
    *open = (struct open_group){.group = open->group, .state = GROUP_OVER};
}
