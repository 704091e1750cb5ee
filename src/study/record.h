// SPDX-License-Identifier: MIT
// What happened to a cell, and the files that tell of it (spec.md section 7).
#pragma once

#include "vkgrid/grid.h"
#include "vkgrid/train.h"

struct run_record {
    bool finished;
    struct run_result result; // its failure is a copy
    struct epoch_result *epochs;
    int epoch_count;
    struct step_result *steps;
    int step_count;
    struct round_result rounds[PLAN_ROUNDS];
    int round_count;
};

struct record {
    struct cell cell;
    char *folder;
    struct run_record *runs; // cell.until
    int finished;            // runs
    double weights_dice; // of the run whose weights are in the folder; infinite when there are none
    double weights_limit; // weights of runs with a higher dice are not written
};

// Takes over the cell. Removes what an unfinished training may have left in the folder.
void record_open(struct record *record, struct cell *cell, const char *folder);
void record_close(struct record *record);

void record_epoch(struct record *record, int run, const struct epoch_result *result);
void record_step(struct record *record, int run, const struct step_result *result);
void record_round(struct record *record, int run, const struct round_result *result);
// Writes the weights if they are the cell's best so far.
bool record_finished(struct record *record, int run, const struct run_result *result,
                     const struct tensors *weights);

// Writes the files of a cell whose runs are all finished, training.tsv last.
bool record_write(const struct record *record, bool steps);

char *record_weights_path(const char *folder, const struct cell *cell);

// What the files of a finished cell say.
struct score {
    int cell;
    bool finished;     // training.tsv has a row for every run
    int failed;        // runs
    double dice, loss; // lowest validation dice among epochs that improved the validation loss, and
                       // that epoch's loss
    int run, round, epoch; // which epoch that was, from 0; run is -1 when all runs failed
};

// Files that cannot be read or are incomplete make the cell unfinished, no error.
void score_read(const char *folder, const struct cell *cell, struct score *score);
