// SPDX-License-Identifier: MIT
// A training in progress; private to src/train/.
#pragma once

#include "vkgrid/base/clock.h"
#include "vkgrid/train/train.h"

// What the host knows of one slot.
struct trainee {
    int64_t batches;           // num_batches_tracked of its batch norms
    int64_t kept_batches;      // the same for the weights in BLOCK_BEST
    struct round_result round; // lowest so far in this round
    int kept_epochs;           // epochs done when those were kept
    struct run_result result;  // of the best round so far
    struct tensors weights;    // of the best round so far; empty when nobody asks for them
    int best_epochs;           // epochs done when those were kept; -1 while no round has ended
    double seconds_before;     // of training before it was resumed
    struct run_state saved;    // its last checkpoint: which files are there
    bool over;                 // failed or halted
};

struct trainer {
    const struct dataset *dataset;
    const struct train_run *runs;
    int count;
    int training_count, validation_count; // samples of each run
    const struct train_events *events;

    struct graph *graph;
    struct unet_tensors tensors;
    struct program *program;
    struct trainee *trainees; // one for each run

    int done, total; // steps (batches) that the device has done, and those of the whole training
    double start;
    // How far the host runs ahead of the device, see run_batches().
    int ahead, ahead_limit;
    double waited; // when the device was last known to be idle
};

// Where a training stands. `past` counts the epochs of the rounds before, which makes every epoch's
// number unique.
struct moment {
    int round, epoch, past;
};

// What the program of a pack is compiled for.
struct program_options training_options(const struct unet_shape *shape, int slots);

// Trains all slots for one epoch, evaluates them, keeps the weights of those that improved, and
// reports.
bool epoch_run(struct trainer *trainer, struct moment moment);

// Leaves a checkpoint of a slot after `epochs_done` epochs, and takes up the one that the run
// names.
bool checkpoint_write(struct trainer *trainer, int slot, int epochs_done, bool round_ended);
bool checkpoint_restore(struct trainer *trainer, int slot);

// Ends a slot's run before its time: `finished` is called without weights, and nothing else for
// this slot from then on.
bool trainee_end(struct trainer *trainer, int slot);
// The same for a run that failed. Frees reason.
bool trainee_fail(struct trainer *trainer, int slot, char *reason);

// The training samples in the order of one epoch. `epoch` counts over all rounds; the order depends
// on nothing but the arguments, so that it is the same alone, in a pack, and after a resume.
void order_training(const struct train_run *run, int epoch, uint32_t *order, int count);

// 0, 1, 2, ... from `first`.
void order_identity(uint32_t *order, int first, int count);

// The run's samples from the one at `first` on, as they are listed.
void order_listed(const struct train_run *run, uint32_t *order, int first, int count);

// Number of batches, and the size of one of them: the last may be smaller.
int batch_count(int samples, int batch_size);
int batch_samples(int samples, int batch_size, int batch);

// Means over samples of a table [steps][METRIC_COUNT]: each batch weighs as much as it has samples.
void metrics_mean(const float *table, int samples, int batch_size, double mean[METRIC_COUNT]);

// The first step with a value that is not finite, or `steps`.
int metrics_finite(const float *table, int steps);
