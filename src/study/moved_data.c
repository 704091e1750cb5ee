// SPDX-License-Identifier: MIT
#include "vkgrid/study/moved_data.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/grid/grid.h"

#include <dirent.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_ASKED 1000 // most cells that are asked whether their data were read
#define FOLDERS 1000     // most folders that are looked at

bool moved_data_known(const struct grid *grid, struct store *store, struct cell *cell, char **key,
                      uint64_t *fingerprint)
{
    *key = NULL;
    *fingerprint = 0;
    for (int i = 0; i < grid->cell_count && i < CELLS_ASKED; i++) {
        if (!grid_cell(grid, i, cell))
            return false;
        *key = cell_data_key(cell);
        if (store_get_dataset(store, *key, fingerprint) && *fingerprint != 0)
            return true;
        free(*key);
        *key = NULL;
        cell_free(cell);
    }
    return true;
}

// --- Folders that may have them -----------------------------------------------------------------

struct folders {
    char *paths[FOLDERS];
    int count;
};

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// In the order of their names, but the one of that name first.
static void list_folders(const char *parent, const char *first, struct folders *folders)
{
    DIR *folder = opendir(parent);
    const struct dirent *entry;
    folders->count = 0;
    while (folder && folders->count < FOLDERS && (entry = readdir(folder))) {
        char *path = text_format("%s/%s", parent, entry->d_name);
        if (entry->d_name[0] != '.' && folder_exists(path))
            folders->paths[folders->count++] = path;
        else
            free(path);
    }
    if (folder)
        closedir(folder);
    qsort(folders->paths, (size_t)folders->count, sizeof(folders->paths[0]), compare_paths);
    for (int i = 1; i < folders->count; i++) {
        char *path = folders->paths[i];
        if (strcmp(strrchr(path, '/') + 1, first) != 0)
            continue;
        memmove(&folders->paths[1], &folders->paths[0], (size_t)i * sizeof(folders->paths[0]));
        folders->paths[0] = path;
    }
}

// The last name of a path; the caller frees it.
static char *last_name(const char *path)
{
    char *copy = text_copy(path ? path : ""), *name = text_copy(basename(copy));
    free(copy);
    return name;
}

// Whether a folder has the sources of the cell, and in them the data of that fingerprint.
static bool has_data(struct cell *cell, const char *folder, uint64_t fingerprint, int *tried)
{
    const char *before = cell->data;
    struct dataset *dataset = NULL;
    cell->data = folder;
    const bool may = cell_check_inputs(cell, folder);
    *tried += may;
    const bool has =
        may && cell_load_data(cell, NULL, &dataset) && dataset_fingerprint(dataset) == fingerprint;
    dataset_free(&dataset);
    cell->data = before;
    return has;
}

bool moved_data_find(const char *out, const struct grid *grid, struct store *store,
                     struct moved_data *moved)
{
    struct folders folders;
    struct cell cell;
    uint64_t fingerprint;
    char *key, *whole = realpath(out, NULL), *name = last_name(grid_data(grid));
    *moved = (struct moved_data){.beside = file_folder(whole ? whole : out)};
    const bool known = moved_data_known(grid, store, &cell, &key, &fingerprint);
    if (key) {
        hash_print(fingerprint, moved->fingerprint);
        list_folders(moved->beside, name, &folders);
        for (int i = 0; i < folders.count; i++) {
            const bool itself = whole && strcmp(folders.paths[i], whole) == 0;
            if (!moved->found && !itself && !interrupt_requested() &&
                has_data(&cell, folders.paths[i], fingerprint, &moved->tried))
                moved->found = text_copy(folders.paths[i]);
            free(folders.paths[i]);
        }
        cell_free(&cell);
    }
    free(key);
    free(whole);
    free(name);
    return known;
}

void moved_data_free(struct moved_data *moved)
{
    free(moved->found);
    free(moved->beside);
    *moved = (struct moved_data){0};
}
