// SPDX-License-Identifier: MIT
// A study's cells keep their numbers for ever, while its grid may become another one: they are
// found in it again by their values, and the others of its cells are numbered after the last.
//
// growth_begin(), growth_take() for each cell of the study in the order of their numbers,
// growth_end(); then the grid knows the study's numbers.
#pragma once

#include "vkgrid/grid/cell_compare.h"

struct growth;

struct growth_result {
    struct cell_changes changes; // of cells that are in both; others: why it is another study
    struct cJSON *completed; // {axis: value} that the cells have of axes which the old grid had not
    struct cJSON *left; // {key: value} that cells have of keys that the old grid had for all and
                        // that are others now; those outside the grid keep them
    int cells;          // of the study
    int inside;         // of them, those that the grid has too
    int fresh;          // cells that are new
    int returned;       // cells that were outside the grid before, and are not now
    bool renumbered;    // a cell's number does not follow from the grid alone, or one is outside
};

// old: the grid as the study has it. The grid belongs to its owner, and may be a grown one already.
// Fails when the old grid cannot be read.
bool growth_begin(struct grid *grid, const struct cJSON *old, const char *where,
                  struct growth **growth);

// values: as the study has them of the cell, {axis: value}. stream: what its random numbers are
// drawn by, -1: its number. outside: whether it was outside the grid before.
bool growth_take(struct growth *growth, const struct cJSON *values, int stream, bool outside);

// Fails when there would be too many cells. Frees the growth in any case; growth_result_free()
// leaves an empty result.
bool growth_end(struct growth **growth, struct growth_result *result);
void growth_abandon(struct growth **growth); // in its place after a failure; accepts NULL
void growth_result_free(struct growth_result *result);
