// SPDX-License-Identifier: MIT
// The grid file: its keys, its axes, its cells.
#include "vkgrid/grid/grid.h"

#include "vkgrid/grid/alike.h"
#include "vkgrid/grid/axis.h"
#include "grid/cell_keys.h"
#include "grid/normal_form.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool check_value(const cJSON *value, const char *key, const char *at)
{
    struct cell ignored = {0};
    return cell_key_find(key)->read(value, at, &ignored);
}

static bool check_static(const struct grid *grid, const cJSON *values)
{
    const cJSON *value;
    const char *where = grid->where;
    const bool cell = grid->sampler == SAMPLER_CELL;
    char at[512];
    snprintf(at, sizeof(at), "%s: static", where);
    if (!json_expect_object(values, at) || !json_expect_keys(values, at, cell_key_names(cell)))
        return false;
    cJSON_ArrayForEach(value, values)
    {
        snprintf(at, sizeof(at), "%s: static.%s", where, value->string);
        if (!check_value(value, value->string, at))
            return false;
    }
    return true;
}

static bool read_axes(struct grid *grid)
{
    const cJSON *lists = json_member(grid->json, "hyper"), *list;
    char at[512];
    snprintf(at, sizeof(at), "%s: hyper", grid->where);
    if (!json_expect_object(lists, at) || !json_expect_keys(lists, at, cell_key_names(false)))
        return false;
    grid->axes = mem_zalloc((size_t)cJSON_GetArraySize(lists) + 1, sizeof(*grid->axes));
    cJSON_ArrayForEach(list, lists)
    {
        snprintf(at, sizeof(at), "%s: hyper.%s", grid->where, list->string);
        if (json_member(json_member(grid->json, "static"), list->string))
            return error_set("%s: stands in static too: a key is allowed in one of them", at);
        const enum presence presence = cell_key_find(list->string)->presence;
        if (presence != KEY_REQUIRED && presence != KEY_OPTIONAL)
            return error_set("%s: is for the whole study: allowed in static only", at);
        if (!axis_read(list, at, &grid->axes[grid->axis_count++]))
            return false;
    }
    return true;
}

static bool count_combinations(struct grid *grid)
{
    grid->cell_count = 1;
    for (int i = 0; i < grid->axis_count; i++) {
        const struct axis *axis = &grid->axes[i];
        if (!axis->list)
            return error_set(
                "%s: hyper.%s: is a range: a list is allowed, or --sampler random or --from-optuna",
                grid->where, axis->key);
        if (axis->count > GRID_CELLS / grid->cell_count)
            return error_set("%s: hyper: more than the %d cells that are allowed", grid->where,
                             GRID_CELLS);
        grid->cell_count *= axis->count;
    }
    return true;
}

static bool count_cells(struct grid *grid, int trials)
{
    if (grid->sampler == SAMPLER_GRID || grid->sampler == SAMPLER_CELL)
        return count_combinations(grid);
    if (grid->sampler == SAMPLER_RANDOM && (trials < 1 || trials > GRID_CELLS))
        return error_set("%s: --sampler random needs --trials, a whole number from 1 to %d",
                         grid->where, GRID_CELLS);
    grid->cell_count = grid->sampler == SAMPLER_RANDOM ? trials : 0;
    return true;
}

// Puts a value of the command line (or NULL: none) into static.
static bool override(struct grid *grid, const char *key, const char *option, cJSON *value)
{
    cJSON *values = json_member(grid->json, "static");
    if (!value)
        return true;
    if (json_member(json_member(grid->json, "hyper"), key)) {
        cJSON_Delete(value);
        return error_set("%s: hyper.%s: the grid varies it, so that %s is not allowed", grid->where,
                         key, option);
    }
    cJSON_DeleteItemFromObjectCaseSensitive(values, key);
    cJSON_AddItemToObject(values, key, value);
    return true;
}

