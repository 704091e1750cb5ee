// SPDX-License-Identifier: MIT
// Which cell of the joined study a cell of a part is. Parts of a study that never grew number their
// cells alike. Else cells are the same that have the same values of all axes, of whatever part, and
// the same stream of random numbers. The first part's keep their numbers, others come after them.
//
// Cells with the same values and another stream were added to the parts in another order: where at
// most one of them has begun it stands for both; where both have, both stay. Those that Optuna
// chose are other trials.
#pragma once

#include "vkgrid/grid/grid.h"
#include "vkgrid/store/store.h"

struct matched_cell {
    char *values;  // of all axes, in one way of writing
    char *options; // {axis: value} as JSON
    int stream;
    bool outside; // the grid of its part
    bool begun;
    int part, cell; // the first that has it
};

struct matches {
    struct matched_cell *cells; // of the joined study, by its numbers
    int count;
    size_t room;
    int **maps;  // [part][cell of the part] number in the joined study; -1: another stands for it
    int *counts; // [part]
    int parts;
};

// Numbers as they are in all parts.
void matches_plain(struct matches *matches, int parts, int count);

// A part with its grid (grid_of_study()), in the order of the parts. keys: of all axes of all
// parts, ends with NULL. apart: cells with another stream are always others.
bool matches_add(struct matches *matches, int part, const struct grid *grid, struct store *store,
                 const char *const *keys, bool apart, const char *where);
void matches_free(struct matches *matches);

// Adds the names of the axes that a part's cells have values of, each once, to a list that ends
// with NULL.
bool matches_add_keys(struct store *store, const char *where, char ***keys);
