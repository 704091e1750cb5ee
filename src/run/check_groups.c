// SPDX-License-Identifier: MIT
// All groups are found good before anything is trained: values of the cells, memory, weights, data.
#include "vkgrid/run/check_groups.h"

#include "run/fold_data.h"
#include "run/reading.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/check_weights.h"
#include "vkgrid/run/pack_size.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What was found of a data set, which several groups may have.
struct checked_data {
    char *key, *why; // why: NULL where it is good
    bool passed;     // not looked at: it is known to be good, or (of a dry run) not there yet
    int count, training_count;
    struct data_fold *folds; // [fold_count]
    int fold_count;
};

struct checking {
    const struct groups_check *check;
    struct obstacles *obstacles;
    struct dataset_files *files;
    struct checked_data *data;
    int data_count;
    bool loaded; // a data set with its pixels
    bool told_absent;
    bool *obstructed; // [cell of the grid]
};

// Of the error that is set.
static void obstruct(struct checking *checking, const struct group *group, bool mendable)
{
    char *why = text_copy(error_text());
    for (int i = 0; i < group->cell_count; i++) {
        if (checking->obstructed[group->cells[i]])
            continue;
        checking->obstructed[group->cells[i]] = true;
        obstacles_add(checking->obstacles, group->cells[i], mendable, why);
    }
    free(why);
}

// The first cell of the group that nothing stands in the way of; -1: none.
static int free_cell(const struct checking *checking, const struct group *group)
{
    for (int i = 0; i < group->cell_count; i++)
        if (!checking->obstructed[group->cells[i]])
            return group->cells[i];
    return -1;
}

// --- Data ---------------------------------------------------------------------------------------

// Of a cell with a data folder.
static bool read_data(struct checking *checking, const struct cell *cell,
                      struct checked_data *checked)
{
    const struct groups_check *check = checking->check;
    struct reading reading = reading_start("reading the data", "files", check->quiet);
    const struct dataset_request how = {
        .check = !check->load || checking->loaded,
        .files = checking->files,
        .progress = reading_show,
        .context = &reading,
    };
    struct dataset *dataset = NULL;
    const bool good =
        cell_check_inputs(cell, check->grid->where) && cell_load_data(cell, &how, &dataset);
    reading_end(&reading);
    if (!good) {
        checked->why = text_copy(error_text());
        return !interrupt_requested() || error_set("interrupted");
    }
    checking->loaded |= !how.check;
    checked->count = dataset->count;
    checked->training_count = dataset->training_count;
    checked->fold_count = cell->folds;
    checked->folds = cell->folds > 0 ? data_folds(cell, dataset) : NULL;
    const bool taken = check->take(check->context, cell, !how.check, &dataset);
    dataset_free(&dataset);
    return taken;
}

static bool is_absent(struct checking *checking, const struct cell *cell)
{
    if (!checking->check->dry || (cell->data && folder_exists(cell->data)))
        return false;
    if (!checking->told_absent && cell->data)
        fprintf(stderr, "%s: no such folder yet: its files are not checked\n", cell->data);
    checking->told_absent = true;
    return true;
}

static bool is_good(const struct checking *checking, const char *key)
{
    return checking->check->good && strcmp(checking->check->good, key) == 0;
}

static bool find_data(struct checking *checking, const struct cell *cell,
                      const struct checked_data **found)
{
    char *key = cell_data_key(cell);
    for (int i = 0; i < checking->data_count; i++) {
        if (strcmp(checking->data[i].key, key) == 0) {
            free(key);
            *found = &checking->data[i];
            return true;
        }
    }
    checking->data =
        mem_grow(checking->data, (size_t)checking->data_count + 1, sizeof(checking->data[0]));
    struct checked_data *data = &checking->data[checking->data_count++];
    *data = (struct checked_data){.key = key,
                                  .passed = is_good(checking, key) || is_absent(checking, cell)};
    *found = data;
    return data->passed || read_data(checking, cell, data);
}

static bool check_data(struct checking *checking, const struct group *group)
{
    const struct checked_data *data = NULL;
    const int number = free_cell(checking, group);
    struct cell cell;
    if (number < 0)
        return true;
    if (!grid_cell(checking->check->grid, number, &cell))
        return false;
    const bool found = find_data(checking, &cell, &data);
    cell_free(&cell);
    if (!found || data->passed)
        return found;
    struct unet_shape shape = group->shape;
    shape.count = data->count;
    shape.training_count = data->training_count;
    if (data->why) {
        error_set("%s", data->why);
        obstruct(checking, group, true);
    } else if (!fold_data_check(&shape, data->folds, data->fold_count)) {
        obstruct(checking, group, false);
    }
    return true;
}

// --- The rest -----------------------------------------------------------------------------------

static void note_obstructed(struct checking *checking)
{
    for (int i = 0; i < checking->obstacles->count; i++)
        for (int k = 0; k < checking->obstacles->items[i].count; k++)
            checking->obstructed[checking->obstacles->items[i].cells[k]] = true;
}

// One slot fits on a device.
static bool check_memory(const struct groups_check *check, const struct group *group)
{
    struct pack_size size;
    const char *unfit = check->unfit ? check->unfit[group - check->groups->items] : NULL;
    if (unfit)
        return error_set("%s", unfit);
    return !check->engine || pack_size_of(check->engine, group, 1, &size);
}

bool groups_check(const struct groups_check *check, struct obstacles *obstacles)
{
    struct checking checking = {
        .check = check,
        .obstacles = obstacles,
        .files = dataset_files_new(),
        .obstructed = mem_zalloc((size_t)check->grid->cell_count + 1, sizeof(bool)),
    };
    bool good =
        groups_check_weights(check->grid, check->groups, check->dry, check->cleared, obstacles);
    note_obstructed(&checking);
    for (int i = 0; good && i < check->groups->count; i++) {
        const struct group *group = &check->groups->items[i];
        if (!group_check_batches(check->grid, group) || !check_memory(check, group))
            obstruct(&checking, group, false);
    }
    for (int i = 0; good && i < check->groups->count; i++)
        good = check_data(&checking, &check->groups->items[i]);
    dataset_files_free(&checking.files);
    for (int i = 0; i < checking.data_count; i++) {
        free(checking.data[i].key);
        free(checking.data[i].why);
        data_folds_free(&checking.data[i].folds, checking.data[i].fold_count);
    }
    free(checking.data);
    free(checking.obstructed);
    return good;
}
