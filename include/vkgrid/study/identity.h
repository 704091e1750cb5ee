// SPDX-License-Identifier: MIT
// Which study a folder holds: one goes on, and its parts are merged, only with the same numerics,
// meaning of the grid and settings that bind; anything else would mix numbers that do not belong
// together. Its data are known by their fingerprints (store_get_dataset()), weights that it begins
// with by theirs (weight_files.h). Paths, names, device and machine are no part of it.
#pragma once

#include "vkgrid/store/store.h"

struct cJSON;
struct text;

struct identity {
    int numerics;           // NUMERICS_VERSION
    struct cJSON *grid;     // {"static": {...}, "hyper": {...}}, raters included
    struct cJSON *settings; // sampler, log_steps, prune, matrix; weight_files.h; and what is worth
                            // knowing: trials, keep, data (the whole path), shard, command
};

// What study.db says. identity_free() leaves an empty one.
bool identity_read(struct store *store, struct identity *identity);
void identity_free(struct identity *identity);

// Inside a transaction (store.h).
bool identity_write(struct store *store, const struct identity *identity);

// Gives `theirs` the paths and names of `mine` that are no part of a study, so that grids that mean
// the same are written alike.
void identity_match(const struct identity *mine, struct identity *theirs);

// Adds "; <key>: <a's> instead of <b's>" for whatever differs of numerics, settings and weight
// files; what became of the grid is told by growth.h.
void identity_compare(struct text *list, const struct identity *a, const struct identity *b);
