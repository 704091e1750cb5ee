// SPDX-License-Identifier: MIT
// Cells, runs and devices, as the database tells of them.
#include "report/choice.h"
#include "report/parts.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/grid.h"
#include "vkgrid/store/queries.h"
#include "vkgrid/study/labels.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

// Counts in the place of the subjects.
static void hide_subjects(cJSON *grid)
{
    cJSON *values = json_member(grid, "static"), *partition = json_member(values, "partition");
    if (!partition)
        return;
    cJSON *counts = cJSON_CreateArray();
    const cJSON *list;
    cJSON_ArrayForEach(list, partition)
    {
        cJSON_AddItemToArray(counts, cJSON_CreateNumber(cJSON_GetArraySize(list)));
    }
    cJSON_ReplaceItemInObjectCaseSensitive(values, "partition", counts);
}

// Of what was left out the counts stay.
static void hide_names(cJSON *left_out)
{
    cJSON *task;
    cJSON_ArrayForEach(task, left_out)
    {
        cJSON_DeleteItemFromObjectCaseSensitive(task, "names");
    }
}

static bool read_value(void *context, const struct view_value *row)
{
    cJSON *value = row->key ? json_text_parse(&row->json, row->key) : NULL;
    if (!value)
        return error_prefix("vkgrid_study");
    if (strcmp(row->key, "grid") == 0)
        hide_subjects(value);
    if (strcmp(row->key, "left_out") == 0)
        hide_names(value);
    cJSON_AddItemToObject(context, row->key, value);
    return true;
}

static bool read_dataset(void *context, const char *fingerprint)
{
    cJSON_AddItemToArray(context, view_text_json(fingerprint));
    return true;
}

struct reader {
    const struct page_choice *choice; // or NULL
    cJSON *tasks;
    cJSON *cells[GRID_CELLS]; // by number
};

static bool read_task(void *context, const struct view_task *row)
{
    cJSON *task = cJSON_CreateObject();
    cJSON_AddItemToObject(task, "id", view_number_json(row->id));
    cJSON_AddItemToObject(task, "name", view_text_json(row->name));
    cJSON_AddArrayToObject(task, "cells");
    cJSON_AddItemToArray(((struct reader *)context)->tasks, task);
    return true;
}

static cJSON *find_task(const cJSON *tasks, double id)
{
    cJSON *task;
    cJSON_ArrayForEach(task, tasks)
    {
        if (cJSON_GetNumberValue(json_member(task, "id")) == id)
            return task;
    }
    return NULL;
}

// Of a cell of a page that has not all of them.
static void add_place(cJSON *cell, const struct page_choice *choice, int number)
{
    if (choice->ranks[number] > 0)
        cJSON_AddNumberToObject(cell, "rank", choice->ranks[number]);
    if (choice->even[number])
        cJSON_AddTrueToObject(cell, "even");
}

static bool read_cell(void *context, const struct view_cell *row)
{
    struct reader *reader = context;
    cJSON *task = find_task(reader->tasks, row->task);
    if (row->cell < 0 || row->cell >= GRID_CELLS)
        return error_set("vkgrid_cells: cell %d: 0 to %d are allowed", row->cell, GRID_CELLS - 1);
    if (!task)
        return error_set("vkgrid_cells: cell %d: its trial is of no study", row->cell);
    cJSON *options = json_text_parse(&row->options, "options");
    if (!options || !json_expect_object(options, "options")) {
        cJSON_Delete(options);
        return error_prefix("vkgrid_cells: cell %d", row->cell);
    }
    cJSON *cell = cJSON_CreateObject();
    cJSON_AddNumberToObject(cell, "cell", row->cell);
    cJSON_AddItemToObject(cell, "state", view_text_json(row->state));
    cJSON_AddItemToObject(cell, "dice", view_number_json(row->dice));
    cJSON_AddItemToObject(cell, "start", view_text_json(row->start));
    cJSON_AddItemToObject(cell, "end", view_text_json(row->end));
    cJSON_AddItemToObject(cell, "options", options);
    cJSON_AddArrayToObject(cell, "runs");
    if (row->reopened)
        cJSON_AddTrueToObject(cell, "reopened");
    if (reader->choice && reader->choice->rows)
        add_place(cell, reader->choice, row->cell);
    cJSON_AddItemToArray(json_member(task, "cells"), cell);
    reader->cells[row->cell] = cell;
    return true;
}

