// SPDX-License-Identifier: MIT
#include "vkgrid/grid/spans.h"

#include "grid/value_table.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

// The list of an axis and the values of cells outside the grid that it has not.
static cJSON *all_values(const struct grid *grid, const struct axis *axis)
{
    cJSON *all = cJSON_Duplicate(axis->list, true), *item;
    struct value_table table = {0};
    cJSON_ArrayForEach(item, all) value_table_add(&table, item, 0);
    value_table_sort(&table);
    for (int i = 0; i < grid->cell_count; i++) {
        const cJSON *value = grid_outside(grid, i) ? json_member(grid->added[i], axis->key) : NULL;
        if (!value || value_table_find(&table, value) >= 0)
            continue;
        cJSON_AddItemToArray(all, cJSON_Duplicate(value, true));
        value_table_add(&table, value, 0);
        value_table_sort(&table);
    }
    value_table_free(&table);
    return all;
}

static void widen(const struct grid *grid, struct axis *axis)
{
    for (int i = 0; i < grid->cell_count; i++) {
        const cJSON *value = grid_outside(grid, i) ? json_member(grid->added[i], axis->key) : NULL;
        if (!cJSON_IsNumber(value))
            continue;
        axis->low = fmin(axis->low, value->valuedouble);
        axis->high = fmax(axis->high, value->valuedouble);
    }
    axis->log = axis->log && axis->low > 0;
}

bool spans_make(const struct grid *grid, struct spans *spans)
{
    *spans = (struct spans){.lists = cJSON_CreateObject()};
    spans->axes = mem_zalloc((size_t)grid->axis_count + 1, sizeof(*spans->axes));
    for (int i = 0; i < grid->axis_count; i++) {
        const struct axis *axis = &grid->axes[i];
        spans->axes[i] = *axis;
        if (!grid->outside)
            continue;
        if (!axis->list) {
            widen(grid, &spans->axes[i]);
            continue;
        }
        cJSON_AddItemToObject(spans->lists, axis->key, all_values(grid, axis));
        if (!axis_read(json_member(spans->lists, axis->key), grid->where, &spans->axes[i])) {
            axis_free(&spans->axes[i]);
            cJSON_DeleteItemFromObjectCaseSensitive(spans->lists, axis->key);
            spans_free(spans);
            return false;
        }
    }
    return true;
}

void spans_free(struct spans *spans)
{
    const cJSON *list;
    int axis = 0;
    cJSON_ArrayForEach(list, spans->lists)
    {
        while (spans->axes[axis].list != list)
            axis++;
        axis_free(&spans->axes[axis]);
    }
    free(spans->axes);
    cJSON_Delete(spans->lists);
    *spans = (struct spans){0};
}
