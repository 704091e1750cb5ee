// SPDX-License-Identifier: MIT
// The names of the samples that a partition means.
#include "grid/cell_keys.h"
#include "grid/normal_form.h"
#include "grid/partition.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

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

static void add_samples(const cJSON *partition, const cJSON *raters, struct sample_names *samples)
{
    samples->training =
        list_samples(cJSON_GetArrayItem(partition, 0), raters, &samples->training_count);
    samples->validation =
        list_samples(cJSON_GetArrayItem(partition, 1), raters, &samples->validation_count);
    samples->test = list_samples(cJSON_GetArrayItem(partition, 2), raters, &samples->test_count);
}

void cell_samples(const struct cell *cell, struct sample_names *samples)
{
    add_samples(json_member(cell->options, "partition"), json_member(cell->options, "raters"),
                samples);
}

static bool check_samples(const cJSON *options, const char *where)
{
    static const char *const keys[] = {"partition", "raters"};
    struct cell ignored = {0};
    bool good = true;
    for (int i = 0; good && i < 2; i++) {
        const cJSON *value = json_member(options, keys[i]);
        char *at = text_format("%s: %s", where, keys[i]);
        good = (i == 1 && !value) || cell_key_find(keys[i])->read(value, at, &ignored);
        free(at);
    }
    return good;
}

bool options_samples(const struct cJSON *options, const char *where, struct sample_names *samples)
{
    cJSON *given = cJSON_Duplicate(options, true);
    *samples = (struct sample_names){0};
    const bool good = json_expect_object(given, where) && normal_form(given, where) &&
                      check_samples(given, where);
    if (good)
        add_samples(json_member(given, "partition"), json_member(given, "raters"), samples);
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
