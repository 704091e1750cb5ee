// SPDX-License-Identifier: MIT
// Trains the runs of one pack at once on one engine: rounds, epochs, order of the samples, metrics,
// best weights. A run's numbers depend on its plan, its seed and the data set, never on the other
// slots.
#pragma once

#include "vkgrid/data/dataset.h"
#include "vkgrid/engine/engine.h"
#include "vkgrid/train/plan.h"
#include "vkgrid/model/unet.h"
#include "vkgrid/model/weights.h"

// A file of weights that a checkpoint needs, named by the epochs that were done when they were
// there.
struct state_weights {
    int epochs_done; // -1: none
    uint64_t hash;   // tensors_hash() of the file
};

// Where a run stands after `epochs_done` epochs. With the files that it names it is a checkpoint: a
// run that goes on from there ends with the same bits as one that was never stopped. There is no
// random state: the order of an epoch is a stream of its own (train/order.c).
struct run_state {
    int epochs_done;                 // over all rounds
    int64_t batches, kept_batches;   // num_batches_tracked: now, and of the round's best weights
    float correction[2];             // Adam's
    float loss_scale[2];             // scale and good steps (OP_LOSS)
    double round_loss, round_dice;   // lowest of the round so far
    int best_round;                  // of the rounds that have ended; -1 when none has
    double best_loss, best_dice;     // of that round
    double seconds;                  // of training so far
    struct state_weights current;    // weights and Adam's moments; none at the end of a round
    struct state_weights round_best; // of the round so far
    struct state_weights best;       // of the best round
};

// One slot of a pack.
struct train_run {
    struct plan plan; // all runs of a pack have the same number of rounds and epochs, and one batch
                      // size throughout
    uint64_t seed;    // of the study
    int cell, index;  // with the seed they name the run's random streams
    bool shuffle;     // false: training samples in the order in which they are listed
    // Which samples of the data set train, and which validate: all of its numbers, the first
    // training_count of which train. NULL: those of the data set, in its order. All runs of a pack
    // have equal counts.
    const uint32_t *samples;
    int training_count;
    const char *init;         // weights file to start from, or NULL for fresh weights
    const char *pretrained;   // torchvision state file for the encoder, or NULL
    enum precision precision; // one for all runs of a pack
    const char *checkpoints;  // where files of checkpoints go and come from: "<folder>/<name of the
                              // run>"; NULL: none are written
    const struct run_state *resume; // go on from there; NULL: from the beginning. All runs of a
                                    // pack have done the same number of epochs
};

// The file of a checkpoint; the caller frees it.
char *checkpoint_path(const char *checkpoints, int epochs_done);

enum { METRIC_BCE, METRIC_DICE, METRIC_LOSS, METRIC_COUNT };

// Pixels behind hard Dice and IoU (data/overlap.h), of the validation samples in their order.
struct overlaps {
    int samples, labels;
    uint32_t *counts; // [sample][label][OVERLAP_COUNTS]: both, predicted, target (OP_OVERLAP)
};

struct epoch_result {
    int round, epoch;   // from 0
    double lr, seconds; // wall time of the epoch, which all slots of the pack share
    double training[METRIC_COUNT], validation[METRIC_COUNT]; // means over samples
    bool best; // lowest validation loss of the round so far: its weights are kept
    const struct overlaps *overlaps; // of an epoch that is best, while it is told; else NULL
};

struct step_result {
    int round, epoch, step; // from 0
    double metrics[METRIC_COUNT];
};

struct round_result {
    int round;
    double loss; // lowest validation loss of the round
    double dice; // lowest validation dice of any of its epochs
};

struct run_result {
    int best_round;
    double loss, dice;   // of the best round (lowest dice)
    int kept_epochs;     // epochs that were done, over all rounds, when its weights were kept
    double seconds;      // wall time since the pack began
    const char *failure; // NULL, or why the run failed (diverged: loss is not finite)
    bool halted;         // asked for by `halt`: the round in progress does not count
};

