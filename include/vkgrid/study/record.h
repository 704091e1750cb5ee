// SPDX-License-Identifier: MIT
// What happened to a cell, and the files that tell of it (spec.md section 7).
#pragma once

#include "vkgrid/grid/grid.h"
#include "vkgrid/store/store.h"

struct run_record {
    enum trial_state state;   // TRIAL_WAITING: not begun
    int attempts;             // how often it has failed
    struct run_result result; // of a run that is over; its failure, here a copy, also of one that
                              // is tried again
    struct epoch_result *epochs;
    int epoch_count;
    struct step_result *steps;
    int step_count;
    struct run_state checkpoint;   // where it goes on; step 0: at the beginning
    int saved_epochs, saved_steps; // that study.db has
    bool saved_checkpoint;
    struct run_state previous; // checkpoint before that: its files go once the new one is saved
};

struct record {
    struct cell cell;
    char *folder;
    struct run_record *runs; // cell.until
    bool begun;              // in this process
    double weights_dice; // of the run whose weights are in the folder; infinite when there are none
    double weights_limit; // weights of runs with a higher dice are not written
};

// Takes over the cell.
void record_open(struct record *record, struct cell *cell, const char *folder);
void record_close(struct record *record);

// After the runs have been read from study.db: removes what an unfinished training may have left in
// the folder, and finds the weights that are there.
void record_clean(struct record *record);

void record_epoch(struct record *record, int run, const struct epoch_result *result);
void record_step(struct record *record, int run, const struct step_result *result);

// Ends a run.
void record_end(struct record *record, int run, enum trial_state state,
                const struct run_result *result);
// Back to the run's last checkpoint, or to its beginning.
void record_rewind(struct record *record, int run);
// Writes the weights of a run if they are the cell's best so far.
bool record_weights(struct record *record, const struct run_result *result,
                    const struct tensors *weights);

// Whether all runs are over, and how the cell then is: failed when all of them failed.
bool record_over(const struct record *record);
enum trial_state record_state(const struct record *record);

// Writes the files of a cell whose runs are all over, training.tsv last.
bool record_write(const struct record *record, bool steps);

char *record_weights_path(const char *folder, const struct cell *cell);

// What a cell came to.
struct score {
    int cell;
    enum trial_state state;
    bool again;         // finished, but to be trained again
    int failed, pruned; // runs
    double dice, loss; // lowest validation dice among epochs that improved the validation loss, and
                       // that epoch's loss
    int run, round, epoch; // which epoch that was, from 0; run is -1 when no run is complete
};

// Of a cell whose runs are all over.
void record_score(const struct record *record, struct score *score);
bool score_finished(const struct score *score); // complete, failed or pruned