static bool apply_settings(struct grid *grid, const struct grid_settings *settings)
{
    if (settings->pretrained && !pretrained_parse(settings->pretrained, &grid->pretrained))
        return false;
    return override(grid, "data_cache_path", "--data",
                    settings->data ? cJSON_CreateString(settings->data) : NULL) &&
           override(grid, "precision", "--precision",
                    settings->precision ? cJSON_CreateString(settings->precision) : NULL) &&
           override(grid, "seed", "--seed",
                    settings->seed ? cJSON_CreateNumber((double)*settings->seed) : NULL);
}

static int stream_of(const struct grid *grid, int number)
{
    return grid->streams && number < grid->cell_count ? grid->streams[number] : number;
}

// The options of a cell with these values of the axes. The caller deletes them.
static cJSON *make_options(const struct grid *grid, int number, const cJSON *values)
{
    cJSON *options = cJSON_Duplicate(json_member(grid->json, "static"), true);
    const cJSON *value;
    cJSON_ArrayForEach(value, values)
    {
        cJSON_DeleteItemFromObjectCaseSensitive(options,
                                                value->string); // of a cell outside the grid
        cJSON_AddItemToObject(options, value->string, cJSON_Duplicate(value, true));
    }
    if (grid->pretrained && cJSON_IsTrue(json_member(options, "pretrained")))
        cJSON_ReplaceItemInObjectCaseSensitive(options, "pretrained",
                                               cJSON_Duplicate(grid->pretrained, true));
    if (grid->raters && !json_member(options, "raters"))
        cJSON_AddItemToObject(options, "raters", cJSON_Duplicate(grid->raters, true));
    if (grid->sampler != SAMPLER_CELL)
        cJSON_AddNumberToObject(options, "cell", stream_of(grid, number));
    return options;
}

bool grid_cell_of(const struct grid *grid, int number, const struct cJSON *values,
                  struct cell *cell)
{
    cJSON *options = make_options(grid, number, values);
    const bool read = cell_from_options(options, grid->where, cell);
    if (read) {
        cell->number = number;
        cell->data_varies = json_member(json_member(grid->json, "hyper"), "data_cache_path");
        if (grid->streams)
            cell_name(number, cell->name);
    }
    cJSON_Delete(options);
    return read;
}

// Of the first cell, once for all: a folder is listed for it. Whether the grid says so stays as it
// is.
static bool find_raters(struct grid *grid)
{
    struct cell cell;
    if (json_member(json_member(grid->json, "static"), "raters") ||
        json_member(json_member(grid->json, "hyper"), "raters"))
        return true;
    cJSON *values = grid_first_values(grid);
    const bool made = grid_cell_of(grid, 0, values, &cell);
    cJSON_Delete(values);
    if (!made)
        return false;
    grid->raters = cJSON_Duplicate(json_member(cell.options, "raters"), true);
    grid->raters_guessed = cell.raters_guessed;
    cell_free(&cell);
    return true;
}

bool grid_set_data(struct grid *grid, const char *folder)
{
    cJSON *values = json_member(grid->json, "static");
    cJSON_DeleteItemFromObjectCaseSensitive(values, "data_cache_path");
    cJSON_AddStringToObject(values, "data_cache_path", folder);
    if (!grid->raters_guessed)
        return true;
    cJSON_Delete(grid->raters);
    grid->raters = NULL;
    return find_raters(grid);
}

// What a value alone does not show: keys that are missing, names of sets.
static bool check_cell(const struct grid *grid, int number, const cJSON *values)
{
    struct cell cell;
    if (!grid_cell_of(grid, number, values, &cell))
        return false;
    const bool whole = json_member(cell.options, "partition");
    cell_free(&cell);
    return whole ||
           error_set(
               "%s: partition: is missing: [[training subjects], [validation subjects]] is "
               "allowed, and [test subjects] as a third list",
               grid->where);
}

