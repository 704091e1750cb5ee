// SPDX-License-Identifier: MIT
#include "vkgrid/study/checkpoints.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/study/paths.h"

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

struct sweep {
    char *folder, **needed; // names of files
    int count;
};

static bool add_needed(void *context, int cell, int run, const struct run_state *state)
{
    struct sweep *sweep = context;
    sweep->needed =
        mem_grow(sweep->needed, (size_t)sweep->count + CHECKPOINT_FILES, sizeof(*sweep->needed));
    sweep->count += checkpoints_list(cell, run, state, sweep->needed + sweep->count);
    return true;
}

static bool remove_unless_needed(void *context, const char *name)
{
    const struct sweep *sweep = context;
    for (int i = 0; i < sweep->count; i++)
        if (strcmp(sweep->needed[i], name) == 0)
            return true;
    char *path = study_path(sweep->folder, name);
    const bool removed =
        unlink(path) == 0 || error_set("%s: cannot be removed: %s", path, strerror(errno));
    free(path);
    return removed;
}

bool checkpoints_sweep(const char *out, struct store *store)
{
    struct sweep sweep = {.folder = study_path(out, STUDY_CHECKPOINTS)};
    const bool swept = store_checkpoints(store, add_needed, &sweep) &&
                       folder_each_file(sweep.folder, remove_unless_needed, &sweep);
    for (int i = 0; i < sweep.count; i++)
        free(sweep.needed[i]);
    free(sweep.needed);
    free(sweep.folder);
    return swept;
}
