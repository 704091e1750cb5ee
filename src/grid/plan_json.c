// SPDX-License-Identifier: MIT
#include "vkgrid/grid/plan_json.h"

#include "grid/round_keys.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

const char *const round_keys[] = {"lr", "gamma", "bce_weight", "batch_size", "num_epochs", NULL};

bool round_read_key(const char *key, const struct cJSON *value, const char *where,
                    struct round *round)
{
    if (strcmp(key, "lr") == 0)
        return json_get_positive(value, where, 1, &round->lr);
    if (strcmp(key, "gamma") == 0)
        return json_get_positive(value, where, 1, &round->gamma);
    if (strcmp(key, "bce_weight") == 0)
        return json_get_number(value, where, 0, 1, &round->bce_weight);
    if (strcmp(key, "batch_size") == 0)
        return json_get_int(value, where, 1, 1024, &round->batch_size);
    if (strcmp(key, "num_epochs") == 0)
        return json_get_int(value, where, 1, 100000, &round->num_epochs);
    return error_set("%s: not a key of a round", where);
}

static bool read_round(const cJSON *json, const char *where, const struct round *base,
                       struct round *round)
{
    if (!json_expect_object(json, where) || !json_expect_keys(json, where, round_keys))
        return false;
    *round = *base;
    for (const char *const *key = round_keys; *key; key++) {
        const cJSON *value = json_member(json, *key);
        if (!value)
            continue;
        char *at = text_format("%s.%s", where, *key);
        const bool read = round_read_key(*key, value, at, round);
        free(at);
        if (!read)
            return false;
    }
    return true;
}

// A base that is not known yet has a batch_size of 0.
static bool check_batch_sizes(const struct plan *plan, const char *where)
{
    for (int i = 1; i < plan->count; i++) {
        const int first = plan->rounds[0].batch_size, size = plan->rounds[i].batch_size;
        if (size != first && size > 0 && first > 0)
            return error_set(
                "%s[%d].batch_size: is %d after %d: only one batch_size is allowed in a plan",
                where, i, size, first);
    }
    return true;
}

bool plan_from_json(const struct cJSON *json, const char *where, const struct round *base,
                    struct plan *plan)
{
    const cJSON *item;
    if (!json_expect_list(json, where, 1))
        return false;
    *plan = (struct plan){0};
    cJSON_ArrayForEach(item, json)
    {
        if (plan->count == PLAN_ROUNDS)
            return error_set("%s: more than %d rounds", where, PLAN_ROUNDS);
        char *at = text_format("%s[%d]", where, plan->count);
        const bool read = read_round(item, at, base, &plan->rounds[plan->count++]);
        free(at);
        if (!read)
            return false;
    }
    return check_batch_sizes(plan, where);
}

struct cJSON *plan_to_json(const struct plan *plan)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < plan->count; i++) {
        const struct round *round = &plan->rounds[i];
        cJSON *json = cJSON_CreateObject();
        cJSON_AddNumberToObject(json, "lr", round->lr);
        cJSON_AddNumberToObject(json, "gamma", round->gamma);
        cJSON_AddNumberToObject(json, "bce_weight", round->bce_weight);
        cJSON_AddNumberToObject(json, "batch_size", round->batch_size);
        cJSON_AddNumberToObject(json, "num_epochs", round->num_epochs);
        cJSON_AddItemToArray(list, json);
    }
    return list;
}
