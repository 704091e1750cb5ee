// SPDX-License-Identifier: MIT
#include "cli/search_args.h"

#include "vkgrid/base/json.h"
#include "vkgrid/grid/axis.h"
#include "vkgrid/grid/grid.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

void tell_folds(const struct grid *grid)
{
    const cJSON *fixed = json_member(grid->json, "static"), *folds = json_member(fixed, "folds"),
                *partition = json_member(fixed, "partition");
    const int subjects = cJSON_GetArraySize(cJSON_GetArrayItem(partition, 0)) +
                         cJSON_GetArraySize(cJSON_GetArrayItem(partition, 1));
    if (cJSON_IsNumber(folds) && subjects > 0)
        fprintf(stderr, "folds: %d subjects in %d folds, each of which validates once\n", subjects,
                folds->valueint);
    for (int i = 0; i < grid->axis_count; i++)
        if (strcmp(grid->axes[i].key, "partition") == 0 && grid->axes[i].count != 1)
            fprintf(stderr,
                    "partition: is an axis: cells with other subjects are not comparable, the "
                    "easier ones rank first; \"folds\": K in static compares cells over all "
                    "subjects\n");
}
