// SPDX-License-Identifier: MIT
// The values of a grid's cells.
#include "vkgrid/grid/axis.h"
#include "vkgrid/grid/grid.h"

#include "vkgrid/base/json.h"

#include <cjson/cJSON.h>

struct cJSON *grid_first_values(const struct grid *grid)
{
    cJSON *values = cJSON_CreateObject();
    for (int i = 0; i < grid->axis_count; i++)
        cJSON_AddItemToObject(values, grid->axes[i].key, axis_value_at(&grid->axes[i], 0));
    return values;
}

// The seed of a random search; where the grid varies it, its cells are those of seed 0.
static uint64_t sampler_seed(const struct grid *grid)
{
    const cJSON *seed = json_member(json_member(grid->json, "static"), "seed");
    return seed ? (uint64_t)seed->valuedouble : 0;
}

int grid_place(const struct grid *grid, int number, int axis)
{
    if (grid->sampler != SAMPLER_GRID || (grid->added && grid->added[number]))
        return -1;
    int rest = grid->places ? grid->places[number] : number;
    for (int i = 0; i < axis; i++)
        rest /= grid->axes[i].count;
    return rest % grid->axes[axis].count;
}

struct cJSON *grid_values(const struct grid *grid, int number)
{
    if (grid->added && grid->added[number])
        return cJSON_Duplicate(grid->added[number], true);
    cJSON *values = cJSON_CreateObject();
    int rest = grid->places ? grid->places[number] : number;
    for (int i = 0; i < grid->axis_count; i++) {
        const struct axis *axis = &grid->axes[i];
        cJSON *value;
        if (grid->sampler == SAMPLER_RANDOM) {
            struct random random =
                random_stream(sampler_seed(grid), (uint64_t)number, (uint64_t)i, RANDOM_SAMPLER);
            value = axis_draw(axis, &random);
        } else {
            value = axis_value_at(axis, rest % axis->count);
            rest /= axis->count;
        }
        cJSON_AddItemToObject(values, axis->key, value);
    }
    return values;
}

bool grid_outside(const struct grid *grid, int number)
{
    return grid->outside && grid->outside[number];
}
