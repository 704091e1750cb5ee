// SPDX-License-Identifier: MIT
#include "grid/raters.h"

#include "grid/partition.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/source.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static const char *const published[] = {"A1", "A2", "A3", "A4"};
enum { PUBLISHED = sizeof(published) / sizeof(published[0]) };

// Names of the samples of one source, sorted.
struct names {
    char **names;
    int count;
};

static bool list_source(const struct cell *cell, const char *text, struct names *names)
{
    struct source source;
    if (!source_parse(text, &source))
        return false;
    char *folder = source_root(cell->data, &source);
    const bool listed = !source_is_null(&source) && folder_exists(folder) &&
                        dataset_list(cell->data, source.folder, &names->names, &names->count);
    free(folder);
    source_free(&source);
    return listed;
}

static struct names list_first(const struct cell *cell)
{
    const struct name_list *const sets[] = {&cell->features, &cell->labels};
    struct names names = {0};
    for (int set = 0; cell->data && set < 2; set++) {
        for (int i = 0; i < sets[set]->count; i++) {
            if (list_source(cell, sets[set]->sources[i], &names))
                return names;
        }
    }
    return (struct names){0};
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

// Whether any subject of training and validation has a file, drawn by the rater (NULL: by nobody).
// Those that are kept for the test say nothing about what is trained.
static bool has_files(const struct names *names, const cJSON *partition, const char *rater)
{
    const cJSON *subject;
    for (int i = 0; i < 2; i++) {
        cJSON_ArrayForEach(subject, cJSON_GetArrayItem(partition, i))
        {
            char *text = subject_text(subject),
                 *sample = rater ? text_format("%s_%s", rater, text) : text_copy(text);
            const bool there = bsearch(&sample, names->names, (size_t)names->count,
                                       sizeof(names->names[0]), compare);
            free(sample);
            free(text);
            if (there)
                return true;
        }
    }
    return false;
}

struct cJSON *raters_found(const struct cell *cell, bool built_in, bool *guessed)
{
    const cJSON *partition = json_member(cell->options, "partition");
    struct names names = list_first(cell);
    const char *found[PUBLISHED];
    int count = 0;
    const bool own = names.count > 0 && has_files(&names, partition, NULL);
    for (int i = 0; names.count > 0 && !own && i < PUBLISHED; i++)
        if (has_files(&names, partition, published[i]))
            found[count++] = published[i];
    for (int i = 0; i < names.count; i++)
        free(names.names[i]);
    free(names.names);
    *guessed = !own && count == 0;
    if (!*guessed)
        return cJSON_CreateStringArray(found, count);
    return cJSON_CreateStringArray(published, built_in ? PUBLISHED : 0);
}
