// SPDX-License-Identifier: MIT
// What `report` and `status` ask of a study.db.
//
// A query calls its function with one row after the other until it returns false with an error set,
// to which the path is added. A number of a row is NaN, and a text NULL, where the database has
// something else; a number is finite, and a text is UTF-8 (U+FFFD stands for what was not). Whether
// it has a meaning is for the caller to check, integers too. Texts are the function's only while it
// runs.
#pragma once

#include "vkgrid/store/view.h"

// JSON values of the study under names (schema.sql).
struct view_value {
    const char *key;
    struct json_text json;
};
bool view_values(struct store_view *view, bool (*each)(void *context, const struct view_value *row),
                 void *context);

// Fingerprints of the data sets, each once; NULL where one is no text.
bool view_datasets(struct store_view *view, bool (*each)(void *context, const char *fingerprint),
                   void *context);

// Optuna's studies, one for each pair of inputs and prediction, in the order of their numbers.
struct view_task {
    double id;
    const char *name;
};
bool view_tasks(struct store_view *view, bool (*each)(void *context, const struct view_task *row),
                void *context);

// Cells of the grid with the trial that tells of each now, as store_view_choose() has them.
struct view_cell {
    int cell;
    double task; // number of its study
    const char *task_name;
    const char *state;       // as Optuna spells it
    double dice;             // the trial's value
    double loss;             // its attribute of that name
    const char *start, *end; // UTC
    struct json_text options;
    bool reopened; // complete, with more to train
};
bool view_cells(struct store_view *view, bool (*each)(void *context, const struct view_cell *row),
                void *context);
// The same of all cells, task by task, each in the order of the dice loss; what has none comes
// first.
bool view_ranking(struct store_view *view, bool (*each)(void *context, const struct view_cell *row),
                  void *context);

// Those outside the grid, which the queries above leave out, in the order of their numbers.
bool view_outside(struct store_view *view, bool (*each)(void *context, const struct view_cell *row),
                  void *context);

// User attributes of the cells' trials which say how the score came about: run, round, epoch, loss,
// kept, labels, over_runs, device, weights, fold_weights, failed_runs, failure. As
// store_view_choose() has them.
struct view_attribute {
    int cell;
    const char *key;
    struct json_text json;
};
bool view_attributes(struct store_view *view,
                     bool (*each)(void *context, const struct view_attribute *row), void *context);
bool view_attributes_of(struct store_view *view, int cell,
                        bool (*each)(void *context, const struct view_attribute *row),
                        void *context);

// Runs in the order of cell and run, as store_view_choose() has them.
struct view_run {
    int cell, run;
    const char *state, *device, *failure;
    int attempts; // how often it has failed
    double best_round, loss, dice;
    double seconds; // of training
};
bool view_runs(struct store_view *view, bool (*each)(void *context, const struct view_run *row),
               void *context);

// Trials of Optuna's that became no cells, in the order of their studies and numbers.
struct view_refused {
    const char *task;
    int number; // of the trial, as Optuna shows it
    struct json_text why;
};
bool view_refused(struct store_view *view,
                  bool (*each)(void *context, const struct view_refused *row), void *context);

// Epochs in the order of cell, run and epoch_index, as store_view_choose() has them.
struct view_epoch {
    int cell, run;
    int epoch_index; // epochs before it, over all rounds
    int round;
    double val_dice, val_loss, trn_dice, trn_loss;
};
bool view_epochs(struct store_view *view, bool (*each)(void *context, const struct view_epoch *row),
                 void *context);

// What a device did for a task: epochs of runs, and the seconds in which it did them, runs of a
// pack at once.
struct view_device {
    const char *device, *driver, *task;
    double epochs, seconds;
};
bool view_devices(struct store_view *view,
                  bool (*each)(void *context, const struct view_device *row), void *context);

// Of all cells: how many runs there are, and for each task and device the seconds of them all.
bool view_run_count(struct store_view *view, double *count);
bool view_run_seconds(struct store_view *view,
                      bool (*each)(void *context, double task, const char *device, double seconds),
                      void *context);
