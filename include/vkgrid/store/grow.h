// SPDX-License-Identifier: MIT
// What changes in study.db when a study's grid becomes another one. All that writes is called
// inside a transaction (store.h), on a file of STORE_FORMAT.
#pragma once

#include "vkgrid/store/store.h"

// A cell as the study has it, read from any format; the text is `each`'s only while it runs.
struct store_cell {
    int cell;
    char *options; // JSON: the values of its axes
    int stream;    // what its random numbers are drawn by; -1: its number
    bool outside;
};
bool store_cells(struct store *store, bool (*each)(void *context, const struct store_cell *cell),
                 void *context);

// Cells that are not outside the grid.
bool store_count_inside(struct store *store, int64_t *count);

// Cells that are complete, of any format.
bool store_count_finished(struct store *store, int64_t *count);

// Runs that have begun, in the order of cell and run, from any format.
struct store_length {
    int cell, run;
    enum trial_state state;
    int epochs;
    bool checkpoint; // one is kept
};
bool store_lengths(struct store *store, bool (*each)(void *context, const struct store_length *run),
                   void *context);

// Gives cells that have no value of an axis this one (JSON).
bool store_complete_cells(struct store *store, const char *key, const char *value);
// The same of cells outside the grid alone, and any key.
bool store_complete_outside(struct store *store, const char *key, const char *value);

// A parameter of trials as Optuna has it becomes another distribution: `value_of` says what a value
// of the old one is in it; NULL: the same. Trials that have no such parameter, and are over or a
// cell's, get `missing` where that is not NULL.
struct store_redistribution {
    const char *name, *distribution;
    bool (*value_of)(void *context, const char *distribution, double value, double *now);
    void *context;
    const double *missing;
};
bool store_redistribute(struct store *store, const struct store_redistribution *change);

// Marks a cell as outside the grid, or takes the mark away; its trial has the user attribute
// "outside_grid" then.
bool store_set_outside(struct store *store, int cell, bool outside);
bool store_set_stream(struct store *store, int cell, int stream);

// A cell that is over has more to train.
bool store_reopen_cell(struct store *store, int cell);
// A run that was complete has more epochs to train.
bool store_reopen_run(struct store *store, int cell, int run);
