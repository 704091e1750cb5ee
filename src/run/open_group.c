// SPDX-License-Identifier: MIT
#include "run/open_group.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/study/cell_files.h"
#include "vkgrid/study/paths.h"

#include <stdlib.h>

bool group_load_data(const struct campaign *campaign, struct open_group *open)
{
    struct cell cell;
    if (!grid_cell(campaign->trials.grid, open->group->cells[0], &cell))
        return false;
    open->data_key = cell_data_key(&cell);
    open->data = text_copy(cell.data);
    const bool loaded = cell_load_data(&cell, &open->dataset);
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

static bool open_cell(struct campaign *campaign, struct open_group *open, int index)
{
    struct record *record = &open->records[index];
    struct cell cell;
    if (!grid_cell(campaign->trials.grid, open->group->cells[index], &cell))
        return false;
    char *folder = campaign_cell_folder(campaign, cell.number);
    record_open(record, &cell, folder);
    free(folder);
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
    if (open->dataset->left_out > 0)
        progress_say(&campaign->progress, "%s: %d samples have no files and are left out",
                     group->label, open->dataset->left_out);
    for (int i = 0; i < group->cell_count; i++)
        if (!open_cell(campaign, open, i))
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
    dataset_free(&open->dataset);
    *open = (struct open_group){.group = open->group, .state = GROUP_OVER};
}
