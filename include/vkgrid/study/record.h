// SPDX-License-Identifier: MIT
// What happened to a cell, in memory.
#pragma once

#include "vkgrid/study/score.h"

struct cJSON;

// Pixel counts of an epoch whose weights are the run's, or may become so.
struct kept_overlaps {
    int epoch_index;
    struct overlaps overlaps;
    bool saved; // study.db has them
};

struct run_record {
    enum trial_state state;   // TRIAL_WAITING: not begun
    int attempts;             // how often it has failed
    struct run_result result; // of a run that is over; its failure, here a copy, also of one that
                              // is tried again
    struct epoch_result *epochs;
    int epoch_count;
    struct step_result *steps;
    int step_count;
    size_t step_room;
    struct kept_overlaps *kept; // by epoch_index
    int kept_count;
    struct run_state checkpoint;   // where it goes on; no epoch done: at the beginning
    int saved_epochs, saved_steps; // that study.db has
    bool saved_checkpoint;
    struct run_state previous; // checkpoint before that: its files go once the new one is saved
};

struct record {
    struct cell cell;
    char *folder;
    struct run_record *runs; // [cell_run_count()]
    bool begun;              // in this process
    bool reopened;           // the cell was over, and what is there of it stays until it is again
    const char *left_out;    // samples without files, in words, or NULL; the caller's
    // [network] of its features (statistics_json.h), or NULL; the caller's
    char *const *statistics;
    bool *weights; // [network] they are in the folder, and are of the best of its complete runs
    // [network] lowest of the complete runs; infinite where there is none
    double *weights_dice;
    double weights_limit; // weights of runs with a higher dice are not written
};

// Takes over the cell.
void record_open(struct record *record, struct cell *cell, const char *folder);
void record_close(struct record *record);

void record_epoch(struct record *record, int run, const struct epoch_result *result);
void record_step(struct record *record, int run, const struct step_result *result);

// Ends a run.
void record_end(struct record *record, int run, enum trial_state state,
                const struct run_result *result);
// Keeps what a run failed of that is to be tried again.
void record_note_failure(struct record *record, int run, const struct run_result *result);
// Back to the run's last checkpoint, or to its beginning.
void record_rewind(struct record *record, int run);
// Whether all runs are over.
bool record_over(const struct record *record);

// The run whose weights are those of a network of the cell (cell_network_count()): of the complete
// ones that with the lowest dice loss, the first of equal ones; -1 when there is none.
int record_kept_run(const struct record *record, int network);
// Which network of the cell a run is a try of.
static inline int record_network(const struct record *record, int run)
{
    return run % cell_network_count(&record->cell);
}
// Whether weights of any network are in the folder.
bool record_has_weights(const struct record *record);
// Adds to an object what is known of those weights at their own epoch, as `vkgrid evaluate` says of
// the file:
//   "kept": {"run", "round", "epoch": from 0, "bce_loss", "dice_loss", "loss"}; of a cell with
//   folds the means of the losses, and "folds": [{"fold" and these}...]
//   "labels": {name: {"hard_dice", "iou", "images"}}: means over the images that have the label in
//   prediction or target, and how many these are; null where there is none. Of a cell with folds
//   over the images of all
// Nothing where it is not known: weights of an older version, a fold without a complete run.
void record_describe_kept(const struct record *record, struct cJSON *json);

// Of a cell that is over and saved: forgets its pixel counts.
void record_drop_overlaps(struct record *record);

// Of a cell whose runs are all over; it has failed when all of them failed, or all of a fold.
// score_rank() sets the value.
void record_score(const struct record *record, struct score *score);
