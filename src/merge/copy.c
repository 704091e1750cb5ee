// SPDX-License-Identifier: MIT
#include "merge/copy.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/study/checkpoints.h"
#include "vkgrid/study/paths.h"

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

bool copy_file(const char *from, const char *to)
{
    void *bytes;
    size_t size;
    if (!file_read(from, FILE_LIMIT, &bytes, &size))
        return false;
    const bool written = file_write(to, bytes, size);
    free(bytes);
    return written;
}

struct copy {
    char *from, *to;
    bool weights;
};

static bool copy_as(const struct copy *copy, const char *name, const char *as)
{
    char *from = study_path(copy->from, name), *to = study_path(copy->to, as);
    const bool copied = copy_file(from, to);
    free(from);
    free(to);
    return copied;
}

static bool copy_entry(void *context, const char *name)
{
    const struct copy *copy = context;
    return file_is_temporary(name) || (is_weights(name) && !copy->weights) ||
           copy_as(copy, name, name);
}

static bool remove_file(const char *folder, const char *name)
{
    char *path = study_path(folder, name);
    const bool removed = unlink(path) == 0 || errno == ENOENT ||
                         error_set("%s: cannot be removed: %s", path, strerror(errno));
    free(path);
    return removed;
}

bool copy_cell_files(const char *from, int part_cell, const char *to, int cell, bool weights)
{
    struct copy copy = {study_cell_folder(from, part_cell), study_cell_folder(to, cell), weights};
    const bool copied = !folder_exists(copy.from) ||
                        (folder_make(copy.to) && folder_each_file(copy.from, copy_entry, &copy));
    free(copy.from);
    free(copy.to);
    return copied;
}

bool copy_checkpoint_files(const char *from, int part_cell, const char *to, int cell, int run,
                           const struct run_state *state)
{
    struct copy copy = {study_path(from, STUDY_CHECKPOINTS), study_path(to, STUDY_CHECKPOINTS),
                        true};
    char *names[CHECKPOINT_FILES], *now[CHECKPOINT_FILES];
    const int count = checkpoints_list(part_cell, run, state, names);
    checkpoints_list(cell, run, state, now);
    bool copied = folder_make(copy.to);
    for (int i = 0; i < count; i++) {
        char *path = study_path(copy.from, names[i]);
        copied = copied && (!file_exists(path) || copy_as(&copy, names[i], now[i]));
        free(path);
        free(names[i]);
        free(now[i]);
    }
    free(copy.from);
    free(copy.to);
    return copied;
}

static bool remove_if_weights(void *context, const char *name)
{
    return !is_weights(name) || remove_file(context, name);
}

bool copy_remove_weights(const char *out, int cell)
{
    char *folder = study_cell_folder(out, cell);
    const bool removed = folder_each_file(folder, remove_if_weights, folder);
    free(folder);
    return removed;
}
