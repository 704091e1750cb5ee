// SPDX-License-Identifier: MIT
// Which of a study's parts got furthest with each cell.
#pragma once

#include "merge/match.h"
#include "vkgrid/merge/merge.h"
#include "vkgrid/study/score.h"

struct chosen_cell {
    int part;           // index; -1: no part has come to it yet
    int cell;           // its number there
    struct score score; // as of the joined study's cell
    int64_t epochs;     // of its runs
    bool has_weights;   // its trial names a file of them
    bool kept;          // weights in its folder are not beaten
};

struct chosen_cells {
    const char *const *folders; // [part]
    const struct grid *grid;
    enum rank_by rank_by; // of the first part
    const struct matches *matches;
    struct chosen_cell *items; // [cell of the joined study]
    struct merge_result *result;
};

// The grid has the numbers of the joined study.
void choices_init(struct chosen_cells *choices, const char *const *folders, const struct grid *grid,
                  const struct matches *matches, struct merge_result *result);
void choices_free(struct chosen_cells *choices);

// Takes the cells of a part that got further there than in the parts before it. Conflicts are
// noted in the result.
bool choices_take_part(struct chosen_cells *choices, int part, struct store *store);

// Says which weights stay when all parts are known; those of a cell that is not over are of runs
// that are. best_only: of each task those of the leader.
bool choices_keep_weights(struct chosen_cells *choices, bool best_only);