// Each value of each axis together with the first of the others.
static bool check_axes(const struct grid *grid)
{
    bool good = true;
    for (int i = 0; good && i < grid->axis_count; i++) {
        const int count = grid->axes[i].list ? grid->axes[i].count : 2;
        for (int n = 0; good && n < count; n++) {
            cJSON *values = cJSON_CreateObject();
            for (int other = 0; other < grid->axis_count; other++)
                cJSON_AddItemToObject(values, grid->axes[other].key,
                                      axis_value_at(&grid->axes[other], other == i ? n : 0));
            good = check_cell(grid, 0, values);
            cJSON_Delete(values);
        }
    }
    return good;
}

// One cell of those that are alike: the values themselves were checked with the axes.
static bool check_cells(const struct grid *grid)
{
    struct alike *alike = alike_new(grid, PURPOSE_CHECK);
    bool good = grid->sampler != SAMPLER_OPTUNA || check_axes(grid);
    for (int i = 0, checked = 0; good && i < grid->cell_count; i++) {
        if (alike_class(alike, i) < checked)
            continue;
        checked++;
        cJSON *values = grid_values(grid, i);
        good = check_cell(grid, i, values);
        cJSON_Delete(values);
        if (interrupt_requested())
            good = error_set("interrupted");
    }
    alike_free(&alike);
    return good;
}

static bool normal_static(cJSON *values, const char *where)
{
    char *at = text_format("%s: static", where);
    const bool good = json_expect_object(values, at) && normal_form(values, at);
    free(at);
    return good;
}

// Takes over the JSON.
static bool make_grid(cJSON *json, const char *where, const struct grid_settings *settings,
                      struct grid **result)
{
    static const char *const parts[] = {"static", "hyper", NULL};
    struct grid *grid = mem_zalloc(1, sizeof(*grid));
    grid->where = text_copy(where);
    grid->json = json;
    grid->sampler = settings ? settings->sampler : SAMPLER_GRID;
    CHECK(json_expect_object(json, where));
    CHECK(json_expect_keys(json, where, parts));
    cJSON *values = json_member(json, "static");
    CHECK(normal_static(values, where));
    CHECK(check_static(grid, values));
    CHECK(read_axes(grid));
    if (settings) {
        CHECK(apply_settings(grid, settings));
        CHECK(check_static(grid, values));
    }
    CHECK(count_cells(grid, settings ? settings->trials : 0));
    CHECK(find_raters(grid));
    CHECK(check_cells(grid));
    const cJSON *folder = json_member(values, "model_cache_path");
    grid->model_cache_path = folder ? folder->valuestring : NULL;
    *result = grid;
    return true;
error:
    grid_free(&grid);
    return false;
}

bool grid_of_study(const struct cJSON *json, const struct grid *like, const char *where,
                   struct grid **result)
{
    struct grid *grid = mem_zalloc(1, sizeof(*grid));
    grid->where = text_copy(where);
    grid->json = cJSON_Duplicate(json, true);
    grid->sampler = like->sampler;
    grid->pretrained = cJSON_Duplicate(like->pretrained, true);
    grid->raters = cJSON_Duplicate(like->raters, true);
    CHECK(json_expect_object(grid->json, where));
    CHECK(normal_static(json_member(grid->json, "static"), where));
    CHECK(check_static(grid, json_member(grid->json, "static")));
    CHECK(read_axes(grid));
    *result = grid;
    return true;
error:
    grid_free(&grid);
    return false;
}

bool grid_of_cell(const struct cJSON *options, const char *where, struct grid **grid)
{
    const struct grid_settings settings = {.sampler = SAMPLER_CELL};
    struct cell cell;
    if (!cell_from_options(options, where, &cell))
        return false;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "static", cJSON_Duplicate(cell.options, true));
    cJSON_AddObjectToObject(json, "hyper");
    cell_free(&cell);
    return make_grid(json, where, &settings, grid);
}

