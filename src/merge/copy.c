// SPDX-License-Identifier: MIT
#include "merge/copy.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_LIMIT ((size_t)1 << 32) // weights and Adam's moments of the largest network: 0.3 GB

static bool is_weights(const char *name)
{
    static const char ending[] = ".safetensors";
    const size_t size = strlen(name);
    return size >= sizeof(ending) && strcmp(name + size - strlen(ending), ending) == 0;
}

// A file that file_write() did not finish.
static bool is_unfinished(const char *name)
{
    return strstr(name, ".tmp") != NULL;
}

static bool copy_file(const char *from, const char *to)
{
    void *bytes;
    size_t size;
    if (!file_read(from, FILE_LIMIT, &bytes, &size))
        return false;
    const bool written = file_write(to, bytes, size);
    free(bytes);
    return written;
}

// Calls `each` with the name of every file of a folder; a folder that is not there has none.
static bool each_file(const char *folder, bool (*each)(void *context, const char *name),
                      void *context)
{
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    bool good = true;
    if (!listing)
        return errno == ENOENT || error_set("%s: cannot be read: %s", folder, strerror(errno));
    while (good && (entry = readdir(listing))) {
        char *path = text_format("%s/%s", folder, entry->d_name);
        if (file_exists(path))
            good = each(context, entry->d_name);
        free(path);
    }
    closedir(listing);
    return good;
}

struct copy {
    char *from, *to;
    bool weights;
};

static bool copy_entry(void *context, const char *name)
{
    const struct copy *copy = context;
    if (is_unfinished(name) || (is_weights(name) && !copy->weights))
        return true;
    char *from = text_format("%s/%s", copy->from, name), *to = text_format("%s/%s", copy->to, name);
    const bool copied = copy_file(from, to);
    free(from);
    free(to);
    return copied;
}

static bool remove_file(const char *folder, const char *name)
{
    char *path = text_format("%s/%s", folder, name);
    const bool removed = unlink(path) == 0 || errno == ENOENT ||
                         error_set("%s: cannot be removed: %s", path, strerror(errno));
    free(path);
    return removed;
}

// What a merge that was killed has left.
static bool remove_if_unfinished(void *context, const char *name)
{
    return !is_unfinished(name) || remove_file(context, name);
}

static char *cell_folder(const char *out, int cell)
{
    return text_format("%s/cells/grid%05d", out, cell);
}

bool merge_cell_files(const char *from, const char *to, int cell, bool weights)
{
    struct copy copy = {cell_folder(from, cell), cell_folder(to, cell), weights};
    const bool copied =
        !folder_exists(copy.from) ||
        (folder_make(copy.to) && each_file(copy.to, remove_if_unfinished, copy.to) &&
         each_file(copy.from, copy_entry, &copy));
    free(copy.from);
    free(copy.to);
    return copied;
}

// Names of the files of a checkpoint, as pack_checkpoints() and checkpoint_path() make them; the
// caller frees each.
static int checkpoint_files(int cell, int run, const struct run_state *state, char *names[3])
{
    const int steps[] = {state->current.step, state->round_best.step, state->best.step};
    int count = 0;
    for (int i = 0; i < 3; i++)
        if (steps[i] >= 0)
            names[count++] = text_format("grid%05d-%d-%d.safetensors", cell, run, steps[i]);
    return count;
}

bool merge_checkpoint_files(const char *from, const char *to, int cell, int run,
                            const struct run_state *state)
{
    struct copy copy = {text_format("%s/checkpoints", from), text_format("%s/checkpoints", to),
                        true};
    char *names[3];
    const int count = checkpoint_files(cell, run, state, names);
    bool copied = folder_make(copy.to);
    for (int i = 0; i < count; i++) {
        char *path = text_format("%s/%s", copy.from, names[i]);
        copied = copied && (!file_exists(path) || copy_entry(&copy, names[i]));
        free(path);
        free(names[i]);
    }
    free(copy.from);
    free(copy.to);
    return copied;
}

static bool remove_if_weights(void *context, const char *name)
{
    return !is_weights(name) || remove_file(context, name);
}

bool merge_remove_weights(const char *out, int cell)
{
    char *folder = cell_folder(out, cell);
    const bool removed = each_file(folder, remove_if_weights, folder);
    free(folder);
    return removed;
}

bool merge_sweep_unfinished(const char *out)
{
    char *ranking = text_format("%s/hyperparameters", out);
    const bool swept = each_file(out, remove_if_unfinished, (char *)out) &&
                       each_file(ranking, remove_if_unfinished, ranking);
    free(ranking);
    return swept;
}

struct sweep {
    char *folder, **needed;
    int count;
};

static bool add_needed(void *context, int cell, int run, const struct run_state *state)
{
    struct sweep *sweep = context;
    sweep->needed = mem_grow(sweep->needed, (size_t)sweep->count + 3, sizeof(*sweep->needed));
    sweep->count += checkpoint_files(cell, run, state, sweep->needed + sweep->count);
    return true;
}

static bool remove_unless_needed(void *context, const char *name)
{
    const struct sweep *sweep = context;
    for (int i = 0; i < sweep->count; i++)
        if (strcmp(sweep->needed[i], name) == 0)
            return true;
    return remove_file(sweep->folder, name);
}

bool merge_sweep_checkpoints(const char *out, struct store *store)
{
    struct sweep sweep = {.folder = text_format("%s/checkpoints", out)};
    const bool swept = store_checkpoints(store, add_needed, &sweep) &&
                       each_file(sweep.folder, remove_unless_needed, &sweep);
    for (int i = 0; i < sweep.count; i++)
        free(sweep.needed[i]);
    free(sweep.needed);
    free(sweep.folder);
    return swept;
}
