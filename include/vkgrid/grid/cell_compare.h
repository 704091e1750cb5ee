// SPDX-License-Identifier: MIT
// What a cell has become when its options change: the same, the same with more to train, or
// another one.
#pragma once

#include "vkgrid/base/memory.h"
#include "vkgrid/grid/grid.h"

struct cell_changes {
    bool more_runs, fewer_runs;     // until
    bool more_epochs, fewer_epochs; // of the last round alone
    struct text others; // "; lr: 0.2 instead of 0.1" for whatever else differs; bytes NULL: nothing
                        // does. The caller frees them
};

// Adds to the changes how `now` differs from `before` in what it trains: its number, where its data
// lie, and subjects of the test are none of it.
void cell_compare(const struct cell *now, const struct cell *before, struct cell_changes *changes);

// Whether a key has the same meaning in both.
bool cell_same_key(const struct cell *one, const struct cell *other, const char *key);

// Adds "; <key>: <now> instead of <before>"; NULL is nothing. A key that is named already is left
// out.
void cell_add_difference(struct text *list, const char *key, const struct cJSON *now,
                         const struct cJSON *before);

// Cells with equal keys train the same bits, run for run, by the same streams of random numbers and
// the same data. The caller frees it.
char *cell_training_key(const struct cell *cell);
