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

// --- Cells that fail together -------------------------------------------------------------------

#define BATCH 1000 // cells of a transaction

struct batch {
    struct campaign *campaign;
    const char *why;
    int count;
    struct record records[BATCH];
    struct score scores[BATCH];
    struct saved_failure failures[BATCH];
};

static bool add_failure(struct batch *batch, struct record *record)
{
    const int i = batch->count;
    const struct run_result result = {.failure = batch->why};
    for (int run = 0; run < cell_run_count(&record->cell); run++)
        record_end(record, run, TRIAL_FAIL, &result);
    batch->records[i] = *record; // taken over
    batch->count++;
    record = &batch->records[i];
    record_score(record, &batch->scores[i]);
    batch->scores[i].unable = true;
    batch->failures[i] =
        (struct saved_failure){record, &batch->scores[i], describe(record, batch->why)};
    return room_write(&batch->campaign->room, write_files, record);
}

// Those that are there.
static bool write_batch(struct batch *batch)
{
    const bool saved =
        batch->count == 0 || saved_fail(batch->campaign->store, batch->failures, batch->count);
    for (int i = 0; saved && i < batch->count; i++)
        trials_finish(&batch->campaign->trials, &batch->records[i].cell, &batch->scores[i]);
    return saved;
}

static void clear_batch(struct batch *batch)
{
    for (int i = 0; i < batch->count; i++) {
        cJSON_Delete((cJSON *)batch->failures[i].attributes);
        record_close(&batch->records[i]);
    }
    batch->count = 0;
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

static bool note_cell(struct batch *batch, int number)
{
    struct campaign *campaign = batch->campaign;
    struct score *score = &campaign->trials.scores[number];
    struct record record;
    struct cell cell;
    bool other = true;
    score->again = false; // what it is stays
    if (score->unable && !differs(campaign->store, number, batch->why, &other))
        return false;
    if (!other)
        return true;
    if (!grid_cell(campaign->trials.grid, number, &cell))
        return false;
    char *folder = campaign_cell_folder(campaign, number);
    record_open(&record, &cell, folder);
    free(folder);
    const bool read = saved_read(campaign->store, &record);
    if (read && (score->unable || !has_begun(&record)))
        return add_failure(batch, &record);
    if (read)
        score->unable = true;
    record_close(&record);
    return read;
}

void unable_say(struct campaign *campaign, int count, const char *why)
{
    progress_say(&campaign->progress, "%d cell%s cannot be trained: %s", count,
                 count == 1 ? "" : "s", why);
}

bool unable_note(struct campaign *campaign, const int *cells, int count, const char *why)
{
    struct batch *batch = mem_zalloc(1, sizeof(*batch));
    bool noted = true;
    batch->campaign = campaign;
    batch->why = why;
    for (int i = 0; noted && i < count; i++) {
        noted = note_cell(batch, cells[i]);
        if (noted && (batch->count == BATCH || i == count - 1)) {
            noted = write_batch(batch);
            clear_batch(batch);
        }
    }
    clear_batch(batch);
    free(batch);
    return noted;
}
