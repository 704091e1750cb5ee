// SPDX-License-Identifier: MIT
// Cells, runs and devices, as the database tells of them.
#include "report/database.h"
#include "report/parts.h"

#include "vkgrid/base/error.h"
#include "vkgrid/grid/grid.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

// A text of the database that must be JSON; NULL with a message when it is not.
static cJSON *parse_column(sqlite3_stmt *row, int column, const char *where)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    cJSON *json = NULL;
    if (!text)
        error_set("%s: is empty: JSON is allowed", where);
    else
        json_parse(text, (size_t)sqlite3_column_bytes(row, column), where, &json);
    return json;
}

// Two counts in the place of the subjects.
static void hide_subjects(cJSON *grid)
{
    cJSON *values = json_member(grid, "static"), *partition = json_member(values, "partition");
    if (!partition)
        return;
    const int counts[] = {cJSON_GetArraySize(cJSON_GetArrayItem(partition, 0)),
                          cJSON_GetArraySize(cJSON_GetArrayItem(partition, 1))};
    cJSON_ReplaceItemInObjectCaseSensitive(values, "partition", cJSON_CreateIntArray(counts, 2));
}

static bool read_study(void *context, sqlite3_stmt *row)
{
    const char *key = (const char *)sqlite3_column_text(row, 0);
    cJSON *value = key ? parse_column(row, 1, key) : NULL;
    if (!value)
        return error_prefix("vkgrid_study");
    if (strcmp(key, "grid") == 0)
        hide_subjects(value);
    cJSON_AddItemToObject(context, key, value);
    return true;
}

static bool read_dataset(void *context, sqlite3_stmt *row)
{
    cJSON_AddItemToArray(context, column_json(row, 0));
    return true;
}

struct reader {
    cJSON *models;
    cJSON *cells[GRID_CELLS]; // by number
};

static bool read_model(void *context, sqlite3_stmt *row)
{
    cJSON *model = cJSON_CreateObject();
    cJSON_AddItemToObject(model, "id", column_json(row, 0));
    cJSON_AddItemToObject(model, "name", column_json(row, 1));
    cJSON_AddArrayToObject(model, "cells");
    cJSON_AddItemToArray(((struct reader *)context)->models, model);
    return true;
}

static cJSON *find_model(const cJSON *models, double id)
{
    cJSON *model;
    cJSON_ArrayForEach(model, models)
    {
        if (cJSON_GetNumberValue(json_member(model, "id")) == id)
            return model;
    }
    return NULL;
}

static void add_columns(cJSON *object, sqlite3_stmt *row, int first, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        cJSON_AddItemToObject(object, names[i], column_json(row, first + i));
}

static bool read_cell(void *context, sqlite3_stmt *row)
{
    static const char *const names[] = {"cell", "state", "dice", "start", "end", NULL};
    struct reader *reader = context;
    const int number = sqlite3_column_int(row, 1);
    cJSON *model = find_model(reader->models, sqlite3_column_double(row, 0));
    if (number < 0 || number >= GRID_CELLS)
        return error_set("vkgrid_cells: cell %d: 0 to %d are allowed", number, GRID_CELLS - 1);
    if (!model)
        return error_set("vkgrid_cells: cell %d: its trial is of no study", number);
    cJSON *options = parse_column(row, 6, "options");
    if (!options || !json_expect_object(options, "options")) {
        cJSON_Delete(options);
        return error_prefix("vkgrid_cells: cell %d", number);
    }
    cJSON *cell = cJSON_CreateObject();
    add_columns(cell, row, 1, names);
    cJSON_AddItemToObject(cell, "options", options);
    cJSON_AddArrayToObject(cell, "runs");
    cJSON_AddItemToArray(json_member(model, "cells"), cell);
    reader->cells[number] = cell;
    return true;
}

// The cell of that number, if the study has it.
static cJSON *row_cell(const struct reader *reader, sqlite3_stmt *row)
{
    const int number = sqlite3_column_int(row, 0);
    return number >= 0 && number < GRID_CELLS ? reader->cells[number] : NULL;
}

