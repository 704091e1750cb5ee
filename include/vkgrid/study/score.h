// SPDX-License-Identifier: MIT
// What a cell came to, and which cell of a task leads.
#pragma once

#include "vkgrid/grid/grid.h"
#include "vkgrid/store/store.h"

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
};

// Of a cell that has not begun.
struct score score_none(int cell);

// As a trial and its user attributes (JSON) have it.
bool score_read(const struct store_trial *trial, const char *where, struct score *score,
                bool *has_weights);

bool score_finished(const struct score *score); // complete, failed or pruned
// Whether it has a place in the ranking, and whether a's is before b's: lower dice, then lower
// number.
bool score_ranks(const struct score *score);
bool score_before(const struct score *a, const struct score *b);

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