bool grid_parse(const char *text, size_t size, const char *where,
                const struct grid_settings *settings, struct grid **grid)
{
    cJSON *json;
    return json_parse(text, size, where, &json) && make_grid(json, where, settings, grid);
}

bool grid_read(const char *path, const struct grid_settings *settings, struct grid **grid)
{
    cJSON *json;
    return json_read(path, &json) && make_grid(json, path, settings, grid);
}

void grid_free(struct grid **grid)
{
    if (!*grid)
        return;
    for (int i = 0; (*grid)->added && i < (*grid)->cell_count; i++)
        cJSON_Delete((*grid)->added[i]);
    free((*grid)->added);
    for (int i = 0; i < (*grid)->axis_count; i++)
        axis_free(&(*grid)->axes[i]);
    free((*grid)->places);
    free((*grid)->streams);
    free((*grid)->outside);
    free((*grid)->axes);
    cJSON_Delete((*grid)->json);
    free((*grid)->where);
    cJSON_Delete((*grid)->pretrained);
    cJSON_Delete((*grid)->raters);
    free(*grid);
    *grid = NULL;
}

bool grid_cell(const struct grid *grid, int number, struct cell *cell)
{
    cJSON *values = grid_values(grid, number);
    const bool made = grid_cell_of(grid, number, values, cell);
    cJSON_Delete(values);
    return made;
}

bool grid_take_values(const struct grid *grid, const struct cJSON *values, struct cJSON **result)
{
    cJSON *taken = *result = cJSON_CreateObject();
    char *where = text_format("%s: values", grid->where);
    const char **keys = mem_zalloc((size_t)grid->axis_count + 1, sizeof(*keys));
    for (int i = 0; i < grid->axis_count; i++)
        keys[i] = grid->axes[i].key;
    bool good = json_expect_object(values, where) && json_expect_keys(values, where, keys);
    for (int i = 0; good && i < grid->axis_count; i++) {
        char *at = text_format("%s: %s", where, keys[i]);
        cJSON *value;
        good = axis_take(&grid->axes[i], json_member(values, keys[i]), at, &value);
        if (good)
            cJSON_AddItemToObject(taken, keys[i], value);
        free(at);
    }
    free(keys);
    free(where);
    if (!good) {
        cJSON_Delete(taken);
        *result = NULL;
    }
    return good;
}

bool grid_add_cell(struct grid *grid, const struct cJSON *values)
{
    if (grid->cell_count == GRID_CELLS)
        return error_set("%s: more than the %d cells that are allowed", grid->where, GRID_CELLS);
    cJSON *taken;
    if (!grid_take_values(grid, values, &taken))
        return false;
    if (!check_cell(grid, grid->cell_count, taken)) {
        cJSON_Delete(taken);
        return false;
    }
    grid->added = mem_grow(grid->added, (size_t)grid->cell_count + 1, sizeof(*grid->added));
    if (grid->outside) {
        grid->outside =
            mem_grow(grid->outside, (size_t)grid->cell_count + 1, sizeof(*grid->outside));
        grid->outside[grid->cell_count] = false;
    }
    if (grid->streams) {
        grid->streams =
            mem_grow(grid->streams, (size_t)grid->cell_count + 1, sizeof(*grid->streams));
        grid->streams[grid->cell_count] = grid->cell_count;
    }
    grid->added[grid->cell_count++] = taken;
    return true;
}

static const char *const sampler_names[] = {"grid", "random", "optuna", "cell"};

const char *sampler_name(enum sampler sampler)
{
    return sampler_names[sampler];
}

bool sampler_parse(const char *text, enum sampler *sampler)
{
    for (int i = SAMPLER_GRID; i <= SAMPLER_CELL; i++) {
        if (strcmp(text, sampler_names[i]) == 0) {
            *sampler = (enum sampler)i;
            return true;
        }
    }
    return false;
}
