// SPDX-License-Identifier: MIT
#include "vkgrid/merge.h"

#include "folder.h"
#include "merge_files.h"
#include "ranking.h"
#include "vkgrid/error.h"
#include "vkgrid/file.h"
#include "vkgrid/join.h"
#include "vkgrid/json.h"
#include "vkgrid/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Where a cell's best state is.
struct choice {
    int folder; // index
    struct score score;
    bool weights; // the trial names a file of them
};

struct merge {
    const char **folders; // `out` first, where it holds a study
    int *locks, folder_count;
    int reading; // the folder that is read now
    bool in_place; // the first folder is `out`
    const char *out;
    int out_lock; // where it is not the first folder
    cJSON *version, *grid_json, *settings; // of the first folder
    struct grid *grid;
    struct choice *choices; // [cell]
    int cell_count, seen;   // cells of the first folder; of the one that is read
    struct merge_result *result;
};

static char *database_of(const char *folder)
{
    return text_format("%s/study.db", folder);
}

// Opens it to write: SQLite then undoes what a killed process has left half done.
static bool open_database(const char *folder, struct store **store)
{
    char *path = database_of(folder);
    const bool opened = store_open(path, false, store);
    free(path);
    return opened;
}

// --- The folders --------------------------------------------------------------------------------

static bool same_folder(const char *a, const char *b)
{
    struct stat left, right;
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

// A folder that is named twice counts once.
static bool add_folder(struct merge *merge, const char *folder)
{
    for (int i = 0; i < merge->folder_count; i++)
        if (same_folder(merge->folders[i], folder))
            return true;
    if (!folder_exists(folder))
        return error_set("%s: no such folder", folder);
    char *path = database_of(folder);
    const bool holds = file_exists(path) || error_set("%s: holds no study", folder);
    free(path);
    if (!holds || !folder_lock(folder, &merge->locks[merge->folder_count]))
        return false;
    merge->folders[merge->folder_count++] = folder;
    return true;
}

// Whether a first merge into `out` was stopped: it can be done again.
static bool was_stopped(const char *out)
{
    char *path = text_format("%s/study.db.new", out);
    const bool there = file_exists(path);
    free(path);
    return there;
}

static bool list_folders(struct merge *merge, const struct merge_options *options)
{
    bool holds = false;
    merge->folders = mem_zalloc((size_t)options->count + 1, sizeof(*merge->folders));
    merge->locks = mem_zalloc((size_t)options->count + 1, sizeof(*merge->locks));
    if (was_stopped(options->out) ? !folder_check_target(options->out)
                                  : !folder_check_study(options->out, &holds))
        return false;
    char *path = database_of(options->out);
    merge->in_place = holds || file_exists(path);
    free(path);
    if (merge->in_place && !add_folder(merge, options->out))
        return false;
    for (int i = 0; i < options->count; i++)
        if (!add_folder(merge, options->folders[i]))
            return false;
    return true;
}

static void unlock(int *file)
{
    if (*file < 0)
        return;
    if (ftruncate(*file, 0) != 0)
        *file = -1; // it says who had it: only for people
    else
        close(*file);
    *file = -1;
}

// --- One study? ---------------------------------------------------------------------------------

// What a share has of its own.
static cJSON *common_settings(const cJSON *settings)
{
    static const char *const own[] = {"shard", "cells", "command"};
    cJSON *common = cJSON_Duplicate(settings, true);
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(common, own[i]);
    return common;
}

static void compare_grids(struct text *list, const cJSON *first, const cJSON *grid)
{
    static const char *const parts[] = {"static", "hyper"};
    for (int i = 0; i < 2; i++) {
        char *prefix = text_format("%s.", parts[i]);
        folder_differences(list, prefix, json_member(grid, parts[i]), json_member(first, parts[i]));
        free(prefix);
    }
}

static bool compare_data(struct merge *merge, struct store *store, struct text *list)
{
    char *path = database_of(merge->folders[0]);
    int64_t differing = 0;
    const bool compared = store_attach(store, path) && store_compare_datasets(store, &differing) &&
                          store_detach(store);
    free(path);
    if (differing > 0)
        text_add(list, "; the data of %lld data set%s", (long long)differing,
                 differing > 1 ? "s" : "");
    return compared;
}

static bool compare_study(struct merge *merge, struct store *store, const cJSON *version,
                          const cJSON *grid, const cJSON *settings)
{
    const char *folder = merge->folders[merge->reading];
    struct text list = {0};
    if (!cJSON_Compare(version, merge->version, true)) {
        char *mine = json_print_line(version), *first = json_print_line(merge->version);
        text_add(&list, "; vkgrid %s instead of %s", mine, first);
        free(mine);
        free(first);
    }
    compare_grids(&list, merge->grid_json, grid);
    folder_differences(&list, "", settings, merge->settings);
    const bool same = compare_data(merge, store, &list) &&
                      (!list.bytes || error_set("%s: not the study of %s: %s", folder,
                                                merge->folders[0], list.bytes + 2));
    free(list.bytes);
    return same;
}

static const char *text_of(const cJSON *value, const char *missing)
{
    return cJSON_IsString(value) ? value->valuestring : missing;
}

static bool read_grid(struct merge *merge)
{
    const cJSON *trials = json_member(merge->settings, "trials");
    struct grid_settings settings = {.trials = cJSON_IsNumber(trials) ? trials->valueint : 0};
    const char *sampler = text_of(json_member(merge->settings, "sampler"), "?");
    if (!sampler_parse(sampler, &settings.sampler))
        return error_set("%s: its sampler is \"%s\"", merge->folders[0], sampler);
    if (settings.sampler == SAMPLER_OPTUNA)
        return error_set("%s: Optuna chose its cells: there are no shares to join",
                         merge->folders[0]);
    // The ranking shows the options of cells; whatever file stood for "pretrained": true.
    settings.pretrained =
        text_of(json_member(json_member(merge->settings, "command"), "pretrained"), "true");
    char *text = json_print(merge->grid_json),
         *where = text_format("%s/study.db: grid", merge->folders[0]);
    const bool read = grid_parse(text, strlen(text), where, &settings, &merge->grid);
    free(text);
    free(where);
    return read;
}

// The first folder says which study it is, the others must agree.
static bool check_study(struct merge *merge, struct store *store)
{
    cJSON *version = NULL, *grid = NULL, *settings = NULL;
    CHECK(store_get(store, "version", &version));
    CHECK(store_get(store, "grid", &grid));
    CHECK(store_get(store, "settings", &settings));
    if (merge->reading == 0) {
        merge->version = version;
        merge->grid_json = grid;
        merge->settings = settings;
        return read_grid(merge);
    }
    cJSON *common = common_settings(settings), *first = common_settings(merge->settings);
    (void)first;
    const bool same = compare_study(merge, store, version, grid, common);
    cJSON_Delete(common);
    CHECK(same);
    cJSON_Delete(version);
    cJSON_Delete(grid);
    cJSON_Delete(settings);
    return true;
error:
    cJSON_Delete(version);
    cJSON_Delete(grid);
    cJSON_Delete(settings);
    return false;
}
