// SPDX-License-Identifier: MIT
// study.db: one SQLite file that is Optuna's (a study per task, a trial per cell) and vkgrid's own
// truth about a study (src/store/schema.sql). One process writes; others may read meanwhile.
//
// Rollback journal and full synchronisation: what was committed survives a power loss, on network
// file systems too. Every change of one moment is one store_transaction().
//
// Not thread safe: callers hold a lock of their own.
#pragma once

#include "vkgrid/train/train.h"

#include <stdint.h>

struct cJSON;
struct store;

// Of vkgrid's own tables, and of a study's folder; and the oldest that this program knows.
#define STORE_FORMAT 5
#define STORE_FORMAT_OLDEST 2

// A new file, which must not be there, or one that is, to be written; of one of an older format
// only values and trials may be read until store_migrate(). Errors say what kind of file it is if
// it is no study. For reading alone: store_view_open() (view.h).
bool store_create(const char *path, struct store **store);
bool store_open(const char *path, struct store **store);
void store_close(struct store **store); // accepts NULL, writes NULL; what is not committed is lost

// Brings a file of an older format to STORE_FORMAT, in one transaction. Programs of that format can
// do nothing with it any more: only when it has been found good for this one.
bool store_migrate(struct store *store);
bool store_current(const struct store *store); // whether it is of STORE_FORMAT

// Begins a transaction, calls `body`, commits. Where any of it fails the file is left as it was
// before, and where it failed for want of room (ERROR_NO_SPACE) `wait` is called and the whole is
// tried again; without one, or when that returns false, it fails. So a body may be called more than
// once, and changes nothing besides the database.
bool store_transaction(struct store *store, bool (*body)(struct store *store, void *context),
                       void *context);
// wait: returns when there may be room again, or false with a message to give up.
void store_when_full(struct store *store, bool (*wait)(void *context), void *context);

// The parts of it, for store_create() and for changes that are no transaction of one file.
bool store_begin(struct store *store);
bool store_commit(struct store *store);
void store_rollback(struct store *store); // no error when there is no transaction

// JSON values of the study under names (schema.sql). *value is NULL when there is none; the caller
// deletes it.
bool store_put(struct store *store, const char *key, const struct cJSON *value);
bool store_get(struct store *store, const char *key, struct cJSON **value);

// What a group's data was when the study first read it; *fingerprint is 0 when it has not yet (read
// from any format).
bool store_get_dataset(struct store *store, const char *key, uint64_t *fingerprint);
// The raters of its samples when the study began; *raters is NULL where no data was read yet. Read
// from any format; the caller deletes it.
bool store_get_raters(struct store *store, struct cJSON **raters);
// images: names of the validation samples, [name...], in the order of the counts in
// vkgrid_overlaps; of cells with folds (grid.h) one such list for each fold, [[name...]...], of
// which run r has the one of cell_fold(). *has: not of a study that an older format began.
bool store_put_dataset(struct store *store, const char *key, uint64_t fingerprint,
                       const struct cJSON *images);
bool store_has_images(struct store *store, const char *key, bool *has);
// *images is NULL where they are not known; the caller deletes it.
bool store_get_images(struct store *store, const char *key, struct cJSON **images);

// --- Trials -------------------------------------------------------------------------------------

// A parameter as Optuna has it: axes.h makes both.
struct store_param {
    const char *name, *distribution;
    double value;
};

// Optuna's study of that name, which is made if it is not there. Direction: minimize.
bool store_task(struct store *store, const char *name, int64_t *task);

// A new WAITING trial for a cell, the last one of its task. `values` are the cell's options, and
// `fixed` those that are parameters of the trial, as Optuna's enqueue_trial() leaves them. A cell
// that has a trial already belongs to the new one from then on.
bool store_add_trial(struct store *store, int64_t task, int cell, const struct cJSON *values,
                     const struct cJSON *fixed, const struct store_param *params, int count);

enum trial_state { TRIAL_WAITING, TRIAL_RUNNING, TRIAL_COMPLETE, TRIAL_FAIL, TRIAL_PRUNED };
const char *trial_state_name(enum trial_state state); // as Optuna spells them
bool trial_state_parse(const char *text, enum trial_state *state);

// Calls `each` with every cell whose trial says that its weights are not kept.
bool store_beaten(struct store *store, bool (*each)(void *context, int cell), void *context);

// A cell's trial as it stands.
struct store_trial {
    int cell;
    int64_t id;
    enum trial_state state;
    double value;     // NaN when it has none
    char *options;    // JSON: the values of its axes
    char *attributes; // JSON object: its user attributes
    int stream;       // what its random numbers are drawn by; -1: its number
    bool outside;     // not of the grid any more
    bool reopened;    // it was over, and has more to train; the trial stays until that is done
};

