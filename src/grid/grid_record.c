// SPDX-License-Identifier: MIT
// A grid as a study keeps it.
#include "grid/cell_keys.h"
#include "vkgrid/base/json.h"

#include <cjson/cJSON.h>
#include <string.h>

struct cJSON *grid_record(const struct grid *grid)
{
    cJSON *record = cJSON_Duplicate(grid->json, true), *values = json_member(record, "static");
    if (grid->raters && !grid->raters_guessed)
        cJSON_AddItemToObject(values, "raters", cJSON_Duplicate(grid->raters, true));
    return record;
}

void grid_set_raters(struct grid *grid, const struct cJSON *raters)
{
    if (!grid->raters)
        return;
    cJSON_Delete(grid->raters);
    grid->raters = cJSON_Duplicate(raters, true);
    grid->raters_guessed = false;
}

const char *grid_data(const struct grid *grid)
{
    return cJSON_GetStringValue(json_member(json_member(grid->json, "static"), "data_cache_path"));
}

bool grid_key_trains(const char *key)
{
    const struct cell_key *row = cell_key_find(key);
    return row && (row->presence == KEY_REQUIRED || row->presence == KEY_OPTIONAL) &&
           strcmp(key, "data_cache_path") != 0;
}
