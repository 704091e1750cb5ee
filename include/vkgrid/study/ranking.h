// SPDX-License-Identifier: MIT
// hyperparameters/<inputs>_<prediction>.json: the best 1,000 cells of each task, best first.
#pragma once

#include "vkgrid/study/score.h"

// Writes the files of all tasks that have a ranked cell into <out>/hyperparameters. scores: one
// for each cell of the grid; store: has the attributes of their trials.
bool ranking_write(const char *out, const struct grid *grid, const struct score *scores,
                   struct store *store);
