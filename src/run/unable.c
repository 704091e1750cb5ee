// SPDX-License-Identifier: MIT
#include "run/unable.h"

#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"
#include "vkgrid/study/cell_files.h"
#include "vkgrid/study/saved.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static bool has_begun(const struct record *record)
{
    for (int i = 0; i < cell_run_count(&record->cell); i++)
        if (record->runs[i].state != TRIAL_WAITING)
            return true;
    return false;
}

// The user attributes of the cell's trial.
static cJSON *describe(const struct record *record, const char *why)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "cell", record->cell.name);
    cJSON_AddNumberToObject(json, "seed", (double)record->cell.seed);
    cJSON_AddStringToObject(json, "vkgrid_version", vkgrid_version());
    cJSON_AddNullToObject(json, "weights");
    cJSON_AddNumberToObject(json, "failed_runs", cell_run_count(&record->cell));
    cJSON_AddStringToObject(json, "failure", why);
    cJSON_AddTrueToObject(json, "unable");
    return json;
}

static bool write_files(void *context)
{
    return cell_files_write(context, false);
}

static bool fail_cell(struct campaign *campaign, struct record *record, const char *why)
{
    const struct run_result result = {.failure = why};
    struct score score;
    for (int i = 0; i < cell_run_count(&record->cell); i++)
        record_end(record, i, TRIAL_FAIL, &result);
    record_score(record, &score);
    score.unable = true;
    cJSON *attributes = describe(record, why);
    const bool saved = room_write(&campaign->room, write_files, record) &&
                       saved_fail(campaign->store, record, &score, attributes);
    cJSON_Delete(attributes);
    if (!saved)
        return false;
    trials_finish(&campaign->trials, &record->cell, &score);
    return true;
}

// Whether the cell's failure says something else.
static bool differs(struct store *store, int number, const char *why, bool *other)
{
    cJSON *failure;
    if (!store_get_attribute(store, number, "failure", &failure))
        return false;
    *other = !cJSON_IsString(failure) || strcmp(failure->valuestring, why) != 0;
    cJSON_Delete(failure);
    return true;
}

static bool note_cell(struct campaign *campaign, int number, const char *why)
{
    struct score *score = &campaign->trials.scores[number];
    struct record record;
    struct cell cell;
    bool other = true;
    score->again = false; // what it is stays
    if (score->unable && !differs(campaign->store, number, why, &other))
        return false;
    if (!other)
        return true;
    if (!grid_cell(campaign->trials.grid, number, &cell))
        return false;
    char *folder = campaign_cell_folder(campaign, number);
    record_open(&record, &cell, folder);
    free(folder);
    bool noted = saved_read(campaign->store, &record);
    if (noted && !score->unable && has_begun(&record))
        score->unable = true;
    else if (noted)
        noted = fail_cell(campaign, &record, why);
    record_close(&record);
    return noted;
}

void unable_say(struct campaign *campaign, int count, const char *why)
{
    progress_say(&campaign->progress, "%d cell%s cannot be trained: %s", count,
                 count == 1 ? "" : "s", why);
}

bool unable_note(struct campaign *campaign, const int *cells, int count, const char *why)
{
    bool noted = true;
    for (int i = 0; noted && i < count; i++)
        noted = note_cell(campaign, cells[i], why);
    return noted;
}
