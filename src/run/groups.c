// SPDX-License-Identifier: MIT
// Cells -> groups -> packs.
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/alike.h"
#include "vkgrid/grid/folds.h"
#include "vkgrid/run/run.h"
#include "vkgrid/run/groups.h"
#include "vkgrid/train/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Of two kinds of folds, the mean of a run.
static double mean_of(const struct cell *cell, int larger, double of_larger, double of_others)
{
    return (of_larger * larger + of_others * (cell->folds - larger)) / cell->folds;
}

// Of the mean run of a cell with folds.
static void add_folds(const struct cell *cell, struct group *group)
{
    const struct unet_shape others = cell_fold_shape(cell, 0);
    const int larger = cell_larger_folds(cell);
    if (larger == 0)
        return;
    group->work = mean_of(cell, larger, group->work, train_work(&others, &cell->plan));
    group->effort = mean_of(cell, larger, group->effort, train_effort(&others, &cell->plan));
}

struct group group_of(const struct cell *cell)
{
    struct group group = {.shape = cell->folds > 0 ? cell_fold_shape(cell, cell->folds - 1)
                                                   : cell_shape(cell)};
    snprintf(group.label, sizeof(group.label), "%s %.20s %.20s, batch %d, %dx%d",
             base_model_name(cell->base_model), cell->inputs, cell->prediction,
             group.shape.batch_size, cell->rows, cell->cols);
    group.work = train_work(&group.shape, &cell->plan);
    group.effort = train_effort(&group.shape, &cell->plan);
    group.epoch_count = plan_epochs(&cell->plan);
    if (cell->folds > 0)
        add_folds(cell, &group);
    return group;
}

// One value has no variance: the deepest layer sees 1/32 of the image's sides. A last batch that is
// smaller is judged by train_check_samples(), once it is known how many samples have files.
bool group_check_batches(const struct grid *grid, const struct group *group)
{
    const struct unet_shape *shape = &group->shape;
    char name[CELL_NAME];
    return shape->rows > 32 || shape->cols > 32 ||
           (shape->batch_size > 1 && shape->training_count > 1) ||
           error_set(
               "%s: %s: %d training samples in batches of %d of %dx%d: batch norm needs more "
               "than one value per channel: a larger batch or a larger image is needed",
               grid->where, cell_name(group->cells[0], name), shape->training_count,
               shape->batch_size, shape->rows, shape->cols);
}

static struct group *find_group(struct groups *groups, char *key, const struct cell *cell)
{
    for (int i = 0; i < groups->count; i++) {
        if (strcmp(groups->items[i].key, key) == 0) {
            free(key);
            return &groups->items[i];
        }
    }
    groups->items = mem_grow(groups->items, (size_t)groups->count + 1, sizeof(*groups->items));
    struct group *group = &groups->items[groups->count++];
    *group = group_of(cell);
    group->key = key;
    return group;
}

// What is known of the cells of a class (alike.h).
struct class
{
    int group;        // + 1; 0: nothing is known yet
    int runs, larger; // of a cell
};

static bool look_at(const struct grid *grid, int number, struct groups *groups, struct class *class)
{
    struct cell cell;
    if (!grid_cell(grid, number, &cell))
        return false;
    class->group = (int)(find_group(groups, cell_group_key(&cell), &cell) - groups->items) + 1;
    class->runs = cell_run_count(&cell);
    class->larger = cell.folds > 0 ? cell.until * cell_larger_folds(&cell) : 0;
    cell_free(&cell);
    return true;
}

static void add_cell(struct groups *groups, const struct class *class, int number)
{
    struct group *group = &groups->items[class->group - 1];
    group->cells = mem_reserve(group->cells, &group->room, (size_t)group->cell_count + 1,
                               sizeof(*group->cells));
    group->cells[group->cell_count++] = number;
    group->run_count += class->runs;
    group->larger += class->larger;
    groups->run_count += class->runs;
}

bool groups_make(const struct grid *grid, const int *cells, int count, struct groups *groups)
{
    struct alike *alike = alike_new(grid, PURPOSE_GROUP);
    struct class *classes = mem_zalloc((size_t)count + 1, sizeof(*classes)); // most there can be
    bool made = true;
    *groups = (struct groups){0};
    for (int i = 0; made && i < count; i++) {
        struct class *class = &classes[alike_class(alike, cells[i])];
        made = class->group > 0 || look_at(grid, cells[i], groups, class);
        if (made)
            add_cell(groups, class, cells[i]);
        if (interrupt_requested())
            made = error_set("interrupted");
    }
    free(classes);
    alike_free(&alike);
    for (int i = 0; i < groups->count; i++) { // one run's until here
        groups->items[i].work *= groups->items[i].run_count;
        groups->items[i].effort *= groups->items[i].run_count;
    }
    groups->cell_count = count;
    if (!made)
        groups_free(groups);
    return made;
}

void groups_free(struct groups *groups)
{
    for (int i = 0; i < groups->count; i++) {
        free(groups->items[i].key);
        free(groups->items[i].cells);
    }
    free(groups->items);
    *groups = (struct groups){0};
}

int pack_count(int run_count, int slots)
{
    return (run_count + slots - 1) / slots;
}

void pack_range(int run_count, int packs, int pack, int *first, int *count)
{
    const int each = run_count / packs,
              larger = run_count % packs; // the first `larger` packs have one more
    *first = pack * each + (pack < larger ? pack : larger);
    *count = each + (pack < larger);
}
