// SPDX-License-Identifier: MIT
// Finished cells of another study that this one would train the same bits of: the same options but
// for paths, the same data, numerics and settings. They are taken with the stream of random numbers
// that they have there.
#pragma once

#include "vkgrid/study/identity.h"
#include "vkgrid/study/score.h"

struct taken_cell {
    int cell, from; // its numbers here and there
    struct score score;
    bool weights; // there are files of them there
};

struct taking {
    char *folder; // of the other study
    struct store *store;
    struct taken_cell *items; // by `cell`
    int count;
    int wanted;                             // cells here that have not begun
    int unfinished, other_runs, other_data; // of them: what is there but cannot be taken
    bool streams;                           // any has another number there
    int *led, led_count;                    // cells here that led their tasks before
    char **data;                            // keys of the data sets that both have
    int data_count;
};

// Chooses the cells for those here that wait, by their scores, [cell of the grid]; the grid gets
// their streams. mine: of the study here. Fails when the other study can give none: its numerics or
// settings are others. Writes nothing.
bool taking_choose(struct taking *taking, const char *folder, const struct identity *mine,
                   struct grid *grid, const struct score *scores);

// Copies the files of a chosen cell, with or without its weights, into `to`; then
// taking_write_rows() for all.
bool taking_write_files(const struct taking *taking, const struct taken_cell *taken,
                        const struct grid *grid, const char *to, bool weights, bool steps);
// out: the study's folder; kept: [item] whether its weights were copied.
bool taking_write_rows(const struct taking *taking, const struct grid *grid, struct store *store,
                       const bool *kept);

// "12 of 40 cells are taken from OTHER; of 28 it has none": for people. The caller frees it.
char *taking_text(const struct taking *taking);
void taking_free(struct taking *taking); // leaves none
