// SPDX-License-Identifier: MIT
// The best set of a task: its cells that cannot be told apart from the one with the highest mean
// Dice (model_set.h), by what their networks predict for the subjects that validate.
//
// A cell's value for a subject is the hard Dice of its runs' own weights: the mean over the labels
// and the images of the subject (one for each rater), then over the runs; of a cell with folds over
// the runs of the fold that has not seen the subject. A label that neither prediction nor target
// has counts as 1 here, so that every cell has the same numbers of every subject. Cells that were
// validated on other subjects than the cell that ranks first cannot be compared with it.
//
// How much a network differs from the next one that is trained alike is taken from cells with
// several runs (of a fold): the pooled standard deviation of a run's mean Dice, over the cells with
// the highest means (a tenth, at least 20, since cells that are far behind scatter more). Where no
// cell has two the subjects are the only chance that is counted.
#pragma once

#include "vkgrid/study/score.h"

#include <stddef.h>

#define BEST_SET_LEVEL 0.05 // cells with a larger p are in the set

struct best_set_cell {
    int cell, rank;       // in the ranking of its task, from 1
    double dice;          // mean over the subjects
    double p;             // model_set.h
    double square, error; // of its runs within folds: sum of squares of their mean Dice; (standard
                          // error of the cell's mean / that of a run)^2
    int freedom;          // of `square`
};

struct best_set {
    char *task;
    int ranked;    // cells of the task
    int others;    // of them: validated on other subjects
    int unknown;   // ... whose pixel counts are not known, of older versions
    int first;     // of those that are compared the one that ranks first
    int highest;   // cell with the highest mean Dice
    int subjects;  // n
    double run_sd; // of a run's mean Dice; NaN: not known
    int run_freedom;
    struct best_set_cell *cells; // those that are compared, in the order of the ranking
    int count;                   // of them; fewer than 2: nothing is compared
};

struct best_sets {
    struct best_set *items;
    int count;
};

// Of all tasks with a cell that ranks. scores: one for each cell of the grid. threads: to compute
// with.
bool best_sets_make(struct store *store, const struct grid *grid, const struct score *scores,
                    int threads, struct best_sets *sets);
void best_sets_free(struct best_sets *sets); // leaves none

// The set of a task; NULL: there is none.
const struct best_set *best_sets_of(const struct best_sets *sets, const char *task);
// What is known of a cell; NULL: it is not compared. In the order of the ranking a caller goes on
// from *at, which begins at 0.
const struct best_set_cell *best_set_find(const struct best_set *set, int cell, int *at);

// --- For others (best_set_json.c) ---------------------------------------------------------------

// {"task", "first", "highest", "subjects", "level", "resamples", "ranked", "others", "unknown",
// "compared", "run_sd", "run_df", "size", "ranks": [[first, last]...] and "members": [cell...] of
// the set, "p": [[cell, p]...] of cells with p >= 0.001}; members and p of the 1,000 that rank
// first
struct cJSON *best_set_json(const struct best_set *set);
// The same list as study.db has it, which may be anybody's; NULL where it is none. The caller
// deletes it.
struct cJSON *best_set_checked(const struct cJSON *json);
// "ranks 1 to 4 of 8 cannot be told apart by Dice (p > 0.05, n = 33)" of such an object, for
// people; NULL where nothing is compared. The caller frees it.
char *best_set_text(const struct cJSON *json);
// Of a cell: {"member", "p", "subjects"}.
struct cJSON *best_set_cell_json(const struct best_set *set, const struct best_set_cell *cell);

// Writes them, inside a transaction: the study's value "best_sets", and the user attribute
// "best_set" of those cells that "p" has, which the others lose.
bool best_sets_write(const struct best_sets *sets, struct store *store);
// The study's value back, [set...] that were checked; an empty list where there is none.
bool best_sets_read(struct store *store, struct cJSON **list);
