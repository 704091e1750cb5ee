// SPDX-License-Identifier: MIT
// Rows of one study.db into another of the same study: what a merge of shares is made of (merge.h).
#pragma once

#include "vkgrid/store/store.h"

// Copies a whole database into a new file, as of now.
bool store_copy(struct store *store, const char *path);

// Another study.db of the same study beside this one, one at a time. Until it is detached all is
// one transaction, which only writes to this one.
bool store_attach(struct store *store, const char *path);
bool store_detach(struct store *store);

// Takes all that the other one has of its cell `from` in the place of what is here of `cell`: how
// its trial stands (here it keeps its number), runs, epochs, steps, checkpoints.
bool store_take_cell(struct store *store, int cell, int from);

// The same as a new cell, whose trial is the last of its task. options: {axis: value} as JSON.
// outside: no cell of the grid that this study has.
bool store_join_cell(struct store *store, int cell, int from, const char *options, bool outside);

// The same of a cell that has another number there, `from`, and whose trial here keeps its
// parameters: how it stands, its scores, curve and user attributes.
bool store_take_cell_as(struct store *store, int cell, int from);

// Takes what belongs to no cell: failed trials whose cells were tried again, as the last trials of
// their tasks, and what data groups were trained on. What is here already stays as it is.
bool store_take_rest(struct store *store);

// The latter of one data set alone.
bool store_take_dataset(struct store *store, const char *key);

// How many data sets both know of which they differ.
bool store_compare_datasets(struct store *store, int64_t *differing);

// Forgets a JSON value of the study.
bool store_remove(struct store *store, const char *key);
