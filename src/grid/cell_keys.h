// SPDX-License-Identifier: MIT
// The keys of a grid: one table says what may stand under each and what holds when it is left out.
#pragma once

#include "vkgrid/grid/grid.h"

// The original trains every set of inputs, one after the other, when none is named, or "all".
#define ONE_SET \
    "one set of features is allowed (anat, full, ...; train: --inputs); for each of several, as the original " \
    "trains them in turn, a grid has a list under hyper"

enum presence {
    KEY_REQUIRED,
    KEY_OPTIONAL,
    KEY_STATIC,   // optional, and the same in all cells
    KEY_OF_STUDY, // no part of a cell's options
    KEY_IGNORED,  // nor of anything else: the original has it
};

struct cell_key {
    const char *name;
    // Checks a value and notes it in the cell. Texts stay those of the value.
    bool (*read)(const struct cJSON *value, const char *where, struct cell *cell);
    enum presence presence;
    const char *fallback; // JSON text that holds when the key is left out, or NULL
};

extern const struct cell_key
    cell_keys[]; // in the order in which options are written; ends with a NULL name

const struct cell_key *cell_key_find(const char *name); // or NULL

// The names of all keys; NULL-terminated. A grid numbers its cells itself: "cell" stands in options
// only.
const char *const *cell_key_names(bool options);

// "pretrained": true, false, a file, or an object with a file for each base model.
bool pretrained_check(const struct cJSON *value, const char *where);
// Once all keys of the cell are known: puts the file of its base model in the place of the object,
// and notes it.
bool pretrained_resolve(struct cell *cell, const char *where);
// "normalize": one of NORMALIZE_ALLOWED, or an object with one for each feature that has another
// than none.
bool normalize_check(const struct cJSON *value, const char *where);
// Once the cell's features are known; `sets`: those of "features" as they were given. Notes what
// the cell's own features have, and leaves that alone in its options.
bool normalize_resolve(struct cell *cell, const struct cJSON *sets, const char *where);
// Fails unless each fold has a subject of the partition, which may be missing.
bool folds_check(const struct cJSON *partition, int folds, const char *where);
// Whether any feature of the cell is normalised.
bool cell_normalizes(const struct cell *cell);