// {"cell", "state", "dice", "options"} of a cell that the grid has no more.
static bool read_outside(void *context, const struct view_cell *row)
{
    cJSON *cell = cJSON_CreateObject(), *options = json_text_parse(&row->options, "options");
    cJSON_AddNumberToObject(cell, "cell", row->cell);
    cJSON_AddItemToObject(cell, "state", view_text_json(row->state));
    cJSON_AddItemToObject(cell, "dice", view_number_json(row->dice));
    cJSON_AddItemToObject(cell, "options", options ? options : cJSON_CreateObject());
    cJSON_AddItemToArray(context, cell);
    return options || error_prefix("vkgrid_cells: cell %d", row->cell);
}

// The cell of that number, if the study has it.
static cJSON *find_cell(const struct reader *reader, int number)
{
    return number >= 0 && number < GRID_CELLS ? reader->cells[number] : NULL;
}

static bool read_attribute(void *context, const struct view_attribute *row)
{
    cJSON *cell = find_cell(context, row->cell);
    if (!cell || !row->key || json_member(cell, row->key) ||
        strcmp(row->key, "fold_weights") == 0) // of many cells long, and of no use here
        return true;
    cJSON *value = json_text_parse(&row->json, row->key);
    if (!value)
        return error_prefix("trial_user_attributes: cell %d", row->cell);
    if (strcmp(row->key, "labels") == 0) {
        cJSON_AddItemToObject(cell, "labels", labels_checked(value));
        cJSON_Delete(value);
    } else {
        cJSON_AddItemToObject(cell, row->key, value);
    }
    return true;
}

static bool read_run(void *context, const struct view_run *row)
{
    cJSON *cell = find_cell(context, row->cell);
    if (!cell)
        return true;
    cJSON *run = cJSON_CreateArray();
    cJSON_AddItemToArray(run, cJSON_CreateNumber(row->run));
    cJSON_AddItemToArray(run, view_text_json(row->state));
    cJSON_AddItemToArray(run, cJSON_CreateNumber(row->attempts));
    cJSON_AddItemToArray(run, view_text_json(row->device));
    cJSON_AddItemToArray(run, view_number_json(row->best_round));
    cJSON_AddItemToArray(run, view_number_json(row->loss));
    cJSON_AddItemToArray(run, view_number_json(row->dice));
    cJSON_AddItemToArray(run, view_number_json(row->seconds));
    cJSON_AddItemToArray(run, view_text_json(row->failure));
    cJSON_AddItemToArray(json_member(cell, "runs"), run);
    return true;
}

static bool read_device(void *context, const struct view_device *row)
{
    cJSON *device = cJSON_CreateArray();
    cJSON_AddItemToArray(device, view_text_json(row->device));
    cJSON_AddItemToArray(device, view_text_json(row->driver));
    cJSON_AddItemToArray(device, view_text_json(row->task));
    cJSON_AddItemToArray(device, view_number_json(row->epochs));
    cJSON_AddItemToArray(device, view_number_json(row->seconds));
    cJSON_AddItemToArray(context, device);
    return true;
}

static bool read_tasks(struct store_view *view, struct reader *reader)
{
    return view_tasks(view, read_task, reader) && view_cells(view, read_cell, reader) &&
           view_runs(view, read_run, reader);
}

bool scores_read(struct store_view *view, struct cJSON *data)
{
    struct reader *reader = mem_zalloc(1, sizeof(*reader));
    reader->tasks = cJSON_AddArrayToObject(data, "tasks");
    const bool read = read_tasks(view, reader);
    free(reader);
    return read;
}

bool cells_read(struct store_view *view, const struct page_choice *choice, struct cJSON *data)
{
    struct reader *reader = mem_zalloc(1, sizeof(*reader));
    reader->choice = choice;
    cJSON *study = cJSON_AddObjectToObject(data, "study");
    cJSON *datasets = cJSON_AddArrayToObject(data, "datasets");
    reader->tasks = cJSON_AddArrayToObject(data, "tasks");
    const bool read = view_values(view, read_value, study) &&
                      view_datasets(view, read_dataset, datasets) && read_tasks(view, reader) &&
                      view_outside(view, read_outside, cJSON_AddArrayToObject(data, "outside")) &&
                      view_attributes(view, read_attribute, reader) &&
                      view_devices(view, read_device, cJSON_AddArrayToObject(data, "devices")) &&
                      page_totals(view, choice, data);
    free(reader);
    return read;
}
