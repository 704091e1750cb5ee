// SPDX-License-Identifier: MIT
// The study that the folder of a search holds: what it says of a search that goes on.
#pragma once

#include "cli/options.h"
#include "vkgrid/study/identity.h"

struct grid;

struct held_study {
    struct store *store; // NULL: nothing was asked of it
    struct identity identity;
    char *where;               // its study.db, for messages
    char *pretrained, *trials; // texts of options
};

bool held_open(struct held_study *held, const char *out);
void held_close(struct held_study *held); // leaves none

// Whether it is the bundled sample study, by where its data were written.
bool held_is_sample(const struct held_study *held, const char *out);
bool held_has_data(const struct held_study *held); // whether they are still there

// Gives options that do not stand on the command line what the study was begun with, as far as that
// is its own: sampler, trials, prune, matrix, keep, log-steps, format, cells, pretrained.
bool held_fill_options(struct held_study *held, struct options *options);
// Its part of a sharded search; *shards is 0 where it is whole.
bool held_shard(const struct held_study *held, int *shard, int *shards);

// Where the grid's data folder is not there, or it names none, gives it that of the study: where it
// was, or a folder beside the study with the same data. Says so in one line (*told), and also that
// none was found.
bool held_find_data(struct held_study *held, const char *out, struct grid *grid, bool *told);
