// SPDX-License-Identifier: MIT
// What study the parts make: whether they are parts of one, its settings, grid and cells.
#pragma once

#include "merge/match.h"
#include "vkgrid/study/identity.h"

struct joined {
    const char *const *folders; // [part]
    int parts;
    struct identity *identities; // [part]; the first with the settings of the joined study
    struct grid *grid;           // of the part that grew most, with the joined study's numbers
    bool plain;                  // all parts have the same grid, and number their cells alike
    struct matches matches;
};

// Reads all parts; fails when one is of another study, listing everything in which it differs from
// the first. Brings those to the format of today that this program may train.
bool joined_read(struct joined *joined, const char *const *folders, int parts);
void joined_free(struct joined *joined);

// Opens a part to write: SQLite then undoes what a killed process has left half done.
bool joined_open(const char *folder, struct store **store);

// Writes what is not that of the first part into its copy: grid and settings, which cells are
// outside the grid, and which have more to train than any part has done.
bool joined_write(const struct joined *joined, struct store *store);
