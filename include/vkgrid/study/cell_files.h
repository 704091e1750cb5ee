// SPDX-License-Identifier: MIT
// The files that tell of a cell (docs/spec.md, section 7).
#pragma once

#include "vkgrid/study/record.h"

// After the runs have been read from study.db: removes what an unfinished training may have left in
// the folder, and finds the weights that are there.
void cell_files_clean(struct record *record);

// Writes the weights of a run if they are the best so far of their network.
bool cell_files_weights(struct record *record, int run, const struct tensors *weights);

// Writes the files of a cell whose runs are all over, training.tsv last.
bool cell_files_write(const struct record *record, bool steps);
