// SPDX-License-Identifier: MIT
// A cell for its network alone.
#include "vkgrid/grid/grid.h"

#include "vkgrid/base/json.h"
#include "vkgrid/grid/statistics_json.h"

#include <cjson/cJSON.h>
#include <stddef.h>

// Keys that say nothing of the network and may name what is not here.
static const char *const foreign[] = {
    "partition",          "raters",           "pretrained", "init_weights", "data_cache_path",
    "dataset_cache_path", "model_cache_path", NULL};
// Those that a cell must have.
static const char *const needed[] = {"lr", "gamma", "bce_weight", "batch_size"};
enum { NEEDED = sizeof(needed) / sizeof(needed[0]) };

bool cell_for_network(const struct cJSON *options, const char *where, struct cell *cell)
{
    bool missing[NEEDED];
    *cell = (struct cell){0};
    if (!json_expect_object(options, where))
        return false;
    cJSON *network = cJSON_Duplicate(options, true);
    for (const char *const *key = foreign; *key; key++)
        cJSON_DeleteItemFromObjectCaseSensitive(network, *key);
    for (int i = 0; i < NEEDED; i++) {
        missing[i] = !json_member(network, needed[i]) && !json_member(network, "plan");
        if (missing[i])
            cJSON_AddNumberToObject(network, needed[i], 1);
    }
    cJSON *statistics = cJSON_DetachItemFromObjectCaseSensitive(network, "statistics");
    bool read = cell_from_options(network, where, cell);
    for (int i = 0; read && i < NEEDED; i++)
        if (missing[i]) // nobody is told a number that nobody gave
            cJSON_DeleteItemFromObjectCaseSensitive(cell->options, needed[i]);
    cJSON_Delete(network);
    if (read && !cell_take_statistics(cell, statistics, where)) {
        cell_free(cell);
        read = false;
    }
    cJSON_Delete(statistics);
    return read;
}
