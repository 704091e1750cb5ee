// SPDX-License-Identifier: MIT
// What the tests of a training share: a small data set, and a recorder of all that a training
// reports.
#pragma once

#include "vkgrid/train/train.h"

// Targets with hashed inputs and labels; dataset_free() ends it.
struct dataset *case_dataset(int rows, int cols, int features, int labels, int training,
                             int validation);

// A run with a plan of the spec's three rounds.
struct train_run case_run(double lr, int batch_size, int num_epochs, int index);

#define CASE_SLOTS 8
#define CASE_EPOCHS 64
#define CASE_STEPS 512

struct slot_record {
    struct epoch_result epochs[CASE_EPOCHS]; // without their overlaps
    uint64_t overlaps[CASE_EPOCHS];          // their hash; 0: none were told
    struct step_result steps[CASE_STEPS];
    struct round_result rounds[PLAN_ROUNDS];
    int epoch_count, step_count, round_count, finished;
    struct run_state states[CASE_EPOCHS]; // after that many epochs, when checkpoints are left
    struct run_result result;
    char failure[256];
    struct tensors weights;
};

struct record {
    struct slot_record slots[CASE_SLOTS];
    int progress_calls, done, total;
    bool checkpoints;  // after every epoch
    int stop_at_epoch; // a callback refuses when it gets this epoch; -1: never
};

// Trains and records; the record is to be freed. Returns what train_pack returned.
bool case_train(struct engine *engine, const struct dataset *dataset, const struct train_run *runs,
                int count, struct record *record);
void record_free(struct record *record);
