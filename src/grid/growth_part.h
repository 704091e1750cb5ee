// SPDX-License-Identifier: MIT
// A key by which the cells of a study are told apart when its grid becomes another one (growth.c),
// and which of its values mean what the grid has now.
#pragma once

#include "grid/value_table.h"
#include "vkgrid/grid/axis.h"
#include "vkgrid/grid/grid.h"

// An axis of the grid, or a key that cells have a value of and the grid has one for all.
struct growth_part {
    char *key;
    const struct axis *axis; // of the grid; NULL: it has one value for all
    struct value_table table;
    bool any;             // more to train, no other cell: all values count as the first
    struct cJSON *amount; // of `any`: what all cells of the old grid have; NULL: not known
    struct cJSON *before; // what cells have that were there before the axis; NULL: not known
    bool *seen;           // [value] whether a cell with it was compared
    bool met;             // whether any cell has one of the values
};

// now, old: the two grids. old_cell: the first of the old one.
bool growth_part_axis(struct growth_part *part, const struct grid *now, const struct grid *old,
                      int axis, const struct cell *old_cell);
bool growth_part_key(struct growth_part *part, const struct grid *now, const struct grid *old,
                     const char *key);
void growth_part_free(struct growth_part *part);

// Place in the table of the first of equal values; -1: it is none of them.
int growth_part_find(const struct growth_part *part, const struct cJSON *value);
// Whether a cell outside the grid that has this value of its own stays there.
bool growth_part_other(const struct growth_part *part, const struct cJSON *value);
// The next of equal entries, or -1.
int growth_part_next(const struct growth_part *part, int entry);

const struct axis *grid_axis(const struct grid *grid, const char *key); // or NULL
