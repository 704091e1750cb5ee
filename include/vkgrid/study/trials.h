// SPDX-License-Identifier: MIT
// The cells of a study as trials of study.db: how each stands, and which new ones Optuna asks for.
#pragma once

#include "vkgrid/study/grown.h"
#include "vkgrid/study/score.h"

// To a trial that Optuna has put in the queue.
struct answer {
    int64_t trial;
    int cell;        // that it became, or -1
    char *refused;   // "trial 7 of anat_area: why", by Optuna's number; NULL: it is not
    const char *why; // of that
};

struct trials {
    struct grid *grid; // one of SAMPLER_OPTUNA gets the cells of its trials
    enum rank_by rank_by;
    struct score *scores; // [cell of the grid]
    struct leaders leaders;
    int known; // cells that have a trial
    struct grown grown;
    struct answer *answers;
    int answer_count;
    // Told of every cell that is written or read, if it is not NULL.
    void (*show)(void *context, int done, int total);
    void *show_context;
};

// Of a study that has not begun, ranked by its grid's default. trials_free() leaves the grid to the
// caller.
void trials_init(struct trials *trials, struct grid *grid);
void trials_free(struct trials *trials);

// Gives the grid the numbers that the cells have in the study; before anything is read.
bool trials_place(struct trials *trials, struct store *store, const struct cJSON *old,
                  const char *out);

// Takes a finished cell into account. Returns as leaders_take().
int trials_finish(struct trials *trials, const struct cell *cell, const struct score *score);

// Reads scores, leaders, the cells of trials that Optuna chose and, of those that wait, which ones
// are to be trained. retry_failed, unprune: cells that failed or were pruned are to be trained
// again; those that could not be trained (score.h) always are. Writes nothing. `out` stands in
// messages.
bool trials_read(struct trials *trials, struct store *store, const char *out, bool retry_failed,
                 bool unprune);

// A grid of SAMPLER_OPTUNA gets one more cell, whose values are grid_add_cell()'s.
bool trials_add(struct trials *trials, const struct cJSON *values);
// Writes the trial of the last cell, inside a transaction.
bool trials_write_last(struct trials *trials, struct store *store);

// Writes what is missing, inside a transaction (store.h): trials of cells that have none, new ones
// of failed cells that are to be tried again, answers to Optuna. Fails where the process is to end
// (interrupt.h).
bool trials_write(struct trials *trials, struct store *store);

// Gives all that rank the value that `rank_by` says, inside a transaction: trials that have
// another one, and what study.db does not know yet of the runs of cells. Leaders are those of these
// values.
bool trials_rank(struct trials *trials, struct store *store);
