// SPDX-License-Identifier: MIT
#include "vkgrid/study/folder.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/study/paths.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// What a study that was stopped while it was being made may leave; nothing of it is in use.
static bool is_leftover(const char *name)
{
    static const char *const names[] = {".", "..", STUDY_LOCK, STUDY_UNFINISHED,
                                        STUDY_UNFINISHED "-journal"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return file_is_temporary(name);
}

// Those of a cell that a training has in the study's folder, the weights aside.
#define CELL_FILES \
    "options.json", "plan.json", "opts.json", "run.log", "training.log", "epochs.tsv", \
        "steps.tsv", "training.tsv"

// Those of a folder of model_folder.h.
#define MODEL_FILES "model.pt", "options.json", "plan.json", "training.tsv"

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

bool study_check_folder(const char *out, bool *holds)
{
    *holds = study_holds(out, STUDY_DATABASE);
    if (!folder_check_target(out))
        return false;
    return *holds || !folder_exists(out) || is_empty(out) ||
           error_set("%s: holds other files and no study: an empty or a new folder is needed", out);
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
    char *path = study_path(out, name);
    const bool removed = access(path, F_OK) != 0 ||
                         nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 ||
                         error_set("%s: cannot remove: %s", path, strerror(errno));
    free(path);
    return removed;
}

static int sweep_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    if (type == FTW_F && file_is_temporary(path + where->base))
        unlink(path);
    return 0;
}

void study_sweep(const char *out)
{
    nftw(out, sweep_entry, 16, FTW_PHYS);
}

// The weights of a training.
static bool remove_weights(void *context, const char *name)
{
    static const char prefix[] = "best_", *const suffixes[] = {".safetensors", ".pt"};
    bool weights = false;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        const size_t size = strlen(name), length = strlen(suffixes[i]);
        weights = weights || (size > length && strcmp(name + size - length, suffixes[i]) == 0);
    }
    return !weights || strncmp(name, prefix, strlen(prefix)) != 0 || remove_tree(context, name);
}

static bool remove_all(const char *out, const char *const *names)
{
    for (; *names; names++)
        if (!remove_tree(out, *names))
            return false;
    return true;
}

// Of a model for PyTorch: its files, and folders that are empty then.
static int remove_model_entry(const char *path, const struct stat *info, int type,
                              struct FTW *where)
{
    static const char *const names[] = {MODEL_FILES, NULL};
    bool ours = type == FTW_DP;
    (void)info;
    for (const char *const *name = names; type == FTW_F && where->level == 2 && *name; name++)
        ours = ours || strcmp(path + where->base, *name) == 0;
    if (ours && remove(path) != 0 && type == FTW_F)
        return error_set("%s: cannot remove: %s", path, strerror(errno)), 1;
    return 0;
}

static bool remove_models(const char *out)
{
    char *path = study_path(out, STUDY_MODELS);
    const bool removed =
        !folder_exists(path) || nftw(path, remove_model_entry, 16, FTW_DEPTH | FTW_PHYS) == 0;
    free(path);
    return removed;
}

// A search has its cells in a folder: such files beside it are somebody's own.
static bool remove_cell_files(const char *out)
{
    static const char *const names[] = {CELL_FILES, NULL};
    char *cells = study_path(out, STUDY_CELLS);
    const bool training = !folder_exists(cells);
    free(cells);
    return !training ||
           (folder_each_file(out, remove_weights, (void *)out) && remove_all(out, names));
}

bool study_clear(const char *out)
{
    static const char *const names[] = {STUDY_RANKING,
                                        STUDY_CHECKPOINTS,
                                        STUDY_REPORT,
                                        STUDY_CELLS, // late: where they are, this is no training
                                        STUDY_DATABASE "-journal",
                                        STUDY_DATABASE,
                                        NULL}; // the study itself last
    return remove_cell_files(out) && remove_models(out) && remove_all(out, names);
}
