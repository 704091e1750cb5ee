// SPDX-License-Identifier: MIT
// hyperparameters/<inputs>_<prediction>.json: the best 1,000 cells of each task, best first.
#pragma once

#include "vkgrid/study/best_set.h"

// Writes the files of all tasks that have a ranked cell into <out>/hyperparameters. scores: one
// for each cell of the grid; store: has the attributes of their trials; sets: what is known of the
// tasks' best sets, or NULL.
bool ranking_write(const char *out, const struct grid *grid, const struct score *scores,
                   enum rank_by rank_by, const struct best_sets *sets, struct store *store);
