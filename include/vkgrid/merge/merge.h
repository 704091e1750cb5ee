// SPDX-License-Identifier: MIT
// Joining the folders of a study's shares (shard.h) into one.
//
// Cells are the same that have the same number; where parts grew or Optuna chose them, those that
// have the same values and stream of random numbers (src/merge/match.h). Data may lie elsewhere for
// each part: they are known by their fingerprints.
//
// For each cell the folder where it got furthest counts: complete, then failed, pruned, in
// training, waiting; among these the one with more epochs, then the first. Everything of the cell
// comes from there: rows of study.db, the folder cells/<cell>, and the checkpoints of one that is
// not over, so that a search goes on with it in the joined folder. Trials keep their numbers;
// failed trials of cells that were tried again are the last of their tasks. Under --keep best
// weights that were beaten are left out.
//
// The joined study.db is written under another name and renamed when all files are there: a merge
// that is stopped in any way leaves the study that was there, and can be repeated. Done twice it
// changes nothing.
#pragma once

#include <stdbool.h>

struct merge_options {
    const char *const *folders; // of one study, in none of which a search is at work
    int count;
    const char *out; // new, or the folder of an earlier merge, or one of the above; as the first of
                     // them
};

struct merge_result {
    int folders, cells;
    int complete, failed, pruned; // of the cells
    int taken;                    // of the cells: are not from `out`
    int conflicts;                // cells that are complete in two folders with different results
    char *conflict;               // the first of them, one line for people, or NULL
};

// Errors list everything in which a folder differs from the first.
bool study_merge(const struct merge_options *options, struct merge_result *result);
void merge_result_free(struct merge_result *result); // leaves an empty result
