// SPDX-License-Identifier: MIT
#include "data/folder.h"

#include "data/pattern.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool folder_check_name(const char *what, const char *name)
{
    return (name[0] != 0 && name[0] != '.' && !strchr(name, '/')) ||
           error_set("%s \"%.100s\": a name that does not begin with . and has no / is wanted",
                     what, name);
}

static int by_sample(const void *left, const void *right)
{
    const struct folder_file *a = left, *b = right;
    const int order = strcmp(a->sample, b->sample);
    return order != 0 ? order : strcmp(a->name, b->name);
}

struct listing {
    struct folder_files *files;
    size_t room;
};

static bool add_file(void *context, const char *path, const char *sample)
{
    struct listing *listing = context;
    struct folder_files *files = listing->files;
    files->files = mem_reserve(files->files, &listing->room, (size_t)files->count + 1,
                               sizeof(files->files[0]));
    files->files[files->count++] = (struct folder_file){text_copy(path), text_copy(sample)};
    return true;
}

bool folder_open(const char *folder, const char *feature, struct folder_files *files)
{
    struct listing listing = {files, 0};
    const bool path = strchr(feature, '/') || strstr(feature, PATTERN_MARK);
    *files = (struct folder_files){0};
    if (!(path ? pattern_check(feature) : folder_check_name("feature", feature)))
        return false;
    *files = (struct folder_files){.path = pattern_root(folder, feature)};
    if (!pattern_walk(folder, feature, add_file, &listing)) {
        folder_close(files);
        return false;
    }
    if (files->files)
        qsort(files->files, (size_t)files->count, sizeof(files->files[0]), by_sample);
    return true;
}

void folder_close(struct folder_files *files)
{
    for (int i = 0; i < files->count; i++) {
        free(files->files[i].name);
        free(files->files[i].sample);
    }
    free(files->files);
    free(files->path);
    *files = (struct folder_files){0};
}

// The first file whose sample is not before this one.
static int lower_bound(const struct folder_files *files, const char *sample)
{
    int low = 0, high = files->count;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (strcmp(files->files[middle].sample, sample) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_of(const struct folder_files *files, int index, const char *sample)
{
    return index < files->count && strcmp(files->files[index].sample, sample) == 0;
}

// That a file is there, not just a name of one.
static bool check_link(const char *path)
{
    char target[200];
    if (file_exists(path))
        return true;
    const ssize_t size = readlink(path, target, sizeof(target));
    return size < 0
               ? error_set("%s: is not there any more", path)
               : error_set("%s: is a link to %.*s, which is not there", path, (int)size, target);
}

char *folder_path(const struct folder_files *files, int file)
{
    return text_format("%s/%s", files->path, files->files[file].name);
}

bool folder_find(const struct folder_files *files, const char *sample, int *file)
{
    const int first = lower_bound(files, sample);
    *file = -1;
    if (!is_of(files, first, sample))
        return true;
    if (is_of(files, first + 1, sample))
        return error_set("%s/%s: %s/%s is there too: one file for a sample is wanted", files->path,
                         files->files[first + 1].name, files->path, files->files[first].name);
    char *path = folder_path(files, first);
    const bool there = check_link(path);
    free(path);
    *file = there ? first : -1;
    return there;
}
