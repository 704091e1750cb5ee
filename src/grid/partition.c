// SPDX-License-Identifier: MIT
#include "grid/partition.h"

#include "grid/names.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/grid.h"

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

struct cJSON *partition_of_training(const struct cJSON *partition)
{
    cJSON *lists = cJSON_Duplicate(partition, true);
    if (cJSON_IsArray(lists))
        cJSON_DeleteItemFromArray(lists, 2); // where there is one
    return lists;
}
