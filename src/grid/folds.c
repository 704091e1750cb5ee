// SPDX-License-Identifier: MIT
#include "vkgrid/grid/folds.h"

#include "grid/cell_keys.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

bool folds_check(const struct cJSON *partition, int folds, const char *where)
{
    const int subjects = cJSON_GetArraySize(cJSON_GetArrayItem(partition, 0)) +
                         cJSON_GetArraySize(cJSON_GetArrayItem(partition, 1));
    return !partition || folds <= subjects ||
           error_set(
               "%s: folds: is %d: a whole number from 2 to %d, the subjects of training and "
               "validation, is allowed",
               where, folds, subjects);
}

int *folds_draw(uint64_t seed, int subjects, int folds)
{
    struct random random = random_stream(seed, 0, 0, RANDOM_FOLDS);
    uint32_t *order = mem_alloc(sizeof(*order) * (size_t)subjects);
    int *fold_of = mem_alloc(sizeof(*fold_of) * (size_t)subjects);
    for (int i = 0; i < subjects; i++)
        order[i] = (uint32_t)i;
    random_shuffle(&random, order, (uint32_t)subjects);
    for (int fold = 0, at = 0; fold < folds; fold++)
        for (int left = subjects / folds + (fold < subjects % folds); left > 0; left--)
            fold_of[order[at++]] = fold;
    free(order);
    return fold_of;
}

struct cJSON *partition_of_fold(const struct cJSON *partition, int folds, uint64_t seed, int fold)
{
    const cJSON *first = cJSON_GetArrayItem(partition, 0), *list = first, *subject,
                *test = cJSON_GetArrayItem(partition, 2);
    const int count =
        cJSON_GetArraySize(first) + cJSON_GetArraySize(cJSON_GetArrayItem(partition, 1));
    int *fold_of = folds_draw(seed, count, folds), at = 0;
    cJSON *made = cJSON_CreateArray(), *halves[] = {cJSON_CreateArray(), cJSON_CreateArray()};
    for (int half = 0; half < 2; half++, list = list ? list->next : NULL) {
        cJSON_ArrayForEach(subject, list)
        {
            cJSON_AddItemToArray(halves[fold_of[at++] == fold], cJSON_Duplicate(subject, false));
        }
    }
    cJSON_AddItemToArray(made, halves[0]);
    cJSON_AddItemToArray(made, halves[1]);
    if (test)
        cJSON_AddItemToArray(made, cJSON_Duplicate(test, true));
    free(fold_of);
    return made;
}
