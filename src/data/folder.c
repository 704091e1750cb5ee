// SPDX-License-Identifier: MIT
#include "data/folder.h"

#include "vkgrid/data/dataset.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/image.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool folder_check_name(const char *what, const char *name)
{
    return (name[0] != 0 && name[0] != '.' && !strchr(name, '/')) ||
           error_set("%s \"%.100s\": a name that does not begin with . and has no / is wanted",
                     what, name);
}

static int compare_stems(const char *left, int left_size, const char *right, int right_size)
{
    const int order =
        memcmp(left, right, (size_t)(left_size < right_size ? left_size : right_size));
    return order != 0 ? order : (left_size > right_size) - (left_size < right_size);
}

static int by_stem(const void *left, const void *right)
{
    const struct folder_file *a = left, *b = right;
    const int order = compare_stems(a->name, a->stem, b->name, b->stem);
    return order != 0 ? order : strcmp(a->name, b->name);
}

// A regular file, or a link to nowhere.
static bool may_be_read(const char *path)
{
    struct stat there;
    return file_exists(path) || (lstat(path, &there) == 0 && S_ISLNK(there.st_mode) &&
                                 stat(path, &there) != 0 && errno == ENOENT);
}

bool folder_open(const char *folder, const char *feature, struct folder_files *files)
{
    size_t room = 0;
    DIR *stream = NULL;
    *files = (struct folder_files){.path = text_format("%s/%s", folder, feature)};
    CHECK(folder_check_name("feature", feature));
    stream = opendir(files->path);
    if (!stream)
        FAIL("%s: no folder that can be read: %s", files->path, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(stream));) {
        const int stem = image_stem(entry->d_name);
        if (entry->d_name[0] == '.' || stem == 0)
            continue;
        char *path = text_format("%s/%s", files->path, entry->d_name);
        const bool wanted = entry->d_type == DT_REG || may_be_read(path);
        free(path);
        if (!wanted)
            continue;
        files->files =
            mem_reserve(files->files, &room, (size_t)files->count + 1, sizeof(files->files[0]));
        files->files[files->count++] = (struct folder_file){text_copy(entry->d_name), stem};
    }
    if (files->files)
        qsort(files->files, (size_t)files->count, sizeof(files->files[0]), by_stem);
    closedir(stream);
    return true;
error:
    if (stream)
        closedir(stream);
    folder_close(files);
    return false;
}

void folder_close(struct folder_files *files)
{
    for (int i = 0; i < files->count; i++)
        free(files->files[i].name);
    free(files->files);
    free(files->path);
    *files = (struct folder_files){0};
}

// The first file whose stem is not before this one.
static int lower_bound(const struct folder_files *files, const char *stem)
{
    const int size = (int)strlen(stem);
    int low = 0, high = files->count;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        const struct folder_file *file = &files->files[middle];
        if (compare_stems(file->name, file->stem, stem, size) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has_stem(const struct folder_files *files, int index, const char *stem)
{
    return index < files->count && compare_stems(files->files[index].name, files->files[index].stem,
                                                 stem, (int)strlen(stem)) == 0;
}

// That a file is there, not just a name of one.
static bool check_link(const char *path)
{
    char target[200];
    if (file_exists(path))
        return true;
    const ssize_t size = readlink(path, target, sizeof(target));
    return error_set("%s: is a link to %.*s, which is not there", path, size < 0 ? 0 : (int)size,
                     target);
}

char *folder_path(const struct folder_files *files, int file)
{
    return text_format("%s/%s", files->path, files->files[file].name);
}

bool folder_find(const struct folder_files *files, const char *stem, int *file)
{
    const int first = lower_bound(files, stem);
    *file = -1;
    if (!has_stem(files, first, stem))
        return true;
    if (has_stem(files, first + 1, stem))
        return error_set("%s/%s: %s/%s is there too: one file for a sample is wanted", files->path,
                         files->files[first + 1].name, files->path, files->files[first].name);
    char *path = folder_path(files, first);
    const bool there = check_link(path);
    free(path);
    *file = there ? first : -1;
    return there;
}

bool dataset_list(const char *folder, const char *feature, char ***names, int *count)
{
    struct folder_files files;
    char **list;
    if (!folder_open(folder, feature, &files))
        return false;
    list = mem_zalloc((size_t)files.count + 1, sizeof(list[0]));
    for (int i = 0; i < files.count; i++) {
        list[i] = text_format("%.*s", files.files[i].stem, files.files[i].name);
        if (i > 0 && strcmp(list[i - 1], list[i]) == 0)
            FAIL("%s/%s: has files with more than one extension of " FOLDER_EXTENSIONS
                 ": one is wanted",
                 files.path, list[i]);
    }
    *names = list;
    *count = files.count;
    folder_close(&files);
    return true;
error:
    for (int i = 0; i < files.count; i++)
        free(list[i]);
    free(list);
    folder_close(&files);
    return false;
}
