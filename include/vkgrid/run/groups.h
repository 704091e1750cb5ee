// SPDX-License-Identifier: MIT
// Cells -> groups: cells with equal tensor shapes, data set, rounds and epochs, whose runs can be
// trained at once.
#pragma once

#include "vkgrid/grid/grid.h"

#include <stddef.h>

struct group {
    char *key;
    int *cells;  // numbers, ascending
    size_t room; // of cells
    int cell_count, run_count;
    int larger;              // runs of folds that train on a subject more than those of the others
    struct unet_shape shape; // of such a fold, where there are folds
    double work;             // floating-point operations of all its runs
    double effort;           // what they take beside those of other groups (train_effort())
    int epoch_count;         // of a run
    int elsewhere;           // slots on the first device that can hold it, where that is not the
                             // first of all; else 0
    char label[96];          // for people: "resnet18 anat area, batch 4, 128x256"
};

// Runs that can be in one pack: those of folds of two sizes cannot.
static inline int group_alike(const struct group *group)
{
    const int others = group->run_count - group->larger;
    return others > group->larger ? others : group->larger;
}

struct groups {
    struct group *items;
    int count, cell_count, run_count;
};

// The group of one cell, still without key, cells and runs; work is that of one run.
struct group group_of(const struct cell *cell);

// The groups of those cells, in the order in which their first cells stand.
bool groups_make(const struct grid *grid, const int *cells, int count, struct groups *groups);
void groups_free(struct groups *groups);

// Fails for one that no pack can train, however many of its samples have files.
bool group_check_batches(const struct grid *grid, const struct group *group);

// Packs of nearly equal size: run_count runs in packs of at most `slots`.
int pack_count(int run_count, int slots);
void pack_range(int run_count, int packs, int pack, int *first, int *count);
