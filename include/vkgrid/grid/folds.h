// SPDX-License-Identifier: MIT
// Folds: all subjects of the training and validation lists in K parts, each of which validates once
// while the others train (spec.md section 2).
//
// The rule: the subjects of both lists, joined as they stand there, are numbered from 0 and
// shuffled by random_shuffle() with the stream (seed of the cell, 0, 0, RANDOM_FOLDS). Fold 0 is
// the first of them, fold 1 the next, and so on; of n subjects each fold has n / K, and each of the
// first n % K folds one more. All samples of a subject are in its fold. Within a fold's lists
// subjects stand in the order of the partition. Subjects of the test are in no fold.
#pragma once

#include "vkgrid/grid/grid.h"

// The fold of each of so many subjects; 1 <= folds <= subjects. The caller frees it.
int *folds_draw(uint64_t seed, int subjects, int folds);

// [[training], [validation]] of a fold, and the test where there is one: a plain cell with it is
// trained on the fold's data. fold -1: all of both lists train. The caller deletes it.
struct cJSON *partition_of_fold(const struct cJSON *partition, int folds, uint64_t seed, int fold);

// As cell_samples(), of a fold of a cell that has folds.
void cell_fold_samples(const struct cell *cell, int fold, struct sample_names *samples);
// As options_samples(). fold: of the network that is meant, -1: not known, or it has none.
bool options_fold_samples(const struct cJSON *options, const char *where, int fold,
                          struct sample_names *samples);

// As cell_shape(): of the samples of a fold.
struct unet_shape cell_fold_shape(const struct cell *cell, int fold);

// Folds of the cell that train on a subject more than the others; these come first.
int cell_larger_folds(const struct cell *cell);

// A fold in the data set that cell_load_data() reads of a cell with folds, in which all samples are
// those of training.
struct data_fold {
    uint32_t *samples;  // [dataset->count]: their places, those that train first
    int training_count; // how many of them train
};
// The folds of a cell, [cell->folds]; NULL for a cell without folds.
struct data_fold *data_folds(const struct cell *cell, const struct dataset *dataset);
// Fails unless each label reaches 0.5 in a training sample of each fold, as summary_check_labels().
bool data_folds_check_labels(const struct cell *cell, const struct dataset *dataset);
void data_folds_free(struct data_fold **folds, int count); // accepts NULL, writes NULL
