// SPDX-License-Identifier: MIT
// hyperparameters/<inputs>_<prediction>.json: the cells of each model, best first.
#pragma once

#include "vkgrid/study/record.h"

// a ranks before b: lower dice, then lower number. Unfinished cells and cells without a finished
// run rank nowhere.
bool score_before(const struct score *a, const struct score *b);
bool score_ranks(const struct score *score);

// Writes the files of all models that have a ranked cell into <out>/hyperparameters. scores: one
// for each cell of the grid.
bool ranking_write(const char *out, const struct grid *grid, const struct score *scores);
