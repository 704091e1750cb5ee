// SPDX-License-Identifier: MIT
#include "folder.h"

#include "vkgrid/error.h"
#include "vkgrid/file.h"
#include "vkgrid/json.h"
#include "vkgrid/memory.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT 1 // of the files in a study's folder

bool folder_check_target(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0)
        return folder_check_writable(path);
    if (errno != ENOENT)
        return error_set("%s: cannot be written: %s", path, strerror(errno));
    // It will be made: look at the first folder above it that is there.
    char *above = text_copy(path);
    bool found = false;
    while (!found) {
        char *slash = strrchr(above, '/');
        if (!slash) {
            strcpy(above, path[0] == '/' ? "/" : ".");
            break;
        }
        *slash = 0;
        found = above[0] && stat(above, &info) == 0;
    }
    const bool writable = access(above, W_OK | X_OK) == 0 ||
                          error_set("%s: cannot be made: %s: %s", path, above, strerror(errno));
    free(above);
    return writable;
}

static bool is_empty(const char *path)
{
    DIR *folder = opendir(path);
    int count = 0;
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count <= 2; // . and ..
}

// The first key whose value differs, or NULL.
static const char *differing_key(const cJSON *a, const cJSON *b)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, a)
    {
        const cJSON *other = json_member(b, item->string);
        if (!other || !cJSON_Compare(item, other, true))
            return item->string;
    }
    cJSON_ArrayForEach(item, b)
    {
        if (!json_member(a, item->string))
            return item->string;
    }
    return NULL;
}

// The order of the keys of hyper numbers the cells.
static bool same_order(const cJSON *a, const cJSON *b)
{
    const cJSON *left = a ? a->child : NULL, *right = b ? b->child : NULL;
    for (; left && right && strcmp(left->string, right->string) == 0; left = left->next)
        right = right->next;
    return !left && !right;
}

static bool compare_study(const char *out, const cJSON *there, const struct grid *grid)
{
    static const char advice[] = "another folder (-o) or --overwrite is needed";
    static const char *const parts[] = {"static", "hyper"};
    const cJSON *version = json_member(there, "version"), *theirs = json_member(there, "grid");
    const cJSON *format = json_member(there, "format");
    if (!cJSON_IsString(version) || !cJSON_IsNumber(format) || !cJSON_IsObject(theirs))
        return error_set("%s/study.json: not the record of a study: %s", out, advice);
    if (format->valuedouble != FORMAT || strcmp(version->valuestring, VKGRID_VERSION) != 0)
        return error_set("%s: holds a study of vkgrid %s, this is %s: %s", out,
                         version->valuestring, VKGRID_VERSION, advice);
    for (int i = 0; i < 2; i++) {
        const cJSON *mine = json_member(grid->json, parts[i]),
                    *other = json_member(theirs, parts[i]);
        const char *key = differing_key(mine, other);
        if (key)
            return error_set("%s: holds another study: %s.%s differs: %s", out, parts[i], key,
                             advice);
    }
    return same_order(json_member(grid->json, "hyper"), json_member(theirs, "hyper")) ||
           error_set("%s: holds another study: the order of the keys of hyper differs: %s", out,
                     advice);
}

bool folder_check_study(const char *out, const struct grid *grid, bool overwrite, bool *holds)
{
    cJSON *there = NULL;
    char *path = text_format("%s/study.json", out);
    *holds = false;
    CHECK(folder_check_target(out));
    if (folder_exists(out) && !is_empty(out)) {
        if (!file_exists(path))
            FAIL("%s: holds other files and no study: an empty or a new folder is needed", out);
        *holds = !overwrite;
        if (!overwrite) {
            CHECK(json_read(path, &there));
            CHECK(compare_study(out, there, grid));
        }
    }
    cJSON_Delete(there);
    free(path);
    return true;
error:
    cJSON_Delete(there);
    free(path);
    return false;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static bool remove_tree(const char *out, const char *name)
{
    char *path = text_format("%s/%s", out, name);
    const bool removed = !folder_exists(path) ||
                         nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 ||
                         error_set("%s: cannot remove: %s", path, strerror(errno));
    free(path);
    return removed;
}

bool folder_make_study(const char *out, const struct grid *grid, bool overwrite,
                       const struct cJSON *record)
{
    if (!folder_make(out))
        return false;
    if (overwrite && (!remove_tree(out, "cells") || !remove_tree(out, "hyperparameters")))
        return false;
    cJSON *study = cJSON_CreateObject();
    char *path = text_format("%s/study.json", out);
    cJSON_AddStringToObject(study, "program", "vkgrid");
    cJSON_AddStringToObject(study, "version", VKGRID_VERSION);
    cJSON_AddNumberToObject(study, "format", FORMAT);
    cJSON_AddItemToObject(study, "options",
                          record ? cJSON_Duplicate(record, true) : cJSON_CreateObject());
    cJSON_AddItemToObject(study, "grid", cJSON_Duplicate(grid->json, true));
    const bool written = json_write(path, study);
    free(path);
    cJSON_Delete(study);
    return written;
}

static bool check_names(const struct cell *cell, const struct name_list *names, const char *what)
{
    for (int i = 0; i < names->count; i++) {
        if (strcmp(names->names[i], "null") == 0)
            continue; // zeros
        char *folder = text_format("%s/%s", cell->data, names->names[i]);
        const bool there = folder_exists(folder);
        if (!there)
            error_set("%s: no such folder: the %s \"%s\" has its files there", folder, what,
                      names->names[i]);
        free(folder);
        if (!there)
            return false;
    }
    return true;
}

bool folder_check_inputs(const struct cell *cell, const char *where)
{
    if (!cell->data)
        return error_set(
            "%s: data_cache_path: is missing: a data folder is needed there or by --data DIR",
            where);
    if (!folder_exists(cell->data))
        return error_set("%s: no such data folder", cell->data);
    if (cell->pretrained && !file_exists(cell->pretrained))
        return error_set("%s: no such file of pretrained weights", cell->pretrained);
    return check_names(cell, &cell->features, "feature") &&
           check_names(cell, &cell->labels, "label");
}
