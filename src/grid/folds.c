// SPDX-License-Identifier: MIT
#include "vkgrid/grid/folds.h"

#include "grid/cell_keys.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

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

// Samples of each subject.
static int samples_each(const struct cell *cell)
{
    const int raters = cJSON_GetArraySize(json_member(cell->options, "raters"));
    return raters > 0 ? raters : 1;
}

struct unet_shape cell_fold_shape(const struct cell *cell, int fold)
{
    struct unet_shape shape = cell_shape(cell);
    const int each = samples_each(cell), subjects = shape.count / each;
    shape.training_count -= each * (subjects / cell->folds + (fold < subjects % cell->folds));
    return shape;
}

int cell_larger_folds(const struct cell *cell)
{
    const int rest = cell_shape(cell).count / samples_each(cell) % cell->folds;
    return rest > 0 ? cell->folds - rest : 0;
}

// How many of the data set's samples have a name of the list; both are in one order. Their places
// are put there.
static int find_samples(const struct dataset *dataset, char *const *names, int count,
                        uint32_t *places)
{
    int found = 0;
    for (int i = 0, at = 0; i < count; i++) {
        int next = at;
        while (next < dataset->count && strcmp(dataset->names[next], names[i]) != 0)
            next++;
        if (next == dataset->count)
            continue; // it has no files
        places[found++] = (uint32_t)next;
        at = next + 1;
    }
    return found;
}

struct data_fold *data_folds(const struct cell *cell, const struct dataset *dataset)
{
    struct data_fold *folds = mem_zalloc((size_t)cell->folds + 1, sizeof(*folds));
    for (int i = 0; i < cell->folds; i++) {
        struct data_fold *fold = &folds[i];
        struct sample_names names;
        cell_fold_samples(cell, i, &names);
        fold->samples = mem_alloc(sizeof(*fold->samples) * (size_t)(dataset->count + 1));
        fold->training_count =
            find_samples(dataset, names.training, names.training_count, fold->samples);
        find_samples(dataset, names.validation, names.validation_count,
                     fold->samples + fold->training_count);
        sample_names_free(&names);
    }
    return folds;
}

void data_folds_free(struct data_fold **folds, int count)
{
    for (int i = 0; *folds && i < count; i++)
        free((*folds)[i].samples);
    free(*folds);
    *folds = NULL;
}
