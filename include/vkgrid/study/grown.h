// SPDX-License-Identifier: MIT
// A study whose grid became another one: what it gains, and what of its finished cells has more to
// train.
#pragma once

#include "vkgrid/grid/growth.h"
#include "vkgrid/study/score.h"

struct grown_run {
    int cell, run;
};

struct grown {
    bool changed; // the study's grid is another one than the file's
    struct growth_result cells;
    int outside;    // cells of the study
    bool *reopened; // [cell that the study had] it was over and has more to train; or NULL
    struct grown_run *longer;     // complete runs that have more epochs to train
    int longer_count, kept_count; // kept: those of them that have a checkpoint
    int runs_cells, runs_more;    // finished cells that get more runs, and how many runs
    int epochs_cells;             // ... that get more epochs
};

// Whether two grids, {"static", "hyper"}, number the same cells alike without looking further.
bool grown_same_grid(const struct cJSON *old, const struct cJSON *now);

// Gives the grid the study's numbers. old: the grid as the study has it. Fails with what differs
// when it is another study, or when less is asked for than was trained; `out` names it. Writes
// nothing.
bool grown_find(struct grown *grown, struct grid *grid, struct store *store,
                const struct cJSON *old, const char *out);
void grown_free(struct grown *grown); // leaves none

// Marks the scores, [cell of the grid], of cells that have more to train.
bool grown_reopen(struct grown *grown, const struct grid *grid, struct store *store,
                  struct score *scores);

// Writes it all, inside a transaction (store.h). spans: of the grid.
struct axis;
bool grown_write(const struct grown *grown, const struct grid *grid, const struct axis *spans,
                 struct store *store);

// "12 cells are new, 3 are outside the grid, 36 get 1 run more": for people; NULL when nothing is
// to be said. The caller frees it.
char *grown_text(const struct grown *grown);

// {"new", "outside", "returned", "cells_with_more_runs", "more_runs", "cells_with_more_epochs",
// "runs_continued", "runs_anew"}. The caller deletes it.
struct cJSON *grown_json(const struct grown *grown);
