// SPDX-License-Identifier: MIT
// Which study a folder holds. One goes on, and its parts are merged, only with the same numerics,
// grid and settings: anything else would mix numbers that do not belong together.
#pragma once

#include "vkgrid/store/store.h"

struct cJSON;
struct text;

struct identity {
    int numerics;           // NUMERICS_VERSION
    struct cJSON *grid;     // {"static": {...}, "hyper": {...}}
    struct cJSON *settings; // what changes numbers or files, and what is worth knowing
};

// What study.db says. identity_free() leaves an empty one.
bool identity_read(struct store *store, struct identity *identity);
void identity_free(struct identity *identity);

// Inside a transaction (store.h).
bool identity_write(struct store *store, const struct identity *identity);

// Adds "; <key>: <a's> instead of <b's>" for whatever differs. Settings: all that either has.
void identity_compare(struct text *list, const struct identity *a, const struct identity *b);
