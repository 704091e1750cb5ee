// SPDX-License-Identifier: MIT
// What a cell came to, and which cell of a task leads.
#pragma once

#include "vkgrid/grid/grid.h"
#include "vkgrid/store/store.h"
#include "vkgrid/study/over_runs.h"
#include "vkgrid/study/rank_by.h"

struct score {
    int cell;
    enum trial_state state;
    bool again;         // finished, but to be trained again
    bool reopened;      // complete, with more to train; what it came to stays until that is done
    bool outside;       // not of the grid any more: neither trained nor ranked
    bool unable;        // it cannot be trained: a failed cell none of whose runs has begun
    int failed, pruned; // runs
    double dice, loss; // lowest validation dice among epochs that improved the validation loss, and
                       // that epoch's loss; infinite when there is none
    int run, round, epoch; // which epoch that was, from 0; run is -1 when no run is complete
    double value; // the dice loss that it ranks by (score_rank()); infinite when there is none
    double saved; // that of its trial in study.db, where it was read from there
    struct over_runs runs; // of the dice losses; runs.runs is 0 where that is not known
};

// Of a cell that has not begun.
struct score score_none(int cell);

// As a trial and its user attributes (JSON) have it.
bool score_read(const struct store_trial *trial, const char *where, struct score *score,
                bool *has_weights);

bool score_finished(const struct score *score); // complete, failed or pruned
// Sets the value. Where the mean of the runs is asked for and not known, the best one stays.
void score_rank(struct score *score, enum rank_by rank_by);
// Whether it has a place in the ranking, and whether a's is before b's: lower value, then lower
// number.
bool score_ranks(const struct score *score);
bool score_before(const struct score *a, const struct score *b);

// Those of the scores that rank, best first. The caller frees the list.
const struct score **scores_sort(const struct score *scores, int cells, int *count);

// "validation dice loss 0.2314 (mean of 3 runs, sd 0.0123; best 0.2201), loss 0.2511" for people.
// The caller frees it.
char *score_text(const struct score *score, enum rank_by rank_by);

// The best cell of each task so far; a score that does not rank where there is none.
struct leader {
    char *task;
    struct score score;
    struct cJSON *labels; // of its labels (labels.h); NULL: not asked, or not known
};
struct leaders {
    struct leader *items;
    int count;
};

// Valid until the next call for another task.
struct leader *leaders_of(struct leaders *leaders, const struct cell *cell);
// Takes a finished cell into account. Returns the number of whichever of it and its task's leader
// so far ranks lower, or -1: the cell's own unless it leads.
int leaders_take(struct leaders *leaders, const struct cell *cell, const struct score *score);
// Asks study.db for the labels of all.
bool leaders_read_labels(struct leaders *leaders, struct store *store);
void leaders_free(struct leaders *leaders); // leaves none

// Into JSON for others: "dice_loss", and until version 0.2 its old name "dice" beside it; null for
// what is not finite.
void score_add_dice_loss(struct cJSON *json, double dice_loss);