// Calls `each` with the trials of all cells, in the order of the cells; the texts are `each`'s only
// while it runs.
bool store_trials(struct store *store, bool (*each)(void *context, const struct store_trial *trial),
                  void *context);

// Trials that somebody else has put in the queue (Optuna's enqueue_trial()).
struct store_request {
    int64_t id;
    int number;   // of the trial, as Optuna shows it
    char *task;   // name of Optuna's study
    char *values; // JSON: fixed_params
};
bool store_requests(struct store *store,
                    bool (*each)(void *context, const struct store_request *request),
                    void *context);
// Makes such a trial that of a cell; its parameters are written if they are not there.
bool store_adopt(struct store *store, int64_t trial, int cell, const struct cJSON *values,
                 const struct store_param *params, int count);
// Ends it as failed with a reason.
bool store_refuse(struct store *store, int64_t trial, const char *why);

// A trial begins, again if it was over (a pruned one that goes on); one of a cell that was opened
// again stays as it is.
bool store_start_cell(struct store *store, int cell);
// Ends the trial. value: NaN where it has none. attributes: user attributes that replace those of
// the same names.
bool store_finish_cell(struct store *store, int cell, enum trial_state state, double value,
                       const struct cJSON *attributes);
// The value of a complete trial.
bool store_set_value(struct store *store, int cell, double value);
// One user attribute of a cell's trial.
bool store_set_attribute(struct store *store, int cell, const char *key, const char *json);
// The cell's weights are not kept: its attributes "weights" and "fold_weights" say so.
bool store_no_weights(struct store *store, int cell);
// Takes that one from all trials.
bool store_clear_attribute(struct store *store, const char *key);
// *value is NULL when there is none; the caller deletes it.
bool store_get_attribute(struct store *store, int cell, const char *key, struct cJSON **value);
// All of them, as one object that the caller deletes.
bool store_attributes(struct store *store, int cell, struct cJSON **attributes);

// --- Runs ---------------------------------------------------------------------------------------

struct store_run {
    int run;
    enum trial_state state;      // never waiting: a run that has not begun has no row
    int attempts;                // how often it has failed
    struct run_result result;    // its failure is a copy that the caller frees
    const char *device, *driver; // NULL when they are read
};
// A run begins: all of its row. A run changes: all but the device.
bool store_put_run(struct store *store, int cell, const struct store_run *run);
bool store_set_run(struct store *store, int cell, const struct store_run *run);

// Appends an epoch, `epoch_index` of them having been done before it, over all rounds; `metrics` is
// the table of its optimiser steps [step_count][METRIC_COUNT] or NULL.
bool store_put_epoch(struct store *store, int cell, int run, int epoch_index,
                     const struct epoch_result *epoch, const float *metrics, int step_count);

// Pixel counts of an epoch; the caller's function must not keep what it gets.
bool store_put_overlaps(struct store *store, int cell, int run, int epoch_index,
                        const struct overlaps *overlaps);
bool store_remove_overlaps(struct store *store, int cell, int run, int epoch_index);
bool store_overlaps(struct store *store, int cell,
                    bool (*each)(void *context, int run, int epoch_index,
                                 const struct overlaps *overlaps),
                    void *context);

// Those of the weights of all complete runs, in the order of cell and run.
bool store_kept_overlaps(struct store *store,
                         bool (*each)(void *context, int cell, int run,
                                      const struct overlaps *overlaps),
                         void *context);

bool store_put_checkpoint(struct store *store, int cell, int run, const struct run_state *state);
bool store_remove_checkpoint(struct store *store, int cell, int run);

// Forgets all epochs of a run but the first `epochs_done`; where none is left also its checkpoint.
bool store_cut_run(struct store *store, int cell, int run, int epochs_done);
// Forgets all runs of a cell.
bool store_clear_cell(struct store *store, int cell);

// What is there of a cell: runs, epochs in order, checkpoints. Any function may be NULL.
struct store_reader {
    void *context;
    bool (*run)(void *context, const struct store_run *run);
    bool (*epoch)(void *context, int run, int epoch_index, const struct epoch_result *epoch,
                  const float *metrics, int step_count);
    bool (*checkpoint)(void *context, int run, const struct run_state *state);
};
bool store_read_cell(struct store *store, int cell, const struct store_reader *reader);

// The checkpoints of all runs.
bool store_checkpoints(struct store *store,
                       bool (*each)(void *context, int cell, int run,
                                    const struct run_state *state),
                       void *context);

bool store_last_value(struct store *store, int cell, double *value); // NaN when there is none

// Intermediate values of all trials of a cell's task, trial after trial: [epochs], NaN for gaps.
// Not of cells outside the grid.
bool store_curves(struct store *store, int cell,
                  bool (*each)(void *context, int cell, enum trial_state state,
                               const double *values, int epochs),
                  void *context);
