// SPDX-License-Identifier: MIT
#include "grid/partition.h"

#include "grid/cell_keys.h"
#include "grid/normal_form.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT 512          // bytes of a `where` made here
#define SUBJECTS 100000 // most subjects of a list

static const char *const list_names[] = {"training", "validation", "test"};

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char *subject_text(const cJSON *subject)
{
    char text[NUMBER_TEXT];
    return text_copy(cJSON_IsString(subject) ? subject->valuestring
                                             : number_text(subject->valuedouble, text));
}

static bool check_subjects(const cJSON *list, const char *where)
{
    const cJSON *item;
    int i = 0;
    if (!json_expect_list(list, where, 1))
        return false;
    if (cJSON_GetArraySize(list) > SUBJECTS)
        return error_set("%s: more than %d subjects", where, SUBJECTS);
    cJSON_ArrayForEach(item, list)
    {
        char at[AT];
        double number;
        const char *name;
        snprintf(at, sizeof(at), "%.480s[%d]", where, i++);
        if (!cJSON_IsNumber(item) && !cJSON_IsString(item))
            return error_set("%s: a subject is a whole number or a text", at);
        if (cJSON_IsString(item) ? !json_get_text(item, at, &name) || !name_check(name, at)
                                 : !json_get_integer(item, at, 0, 0x1p53, &number))
            return false;
    }
    return true;
}

// Fails when a subject stands twice, in one list or in several.
static bool check_disjoint(const cJSON *partition, const char *where)
{
    const cJSON *list, *item;
    int count = 0, i = 0;
    bool disjoint = true;
    cJSON_ArrayForEach(list, partition) count += cJSON_GetArraySize(list);
    char **subjects = mem_alloc(sizeof(*subjects) * (size_t)count);
    cJSON_ArrayForEach(list, partition)
    {
        cJSON_ArrayForEach(item, list) subjects[i++] = subject_text(item);
    }
    qsort(subjects, (size_t)count, sizeof(*subjects), compare_texts);
    for (i = 1; disjoint && i < count; i++) {
        if (strcmp(subjects[i - 1], subjects[i]) == 0)
            disjoint = error_set(
                "%s: the subject %s stands twice: a subject may be in one list only, and once",
                where, subjects[i]);
    }
    for (i = 0; i < count; i++)
        free(subjects[i]);
    free(subjects);
    return disjoint;
}

// The original also draws a partition, or looks it up, by what stands in its place.
static bool refuse_partition(const cJSON *value, const char *where)
{
    char *line = value ? json_print_line(value) : text_copy("missing");
    const char *why =
        cJSON_IsString(value)
            ? strcmp(value->valuestring, "default") == 0
                  ? "that list is a part of the original program, so write the subjects: "
                  : "such an id counts in the original's own list, so write the subjects: "
        : cJSON_IsNumber(value) || cJSON_IsNumber(value ? value->child : NULL)
            ? "the original draws the subjects then, so write them: "
            : "";
    error_set(
        "%s: is %.60s: %s[[training subjects], [validation subjects]] is allowed, and [test "
        "subjects] as a third list",
        where, line, why);
    free(line);
    return false;
}

bool partition_check(const cJSON *value, const char *where)
{
    const int lists = cJSON_IsArray(value) ? cJSON_GetArraySize(value) : 0;
    if (lists < 2 || lists > 3 || cJSON_IsNumber(value->child))
        return refuse_partition(value, where);
    for (int i = 0; i < lists; i++) {
        char at[AT];
        snprintf(at, sizeof(at), "%.480s[%d] (%s subjects)", where, i, list_names[i]);
        if (!check_subjects(cJSON_GetArrayItem(value, i), at))
            return false;
    }
    return check_disjoint(value, where);
}

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

// --- What is trained ----------------------------------------------------------------------------

struct cJSON *partition_of_training(const struct cJSON *partition)
{
    cJSON *lists = cJSON_Duplicate(partition, true);
    if (cJSON_IsArray(lists))
        cJSON_DeleteItemFromArray(lists, 2); // where there is one
    return lists;
}
