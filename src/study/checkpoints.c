// SPDX-License-Identifier: MIT
#include "vkgrid/study/checkpoints.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/study/paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int checkpoints_list(int cell, int run, const struct run_state *state,
                     char *names[CHECKPOINT_FILES])
{
    const int epochs[CHECKPOINT_FILES] = {state->current.epochs_done, state->round_best.epochs_done,
                                          state->best.epochs_done};
    char *prefix = study_checkpoints("", cell, run);
    int count = 0;
    for (int i = 0; i < CHECKPOINT_FILES; i++) {
        if (epochs[i] < 0)
            continue;
        char *path = checkpoint_path(prefix, epochs[i]);
        names[count++] = text_copy(strrchr(path, '/') + 1);
        free(path);
    }
    free(prefix);
    return count;
}

struct needed {
    char **names;
    int count;
};

static bool add_needed(void *context, int cell, int run, const struct run_state *state)
{
    struct needed *needed = context;
    needed->names =
        mem_grow(needed->names, (size_t)needed->count + CHECKPOINT_FILES, sizeof(*needed->names));
    needed->count += checkpoints_list(cell, run, state, needed->names + needed->count);
    return true;
}

static bool is_needed(const struct needed *needed, const char *name)
{
    for (int i = 0; i < needed->count; i++)
        if (strcmp(needed->names[i], name) == 0)
            return true;
    return false;
}

static bool sweep_folder(const char *path, const struct needed *needed)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    bool swept = true;
    if (!folder)
        return errno == ENOENT || error_set("%s: cannot be read: %s", path, strerror(errno));
    while (swept && (entry = readdir(folder))) {
        char *file = study_path(path, entry->d_name);
        if (!is_needed(needed, entry->d_name) && file_exists(file))
            swept =
                unlink(file) == 0 || error_set("%s: cannot be removed: %s", file, strerror(errno));
        free(file);
    }
    closedir(folder);
    return swept;
}

bool checkpoints_sweep(const char *out, struct store *store)
{
    struct needed needed = {0};
    char *path = study_path(out, STUDY_CHECKPOINTS);
    const bool swept = store_checkpoints(store, add_needed, &needed) && sweep_folder(path, &needed);
    for (int i = 0; i < needed.count; i++)
        free(needed.names[i]);
    free(needed.names);
    free(path);
    return swept;
}
