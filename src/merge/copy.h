// SPDX-License-Identifier: MIT
// The files of a study's folder, besides study.db, on their way into another folder.
#pragma once

#include "vkgrid/store/store.h"

bool copy_file(const char *from, const char *to);

// Copies the folder of a part's cell, if there is one, to that of the joined study's, with or
// without the weights in it.
bool copy_cell_files(const char *from, int part_cell, const char *to, int cell, bool weights);

// Copies the files of a run's checkpoint that are there: without them the run begins again.
bool copy_checkpoint_files(const char *from, int part_cell, const char *to, int cell, int run,
                           const struct run_state *state);

// Removes the weights in the folder of a cell.
bool copy_remove_weights(const char *out, int cell);
