// SPDX-License-Identifier: MIT
// Cells -> groups -> packs.
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/run.h"
#include "vkgrid/run/groups.h"
#include "vkgrid/train/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct group group_of(const struct cell *cell)
{
    struct group group = {.shape = cell_shape(cell)};
    snprintf(group.label, sizeof(group.label), "%s %.20s %.20s, batch %d, %dx%d",
             base_model_name(cell->base_model), cell->inputs, cell->prediction,
             group.shape.batch_size, cell->rows, cell->cols);
    group.work = train_work(&group.shape, &cell->plan);
    group.effort = train_effort(&group.shape, &cell->plan);
    group.epoch_count = plan_epochs(&cell->plan);
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

bool groups_make(const struct grid *grid, const int *cells, int count, struct groups *groups)
{
    *groups = (struct groups){0};
    for (int i = 0; i < count; i++) {
        struct cell cell;
        if (!grid_cell(grid, cells[i], &cell)) {
            groups_free(groups);
            return false;
        }
        struct group *group = find_group(groups, cell_group_key(&cell), &cell);
        group->cells = mem_grow(group->cells, (size_t)group->cell_count + 1, sizeof(*group->cells));
        group->cells[group->cell_count++] = cells[i];
        group->run_count += cell_run_count(&cell);
        groups->run_count += cell_run_count(&cell);
        cell_free(&cell);
    }
    for (int i = 0; i < groups->count; i++) { // one run's until here
        groups->items[i].work *= groups->items[i].run_count;
        groups->items[i].effort *= groups->items[i].run_count;
    }
    groups->cell_count = count;
    return true;
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
