// SPDX-License-Identifier: MIT
// The names of the samples that a partition means.
#include "grid/cell_keys.h"
#include "grid/normal_form.h"
#include "grid/partition.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/folds.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

static char **list_samples(const cJSON *list, const cJSON *raters, int *count)
{
    const int subjects = cJSON_GetArraySize(list), rater_count = cJSON_GetArraySize(raters);
    char **names =
        mem_alloc(sizeof(*names) * (size_t)subjects * (size_t)(rater_count ? rater_count : 1) + 1);
    const cJSON *rater = raters ? raters->child : NULL, *subject;
    *count = 0;
    do {
        cJSON_ArrayForEach(subject, list)
        {
            char *text = subject_text(subject);
            names[(*count)++] =
                rater ? text_format("%s_%s", rater->valuestring, text) : text_copy(text);
            free(text);
        }
        rater = rater ? rater->next : NULL;
    } while (rater);
    return names;
}

static uint64_t seed_of(const cJSON *options)
{
    const cJSON *seed = json_member(options, "seed");
    return seed ? (uint64_t)seed->valuedouble : 0;
}

// fold: -1: of none, where there are folds.
static void add_samples(const cJSON *options, int fold, struct sample_names *samples)
{
    const cJSON *lists = json_member(options, "partition"),
                *raters = json_member(options, "raters"), *folds = json_member(options, "folds");
    cJSON *of_fold =
        folds ? partition_of_fold(lists, folds->valueint, seed_of(options), fold) : NULL;
    const cJSON *partition = of_fold ? of_fold : lists;
    samples->training =
        list_samples(cJSON_GetArrayItem(partition, 0), raters, &samples->training_count);
    samples->validation =
        list_samples(cJSON_GetArrayItem(partition, 1), raters, &samples->validation_count);
    samples->test = list_samples(cJSON_GetArrayItem(partition, 2), raters, &samples->test_count);
    cJSON_Delete(of_fold);
}

void cell_samples(const struct cell *cell, struct sample_names *samples)
{
    add_samples(cell->options, -1, samples);
}

void cell_fold_samples(const struct cell *cell, int fold, struct sample_names *samples)
{
    add_samples(cell->options, fold, samples);
}

static bool check_samples(const cJSON *options, const char *where)
{
    static const char *const keys[] = {"partition", "raters", "seed", "folds"};
    struct cell cell = {0};
    bool good = true;
    for (int i = 0; good && i < 4; i++) {
        const cJSON *value = json_member(options, keys[i]);
        char *at = text_format("%s: %s", where, keys[i]);
        good = (i > 0 && !value) || cell_key_find(keys[i])->read(value, at, &cell);
        free(at);
    }
    return good && folds_check(json_member(options, "partition"), cell.folds, where);
}

bool options_fold_samples(const struct cJSON *options, const char *where, int fold,
                          struct sample_names *samples)
{
    cJSON *given = cJSON_Duplicate(options, true);
    *samples = (struct sample_names){0};
    const bool good = json_expect_object(given, where) && normal_form(given, where) &&
                      check_samples(given, where);
    if (good)
        add_samples(given, fold, samples);
    cJSON_Delete(given);
    return good;
}

static void free_names(char **names, int count)
{
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

void sample_names_free(struct sample_names *samples)
{
    free_names(samples->training, samples->training_count);
    free_names(samples->validation, samples->validation_count);
    free_names(samples->test, samples->test_count);
    *samples = (struct sample_names){0};
}
