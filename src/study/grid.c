// SPDX-License-Identifier: MIT
// The grid file: its keys, its cells.
#include "vkgrid/grid.h"

#include "cell.h"
#include "vkgrid/error.h"
#include "vkgrid/json.h"
#include "vkgrid/memory.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool check_value(const cJSON *value, const char *key, const char *at)
{
    struct cell ignored = {0};
    return cell_key_find(key)->read(value, at, &ignored);
}

static bool check_static(const cJSON *values, const char *where)
{
    const cJSON *value;
    char at[512];
    snprintf(at, sizeof(at), "%s: static", where);
    if (!json_expect_object(values, at) || !json_expect_keys(values, at, cell_key_names(false)))
        return false;
    cJSON_ArrayForEach(value, values)
    {
        snprintf(at, sizeof(at), "%s: static.%s", where, value->string);
        if (!check_value(value, value->string, at))
            return false;
    }
    return true;
}

static bool check_list(const cJSON *list, const char *at)
{
    const cJSON *value;
    int i = 0;
    if (!json_expect_list(list, at, 1))
        return false;
    cJSON_ArrayForEach(value, list)
    {
        char element[560];
        snprintf(element, sizeof(element), "%s[%d]", at, i++);
        if (!check_value(value, list->string, element))
            return false;
    }
    return true;
}

static bool check_hyper(const cJSON *lists, const cJSON *values, const char *where)
{
    const cJSON *list;
    char at[512];
    snprintf(at, sizeof(at), "%s: hyper", where);
    if (!json_expect_object(lists, at) || !json_expect_keys(lists, at, cell_key_names(false)))
        return false;
    cJSON_ArrayForEach(list, lists)
    {
        snprintf(at, sizeof(at), "%s: hyper.%s", where, list->string);
        if (json_member(values, list->string))
            return error_set("%s: stands in static too: a key is allowed in one of them", at);
        if (cell_key_find(list->string)->presence == KEY_OF_STUDY)
            return error_set("%s: is for the whole study: allowed in static only", at);
        if (!check_list(list, at))
            return false;
    }
    return true;
}

static bool count_cells(struct grid *grid)
{
    const cJSON *list;
    grid->cell_count = 1;
    cJSON_ArrayForEach(list, json_member(grid->json, "hyper"))
    {
        const int values = cJSON_GetArraySize(list);
        if (values > GRID_CELLS / grid->cell_count)
            return error_set("%s: hyper: more than the %d cells that are allowed", grid->where,
                             GRID_CELLS);
        grid->cell_count *= values;
    }
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
    grid->pretrained = settings->pretrained ? text_copy(settings->pretrained) : NULL;
    return override(grid, "data_cache_path", "--data",
                    settings->data ? cJSON_CreateString(settings->data) : NULL) &&
           override(grid, "precision", "--precision",
                    settings->precision ? cJSON_CreateString(settings->precision) : NULL) &&
           override(grid, "seed", "--seed",
                    settings->seed ? cJSON_CreateNumber((double)*settings->seed) : NULL);
}

// What a value alone does not show: keys that are missing, names of sets.
static bool check_cells(const struct grid *grid)
{
    for (int i = 0; i < grid->cell_count; i++) {
        struct cell cell;
        if (!grid_cell(grid, i, &cell))
            return false;
        const bool whole = json_member(cell.options, "partition");
        cell_free(&cell);
        if (!whole)
            return error_set(
                "%s: partition: is missing: [[training subjects], [validation subjects]] is "
                "allowed",
                grid->where);
    }
    return true;
}

// Takes over the JSON.
static bool make_grid(cJSON *json, const char *where, const struct grid_settings *settings,
                      struct grid **result)
{
    static const char *const parts[] = {"static", "hyper", NULL};
    struct grid *grid = mem_zalloc(1, sizeof(*grid));
    grid->where = text_copy(where);
    grid->json = json;
    CHECK(json_expect_object(json, where));
    CHECK(json_expect_keys(json, where, parts));
    const cJSON *values = json_member(json, "static"), *lists = json_member(json, "hyper");
    CHECK(check_static(values, where));
    CHECK(check_hyper(lists, values, where));
    if (settings) {
        CHECK(apply_settings(grid, settings));
        CHECK(check_static(values, where));
    }
    CHECK(count_cells(grid));
    CHECK(check_cells(grid));
    const cJSON *folder = json_member(values, "model_cache_path");
    grid->model_cache_path = folder ? folder->valuestring : NULL;
    *result = grid;
    return true;
error:
    grid_free(&grid);
    return false;
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
    cJSON_Delete((*grid)->json);
    free((*grid)->where);
    free((*grid)->pretrained);
    free(*grid);
    *grid = NULL;
}

bool grid_cell(const struct grid *grid, int number, struct cell *cell)
{
    cJSON *options = cJSON_Duplicate(json_member(grid->json, "static"), true);
    const cJSON *list;
    int rest = number;
    cJSON_ArrayForEach(list, json_member(grid->json, "hyper"))
    {
        const int values = cJSON_GetArraySize(list);
        cJSON_AddItemToObject(options, list->string,
                              cJSON_Duplicate(cJSON_GetArrayItem(list, rest % values), true));
        rest /= values;
    }
    if (grid->pretrained && cJSON_IsTrue(json_member(options, "pretrained")))
        cJSON_ReplaceItemInObjectCaseSensitive(options, "pretrained",
                                               cJSON_CreateString(grid->pretrained));
    cJSON_AddNumberToObject(options, "cell", number);
    const bool read = cell_from_options(options, grid->where, cell);
    cJSON_Delete(options);
    return read;
}
