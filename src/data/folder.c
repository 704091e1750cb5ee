// SPDX-License-Identifier: MIT
#include "data/folder.h"

#include "vkgrid/data/dataset.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const extensions[] = {".npy", ".png", ".pt"};
enum { EXTENSIONS = sizeof(extensions) / sizeof(extensions[0]) };

bool folder_check_name(const char *what, const char *name)
{
    return (name[0] != 0 && name[0] != '.' && !strchr(name, '/')) ||
           error_set("%s \"%.100s\": a name that does not begin with . and has no / is wanted",
                     what, name);
}

// Length of the name without its extension, 0 when it has no known one.
static int stem_length(const char *name)
{
    const size_t length = strlen(name);
    for (int i = 0; i < EXTENSIONS; i++) {
        const size_t size = strlen(extensions[i]);
        if (length > size && strcmp(name + length - size, extensions[i]) == 0)
            return (int)(length - size);
    }
    return 0;
}

bool folder_find(const char *folder, const char *feature, const char *sample, char **path)
{
    *path = NULL;
    for (int i = 0; i < EXTENSIONS; i++) {
        char *candidate = text_format("%s/%s/%s%s", folder, feature, sample, extensions[i]);
        if (file_exists(candidate) && *path) {
            error_set("%s: %s is there too: one file for a sample is wanted", candidate, *path);
            free(candidate);
            free(*path);
            *path = NULL;
            return false;
        }
        if (file_exists(candidate))
            *path = candidate;
        else
            free(candidate);
    }
    return true;
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

bool dataset_list(const char *folder, const char *feature, char ***names, int *count)
{
    char *path = text_format("%s/%s", folder, feature);
    char **list = NULL;
    int used = 0;
    size_t room = 0;
    DIR *stream = NULL;
    CHECK(folder_check_name("feature", feature));
    stream = opendir(path);
    if (!stream)
        FAIL("%s: no folder that can be read: %s", path, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(stream));) {
        const int stem = stem_length(entry->d_name);
        if (entry->d_name[0] == '.' || stem == 0)
            continue;
        char *file = text_format("%s/%s", path, entry->d_name);
        const bool regular = file_exists(file);
        free(file);
        if (!regular)
            continue;
        list = mem_reserve(list, &room, (size_t)used + 1, sizeof(list[0]));
        list[used++] = text_format("%.*s", stem, entry->d_name);
    }
    if (list)
        qsort(list, (size_t)used, sizeof(list[0]), by_text);
    for (int i = 1; i < used; i++)
        if (strcmp(list[i - 1], list[i]) == 0)
            FAIL("%s/%s: has files with more than one extension of " FOLDER_EXTENSIONS
                 ": one is wanted",
                 path, list[i]);
    closedir(stream);
    free(path);
    *names = list;
    *count = used;
    return true;
error:
    if (stream)
        closedir(stream);
    for (int i = 0; i < used; i++)
        free(list[i]);
    free(list);
    free(path);
    return false;
}
