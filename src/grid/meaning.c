// SPDX-License-Identifier: MIT
#include "grid/meaning.h"

#include "vkgrid/base/memory.h"
#include "vkgrid/grid/grid.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static int compare_keys(const void *left, const void *right)
{
    const cJSON *const *a = left, *const *b = right;
    return strcmp((*a)->string, (*b)->string);
}

// The keys of objects have no order.
static void sort_keys(cJSON *value)
{
    const int count = cJSON_GetArraySize(value);
    cJSON *item;
    cJSON_ArrayForEach(item, value) sort_keys(item);
    if (!cJSON_IsObject(value))
        return;
    cJSON **items = mem_alloc(((size_t)count + 1) * sizeof(cJSON *));
    for (int i = 0; i < count; i++)
        items[i] = cJSON_DetachItemFromArray(value, 0);
    qsort(items, (size_t)count, sizeof(cJSON *), compare_keys);
    for (int i = 0; i < count; i++)
        cJSON_AddItemToArray(value, items[i]); // with its key
    free(items);
}

struct cJSON *value_meaning(const char *key, const struct cJSON *value)
{
    if (strcmp(key, "image_size") == 0 && cJSON_IsNumber(value))
        return cJSON_CreateIntArray((int[]){value->valueint, 2 * value->valueint}, 2);
    cJSON *means =
        strcmp(key, "partition") == 0 ? partition_of_training(value) : cJSON_Duplicate(value, true);
    sort_keys(means);
    return means;
}