static bool read_attribute(void *context, sqlite3_stmt *row)
{
    cJSON *cell = row_cell(context, row);
    const char *key = (const char *)sqlite3_column_text(row, 1);
    if (!cell || !key || json_member(cell, key))
        return true;
    cJSON *value = parse_column(row, 2, key);
    if (!value)
        return error_prefix("trial_user_attributes: cell %d", sqlite3_column_int(row, 0));
    cJSON_AddItemToObject(cell, key, value);
    return true;
}

static bool read_run(void *context, sqlite3_stmt *row)
{
    cJSON *cell = row_cell(context, row), *run;
    if (!cell)
        return true;
    run = cJSON_CreateArray();
    for (int i = 1; i < sqlite3_column_count(row); i++)
        cJSON_AddItemToArray(run, column_json(row, i));
    cJSON_AddItemToArray(json_member(cell, "runs"), run);
    return true;
}

static bool read_device(void *context, sqlite3_stmt *row)
{
    cJSON *device = cJSON_CreateArray();
    for (int i = 0; i < sqlite3_column_count(row); i++)
        cJSON_AddItemToArray(device, column_json(row, i));
    cJSON_AddItemToArray(context, device);
    return true;
}

// Epochs of a pack's runs have the same seconds to the last bit: they were done in that time
// together.
static const char devices_sql[] =
    "SELECT device, driver, study_name, sum(runs), sum(seconds) FROM ("
    "SELECT r.device, r.driver, t.study_id, e.seconds, count(*) AS runs FROM vkgrid_epochs e "
    "JOIN vkgrid_runs r USING (cell, run) JOIN vkgrid_cells c USING (cell) "
    "JOIN trials t USING (trial_id) GROUP BY r.device, r.driver, t.study_id, e.step, e.seconds) "
    "JOIN studies USING (study_id) GROUP BY device, driver, study_id ORDER BY device, study_id";

static bool read_cells(const struct database *database, struct reader *reader)
{
    return database_each(database, "SELECT study_id, study_name FROM studies ORDER BY study_id",
                         read_model, reader) &&
           database_each(database,
                         "SELECT t.study_id, c.cell, t.state, v.value, t.datetime_start, "
                         "t.datetime_complete, c.options FROM vkgrid_cells c "
                         "JOIN trials t USING (trial_id) LEFT JOIN trial_values v "
                         "ON v.trial_id = t.trial_id AND v.objective = 0 ORDER BY c.cell",
                         read_cell, reader) &&
           database_each(database,
                         "SELECT c.cell, a.\"key\", a.value_json FROM vkgrid_cells c "
                         "JOIN trial_user_attributes a USING (trial_id) WHERE a.\"key\" IN ('run', "
                         "'round', 'epoch', 'loss', 'device', 'weights', 'failed_runs', 'failure')",
                         read_attribute, reader) &&
           database_each(database,
                         "SELECT cell, run, state, attempts, device, best_round, loss, dice, "
                         "seconds, failure FROM vkgrid_runs ORDER BY cell, run",
                         read_run, reader);
}

bool study_json(const struct database *database, struct cJSON *data)
{
    struct reader *reader = mem_zalloc(1, sizeof(*reader));
    cJSON *study = cJSON_AddObjectToObject(data, "study");
    cJSON *datasets = cJSON_AddArrayToObject(data, "datasets");
    reader->models = cJSON_AddArrayToObject(data, "models");
    const bool read =
        database_each(database, "SELECT \"key\", value FROM vkgrid_study", read_study, study) &&
        database_each(database, "SELECT DISTINCT fingerprint FROM vkgrid_datasets", read_dataset,
                      datasets) &&
        read_cells(database, reader) &&
        database_each(database, devices_sql, read_device, cJSON_AddArrayToObject(data, "devices"));
    free(reader);
    return read;
}