// What the caller wants to know; any of the functions may be NULL. `slot` is the index into `runs`.
// Returning false stops the training with the message that is set. `finished` is called once for
// each run: for a failed one when it fails, with weights NULL, for the others at the end of the
// training. When it is NULL no weights are read from the device.
struct train_events {
    void *context;
    bool (*epoch)(void *context, int slot, const struct epoch_result *result);
    bool (*step)(void *context, int slot, const struct step_result *result);
    bool (*round)(void *context, int slot, const struct round_result *result);
    bool (*finished)(void *context, int slot, const struct run_result *result,
                     const struct tensors *weights);
    // After the epoch of all slots: whether each is to leave a checkpoint now. NULL: never.
    bool (*checkpoint_due)(void *context);
    // The files of a slot's checkpoint are written and synced.
    bool (*checkpoint)(void *context, int slot, const struct run_state *state);
    // There was no room for the file of a checkpoint: returns when it may be tried again, false to
    // give up. NULL: give up.
    bool (*no_space)(void *context);
    // The epoch of all slots is over and everything of it has been told.
    bool (*epoch_done)(void *context, int epochs_done);
    // Asked after an epoch is done: true ends the run of that slot; `finished` is called with
    // `halted` set and no weights.
    bool (*halt)(void *context, int slot);
    // Every few batches, for progress lines: batches (training and validation) that the device has
    // done, and those of all of this pack's training.
    void (*progress)(void *context, int done, int total); // counts from the very beginning
};

// Trains. Stops early with a message when interrupt_requested() (interrupt.h); runs that are not
// finished then have had no `finished`. A checkpoint that cannot be read, or is not what its hash
// says, fails with ERROR_DAMAGED (error.h).
bool train_pack(struct engine *engine, enum base_model base_model, const struct dataset *dataset,
                const struct train_run *runs, int count, const struct train_events *events);

// Whether a training can have so many samples in such batches: one of each half, and more than one
// value for batch norm in the last batch. Looks at rows, cols, labels, count, training_count and
// batch_size.
bool train_check_samples(const struct unet_shape *shape);

// Whether the files of a checkpoint are there and whole.
bool checkpoint_check(const char *checkpoints, const struct run_state *state);

// Removes the files of `old` that `now` (NULL: nothing) does not need.
void checkpoint_remove(const char *checkpoints, const struct run_state *old,
                       const struct run_state *now);

// A fresh Adam for a slot of a training program: no steps done, the loss scale that PyTorch's
// GradScaler begins with. Moments are zeros already, or program_clear() makes them so.
bool train_fresh_adam(struct program *program, const struct unet_tensors *tensors, int slot);

// Device memory that a pack of `slots` runs needs, in bytes; UINT64_MAX as in program_memory().
uint64_t train_memory(struct engine *engine, const struct unet_shape *shape, int slots);

// Floating-point operations of one run over its whole plan.
double train_work(const struct unet_shape *shape, const struct plan *plan);
// The same with what small images and batches are slowed down by, as so many operations: as long as
// a run takes beside others on the same device.
double train_effort(const struct unet_shape *shape, const struct plan *plan);

// A network with weights, ready to predict any number of images; shape: its batch_size is how many
// at once, which memory bounds; count and training_count are ignored.
struct predictor;
bool predictor_open(struct engine *engine, const struct unet_shape *shape,
                    const struct tensors *weights, struct predictor **predictor);
void predictor_close(struct predictor **predictor); // accepts NULL, writes NULL
// inputs: [count][row][col][feature]. Calls `each` once per image with probabilities
// [label][row][col].
bool predictor_run(struct predictor *predictor, const float *inputs, int count,
                   bool (*each)(void *context, int sample, const float *probabilities),
                   void *context);
// The same with logits in place of probabilities: near 1 a float of those has lost the cross
// entropy.
bool predictor_run_logits(struct predictor *predictor, const float *inputs, int count,
                          bool (*each)(void *context, int sample, const float *logits),
                          void *context);

// Predicts probabilities for every sample of the data set: calls `each` once per sample with
// [label][row][col].
bool predict(struct engine *engine, enum base_model base_model, enum precision precision,
             const struct dataset *dataset, int labels, const struct tensors *weights,
             int batch_size, bool (*each)(void *context, int sample, const float *probabilities),
             void *context);
