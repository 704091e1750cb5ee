// SPDX-License-Identifier: MIT
// All groups of a search are found good, or it is told why they are not, before the first of them
// is trained.
#pragma once

#include "vkgrid/data/dataset.h"
#include "vkgrid/engine/engine.h"
#include "vkgrid/run/groups.h"

// What keeps cells from being trained.
struct obstacle {
    char *why;
    bool mendable; // in their files. Else it lies in their values, or in the device
    int *cells, count;
    size_t room;
};
struct obstacles {
    struct obstacle *items;
    int count;
};
void obstacles_add(struct obstacles *obstacles, int cell, bool mendable, const char *why);
int obstacles_cells(const struct obstacles *obstacles);     // how many cells
bool obstacles_mendable(const struct obstacles *obstacles); // whether any is
// Sets an error of the first, and tells the others on stderr. cells: of all groups.
bool obstacles_refuse(const struct obstacles *obstacles, int cells);
void obstacles_free(struct obstacles *obstacles); // leaves none

struct groups_check {
    const struct grid *grid;
    const struct groups *groups;
    struct engine *engine; // that has to have the memory for one slot; NULL: is not asked
    char *const *unfit;    // [group] in its place: why no device can hold it; NULL: one can
    const char *cleared;   // a folder that is emptied before weights are wanted; NULL: none
    bool dry;              // data and weights need not be there yet, which is told
    bool quiet;            // no progress line
    bool load;             // the first data set with its pixels; the others are only checked
    const char *good;      // cell_data_key() of data that is known to be good, or NULL
    // May take over a data set that is good, each once, in the order of the groups; whole: with its
    // pixels. False ends the check.
    bool (*take)(void *context, const struct cell *cell, bool whole, struct dataset **dataset);
    void *context;
};

// Files are read by all processors, each once; what stands in the way of a group, or of cells of
// it, is added to the obstacles. Fails when interrupted, or when `take` does.
bool groups_check(const struct groups_check *check, struct obstacles *obstacles);
