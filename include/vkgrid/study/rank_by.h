// SPDX-License-Identifier: MIT
// What of a cell's runs ranks it.
#pragma once

#include "vkgrid/grid/grid.h"

#include <stdbool.h>

struct store;

enum rank_by {
    RANK_DEFAULT, // the study's own, else by the grid
    RANK_BEST,    // its lowest dice loss: the best run; of folds the mean of each one's best run
    RANK_MEAN,    // the mean over its runs; of folds the mean of the folds' means
};
const char *rank_by_name(enum rank_by rank_by); // "best", "mean"
bool rank_by_parse(const char *text, enum rank_by *rank_by);
const char *rank_by_words(enum rank_by rank_by); // "the best of a cell's runs"

// Whether no cell of the grid has more than one run: then both are the same.
bool rank_by_trivial(const struct grid *grid);

// Of a grid: the mean where cells have several runs, the best run where they have one. The
// published grid, which is known by the values of its axes (assets/benson2025-grid.json), ranks by
// the best as its paper does, unless it has folds.
enum rank_by rank_by_default(const struct grid *grid);

// That of a study which is there, as its settings say; RANK_DEFAULT where its cells had one run
// each. Studies of the versions before rank by the best run.
bool rank_by_read(struct store *store, enum rank_by *rank_by);
enum rank_by rank_by_of(const struct cJSON *settings);
// What the settings say: a text, null where cells have one run each and nothing was asked for.
struct cJSON *rank_by_setting(enum rank_by rank_by, bool asked, const struct grid *grid);
