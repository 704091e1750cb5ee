// SPDX-License-Identifier: MIT
// The data of a study that are not where they were: they are known by their fingerprint.
#pragma once

#include "vkgrid/base/hash.h"
#include "vkgrid/store/store.h"

#include <stdbool.h>

struct grid;

struct moved_data {
    char *found;  // whole path, or NULL
    char *beside; // the folder that was looked in
    int tried;    // folders in it that have what the study's cells ask for
    char
        fingerprint[HASH_TEXT]; // of the data that are looked for; "" where the study has read none
};

// Looks for a folder with the data that the study in `out` began with: in the folder that `out` is
// in, first by the name that the grid's data folder had. Reads the data of every folder that has
// the sources of a cell.
bool moved_data_find(const char *out, const struct grid *grid, struct store *store,
                     struct moved_data *moved);
void moved_data_free(struct moved_data *moved);

// A cell whose data the study has read, by the lowest number: its key and fingerprint. *key is NULL
// where there is none; the caller frees it.
struct cell;
bool moved_data_known(const struct grid *grid, struct store *store, struct cell *cell, char **key,
                      uint64_t *fingerprint);
