// SPDX-License-Identifier: MIT
#include "vkgrid/grid/statistics_json.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <float.h>
#include <stdlib.h>

static const char *const keys[] = {"min", "max", "mean", "sd", NULL};

struct cJSON *statistics_to_json(const struct cell *cell, const struct value_statistics *statistics)
{
    cJSON *json = cJSON_CreateObject();
    for (int i = 0; i < cell->features.count; i++) {
        const struct value_statistics *item = &statistics[i];
        if (item->count == 0) {
            cJSON_AddNullToObject(json, cell->features.names[i]);
            continue;
        }
        cJSON *feature = cJSON_AddObjectToObject(json, cell->features.names[i]);
        cJSON_AddNumberToObject(feature, "min", item->low);
        cJSON_AddNumberToObject(feature, "max", item->high);
        cJSON_AddNumberToObject(feature, "mean", item->mean);
        cJSON_AddNumberToObject(feature, "sd", item->sd);
    }
    return json;
}

static bool read_feature(const cJSON *json, const char *where, struct value_statistics *statistics)
{
    double *const numbers[] = {&statistics->low, &statistics->high, &statistics->mean,
                               &statistics->sd};
    bool good = json_expect_object(json, where) && json_expect_keys(json, where, keys);
    for (int i = 0; good && i < 4; i++) {
        char *at = text_format("%s.%s", where, keys[i]);
        // Of floats.
        good = json_get_number(json_member(json, keys[i]), at, i == 3 ? 0 : -(double)FLT_MAX,
                               (double)FLT_MAX, numbers[i]);
        free(at);
    }
    statistics->count = 1;
    return good && ((statistics->low <= statistics->mean && statistics->mean <= statistics->high) ||
                    error_set("%s: a mean between min and max is allowed", where));
}

static bool read_features(const cJSON *json, const char *where, struct cell *cell)
{
    bool good = json_expect_object(json, where);
    for (int i = 0; good && i < cell->features.count; i++) {
        const cJSON *feature = json_member(json, cell->features.names[i]);
        char *at = text_format("%s.%s", where, cell->features.names[i]);
        good = !feature || cJSON_IsNull(feature) || read_feature(feature, at, &cell->trained[i]);
        free(at);
    }
    return good;
}

bool cell_take_statistics(struct cell *cell, const struct cJSON *json, const char *where)
{
    if (json) {
        free(cell->trained);
        cell->trained = mem_zalloc((size_t)cell->features.count, sizeof(cell->trained[0]));
        char *at = text_format("%s: statistics", where);
        const bool read = read_features(json, at, cell);
        free(at);
        if (!read)
            return false;
    }
    for (int i = 0; i < cell->features.count; i++)
        if (cell->normalize[i] == NORMALIZE_DATASET && !json_member(json, cell->features.names[i]))
            return error_set(
                "%s: %s is normalised by the mean and sd of the training data, which do not stand "
                "there: weights (.safetensors) as vkgrid wrote them, or the .options.json that "
                "was written with a .pt file, have them",
                where, cell->features.names[i]);
    return true;
}
