// SPDX-License-Identifier: MIT
// What happened to a cell, in memory.
#pragma once

#include "vkgrid/study/score.h"

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
    struct run_state checkpoint;   // where it goes on; no epoch done: at the beginning
    int saved_epochs, saved_steps; // that study.db has
    bool saved_checkpoint;
    struct run_state previous; // checkpoint before that: its files go once the new one is saved
};

struct record {
    struct cell cell;
    char *folder;
    struct run_record *runs; // cell.until
    bool begun;              // in this process
    const char *left_out;    // samples without files, in words, or NULL; the caller's
    const char *statistics;  // of its features (statistics_json.h), or NULL; the caller's
    double weights_dice; // of the run whose weights are in the folder; infinite when there are none
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

// Of a cell whose runs are all over; it has failed when all of them failed.
void record_score(const struct record *record, struct score *score);
