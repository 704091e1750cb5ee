// SPDX-License-Identifier: MIT
// Which samples a source has.
#include "data/folder.h"
#include "data/pattern.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/data/source.h"

#include <stdlib.h>
#include <string.h>

static int by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

// Whether a file of both is the other's: both begin in one folder, and the other says more.
static bool may_own(const char *folder, const char *files, const char *other)
{
    char *root = pattern_root(folder, files), *others = pattern_root(folder, other);
    const bool owns = strcmp(root, others) == 0 && strlen(other) > strlen(files);
    free(root);
    free(others);
    return owns;
}

// Takes the files that the other source reaches out of the list.
static bool leave_to(const char *folder, const char *other, struct folder_files *files)
{
    struct folder_files others;
    int kept = 0;
    if (!folder_open(folder, other, &others))
        return false;
    char **names = mem_zalloc((size_t)others.count + 1, sizeof(names[0]));
    for (int i = 0; i < others.count; i++)
        names[i] = others.files[i].name; // below the same folder
    qsort(names, (size_t)others.count, sizeof(names[0]), by_text);
    for (int i = 0; i < files->count; i++) {
        struct folder_file *file = &files->files[i];
        if (bsearch(&file->name, names, (size_t)others.count, sizeof(names[0]), by_text)) {
            free(file->name);
            free(file->sample);
        } else {
            files->files[kept++] = *file;
        }
    }
    files->count = kept;
    free(names);
    folder_close(&others);
    return true;
}

static bool take_names(const struct folder_files *files, char ***names, int *count)
{
    for (int i = 1; i < files->count; i++) {
        const struct folder_file *file = &files->files[i];
        if (strcmp(file->sample, file[-1].sample) == 0)
            return error_set("%s/%s: %s/%s is there too: one file for a sample is wanted",
                             files->path, file->name, files->path, file[-1].name);
    }
    *names = mem_zalloc((size_t)files->count + 1, sizeof(**names));
    for (int i = 0; i < files->count; i++)
        (*names)[i] = text_copy(files->files[i].sample);
    *count = files->count;
    return true;
}

bool dataset_list_own(const char *folder, const char *const *sources, int source_count, int which,
                      char ***names, int *count)
{
    struct source source = {0}, other = {0};
    struct folder_files files = {0};
    CHECK(source_parse(sources[which], &source) && folder_open(folder, source.folder, &files));
    for (int i = 0; i < source_count; i++) {
        CHECK(source_parse(sources[i], &other));
        if (may_own(folder, source.folder, other.folder))
            CHECK(leave_to(folder, other.folder, &files));
        source_free(&other);
    }
    CHECK(take_names(&files, names, count));
    source_free(&source);
    folder_close(&files);
    return true;
error:
    source_free(&source);
    source_free(&other);
    folder_close(&files);
    return false;
}

bool dataset_list(const char *folder, const char *feature, char ***names, int *count)
{
    struct folder_files files;
    const bool listed = folder_open(folder, feature, &files) && take_names(&files, names, count);
    folder_close(&files);
    return listed;
}
