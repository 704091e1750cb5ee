// SPDX-License-Identifier: MIT
#include "vkgrid/study/rank_by.h"

#include "vkgrid/base/json.h"
#include "vkgrid/store/store.h"

#include <cjson/cJSON.h>
#include <string.h>

static const char published_grid[] = {
#include "benson2025-grid.inc"
};

const char *rank_by_name(enum rank_by rank_by)
{
    static const char *const names[] = {"default", "best", "mean"};
    return names[rank_by];
}

bool rank_by_parse(const char *text, enum rank_by *rank_by)
{
    for (int i = RANK_BEST; i <= RANK_MEAN; i++) {
        if (strcmp(text, rank_by_name((enum rank_by)i)) == 0) {
            *rank_by = (enum rank_by)i;
            return true;
        }
    }
    return false;
}

const char *rank_by_words(enum rank_by rank_by)
{
    return rank_by == RANK_MEAN ? "the mean of a cell's runs" : "the best of a cell's runs";
}

// The largest number that a key has in the grid, or 0.
static double largest(const struct grid *grid, const char *key)
{
    const cJSON *fixed = json_member(json_member(grid->json, "static"), key), *value,
                *values = json_member(json_member(grid->json, "hyper"), key);
    double most = cJSON_IsNumber(fixed) ? fixed->valuedouble : 0;
    cJSON_ArrayForEach(value, values)
    {
        if (cJSON_IsNumber(value) && value->valuedouble > most)
            most = value->valuedouble;
    }
    return most;
}

bool rank_by_trivial(const struct grid *grid)
{
    return largest(grid, "until") <= 1 && largest(grid, "folds") <= 1;
}

// Which subjects, where they are and how often a cell is trained may differ.
static bool is_published(const struct grid *grid)
{
    cJSON *published = NULL;
    const bool same =
        json_parse(published_grid, sizeof(published_grid), "the published grid", &published) &&
        cJSON_Compare(json_member(grid->json, "hyper"), json_member(published, "hyper"), true);
    cJSON_Delete(published);
    return same;
}

enum rank_by rank_by_default(const struct grid *grid)
{
    return grid->sampler == SAMPLER_CELL || rank_by_trivial(grid) ||
                   (is_published(grid) && largest(grid, "folds") == 0)
               ? RANK_BEST
               : RANK_MEAN;
}

enum rank_by rank_by_of(const struct cJSON *settings)
{
    const cJSON *setting = json_member(settings, "rank_by");
    enum rank_by rank_by = RANK_DEFAULT;
    if (!cJSON_IsNull(setting) &&
        !(cJSON_IsString(setting) && rank_by_parse(setting->valuestring, &rank_by)))
        rank_by = RANK_BEST;
    return rank_by;
}

bool rank_by_read(struct store *store, enum rank_by *rank_by)
{
    cJSON *settings = NULL;
    if (!store_get(store, "settings", &settings))
        return false;
    *rank_by = rank_by_of(settings);
    cJSON_Delete(settings);
    return true;
}

struct cJSON *rank_by_setting(enum rank_by rank_by, bool asked, const struct grid *grid)
{
    return !asked && rank_by_trivial(grid) ? cJSON_CreateNull()
                                           : cJSON_CreateString(rank_by_name(rank_by));
}
