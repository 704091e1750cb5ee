// SPDX-License-Identifier: MIT
#include "vkgrid/study/folder.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

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

// "<name>.<process>.tmp"
static bool is_temporary(const char *name)
{
    const char *end = strrchr(name, '.'), *at = end;
    if (!end || strcmp(end, ".tmp") != 0)
        return false;
    while (at > name && at[-1] >= '0' && at[-1] <= '9')
        at--;
    return at < end && at - 1 > name && at[-1] == '.';
}

// What a study that was stopped while it was being made may leave; nothing of it is in use.
static bool is_leftover(const char *name)
{
    static const char *const names[] = {".", "..", "lock", "study.db.new", "study.db.new-journal"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return is_temporary(name);
}

static bool is_empty(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    bool empty = true;
    while (folder && empty && (entry = readdir(folder)))
        empty = is_leftover(entry->d_name);
    if (folder)
        closedir(folder);
    return empty;
}

bool folder_check_study(const char *out, bool *holds)
{
    char *path = text_format("%s/study.db", out);
    *holds = file_exists(path);
    free(path);
    if (!folder_check_target(out))
        return false;
    return *holds || !folder_exists(out) || is_empty(out) ||
           error_set("%s: holds other files and no study: an empty or a new folder is needed", out);
}

static bool locked_by_another(const char *out, int file)
{
    char who[128] = "";
    const ssize_t size = pread(file, who, sizeof(who) - 1, 0);
    char *space = size > 0 ? strchr(who, ' ') : NULL;
    who[size > 0 ? strcspn(who, "\n") : 0] = 0;
    if (!space)
        return error_set("%s: another process is at work there", out);
    *space = 0;
    return error_set("%s: process %s on %s is at work there: only one at a time is allowed", out,
                     who, space + 1);
}

bool folder_lock(const char *out, int *file)
{
    char host[64] = "?", *path = text_format("%s/lock", out);
    bool locked = false;
    *file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*file < 0) {
        error_set_errno(errno, "%s: cannot write", path);
    } else if (flock(*file, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            locked_by_another(out, *file);
        else
            error_set_errno(errno, "%s: cannot be locked", path);
        close(*file);
        *file = -1;
    } else {
        locked = true;
        gethostname(host, sizeof(host) - 1);
        // Only for people: a full disk is no reason to stop.
        if (ftruncate(*file, 0) != 0 || dprintf(*file, "%ld %s\n", (long)getpid(), host) < 0)
            errno = 0;
    }
    free(path);
    return locked;
}

// At most so much of a value is shown.
#define SHOWN 60

static void add_value(struct text *list, const cJSON *value)
{
    char *line = value ? json_print_line(value) : text_copy("nothing");
    text_add(list, "%.*s%s", SHOWN, line, strlen(line) > SHOWN ? "..." : "");
    free(line);
}

static void add_difference(struct text *list, const char *prefix, const char *key,
                           const cJSON *mine, const cJSON *theirs)
{
    text_add(list, "; %s%s: ", prefix, key);
    add_value(list, mine);
    text_add(list, " instead of ");
    add_value(list, theirs);
}

// The order of the keys, too: that of hyper numbers the cells.
static bool same_order(const cJSON *a, const cJSON *b)
{
    const cJSON *left = a ? a->child : NULL, *right = b ? b->child : NULL;
    for (; left && right && strcmp(left->string, right->string) == 0; left = left->next)
        right = right->next;
    return !left && !right;
}

void folder_differences(struct text *list, const char *prefix, const struct cJSON *mine,
                        const struct cJSON *theirs)
{
    const cJSON *item;
    const size_t before = list->size;
    cJSON_ArrayForEach(item, mine)
    {
        const cJSON *other = json_member(theirs, item->string);
        if (!other || !cJSON_Compare(item, other, true))
            add_difference(list, prefix, item->string, item, other);
    }
    cJSON_ArrayForEach(item, theirs)
    {
        if (!json_member(mine, item->string))
            add_difference(list, prefix, item->string, NULL, item);
    }
    if (list->size == before && strcmp(prefix, "hyper.") == 0 && !same_order(mine, theirs))
        text_add(list, "; the order of the keys of hyper");
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
    const bool removed = access(path, F_OK) != 0 ||
                         nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 ||
                         error_set("%s: cannot remove: %s", path, strerror(errno));
    free(path);
    return removed;
}

static int sweep_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    if (type == FTW_F && is_temporary(path + where->base))
        unlink(path);
    return 0;
}

void folder_sweep(const char *out)
{
    nftw(out, sweep_entry, 16, FTW_PHYS);
}

bool folder_clear(const char *out)
{
    static const char *const names[] = {
        "cells",       "hyperparameters",  "checkpoints",
        "report.html", "study.db-journal", "study.db"}; // the study itself last
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (!remove_tree(out, names[i]))
            return false;
    return true;
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
