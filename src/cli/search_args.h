// SPDX-License-Identifier: MIT
// What the command line of `vkgrid search` asks for.
#pragma once

#include "cli/held_study.h"

struct grid;

struct search_args {
    struct options options;
    struct grid *grid;
    bool bundled;           // the sample study
    bool goes_on;           // with the grid and the settings of the study that `out` holds
    struct held_study held; // that
    bool data_told;         // that the data moved
    char *out, *data;       // data: NULL where the grid says it
    int *cells, cell_count; // NULL: all, also those that are not known yet
    int shard, shards;      // 0: not split
};

// Fills in the rest by the options, which have been parsed: reads the grid, chooses folders and the
// shard. The caller frees it, also after an error.
bool search_args_read(struct search_args *args);
// Chooses the cells, by the numbers that the grid has now.
bool search_args_select(struct search_args *args);
void search_args_free(struct search_args *args);

// Says on stderr into how many folds the subjects are cut, and that cells of several partitions are
// not comparable.
void tell_folds(const struct grid *grid);
