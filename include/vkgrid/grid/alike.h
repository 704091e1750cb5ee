// SPDX-License-Identifier: MIT
// Cells that differ only in axes which do not matter for a purpose are **alike**: what is found out
// about one of them holds for all. So a grid of a million cells is looked at once for every class
// of them.
#pragma once

#include "vkgrid/grid/grid.h"

enum purpose {
    PURPOSE_CHECK, // whether a cell is allowed, each of its values being allowed by itself
    PURPOSE_GROUP, // cell_group_key(), and how many runs it has
    PURPOSE_TASK,  // cell_task()
};

struct alike;

// The grid must live as long; it may gain cells.
struct alike *alike_new(const struct grid *grid, enum purpose purpose);
void alike_free(struct alike **alike); // accepts NULL, writes NULL

// The class of cell n: 0 for the first one that is asked for, then the next number for every one
// that is like none before. Cells of one class are alike; two that are alike may be of two classes.
int alike_class(struct alike *alike, int number);
